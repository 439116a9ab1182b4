/* SPDX-License-Identifier: MIT
 * agent_busybox.c - a system that is one program: `MirrorURL` names a static busybox.
 *
 * Apptainer runs what it downloaded on the host, to make the links; here that happens in
 * a container.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cache/blob.h"
#include "engine/agent/package_index.h"
#include "engine/oci/oci_manifest.h"

static const char PASSWD[] = "root:!:0:0:root:/root:/bin/sh\n";
static const char GROUP[] = "root:x:0:\n";

static const char *const INSTALL[] = {"/bin/busybox", "--install", "/bin", NULL};

struct busybox {
	const struct agent_context *context;
	const char *url;
};

static struct err *download(const struct busybox *b, struct buf *program)
{
	TRY(package_index_blame(package_index_read(b->context, b->url, program), b->url,
				NULL));
	if (program->len > 4 && memcmp(buf_text(program), "\177ELF", 4) == 0)
		return NULL;
	return err_hint(err_new(ERR_NETWORK, "'%s' is no program", b->url),
			"'MirrorURL' names the busybox itself, built for Linux");
}

/* It is kept: all of it had to be read. */
static struct err *ask(void *self, struct digest *out)
{
	const struct busybox *b = self;
	CLEANUP(buf_release) struct buf program = BUF_INIT;

	TRY(download(b, &program));
	*out = digest_bytes(DIGEST_SHA256, NULL, buf_text(&program), program.len);
	return blob_put(b->context->store, out, buf_text(&program), program.len);
}

static struct err *busybox_reference(const struct step_base *base, char **out,
				     bool *is_pinned)
{
	*out = xstrdup(step_base_header(base, "mirrorurl"));
	*is_pinned = false;
	return NULL;
}

static struct err *busybox_resolve(const struct agent_context *c,
				   const struct step_base *base, struct digest *out)
{
	struct busybox b = {c, step_base_header(base, "mirrorurl")};
	CLEANUP(freep) char *name = xasprintf("busybox %s", b.url);

	return package_index_resolve(c, b.url, name, ask, &b, out);
}

/* From the store, or once more from the server. */
static struct err *get_program(const struct busybox *b, const struct digest *resolved,
			       struct buf *program)
{
	struct store *store = b->context->store;
	struct err *e = blob_read(store, resolved, OCI_DOCUMENT_MAX, program);
	struct digest now;

	if (!e)
		return NULL;
	err_ignore(e, "it is fetched");
	buf_clear(program);
	TRY(download(b, program));
	now = digest_bytes(DIGEST_SHA256, NULL, buf_text(program), program->len);
	if (digest_equal(&now, resolved))
		return NULL;
	return err_hint(err_new(ERR_NETWORK, "'%s' is not what it was", b->url),
			"build with what is there now: --refresh, or 'dagbuild lock "
			"--update'");
}

static struct err *busybox_fill(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, const char *root)
{
	struct busybox b = {c, step_base_header(base, "mirrorurl")};
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	CLEANUP(closep) int fd = -1;

	TRY(get_program(&b, resolved, &program));
	TRY(fs_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0, &fd));
	TRY(fs_mkdirs(fd, "bin", 0755));
	TRY(fs_mkdirs(fd, "etc", 0755));
	TRY(fs_write_atomic(fd, "etc/passwd", PASSWD, strlen(PASSWD), 0644));
	TRY(fs_write_atomic(fd, "etc/group", GROUP, strlen(GROUP), 0644));
	return fs_write_atomic(fd, "bin/busybox", buf_text(&program), program.len, 0755);
}

const struct agent agent_busybox = {
	.name = "busybox",
	.reference = busybox_reference,
	.resolve = busybox_resolve,
	.fill = busybox_fill,
	.install = INSTALL,
};
