/* SPDX-License-Identifier: MIT
 * proxy.c - see proxy.h.
 */
#include "engine/net/proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/net/url.h"

/* ---- no_proxy ---- */

struct address {
	unsigned bits; /* 32 or 128; 0: not an address */
	uint8_t bytes[16];
};

static struct address parse_address(struct str text)
{
	CLEANUP(freep) char *copy = str_dup(text);
	struct address a = {0};

	if (inet_pton(AF_INET, copy, a.bytes) == 1)
		a.bits = 32;
	else if (inet_pton(AF_INET6, copy, a.bytes) == 1)
		a.bits = 128;
	return a;
}

static bool same_prefix(const struct address *a, const struct address *b, uint64_t bits)
{
	if (a->bits == 0 || a->bits != b->bits || bits > a->bits)
		return false;
	for (size_t i = 0; i < bits; i++)
		if ((a->bytes[i / 8] ^ b->bytes[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* "name:80", "[::1]:80", "::1": take the port off, if there is one.  False when it is
 * another port. */
static bool take_port(struct str *entry, unsigned port)
{
	struct str name, rest, number;
	uint64_t value;

	if (str_starts_with(*entry, "[")) {
		str_cut(str_slice(*entry, 1, entry->len), ']', &name, &rest);
		number = str_slice(rest, 1, rest.len);
	} else if (!str_cut(*entry, ':', &name, &number) ||
		   str_find(number, ':') < number.len) {
		return true;
	}
	*entry = name;
	return str_is_empty(number) || (str_to_u64(number, &value) && value == port);
}

static bool names_host(struct str entry, const char *host)
{
	struct str name = str_of(host), end;

	if (str_starts_with(entry, "*."))
		entry = str_slice(entry, 2, entry.len);
	else if (str_starts_with(entry, "."))
		entry = str_slice(entry, 1, entry.len);
	if (str_is_empty(entry) || name.len < entry.len)
		return false;
	end = str_slice(name, name.len - entry.len, name.len);
	return str_equal_nocase(end, entry) &&
	       (name.len == entry.len || name.data[name.len - entry.len - 1] == '.');
}

static bool matches(struct str entry, const char *host, unsigned port)
{
	struct address here = parse_address(str_of(host)), other;
	struct str prefix, bits;
	uint64_t n;

	if (str_is(entry, "*"))
		return true;
	if (str_cut(entry, '/', &prefix, &bits)) {
		other = parse_address(prefix);
		return str_to_u64(bits, &n) && same_prefix(&here, &other, n);
	}
	if (!take_port(&entry, port))
		return false;
	other = parse_address(entry);
	if (here.bits > 0 || other.bits > 0)
		return same_prefix(&here, &other, here.bits);
	return names_host(entry, host);
}

bool proxy_is_exempt(const char *list, const char *host, unsigned port)
{
	while (*list) {
		size_t n = strcspn(list, ", \t\n");

		if (n > 0 && matches(str_make(list, n), host, port))
			return true;
		list += n + (list[n] != '\0');
	}
	return false;
}

/* ---- the variables ---- */

struct variable {
	const char *name, *value;
};

/* The first that is not empty. */
static struct variable variable_of(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if (value && value[0])
		return (struct variable){lower, value};
	value = getenv(upper);
	return (struct variable){upper, value && value[0] ? value : NULL};
}

static bool is_proxy(const char *value)
{
	static const char *const schemes[] = {"http",	 "https",  "socks4",
					      "socks4a", "socks5", "socks5h"};
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool known = false;

	if (url &&
	    curl_url_set(url, CURLUPART_URL, value,
			 CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
		for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
			known = known || strcmp(scheme, schemes[i]) == 0;
	curl_free(scheme);
	curl_url_cleanup(url);
	return known;
}

struct err *proxy_for(const char *url, char **out)
{
	CLEANUP(freep) char *host = NULL;
	struct variable proxy = {NULL, NULL}, none = variable_of("no_proxy", "NO_PROXY");
	bool is_https = false;
	unsigned port = 0;

	if (url_target(url, &is_https, &host, &port) &&
	    host_reach(host) != HOST_LOOPBACK &&
	    !(none.value && proxy_is_exempt(none.value, host, port))) {
		proxy = is_https ? variable_of("https_proxy", "HTTPS_PROXY")
				 : variable_of("http_proxy", "HTTP_PROXY");
		if (!proxy.value)
			proxy = variable_of("all_proxy", "ALL_PROXY");
	}
	/* Its value is not shown: it may hold a password. */
	if (proxy.value && !is_proxy(proxy.value))
		return err_hint(err_new(ERR_PROTOCOL,
					"the variable '%s' does not hold a proxy address",
					proxy.name),
				"write http://HOST:PORT, or name '%s' in no_proxy", host);
	*out = xstrdup(proxy.value ? proxy.value : "");
	return NULL;
}
