/* SPDX-License-Identifier: MIT
 * agent_localimage.c - an image of this host: a SIF or squashfs file, or a folder that
 * Apptainer calls a sandbox.
 *
 * A file that changes while it is used is an error, since the key was made of what it
 * held before.
 */
#include <fcntl.h>

#include "engine/agent/image_file.h"
#include "engine/agent/image_folder.h"
#include "engine/agent/local_file.h"

static const char KIND[] = "image file";

static struct err *localimage_resolve(const struct agent_context *c,
				      const struct step_base *base, struct digest *out)
{
	CLEANUP(local_file_close) struct local_file f = LOCAL_FILE_INIT;

	TRY(image_file_check_headers(base));
	TRY(local_file_open(base->from, &f));
	return err_wrap(S_ISDIR(f.stat.st_mode) ? image_folder_name(c, f.fd, out)
						: local_file_name(c, &f, KIND, NULL, out),
			"image '%s' cannot be used", base->from);
}

/* ---- taking it ---- */

struct taking {
	const struct agent_context *context;
	struct local_file file;
	const struct digest *resolved;
};

static void taking_release(struct taking *t)
{
	local_file_close(&t->file);
}

static struct err *open_again(void *self, int *fd)
{
	const struct taking *t = self;

	*fd = fcntl(t->file.fd, F_DUPFD_CLOEXEC, 3);
	return *fd >= 0 ? NULL : err_sys("'%s'", t->file.path);
}

static struct err *check_source(void *self)
{
	struct taking *t = self;

	return local_file_check(t->context, &t->file, KIND, NULL, t->resolved);
}

static struct err *localimage_fetch(const struct agent_context *c,
				    const struct step_base *base,
				    const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(taking_release)
	struct taking taking = {
		.context = c, .file = LOCAL_FILE_INIT, .resolved = resolved};
	struct image_source source = {
		.open = open_again, .check = check_source, .self = &taking};
	const char *fingerprints = step_base_header(base, "fingerprints");
	struct err *e;

	TRY(local_file_open(base->from, &taking.file));
	if (S_ISREG(taking.file.stat.st_mode))
		e = check_source(&taking);
	else
		e = fingerprints ? image_file_no_signatures()
				 : image_folder_bring(c, taking.file.fd, resolved, out);
	if (!e && S_ISREG(taking.file.stat.st_mode))
		e = image_file_bring(c, resolved, &source, fingerprints, out);
	return err_wrap(e, "image '%s' cannot be used", base->from);
}

const struct agent agent_localimage = {
	.name = "localimage",
	.resolve = localimage_resolve,
	.fetch = localimage_fetch,
};
