/* SPDX-License-Identifier: MIT
 * test_stat_memo.c - the memo gives a file's content only when nothing can have changed
 * it.
 */
/* links: cache */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cache/stat_memo.h"
#include "tests/fake/store_fixture.h"

static const int64_t NOW = 1700000000LL * 1000000000;

/* As in stat_memo.c. */
enum { HEADER = 48, ENTRY = 80, DAY = 76 };

static void memo_freep(struct stat_memo **m)
{
	stat_memo_free(*m);
}

/* File number `n`, last changed a minute before NOW. */
static struct stat file_stat(unsigned n)
{
	return (struct stat){
		.st_dev = 1 + n % 2,
		.st_ino = 1000 - n,
		.st_size = 5,
		.st_blocks = 8,
		.st_mode = S_IFREG | 0644,
		.st_mtim = {.tv_sec = NOW / 1000000000 - 60, .tv_nsec = 7},
		.st_ctim = {.tv_sec = NOW / 1000000000 - 60, .tv_nsec = 8},
	};
}

static struct digest content(unsigned n)
{
	return digest_bytes(DIGEST_SHA256, NULL, &n, sizeof(n));
}

static void add(struct stat_memo *m, const struct stat *st, unsigned n)
{
	struct digest d = content(n);

	stat_memo_add(m, st, st, NOW, &d);
}

/* Does a newly loaded memo give content `n` for `st`? */
static bool knows(const struct store *s, const struct stat *st, unsigned n)
{
	CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(s);
	struct digest got, want = content(n);

	if (!stat_memo_find(m, st, &got))
		return false;
	assert_true(digest_equal(&got, &want));
	return true;
}

static void save_files(const struct store *s, unsigned from, unsigned to)
{
	CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(s);

	for (unsigned n = from; n < to; n++) {
		struct stat st = file_stat(n);

		add(m, &st, n);
	}
	assert_ok(stat_memo_save(m));
}

/* What is saved is found, whatever the order, and stays when more is added. */
static void round_trip(void **state)
{
	save_files(*state, 0, 500);
	save_files(*state, 300, 700);
	for (unsigned n = 0; n < 700; n++) {
		struct stat st = file_stat(n);

		assert_true(knows(*state, &st, n));
	}
	assert_false(knows(*state, &(struct stat){.st_mode = S_IFREG}, 0));
}

/* A file that changed has its new content; the old one is gone. */
static void replaced(void **state)
{
	CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(*state);
	struct stat before = file_stat(1), after = file_stat(1);

	save_files(*state, 0, 3);
	after.st_ctim.tv_sec++;
	add(m, &after, 9);
	add(m, &after, 9);
	assert_ok(stat_memo_save(m));
	assert_true(knows(*state, &after, 9));
	assert_false(knows(*state, &before, 1));
	/* It may be used and saved again. */
	assert_false(stat_memo_find(m, &before, &(struct digest){0}));
	add(m, &before, 1);
	assert_ok(stat_memo_save(m));
	assert_true(knows(*state, &before, 1));
}

/* Anything else in the stat makes it another file, or another content. */
static void each_part_counts(void **state)
{
	struct stat changed[7];

	save_files(*state, 0, 2);
	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		changed[i] = file_stat(0);
	changed[0].st_dev++;
	changed[1].st_ino++;
	changed[2].st_size++;
	changed[3].st_mtim.tv_nsec++;
	changed[4].st_ctim.tv_nsec++;
	changed[5].st_mode ^= 0100;
	changed[6].st_mtim.tv_sec--;
	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		if (knows(*state, &changed[i], 0))
			fail_msg("change %zu is not seen", i);
}

/* Racy: a time so close to the reading that a later change may leave the same one; a time
 * in the future; a change during the reading; and files whose times tell nothing. */
static void not_certain(void **state)
{
	CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(*state);
	struct stat st[6], other = file_stat(0);
	struct digest d = content(0);

	for (unsigned i = 0; i < ARRAY_LEN(st); i++)
		st[i] = file_stat(i);
	st[0].st_ctim.tv_sec = NOW / 1000000000 - 2;
	st[1].st_mtim.tv_sec = NOW / 1000000000 - 2;
	st[2].st_ctim.tv_sec = NOW / 1000000000 + 99;
	st[3].st_size = 0;
	st[4].st_blocks = 0;
	st[5].st_mode = S_IFDIR | 0755;
	for (size_t i = 0; i < ARRAY_LEN(st); i++)
		add(m, &st[i], 0);
	other.st_ctim.tv_nsec++;
	st[0] = file_stat(0);
	stat_memo_add(m, &st[0], &other, NOW, &d);
	assert_ok(stat_memo_save(m));
	assert_int_equal(faccessat(store_fd(*state), "stat-memo", F_OK, 0), -1);
}

/* Rewrite the memo's file after `change`; `sign` gives it a matching checksum. */
static void edit(const struct store *s, void (*change)(struct buf *), bool sign)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct digest sum;

	assert_ok(fs_read_file(store_fd(s), "stat-memo", MIB(1), &text));
	change(&text);
	if (sign) {
		sum = digest_bytes(DIGEST_XXH3, store_secret(s), text.data + HEADER,
				   text.len - HEADER);
		memcpy(text.data + HEADER - 16, sum.bytes, 16);
	}
	assert_ok(fs_write_atomic(store_fd(s), "stat-memo", text.data, text.len, 0600));
}

static void flip_bit(struct buf *text)
{
	text->data[HEADER + 45] ^= 1;
}

static void cut_off(struct buf *text)
{
	text->len -= ENTRY;
}

static void empty(struct buf *text)
{
	text->len = 0;
}

static void other_version(struct buf *text)
{
	text->data[strlen("dagbuild stat memo ")]++;
}

static void count_wrong(struct buf *text)
{
	text->data[24]++;
}

static void damaged(void **state)
{
	static void (*const changes[])(struct buf *) = {flip_bit, cut_off, empty,
							other_version, count_wrong};
	struct stat st = file_stat(0);

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		save_files(*state, 0, 10);
		assert_true(knows(*state, &st, 0));
		edit(*state, changes[i], false);
		assert_false(knows(*state, &st, 0));
	}
}

static void make_old(struct buf *text)
{
	uint32_t day = (uint32_t)(clock_real_ns() / 1000000000 / 86400);

	for (size_t i = 0; i < 2; i++) {
		uint32_t old = day - (i == 0 ? 31 : 10);

		memcpy(text->data + HEADER + i * ENTRY + DAY, &old, sizeof(old));
	}
}

/* An entry unused for a month goes when something is written; use keeps it. */
static void forgotten(void **state)
{
	struct stat st = file_stat(0), used = file_stat(2), unused = file_stat(4);

	save_files(*state, 0, 6);
	edit(*state, make_old, true);
	/* The first two by device and inode: files 4 and 2. */
	assert_true(knows(*state, &unused, 4));
	{
		CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(*state);

		assert_true(stat_memo_find(m, &used, &(struct digest){0}));
		assert_ok(stat_memo_save(m));
	}
	assert_false(knows(*state, &unused, 4));
	assert_true(knows(*state, &used, 2));
	assert_true(knows(*state, &st, 0));
}

/* Nothing new: nothing is written. */
static void not_written(void **state)
{
	CLEANUP(memo_freep) struct stat_memo *m = stat_memo_new(*state);
	struct stat st = file_stat(0), before, after;

	save_files(*state, 0, 2);
	assert_int_equal(fstatat(store_fd(*state), "stat-memo", &before, 0), 0);
	assert_true(stat_memo_find(m, &st, &(struct digest){0}));
	assert_ok(stat_memo_save(m));
	assert_int_equal(fstatat(store_fd(*state), "stat-memo", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(round_trip),	      WITH_STORE(replaced),
		WITH_STORE(each_part_counts), WITH_STORE(not_certain),
		WITH_STORE(damaged),	      WITH_STORE(forgotten),
		WITH_STORE(not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
