/* SPDX-License-Identifier: MIT
 * test_lease.c - a lease is visible while its process lives, and not afterwards.
 */
/* links: cache */
#include <dirent.h>

#include "cache/lease.h"
#include "cache/store_fs.h"
#include "tests/fake/store_fixture.h"

static size_t count_leases(const struct store *s)
{
	int fd = openat(store_fd(s), "leases", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_own(void **state)
{
	struct lease_set set = LEASE_SET_INIT;
	struct layer_id id = make_layer(*state, 10);

	assert_ok(store_hold(*state));
	assert_ok(store_hold(*state)); /* once is enough */
	assert_int_equal(count_leases(*state), 1);
	assert_true(layer_exists(*state, &id));
	assert_true(layer_exists(*state, &id));
	assert_ok(lease_reserve(store_lease(*state), 100, 2));
	assert_ok(lease_reserve(store_lease(*state), 70, 1));
	assert_ok(lease_set_read(*state, &set));
	assert_true(lease_set_has(&set, LEASE_LAYER, id.name));
	assert_false(lease_set_has(&set, LEASE_BLOB, id.name));
	assert_int_equal(set.alive, 1);
	assert_int_equal(set.bytes, 70);
	assert_true(set.own_ns > 0 && set.own_ns == set.youngest_ns &&
		    set.own_ns == set.oldest_ns);
	assert_int_equal(set.files, 1);
	lease_set_release(&set);
	store_release(*state);
	assert_int_equal(count_leases(*state), 0);
	assert_ok(lease_set_read(*state, &set));
	assert_int_equal(set.alive, 0);
	lease_set_release(&set);
}

/* A process that looks for records, layers and blobs names them. */
static void test_what_is_named(void **state)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	struct lease_set set = LEASE_SET_INIT;
	struct layer_id a = make_layer(*state, 10), b;
	struct digest key = key_of("step"), blob;
	char hex[DIGEST_TEXT_SIZE];

	blob = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	snapshot_push(&chain, &a);
	make_record(*state, "step", &chain);
	assert_ok(blob_put(*state, &blob, "hello", 5));
	assert_ok(store_hold(*state));
	assert_ok(record_load(*state, &key, &record));
	assert_true(snapshot_exists(*state, &chain));
	assert_true(blob_exists(*state, &blob));
	/* What is published is named before any process can see it. */
	b = make_layer(*state, 10);
	assert_ok(lease_set_read(*state, &set));
	assert_true(lease_set_has(&set, LEASE_RECORD, digest_hex(&key, hex)));
	assert_true(lease_set_has(&set, LEASE_BLOB, digest_hex(&blob, hex)));
	assert_true(lease_set_has(&set, LEASE_LAYER, a.name));
	assert_true(lease_set_has(&set, LEASE_LAYER, b.name));
	lease_set_release(&set);
}

static void hold_layer(struct store *s, void *context)
{
	struct err *e = store_hold(s);

	if (e || !layer_exists(s, context))
		_exit(1);
	e = lease_reserve(store_lease(s), 1000, 3);
	if (e)
		_exit(1);
}

static void test_other_process(void **state)
{
	struct lease_set set = LEASE_SET_INIT;
	struct layer_id id = make_layer(*state, 10);
	struct other o = other_start(hold_layer, store_dir(*state), &id);

	other_wait(&o);
	assert_ok(lease_set_read(*state, &set));
	assert_int_equal(set.alive, 1);
	assert_true(lease_set_has(&set, LEASE_LAYER, id.name));
	assert_int_equal(set.bytes, 1000);
	assert_true(set.own_ns == INT64_MIN && set.youngest_ns > 0);
	lease_set_release(&set);
	/* A kill leaves the file; it no longer counts, and a process that reads it
	 * removes it. */
	other_kill(&o);
	assert_int_equal(count_leases(*state), 1);
	assert_ok(lease_set_read(*state, &set));
	assert_int_equal(set.alive, 0);
	assert_false(lease_set_has(&set, LEASE_LAYER, id.name));
	lease_set_release(&set);
	assert_int_equal(count_leases(*state), 0);
}

static void test_many_names(void **state)
{
	struct lease_set set = LEASE_SET_INIT;
	char name[16];

	assert_ok(store_hold(*state));
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 500; i++) {
			snprintf(name, sizeof(name), "n%d", i);
			assert_ok(lease_add(store_lease(*state), LEASE_LAYER, name));
		}
	assert_ok(lease_set_read(*state, &set));
	assert_true(lease_set_has(&set, LEASE_LAYER, "n0"));
	assert_true(lease_set_has(&set, LEASE_LAYER, "n499"));
	assert_false(lease_set_has(&set, LEASE_LAYER, "n500"));
	assert_int_equal(set.names.len, 500);
	lease_set_release(&set);
}

static void test_filesystems(void **state)
{
	(void)state;
	assert_string_equal(store_fs_refused(0x6969), "NFS");
	assert_string_equal(store_fs_refused(0xff534d42), "CIFS");
	assert_null(store_fs_refused(0xef53));	   /* ext4 */
	assert_null(store_fs_refused(0x9123683e)); /* btrfs */
	assert_null(store_fs_refused(0x58465342)); /* xfs */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_what_is_named, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_other_process, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_many_names, setup_store,
						remove_store),
		cmocka_unit_test(test_filesystems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
