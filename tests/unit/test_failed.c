/* SPDX-License-Identifier: MIT
 * test_failed.c - roots of failed steps are kept within their limits, and only whole ones
 * are listed.
 */
/* links: cache */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/failed.h"
#include "tests/fake/store_fixture.h"

#define HOUR_MS UINT64_C(3600000)

static const struct failed_limits ROOMY = {
	.count = 10, .bytes = GIB(1), .age_ms = HOUR_MS};

/* Keep an upper with one file of `kib` KiB, from a step on top of layer `below`. */
static struct failed_kept keep(struct store *s, const char *step, unsigned kib,
			       const char *below, const struct failed_limits *limits)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(json_freep) cJSON *about = cJSON_CreateObject();
	CLEANUP(freep) char *data = xcalloc(kib + 1, 1024);
	CLEANUP(freep) char *layer = path_join("layers", below);
	struct layer_id id;
	struct snapshot chain = {&id, 1};
	struct failed_kept kept;

	snprintf(id.name, sizeof(id.name), "%s", below);
	assert_ok(fs_mkdirs(store_fd(s), layer, 0700));
	memset(data, 'x', (size_t)kib * 1024);
	assert_ok(scratch_new(s, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(fs_write_atomic(scratch.fd, "upper/made", data, (size_t)kib * 1024,
				  0644));
	cJSON_AddStringToObject(about, "step", step);
	assert_ok(failed_keep(s, &scratch, &chain, about, limits, &kept));
	assert_int_equal(faccessat(scratch.fd, "upper", F_OK, 0), kept.is_kept ? -1 : 0);
	/* Times are in ms: the next one is newer. */
	usleep(2000);
	return kept;
}

/* The steps, newest first, with a blank after each. */
static const char *steps(struct store *s, const struct failed_limits *limits, char *out)
{
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;

	assert_ok(failed_list_read(s, limits, &list));
	out[0] = '\0';
	for (size_t i = 0; i < list.len; i++)
		snprintf(out + strlen(out), 64, "%s ",
			 json_string(list.items[i].about, "step"));
	return out;
}

static size_t count_folders(struct store *s, const char *name)
{
	CLEANUP(freep) char *path = path_join(store_dir(s), name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_nlink - 2;
}

static void test_keep(void **state)
{
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct failed_kept kept = keep(*state, "one.post", 100, "aaaaaaaaaaaa", &ROOMY);
	const struct failed *f;
	CLEANUP(freep) char *upper = NULL, *path = NULL;

	assert_true(kept.is_kept);
	assert_in_range(kept.bytes, KIB(100), KIB(120));
	assert_ok(failed_list_read(*state, &ROOMY, &list));
	assert_int_equal(list.len, 1);
	f = &list.items[0];
	assert_int_equal(f->bytes, kept.bytes);
	assert_int_equal(f->below.len, 1);
	assert_string_equal(f->below.layers[0].name, "aaaaaaaaaaaa");
	assert_string_equal(json_string(f->about, "step"), "one.post");
	/* Named so that an overlay can use it as another layer. */
	upper = failed_upper(&f->id);
	path = xasprintf("%s/%s/made", layer_root(*state), upper);
	assert_ok(fs_read_file(AT_FDCWD, path, KIB(200), &text));
	assert_int_equal(text.len, KIB(100));
	assert_int_equal(count_folders(*state, "tmp"), 0);
}

static void test_count(void **state)
{
	struct failed_limits two = {.count = 2, .bytes = GIB(1), .age_ms = HOUR_MS};
	char text[512];

	keep(*state, "a", 1, "aaaaaaaaaaaa", &two);
	keep(*state, "b", 1, "aaaaaaaaaaaa", &two);
	keep(*state, "c", 1, "aaaaaaaaaaaa", &two);
	assert_string_equal(steps(*state, &two, text), "c b ");
	assert_int_equal(count_folders(*state, "failed"), 2);
	two.count = 0;
	assert_false(keep(*state, "d", 1, "aaaaaaaaaaaa", &two).is_kept);
	assert_int_equal(count_folders(*state, "failed"), 2);
}

/* The oldest go; a root that is too large by itself displaces no other. */
static void test_bytes(void **state)
{
	const struct failed_limits limits = {
		.count = 10, .bytes = KIB(280), .age_ms = HOUR_MS};
	char text[512];

	keep(*state, "a", 100, "aaaaaaaaaaaa", &limits);
	keep(*state, "b", 100, "aaaaaaaaaaaa", &limits);
	assert_string_equal(steps(*state, &limits, text), "b a ");
	keep(*state, "c", 100, "aaaaaaaaaaaa", &limits);
	assert_string_equal(steps(*state, &limits, text), "c b ");
	assert_false(keep(*state, "d", 400, "aaaaaaaaaaaa", &limits).is_kept);
	assert_string_equal(steps(*state, &limits, text), "c b ");
	keep(*state, "e", 250, "aaaaaaaaaaaa", &limits);
	assert_string_equal(steps(*state, &limits, text), "e ");
}

static void test_age(void **state)
{
	const struct failed_limits old = {.count = 10, .bytes = GIB(1), .age_ms = 0};
	char text[512];

	keep(*state, "a", 1, "aaaaaaaaaaaa", &ROOMY);
	assert_string_equal(steps(*state, &old, text), "");
	assert_string_equal(steps(*state, &ROOMY, text), "a ");
	assert_ok(failed_sweep(*state, &ROOMY));
	assert_int_equal(count_folders(*state, "failed"), 1);
	assert_ok(failed_sweep(*state, &old));
	assert_int_equal(count_folders(*state, "failed"), 0);
	assert_int_equal(count_folders(*state, "tmp"), 0);
}

static void write_about(struct store *s, const char *text)
{
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;
	CLEANUP(freep) char *path = NULL;

	assert_ok(failed_list_read(s, &ROOMY, &list));
	assert_int_equal(list.len, 1);
	path = xasprintf("failed/%s/failed.json", list.items[0].id.name);
	assert_ok(fs_write_atomic(store_fd(s), path, text, strlen(text), 0600));
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"version\":1}",
		"{\"version\":2,\"bytes\":1,\"failed_ms\":1,\"below\":[]}",
		"{\"version\":1,\"bytes\":-1,\"failed_ms\":1,\"below\":[]}",
		"{\"version\":1,\"bytes\":1,\"failed_ms\":9e12,\"below\":[\"/e\"]}",
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		keep(*state, "a", 1, "aaaaaaaaaaaa", &ROOMY);
		write_about(*state, texts[i]);
		assert_string_equal(steps(*state, &ROOMY, text), "");
		assert_ok(failed_sweep(*state, &ROOMY));
		assert_int_equal(count_folders(*state, "failed"), 0);
	}
}

static void test_layer_gone(void **state)
{
	char text[512];

	keep(*state, "a", 1, "aaaaaaaaaaaa", &ROOMY);
	keep(*state, "b", 1, "bbbbbbbbbbbb", &ROOMY);
	assert_ok(fs_remove_tree(store_fd(*state), "layers/aaaaaaaaaaaa"));
	assert_string_equal(steps(*state, &ROOMY, text), "b ");
	assert_ok(failed_sweep(*state, &ROOMY));
	assert_int_equal(count_folders(*state, "failed"), 1);
}

/* A root that is in use stays, however old. */
static void test_in_use(void **state)
{
	const struct failed_limits none = {.count = 0, .bytes = 0, .age_ms = 0};
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;
	int first = -1, second = -1;

	keep(*state, "a", 1, "aaaaaaaaaaaa", &ROOMY);
	assert_ok(failed_list_read(*state, &ROOMY, &list));
	assert_ok(failed_hold(*state, &list.items[0].id, &first));
	assert_ok(failed_hold(*state, &list.items[0].id, &second));
	assert_ok(failed_sweep(*state, &none));
	assert_int_equal(count_folders(*state, "failed"), 1);
	closep(&first);
	assert_ok(failed_sweep(*state, &none));
	assert_int_equal(count_folders(*state, "failed"), 1);
	closep(&second);
	assert_ok(failed_sweep(*state, &none));
	assert_int_equal(count_folders(*state, "failed"), 0);
	assert_err(ERR_NOTFOUND, failed_hold(*state, &list.items[0].id, &first));
}

/* A store from before failed roots were kept. */
static void test_old_store(void **state)
{
	char text[512];

	assert_ok(fs_remove_tree(store_fd(*state), "failed"));
	assert_string_equal(steps(*state, &ROOMY, text), "");
	assert_ok(failed_sweep(*state, &ROOMY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keep, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_count, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_bytes, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_age, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_damaged, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_layer_gone, setup_store,
						remove_store),
		cmocka_unit_test_setup_teardown(test_in_use, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(test_old_store, setup_store,
						remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
