/* SPDX-License-Identifier: MIT
 * replay.c - the main of a fuzz target without libFuzzer: runs files, and those in folders.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_run;

/* In memory of its own size: a buffer has a NUL behind its end, which would hide mistakes. */
static struct err *run_file(int dir_fd, const char *path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) uint8_t *data = NULL;

	TRY(fs_read_file(dir_fd, path, MIB(16), &text));
	data = xmalloc(text.len > 0 ? text.len : 1);
	memcpy(data, buf_text(&text), text.len);
	LLVMFuzzerTestOneInput(data, text.len);
	n_run++;
	return NULL;
}

static struct err *run_folder(DIR *folder)
{
	const struct dirent *entry;

	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			TRY(run_file(dirfd(folder), entry->d_name));
	return NULL;
}

static struct err *run(const char *path)
{
	DIR *folder = opendir(path);
	struct err *e;

	if (!folder)
		return run_file(AT_FDCWD, path);
	e = run_folder(folder);
	closedir(folder);
	return e;
}

int main(int argc, char **argv)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(err_freep) struct err *e = NULL;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc && !e; i++)
		e = run(argv[i]);
	if (e) {
		err_render(e, &text);
		fputs(buf_text(&text), stderr);
		return 1;
	}
	printf("%zu run\n", n_run);
	return n_run == 0;
}
