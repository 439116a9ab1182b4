/* SPDX-License-Identifier: MIT
 * credentials.h - who we are to a registry.
 *
 * Purpose:   finds credentials where docker, podman and Apptainer keep them: variables,
 *            files, and the helpers that the files name.
 * Ownership: credentials_release() frees what the struct points to.
 * Threads:   values; credentials_find() reads files and may start a credential helper.
 * Errors:    credentials_find(): ERR_CORRUPT, naming the file, for a malformed one;
 *            ERR_SYS for one that cannot be read; ERR_CANCELLED. No credentials is not an
 *            error, nor is a helper that fails.
 */
#ifndef ENGINE_NET_CREDENTIALS_H
#define ENGINE_NET_CREDENTIALS_H

#include "base/err.h"
#include "base/cancel.h"

struct credentials {
	char *user, *password; /* both or none */
	char *identity_token;  /* an OAuth2 refresh token */
	char *registry_token;  /* a bearer token as it is */
	char *source;	       /* where they are from: "'/root/.docker/config.json'" */
	char *trouble;	       /* what a helper failed with; NULL when none did */
	bool from_variables;
};

#define CREDENTIALS_INIT                                                                 \
	{                                                                                \
		0                                                                        \
	}

/* Where to look; texts may be NULL. */
struct credential_sources {
	const char *authfile;		  /* --authfile */
	const char *registry_auth_file;	  /* $REGISTRY_AUTH_FILE */
	const char *user, *password;	  /* $APPTAINER_DOCKER_USERNAME, _PASSWORD */
	const char *apptainer_config_dir; /* $APPTAINER_CONFIGDIR */
	const char *docker_config_dir;	  /* $DOCKER_CONFIG */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR: podman's, until the session ends */
	const char *config_dir;	 /* $XDG_CONFIG_HOME: podman's own */
	const char *home;
	unsigned helper_timeout_ms; /* 0: 30000 */
};

struct credential_query {
	const char *host;	/* with its port; "docker.io" for Docker Hub */
	const char *repository; /* "library/alpine" */
	bool is_named;		/* a `From:` names it: the variables are meant for it */
	const struct cancel *cancel; /* may be NULL */
};

struct credential_sources credential_sources_from_environment(const char *authfile);
/* Is the file of --authfile there, and is it readable and valid?  ERR_USAGE if not. */
NODISCARD struct err *credential_sources_check(const struct credential_sources *sources);
NODISCARD struct err *credentials_find(const struct credential_sources *sources,
				       const struct credential_query *query,
				       struct credentials *out);
static inline bool credentials_are_set(const struct credentials *c)
{
	return c->user || c->identity_token || c->registry_token;
}
/* "Basic BASE64", for free(); needs a user. */
char *credentials_basic(const struct credentials *c);
/* A copy, to be released. */
struct credentials credentials_copy(const struct credentials *c);
void credentials_release(struct credentials *c);

#endif
