/* SPDX-License-Identifier: MIT
 * test_fresh.c - options and the lock file become a rule for each step, and a record
 * counts or not by its rule.
 */
/* links: project */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "frontend/project/fresh.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/fake_plan.h"
#include "tests/fake/test_folder.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const int64_t NOW_MS = INT64_C(1795000000000);

enum { BUILD_BASE, BUILD_POST, DATA_BASE, FINAL_BASE, FINAL_COPY, FINAL_PACK, STEPS };

struct fixture {
	char *folder;
	char *file;
	struct fake_plan fake;
	const struct plan *plan;
	struct fresh_options options;
	struct freshness rules;
};

/* Two stages with the same base under two spellings, and one whose base is pinned. */
static int setup(void **state)
{
	static const struct step_base bases[] = {
		{.agent = "docker", .from = "alpine:3.17"},
		{.agent = "docker", .from = "alpine@" A},
		{.agent = "docker", .from = "docker.io/library/alpine:3.17"},
	};
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct step *post;

	f->folder = test_folder_new();
	f->file = xasprintf("%s/x.def", f->folder);
	fake_plan_init(&f->fake, "Bootstrap: docker\n");
	fake_plan_stage(&f->fake, "build");
	fake_plan_step(&f->fake, STEP_BASE, "From", 0)->base = &bases[0];
	post = fake_plan_step(&f->fake, STEP_POST, "%post", 0);
	fake_plan_stage(&f->fake, "data");
	fake_plan_step(&f->fake, STEP_BASE, "From", 0)->base = &bases[1];
	fake_plan_stage(&f->fake, "final");
	fake_plan_step(&f->fake, STEP_BASE, "From", 0)->base = &bases[2];
	fake_plan_copy(&f->fake, "%files from build", 0, post);
	fake_plan_step(&f->fake, STEP_PACK, "image", 0);
	f->plan = fake_plan_done(&f->fake);
	assert_int_equal(f->plan->n_steps, STEPS);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	freshness_release(&f->rules);
	fresh_options_release(&f->options);
	fake_plan_release(&f->fake);
	test_folder_remove(f->folder);
	free(f->file);
	free(f);
	return 0;
}

static struct err *make(struct fixture *f)
{
	struct fresh_request request = {
		.options = &f->options,
		.plan = f->plan,
		.file = f->file,
		.since_ns = NOW_MS * 1000000 + 5,
		.is_quiet = true,
	};
	struct err *e = fresh_options_check(&f->options);

	return e ? e : fresh_rules(&request, &f->rules);
}

static void fails(struct fixture *f, enum err_code code, const char *text,
		  const char *hint)
{
	struct err *e = make(f);

	const struct err *inner = e;

	assert_non_null(e);
	while (inner && !strstr(err_text(inner), text))
		inner = err_cause(inner);
	assert_non_null(inner);
	assert_int_equal(err_code(e), code);
	assert_string_equal(err_advice(e), hint);
	err_free(e);
}

static void write_lock(const struct fixture *f, const char *reference)
{
	CLEANUP(freep) char *path = xasprintf("%s.lock", f->file);
	CLEANUP(freep)
	char *text =
		xasprintf("{\"version\": 1, \"bases\": [{\"agent\": \"docker\", "
			  "\"reference\": \"%s\", \"platform\": \"linux/amd64\", "
			  "\"date\": \"2026-11-25T16:07:35Z\", \"digest\": \"" B "\"}]}",
			  reference);

	assert_null(fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600));
}

/* '1' for each step that --no-cache means. */
static void check_anew(const struct fixture *f, const char *want)
{
	for (size_t i = 0; i < STEPS; i++) {
		const struct freshness_rule *rule = &f->rules.rules[i];

		assert_int_equal(rule->is_anew, want[i] == '1');
		assert_int_equal(rule->not_before_ms, want[i] == '1' ? NOW_MS : 0);
	}
}

static void check_resolve(const struct fixture *f, enum freshness_resolve build,
			  enum freshness_resolve final)
{
	assert_int_equal(f->rules.rules[BUILD_BASE].resolve, build);
	assert_int_equal(f->rules.rules[FINAL_BASE].resolve, final);
}

static bool is_locked(const struct fixture *f, size_t step)
{
	return digest_is_set(&f->rules.rules[step].locked);
}

/* ---- rules ---- */

static void test_usual(void **state)
{
	struct fixture *f = *state;

	assert_null(make(f));
	check_anew(f, "000000");
	check_resolve(f, RESOLVE_ASK, RESOLVE_ASK);
	assert_null(f->rules.lock_name);
}

static void test_no_cache(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_no_cache(&f->options, NULL));
	assert_null(make(f));
	check_anew(f, "111111");
}

static void test_no_cache_of(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_no_cache(&f->options, "data"));
	assert_null(fresh_set_no_cache(&f->options, "final.pack"));
	assert_null(make(f));
	check_anew(f, "001001");
	assert_null(fresh_set_no_cache(&f->options, "build.post"));
	assert_null(make(f));
	check_anew(f, "011001");
}

/* Two stages have one base: it is rebuilt for both of them or for none. */
static void test_no_cache_of_shared_base(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_no_cache(&f->options, "build"));
	assert_null(make(f));
	check_anew(f, "010000");
	assert_null(fresh_set_no_cache(&f->options, "final"));
	assert_null(make(f));
	check_anew(f, "110111");
	f->options.no_cache_of.len = 0;
	assert_null(fresh_set_no_cache(&f->options, "final.base"));
	assert_null(make(f));
	check_anew(f, "100100");
}

static void test_no_cache_mistakes(void **state)
{
	static const char *const rows[][3] = {
		{"biuld", "there is no stage 'biuld'", "did you mean 'build'?"},
		{"biuld.post", "there is no stage 'biuld.post'",
		 "did you mean 'build.post'?"},
		{"build.files", "stage 'build' has no step 'files'",
		 "it has: base, post"},
		{"nothing", "there is no stage 'nothing'", "the last stage is 'final'"},
	};
	struct fixture *f = *state;
	struct err *e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		f->options.no_cache_of.len = 0;
		assert_null(fresh_set_no_cache(&f->options, rows[i][0]));
		fails(f, ERR_USAGE, rows[i][1], rows[i][2]);
	}
	e = fresh_set_no_cache(&f->options, "");
	assert_int_equal(err_code(e), ERR_USAGE);
	err_free(e);
}

static void test_max_age(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_max_age(&f->options, "1h"));
	assert_null(fresh_set_no_cache(&f->options, "data"));
	assert_null(make(f));
	assert_int_equal(f->rules.rules[BUILD_POST].not_before_ms, NOW_MS - 3600000);
	assert_false(f->rules.rules[BUILD_POST].is_anew);
	assert_int_equal(f->rules.rules[DATA_BASE].not_before_ms, NOW_MS);
}

static void test_resolving(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_pull(&f->options, "missing"));
	assert_null(make(f));
	check_resolve(f, RESOLVE_MISSING, RESOLVE_MISSING);
	/* The other stage has the same base. */
	assert_null(fresh_set_refresh(&f->options, "final"));
	assert_null(make(f));
	check_resolve(f, RESOLVE_ASK, RESOLVE_ASK);
	assert_int_equal(f->rules.rules[DATA_BASE].resolve, RESOLVE_MISSING);
	assert_null(fresh_set_refresh(&f->options, NULL));
	assert_null(make(f));
	assert_int_equal(f->rules.rules[DATA_BASE].resolve, RESOLVE_ASK);
}

static void test_offline(void **state)
{
	struct fixture *f = *state;

	assert_null(fresh_set_offline(&f->options, NULL));
	assert_null(make(f));
	check_resolve(f, RESOLVE_NEVER, RESOLVE_NEVER);
	assert_null(fresh_set_pull(&f->options, "missing"));
	assert_null(make(f));
	check_resolve(f, RESOLVE_NEVER, RESOLVE_NEVER);
}

static void test_contradictions(void **state)
{
	struct fixture *f = *state;
	static const char hint[] = "leave out one of them";

	f->options = (struct fresh_options){.offline = true, .refresh = true};
	fails(f, ERR_USAGE, "--offline and --refresh cannot be used together", hint);
	f->options = (struct fresh_options){.offline = true, .pull = PULL_ALWAYS};
	fails(f, ERR_USAGE, "--offline and --pull=always cannot be used together", hint);
	f->options = (struct fresh_options){.locked = true, .refresh = true};
	fails(f, ERR_USAGE, "--locked and --refresh cannot be used together", hint);
	f->options = (struct fresh_options){.locked = true, .ignore_lock = true};
	fails(f, ERR_USAGE, "--locked and --ignore-lock cannot be used together", hint);
}

/* ---- the lock file ---- */

static void test_locked(void **state)
{
	struct fixture *f = *state;
	char text[DIGEST_TEXT_SIZE];

	write_lock(f, "docker.io/library/alpine:3.17");
	f->options.locked = true;
	assert_null(make(f));
	assert_string_equal(f->rules.lock_name, "x.def.lock");
	assert_string_equal(digest_format(&f->rules.rules[BUILD_BASE].locked, text), B);
	assert_true(is_locked(f, FINAL_BASE));
	/* The definition itself pins it. */
	assert_false(is_locked(f, DATA_BASE));
	assert_false(is_locked(f, FINAL_COPY));
	f->options.locked = false;
	f->options.ignore_lock = true;
	assert_null(make(f));
	assert_false(is_locked(f, BUILD_BASE));
}

static void test_not_locked(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep)
	char *hint = xasprintf("write it with 'dagbuild lock %s'", f->file);

	f->options.locked = true;
	fails(f, ERR_SYNTAX, "the base 'docker.io/library/alpine:3.17' is not in", hint);
	write_lock(f, "docker.io/library/alpine:3.16");
	fails(f, ERR_SYNTAX, "which has 'docker.io/library/alpine:3.16'", hint);
	f->options.locked = false;
	f->options.net.def.diag.werror = true;
	fails(f, ERR_SYNTAX, "which has 'docker.io/library/alpine:3.16'", hint);
	f->options.net.def.diag.werror = false;
	assert_null(make(f));
	assert_false(is_locked(f, BUILD_BASE));
}

static void test_refresh_of_locked(void **state)
{
	struct fixture *f = *state;

	write_lock(f, "docker.io/library/alpine:3.17");
	assert_null(fresh_set_refresh(&f->options, "build"));
	assert_null(make(f));
	assert_false(is_locked(f, BUILD_BASE));
	assert_false(is_locked(f, FINAL_BASE));
}

/* ---- records ---- */

static enum miss refuses(const struct freshness_rule *rule, const char *text)
{
	CLEANUP(json_freep) cJSON *record = NULL;

	assert_null(json_parse(str_of(text), &record));
	return freshness_refuses(rule, record);
}

/* A clock that was ahead and was set back leaves records that are later than any rule. */
static void test_records_from_future(void **state)
{
	struct freshness_rule any = {0};
	struct freshness_rule aged = {.not_before_ms = 1000};
	struct freshness_rule anew = {.not_before_ms = 1000, .is_anew = true};
	uint64_t now = (uint64_t)clock_real_ns() / 1000000;
	CLEANUP(freep)
	char *just_made = xasprintf("{\"made_ms\": %llu, \"duration_ms\": 0}",
				    (unsigned long long)now);
	CLEANUP(freep)
	char *ahead = xasprintf("{\"made_ms\": %llu, \"duration_ms\": 7200000}",
				(unsigned long long)now + 3600000);

	(void)state;
	assert_int_equal(refuses(&anew, just_made), MISS_NONE);
	assert_int_equal(refuses(&any, ahead), MISS_NONE);
	assert_int_equal(refuses(&anew, ahead), MISS_NO_CACHE);
	assert_int_equal(refuses(&aged, ahead), MISS_OLD);
}

/* What counts is when the work began: a script may have read the world right then. */
static void test_records(void **state)
{
	struct freshness_rule any = {0};
	struct freshness_rule aged = {.not_before_ms = 1000};
	struct freshness_rule anew = {.not_before_ms = 1000, .is_anew = true};

	(void)state;
	assert_int_equal(refuses(&any, "{}"), MISS_NONE);
	assert_int_equal(refuses(&aged, "{\"made_ms\": 1500, \"duration_ms\": 500}"),
			 MISS_NONE);
	assert_int_equal(refuses(&aged, "{\"made_ms\": 1500, \"duration_ms\": 501}"),
			 MISS_OLD);
	assert_int_equal(refuses(&anew, "{\"made_ms\": 999, \"duration_ms\": 0}"),
			 MISS_NO_CACHE);
	assert_int_equal(refuses(&aged, "{}"), MISS_OLD);
	assert_ptr_equal(freshness_rule(NULL, (struct node_id){7}),
			 freshness_rule(NULL, (struct node_id){8}));
}

/* An interrupted run has found no damage, nor has one that may not look. */
static void test_layers(void **state)
{
	static const struct {
		enum err_code code;
		enum miss miss;
	} rows[] = {
		{ERR_CANCELLED, MISS_STOPPED}, {ERR_NOTFOUND, MISS_TIMES},
		{ERR_CORRUPT, MISS_DAMAGED},   {ERR_SYS, MISS_DAMAGED},
		{ERR_NOSPACE, MISS_DAMAGED},
	};

	(void)state;
	assert_int_equal(miss_of(NULL), MISS_NONE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err *e = err_new(rows[i].code, "x");

		assert_int_equal(miss_of(e), rows[i].miss);
		err_free(e);
	}
}

/* ---- what is said ---- */

static void test_sources(void **state)
{
	struct freshness f = {.lock_name = (char *)"x.def.lock"};
	CLEANUP(freep) char *none = fresh_sources(&f, (struct exec_sources){0});
	CLEANUP(freep) char *one = fresh_sources(&f, (struct exec_sources){1, 0, 0});
	CLEANUP(freep) char *two = fresh_sources(&f, (struct exec_sources){2, 1, 0});

	(void)state;
	assert_null(none);
	assert_string_equal(one, "1 base from x.def.lock");
	assert_memory_equal(two, "2 bases from x.def.lock, 1 base as resolved ", 43);
	assert_true(str_ends_with(str_of(two), " weeks ago"));
}

#define WITH_PLAN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLAN(test_usual),
		WITH_PLAN(test_no_cache),
		WITH_PLAN(test_no_cache_of),
		WITH_PLAN(test_no_cache_of_shared_base),
		WITH_PLAN(test_no_cache_mistakes),
		WITH_PLAN(test_max_age),
		WITH_PLAN(test_resolving),
		WITH_PLAN(test_offline),
		WITH_PLAN(test_contradictions),
		WITH_PLAN(test_locked),
		WITH_PLAN(test_not_locked),
		WITH_PLAN(test_refresh_of_locked),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_records_from_future),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
