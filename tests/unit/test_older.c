/* SPDX-License-Identifier: MIT
 * test_older.c - a store of an older format is raised to ours, and what is of no use in
 * it goes, except downloads, what failed steps left, and what a running process needs.
 */
/* links: cache */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/blob_path.h"
#include "cache/failed.h"
#include "cache/gc.h"
#include "cache/older.h"
#include "cache/store_make.h"
#include "tests/fake/store_fixture.h"

#define OLD_KEY "0123456789abcdef0123456789abcdef"
#define OLD_HELD "fedcba9876543210fedcba9876543210"
#define REST "23456789abcdef0123456789abcdef"

static void put(const struct store *s, const char *path, const char *text)
{
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(path_base(path) - path));

	if (folder[0])
		assert_ok(fs_mkdirs(store_fd(s), folder, 0700));
	assert_ok(fs_write_atomic(store_fd(s), path, text, strlen(text), 0600));
}

static bool has(const struct store *s, const char *path)
{
	return faccessat(store_fd(s), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_version(const struct store *s, const char *want)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	assert_ok(fs_read_file(store_fd(s), "version", 100, &text));
	assert_string_equal(buf_text(&text), want);
}

static struct store *open_again(const struct store *s, enum store_access access)
{
	struct store *again = NULL;

	assert_ok(store_open(store_dir(s), access, &again));
	return again;
}

/* Any older format is raised; reading raises nothing; a kill after the first of the two
 * files has the same effect as one before. */
static void test_raised(void **state)
{
	static const char *const versions[] = {"dagbuild store 1\n", "dagbuild store 2\n",
					       "dagbuild store 3\n"};
	struct store *s = *state, *again;

	assert_false(older_is_left(s));
	check_version(s, "dagbuild store 4\n");
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		put(s, "version", versions[i]);
		if (i == 1)
			put(s, "older", versions[0]);
		again = open_again(s, STORE_READ);
		assert_true(older_is_left(again));
		check_version(again, versions[i]);
		store_close(again);
		again = open_again(s, STORE_WRITE);
		assert_true(older_is_left(again));
		check_version(again, "dagbuild store 4\n");
		assert_memory_equal(store_secret(s), store_secret(again),
				    HASH_SECRET_SIZE);
		store_close(again);
		assert_ok(older_forget(s));
		assert_false(older_is_left(s));
	}
}

/* Formats that no release up to now has written. */
static void test_not_raised(void **state)
{
	static const char *const versions[] = {
		"dagbuild store 5\n",  "dagbuild store 0\n",
		"dagbuild store 01\n", "dagbuild store 1\n ",
		"dagbuild store 1",    "dagbuild store \n",
		"dagbuild store -1\n", "dagbuild store 4294967300\n",
	};
	struct store *s = *state, *again = NULL;

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		put(s, "version", versions[i]);
		assert_err(ERR_UNSUPPORTED,
			   store_open(store_dir(s), STORE_WRITE, &again));
		assert_err(ERR_UNSUPPORTED, store_open(store_dir(s), STORE_READ, &again));
		check_version(s, versions[i]);
		assert_false(has(s, "older"));
	}
	put(s, "version", "dagbuild store 4\n");
}

static void put_old_record(const struct store *s, const char *key,
			   const struct layer_id *layer)
{
	CLEANUP(freep) char *path = xasprintf("records/%.2s/%s.json", key, key + 2);
	CLEANUP(freep)
	char *text =
		xasprintf("{\"key\": \"%s\", \"kind\": \"post\", \"step\": \"a.post\", "
			  "\"snapshot\": [\"%s\"]}",
			  key, layer->name);

	put(s, path, text);
}

static struct failed_kept keep_failed(const struct store *s, const struct layer_id *below)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(json_freep) cJSON *about = cJSON_CreateObject();
	struct layer_id id = *below;
	struct snapshot chain = {&id, 1};
	struct failed_kept kept;

	assert_ok(scratch_new(s, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	cJSON_AddStringToObject(about, "step", "a.post");
	assert_ok(failed_keep(s, &scratch, &chain, about, &failed_limits_default, &kept));
	return kept;
}

static size_t count_failed(const struct store *s)
{
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;

	assert_ok(failed_list_read(s, &failed_limits_default, &list));
	return list.len;
}

/* What shows a process of an older release: a locked lease.  `lines` name what it
 * needs. */
static int hold(const struct store *s, const char *lines)
{
	CLEANUP(freep)
	char *text = xasprintf("S%lld\nP1\n%s", (long long)clock_real_ns(), lines);
	int fd = -1;

	put(s, "leases/aaaaaaaaaaaa", text);
	assert_ok(fs_open(store_fd(s), "leases/aaaaaaaaaaaa", O_RDONLY, 0, &fd));
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static void collect(struct store *s)
{
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result;

	policy.holds_for_failed = true;
	assert_ok(gc_run(s, &policy, &result));
}

/* Everything in the store is older than the file `older`. */
static void raise_now(struct store *s)
{
	struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	assert_int_equal(utimensat(store_fd(s), "logs/a.post-01234567.log", past, 0), 0);
	assert_int_equal(utimensat(store_fd(s), "stat-memo", past, 0), 0);
	put(s, "version", "dagbuild store 1\n");
	store_close(open_again(s, STORE_WRITE));
}

static void test_collected(void **state)
{
	struct store *s = *state;
	struct layer_id old = make_layer(s, 10), held = make_layer(s, 10);
	struct layer_id failed = make_layer(s, 10), ours = make_layer(s, 10);
	struct snapshot chain = {&ours, 1};
	struct digest blob = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	CLEANUP(freep)
	char *lines = xasprintf("R%s\nL%s\n", OLD_HELD, held.name);
	char path[BLOB_PATH_SIZE];
	int lease;

	put_old_record(s, OLD_KEY, &old);
	put_old_record(s, OLD_HELD, &held);
	put(s, "records/aa/" REST ".json", "no JSON");
	put(s, "history/ab/" REST ".json", "{}");
	put(s, "history/ab/" OLD_KEY REST ".json", "{}"); /* one of ours: 62 digits */
	put(s, "logs/a.post-01234567.log", "x");
	put(s, "stat-memo", "x");
	assert_true(keep_failed(s, &failed).is_kept);
	assert_ok(blob_put(s, &blob, "hello", 5));
	raise_now(s);
	make_record(s, "ours", &chain);
	put(s, "logs/a.post-76543210.log", "x");
	lease = hold(s, lines);

	/* Another process still needs some of it. */
	collect(s);
	assert_false(has(s, "records/01/" REST ".json") || has_layer(s, &old));
	assert_false(has(s, "records/aa/" REST ".json"));
	assert_true(has(s, "records/fe/dcba9876543210fedcba9876543210.json"));
	assert_true(has_layer(s, &held));
	assert_false(has(s, "history/ab/" REST ".json") || has(s, "stat-memo"));
	assert_false(has(s, "logs/a.post-01234567.log"));
	assert_true(older_is_left(s));

	/* That process has ended. */
	close(lease);
	put(s, "stat-memo", "ours");
	collect(s);
	assert_false(has_layer(s, &held));
	assert_false(has(s, "records/fe/dcba9876543210fedcba9876543210.json"));
	assert_false(older_is_left(s));

	/* What stays. */
	assert_true(has_record(s, "ours") && has_layer(s, &ours));
	assert_true(has(s, "history/ab/" OLD_KEY REST ".json"));
	assert_true(has(s, "logs/a.post-76543210.log") && has(s, "stat-memo"));
	assert_true(has_layer(s, &failed));
	assert_int_equal(count_failed(s), 1);
	blob_path(&blob, path);
	assert_true(has(s, path));
}

/* It needs nothing that is there, but may write more: a record, a log, the memo. */
static void test_somebody_at_work(void **state)
{
	struct store *s = *state;
	struct layer_id late = make_layer(s, 10);
	int lease;

	put(s, "logs/a.post-01234567.log", "x");
	put(s, "stat-memo", "x");
	raise_now(s);
	lease = hold(s, "");
	collect(s);
	assert_true(older_is_left(s));
	put_old_record(s, OLD_KEY, &late);
	put(s, "history/ab/" REST ".json", "{}");
	close(lease);
	collect(s);
	assert_false(older_is_left(s));
	assert_false(has_layer(s, &late) || has(s, "history/ab/" REST ".json"));
}

/* Opened for reading, the store is not raised: a dry run shows what would go, and changes
 * nothing. */
static void test_dry_run(void **state)
{
	struct store *s = *state, *reader;
	struct layer_id old = make_layer(s, 10);
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result;

	put_old_record(s, OLD_KEY, &old);
	put(s, "logs/a.post-01234567.log", "x");
	put(s, "version", "dagbuild store 1\n");
	assert_int_equal(unlinkat(store_fd(s), "leases", AT_REMOVEDIR), 0);
	reader = open_again(s, STORE_READ);
	policy.dry_run = true;
	assert_ok(gc_run(reader, &policy, &result));
	assert_int_equal(result.victims, 3);
	assert_true(has_layer(s, &old) && has(s, "logs/a.post-01234567.log"));
	check_version(s, "dagbuild store 1\n");
	assert_false(has(s, "leases"));
	store_close(reader);
	put(s, "version", "dagbuild store 4\n");
}

/* A collector that follows one that was killed half way finds less to do. */
static void test_collected_in_part(void **state)
{
	struct store *s = *state;
	struct layer_id old = make_layer(s, 10);

	put_old_record(s, OLD_KEY, &old);
	put(s, "history/ab/" REST ".json", "{}");
	put(s, "logs/a.post-01234567.log", "x");
	put(s, "stat-memo", "x");
	raise_now(s);
	assert_int_equal(unlinkat(store_fd(s), "records/01/" REST ".json", 0), 0);
	assert_int_equal(unlinkat(store_fd(s), "stat-memo", 0), 0);
	collect(s);
	assert_false(has_layer(s, &old) || has(s, "history/ab/" REST ".json"));
	assert_false(older_is_left(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_raised, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_not_raised, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_collected, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_somebody_at_work, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_dry_run, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_collected_in_part, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
