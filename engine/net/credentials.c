/* SPDX-License-Identifier: MIT
 * credentials.c - see credentials.h.
 *
 * The files are docker's config.json and podman's auth.json (containers-auth.json(5)),
 * which differ in the keys of `auths`: a host, a host and a path below it, or a URL in
 * the form of earlier versions of docker, "https://HOST/v1/".
 */
#include "engine/net/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/path.h"
#include "engine/net/credential_helper.h"

static const size_t CONFIG_MAX = (size_t)1 << 20;
static const unsigned HELPER_TIMEOUT_MS = 30000;
/* What docker calls Docker Hub when it talks to helpers, for historical reasons. */
static const char HUB_SERVER[] = "https://index.docker.io/v1/";

/* ---- values ---- */

void credentials_release(struct credentials *c)
{
	free(c->user);
	free(c->password);
	free(c->identity_token);
	free(c->registry_token);
	free(c->source);
	free(c->trouble);
	*c = (struct credentials)CREDENTIALS_INIT;
}

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

struct credentials credentials_copy(const struct credentials *c)
{
	return (struct credentials){
		.user = copy_or_null(c->user),
		.password = copy_or_null(c->password),
		.identity_token = copy_or_null(c->identity_token),
		.registry_token = copy_or_null(c->registry_token),
		.source = copy_or_null(c->source),
		.trouble = copy_or_null(c->trouble),
		.from_variables = c->from_variables,
	};
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
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.config_dir = getenv("XDG_CONFIG_HOME"),
		.home = getenv("HOME"),
	};
}

/* ---- keys ---- */

static bool is_hub(struct str host)
{
	return str_equal_nocase(host, STR("docker.io")) ||
	       str_equal_nocase(host, STR("index.docker.io")) ||
	       str_equal_nocase(host, STR("registry-1.docker.io"));
}

/* Host and path of a key.  With a scheme, or as "HOST/v2/", what follows the host is the
 * version of an API. */
static void split_key(const char *key, struct str *host, struct str *path)
{
	struct str s = str_trim(str_of(key));
	size_t scheme = str_starts_with(s, "https://")	? 8
			: str_starts_with(s, "http://") ? 7
							: 0;

	str_cut(str_slice(s, scheme, s.len), '/', host, path);
	while (str_ends_with(*path, "/"))
		*path = str_slice(*path, 0, path->len - 1);
	if (scheme > 0 || str_is(*path, "v1") || str_is(*path, "v2"))
		*path = STR("");
}

/* How well a key fits the query; 0: not at all.  The longest path wins, then an entry
 * that says anything, then the form that is written today. */
static size_t fitness(const cJSON *entry, const struct credential_query *q)
{
	struct str host, path, wanted = str_of(q->host),
			       repository = str_of(q->repository);
	bool says_something;

	split_key(entry->string, &host, &path);
	if (!str_equal_nocase(host, wanted) && !(is_hub(host) && is_hub(wanted)))
		return 0;
	if (path.len > repository.len ||
	    !str_equal(path, str_slice(repository, 0, path.len)) ||
	    (path.len > 0 && path.len < repository.len &&
	     repository.data[path.len] != '/'))
		return 0;
	says_something = entry->child || entry->valuestring;
	return 4 * (path.len + 1) + (says_something ? 2 : 0) +
	       (strcmp(entry->string, q->host) == 0 ? 1 : 0);
}

/* The member of `object` whose key fits best; NULL when none does. */
static const cJSON *best_entry(const cJSON *object, const struct credential_query *q)
{
	const cJSON *entry, *best = NULL;
	size_t best_fitness = 0;

	cJSON_ArrayForEach(entry, object)
	{
		size_t fit = fitness(entry, q);

		if (fit > best_fitness) {
			best = entry;
			best_fitness = fit;
		}
	}
	return best;
}

/* ---- one file ---- */

/* base64 of USER:PASSWORD, as people and programs put it into files: with line ends. */
static bool decode_auth(const char *text, struct credentials *out)
{
	size_t len = strlen(text), n = 0;
	CLEANUP(freep) char *coded = xcalloc(len + 1, 1);
	CLEANUP(freep) char *plain = xcalloc(len + 4, 1);
	struct str user, password;

	for (size_t i = 0; i < len; i++)
		if (!char_is_blank(text[i]))
			coded[n++] = text[i];
	/* EVP_DecodeBlock counts the padding as zeros. */
	if (n % 4 != 0 || EVP_DecodeBlock((unsigned char *)plain,
					  (const unsigned char *)coded, (int)n) < 0)
		return false;
	if (!str_cut(str_of(plain), ':', &user, &password))
		return false;
	/* `echo user:password | base64` adds a line end, too. */
	while (str_ends_with(password, "\n") || str_ends_with(password, "\r"))
		password = str_slice(password, 0, password.len - 1);
	out->user = str_dup(user);
	out->password = str_dup(password);
	return true;
}

static struct err *take_entry(const cJSON *entry, struct credentials *out)
{
	const char *auth = json_string(entry, "auth");
	const char *identity = json_string(entry, "identitytoken");
	const char *token = json_string(entry, "registrytoken");
	const char *user = json_string(entry, "username");
	const char *password = json_string(entry, "password");

	if (identity && identity[0])
		out->identity_token = str_dup(str_trim(str_of(identity)));
	if (token && token[0])
		out->registry_token = str_dup(str_trim(str_of(token)));
	if (auth && !str_is_empty(str_trim(str_of(auth))) && !decode_auth(auth, out))
		return err_hint(
			err_new(ERR_CORRUPT,
				"'auth' of '%.200s' is not the base64 of "
				"USER:PASSWORD",
				entry->string),
			"log in again, with 'docker login' or 'apptainer registry "
			"login'");
	if (!out->user && user && password && user[0]) {
		out->user = xstrdup(user);
		out->password = xstrdup(password);
	}
	return NULL;
}

/* A helper that is missing or fails leaves us without credentials, like one that knows
 * none: many images need none.  If they do, we tell what was wrong. */
static struct err *ask_helper(const struct credential_sources *s,
			      const struct credential_query *q, const char *name,
			      const char *server, struct credentials *out)
{
	struct credential_helper helper = {
		.name = name,
		.server = server,
		.timeout_ms =
			s->helper_timeout_ms ? s->helper_timeout_ms : HELPER_TIMEOUT_MS,
		.cancel = q->cancel,
	};
	struct err *e = credential_helper_get(&helper, out);

	if (!e || err_code(e) == ERR_CANCELLED)
		return e;
	free(out->trouble);
	out->trouble = xasprintf("%s%s%s", err_text(e), err_cause(e) ? ": " : "",
				 err_cause(e) ? err_text(err_cause(e)) : "");
	err_ignore(e, "told when the registry refuses");
	return NULL;
}

static struct err *search(const struct credential_sources *s, const cJSON *tree,
			  const struct credential_query *q, struct credentials *out)
{
	const char *server = is_hub(str_of(q->host)) ? HUB_SERVER : q->host;
	const char *helper =
		cJSON_GetStringValue(best_entry(json_object(tree, "credHelpers"), q));
	const cJSON *entry = best_entry(json_object(tree, "auths"), q);

	/* A host's own helper takes the place of `credsStore`; "" means the file
	 * itself. */
	if (helper && helper[0])
		return ask_helper(s, q, helper, server, out);
	if (entry)
		TRY(take_entry(entry, out));
	if (helper)
		return NULL;
	helper = json_string(tree, "credsStore");
	if (credentials_are_set(out) || !helper || !helper[0])
		return NULL;
	return ask_helper(s, q, helper, entry ? entry->string : server, out);
}

/* `*out` stays NULL for a file that is missing or empty. */
static struct err *read_config(const char *path, cJSON **out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	/* Do not wait for a pipe's writer. */
	struct err *e = fs_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd);
	struct stat st;

	if (e && (err_code(e) == ERR_NOTFOUND || err_errno(e) == ENOTDIR)) {
		err_ignore(e, "no such configuration");
		return NULL;
	}
	TRY(e);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_new(ERR_CORRUPT, "'%s' is not a regular file", path);
	TRY(err_wrap(fs_read_fd(fd, CONFIG_MAX, &text), "'%s'", path));
	if (str_is_empty(str_trim(str_make(buf_text(&text), text.len))))
		return NULL;
	TRY(err_wrap(json_parse(str_make(buf_text(&text), text.len), out), "'%s'", path));
	return cJSON_IsObject(*out)
		       ? NULL
		       : err_new(ERR_CORRUPT, "'%s' holds no JSON object", path);
}

static struct err *search_file(const struct credential_sources *s, const char *path,
			       const struct credential_query *q, struct credentials *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;

	TRY(read_config(path, &tree));
	TRY(err_wrap(search(s, tree, q, out), "'%s'", path));
	if (credentials_are_set(out) && !out->source)
		out->source = xasprintf("'%s'", path);
	return NULL;
}

/* ---- all places ---- */

struct err *credential_sources_check(const struct credential_sources *s)
{
	CLEANUP(json_freep) cJSON *tree = NULL;

	if (!s->authfile)
		return NULL;
	if (access(s->authfile, R_OK) != 0)
		return err_recode(err_sys("--authfile: '%s'", s->authfile), ERR_USAGE);
	return err_recode(err_wrap(read_config(s->authfile, &tree), "--authfile"),
			  ERR_USAGE);
}

static bool is_set(const char *variable)
{
	return variable && variable[0];
}

/* `name` in a folder, which is `below_home` if `dir` is not set; NULL when there is
 * neither. */
static char *file_in(const char *dir, const char *home, const char *below_home,
		     const char *name)
{
	CLEANUP(freep)
	char *own =
		!is_set(dir) && home && below_home ? path_join(home, below_home) : NULL;

	return is_set(dir) || own ? path_join(own ? own : dir, name) : NULL;
}

struct err *credentials_find(const struct credential_sources *s,
			     const struct credential_query *q, struct credentials *out)
{
	CLEANUP(freep)
	char *apptainer = file_in(s->apptainer_config_dir, s->home, ".apptainer",
				  "docker-config.json");
	CLEANUP(freep)
	char *docker = file_in(s->docker_config_dir, s->home, ".docker", "config.json");
	CLEANUP(freep)
	char *until_logout = file_in(s->runtime_dir, NULL, NULL, "containers/auth.json");
	CLEANUP(freep)
	char *podman = file_in(s->config_dir, s->home, ".config", "containers/auth.json");
	const char *files[] = {s->registry_auth_file, apptainer, docker, until_logout,
			       podman};

	credentials_release(out);
	if (s->authfile)
		return search_file(s, s->authfile, q, out);
	if (q->is_named && is_set(s->user) && s->password) {
		out->user = xstrdup(s->user);
		out->password = xstrdup(s->password);
		out->source = xstrdup("APPTAINER_DOCKER_USERNAME");
		out->from_variables = true;
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(files) && !credentials_are_set(out); i++)
		if (files[i])
			TRY(search_file(s, files[i], q, out));
	return NULL;
}
