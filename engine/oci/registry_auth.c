/* SPDX-License-Identifier: MIT
 * registry_auth.c - answering a registry's challenge.
 *
 * The token flow is the distribution project's: ask the realm that the challenge names
 * for a token of the scope it names, with credentials where there are some, and send
 * that.  A token is kept for its endpoint and scope until nine tenths of its life are
 * over.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/oci/registry_private.h"

static const size_t TOKEN_MAX = (size_t)64 << 10;
static const uint64_t TOKEN_SECONDS_MIN = 60;

static char *scope_of(const struct oci_ref *ref)
{
	return xasprintf("repository:%s:pull", ref->repository);
}

char *registry_authorization(struct registry *r, const struct endpoint *endpoint,
			     const struct oci_ref *ref)
{
	CLEANUP(freep) char *scope = scope_of(ref);
	uint64_t now = clock_mono_ns();
	char *header = NULL;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->tokens.len && !header; i++) {
		const struct token *t = &r->tokens.items[i];

		if (strcmp(t->base, endpoint->base) == 0 &&
		    strcmp(t->scope, scope) == 0 && now < t->until_ns)
			header = xstrdup(t->header);
	}
	pthread_mutex_unlock(&r->lock);
	return header;
}

/* Takes `header` over. */
static void remember(struct registry *r, const struct endpoint *endpoint,
		     const struct oci_ref *ref, char *header, uint64_t seconds)
{
	struct token token = {xstrdup(endpoint->base), scope_of(ref), header,
			      clock_mono_ns() + seconds * 900000000};

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->tokens.len; i++) {
		struct token *t = &r->tokens.items[i];

		if (strcmp(t->base, token.base) != 0 ||
		    strcmp(t->scope, token.scope) != 0)
			continue;
		free(t->base);
		free(t->scope);
		free(t->header);
		*t = r->tokens.items[--r->tokens.len];
		break;
	}
	vec_push(&r->tokens, token);
	pthread_mutex_unlock(&r->lock);
}

static struct err *forbidden(const struct registry_request *q,
			     const struct endpoint *endpoint, bool had_credentials)
{
	CLEANUP(freep) char *name = oci_ref_format(q->ref);
	struct err *e =
		err_new(ERR_AUTH, "'%s' is refused by %s: %s", name, endpoint->base,
			had_credentials ? "the credentials do not suffice"
					: "credentials are needed");

	return err_hint(
		e,
		"log in with 'docker login %s', or name a file with --authfile; a "
		"misspelt name is refused in the same way",
		q->ref->host);
}

/* Secrets go over https, to a registry on this machine, or where the user asked for http.
 */
static bool may_send_secrets(const struct registry *r, const char *url)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https = false;

	return http_split(url, &is_https, &host) &&
	       (is_https || r->options.no_https || http_is_loopback(host));
}

/* ---- bearer ---- */

static char *token_url(const struct challenge *c, const char *scope, const char *user)
{
	CLEANUP(freep) char *service = c->service ? http_escape(c->service) : NULL;
	CLEANUP(freep) char *wanted = http_escape(c->scope ? c->scope : scope);
	CLEANUP(freep) char *account = user ? http_escape(user) : NULL;
	struct buf url = BUF_INIT;

	buf_printf(&url, "%s%cscope=%s", c->realm, strchr(c->realm, '?') ? '&' : '?',
		   wanted);
	if (service)
		buf_printf(&url, "&service=%s", service);
	if (account)
		buf_printf(&url, "&account=%s", account);
	return buf_steal(&url);
}

static char *token_form(const struct challenge *c, const char *scope,
			const char *identity)
{
	CLEANUP(freep) char *service = http_escape(c->service ? c->service : "");
	CLEANUP(freep) char *wanted = http_escape(c->scope ? c->scope : scope);
	CLEANUP(freep) char *token = http_escape(identity);

	return xasprintf("grant_type=refresh_token&client_id=dagbuild&service=%s&scope=%s"
			 "&refresh_token=%s",
			 service, wanted, token);
}

static struct err *read_token(const struct http_response *answer, char **header,
			      uint64_t *seconds)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const char *token;

	TRY(json_parse(str_make(buf_text(&answer->body), answer->body.len), &tree));
	token = json_string(tree, "token");
	if (!token || !token[0])
		token = json_string(tree, "access_token");
	if (!token || !token[0] || strpbrk(token, "\r\n"))
		return err_new(ERR_AUTH, "the token server's answer holds no token");
	if (!json_u64(tree, "expires_in", seconds) || *seconds < TOKEN_SECONDS_MIN)
		*seconds = TOKEN_SECONDS_MIN;
	*header = xasprintf("Bearer %s", token);
	return NULL;
}

static struct err *ask_for_token(struct registry *r, const struct endpoint *endpoint,
				 const struct registry_request *q,
				 const struct challenge *c,
				 const struct credentials *credentials)
{
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(freep) char *scope = scope_of(q->ref);
	CLEANUP(freep) char *url = NULL;
	CLEANUP(freep) char *form = NULL;
	CLEANUP(freep) char *basic = NULL;
	CLEANUP(freep) char *authorization = NULL;
	struct http_request request = {
		.method = "GET",
		.max_body = TOKEN_MAX,
		.connect_timeout_ms = r->options.connect_timeout_ms,
		.stall_timeout_ms = r->options.stall_timeout_ms,
		.cancel = q->watch ? q->watch->cancel : NULL,
	};
	const char *headers[1];
	uint64_t seconds = 0;
	char *header = NULL;

	if (credentials->identity_token) {
		form = token_form(c, scope, credentials->identity_token);
		request.method = "POST";
		request.post_body = form;
		url = xstrdup(c->realm);
	} else {
		url = token_url(c, scope, credentials->user);
	}
	if (!form && credentials->user) {
		basic = credentials_basic(credentials);
		authorization = xasprintf("Authorization: %s", basic);
		headers[0] = authorization;
		request.headers = headers;
		request.n_headers = 1;
	}
	request.url = url;
	TRY(err_wrap(http_perform(r->http, &request, &answer), "token from '%s'",
		     c->realm));
	if (answer.status == 401 || answer.status == 403)
		return forbidden(q, endpoint, credentials_are_set(credentials));
	if (answer.status / 100 != 2)
		return err_new(answer.status >= 500 || answer.status == 429 ? ERR_NETWORK
									    : ERR_AUTH,
			       "token from '%s': HTTP status %ld", c->realm,
			       answer.status);
	TRY(err_wrap(read_token(&answer, &header, &seconds), "'%s'", c->realm));
	remember(r, endpoint, q->ref, header, seconds);
	return NULL;
}

static struct err *check_realm(const struct registry *r, const struct endpoint *endpoint,
			       const struct challenge *c)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https = false;

	if (!c->realm || !http_split(c->realm, &is_https, &host))
		return err_new(ERR_AUTH, "%s sends a challenge without a proper realm",
			       endpoint->base);
	if (!is_https && str_starts_with(str_of(endpoint->base), "https://") &&
	    !r->options.no_https)
		return err_new(ERR_AUTH,
			       "%s wants the token fetched without encryption, from '%s'",
			       endpoint->base, c->realm);
	return NULL;
}

/* ---- the challenge ---- */

struct err *registry_answer(struct registry *r, const struct endpoint *endpoint,
			    const struct registry_request *q, struct str challenges)
{
	CLEANUP(challenge_release) struct challenge c = CHALLENGE_INIT;
	CLEANUP(credentials_release) struct credentials credentials = CREDENTIALS_INIT;

	challenge_parse(challenges, &c);
	if (endpoint->host)
		TRY(credentials_find(&r->sources, endpoint->host, q->ref->repository,
				     &credentials));
	if (c.scheme == AUTH_BEARER) {
		TRY(check_realm(r, endpoint, &c));
		if (credentials_are_set(&credentials) && !may_send_secrets(r, c.realm))
			credentials_release(&credentials);
		return ask_for_token(r, endpoint, q, &c, &credentials);
	}
	if (c.scheme != AUTH_BASIC || !credentials.user ||
	    !may_send_secrets(r, endpoint->base))
		return forbidden(q, endpoint, credentials.user != NULL);
	remember(r, endpoint, q->ref, credentials_basic(&credentials), 3600);
	return NULL;
}
