/* SPDX-License-Identifier: MIT
 * registry_auth.c - answering a registry's challenge.
 *
 * The token flow is the distribution project's: ask the realm that the challenge names
 * for a token, with credentials if we have any, and send the token.  A token is kept for
 * its endpoint and scope until nine tenths of its life are over.
 *
 * The challenge is a stranger's text, and says where to send our credentials.  So the
 * scope is not the one it names but what this request needs; and credentials go to a
 * realm on another host only over https, and the user is told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/net/challenge.h"
#include "engine/oci/registry_private.h"

/* The most bytes of the answer, and of the token, a header of each request: servers take
 * 8 KiB, some more. */
static const size_t ANSWER_MAX = (size_t)64 << 10;
static const size_t TOKEN_MAX = (size_t)16 << 10;
static const uint64_t TOKEN_SECONDS_MIN = 60;
static const uint64_t TOKEN_SECONDS_MAX = UINT64_C(86400);
static const uint64_t BASIC_SECONDS = 3600;
static const unsigned REDIRECTS_MAX = 10;

/* ---- tokens ---- */

static char *scope_of(const struct endpoint *endpoint, const struct oci_ref *ref)
{
	return xasprintf("repository:%s:pull",
			 endpoint->repository ? endpoint->repository : ref->repository);
}

char *registry_authorization(struct registry *r, const struct endpoint *endpoint,
			     const struct oci_ref *ref)
{
	CLEANUP(freep) char *scope = scope_of(endpoint, ref);
	uint64_t now = clock_mono_ns();
	char *header = NULL;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->tokens.len && !header; i++) {
		const struct token *t = &r->tokens.items[i];

		if (strcmp(t->base, endpoint->base) == 0 &&
		    strcmp(t->scope, scope) == 0 && t->is_mirror == endpoint->is_mirror &&
		    now < t->until_ns)
			header = xstrdup(t->header);
	}
	pthread_mutex_unlock(&r->lock);
	return header;
}

static void token_release(struct token *t)
{
	free(t->base);
	free(t->scope);
	free(t->header);
}

/* Takes `header` over. */
static void remember(struct registry *r, const struct endpoint *endpoint,
		     const struct oci_ref *ref, char *header, uint64_t seconds)
{
	struct token token = {
		.base = xstrdup(endpoint->base),
		.scope = scope_of(endpoint, ref),
		.is_mirror = endpoint->is_mirror,
		.header = header,
		.until_ns = clock_mono_ns() + seconds * 900000000,
	};

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->tokens.len; i++) {
		struct token *t = &r->tokens.items[i];

		if (strcmp(t->base, token.base) != 0 ||
		    strcmp(t->scope, token.scope) != 0 || t->is_mirror != token.is_mirror)
			continue;
		token_release(t);
		*t = r->tokens.items[--r->tokens.len];
		break;
	}
	vec_push(&r->tokens, token);
	pthread_mutex_unlock(&r->lock);
}

/* ---- accounts ---- */

/* A copy of what was found for a query; false when it was never asked. */
static bool known_account(struct registry *r, const struct credential_query *q,
			  struct credentials *out)
{
	bool found = false;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->accounts.len && !found; i++) {
		const struct account *a = &r->accounts.items[i];

		found = a->is_mirror == !q->is_named && strcmp(a->host, q->host) == 0 &&
			strcmp(a->repository, q->repository) == 0;
		if (found)
			*out = credentials_copy(&a->credentials);
	}
	pthread_mutex_unlock(&r->lock);
	return found;
}

/* Who we are to an endpoint.  It is kept, since a helper may ask a person. */
static struct err *find_account(struct registry *r, const struct endpoint *endpoint,
				const struct registry_request *q, struct credentials *out)
{
	struct credential_query query = {
		.host = endpoint->host,
		.repository = q->ref->repository,
		.is_named = !endpoint->is_mirror,
		.cancel = q->watch ? q->watch->cancel : NULL,
	};
	struct account account = {.is_mirror = endpoint->is_mirror};
	struct err *e;

	if (!endpoint->host || known_account(r, &query, out))
		return NULL;
	e = credentials_find(&r->sources, &query, out);
	/* Not damage on the way, which another try could mend. */
	if (e && err_code(e) == ERR_CORRUPT)
		e = err_recode(e, ERR_AUTH);
	TRY(e);
	account.host = xstrdup(query.host);
	account.repository = xstrdup(query.repository);
	account.credentials = credentials_copy(out);
	pthread_mutex_lock(&r->lock);
	vec_push(&r->accounts, account);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void registry_auth_release(struct registry *r)
{
	for (size_t i = 0; i < r->tokens.len; i++)
		token_release(&r->tokens.items[i]);
	for (size_t i = 0; i < r->accounts.len; i++) {
		free(r->accounts.items[i].host);
		free(r->accounts.items[i].repository);
		credentials_release(&r->accounts.items[i].credentials);
	}
	for (size_t i = 0; i < r->said.len; i++)
		free(r->said.items[i]);
	vec_free(&r->tokens);
	vec_free(&r->accounts);
	vec_free(&r->said);
	free(r->variables_host);
}

/* ---- refusals ---- */

/* One challenge that is being answered. */
struct answering {
	struct registry *registry;
	const struct endpoint *endpoint;
	const struct registry_request *request;
	struct challenge challenge;
	struct credentials account;
	bool withheld; /* there are credentials, but they are not sent there */
};

static void answering_release(struct answering *a)
{
	challenge_release(&a->challenge);
	credentials_release(&a->account);
}

static char *reason_of(const struct answering *a)
{
	const char *trouble = a->account.trouble;

	if (a->withheld)
		return xasprintf("the credentials of %s are not sent there without "
				 "encryption",
				 a->account.source);
	if (credentials_are_set(&a->account))
		return xasprintf("the credentials of %s are not sufficient",
				 a->account.source);
	if (!a->endpoint->host)
		return xstrdup("credentials are needed, and a host that was redirected "
			       "to gets none");
	return xasprintf("credentials are needed%s%s", trouble ? "; " : "",
			 trouble ? trouble : "");
}

/* `by` is the URL of the server that refuses. */
static struct err *refused(const struct answering *a, const char *by)
{
	CLEANUP(freep) char *name = oci_ref_format(a->request->ref);
	CLEANUP(freep) char *reason = reason_of(a);
	const char *host = a->endpoint->host ? a->endpoint->host : a->request->ref->host;
	struct err *e = err_new(ERR_AUTH, "'%s' is refused by %s: %s", name, by, reason);

	if (a->withheld)
		return e;
	if (a->account.from_variables)
		return err_hint(e,
				"check APPTAINER_DOCKER_USERNAME and "
				"APPTAINER_DOCKER_PASSWORD: they go to each host that a "
				"'From:' names; 'docker login %s' is for one host alone",
				host);
	if (credentials_are_set(&a->account))
		return err_hint(
			e,
			"the name or password may be wrong, or the account has no "
			"right to the image: log in again with 'docker login %s'",
			host);
	return err_hint(
		e,
		"log in with 'docker login %s', or name a file with --authfile; a "
		"misspelt name is refused in the same way",
		host);
}

struct err *registry_refused(struct registry *r, const struct endpoint *endpoint,
			     const struct registry_request *q)
{
	CLEANUP(answering_release)
	struct answering a = {.registry = r, .endpoint = endpoint, .request = q};

	TRY(find_account(r, endpoint, q, &a.account));
	return refused(&a, endpoint->base);
}

/* ---- where secrets go ---- */

static char *host_name(const char *url)
{
	CLEANUP(freep) char *host = NULL;
	bool is_https;
	struct str s, name, port;

	if (!url_split(url, &is_https, &host))
		return xstrdup("");
	s = str_of(host);
	if (host[0] == '[')
		return str_dup(str_slice(s, 0, str_find(s, ']') + 1));
	str_cut(s, ':', &name, &port);
	return str_dup_lower(name);
}

/* Secrets go over https; over http only to a registry on this machine, or, where the user
 * asked for http, to the registry's own host. */
static bool may_send_secrets(const struct answering *a, const char *url)
{
	CLEANUP(freep) char *to = host_name(url);
	CLEANUP(freep) char *own = host_name(a->endpoint->base);

	if (str_starts_with(str_of(url), "https://"))
		return true;
	if (host_reach(to) == HOST_LOOPBACK)
		return host_reach(own) == HOST_LOOPBACK;
	return a->registry->options.no_https && strcmp(to, own) == 0;
}

/* Is `name` the host itself, or below it, as auth.docker.io is below docker.io? */
static bool is_below(const char *name, const char *host)
{
	CLEANUP(freep) char *suffix = xasprintf(".%s", host);

	return strcmp(name, host) == 0 || str_ends_with(str_of(name), suffix);
}

/* Takes `text` over. */
static void note_once(const struct answering *a, char *text)
{
	struct registry *r = a->registry;
	bool is_new = true;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->said.len; i++)
		is_new = is_new && strcmp(r->said.items[i], text) != 0;
	if (is_new)
		vec_push(&r->said, xstrdup(text));
	pthread_mutex_unlock(&r->lock);
	if (is_new)
		registry_note(a->request->watch, text);
	free(text);
}

/* Tell users where credentials go, when they would not expect it. */
static void tell_who_gets_them(const struct answering *a, const char *realm)
{
	CLEANUP(freep) char *to = host_name(realm);
	CLEANUP(freep) char *own = host_name(a->endpoint->base);
	bool is_here =
		host_reach(to) == HOST_LOOPBACK && host_reach(own) == HOST_LOOPBACK;

	if (a->withheld)
		note_once(a,
			  xasprintf("the credentials of %s are not sent to '%s', which "
				    "'%s' names for tokens: it has no encryption",
				    a->account.source, to, own));
	else if (!is_here && !is_below(to, own) && !is_below(to, a->endpoint->host))
		note_once(a, xasprintf("the credentials of %s are sent to '%s', which "
				       "'%s' names for tokens",
				       a->account.source, to, own));
}

/* Users seldom mean one pair of variables for several hosts. */
static void tell_of_variables(const struct answering *a)
{
	struct registry *r = a->registry;
	bool is_another;

	if (!a->account.from_variables || a->withheld)
		return;
	pthread_mutex_lock(&r->lock);
	if (!r->variables_host)
		r->variables_host = xstrdup(a->endpoint->host);
	is_another = strcmp(r->variables_host, a->endpoint->host) != 0;
	pthread_mutex_unlock(&r->lock);
	if (is_another)
		note_once(a, xasprintf("the credentials of %s are sent to '%s', too: a "
				       "'From:' names it",
				       a->account.source, a->endpoint->host));
}

/* ---- bearer ---- */

/* The realm without parameters that name another scope than ours, and without a fragment,
 * which would hide ours; ends where parameters go on. */
static struct buf realm_url(const char *realm)
{
	struct str all, fragment, place, query, parameter, name, value;
	struct buf url = BUF_INIT;
	char next = '?';

	str_cut(str_of(realm), '#', &all, &fragment);
	str_cut(all, '?', &place, &query);
	buf_append(&url, place.data, place.len);
	while (query.len > 0) {
		str_cut(query, '&', &parameter, &query);
		str_cut(parameter, '=', &name, &value);
		/* A name has no need for encoding except to be overlooked. */
		if (parameter.len == 0 || str_equal_nocase(name, STR("scope")) ||
		    str_find(name, '%') < name.len)
			continue;
		buf_printf(&url, "%c%.*s", next, STR_ARG(parameter));
		next = '&';
	}
	buf_putc(&url, next);
	return url;
}

static char *token_url(const struct challenge *c, const char *scope, const char *user)
{
	CLEANUP(freep) char *service = c->service ? url_escape(c->service) : NULL;
	CLEANUP(freep) char *wanted = url_escape(scope);
	CLEANUP(freep) char *account = user ? url_escape(user) : NULL;
	struct buf url = realm_url(c->realm);

	buf_printf(&url, "scope=%s", wanted);
	if (service)
		buf_printf(&url, "&service=%s", service);
	if (account)
		buf_printf(&url, "&account=%s", account);
	return buf_steal(&url);
}

static char *token_form(const struct challenge *c, const char *scope,
			const char *identity)
{
	CLEANUP(freep) char *service = url_escape(c->service ? c->service : "");
	CLEANUP(freep) char *wanted = url_escape(scope);
	CLEANUP(freep) char *token = url_escape(identity);

	return xasprintf("grant_type=refresh_token&client_id=dagbuild&service=%s&scope=%s"
			 "&refresh_token=%s",
			 service, wanted, token);
}

/* "Bearer TOKEN", for free(); NULL for what cannot be sent as a header (RFC 6750,
 * 2.1). */
static char *bearer(const char *token)
{
	size_t n = 0;

	while (token[n] > ' ' && token[n] < 0x7f)
		n++;
	return n > 0 && n <= TOKEN_MAX && token[n] == '\0' ? xasprintf("Bearer %s", token)
							   : NULL;
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
	if (!token || !token[0])
		return err_new(ERR_AUTH, "the token server's answer holds no token");
	if (!json_u64(tree, "expires_in", seconds) || *seconds < TOKEN_SECONDS_MIN)
		*seconds = TOKEN_SECONDS_MIN;
	if (*seconds > TOKEN_SECONDS_MAX)
		*seconds = TOKEN_SECONDS_MAX;
	*header = bearer(token);
	return *header ? NULL
		       : err_new(ERR_AUTH,
				 "the token server's answer holds a malformed token, "
				 "or one of more than %zu bytes",
				 TOKEN_MAX);
}

/* What is sent to a token server, and to where it redirects. */
struct token_request {
	char *url;
	char *form;		   /* POST; NULL: GET */
	char *authorization;	   /* a header, or NULL */
	enum host_reach keep_from; /* by which server sent us there; http.h */
};

static void token_request_release(struct token_request *t)
{
	free(t->url);
	free(t->form);
	free(t->authorization);
}

static struct err *ask_once(const struct answering *a, const struct token_request *t,
			    struct http_response *out)
{
	struct registry_caller caller = {a->registry, a->request->watch};
	struct http_request request = registry_http_request(&caller);
	const char *headers[] = {t->authorization};

	request.method = t->form ? "POST" : "GET";
	request.url = t->url;
	request.headers = headers;
	request.n_headers = t->authorization ? 1 : 0;
	request.post_body = t->form;
	request.max_body = ANSWER_MAX;
	request.keep_from = t->keep_from;
	http_response_release(out);
	TRY(err_wrap(http_perform(a->registry->http, &request, out), "token from '%s'",
		     a->challenge.realm));
	registry_remember_peer(a->registry, t->url, out->peer);
	return NULL;
}

/* Follows redirects; to another origin without secrets. */
static struct err *ask_redirected(const struct answering *a, struct token_request *t,
				  struct http_response *out)
{
	for (unsigned hops = 0; hops <= REDIRECTS_MAX; hops++) {
		CLEANUP(freep) char *next = NULL;

		TRY(ask_once(a, t, out));
		TRY(registry_next_hop(a->registry, t->url, out, &next));
		if (!next)
			return NULL;
		if (!url_same_origin(t->url, next)) {
			CLEANUP(freep) char *shown = url_shown(next);

			free(STEAL(t->authorization));
			if (t->form)
				return err_new(ERR_AUTH,
					       "'%s' redirects to '%s', which must not "
					       "get the identity token",
					       t->url, shown);
		}
		t->keep_from = registry_keep_from(a->registry, t->url);
		free(t->url);
		t->url = STEAL(next);
	}
	return err_new(ERR_NETWORK, "token from '%s': more than %u redirects",
		       a->challenge.realm, REDIRECTS_MAX);
}

static void prepare(const struct answering *a, struct token_request *t)
{
	CLEANUP(freep) char *scope = scope_of(a->endpoint, a->request->ref);
	CLEANUP(freep) char *basic = NULL;
	const struct credentials *account = &a->account;
	struct buf url;

	if (!a->withheld && account->identity_token) {
		url = realm_url(a->challenge.realm);
		buf_truncate(&url, url.len - 1);
		t->url = buf_steal(&url);
		t->form = token_form(&a->challenge, scope, account->identity_token);
		return;
	}
	t->url = token_url(&a->challenge, scope, a->withheld ? NULL : account->user);
	if (a->withheld || !account->user)
		return;
	basic = credentials_basic(account);
	t->authorization = xasprintf("Authorization: %s", basic);
}

static struct err *ask_for_token(const struct answering *a)
{
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(token_request_release)
	struct token_request t = {
		.keep_from = registry_keep_from(a->registry, a->endpoint->base)};
	const char *realm = a->challenge.realm;
	uint64_t seconds = 0;
	char *header = NULL;
	long status;

	prepare(a, &t);
	TRY(ask_redirected(a, &t, &answer));
	status = answer.status;
	if (status == 401 || status == 403)
		return refused(a, realm);
	if (status / 100 != 2)
		return err_new(status >= 500 || status == 429 ? ERR_NETWORK : ERR_AUTH,
			       "token from '%s': HTTP status %ld", realm, status);
	TRY(err_wrap(read_token(&answer, &header, &seconds), "'%s'", realm));
	remember(a->registry, a->endpoint, a->request->ref, header, seconds);
	return NULL;
}

/* A realm is a URL like any other that a stranger sends us to. */
static struct err *check_realm(const struct answering *a)
{
	const char *realm = a->challenge.realm;
	size_t n = 0;

	while (realm && realm[n] > ' ' && realm[n] < 0x7f && realm[n] != '\\')
		n++;
	if (n == 0 || realm[n] != '\0')
		return err_new(ERR_AUTH, "%s sends a challenge without a valid realm",
			       a->endpoint->base);
	return err_recode(
		err_wrap(registry_check_redirect(a->registry, a->endpoint->base, realm),
			 "%s sends a challenge without a valid realm", a->endpoint->base),
		ERR_AUTH);
}

static struct err *answer_bearer(struct answering *a)
{
	const struct credentials *account = &a->account;
	char *header;

	/* This goes to the registry itself. */
	if (account->registry_token && may_send_secrets(a, a->endpoint->base)) {
		header = bearer(account->registry_token);
		if (!header)
			return err_new(ERR_AUTH, "the registry token of %s is malformed",
				       account->source);
		remember(a->registry, a->endpoint, a->request->ref, header,
			 BASIC_SECONDS);
		return NULL;
	}
	TRY(check_realm(a));
	if (account->user || account->identity_token) {
		a->withheld = !may_send_secrets(a, a->challenge.realm);
		tell_who_gets_them(a, a->challenge.realm);
		tell_of_variables(a);
	}
	return ask_for_token(a);
}

/* ---- the challenge ---- */

struct err *registry_answer(struct registry *r, const struct endpoint *endpoint,
			    const struct registry_request *q, struct str challenges)
{
	CLEANUP(answering_release)
	struct answering a = {.registry = r, .endpoint = endpoint, .request = q};

	challenge_parse(challenges, &a.challenge);
	TRY(find_account(r, endpoint, q, &a.account));
	if (a.challenge.scheme == AUTH_BEARER)
		return answer_bearer(&a);
	if (a.challenge.scheme != AUTH_BASIC || !a.account.user)
		return refused(&a, endpoint->base);
	a.withheld = !may_send_secrets(&a, endpoint->base);
	if (a.withheld)
		return refused(&a, endpoint->base);
	tell_of_variables(&a);
	remember(r, endpoint, q->ref, credentials_basic(&a.account), BASIC_SECONDS);
	return NULL;
}
