/* SPDX-License-Identifier: MIT
 * tree_hash.c - see tree_hash.h.
 */
#include "engine/tree/tree_hash.h"

#include <string.h>

#include "base/xattr_rules.h"

struct hasher *tree_hasher_new(void)
{
	return hasher_new(DIGEST_SHA256, NULL);
}

/* Apptainer's umask is 0002 while it builds; cp passes on the sticky bit of folders only.
 */
uint64_t tree_hash_mode(enum copy_from from, const struct stat *st)
{
	if (from != COPY_FROM_HOST)
		return st->st_mode & 07777;
	return st->st_mode & (S_ISDIR(st->st_mode) ? 01775 : 0775);
}

bool tree_hash_is_bare(enum copy_from from, const struct walk_entry *entry)
{
	return from == COPY_FROM_STAGE && entry->path[0] == '\0' &&
	       S_ISDIR(entry->stat.st_mode);
}

char tree_hash_letter(const struct walk_entry *entry)
{
	if (entry->first)
		return 'h';
	switch (entry->stat.st_mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return 's';
	}
}

static void add_xattrs(struct hasher *h, const struct walk_xattr *xattrs)
{
	for (size_t i = 0; xattr_copied(i); i++)
		hasher_add(h, xattrs ? xattrs[i].value : NULL,
			   xattrs ? xattrs[i].size : 0);
}

void tree_hash_entry(struct hasher *h, enum copy_from from,
		     const struct walk_entry *entry)
{
	char letter = tree_hash_letter(entry);
	bool is_named = entry->path[0] == '\0';

	hasher_update(h, &letter, 1);
	/* The source itself has the name that the target chose: the caller hashes it. */
	hasher_add_str(h, is_named ? "" : entry->name);
	if (entry->first) {
		hasher_add_str(h, entry->first);
		return;
	}
	if (!tree_hash_is_bare(from, entry))
		hasher_add_u64(h, tree_hash_mode(from, &entry->stat));
	if (from != COPY_FROM_HOST && !tree_hash_is_bare(from, entry)) {
		hasher_add_u64(h, entry->stat.st_uid);
		hasher_add_u64(h, entry->stat.st_gid);
		add_xattrs(h, entry->xattrs);
	}
	if (letter == 'l')
		hasher_add_str(h, entry->link);
	if (letter == 'c' || letter == 'b')
		hasher_add_u64(h, entry->stat.st_rdev);
}

void tree_hash_folder(struct hasher *h, const struct digest *entries)
{
	hasher_update(h, entries->bytes, sizeof(entries->bytes));
}
