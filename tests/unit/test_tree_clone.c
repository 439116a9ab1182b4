/* SPDX-License-Identifier: MIT
 * test_tree_clone.c - a clone has the seal of its original.
 */
/* links: cache engine */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "cache/seal.h"
#include "engine/tree/tree_clone.h"
#include "tests/fake/store_fixture.h"

enum { DEEP = 600 };

static void set_times(int dir_fd, const char *name, time_t when)
{
	struct timespec t[2] = {{.tv_sec = when}, {.tv_sec = when, .tv_nsec = 7}};

	assert_int_equal(utimensat(dir_fd, name, t, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_deep(int fd)
{
	int here = dup(fd);

	for (int i = 0; i < DEEP; i++) {
		int next;

		assert_int_equal(mkdirat(here, "d", 0711), 0);
		assert_ok(fs_open(here, "d", O_RDONLY | O_DIRECTORY, 0, &next));
		close(here);
		here = next;
	}
	write_at(here, "last", 3);
	close(here);
}

/* One of each kind of thing, in an order in which no time changes afterwards. */
static void make_tree(int fd)
{
	CLEANUP(closep) int file = -1;

	write_at(fd, "plain", 100000);
	assert_ok(fs_open(fd, "holes", O_RDWR | O_CREAT, 0640, &file));
	assert_int_equal(pwrite(file, "x", 1, 1 << 20), 1);
	assert_int_equal(ftruncate(file, 5 << 20), 0);
	assert_int_equal(fsetxattr(file, "user.mine", "v", 1, 0), 0);
	write_at(fd, "a", 5);
	assert_int_equal(mkdirat(fd, "sub", 01770), 0);
	assert_int_equal(linkat(fd, "a", fd, "sub/b", 0), 0);
	assert_int_equal(linkat(fd, "a", fd, "c", 0), 0);
	assert_int_equal(symlinkat("nowhere", fd, "link"), 0);
	assert_int_equal(linkat(fd, "link", fd, "link2", 0), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	if (geteuid() == 0)
		assert_int_equal(mknodat(fd, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	write_at(fd, "setuid", 1);
	assert_int_equal(fchmodat(fd, "setuid", 04755, 0), 0);
	write_at(fd, "closed", 1);
	assert_int_equal(fchmodat(fd, "closed", geteuid() == 0 ? 0 : 0400, 0), 0);
	make_deep(fd);
	for (const char *const *n = (const char *const[]){"plain", "holes", "link",
							  "fifo", "sub", "d", NULL};
	     *n; n++)
		set_times(fd, *n, 1000000);
}

static int open_new(int dir_fd, const char *name, mode_t mode)
{
	int fd;

	assert_int_equal(mkdirat(dir_fd, name, 0700), 0);
	assert_int_equal(fchmodat(dir_fd, name, mode, 0), 0);
	assert_ok(fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd));
	return fd;
}

static struct seal seal_of(const struct store *s, int dir_fd, const char *name)
{
	struct seal_request request = {.store = s, .dir_fd = dir_fd, .name = name};
	struct seal seal;

	assert_ok(seal_compute(&request, &seal));
	return seal;
}

static void test_clone(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int from = -1, to = -1, aside = -1;
	struct clone_request request = {0};
	struct seal want, got;

	assert_ok(scratch_new(*state, &scratch));
	request.from_fd = from = open_new(scratch.fd, "from", 0751);
	request.to_fd = to = open_new(scratch.fd, "to", 0700);
	request.aside_fd = aside = open_new(scratch.fd, "aside", 0700);
	make_tree(from);
	assert_ok(tree_clone(&request));
	want = seal_of(*state, scratch.fd, "from");
	got = seal_of(*state, scratch.fd, "to");
	assert_true(digest_equal(&want.digest, &got.digest));
	/* Holes stay, except where one block of data covers them. */
	assert_true(got.usage.bytes <= want.usage.bytes + MIB(1));
}

static struct err *refuse(const void *context)
{
	(void)context;
	return err_new(ERR_CANCELLED, "interrupted");
}

static void test_stopped(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int from = -1, to = -1;
	struct clone_request request = {.stop = {.ask = refuse}};

	assert_ok(scratch_new(*state, &scratch));
	request.from_fd = from = open_new(scratch.fd, "from", 0700);
	request.to_fd = request.aside_fd = to = open_new(scratch.fd, "to", 0700);
	make_tree(from);
	assert_err(ERR_CANCELLED, tree_clone(&request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clone, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_stopped, setup_store, remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
