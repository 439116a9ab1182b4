/* SPDX-License-Identifier: MIT
 * registry_endpoint.c - where a request goes: mirrors in their order, then the registry.
 *
 * A mirror may lack things, or not answer: whatever it does wrong, we ask the next one,
 * and remember the failure, so that it costs its time once.  Only a failure of our own (a
 * full disk, an interrupt) ends a request at once.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/oci/registry_private.h"

struct endpoints {
	VEC(struct endpoint) list; /* mirrors, then the registry itself */
};

static void endpoint_release(struct endpoint *e)
{
	free(e->base);
	free(e->host);
}

static void endpoints_release(struct endpoints *e)
{
	for (size_t i = 0; i < e->list.len; i++)
		endpoint_release(&e->list.items[i]);
	vec_free(&e->list);
}

/* Takes `base` and `host` over. */
static void add_endpoint(struct endpoints *e, char *base, char *host, bool is_mirror)
{
	size_t n = strlen(base);
	struct endpoint endpoint = {.base = base, .host = host, .is_mirror = is_mirror};

	while (n > 0 && base[n - 1] == '/')
		base[--n] = '\0';
	vec_push(&e->list, endpoint);
}

static bool is_known_plain(struct registry *r, const char *host)
{
	bool known = false;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->plain.len; i++)
		known = known || strcmp(r->plain.items[i], host) == 0;
	pthread_mutex_unlock(&r->lock);
	return known;
}

static void remember_plain(struct registry *r, const char *host)
{
	if (is_known_plain(r, host))
		return;
	pthread_mutex_lock(&r->lock);
	vec_push(&r->plain, xstrdup(host));
	pthread_mutex_unlock(&r->lock);
}

static const char *host_of(const struct oci_ref *ref)
{
	return strcmp(ref->host, "docker.io") == 0 ? "registry-1.docker.io" : ref->host;
}

/* Mirrors of the host in their order, then the host itself. */
static void find_endpoints(struct registry *r, const struct registry_request *q,
			   struct endpoints *out)
{
	const struct oci_ref *ref = q->ref;
	const char *host = host_of(ref);
	bool plain = r->options.no_https || is_known_plain(r, host);

	if (q->base) {
		add_endpoint(out, xstrdup(q->base), xstrdup(ref->host), false);
		return;
	}
	for (size_t i = 0; i < r->options.n_mirrors; i++) {
		char *mirror_host = NULL;
		struct str name, url;
		bool is_https;

		str_cut(str_of(r->options.mirrors[i]), '=', &name, &url);
		if (str_is(name, ref->host) &&
		    url_split(url.data, &is_https, &mirror_host))
			add_endpoint(out, str_dup(url), mirror_host, true);
	}
	add_endpoint(out, xasprintf("http%s://%s", plain ? "" : "s", host),
		     xstrdup(ref->host), false);
}

/* ---- what is remembered of mirrors ---- */

/* Why it is not asked for this image any more, for free(); NULL if it is asked. */
static char *why_not(struct registry *r, const struct endpoint *endpoint,
		     const struct oci_ref *ref)
{
	CLEANUP(freep) char *image = oci_ref_format(ref);
	char *why = NULL;

	if (!endpoint->is_mirror)
		return NULL;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->failed.len && !why; i++) {
		const struct failed_mirror *m = &r->failed.items[i];

		if (strcmp(m->base, endpoint->base) == 0 &&
		    (!m->image || strcmp(m->image, image) == 0))
			why = xstrdup(m->why);
	}
	pthread_mutex_unlock(&r->lock);
	return why;
}

/* For all images, or for this one. */
static void remember_failed(struct registry *r, const char *base,
			    const struct oci_ref *ref, bool for_all, const char *why)
{
	struct failed_mirror m = {xstrdup(base), for_all ? NULL : oci_ref_format(ref),
				  xstrdup(why)};

	pthread_mutex_lock(&r->lock);
	vec_push(&r->failed, m);
	pthread_mutex_unlock(&r->lock);
}

/* A mirror that is down, or does not speak the protocol of registries, is not asked
 * again; one that lacks an image, or does not give it to us, may give others. */
static bool is_about_image(const struct err *e, const struct http_response *answer)
{
	return err_code(e) == ERR_CORRUPT ||
	       (answer->status >= 400 && answer->status < 500 &&
		err_code(e) != ERR_NETWORK);
}

void registry_distrust(struct registry *r, const struct oci_ref *ref, const char *mirror,
		       const char *why)
{
	remember_failed(r, mirror, ref, false, why);
}

/* A page that asks to log in comes with the status 200. */
static struct err *check_document(const struct registry_request *q,
				  const struct endpoint *endpoint,
				  const struct http_response *answer)
{
	struct str text =
		str_trim_left(str_make(buf_text(&answer->body), answer->body.len));

	bool is_empty = text.len == 0;

	if (!q->accept || str_starts_with(text, "{") ||
	    (is_empty && strcmp(q->method, "HEAD") == 0))
		return NULL;
	return err_hint(
		err_new(ERR_PROTOCOL, "%s%s is %s of the type '%.100s'", endpoint->base,
			q->path, is_empty ? "empty, and" : "text instead of JSON",
			answer->content_type ? answer->content_type : ""),
		"something else answers in the registry's place: a page to log in "
		"to this network, or a proxy");
}

/* ---- one of them ---- */

static bool may_pass(const struct err *e)
{
	return err_code(e) == ERR_NETWORK || err_code(e) == ERR_UNREACHABLE;
}

/* On this machine encryption is not needed: try https, and then http if nothing there
 * talks https. */
static struct err *ask_here(struct registry *r, const struct registry_request *q,
			    const struct endpoint *https, struct http_response *out)
{
	CLEANUP(endpoint_release)
	struct endpoint http = {.base = xasprintf("http://%s", host_of(q->ref)),
				.host = xstrdup(https->host)};
	CLEANUP(err_freep)
	struct err *probe = registry_send_to(r, q, https, &registry_once, out);
	struct err *e;

	if (!probe || !may_pass(probe))
		return STEAL(probe);
	if (out->status > 0)
		return registry_send_to(r, q, https, &registry_patient, out);
	e = registry_send_to(r, q, &http, &registry_patient, out);
	if (!e)
		remember_plain(r, host_of(q->ref));
	if (!e || out->status > 0 || err_code(e) == err_code(probe) ||
	    (!may_pass(e) && err_code(e) != ERR_PROTOCOL))
		return e;
	return err_wrap(e, "%s speaks neither https (%s) nor http", https->host,
			registry_reason(probe));
}

static struct err *ask_one(struct registry *r, const struct registry_request *q,
			   const struct endpoint *endpoint, struct http_response *out)
{
	if (endpoint->is_mirror)
		TRY(registry_send_to(r, q, endpoint, &registry_hasty, out));
	else if (!q->base && host_reach(host_of(q->ref)) == HOST_LOOPBACK &&
		 str_starts_with(str_of(endpoint->base), "https:"))
		TRY(ask_here(r, q, endpoint, out));
	else
		TRY(registry_send_to(r, q, endpoint, &registry_patient, out));
	return check_document(q, endpoint, out);
}

/* ---- one after the other ---- */

bool registry_is_theirs(const struct err *e)
{
	static const enum err_code codes[] = {ERR_NETWORK,  ERR_UNREACHABLE, ERR_PROTOCOL,
					      ERR_NOTFOUND, ERR_AUTH,	     ERR_CORRUPT};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == err_code(e))
			return true;
	return false;
}

/* The failures of all endpoints that were asked, in order. */
struct asked {
	struct buf told;
	unsigned n;
};

static void asked_release(struct asked *a)
{
	buf_release(&a->told);
}

static void tell(struct asked *a, const struct endpoint *endpoint, const char *why,
		 bool before)
{
	buf_printf(&a->told, "%s%s%s%s: %s", a->n++ > 0 ? "; then " : "",
		   endpoint->is_mirror ? "mirror " : "",
		   endpoint->is_mirror ? endpoint->base : endpoint->host,
		   before ? " (asked before)" : "", why);
}

/* The last one's error, with the failures of all. */
static struct err *all_failed(const struct asked *a, struct err *last)
{
	const char *advice = err_advice(last);
	struct err *e;

	if (a->n < 2)
		return last;
	e = err_new(err_code(last), "%s", buf_text(&a->told));
	if (advice)
		e = err_hint(e, "%s", advice);
	err_ignore(last, "told among the others");
	return e;
}

/* Before the next one is asked; that one goes on where this one broke off, unless what
 * came was wrong. */
static struct err *leave(struct registry *r, const struct registry_request *q,
			 const struct endpoint *endpoint, const struct err *e,
			 const struct http_response *answer)
{
	CLEANUP(freep)
	char *text =
		xasprintf("mirror %s is skipped: %s", endpoint->base, registry_reason(e));

	remember_failed(r, endpoint->base, q->ref, !is_about_image(e, answer),
			registry_reason(e));
	/* A mirror does not need to have everything. */
	if (err_code(e) != ERR_NOTFOUND)
		registry_note(q->watch, text);
	return q->begin && err_code(e) == ERR_CORRUPT ? q->begin(q->context, 0, NULL)
						      : NULL;
}

static void tell_mirror(const struct registry_request *q, const struct endpoint *endpoint)
{
	if (!q->mirror)
		return;
	free(*q->mirror);
	*q->mirror = endpoint->is_mirror ? xstrdup(endpoint->base) : NULL;
}

static struct err *ask_all(struct registry *r, const struct registry_request *q,
			   const struct endpoints *all, struct http_response *out)
{
	CLEANUP(asked_release) struct asked asked = {0};

	for (size_t i = 0;; i++) {
		const struct endpoint *endpoint = &all->list.items[i];
		CLEANUP(freep) char *before = why_not(r, endpoint, q->ref);
		struct err *e, *ours;

		if (before) {
			tell(&asked, endpoint, before, true);
			continue;
		}
		e = ask_one(r, q, endpoint, out);
		if (!e) {
			tell_mirror(q, endpoint);
			return NULL;
		}
		tell(&asked, endpoint, registry_reason(e), false);
		if (!endpoint->is_mirror || !registry_is_theirs(e))
			return all_failed(&asked, e);
		ours = leave(r, q, endpoint, e, out);
		err_ignore(e, "the next one may have it");
		TRY(ours);
	}
}

struct err *registry_send(struct registry *r, const struct registry_request *request,
			  struct http_response *out)
{
	CLEANUP(endpoints_release) struct endpoints all = {0};

	if (r->options.offline)
		return err_hint(
			err_new(ERR_NETWORK,
				"'%s%s' is not in the cache, and no request may be "
				"made",
				request->ref->host, request->path),
			"run once without --offline: what is there already is not "
			"fetched again");
	find_endpoints(r, request, &all);
	return ask_all(r, request, &all, out);
}
