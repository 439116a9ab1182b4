/* SPDX-License-Identifier: MIT
 * test_hits.c - a record counts while what it describes is there, and is what a build
 * would make now.
 *
 * A stage of three steps: the record of one is written as a build writes it, then one
 * thing is changed, and the step is probed.
 */
/* links: plan engine */
#include <stdlib.h>

#include "cache/layer_times.h"
#include "engine/executor/exec_private.h"
#include "scheduler/sched.h"
#include "tests/fake/fake_plan.h"
#include "tests/fake/store_fixture.h"

enum { BASE, POST, PACK, STEPS };

struct world {
	struct store *store;
	char *folder;
	struct fake_plan fake;
	const struct plan *plan;
	struct freshness rules;
	struct exec_options options;
	struct layer_id below, added; /* of the base, and of %post */
	struct layer_id recorded;     /* what the base had when the record was written */
};

static int setup(void **state)
{
	static const struct step_base base = {.agent = "docker", .from = "alpine:3.17"};
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(freep) char *cache = NULL;
	struct step *post;

	unsetenv("SOURCE_DATE_EPOCH");
	w->folder = test_folder_new();
	cache = path_join(w->folder, "cache");
	assert_ok(store_open(cache, STORE_WRITE, &w->store));
	fake_plan_init(&w->fake, "Bootstrap: docker\n");
	fake_plan_stage(&w->fake, NULL);
	fake_plan_step(&w->fake, STEP_BASE, "From", 0)->base = &base;
	post = fake_plan_step(&w->fake, STEP_POST, "%post", 0);
	post->script.text = post->script.args = "";
	fake_plan_step(&w->fake, STEP_PACK, "image", 0);
	w->plan = fake_plan_done(&w->fake);
	freshness_init(&w->rules, STEPS);
	w->rules.rules[BASE].locked = key_of("what From: stands for");
	w->options.work = (struct work_options){
		.steps = w->plan->steps,
		.n_steps = STEPS,
		.store = w->store,
		.id_map = "root",
		.freshness = &w->rules,
		.jobs = 1,
		.output = path_join(w->folder, "x.sif"),
	};
	w->below = w->recorded = make_layer(w->store, 10);
	w->added = make_layer(w->store, 20);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free((char *)w->options.work.output);
	freshness_release(&w->rules);
	fake_plan_release(&w->fake);
	store_close(w->store);
	test_folder_remove(w->folder);
	free(w);
	return 0;
}

/* ---- probing ---- */

struct probing {
	const struct world *world;
	struct exec *exec;
	uint32_t step;
	enum probe_result result;
};

/* What comes before the step that is asked about is done. */
static void set_done(const struct probing *p, uint32_t index)
{
	const struct world *w = p->world;
	struct step_state *state = &p->exec->work.states[index];

	state->is_done = true;
	snapshot_push(&state->snapshot, &w->below);
	if (index != BASE)
		snapshot_push(&state->snapshot, &w->added);
	for (size_t i = 0; p->exec->work.epoch_set && i < state->snapshot.len; i++)
		assert_ok(layer_times(w->store, &state->snapshot.layers[i],
				      p->exec->work.epoch_s, true, (struct stop){0},
				      &state->snapshot.layers[i].identity.times));
}

static struct err *probe(void *self, struct node_id id, struct task *task,
			 enum probe_result *out)
{
	struct probing *p = self;
	struct executor own = exec_executor(p->exec);
	struct err *e = NULL;

	if (id.index == p->step)
		e = own.probe(own.self, id, task, &p->result);
	else if (id.index < p->step)
		set_done(p, id.index);
	*out = PROBE_HIT;
	return e;
}

struct found {
	enum miss miss;
	struct digest key;
	struct snapshot chain;
};

static struct found look(struct world *w, uint32_t step, enum work_purpose purpose)
{
	struct probing p = {.world = w, .step = step};
	struct executor executor = {.self = &p, .probe = probe};
	struct sched_options sched = {.jobs = 1, .probe_only = true};
	struct sched_result result = SCHED_RESULT_INIT;
	struct found found = {0};
	struct step_state *state;

	w->options.work.purpose = purpose;
	assert_ok(exec_new(&w->options, &p.exec));
	assert_ok(sched_run(w->plan->graph, &executor, &sched, &result));
	sched_result_release(&result);
	state = &p.exec->work.states[step];
	found.miss = state->miss;
	found.key = state->key;
	snapshot_copy(&found.chain, &state->snapshot);
	assert_int_equal(p.result == PROBE_HIT, found.miss == MISS_NONE);
	exec_free(p.exec);
	return found;
}

static void check(struct world *w, uint32_t step, enum work_purpose purpose,
		  enum miss wanted)
{
	struct found found = look(w, step, purpose);

	snapshot_release(&found.chain);
	assert_int_equal(found.miss, wanted);
}

static void check_both(struct world *w, uint32_t step, enum miss wanted)
{
	check(w, step, WORK_LOOK, wanted);
	check(w, step, WORK_BUILD, wanted);
}

/* As if the step had been built just now; `record` has what is special to its kind. */
static void save(struct world *w, uint32_t step, cJSON *record)
{
	struct found found = look(w, step, WORK_LOOK);
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;

	assert_int_equal(found.miss, MISS_NEW);
	snapshot_push(&chain, &w->below);
	if (step != BASE)
		snapshot_push(&chain, &w->added);
	record_add_chain(record, &chain);
	record_set_ids(record, w->options.work.id_map);
	json_add_u64(record, "made_ms", 5000);
	json_add_u64(record, "duration_ms", 1000);
	assert_ok(record_save(w->store, &found.key, record));
	cJSON_Delete(record);
	snapshot_release(&found.chain);
}

static void remove_layer(const struct world *w, const struct layer_id *layer)
{
	CLEANUP(freep) char *path = path_join("layers", layer->name);

	assert_ok(fs_remove_tree(store_fd(w->store), path));
}

/* ---- layers ---- */

static void test_taken(void **state)
{
	struct world *w = *state;
	struct found found;

	save(w, POST, cJSON_CreateObject());
	check(w, POST, WORK_LOOK, MISS_NONE);
	found = look(w, POST, WORK_BUILD);
	assert_int_equal(found.miss, MISS_NONE);
	assert_int_equal(found.chain.len, 2);
	assert_string_equal(found.chain.layers[1].name, w->added.name);
	assert_true(digest_equal(&found.chain.layers[1].identity.digest,
				 &w->added.identity.digest));
	snapshot_release(&found.chain);
}

static void test_gone(void **state)
{
	struct world *w = *state;

	save(w, POST, cJSON_CreateObject());
	remove_layer(w, &w->added);
	check_both(w, POST, MISS_GONE);
}

/* Only who can mount looks into a layer. */
static void test_damaged(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *path = xasprintf("layers/%s/file", w->added.name);

	save(w, POST, cJSON_CreateObject());
	assert_int_equal(unlinkat(store_fd(w->store), path, 0), 0);
	check(w, POST, WORK_LOOK, MISS_NONE);
	check(w, POST, WORK_BUILD, MISS_DAMAGED);
}

/* A parent that was rebuilt to the same files leaves a hit, on the layers of then: all
 * of them are looked at. */
static void test_parent_anew(void **state)
{
	struct world *w = *state;
	struct found found;

	save(w, POST, cJSON_CreateObject());
	w->below = make_layer(w->store, 10);
	found = look(w, POST, WORK_BUILD);
	assert_int_equal(found.miss, MISS_NONE);
	assert_string_equal(found.chain.layers[0].name, w->recorded.name);
	snapshot_release(&found.chain);
	remove_layer(w, &w->recorded);
	check_both(w, POST, MISS_GONE);
}

/* With an epoch, the times in the record's layers become part of what they are called. */
static void test_times(void **state)
{
	struct world *w = *state;
	struct digest times;
	struct found found;

	setenv("SOURCE_DATE_EPOCH", "4", 1);
	save(w, POST, cJSON_CreateObject());
	check(w, POST, WORK_LOOK, MISS_TIMES);
	found = look(w, POST, WORK_BUILD);
	assert_int_equal(found.miss, MISS_NONE);
	assert_ok(layer_times(w->store, &w->added, 4, true, (struct stop){0}, &times));
	assert_true(digest_equal(&found.chain.layers[1].identity.times, &times));
	snapshot_release(&found.chain);
	check(w, POST, WORK_LOOK, MISS_NONE);
	unsetenv("SOURCE_DATE_EPOCH");
}

/* ---- what a record says besides ---- */

/* Of one class, and so under one key: but the files have other owners on the disk. */
static void test_other_ids(void **state)
{
	struct world *w = *state;

	save(w, POST, cJSON_CreateObject());
	w->options.work.id_map = "root: 100000";
	check_both(w, POST, MISS_OTHER_IDS);
}

static void test_age(void **state)
{
	struct world *w = *state;

	save(w, POST, cJSON_CreateObject());
	w->rules.rules[POST].not_before_ms = 4000;
	check_both(w, POST, MISS_NONE);
	w->rules.rules[POST].not_before_ms = 4001;
	check_both(w, POST, MISS_OLD);
}

static void check_epoch(struct world *w, uint32_t step, const char *epoch,
			enum miss wanted)
{
	setenv("SOURCE_DATE_EPOCH", epoch, 1);
	check(w, step, WORK_BUILD, wanted);
	unsetenv("SOURCE_DATE_EPOCH");
}

/* A base has the times of its making: only those from the epoch on are capped at it.  An
 * epoch that is still to come caps nothing. */
static void test_epoch(void **state)
{
	struct world *w = *state;

	save(w, BASE, cJSON_CreateObject());
	check_epoch(w, BASE, "4", MISS_NONE);
	check_epoch(w, BASE, "5", MISS_EPOCH);
	check_epoch(w, BASE, "4000000000", MISS_NONE);
	check_both(w, BASE, MISS_NONE);
}

static void test_processor(void **state)
{
	struct world *w = *state;
	cJSON *record = cJSON_CreateObject();

	cJSON_AddStringToObject(record, "level", "v99");
	save(w, BASE, record);
	check_both(w, BASE, MISS_OTHER_CPU);
}

/* ---- the image ---- */

static void write_image(const struct world *w, const char *text)
{
	CLEANUP(closep) int fd = -1;

	assert_ok(fs_open(AT_FDCWD, w->options.work.output, O_WRONLY | O_CREAT | O_TRUNC,
			  0644, &fd));
	assert_ok(fs_write_all(fd, text, strlen(text)));
}

static struct stat stat_image(const struct world *w)
{
	struct stat st;

	assert_int_equal(stat(w->options.work.output, &st), 0);
	return st;
}

static void set_time(const struct world *w, const struct timespec *when)
{
	struct timespec times[2] = {*when, *when};

	assert_int_equal(utimensat(AT_FDCWD, w->options.work.output, times, 0), 0);
}

static void save_image(struct world *w)
{
	const struct stat st = stat_image(w);
	struct digest d = digest_bytes(DIGEST_XXH3, store_secret(w->store), "image",
				       strlen("image"));
	cJSON *record = cJSON_CreateObject();
	char text[128];

	snprintf(text, sizeof(text), "%llu %llu %llu %lld%09ld %lld%09ld",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		 (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
		 st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	cJSON_AddStringToObject(record, "stat", text);
	cJSON_AddStringToObject(record, "digest", digest_format(&d, text));
	save(w, PACK, record);
}

/* Another content, with the size and the time of before: until the clock of the
 * filesystem has moved on, nothing could tell. */
static void overwrite(const struct world *w)
{
	const struct stat before = stat_image(w);
	struct stat after;

	do {
		write_image(w, "other");
		set_time(w, &before.st_mtim);
		after = stat_image(w);
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		 after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void test_image(void **state)
{
	struct world *w = *state;

	write_image(w, "image");
	save_image(w);
	check_both(w, PACK, MISS_NONE);
	/* A time says nothing of its content. */
	set_time(w, &(struct timespec){.tv_sec = 1000});
	check_both(w, PACK, MISS_NONE);
	assert_int_equal(unlink(w->options.work.output), 0);
	check_both(w, PACK, MISS_IMAGE);
}

static void test_image_overwritten(void **state)
{
	struct world *w = *state;

	write_image(w, "image");
	save_image(w);
	overwrite(w);
	check_both(w, PACK, MISS_IMAGE);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_taken),
		WITH_WORLD(test_gone),
		WITH_WORLD(test_damaged),
		WITH_WORLD(test_parent_anew),
		WITH_WORLD(test_times),
		WITH_WORLD(test_other_ids),
		WITH_WORLD(test_age),
		WITH_WORLD(test_processor),
		WITH_WORLD(test_epoch),
		WITH_WORLD(test_image),
		WITH_WORLD(test_image_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
