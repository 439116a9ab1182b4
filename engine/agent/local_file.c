/* SPDX-License-Identifier: MIT
 * local_file.c - see local_file.h.
 */
#include "engine/agent/local_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/agent/image_file.h"

void local_file_close(struct local_file *f)
{
	closep(&f->fd);
}

struct err *local_file_open(const char *path, struct local_file *out)
{
	struct err *e;

	out->path = path;
	/* O_NONBLOCK: a fifo of that name must not block us. */
	e = fs_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &out->fd);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(
			err_new(ERR_USAGE, "there is no image '%s' on this host", path),
			"a relative path starts at the current folder");
	}
	TRY(e);
	if (fstat(out->fd, &out->stat) != 0)
		return err_sys("'%s'", path);
	if (!S_ISREG(out->stat.st_mode) && !S_ISDIR(out->stat.st_mode))
		return err_hint(
			err_new(ERR_USAGE, "'%s' is neither a file nor a folder", path),
			"name an image file, or a folder");
	return NULL;
}

struct err *local_file_name(const struct agent_context *c, const struct local_file *f,
			    const char *kind, const char *part, struct digest *out)
{
	struct file_reading how = image_file_reading(c);
	CLEANUP(content_reader_release)
	struct content_reader reader = file_content_reader(&how, false);
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	struct content content;

	if (!file_content_find(&how, &f->stat, &content))
		TRY(file_content_read(&how, &reader, f->fd, -1, &content));
	hasher_add_str(h, kind);
	content_add(h, &content);
	if (part)
		hasher_add_str(h, part);
	*out = hasher_final(h);
	return NULL;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The status shows what was changed and changed back; the content, which is read again
 * only if it was written to just now, what came too soon for a clock to tell. */
struct err *local_file_check(const struct agent_context *c, struct local_file *f,
			     const char *kind, const char *part,
			     const struct digest *name)
{
	struct stat was = f->stat, *is = &f->stat;
	struct digest now;

	if (fstat(f->fd, is) != 0)
		return err_sys("stat");
	if (was.st_size != is->st_size || !is_same_time(was.st_mtim, is->st_mtim) ||
	    !is_same_time(was.st_ctim, is->st_ctim))
		return image_file_changed();
	TRY(local_file_name(c, f, kind, part, &now));
	return digest_equal(&now, name) ? NULL : image_file_changed();
}
