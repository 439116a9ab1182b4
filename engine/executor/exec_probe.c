/* SPDX-License-Identifier: MIT
 * exec_probe.c - see exec_probe.h.
 */
#include "engine/executor/exec_probe.h"

#include "cache/record.h"
#include "engine/executor/exec_kinds.h"
#include "engine/executor/exec_record.h"
#include "engine/executor/key_parts.h"

/* Sets what every key holds, then what the kind adds. */
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
	TRY(exec_kinds[step->kind]->compose(&x->work, step, task, known));
	state->is_known = *known;
	*known = *known && state->waits_for.index == NODE_NONE.index;
	assert(!*known || key_parts_agree(state->inputs, step->kind));
	state->key = key_final(state->inputs);
	return NULL;
}

/* Are the layers that the step added there?  Those of its parent were checked with the
 * parent.  A run without changes does not look into them: the process that can mount
 * checks again what it uses.  MISS_NONE when they are. */
static enum miss lost_layers(struct exec *x, const struct step *step, struct task *task)
{
	const struct snapshot *own = &work_state(&x->work, step->id)->snapshot;
	const struct snapshot *parent = work_parent(&x->work, step);
	struct snapshot added = *own;
	enum miss miss;
	struct err *e;

	/* A parent that was rebuilt since then has other layers with the same content. */
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
	err_ignore(e, "it is made again");
	return miss;
}

/* Add the times in the record's layers; those of the parent are known. */
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
		err_ignore(e, "it is made again");
		if (miss)
			return miss;
	}
	return MISS_NONE;
}

/* Take the record under the state's key for the step's result, if it still holds. */
bool exec_take_record(struct exec *x, const struct step *step, struct task *task)
{
	struct step_state *state = work_state(&x->work, step->id);
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e;

	state->miss = MISS_ALWAYS;
	if (step_runs_always(step))
		return false;
	state->miss = MISS_NEW;
	e = record_load(x->work.options.store, &state->key, &record);
	if (e) {
		err_ignore(e, "a miss");
		return false;
	}
	state->miss = work_refuses(&x->work, step, record);
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
	if (state->miss == MISS_NONE && exec_kinds[step->kind]->refuses)
		state->miss = exec_kinds[step->kind]->refuses(&x->work, step, record);
	if (state->miss) {
		snapshot_release(&state->snapshot);
		return false;
	}
	record_adopt(x->work.options.store, &state->key, record);
	exec_keep_facts(state, record);
	return true;
}

static void tell_loss(struct exec *x, const struct step *step, struct task *task)
{
	enum miss miss = work_state(&x->work, step->id)->miss;

	if (x->work.options.purpose != WORK_BUILD)
		return;
	if (miss == MISS_DAMAGED || miss == MISS_GONE)
		task_note(task, "%s from the cache: it is built again", miss_text(miss));
}

struct err *exec_probe(void *self, struct node_id id, struct task *task,
		       enum probe_result *out)
{
	struct exec *x = self;
	const struct step *step = x->work.options.steps[id.index];
	bool known = false;

	*out = PROBE_MISS;
	if (!exec_supports(step)) {
		work_state(&x->work, id)->miss = MISS_UNSUPPORTED;
		return NULL;
	}
	TRY(place_err(step->where, exec_compose(x, step, task, &known)));
	if (!known || !exec_take_record(x, step, task)) {
		tell_loss(x, step, task);
		return NULL;
	}
	work_state(&x->work, id)->is_done = true;
	*out = PROBE_HIT;
	exec_note_use(x, step);
	return NULL;
}
