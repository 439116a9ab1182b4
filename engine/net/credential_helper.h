/* SPDX-License-Identifier: MIT
 * credential_helper.h - docker-credential-NAME: programs that keep credentials.
 *
 * Purpose:   ask one of them, within a time limit, what it knows of a server.
 * Ownership: the caller owns what is found: credentials_release().
 * Threads:   any.
 * Errors:    ERR_UNSUPPORTED for a name that no helper can have; ERR_NOTFOUND when it is
 *            not installed; ERR_NETWORK when it does not answer in time; ERR_AUTH, with
 *            what it says, when it fails; ERR_CORRUPT for a malformed answer;
 *            ERR_CANCELLED. A helper that knows nothing of the server is not an error.
 */
#ifndef ENGINE_NET_CREDENTIAL_HELPER_H
#define ENGINE_NET_CREDENTIAL_HELPER_H

#include "engine/net/credentials.h"

struct credential_helper {
	const char *name;	     /* what follows "docker-credential-" */
	const char *server;	     /* what the credentials are for, in docker's words */
	unsigned timeout_ms;	     /* then it is killed */
	const struct cancel *cancel; /* may be NULL */
};

NODISCARD struct err *credential_helper_get(const struct credential_helper *helper,
					    struct credentials *out);

#endif
