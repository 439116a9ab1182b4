/* SPDX-License-Identifier: MIT
 * test_limit.c - below a ceiling a step reserves what it took the last time.
 */
/* links: work */
#include "cache/lease.h"
#include "engine/work/limit.h"
#include "engine/work/step.h"
#include "tests/fake/store_fixture.h"

/* More than a step reserves of which nothing is known. */
static const size_t LARGE = 20 << 20;

static void put_record(struct store *s, const char *step, const char *kind,
		       const struct snapshot *chain)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct digest key = key_of(step);

	cJSON_AddStringToObject(record, "kind", kind);
	cJSON_AddStringToObject(record, "step", step);
	cJSON_AddItemToObject(record, "snapshot", record_snapshot(chain));
	assert_ok(record_save(s, &key, record));
}

/* What the step reserves while it runs. */
static uint64_t reserved(struct limit *l, struct store *s, const char *step)
{
	struct lease_set set = LEASE_SET_INIT;
	uint64_t bytes;

	assert_ok(limit_enter(l, step, NULL));
	assert_ok(lease_set_read(s, &set));
	bytes = set.bytes;
	lease_set_release(&set);
	assert_ok(limit_leave(l, NULL, NULL));
	return bytes;
}

/* The records of `test` and `pack` name the root filesystem that they read: its top layer
 * is not what they are going to write. */
static void test_reserved(void **state)
{
	const struct limit_options options = {*state, UINT64_MAX, UINT64_MAX};
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	CLEANUP(limit_freep) struct limit *l = NULL;
	struct layer_id layer = make_layer(*state, LARGE);
	uint64_t unknown;

	snapshot_push(&chain, &layer);
	put_record(*state, "a.post", "post", &chain);
	put_record(*state, "a.test", "test", &chain);
	put_record(*state, "a.pack", "pack", &chain);
	assert_ok(store_hold(*state));
	assert_ok(limit_new(&options, &l));
	assert_true(reserved(l, *state, "a.post") >= LARGE);
	unknown = reserved(l, *state, "b.post");
	assert_in_range(unknown, 1, LARGE - 1);
	assert_int_equal(reserved(l, *state, "a.test"), unknown);
	assert_int_equal(reserved(l, *state, "a.pack"), unknown);
}

static void test_kinds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STEP_KINDS; i++) {
		enum step_kind kind = (enum step_kind)i;

		assert_int_equal(step_makes_layer_by_name(step_kind_name(kind)),
				 step_makes_layer(kind));
	}
	assert_false(step_makes_layer_by_name("merged chain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reserved, setup_store, remove_store),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
