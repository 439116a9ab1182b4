/* SPDX-License-Identifier: MIT
 * test_base.c - errors, slices, buffers, digests, JSON, paths and sources do what their
 * headers say.
 */
/* links: base */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <xxhash.h>

#include "base/arena.h"
#include "base/byte_count.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/dir.h"
#include "base/epoch.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/source.h"
#include "base/str.h"
#include "base/thread.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

static int setup_folder(void **state)
{
	*state = test_folder_new();
	return 0;
}

static int remove_folder(void **state)
{
	test_folder_remove(*state);
	return 0;
}

static unsigned count_entries(DIR *dir)
{
	unsigned n = 0;

	while (dir_next(dir))
		n++;
	return n;
}

/* An open descriptor gives all entries again, however often we ask. */
static void test_dir(void **state)
{
	CLEANUP(dir_closep) DIR *by_name = dir_open(AT_FDCWD, *state, O_NOFOLLOW);
	CLEANUP(dir_closep) DIR *first = NULL;
	CLEANUP(dir_closep) DIR *second = NULL;

	assert_non_null(by_name);
	assert_int_equal(mkdirat(dirfd(by_name), "...", 0700), 0);
	assert_int_equal(mkdirat(dirfd(by_name), ".a", 0700), 0);
	first = dir_open_fd(dirfd(by_name));
	assert_int_equal(count_entries(first), 2);
	assert_int_equal(errno, 0);
	second = dir_open_fd(dirfd(by_name));
	assert_int_equal(count_entries(second), 2);
}

static void test_dir_fails(void **state)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(AT_FDCWD, *state, 0);
	CLEANUP(closep) int file = -1;

	assert_null(dir_open(dirfd(dir), "none", 0));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(symlinkat(".", dirfd(dir), "link"), 0);
	assert_null(dir_open(dirfd(dir), "link", O_NOFOLLOW));
	/* Reading fails: the descriptor is now a file's. */
	assert_ok(fs_open(dirfd(dir), "file", O_RDONLY | O_CREAT, 0600, &file));
	assert_int_equal(dup3(file, dirfd(dir), O_CLOEXEC), dirfd(dir));
	assert_null(dir_next(dir));
	assert_int_equal(errno, ENOTDIR);
}

/* A chain shows place, causes and the first hint, and has the innermost code. */
static void test_err_chain(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e =
		err_hint(err_new(ERR_CORRUPT, "digest does not match"), "try again");

	(void)state;
	e = err_where(err_wrap(e, "layer '%s'", "x"), "a.def:3:1");
	e = err_attach(e, err_new(ERR_SYS, "cannot unmount"));
	assert_int_equal(err_code(e), ERR_CORRUPT);
	err_render(e, &text);
	assert_string_equal(buf_text(&text), "error: a.def:3:1: layer 'x'\n"
					     "  because: digest does not match\n"
					     "  also: cannot unmount\n"
					     "  hint: try again\n");
	err_free(e);
	buf_clear(&text);
	e = err_hint(err_new(ERR_STEP, "no"), "one\ntwo");
	err_render(e, &text);
	assert_string_equal(buf_text(&text), "error: no\n"
					     "  hint: one\n"
					     "        two\n");
	err_free(e);
}

static void test_err_sys_codes(void **state)
{
	static const struct {
		int number;
		enum err_code code;
	} rows[] = {{ENOSPC, ERR_NOSPACE},
		    {EDQUOT, ERR_NOSPACE},
		    {ENOENT, ERR_NOTFOUND},
		    {EEXIST, ERR_EXISTS},
		    {EIO, ERR_SYS}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err *e;

		errno = rows[i].number;
		e = err_sys("write");
		assert_int_equal(err_code(e), rows[i].code);
		assert_int_equal(err_errno(e), rows[i].number);
		err_free(e);
	}
	assert_null(err_wrap(NULL, "nothing"));
	assert_null(err_hint(NULL, "nothing"));
}

static void test_buf_limit(void **state)
{
	struct buf b = BUF_MAX(5);

	(void)state;
	buf_puts(&b, "abc");
	assert_false(b.overflowed);
	buf_puts(&b, "defg");
	assert_true(b.overflowed);
	assert_string_equal(buf_text(&b), "abcde");
	buf_clear(&b);
	buf_json_string(&b, "\"", 1);
	assert_string_equal(buf_text(&b), "\"\\\"\"");
	buf_release(&b);
}

static void test_str(void **state)
{
	struct str head, tail, rest = STR("  two  words\t");
	uint64_t n = 7;

	(void)state;
	assert_true(str_is(str_trim(STR(" \ta b\r\n")), "a b"));
	assert_true(str_cut(STR("k=v=w"), '=', &head, &tail));
	assert_true(str_is(head, "k") && str_is(tail, "v=w"));
	assert_false(str_cut(STR("kv"), '=', &head, &tail));
	assert_true(str_is(head, "kv") && tail.len == 0);
	assert_true(str_next_word(&rest, &head) && str_is(head, "two"));
	assert_true(str_next_word(&rest, &head) && str_is(head, "words"));
	assert_false(str_next_word(&rest, &head));
	assert_true(str_to_u64(STR("18446744073709551615"), &n) && n == UINT64_MAX);
	assert_false(str_to_u64(STR("18446744073709551616"), &n));
	assert_false(str_to_u64(STR("-1"), &n));
	assert_false(str_to_u64(STR(""), &n));
}

static void test_str_distance(void **state)
{
	(void)state;
	assert_int_equal(str_distance(STR("build"), STR("build"), 3), 0);
	assert_int_equal(str_distance(STR("biuld"), STR("build"), 3), 1);
	assert_int_equal(str_distance(STR("form"), STR("from"), 3), 1);
	assert_int_equal(str_distance(STR("compiler"), STR("compile"), 3), 1);
	assert_int_equal(str_distance(STR("a"), STR("abcdefgh"), 3), 4);
	assert_int_equal(str_distance(STR(""), STR("ab"), 3), 2);
}

/* Of several errors side by side, those that say why count. */
static void test_err_join(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = err_join(NULL, NULL);

	(void)state;
	assert_null(e);
	e = err_join(e, err_new(ERR_CANCELLED, "first cancelled"));
	e = err_join(e, err_new(ERR_CANCELLED, "then cancelled"));
	assert_string_equal(err_text(e), "first cancelled");
	e = err_join(e, err_new(ERR_STEP, "first failed"));
	e = err_join(e, err_new(ERR_NETWORK, "then failed"));
	e = err_join(e, err_new(ERR_CANCELLED, "last cancelled"));
	e = err_join(e, NULL);
	assert_int_equal(err_code(e), ERR_STEP);
	err_render(e, &text);
	assert_string_equal(buf_text(&text),
			    "error: first failed\n  also: then failed\n");
	err_free(e);
}

/* Digests of the empty text: FIPS 180-4's, and xxHash's for no input. */
static void test_digest(void **state)
{
	static const char empty[] =
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct digest d = digest_bytes(DIGEST_SHA256, NULL, "", 0), again;
	struct hash_secret a = {{1}}, b = {{2}};
	struct digest x, y;
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_string_equal(digest_format(&d, text), empty);
	assert_true(digest_parse(STR(empty), &again));
	assert_true(digest_equal(&d, &again));
	assert_false(digest_parse(STR("sha256:E3B0"), &again));
	assert_false(digest_parse(STR("md5:00"), &again));
	d = digest_bytes(DIGEST_XXH3, NULL, "", 0);
	assert_string_equal(digest_format(&d, text),
			    "xxh3:99aa06d3014798d86001c324468d497f");
	/* The store's secret keys it. */
	x = digest_bytes(DIGEST_XXH3, &a, "some text that is hashed", 24);
	y = digest_bytes(DIGEST_XXH3, &b, "some text that is hashed", 24);
	assert_false(digest_equal(&x, &y));
}

/* What xxHash's own state gives for `len` bytes in one go. */
static struct digest xxh3_of(const struct hash_secret *secret, const void *data,
			     size_t len)
{
	struct digest d = {.kind = DIGEST_XXH3};
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t canonical;

	XXH3_128bits_reset_withSecret(state, secret->bytes, sizeof(secret->bytes));
	XXH3_128bits_update(state, data, len);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	XXH3_freeState(state);
	memcpy(d.bytes, canonical.digest, sizeof(canonical.digest));
	return d;
}

/* What libcrypto gives for `len` bytes in one go. */
static struct digest sha256_of(const void *data, size_t len)
{
	struct digest d = {.kind = DIGEST_SHA256};

	assert_int_equal(EVP_Digest(data, len, d.bytes, NULL, EVP_sha256(), NULL), 1);
	return d;
}

static struct digest in_pieces(enum digest_kind kind, const struct hash_secret *secret,
			       const unsigned char *data, size_t len, size_t piece)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(kind, secret);

	for (size_t at = 0; at < len; at += piece)
		hasher_update(h, data + at, len - at < piece ? len - at : piece);
	return hasher_final(h);
}

/* The digest is the same whatever the pieces are, and wherever a buffer ends. */
static void test_hasher_pieces(void **state)
{
	static const size_t pieces[] = {1, 8, 511, 512, 513, 4096};
	struct hash_secret secret;
	unsigned char data[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	memcpy(secret.bytes, data, sizeof(secret.bytes));
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct digest keyed = xxh3_of(&secret, data, len);
		struct digest name = sha256_of(data, len);

		for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
			struct digest got =
				in_pieces(DIGEST_XXH3, &secret, data, len, pieces[p]);

			assert_true(digest_equal(&got, &keyed));
			got = in_pieces(DIGEST_SHA256, NULL, data, len, pieces[p]);
			assert_true(digest_equal(&got, &name));
		}
	}
}

/* Several hashers at a time, in any order, in several threads: contexts are lent, never
 * shared. */
static void *hash_in_turns(void *unused)
{
	enum { N = 5, LEN = 3000 };
	struct hasher *all[N];
	unsigned char data[LEN];

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < N; i++)
			all[i] = hasher_new(DIGEST_SHA256, NULL);
		for (int i = 0; i < N; i++) {
			memset(data, i + round, sizeof(data));
			hasher_update(all[i], data, 1000);
		}
		for (int k = 0; k < N; k++) {
			int i = (k + round) % N;
			struct digest got, want;

			memset(data, i + round, sizeof(data));
			hasher_update(all[i], data, 2000);
			/* An abandoned one leaves nothing behind. */
			if (k % 2 == 0) {
				got = hasher_final(all[i]);
				want = sha256_of(data, sizeof(data));
				assert_true(digest_equal(&got, &want));
			}
			hasher_free(all[i]);
		}
	}
	return unused;
}

static void test_hashers_in_threads(void **state)
{
	pthread_t threads[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_in_turns, NULL),
				 0);
	hash_in_turns(NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Length prefixes keep neighbours apart. */
static void test_hasher_add(void **state)
{
	CLEANUP(hasher_freep) struct hasher *a = hasher_new(DIGEST_XXH3, NULL);
	CLEANUP(hasher_freep) struct hasher *b = hasher_new(DIGEST_XXH3, NULL);
	struct digest x, y;

	(void)state;
	hasher_add_str(a, "ab");
	hasher_add_str(a, "c");
	hasher_add_str(b, "a");
	hasher_add_str(b, "bc");
	x = hasher_final(a);
	y = hasher_final(b);
	assert_false(digest_equal(&x, &y));
}

static void test_json_limits(void **state)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	CLEANUP(buf_release) struct buf deep = BUF_INIT, many = BUF_INIT;
	uint64_t n = 0;

	(void)state;
	assert_ok(json_parse(STR("{\"a\": 9007199254740992, \"b\": \"x\", \"c\": 1.5}"),
			     &tree));
	assert_true(json_u64(tree, "a", &n) && n == UINT64_C(9007199254740992));
	assert_false(json_u64(tree, "c", &n));
	assert_false(json_u64(tree, "b", &n));
	assert_string_equal(json_string(tree, "b"), "x");
	assert_null(json_string(tree, "a"));
	json_freep(&tree);
	assert_err(ERR_CORRUPT, json_parse(STR("{\"a\":1,\"a\":2}"), &tree));
	assert_err(ERR_CORRUPT, json_parse(STR("{\"a\":1} x"), &tree));
	assert_err(ERR_CORRUPT, json_parse(STR(""), &tree));
	for (int i = 0; i < 100; i++)
		buf_putc(&deep, '[');
	assert_err(ERR_CORRUPT, json_parse(str_make(deep.data, deep.len), &tree));
	/* A million values, and one more; commas in a string do not count. */
	for (int i = 0; i <= 1000000; i++)
		buf_append(&many, i ? ",0" : "[0", 2);
	buf_putc(&many, ']');
	assert_err(ERR_CORRUPT, json_parse(str_make(many.data, many.len), &tree));
	many.data[2] = ' ';
	many.data[3] = ' ';
	assert_ok(json_parse(str_make(many.data, many.len), &tree));
	json_freep(&tree);
	many.data[0] = many.data[many.len - 1] = '"';
	assert_ok(json_parse(str_make(many.data, many.len), &tree));
}

static void test_path_texts(void **state)
{
	static const char *const rows[][2] = {
		{"", "/"},	     {"/", "/"},	   {"a/b", "/a/b"},
		{"/a//b/", "/a/b"},  {"../x", "/x"},	   {"./a/../b", "/b"},
		{"/a/b/../..", "/"}, {"/a/../../c", "/c"},
	};
	CLEANUP(freep) char *joined = path_join("/a/", "/b");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *clean = path_clean(rows[i][0]);

		assert_string_equal(clean, rows[i][1]);
	}
	assert_string_equal(joined, "/a/b");
	assert_string_equal(path_base("/a/b"), "b");
}

/* No link and no `..` leads out of the root. */
static void test_path_is_confined(void **state)
{
	CLEANUP(closep) int root = -1;
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *inner = path_join(*state, "root");
	struct stat st;

	assert_int_equal(mkdir(inner, 0755), 0);
	assert_ok(fs_open(AT_FDCWD, inner, O_RDONLY | O_DIRECTORY, 0, &root));
	assert_int_equal(symlinkat("/etc", root, "abs"), 0);
	assert_int_equal(symlinkat("../..", root, "up"), 0);
	assert_err(ERR_NOTFOUND, path_open(root, "/abs/passwd", O_RDONLY, 0, &fd));
	assert_err(ERR_NOTFOUND, path_open(root, "up/etc/passwd", O_RDONLY, 0, &fd));
	assert_ok(path_mkdirs(root, "/etc/deep/er", 0750));
	assert_ok(path_open(root, "/abs/deep/er", O_RDONLY | O_DIRECTORY, 0, &fd));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_err(ERR_USAGE, path_open_parent(root, "a/..", &fd, &(const char *){NULL}));
}

static void test_fs_publish(void **state)
{
	CLEANUP(closep) int dir = -1;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	assert_ok(fs_open(AT_FDCWD, *state, O_RDONLY | O_DIRECTORY, 0, &dir));
	assert_ok(fs_write_atomic(dir, "f", "one", 3, 0600));
	assert_ok(tmpfile_open(&tmp, dir, 0600));
	assert_ok(fs_write_all(tmp.fd, "two", 3));
	assert_err(ERR_EXISTS, tmpfile_publish_new(&tmp, dir, "f"));
	assert_ok(fs_read_file(dir, "f", 10, &text));
	assert_string_equal(buf_text(&text), "one");
	assert_ok(tmpfile_publish(&tmp, dir, "f"));
	buf_clear(&text);
	assert_ok(fs_read_file(dir, "f", 10, &text));
	assert_string_equal(buf_text(&text), "two");
	assert_err(ERR_CORRUPT, fs_read_file(dir, "f", 2, &text));
}

/* A kill between the two names of a file leaves the temporary one: it is removed, but not
 * that of a live owner, nor a name that only looks similar. */
static void test_tmpfile_remove_dead(void **state)
{
	CLEANUP(closep) int dir = -1;
	CLEANUP(closep) int live = -1;

	assert_ok(fs_open(AT_FDCWD, *state, O_RDONLY | O_DIRECTORY, 0, &dir));
	assert_ok(fs_write_atomic(dir, ".dagbuild-dead22222222.tmp", "", 0, 0600));
	assert_ok(fs_write_atomic(dir, ".dagbuild-live22222222.tmp", "", 0, 0600));
	assert_ok(fs_write_atomic(dir, ".dagbuild-mine.tmp", "", 0, 0600));
	assert_int_equal(symlinkat("elsewhere", dir, ".dagbuild-link22222222.tmp"), 0);
	assert_ok(fs_open(dir, ".dagbuild-live22222222.tmp", O_RDONLY, 0, &live));
	assert_int_equal(flock(live, LOCK_EX), 0);
	tmpfile_remove_dead(dir);
	assert_int_equal(faccessat(dir, ".dagbuild-dead22222222.tmp", F_OK, 0), -1);
	assert_int_equal(faccessat(dir, ".dagbuild-live22222222.tmp", F_OK, 0), 0);
	assert_int_equal(faccessat(dir, ".dagbuild-mine.tmp", F_OK, 0), 0);
}

/* Publishing onto a folder fails; then only the folder is left.  The file's name was once
 * removed through a descriptor that was already closed. */
static void test_fs_publish_fails(void **state)
{
	CLEANUP(freep) char *path = path_join(*state, "p");
	CLEANUP(closep) int dir = -1;

	assert_int_equal(mkdir(path, 0700), 0);
	assert_ok(fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir));
	assert_int_equal(mkdirat(dir, "taken", 0700), 0);
	assert_err(ERR_SYS, fs_write_atomic(dir, "taken", "", 0, 0600));
	assert_int_equal(unlinkat(dir, "taken", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(path), 0);
}

/* Folders without permission, as overlayfs leaves them, are removed too. */
static void test_fs_remove_tree(void **state)
{
	CLEANUP(closep) int dir = -1;

	assert_ok(fs_open(AT_FDCWD, *state, O_RDONLY | O_DIRECTORY, 0, &dir));
	assert_ok(fs_mkdirs(dir, "a/b/c", 0755));
	assert_ok(fs_write_atomic(dir, "a/b/f", "", 0, 0600));
	assert_int_equal(symlinkat("/etc/passwd", dir, "a/link"), 0);
	assert_int_equal(fchmodat(dir, "a/b", 0, 0), 0);
	assert_ok(fs_remove_tree(dir, "a"));
	assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_ok(fs_remove_tree(dir, "a"));
}

static void test_source_positions(void **state)
{
	CLEANUP(source_freep) struct source *s = source_new("x.def", STR("ab\r\n\nlast"));
	CLEANUP(freep) char *place = place_text((struct place){s, 5});

	(void)state;
	assert_string_equal(place, "x.def:3:1");
	assert_true(str_is(source_line(s, 1), "ab"));
	assert_true(str_is(source_line(s, 2), ""));
	assert_true(str_is(source_line(s, 3), "last"));
	assert_true(str_is(source_line(s, 4), ""));
	assert_int_equal(source_position(s, 99).column, 5);
}

/* A child gets only the descriptors that it was given, and returns its status. */
static void test_proc(void **state)
{
	static const char *const words[] = {"sh", "-c", "echo hi >&3; kill -TERM $$",
					    NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(closep) int read_end = -1;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	int write_end = -1, status = 0;
	struct proc_spec spec = {.path = "sh",
				 .argv = words,
				 .stdin_fd = -1,
				 .stdout_fd = -1,
				 .stderr_fd = -1,
				 .pass_fds = &write_end,
				 .n_pass_fds = 1};

	(void)state;
	assert_ok(proc_pipe(&read_end, &write_end));
	assert_ok(proc_start(&p, &spec));
	close(write_end);
	assert_ok(fs_read_fd(read_end, 100, &out));
	assert_ok(proc_wait(&p, &status));
	assert_int_equal(status, 128 + 15);
	assert_string_equal(buf_text(&out), "hi\n");
	spec.n_pass_fds = 0;
	spec.path = "/nonexistent/program";
	assert_err(ERR_NOTFOUND, proc_start(&p, &spec));
	assert_true(proc_cpus() >= 1);
}

static void test_duration_texts(void **state)
{
	char text[16];

	(void)state;
	clock_format_duration(42000000, text, sizeof(text));
	assert_string_equal(text, "42ms");
	clock_format_duration(3140000000, text, sizeof(text));
	assert_string_equal(text, "3.1s");
	clock_format_duration(UINT64_C(125000000000), text, sizeof(text));
	assert_string_equal(text, "2m05s");
}

static void test_epoch(void **state)
{
	bool set = true;
	int64_t seconds = 1;

	(void)state;
	unsetenv("SOURCE_DATE_EPOCH");
	assert_ok(epoch_from_environment(&set, &seconds));
	assert_false(set);
	setenv("SOURCE_DATE_EPOCH", "", 1);
	assert_ok(epoch_from_environment(&set, &seconds));
	assert_false(set);
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	assert_ok(epoch_from_environment(&set, &seconds));
	assert_true(set);
	assert_int_equal(seconds, 1700000000);
	setenv("SOURCE_DATE_EPOCH", "4294967296", 1);
	assert_err(ERR_USAGE, epoch_from_environment(&set, &seconds));
	unsetenv("SOURCE_DATE_EPOCH");
}

struct signal_to {
	pthread_cond_t *condition;
	pthread_mutex_t *lock;
};

static void *signal_it(void *self)
{
	struct signal_to *to = self;

	pthread_mutex_lock(to->lock);
	pthread_cond_signal(to->condition);
	pthread_mutex_unlock(to->lock);
	return NULL;
}

/* The time is the monotonic clock's: by the wall clock it would be long past, in 1970. */
static void test_condition(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t until_ns = clock_mono_ns() + 20000000;
	pthread_cond_t condition;
	struct signal_to to = {&condition, &lock};
	pthread_t thread;

	(void)state;
	thread_cond_init(&condition);
	pthread_mutex_lock(&lock);
	while (thread_cond_wait_until(&condition, &lock, until_ns))
		;
	assert_true(clock_mono_ns() >= until_ns);
	/* The thread cannot signal before we wait. */
	assert_ok(thread_start(&thread, signal_it, &to));
	assert_true(thread_cond_wait_until(&condition, &lock, until_ns + GIB(1000)));
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&condition);
}

static void test_arena(void **state)

{
	CLEANUP(arena_freep) struct arena *a = arena_new();
	char *kept = arena_printf(a, "%d", 42);

	(void)state;
	for (size_t i = 1; i < 5000; i++) {
		char *p = arena_alloc(a, i);

		assert_int_equal((uintptr_t)p % _Alignof(void *), 0);
		assert_int_equal(p[0] | p[i - 1], 0);
		memset(p, 0xff, i);
	}
	assert_string_equal(kept, "42");
}

/* A text that does not fit is measured and written again; past the maximum it is cut. */
static void test_buf_printf(void **state)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT, small = BUF_MAX(5);

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "%0*d,", i, i);
	assert_int_equal(b.len, strlen(b.data));
	assert_string_equal(b.data + b.len - 4, "099,");
	buf_printf(&small, "%s", "123");
	buf_printf(&small, "%s", "456");
	assert_string_equal(small.data, "12345");
	assert_true(small.overflowed);
}

static void test_byte_count(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} one[] = {
		{0, "0 B"},
		{999, "999 B"},
		{2150400, "2.2 MB"},
		{UINT64_MAX, "18446744.1 TB"},
	};
	static const struct {
		uint64_t a, b;
		const char *a_text, *b_text;
	} two[] = {
		{GIB(2048), GIB(1024), "2.0 TiB", "1.0 TiB"},
		{MIB(1229), GIB(1), "1.2 GiB", "1.0 GiB"},
		{GIB(300), GIB(1), "300.0 GiB", "1.0 GiB"},
		{MIB(10) + 1, MIB(10), "10485761 bytes", "10485760 bytes"},
		{MIB(8), 1, "8388608 bytes", "1 bytes"},
		{KIB(1), KIB(3), "1.0 KiB", "3.0 KiB"},
		{UINT64_MAX, GIB(1024), "16777216.0 TiB", "1.0 TiB"},
	};
	char a[BYTE_COUNT_SIZE], b[BYTE_COUNT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(one); i++) {
		byte_count_format(one[i].bytes, a);
		assert_string_equal(a, one[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		byte_count_format_two(two[i].a, two[i].b, a, b);
		assert_string_equal(a, two[i].a_text);
		assert_string_equal(b, two[i].b_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_chain),
		cmocka_unit_test(test_err_sys_codes),
		cmocka_unit_test(test_buf_limit),
		cmocka_unit_test(test_buf_printf),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_str_distance),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_err_join),
		cmocka_unit_test(test_hasher_pieces),
		cmocka_unit_test(test_hashers_in_threads),
		cmocka_unit_test(test_hasher_add),
		cmocka_unit_test(test_json_limits),
		cmocka_unit_test(test_path_texts),
		cmocka_unit_test_setup_teardown(test_path_is_confined, setup_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_dir, setup_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_dir_fails, setup_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_fs_publish, setup_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_fs_publish_fails, setup_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_tmpfile_remove_dead, setup_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree, setup_folder,
						remove_folder),
		cmocka_unit_test(test_source_positions),
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_duration_texts),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_condition),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_byte_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
