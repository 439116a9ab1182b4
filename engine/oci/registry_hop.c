/* SPDX-License-Identifier: MIT
 * registry_hop.c - what is the same for every request to every host: where it may be
 * redirected to, its times, what is told of a host that does not answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/oci/registry_private.h"

/* The most bytes of a URL that we are sent to: what servers should take (RFC 9110, 4.1),
 * and what a message can show. */
static const size_t URL_BYTES_MAX = 8000;

const char *registry_reason(const struct err *e)
{
	while (err_cause(e))
		e = err_cause(e);
	return err_text(e);
}

void registry_note(const struct registry_watch *watch, const char *text)
{
	if (watch && watch->note)
		watch->note(watch->context, text);
}

/* ---- redirects ---- */

/* How far inside is `host`, by its address where a connection has shown it? */
static enum host_reach reach_of(struct registry *r, const char *host)
{
	enum host_reach reach = host_reach(host);

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->peers.len; i++)
		if (strcmp(r->peers.items[i].host, host) == 0 &&
		    r->peers.items[i].reach > reach)
			reach = r->peers.items[i].reach;
	pthread_mutex_unlock(&r->lock);
	return reach;
}

void registry_remember_peer(struct registry *r, const char *url, enum host_reach reach)
{
	CLEANUP(freep) char *host = NULL;
	struct peer peer = {NULL, reach};
	bool is_https;

	if (!url_split(url, &is_https, &host) || reach_of(r, host) >= reach)
		return;
	peer.host = STEAL(host);
	pthread_mutex_lock(&r->lock);
	vec_push(&r->peers, peer);
	pthread_mutex_unlock(&r->lock);
}

enum host_reach registry_keep_from(struct registry *r, const char *from)
{
	CLEANUP(freep) char *host = NULL;
	enum host_reach reach = HOST_ANYWHERE;
	bool is_https;

	if (url_split(from, &is_https, &host))
		reach = reach_of(r, host);
	if (reach == HOST_LOOPBACK)
		return HOST_ANYWHERE;
	/* A company's host name may have a private address; no name should have these. */
	return reach == HOST_LINK_LOCAL ? HOST_LOOPBACK : HOST_LINK_LOCAL;
}

struct err *registry_check_redirect(struct registry *r, const char *from, const char *to)
{
	static const char *const places[] = {
		[HOST_ANYWHERE] = "another host",
		[HOST_PRIVATE] = "a private network",
		[HOST_LINK_LOCAL] = "a link-local address",
		[HOST_LOOPBACK] = "this machine",
	};
	TABLE_HAS_ALL(places, HOST_REACHES);
	CLEANUP(freep) char *from_host = NULL;
	CLEANUP(freep) char *to_host = NULL;
	CLEANUP(freep) char *shown = url_shown(from);
	bool from_https = false, to_https = false;
	enum host_reach reach;

	if (to && strlen(to) > URL_BYTES_MAX)
		return err_new(ERR_PROTOCOL, "'%s' redirects to a URL of %zu bytes",
			       shown, strlen(to));
	if (!to || !url_split(from, &from_https, &from_host) ||
	    !url_split(to, &to_https, &to_host))
		return err_new(ERR_PROTOCOL,
			       "'%s' redirects to something that is not a valid http or "
			       "https URL",
			       shown);
	if (from_https && !to_https && !r->options.no_https)
		return err_new(ERR_PROTOCOL,
			       "'%s' redirects to the host '%s', without encryption",
			       shown, to_host);
	reach = host_reach(to_host);
	if (reach > reach_of(r, from_host))
		return err_new(ERR_PROTOCOL, "'%s' redirects to %s, '%s'", shown,
			       places[reach], to_host);
	return NULL;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	       status == 308;
}

struct err *registry_next_hop(struct registry *r, const char *url,
			      const struct http_response *answer, char **next)
{
	CLEANUP(freep) char *to = NULL;

	*next = NULL;
	if (!is_redirect(answer->status) || !answer->location)
		return NULL;
	to = url_resolve(url, answer->location);
	TRY(registry_check_redirect(r, url, to));
	*next = STEAL(to);
	return NULL;
}

/* ---- a host that does not answer ---- */

/* A note for each host, once in the time that a stall may take: several layers wait for
 * it, and both https and http. */
static bool is_news(struct registry *r, const char *host)
{
	uint64_t now = clock_mono_ns();
	uint64_t again_ns = (uint64_t)r->options.stall_timeout_ms * 1000000;
	struct slow_host news = {NULL, now};
	bool is_old = false;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->slow.len; i++)
		is_old = is_old || (strcmp(r->slow.items[i].host, host) == 0 &&
				    now < r->slow.items[i].told_ns + again_ns);
	if (!is_old) {
		news.host = xstrdup(host);
		vec_push(&r->slow, news);
	}
	pthread_mutex_unlock(&r->lock);
	return !is_old;
}

static void on_slow(void *context, const char *url)
{
	const struct registry_caller *caller = context;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *host = NULL;
	bool is_https;

	if (!url_split(url, &is_https, &host) || !is_news(caller->registry, host))
		return;
	text = xasprintf("waiting for an answer from %s", host);
	registry_note(caller->watch, text);
}

struct http_request registry_http_request(const struct registry_caller *caller)
{
	const struct registry_options *o = &caller->registry->options;

	return (struct http_request){
		.connect_timeout_ms = o->connect_timeout_ms,
		.stall_timeout_ms = o->stall_timeout_ms,
		.cancel = caller->watch ? caller->watch->cancel : NULL,
		.slow = on_slow,
		.slow_context = (void *)caller,
	};
}
