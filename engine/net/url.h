/* SPDX-License-Identifier: MIT
 * url.h - URLs, and how far inside the hosts they name are.
 *
 * Purpose:   splits the URLs that we ask and those that servers send us to, with curl's
 *            own parser: what is judged here is what curl will do.
 * Ownership: texts handed out are for free().
 * Threads:   any.
 * Errors:    none; false or NULL for what is not a proper http or https URL.
 */
#ifndef ENGINE_NET_URL_H
#define ENGINE_NET_URL_H

#include "base/base.h"

/* Scheme and host (with port, if given) of a URL; addresses in their usual form. False
 * when it is not an http or https URL, or has a user name, which is a way to hide the
 * host. */
bool url_split(const char *url, bool *is_https, char **host);
/* The same in parts: host without brackets, and the scheme's own port when none is
 * given. */
bool url_target(const char *url, bool *is_https, char **host, unsigned *port);
/* The absolute form of a Location header (RFC 3986, 5.2), or NULL. */
char *url_resolve(const char *base, const char *location);
/* The same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);
/* For display: without query and fragment, which may be secret or long. */
char *url_shown(const char *url);
/* Percent-encoded. */
char *url_escape(const char *text);

/* Whom an address belongs to, from outside to inside. */
enum host_reach {
	HOST_ANYWHERE,	 /* a public address, or a name */
	HOST_PRIVATE,	 /* of this network: RFC 1918, RFC 6598, RFC 4193 */
	HOST_LINK_LOCAL, /* of this link: RFC 3927; where clouds serve secrets */
	/* This machine: localhost, *.localhost, 127.0.0.0/8, 0.0.0.0/8, ::, ::1. */
	HOST_LOOPBACK,
	HOST_REACHES,
};

/* For a name or address, with or without port; IPv4 in all forms that inet_aton(3) takes,
 * also within IPv6.  A name's address is not looked up. */
enum host_reach host_reach(const char *host);

#endif
