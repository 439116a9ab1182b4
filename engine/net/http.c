/* SPDX-License-Identifier: MIT
 * http.c - see http.h.
 *
 * Each exchange has a curl multi handle to itself, because only that can also wait for a
 * descriptor of ours: the cancel token's.  The handle goes back to a list with its
 * connection open.
 */
#include "engine/net/http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/net/http_private.h"
#include "engine/net/proxy.h"

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

static bool is_direct(const struct exchange *x)
{
	return x->proxy[0] == '\0';
}

/* The connection stands and nothing was sent yet: a name may have led to an address that
 * is not allowed. */
static int on_connected(void *context, char *peer, char *own, int peer_port, int own_port)
{
	struct exchange *x = context;

	(void)own;
	(void)peer_port;
	(void)own_port;
	x->is_connected = true;
	if (!is_direct(x) || x->request->keep_from == HOST_ANYWHERE ||
	    host_reach(peer) < x->request->keep_from)
		return CURL_PREREQFUNC_OK;
	x->failed =
		err_new(ERR_PROTOCOL,
			"its address is '%s', which a redirect may not lead to", peer);
	return CURL_PREREQFUNC_ABORT;
}

static void set_trust(const struct exchange *x)
{
	const struct trust *t = &x->trust;
	struct curl_blob blob = {(void *)buf_text(&t->authorities), t->authorities.len,
				 CURL_BLOB_NOCOPY};

	if (t->authorities.len > 0)
		curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &blob);
	if (t->folder)
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, t->folder);
	if (!t->certificate)
		return;
	curl_easy_setopt(x->easy, CURLOPT_SSLCERT, t->certificate);
	curl_easy_setopt(x->easy, CURLOPT_SSLKEY, t->key);
}

/* The answer may have to begin earlier, and a connection cannot take longer than that. */
static long connect_timeout_ms(const struct exchange *x)
{
	const struct http_request *q = x->request;
	uint64_t ms = q->connect_timeout_ms, left_ms = 0;

	if (q->answer_by_ns > x->begun_ns)
		left_ms = (q->answer_by_ns - x->begun_ns) / 1000000;
	if (q->answer_by_ns > 0 && left_ms < ms)
		ms = left_ms > 0 ? left_ms : 1; /* 0: curl's default */
	return (long)ms;
}

static void configure(struct exchange *x, struct curl_slist *headers)
{
	const struct http_request *q = x->request;
	CURL *e = x->easy;

	curl_easy_setopt(e, CURLOPT_URL, q->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer holds up neither a time limit nor an
	 * interrupt: the thread that asks it is left alone, and ends when it has its
	 * answer. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_USERAGENT, "dagbuild/" DAGBUILD_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms(x));
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, answer_on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, answer_on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, x->proxy);
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, q->unix_socket);
	/* What a proxy answers to CONNECT is not the server's answer. */
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	set_trust(x);
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
	for (;;) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return err_new(ERR_NETWORK, "libcurl failed");
		if (!running || x->enough)
			return NULL;
		if (cancel)
			TRY(cancel_check(cancel));
		TRY(answer_check_time(x));
		curl_multi_poll(multi, &extra, cancel ? 1 : 0, 100, NULL);
	}
}

static void note_peer(const struct exchange *x)
{
	char *peer = NULL;

	curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &peer);
	if (is_direct(x) && peer)
		x->response->peer = host_reach(peer);
}

static struct err *result_of(struct exchange *x, CURLM *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		/* The status is the answer, whatever became of the text that explains
		 * it. */
		bool has_answer = x->answered_ns > 0 && !is_success(x->response->status);

		if (message->msg != CURLMSG_DONE)
			continue;
		if (x->failed)
			return STEAL(x->failed);
		if (message->data.result != CURLE_OK && !has_answer)
			return fault_error(x, message->data.result);
	}
	note_peer(x);
	return answer_end(x);
}

/* What the request goes through, and whom we trust. */
static struct err *prepare(struct exchange *x)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https = false;

	if (x->request->unix_socket)
		x->proxy = xstrdup("");
	else
		TRY(proxy_for(x->request->url, &x->proxy));
	if (!url_split(x->request->url, &is_https, &host))
		return err_new(ERR_PROTOCOL, "it is not a valid URL");
	return is_https ? trust_find(host, &x->trust) : NULL;
}

static struct err *exchange(struct exchange *x, CURLM *multi)
{
	const struct http_request *q = x->request;
	struct curl_slist *headers = NULL;
	struct err *e = prepare(x);

	if (e)
		return e;
	for (size_t i = 0; i < q->n_headers; i++)
		headers = curl_slist_append(headers, q->headers[i]);
	x->begun_ns = clock_mono_ns();
	configure(x, headers);
	curl_multi_add_handle(multi, x->easy);
	e = transfer(x, multi);
	if (!e)
		e = result_of(x, multi);
	curl_multi_remove_handle(multi, x->easy);
	curl_slist_free_all(headers);
	return e;
}

static void exchange_release(struct exchange *x)
{
	err_ignore(x->failed, "the exchange failed otherwise");
	trust_release(&x->trust);
	free(x->proxy);
}

struct err *http_perform(struct http *h, const struct http_request *request,
			 struct http_response *out)
{
	struct line line = line_take(h);
	CLEANUP(exchange_release)
	struct exchange x = {.request = request, .response = out, .easy = line.easy};
	/* Without what follows the path: URLs of object stores grant access by it. */
	CLEANUP(freep) char *shown = url_shown(request->url);
	struct err *e;

	*out = (struct http_response){.content_length = UINT64_MAX,
				      .body = BUF_MAX(ERROR_BODY_MAX)};
	if (request->max_body > ERROR_BODY_MAX && !request->body)
		out->body.max = (size_t)request->max_body;
	e = exchange(&x, line.multi);
	log_debug("net", "%s %s: %ld%s%s", request->method, shown, out->status,
		  e ? " " : "", e ? err_text(e) : "");
	line_give_back(h, &line);
	return e;
}
