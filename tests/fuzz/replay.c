/* SPDX-License-Identifier: MIT
 * replay.c - main() of a fuzz target that only runs its seeds: replay DIR.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Not every target has one. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static const size_t SEED_MAX = (size_t)1 << 20;

static struct err *replay(int dir_fd, const char *name)
{
	CLEANUP(buf_release) struct buf seed = BUF_INIT;

	TRY(fs_read_file(dir_fd, name, SEED_MAX, &seed));
	/* A block of its own, so that reading past its end is seen. */
	CLEANUP(freep) uint8_t *data = xmalloc(seed.len > 0 ? seed.len : 1);

	memcpy(data, buf_text(&seed), seed.len);
	printf("%s\n", name);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, seed.len);
	return NULL;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	unsigned n = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv) != 0)
		return 77;
	while ((entry = readdir(dir)) != NULL) {
		struct err *e;

		if (entry->d_name[0] == '.')
			continue;
		e = replay(dirfd(dir), entry->d_name);
		if (e) {
			fprintf(stderr, "%s: %s\n", entry->d_name, err_text(e));
			err_free(e);
			return 1;
		}
		n++;
	}
	closedir(dir);
	printf("%u seeds\n", n);
	return n > 0 ? 0 : 1;
}
