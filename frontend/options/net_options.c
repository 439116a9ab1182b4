/* SPDX-License-Identifier: MIT
 * net_options.c - see net_options.h.
 */
#include "frontend/options/net_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const unsigned TIMEOUT_MAX = 24 * 60 * 60;

struct err *net_set_mirror(void *settings, const char *value)
{
	struct net_options *o = settings;

	if (!strchr(value, '='))
		return err_hint(
			err_new(ERR_USAGE, "'%s' does not name a mirror", value),
			"write HOST=URL, such as docker.io=http://127.0.0.1:5000");
	vec_push(&o->mirrors, value);
	return NULL;
}

struct err *net_set_no_https(void *settings, const char *value)
{
	(void)value;
	((struct net_options *)settings)->no_https = true;
	return NULL;
}

struct err *net_set_authfile(void *settings, const char *value)
{
	((struct net_options *)settings)->authfile = value;
	return NULL;
}

struct err *net_set_timeout(void *settings, const char *value)
{
	uint64_t seconds;

	if (!str_to_u64(str_of(value), &seconds) || seconds == 0 || seconds > TIMEOUT_MAX)
		return err_hint(
			err_new(ERR_USAGE, "'%s' is not a number of seconds", value),
			"write seconds, from 1 to %u", TIMEOUT_MAX);
	((struct net_options *)settings)->timeout_s = (unsigned)seconds;
	return NULL;
}

struct err *net_options_environment(struct net_options *o)
{
	const char *mirrors = getenv("DAGBUILD_REGISTRY_MIRRORS");
	const char *timeout = getenv("DAGBUILD_NET_TIMEOUT");
	char *rest, *word;

	if (timeout && timeout[0] && o->timeout_s == 0)
		TRY(err_wrap(net_set_timeout(o, timeout), "DAGBUILD_NET_TIMEOUT"));
	if (!mirrors)
		return NULL;
	/* HOST=URL, separated by blanks or commas. */
	o->mirror_words = xstrdup(mirrors);
	rest = o->mirror_words;
	while ((word = strsep(&rest, ", \t\n")) != NULL)
		if (word[0])
			TRY(err_wrap(net_set_mirror(o, word),
				     "DAGBUILD_REGISTRY_MIRRORS"));
	return NULL;
}

/* Milliseconds from the environment; 0, the default, when it has none. */
static unsigned milliseconds(const char *name)
{
	const char *text = getenv(name);
	uint64_t value = 0;

	return text && str_to_u64(str_of(text), &value) && value <= UINT32_MAX
		       ? (unsigned)value
		       : 0;
}

struct err *net_options_open(const struct net_options *o, bool offline,
			     struct registry **out)
{
	struct registry_options options = {
		.mirrors = o->mirrors.items,
		.n_mirrors = o->mirrors.len,
		.no_https = o->no_https,
		.offline = offline,
		.authfile = o->authfile,
		.memory = o->memory,
		.stall_timeout_ms = o->timeout_s * 1000,
		.retry_delay_ms = milliseconds("DAGBUILD_RETRY_MS"),
	};

	/* Not thread-safe: curl_global_init(3). */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_new(ERR_SYS, "libcurl cannot be started");
	return registry_new(&options, out);
}

void net_options_close(struct registry **r)
{
	if (!*r)
		return;
	registry_freep(r);
	curl_global_cleanup();
}

void net_options_release(struct net_options *o)
{
	vec_free(&o->mirrors);
	free(o->mirror_words);
	def_options_release(&o->def);
}
