/* SPDX-License-Identifier: MIT
 * auth.c - see auth.h.
 */
#include "engine/net/auth.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/path.h"
#include "base/proc.h"

static const size_t CONFIG_MAX = (size_t)1 << 20;
/* Docker Hub's key in configuration files, for historical reasons. */
static const char HUB_KEY[] = "https://index.docker.io/v1/";

/* ---- challenges ---- */

void challenge_release(struct challenge *c)
{
	/* The analyzer of clang 14 loses track of structs that were swapped. */
	free(c->realm); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = (struct challenge)CHALLENGE_INIT;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~/:", c));
}

static struct str take_token(struct str *rest)
{
	struct str token;
	size_t n = 0;

	*rest = str_trim_left(*rest);
	while (n < rest->len && is_token_char(rest->data[n]))
		n++;
	token = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, n, rest->len);
	return token;
}

/* A token, or a quoted string with backslash escapes; for free(). */
static char *take_value(struct str *rest)
{
	struct buf out = BUF_INIT;
	size_t i = 1;

	*rest = str_trim_left(*rest);
	if (rest->len == 0 || rest->data[0] != '"')
		return str_dup(take_token(rest));
	for (; i < rest->len && rest->data[i] != '"'; i++) {
		if (rest->data[i] == '\\' && i + 1 < rest->len)
			i++;
		buf_putc(&out, rest->data[i]);
	}
	*rest = str_slice(*rest, i + 1, rest->len);
	return buf_steal(&out);
}

/* Where the parameter belongs; NULL for one that is of no use here. */
static char **slot_of(struct challenge *c, struct str name)
{
	if (str_equal_nocase(name, STR("realm")))
		return &c->realm;
	if (str_equal_nocase(name, STR("service")))
		return &c->service;
	if (str_equal_nocase(name, STR("scope")))
		return &c->scope;
	return str_equal_nocase(name, STR("error")) ? &c->error : NULL;
}

/* Takes `value` over; of a parameter given twice the first counts. */
static void set_parameter(struct challenge *c, struct str name, char *value)
{
	char **slot = slot_of(c, name);

	if (slot && !*slot)
		*slot = value;
	else
		free(value);
}

static enum auth_scheme scheme_of(struct str name)
{
	if (str_equal_nocase(name, STR("bearer")))
		return AUTH_BEARER;
	return str_equal_nocase(name, STR("basic")) ? AUTH_BASIC : AUTH_NONE;
}

static void keep_better(struct challenge *best, struct challenge *next)
{
	if (next->scheme > best->scheme) {
		struct challenge worse = *best;

		*best = *next;
		*next = worse;
	}
	challenge_release(next);
}

/* `Scheme name=value, name="value", Other name=value`: a word that `=` follows is a
 * parameter, any other begins a challenge. */
static void parse_line(struct str line, struct challenge *best)
{
	struct challenge current = CHALLENGE_INIT;

	while (line.len > 0) {
		struct str word = take_token(&line);
		struct str rest = str_trim_left(line);

		if (word.len == 0) {
			line = str_slice(line, 1, line.len);
			continue;
		}
		if (rest.len > 0 && rest.data[0] == '=') {
			line = str_slice(rest, 1, rest.len);
			set_parameter(&current, word, take_value(&line));
			continue;
		}
		keep_better(best, &current);
		current.scheme = scheme_of(word);
	}
	keep_better(best, &current);
}

void challenge_parse(struct str headers, struct challenge *out)
{
	struct str line;

	challenge_release(out);
	while (headers.len > 0) {
		str_cut(headers, '\n', &line, &headers);
		parse_line(line, out);
	}
}

/* ---- credentials ---- */

void credentials_release(struct credentials *c)
{
	free(c->user);
	free(c->password);
	free(c->identity_token);
	*c = (struct credentials)CREDENTIALS_INIT;
}

bool credentials_are_set(const struct credentials *c)
{
	return c->user || c->identity_token;
}

char *credentials_basic(const struct credentials *c)
{
	CLEANUP(freep) char *plain = xasprintf("%s:%s", c->user, c->password);
	size_t len = strlen(plain);
	CLEANUP(freep) unsigned char *coded = xmalloc(4 * (len / 3 + 1) + 1);

	EVP_EncodeBlock(coded, (const unsigned char *)plain, (int)len);
	return xasprintf("Basic %s", (char *)coded);
}

struct credential_sources credential_sources_from_environment(const char *authfile)
{
	return (struct credential_sources){
		.authfile = authfile,
		.registry_auth_file = getenv("REGISTRY_AUTH_FILE"),
		.user = getenv("APPTAINER_DOCKER_USERNAME"),
		.password = getenv("APPTAINER_DOCKER_PASSWORD"),
		.apptainer_config_dir = getenv("APPTAINER_CONFIGDIR"),
		.docker_config_dir = getenv("DOCKER_CONFIG"),
		.home = getenv("HOME"),
	};
}

static void decode_auth(const char *coded, struct credentials *out)
{
	size_t len = strlen(coded);
	CLEANUP(freep) char *plain = xcalloc(len + 4, 1);
	struct str user, password;
	int n;

	if (len > INT32_MAX || len % 4 != 0)
		return;
	n = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)coded,
			    (int)len);
	/* EVP_DecodeBlock counts the padding as zeros. */
	if (n < 0 || !str_cut(str_of(plain), ':', &user, &password))
		return;
	out->user = str_dup(user);
	out->password = str_dup(password);
}

static void take_entry(const cJSON *entry, struct credentials *out)
{
	const char *auth = json_string(entry, "auth");
	const char *token = json_string(entry, "identitytoken");
	const char *user = json_string(entry, "username");
	const char *password = json_string(entry, "password");

	if (token && token[0])
		out->identity_token = xstrdup(token);
	if (auth && auth[0])
		decode_auth(auth, out);
	if (!out->user && user && password) {
		out->user = xstrdup(user);
		out->password = xstrdup(password);
	}
}

/* docker-credential-NAME get: the server on standard input, JSON on standard output. */
static struct err *ask_helper(const char *helper, const char *server,
			      struct credentials *out)
{
	CLEANUP(freep) char *program = xasprintf("docker-credential-%s", helper);
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(buf_release) struct buf answer = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	CLEANUP(closep) int in_read = -1;
	CLEANUP(closep) int in_write = -1;
	CLEANUP(closep) int out_read = -1;
	CLEANUP(closep) int out_write = -1;
	const char *argv[] = {program, "get", NULL};
	struct proc_spec spec = {.path = program, .argv = argv, .stderr_fd = -1};
	const char *user, *secret;
	int status = 0;

	TRY(proc_pipe(&in_read, &in_write));
	TRY(proc_pipe(&out_read, &out_write));
	spec.stdin_fd = in_read;
	spec.stdout_fd = out_write;
	TRY(err_wrap(proc_start(&p, &spec), "credential helper"));
	TRY(fs_write_all(in_write, server, strlen(server)));
	close(steal_fd(&in_write));
	close(steal_fd(&out_write));
	TRY(fs_read_fd(out_read, CONFIG_MAX, &answer));
	TRY(proc_wait(&p, &status));
	/* Helpers fail when they know nothing of the server. */
	if (status != 0)
		return NULL;
	TRY(err_wrap(json_parse(str_make(buf_text(&answer), answer.len), &tree), "'%s'",
		     program));
	user = json_string(tree, "Username");
	secret = json_string(tree, "Secret");
	if (!user || !secret)
		return NULL;
	if (strcmp(user, "<token>") == 0) {
		out->identity_token = xstrdup(secret);
		return NULL;
	}
	out->user = xstrdup(user);
	out->password = xstrdup(secret);
	return NULL;
}

/* Keys for host and repository, the most special first: host/a/b, host/a, host. */
static struct err *search(const cJSON *tree, const char *host, const char *repository,
			  struct credentials *out)
{
	CLEANUP(freep) char *key = xasprintf("%s/%s", host, repository);
	const cJSON *auths = json_object(tree, "auths");
	const char *server = strcmp(host, "docker.io") == 0 ? HUB_KEY : host;
	const char *helper = json_string(json_object(tree, "credHelpers"), host);
	const cJSON *entry = NULL;

	if (!helper)
		helper = json_string(json_object(tree, "credHelpers"), server);
	if (helper)
		return ask_helper(helper, server, out);
	while (!entry) {
		char *slash = strrchr(key, '/');

		entry = json_object(auths, key);
		if (!slash)
			break;
		*slash = '\0';
	}
	if (!entry)
		entry = json_object(auths, server);
	if (entry)
		take_entry(entry, out);
	helper = json_string(tree, "credsStore");
	if (!credentials_are_set(out) && helper)
		return ask_helper(helper, server, out);
	return NULL;
}

static struct err *search_file(const char *path, const char *host, const char *repository,
			       struct credentials *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e = fs_read_file(AT_FDCWD, path, CONFIG_MAX, &text);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "no such configuration");
		return NULL;
	}
	TRY(e);
	TRY(err_wrap(json_parse(str_make(buf_text(&text), text.len), &tree), "'%s'",
		     path));
	return search(tree, host, repository, out);
}

static char *file_in(const char *dir, const char *home, const char *below_home,
		     const char *name)
{
	CLEANUP(freep) char *own = !dir && home ? path_join(home, below_home) : NULL;

	return dir || own ? path_join(dir ? dir : own, name) : NULL;
}

struct err *credentials_find(const struct credential_sources *s, const char *host,
			     const char *repository, struct credentials *out)
{
	CLEANUP(freep)
	char *apptainer = file_in(s->apptainer_config_dir, s->home, ".apptainer",
				  "docker-config.json");
	CLEANUP(freep)
	char *docker = file_in(s->docker_config_dir, s->home, ".docker", "config.json");

	credentials_release(out);
	if (s->authfile) {
		if (access(s->authfile, R_OK) != 0)
			return err_sys("credentials '%s'", s->authfile);
		return search_file(s->authfile, host, repository, out);
	}
	if (s->user && s->password) {
		out->user = xstrdup(s->user);
		out->password = xstrdup(s->password);
		return NULL;
	}
	if (s->registry_auth_file)
		TRY(search_file(s->registry_auth_file, host, repository, out));
	if (!credentials_are_set(out) && apptainer)
		TRY(search_file(apptainer, host, repository, out));
	if (!credentials_are_set(out) && docker)
		TRY(search_file(docker, host, repository, out));
	return NULL;
}
