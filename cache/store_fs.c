/* SPDX-License-Identifier: MIT
 * store_fs.c - see store_fs.h.
 */
#include "cache/store_fs.h"

#include <sys/vfs.h>
#include <unistd.h>

static const struct {
	uint32_t type; /* statfs(2), linux/magic.h */
	const char *name;
} refused[] = {
	{0x00006969, "NFS"},	{0x0bd00bd0, "Lustre"}, {0xff534d42, "CIFS"},
	{0xfe534d42, "SMB"},	{0x5346414f, "AFS"},	{0x01021997, "9p"},
	{0x19830326, "BeeGFS"}, {0x73757245, "Coda"},
};

const char *store_fs_refused(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].type == type)
			return refused[i].name;
	return NULL;
}

struct err *store_fs_check(const struct store *s)
{
	struct statfs fs;
	const char *name;

	if (fstatfs(store_fd(s), &fs) != 0)
		return err_sys("cache folder '%s'", store_dir(s));
	name = store_fs_refused((uint32_t)fs.f_type);
	if (!name)
		return NULL;
	return err_hint(err_new(ERR_UNSUPPORTED,
				"cache folder '%s' is on %s, where locks between "
				"processes are not reliable",
				store_dir(s), name),
			"set DAGBUILD_CACHEDIR to a folder on a local disk, such as "
			"/var/tmp/dagbuild-%u",
			geteuid());
}
