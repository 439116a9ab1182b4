/* SPDX-License-Identifier: MIT
 * registry_retry.c - one request to one endpoint, again while that may help.
 *
 * The code of the error decides whether to try again (engine/net/http_fault.c, and the
 * statuses in registry_request.c).  Tries are counted since the last progress of 1 MiB,
 * as containerd and podman do; less would let a server that sends a byte for each try
 * hold us for ever.  The whole time is bounded, too: few tries may stall.
 */
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "engine/oci/registry_private.h"

static const uint64_t PROGRESS_MIN = (uint64_t)1 << 20;
/* Where nothing answers, something may be about to start. */
static const uint64_t UNREACHABLE_MS = 2000;

const struct patience registry_patient = {
	.tries = 5, .tries_unreachable = 3, .stalls = 2, .wait_max = 60};
const struct patience registry_hasty = {
	.tries = 2, .tries_unreachable = 1, .stalls = 1, .wait_max = 5};
const struct patience registry_once = {.tries = 1, .tries_unreachable = 1};

struct trying {
	struct registry *registry;
	const struct registry_request *request;
	const struct patience *patience;
	unsigned n;	   /* tries since there was progress */
	uint64_t since_ns; /* of the last progress */
	uint64_t progress; /* the farthest that the body came */
	uint64_t asked_ms; /* time waited because the server asked for it */
};

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

static void count_try(struct trying *t)
{
	const struct registry_request *q = t->request;
	uint64_t here = q->offset ? q->offset(q->context) : 0;

	t->n++;
	if (here < t->progress || here - t->progress < PROGRESS_MIN)
		return;
	t->progress = here;
	t->since_ns = clock_mono_ns();
	t->n = 1;
}

/* A server asks for its own waiting time. */
static struct err *plan_asked(struct trying *t, struct err *e, uint64_t *wait_ms)
{
	uint64_t most = t->registry->options.retry_after_max_ms;

	if (most > (uint64_t)t->patience->wait_max * 1000)
		most = (uint64_t)t->patience->wait_max * 1000;
	if (*wait_ms > most || t->asked_ms > most - *wait_ms)
		return err_wrap(e, "the registry asks to wait %llu s, which is too long",
				(unsigned long long)(*wait_ms / 1000));
	t->asked_ms += *wait_ms;
	return NULL;
}

/* How long to wait before the next try; returns the error when there must be none. */
static struct err *plan_retry(struct trying *t, const struct http_response *answer,
			      struct err *e, uint64_t *wait_ms)
{
	const struct registry_options *o = &t->registry->options;
	bool is_there = err_code(e) == ERR_NETWORK;
	uint64_t passed_ms = (clock_mono_ns() - t->since_ns) / 1000000;
	uint64_t most_ms = is_there ? (uint64_t)o->stall_timeout_ms * t->patience->stalls
				    : UNREACHABLE_MS;

	if (!is_there && err_code(e) != ERR_UNREACHABLE)
		return e;
	if (t->n >= (is_there ? t->patience->tries : t->patience->tries_unreachable) ||
	    passed_ms >= most_ms)
		return t->n > 1 ? err_wrap(e, "gave up after %u tries", t->n) : e;
	*wait_ms = is_there ? backoff_ms(t->registry, t->n) : o->retry_delay_ms;
	if (!is_there && *wait_ms > most_ms - passed_ms)
		*wait_ms = most_ms - passed_ms;
	return retry_after(answer, wait_ms) ? plan_asked(t, e, wait_ms) : NULL;
}

/* The server says it does not have that range: then what is here is not part of what it
 * has. */
static struct err *check_range(const struct registry_request *q,
			       const struct http_response *answer, struct err *e)
{
	struct err *ours;

	if (!e || answer->status != 416 || !q->offset || q->offset(q->context) == 0)
		return e;
	ours = q->begin(q->context, answer->status, NULL);
	return ours ? err_attach(ours, e) : err_recode(e, ERR_NETWORK);
}

struct err *registry_send_to(struct registry *r, const struct registry_request *request,
			     const struct endpoint *endpoint,
			     const struct patience *patience, struct http_response *out)
{
	struct trying t = {.registry = r,
			   .request = request,
			   .patience = patience,
			   .since_ns = clock_mono_ns()};

	for (;;) {
		CLEANUP(freep) char *text = NULL;
		uint64_t wait_ms = 0;
		struct err *e = registry_attempt(r, request, endpoint, out);

		e = check_range(request, out, e);
		if (!e)
			return NULL;
		count_try(&t);
		TRY(plan_retry(&t, out, e, &wait_ms));
		text = xasprintf("trying again in %llu.%llu s: %s",
				 (unsigned long long)(wait_ms / 1000),
				 (unsigned long long)(wait_ms % 1000 / 100),
				 registry_reason(e));
		registry_note(request->watch, text);
		err_ignore(e, "another try is made");
		TRY(pause_ms(request->watch, wait_ms));
	}
}
