/* SPDX-License-Identifier: MIT
 * test_gc.c - the collector takes the least recently used, and never what is needed.
 */
/* links: cache */
#include "base/clock.h"
#include "cache/blob_path.h"
#include "cache/failed.h"
#include "cache/gc.h"
#include "cache/history.h"
#include "cache/lease.h"
#include "tests/fake/store_fixture.h"

static struct gc_result collect(struct store *s, struct gc_policy policy)
{
	struct gc_result result;

	assert_ok(gc_run(s, &policy, &result));
	return result;
}

static struct gc_policy all_policy(void)
{
	struct gc_policy policy = GC_NOTHING;

	policy.unused_since_ns = INT64_MAX;
	return policy;
}

/* base; one and two on top of it; old by itself, used long ago. */
struct tree {
	struct layer_id base, one, two, old;
};

static struct tree make_tree(struct store *s)
{
	struct tree t = {make_layer(s, 50000), make_layer(s, 50000), make_layer(s, 50000),
			 make_layer(s, 50000)};
	const struct layer_id *tops[] = {&t.one, &t.two};
	static const char *const names[] = {"one", "two"};
	CLEANUP(snapshot_release) struct snapshot base = SNAPSHOT_INIT;
	CLEANUP(snapshot_release) struct snapshot old = SNAPSHOT_INIT;

	snapshot_push(&base, &t.base);
	make_record(s, "base", &base);
	for (int i = 0; i < 2; i++) {
		CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;

		snapshot_copy(&chain, &base);
		snapshot_push(&chain, tops[i]);
		make_record(s, names[i], &chain);
	}
	snapshot_push(&old, &t.old);
	make_record(s, "old", &old);
	age_record(s, "base", 9000); /* but what is on top of it was used later */
	age_record(s, "one", 300);
	age_record(s, "two", 200);
	age_record(s, "old", 4000);
	return t;
}

static void test_least_recently_used(void **state)
{
	struct tree t = make_tree(*state);
	struct gc_policy policy = GC_NOTHING;
	struct gc_result r = collect(*state, policy);
	struct usage_report report;
	struct eviction eviction = {0};
	struct digest key = key_of("old");

	assert_int_equal(r.victims, 0);
	assert_ok(usage_measure(*state, USAGE_EXACT, &report));
	assert_int_equal(r.before.bytes, report.total.bytes);
	policy.max_bytes = report.total.bytes - 1;
	policy.reason = "--cache-max";
	r = collect(*state, policy);
	/* Taking the oldest record with nothing younger on top, and its layer, is
	 * enough. */
	assert_false(has_record(*state, "old") || has_layer(*state, &t.old));
	assert_true(has_record(*state, "base") && has_record(*state, "one") &&
		    has_record(*state, "two"));
	assert_int_equal(r.victims, 2);
	assert_true(history_evicted(*state, &key, &eviction));
	assert_string_equal(eviction.why, "--cache-max");
	key = key_of("one");
	assert_false(history_evicted(*state, &key, &eviction));
	/* Half of what is left: `one` goes before `base`, though `base` was used
	 * earlier. */
	assert_ok(usage_measure(*state, USAGE_EXACT, &report));
	assert_true(r.before.bytes - r.freed.bytes + 8192 > report.total.bytes);
	policy.max_bytes = report.total.bytes - 20000;
	collect(*state, policy);
	assert_false(has_record(*state, "one") || has_layer(*state, &t.one));
	assert_true(has_record(*state, "base") && has_record(*state, "two"));
	assert_true(has_layer(*state, &t.base) && has_layer(*state, &t.two));
}

static void test_by_age(void **state)
{
	struct tree t = make_tree(*state);
	struct gc_policy policy = GC_NOTHING;

	policy.unused_since_ns = clock_real_ns() - INT64_C(250) * 1000000000;
	policy.dry_run = true;
	assert_int_equal(collect(*state, policy).victims, 4);
	assert_true(has_record(*state, "old") && has_layer(*state, &t.old));
	policy.dry_run = false;
	assert_int_equal(collect(*state, policy).victims, 4);
	assert_false(has_record(*state, "old") || has_record(*state, "one"));
	assert_true(has_record(*state, "base") && has_record(*state, "two"));
}

static void test_all(void **state)
{
	struct digest blob = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	struct usage_report before, after;
	struct gc_result r;

	assert_ok(usage_measure(*state, USAGE_EXACT, &before));
	make_tree(*state);
	assert_ok(blob_put(*state, &blob, "hello", 5));
	write_at(store_fd(*state), "logs/a.post-01234567.log", 10);
	r = collect(*state, all_policy());
	assert_int_equal(r.needed, 0);
	assert_ok(usage_measure(*state, USAGE_EXACT, &after));
	assert_int_equal(after.kinds[USAGE_LAYERS].files,
			 before.kinds[USAGE_LAYERS].files);
	assert_int_equal(after.kinds[USAGE_LOGS].files, 1);
	assert_int_equal(after.kinds[USAGE_TMP].files, 1);
	assert_false(blob_exists(*state, &blob));
	assert_false(has_record(*state, "base"));
}

/* A crash leaves a layer that no record names: it goes in any case. */
static void test_orphan(void **state)
{
	struct layer_id id = make_layer(*state, 10);
	struct gc_policy policy = GC_NOTHING;

	assert_int_equal(collect(*state, policy).victims, 1);
	assert_false(has_layer(*state, &id));
}

static void use_two(struct store *s, void *context)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	struct digest key = key_of("two");
	struct err *e = store_hold(s);

	(void)context;
	if (!e)
		e = record_load(s, &key, &record);
	if (e || !record_to_snapshot(json_array(record, "snapshot"), &chain) ||
	    !snapshot_exists(s, &chain))
		_exit(1);
}

static void test_needed_by_another(void **state)
{
	struct tree t = make_tree(*state);
	struct other o = other_start(use_two, store_dir(*state), NULL);
	struct gc_result r;

	other_wait(&o);
	r = collect(*state, all_policy());
	assert_int_equal(r.alive, 1);
	assert_true(r.needed > 0);
	assert_true(has_record(*state, "two"));
	assert_true(has_layer(*state, &t.base) && has_layer(*state, &t.two));
	assert_false(has_record(*state, "one") || has_layer(*state, &t.one));
	/* A dead process needs nothing. */
	other_kill(&o);
	r = collect(*state, all_policy());
	assert_int_equal(r.needed, 0);
	assert_false(has_layer(*state, &t.base) || has_layer(*state, &t.two));
}

static void use_blob(struct store *s, void *context)
{
	struct err *e = store_hold(s);

	if (e || !blob_exists(s, context))
		_exit(1);
}

static bool has_blob(const struct store *s, const struct digest *id)
{
	char path[BLOB_PATH_SIZE];

	blob_path(id, path);
	return faccessat(store_fd(s), path, F_OK, 0) == 0;
}

/* Unpacked blobs go, except those that another process is going to read. */
static void test_spent_blobs(void **state)
{
	struct digest a = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	struct digest b = digest_bytes(DIGEST_SHA256, NULL, "world", 5);
	struct other o;

	assert_ok(blob_put(*state, &a, "hello", 5));
	assert_ok(blob_put(*state, &b, "world", 5));
	o = other_start(use_blob, store_dir(*state), &b);
	other_wait(&o);
	blob_spend(*state, &a);
	blob_spend(*state, &b);
	assert_true(has_blob(*state, &a));
	assert_ok(blob_drop_spent(*state));
	assert_false(has_blob(*state, &a));
	assert_true(has_blob(*state, &b));
	other_kill(&o);
	blob_spend(*state, &a); /* nothing happens */
	blob_spend(*state, &b);
	assert_ok(blob_drop_spent(*state));
	assert_false(has_blob(*state, &b));
	/* It may come back. */
	assert_ok(blob_put(*state, &b, "world", 5));
	assert_true(has_blob(*state, &b));
}

/* While one process keeps collecting, others make things and use what they find: what
 * they found after naming it never goes away. */
enum { USERS = 3, TURNS = 60 };

static bool use_once(struct store *s, int turn)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	CLEANUP(json_freep) cJSON *record = NULL;
	char name[16];
	struct digest key;
	struct layer_id id;
	struct err *e;

	snprintf(name, sizeof(name), "turn%d", turn % 7);
	key = key_of(name);
	e = record_load(s, &key, &record);
	err_ignore(e, "made then");
	if (e || !record_to_snapshot(json_array(record, "snapshot"), &chain) ||
	    !snapshot_exists(s, &chain)) {
		CLEANUP(freep) char *unique = xasprintf("%s-%d-%d", name, getpid(), turn);

		snapshot_release(&chain);
		id = make_layer(s, 10);
		snapshot_push(&chain, &id);
		make_record(s, name, &chain);
	}
	for (int i = 0; i < 20; i++) {
		usleep(100);
		if (!has_layer(s, &chain.layers[0]))
			return false;
	}
	return true;
}

static void use_many(const char *dir)
{
	for (int turn = 0; turn < TURNS; turn++) {
		struct store *s = NULL;

		/* A new lease each time, so that things become free again. */
		err_free(store_open(dir, STORE_WRITE, &s));
		err_free(store_hold(s));
		if (!use_once(s, turn))
			_exit(1);
		store_close(s);
	}
	_exit(0);
}

static void test_races(void **state)
{
	struct gc_policy policy = all_policy();
	struct gc_result result;
	int left = USERS, status;
	size_t taken = 0;

	for (int i = 0; i < USERS; i++)
		if (fork() == 0)
			use_many(store_dir(*state));
	while (left > 0) {
		assert_ok(gc_run(*state, &policy, &result));
		taken += result.victims;
		while (left > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			left--;
		}
	}
	assert_true(taken > 0);
}

/* A step on top of `below` failed just now. */
static void fail_upon(struct store *s, const struct layer_id *below)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(json_freep) cJSON *about = cJSON_CreateObject();
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	struct failed_kept kept;

	snapshot_push(&chain, below);
	assert_ok(scratch_new(s, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(failed_keep(s, &scratch, &chain, about, &failed_limits_default, &kept));
	assert_true(kept.is_kept);
}

static size_t count_failed(const struct store *s)
{
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;

	assert_ok(failed_list_read(s, &failed_limits_default, &list));
	return list.len;
}

/* The layers below a failed step stay for it, but not when room must be made. */
static void test_failed_holds(void **state)
{
	struct gc_policy holding = GC_NOTHING, ceiling = GC_NOTHING;
	struct layer_id below = make_layer(*state, 50000);

	holding.holds_for_failed = true;
	fail_upon(*state, &below);
	assert_int_equal(collect(*state, holding).victims, 0);
	assert_true(has_layer(*state, &below));
	holding.unused_since_ns = clock_real_ns() - INT64_C(3600) * 1000000000;
	assert_int_equal(collect(*state, holding).victims, 0);
	assert_int_equal(count_failed(*state), 1);
	/* Its turn comes first, and then theirs. */
	holding.unused_since_ns = INT64_MAX;
	assert_int_equal(collect(*state, holding).victims, 2);
	assert_false(has_layer(*state, &below));
	assert_int_equal(count_failed(*state), 0);

	below = make_layer(*state, 50000);
	fail_upon(*state, &below);
	ceiling.max_bytes = UINT64_MAX - 1;
	assert_int_equal(collect(*state, ceiling).victims, 1);
	assert_false(has_layer(*state, &below));
	assert_int_equal(count_failed(*state), 0);
}

/* A collection in a process with a lease, with the lease's lock held, looks at the layers
 * below a failed step that the lease does not name: it neither waits for its own lock nor
 * claims them. */
static void test_failed_holds_in_a_run(void **state)
{
	struct gc_policy holding = GC_NOTHING;
	struct lease_set set = LEASE_SET_INIT;
	struct layer_id below = make_layer(*state, 10);

	fail_upon(*state, &below);
	holding.holds_for_failed = true;
	assert_ok(store_hold(*state));
	assert_int_equal(collect(*state, holding).victims, 0);
	assert_true(has_layer(*state, &below));
	/* The step and its layer are free to go when room must be made. */
	assert_int_equal(count_failed(*state), 1);
	assert_ok(lease_set_read(*state, &set));
	assert_int_equal(set.alive, 1);
	assert_false(lease_set_has(&set, LEASE_LAYER, below.name));
	lease_set_release(&set);
	holding.max_bytes = 0;
	assert_int_equal(collect(*state, holding).needed, 0);
	assert_false(has_layer(*state, &below));
}

/* A use is noted, but not every time. */
static void test_use_times(void **state)
{
	CLEANUP(freep) char *path = record_path_of("two");
	CLEANUP(json_freep) cJSON *record = NULL;
	struct digest key = key_of("two");
	struct stat before, after;

	make_tree(*state);
	assert_ok(record_load(*state, &key, &record));
	assert_int_equal(fstatat(store_fd(*state), path, &before, 0), 0);
	assert_true(clock_real_ns() / 1000000000 - before.st_mtim.tv_sec < 60);
	json_freep(&record);
	assert_ok(record_load(*state, &key, &record));
	assert_int_equal(fstatat(store_fd(*state), path, &after, 0), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_least_recently_used, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_by_age, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_all, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_orphan, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_needed_by_another, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_spent_blobs, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_failed_holds, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_failed_holds_in_a_run, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_races, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_use_times, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
