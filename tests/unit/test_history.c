/* SPDX-License-Identifier: MIT
 * test_history.c - the history knows the latest builds, and never more than its limits; a
 * damaged history counts as missing.
 */
/* links: cache */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/history.h"
#include "tests/fake/store_fixture.h"

static const struct history_step POST = {"/home/me/a.def", "build.post"};

static struct digest key_number(unsigned n)
{
	return digest_bytes(DIGEST_SHA256, NULL, &n, sizeof(n));
}

static void add(struct store *s, const struct history_step *step, unsigned n, uint64_t ms)
{
	cJSON *build = cJSON_CreateObject();
	struct digest key = key_number(n);
	char hex[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(build, "key", digest_hex(&key, hex));
	cJSON_AddArrayToObject(build, "files");
	json_add_u64(build, "duration_ms", ms);
	assert_ok(history_add(s, step, build));
}

/* "3 2 1": the builds, newest first; "*" marks those with their list of files. */
static char *builds(struct store *s, const struct history_step *step)
{
	CLEANUP(json_freep) cJSON *history = NULL;
	struct buf text = BUF_INIT;
	const cJSON *build;

	assert_ok(history_load(s, step, &history));
	cJSON_ArrayForEach(build, json_array(history, "builds"))
	{
		for (unsigned n = 0; n < 100; n++) {
			struct digest key = key_number(n);
			char hex[DIGEST_TEXT_SIZE];

			if (strcmp(json_string(build, "key"), digest_hex(&key, hex)) == 0)
				buf_printf(&text, "%s%u%s", text.len > 0 ? " " : "", n,
					   json_array(build, "files") ? "*" : "");
		}
	}
	return buf_steal(&text);
}

static void assert_builds(struct store *s, const char *wanted)
{
	CLEANUP(freep) char *text = builds(s, &POST);

	assert_string_equal(text, wanted);
}

static void test_latest_builds(void **state)
{
	CLEANUP(json_freep) cJSON *none = NULL;
	struct digest second = key_number(2), unknown = key_number(99);

	assert_err(ERR_NOTFOUND, history_load(*state, &POST, &none));
	for (unsigned n = 1; n <= 5; n++)
		add(*state, &POST, n, n);
	assert_builds(*state, "5* 4* 3 2");
	/* Adding a key again moves it; it is there once. */
	add(*state, &POST, 4, 1);
	assert_builds(*state, "4* 5* 3 2");
	assert_ok(history_use(*state, &POST, &second));
	assert_builds(*state, "2 4* 5* 3");
	assert_ok(history_use(*state, &POST, &unknown));
	assert_builds(*state, "2 4* 5* 3");
}

static void test_expected(void **state)
{
	CLEANUP(json_freep) cJSON *history = NULL;
	uint64_t ms = 0;

	add(*state, &POST, 1, 100);
	add(*state, &POST, 2, 5000);
	add(*state, &POST, 3, 120);
	assert_ok(history_load(*state, &POST, &history));
	assert_true(history_expected_ms(history, &ms));
	assert_int_equal(ms, 120);
}

/* A copy of the definition finds what the original built; its own builds come first. */
static void test_other_definition(void **state)
{
	const struct history_step copy = {"/home/me/copy.def", POST.name};
	const struct history_step other = {"/home/me/copy.def", "build.files"};
	CLEANUP(json_freep) cJSON *history = NULL, *own = NULL, *none = NULL;

	add(*state, &POST, 1, 1);
	assert_ok(history_load(*state, &copy, &history));
	assert_string_equal(json_string(history, "definition"), POST.definition);
	assert_err(ERR_NOTFOUND, history_load(*state, &other, &none));
	add(*state, &copy, 2, 1);
	assert_ok(history_load(*state, &copy, &own));
	assert_string_equal(json_string(own, "definition"), copy.definition);
	assert_builds(*state, "1*");
}

/* Calls `visit` for each file of the history. */
static unsigned each_file(struct store *s, void (*visit)(int folder, const char *name))
{
	unsigned n = 0;

	for (unsigned i = 0; i < 256; i++) {
		char path[32];
		int fd;
		DIR *dir;

		snprintf(path, sizeof(path), "history/%02x", i);
		fd = openat(store_fd(s), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		dir = fd >= 0 ? fdopendir(fd) : NULL;
		for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
			if (e->d_name[0] == '.')
				continue;
			n++;
			if (visit)
				visit(dirfd(dir), e->d_name);
		}
		if (dir)
			closedir(dir);
	}
	return n;
}

static void spoil_at(int folder, const char *name, int flags)
{
	int fd = openat(folder, name, O_WRONLY | O_TRUNC | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_ok(fs_write_all(fd, "{\"step\": 1", 10));
	close(fd);
}

static void spoil(int folder, const char *name)
{
	spoil_at(folder, name, 0);
}

static void test_damaged(void **state)
{
	CLEANUP(json_freep) cJSON *none = NULL;

	add(*state, &POST, 1, 1);
	assert_int_equal(each_file(*state, spoil), 2);
	assert_err(ERR_NOTFOUND, history_load(*state, &POST, &none));
	add(*state, &POST, 2, 1);
	assert_builds(*state, "2*");
}

/* Files of definitions that are long gone. */
static void litter(int folder, const char *name)
{
	(void)name;
	for (unsigned i = 0; i < 100; i++) {
		struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
		char other[48];

		snprintf(other, sizeof(other), "%030u.json", i);
		spoil_at(folder, other, O_CREAT);
		assert_int_equal(utimensat(folder, other, times, 0), 0);
	}
}

static void litter_large(int folder, const char *name)
{
	int fd = openat(folder, "00000000000000000000000000ffff.json",
			O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)name;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	close(fd);
}

/* Definitions come and go; their histories do not stay forever. */
static void test_bounded(void **state)
{
	add(*state, &POST, 1, 1);
	assert_int_equal(each_file(*state, litter), 2);
	add(*state, &POST, 2, 1);
	assert_builds(*state, "2* 1*");
	/* Nothing was written into the pointer's folder again. */
	assert_int_equal(each_file(*state, NULL), 64 + 101);
	each_file(*state, litter_large);
	add(*state, &POST, 3, 1);
	assert_builds(*state, "3* 2* 1");
}

static void test_evictions(void **state)
{
	struct digest a = key_number(1), b = key_number(2), c = key_number(3);
	struct eviction e = {0};

	assert_false(history_evicted(*state, &a, &e));
	history_note_evicted(*state, &a, "--cache-max");
	history_note_evicted(*state, &b, "cache prune");
	history_note_evicted(*state, &a, "cache prune --all");
	assert_true(history_evicted(*state, &a, &e));
	assert_string_equal(e.why, "cache prune --all");
	assert_true(e.time_s > 1600000000);
	assert_true(history_evicted(*state, &b, &e));
	assert_string_equal(e.why, "cache prune");
	assert_false(history_evicted(*state, &c, &e));
}

/* The list of evictions is bounded, and knows the latest. */
static void test_many_evictions(void **state)
{
	struct stat st;
	struct eviction e;
	struct digest last = key_number(19999);

	for (unsigned i = 0; i < 20000; i++) {
		struct digest key = key_number(i);

		history_note_evicted(*state, &key, "--cache-max");
	}
	assert_true(history_evicted(*state, &last, &e));
	assert_int_equal(fstatat(store_fd(*state), "history/evicted.old", &st, 0), 0);
	assert_true(st.st_size < 307200);
	if (fstatat(store_fd(*state), "history/evicted", &st, 0) == 0)
		assert_true(st.st_size < 307200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_latest_builds, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_expected, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_other_definition, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_damaged, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_bounded, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_evictions, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_many_evictions, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
