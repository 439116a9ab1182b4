/* SPDX-License-Identifier: MIT
 * test_why.c - a difference is described in the right words, whatever it is.
 */
/* links: engine */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/executor/detail.h"
#include "engine/why/why_private.h"
#include "tests/fake/store_fixture.h"

static struct store *store;

static int setup(void **state)
{
	int e = setup_store(state);

	store = *state;
	return e;
}

/* ---- one step, and what it was built from ---- */

/* What one build was made of; unset members are left out. */
struct inputs {
	const char *script, *args, *epoch;
	const char *part[2]; /* any, by its name */
	const char *env[3];
	const char *help[2]; /* args, body */
	const char *labels[5];
	const char *list[5];
	const struct tree_list *files;
	const char *reference, *source;
};

static size_t count(const char *const *texts)
{
	size_t n = 0;

	while (texts[n])
		n++;
	return n;
}

static void set_parts(struct key *key, const struct inputs *in)
{
	if (in->script)
		key_set_text(key, "script", in->script);
	if (in->args)
		key_set_text(key, "arguments", in->args);
	if (in->epoch)
		key_set_text(key, "SOURCE_DATE_EPOCH", in->epoch);
	if (in->part[0])
		key_set_text(key, in->part[0], in->part[1]);
	if (in->source)
		key_set_text(key, "source", in->source);
	key_set_list(key, "passed environment", in->env, count(in->env));
	key_set_list(key, "help", in->help, 2);
	key_set_list(key, "labels", in->labels, count(in->labels));
	key_set_list(key, "list", in->list, count(in->list));
}

static cJSON *detail(enum step_kind kind, const struct inputs *in)
{
	struct step_base base = {.agent = "docker", .from = in->reference};
	struct step step = {
		.kind = kind, .name = "s.x", .stage_name = "s", .label = "%post"};
	struct step_state state = {.inputs = key_new("x")};
	struct work w = {.options = {.store = store, .n_steps = 1}, .states = &state};
	struct key *content;
	struct digest d;
	cJSON *build;

	if (kind == STEP_BASE)
		step.base = &base;
	set_parts(state.inputs, in);
	if (in->files) {
		CLEANUP(json_freep) cJSON *json = tree_list_json(in->files);
		CLEANUP(freep) char *text = json_print(json);

		content = key_new("content");
		key_set_text(content, "all", text);
		d = key_final(content);
		key_free(content);
		key_set_digest(state.inputs, "content", &d);
		state.list = *in->files;
	}
	build = detail_new(&w, &step);
	key_free(state.inputs);
	return build;
}

/* All reasons, a line each; after " | " the short words. */
static char *compare(enum step_kind kind, const struct inputs *was,
		     const struct inputs *is)
{
	CLEANUP(json_freep) cJSON *a = detail(kind, was);
	CLEANUP(json_freep) cJSON *b = detail(kind, is);
	struct step step = {
		.kind = kind, .name = "s.x", .stage_name = "s", .label = "%post"};
	struct reasons reasons = {0};
	struct comparison c = {.step = &step, .was = a, .is = b, .out = &reasons};
	struct buf text = BUF_INIT;

	step.files.from_stage = "other";
	why_compare(&c);
	for (size_t i = 0; i < reasons.items.len; i++) {
		struct why_reason *r = &reasons.items.items[i];

		buf_printf(&text, "%s | %s\n", r->text, r->brief ? r->brief : "");
		free(r->text);
		free(r->brief);
	}
	vec_free(&reasons.items);
	buf_puts(&text, "");
	return buf_steal(&text);
}

static void check(enum step_kind kind, const struct inputs *was, const struct inputs *is,
		  const char *wanted)
{
	CLEANUP(freep) char *text = compare(kind, was, is);

	assert_string_equal(text, wanted);
}

/* ---- lines ---- */

static void check_script(const char *was, const char *is, const char *wanted)
{
	const struct inputs a = {.script = was}, b = {.script = is};

	check(STEP_POST, &a, &b, wanted);
}

static void test_lines(void **state)
{
	(void)state;
	check_script("a\nb\nc\n", "a\nb\nc\n", "");
	check_script("a\nb\nc\n", "a\nB\nc\n", "%post line 2 changed | %post line 2\n");
	check_script("a\nb\nc\nd\n", "a\nB\nC\nd\n",
		     "%post lines 2 to 3 changed | %post lines 2 to 3\n");
	check_script("a\nc\n", "a\nb\nc\n", "%post line 2 added | %post line 2\n");
	check_script("a\nb\nc\n", "a\nc\n", "%post line 2 removed | %post line 2\n");
	check_script("a\na\n", "a\na\na\n", "%post line 3 added | %post line 3\n");
	check_script("a\n", "b\n", "%post line 1 changed | %post line 1\n");
	check_script("a\n", "", "%post removed | %post removed\n");
	check_script("", "a\n", "%post added | %post added\n");
	/* No line differs, but the text does. */
	check_script("a\n", "a", "%post changed | %post changed\n");
}

static void test_sections(void **state)
{
	const struct inputs none = {0}, one = {.help = {"", "a\nb\n"}},
			    two = {.help = {"", "a\nB\n"}},
			    args = {.help = {"-x", "a\nb\n"}};

	(void)state;
	check(STEP_META, &none, &one, "%help added | %help added\n");
	check(STEP_META, &one, &none, "%help removed | %help removed\n");
	check(STEP_META, &one, &two, "%help line 2 changed | %help line 2\n");
	check(STEP_META, &one, &args,
	      "the text after %help on its line changed | arguments of %help\n");
}

/* ---- names and values ---- */

static void test_sets(void **state)
{
	const struct inputs a = {.env = {"A=1", "B=2"}, .labels = {"x", "1", "y", "2"}};
	const struct inputs b = {.env = {"A=3"}, .labels = {"x", "1", "z", "2"}};
	const struct inputs list = {.list = {"src", "/src", "b", ""}};
	const struct inputs swapped = {.list = {"b", "", "src", "/src"}};
	const struct inputs other = {.list = {"src", "/opt", "b", ""}};

	(void)state;
	check(STEP_POST, &a, &b,
	      "environment variable A changed | variable A\n"
	      "environment variable B removed | variable B\n");
	check(STEP_META, &a, &b,
	      "label 'z' added | label 'z'\n"
	      "label 'y' removed | label 'y'\n");
	check(STEP_FILES, &list, &swapped,
	      "the order of the lines of %files changed | another order\n");
	check(STEP_FILES, &list, &other,
	      "%files line 'src /opt' added | %files line 'src /opt'\n"
	      "%files line 'src /src' removed | %files line 'src /src'\n");
}

static void test_plain(void **state)
{
	const struct inputs unset = {0}, set = {.epoch = "1"}, later = {.epoch = "2"};
	const struct inputs dropped = {.part = {"temporary files", "dropped"}};
	const struct inputs kept = {.part = {"temporary files", "kept"}};
	const struct inputs old = {.reference = "r.example/a:1", .source = "sha256:aa"};
	const struct inputs moved = {.reference = "r.example/a:1", .source = "sha256:bb"};
	const struct inputs other = {.reference = "r.example/a:2", .source = "sha256:bb"};

	(void)state;
	check(STEP_POST, &unset, &set,
	      "SOURCE_DATE_EPOCH is 1 (was not set) | SOURCE_DATE_EPOCH\n");
	check(STEP_POST, &set, &later,
	      "SOURCE_DATE_EPOCH is 2 (was 1) | SOURCE_DATE_EPOCH\n");
	check(STEP_POST, &set, &unset,
	      "SOURCE_DATE_EPOCH is not set (was 1) | no SOURCE_DATE_EPOCH\n");
	check(STEP_POST, &dropped, &kept,
	      "what %post leaves in /tmp is kept (was dropped) | --keep-tmp\n");
	check(STEP_BASE, &old, &moved,
	      "base image r.example/a:1 now resolves to sha256:bb (was sha256:aa) | a:1 "
	      "moved\n");
	check(STEP_BASE, &old, &other,
	      "the base image is r.example/a:2 (was r.example/a:1) | base is a:2\n");
}

/* ---- every input ---- */

static cJSON *build_with(const char *part, const char *value)
{
	cJSON *build = cJSON_CreateObject();

	cJSON_AddStringToObject(cJSON_AddObjectToObject(build, "parts"), part, value);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(build, "plain"), part, value);
	return build;
}

static bool is_told(const struct key_part *part, enum step_kind kind)
{
	CLEANUP(json_freep) cJSON *was = build_with(part->name, "1");
	CLEANUP(json_freep) cJSON *is = build_with(part->name, "2");
	struct step step = {
		.kind = kind, .name = "s.x", .stage_name = "s", .label = "%post"};
	struct reasons reasons = {0};
	struct comparison c = {.step = &step, .was = was, .is = is, .out = &reasons};
	bool told;

	why_compare(&c);
	told = reasons.items.len > 0;
	for (size_t i = 0; i < reasons.items.len; i++) {
		free(reasons.items.items[i].text);
		free(reasons.items.items[i].brief);
	}
	vec_free(&reasons.items);
	return told;
}

/* The parent is why.c's matter, and files are compared one by one. */
static void test_every_input_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < key_parts_len; i++) {
		const struct key_part *part = &key_parts_table[i];

		if (part->class == PART_FILES || strcmp(part->name, "parent") == 0)
			continue;
		for (unsigned kind = 0; kind < STEP_KINDS; kind++)
			if (key_part_is_of(part, kind) && !is_told(part, kind))
				fail_msg("'%s' of '%s' is not told", part->name,
					 step_kind_name(kind));
	}
}

/* Nobody who sees what is remembered can try lines and values out: the digests are the
 * store's own. */
static void test_remembered_is_keyed(void **state)
{
	const struct inputs inputs = {.script = "make\n", .env = {"A=1"}};
	CLEANUP(json_freep) cJSON *build = detail(STEP_POST, &inputs);
	const cJSON *lines = json_array(json_object(build, "lines"), "script");
	const cJSON *set = json_object(json_object(build, "sets"), "passed environment");
	struct digest line = digest_bytes(DIGEST_XXH3, NULL, "make", 4),
		      value = digest_bytes(DIGEST_XXH3, NULL, "1", 1);
	char hex[DIGEST_TEXT_SIZE];

	(void)state;
	assert_int_equal(cJSON_GetArraySize(lines), 1);
	digest_hex(&line, hex);
	hex[12] = '\0';
	assert_string_not_equal(cJSON_GetStringValue(lines->child), hex);
	digest_hex(&value, hex);
	hex[12] = '\0';
	assert_string_not_equal(json_string(set, "A"), hex);
}

/* ---- files ---- */

static void add(struct tree_list *l, const char *path, char type, uint32_t mode,
		uint64_t size, uint64_t digest)
{
	struct tree_item item = {
		.type = type, .mode = mode, .size = size, .digest = digest};

	tree_list_add(l, "src", path, &item);
}

static void test_files(void **state)
{
	CLEANUP(tree_list_release)
	struct tree_list a = TREE_LIST_INIT, b = TREE_LIST_INIT;
	const struct inputs was = {.files = &a}, is = {.files = &b};

	(void)state;
	add(&a, "", 'd', 0755, 0, 0);
	add(&a, "a.c", 'f', 0644, 1204, 1);
	add(&a, "gone", 'f', 0644, 1, 2);
	add(&a, "link", 'l', 0777, 0, 3);
	add(&a, "mode", 'f', 0644, 1, 4);
	add(&a, "type", 'f', 0644, 1, 5);
	add(&a, "with blank", 'f', 0644, 1, 6);
	add(&b, "", 'd', 0755, 0, 0);
	add(&b, "a.c", 'f', 0644, 1204, 9);
	add(&b, "link", 'l', 0777, 0, 9);
	add(&b, "mode", 'f', 0755, 1, 4);
	add(&b, "new", 'f', 0644, 1, 2);
	add(&b, "type", 'd', 0644, 0, 0);
	add(&b, "with blank", 'f', 0644, 1, 6);
	check(STEP_FILES, &was, &is,
	      "src/a.c: content changed (was 1,204 bytes) | 6 files changed\n"
	      "src/gone: removed | \n"
	      "src/link: leads elsewhere | \n"
	      "src/mode: mode changed (0755, was 0644) | \n"
	      "src/new: added | \n"
	      "src/type: is a folder (was a file) | \n");
}

/* More than a list may hold: the top-level entries are listed, and only a few of many. */
static void test_many_files(void **state)
{
	CLEANUP(tree_list_release)
	struct tree_list a = TREE_LIST_INIT, b = TREE_LIST_INIT;
	const struct inputs was = {.files = &a}, is = {.files = &b};
	CLEANUP(freep) char *text = NULL;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k < 300; k++) {
			char path[32];

			snprintf(path, sizeof(path), "d%02u/f%u", i, k);
			add(&a, path, 'f', 0644, 1, 7);
			add(&b, path, 'f', 0644, 1, i == 7 && k == 200 ? 8 : 7);
		}
	}
	assert_true(a.is_coarse);
	check(STEP_FILES, &was, &is,
	      "src/d07: something in it changed | src/d07 changed\n");
	tree_list_release(&b);
	add(&b, "x", 'f', 0644, 1, 7);
	check(STEP_FILES, &was, &is, "what %files copies changed | files changed\n");
	tree_list_release(&a);
	for (unsigned k = 0; k < 30; k++) {
		char path[32];

		snprintf(path, sizeof(path), "y%02u", k);
		add(&a, path, 'f', 0644, 1, 7);
	}
	text = compare(STEP_FILES, &was, &is);
	assert_non_null(strstr(text, "src/x: added | 31 files changed\n"));
	assert_non_null(strstr(text, "and 11 more files | \n"));
	assert_null(strstr(text, "src/y20"));
}

static void test_list_round_trip(void **state)
{
	CLEANUP(tree_list_release)
	struct tree_list a = TREE_LIST_INIT, b = TREE_LIST_INIT;
	CLEANUP(json_freep) cJSON *json = NULL, *bad = NULL;

	(void)state;
	add(&a, "", 'd', 01775, 0, 0);
	add(&a, "same/prefix/one", 'f', 0644, UINT64_MAX / 2, UINT64_MAX);
	add(&a, "same/prefix/two", 'f', 0, 0, 1);
	add(&a, "same/\xff odd\n name ", 'l', 0777, 0, 1);
	json = tree_list_json(&a);
	assert_true(tree_list_parse(json, &b));
	assert_int_equal(a.len, b.len);
	for (size_t i = 0; i < a.len; i++) {
		assert_string_equal(a.items[i].path, b.items[i].path);
		assert_int_equal(a.items[i].mode, b.items[i].mode);
		assert_true(a.items[i].size == b.items[i].size &&
			    a.items[i].digest == b.items[i].digest &&
			    a.items[i].type == b.items[i].type);
	}
	tree_list_release(&b);
	assert_ok(json_parse(STR("{\"items\": [\"9 f 0 0 0 x\"]}"), &bad));
	assert_false(tree_list_parse(bad, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_every_input_is_told),
		cmocka_unit_test(test_remembered_is_keyed),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_list_round_trip),
	};

	return cmocka_run_group_tests(tests, setup, remove_store);
}
