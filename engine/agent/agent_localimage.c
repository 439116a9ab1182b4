/* SPDX-License-Identifier: MIT
 * agent_localimage.c - an image of this host: a SIF or squashfs file, or a folder that
 * Apptainer calls a sandbox.
 *
 * The source is what it holds, not what it is called: a copy elsewhere, or one with other
 * times, is the same base.  A file that changes while it is used is an error, since the
 * key was made of what it held before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/agent/agent.h"
#include "engine/agent/image_file.h"
#include "engine/agent/unpacked.h"
#include "engine/tree/file_content.h"
#include "engine/tree/tree_copy.h"

static void on_read(void *context, uint64_t done)
{
	const struct agent_context *c = context;

	task_progress(c->task, "reading", done, 0);
}

static struct file_reading reading_of(const struct agent_context *c)
{
	return (struct file_reading){
		.cancel = c->task ? task_cancel(c->task) : NULL,
		.max_file = c->max_file,
		.memo = c->memo,
		.progress = c->task ? on_read : NULL,
		.context = (void *)c,
	};
}

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
		return err_new(ERR_USAGE, "'%s' is neither a file nor a folder",
			       base->from);
	return NULL;
}

/* ---- what it holds ---- */

static struct err *name_file(const struct agent_context *c, const struct local_source *s,
			     struct digest *out)
{
	struct file_reading how = reading_of(c);
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

/* Everything in the folder; owners count, and so do times where they do elsewhere. */
static struct copy_request folder_request(const struct agent_context *c,
					  const struct local_source *s,
					  const struct copy_item *item)
{
	return (struct copy_request){
		.source_fd = s->fd,
		.items = item,
		.n_items = 1,
		.rules = {.from = COPY_FROM_STAGE},
		.files = reading_of(c),
	};
}

static struct err *name_folder(const struct agent_context *c,
			       const struct local_source *s, const struct copy_item *all,
			       struct digest *out)
{
	struct copy_request request = folder_request(c, s, all);

	return tree_copy_digest(&request, out);
}

static const struct copy_item ALL = {.source = "/", .target = "/", .is_literal = true};

static struct err *name_source(const struct agent_context *c,
			       const struct local_source *s, struct digest *out)
{
	return S_ISDIR(s->stat.st_mode) ? name_folder(c, s, &ALL, out)
					: name_file(c, s, out);
}

static struct err *localimage_resolve(const struct agent_context *c,
				      const struct step_base *base, struct digest *out)
{
	CLEANUP(local_source_close) struct local_source s = {.fd = -1};

	TRY(image_file_check_headers(base));
	TRY(local_source_open(base, &s));
	return err_wrap(name_source(c, &s, out), "image '%s' cannot be used", base->from);
}

/* ---- taking it ---- */

static struct err *changed(void)
{
	return err_hint(err_new(ERR_SYS, "it changes while it is used"),
			"start again when nothing writes to it");
}

static struct err *take_folder(const struct agent_context *c,
			       const struct local_source *s,
			       const struct digest *resolved, struct unpacked *u)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int upper = -1;
	struct copy_request request = folder_request(c, s, &ALL);
	struct digest copied;

	TRY(scratch_new(c->store, &scratch));
	if (mkdirat(scratch.fd, "upper", 0755) != 0)
		return err_sys("'%s'", scratch.path);
	TRY(fs_open(scratch.fd, "upper", O_RDONLY | O_DIRECTORY, 0, &upper));
	TRY(tree_copy(&request, upper, &copied));
	if (!digest_equal(&copied, resolved))
		return changed();
	return unpacked_publish(&scratch, c->task, false, u);
}

static struct err *bring_folder(const struct agent_context *c,
				const struct local_source *s,
				const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(unpacked_release) struct unpacked u = {0};
	struct digest key = unpacked_key(c, "sandbox", resolved);
	struct err *e = NULL;
	bool waited;

	out->is_image = true;
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!unpacked_load(c, &key, &u)) {
		e = take_folder(c, s, resolved, &u);
		if (!e)
			e = unpacked_save(c, &key, &u);
	}
	flight_leave(c->flights, &key, e);
	TRY(e);
	snapshot_copy(&out->layers, &u.layer);
	return NULL;
}

static struct err *open_again(void *self, int *fd)
{
	const struct local_source *s = self;

	*fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
	return *fd >= 0 ? NULL : err_sys("'%s'", s->path);
}

static struct err *bring_file(const struct agent_context *c, struct local_source *s,
			      const struct digest *resolved, struct agent_base *out)
{
	struct image_source source = {.open = open_again, .self = s};
	struct digest now;

	TRY(name_file(c, s, &now));
	if (!digest_equal(&now, resolved))
		return changed();
	TRY(image_file_bring(c, resolved, &source, out));
	if (fstat(s->fd, &s->stat) != 0)
		return err_sys("stat");
	TRY(name_file(c, s, &now));
	return digest_equal(&now, resolved) ? NULL : changed();
}

static struct err *localimage_fetch(const struct agent_context *c,
				    const struct step_base *base,
				    const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(local_source_close) struct local_source s = {.fd = -1};

	TRY(local_source_open(base, &s));
	return err_wrap(S_ISDIR(s.stat.st_mode) ? bring_folder(c, &s, resolved, out)
						: bring_file(c, &s, resolved, out),
			"image '%s' cannot be used", base->from);
}

const struct agent agent_localimage = {
	.name = "localimage",
	.resolve = localimage_resolve,
	.fetch = localimage_fetch,
};
