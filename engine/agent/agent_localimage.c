/* SPDX-License-Identifier: MIT
 * agent_localimage.c - an image of this host: a SIF or squashfs file, or a folder that
 * Apptainer calls a sandbox.
 *
 * The source is what it holds, not what it is called: a copy elsewhere, or one with other
 * times, is the same base.  A file that changes while it is used is an error, since the
 * key was made of what it held before.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/agent/agent.h"
#include "engine/agent/image_file.h"
#include "engine/agent/image_folder.h"

struct local_source {
	const char *path; /* as in the definition: from the current folder */
	int fd;
	struct stat stat;
};

static void local_source_close(struct local_source *s)
{
	closep(&s->fd);
}

static struct err *local_source_open(const struct step_base *base,
				     struct local_source *out)
{
	struct err *e;

	out->path = base->from;
	/* O_NONBLOCK: a fifo of that name must not block us. */
	e = fs_open(AT_FDCWD, base->from, O_RDONLY | O_NONBLOCK, 0, &out->fd);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(err_new(ERR_USAGE, "there is no image '%s' on this host",
					base->from),
				"a relative path starts at the current folder");
	}
	TRY(e);
	if (fstat(out->fd, &out->stat) != 0)
		return err_sys("'%s'", base->from);
	if (!S_ISREG(out->stat.st_mode) && !S_ISDIR(out->stat.st_mode))
		return err_hint(err_new(ERR_USAGE, "'%s' is neither a file nor a folder",
					base->from),
				"name a SIF or squashfs file, or a folder");
	return NULL;
}

/* ---- what it holds ---- */

static struct err *name_file(const struct agent_context *c, const struct local_source *s,
			     struct digest *out)
{
	struct file_reading how = image_file_reading(c);
	CLEANUP(content_reader_release)
	struct content_reader reader = file_content_reader(&how, false);
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	struct content content;

	if (!file_content_find(&how, &s->stat, &content))
		TRY(file_content_read(&how, &reader, s->fd, -1, &content));
	hasher_add_str(h, "image file");
	content_add(h, &content);
	*out = hasher_final(h);
	return NULL;
}

static struct err *localimage_resolve(const struct agent_context *c,
				      const struct step_base *base, struct digest *out)
{
	CLEANUP(local_source_close) struct local_source s = {.fd = -1};

	TRY(image_file_check_headers(base));
	TRY(local_source_open(base, &s));
	return err_wrap(S_ISDIR(s.stat.st_mode) ? image_folder_name(c, s.fd, out)
						: name_file(c, &s, out),
			"image '%s' cannot be used", base->from);
}

/* ---- taking it ---- */

struct taking {
	const struct agent_context *context;
	struct local_source source;
	const struct digest *resolved;
};

static void taking_release(struct taking *t)
{
	local_source_close(&t->source);
}

static struct err *open_again(void *self, int *fd)
{
	const struct taking *t = self;

	*fd = fcntl(t->source.fd, F_DUPFD_CLOEXEC, 3);
	return *fd >= 0 ? NULL : err_sys("'%s'", t->source.path);
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Is the file what it was when it was opened?  The status shows what was changed and
 * changed back; the content, which is read again only if it was written to just now,
 * what came too soon for a clock to tell. */
static struct err *check_source(void *self)
{
	struct taking *t = self;
	struct stat was = t->source.stat, *is = &t->source.stat;
	struct digest now;

	if (fstat(t->source.fd, is) != 0)
		return err_sys("stat");
	if (was.st_size != is->st_size || !is_same_time(was.st_mtim, is->st_mtim) ||
	    !is_same_time(was.st_ctim, is->st_ctim))
		return image_file_changed();
	TRY(name_file(t->context, &t->source, &now));
	return digest_equal(&now, t->resolved) ? NULL : image_file_changed();
}

static struct err *localimage_fetch(const struct agent_context *c,
				    const struct step_base *base,
				    const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(taking_release)
	struct taking taking = {.context = c, .source.fd = -1, .resolved = resolved};
	struct image_source source = {
		.open = open_again, .check = check_source, .self = &taking};
	struct err *e;

	TRY(local_source_open(base, &taking.source));
	if (S_ISDIR(taking.source.stat.st_mode))
		e = image_folder_bring(c, taking.source.fd, resolved, out);
	else
		e = check_source(&taking);
	if (!e && S_ISREG(taking.source.stat.st_mode))
		e = image_file_bring(c, resolved, &source, out);
	return err_wrap(e, "image '%s' cannot be used", base->from);
}

const struct agent agent_localimage = {
	.name = "localimage",
	.resolve = localimage_resolve,
	.fetch = localimage_fetch,
};
