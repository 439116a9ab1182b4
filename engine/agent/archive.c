/* SPDX-License-Identifier: MIT
 * archive.c - see archive.h.
 */
#include "engine/agent/archive.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/unpack/unpack.h"

/* 271 bytes can be a member of a TiB.  Of a compressed archive much may be zeros, so this
 * is generous; the user's limit is of a layer, and looked at when the layers are
 * unpacked. */
static uint64_t bytes_max(uint64_t size)
{
	return size < MIB(1 << 20) ? 20 * size + GIB(4) : UINT64_MAX;
}

static void on_unpacked(void *context, uint64_t done)
{
	const struct agent_context *c = context;

	task_progress(c->task, "reading", done, 0);
}

struct err *archive_open(const struct agent_context *c, int fd, uint64_t size,
			 struct archive *out)
{
	CLEANUP(freep) char *target = NULL;
	struct unpack_request request = {
		.blob_fd = fd,
		.blob_size = size,
		/* Nothing is below it. */
		.is_first = true,
		.max_bytes = bytes_max(size),
		.max_file = bytes_max(size),
		.cancel = task_cancel(c->task),
		.progress = on_unpacked,
		.context = (void *)c,
	};
	struct unpack_result result = {0};

	TRY(scratch_new(c->store, &out->scratch));
	if (mkdirat(out->scratch.fd, "archive", 0700) != 0)
		return err_sys("'%s'", out->scratch.path);
	target = path_join(out->scratch.path, "archive");
	request.target = target;
	TRY(err_hint(err_wrap(unpack_layer(&request, &result), "the archive"),
		     "if it is in order, and much larger than it seems, decompress it "
		     "first"));
	return fs_open(out->scratch.fd, "archive", O_RDONLY | O_DIRECTORY, 0, &out->fd);
}

void archive_close(struct archive *a)
{
	closep(&a->fd);
	scratch_release(&a->scratch);
}

struct err *archive_open_file(int folder_fd, const char *path, int *fd, uint64_t *size)
{
	struct stat st;

	/* A fifo would block us, a device may have no end. */
	TRY(path_open(folder_fd, path, O_RDONLY | O_NONBLOCK, 0, fd));
	if (fstat(*fd, &st) != 0)
		return err_sys("'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_CORRUPT, "'%s' is not a file", path);
	*size = (uint64_t)st.st_size;
	return NULL;
}
