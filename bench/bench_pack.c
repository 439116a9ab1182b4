/* SPDX-License-Identifier: MIT
 * bench_pack.c - bench_pack DIR IMAGE WORKERS: pack a folder as dagbuild does.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "engine/image/sqfs_write.h"

static struct err *pack(const char *dir, const char *image, unsigned workers)
{
	CLEANUP(closep) int root = -1;
	CLEANUP(closep) int file = -1;
	struct sqfs_request request = {.workers = workers, .clamp_s = INT64_MAX};
	struct sqfs_result result = {0};

	TRY(fs_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &root));
	TRY(fs_open(AT_FDCWD, image, O_RDWR | O_CREAT | O_TRUNC, 0644, &file));
	request.root_fd = root;
	request.file_fd = file;
	return sqfs_write(&request, &result);
}

int main(int argc, char **argv)
{
	uint64_t workers = 0;
	struct err *e;

	if (argc != 4 || !str_to_u64(str_of(argv[3]), &workers) || workers < 1 ||
	    workers > 64) {
		fprintf(stderr, "usage: bench_pack DIR IMAGE WORKERS\n");
		return 2;
	}
	e = pack(argv[1], argv[2], (unsigned)workers);
	if (e)
		fprintf(stderr, "%s\n", err_text(e));
	err_free(e);
	return e ? 1 : 0;
}
