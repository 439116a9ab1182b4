/* SPDX-License-Identifier: MIT
 * test_output.c - which names may be written for the user, and where they lead.
 */
/* links: base */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/output.h"
#include "base/path.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

static int setup(void **state)
{
	char *path = test_folder_new();
	int fd = -1;

	assert_ok(fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd));
	assert_int_equal(mkdirat(fd, "dir", 0755), 0);
	assert_ok(fs_write_atomic(fd, "dir/file", "x", 1, 0644));
	assert_int_equal(mkfifoat(fd, "dir/fifo", 0644), 0);
	close(fd);
	*state = path;
	return 0;
}

static int teardown(void **state)
{
	struct err *e = fs_remove_tree(AT_FDCWD, *state);

	free(*state);
	assert_ok(e);
	return 0;
}

/* A link `name` to `to` leads to `wanted` below the folder. */
static void check_link(const char *root, const char *name, const char *to,
		       const char *wanted)
{
	CLEANUP(freep) char *link = path_join(root, name);
	CLEANUP(freep) char *expected = path_join(root, wanted);
	CLEANUP(freep) char *got = NULL;

	assert_int_equal(symlink(to, link), 0);
	assert_ok(output_follow(link, &got));
	assert_string_equal(got, expected);
}

static void test_follow(void **state)
{
	CLEANUP(freep) char *absolute = path_join(*state, "dir/file");

	check_link(*state, "a", "dir/file", "dir/file");
	check_link(*state, "b", absolute, "dir/file");
	check_link(*state, "c", "b", "dir/file");
	check_link(*state, "dir/d", "../a", "dir/../dir/file");
	check_link(*state, "new", "dir/new", "dir/new");
	check_link(*state, "fifo", "dir/fifo", "dir/fifo");
}

static void test_circle(void **state)
{
	CLEANUP(freep) char *a = path_join(*state, "a");
	CLEANUP(freep) char *b = path_join(*state, "b");
	char *got = NULL;

	assert_int_equal(symlink("b", a), 0);
	assert_int_equal(symlink("a", b), 0);
	assert_err(ERR_USAGE, output_follow(a, &got));
	assert_null(got);
}

static void test_names_of_folders(void **state)
{
	static const char *const names[] = {"", ".", "..", "/", "dir/", "dir/.", "new/"};
	char *got = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_err(ERR_USAGE, output_follow(names[i], &got));
	assert_null(got);
}

static void test_check(void **state)
{
	static const char *const wrong[] = {"dir", "dir/fifo", "missing/file",
					    "dir/file/x"};
	static const char *const right[] = {"dir/file", "dir/new", "new"};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		CLEANUP(freep) char *path = path_join(*state, wrong[i]);

		assert_err(ERR_USAGE, output_check(path));
	}
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		CLEANUP(freep) char *path = path_join(*state, right[i]);

		assert_ok(output_check(path));
	}
	assert_err(ERR_USAGE, output_check("/dev/null"));
	assert_err(ERR_USAGE, output_check("/proc/x"));
}

/* A link that appeared after we followed the path would itself be replaced. */
static void test_check_link(void **state)
{
	CLEANUP(freep) char *link = path_join(*state, "link");

	assert_int_equal(symlink("dir/file", link), 0);
	assert_err(ERR_USAGE, output_check(link));
}

static void test_spare(void **state)
{
	CLEANUP(freep) char *file = path_join(*state, "dir/file");
	CLEANUP(freep) char *same = path_join(*state, "dir/../dir/file");
	CLEANUP(freep) char *link = path_join(*state, "link");
	CLEANUP(freep) char *second = path_join(*state, "second");
	CLEANUP(freep) char *new = path_join(*state, "new");
	CLEANUP(freep) char *new_too = path_join(*state, "dir/../new");
	CLEANUP(freep) char *fifo = path_join(*state, "dir/fifo");

	assert_int_equal(symlink("dir/file", link), 0);
	assert_int_equal(linkat(AT_FDCWD, file, AT_FDCWD, second, 0), 0);
	assert_err(ERR_USAGE, output_spare(file, file, "it"));
	assert_err(ERR_USAGE, output_spare(same, file, "it"));
	assert_err(ERR_USAGE, output_spare(link, file, "it"));
	assert_err(ERR_USAGE, output_spare(file, link, "it"));
	assert_err(ERR_USAGE, output_spare(second, file, "it"));
	assert_err(ERR_USAGE, output_spare(new, new, "it"));
	assert_err(ERR_USAGE, output_spare(new, new_too, "it"));
	assert_ok(output_spare(new, file, "it"));
	assert_ok(output_spare(file, new, "it"));
	assert_ok(output_spare(fifo, fifo, "it"));
	assert_ok(output_spare(file, NULL, "it"));
}

static void test_keep_out(void **state)
{
	CLEANUP(freep) char *dir = path_join(*state, "dir");
	CLEANUP(freep) char *deep = path_join(*state, "dir/a/b");
	CLEANUP(freep) char *link = path_join(*state, "link");
	CLEANUP(freep) char *in = path_join(*state, "dir/new");
	CLEANUP(freep) char *in_deep = path_join(*state, "dir/a/b/new");
	CLEANUP(freep) char *by_link = path_join(*state, "link/new");
	CLEANUP(freep) char *beside = path_join(*state, "dir/../new");
	CLEANUP(freep) char *nowhere = path_join(*state, "none/new");
	CLEANUP(closep) int fd = -1;

	assert_ok(fs_mkdirs(AT_FDCWD, deep, 0700));
	assert_int_equal(symlink("dir/a", link), 0);
	assert_ok(fs_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &fd));
	assert_err(ERR_USAGE, output_keep_out(in, fd, "it"));
	assert_err(ERR_USAGE, output_keep_out(in_deep, fd, "it"));
	assert_err(ERR_USAGE, output_keep_out(by_link, fd, "it"));
	assert_ok(output_keep_out(beside, fd, "it"));
	assert_ok(output_keep_out(nowhere, fd, "it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_circle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_of_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
