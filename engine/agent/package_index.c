/* SPDX-License-Identifier: MIT
 * package_index.c - see package_index.h.
 */
#include "engine/agent/package_index.h"

#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "engine/agent/oci_image.h"
#include "engine/agent/resolved.h"

static const char LOCAL[] = "file:";

struct package_index {
	const struct agent_context *context;
	const char *mirror;
	const char *const *files;
};

/* The URL of a file below the mirror's, for free(). */
static char *url_of(const struct package_index *x, const char *file)
{
	size_t len = strlen(x->mirror);

	while (len > 0 && x->mirror[len - 1] == '/')
		len--;
	return xasprintf("%.*s/%s", (int)len, x->mirror, file);
}

static bool is_local(const char *mirror)
{
	return strncmp(mirror, LOCAL, strlen(LOCAL)) == 0;
}

/* "file:///srv/mirror/FILE" or "file:/srv/mirror/FILE" on this host. */
static struct err *read_local(const char *url, struct buf *text)
{
	const char *path = url + strlen(LOCAL);

	if (strncmp(path, "//", 2) == 0)
		path += 2;
	return fs_read_regular(AT_FDCWD, path, OCI_DOCUMENT_MAX, text);
}

static struct err *read_file(const struct package_index *x, const char *file,
			     struct buf *text)
{
	const struct agent_context *c = x->context;
	CLEANUP(freep) char *url = url_of(x, file);
	struct registry_watch watch;

	if (is_local(x->mirror))
		return read_local(url, text);
	watch = oci_image_watch(c);
	return registry_fetch_url(c->registry, url, &watch, text);
}

static struct err *ask(void *self, struct digest *out)
{
	const struct package_index *x = self;
	struct err *first = NULL;

	for (const char *const *file = x->files; *file; file++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct err *e = read_file(x, *file, &text);

		if (!e) {
			err_free(first);
			*out = digest_bytes(DIGEST_SHA256, NULL, buf_text(&text),
					    text.len);
			return NULL;
		}
		if (err_code(e) != ERR_NOTFOUND || first) {
			err_ignore(first, "the mirror has another fault");
			return e;
		}
		first = e;
	}
	return first;
}

struct err *package_index_find(const struct agent_context *c, const char *mirror,
			       const char *const *files, struct digest *out)
{
	struct package_index x = {c, mirror, files};
	CLEANUP(freep) char *name = url_of(&x, files[0]);
	struct err *e = is_local(mirror) ? ask(&x, out)
					 : resolved_find(c, name, NULL, ask, &x, out);

	if (!e || (err_code(e) == ERR_NOTFOUND && !c->use_network))
		return e;
	if (err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "told in fewer words");
		e = err_hint(err_new(ERR_NETWORK, "it does not have '%s'", files[0]),
			     "look at 'MirrorURL' and 'OSVersion'");
	}
	if (err_code(e) == ERR_CORRUPT)
		e = err_recode(e, ERR_NETWORK);
	return err_wrap(e, "the mirror '%s' cannot be used", mirror);
}
