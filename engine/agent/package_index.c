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
static const uint64_t LOCAL_BYTES_MAX = MIB(256);

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

bool package_index_is_local(const char *mirror)
{
	return strncmp(mirror, LOCAL, strlen(LOCAL)) == 0;
}

/* "file:///srv/mirror/FILE" or "file:/srv/mirror/FILE". */
static const char *local_path(const char *url)
{
	const char *path = url + strlen(LOCAL);

	return strncmp(path, "//", 2) == 0 ? path + 2 : path;
}

struct err *package_index_read(const struct agent_context *c, const char *url,
			       struct buf *text)
{
	struct registry_watch watch;

	if (package_index_is_local(url))
		return fs_read_regular(AT_FDCWD, local_path(url), OCI_DOCUMENT_MAX, text);
	watch = oci_image_watch(c);
	return registry_fetch_url(c->registry, url, &watch, text);
}

struct err *package_index_digest(const struct agent_context *c, const char *url,
				 struct digest *out)
{
	struct registry_watch watch;
	CLEANUP(closep) int fd = -1;

	if (!package_index_is_local(url)) {
		watch = oci_image_watch(c);
		return registry_digest_url(c->registry, url, &watch, out);
	}
	TRY(fs_open(AT_FDCWD, local_path(url), O_RDONLY | O_NONBLOCK, 0, &fd));
	return digest_fd(fd, LOCAL_BYTES_MAX, DIGEST_SHA256, NULL, out, NULL);
}

static struct err *ask_mirror(void *self, struct digest *out)
{
	const struct package_index *x = self;
	struct err *first = NULL;

	for (const char *const *file = x->files; *file; file++) {
		CLEANUP(freep) char *url = url_of(x, *file);
		struct err *e = package_index_digest(x->context, url, out);

		if (!e) {
			err_free(first);
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

/* Messages, logs and the store would show it. */
static struct err *refuse_password(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len = host ? strcspn(host + 3, "/") : 0;

	if (!host || !memchr(host + 3, '@', len))
		return NULL;
	return err_hint(err_new(ERR_USAGE, "a URL has a name or a password in it"),
			"no credentials go to a mirror: name one that needs none");
}

/* To the user, whatever is wrong with what a mirror has or sends is the mirror's
 * fault. */
struct err *package_index_blame(struct err *e, const char *mirror, const char *file)
{
	struct err *secret = e ? refuse_password(mirror) : NULL;

	if (secret) {
		err_ignore(e, "it would show the URL");
		return secret;
	}
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "told in fewer words");
		e = file ? err_hint(err_new(ERR_NETWORK, "it does not have '%s'", file),
				    "look at the URL, and at 'OSVersion'")
			 : err_hint(err_new(ERR_NETWORK, "there is no such file"),
				    "look at the URL");
	}
	if (e && err_code(e) == ERR_CORRUPT)
		e = err_recode(e, ERR_NETWORK);
	return err_wrap(e, "'%s' cannot be used", mirror);
}

struct err *package_index_resolve(const struct agent_context *c, const char *url,
				  const char *name, resolved_ask ask, void *self,
				  struct digest *out)
{
	TRY(refuse_password(url));
	return package_index_is_local(url) ? ask(self, out)
					   : resolved_find(c, name, NULL, ask, self, out);
}

struct err *package_index_find(const struct agent_context *c, const char *mirror,
			       const char *const *files, struct digest *out)
{
	struct package_index x = {c, mirror, files};
	CLEANUP(freep) char *name = url_of(&x, files[0]);
	struct err *e = package_index_resolve(c, mirror, name, ask_mirror, &x, out);

	if (e && err_code(e) == ERR_NOTFOUND && !c->use_network &&
	    !package_index_is_local(mirror))
		return e;
	return package_index_blame(e, mirror, files[0]);
}
