/* SPDX-License-Identifier: MIT
 * test_def_lock.c - the lock file gives back what was written into it, and nothing
 * damaged is believed.
 */
/* links: project */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "frontend/project/def_lock.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char TEXT[] = "{\n"
			   "  \"version\": 1,\n"
			   "  \"bases\": [\n"
			   "    {\n"
			   "      \"agent\": \"docker\",\n"
			   "      \"reference\": \"docker.io/library/alpine:3.17\",\n"
			   "      \"platform\": \"linux/amd64\",\n"
			   "      \"date\": \"2026-11-25T16:07:35Z\",\n"
			   "      \"digest\": \"" A "\"\n"
			   "    },\n"
			   "    {\n"
			   "      \"agent\": \"docker\",\n"
			   "      \"reference\": \"127.0.0.1:5000/a/b:1\",\n"
			   "      \"platform\": \"linux/amd64\",\n"
			   "      \"date\": \"2026-11-25T16:07:36Z\",\n"
			   "      \"digest\": \"" B "\"\n"
			   "    }\n"
			   "  ]\n"
			   "}\n";

struct fixture {
	char *folder;
	char *path;
	struct def_lock lock;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->folder = test_folder_new();
	f->path = xasprintf("%s/x.def.lock", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_folder_remove(f->folder);
	def_lock_release(&f->lock);
	free(f->path);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *text)
{
	assert_null(fs_write_atomic(AT_FDCWD, f->path, text, strlen(text), 0600));
}

static void add(struct def_lock *lock, const char *reference, const char *date,
		const char *digest)
{
	struct def_lock_base base = {
		.agent = (char *)"docker",
		.reference = (char *)reference,
		.platform = (char *)"linux/amd64",
		.date = (char *)date,
	};

	assert_true(digest_parse(str_of(digest), &base.digest));
	def_lock_add(lock, &base);
}

static void test_write_and_read(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(def_lock_release) struct def_lock read = DEF_LOCK_INIT;
	char digest[DIGEST_TEXT_SIZE];
	bool found = false;

	add(&f->lock, "docker.io/library/alpine:3.17", "2026-11-25T16:07:35Z", A);
	add(&f->lock, "127.0.0.1:5000/a/b:1", "2026-11-25T16:07:36Z", B);
	put(f, "something before");
	assert_null(def_lock_write(f->path, &f->lock));
	assert_null(fs_read_file(AT_FDCWD, f->path, 4096, &text));
	assert_string_equal(buf_text(&text), TEXT);
	assert_null(def_lock_read(f->path, NULL, &read, &found));
	assert_true(found);
	assert_int_equal(read.bases.len, 2);
	assert_string_equal(read.bases.items[1].reference, "127.0.0.1:5000/a/b:1");
	assert_string_equal(read.bases.items[1].date, "2026-11-25T16:07:36Z");
	assert_string_equal(digest_format(&read.bases.items[0].digest, digest), A);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;
	bool found = true;

	assert_null(def_lock_read(f->path, NULL, &f->lock, &found));
	assert_false(found);
	assert_null(def_lock_write(f->path, &f->lock));
	assert_null(def_lock_read(f->path, NULL, &f->lock, &found));
	assert_true(found);
	assert_int_equal(f->lock.bases.len, 0);
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	const struct def_lock_base *base;

	add(&f->lock, "docker.io/library/alpine:3.17", "2026-11-25T16:07:35Z", A);
	add(&f->lock, "127.0.0.1:5000/a/b:1", "2026-11-25T16:07:36Z", B);
	base = def_lock_find(&f->lock, "docker", "127.0.0.1:5000/a/b:1");
	assert_ptr_equal(base, &f->lock.bases.items[1]);
	assert_null(def_lock_find(&f->lock, "oras", "127.0.0.1:5000/a/b:1"));
	assert_null(def_lock_find(&f->lock, "docker", "127.0.0.1:5000/a/b:2"));
	base = def_lock_find_like(&f->lock, "docker", "127.0.0.1:5000/a/b:2");
	assert_ptr_equal(base, &f->lock.bases.items[1]);
	/* The port is not a tag. */
	assert_null(def_lock_find_like(&f->lock, "docker", "127.0.0.1:5000/a/c:1"));
	base = def_lock_find_like(&f->lock, "docker", "docker.io/library/alpine:latest");
	assert_ptr_equal(base, &f->lock.bases.items[0]);
}

static void test_damaged(void **state)
{
	static const char *const rows[][2] = {
		{"", "it is not JSON"},
		{"{", "it is not JSON"},
		{"[]", "this dagbuild does not support its version"},
		{"{\"version\": 2, \"bases\": []}",
		 "this dagbuild does not support its version"},
		{"{\"version\": 1}", "it has no list of bases"},
		{"{\"version\": 1, \"bases\": {}}", "it has no list of bases"},
		{"{\"version\": 1, \"bases\": [1]}",
		 "the description of a base is incomplete"},
		{"{\"version\": 1, \"bases\": [{\"agent\": \"docker\", \"reference\": "
		 "\"a\", \"platform\": \"b\", \"date\": 1, \"digest\": \"" A "\"}]}",
		 "the description of a base is incomplete"},
		{"{\"version\": 1, \"bases\": [{\"agent\": \"docker\", \"reference\": "
		 "\"a\", \"platform\": \"b\", \"date\": \"c\", \"digest\": "
		 "\"sha256:1\"}]}",
		 "a base has no sha256 digest"},
		{"{\"version\": 1, \"bases\": [{\"agent\": \"docker\", \"reference\": "
		 "\"a\", \"platform\": \"b\", \"date\": \"c\", \"digest\": "
		 "\"xxh3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}",
		 "a base has no sha256 digest"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(def_lock_release) struct def_lock lock = DEF_LOCK_INIT;
		struct err *e;
		bool found;

		put(f, rows[i][0]);
		e = def_lock_read(f->path, NULL, &lock, &found);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_SYNTAX);
		assert_non_null(strstr(err_text(e), rows[i][1]));
		assert_non_null(err_advice(e));
		err_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
