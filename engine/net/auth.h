/* SPDX-License-Identifier: MIT
 * auth.h - who we are to a registry: challenges, credentials, tokens.
 *
 * Purpose:   parses WWW-Authenticate; finds credentials where docker, podman and
 *            Apptainer keep them; the exchange of tokens itself is in registry_auth.h.
 * Ownership: each _release() frees what its struct points to.
 * Threads:   values; credentials_find() reads files and may start a credential helper.
 * Errors:    credentials_find(): ERR_CORRUPT for a malformed file. No credentials is no
 *            error.
 */
#ifndef ENGINE_NET_AUTH_H
#define ENGINE_NET_AUTH_H

#include "base/err.h"
#include "base/str.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct challenge {
	enum auth_scheme scheme;
	char *realm, *service, *scope, *error; /* NULL when absent */
};

#define CHALLENGE_INIT                                                                   \
	{                                                                                \
		AUTH_NONE, NULL, NULL, NULL, NULL                                        \
	}

/* The best of all challenges in `headers` (a line each): Bearer before Basic (RFC
 * 9110, 11.6.1). */
void challenge_parse(struct str headers, struct challenge *out);
void challenge_release(struct challenge *c);

struct credentials {
	char *user, *password; /* both or none */
	char *identity_token;  /* an OAuth2 refresh token */
};

#define CREDENTIALS_INIT                                                                 \
	{                                                                                \
		NULL, NULL, NULL                                                         \
	}

/* Where to look; texts may be NULL. */
struct credential_sources {
	const char *authfile;		  /* --authfile */
	const char *registry_auth_file;	  /* $REGISTRY_AUTH_FILE */
	const char *user, *password;	  /* $APPTAINER_DOCKER_USERNAME, _PASSWORD */
	const char *apptainer_config_dir; /* $APPTAINER_CONFIGDIR */
	const char *docker_config_dir;	  /* $DOCKER_CONFIG */
	const char *home;
};

struct credential_sources credential_sources_from_environment(const char *authfile);
/* For `host` (Docker Hub: "docker.io") and a repository of it. */
NODISCARD struct err *credentials_find(const struct credential_sources *sources,
				       const char *host, const char *repository,
				       struct credentials *out);
bool credentials_are_set(const struct credentials *c);
/* "Basic BASE64", for free(). */
char *credentials_basic(const struct credentials *c);
void credentials_release(struct credentials *c);

#endif
