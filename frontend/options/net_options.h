/* SPDX-License-Identifier: MIT
 * net_options.h - options of every command that talks to registries.
 *
 * Purpose:   mirrors, credentials, plain http and patience, from the command line and the
 *            environment. A command's settings begin with a struct net_options, and its
 *            rows have NET_OPTION_ROWS.
 * Ownership: net_options_release() ends it; values point into argv and the environment.
 * Threads:   main thread only.
 * Errors:    ERR_USAGE.
 */
#ifndef FRONTEND_OPTIONS_NET_OPTIONS_H
#define FRONTEND_OPTIONS_NET_OPTIONS_H

#include "base/vec.h"
#include "engine/oci/registry.h"
#include "frontend/options/def_options.h"

struct net_options {
	struct def_options def; /* first: see cache_options.h */
	VEC(const char *) mirrors;
	char *mirror_words; /* into which mirrors from the environment point */
	bool no_https;
	const char *authfile;
	const char *memory; /* of this command's first process: registry_options */
	unsigned timeout_s; /* 0: the default */
};

#define NET_OPTION_ROWS                                                                  \
	{0,                                                                              \
	 "registry-mirror",                                                              \
	 "HOST=URL",                                                                     \
	 "ask URL first for images of HOST (repeatable)",                                \
	 net_set_mirror,                                                                 \
	 0},                                                                             \
		{0, "no-https", NULL, "use plain http for registries", net_set_no_https, \
		 0},                                                                     \
		{0,                                                                      \
		 "authfile",                                                             \
		 "FILE",                                                                 \
		 "a file of registry credentials (default: Apptainer's, docker's or "    \
		 "podman's)",                                                            \
		 net_set_authfile,                                                       \
		 0},                                                                     \
	{                                                                                \
		0, "net-timeout", "SECONDS",                                             \
			"how long a registry may be silent, or slower than 1 KiB/s "     \
			"(default: $DAGBUILD_NET_TIMEOUT, else 60)",                     \
			net_set_timeout, 0                                               \
	}

NODISCARD struct err *net_set_mirror(void *settings, const char *value);
NODISCARD struct err *net_set_no_https(void *settings, const char *value);
NODISCARD struct err *net_set_authfile(void *settings, const char *value);
NODISCARD struct err *net_set_timeout(void *settings, const char *value);
/* DAGBUILD_REGISTRY_MIRRORS and DAGBUILD_NET_TIMEOUT, after what the options gave. */
NODISCARD struct err *net_options_environment(struct net_options *o);
/* Make a client with these options, before there are threads; `offline`: one that refuses
 * every request. */
NODISCARD struct err *net_options_open(const struct net_options *o, bool offline,
				       struct registry **out);
/* End what net_options_open() made, if anything. */
void net_options_close(struct registry **r);
void net_options_release(struct net_options *o);

#endif
