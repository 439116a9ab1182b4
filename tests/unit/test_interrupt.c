/* SPDX-License-Identifier: MIT
 * test_interrupt.c - what a signal does to a process, to a listener, to calls that wait
 * and to loops.
 *
 * Each case runs in a separate process, which ends with 0 when it found what it expected.
 */
/* links: base */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/interrupt.h"
#include "base/sync.h"
#include "base/thread.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};

static int setup(void **state)
{
	*state = test_folder_new();
	return 0;
}

static int teardown(void **state)
{
	struct err *e = fs_remove_tree(AT_FDCWD, *state);

	free(*state);
	assert_ok(e);
	return 0;
}

/* How the process in which `body` runs ended: its status, or 128 + the signal. */
static int run(int (*body)(const char *path), const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body(path));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int wanted_signal;

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- without a listener ---- */

static int die_with_names(const char *path)
{
	int fd = open_folder(path), dropped;

	interrupt_init();
	close(openat(fd, "gone", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(fd, "kept", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	if (interrupt_name_add(fd, "gone") < 0)
		return 1;
	dropped = interrupt_name_add(fd, "kept");
	interrupt_name_drop(dropped);
	raise(wanted_signal);
	return 2;
}

static void test_die(void **state)
{
	CLEANUP(freep) char *gone = path_join(*state, "gone");
	CLEANUP(freep) char *kept = path_join(*state, "kept");

	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
		wanted_signal = SIGNALS[i];
		assert_int_equal(run(die_with_names, *state), 128 + wanted_signal);
		assert_int_equal(access(gone, F_OK), -1);
		assert_int_equal(access(kept, F_OK), 0);
	}
}

/* The program that started us blocked the signals. */
static int die_though_blocked(const char *path)
{
	sigset_t all;

	(void)path;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	interrupt_init();
	raise(SIGTERM);
	return 1;
}

/* nohup(1) */
static int ignore_what_is_ignored(const char *path)
{
	int fd = -1;

	(void)path;
	signal(SIGHUP, SIG_IGN);
	interrupt_init();
	raise(SIGHUP);
	if (interrupt_listen(&fd))
		return 1;
	raise(SIGHUP);
	return interrupt_came();
}

/* Like a background job of a script. */
static int die_of_sigint(const char *path)
{
	(void)path;
	signal(SIGINT, SIG_IGN);
	interrupt_init();
	raise(SIGINT);
	return 1;
}

static void test_inherited(void **state)
{
	assert_int_equal(run(die_of_sigint, *state), 128 + SIGINT);
	assert_int_equal(run(die_though_blocked, *state), 128 + SIGTERM);
	assert_int_equal(run(ignore_what_is_ignored, *state), 0);
}

/* A temporary file that has a name, as on NFS or while it is published. */
static int die_with_tmpfile(const char *path)
{
	struct tmpfile t = TMPFILE_INIT;
	int fd = open_folder(path);

	interrupt_init();
	if (tmpfile_open(&t, fd, 0600))
		return 1;
	/* As tmpfile_publish() does before it renames, which fails onto a folder. */
	mkdirat(fd, "folder", 0700);
	if (!tmpfile_publish(&t, fd, "folder") || !t.name[0])
		return 2;
	raise(SIGTERM);
	return 3;
}

static void test_tmpfile(void **state)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *name;

	assert_int_equal(run(die_with_tmpfile, *state), 128 + SIGTERM);
	dir = dir_open(AT_FDCWD, *state, 0);
	assert_non_null(dir);
	while ((name = dir_next(dir)) != NULL)
		assert_string_equal(name, "folder");
}

static int defer_and_resume(const char *path)
{
	int fd = open_folder(path);

	interrupt_init();
	interrupt_defer();
	interrupt_defer();
	raise(SIGTERM);
	interrupt_resume();
	if (!interrupt_came())
		return 1;
	mkdirat(fd, "cleaned-up", 0700);
	interrupt_resume();
	return 2;
}

/* A process that takes too long dies all the same. */
static int defer_for_ever(const char *path)
{
	(void)path;
	interrupt_init();
	interrupt_defer();
	raise(SIGHUP);
	while (poll(NULL, 0, 10) <= 0) /* interrupted, and goes on */
		;
	return 1;
}

static void test_defer(void **state)
{
	CLEANUP(freep) char *mark = path_join(*state, "cleaned-up");

	assert_int_equal(run(defer_and_resume, *state), 128 + SIGTERM);
	assert_int_equal(access(mark, F_OK), 0);
	assert_int_equal(run(defer_for_ever, *state), 128 + SIGHUP);
}

/* ---- with a listener ---- */

static uint64_t count(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

static int listen_and_count(const char *path)
{
	int fd = -1;

	(void)path;
	if (interrupt_listen(&fd) || interrupt_came() || count(fd) != 0)
		return 1;
	raise(SIGINT);
	if (!interrupt_came() || count(fd) != 1)
		return 2;
	raise(SIGTERM); /* another one */
	if (count(fd) != 1)
		return 3;
	interrupt_unlisten();
	if (!interrupt_came())
		return 4;
	/* Listening again starts from scratch. */
	if (interrupt_listen(&fd) || interrupt_came())
		return 5;
	interrupt_unlisten();
	raise(SIGHUP);
	return 6;
}

/* A signal from kill(2) has a sender; one from a terminal has none. */
static int two_at_once(const char *path)
{
	int fd = -1;

	(void)path;
	if (interrupt_listen(&fd))
		return 1;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGTERM);
	return count(fd) != 1;
}

static void test_listen(void **state)
{
	assert_int_equal(run(listen_and_count, *state), 128 + SIGHUP);
	assert_int_equal(run(two_at_once, *state), 0);
}

/* A read that begins after the signal came is interrupted, too. */
static int wait_after_signal(const char *path)
{
	int fds[2], fd = -1;
	char byte;
	struct err *e;

	(void)path;
	if (pipe(fds) != 0 || interrupt_listen(&fd))
		return 1;
	raise(SIGTERM);
	e = fs_read_exact(fds[0], &byte, 1);
	return !e || err_code(e) != ERR_CANCELLED;
}

/* So is a write to a process that does not read. */
static int write_after_signal(const char *path)
{
	CLEANUP(freep) char *data = xcalloc(1, MIB(1));
	int fds[2], fd = -1;
	struct err *e;

	(void)path;
	if (pipe(fds) != 0 || interrupt_listen(&fd))
		return 1;
	raise(SIGTERM);
	e = fs_write_all(fds[1], data, MIB(1));
	return !e || err_code(e) != ERR_CANCELLED;
}

/* Opening a fifo waits for the other end. */
static int open_after_signal(const char *path)
{
	int fd = -1, fifo = -1, folder = open_folder(path);
	struct err *e;

	if (mkfifoat(folder, "fifo", 0600) != 0 || interrupt_listen(&fd))
		return 1;
	raise(SIGTERM);
	e = fs_open(folder, "fifo", O_RDONLY, 0, &fifo);
	return !e || err_code(e) != ERR_CANCELLED;
}

static void test_waiting(void **state)
{
	assert_int_equal(run(wait_after_signal, *state), 0);
	assert_int_equal(run(write_after_signal, *state), 0);
	assert_int_equal(run(open_after_signal, *state), 0);
}

/* Loops over folders and files end; a removal goes on, since a little is soon gone. */
static int loop_after_signal(const char *path)
{
	int fd = -1, folder = open_folder(path);
	CLEANUP(dir_closep) DIR *dir = dir_open(folder, ".", 0);
	struct digest digest;
	struct err *e;

	if (mkdirat(folder, "a", 0700) != 0 || mkdirat(folder, "a/b", 0700) != 0 ||
	    interrupt_listen(&fd))
		return 1;
	raise(SIGTERM);
	if (dir_next(dir) || errno != EINTR || !dir_next_always(dir))
		return 2;
	e = digest_fd(open("/dev/zero", O_RDONLY | O_CLOEXEC), UINT64_MAX, DIGEST_XXH3,
		      NULL, &digest, NULL);
	if (!e || err_code(e) != ERR_CANCELLED)
		return 3;
	if (fs_remove_tree(folder, "a"))
		return 4;
	/* As if it had begun long ago, and the signal had come then. */
	while (!interrupt_is_late(0))
		(void)poll(NULL, 0, 10);
	return interrupt_is_late(clock_mono_ns()) ? 5 : 0;
}

static void test_loops(void **state)
{
	assert_int_equal(run(loop_after_signal, *state), 0);
}

/* ---- threads and children ---- */

static void *look_at_mask(void *self)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	*(bool *)self = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) &&
			sigismember(&mask, SIGHUP) && sigismember(&mask, SIGALRM) &&
			!sigismember(&mask, SIGSEGV);
	return NULL;
}

static void test_thread(void **state)
{
	bool blocked = false;
	pthread_t thread;
	sigset_t mask;

	(void)state;
	assert_ok(thread_start(&thread, look_at_mask, &blocked));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGINT));
}

static void test_sync(void **state)
{
	CLEANUP(closep) int folder = open_folder(*state);
	CLEANUP(closep) int fd = -1;
	int fds[2];

	assert_ok(fs_open(folder, "large", O_RDWR | O_CREAT, 0600, &fd));
	assert_ok(sync_file(fd));
	assert_int_equal(ftruncate(fd, 64 << 20), 0); /* by a child */
	assert_ok(sync_file(fd));
	assert_ok(sync_filesystem(folder));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is gone */
	assert_int_equal(pipe(fds), 0);
	assert_err(ERR_SYS, sync_file(fds[0])); /* EINVAL */
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_die, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inherited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tmpfile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sync, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
