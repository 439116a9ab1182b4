/* SPDX-License-Identifier: MIT
 * test_unpack_stream.c - compressed, damaged, hostile and endless layers: each is read to
 * the right digest, refused with a message, or ended.
 */
/* links: unpack dep::archive */
#include <archive.h>
#include <archive_entry.h>

#include "tests/fake/layers.h"

static void compress(const struct buf *tar, bool zstd, struct buf *out)
{
	struct archive *a = archive_write_new();
	size_t size = tar->len + 4096, used = 0;
	char *packed = xmalloc(size);
	struct archive_entry *entry = archive_entry_new();

	assert_int_equal(zstd ? archive_write_add_filter_zstd(a)
			      : archive_write_add_filter_gzip(a),
			 ARCHIVE_OK);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, packed, size, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, tar->data, tar->len),
			 (la_ssize_t)tar->len);
	archive_write_close(a);
	archive_write_free(a);
	archive_entry_free(entry);
	buf_append(out, packed, used);
	free(packed);
}

static void count_progress(void *context, uint64_t done)
{
	uint64_t *last = context;

	assert_true(done >= *last);
	*last = done;
}

/* 200 files, and padding to 10 KiB as tar writes it. */
static void make_archive(struct buf *tar)
{
	for (unsigned i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "file%u", i);
		tar_add(tar, &(struct tar_entry)FILE_(name, name));
	}
	for (unsigned i = 0; i < 20; i++)
		tar_end(tar);
}

static struct err *unpack_fresh(const struct fixture *f, const struct buf *blob,
				const struct digest *diff_id,
				struct unpack_result *result)
{
	CLEANUP(freep) char *target = xasprintf("%s/t", f->layers);
	uint64_t last = 0;
	struct unpack_request request = {.target = target,
					 .is_first = true,
					 .diff_id = *diff_id,
					 .progress = count_progress,
					 .context = &last};
	struct err *e;

	assert_ok(fs_remove_tree(AT_FDCWD, target));
	assert_int_equal(mkdir(target, 0700), 0);
	e = unpack(blob, &request, result);
	if (!e)
		assert_int_equal(last, blob->len);
	return e;
}

/* gzip, zstd and none give the same tree and the same diffID, padding included; a stream
 * that is cut, altered, or has another digest is refused. */
static void compression_and_digest(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf tar = BUF_INIT;
	struct digest digest;
	struct unpack_result result;

	make_archive(&tar);
	digest = digest_bytes(DIGEST_SHA256, NULL, tar.data, tar.len);
	for (unsigned i = 0; i < 3; i++) {
		CLEANUP(buf_release) struct buf blob = BUF_INIT;
		struct digest other = digest;

		if (i == 0)
			buf_append(&blob, tar.data, tar.len);
		else
			compress(&tar, i == 2, &blob);
		assert_ok(unpack_fresh(f, &blob, &digest, &result));
		assert_int_equal(result.entries, 200);
		other.bytes[31] ^= 1;
		assert_err(ERR_CORRUPT, unpack_fresh(f, &blob, &other, &result));
		blob.data[blob.len / 2] ^= 0x10;
		assert_err(ERR_CORRUPT, unpack_fresh(f, &blob, &digest, &result));
		blob.data[blob.len / 2] ^= 0x10;
		buf_truncate(&blob, blob.len - blob.len / 3);
		assert_err(ERR_CORRUPT, unpack_fresh(f, &blob, &digest, &result));
	}
}

/* One compression is removed: the result must be a tar. */
static void compressed_twice(void **state)
{
	static const bool is_zstd[][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
	CLEANUP(buf_release)
	struct buf tar = BUF_INIT, nothing = BUF_INIT, empty = BUF_INIT,
		   members = BUF_INIT, blob = BUF_INIT, skipped = BUF_INIT;
	struct unpack_result result;
	struct digest digest;

	make_archive(&tar);
	digest = digest_bytes(DIGEST_SHA256, NULL, tar.data, tar.len);
	for (size_t i = 0; i < ARRAY_LEN(is_zstd); i++) {
		CLEANUP(buf_release) struct buf once = BUF_INIT, twice = BUF_INIT;

		compress(&tar, is_zstd[i][0], &once);
		compress(&once, is_zstd[i][1], &twice);
		assert_ok(unpack_fresh(*state, &once, &digest, &result));
		assert_err(ERR_CORRUPT, unpack_fresh(*state, &twice, &digest, &result));
	}
	/* zstd data may begin with a skippable frame. */
	buf_append(&skipped, "\x5f\x2a\x4d\x18\4\0\0\0skip", 12);
	compress(&tar, true, &skipped);
	assert_ok(unpack_fresh(*state, &skipped, &digest, &result));
	/* Endless work that yields no byte: it is not begun. */
	compress(&nothing, false, &empty);
	for (unsigned i = 0; i < 10000; i++)
		buf_append(&members, empty.data, empty.len);
	compress(&members, false, &blob);
	digest = digest_bytes(DIGEST_SHA256, NULL, "", 0);
	assert_ok(unpack_fresh(*state, &members, &digest, &result));
	assert_err(ERR_CORRUPT, unpack_fresh(*state, &blob, &digest, &result));
}

struct bad_case {
	const char *name;
	struct tar_entry entries[4];
	const char *message; /* part of the text of the error or its cause */
};

static const struct bad_case bad_cases[] = {
	{"link to a missing file", {HARD_("a", "none")}, "does not exist"},
	{"link to itself", {FILE_("a", "1"), HARD_("a", "./a")}, "itself"},
	{"link to a folder", {DIR_("d/"), HARD_("a", "d")}, "folder"},
	{"device of no number",
	 {{.name = "d", .type = '3', .mode = 0600, .major = 5000, .minor = 1}},
	 "no device"},
	{"root as a file", {FILE_("..", "1")}, "root"},
	{"link without text", {LINK_("a", "")}, "without a target"},
	{"link to an ancestor it replaces",
	 {DIR_("d/"), FILE_("d/f", "1"), HARD_("d", "d/f")},
	 "hard link"},
	{"path through a loop",
	 {LINK_("a", "b"), LINK_("b", "a"), FILE_("a/x", "1")},
	 "a"},
	{"component too long",
	 {FILE_("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "1"),
	  HARD_("b", "none")},
	 "none"},
};

/* What no sound archive holds is refused with a message that names the entry. */
static void refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		struct buf tar = BUF_INIT, text = BUF_INIT;
		char *target = xasprintf("%s/t%zu", f->layers, i);
		struct unpack_request request = {.target = target, .is_first = true};
		struct unpack_result result;
		struct err *e;

		assert_int_equal(mkdir(target, 0700), 0);
		add_all(&tar, c->entries);
		e = unpack(&tar, &request, &result);
		if (!e)
			fail_msg("%s: accepted", c->name);
		err_render(e, &text);
		if (err_code(e) != ERR_CORRUPT || !strstr(buf_text(&text), c->message) ||
		    !strstr(buf_text(&text), "entry '"))
			fail_msg("%s: %d %s", c->name, err_code(e), buf_text(&text));
		err_free(e);
		free(target);
		buf_release(&tar);
		buf_release(&text);
	}
}

/* An attribute that no file accepts is the archive's fault. */
static void attributes(void **state)
{
	const struct fixture *f = *state;
	CLEANUP(freep) char *target = xasprintf("%s/t", f->layers);
	CLEANUP(buf_release) struct buf tar = BUF_INIT, records = BUF_INIT;
	CLEANUP(freep) char *value = xcalloc(1, 70000);
	struct unpack_request request = {.target = target, .is_first = true};
	struct unpack_result result;

	assert_int_equal(mkdir(target, 0700), 0);
	tar_record(&records, "SCHILY.xattr.user.large", value, 70000);
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct tar_entry)FILE_("f", "1"));
	tar_end(&tar);
	assert_err(ERR_CORRUPT, unpack(&tar, &request, &result));
}

/* A whiteout without a name is an error where marks count. */
static void nameless_whiteout(void **state)
{
	struct fixture *f = *state;
	const struct tar_entry lower[] = {FILE_("a", "1"), {0}};
	const struct tar_entry upper[] = {MARK_(".wh."), {0}};
	struct buf tar = BUF_INIT, tar2 = BUF_INIT;
	struct unpack_result result;

	add_all(&tar, lower);
	add_all(&tar2, upper);
	assert_ok(apply(f, &tar, false, &result));
	assert_err(ERR_CORRUPT, apply(f, &tar2, false, &result));
	buf_release(&tar);
	buf_release(&tar2);
}

/* More data than announced, and data that grows a thousandfold, are stopped before the
 * disk is full.
 */
static void bombs(void **state)
{
	struct fixture *f = *state;
	struct buf tar = BUF_INIT, packed = BUF_INIT;
	char *zeros = xcalloc(1, MIB(130));
	char *target = xasprintf("%s/t", f->layers);
	struct unpack_request request = {
		.target = target, .is_first = true, .max_bytes = 1000};
	struct unpack_result result;
	struct err *e;

	assert_int_equal(mkdir(target, 0700), 0);
	tar_header(&tar, &(struct tar_entry){.name = "z", .type = '0', .mode = 0644},
		   MIB(130));
	buf_append(&tar, zeros, MIB(130));
	tar_end(&tar);
	compress(&tar, true, &packed);
	e = unpack(&packed, &request, &result);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_CORRUPT);
	assert_non_null(strstr(err_text(err_cause(e)), "1000 bytes"));
	err_free(e);
	assert_ok(fs_remove_tree(AT_FDCWD, target));
	assert_int_equal(mkdir(target, 0700), 0);
	request.max_bytes = 0;
	assert_err(ERR_CORRUPT, unpack(&packed, &request, &result));
	free(zeros);
	free(target);
	buf_release(&tar);
	buf_release(&packed);
}

static void raise_token(void *context, uint64_t done)
{
	(void)done;
	cancel_raise(context, CANCEL_ASKED);
}

/* A token raised while the child works ends it. */
static void cancelled_midway(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf tar = BUF_INIT;
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	CLEANUP(freep) char *target = xasprintf("%s/t", f->layers);
	CLEANUP(freep) char *data = xcalloc(1, MIB(8));
	struct unpack_request request = {
		.target = target, .is_first = true, .progress = raise_token};
	struct unpack_result result;

	assert_int_equal(mkdir(target, 0700), 0);
	assert_ok(cancel_new(&cancel));
	request.cancel = cancel;
	request.context = cancel;
	tar_header(&tar, &(struct tar_entry){.name = "z", .type = '0', .mode = 0644},
		   MIB(8));
	buf_append(&tar, data, MIB(8));
	tar_end(&tar);
	assert_err(ERR_CANCELLED, unpack(&tar, &request, &result));
}

/* With a token that is already raised, nothing is done. */
static void cancelled(void **state)
{
	struct fixture *f = *state;
	struct buf tar = BUF_INIT;
	struct cancel *cancel = NULL;
	char *target = xasprintf("%s/t", f->layers);
	struct unpack_request request = {.target = target, .is_first = true};
	struct unpack_result result;

	assert_int_equal(mkdir(target, 0700), 0);
	assert_ok(cancel_new(&cancel));
	cancel_raise(cancel, CANCEL_ASKED);
	request.cancel = cancel;
	tar_end(&tar);
	assert_err(ERR_CANCELLED, unpack(&tar, &request, &result));
	cancel_free(cancel);
	free(target);
	buf_release(&tar);
}

/* An empty archive, and no byte at all, are layers without entries; text is not an
 * archive.
 */
static void empty_and_garbage(void **state)
{
#define GZIP "\x1f\x8b\x08"
#define ZSTD "\x28\xb5\x2f\xfd"
	const struct str beginnings[] = {
		STR(GZIP),
		STR(GZIP "\0\0\0\0"),
		STR(GZIP "\xe0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0"),
		STR(GZIP "\0\0\0\0\0\0\3\xff\xff\xff\xff"),
		STR(GZIP "\x8\0\0\0\0\0\3name without an end"),
		STR(ZSTD),
		STR(ZSTD "\xff\xff\xff\xff"),
		STR(ZSTD "\0\xa8\x9\0\0x"), /* wants a window of 2 GiB */
		STR("\x50\x2a\x4d\x18\xff\xff\xff\xff"),
	};
	struct fixture *f = *state;
	struct unpack_result result;
	struct buf tar = BUF_INIT, nothing = BUF_INIT, text = BUF_INIT;
	const struct digest any = {0};

	tar_end(&tar);
	assert_ok(apply(f, &tar, false, &result));
	assert_ok(apply(f, &nothing, false, &result));
	buf_puts(&text, "<html>not found</html>\n");
	assert_err(ERR_CORRUPT, apply(f, &text, false, &result));
	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
		buf_truncate(&text, 0);
		buf_append(&text, beginnings[i].data, beginnings[i].len);
		assert_err(ERR_CORRUPT, unpack_fresh(f, &text, &any, &result));
	}
	buf_release(&tar);
	buf_release(&text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		UNIT(compression_and_digest),
		UNIT(compressed_twice),
		UNIT(refused),
		UNIT(attributes),
		UNIT(nameless_whiteout),
		UNIT(bombs),
		UNIT(cancelled_midway),
		UNIT(cancelled),
		UNIT(empty_and_garbage),
	};

	if (argc > 1 && strcmp(argv[1], "internal-unpack") == 0)
		return unpack_main(argc, argv);
	if (!private_mounts()) {
		fprintf(stderr, "skipped: mounting needs root, or a user namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
