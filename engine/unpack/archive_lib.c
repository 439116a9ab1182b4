/* SPDX-License-Identifier: MIT
 * archive_lib.c - see archive_lib.h.
 */
#define ARCHIVE_LIB_PLAIN
#include "engine/unpack/archive_lib.h"

#include <dlfcn.h>
#include <string.h>

/* The library's binary interface since 2011. */
static const char LIBRARY[] = "libarchive.so.13";

struct archive_lib archive_lib;

struct row {
	const char *name;
	void *member;
};

static struct err *missing(void)
{
	return err_hint(err_new(ERR_UNSUPPORTED, "%s", dlerror()),
			"install libarchive 3 (Debian: libarchive13)");
}

struct err *archive_lib_load(void)
{
#define ROW(function) {#function, &archive_lib.function##_},
	const struct row rows[] = {ARCHIVE_LIB_FUNCTIONS(ROW)};
#undef ROW
	void *library;

	if (archive_lib.archive_read_new_)
		return NULL;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return missing();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *function = dlsym(library, rows[i].name);

		if (!function)
			return missing();
		/* POSIX lets a function pointer be an object pointer, but ISO C has no
		 * cast for it. */
		memcpy(rows[i].member, &function, sizeof(function));
	}
	return NULL;
}
