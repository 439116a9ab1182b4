/* SPDX-License-Identifier: MIT
 * xattr_rules.c - see xattr_rules.h; xattr(7) describes the name spaces.
 *
 * In `security.` and `system.` only the listed names are the image's: the others are what
 * a host's security module or filesystem puts on each new file, so they differ from host
 * to host.
 */
#include "base/xattr_rules.h"

#include <linux/capability.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

enum {
	SEEN = XATTR_CLONE | XATTR_IDENTITY | XATTR_SEAL, /* by later steps */
	HELD = XATTR_IDENTITY | XATTR_SEAL, /* by the layer's folder alone */
};

const struct xattr_rule xattr_rules[] = {
	{"user.overlay.seal", 0, "the seal, which does not cover itself"},
	{"user.overlay.id", 0, "the identity, made with the seal"},
	{"user.overlay.opaque", HELD,
	 "hides what lower layers have; made from a whiteout, never taken from a "
	 "stranger"},
	{"user.overlay.whiteout", HELD,
	 "hides what lower layers have; never taken from a stranger"},
	{"user.overlay.overlay.", HELD,
	 "what an overlay that a script has mounted noted; a copy would be a mark of "
	 "ours"},
	{"user.overlay.", XATTR_SEAL,
	 "notes of overlayfs on this host's inodes, and those of dagbuild"},
	{"user.dagbuild.links", XATTR_SEAL,
	 "marks of files with several names: random, and dagbuild's own"},
	{"user.fuseoverlayfs.", SEEN, "marks of fuse-overlayfs; a script's own are kept"},
	{"user.rootlesscontainers", SEEN,
	 "an owner that could not be set; here the owner itself is"},
	{"user.", SEEN | XATTR_UNPACK | XATTR_PACK, "the image's"},
	{"security.capability", SEEN | XATTR_UNPACK | XATTR_COPY | XATTR_PACK,
	 "file capabilities: what a program may do"},
	{"security.", 0, "labels of the host's security modules, which come and go"},
	{"system.posix_acl_access", SEEN | XATTR_UNPACK,
	 "who may use a file; squashfs has no place for it"},
	{"system.posix_acl_default", SEEN | XATTR_UNPACK,
	 "who may use new files; squashfs has no place for it"},
	{"trusted.", 0, "only the host's root sees them, and overlayfs has marks there"},
	{"", 0, "a filesystem's own (`system.nfs4_acl`, `btrfs.compression`)"},
};

static bool fits(const char *row, const char *name)
{
	size_t len = strlen(row);

	if (len == 0 || row[len - 1] == '.')
		return strncmp(name, row, len) == 0;
	return strcmp(name, row) == 0;
}

const struct xattr_rule *xattr_rule_of(const char *name)
{
	const struct xattr_rule *rule = xattr_rules;

	while (!fits(rule->name, name))
		rule++;
	return rule;
}

bool xattr_has_use(const char *name, enum xattr_use use)
{
	return xattr_rule_of(name)->uses & use;
}

const char *xattr_copied(size_t i)
{
	for (const struct xattr_rule *rule = xattr_rules; rule->name[0]; rule++)
		if ((rule->uses & XATTR_COPY) && i-- == 0)
			return rule->name;
	return NULL;
}

/*
 * In a user namespace the kernel keeps file capabilities in the form that names the
 * namespace's root (version 3, capabilities(7)); on other machines that id means nothing,
 * and version 2 means "root of the reader's namespace".  If the root is ours, the kernel
 * has already translated what is read within the namespace; another root's capabilities
 * are left out.
 */
static bool fix_capability(unsigned char *value, size_t *size)
{
	uint32_t revision, root_id = 0;

	if (*size < sizeof(struct vfs_cap_data))
		return false;
	memcpy(&revision, value, sizeof(revision));
	if ((revision & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return true;
	if (*size < sizeof(struct vfs_ns_cap_data))
		return false;
	memcpy(&root_id, value + offsetof(struct vfs_ns_cap_data, rootid),
	       sizeof(root_id));
	revision = (revision & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2;
	memcpy(value, &revision, sizeof(revision));
	*size = sizeof(struct vfs_cap_data);
	return root_id == 0;
}

bool xattr_make_portable(const char *name, void *value, size_t *size)
{
	return strcmp(name, "security.capability") != 0 || fix_capability(value, size);
}
