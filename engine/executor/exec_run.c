/* SPDX-License-Identifier: MIT
 * exec_run.c - see exec_run.h.
 */
#include "engine/executor/exec_run.h"

#include "base/clock.h"
#include "engine/executor/exec_kinds.h"
#include "engine/executor/exec_probe.h"
#include "engine/executor/exec_record.h"
#include "engine/work/chain.h"

static struct err *run_step(struct exec *x, const struct step *step, struct task *task)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct step_state *state = work_state(&x->work, step->id);
	uint64_t started_ns = clock_mono_ns();

	TRY(exec_kinds[step->kind]->run(&x->work, step, task, record));
	if (!step_makes_layer(step->kind))
		snapshot_copy(&state->snapshot, work_parent(&x->work, step));
	TRY(chain_shorten(&x->work, task, &state->snapshot));
	TRY(exec_write_record(x, step, record, started_ns));
	exec_keep_facts(state, record);
	return NULL;
}

/* Another step or process may have made it between our probe and our turn: what was made
 * since the command began is as fresh as what we would make. */
static bool take_new_record(struct exec *x, const struct step *step, struct task *task)
{
	struct step_state *state = work_state(&x->work, step->id);
	enum miss miss = state->miss;

	if (exec_take_record(x, step, task) &&
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

struct err *exec_run(void *self, struct node_id id, struct task *task)
{
	struct exec *x = self;
	const struct step *step = x->work.options.steps[id.index];
	struct digest key =
		work_state(&x->work, id)->key; /* from the probe: running may set
						  another */
	struct err *e = NULL;
	bool waited;

	TRY(flight_enter(x->work.flights, &key, task, &waited));
	if (!take_new_record(x, step, task))
		e = run_limited(x, step, task);
	work_state(&x->work, id)->is_done = !e;
	flight_leave(x->work.flights, &key, e);
	return place_err(step->where, e);
}
