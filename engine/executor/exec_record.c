/* SPDX-License-Identifier: MIT
 * exec_record.c - see exec_record.h.
 */
#include "engine/executor/exec_record.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cache/history.h"
#include "cache/record.h"
#include "engine/executor/detail.h"

void exec_keep_facts(struct step_state *state, const cJSON *record)
{
	const char *config = json_string(record, "oci_config");

	state->made_ms = state->time_s = 0;
	json_u64(record, "made_ms", &state->made_ms);
	json_u64(record, "time_s", &state->time_s);
	free(state->oci_config);
	state->oci_config = config ? xstrdup(config) : NULL;
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

struct err *exec_write_record(struct exec *x, const struct step *step, cJSON *record,
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

void exec_note_use(struct exec *x, const struct step *step)
{
	/* Only while something is built: a run without changes writes nothing. */
	if (x->options.definition && x->work.options.purpose == WORK_BUILD)
		err_ignore(history_use(x->work.options.store,
				       &(struct history_step){x->options.definition,
							      step->name},
				       &work_state(&x->work, step->id)->key),
			   "`why` has less to say");
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
