/* SPDX-License-Identifier: MIT
 * unpack_meta.c - see unpack_meta.h.
 */
#include "engine/unpack/unpack_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xattr_rules.h"
#include "engine/tree/tree_xattr.h"

enum {
	/* nobody: the kernel's overflowuid, inside any map of the usual 65536 ids. */
	ID_NOBODY = 65534,
};

static struct timespec clamp_time(int64_t seconds, long nanoseconds)
{
	/* The span that ext4 can hold, with 256-byte inodes: 1901 to 2446. */
	const int64_t first = INT32_MIN, last = INT64_C(0x37fffffff);
	struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = nanoseconds};

	if (seconds < first || seconds > last) {
		t.tv_sec = (time_t)(seconds < first ? first : last);
		t.tv_nsec = 0;
	}
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

struct err *entry_meta_read(struct archive_entry *entry, struct entry_meta *out)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	/* -1 means "leave alone" to chown(2): it is never an owner. */
	if (uid < 0 || gid < 0 || uid > UINT32_MAX - 1 || gid > UINT32_MAX - 1)
		return err_new(ERR_CORRUPT, "owner %lld:%lld is out of range",
			       (long long)uid, (long long)gid);
	out->uid = (uid_t)uid;
	out->gid = (gid_t)gid;
	out->mode = archive_entry_mode(entry) & 07777;
	out->mtime =
		clamp_time(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
	out->entry = entry;
	return NULL;
}

/* An id that our id map cannot express gives EINVAL: it becomes nobody, and is counted.
 */
static struct err *apply_owner(const struct entry_meta *meta, int dir_fd,
			       const char *name, struct unpack_result *counts)
{
	const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
	const uid_t uids[] = {meta->uid, ID_NOBODY, 0};
	const gid_t gids[] = {meta->gid, ID_NOBODY, 0};
	size_t u = 0, g = 0;

	if (fchownat(dir_fd, name, meta->uid, meta->gid, flags) == 0)
		return NULL;
	if (errno != EINVAL)
		return err_sys("set owner %u:%u", meta->uid, meta->gid);
	counts->squashed++;
	while (u < ARRAY_LEN(uids) &&
	       fchownat(dir_fd, name, uids[u], (gid_t)-1, flags) != 0)
		u++;
	while (g < ARRAY_LEN(gids) &&
	       fchownat(dir_fd, name, (uid_t)-1, gids[g], flags) != 0)
		g++;
	if (u == ARRAY_LEN(uids) || g == ARRAY_LEN(gids))
		return err_sys("set owner %u:%u", meta->uid, meta->gid);
	return NULL;
}

static struct err *apply_xattrs(const struct entry_meta *meta, int fd,
				struct unpack_result *counts)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(meta->entry);
	while (archive_entry_xattr_next(meta->entry, &name, &value, &size) ==
	       ARCHIVE_OK) {
		if (!name)
			continue;
		if (xattr_has_use(name, XATTR_UNPACK))
			TRY(tree_xattr_set(fd, name, value, size, &counts->lost_xattrs));
		else
			log_debug("unpack", "attribute '%s' is left out: %s", name,
				  xattr_rule_of(name)->reason);
	}
	return NULL;
}

struct err *entry_meta_apply(const struct entry_meta *meta, int fd,
			     struct unpack_result *counts)
{
	TRY(apply_owner(meta, fd, "", counts));
	if (fchmod(fd, meta->mode) != 0)
		return err_sys("set mode");
	TRY(apply_xattrs(meta, fd, counts));
	if (futimens(fd, (struct timespec[]){meta->mtime, meta->mtime}) != 0)
		return err_sys("set times");
	return NULL;
}

struct err *entry_meta_apply_at(const struct entry_meta *meta, int dir_fd,
				const char *name, struct unpack_result *counts)
{
	struct timespec times[] = {meta->mtime, meta->mtime};

	TRY(apply_owner(meta, dir_fd, name, counts));
	/* A link has no mode of its own; the others were made by us just now, so that
	 * fchmodat(2), which follows the name, cannot be led elsewhere. */
	if (archive_entry_filetype(meta->entry) != AE_IFLNK &&
	    fchmodat(dir_fd, name, meta->mode, 0) != 0)
		return err_sys("set mode");
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("set times");
	return NULL;
}
