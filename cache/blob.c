/* SPDX-License-Identifier: MIT
 * blob.c - see blob.h.
 *
 * A writer appends to blobs/partial/HEX under its lock and hashes what it writes;
 * finishing compares, syncs, and renames to blobs/sha256/XX/REST.  If another writer, in
 * this process or another, holds the lock, the writer uses a private temporary file
 * instead: both then fetch the same bytes, which costs a transfer but never a wait that
 * nothing can interrupt.
 */
#include "cache/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/sync.h"
#include "cache/blob_path.h"
#include "cache/store_private.h"

struct blob_writer {
	const struct store *store;
	struct digest id;
	uint64_t size; /* expected; UINT64_MAX: unknown */
	uint64_t have; /* bytes in the file, all hashed */
	struct hasher *hasher;
	int fd;
	char name[96];	 /* below the store; "" once it is published */
	bool is_private; /* a temporary file that no writer continues */
	bool was_there;	 /* another writer published the blob: nothing to write */
};

void blob_path(const struct digest *id, char *out)
{
	char hex[DIGEST_TEXT_SIZE];

	digest_hex(id, hex);
	snprintf(out, BLOB_PATH_SIZE, "blobs/sha256/%.2s/%s", hex, hex + 2);
}

static bool claim(const struct store *s, const struct digest *id)
{
	char hex[DIGEST_TEXT_SIZE];

	return store_claim(s, LEASE_BLOB, digest_hex(id, hex));
}

bool blob_exists(const struct store *s, const struct digest *id)
{
	char path[BLOB_PATH_SIZE];

	blob_path(id, path);
	return claim(s, id) && faccessat(store_fd(s), path, F_OK, 0) == 0;
}

struct err *blob_open(const struct store *s, const struct digest *id, int *fd,
		      uint64_t *size)
{
	CLEANUP(closep) int file = -1;
	char path[BLOB_PATH_SIZE];
	struct stat st;

	blob_path(id, path);
	if (!claim(s, id))
		return err_new(ERR_NOTFOUND, "blob '%s' cannot be claimed", path);
	TRY(fs_open(store_fd(s), path, O_RDONLY, 0, &file));
	if (fstat(file, &st) != 0)
		return err_sys("'%s'", path);
	store_touch(s, file, &st);
	if (size)
		*size = (uint64_t)st.st_size;
	*fd = steal_fd(&file);
	return NULL;
}

/* Unless another process has replaced it meanwhile. */
static void remove_damaged(const struct store *s, const struct digest *id, int fd)
{
	char path[BLOB_PATH_SIZE];
	struct stat held, named;

	blob_path(id, path);
	if (fstat(fd, &held) == 0 &&
	    fstatat(store_fd(s), path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    held.st_ino == named.st_ino)
		unlinkat(store_fd(s), path, 0);
}

static struct err *read_checked(int fd, const struct digest *id, size_t max,
				struct buf *out)
{
	struct digest got;

	TRY(fs_read_fd(fd, max, out));
	got = digest_bytes(DIGEST_SHA256, NULL, buf_text(out), out->len);
	return digest_equal(&got, id) ? NULL : err_new(ERR_CORRUPT, "a damaged blob");
}

struct err *blob_read(const struct store *s, const struct digest *id, size_t max,
		      struct buf *out)
{
	CLEANUP(closep) int fd = -1;
	struct err *e;

	TRY(blob_open(s, id, &fd, NULL));
	e = read_checked(fd, id, max, out);
	if (e && err_code(e) == ERR_CORRUPT)
		remove_damaged(s, id, fd);
	return e;
}

struct err *blob_put(const struct store *s, const struct digest *id, const void *data,
		     size_t len)
{
	CLEANUP(blob_writer_releasep) struct blob_writer *w = NULL;

	if (blob_exists(s, id))
		return NULL;
	TRY(blob_writer_open(s, id, len, &w));
	TRY(blob_writer_restart(w));
	TRY(blob_writer_write(w, data, len));
	return blob_writer_finish(w);
}

/* Open and lock the partial file; `*locked` false when another writer has it. */
static struct err *open_partial(struct blob_writer *w, bool *locked)
{
	char hex[DIGEST_TEXT_SIZE];
	struct stat held, named;

	snprintf(w->name, sizeof(w->name), "blobs/partial/%s", digest_hex(&w->id, hex));
	TRY(fs_open(store_fd(w->store), w->name, O_RDWR | O_CREAT, 0600, &w->fd));
	*locked =
		flock(w->fd, LOCK_EX | LOCK_NB) == 0 && fstat(w->fd, &held) == 0 &&
		fstatat(store_fd(w->store), w->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		held.st_ino == named.st_ino;
	return NULL;
}

static struct err *open_private(struct blob_writer *w)
{
	char random[13];

	closep(&w->fd);
	w->fd = -1;
	w->is_private = true;
	fs_random_name(random, 12);
	snprintf(w->name, sizeof(w->name), "blobs/partial/%s.tmp", random);
	return fs_open(store_fd(w->store), w->name, O_RDWR | O_CREAT | O_EXCL, 0600,
		       &w->fd);
}

/* Hash what an earlier try left, so that the running digest covers the whole file. */
static struct err *take_up(struct blob_writer *w)
{
	CLEANUP(freep) char *chunk = xmalloc(KIB(128));

	for (;;) {
		ssize_t n = read(w->fd, chunk, KIB(128));

		TRY(interrupt_check());
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("'%s'", w->name);
		if (n == 0)
			break;
		hasher_update(w->hasher, chunk, (size_t)n);
		w->have += (uint64_t)n;
	}
	return w->have > w->size ? blob_writer_restart(w) : NULL;
}

struct err *blob_writer_open(const struct store *s, const struct digest *id,
			     uint64_t size, struct blob_writer **out)
{
	CLEANUP(blob_writer_releasep) struct blob_writer *w = xcalloc(1, sizeof(*w));
	bool locked = false;

	w->store = s;
	w->id = *id;
	w->size = size;
	w->fd = -1;
	w->hasher = hasher_new(DIGEST_SHA256, NULL);
	TRY(open_partial(w, &locked));
	if (blob_exists(s, id)) {
		w->was_there = true;
		w->have = size;
	} else if (locked) {
		TRY(take_up(w));
	} else {
		TRY(open_private(w));
	}
	*out = STEAL(w);
	return NULL;
}

uint64_t blob_writer_have(const struct blob_writer *w)
{
	return w->have;
}

struct err *blob_writer_write(struct blob_writer *w, const void *data, size_t len)
{
	char text[DIGEST_TEXT_SIZE];

	if (w->was_there)
		return NULL;
	if (len > w->size - w->have)
		return err_new(ERR_CORRUPT,
			       "blob '%s': more than the %llu bytes it should have",
			       digest_format(&w->id, text), (unsigned long long)w->size);
	TRY(fs_write_all(w->fd, data, len));
	hasher_update(w->hasher, data, len);
	w->have += len;
	return NULL;
}

struct err *blob_writer_restart(struct blob_writer *w)
{
	if (w->was_there)
		return NULL;
	if (ftruncate(w->fd, 0) != 0 || lseek(w->fd, 0, SEEK_SET) != 0)
		return err_sys("'%s'", w->name);
	hasher_free(w->hasher);
	w->hasher = hasher_new(DIGEST_SHA256, NULL);
	w->have = 0;
	return NULL;
}

static struct err *check(struct blob_writer *w)
{
	struct digest got = hasher_final(w->hasher);
	char want_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];

	digest_format(&w->id, want_text);
	if (w->size != UINT64_MAX && w->have != w->size)
		return err_new(ERR_CORRUPT, "blob '%s': %llu bytes instead of %llu",
			       want_text, (unsigned long long)w->have,
			       (unsigned long long)w->size);
	if (!digest_equal(&got, &w->id))
		return err_new(ERR_CORRUPT, "blob '%s': its content is '%s'", want_text,
			       digest_format(&got, got_text));
	return NULL;
}

/* The collector removes empty folders: ours may disappear before we use it. */
static struct err *give_name(const struct blob_writer *w)
{
	char path[BLOB_PATH_SIZE];

	for (int tries = 0; tries < 16; tries++) {
		blob_path(&w->id, path);
		*strrchr(path, '/') = '\0';
		if (mkdirat(store_fd(w->store), path, 0700) != 0 && errno != EEXIST)
			return err_sys("'%s'", path);
		blob_path(&w->id, path);
		if (renameat(store_fd(w->store), w->name, store_fd(w->store), path) == 0)
			return NULL;
		if (errno != ENOENT)
			break;
	}
	return err_sys("'%s'", path);
}

struct err *blob_writer_finish(struct blob_writer *w)
{
	struct err *e;

	if (w->was_there)
		return NULL;
	e = check(w);
	if (e) {
		/* Wrong bytes must not be continued. */
		unlinkat(store_fd(w->store), w->name, 0);
		w->name[0] = '\0';
		return e;
	}
	TRY(err_wrap(sync_file(w->fd), "'%s'", w->name));
	TRY(give_name(w));
	w->name[0] = '\0';
	return NULL;
}

void blob_writer_release(struct blob_writer *w)
{
	if (!w)
		return;
	/* An empty partial file is not worth keeping. */
	if (w->fd >= 0 && w->name[0] && (w->is_private || w->was_there || w->have == 0))
		unlinkat(store_fd(w->store), w->name, 0);
	closep(&w->fd);
	hasher_free(w->hasher);
	free(w);
}

void blob_writer_releasep(struct blob_writer **w)
{
	blob_writer_release(*w);
	*w = NULL;
}
