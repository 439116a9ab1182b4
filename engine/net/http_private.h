/* SPDX-License-Identifier: MIT
 * http_private.h - what the files of the HTTP client share.
 *
 * http.c has connections and the wait, http_answer.c takes in what comes, http_fault.c
 * says what went wrong.
 */
#ifndef ENGINE_NET_HTTP_PRIVATE_H
#define ENGINE_NET_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "engine/net/http.h"
#include "engine/net/trust.h"

/* For an answer that is not 2xx: bytes of it, and how long we wait for them. */
enum { ERROR_BODY_MAX = 64 << 10, ERROR_BODY_MS = 5000 };

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *easy;
	struct trust trust;
	char *proxy; /* "": none */
	char error[CURL_ERROR_SIZE];
	struct err *failed; /* of a callback */
	uint64_t begun_ns;
	bool is_connected; /* until then, all time limits are curl's */
	/* Headers of all answers: there may be several with status 1xx. */
	size_t header_bytes, header_lines;
	uint64_t answered_ns; /* when those of the last one were complete; 0: not yet */
	/* The body. */
	bool begun;  /* begin() was called */
	bool enough; /* the rest of it is not wanted */
	uint64_t received;
	uint64_t window_ns, window_received; /* where the window begins in which speed is
						measured */
	bool is_told;			     /* slow() was called */
};

static inline bool is_success(long status)
{
	return status >= 200 && status < 300;
}

/* Callbacks of curl; `context` is the exchange. */
size_t answer_on_header(char *data, size_t size, size_t count, void *context);
size_t answer_on_body(char *data, size_t size, size_t count, void *context);
/* After the transfer: calls begin() for an empty body, too. */
NODISCARD struct err *answer_end(struct exchange *x);
/* Is the transfer fast enough?  Sets `enough` when the rest is not worth the wait. */
NODISCARD struct err *answer_check_time(struct exchange *x);

/* The error for what curl says; `code` is not CURLE_OK. */
NODISCARD struct err *fault_error(const struct exchange *x, CURLcode code);

#endif
