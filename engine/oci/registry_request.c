/* SPDX-License-Identifier: MIT
 * registry_request.c - one request to one endpoint: redirects, authentication, statuses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/oci/registry_private.h"

static const unsigned REDIRECTS_MAX = 10;
/* Challenges answered for one request: a registry's, and those of two hosts that it
 * redirects to. */
static const unsigned ANSWERS_MAX = 3;

/* ---- what an answer means ---- */

/* "CODE: message" of the registry's error document, for free(); NULL if it is not one.
 * A library has one error, whose code is the status. */
static char *error_of_body(const struct buf *body)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e = json_parse(str_make(buf_text(body), body->len), &tree);
	const cJSON *first = e ? NULL : json_array(tree, "errors");
	const cJSON *only = e ? NULL : json_object(tree, "error");
	const char *code, *message;

	err_ignore(e, "not every server sends JSON");
	first = first ? first->child : only;
	code = json_string(first, "code");
	message = json_string(first, "message");
	if (!code && only && message)
		return xasprintf("%.200s", message);
	if (!code)
		return NULL;
	return xasprintf("%.64s%s%.200s", code, message ? ": " : "",
			 message ? message : "");
}

/* What a status, or the code that comes with it, tells about another try. */
static enum err_code code_of(const struct http_response *answer, const char *said)
{
	static const struct {
		long status;
		enum err_code code;
	} statuses[] = {
		{401, ERR_AUTH},    {403, ERR_AUTH},	{404, ERR_NOTFOUND},
		{408, ERR_NETWORK}, {425, ERR_NETWORK}, {429, ERR_NETWORK},
		{499, ERR_NETWORK}, {500, ERR_NETWORK}, {502, ERR_NETWORK},
		{503, ERR_NETWORK}, {504, ERR_NETWORK}, {522, ERR_NETWORK},
	};
	static const char *const passing[] = {"TOOMANYREQUESTS", "UNAVAILABLE", "UNKNOWN",
					      "BLOB_UPLOAD_INVALID"};
	struct str code, message;

	str_cut(str_of(said), ':', &code, &message);
	for (size_t i = 0; i < ARRAY_LEN(passing) && answer->status >= 400; i++)
		if (str_is(code, passing[i]) && answer->status != 401 &&
		    answer->status != 404)
			return ERR_NETWORK;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == answer->status)
			return statuses[i].code;
	return ERR_PROTOCOL;
}

static const char *advice_for(const struct http_response *answer)
{
	static const struct {
		long status;
		const char *advice;
	} rows[] = {
		{403,
		 "the account may not pull this image; without an account, log in with "
		 "'docker login'"},
		{404, "check the name and the tag: the server does not have them"},
		{407, "the proxy needs a user name and a password, in the variable: "
		      "http://NAME:PASSWORD@HOST:PORT"},
		{429,
		 "the registry limits how often it may be asked: log in, wait, or use "
		 "a mirror (--registry-mirror)"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == answer->status)
			return rows[i].advice;
	return answer->status >= 500
		       ? "the registry itself fails: wait, or use a "
			 "mirror (--registry-mirror)"
		       : "this is not what a registry answers: look at its name, "
			 "and at proxies";
}

static struct err *status_error(const struct registry_request *q, const char *url,
				const struct http_response *answer)
{
	CLEANUP(freep) char *said = error_of_body(&answer->body);
	CLEANUP(freep) char *shown = url_shown(url);
	struct err *e = err_new(code_of(answer, said),
				"it answers with HTTP status %ld%s%s%s", answer->status,
				answer->status / 100 == 3 ? ", but not where to go" : "",
				said ? ", " : "", said ? said : "");

	if (!q->is_anonymous)
		e = err_hint(e, "%s", advice_for(answer));
	return err_wrap(e, "%s %s", q->method, shown);
}

/* ---- where a request goes ---- */

struct sending {
	struct registry *registry;
	const struct registry_request *request;
	const struct endpoint *endpoint;
	const char *method;	   /* the request's; GET once HEAD was refused */
	char *url;		   /* of the last hop */
	enum host_reach keep_from; /* by which server sent us there; http.h */
	struct endpoint far;	   /* what answers there: who_answers() */
};

static void sending_release(struct sending *s)
{
	free(s->url);
	free(s->far.base);
	free(s->far.repository);
}

/* "library/alpine" from ".../v2/library/alpine/manifests/3.17", for free(); NULL when the
 * URL is not a registry's. */
static char *repository_of(const char *url)
{
	static const char *const kinds[] = {"/manifests/", "/blobs/"};
	const char *start = strstr(url, "/v2/");

	for (size_t i = 0; start && i < ARRAY_LEN(kinds); i++) {
		const char *end = strstr(start + 4, kinds[i]);

		if (end)
			return str_dup(str_make(start + 4, (size_t)(end - start) - 4));
	}
	return NULL;
}

/* What answers the last hop: the endpoint, or a host that it redirects to, which nobody
 * chose and which gets no credentials. */
static const struct endpoint *who_answers(struct sending *s)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https = false;

	if (url_same_origin(s->url, s->endpoint->base) ||
	    !url_split(s->url, &is_https, &host))
		return s->endpoint;
	free(s->far.base);
	free(s->far.repository);
	s->far = (struct endpoint){
		.base = xasprintf("%s://%s", is_https ? "https" : "http", host),
		.repository = repository_of(s->url),
	};
	return &s->far;
}

/* ---- one exchange, redirects followed ---- */

static struct err *exchange_once(struct sending *s, uint64_t by_ns,
				 struct http_response *out)
{
	const struct registry_request *q = s->request;
	struct registry_caller caller = {s->registry, q->watch};
	struct http_request request = registry_http_request(&caller);
	uint64_t offset = q->offset ? q->offset(q->context) : 0;
	CLEANUP(freep) char *token = NULL;
	CLEANUP(freep) char *authorization = NULL;
	CLEANUP(freep) char *accept = NULL;
	CLEANUP(freep) char *shown = url_shown(s->url);
	char range[64];
	/* A layer that is decompressed on its way would not match its digest. */
	const char *headers[4] = {"Accept-Encoding: identity"};

	request.method = s->method;
	request.url = s->url;
	request.headers = headers;
	request.n_headers = 1;
	request.max_body = q->max_body;
	request.begin = q->begin;
	request.body = q->body;
	request.context = q->context;
	request.answer_by_ns = by_ns;
	request.keep_from = s->keep_from;
	if (q->accept) {
		accept = xasprintf("Accept: %s", q->accept);
		headers[request.n_headers++] = accept;
	}
	/* A token goes only to the endpoint that it was made for. */
	if (!q->is_anonymous)
		token = registry_authorization(s->registry, who_answers(s), q->ref);
	if (token) {
		authorization = xasprintf("Authorization: %s", token);
		headers[request.n_headers++] = authorization;
	}
	if (offset > 0) {
		snprintf(range, sizeof(range), "Range: bytes=%llu-",
			 (unsigned long long)offset);
		headers[request.n_headers++] = range;
	}
	TRY(err_wrap(http_perform(s->registry->http, &request, out), "%s %s", s->method,
		     shown));
	registry_remember_peer(s->registry, s->url, out->peer);
	return NULL;
}

/* All hops together have the time that one has until an answer. */
static struct err *exchange(struct sending *s, struct http_response *out)
{
	uint64_t by_ns = clock_mono_ns() +
			 (uint64_t)s->registry->options.stall_timeout_ms * 1000000;

	free(s->url);
	s->url = xasprintf("%s%s", s->endpoint->base, s->request->path);
	s->keep_from = s->endpoint->keep_from;
	for (unsigned hops = 0; hops <= REDIRECTS_MAX; hops++) {
		CLEANUP(freep) char *next = NULL;

		http_response_release(out);
		TRY(exchange_once(s, by_ns, out));
		TRY(registry_next_hop(s->registry, s->url, out, &next));
		if (!next)
			return NULL;
		s->keep_from = registry_keep_from(s->registry, s->url);
		free(s->url);
		s->url = STEAL(next);
	}
	return err_new(ERR_PROTOCOL, "%s%s: more than %u redirects", s->endpoint->base,
		       s->request->path, REDIRECTS_MAX);
}

/* With authentication: each host on the way may ask for it, and gets one answer. */
static struct err *exchange_authenticated(struct sending *s, struct http_response *out)
{
	CLEANUP(freep) char *answered = NULL;

	for (unsigned answers = 0;; answers++) {
		const struct endpoint *who;

		TRY(exchange(s, out));
		if (out->status != 401 || s->request->is_anonymous)
			return NULL;
		who = who_answers(s);
		if (answers == ANSWERS_MAX ||
		    (answered && strcmp(answered, who->base) == 0))
			return NULL;
		free(answered);
		answered = xstrdup(who->base);
		TRY(registry_answer(
			s->registry, who, s->request,
			str_make(buf_text(&out->challenges), out->challenges.len)));
	}
}

static struct err *attempt(struct sending *s, struct http_response *out)
{
	TRY(exchange_authenticated(s, out));
	/* Servers, and what stands before them, refuse HEAD in every possible way, even
	 * for what they have: what GET says counts.  A server that asks to come again
	 * later means both. */
	if (out->status >= 400 && !out->retry_after && strcmp(s->method, "HEAD") == 0) {
		s->method = "GET";
		TRY(exchange_authenticated(s, out));
	}
	if (out->status == 401 && !s->request->is_anonymous)
		return registry_refused(s->registry, who_answers(s), s->request);
	return out->status / 100 == 2 ? NULL : status_error(s->request, s->url, out);
}

struct err *registry_attempt(struct registry *r, const struct registry_request *request,
			     const struct endpoint *endpoint, struct http_response *out)
{
	struct sending s = {.registry = r,
			    .request = request,
			    .endpoint = endpoint,
			    .method = request->method};
	struct err *e = attempt(&s, out);

	sending_release(&s);
	return e;
}
