/* SPDX-License-Identifier: MIT
 * unpack_stream.c - see unpack_stream.h.
 */
#include "engine/unpack/unpack_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* A bomb, once 100 MiB have come out: deflate cannot do better than 1032:1, so this never
 * refuses a gzip layer (its size is still limited). */
enum { RATIO_MAX = 1100 };

enum {
	BLOCK = 512, /* of a tar */
	/* What libarchive may read before it has an entry's header, extended headers and
	 * the map of a sparse file included: it keeps 48 bytes for each row of such a
	 * map, which can be as short as 4. */
	HEADER_MAX = 4 << 20,
};

enum stream_phase { PHASE_HEADER, PHASE_DATA };

struct unpack_stream {
	struct unpack_source source;
	enum stream_phase phase;
	uint64_t header_end;   /* `unpacked` must not pass it in PHASE_HEADER */
	bool is_filled;	       /* the last block was incomplete and was filled up */
	bool has_nonzero_tail; /* the incomplete last block has data that is not zero */
	struct archive *raw;   /* decompresses */
	struct archive *tar;
	struct hasher *hasher;
	uint64_t packed;   /* compressed bytes read */
	uint64_t unpacked; /* bytes after decompression */
	uint64_t reported; /* value of `packed` when progress was last called */
	bool raw_ended;
	struct err *error; /* from a callback; libarchive only hears that there is one */
	unsigned char chunk[CHUNK];
};

static la_ssize_t read_blob(struct archive *raw, void *context, const void **data)
{
	struct unpack_stream *s = context;
	ssize_t n;

	do
		n = pread(s->source.blob_fd, s->chunk, CHUNK, (off_t)s->packed);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (!s->error)
			s->error = err_sys("read layer");
		archive_set_error(raw, EIO, "read failed");
		return -1;
	}
	s->packed += (uint64_t)n;
	if (s->source.progress && (n == 0 || s->packed - s->reported >= MIB(1))) {
		s->source.progress(s->source.context, s->packed);
		s->reported = s->packed;
	}
	*data = s->chunk;
	return n;
}

static struct err *archive_error(struct unpack_stream *s, struct archive *a)
{
	const char *text = archive_error_string(a);

	if (s->error)
		return STEAL(s->error);
	return err_new(ERR_CORRUPT, "%s", text ? text : "damaged archive");
}

/* The next decompressed bytes, counted and hashed; `*size` 0 at the end. */
static struct err *next_raw(struct unpack_stream *s, const void **data, size_t *size)
{
	la_int64_t offset;
	int status;

	*data = NULL;
	*size = 0;
	/* libarchive may give an empty block before the end. */
	while (!s->raw_ended && *size == 0) {
		status = archive_read_data_block(s->raw, data, size, &offset);
		if (status == ARCHIVE_EOF)
			s->raw_ended = true;
		else if (status != ARCHIVE_OK)
			return archive_error(s, s->raw);
	}
	if (s->raw_ended)
		*size = 0;
	s->unpacked += *size;
	hasher_update(s->hasher, *data, *size);
	if (s->unpacked > s->source.stream_max)
		return err_new(ERR_CORRUPT, "layer unpacks to more than %llu bytes",
			       (unsigned long long)s->source.stream_max);
	if (s->unpacked > MIB(100) && s->unpacked / RATIO_MAX > s->packed)
		return err_new(ERR_CORRUPT,
			       "layer unpacks to more than %d times its size", RATIO_MAX);
	return NULL;
}

static void note_tail(struct unpack_stream *s, const unsigned char *data, size_t size)
{
	size_t tail = s->unpacked % BLOCK;

	if (tail <= size)
		s->has_nonzero_tail = false;
	for (size_t i = size - (tail < size ? tail : size); i < size; i++)
		s->has_nonzero_tail = s->has_nonzero_tail || data[i] != 0;
}

/*
 * Some tools write nothing after the last byte of the last entry, or stop within the
 * zeros at the end.  libarchive wants whole blocks: the last one is filled with zeros.
 * If that block should hold a file's data, next_piece() finds out; a header is
 * never filled, except one that is all zeros, which is the end.
 */
static size_t fill_block(struct unpack_stream *s, const void **data)
{
	static const char zeros[BLOCK];
	size_t tail = s->unpacked % BLOCK;

	if (tail == 0 || s->is_filled ||
	    (s->phase == PHASE_HEADER && s->has_nonzero_tail))
		return 0;
	s->is_filled = true;
	*data = zeros;
	return BLOCK - tail;
}

static struct err *next_block(struct unpack_stream *s, const void **data, size_t *size)
{
	TRY(next_raw(s, data, size));
	if (s->phase == PHASE_HEADER && s->unpacked > s->header_end)
		return err_new(
			ERR_CORRUPT,
			"the headers of an entry, or the map of a sparse file, take "
			"more than %d MiB",
			HEADER_MAX >> 20);
	note_tail(s, *data, *size);
	if (*size == 0)
		*size = fill_block(s, data);
	return NULL;
}

static la_ssize_t feed_tar(struct archive *tar, void *context, const void **data)
{
	struct unpack_stream *s = context;
	size_t size;
	struct err *e = next_block(s, data, &size);

	if (!e)
		return (la_ssize_t)size;
	if (s->error)
		err_ignore(e, "the first one counts");
	else
		s->error = e;
	archive_set_error(tar, EIO, "decompression failed");
	return -1;
}

/*
 * Take off one compression, as all readers of layers do.  By default libarchive looks for
 * another one in the output, 25 deep: a few kilobytes could cost hours of work, for
 * nothing.
 */
static struct err *choose_filter(struct unpack_stream *s)
{
	unsigned char magic[4] = {0};
	int filter = ARCHIVE_FILTER_NONE;

	if (pread(s->source.blob_fd, magic, sizeof(magic), 0) < 0)
		return err_sys("read layer");
	if (memcmp(magic, "\x1f\x8b\x08", 3) == 0)
		filter = ARCHIVE_FILTER_GZIP;
	/* A zstd frame, or a skippable one (RFC 8878, 3.1). */
	if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ||
	    ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, "\x2a\x4d\x18", 3) == 0))
		filter = ARCHIVE_FILTER_ZSTD;
	/* ARCHIVE_WARN would mean that libarchive runs a program instead. */
	if (filter != ARCHIVE_FILTER_NONE &&
	    archive_read_append_filter(s->raw, filter) != ARCHIVE_OK)
		return err_new(ERR_UNSUPPORTED,
			       "libarchive was built without zlib or libzstd");
	return NULL;
}

static struct err *open_raw(struct unpack_stream *s)
{
	struct archive_entry *entry;
	int status;

	TRY(choose_filter(s));
	if (archive_read_support_format_raw(s->raw) != ARCHIVE_OK ||
	    archive_read_support_format_empty(s->raw) != ARCHIVE_OK)
		return archive_error(s, s->raw);
	/* libarchive takes data that it cannot decompress from the first byte for an
	 * empty file. */
	if (archive_read_open(s->raw, s, NULL, read_blob, NULL) != ARCHIVE_OK ||
	    archive_error_string(s->raw))
		return archive_error(s, s->raw);
	status = archive_read_next_header(s->raw, &entry);
	s->raw_ended = status == ARCHIVE_EOF;
	if (status != ARCHIVE_OK && status != ARCHIVE_EOF)
		return archive_error(s, s->raw);
	if (s->raw_ended && s->packed > 0 && archive_filter_bytes(s->raw, -1) == 0)
		return err_new(ERR_CORRUPT, "damaged from the first byte on");
	return NULL;
}

static struct err *open_tar(struct unpack_stream *s)
{
	if (archive_read_support_format_tar(s->tar) != ARCHIVE_OK ||
	    archive_read_support_format_empty(s->tar) != ARCHIVE_OK ||
	    archive_read_open(s->tar, s, NULL, feed_tar, NULL) != ARCHIVE_OK)
		return archive_error(s, s->tar);
	return NULL;
}

struct err *unpack_stream_open(const struct unpack_source *source,
			       struct unpack_stream **out)
{
	CLEANUP(unpack_stream_freep) struct unpack_stream *s = NULL;

	TRY(archive_lib_load());
	s = xcalloc(1, sizeof(*s));
	s->source = *source;
	s->header_end = HEADER_MAX;
	s->hasher = hasher_new(DIGEST_SHA256, NULL);
	s->raw = archive_read_new();
	s->tar = archive_read_new();
	if (!s->raw || !s->tar)
		abort(); /* only memory can fail here */
	TRY(open_raw(s));
	TRY(open_tar(s));
	*out = STEAL(s);
	return NULL;
}

static struct err *next_piece(void *self, struct unpack_piece *out)
{
	struct unpack_stream *s = self;
	la_int64_t offset = 0;
	int status;

	*out = (struct unpack_piece){0};
	do
		status = archive_read_data_block(s->tar, &out->data, &out->size, &offset);
	while (status == ARCHIVE_OK && out->size == 0);
	if (status != ARCHIVE_OK && status != ARCHIVE_EOF)
		return archive_error(s, s->tar);
	if (offset < 0)
		return err_new(ERR_CORRUPT, "negative offset in a sparse file");
	if (status == ARCHIVE_EOF)
		out->size = 0;
	out->offset = (uint64_t)offset;
	/* The piece begins where libarchive's consumed bytes end. */
	if (out->size > 0 &&
	    (uint64_t)archive_filter_bytes(s->tar, 0) + out->size > s->unpacked)
		return err_new(ERR_CORRUPT, "the archive ends within the data of a file");
	return NULL;
}

/* Unread data of an entry does not count as headers of the next. */
static struct err *skip_data(struct unpack_stream *s)
{
	struct unpack_piece piece = {.size = 1};

	while (s->phase == PHASE_DATA && piece.size > 0)
		TRY(next_piece(s, &piece));
	return NULL;
}

static struct err *next_entry(void *self, struct archive_entry **entry)
{
	struct unpack_stream *s = self;
	int status;

	TRY(skip_data(s));
	s->phase = PHASE_HEADER;
	s->header_end = s->unpacked + HEADER_MAX;
	status = archive_read_next_header(s->tar, entry);
	s->phase = PHASE_DATA;
	if (status == ARCHIVE_EOF) {
		*entry = NULL;
		return NULL;
	}
	/* WARN: a name that is not ASCII (it comes as raw bytes), or an unknown record.
	 */
	if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
		return archive_error(s, s->tar);
	return NULL;
}

struct unpack_entries unpack_stream_entries(struct unpack_stream *s)
{
	return (struct unpack_entries){
		.self = s, .next = next_entry, .piece = next_piece};
}

struct err *unpack_stream_finish(struct unpack_stream *s, const struct digest *diff_id)
{
	char want[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
	struct digest got;
	const void *data;
	size_t size;

	do
		TRY(next_raw(s, &data, &size));
	while (size > 0);
	if (!digest_is_set(diff_id))
		return NULL;
	got = hasher_final(s->hasher);
	if (!digest_equal(&got, diff_id))
		return err_new(ERR_CORRUPT, "layer's content is '%s', should be '%s'",
			       digest_format(&got, got_text),
			       digest_format(diff_id, want));
	return NULL;
}

void unpack_stream_free(struct unpack_stream *s)
{
	if (!s)
		return;
	archive_read_free(s->tar);
	archive_read_free(s->raw);
	hasher_free(s->hasher);
	err_free(s->error);
	free(s);
}

void unpack_stream_freep(struct unpack_stream **s)
{
	unpack_stream_free(*s);
	*s = NULL;
}
