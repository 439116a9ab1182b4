/* SPDX-License-Identifier: MIT
 * test_apps.c - what apps leave in a root filesystem, also in one that a stranger made;
 * and how they are described.
 */
/* links: meta */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/meta/apps.h"
#include "engine/meta/root_file.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

struct root {
	char *path;
	int fd;
};

static int setup(void **state)
{
	struct root *r = xcalloc(1, sizeof(*r));

	r->path = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, r->path, O_RDONLY | O_DIRECTORY, 0, &r->fd));
	assert_ok(path_mkdirs(r->fd, "/.singularity.d/env", 0755));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct root *r = *state;

	close(r->fd);
	test_folder_remove(r->path);
	free(r);
	return 0;
}

static void write_root(const struct root *r, const char *path, const char *text)
{
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(path_base(path) - path));

	assert_ok(path_mkdirs(r->fd, folder, 0755));
	assert_ok(root_write(r->fd, path, text, strlen(text), 0644, ROOT_REPLACE));
}

static char *read_root(const struct root *r, const char *path)
{
	struct buf text = BUF_INIT;

	assert_ok(root_read(r->fd, path, &text));
	buf_puts(&text, "");
	return buf_steal(&text);
}

static char *describe(const struct root *r)
{
	struct buf json = BUF_INIT;

	bool left_out;

	assert_ok(sections_inspect_json(r->fd, &json, &left_out));
	assert_false(left_out);
	return buf_steal(&json);
}

/* What a shell prints of `script` after it has read the file; for free(). */
static char *sourced(const struct root *r, const char *path, const char *script)
{
	CLEANUP(freep)
	char *command = xasprintf("env -i sh -c '. \"%s%s\"; %s'", r->path, path, script);
	FILE *out = popen(command, "r");
	char line[256] = "";

	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), out));
	assert_int_equal(pclose(out), 0);
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line);
}

static void check_sourced(const struct root *r, const char *path, const char *script,
			  const char *wanted)
{
	CLEANUP(freep) char *got = sourced(r, path, script);

	assert_string_equal(got, wanted);
}

/* ---- names ---- */

/* Nothing in a name is read by the shell; variables have other names, where they must. */
static void test_odd_names(void **state)
{
	static const struct {
		const char *name, *variable;
	} rows[] = {
		{"plain", "SCIF_APPROOT_plain"},
		{"a-b.c", "SCIF_APPROOT_a_b_c"},
		{"$(touch x);y", "SCIF_APPROOT___touch_x__y"},
		{"it's", "SCIF_APPROOT_it_s"},
		{"\xc3\xa4", "SCIF_APPROOT___"},
	};
	struct root *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct app app = {.name = rows[i].name};
		struct apps apps = {&app, 1};
		CLEANUP(freep)
		char *folder = xasprintf("/scif/apps/%s", rows[i].name);
		CLEANUP(freep) char *link = path_join(r->path, "01-base.sh");
		CLEANUP(freep)
		char *base = xasprintf("%s%s/scif/env/01-base.sh", r->path, folder);
		CLEANUP(freep) char *print = xasprintf("echo \"$%s\"", rows[i].variable);

		assert_ok(apps_write(r->fd, &apps));
		assert_ok(apps_finish(r->fd, &apps));
		check_sourced(r, "/.singularity.d/env/94-appsbase.sh", print, folder);
		/* By a name that our own shell need not quote. */
		unlink(link);
		assert_int_equal(symlink(base, link), 0);
		check_sourced(r, "/01-base.sh", "echo \"$SCIF_APPNAME\"", rows[i].name);
		check_sourced(r, "/01-base.sh", "echo \"$SCIF_APPROOT\"", folder);
	}
}

/* ---- a root filesystem with apps already ---- */

/* Scripts of the base's app of that name stay unless they are given anew; the variables
 * are those of the new apps only. */
static void test_inherited(void **state)
{
	struct app app = {.name = "a", .run = "new\n"};
	struct apps apps = {&app, 1};
	struct root *r = *state;
	CLEANUP(freep) char *exports = NULL;
	CLEANUP(freep) char *json = NULL;
	CLEANUP(freep) char *run = NULL;

	write_root(r, "/scif/apps/a/scif/runscript", "old\n");
	write_root(r, "/scif/apps/a/scif/test", "old test\n");
	write_root(r, "/scif/apps/b/scif/runscript.help", "old help\n");
	write_root(r, "/.singularity.d/env/94-appsbase.sh", "export SCIF_APPROOT_b=x\n");
	assert_ok(apps_write(r->fd, &apps));
	assert_ok(apps_finish(r->fd, &apps));
	exports = read_root(r, "/.singularity.d/env/94-appsbase.sh");
	assert_null(strstr(exports, "SCIF_APPROOT_b"));
	assert_non_null(strstr(exports, "export SCIF_APPRUN_a="));
	run = read_root(r, "/scif/apps/a/scif/runscript");
	assert_string_equal(run, "#!/bin/sh\n\nnew\n\n");
	json = describe(r);
	assert_non_null(strstr(
		json, "\"apps\":{\"a\":{\"labels\":{\"SCIF_APP_NAME\":\"a\"},"
		      "\"runscript\":\"#!/bin/sh\\n\\nnew\",\"test\":\"old test\"},"
		      "\"b\":{\"helpfile\":\"old help\"}}"));
}

/* Links of a stranger's lead nowhere but into the root filesystem. */
static void test_links(void **state)
{
	struct app app = {.name = "a", .run = "new\n"};
	struct apps apps = {&app, 1};
	struct root *r = *state;
	CLEANUP(freep) char *outside = test_folder_new();
	CLEANUP(freep) char *link = path_join(r->path, "scif");
	CLEANUP(freep) char *inside = NULL;
	struct stat st;

	/* Of the same name inside; there is nothing yet. */
	assert_int_equal(symlink(outside, link), 0);
	assert_ok(path_mkdirs(r->fd, outside, 0755));
	assert_ok(apps_write(r->fd, &apps));
	assert_ok(apps_finish(r->fd, &apps));
	inside = xasprintf("%s%s/apps/a/scif/runscript", r->path, outside);
	assert_int_equal(lstat(inside, &st), 0);
	assert_int_equal(rmdir(outside), 0);
}

/* What is no app is not described, and what cannot be read does not end the build. */
static void test_strange_trees(void **state)
{
	struct root *r = *state;
	CLEANUP(freep) char *json = NULL;
	CLEANUP(freep) char *loop = path_join(r->path, "scif/apps/loop/scif");
	CLEANUP(freep) char *fifo = path_join(r->path, "scif/apps/fifo/scif/runscript");

	write_root(r, "/scif/apps/file", "x");
	write_root(r, "/scif/apps/no-folder/scif", "x");
	write_root(r, "/scif/apps/labels/scif/labels.json", "{not json");
	write_root(r, "/scif/apps/environment/scif/env", "x");
	write_root(r, "/scif/apps/fifo/scif/test", "true");
	write_root(r, "/scif/apps/loop/x", "x");
	assert_int_equal(symlink("scif", loop), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	json = describe(r);
	assert_string_equal(json,
			    "{\"data\":{\"attributes\":{\"apps\":{\"environment\":{},"
			    "\"fifo\":{\"test\":\"true\"},\"labels\":{},\"loop\":{},"
			    "\"no-folder\":{}}}},\"type\":\"container\"}\n");
}

static void test_apps_are_a_file(void **state)
{
	struct app app = {.name = "a"};
	struct apps apps = {&app, 1};
	struct root *r = *state;
	CLEANUP(freep) char *json = NULL;

	write_root(r, "/scif/apps", "x");
	json = describe(r);
	assert_string_equal(json,
			    "{\"data\":{\"attributes\":{}},\"type\":\"container\"}\n");
	assert_err(ERR_SYS, apps_write(r->fd, &apps));
}

/* ---- limits ---- */

static void test_too_large(void **state)
{
	static const char *const files[] = {
		"/scif/apps/large/scif/env/90-environment.sh",
		"/scif/apps/linked/scif/labels.json",
		"/scif/apps/script/scif/runscript",
	};
	const size_t n = (size_t)2 << 20;
	struct root *r = *state;
	CLEANUP(freep) char *text = xmalloc(n + 1);
	CLEANUP(freep) char *link = path_join(r->path, "scif/apps/linked/scif/test");
	CLEANUP(buf_release) struct buf json = BUF_INIT, more = BUF_INIT;
	bool left_out;

	memset(text, '<', n);
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		write_root(r, files[i], i == 1 ? "{}" : text);
	assert_int_equal(symlink("/scif/apps/script/scif/runscript", link), 0);
	write_root(r, "/scif/apps/usual/scif/runscript", "x\n");
	assert_ok(sections_inspect_json(r->fd, &json, &left_out));
	assert_true(left_out);
	assert_string_equal(buf_text(&json),
			    "{\"data\":{\"attributes\":{\"apps\":{\"usual\":{"
			    "\"runscript\":\"x\"}}}},\"type\":\"container\"}\n");
	/* Each is small enough, and all together are not. */
	text[(size_t)1 << 20] = '\0';
	for (unsigned i = 0; i < 8; i++) {
		CLEANUP(freep)
		char *path = xasprintf("/scif/apps/a%u/scif/runscript", i);

		write_root(r, path, text);
	}
	assert_ok(sections_inspect_json(r->fd, &more, &left_out));
	assert_true(left_out);
	assert_true(more.len < (size_t)24 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_odd_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inherited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strange_trees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apps_are_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
