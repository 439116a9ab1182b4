/* SPDX-License-Identifier: MIT
 * test_plan.c - stages become chains of steps in Apptainer's order; targets, and stages
 * that nothing needs; all of a large definition.
 */
/* links: plan */
#include <string.h>

#include "base/clock.h"
#include "frontend/plan/plan.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/parsed.h"

static const char TEXT[] = "Bootstrap: docker\nFrom: a:1\nStage: one\n"
			   "%test\ntrue\n"
			   "%post\nmake\n"
			   "%files\nh /h\n"
			   "%setup\ntrue\n"
			   "%pre\ntrue\n"
			   "%apprun x\ny\n"
			   "Bootstrap: docker\nFrom: b:1\nStage: unused\n"
			   "Bootstrap: docker\nFrom: b:1\nStage: two\n"
			   "%files from one\n/a\n"
			   "%files from one \n/b\n"
			   "%files from one # empty\n"
			   "%appinstall x\ny\n"
			   "%appfiles x\nf bin/f\n"
			   "Bootstrap: scratch\n"
			   "%files from two\n/c\n";

/* Names of all steps, separated by blanks, for free(). */
static char *names(const struct plan *plan)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < plan->n_steps; i++)
		buf_printf(&out, "%s%s", i > 0 ? " " : "", plan->steps[i]->name);
	return buf_steal(&out);
}

static void check(const char *target, bool all, const char *wanted)
{
	struct plan_options options = {.target = target, .all_stages = all};
	CLEANUP(parsed_release) struct parsed p;
	CLEANUP(plan_freep) struct plan *plan = NULL;
	CLEANUP(freep) char *got = NULL;

	parsed_init(&p, TEXT, NULL);
	assert_int_equal(diag_count(p.diags, DIAG_ERROR), 0);
	assert_ok(plan_compile(p.def, &options, &plan));
	got = names(plan);
	assert_string_equal(got, wanted);
	assert_int_equal(graph_size(plan->graph), plan->n_steps);
	for (size_t i = 0; i < plan->n_steps; i++)
		assert_int_equal(plan->steps[i]->id.index, i);
}

#define ONE "one.pre one.base one.apps one.setup one.files one.post one.meta one.test"
#define TWO " two.base two.apps two.copy two.copy2 two.post"

static void test_order(void **state)
{
	(void)state;
	check(NULL, false, ONE TWO " stage4.base stage4.copy stage4.meta stage4.pack");
}

static void test_targets(void **state)
{
	(void)state;
	check("one", false, ONE " one.pack");
	check("two", false, ONE TWO " two.meta two.pack");
	check("stage4", false,
	      ONE TWO " stage4.base stage4.copy stage4.meta stage4.pack");
	check("one.base", false, "one.pre one.base");
	check("two.base", false, "two.base");
	check("two.copy", false, ONE " two.base two.apps two.copy");
	check("unused.base", false, "unused.base");
}

static void test_all_stages(void **state)
{
	(void)state;
	check(NULL, true,
	      ONE " unused.base" TWO " stage4.base stage4.copy stage4.meta stage4.pack");
	check("one.base", true,
	      "one.pre one.base unused.base two.base two.apps two.copy two.copy2 "
	      "two.post "
	      "stage4.base stage4.copy");
}

static void test_wrong_targets(void **state)
{
	static const char *const rows[][2] = {
		{"on", "did you mean 'one'?"},
		{"three", "the last stage is 'stage4'"},
		{"one.copy", "it has: pre, base, apps, setup, files, post, meta, test"},
		{"nope.post", "the last stage is 'stage4'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan_options options = {.target = rows[i][0]};
		CLEANUP(parsed_release) struct parsed p;
		CLEANUP(plan_freep) struct plan *plan = NULL;
		struct err *e;

		parsed_init(&p, TEXT, NULL);
		e = plan_compile(p.def, &options, &plan);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_USAGE);
		assert_string_equal(err_advice(e), rows[i][1]);
		err_free(e);
	}
}

/* What each step waits for. */
static void test_edges(void **state)
{
	static const char *const wanted[][2] = {
		{"one.base", "one.pre"},
		{"one.setup", "one.pre one.apps"},
		{"one.files", "one.setup"},
		{"two.base", ""},
		{"one.apps", "one.base"},
		{"two.apps", "one.setup two.base"},
		{"two.copy", "one.meta two.apps"},
		{"stage4.copy", "two.post stage4.base"},
		{"stage4.pack", "one.test stage4.meta"},
	};
	struct plan_options options = {0};
	CLEANUP(parsed_release) struct parsed p;
	CLEANUP(plan_freep) struct plan *plan = NULL;
	size_t n = 0;

	(void)state;
	parsed_init(&p, TEXT, NULL);
	assert_ok(plan_compile(p.def, &options, &plan));
	for (size_t i = 0; i < plan->n_steps; i++) {
		struct node_ids before = graph_before(plan->graph, plan->steps[i]->id);
		CLEANUP(buf_release) struct buf got = BUF_INIT;

		for (size_t k = 0; k < before.len; k++)
			buf_printf(&got, "%s%s", k > 0 ? " " : "",
				   plan->steps[before.items[k].index]->name);
		for (size_t k = 0; k < ARRAY_LEN(wanted); k++) {
			if (strcmp(wanted[k][0], plan->steps[i]->name) != 0)
				continue;
			assert_string_equal(buf_text(&got), wanted[k][1]);
			n++;
		}
	}
	assert_int_equal(n, ARRAY_LEN(wanted));
}

/* 20,000 stages, in a chain and as a fan. */
static void test_large(void **state)
{
	(void)state;
	for (int fan = 0; fan < 2; fan++) {
		struct plan_options options = {0};
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		CLEANUP(parsed_release) struct parsed p;
		CLEANUP(plan_freep) struct plan *plan = NULL;

		for (int i = 0; i < 20000; i++)
			buf_printf(&text,
				   "Bootstrap: docker\nFrom: a:1\nStage: s%d\n%%post\nx\n"
				   "%%files from s%d\n/a /b\n",
				   i, fan ? 0 : i - 1);
		parsed_init(&p, text.data, NULL);
		/* The first stage has no other to copy from. */
		p.def->stages[0].files = NULL;
		options.all_stages = true;
		assert_ok(plan_compile(p.def, &options, &plan));
		assert_int_equal(plan->n_steps, 20000 * 3 - 1 + 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	   cmocka_unit_test(test_targets),
		cmocka_unit_test(test_all_stages), cmocka_unit_test(test_wrong_targets),
		cmocka_unit_test(test_edges),	   cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
