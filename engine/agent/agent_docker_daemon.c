/* SPDX-License-Identifier: MIT
 * agent_docker_daemon.c - an image that the Docker daemon of this machine holds:
 * "NAME[:TAG]".
 *
 * Its name is asked for as a tag is at a registry; its archive goes through a temporary
 * file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/agent/docker_archive.h"
#include "engine/agent/oci_image.h"
#include "engine/agent/registry_base.h"
#include "engine/agent/resolved.h"
#include "engine/oci/docker_daemon.h"

static const uint64_t ARCHIVE_BYTES_MAX = MIB(1 << 20);

struct daemon_image {
	const struct agent_context *context;
	const char *name;
};

/* "//NAME" is Apptainer's other way to write it.  The name is a part of a URL. */
static struct err *name_of(const struct step_base *base, const char **out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;

	*out = strncmp(base->from, "//", 2) == 0 ? base->from + 2 : base->from;
	return err_hint(oci_ref_parse(*out, &ref),
			"write 'From: NAME:TAG', as 'docker images' shows it");
}

static struct err *daemon_reference(const struct step_base *base, char **out,
				    bool *is_pinned)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	const char *name;

	TRY(name_of(base, &name));
	TRY(oci_ref_parse(name, &ref));
	*out = oci_ref_format(&ref);
	*is_pinned = false;
	return NULL;
}

static struct err *ask(void *self, struct digest *out)
{
	const struct daemon_image *i = self;
	struct registry_watch watch = oci_image_watch(i->context);

	return registry_base_blame(
		docker_daemon_resolve(i->context->registry, i->name, &watch, out),
		i->name);
}

static struct err *daemon_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	struct daemon_image image = {.context = c};
	CLEANUP(freep) char *memo = NULL;

	TRY(name_of(base, &image.name));
	memo = xasprintf("docker-daemon %s %s", docker_daemon_address(), image.name);
	return resolved_find(c, memo, NULL, ask, &image, out);
}

static void on_received(void *task, uint64_t done, uint64_t total)
{
	task_progress(task, "downloading", done, total);
}

static struct err *save(const struct agent_context *c, const struct digest *image,
			const struct scratch *scratch, int *fd, uint64_t *size)
{
	struct registry_watch watch = oci_image_watch(c);

	watch.progress = on_received;
	TRY(fs_open(scratch->fd, "image.tar", O_RDWR | O_CREAT | O_EXCL, 0600, fd));
	return docker_daemon_save(c->registry, image, &watch, *fd, ARCHIVE_BYTES_MAX,
				  size);
}

static struct err *bring(const struct agent_context *c, const struct digest *image,
			 struct agent_base *out)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(archive_close) struct archive archive = ARCHIVE_INIT;
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;
	struct err *e;

	TRY(scratch_new(c->store, &scratch));
	e = save(c, image, &scratch, &fd, &size);
	if (e && err_code(e) == ERR_NOTFOUND)
		e = err_hint(e, "what the name stands for now may be another image: "
				"--refresh, or 'dagbuild lock --update'");
	TRY(e);
	TRY(archive_open(c, fd, size, &archive));
	return docker_archive_bring(c, &archive, NULL, image, out);
}

static struct err *daemon_fetch(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, struct agent_base *out)
{
	const char *name;

	TRY(name_of(base, &name));
	return registry_base_blame(bring(c, resolved, out), name);
}

const struct agent agent_docker_daemon = {
	.name = "docker-daemon",
	.reference = daemon_reference,
	.resolve = daemon_resolve,
	.fetch = daemon_fetch,
};
