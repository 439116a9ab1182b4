/* SPDX-License-Identifier: MIT
 * docker_daemon.c - see docker_daemon.h.
 */
#include "engine/oci/docker_daemon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "engine/oci/registry_private.h"

/* ---- where it is ---- */

struct daemon {
	const char *address; /* as the user names it */
	const char *socket;  /* a path; NULL: `base` says all */
	char *base;	     /* URL */
};

static void daemon_release(struct daemon *d)
{
	free(d->base);
}

const char *docker_daemon_address(void)
{
	static const char *const variables[] = {"APPTAINER_DOCKER_HOST",
						"SINGULARITY_DOCKER_HOST", "DOCKER_HOST"};

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && value[0])
			return value;
	}
	return "unix:///var/run/docker.sock";
}

static struct err *find_daemon(struct daemon *out)
{
	out->address = docker_daemon_address();
	if (str_starts_with(str_of(out->address), "unix://")) {
		out->socket = out->address + strlen("unix://");
		out->base = xstrdup("http://localhost");
		return NULL;
	}
	if (str_starts_with(str_of(out->address), "tcp://") &&
	    out->address[strlen("tcp://")]) {
		out->base = xasprintf("http://%s", out->address + strlen("tcp://"));
		return NULL;
	}
	return err_hint(err_new(ERR_UNSUPPORTED,
				"'%s' is not an address of a daemon that this version "
				"understands",
				out->address),
			"DOCKER_HOST takes unix:///PATH or tcp://HOST:PORT; or save the "
			"image with 'docker save', and use 'Bootstrap: docker-archive'");
}

/* ---- requests ---- */

/* What the daemon says of a failure: {"message":"..."}. */
static struct err *status_error(const char *path, const struct http_response *answer)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e =
		json_parse(str_make(buf_text(&answer->body), answer->body.len), &tree);
	const char *said = e ? NULL : json_string(tree, "message");

	err_ignore(e, "not every answer is JSON");
	return err_new(answer->status == 404 ? ERR_NOTFOUND : ERR_PROTOCOL,
		       "the daemon answers '%s' with HTTP status %ld%s%.200s", path,
		       answer->status, said ? ": " : "", said ? said : "");
}

static struct err *no_daemon(struct err *e, const struct daemon *d)
{
	if (!e || err_code(e) != ERR_UNREACHABLE)
		return e;
	return err_hint(err_wrap(e, "there is no Docker daemon at %s", d->address),
			"start it, or podman's ('podman system service'), and name it "
			"with DOCKER_HOST");
}

static struct err *get(struct registry *r, const struct daemon *d, const char *path,
		       struct http_request *request, struct http_response *out)
{
	CLEANUP(freep) char *url = xasprintf("%s%s", d->base, path);

	if (r->options.offline)
		return err_hint(err_new(ERR_NETWORK, "no daemon may be asked"),
				"run once without --offline");
	request->method = "GET";
	request->url = url;
	request->unix_socket = d->socket;
	TRY(no_daemon(http_perform(r->http, request, out), d));
	return out->status / 100 == 2 ? NULL : status_error(path, out);
}

struct err *docker_daemon_resolve(struct registry *r, const char *name,
				  const struct registry_watch *watch, struct digest *out)
{
	CLEANUP(daemon_release) struct daemon d = {0};
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	CLEANUP(freep) char *path = xasprintf("/images/%s/json", name);
	struct registry_caller caller = {r, watch};
	struct http_request request = registry_http_request(&caller);
	const char *id;

	TRY(find_daemon(&d));
	request.max_body = OCI_DOCUMENT_MAX;
	TRY(get(r, &d, path, &request, &answer));
	TRY(oci_document_parse(str_make(buf_text(&answer.body), answer.body.len), &tree));
	id = json_string(tree, "Id");
	if (!id || !digest_parse(str_of(id), out) || out->kind != DIGEST_SHA256)
		return err_new(ERR_CORRUPT, "the daemon gives no digest of '%s'", name);
	return NULL;
}

/* ---- the archive ---- */

/* It writes all layers to its own disk before it answers. */
static const unsigned SAVE_TIMEOUT_MS = 60 * 60 * 1000;

struct saving {
	int fd;
	uint64_t size;
	const struct registry_watch *watch;
};

static struct err *save_piece(void *context, const void *data, size_t len)
{
	struct saving *s = context;

	TRY(fs_write_all(s->fd, data, len));
	s->size += len;
	if (s->watch && s->watch->progress)
		s->watch->progress(s->watch->context, s->size, 0);
	return NULL;
}

struct err *docker_daemon_save(struct registry *r, const struct digest *image,
			       const struct registry_watch *watch, int fd, uint64_t max,
			       uint64_t *size)
{
	CLEANUP(daemon_release) struct daemon d = {0};
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(freep) char *path = NULL;
	char hex[DIGEST_TEXT_SIZE];
	struct registry_caller caller = {r, watch};
	struct http_request request = registry_http_request(&caller);
	struct saving saving = {fd, 0, watch};

	TRY(find_daemon(&d));
	path = xasprintf("/images/get?names=%s", digest_hex(image, hex));
	request.max_body = max;
	request.stall_timeout_ms = SAVE_TIMEOUT_MS;
	request.body = save_piece;
	request.context = &saving;
	TRY(get(r, &d, path, &request, &answer));
	*size = saving.size;
	return NULL;
}
