/* SPDX-License-Identifier: MIT
 * test_credentials.c - challenges are read, and credentials are found wherever docker,
 * podman and Apptainer put them; a helper has its time, and no more.
 */
/* links: net */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/path.h"
#include "engine/net/challenge.h"
#include "engine/net/credential_helper.h"
#include "engine/net/credentials.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

/* ---- challenges ---- */

static void test_challenges(void **state)
{
	static const struct {
		const char *headers;
		enum auth_scheme scheme;
		const char *realm;
	} rows[] = {
		{"Negotiate, basic realm=\"say \\\"hi\\\"\"", AUTH_BASIC, "say \"hi\""},
		{"Digest realm=x", AUTH_NONE, NULL},
		{"=,,\"\" Bearer realm=\"unterminated", AUTH_BEARER, "unterminated"},
		{"", AUTH_NONE, NULL},
		/* Both, in either order, in one header or two. */
		{"Bearer realm=\"https://a/t\", Basic realm=\"b\"", AUTH_BEARER,
		 "https://a/t"},
		{"Basic realm=\"b\"\nBEARER Realm=\"https://a/t\"", AUTH_BEARER,
		 "https://a/t"},
		/* Bearer without a realm: Basic can be answered. */
		{"Bearer, Basic realm=\"b\"", AUTH_BASIC, "b"},
		{"Basic realm=\"b\"\nBearer service=\"s\"", AUTH_BASIC, "b"},
		{"Bearer service=\"s\"", AUTH_BEARER, NULL},
		{"Bearer realm=https://a/t,service=s", AUTH_BEARER, "https://a/t"},
		{"Bearer realm=\"first\", realm=\"second\"", AUTH_BEARER, "first"},
	};
	CLEANUP(challenge_release) struct challenge c = CHALLENGE_INIT;

	(void)state;
	challenge_parse(
		STR("Basic realm=\"a\"\nBearer realm=\"https://auth.docker.io/token\","
		    "service=\"registry.docker.io\", scope=\"repository:x:pull,push\"\n"),
		&c);
	assert_int_equal(c.scheme, AUTH_BEARER);
	assert_string_equal(c.realm, "https://auth.docker.io/token");
	assert_string_equal(c.service, "registry.docker.io");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		challenge_parse(str_of(rows[i].headers), &c);
		assert_int_equal(c.scheme, rows[i].scheme);
		if (rows[i].realm)
			assert_string_equal(c.realm, rows[i].realm);
		else
			assert_null(c.realm);
	}
}

/* ---- files ---- */

struct places {
	char *home;
	int dir;
	struct credential_sources sources;
};

static int setup(void **state)
{
	struct places *p = xcalloc(1, sizeof(*p));

	p->home = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, p->home, O_RDONLY | O_DIRECTORY, 0, &p->dir));
	assert_ok(fs_mkdirs(p->dir, ".docker", 0700));
	assert_ok(fs_mkdirs(p->dir, ".apptainer", 0700));
	p->sources.home = p->home;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct places *p = *state;

	close(p->dir);
	test_folder_remove(p->home);
	free(p);
	return 0;
}

static void put(const struct places *p, const char *path, const char *text)
{
	assert_ok(fs_write_atomic(p->dir, path, text, strlen(text), 0600));
}

static void docker_config(const struct places *p, const char *text)
{
	put(p, ".docker/config.json", text);
}

/* What is found: "USER:PASSWORD", "token:TOKEN", or ""; for free(). */
static char *found(const struct places *p, const char *host, const char *repository)
{
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	struct credential_query query = {
		.host = host, .repository = repository, .is_named = true};

	assert_ok(credentials_find(&p->sources, &query, &c));
	if (c.user)
		return xasprintf("%s:%s", c.user, c.password);
	return c.identity_token ? xasprintf("token:%s", c.identity_token) : xstrdup("");
}

static void assert_found(const struct places *p, const char *host, const char *repository,
			 const char *wanted)
{
	CLEANUP(freep) char *got = found(p, host, repository);

	assert_string_equal(got, wanted);
}

static void assert_refused(const struct places *p, enum err_code code, const char *says)
{
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct credential_query query = {.host = "h.example", .repository = "x"};
	struct err *e = credentials_find(&p->sources, &query, &c);

	assert_non_null(e);
	err_render(e, &text);
	assert_non_null(strstr(buf_text(&text), says));
	assert_err(code, e);
}

static void test_places(void **state)
{
	struct places *p = *state;
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	CLEANUP(freep) char *basic = NULL;
	CLEANUP(freep) char *runtime = NULL;
	struct credential_query query = {
		.host = "docker.io", .repository = "library/alpine", .is_named = true};

	assert_found(p, "ghcr.io", "x", "");
	docker_config(p, "{\"auths\":{\"https://index.docker.io/v1/"
			 "\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
			 "\"ghcr.io\":{\"auth\":\"YTpi\"},\"token.io\":{"
			 "\"identitytoken\":\"t\"}}}");
	assert_ok(credentials_find(&p->sources, &query, &c));
	basic = credentials_basic(&c);
	assert_string_equal(basic, "Basic dXNlcjpzZWNyZXQ=");
	assert_non_null(strstr(c.source, "/.docker/config.json"));
	assert_found(p, "ghcr.io", "x", "a:b");
	assert_found(p, "token.io", "x", "token:t");
	assert_found(p, "other.io", "x", "");
	/* Apptainer's own file comes first, but does not hide the other. */
	put(p, ".apptainer/docker-config.json",
	    "{\"auths\":{\"ghcr.io\":{\"auth\":\"b3duOng=\"}}}");
	assert_found(p, "ghcr.io", "x", "own:x");
	assert_found(p, "docker.io", "library/alpine", "user:secret");
	/* Podman's files come last: the session's, then its own. */
	assert_ok(fs_mkdirs(p->dir, ".config/containers", 0700));
	assert_ok(fs_mkdirs(p->dir, "run/containers", 0700));
	put(p, ".config/containers/auth.json",
	    "{\"auths\":{\"quay.io\":{\"auth\":\"YTpi\"}}}");
	assert_found(p, "quay.io", "x", "a:b");
	runtime = path_join(p->home, "run");
	p->sources.runtime_dir = runtime;
	put(p, "run/containers/auth.json",
	    "{\"auths\":{\"quay.io/team\":{\"auth\":\"Yzpk\"}}}");
	assert_found(p, "quay.io", "team/x", "c:d");
	assert_found(p, "quay.io", "x", "a:b");
	/* The variables are only for hosts that a `From:` names. */
	p->sources.user = "v";
	p->sources.password = "w";
	assert_found(p, "ghcr.io", "x", "v:w");
	query.is_named = false;
	assert_ok(credentials_find(&p->sources, &query, &c));
	assert_string_equal(c.user, "user");
}

static void test_keys(void **state)
{
	static const struct {
		const char *key, *host, *repository;
		bool fits;
	} rows[] = {
		{"h.example:5000", "h.example:5000", "a/b", true},
		{"https://h.example:5000", "h.example:5000", "a/b", true},
		{"http://h.example:5000", "h.example:5000", "a/b", true},
		{"https://h.example:5000/v1/", "h.example:5000", "a/b", true},
		{"https://h.example:5000/v2/", "h.example:5000", "a/b", true},
		{"http://h.example:5000/v2", "h.example:5000", "a/b", true},
		{"h.example:5000/", "h.example:5000", "a/b", true},
		{"h.example:5000/v1/", "h.example:5000", "a/b", true},
		{" H.Example:5000\n", "h.example:5000", "a/b", true},
		{"h.example:5000/a", "h.example:5000", "a/b", true},
		{"h.example:5000/a/b", "h.example:5000", "a/b", true},
		{"h.example:5000/a/b/c", "h.example:5000", "a/b", false},
		{"h.example:5000/ab", "h.example:5000", "a/b", false},
		{"h.example:5000/a", "h.example:5000", "ab", false},
		{"h.example", "h.example:5000", "a/b", false},
		{"h.example:5000.evil", "h.example:5000", "a/b", false},
		{"index.docker.io", "docker.io", "library/x", true},
		{"https://registry-1.docker.io/v2/", "docker.io", "library/x", true},
		{"docker.io", "docker.io", "library/x", true},
		{"docker.io/library", "docker.io", "library/x", true},
		{"docker.io", "registry-1.docker.io", "library/x", true},
		{"auth.docker.io", "docker.io", "library/x", false},
	};
	struct places *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		CLEANUP(freep) char *got = NULL;

		buf_puts(&text, "{\"auths\":{");
		buf_json_string(&text, rows[i].key, strlen(rows[i].key));
		buf_puts(&text, ":{\"auth\":\"YTpi\"}}}");
		docker_config(p, buf_text(&text));
		got = found(p, rows[i].host, rows[i].repository);
		if ((got[0] != '\0') != rows[i].fits)
			print_error("key '%s'\n", rows[i].key);
		assert_string_equal(got, rows[i].fits ? "a:b" : "");
	}
	/* The longest path wins, then an entry that says something, then today's form; in
	 * any order. */
	docker_config(p, "{\"auths\":{\"h.example\":{\"auth\":\"YTpi\"},"
			 "\"h.example/team/x\":{\"auth\":\"Yzpk\"},"
			 "\"h.example/team\":{\"auth\":\"ZTpm\"}}}");
	assert_found(p, "h.example", "team/x/y", "c:d");
	assert_found(p, "h.example", "team/y", "e:f");
	assert_found(p, "h.example", "teamwork", "a:b");
	docker_config(p, "{\"auths\":{\"https://h.example/v1/\":{\"auth\":\"YTpi\"},"
			 "\"h.example\":{\"auth\":\"Yzpk\"}}}");
	assert_found(p, "h.example", "x", "c:d");
	docker_config(p, "{\"auths\":{\"h.example\":{},"
			 "\"https://h.example/v1/\":{\"auth\":\"YTpi\"}}}");
	assert_found(p, "h.example", "x", "a:b");
}

static void test_texts(void **state)
{
	static const struct {
		const char *entry, *wanted;
	} rows[] = {
		{"{\"auth\":\"YTpiOmM=\"}", "a:b:c"},
		{"{\"auth\":\"YTpiOmM=\\n\"}", "a:b:c"},
		{"{\"auth\":\" YTpi\\r\\nOmM= \\t\"}", "a:b:c"},
		{"{\"auth\":\"YTpiCg==\"}", "a:b"}, /* base64 of "a:b\n" */
		{"{\"auth\":\"\"}", ""},
		{"{\"auth\":\"\\n\"}", ""},
		{"{\"auth\":\"\",\"username\":\"u\",\"password\":\"p\"}", "u:p"},
		{"{\"identitytoken\":\"t\\n\"}", "token:t"},
		{"{\"auth\":7}", ""},
		{"{}", ""},
		{"null", ""},
	};
	static const char *const without[] = {
		"", "\n", "{}", "{\"auths\":{}}", "{\"auths\":null}", "{\"auths\":[]}"};
	struct places *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *text = xasprintf("{\"auths\":{\"h.example\":%s}}", rows[i].entry);

		docker_config(p, text);
		assert_found(p, "h.example", "x", rows[i].wanted);
	}
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		docker_config(p, without[i]);
		assert_found(p, "h.example", "x", "");
	}
	/* Mistakes are reported with the file's name. */
	docker_config(p, "{");
	assert_refused(p, ERR_CORRUPT, ".docker/config.json");
	docker_config(p, "[]");
	assert_refused(p, ERR_CORRUPT, ".docker/config.json");
	docker_config(p, "{\"auths\":{\"h.example\":{\"auth\":\"no base64\"}}}");
	assert_refused(p, ERR_CORRUPT, ".docker/config.json");
	docker_config(p, "{\"auths\":{\"h.example\":{\"auth\":\"YWI=\"}}}"); /* "ab" */
	assert_refused(p, ERR_CORRUPT, "h.example");
	/* We do not wait for a pipe. */
	assert_int_equal(unlinkat(p->dir, ".docker/config.json", 0), 0);
	assert_int_equal(mkfifoat(p->dir, ".docker/config.json", 0600), 0);
	assert_refused(p, ERR_CORRUPT, ".docker/config.json");
	assert_int_equal(unlinkat(p->dir, ".docker/config.json", 0), 0);
	/* A file where a folder should be: no configuration either. */
	p->sources.home = "/dev/null";
	assert_found(p, "h.example", "x", "");
	p->sources.authfile = "/nonexistent/auth.json";
	assert_err(ERR_USAGE, credential_sources_check(&p->sources));
	p->sources.authfile = "/dev/null";
	assert_err(ERR_USAGE, credential_sources_check(&p->sources));
}

/* ---- helpers ---- */

/* A helper NAME that is the script `text`, in PATH. */
static void helper(const struct places *p, const char *name, const char *text)
{
	CLEANUP(freep) char *path = xasprintf("docker-credential-%s", name);
	CLEANUP(freep) char *script = xasprintf("#!/bin/sh\n%s\n", text);

	assert_ok(fs_write_atomic(p->dir, path, script, strlen(script), 0755));
}

static struct err *ask(const char *name, unsigned timeout_ms, const struct cancel *cancel,
		       struct credentials *out)
{
	struct credential_helper h = {.name = name,
				      .server = "h.example",
				      .timeout_ms = timeout_ms,
				      .cancel = cancel};

	credentials_release(out);
	return credential_helper_get(&h, out);
}

static int setup_helpers(void **state)
{
	struct places *p;

	if (setup(state) != 0)
		return -1;
	p = *state;
	/* Before any thread is started. */
	return setenv("PATH", p->home, 1); /* NOLINT(concurrency-mt-unsafe) */
}

static const unsigned LONG_MS = 60000;

static void test_helpers(void **state)
{
	struct places *p = *state;
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	struct err *e;

	helper(p, "good",
	       "read -r server\n"
	       "echo '{\"Username\":\"'$1-$server'\",\"Secret\":\"s\"}'");
	assert_ok(ask("good", LONG_MS, NULL, &c));
	assert_string_equal(c.user, "get-h.example");
	assert_string_equal(c.source, "'docker-credential-good'");
	helper(p, "token", "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");
	assert_ok(ask("token", LONG_MS, NULL, &c));
	assert_string_equal(c.identity_token, "t");
	helper(p, "none", "echo 'credentials not found in native keychain'\nexit 1");
	assert_ok(ask("none", LONG_MS, NULL, &c));
	assert_false(credentials_are_set(&c));
	/* A process that it leaves in the background does not hold us up, though it holds
	 * the pipes. */
	helper(p, "forks",
	       "/bin/sleep 600 &\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'");
	assert_ok(ask("forks", LONG_MS, NULL, &c));
	assert_string_equal(c.user, "u");

	helper(p, "fails", "echo 'the keyring is locked' >&2\nexit 3");
	e = ask("fails", LONG_MS, NULL, &c);
	assert_non_null(e);
	assert_string_equal(err_text(err_cause(e)),
			    "exit status 3, the keyring is locked");
	assert_err(ERR_AUTH, e);
	helper(p, "babbles", "while :; do echo 0123456789; done");
	assert_err(ERR_CORRUPT, ask("babbles", LONG_MS, NULL, &c));
	helper(p, "complains",
	       "i=0\nwhile [ $i -lt 2000 ]; do echo complaint >&2; "
	       "i=$((i+1)); done\nexit 1");
	assert_err(ERR_AUTH, ask("complains", LONG_MS, NULL, &c));
	helper(p, "rubbish", "echo rubbish");
	assert_err(ERR_CORRUPT, ask("rubbish", LONG_MS, NULL, &c));
	assert_err(ERR_NOTFOUND, ask("missing", LONG_MS, NULL, &c));
	/* A name cannot lead elsewhere. */
	assert_err(ERR_UNSUPPORTED, ask("", LONG_MS, NULL, &c));
	assert_err(ERR_UNSUPPORTED, ask("x/../../bin/sh", LONG_MS, NULL, &c));
	assert_err(ERR_UNSUPPORTED, ask("a b", LONG_MS, NULL, &c));
}

struct interrupt {
	const struct places *p;
	struct cancel *cancel;
	pid_t child;
};

/* Interrupt once the helper has reported its child. */
static void *interrupt(void *context)
{
	struct interrupt *i = context;
	uint64_t child = 0;

	while (child == 0) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;

		err_free(fs_read_file(i->p->dir, "child", 64, &text));
		if (!str_to_u64(str_trim(str_of(buf_text(&text))), &child))
			usleep(1000);
	}
	i->child = (pid_t)child;
	cancel_raise(i->cancel, CANCEL_ASKED);
	return NULL;
}

/* It was killed; the process that adopted it may not have reaped it yet. */
static void wait_for_death(pid_t pid)
{
	CLEANUP(freep) char *path = xasprintf("/proc/%d/stat", (int)pid);

	while (kill(pid, 0) == 0) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;

		err_free(fs_read_file(AT_FDCWD, path, 4096, &text));
		if (strstr(buf_text(&text), ") Z "))
			return;
		usleep(1000);
	}
}

/* A helper that hangs is killed after its time, or when the user interrupts; its child,
 * too. */
static void test_helper_hangs(void **state)
{
	struct places *p = *state;
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	struct interrupt i = {.p = p};
	CLEANUP(freep)
	char *script = xasprintf("/bin/sleep 600 &\necho $! >%s/child\nwait", p->home);
	pthread_t thread;

	helper(p, "hangs", script);
	assert_err(ERR_NETWORK, ask("hangs", 50, NULL, &c));
	err_free(fs_remove_tree(p->dir, "child"));
	assert_ok(cancel_new(&i.cancel));
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &i), 0);
	assert_err(ERR_CANCELLED, ask("hangs", LONG_MS, i.cancel, &c));
	pthread_join(thread, NULL);
	wait_for_death(i.child);
	cancel_free(i.cancel);
}

/* A file names a helper: its error is kept, and other places are tried. */
static void test_helper_of_a_file(void **state)
{
	struct places *p = *state;
	CLEANUP(credentials_release) struct credentials c = CREDENTIALS_INIT;
	struct credential_query query = {.host = "h.example", .repository = "x"};

	helper(p, "echo",
	       "read -r server\n"
	       "echo '{\"Username\":\"'$server'\",\"Secret\":\"s\"}'");
	docker_config(p, "{\"credHelpers\":{\"https://h.example\":\"echo\"},"
			 "\"auths\":{\"h.example\":{\"auth\":\"YTpi\"}}}");
	assert_found(p, "h.example", "x", "h.example:s");
	docker_config(p, "{\"credsStore\":\"echo\",\"auths\":{\"h.example\":{\"auth\":"
			 "\"YTpi\"},\"https://other.example/v1/\":{}}}");
	assert_found(p, "h.example", "x", "a:b");
	assert_found(p, "docker.io", "x", "https://index.docker.io/v1/:s");
	assert_found(p, "other.example", "x", "https://other.example/v1/:s");
	docker_config(p, "{\"credsStore\":\"echo\",\"credHelpers\":{\"h.example\":\"\"},"
			 "\"auths\":{\"h.example\":{\"auth\":\"YTpi\"}}}");
	assert_found(p, "h.example", "x", "a:b");
	docker_config(p,
		      "{\"credsStore\":\"echo\",\"credHelpers\":{\"h.example\":\"\"}}");
	assert_found(p, "h.example", "x", "");
	docker_config(p, "{\"credHelpers\":{\"h.example\":\"missing\"}}");
	assert_ok(credentials_find(&p->sources, &query, &c));
	assert_false(credentials_are_set(&c));
	assert_non_null(strstr(c.trouble, "docker-credential-missing"));
	docker_config(p, "{\"credHelpers\":{\"h.example\":\"../x\"}}");
	assert_ok(credentials_find(&p->sources, &query, &c));
	assert_non_null(strstr(c.trouble, "'../x'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenges),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helpers, setup_helpers, teardown),
		cmocka_unit_test_setup_teardown(test_helper_hangs, setup_helpers,
						teardown),
		cmocka_unit_test_setup_teardown(test_helper_of_a_file, setup_helpers,
						teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
