/* SPDX-License-Identifier: MIT
 * challenge.h - what a server asks for when it refuses: WWW-Authenticate.
 *
 * Purpose:   choose the one of its challenges that can be answered best.
 * Ownership: challenge_release() frees what the struct points to.
 * Threads:   values.
 * Errors:    none: what cannot be read is not a challenge.
 */
#ifndef ENGINE_NET_CHALLENGE_H
#define ENGINE_NET_CHALLENGE_H

#include "base/str.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct challenge {
	enum auth_scheme scheme;
	char *realm, *service; /* NULL when absent */
};

#define CHALLENGE_INIT                                                                   \
	{                                                                                \
		AUTH_NONE, NULL, NULL                                                    \
	}

/* The best of all challenges in `headers` (a line each; RFC 9110, 11.6.1): Bearer with a
 * realm, then Basic. */
void challenge_parse(struct str headers, struct challenge *out);
void challenge_release(struct challenge *c);

#endif
