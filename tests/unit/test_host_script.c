/* SPDX-License-Identifier: MIT
 * test_host_script.c - a script on the host has the caller's surroundings, and leaves no
 * process and no mount. Runs as root.
 */
/* links: run */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/run/host_script.h"
#include "tests/fake/script_box.h"

static struct err *run(struct box *h, const char *text, int hold_fd, int *status)
{
	CLEANUP(freep) char *dir = xasprintf("DIR=%s", h->dir);
	const char *const argv[] = {"/bin/sh", "-ec", text, NULL};
	const char *const envp[] = {"PATH=/usr/bin:/bin", dir, NULL};
	struct host_script script = {
		.argv = argv,
		.envp = envp,
		.hold_fd = hold_fd,
		.cancel = h->cancel,
		.line = box_line,
		.context = h,
	};

	*status = -1;
	return host_script_run(&script, status);
}

static pid_t pid_in(const struct box *h, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	uint64_t pid = 0;

	assert_ok(fs_read_file(h->fd, name, 64, &text));
	assert_true(str_to_u64(str_trim(str_of(buf_text(&text))), &pid));
	return (pid_t)pid;
}

static void test_status(void **state)
{
	struct box *h = *state;
	int status;

	assert_ok(run(h, "echo one; echo two >&2; exit 7", -1, &status));
	assert_int_equal(status, 7);
	assert_int_equal(h->lines.len, 2);
	assert_string_equal(line(h, 0), "one");
	assert_string_equal(line(h, 1), "two");
	assert_ok(run(h, "kill -KILL $$", -1, &status));
	assert_int_equal(status, 128 + SIGKILL);
}

static void test_surroundings(void **state)
{
	struct box *h = *state;
	char folder[4096];
	int status;

	assert_non_null(getcwd(folder, sizeof(folder)));
	assert_ok(run(h,
		      "pwd; umask; cat || :; echo input has ended; "
		      "sh -c ': </dev/tty' 2>/dev/null || echo no terminal\n"
		      "ls /proc/self/fd | wc -l; grep SigBlk /proc/self/status",
		      -1, &status));
	assert_int_equal(status, 0);
	assert_string_equal(line(h, 0), folder);
	assert_string_equal(line(h, 1), "0002");
	assert_string_equal(line(h, 2), "input has ended");
	assert_string_equal(line(h, 3), "no terminal");
	assert_string_equal(line(h, 4), "4"); /* three, and the folder itself */
	assert_string_equal(line(h, 5), "SigBlk:\t0000000000000000");
}

static void test_no_program(void **state)
{
	static const char *const argv[] = {"/nonexistent", NULL};
	struct box *h = *state;
	struct host_script script = {.argv = argv, .cancel = h->cancel};
	int status;
	struct err *e = host_script_run(&script, &status);

	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_UNSUPPORTED);
	err_free(e);
}

/* In the background, in a session of its own, and of a parent that has ended. */
static void test_nothing_runs_on(void **state)
{
	struct box *h = *state;
	int status;

	assert_ok(
		run(h,
		    "sleep 1000 & echo $! >$DIR/one\n"
		    "setsid sh -c 'echo $$ >$DIR/two; exec sleep 1000' &\n"
		    "(setsid sh -c 'setsid sleep 1000 & echo $! >$DIR/three' &)\n"
		    "while [ ! -s $DIR/two ] || [ ! -s $DIR/three ]; do sleep 0.01; done",
		    -1, &status));
	assert_int_equal(status, 0);
	assert_int_equal(kill(pid_in(h, "one"), 0), -1);
	assert_int_equal(kill(pid_in(h, "two"), 0), -1);
	assert_int_equal(kill(pid_in(h, "three"), 0), -1);
}

static void test_nothing_is_mounted(void **state)
{
	struct box *h = *state;
	int status;

	assert_ok(run(h, "mkdir $DIR/mnt; mount -t tmpfs none $DIR/mnt; touch $DIR/mnt/x",
		      -1, &status));
	assert_int_equal(status, 0);
	assert_true(exists(h, "mnt"));
	assert_false(exists(h, "mnt/x"));
}

/* It is asked to end, and may clean up. */
static void test_cancel(void **state)
{
	struct box *h = *state;
	int status;
	struct err *e;

	h->is_cancelled = true;
	e = run(h,
		"trap 'touch $DIR/cleaned; exit 1' TERM; echo ready; sleep 1000 & wait",
		-1, &status);
	assert_int_equal(err_code(e), ERR_CANCELLED);
	assert_true(exists(h, "cleaned"));
	err_free(e);
}

/* One that does not want to end is ended, with what it started. */
static void test_insist(void **state)
{
	struct box *h = *state;
	uint64_t begin = clock_mono_ns();
	int status;
	struct err *e;

	h->is_cancelled = true;
	e = run(h,
		"trap 'echo asked' TERM\n"
		"setsid sh -c 'echo $$ >$DIR/pid; exec sleep 1000' &\n"
		"while [ ! -s $DIR/pid ]; do sleep 0.01; done\n"
		"echo ready; while :; do sleep 0.1 || :; done",
		-1, &status);
	assert_int_equal(err_code(e), ERR_CANCELLED);
	assert_int_equal(kill(pid_in(h, "pid"), 0), -1);
	assert_true(clock_mono_ns() - begin < UINT64_C(10) * 1000000000);
	err_free(e);
}

/* Whoever kills the process around the script ends its group with it. */
static void test_killed_around(void **state)
{
	struct box *h = *state;
	int status;
	struct err *e = run(h,
			    "sleep 1000 & echo $! >$DIR/pid\n"
			    "kill -KILL $PPID; sleep 1000",
			    -1, &status);

	assert_int_equal(err_code(e), ERR_SYS);
	/* It was killed, and somebody else reaps it. */
	for (int i = 0; i < 6000 && kill(pid_in(h, "pid"), 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(pid_in(h, "pid"), 0), -1);
	err_free(e);
}

/* The lock is held around the script, and the script cannot reach it. */
static void test_hold(void **state)
{
	struct box *h = *state;
	CLEANUP(closep) int lock = -1;
	int status;

	assert_ok(fs_open(h->fd, "lock", O_RDWR | O_CREAT, 0600, &lock));
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_ok(run(h,
		      "ls -l /proc/$PPID/fd | grep -q $DIR/lock\n"
		      "! ls -l /proc/$$/fd | grep $DIR/lock",
		      lock, &status));
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, box_setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_surroundings, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_no_program, box_setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_runs_on, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_mounted, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_cancel, box_setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_insist, box_setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_killed_around, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_hold, box_setup, box_teardown),
	};

	if (argc > 1 && strcmp(argv[1], "internal-host") == 0)
		return host_script_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0)
		return 77; /* ctest: skipped */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
