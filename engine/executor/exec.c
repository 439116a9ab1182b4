/* SPDX-License-Identifier: MIT
 * exec.c - see exec.h.
 *
 * Probing a step composes its key from its inputs and from its parent's root filesystem,
 * and looks for a record.  Running it makes a layer on top of the parent's, publishes it,
 * and writes the record, in this order: a record never names a layer that is not there.
 *
 * A script need not give the same files twice.  So what stands on a step is keyed on what
 * that has made, by the identities of its layers: other files make it miss, the same files leave it a
 * hit.  Such a hit may stand on the layers of an earlier run, which hold the same: its
 * record names its whole chain, and what comes next stands on that.
 */
#include "engine/executor/exec.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/history.h"
#include "cache/record.h"
#include "engine/agent/agent.h"
#include "engine/executor/detail.h"
#include "engine/executor/exec_private.h"
#include "engine/executor/key_parts.h"
#include "engine/steps/steps.h"
#include "engine/work/chain.h"

static const struct step_ops *const ops[STEP_KINDS] = {
	[STEP_BASE] = &step_base_ops,	[STEP_COPY] = &step_copy_ops,
	[STEP_FILES] = &step_files_ops, [STEP_POST] = &step_post_ops,
	[STEP_META] = &step_meta_ops,	[STEP_TEST] = &step_test_ops,
	[STEP_PACK] = &step_pack_ops,
};

/* ---- probing and running ---- */

/* "amd64", "arm/v7": this machine's, in the words of OCI. */
static char *architecture(const struct oci_platform *host)
{
	return xasprintf("%s%s%s", host->architecture, host->variant ? "/" : "",
			 host->variant ? host->variant : "");
}

/* Everything every key holds, then what the kind adds. */
struct err *exec_compose(struct exec *x, const struct step *step, struct task *task,
			 bool *known)
{
	struct step_state *state = work_state(&x->work, step->id);

	key_free(state->inputs);
	state->inputs = key_new(step_kind_name(step->kind));
	state->waits_for = work_waits_for(&x->work, step);
	key_set_text(state->inputs, "architecture", x->architecture);
	key_set_text(state->inputs, "id map", x->work.id_class);
	if (step->parent.index != NODE_NONE.index &&
	    state->waits_for.index != step->parent.index) {
		struct digest parent = work_parent_digest(&x->work, step);

		key_set_digest(state->inputs, "parent", &parent);
	}
	*known = true;
	TRY(ops[step->kind]->compose(&x->work, step, task, known));
	state->is_known = *known;
	*known = *known && state->waits_for.index == NODE_NONE.index;
	assert(!*known || key_parts_agree(state->inputs, step->kind));
	state->key = key_final(state->inputs);
	return NULL;
}

/* Are the layers there that the step added?  Those of its parent were looked at with the
 * parent.  A run without changes does not look into them: what is going to be used is looked
 * at again by the process that can mount.  MISS_NONE when they
 * are. */
static enum miss lost_layers(struct exec *x, const struct step *step, struct task *task)
{
	const struct snapshot *own = &work_state(&x->work, step->id)->snapshot;
	const struct snapshot *parent = work_parent(&x->work, step);
	struct snapshot added = *own;
	enum miss miss;
	struct err *e;

	/* A parent that was built anew since then has other layers, which hold the same. */
	if (snapshot_begins_with(own, parent)) {
		added.layers += parent->len;
		added.len -= parent->len;
	}
	if (!snapshot_exists(x->work.options.store, &added))
		return MISS_GONE;
	if (x->work.options.purpose != WORK_BUILD)
		return MISS_NONE;
	e = snapshot_check(x->work.options.store, &added, cancel_stop(task_cancel(task)));
	miss = miss_of(e);
	err_ignore(e, "it is made anew");
	return miss;
}

/* The times in the record's layers; those of the parent are known. */
static enum miss add_times(struct exec *x, const struct step *step, struct task *task)
{
	struct snapshot *own = &work_state(&x->work, step->id)->snapshot;
	const struct snapshot *parent = work_parent(&x->work, step);
	bool is_prefix = snapshot_begins_with(own, parent);

	for (size_t i = 0; x->work.epoch_set && i < own->len; i++) {
		enum miss miss;
		struct err *e;

		if (is_prefix && i < parent->len) {
			own->layers[i] = parent->layers[i];
			continue;
		}
		e = work_add_times(&x->work, task, &own->layers[i]);
		miss = miss_of(e);
		err_ignore(e, "it is made anew");
		if (miss)
			return miss;
	}
	return MISS_NONE;
}

static void keep_facts(struct step_state *state, const cJSON *record)
{
	const char *config = json_string(record, "oci_config");

	state->made_ms = state->time_s = 0;
	json_u64(record, "made_ms", &state->made_ms);
	json_u64(record, "time_s", &state->time_s);
	free(state->oci_config);
	state->oci_config = config ? xstrdup(config) : NULL;
}

/* Take the record under the state's key for the step's result, if it still holds. */
static bool take_record(struct exec *x, const struct step *step, struct task *task)
{
	struct step_state *state = work_state(&x->work, step->id);
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(x->work.options.store, &state->key, &record);

	state->miss = MISS_NEW;
	if (e) {
		err_ignore(e, "a miss");
		return false;
	}
	state->miss = freshness_refuses(work_rule(&x->work, step), record);
	if (state->miss)
		return false;
	state->miss = MISS_OTHER_IDS;
	if (!record_has_ids(record, x->work.options.id_map))
		return false;
	state->miss = MISS_GONE;
	if (!step_makes_layer(step->kind))
		snapshot_copy(&state->snapshot, work_parent(&x->work, step));
	else if (!record_take_chain(record, &state->snapshot))
		return false;
	state->miss = lost_layers(x, step, task);
	if (state->miss == MISS_NONE)
		state->miss = add_times(x, step, task);
	if (state->miss == MISS_NONE && ops[step->kind]->refuses)
		state->miss = ops[step->kind]->refuses(&x->work, step, record);
	if (state->miss) {
		snapshot_release(&state->snapshot);
		return false;
	}
	record_adopt(x->work.options.store, &state->key, record);
	keep_facts(state, record);
	return true;
}

static void tell_loss(struct exec *x, const struct step *step, struct task *task)
{
	enum miss miss = work_state(&x->work, step->id)->miss;

	if (x->work.options.purpose != WORK_BUILD)
		return;
	if (miss == MISS_DAMAGED || miss == MISS_GONE)
		task_note(task, "%s from the cache: it is made anew", miss_text(miss));
}

static bool is_supported(const struct step *step)
{
	return ops[step->kind] &&
	       (step->kind != STEP_BASE || agent_find(step->base->agent));
}

static struct err *exec_probe(void *self, struct node_id id, struct task *task,
			      enum probe_result *out)
{
	struct exec *x = self;
	const struct step *step = x->work.options.steps[id.index];
	bool known = false;

	*out = PROBE_MISS;
	if (!is_supported(step)) {
		work_state(&x->work, id)->miss = MISS_UNSUPPORTED;
		return NULL;
	}
	TRY(place_err(step->where, exec_compose(x, step, task, &known)));
	if (!known || !take_record(x, step, task)) {
		tell_loss(x, step, task);
		return NULL;
	}
	work_state(&x->work, id)->is_done = true;
	*out = PROBE_HIT;
	/* Only while something is built: a run without changes writes nothing. */
	if (x->options.definition && x->work.options.purpose == WORK_BUILD)
		err_ignore(history_use(x->work.options.store,
				       &(struct history_step){x->options.definition,
							      step->name},
				       &work_state(&x->work, id)->key),
			   "`why` has less to say");
	return NULL;
}

/* For `why` and `plan`; nothing depends on it. */
static void remember(struct exec *x, const struct step *step, uint64_t duration_ms)
{
	struct history_step who = {x->options.definition, step->name};
	cJSON *build;

	if (!who.definition)
		return;
	build = detail_new(&x->work, step);
	json_add_u64(build, "duration_ms", duration_ms);
	json_add_u64(build, "made_ms", (uint64_t)clock_real_ns() / 1000000);
	err_ignore(history_add(x->work.options.store, &who, build),
		   "`why` has less to say");
}

static struct err *write_record(struct exec *x, const struct step *step, cJSON *record,
				uint64_t started_ns)
{
	struct step_state *state = work_state(&x->work, step->id);
	uint64_t duration_ms = (clock_mono_ns() - started_ns) / 1000000;

	cJSON_AddStringToObject(record, "kind", step_kind_name(step->kind));
	cJSON_AddStringToObject(record, "step", step->name);
	record_add_chain(record, &state->snapshot);
	record_set_ids(record, x->work.options.id_map);
	json_add_u64(record, "duration_ms", duration_ms);
	json_add_u64(record, "made_ms", (uint64_t)clock_real_ns() / 1000000);
	TRY(record_save(x->work.options.store, &state->key, record));
	remember(x, step, duration_ms);
	return NULL;
}

static struct err *run_step(struct exec *x, const struct step *step, struct task *task)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct step_state *state = work_state(&x->work, step->id);
	uint64_t started_ns = clock_mono_ns();

	TRY(ops[step->kind]->run(&x->work, step, task, record));
	if (!step_makes_layer(step->kind))
		snapshot_copy(&state->snapshot, work_parent(&x->work, step));
	TRY(chain_shorten(&x->work, task, &state->snapshot));
	TRY(write_record(x, step, record, started_ns));
	keep_facts(state, record);
	return NULL;
}

/* Another step or process may have made it between our probe and our turn: what was made since
 * the command began is as new as what we would make. */
static bool take_new_record(struct exec *x, const struct step *step, struct task *task)
{
	struct step_state *state = work_state(&x->work, step->id);
	enum miss miss = state->miss;

	if (take_record(x, step, task) &&
	    state->made_ms >= (uint64_t)x->work.options.resolved_since / 1000000)
		return true;
	snapshot_release(&state->snapshot);
	state->miss = miss;
	return false;
}

static struct err *run_limited(struct exec *x, const struct step *step, struct task *task)
{
	struct err *e;

	if (!x->options.limit)
		return run_step(x, step, task);
	TRY(limit_enter(x->options.limit, step->name, task));
	e = run_step(x, step, task);
	return limit_leave(x->options.limit, task, e);
}

static struct err *exec_run(void *self, struct node_id id, struct task *task)
{
	struct exec *x = self;
	const struct step *step = x->work.options.steps[id.index];
	struct digest key =
		work_state(&x->work, id)->key; /* of the probe: running may set another */
	struct err *e = NULL;
	bool waited;

	TRY(flight_enter(x->work.flights, &key, task, &waited));
	if (!take_new_record(x, step, task))
		e = run_limited(x, step, task);
	work_state(&x->work, id)->is_done = !e;
	flight_leave(x->work.flights, &key, e);
	return place_err(step->where, e);
}

/* ---- the executor ---- */

struct err *exec_new(const struct exec_options *options, struct exec **out)
{
	CLEANUP(exec_freep) struct exec *x = xcalloc(1, sizeof(*x));

	x->options = *options;
	TRY(work_init(&x->work, &options->work));
	x->architecture = architecture(&x->work.platform);
	*out = STEAL(x);
	return NULL;
}

void exec_free(struct exec *x)
{
	if (!x)
		return;
	work_release(&x->work);
	free(x->architecture);
	free(x);
}

void exec_freep(struct exec **x)
{
	exec_free(*x);
	*x = NULL;
}

struct executor exec_executor(struct exec *x)
{
	return (struct executor){.self = x, .probe = exec_probe, .run = exec_run};
}

struct err *exec_check_steps(const struct step *const *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct step *step = steps[i];
		const char *what =
			step->kind == STEP_BASE ? "the bootstrap agent" : "a step";

		if (is_supported(step))
			continue;
		return place_err(
			step->where,
			err_hint(err_new(ERR_SYNTAX,
					 "%s '%s' is not supported by this version", what,
					 step->kind == STEP_BASE ? step->base->agent
								 : step->label),
				 "build this definition with apptainer for now"));
	}
	return NULL;
}

const struct work *exec_work(const struct exec *x)
{
	return &x->work;
}

const char *exec_definition(const struct exec *x)
{
	return x->options.definition;
}

struct err *exec_check_output(const struct exec *x)
{
	return pack_check_output(&x->work);
}

const char *exec_miss_reason(const struct exec *x, struct node_id id)
{
	return miss_text(work_state(&x->work, id)->miss);
}

struct err *exec_list_files(const struct exec *x, const struct step *step,
			    struct tree_list *out)
{
	if (!ops[step->kind]->list)
		return err_new(ERR_NOTFOUND, "its key tells of no files");
	return ops[step->kind]->list(&x->work, step, out);
}

struct err *exec_history(const struct exec *x, const struct step *step, cJSON **out)
{
	struct history_step who = {x->options.definition, step->name};

	if (!x->work.options.store || !who.definition)
		return err_new(ERR_NOTFOUND, "no history is kept");
	return history_load(x->work.options.store, &who, out);
}

bool exec_expected_ms(const struct exec *x, struct node_id id, uint64_t *out)
{
	CLEANUP(json_freep) cJSON *history = NULL;
	struct err *e = exec_history(x, x->work.options.steps[id.index], &history);

	err_ignore(e, "never built");
	return history && history_expected_ms(history, out);
}

/* Does an earlier stage start from the same base? */
static bool is_repeated(const struct exec *x, size_t base)
{
	const struct digest *source = &x->work.states[base].source;

	for (size_t i = 0; i < base && digest_is_set(source); i++)
		if (x->work.options.steps[i]->kind == STEP_BASE &&
		    digest_equal(&x->work.states[i].source, source))
			return true;
	return false;
}

struct exec_sources exec_sources(const struct exec *x)
{
	struct exec_sources sources = {0};

	for (size_t i = 0; i < x->work.options.n_steps; i++) {
		const struct step *step = x->work.options.steps[i];
		int64_t when = x->work.states[i].resolved_ns;

		if (step->kind != STEP_BASE || is_repeated(x, i))
			continue;
		sources.locked += digest_is_set(&work_rule(&x->work, step)->locked);
		if (when == 0 ||
		    when / 1000000 >= x->work.options.resolved_since / 1000000)
			continue;
		if (sources.remembered++ == 0 || when < sources.oldest_ns)
			sources.oldest_ns = when;
	}
	return sources;
}

struct err *exec_remember(struct exec *x)
{
	return stat_memo_save(x->work.memo);
}

uint64_t exec_image_size(const struct exec *x)
{
	uint64_t size = 0;

	for (size_t i = 0; i < x->work.options.n_steps; i++)
		size += x->work.states[i].image_size;
	return size;
}
