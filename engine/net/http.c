/* SPDX-License-Identifier: MIT
 * http.c - see http.h.
 *
 * Each exchange has a curl multi handle to itself, because only those can wait for a
 * descriptor of ours too: the cancel token's.  The handle goes back to a list with its
 * connection open.
 */
#include "engine/net/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"

static const size_t ERROR_BODY_MAX = (size_t)64 << 10;
static const size_t HEADER_MAX = (size_t)64 << 10;

struct line {
	CURL *easy;
	CURLM *multi;
};

struct http {
	pthread_mutex_t lock; /* guards idle */
	VEC(struct line) idle;
};

struct http *http_new(void)
{
	struct http *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	return h;
}

static void line_close(struct line *l)
{
	curl_easy_cleanup(l->easy);
	curl_multi_cleanup(l->multi);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->idle.len; i++)
		line_close(&h->idle.items[i]);
	vec_free(&h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct line line_take(struct http *h)
{
	struct line l = {NULL, NULL};

	pthread_mutex_lock(&h->lock);
	if (h->idle.len > 0)
		l = h->idle.items[--h->idle.len];
	pthread_mutex_unlock(&h->lock);
	if (l.easy)
		return l;
	l.easy = curl_easy_init();
	l.multi = curl_multi_init();
	if (!l.easy || !l.multi)
		abort(); /* only memory can fail here */
	return l;
}

static void line_give_back(struct http *h, struct line *l)
{
	curl_easy_reset(l->easy);
	pthread_mutex_lock(&h->lock);
	vec_push(&h->idle, *l);
	pthread_mutex_unlock(&h->lock);
}

/* ---- one exchange ---- */

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
	struct err *failed; /* of a callback */
	uint64_t received;
	size_t header_bytes;
	bool begun;
	uint64_t moved_ns; /* when the last byte came */
};

static bool is_success(long status)
{
	return status >= 200 && status < 300;
}

static void set_header(char **slot, struct str value)
{
	free(*slot);
	*slot = str_dup(value);
}

static void take_header(struct http_response *r, struct str name, struct str value)
{
	uint64_t length;

	if (str_equal_nocase(name, STR("content-type")))
		set_header(&r->content_type, value);
	else if (str_equal_nocase(name, STR("docker-content-digest")))
		set_header(&r->content_digest, value);
	else if (str_equal_nocase(name, STR("content-range")))
		set_header(&r->content_range, value);
	else if (str_equal_nocase(name, STR("location")))
		set_header(&r->location, value);
	else if (str_equal_nocase(name, STR("retry-after")))
		set_header(&r->retry_after, value);
	else if (str_equal_nocase(name, STR("www-authenticate")))
		buf_printf(&r->challenges, "%.*s\n", STR_ARG(value));
	else if (str_equal_nocase(name, STR("content-length")) &&
		 str_to_u64(value, &length))
		r->content_length = length;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	struct str line = str_make(data, size * count), name, value;

	x->moved_ns = clock_mono_ns();
	x->header_bytes += line.len;
	if (x->header_bytes > HEADER_MAX) {
		x->failed = err_new(ERR_CORRUPT, "headers of more than %zu bytes",
				    HEADER_MAX);
		return 0;
	}
	if (str_cut(line, ':', &name, &value))
		take_header(x->response, str_trim(name), str_trim(value));
	return line.len;
}

static struct err *take_body(struct exchange *x, const char *data, size_t len)
{
	struct http_response *r = x->response;

	if (!is_success(r->status)) {
		buf_append(&r->body, data, len);
		return NULL;
	}
	if (!x->begun && x->request->begin)
		TRY(x->request->begin(x->request->context, r->status, r->content_range));
	x->begun = true;
	x->received += len;
	if (x->received > x->request->max_body)
		return err_new(ERR_CORRUPT, "the answer is longer than %llu bytes",
			       (unsigned long long)x->request->max_body);
	if (x->request->body)
		return x->request->body(x->request->context, data, len);
	buf_append(&r->body, data, len);
	return NULL;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;

	x->moved_ns = clock_mono_ns();
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->response->status);
	x->failed = take_body(x, data, size * count);
	return x->failed ? 0 : size * count;
}

static void configure(struct exchange *x, struct curl_slist *headers)
{
	const struct http_request *q = x->request;
	CURL *e = x->easy;

	curl_easy_setopt(e, CURLOPT_URL, q->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_USERAGENT, "dagbuild/" DAGBUILD_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_timeout_ms);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	/* A mirror in a container or lab often has no proper name: proxies skip loopback.
	 */
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	if (strcmp(q->method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (q->post_body)
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, q->post_body);
}

/* Until the transfer ends, stalls, or is cancelled. */
static struct err *transfer(struct exchange *x, CURLM *multi)
{
	const struct cancel *cancel = x->request->cancel;
	struct curl_waitfd extra = {.events = CURL_WAIT_POLLIN};
	int running = 1;

	extra.fd = cancel ? cancel_fd(cancel, CANCEL_ASKED) : -1;
	x->moved_ns = clock_mono_ns();
	for (;;) {
		uint64_t stall_ns = (uint64_t)x->request->stall_timeout_ms * 1000000;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return err_new(ERR_NETWORK, "libcurl failed");
		if (!running)
			return NULL;
		if (cancel)
			TRY(cancel_check(cancel));
		if (clock_mono_ns() - x->moved_ns > stall_ns)
			return err_new(ERR_NETWORK, "nothing came for %u ms",
				       x->request->stall_timeout_ms);
		curl_multi_poll(multi, &extra, cancel ? 1 : 0, 100, NULL);
	}
}

static struct err *result_of(struct exchange *x, CURLM *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		CURLcode code;

		if (message->msg != CURLMSG_DONE)
			continue;
		code = message->data.result;
		if (x->failed)
			return STEAL(x->failed);
		if (code != CURLE_OK)
			return err_new(ERR_NETWORK, "%s",
				       x->error[0] ? x->error : curl_easy_strerror(code));
	}
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->response->status);
	/* An empty body has a beginning too. */
	if (is_success(x->response->status) && !x->begun && x->request->begin)
		return x->request->begin(x->request->context, x->response->status,
					 x->response->content_range);
	return NULL;
}

struct err *http_perform(struct http *h, const struct http_request *request,
			 struct http_response *out)
{
	struct line line = line_take(h);
	struct exchange x = {.request = request, .response = out, .easy = line.easy};
	struct curl_slist *headers = NULL;
	struct err *e;

	*out = (struct http_response){.content_length = UINT64_MAX,
				      .body = BUF_MAX(ERROR_BODY_MAX)};
	if (request->max_body > ERROR_BODY_MAX && !request->body)
		out->body.max = (size_t)request->max_body;
	for (size_t i = 0; i < request->n_headers; i++)
		headers = curl_slist_append(headers, request->headers[i]);
	configure(&x, headers);
	curl_multi_add_handle(line.multi, line.easy);
	e = transfer(&x, line.multi);
	if (!e)
		e = result_of(&x, line.multi);
	err_ignore(x.failed, "the exchange failed otherwise");
	curl_multi_remove_handle(line.multi, line.easy);
	curl_slist_free_all(headers);
	log_debug("net", "%s %s: %ld%s%s", request->method, request->url, out->status,
		  e ? " " : "", e ? err_text(e) : "");
	line_give_back(h, &line);
	return e;
}

void http_response_release(struct http_response *r)
{
	buf_release(&r->body);
	buf_release(&r->challenges);
	free(r->content_type);
	free(r->content_digest);
	free(r->content_range);
	free(r->location);
	free(r->retry_after);
	*r = (struct http_response)HTTP_RESPONSE_INIT;
}

char *http_escape(const char *text)
{
	struct buf out = BUF_INIT;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || strchr("-._~", *p);

		if (plain)
			buf_putc(&out, (char)*p);
		else
			buf_printf(&out, "%%%02X", *p);
	}
	buf_puts(&out, "");
	return buf_steal(&out);
}

bool http_split(const char *url, bool *is_https, char **host)
{
	struct str s = str_of(url), rest;
	size_t end = 0;

	if (str_starts_with(s, "https://"))
		*is_https = true;
	else if (str_starts_with(s, "http://"))
		*is_https = false;
	else
		return false;
	rest = str_slice(s, *is_https ? 8 : 7, s.len);
	while (end < rest.len && !strchr("/?#", rest.data[end]))
		end++;
	/* User names in URLs are a way to hide the host: nobody needs them here. */
	if (end == 0 || str_find(str_slice(rest, 0, end), '@') < end)
		return false;
	*host = str_dup(str_slice(rest, 0, end));
	return true;
}

bool http_is_loopback(const char *host)
{
	struct str s = str_of(host), name, port;

	if (str_is(s, "::1") || str_starts_with(s, "[::1]"))
		return true;
	str_cut(s, ':', &name, &port);
	if (str_is(name, "localhost") || str_ends_with(name, ".localhost"))
		return true;
	if (!str_starts_with(name, "127."))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
			return false;
	return true;
}
