/* SPDX-License-Identifier: MIT
 * test_content.c - holes and written zeros are the same content, and holes are not read.
 */
/* links: base */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content.h"
#include "base/fs.h"
#include "base/size_limit.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

enum { BLOCK = 128 * 1024 };

static int setup(void **state)
{
	*state = test_folder_new();
	return 0;
}

static int teardown(void **state)
{
	test_folder_remove(*state);
	return 0;
}

static int new_file(const char *root, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", root, name);
	int fd = -1;

	assert_ok(fs_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0644, &fd));
	return fd;
}

static void note_done(void *context, uint64_t done)
{
	*(uint64_t *)context = done;
}

/* Bytes that were read. */
static uint64_t read_all(int in, int out, struct content *content)
{
	CLEANUP(content_reader_release)
	struct content_reader r = {.progress = note_done};
	uint64_t done = 0;

	r.context = &done;
	assert_ok(content_read(&r, in, out, content));
	return done;
}

static bool same(const struct content *a, const struct content *b)
{
	return a->size == b->size && digest_equal(&a->blocks, &b->blocks);
}

struct shape {
	uint64_t size;
	uint64_t data[4]; /* offsets of one byte each; 0: no more */
};

static const struct shape shapes[] = {
	{1, {0}},
	{BLOCK, {0}},
	{BLOCK + 1, {0}},
	{5 * BLOCK, {1}},
	{5 * BLOCK, {BLOCK - 1, BLOCK}},
	{5 * BLOCK + 7, {3 * BLOCK + 5}},
	{5 * BLOCK + 7, {5 * BLOCK + 6}},
	{6 * BLOCK, {2 * BLOCK, 2 * BLOCK + 70000, 4 * BLOCK}},
};

static void put_shape(const struct shape *s, int fd, bool with_zeros)
{
	static const char zeros[BLOCK];

	for (uint64_t at = 0; with_zeros && at < s->size; at += BLOCK)
		assert_ok(fs_pwrite_all(fd, zeros,
					s->size - at < BLOCK ? s->size - at : BLOCK, at));
	assert_int_equal(ftruncate(fd, (off_t)s->size), 0);
	for (size_t i = 0; i < ARRAY_LEN(s->data) && s->data[i]; i++)
		assert_ok(fs_pwrite_all(fd, "x", 1, s->data[i]));
}

/* Whatever holes a file has, its content is that of its zeros, in the copy, too. */
static void test_holes_are_zeros(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		CLEANUP(closep) int holes = new_file(*state, "holes");
		CLEANUP(closep) int zeros = new_file(*state, "zeros");
		CLEANUP(closep) int copy = new_file(*state, "copy");
		struct content a, b, c;
		struct stat st;

		put_shape(&shapes[i], holes, false);
		put_shape(&shapes[i], zeros, true);
		read_all(holes, copy, &a);
		read_all(zeros, -1, &b);
		read_all(copy, -1, &c);
		assert_int_equal(a.size, shapes[i].size);
		assert_true(same(&a, &b));
		assert_true(same(&a, &c));
		assert_int_equal(fstat(copy, &st), 0);
		assert_int_equal(st.st_size, shapes[i].size);
	}
}

/* The place of data counts, and so does the file's size. */
static void test_place_counts(void **state)
{
	CLEANUP(closep) int fd = new_file(*state, "f");
	struct content before, after;

	put_shape(&(struct shape){9 * BLOCK, {BLOCK}}, fd, false);
	read_all(fd, -1, &before);
	assert_int_equal(ftruncate(fd, 0), 0);
	put_shape(&(struct shape){9 * BLOCK, {2 * BLOCK}}, fd, false);
	read_all(fd, -1, &after);
	assert_false(same(&before, &after));
	assert_int_equal(ftruncate(fd, 9 * BLOCK + 1), 0);
	read_all(fd, -1, &before);
	assert_false(same(&before, &after));
}

/* 2 TiB with data at two places: only the blocks that hold them and the first one are
 * read. */
static void test_cost(void **state)
{
	CLEANUP(closep) int fd = new_file(*state, "f");
	CLEANUP(closep) int copy = new_file(*state, "copy");
	struct content a, b;
	struct stat st;

	assert_ok(fs_pwrite_all(fd, "x", 1, UINT64_C(1) << 40));
	assert_ok(fs_pwrite_all(fd, "y", 1, (UINT64_C(1) << 40) + 3 * BLOCK));
	assert_int_equal(ftruncate(fd, (off_t)1 << 41), 0);
	assert_true(read_all(fd, copy, &a) <= 3 * BLOCK);
	assert_int_equal(fstat(copy, &st), 0);
	assert_int_equal(st.st_size, (off_t)1 << 41);
	assert_true(st.st_blocks * 512 <= 4 * BLOCK);
	read_all(copy, -1, &b);
	assert_true(same(&a, &b));
}

static void test_size_limit(void **state)
{
	struct size_limit limit = {.max = 1000}, none = {0};

	(void)state;
	assert_ok(size_limit_add(&limit, 1000));
	assert_err(ERR_SYS, size_limit_add(&limit, 1));
	limit.sum = 0;
	assert_err(ERR_SYS, size_limit_add(&limit, 1001));
	assert_ok(size_limit_add(&limit, 600));
	assert_err(ERR_SYS, size_limit_add(&limit, 401));
	assert_ok(size_limit_add(&none, UINT64_MAX));
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_holes_are_zeros),
		UNIT(test_place_counts),
		UNIT(test_cost),
		UNIT(test_size_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
