/* SPDX-License-Identifier: MIT
 * test_outline.c - an incomplete layer is not taken for whole.
 */
/* links: cache */
#include <errno.h>
#include <sys/resource.h>

#include "cache/outline.h"
#include "tests/fake/store_fixture.h"

enum { DEEP = 600, DESCRIPTORS = 64 };

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Folders in folders, and a file in the last. */
static int make_deep(int fd)
{
	int here = dup(fd);

	for (int i = 0; i < DEEP; i++) {
		int next;

		assert_int_equal(mkdirat(here, "d", 0755), 0);
		assert_ok(fs_open(here, "d", O_RDONLY | O_DIRECTORY, 0, &next));
		close(here);
		here = next;
	}
	write_at(here, "last", 1);
	return here;
}

/* A folder that looks like a layer, in a scratch folder. */
struct fixture {
	struct scratch scratch;
	int fd;
};

static void fixture_open(struct store *s, struct fixture *f)
{
	*f = (struct fixture){SCRATCH_INIT, -1};
	assert_ok(scratch_new(s, &f->scratch));
	assert_int_equal(mkdirat(f->scratch.fd, "l", 0755), 0);
	assert_ok(fs_open(f->scratch.fd, "l", O_RDONLY | O_DIRECTORY, 0, &f->fd));
	write_at(f->fd, "a", 10);
	write_at(f->fd, "b", 10);
	assert_int_equal(symlinkat("a", f->fd, "link"), 0);
}

static void fixture_close(struct fixture *f)
{
	close(f->fd);
	scratch_release(&f->scratch);
}

static struct seal_request request_of(const struct store *s, const struct fixture *f)
{
	return (struct seal_request){.store = s, .dir_fd = f->scratch.fd, .name = "l"};
}

static struct err *make(const struct store *s, const struct fixture *f)
{
	struct seal_request request = request_of(s, f);

	return outline_make(&request);
}

static struct err *check(const struct store *s, const struct fixture *f)
{
	struct seal_request request = request_of(s, f);

	return outline_check(&request);
}

static struct err *refuse(const void *context)
{
	(void)context;
	return err_new(ERR_CANCELLED, "interrupted");
}

static void test_whole(void **state)
{
	struct seal_request none, stopped;
	struct fixture f;

	fixture_open(*state, &f);
	none = stopped = request_of(*state, &f);
	none.name = "none";
	stopped.stop.ask = refuse;
	assert_err(ERR_CORRUPT, check(*state, &f));
	assert_err(ERR_NOTFOUND, outline_check(&none));
	assert_ok(make(*state, &f));
	assert_ok(check(*state, &f));
	assert_err(ERR_CANCELLED, outline_check(&stopped));
	fixture_close(&f);
}

/* ---- each part ---- */

/* What is changed has the times of before: only the part itself tells. */
static void set_times(int fd)
{
	static const char *const names[] = {"a", "b",	"c",	"d", "d/a",
					    "e", "e/a", "link", "."};
	struct timespec times[2] = {{1000, 7}, {1000, 7}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (utimensat(fd, names[i], times, AT_SYMLINK_NOFOLLOW) != 0)
			assert_int_equal(errno, ENOENT);
}

static void change_mode(int fd)
{
	assert_int_equal(fchmodat(fd, "a", 0600, 0), 0);
}

static void change_owner(int fd)
{
	assert_int_equal(fchownat(fd, "a", 1, (gid_t)-1, 0), 0);
}

static void change_group(int fd)
{
	assert_int_equal(fchownat(fd, "a", (uid_t)-1, 1, 0), 0);
}

static void change_size(int fd)
{
	CLEANUP(closep) int file = openat(fd, "a", O_WRONLY | O_CLOEXEC);

	assert_int_equal(ftruncate(file, 9), 0);
}

static void change_link(int fd)
{
	assert_int_equal(unlinkat(fd, "link", 0), 0);
	assert_int_equal(symlinkat("./a", fd, "link"), 0);
}

static void change_name(int fd)
{
	assert_int_equal(renameat(fd, "a", fd, "c"), 0);
}

/* From one folder to another. */
static void move(int fd)
{
	assert_int_equal(renameat(fd, "d/a", fd, "e/a"), 0);
}

static void remove_file(int fd)
{
	assert_int_equal(unlinkat(fd, "a", 0), 0);
}

static const struct {
	const char *name;
	void (*change)(int fd);
	bool needs_root;
} parts[] = {
	{"mode", change_mode, false},  {"owner", change_owner, true},
	{"group", change_group, true}, {"size", change_size, false},
	{"link", change_link, false},  {"name", change_name, false},
	{"folder", move, false},       {"number", remove_file, false},
};

static void test_parts(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct fixture f;
		struct err *e;

		if (parts[i].needs_root && geteuid() != 0)
			continue;
		fixture_open(*state, &f);
		assert_int_equal(mkdirat(f.fd, "d", 0755), 0);
		assert_int_equal(mkdirat(f.fd, "e", 0755), 0);
		write_at(f.fd, "d/a", 10);
		set_times(f.fd);
		assert_ok(make(*state, &f));
		parts[i].change(f.fd);
		set_times(f.fd);
		e = check(*state, &f);
		if (!e)
			fail_msg("the outline does not cover: %s", parts[i].name);
		err_free(e);
		fixture_close(&f);
	}
}

static void test_time(void **state)
{
	static const struct timespec changed[] = {{1001, 7}, {1000, 8}};

	for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
		struct timespec times[2] = {changed[i], changed[i]};
		struct fixture f;

		fixture_open(*state, &f);
		set_times(f.fd);
		assert_ok(make(*state, &f));
		assert_int_equal(utimensat(f.fd, "a", times, 0), 0);
		assert_err(ERR_CORRUPT, check(*state, &f));
		fixture_close(&f);
	}
}

/* Two names that swap places are not the same. */
static void test_swapped(void **state)
{
	struct timespec t[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct fixture f;

	fixture_open(*state, &f);
	assert_int_equal(utimensat(f.fd, "a", t, 0), 0);
	assert_ok(make(*state, &f));
	assert_int_equal(renameat2(f.fd, "a", f.fd, "b", RENAME_EXCHANGE), 0);
	assert_err(ERR_CORRUPT, check(*state, &f));
	assert_int_equal(renameat2(f.fd, "a", f.fd, "b", RENAME_EXCHANGE), 0);
	fixture_close(&f);
}

/* A cleaner reaches all of a tree, however deep; and few descriptors are enough. */
static void test_deep(void **state)
{
	struct fixture f;
	int last;

	fixture_open(*state, &f);
	last = make_deep(f.fd);
	limit_descriptors(DESCRIPTORS);
	assert_ok(make(*state, &f));
	assert_ok(check(*state, &f));
	assert_int_equal(unlinkat(last, "last", 0), 0);
	assert_err(ERR_CORRUPT, check(*state, &f));
	close(last);
	limit_descriptors(2 * DEEP);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_parts, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_time, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_swapped, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_deep, setup_store, remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
