/* SPDX-License-Identifier: MIT
 * outline.c - see outline.h.
 *
 * The outline adds up the digests of all entries, so that nothing needs sorting: folders
 * give their names in any order.  An entry's digest covers its folder's, so a name counts
 * where it is.
 */
#include "cache/outline.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/folder_walk.h"
#include "base/fs.h"

static const char ATTRIBUTE[] = "user.overlay.outline";

struct outline {
	uint64_t version, entries, sum[2]; /* in this host's byte order, on disk too */
};

static const uint64_t VERSION = 1;

struct walk {
	const struct hash_secret *secret;
	struct outline outline;
	struct folder_walk folders;
	VEC(struct digest) digests; /* of the folders that the walk is in */
	struct buf text;	    /* of one entry */
};

static void walk_release(struct walk *w)
{
	folder_walk_release(&w->folders);
	vec_free(&w->digests);
	buf_release(&w->text);
}

/* Add the entry; returns its digest. */
static struct digest add_entry(struct walk *w, const struct digest *folder,
			       const char *name, const struct stat *st)
{
	bool has_size = S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
	const uint64_t fields[] = {
		st->st_mode,
		st->st_uid,
		st->st_gid,
		st->st_rdev,
		has_size ? (uint64_t)st->st_size : 0,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
	};
	struct digest digest;
	uint64_t halves[2];

	buf_clear(&w->text);
	buf_append(&w->text, folder->bytes, sizeof(folder->bytes));
	buf_append(&w->text, fields, sizeof(fields));
	buf_append(&w->text, name, strlen(name));
	digest = digest_bytes(DIGEST_XXH3, w->secret, w->text.data, w->text.len);
	memcpy(halves, digest.bytes, sizeof(halves));
	w->outline.sum[0] += halves[0];
	w->outline.sum[1] += halves[1];
	w->outline.entries++;
	return digest;
}

static struct err *add_name(struct walk *w, const char *name)
{
	int here = folder_walk_fd(&w->folders);
	struct digest digest;
	struct stat st;

	if (fstatat(here, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	digest = add_entry(w, &w->digests.items[w->digests.len - 1], name, &st);
	if (!S_ISDIR(st.st_mode))
		return NULL;
	vec_push(&w->digests, digest);
	return folder_walk_enter(&w->folders, here, name);
}

static struct err *look_at_all(struct walk *w, const struct seal_request *request)
{
	const struct digest none = {0};
	struct stat st;
	const char *name;

	TRY(folder_walk_enter(&w->folders, request->dir_fd, request->name));
	if (fstat(folder_walk_fd(&w->folders), &st) != 0)
		return err_sys("stat");
	vec_push(&w->digests, add_entry(w, &none, "", &st));
	while (folder_walk_is_inside(&w->folders)) {
		TRY(folder_walk_next(&w->folders, &name));
		if (name) {
			TRY(add_name(w, name));
			continue;
		}
		TRY(folder_walk_leave(&w->folders));
		w->digests.len--;
	}
	return NULL;
}

static struct err *take(const struct seal_request *request, struct outline *out)
{
	CLEANUP(walk_release)
	struct walk w = {
		.secret = store_secret(request->store),
		.outline = {.version = VERSION},
		.folders = {.stop = request->stop, .is_unsorted = true},
		.text = BUF_INIT,
	};

	TRY(err_wrap(look_at_all(&w, request), "layer '%s'", request->name));
	*out = w.outline;
	return NULL;
}

static struct err *open_layer(const struct seal_request *request, int *fd)
{
	return fs_open(request->dir_fd, request->name,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd);
}

struct err *outline_make(const struct seal_request *request)
{
	CLEANUP(closep) int fd = -1;
	struct outline outline;

	TRY(take(request, &outline));
	TRY(open_layer(request, &fd));
	if (fsetxattr(fd, ATTRIBUTE, &outline, sizeof(outline), 0) != 0)
		return err_sys("outline of layer '%s'", request->name);
	return NULL;
}

struct err *outline_check(const struct seal_request *request)
{
	CLEANUP(closep) int fd = -1;
	struct outline want = {0}, got = {0};
	ssize_t size;

	TRY(open_layer(request, &fd));
	size = fgetxattr(fd, ATTRIBUTE, &want, sizeof(want));
	if (size != (ssize_t)sizeof(want) || want.version != VERSION)
		return err_new(ERR_CORRUPT, "layer '%s' has no outline", request->name);
	TRY(take(request, &got));
	if (memcmp(&want, &got, sizeof(want)) == 0)
		return NULL;
	return err_new(ERR_CORRUPT,
		       "layer '%s' has changed: %llu entries now, %llu when it was made",
		       request->name, (unsigned long long)got.entries,
		       (unsigned long long)want.entries);
}
