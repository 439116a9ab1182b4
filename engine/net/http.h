/* SPDX-License-Identifier: MIT
 * http.h - one HTTP exchange, through libcurl.
 *
 * Purpose:   sends a request, delivers the answer; connections are kept for the next
 *            one. Redirects, retries and authentication are the caller's. Proxies are
 *            taken from the environment, by curl.
 * Ownership: http_free() ends a client. http_response_release() ends a response.
 * Threads:   a client may be used by many threads at once. curl_global_init() must have
 *            run.
 * Errors:    ERR_NETWORK (with what curl says), ERR_CORRUPT (a body beyond its limit),
 *            ERR_CANCELLED, and what the body callback returns. An HTTP status of 400
 *            and more is no error here.
 */
#ifndef ENGINE_NET_HTTP_H
#define ENGINE_NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "scheduler/cancel.h"

struct http;

struct http_request {
	const char *method; /* "GET", "HEAD", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value" */
	size_t n_headers;
	const char *post_body; /* form-encoded, for POST */
	uint64_t max_body;     /* bytes of a 2xx body */
	/* Called with pieces of a 2xx body; NULL gathers it in response.body. */
	struct err *(*body)(void *context, const void *data, size_t len);
	/* Called before the first piece, and for an empty body; may be NULL. */
	struct err *(*begin)(void *context, long status, const char *content_range);
	void *context;
	unsigned connect_timeout_ms;
	unsigned stall_timeout_ms;   /* this long without a byte ends it: ERR_NETWORK */
	const struct cancel *cancel; /* may be NULL */
};

struct http_response {
	long status;
	struct buf body; /* without a body callback, or of an answer that is not 2xx (64
			    KiB) */
	/* Headers, NULL when absent. */
	char *content_type, *content_digest, *content_range, *location, *retry_after;
	struct buf challenges;	 /* WWW-Authenticate, a line each */
	uint64_t content_length; /* UINT64_MAX when not told */
};

#define HTTP_RESPONSE_INIT                                                               \
	{                                                                                \
		0                                                                        \
	}

struct http *http_new(void);
void http_free(struct http *h);
NODISCARD struct err *http_perform(struct http *h, const struct http_request *request,
				   struct http_response *out);
void http_response_release(struct http_response *r);
/* Percent-encoded, for free(). */
char *http_escape(const char *text);
/* scheme, host (with port) of a URL; false when it is no http or https URL. */
bool http_split(const char *url, bool *is_https, char **host);
/* localhost, *.localhost, 127.0.0.0/8, ::1, with or without port. */
bool http_is_loopback(const char *host);

#endif
