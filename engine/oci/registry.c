/* SPDX-License-Identifier: MIT
 * registry.c - see registry.h.
 */
#include "engine/oci/registry.h"

#include <stdlib.h>
#include <string.h>

#include "engine/oci/registry_private.h"

static const char MANIFEST_ACCEPT[] =
	"application/vnd.oci.image.index.v1+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json, "
	"application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.docker.distribution.manifest.v2+json";

/* ---- the client ---- */

static void set_default(unsigned *value, unsigned fallback)
{
	if (*value == 0)
		*value = fallback;
}

/* HOST=URL.  The host is compared as text: a text that cannot be one would never
 * match. */
static bool is_mirror(const char *text)
{
	static const char in_hosts[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:[]";
	CLEANUP(freep) char *host = NULL;
	size_t len = strspn(text, in_hosts);
	bool is_https;

	return len > 0 && text[len] == '=' && !strpbrk(text + len, "?#") &&
	       url_split(text + len + 1, &is_https, &host);
}

struct err *registry_new(const struct registry_options *options, struct registry **out)
{
	struct credential_sources sources =
		credential_sources_from_environment(options->authfile);
	struct registry *r;

	for (size_t i = 0; i < options->n_mirrors; i++)
		if (!is_mirror(options->mirrors[i]))
			return err_hint(err_new(ERR_USAGE, "'%s' does not name a mirror",
						options->mirrors[i]),
					"write HOST=URL, such as "
					"docker.io=https://mirror.example");
	TRY(credential_sources_check(&sources));
	r = xcalloc(1, sizeof(*r));
	r->options = *options;
	set_default(&r->options.connect_timeout_ms, 15000);
	set_default(&r->options.stall_timeout_ms, 60000);
	if (r->options.connect_timeout_ms > r->options.stall_timeout_ms)
		r->options.connect_timeout_ms = r->options.stall_timeout_ms;
	set_default(&r->options.retry_delay_ms, 1000);
	set_default(&r->options.retry_after_max_ms, 60000);
	r->http = http_new();
	r->sources = sources;
	pthread_mutex_init(&r->lock, NULL);
	registry_recall(r, options->memory);
	*out = r;
	return NULL;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	http_free(r->http);
	registry_auth_release(r);
	registry_memory_release(r);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void registry_freep(struct registry **r)
{
	registry_free(*r);
	*r = NULL;
}

/* ---- manifests ---- */

/* A request for the documents of an image. */
struct asking {
	struct registry *registry;
	const struct oci_ref *ref;
	const struct registry_watch *watch;
	char *mirror; /* the one that answered last, or NULL */
};

static void asking_release(struct asking *a)
{
	free(a->mirror);
}

static struct err *send_manifest(struct asking *a, const char *method, const char *name,
				 struct http_response *out)
{
	CLEANUP(freep)
	char *path = xasprintf("/v2/%s/manifests/%s", a->ref->repository, name);
	struct registry_request request = {
		.ref = a->ref,
		.method = method,
		.path = path,
		.accept = MANIFEST_ACCEPT,
		.max_body = OCI_DOCUMENT_MAX,
		.mirror = &a->mirror,
		.watch = a->watch,
	};

	return registry_send(a->registry, &request, out);
}

struct err *registry_resolve(struct registry *r, const struct oci_ref *ref,
			     const struct registry_watch *watch, struct digest *out)
{
	CLEANUP(http_response_release) struct http_response head = HTTP_RESPONSE_INIT;
	CLEANUP(http_response_release) struct http_response whole = HTTP_RESPONSE_INIT;
	CLEANUP(asking_release) struct asking a = {r, ref, watch, NULL};

	if (digest_is_set(&ref->digest)) {
		*out = ref->digest;
		return NULL;
	}
	TRY(send_manifest(&a, "HEAD", ref->tag, &head));
	/* HEAD was refused, and this is what GET brought. */
	if (head.body.len > 0) {
		*out = digest_bytes(DIGEST_SHA256, NULL, buf_text(&head.body),
				    head.body.len);
		return NULL;
	}
	if (head.content_digest && digest_parse(str_of(head.content_digest), out) &&
	    out->kind == DIGEST_SHA256)
		return NULL;
	/* Some servers do not say; then the document itself tells. */
	TRY(send_manifest(&a, "GET", ref->tag, &whole));
	*out = digest_bytes(DIGEST_SHA256, NULL, buf_text(&whole.body), whole.body.len);
	return NULL;
}

static struct err *check_manifest(const struct oci_ref *ref, const struct digest *want,
				  const struct buf *body)
{
	struct digest got = digest_bytes(DIGEST_SHA256, NULL, buf_text(body), body->len);
	CLEANUP(freep) char *name = oci_ref_format(ref);
	char want_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];

	if (digest_equal(&got, want))
		return NULL;
	return err_new(ERR_CORRUPT, "'%s': the manifest '%s' has the digest '%s'", name,
		       digest_format(want, want_text), digest_format(&got, got_text));
}

/* By its digest; or by the tag, for a server that knows no other names, if the tag has
 * the wanted digest. */
static struct err *get_manifest(struct asking *a, const struct digest *digest,
				struct http_response *out)
{
	CLEANUP(http_response_release)
	struct http_response tagged = HTTP_RESPONSE_INIT;
	char name[DIGEST_TEXT_SIZE];
	struct err *e = send_manifest(a, "GET", digest_format(digest, name), out);
	struct err *by_tag;

	if (!e || err_code(e) != ERR_NOTFOUND || !a->ref->tag)
		return e;
	by_tag = send_manifest(a, "GET", a->ref->tag, &tagged);
	if (!by_tag)
		by_tag = check_manifest(a->ref, digest, &tagged.body);
	if (by_tag) {
		err_ignore(by_tag, "what is wanted is the digest");
		return e;
	}
	err_ignore(e, "the tag has it");
	http_response_release(out);
	*out = tagged;
	tagged = (struct http_response)HTTP_RESPONSE_INIT;
	return NULL;
}

/* A wrong document may have been damaged on its way: it is fetched once more. */
struct err *registry_fetch_manifest(struct registry *r, const struct oci_ref *ref,
				    const struct digest *digest,
				    const struct registry_watch *watch, struct buf *body,
				    char **content_type)
{
	CLEANUP(asking_release) struct asking a = {r, ref, watch, NULL};
	struct err *e = NULL;

	for (int tries = 0; tries < 2;) {
		CLEANUP(http_response_release)
		struct http_response answer = HTTP_RESPONSE_INIT;

		err_ignore(e, "fetched once more");
		TRY(get_manifest(&a, digest, &answer));
		e = check_manifest(ref, digest, &answer.body);
		if (e) {
			if (a.mirror)
				registry_distrust(r, ref, a.mirror, err_text(e));
			else
				tries++;
			continue;
		}
		buf_append(body, buf_text(&answer.body), answer.body.len);
		*content_type = STEAL(answer.content_type);
		return NULL;
	}
	return e;
}

struct err *registry_fetch_json(struct registry *r, const struct registry_place *place,
				const struct registry_watch *watch, struct buf *body)
{
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	struct registry_request request = {
		.ref = place->ref,
		.base = place->base,
		.method = "GET",
		.path = place->path,
		.accept = "application/json",
		.max_body = OCI_DOCUMENT_MAX,
		.watch = watch,
	};

	TRY(registry_send(r, &request, &answer));
	buf_append(body, buf_text(&answer.body), answer.body.len);
	return NULL;
}

/* ---- what is no registry's ---- */

/* A URL in the form of a request. */
struct url_request {
	struct oci_ref ref; /* its host */
	char *base;
	struct registry_request request;
};

static void url_request_release(struct url_request *u)
{
	oci_ref_release(&u->ref);
	free(u->base);
}

static struct err *url_request_of(const char *url, uint64_t max,
				  const struct registry_watch *watch,
				  struct url_request *out)
{
	bool is_https = false;
	const char *path;

	if (!url_split(url, &is_https, &out->ref.host))
		return err_new(ERR_USAGE, "it is not a URL of http or https");
	out->ref.repository = xstrdup("");
	path = strstr(url, "://") + strlen("://");
	path += strcspn(path, "/");
	out->base = xstrndup(url, (size_t)(path - url));
	out->request = (struct registry_request){
		.ref = &out->ref,
		.base = out->base,
		.is_anonymous = true,
		.method = "GET",
		.path = path,
		.max_body = max,
		.watch = watch,
	};
	return NULL;
}

struct err *registry_fetch_url(struct registry *r, const char *url,
			       const struct registry_watch *watch, struct buf *body)
{
	CLEANUP(url_request_release) struct url_request u = {0};
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;

	TRY(url_request_of(url, OCI_DOCUMENT_MAX, watch, &u));
	TRY(registry_send(r, &u.request, &answer));
	buf_append(body, buf_text(&answer.body), answer.body.len);
	return NULL;
}

struct hashing {
	struct hasher *hasher;
};

static void hashing_release(struct hashing *h)
{
	hasher_free(h->hasher);
}

/* Each answer is whole: nothing is resumed. */
static struct err *hashing_begin(void *context, long status, const char *content_range)
{
	struct hashing *h = context;

	(void)status;
	(void)content_range;
	hasher_free(h->hasher);
	h->hasher = hasher_new(DIGEST_SHA256, NULL);
	return NULL;
}

static struct err *hashing_body(void *context, const void *data, size_t len)
{
	struct hashing *h = context;

	hasher_update(h->hasher, data, len);
	return NULL;
}

struct err *registry_digest_url(struct registry *r, const char *url,
				const struct registry_watch *watch, struct digest *out)
{
	CLEANUP(url_request_release) struct url_request u = {0};
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(hashing_release) struct hashing hashing = {0};

	TRY(url_request_of(url, MIB(256), watch, &u));
	TRY(hashing_begin(&hashing, 0, NULL));
	u.request.begin = hashing_begin;
	u.request.body = hashing_body;
	u.request.context = &hashing;
	TRY(registry_send(r, &u.request, &answer));
	*out = hasher_final(hashing.hasher);
	return NULL;
}

/* ---- blobs ---- */

struct blob_transfer {
	struct blob_writer *writer;
	const struct registry_place *place; /* in the registry */
	const struct oci_descriptor *blob;
	const struct registry_watch *watch;
	const char *url;  /* where it is, if not in the registry */
	char *mirror;	  /* the one that sent it, or NULL */
	bool is_complete; /* all of it came, whatever it is */
};

static uint64_t blob_offset(void *context)
{
	const struct blob_transfer *t = context;

	return blob_writer_have(t->writer);
}

/* "bytes 100-199/200": does the body go on where we stopped? (RFC 9110, 14.4) */
static bool continues_at(const char *content_range, uint64_t offset)
{
	struct str range = str_of(content_range), unit, first, rest;
	uint64_t start;

	str_cut(range, ' ', &unit, &rest);
	str_cut(str_trim(rest), '-', &first, &rest);
	return str_equal_nocase(unit, STR("bytes")) && str_to_u64(first, &start) &&
	       start == offset;
}

static struct err *blob_begin(void *context, long status, const char *content_range)
{
	struct blob_transfer *t = context;

	/* A 206 that goes on is what we asked for; anything else starts over. */
	if (status == 206 && continues_at(content_range, blob_writer_have(t->writer)))
		return NULL;
	TRY(blob_writer_restart(t->writer));
	return status == 206 ? err_new(ERR_NETWORK,
				       "the server sends another range than asked for")
			     : NULL;
}

static struct err *blob_body(void *context, const void *data, size_t len)
{
	struct blob_transfer *t = context;

	TRY(blob_writer_write(t->writer, data, len));
	if (t->watch && t->watch->progress)
		t->watch->progress(t->watch->context, blob_writer_have(t->writer),
				   t->blob->size);
	return NULL;
}

static struct err *transfer(struct registry *r, struct blob_transfer *t)
{
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	struct registry_request request = {
		.ref = t->place->ref,
		.base = t->place->base,
		.method = "GET",
		.path = t->place->path,
		.max_body = t->blob->size,
		.begin = blob_begin,
		.body = blob_body,
		.offset = blob_offset,
		.context = t,
		.mirror = &t->mirror,
		.watch = t->watch,
	};

	/* A partial file may hold all of it, unchecked. */
	if (blob_writer_have(t->writer) < t->blob->size)
		TRY(t->url ? registry_send_foreign(r, &request, t->url, &answer)
			   : registry_send(r, &request, &answer));
	t->is_complete = true;
	return blob_writer_finish(t->writer);
}

/* One transfer, from where `t` says; `t->mirror` is for free() afterwards. */
static struct err *fetch_once(struct registry *r, struct store *store,
			      struct blob_transfer *t)
{
	CLEANUP(blob_writer_releasep) struct blob_writer *writer = NULL;

	TRY(blob_writer_open(store, &t->blob->digest, t->blob->size, &writer));
	t->writer = writer;
	return transfer(r, t);
}

struct err *registry_fetch_file(struct registry *r, const struct registry_place *place,
				const struct oci_descriptor *blob, struct store *store,
				const struct registry_watch *watch)
{
	struct err *e = NULL;

	if (blob_exists(store, &blob->digest))
		return NULL;
	/* Once from each mirror, twice from the registry.  An answer that was refused, as
	 * its length is wrong, would be the same again. */
	for (int tries = 0; tries < 2;) {
		struct blob_transfer t = {.place = place, .blob = blob, .watch = watch};
		CLEANUP(freep) char *mirror = NULL;

		err_ignore(e, "fetched once more");
		e = fetch_once(r, store, &t);
		mirror = t.mirror;
		if (!e || err_code(e) != ERR_CORRUPT || !t.is_complete)
			return e;
		if (mirror)
			registry_distrust(r, place->ref, mirror, err_text(e));
		else
			tries++;
		if (tries < 2)
			registry_note(watch,
				      "the download was damaged: fetching it once more");
	}
	return e;
}

/* Both failures in one line. */
static struct err *and_then(struct err *e, const char *url, struct err *next)
{
	CLEANUP(freep) char *shown = url_shown(url);
	struct err *both = err_new(err_code(next), "%s; then %s: %s", registry_reason(e),
				   shown, registry_reason(next));

	err_ignore(e, "told with the next");
	err_ignore(next, "told with the one before");
	return both;
}

struct err *registry_fetch_blob(struct registry *r, const struct oci_ref *ref,
				const struct oci_descriptor *blob, struct store *store,
				const struct registry_watch *watch)
{
	char digest[DIGEST_TEXT_SIZE];
	CLEANUP(freep)
	char *path = xasprintf("/v2/%s/blobs/%s", ref->repository,
			       digest_format(&blob->digest, digest));
	struct registry_place place = {.ref = ref, .path = path};
	struct err *e;

	if (blob_exists(store, &blob->digest))
		return NULL;
	if (blob->data)
		return blob_put(store, &blob->digest, blob->data, (size_t)blob->size);
	e = registry_fetch_file(r, &place, blob, store, watch);
	if (!e || r->options.offline)
		return e;
	for (size_t i = 0; i < blob->n_urls && registry_is_theirs(e); i++) {
		struct blob_transfer t = {
			.place = &place,
			.blob = blob,
			.watch = watch,
			.url = blob->urls[i],
		};
		struct err *next = fetch_once(r, store, &t);

		if (!next) {
			err_ignore(e, "it is elsewhere");
			return NULL;
		}
		e = and_then(e, blob->urls[i], next);
	}
	return e;
}
