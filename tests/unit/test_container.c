/* SPDX-License-Identifier: MIT
 * test_container.c - a script runs in its container as it should, and leaves nothing: no
 * process, no mount, no file except what it wrote. Runs as root, in the test's own mount
 * namespace.
 */
/* links: run */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/path.h"
#include "engine/run/container.h"
#include "engine/run/userns.h"
#include "tests/fake/script_box.h"

static void write_file(struct box *b, const char *path, const char *text)
{
	assert_ok(fs_write_atomic(b->fd, path, text, strlen(text), 0755));
}

/* One layer (busybox), an upper, a work folder and a mount point. */
static int setup(void **state)
{
	static const char *const folders[] = {"layers/base/bin",
					      "layers/base/etc",
					      "layers/base/.singularity.d/env",
					      "upper",
					      "work",
					      "mnt"};
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	struct box *b;

	box_setup(state);
	b = *state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_ok(fs_mkdirs(b->fd, folders[i], 0755));
	assert_ok(fs_read_file(AT_FDCWD, "/bin/busybox", MIB(16), &program));
	assert_ok(fs_write_atomic(b->fd, "layers/base/bin/busybox", program.data,
				  program.len, 0755));
	assert_int_equal(symlinkat("busybox", b->fd, "layers/base/bin/sh"), 0);
	return 0;
}

static struct err *run(struct box *b, const char *script, int *status)
{
	static const char *const layers[] = {"base"};
	static const char *const argv[] = {"/bin/sh", "-e", "/.post.script", NULL};
	static const char *const envp[] = {"PATH=/bin", "HOME=/root", NULL};
	CLEANUP(freep) char *root = path_join(b->dir, "layers");
	CLEANUP(freep) char *upper = path_join(b->dir, "upper");
	CLEANUP(freep) char *work = path_join(b->dir, "work");
	CLEANUP(freep) char *mnt = path_join(b->dir, "mnt");
	struct container_request request = {
		.root = {.layer_root = root,
			 .layers = layers,
			 .n_layers = 1,
			 .upper = upper,
			 .work = work,
			 .mount_point = mnt},
		.script = script,
		.argv = argv,
		.envp = envp,
		.source_environment = true,
		.cancel = b->cancel,
		.line = box_line,
		.context = b,
	};
	struct container_result result = {-1};
	struct err *e = container_run(&request, &result);

	*status = result.status;
	/* The next run of a test finds a fresh work folder, as steps do. */
	err_free(fs_remove_tree(b->fd, "work"));
	assert_ok(fs_mkdirs(b->fd, "work", 0755));
	return e;
}

static bool was_printed(const struct box *b, const char *text)
{
	for (size_t i = 0; i < b->lines.len; i++)
		if (strcmp(b->lines.items[i], text) == 0)
			return true;
	return false;
}

static void test_status(void **state)
{
	struct box *b = *state;
	int status;

	assert_ok(run(b, "echo one; echo two >&2; echo three; exit 7\n", &status));
	assert_int_equal(status, 7);
	for (size_t i = 3; i < b->lines.len; i++)
		print_message("%s\n", b->lines.items[i]);
	assert_int_equal(b->lines.len, 3);
	assert_string_equal(line(b, 0), "one");
	assert_string_equal(line(b, 1), "two");
	assert_string_equal(line(b, 2), "three");
	assert_ok(run(b, "kill -KILL $$\n", &status));
	assert_int_equal(status, 128 + 9);
	assert_ok(run(b, "true\n", &status));
	assert_int_equal(status, 0);
}

/* What the script sees: its folder, only its environment, and a process 1 other than
 * itself. */
static void test_surroundings(void **state)
{
	struct box *b = *state;
	int status;

	assert_ok(run(b,
		      "busybox pwd; busybox env | busybox grep -v SHLVL | busybox sort; "
		      "busybox hostname; "
		      "busybox id -u\n"
		      "test -c /dev/null; test -r /proc/self/stat; test -d /dev/pts; "
		      "test -d /sys/kernel\n"
		      "echo umask $(umask); read x || echo stdin is empty\n",
		      &status));
	assert_int_equal(status, 0);
	assert_string_equal(line(b, 0), "/");
	assert_string_equal(line(b, 1), "HOME=/root");
	assert_string_equal(line(b, 2), "PATH=/bin");
	assert_string_equal(line(b, 3), "PWD=/");
	assert_string_equal(line(b, 4), "build");
	assert_string_equal(line(b, 5), "0");
	assert_string_equal(line(b, 6), "umask 0022");
	assert_string_equal(line(b, 7), "stdin is empty");
}

/* The image's environment files are sourced first, in order; a failing one does not fail
 * the script. */
static void test_environment_files(void **state)
{
	struct box *b = *state;
	int status;

	write_file(b, "layers/base/.singularity.d/env/10-a.sh",
		   "A=first; export A\nfalse\n");
	write_file(b, "layers/base/.singularity.d/env/90-b.sh", "A=$A-second\n");
	assert_ok(run(b, "echo $A\n", &status));
	assert_int_equal(status, 0);
	assert_string_equal(line(b, 0), "first-second");
}

/* The upper holds what the script wrote, and nothing that was there only to run it. */
static void test_capture(void **state)
{
	struct box *b = *state;
	int status;

	assert_ok(run(b,
		      "echo x >/made; echo y >/etc/hosts; echo z >/tmp/kept; rm "
		      "/.post.script\n",
		      &status));
	assert_int_equal(status, 0);
	assert_true(exists(b, "upper/made"));
	assert_true(exists(b, "upper/tmp/kept"));
	assert_false(exists(b, "upper/.post.script"));
	/* It did not exist in the image: it was only a mount point. */
	assert_false(exists(b, "upper/etc/hosts"));
	assert_false(exists(b, "upper/etc/resolv.conf"));
	assert_false(exists(b, "upper/dev/null"));
}

/* The host's temporary folder is another one. */
static void test_tmp_is_private(void **state)
{
	struct box *b = *state;
	CLEANUP(freep)
	char *script =
		xasprintf("test ! -e %s; busybox touch /tmp/dagbuild-leak\n", b->dir);
	int status;

	assert_ok(run(b, script, &status));
	assert_int_equal(status, 0);
	assert_int_equal(access("/tmp/dagbuild-leak", F_OK), -1);
}

/* In an image whose resolv.conf is an absolute link, the link leads nowhere on the
 * host. */
static void test_resolv_conf_link(void **state)
{
	struct box *b = *state;
	CLEANUP(freep) char *target = path_join(b->dir, "victim");
	int status;

	write_file(b, "victim", "mine");
	assert_int_equal(symlinkat(target, b->fd, "layers/base/etc/resolv.conf"), 0);
	assert_ok(run(b, "true\n", &status));
	{
		CLEANUP(buf_release) struct buf text = BUF_INIT;

		assert_ok(fs_read_file(b->fd, "victim", 100, &text));
		assert_string_equal(buf_text(&text), "mine");
	}
}

/* If a folder is in the place of resolv.conf, or nothing can be there, the script runs
 * without it, and a note says so; /etc/hosts is there. */
static void test_resolv_conf_folder(void **state)
{
	struct box *b = *state;
	int status;

	assert_ok(fs_mkdirs(b->fd, "layers/base/etc/resolv.conf", 0755));
	assert_ok(run(b, "busybox grep -c build /etc/hosts; test -d /etc/resolv.conf\n",
		      &status));
	assert_int_equal(status, 0);
	assert_string_equal(
		line(b, 0),
		"dagbuild: in the image, /etc/resolv.conf is not a regular file: "
		"the script runs without the host's file");
	assert_string_equal(line(b, 1), "1");
}

/* A process left in the background ends, even if it holds the output open. */
static void test_background(void **state)
{
	struct box *b = *state;
	uint64_t before = clock_mono_ns();
	int status;

	assert_ok(run(b,
		      "busybox setsid busybox sleep 1000 &\n(busybox sleep 1000) &\necho "
		      "started\n",
		      &status));
	assert_int_equal(status, 0);
	assert_true(clock_mono_ns() - before < UINT64_C(20) * 1000000000);
	assert_int_equal(system("pgrep -f 'busybox [s]leep 1000' >/dev/null"), 256);
}

static void test_long_lines(void **state)
{
	struct box *b = *state;
	size_t total = 0;
	int status;

	assert_ok(run(b,
		      "busybox head -c 200000 /dev/zero | busybox tr '\\0' x; echo; "
		      "printf end\n",
		      &status));
	for (size_t i = 0; i + 1 < b->lines.len; i++)
		total += strlen(b->lines.items[i]);
	assert_int_equal(total, 200000);
	assert_string_equal(line(b, b->lines.len - 1), "end");
}

/* When asked to end, the script may clean up; at the second request it ends. */
static void test_cancel(void **state)
{
	struct box *b = *state;
	int status;

	b->is_cancelled = true;
	assert_err(ERR_CANCELLED, run(b,
				      "trap 'echo asked' TERM\necho ready\n"
				      "while :; do busybox sleep 0.1; done\n",
				      &status));
	assert_true(was_printed(b, "asked"));
}

static void test_no_shell(void **state)
{
	struct box *b = *state;
	struct err *e;
	int status;

	assert_int_equal(unlinkat(b->fd, "layers/base/bin/sh", 0), 0);
	e = run(b, "true\n", &status);
	assert_non_null(e);
	assert_non_null(strstr(err_text(err_cause(e)), "the image has no '/bin/sh'"));
	/* Not this machine's fault, as that it cannot make a container is. */
	assert_int_equal(err_code(e), ERR_STEP);
	err_free(e);
}

/* An earlier step made what the script's file needs. */
static void test_script_is_there(void **state)
{
	struct box *b = *state;
	struct err *e;
	int status;

	write_file(b, "layers/base/.post.script", "mine\n");
	e = run(b, "true\n", &status);
	assert_int_equal(err_code(e), ERR_STEP);
	assert_non_null(strstr(err_text(err_cause(e)), "an earlier step made the file"));
	err_free(e);
	assert_false(exists(b, "upper/.post.script"));
}

static void test_nothing_is_mounted(void **state)
{
	struct box *b = *state;
	CLEANUP(buf_release) struct buf mounts = BUF_INIT;
	int status;

	assert_ok(run(b, "true\n", &status));
	assert_ok(fs_read_file(AT_FDCWD, "/proc/self/mountinfo", MIB(1), &mounts));
	assert_null(strstr(buf_text(&mounts), b->dir));
}

/* ---- subordinate ids ---- */

static void test_ranges(void **state)
{
	struct id_ranges ranges = {0};

	(void)state;
	userns_parse_ranges(
		STR("other:1:2\nme:100000:65536\n1000:200000:1\nme:x:5\nme:5\n\n"
		    "me:4294967295:2\nme:7:0\n"),
		"me", 1000, &ranges);
	assert_int_equal(ranges.len, 2);
	assert_int_equal(ranges.items[0].start, 100000);
	assert_int_equal(ranges.items[0].count, 65536);
	assert_int_equal(ranges.items[1].start, 200000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_surroundings, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_environment_files, setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_capture, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_tmp_is_private, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_resolv_conf_link, setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_resolv_conf_folder, setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_background, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_long_lines, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_no_shell, setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_script_is_there, setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_mounted, setup,
						box_teardown),
		cmocka_unit_test(test_ranges),
	};

	if (argc > 1 && strcmp(argv[1], "internal-run") == 0)
		return container_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0)
		return 77; /* ctest: skipped */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
