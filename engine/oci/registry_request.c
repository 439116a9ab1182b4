/* SPDX-License-Identifier: MIT
 * registry_request.c - one request to a registry, however often it takes.
 */
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/oci/registry_private.h"

static const unsigned TRIES_MAX = 5;
static const unsigned REDIRECTS_MAX = 10;
/* Challenges answered on the way of one request: a registry's, and those of two hosts that it
 * redirects to. */
static const unsigned ANSWERS_MAX = 3;

void registry_note(const struct registry_watch *watch, const char *text)
{
	if (watch && watch->note)
		watch->note(watch->context, text);
}

/* ---- what an answer means ---- */

/* "CODE: message" of the registry's error document, for free(); NULL if it is none. */
static char *error_of_body(const struct buf *body)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e = json_parse(str_make(buf_text(body), body->len), &tree);
	const cJSON *first = e ? NULL : json_array(tree, "errors");
	const char *code, *message;

	err_ignore(e, "not every server sends JSON");
	first = first ? first->child : NULL;
	code = json_string(first, "code");
	message = json_string(first, "message");
	if (!code)
		return NULL;
	return xasprintf("%.64s%s%.200s", code, message ? ": " : "",
			 message ? message : "");
}

static bool is_transient(long status)
{
	static const long statuses[] = {408, 425, 429, 499, 500, 502, 503, 504, 522};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (status == statuses[i])
			return true;
	return false;
}

static struct err *status_error(const struct registry_request *q, const char *url,
				const struct http_response *answer)
{
	CLEANUP(freep) char *name = oci_ref_format(q->ref);
	CLEANUP(freep) char *said = error_of_body(&answer->body);
	enum err_code code = is_transient(answer->status) ? ERR_NETWORK
			     : answer->status == 404	  ? ERR_NOTFOUND
			     : answer->status == 401 || answer->status == 403 ? ERR_AUTH
									      : ERR_SYS;
	struct err *e = err_new(code, "'%s': %s answers with HTTP status %ld%s%s", name,
				url, answer->status, said ? ", " : "", said ? said : "");

	if (answer->status == 404)
		return err_hint(
			e,
			"look at the name and the tag: the registry has none like them");
	if (answer->status == 403)
		return err_hint(e, "the account has no right to this image");
	if (answer->status == 429)
		return err_hint(
			e,
			"the registry limits how often it may be asked: log in, wait, or "
			"use a mirror (--registry-mirror)");
	return e;
}

/* ---- redirects ---- */

bool registry_same_origin(const char *a, const char *b)
{
	CLEANUP(freep) char *host_a = NULL;
	CLEANUP(freep) char *host_b = NULL;
	bool https_a, https_b;

	return http_split(a, &https_a, &host_a) && http_split(b, &https_b, &host_b) &&
	       https_a == https_b && strcmp(host_a, host_b) == 0;
}

/* The absolute form of a Location header, for free(); RFC 3986, 5.2, by curl. */
static char *resolve(const char *base, const char *location)
{
	CURLU *url = curl_url();
	char *text = NULL, *copy = NULL;

	if (url && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
		copy = xstrdup(text);
	curl_free(text);
	curl_url_cleanup(url);
	return copy;
}

struct err *registry_check_redirect(const struct registry *r, const char *from,
				    const char *to)
{
	CLEANUP(freep) char *from_host = NULL;
	CLEANUP(freep) char *to_host = NULL;
	bool from_https = false, to_https = false;

	if (!to || !http_split(from, &from_https, &from_host) ||
	    !http_split(to, &to_https, &to_host))
		return err_new(ERR_NETWORK, "'%s' redirects to no proper URL", from);
	if (from_https && !to_https && !r->options.no_https)
		return err_new(ERR_NETWORK, "'%s' redirects to '%s', without encryption",
			       from, to);
	if (!http_is_loopback(from_host) && http_is_loopback(to_host))
		return err_new(ERR_NETWORK, "'%s' redirects to this machine, '%s'", from,
			       to);
	return NULL;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	       status == 308;
}

struct err *registry_next_hop(const struct registry *r, const char *url,
			      const struct http_response *answer, char **next)
{
	CLEANUP(freep) char *to = NULL;

	*next = NULL;
	if (!is_redirect(answer->status) || !answer->location)
		return NULL;
	to = resolve(url, answer->location);
	TRY(registry_check_redirect(r, url, to));
	*next = STEAL(to);
	return NULL;
}

/* ---- one exchange, redirects followed ---- */

struct sending {
	struct registry *registry;
	const struct registry_request *request;
	const struct endpoint *endpoint;
	const char *method;  /* the request's; GET once HEAD was refused */
	char *url;	     /* of the last hop */
	struct endpoint far; /* who answers there: who_answers() */
};

static void sending_release(struct sending *s)
{
	free(s->url);
	free(s->far.base);
	free(s->far.repository);
}

/* "library/alpine" of ".../v2/library/alpine/manifests/3.17", for free(); NULL when the URL is
 * no registry's. */
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

/* Who answers the last hop: the endpoint, or a host that it redirects to, which is nobody's
 * choice and gets no credentials. */
static const struct endpoint *who_answers(struct sending *s)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https = false;

	if (registry_same_origin(s->url, s->endpoint->base) ||
	    !http_split(s->url, &is_https, &host))
		return s->endpoint;
	free(s->far.base);
	free(s->far.repository);
	s->far = (struct endpoint){
		.base = xasprintf("%s://%s", is_https ? "https" : "http", host),
		.repository = repository_of(s->url),
	};
	return &s->far;
}

static struct err *exchange_once(struct sending *s, struct http_response *out)
{
	const struct registry_request *q = s->request;
	const struct registry_options *o = &s->registry->options;
	CLEANUP(freep) char *token = NULL;
	CLEANUP(freep) char *authorization = NULL;
	CLEANUP(freep) char *accept = NULL;
	char range[64];
	/* A layer that was decompressed on its way would not match its digest. */
	const char *headers[4] = {"Accept-Encoding: identity"};
	struct http_request request = {
		.method = s->method,
		.url = s->url,
		.headers = headers,
		.n_headers = 1,
		.max_body = q->max_body,
		.begin = q->begin,
		.body = q->body,
		.context = q->context,
		.connect_timeout_ms = o->connect_timeout_ms,
		.stall_timeout_ms = o->stall_timeout_ms,
		.cancel = q->watch ? q->watch->cancel : NULL,
	};
	uint64_t offset = q->offset ? q->offset(q->context) : 0;

	if (q->accept) {
		accept = xasprintf("Accept: %s", q->accept);
		headers[request.n_headers++] = accept;
	}
	/* A token goes to whom it was made for. */
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
	return err_wrap(http_perform(s->registry->http, &request, out), "%s %s",
			s->method, s->url);
}

static struct err *exchange(struct sending *s, struct http_response *out)
{
	free(s->url);
	s->url = xasprintf("%s%s", s->endpoint->base, s->request->path);
	for (unsigned hops = 0; hops <= REDIRECTS_MAX; hops++) {
		CLEANUP(freep) char *next = NULL;

		http_response_release(out);
		TRY(exchange_once(s, out));
		TRY(registry_next_hop(s->registry, s->url, out, &next));
		if (!next)
			return NULL;
		free(s->url);
		s->url = STEAL(next);
	}
	return err_new(ERR_NETWORK, "%s%s: more than %u redirects", s->endpoint->base,
		       s->request->path, REDIRECTS_MAX);
}

/* With authentication: each host on the way may ask for it, and is answered once. */
static struct err *exchange_authenticated(struct sending *s, struct http_response *out)
{
	CLEANUP(freep) char *answered = NULL;

	for (unsigned answers = 0;; answers++) {
		const struct endpoint *who;

		TRY(exchange(s, out));
		if (out->status != 401)
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
	/* Servers, and what stands before them, refuse HEAD in every way there is, also of what
	 * they have: what GET says counts. */
	if (out->status >= 400 && strcmp(s->method, "HEAD") == 0) {
		s->method = "GET";
		TRY(exchange_authenticated(s, out));
	}
	if (out->status == 401)
		return registry_refused(s->registry, who_answers(s), s->request);
	return out->status / 100 == 2 ? NULL : status_error(s->request, s->url, out);
}

/* ---- retries ---- */

/* Milliseconds that a Retry-After header asks for: seconds, or a date (RFC 9110, 10.2.3).
 */
static bool retry_after(const struct http_response *answer, uint64_t *ms)
{
	uint64_t seconds;
	time_t when;
	int64_t now = clock_real_ns() / 1000000000;

	if (!answer->retry_after)
		return false;
	if (str_to_u64(str_of(answer->retry_after), &seconds)) {
		*ms = seconds > UINT32_MAX ? UINT64_MAX : seconds * 1000;
		return true;
	}
	when = curl_getdate(answer->retry_after, NULL);
	if (when == (time_t)-1)
		return false;
	*ms = when > now ? (uint64_t)(when - now) * 1000 : 0;
	return true;
}

/* Delay, three times as long for each try, give or take a tenth. */
static uint64_t backoff_ms(const struct registry *r, unsigned try)
{
	uint64_t delay = r->options.retry_delay_ms;
	uint16_t random = 0;

	for (unsigned i = 1; i < try; i++)
		delay *= 3;
	(void)!getrandom(&random, sizeof(random), 0);
	return delay - delay / 10 + delay * random / 65535 / 5;
}

static struct err *pause_ms(const struct registry_watch *watch, uint64_t ms)
{
	const struct cancel *cancel = watch ? watch->cancel : NULL;
	struct pollfd fd = {.fd = cancel ? cancel_fd(cancel, CANCEL_ASKED) : -1,
			    .events = POLLIN};

	poll(&fd, 1, ms > INT32_MAX ? INT32_MAX : (int)ms);
	return cancel ? cancel_check(cancel) : NULL;
}

/* How long to wait before the next try; gives the error back when there shall be none. */
static struct err *plan_retry(struct sending *s, unsigned try,
			      const struct http_response *answer, struct err *e,
			      uint64_t *wait_ms)
{
	const struct registry *r = s->registry;

	if (err_code(e) != ERR_NETWORK)
		return e;
	if (try >= TRIES_MAX)
		return err_wrap(e, "given up after %u tries", try);
	*wait_ms = backoff_ms(r, try);
	if (retry_after(answer, wait_ms) && *wait_ms > r->options.retry_after_max_ms)
		return err_wrap(e, "the registry asks to wait %llu s, which is too long",
				(unsigned long long)(*wait_ms / 1000));
	return NULL;
}

static struct err *send_with_retries(struct sending *s, struct http_response *out)
{
	uint64_t progress = 0;

	for (unsigned try = 1;; try++) {
		CLEANUP(freep) char *text = NULL;
		uint64_t wait_ms = 0, now;
		struct err *e = attempt(s, out);

		if (!e)
			return NULL;
		/* A transfer that moves on may fail as often as it likes. */
		now = s->request->offset ? s->request->offset(s->request->context) : 0;
		if (now > progress)
			try = 1;
		progress = now;
		TRY(plan_retry(s, try, out, e, &wait_ms));
		text = xasprintf("trying again in %llu.%llu s: %s",
				 (unsigned long long)(wait_ms / 1000),
				 (unsigned long long)(wait_ms % 1000 / 100),
				 err_cause(e) ? err_text(err_cause(e)) : err_text(e));
		registry_note(s->request->watch, text);
		err_ignore(e, "another try is made");
		TRY(pause_ms(s->request->watch, wait_ms));
	}
}

/* ---- endpoints ---- */

struct endpoints {
	VEC(struct endpoint) list;
};

static void endpoints_release(struct endpoints *e)
{
	for (size_t i = 0; i < e->list.len; i++) {
		free(e->list.items[i].base);
		free(e->list.items[i].host);
	}
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

/* Mirrors of the host in their order, then the host itself; on this machine https, then
 * http. */
static void find_endpoints(struct registry *r, const struct oci_ref *ref,
			   struct endpoints *out)
{
	const char *host =
		strcmp(ref->host, "docker.io") == 0 ? "registry-1.docker.io" : ref->host;
	bool plain = r->options.no_https || is_known_plain(r, host);

	for (size_t i = 0; i < r->options.n_mirrors; i++) {
		char *mirror_host = NULL;
		struct str name, url;
		bool is_https;

		str_cut(str_of(r->options.mirrors[i]), '=', &name, &url);
		if (str_is(name, ref->host) &&
		    http_split(url.data, &is_https, &mirror_host))
			add_endpoint(out, str_dup(url), mirror_host, true);
	}
	if (!plain)
		add_endpoint(out, xasprintf("https://%s", host), xstrdup(ref->host),
			     false);
	if (plain || http_is_loopback(host))
		add_endpoint(out, xasprintf("http://%s", host), xstrdup(ref->host),
			     false);
}

/* May the next endpoint be asked after this failure?  A mirror need not have everything.
 */
static bool falls_through(const struct endpoint *failed, const struct endpoint *next,
			  const struct err *e)
{
	if (failed->is_mirror)
		return err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_NETWORK ||
		       err_code(e) == ERR_AUTH;
	/* From https to http on this machine, when nothing there talks https. */
	return !next->is_mirror && err_code(e) == ERR_NETWORK;
}

static struct err *send_to(struct registry *r, const struct registry_request *request,
			   const struct endpoint *endpoint, bool once,
			   struct http_response *out)
{
	struct sending s = {.registry = r,
			    .request = request,
			    .endpoint = endpoint,
			    .method = request->method};
	struct err *e = once ? attempt(&s, out) : send_with_retries(&s, out);

	sending_release(&s);
	return e;
}

struct err *registry_send(struct registry *r, const struct registry_request *request,
			  struct http_response *out)
{
	CLEANUP(endpoints_release) struct endpoints all = {0};
	struct err *e = NULL;

	if (r->options.offline)
		return err_hint(
			err_new(ERR_NETWORK,
				"'%s%s' is not in the cache, and no request may be made",
				request->ref->host, request->path),
			"run once without --offline: what is there already is not "
			"fetched "
			"again");
	find_endpoints(r, request->ref, &all);
	for (size_t i = 0; i < all.list.len; i++) {
		const struct endpoint *endpoint = &all.list.items[i];
		bool is_last = i + 1 == all.list.len;
		/* https on this machine is only tried: http follows. */
		bool once = !is_last && !endpoint->is_mirror;
		struct err *failed = send_to(r, request, endpoint, once, out);

		if (!failed) {
			if (!endpoint->is_mirror && is_last && all.list.len > 1)
				remember_plain(r, request->ref->host);
			err_ignore(e, "another endpoint has it");
			return NULL;
		}
		/* The last endpoint's error is the error, the mirrors' are its notes. */
		if (is_last || !falls_through(endpoint, endpoint + 1, failed))
			return err_attach(failed, e);
		e = err_attach(e, failed);
	}
	return e;
}
