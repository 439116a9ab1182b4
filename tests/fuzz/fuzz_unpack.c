/* SPDX-License-Identifier: MIT
 * fuzz_unpack.c - any bytes as a layer, or an image: nothing crashes, and nothing is made
 * outside.
 *
 * The first byte chooses the mode; the rest is the blob.  Runs as root in a mount
 * namespace of its own, over a tmpfs: a name that leads out of the root is caught by the
 * folder beside it, which must stay empty.  MERGED is run without an overlay below, which
 * the writer cannot tell.
 */
/* links: unpack */
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "engine/unpack/unpack_child.h"
#include "tests/fake/large_claims.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int base_fd = -1; /* a tmpfs with "outside", and "outside/root" */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (geteuid() != 0)
		return 1;
	umask(0);
	setlocale(LC_CTYPE, "C");
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "size=256m") != 0)
		abort();
	base_fd = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static void make(const char *path)
{
	if (mkdirat(base_fd, path, 0755) != 0)
		abort();
}

static void check_outside(void)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(base_fd, "outside", 0);
	const char *name;

	while ((name = dir_next(dir)) != NULL)
		if (strcmp(name, "root") != 0)
			abort();
}

static void unpack(const uint8_t *data, size_t size, int root_fd)
{
	CLEANUP(closep) int blob = memfd_create("blob", MFD_CLOEXEC);
	struct unpack_job job = {
		.blob_fd = blob,
		.root_fd = root_fd,
		.mode = (enum unpack_mode)(data[0] % UNPACK_MODES),
		.size = size - 1,
		.limits = {.max_bytes = MIB(1), .max_file = GIB(64)},
	};
	struct unpack_result result;

	err_ignore(fs_write_all(blob, data + 1, size - 1), "cannot fail");
	err_ignore(unpack_here(&job, &result), "damaged, as most");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(closep) int root = -1;

	if (size == 0)
		return 0;
	make("outside");
	make("outside/root");
	make("outside/root/lower");
	if (symlinkat("../../..", base_fd, "outside/root/up") != 0)
		abort();
	root = openat(base_fd, "outside/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unpack(data, size, root);
	check_outside();
	err_ignore(fs_remove_tree(base_fd, "outside"), "seen by the next run");
	return 0;
}
