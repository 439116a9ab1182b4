/* SPDX-License-Identifier: MIT
 * http_answer.c - takes in an answer, within limits.
 *
 * The status and its headers are the answer; of a body that only explains a failure, we
 * read as much as anybody would read.  Other bodies are checked against the limit before
 * they come, if the server tells their length, and while they come.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/net/http_private.h"

/* Of all headers together; servers of registries send 1 KiB in 15 lines. */
static const size_t HEADER_BYTES_MAX = (size_t)64 << 10;
static const size_t HEADER_LINES_MAX = 512;
/* A user who waits this long wants to know why. */
static const uint64_t SLOW_MS = 800;
/* Bytes per second, over the time that a transfer may stall. */
static const uint64_t SPEED_MIN = 1024;
/* A document must be whole after so many times the time of a stall. */
static const uint64_t DOCUMENT_TIMES = 5;

/* ---- headers ---- */

static void set_header(char **slot, struct str value)
{
	free(*slot);
	*slot = str_dup(value);
}

static struct err *take_length(struct http_response *r, struct str value)
{
	uint64_t length;

	if (!str_to_u64(value, &length) ||
	    (r->content_length != UINT64_MAX && r->content_length != length))
		return err_new(ERR_CORRUPT, "the answer's length is '%.*s'",
			       value.len < 64 ? (int)value.len : 64, value.data);
	r->content_length = length;
	return NULL;
}

static struct err *take_header(struct http_response *r, struct str name, struct str value)
{
	const struct {
		struct str name;
		char **slot;
	} rows[] = {
		{STR("content-type"), &r->content_type},
		{STR("docker-content-digest"), &r->content_digest},
		{STR("content-range"), &r->content_range},
		{STR("location"), &r->location},
		{STR("retry-after"), &r->retry_after},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_equal_nocase(name, rows[i].name))
			set_header(rows[i].slot, value);
	if (str_equal_nocase(name, STR("www-authenticate")))
		buf_printf(&r->challenges, "%.*s\n", STR_ARG(value));
	if (str_equal_nocase(name, STR("content-length")))
		return take_length(r, value);
	return NULL;
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

/* What an earlier answer of status 1xx said does not apply to this one. */
static void forget_headers(struct http_response *r)
{
	struct buf body = r->body;

	r->body = (struct buf)BUF_INIT;
	http_response_release(r);
	r->body = body;
	r->content_length = UINT64_MAX;
}

static struct err *too_long(const struct exchange *x)
{
	return err_new(ERR_CORRUPT, "the answer is longer than %llu bytes",
		       (unsigned long long)x->request->max_body);
}

/* The empty line: what comes next is the body, or another answer. */
static struct err *end_headers(struct exchange *x)
{
	struct http_response *r = x->response;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &r->status);
	if (r->status < 200)
		return NULL;
	x->answered_ns = x->window_ns = clock_mono_ns();
	if (is_success(r->status) && strcmp(x->request->method, "HEAD") != 0 &&
	    r->content_length != UINT64_MAX && r->content_length > x->request->max_body)
		return err_new(ERR_CORRUPT,
			       "the answer has %llu bytes, more than the limit of %llu",
			       (unsigned long long)r->content_length,
			       (unsigned long long)x->request->max_body);
	return NULL;
}

static struct err *take_line(struct exchange *x, struct str line)
{
	struct str name, value;

	x->header_bytes += line.len;
	if (x->header_bytes > HEADER_BYTES_MAX || ++x->header_lines > HEADER_LINES_MAX)
		return err_new(ERR_CORRUPT, "headers of more than %zu bytes or %zu lines",
			       HEADER_BYTES_MAX, HEADER_LINES_MAX);
	/* Headers that follow a chunked body say nothing that we need. */
	if (x->answered_ns > 0)
		return NULL;
	if (str_starts_with(line, "HTTP/"))
		forget_headers(x->response);
	else if (str_is_empty(str_trim(line)))
		return end_headers(x);
	else if (str_cut(line, ':', &name, &value))
		return take_header(x->response, str_trim(name), str_trim(value));
	return NULL;
}

size_t answer_on_header(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;

	x->failed = take_line(x, str_make(data, size * count));
	return x->failed ? 0 : size * count;
}

/* ---- the body ---- */

static struct err *begin(struct exchange *x)
{
	const struct http_request *q = x->request;

	if (x->begun || !q->begin)
		return NULL;
	x->begun = true;
	return q->begin(q->context, x->response->status, x->response->content_range);
}

static struct err *take_body(struct exchange *x, const char *data, size_t len)
{
	struct http_response *r = x->response;

	x->received += len;
	if (!is_success(r->status)) {
		buf_append(&r->body, data, len);
		x->enough = x->received > ERROR_BODY_MAX;
		return NULL;
	}
	if (x->received > x->request->max_body)
		return too_long(x);
	TRY(begin(x));
	if (x->request->body)
		return x->request->body(x->request->context, data, len);
	buf_append(&r->body, data, len);
	return NULL;
}

size_t answer_on_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;

	x->failed = take_body(x, data, size * count);
	return x->failed || x->enough ? 0 : size * count;
}

struct err *answer_end(struct exchange *x)
{
	return is_success(x->response->status) ? begin(x) : NULL;
}

/* ---- time ---- */

static struct err *check_answer(struct exchange *x, uint64_t now)
{
	const struct http_request *q = x->request;
	uint64_t stall_ns = (uint64_t)q->stall_timeout_ms * 1000000;
	uint64_t by = x->begun_ns + stall_ns;

	if (q->answer_by_ns > 0 && q->answer_by_ns < by)
		by = q->answer_by_ns;
	/* Until then curl's own time limit applies, which says what hangs; with two
	 * limits for one wait, chance would decide which error is reported. */
	if (x->is_connected && now > by)
		return err_new(ERR_NETWORK, "there was no answer within %u s",
			       q->stall_timeout_ms / 1000);
	if (!x->is_told && q->slow && now > x->begun_ns + SLOW_MS * 1000000) {
		x->is_told = true;
		q->slow(q->slow_context, q->url);
	}
	return NULL;
}

static struct err *check_speed(struct exchange *x, uint64_t now)
{
	const struct http_request *q = x->request;
	uint64_t stall_ns = (uint64_t)q->stall_timeout_ms * 1000000;

	if (!q->body && now > x->answered_ns + DOCUMENT_TIMES * stall_ns)
		return err_new(ERR_NETWORK, "the answer is incomplete after %llu s",
			       (unsigned long long)DOCUMENT_TIMES * q->stall_timeout_ms /
				       1000);
	if (now < x->window_ns + stall_ns)
		return NULL;
	if ((x->received - x->window_received) * 1000 < SPEED_MIN * q->stall_timeout_ms)
		return err_new(ERR_NETWORK,
			       "less than 1 KiB came in each second, for %u s",
			       q->stall_timeout_ms / 1000);
	x->window_ns = now;
	x->window_received = x->received;
	return NULL;
}

struct err *answer_check_time(struct exchange *x)
{
	uint64_t now = clock_mono_ns();

	if (x->answered_ns == 0)
		return check_answer(x, now);
	if (is_success(x->response->status))
		return check_speed(x, now);
	x->enough = x->enough || now > x->answered_ns + (uint64_t)ERROR_BODY_MS * 1000000;
	return NULL;
}
