/* SPDX-License-Identifier: MIT
 * test_usage.c - the store takes what du(1) says, and seals detect damage.
 */
/* links: cache */
#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/proc.h"
#include "cache/seal.h"
#include "cache/usage.h"
#include "cache/verify.h"
#include "tests/fake/store_fixture.h"

static uint64_t du(const char *dir)
{
	const char *argv[] = {"du", "-s", "--block-size=1", dir, NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(closep) int read_end = -1;
	CLEANUP(closep) int write_end = -1;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int status = 1;

	assert_ok(proc_pipe(&read_end, &write_end));
	assert_ok(proc_start(&p, &(struct proc_spec){.path = "du",
						     .argv = argv,
						     .stdin_fd = -1,
						     .stdout_fd = write_end,
						     .stderr_fd = -1}));
	closep(&write_end);
	write_end = -1;
	assert_ok(fs_read_fd(read_end, 4096, &text));
	assert_ok(proc_wait(&p, &status));
	assert_int_equal(status, 0);
	return strtoull(buf_text(&text), NULL, 10);
}

static void fill(struct store *s)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	struct digest blob = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	struct layer_id a = make_layer(s, 100000), b = make_layer(s, 5);
	int dir = store_fd(s);

	snapshot_push(&chain, &a);
	snapshot_push(&chain, &b);
	make_record(s, "step", &chain);
	assert_ok(blob_put(s, &blob, "hello", 5));
	/* A file with two names, one with a hole, a folder of an unknown kind. */
	write_at(dir, "logs/one.log", 5000);
	assert_int_equal(linkat(dir, "logs/one.log", dir, "logs/two.log", 0), 0);
	write_at(dir, "logs/hole.log", 1);
	assert_int_equal(mkdirat(dir, "future", 0700), 0);
	write_at(dir, "future/file", 9000);
	CLEANUP(closep) int fd = openat(dir, "logs/hole.log", O_WRONLY);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
}

static void test_as_du(void **state)
{
	struct usage_report exact, quick;

	fill(*state);
	sync(); /* else blocks are still being allocated */
	assert_ok(usage_measure(*state, USAGE_EXACT, &exact));
	assert_int_equal(exact.total.bytes, du(store_dir(*state)));
	assert_ok(usage_measure(*state, USAGE_QUICK, &quick));
	assert_int_equal(quick.total.files, exact.total.files);
	assert_int_equal(quick.total.bytes, exact.total.bytes);
	assert_true(exact.kinds[USAGE_OTHER].bytes > 9000);
	assert_true(exact.kinds[USAGE_LAYERS].bytes > 100000);
	assert_int_equal(exact.kinds[USAGE_FAILED].files, 1); /* its folder */
}

/* ---- seals ---- */

static char *in_layer(const struct store *s, const struct layer_id *id, const char *name)
{
	return xasprintf("%s/layers/%s/%s", store_dir(s), id->name, name);
}

static struct err *look_at(const struct store *s, int dir_fd, const char *name,
			   struct seal *out)
{
	return seal_compute(
		&(struct seal_request){.store = s, .dir_fd = dir_fd, .name = name}, out);
}

static bool seal_holds(const struct store *s, const struct layer_id *id)
{
	CLEANUP(freep) char *path = path_join("layers", id->name);
	struct seal want, got;

	assert_ok(seal_read(store_fd(s), path, &want));
	assert_ok(look_at(s, store_fd(s), path, &got));
	return digest_equal(&want.digest, &got.digest);
}

static void damage_content(const char *path)
{
	struct stat st;
	struct timespec times[2];
	int fd = open(path, O_WRONLY);

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, "y", 1, 3), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0); /* size and times reveal nothing */
	close(fd);
}

static void damage_mode(const char *path)
{
	assert_int_equal(chmod(path, 0600), 0);
}

static void damage_missing(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void damage_attribute(const char *path)
{
	assert_int_equal(setxattr(path, "user.test", "1", 1, 0), 0);
}

static void damage_time(const char *path)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void damage_link(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
}

static void (*const damages[])(const char *path) = {
	damage_content,	  damage_mode, damage_missing,
	damage_attribute, damage_time, damage_link,
};

static void test_seal(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char name[8];
		struct layer_id id;
		CLEANUP(freep) char *path = NULL;

		snprintf(name, sizeof(name), "%zu", i);
		id = make_layer(*state, 10);
		path = in_layer(*state, &id, "file");
		assert_true(seal_holds(*state, &id));
		damages[i](path);
		assert_false(seal_holds(*state, &id));
	}
}

/* ---- each part of a seal: a registry's layer has nothing else ---- */

/* What is changed has the times of before: only the part itself tells. */
static void set_times(int root)
{
	static const char *const names[] = {"a", "b", "c", "d", "link", "device", "."};
	struct timespec times[2] = {{1000, 7}, {1000, 7}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (utimensat(root, names[i], times, AT_SYMLINK_NOFOLLOW) != 0)
			assert_int_equal(errno, ENOENT);
}

static void set_note(int root, const char *value)
{
	CLEANUP(closep) int fd = openat(root, "a", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fsetxattr(fd, "user.note", value, strlen(value), 0), 0);
}

static void change_mode(int root)
{
	assert_int_equal(fchmodat(root, "a", 0600, 0), 0);
}

static void change_owner(int root)
{
	assert_int_equal(fchownat(root, "a", 1, (gid_t)-1, 0), 0);
}

static void change_group(int root)
{
	assert_int_equal(fchownat(root, "a", (uid_t)-1, 1, 0), 0);
}

static void change_name(int root)
{
	assert_int_equal(renameat(root, "c", root, "d"), 0);
}

static void change_link(int root)
{
	assert_int_equal(unlinkat(root, "link", 0), 0);
	assert_int_equal(symlinkat("b", root, "link"), 0);
}

static void change_note(int root)
{
	set_note(root, "2");
}

/* "c" is another name of "b", not of "a". */
static void regroup(int root)
{
	assert_int_equal(unlinkat(root, "c", 0), 0);
	assert_int_equal(linkat(root, "b", root, "c", 0), 0);
}

static void change_device(int root)
{
	assert_int_equal(unlinkat(root, "device", 0), 0);
	assert_int_equal(mknodat(root, "device", S_IFCHR | 0644, makedev(1, 5)), 0);
}

static const struct {
	const char *name;
	void (*change)(int root);
	bool needs_root;
} parts[] = {
	{"mode", change_mode, false},
	{"owner", change_owner, true},
	{"group", change_group, true},
	{"name", change_name, false},
	{"text of a link", change_link, false},
	{"value of an attribute", change_note, false},
	{"which names are one file", regroup, false},
	{"device", change_device, true},
};

static void make_parts(int root)
{
	write_at(root, "a", 1);
	write_at(root, "b", 1);
	assert_int_equal(linkat(root, "a", root, "c", 0), 0);
	set_note(root, "1");
	assert_int_equal(symlinkat("a", root, "link"), 0);
	if (geteuid() == 0)
		assert_int_equal(mknodat(root, "device", S_IFCHR | 0644, makedev(1, 3)),
				 0);
}

/* `time` of "a", unless it is NULL. */
static struct digest seal_after(const struct store *s, void (*change)(int root),
				const struct timespec *time)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int root = -1;
	struct seal seal;

	assert_ok(scratch_new(s, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(fs_open(scratch.fd, "upper", O_RDONLY | O_DIRECTORY, 0, &root));
	make_parts(root);
	if (change)
		change(root);
	set_times(root);
	if (time)
		assert_int_equal(
			utimensat(root, "a", (struct timespec[2]){*time, *time}, 0), 0);
	assert_ok(look_at(s, scratch.fd, "upper", &seal));
	return seal.digest;
}

static void test_seal_parts(void **state)
{
	struct digest was = seal_after(*state, NULL, NULL),
		      is = seal_after(*state, NULL, NULL);

	assert_true(digest_equal(&was, &is));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].needs_root && geteuid() != 0)
			continue;
		is = seal_after(*state, parts[i].change, NULL);
		if (digest_equal(&was, &is))
			fail_msg("the seal does not cover: %s", parts[i].name);
	}
	is = seal_after(*state, NULL, &(struct timespec){1001, 7});
	assert_false(digest_equal(&was, &is));
	is = seal_after(*state, NULL, &(struct timespec){1000, 8});
	assert_false(digest_equal(&was, &is));
}

/* overlayfs drops links to a whiteout when it is unmounted. */
static void test_seal_and_links(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	struct seal before, after;

	assert_ok(scratch_new(*state, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	write_at(scratch.fd, "upper/a", 1);
	write_at(scratch.fd, "upper/b", 2);
	assert_int_equal(linkat(scratch.fd, "upper/b", scratch.fd, "upper/c", 0), 0);
	assert_int_equal(linkat(scratch.fd, "upper/a", scratch.fd, "outside", 0), 0);
	assert_ok(look_at(*state, scratch.fd, "upper", &before));
	assert_int_equal(unlinkat(scratch.fd, "outside", 0), 0);
	assert_ok(look_at(*state, scratch.fd, "upper", &after));
	assert_true(digest_equal(&before.digest, &after.digest));
	/* But a link within the layer counts. */
	assert_int_equal(unlinkat(scratch.fd, "upper/c", 0), 0);
	assert_ok(look_at(*state, scratch.fd, "upper", &after));
	assert_false(digest_equal(&before.digest, &after.digest));
}

static struct err *refuse(const void *context)
{
	(void)context;
	return err_new(ERR_CANCELLED, "stop");
}

/* Files that are too large make no layer, nor does an interrupted walk; holes cost
 * nothing. */
static void test_seal_limits(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int fd = -1;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct seal_request request = {
		.store = *state, .name = "upper", .max_file = UINT64_C(1) << 40};
	struct seal seal;
	struct layer_id id;
	struct err *e;

	assert_ok(scratch_new(*state, &scratch));
	request.dir_fd = scratch.fd;
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_int_equal(mkdirat(scratch.fd, "upper/d", 0755), 0);
	assert_ok(fs_open(scratch.fd, "upper/d/f", O_WRONLY | O_CREAT, 0644, &fd));
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_ok(seal_compute(&request, &seal));
	assert_true(seal.usage.bytes < MIB(1));
	assert_int_equal(ftruncate(fd, ((off_t)1 << 40) + 1), 0);
	e = layer_publish(&request, &id);
	assert_non_null(e);
	err_render(e, &text);
	assert_non_null(strstr(buf_text(&text), "'d/f'"));
	assert_non_null(strstr(buf_text(&text), "--max-file"));
	err_free(e);
	request.max_file = 0;
	assert_ok(seal_compute(&request, &seal));
	request.stop = (struct stop){refuse, NULL};
	assert_err(ERR_CANCELLED, layer_publish(&request, &id));
}

/* A seal of an earlier version was made differently: it has the layer's size, but cannot
 * reveal damage. */
static void test_earlier_seal(void **state)
{
	struct layer_id id = make_layer(*state, 10);
	CLEANUP(freep) char *path = path_join("layers", id.name);
	CLEANUP(freep) char *full = path_join(store_dir(*state), path);
	struct verify_options options = {.repair = false};
	struct verify_result result;
	unsigned char data[33];
	struct seal seal;

	assert_int_equal(getxattr(full, "user.overlay.seal", data, sizeof(data)), 33);
	data[0] = 1;
	data[5] ^= 1;
	assert_int_equal(setxattr(full, "user.overlay.seal", data, sizeof(data), 0), 0);
	assert_ok(seal_read(store_fd(*state), path, &seal));
	assert_false(seal_is_comparable(&seal));
	assert_int_equal(seal.usage.files, 2);
	assert_ok(verify_run(*state, &options, &result));
	assert_int_equal(result.layers, 1);
	assert_int_equal(result.damaged, 0);
}

/* ---- verify ---- */

struct seen {
	char text[256];
};

static void see(void *context, const struct verify_finding *f)
{
	struct seen *seen = context;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s %s\n", f->kind, f->what);
}

static struct verify_result verify(struct store *s, bool repair, struct seen *seen)
{
	struct verify_options options = {.repair = repair, .show = see, .context = seen};
	struct verify_result result;

	seen->text[0] = '\0';
	assert_ok(verify_run(s, &options, &result));
	return result;
}

static void test_verify_layer(void **state)
{
	CLEANUP(snapshot_release) struct snapshot base = SNAPSHOT_INIT;
	CLEANUP(snapshot_release) struct snapshot top = SNAPSHOT_INIT;
	CLEANUP(snapshot_release) struct snapshot other = SNAPSHOT_INIT;
	struct layer_id a = make_layer(*state, 10), b = make_layer(*state, 10),
			c = make_layer(*state, 10);
	CLEANUP(freep) char *path = in_layer(*state, &b, "file");
	struct seen seen;

	snapshot_push(&base, &a);
	snapshot_push(&top, &a);
	snapshot_push(&top, &b);
	snapshot_push(&other, &c);
	make_record(*state, "base", &base);
	make_record(*state, "top", &top);
	make_record(*state, "other", &other);
	assert_int_equal(verify(*state, false, &seen).damaged, 0);
	damage_content(path);
	assert_int_equal(verify(*state, false, &seen).damaged, 1);
	assert_string_equal(seen.text, "layer it has changed since it was made\n");
	/* Never served again, but still there to look at. */
	assert_false(has_record(*state, "top"));
	assert_false(layer_exists(*state, &b));
	assert_true(has_record(*state, "base") && has_record(*state, "other"));
	assert_int_equal(verify(*state, false, &seen).damaged, 1);
	assert_string_equal(seen.text, "layer it was set aside earlier\n");
	assert_int_equal(verify(*state, true, &seen).damaged, 1);
	assert_int_equal(verify(*state, true, &seen).damaged, 0);
	assert_true(layer_exists(*state, &a) && layer_exists(*state, &c));
}

/* It has no identity, and its seal is made in another way. */
static void test_verify_layer_of_registry(void **state)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *path = NULL;
	struct seal_request request = {
		.store = *state, .name = "upper", .has_name = true};
	struct layer_id id;
	struct seen seen;

	assert_ok(scratch_new(*state, &scratch));
	request.dir_fd = scratch.fd;
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	write_at(scratch.fd, "upper/file", 10);
	assert_ok(layer_publish(&request, &id));
	assert_int_equal(verify(*state, false, &seen).damaged, 0);
	path = in_layer(*state, &id, "file");
	damage_content(path);
	assert_int_equal(verify(*state, false, &seen).damaged, 1);
}

static void test_verify_blob_and_record(void **state)
{
	struct digest blob = digest_bytes(DIGEST_SHA256, NULL, "hello", 5);
	CLEANUP(snapshot_release) struct snapshot none = SNAPSHOT_INIT;
	CLEANUP(freep) char *record = record_path_of("step");
	struct seen seen;
	char hex[DIGEST_TEXT_SIZE];
	CLEANUP(freep) char *path = NULL;
	int fd;

	digest_hex(&blob, hex);
	path = xasprintf("%s/blobs/sha256/%.2s/%s", store_dir(*state), hex, hex + 2);
	assert_ok(blob_put(*state, &blob, "hello", 5));
	make_record(*state, "step", &none);
	assert_int_equal(verify(*state, false, &seen).damaged, 0);
	damage_content(path);
	fd = openat(store_fd(*state), record, O_WRONLY);
	assert_int_equal(ftruncate(fd, 10), 0);
	close(fd);
	assert_int_equal(verify(*state, true, &seen).damaged, 2);
	assert_non_null(strstr(seen.text, "blob its content does not match its digest"));
	assert_non_null(strstr(seen.text, "record it is not a record of its key"));
	assert_false(blob_exists(*state, &blob));
	assert_false(has_record(*state, "step"));
	assert_int_equal(verify(*state, false, &seen).damaged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_du, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_seal, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_seal_limits, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_earlier_seal, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_seal_parts, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_seal_and_links, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_verify_layer, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_verify_layer_of_registry,
						setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_verify_blob_and_record, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
