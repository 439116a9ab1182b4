/* SPDX-License-Identifier: MIT
 * proxy.h - the proxy that a request goes through.
 *
 * Purpose:   reads http_proxy, https_proxy, all_proxy and no_proxy, in lower or upper
 *            case, as curl and Go's clients together do: curl alone would ask the proxy
 *            for a registry on this machine, and knows no ports in no_proxy.
 * Ownership: texts handed out are for free().
 * Threads:   any, while the environment does not change.
 * Errors:    proxy_for(): ERR_PROTOCOL for a variable that holds no address of a proxy.
 */
#ifndef ENGINE_NET_PROXY_H
#define ENGINE_NET_PROXY_H

#include "base/err.h"

/* The proxy for `url` (http or https), or "" if it is reached directly. */
NODISCARD struct err *proxy_for(const char *url, char **out);
/* Does `list`, a value of no_proxy, name `host` (without brackets) and `port`?  Entries
 * are separated by commas or blanks: "*", a name (it and all below it; ".name" and
 * "*.name" are the same), an address, a range of them ("10.0.0.0/8"); all but ranges with
 * or without a port. */
bool proxy_is_exempt(const char *list, const char *host, unsigned port);

#endif
