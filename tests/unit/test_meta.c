/* SPDX-License-Identifier: MIT
 * test_meta.c - what Apptainer images hold besides the root filesystem: scripts that a
 * shell runs as intended, labels, and files that never lead out of the root.
 */
/* links: meta */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/proc.h"
#include "engine/meta/base_files.h"
#include "engine/meta/go_json.h"
#include "engine/meta/labels.h"
#include "engine/meta/oci_runtime.h"
#include "engine/meta/root_file.h"
#include "engine/meta/sections.h"
#include "engine/oci/oci_manifest.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

struct box {
	char *dir;
	int fd;
};

static int setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));

	b->dir = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, b->dir, O_RDONLY | O_DIRECTORY, 0, &b->fd));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;

	close(b->fd);
	test_folder_remove(b->dir);
	free(b);
	return 0;
}

/* Output of `sh SCRIPT ARGUMENTS...` with one variable set. */
static char *sh(struct box *b, const char *script, const char *variable,
		const char *const *arguments)
{
	CLEANUP(freep) char *path = path_join(b->dir, "script");
	const char *argv[8] = {"sh", path};
	const char *envp[] = {"PATH=/usr/bin:/bin", variable, NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(closep) int read_end = -1;
	struct buf out = BUF_INIT;
	int write_end = -1, status;
	struct proc_spec spec = {.path = "/bin/sh",
				 .argv = argv,
				 .envp = envp,
				 .stdin_fd = -1,
				 .stderr_fd = -1};

	for (size_t i = 0; arguments && arguments[i]; i++)
		argv[2 + i] = arguments[i];
	assert_ok(fs_write_atomic(b->fd, "script", script, strlen(script), 0755));
	assert_ok(proc_pipe(&read_end, &write_end));
	spec.stdout_fd = write_end;
	assert_ok(proc_start(&p, &spec));
	close(write_end);
	assert_ok(fs_read_fd(read_end, MIB(1), &out));
	assert_ok(proc_wait(&p, &status));
	assert_int_equal(status, 0);
	return buf_steal(&out);
}

static void expect_run(struct box *b, const struct oci_config *config,
		       const char *variable, const char *const *arguments,
		       const char *wanted)
{
	CLEANUP(buf_release) struct buf script = BUF_INIT;
	CLEANUP(freep) char *out = NULL;

	oci_runtime_runscript(config, &script);
	out = sh(b, buf_text(&script), variable, arguments);
	assert_string_equal(out, wanted);
}

/* Arguments replace Cmd and follow Entrypoint; words come through as they are. */
static void test_runscript(void **state)
{
	char *entrypoint[] = {(char *)"printf", (char *)"[%s]"};
	char *cmd[] = {(char *)"it's", (char *)"a \"word\""};
	char *hello[] = {(char *)"echo", (char *)"hello"};
	const char *const arguments[] = {"x y", "z", NULL};
	const char *const other[] = {"echo", "other", NULL};
	struct oci_config both = {
		.entrypoint = entrypoint, .n_entrypoint = 2, .cmd = cmd, .n_cmd = 2};
	struct oci_config only_cmd = {.cmd = hello, .n_cmd = 2};
	struct oci_config only_entrypoint = {.entrypoint = hello, .n_entrypoint = 2};

	expect_run(*state, &both, NULL, NULL, "[it's][a \"word\"]");
	expect_run(*state, &both, NULL, arguments, "[x y][z]");
	expect_run(*state, &both, "SINGULARITY_NO_EVAL=1", arguments, "[x y][z]");
	expect_run(*state, &both, "SINGULARITY_NO_EVAL=1", NULL, "[it's][a \"word\"]");
	expect_run(*state, &only_cmd, NULL, NULL, "hello\n");
	expect_run(*state, &only_cmd, NULL, other, "other\n");
	expect_run(*state, &only_entrypoint, NULL, other, "hello echo other\n");
}

/* Apptainer's runtime itself interprets a runscript with exactly this line, even if the
 * image has no shell. */
static void test_runscript_is_interpreted(void **state)
{
	CLEANUP(buf_release) struct buf script = BUF_INIT;

	(void)state;
	oci_runtime_runscript(&(struct oci_config){0}, &script);
	assert_non_null(
		strstr(buf_text(&script), "\neval \"set ${SINGULARITY_OCI_RUN}\"\n"));
}

/* Words are evaluated as Apptainer does; what breaks Apptainer still comes through. */
static void test_runscript_words(void **state)
{
	static const struct {
		const char *given, *wanted;
	} rows[] = {
		{"$X", "value"},
		{"\\$X", "$X"},
		{"$(echo \"a  b\")", "a  b"},
		{"`echo \"a  b\"`", "a  b"},
		{"a\\\\b", "a\\b"},
		{"{\\\"a\\\": 1}", "{\"a\": 1}"},
		{"{\"a\": \"$X\"}", "{\"a\": \"value\"}"},
		{"\"", "\""},
		{"end\\", "end\\"},
		{"\\\\\"x", "\\\"x"},
		{"it's", "it's"},
		{"", ""},
		{"* ; &", "* ; &"},
	};
	char *show[] = {(char *)"printf", (char *)"[%s]"};
	const char *const option[] = {"-n", "x", NULL};
	struct oci_config config = {.entrypoint = show, .n_entrypoint = 2};
	struct oci_config none = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const arguments[] = {rows[i].given, "next", NULL};
		CLEANUP(freep) char *wanted = xasprintf("[%s][next]", rows[i].wanted);

		expect_run(*state, &config, "X=value", arguments, wanted);
	}
	expect_run(*state, &config, NULL, option, "[-n][x]");
	expect_run(*state, &none, NULL, NULL, "");
}

static void test_environment(void **state)
{
	char *env[] = {(char *)"PLAIN=a b",  (char *)"HARD=$x`y`\"z\"\\'}",
		       (char *)"KEPT=image", (char *)"PATH=/image",
		       (char *)"1BAD=x",     (char *)"EMPTY="};
	struct oci_config config = {.env = env, .n_env = 6};
	CLEANUP(buf_release) struct buf script = BUF_INIT;
	CLEANUP(freep) char *out = NULL;

	oci_runtime_environment(&config, &script);
	buf_puts(&script, "printf '%s|' \"$PLAIN\" \"$HARD\" \"$KEPT\" \"$PATH\" "
			  "\"${EMPTY-unset}\"\n");
	out = sh(*state, buf_text(&script), "KEPT=mine", NULL);
	assert_string_equal(out, "a b|$x`y`\"z\"\\'}|mine|/image||");
}

static char *content(struct box *b, const char *path)
{
	struct buf text = BUF_INIT;

	assert_ok(root_read(b->fd, path, &text));
	return buf_steal(&text);
}

/* Whatever links the base image has, the files end up inside the root. */
static void test_confined(void **state)
{
	struct box *b = *state;
	CLEANUP(freep) char *outside = xasprintf("%s-outside", b->dir);
	struct stat st;

	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(mkdirat(b->fd, "etc", 0755), 0);
	{
		CLEANUP(freep) char *hosts = path_join(outside, "hosts");

		assert_int_equal(symlinkat(hosts, b->fd, "etc/hosts"), 0);
	}
	assert_int_equal(
		symlinkat("../../../../../../etc/passwd", b->fd, "etc/resolv.conf"), 0);
	assert_ok(base_files_write(b->fd, BASE_IS_FOREIGN));
	assert_ok(base_files_write(b->fd, BASE_IS_FOREIGN)); /* on top of itself */
	assert_int_equal(rmdir(outside), 0);		     /* still empty */
	assert_int_equal(fstatat(b->fd, "etc/resolv.conf", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fstatat(b->fd, "tmp", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(b->fd, ".singularity.d/actions/exec", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_sections(void **state)
{
	struct box *b = *state;
	static const struct section_label labels[] = {{"Name", "first"},
						      {"Name", "second"}};
	static const struct section_label headers[] = {{"bootstrap", "docker"}};
	struct sections meta = {
		.definition = "Bootstrap: docker\n",
		.help = {.body = "Help me\n", .args = ""},
		.environment = {.body = "export X=1\n", .args = ""},
		.runscript = {.body = "echo run\n", .args = "-x # note"},
		.test = {.body = "\n#!/bin/busybox sh\ntrue\n", .args = ""},
		.labels = {labels, 2},
		.headers = {headers, 1},
	};
	struct sections_request request = {
		.meta = &meta, .arch = "amd64", .time_s = 1700000000, .utc = true};
	CLEANUP(buf_release) struct buf json = BUF_INIT;
	CLEANUP(freep) char *run = NULL;
	CLEANUP(freep) char *test = NULL;
	CLEANUP(freep) char *text = NULL;
	bool exists;

	assert_ok(base_files_write(b->fd, BASE_IS_FOREIGN));
	assert_ok(root_write(b->fd, "/.build.labels", "from.post yes\n", 14, 0644,
			     ROOT_REPLACE));
	assert_ok(sections_write(b->fd, &request));
	run = content(b, "/.singularity.d/runscript");
	assert_string_equal(run, "#!/bin/sh -x \n\necho run\n\n");
	test = content(b, "/.singularity.d/test");
	assert_string_equal(test, "#!/bin/busybox sh\n\ntrue\n\n");
	text = content(b, "/.singularity.d/labels.json");
	assert_non_null(strstr(text, "\t\"Name\": \"second\""));
	assert_non_null(strstr(text, "\t\"from.post\": \"yes\""));
	assert_non_null(strstr(text, "Tuesday_14_November_2023_22:13:20_UTC"));
	assert_non_null(strstr(text, "deffile.bootstrap\": \"docker\""));
	assert_ok(root_exists(b->fd, "/.build.labels", &exists));
	assert_false(exists);
	assert_ok(sections_inspect_json(b->fd, &json, &(bool){false}));
	assert_non_null(strstr(buf_text(&json), "\"helpfile\":\"Help me\""));
	assert_non_null(strstr(buf_text(&json), "\"deffile\":\"Bootstrap: docker\""));
	assert_non_null(strstr(buf_text(&json), "export X=1"));
	/* A second definition moves the first to the history. */
	assert_ok(sections_write(b->fd, &request));
	assert_ok(root_exists(b->fd, "/.singularity.d/bootstrap_history/Apptainer0",
			      &exists));
	assert_true(exists);
	/* What cannot be examined is not taken for missing. */
	assert_err(ERR_SYS, root_exists(b->fd, "/.singularity.d/runscript/x", &exists));
}

/* Blanks at the end of a text stay, line ends go; an empty environment file is listed, an
 * empty text of another kind is not. */
static void test_inspect_json(void **state)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{"/.singularity.d/env/91-environment.sh", ""},
		{"/.singularity.d/env/92-environment.sh", "A=1 \t\n\n"},
		{"/.singularity.d/runscript.help", "help  \n \n\n"},
		{"/.singularity.d/Singularity", "%post\r\n"},
		{"/.singularity.d/test", "\n\n"},
	};
	struct box *b = *state;
	CLEANUP(buf_release) struct buf json = BUF_INIT;

	assert_ok(path_mkdirs(b->fd, "/.singularity.d/env", 0755));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_ok(root_write(b->fd, files[i].path, files[i].text,
				     strlen(files[i].text), 0644, ROOT_REPLACE));
	assert_ok(sections_inspect_json(b->fd, &json, &(bool){false}));
	assert_string_equal(buf_text(&json),
			    "{\"data\":{\"attributes\":{\"environment\":{"
			    "\"/.singularity.d/env/91-environment.sh\":\"\","
			    "\"/.singularity.d/env/92-environment.sh\":\"A=1 \\t\"},"
			    "\"helpfile\":\"help  \\n \",\"deffile\":\"%post\\r\"}},"
			    "\"type\":\"container\"}\n");
}

/* So many that searching all of them for each one would not end within the test's time
 * limit. */
static void test_many_labels(void **state)
{
	struct box *b = *state;
	CLEANUP(labels_release) struct labels labels = LABELS_INIT, loaded = LABELS_INIT;
	const unsigned n = 400000;
	char name[16];

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = n; i-- > 0;) {
			snprintf(name, sizeof(name), "%06u", i);
			assert_true(
				labels_set(&labels, name, round ? "new" : "old", true));
		}
	assert_false(labels_set(&labels, "000000", "other", false));
	assert_int_equal(labels.len, n);
	assert_ok(path_mkdirs(b->fd, "/.singularity.d", 0755));
	assert_ok(labels_save(b->fd, LABELS_OF_IMAGE, &labels));
	assert_ok(labels_load(b->fd, LABELS_OF_IMAGE, &loaded));
	assert_int_equal(loaded.len, n);
	assert_string_equal(loaded.items[7]->name, "000007");
	assert_string_equal(loaded.items[7]->value, "new");
}

/* Our form takes more room than the configuration that the labels came in. */
static void test_large_labels(void **state)
{
	const size_t n = (size_t)7 << 20;
	struct box *b = *state;
	CLEANUP(labels_release) struct labels labels = LABELS_INIT, loaded = LABELS_INIT;
	CLEANUP(freep) char *value = xmalloc(n + 1);

	memset(value, '<', n);
	value[n] = '\0';
	labels_set(&labels, "large", value, true);
	assert_ok(path_mkdirs(b->fd, "/.singularity.d", 0755));
	assert_ok(labels_save(b->fd, LABELS_OF_IMAGE, &labels));
	assert_ok(labels_load(b->fd, LABELS_OF_IMAGE, &loaded));
	assert_int_equal(loaded.len, 1);
	assert_string_equal(loaded.items[0]->value, value);
}

static void test_go_json(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	(void)state;
	go_json_string(&out, STR("a<b>&\"\\\n\x01 \xc3\xa4 \xff \xe2\x80\xa8"));
	assert_string_equal(buf_text(&out),
			    "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\n\\u0001 \xc3\xa4 "
			    "\\ufffd \\u2028\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runscript, setup, teardown),
		cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_confined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_runscript_words, setup, teardown),
		cmocka_unit_test(test_runscript_is_interpreted),
		cmocka_unit_test_setup_teardown(test_inspect_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_labels, setup, teardown),
		cmocka_unit_test(test_go_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
