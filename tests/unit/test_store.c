/* SPDX-License-Identifier: MIT
 * test_store.c - the store returns what was put in, and never anything else.
 */
/* links: cache */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/blob.h"
#include "cache/key.h"
#include "cache/layer.h"
#include "cache/record.h"
#include "tests/fake/access_list.h"
#include "tests/fake/store_fixture.h"

static struct digest sha256(const char *text)
{
	return digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
}

/* Reading a store that was never made makes nothing. */
static void test_read_only(void **state)
{
	struct store *s = NULL;
	CLEANUP(freep) char *path = path_join(store_dir(*state), "none");

	assert_err(ERR_NOTFOUND, store_open(path, STORE_READ, &s));
	assert_int_equal(access(path, F_OK), -1);
	assert_ok(store_open(store_dir(*state), STORE_READ, &s));
	assert_memory_equal(store_secret(s), store_secret(*state), HASH_SECRET_SIZE);
	store_close(s);
}

static void test_blob_round_trip(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct digest id = sha256("hello");
	uint64_t size = 0;

	assert_false(blob_exists(*state, &id));
	assert_ok(blob_put(*state, &id, "hello", 5));
	assert_true(blob_exists(*state, &id));
	assert_ok(blob_put(*state, &id, "hello", 5));
	assert_ok(blob_open(*state, &id, &fd, &size));
	assert_int_equal(size, 5);
	assert_ok(fs_read_fd(fd, 100, &text));
	assert_string_equal(buf_text(&text), "hello");
}

/* A damaged one is not there any longer: who needs it stores it again. */
static void test_blob_damaged(void **state)
{
	static const char *const texts[] = {"jello", "", "longer than it may be"};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct digest id = sha256("hello");
	char hex[DIGEST_TEXT_SIZE];
	CLEANUP(freep) char *path = NULL;

	digest_hex(&id, hex);
	path = xasprintf("blobs/sha256/%.2s/%s", hex, hex + 2);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_ok(blob_put(*state, &id, "hello", 5));
		assert_ok(fs_write_atomic(store_fd(*state), path, texts[i],
					  strlen(texts[i]), 0600));
		assert_err(ERR_CORRUPT, blob_read(*state, &id, 10, &text));
		buf_clear(&text);
		assert_err(ERR_NOTFOUND, blob_read(*state, &id, 10, &text));
	}
	assert_ok(blob_put(*state, &id, "hello", 5));
	assert_ok(blob_read(*state, &id, 10, &text));
	assert_string_equal(buf_text(&text), "hello");
}

/* A blob that does not match its digest never gets its name, and is not resumed. */
static void test_blob_wrong_content(void **state)
{
	struct digest id = sha256("hello");
	struct blob_writer *w = NULL;

	assert_err(ERR_CORRUPT, blob_put(*state, &id, "jello", 5));
	assert_err(ERR_CORRUPT, blob_put(*state, &id, "hell", 4));
	assert_false(blob_exists(*state, &id));
	assert_ok(blob_writer_open(*state, &id, 5, &w));
	assert_int_equal(blob_writer_have(w), 0);
	assert_err(ERR_CORRUPT, blob_writer_write(w, "hello!", 6));
	blob_writer_release(w);
}

/* A broken transfer resumes where it stopped. */
static void test_blob_resume(void **state)
{
	struct digest id = sha256("hello");
	struct blob_writer *w = NULL;

	assert_ok(blob_writer_open(*state, &id, 5, &w));
	assert_ok(blob_writer_write(w, "hel", 3));
	blob_writer_release(w);
	assert_ok(blob_writer_open(*state, &id, 5, &w));
	assert_int_equal(blob_writer_have(w), 3);
	assert_ok(blob_writer_write(w, "lo", 2));
	assert_ok(blob_writer_finish(w));
	blob_writer_release(w);
	assert_true(blob_exists(*state, &id));
}

/* Two writers of one digest do not wait for one another, and both succeed. */
static void test_blob_two_writers(void **state)
{
	struct digest id = sha256("hello");
	struct blob_writer *a = NULL, *b = NULL;

	assert_ok(blob_writer_open(*state, &id, 5, &a));
	assert_ok(blob_writer_write(a, "hel", 3));
	assert_ok(blob_writer_open(*state, &id, 5, &b));
	assert_int_equal(blob_writer_have(b), 0);
	assert_ok(blob_writer_write(b, "hello", 5));
	assert_ok(blob_writer_finish(b));
	assert_ok(blob_writer_write(a, "lo", 2));
	assert_ok(blob_writer_finish(a));
	blob_writer_release(a);
	blob_writer_release(b);
}

static void test_key_parts(void **state)
{
	CLEANUP(key_freep) struct key *a = key_new("post");
	CLEANUP(key_freep) struct key *b = key_new("post");
	CLEANUP(json_freep) cJSON *parts = NULL;
	struct digest x, y;

	key_set_text(a, "script", "make");
	key_set_text(b, "script", "make all");
	x = key_final(a);
	y = key_final(b);
	assert_false(digest_equal(&x, &y));
	/* Setting a part again replaces it. */
	key_set_text(b, "script", "make");
	y = key_final(b);
	assert_true(digest_equal(&x, &y));
	/* Absent is not empty. */
	key_set_text(a, "help", NULL);
	key_set_text(b, "help", "");
	x = key_final(a);
	y = key_final(b);
	assert_false(digest_equal(&x, &y));
	parts = key_parts(a, store_secret(*state));
	assert_int_equal(cJSON_GetArraySize(parts), 2);
	assert_null(strstr(json_string(parts, "script"), "make"));
}

/* A key is the same in every store: the SHA-256 of what is written out here.  What is
 * remembered of its parts is not: nobody can try out values without the store's
 * secret. */
static void test_key_is_a_name(void **state)
{
	enum { LONG = 300 };
	static const unsigned char encoding[] = {
		4, /* STORE_FORMAT */
		5,
		'p',
		'o',
		's',
		't', /* the kind: its length plus 1, then its text */
		4,
		'a',
		'r',
		'g', /* a part: its name, */
		3,   /* so many texts, */
		3,
		'x',
		'y', /* them; */
		0,   /* NULL, */
		0x80 | (LONG + 1) % 128,
		(LONG + 1) / 128, /* and a long one */
	};
	char text[LONG + 1] = "", whole[sizeof(encoding) + LONG];
	const char *const texts[] = {"xy", NULL, text};
	static const struct hash_secret other = {{1}};
	CLEANUP(key_freep) struct key *k = key_new("post");
	CLEANUP(json_freep) cJSON *here = NULL;
	CLEANUP(json_freep) cJSON *there = NULL;
	CLEANUP(json_freep) cJSON *again = NULL;
	struct digest got, want;

	memset(text, 'z', LONG);
	memcpy(whole, encoding, sizeof(encoding));
	memcpy(whole + sizeof(encoding), text, LONG);
	key_set_list(k, "arg", texts, ARRAY_LEN(texts));
	got = key_final(k);
	want = digest_bytes(DIGEST_SHA256, NULL, whole, sizeof(whole));
	assert_true(digest_equal(&got, &want));
	here = key_parts(k, store_secret(*state));
	again = key_parts(k, store_secret(*state));
	there = key_parts(k, &other);
	assert_string_equal(json_string(here, "arg"), json_string(again, "arg"));
	assert_string_not_equal(json_string(here, "arg"), json_string(there, "arg"));
}

static void test_record_round_trip(void **state)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *back = NULL;
	struct digest key = digest_bytes(DIGEST_SHA256, NULL, "k", 1);
	struct digest other = digest_bytes(DIGEST_SHA256, NULL, "l", 1);

	assert_err(ERR_NOTFOUND, record_load(*state, &key, &back));
	cJSON_AddStringToObject(record, "kind", "post");
	assert_ok(record_save(*state, &key, record));
	assert_ok(record_load(*state, &key, &back));
	assert_string_equal(json_string(back, "kind"), "post");
	assert_err(ERR_NOTFOUND, record_load(*state, &other, &back));
}

static char *record_file(const struct store *s, const struct digest *key)
{
	char hex[DIGEST_TEXT_SIZE];

	digest_hex(key, hex);
	return xasprintf("%s/records/%.2s/%s.json", store_dir(s), hex, hex + 2);
}

/* A damaged record, another key's, or one from another boot is a miss, neither an error
 * nor a hit. */
static void test_record_is_not_believed(void **state)
{
	static const char *const texts[] = {
		"",
		"{\"kind\":",
		"{\"kind\":\"post\"}",
		"{\"key\":\"00\"}",
	};
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *back = NULL;
	struct digest key = digest_bytes(DIGEST_SHA256, NULL, "k", 1);
	CLEANUP(freep) char *path = record_file(*state, &key);

	assert_ok(record_save(*state, &key, record));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_ok(fs_write_atomic(AT_FDCWD, path, texts[i], strlen(texts[i]),
					  0600));
		assert_err(ERR_NOTFOUND, record_load(*state, &key, &back));
	}
}

static void test_record_of_another_boot(void **state)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *back = NULL;
	struct digest key = digest_bytes(DIGEST_SHA256, NULL, "k", 1);
	CLEANUP(freep) char *path = record_file(*state, &key);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char *boot;

	assert_ok(record_save(*state, &key, record));
	assert_ok(fs_read_file(AT_FDCWD, path, KIB(4), &text));
	boot = strstr(text.data, "\"boot\":\"");
	assert_non_null(boot);
	boot[8] = boot[8] == 'f' ? '0' : 'f';
	assert_ok(fs_write_atomic(AT_FDCWD, path, text.data, text.len, 0600));
	assert_err(ERR_NOTFOUND, record_load(*state, &key, &back));
	/* Once settled, it counts on every boot. */
	assert_ok(record_save(*state, &key, record));
	assert_ok(record_settle(*state));
	assert_ok(record_load(*state, &key, &back));
	assert_null(json_string(back, "boot"));
}

/* What a killed process left unsettled, the next process that uses it settles. */
static void test_record_adopted(void **state)
{
	struct digest key = sha256("inputs");
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *back = NULL, *settled = NULL;
	struct store *next = NULL;

	assert_ok(record_save(*state, &key, record));
	assert_ok(store_open(store_dir(*state), STORE_WRITE, &next));
	assert_ok(record_load(next, &key, &back));
	assert_non_null(json_string(back, "boot"));
	record_adopt(next, &key, back);
	assert_ok(record_settle(next));
	assert_ok(record_load(next, &key, &settled));
	assert_null(json_string(settled, "boot"));
	store_close(next);
}

/* What another process has written meanwhile names layers that our sync may not cover,
 * and is newer than ours: it settles that itself. */
static void test_settling_leaves_others(void **state)
{
	CLEANUP(json_freep) cJSON *ours = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *theirs = cJSON_CreateObject();
	CLEANUP(json_freep) cJSON *back = NULL, *settled = NULL;
	struct digest key = key_of("a step");
	struct store *next = NULL;

	cJSON_AddStringToObject(ours, "step", "ours");
	cJSON_AddStringToObject(theirs, "step", "theirs");
	assert_ok(store_open(store_dir(*state), STORE_WRITE, &next));
	assert_ok(record_save(*state, &key, ours));
	assert_ok(record_save(next, &key, theirs));
	assert_ok(record_settle(*state));
	assert_ok(record_load(next, &key, &back));
	assert_string_equal(json_string(back, "step"), "theirs");
	assert_non_null(json_string(back, "boot"));
	assert_ok(record_settle(next));
	assert_ok(record_load(next, &key, &settled));
	assert_string_equal(json_string(settled, "step"), "theirs");
	assert_null(json_string(settled, "boot"));
	store_close(next);
}

/* Settling does not count as use of a record: what was used last is still last
 * afterwards. */
static void test_settling_keeps_times(void **state)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct digest key = key_of("a step");
	CLEANUP(freep) char *path = record_path_of("a step");
	struct stat before, after;

	assert_ok(record_save(*state, &key, record));
	age_record(*state, "a step", 3600);
	assert_int_equal(fstatat(store_fd(*state), path, &before, 0), 0);
	assert_ok(record_settle(*state));
	assert_int_equal(fstatat(store_fd(*state), path, &after, 0), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

/* Layers grow in a scratch folder, which passes nothing on that the folders above give to
 * new files: a list, a group. */
static void test_scratch_is_plain(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *tmp = path_join(store_dir(*state), "tmp");
	CLEANUP(freep) char *upper = NULL;
	struct stat st;

	give_default_list(tmp);
	assert_int_equal(chmod(tmp, 02700), 0);
	assert_ok(scratch_new(*state, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	upper = path_join(scratch.path, "upper");
	assert_false(has_list(upper));
	assert_int_equal(stat(upper, &st), 0);
	assert_int_equal(st.st_mode & S_ISGID, 0);
}

/* The next opening removes scratch folders of dead processes, but not those of living
 * ones. */
static void test_scratch(void **state)
{
	CLEANUP(scratch_release) struct scratch mine = SCRATCH_INIT;
	CLEANUP(freep)
	char *dead = path_join(store_dir(*state), "tmp/scratch-dead22222222");
	struct store *again = NULL;

	assert_ok(scratch_new(*state, &mine));
	assert_ok(fs_mkdirs(AT_FDCWD, dead, 0700));
	assert_ok(store_open(store_dir(*state), STORE_WRITE, &again));
	store_close(again);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(access(mine.path, F_OK), 0);
}

static void test_layer_publish(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	CLEANUP(snapshot_release) struct snapshot back = SNAPSHOT_INIT;
	CLEANUP(json_freep) cJSON *array = NULL;
	struct layer_id id = {0}, other = {0};
	struct seal_request request = {.store = *state, .name = "upper"};

	assert_false(layer_exists(*state, &(struct layer_id){.name = "abcdefghijkl"}));
	assert_ok(scratch_new(*state, &scratch));
	request.dir_fd = scratch.fd;
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(layer_publish(&request, &id));
	assert_int_equal(faccessat(scratch.fd, "upper", F_OK, 0), -1);
	assert_int_equal(strlen(id.name), 12);
	/* Equal contents still make a separate layer. */
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(layer_publish(&request, &other));
	assert_string_not_equal(other.name, id.name);
	snapshot_push(&chain, &id);
	assert_true(snapshot_exists(*state, &chain));
	array = record_snapshot(&chain);
	assert_true(record_to_snapshot(array, &back));
	assert_string_equal(back.layers[0].name, id.name);
	cJSON_AddItemToArray(array, cJSON_CreateString("../../etc"));
	assert_false(record_to_snapshot(array, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_only, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_blob_damaged, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_blob_round_trip, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_blob_wrong_content, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_blob_resume, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_blob_two_writers, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_key_is_a_name, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_key_parts, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_record_round_trip, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_record_is_not_believed, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_settling_leaves_others, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_record_adopted, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_record_of_another_boot, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_settling_keeps_times, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_scratch_is_plain, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_scratch, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_layer_publish, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
