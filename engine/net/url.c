/* SPDX-License-Identifier: MIT
 * url.c - see url.h.
 */
#include "engine/net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"

/* ---- taking apart ---- */

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* A part of it, for free(), or NULL. */
static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, which, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static bool parse(CURLU *url, const char *text, bool *is_https)
{
	CLEANUP(freep) char *scheme = NULL;
	CLEANUP(freep) char *user = NULL;
	CLEANUP(freep) char *password = NULL;

	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return false;
	scheme = part(url, CURLUPART_SCHEME, 0);
	user = part(url, CURLUPART_USER, 0);
	password = part(url, CURLUPART_PASSWORD, 0);
	if (!scheme || user || password)
		return false;
	*is_https = strcmp(scheme, "https") == 0;
	return *is_https || strcmp(scheme, "http") == 0;
}

bool url_split(const char *url, bool *is_https, char **host)
{
	CLEANUP(url_cleanup) CURLU *parsed = curl_url();
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *port = NULL;

	if (!parse(parsed, url, is_https))
		return false;
	name = part(parsed, CURLUPART_HOST, 0);
	port = part(parsed, CURLUPART_PORT, 0);
	if (!name)
		return false;
	*host = port ? xasprintf("%s:%s", name, port) : STEAL(name);
	return true;
}

bool url_target(const char *url, bool *is_https, char **host, unsigned *port)
{
	CLEANUP(url_cleanup) CURLU *parsed = curl_url();
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *number = NULL;
	uint64_t value;
	struct str bare;

	if (!parse(parsed, url, is_https))
		return false;
	name = part(parsed, CURLUPART_HOST, 0);
	number = part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	if (!name || !number || !str_to_u64(str_of(number), &value))
		return false;
	bare = str_of(name);
	if (str_starts_with(bare, "["))
		bare = str_slice(bare, 1, bare.len - 1);
	*host = str_dup(bare);
	*port = (unsigned)value;
	return true;
}

char *url_resolve(const char *base, const char *location)
{
	CLEANUP(url_cleanup) CURLU *url = curl_url();
	/* As lenient as curl is with locations that it follows itself. */
	const unsigned lenient = CURLU_URLENCODE | CURLU_ALLOW_SPACE;

	if (!url || curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, location, lenient) != CURLUE_OK)
		return NULL;
	return part(url, CURLUPART_URL, 0);
}

bool url_same_origin(const char *a, const char *b)
{
	CLEANUP(freep) char *host_a = NULL;
	CLEANUP(freep) char *host_b = NULL;
	bool https_a, https_b;
	unsigned port_a, port_b;

	return url_target(a, &https_a, &host_a, &port_a) &&
	       url_target(b, &https_b, &host_b, &port_b) && https_a == https_b &&
	       port_a == port_b && strcasecmp(host_a, host_b) == 0;
}

char *url_shown(const char *url)
{
	return xstrndup(url, strcspn(url, "?#"));
}

char *url_escape(const char *text)
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

/* ---- how far inside ---- */

/* RFC 6890 has them all. */
static enum host_reach reach_of_v4(uint32_t address)
{
	static const struct {
		uint32_t prefix;
		unsigned bits;
		enum host_reach reach;
	} rows[] = {
		{0x00000000, 8, HOST_LOOPBACK}, /* "this host": connects to ourselves */
		{0x7f000000, 8, HOST_LOOPBACK}, /* 127.0.0.0 */
		{0xa9fe0000, 16, HOST_LINK_LOCAL}, /* 169.254.0.0 */
		{0x0a000000, 8, HOST_PRIVATE},	   /* 10.0.0.0 */
		{0xac100000, 12, HOST_PRIVATE},	   /* 172.16.0.0 */
		{0xc0a80000, 16, HOST_PRIVATE},	   /* 192.168.0.0 */
		{0x64400000, 10, HOST_PRIVATE},	   /* 100.64.0.0 */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((address ^ rows[i].prefix) >> (32 - rows[i].bits) == 0)
			return rows[i].reach;
	return HOST_ANYWHERE;
}

static bool has_prefix(const uint8_t *address, const char *prefix, unsigned bits)
{
	uint8_t wanted[16];

	if (inet_pton(AF_INET6, prefix, wanted) != 1)
		abort(); /* only literals come here */
	for (unsigned i = 0; i < bits; i++)
		if ((address[i / 8] ^ wanted[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static uint32_t v4_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum host_reach reach_of_v6(const uint8_t *address)
{
	/* Ranges whose addresses hold one of IPv4: mapped, translated (RFC 6052), 6to4,
	 * compatible. */
	static const struct {
		const char *prefix;
		unsigned bits, at;
	} holders[] = {{"::ffff:0:0", 96, 12},
		       {"64:ff9b::", 96, 12},
		       {"2002::", 16, 2},
		       {"::", 96, 12}};
	static const struct {
		const char *prefix;
		unsigned bits;
		enum host_reach reach;
	} rows[] = {
		{"::", 128, HOST_LOOPBACK},	 {"::1", 128, HOST_LOOPBACK},
		{"fe80::", 10, HOST_LINK_LOCAL}, {"fc00::", 7, HOST_PRIVATE},
		{"fec0::", 10, HOST_PRIVATE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (has_prefix(address, rows[i].prefix, rows[i].bits))
			return rows[i].reach;
	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		if (has_prefix(address, holders[i].prefix, holders[i].bits))
			return reach_of_v4(v4_at(address + holders[i].at));
	return HOST_ANYWHERE;
}

/* Without brackets, port, zone, and the dot that ends a full name. */
static struct str bare_host(struct str host)
{
	struct str name = host, rest, port;

	if (str_starts_with(host, "["))
		str_cut(str_slice(host, 1, host.len), ']', &name, &rest);
	else if (str_cut(host, ':', &name, &port) && str_find(port, ':') < port.len)
		name = host; /* an IPv6 address without brackets */
	str_cut(name, '%', &name, &rest);
	return str_ends_with(name, ".") ? str_slice(name, 0, name.len - 1) : name;
}

enum host_reach host_reach(const char *host)
{
	CLEANUP(freep) char *name = str_dup_lower(bare_host(str_of(host)));
	struct in_addr v4;
	uint8_t v6[16];

	if (inet_pton(AF_INET6, name, v6) == 1)
		return reach_of_v6(v6);
	if (inet_aton(name, &v4) != 0)
		return reach_of_v4(ntohl(v4.s_addr));
	return strcmp(name, "localhost") == 0 || str_ends_with(str_of(name), ".localhost")
		       ? HOST_LOOPBACK
		       : HOST_ANYWHERE;
}
