/* SPDX-License-Identifier: MIT
 * test_given.c - texts are read once: the next process gets what this one read, whatever
 * happened to the files.
 */
/* links: project */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frontend/project/def_lock.h"
#include "frontend/project/given.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

#define LOCK(reference)                                                                  \
	"{\"version\": 1, \"bases\": [{\"agent\": \"docker\", \"reference\": "           \
	"\"" reference                                                                   \
	"\", \"platform\": \"linux/amd64\", \"date\": \"2026-11-25T16:07:35Z\", "        \
	"\"digest\": \"sha256:"                                                          \
	"1111111111111111111111111111111111111111111111111111111111111111\"}]}"

struct fixture {
	char *dir;
	char *path;
	struct given given;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = test_folder_new();
	f->path = xasprintf("%s/x.def.lock", f->dir);
	f->given = (struct given)GIVEN_INIT;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	given_release(&f->given);
	test_folder_remove(f->dir);
	free(f->path);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *text)
{
	assert_null(fs_write_atomic(AT_FDCWD, f->path, text, strlen(text), 0644));
}

/* As the next process gets it: from the words of the command line. */
static void pass_on(struct fixture *f)
{
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	struct given next;

	assert_null(given_hand_over(&f->given, &words));
	assert_true(given_take_over(buf_text(&words), &next));
	f->given = next;
}

static bool is_locked(struct fixture *f, const char *reference)
{
	CLEANUP(def_lock_release) struct def_lock lock = DEF_LOCK_INIT;
	bool found = false;

	assert_null(def_lock_read(f->path, &f->given, &lock, &found));
	return found && def_lock_find(&lock, "docker", reference);
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	put(f, "before");
	assert_null(given_read(&f->given, GIVEN_DEFINITION, f->path, &text));
	assert_string_equal(buf_text(&text), "before");
	put(f, "after");
	assert_false(f->given.is_checked);
	pass_on(f);
	assert_true(f->given.is_checked);
	buf_clear(&text);
	assert_null(given_read(&f->given, GIVEN_DEFINITION, f->path, &text));
	assert_string_equal(buf_text(&text), "before");
	assert_int_equal(f->given.fd[GIVEN_ARGUMENTS], GIVEN_UNREAD);
	assert_true(fcntl(f->given.fd[GIVEN_DEFINITION], F_GETFD) & FD_CLOEXEC);
}

static void test_lock_changes(void **state)
{
	struct fixture *f = *state;

	put(f, LOCK("a:1"));
	assert_true(is_locked(f, "a:1"));
	put(f, LOCK("b:1"));
	pass_on(f);
	assert_true(is_locked(f, "a:1"));
	assert_false(is_locked(f, "b:1"));
	assert_false(f->given.is_checked); /* nothing was said of a definition */
}

static void test_lock_comes_and_goes(void **state)
{
	struct fixture *f = *state;

	assert_false(is_locked(f, "a:1"));
	put(f, LOCK("a:1"));
	assert_false(is_locked(f, "a:1"));
	pass_on(f);
	assert_false(is_locked(f, "a:1"));
	given_release(&f->given);
	assert_true(is_locked(f, "a:1"));
	assert_int_equal(unlink(f->path), 0);
	pass_on(f);
	assert_true(is_locked(f, "a:1"));
}

/* A file, or memory that could still be written, is not trusted to be what was
 * checked. */
static void test_not_sealed(void **state)
{
	struct fixture *f = *state;
	int fds[] = {open(f->dir, O_RDONLY | O_CLOEXEC),
		     memfd_create("text", MFD_CLOEXEC),
		     memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	static const char *const bad[] = {
		"",	 ",",	  ",,",	     ",,,,", "x,,,",
		"-1,,,", "--,,,", "9999,,,", ",,,-", "4294967296,,,"};

	assert_int_equal(fcntl(fds[2], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		CLEANUP(freep) char *words = xasprintf("%d,,,", fds[i]);

		assert_true(fds[i] >= 0);
		assert_false(given_take_over(words, &f->given));
		close(fds[i]);
		f->given = (struct given)GIVEN_INIT;
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(given_take_over(bad[i], &f->given));
	assert_true(given_take_over(",-,,", &f->given));
	assert_int_equal(f->given.fd[GIVEN_ARGUMENTS], GIVEN_ABSENT);
	assert_false(f->given.is_checked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_comes_and_goes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_not_sealed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
