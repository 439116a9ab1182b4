/* SPDX-License-Identifier: MIT
 * trust.h - whose certificates we trust, and which of our own we show.
 *
 * Purpose:   libcurl knows the host's authorities; here is what users add to them, where
 *            Go's clients, docker and podman look: SSL_CERT_FILE and SSL_CERT_DIR, and
 *            the folder certs.d/HOST:PORT with *.crt (authorities), NAME.cert and
 *            NAME.key (ours), in ~/.config/containers, /etc/containers, ~/.config/docker,
 *            /etc/docker: the first that exists.
 * Ownership: trust_release() ends it.
 * Threads:   any, while the environment does not change.
 * Errors:    trust_find(): ERR_PROTOCOL for a certificate without its key. What cannot be
 *            read counts as absent, as in all other clients.
 */
#ifndef ENGINE_NET_TRUST_H
#define ENGINE_NET_TRUST_H

#include "base/buf.h"
#include "base/err.h"

struct trust {
	struct buf authorities;	 /* PEM, curl's own among them; empty: those alone */
	char *folder;		 /* hashed, one or several with ':'; NULL: curl's own */
	char *certificate, *key; /* paths; NULL: we show none */
};

#define TRUST_INIT                                                                       \
	{                                                                                \
		BUF_INIT, NULL, NULL, NULL                                               \
	}

/* For `host`, with port as its URL has it. */
NODISCARD struct err *trust_find(const char *host, struct trust *out);
void trust_release(struct trust *t);

#endif
