/* SPDX-License-Identifier: MIT
 * test_store_make.c - which folders become a store, and that only our own files are ever
 * removed from it.
 */
/* links: cache */
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/gc.h"
#include "cache/store_make.h"
#include "cache/store_names.h"
#include "tests/fake/store_fixture.h"
#include "tests/fake/tree_text.h"

/* What to make in a new folder, as words: "NAME/" is a folder, "NAME|" a fifo, "NAME>" a
 * link to nowhere, others are files; "NAME=TEXT" holds a text. */
static void make(int dir_fd, const char *words)
{
	CLEANUP(freep) char *copy = xstrdup(words);
	char *saved = NULL;

	for (char *w = strtok_r(copy, " ", &saved); w; w = strtok_r(NULL, " ", &saved)) {
		char *text = strchr(w, '='), *last = w + strlen(w) - 1;

		if (text)
			*text++ = '\0';
		if (*last == '/') {
			assert_ok(fs_mkdirs(dir_fd, w, 0700));
		} else if (!text && *last == '|') {
			*last = '\0';
			assert_int_equal(mkfifoat(dir_fd, w, 0600), 0);
		} else if (!text && *last == '>') {
			*last = '\0';
			assert_int_equal(symlinkat("nowhere", dir_fd, w), 0);
		} else {
			assert_ok(fs_write_atomic(dir_fd, w, text ? text : "x",
						  text ? strlen(text) : 1, 0600));
		}
	}
}

struct place {
	char path[PATH_MAX];
	int fd;
};

static struct place place_new(const char *words)
{
	CLEANUP(freep) char *path = test_folder_new();
	struct place p = {"", -1};

	snprintf(p.path, sizeof(p.path), "%s", path);
	assert_ok(fs_open(AT_FDCWD, p.path, O_RDONLY | O_DIRECTORY, 0, &p.fd));
	make(p.fd, words);
	return p;
}

static void place_remove(struct place *p)
{
	closep(&p->fd);
	assert_ok(fs_remove_tree(AT_FDCWD, p->path));
}

static bool has(const struct place *p, const char *name)
{
	return faccessat(p->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* An unfinished store: the process that made it was killed. */
#define SKELETON "blobs/ blobs/sha256/ blobs/partial/ layers/ records/ logs/ tmp/"

/* A folder that holds anything else is refused, and stays unchanged. */
static void test_strange_folders(void **state)
{
	static const char *const folders[] = {
		"thesis/ thesis/chapter1.tex",
		"notes",
		".hidden",
		"tmp/ tmp/mine/",
		"tmp/ tmp/experimental/",
		"tmp/ tmp/scratch-abcdefghijkl/",
		"logs/ logs/mylog",
		"logs/ logs/job-20251129.log",
		"layers/ layers/photographic/",
		"records/ records/ab/",
		"blobs/ blobs/sha256/ blobs/sha256/ab/",
		"locks/ locks/.keep",
		"version=1.2",
		"version=",
		"version|",
		"version>",
		"version/",
		"secret=password",
		"layers",
		"tmp>",
		"CACHEDIR.TAG=Signature:",
		SKELETON " thesis/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		CLEANUP(buf_release) struct buf before = BUF_INIT, after = BUF_INIT;
		struct place p = place_new(folders[i]);
		struct store *s = NULL;

		tree_text(p.path, &before);
		assert_err(ERR_USAGE, store_open(p.path, STORE_WRITE, &s));
		assert_err(ERR_NOTFOUND, store_open(p.path, STORE_READ, &s));
		tree_text(p.path, &after);
		assert_string_equal(buf_text(&before), buf_text(&after));
		place_remove(&p);
	}
}

/* An empty folder, and one in which a process was killed while it made a store, become
 * one. */
static void test_empty_and_unfinished(void **state)
{
	static const char *const folders[] = {
		"",
		"tmp/",
		SKELETON,
		SKELETON " .dagbuild-abcdefghijkl.tmp",
		"layers/ failed/ leases/ locks/",
		/* An older release made it. */
		"layers/ layers/empty/ failed/ leases/ locks/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct place p = place_new(folders[i]);
		struct store *s = NULL;

		assert_ok(store_open(p.path, STORE_WRITE, &s));
		assert_true(has(&p, "version"));
		assert_int_equal(has(&p, "layers/empty"),
				 strstr(folders[i], "layers/empty") != NULL);
		assert_false(has(&p, ".dagbuild-abcdefghijkl.tmp"));
		store_close(s);
		place_remove(&p);
	}
}

static void test_newer_version(void **state)
{
	struct place p = place_new("");
	struct store *s = NULL;

	(void)state;
	assert_ok(fs_write_atomic(p.fd, "version", "dagbuild store 5\n", 17, 0600));
	assert_err(ERR_UNSUPPORTED, store_open(p.path, STORE_WRITE, &s));
	assert_err(ERR_UNSUPPORTED, store_open(p.path, STORE_READ, &s));
	assert_false(has(&p, "layers"));
	place_remove(&p);
}

/* What is not a folder, or may not become a store. */
static void test_no_folders(void **state)
{
	struct place p = place_new("file link> fifo|");
	const char *const names[] = {"file", "file/below", "link", "fifo"};
	struct store *s = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(freep) char *path = path_join(p.path, names[i]);

		assert_err(ERR_USAGE, store_open(path, STORE_WRITE, &s));
	}
	assert_err(ERR_USAGE, store_open("/", STORE_WRITE, &s));
	place_remove(&p);
}

static void test_home_is_refused(void **state)
{
	CLEANUP(freep) char *home = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
	struct place p = place_new("");
	struct store *s = NULL;

	(void)state;
	assert_int_equal(setenv("HOME", p.path, 1), 0);
	assert_err(ERR_USAGE, store_open(p.path, STORE_WRITE, &s));
	assert_int_equal(home ? setenv("HOME", home, 1) : unsetenv("HOME"), 0);
	place_remove(&p);
}

static void test_other_owner(void **state)
{
	struct place p = place_new("");
	struct store *s = NULL;

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(fchown(p.fd, 1234, 1234), 0);
		assert_err(ERR_UNSUPPORTED, store_open(p.path, STORE_WRITE, &s));
		assert_false(has(&p, "version"));
	}
	place_remove(&p);
}

/* Others must not be able to put a layer of theirs in place of ours. */
static void test_mode(void **state)
{
	struct place p = place_new("");
	struct store *s = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(fchmod(p.fd, 02775), 0);
	assert_ok(store_open(p.path, STORE_WRITE, &s));
	assert_int_equal(fstat(p.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02755);
	store_close(s);
	place_remove(&p);
}

/* Backups look for the first 43 bytes. */
static void test_tag(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	assert_ok(fs_read_file(store_fd(*state), "CACHEDIR.TAG", 1000, &text));
	assert_memory_equal(text.data, "Signature: 8a477f597d28d172789f06886806bc55", 43);
}

/* The start removes what dead processes left, and nothing else in tmp/. */
static void test_start_removes_ours(void **state)
{
	struct place p = place_new("");
	struct store *s = NULL;

	(void)state;
	assert_ok(store_open(p.path, STORE_WRITE, &s));
	store_close(s);
	make(p.fd, "tmp/mine/ tmp/experimental/ tmp/file tmp/scratch-mine/ "
		   "tmp/scratch-abcdefghijkl/ locks/mine leases/mine");
	assert_ok(store_open(p.path, STORE_WRITE, &s));
	assert_false(has(&p, "tmp/scratch-abcdefghijkl"));
	assert_true(has(&p, "tmp/mine") && has(&p, "tmp/experimental"));
	assert_true(has(&p, "tmp/file") && has(&p, "tmp/scratch-mine"));
	assert_true(has(&p, "locks/mine") && has(&p, "leases/mine"));
	store_close(s);
	place_remove(&p);
}

static const char STRANGE[] =
	"thesis/ thesis/chapter1.tex logs/mylog layers/mine/ layers/mine/f blobs/mine "
	"blobs/sha256/ab/mine records/mine records/ab/mine.json failed/mine/ leases/mine "
	"tmp/mine/";

static void add_strange(int fd)
{
	make(fd, "blobs/sha256/ab/ records/ab/");
	make(fd, STRANGE);
}

/* Each name of STRANGE is there. */
static void check_strange(const struct place *p)
{
	CLEANUP(freep) char *copy = xstrdup(STRANGE);
	char *saved = NULL;

	for (char *w = strtok_r(copy, " ", &saved); w; w = strtok_r(NULL, " ", &saved))
		if (!has(p, w))
			fail_msg("'%s' is gone", w);
}

static struct place store_with_things(struct store **out)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	struct place p = place_new("");
	struct digest id = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	struct layer_id layer;

	assert_ok(store_open(p.path, STORE_WRITE, out));
	layer = make_layer(*out, 5000);
	snapshot_push(&chain, &layer);
	make_record(*out, "a.post", &chain);
	assert_ok(blob_put(*out, &id, "hello", 5));
	make(p.fd, "logs/a.post-01234567.log");
	return p;
}

static void test_prune_removes_ours(void **state)
{
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result;
	struct store *s = NULL;
	struct place p = store_with_things(&s);

	(void)state;
	add_strange(p.fd);
	policy.unused_since_ns = INT64_MAX;
	assert_ok(gc_run(s, &policy, &result));
	assert_int_equal(result.victims, 4);
	assert_false(has(&p, "logs/a.post-01234567.log"));
	check_strange(&p);
	store_close(s);
	place_remove(&p);
}

static void test_clear_removes_ours(void **state)
{
	struct store_rest rest;
	bool cleared = false;
	struct store *s = NULL;
	struct place p = store_with_things(&s);

	(void)state;
	add_strange(p.fd);
	assert_ok(store_rest(s, &rest));
	assert_int_equal(rest.strange, 10);
	assert_non_null(rest.example);
	store_rest_release(&rest);
	assert_ok(store_clear(s, &cleared));
	assert_true(cleared);
	check_strange(&p);
	assert_false(has(&p, "version") || has(&p, "locks") || has(&p, "CACHEDIR.TAG"));
	store_close(s);
	place_remove(&p);
}

/* Everything that the store makes is on the list: none of it stays. */
static void test_clear_leaves_nothing(void **state)
{
	CLEANUP(freep) char *link = NULL;
	bool cleared = false;
	struct store *s = NULL;
	struct place p = store_with_things(&s);

	(void)state;
	assert_ok(store_hold(s));
	store_release(s);
	assert_ok(store_clear(s, &cleared));
	assert_true(cleared);
	store_close(s);
	assert_int_equal(access(p.path, F_OK), -1);

	/* Through a link the store is cleared, and link and folder stay. */
	p = store_with_things(&s);
	store_close(s);
	link = xasprintf("%s.link", p.path);
	assert_int_equal(symlink(p.path, link), 0);
	assert_ok(store_open(link, STORE_WRITE, &s));
	assert_ok(store_clear(s, &cleared));
	assert_true(cleared);
	store_close(s);
	assert_int_equal(rmdir(p.path), 0);
	assert_int_equal(unlink(link), 0);
	closep(&p.fd);
}

/* A process that has the store open, with no lease, keeps it from being cleared. */
static void test_clear_of_open(void **state)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	bool cleared = true;
	struct store *s = NULL, *other = NULL;
	struct place p = store_with_things(&s);

	(void)state;
	assert_ok(store_open(p.path, STORE_WRITE, &other));
	assert_ok(store_clear(other, &cleared));
	assert_false(cleared);
	assert_true(has(&p, "version") && has(&p, "locks") && has(&p, "secret"));
	make_record(s, "b.post", &chain);
	store_close(s);
	assert_ok(store_clear(other, &cleared));
	assert_true(cleared);
	assert_int_equal(access(p.path, F_OK), -1);
	store_close(other);
	closep(&p.fd);
}

/* Fork a process that clears the store again and again, until it is killed. */
static pid_t start_clearing(const char *path)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	/* It must not outlive a test that fails. */
	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0) {
		CLEANUP(store_closep) struct store *s = NULL;
		struct err *e = store_open(path, STORE_WRITE, &s);
		bool cleared;

		if (e)
			_exit(1);
		err_ignore(store_clear(s, &cleared), "the parent looks");
	}
	return pid;
}

/* Clearing, also when it is killed, never leaves what the next opening refuses; and who
 * has the store open can write into it. */
static void test_clear_races(void **state)
{
	enum { ROUNDS = 40, OPENINGS = 8 };
	struct place p = place_new("");

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = start_clearing(p.path);
		int status;

		for (int i = 0; i < OPENINGS; i++) {
			CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
			struct store *s = NULL;

			assert_ok(store_open(p.path, STORE_WRITE, &s));
			make_record(s, "a.post", &chain);
			assert_true(faccessat(store_fd(s), "version", F_OK, 0) == 0);
			store_close(s);
			usleep((useconds_t)(round * 20));
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	closep(&p.fd);
	test_folder_remove(xstrdup(p.path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strange_folders),
		cmocka_unit_test(test_empty_and_unfinished),
		cmocka_unit_test(test_newer_version),
		cmocka_unit_test(test_no_folders),
		cmocka_unit_test(test_home_is_refused),
		cmocka_unit_test(test_other_owner),
		cmocka_unit_test(test_mode),
		cmocka_unit_test_setup_teardown(test_tag, setup_store, remove_store),
		cmocka_unit_test(test_start_removes_ours),
		cmocka_unit_test(test_prune_removes_ours),
		cmocka_unit_test(test_clear_removes_ours),
		cmocka_unit_test(test_clear_leaves_nothing),
		cmocka_unit_test(test_clear_of_open),
		cmocka_unit_test(test_clear_races),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
