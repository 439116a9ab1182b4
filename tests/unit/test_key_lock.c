/* SPDX-License-Identifier: MIT
 * test_key_lock.c - one process at a time has a key's lock, and dead processes have none.
 */
/* links: cache */
#include "cache/key_lock.h"
#include "tests/fake/store_fixture.h"

static bool try_lock(const struct store *s, const char *text, struct key_lock *lock,
		     pid_t *holder)
{
	struct digest key = key_of(text);
	bool taken = false;

	assert_ok(key_lock_try(s, &key, lock, &taken, holder));
	return taken;
}

static void test_one_process(void **state)
{
	struct key_lock a = KEY_LOCK_INIT, b = KEY_LOCK_INIT;
	pid_t holder;

	assert_true(try_lock(*state, "k", &a, &holder));
	assert_false(try_lock(*state, "k", &b, &holder));
	assert_int_equal(holder, getpid());
	assert_true(try_lock(*state, "other", &b, &holder));
	key_lock_release(&b);
	key_lock_release(&a);
	key_lock_release(&a); /* nothing happens */
	assert_true(try_lock(*state, "k", &b, &holder));
	/* The lock's file is not cleaned away while it is held. */
	key_lock_clean(*state);
	assert_false(try_lock(*state, "k", &a, &holder));
	key_lock_release(&b);
}

static void take_key(struct store *s, void *context)
{
	static struct key_lock lock = KEY_LOCK_INIT;
	struct digest key = key_of(context);
	bool taken = false;
	pid_t holder;
	struct err *e = key_lock_try(s, &key, &lock, &taken, &holder);

	if (e || !taken)
		_exit(1);
}

static void test_holder_dies(void **state)
{
	struct key_lock lock = KEY_LOCK_INIT;
	char text[] = "k";
	struct other o = other_start(take_key, store_dir(*state), text);
	pid_t holder;

	other_wait(&o);
	assert_false(try_lock(*state, text, &lock, &holder));
	assert_int_equal(holder, o.pid);
	other_kill(&o);
	assert_true(try_lock(*state, text, &lock, &holder));
	key_lock_release(&lock);
}

/* As a container does when its dagbuild is killed: the lock is free once the container
 * has ended. */
static void test_inherited(void **state)
{
	struct key_lock lock = KEY_LOCK_INIT, again = KEY_LOCK_INIT;
	pid_t holder, child;

	assert_true(try_lock(*state, "k", &lock, &holder));
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	/* Not key_lock_release(): the parent is killed, and only its descriptor goes. */
	close(lock.fd);
	assert_false(try_lock(*state, "k", &again, &holder));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(try_lock(*state, "k", &again, &holder));
	key_lock_release(&again);
}

static void test_clean(void **state)
{
	char text[] = "k";
	struct other o = other_start(take_key, store_dir(*state), text);
	struct digest key = key_of(text);
	char hex[DIGEST_TEXT_SIZE];
	CLEANUP(freep) char *path = path_join("locks", digest_hex(&key, hex));

	other_wait(&o);
	other_kill(&o);
	assert_int_equal(faccessat(store_fd(*state), path, F_OK, 0), 0);
	key_lock_clean(*state);
	assert_int_equal(faccessat(store_fd(*state), path, F_OK, 0), -1);
}

/* Many processes add to a number in a file, each reading and writing it under the
 * lock. */
enum { ROUNDS = 100, PROCESSES = 4 };

static void add_one(int dir)
{
	char text[24] = "";
	CLEANUP(closep) int fd = openat(dir, "number", O_RDWR | O_CREAT, 0600);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (fd < 0 || n < 0)
		_exit(1);
	snprintf(text, sizeof(text), "%ld", strtol(text, NULL, 10) + 1);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		_exit(1);
}

static void contend(struct store *s)
{
	struct digest key = key_of("k");

	for (int i = 0; i < ROUNDS;) {
		struct key_lock lock = KEY_LOCK_INIT;
		bool taken = false;
		pid_t holder;
		struct err *e = key_lock_try(s, &key, &lock, &taken, &holder);

		if (e)
			_exit(1);
		if (!taken)
			continue;
		add_one(store_fd(s));
		key_lock_release(&lock);
		i++;
	}
	_exit(0);
}

static void test_contention(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int status;

	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			contend(*state);
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_ok(fs_read_file(store_fd(*state), "number", 16, &text));
	assert_int_equal(strtol(buf_text(&text), NULL, 10), ROUNDS * PROCESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_process, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_holder_dies, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_inherited, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_clean, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_contention, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
