/* SPDX-License-Identifier: MIT
 * exec.c - see exec.h.
 *
 * Probing a step composes its key from its inputs and from its parent's root filesystem,
 * and looks for a record.  Running it makes a layer on top of the parent's, publishes it,
 * and writes the record, in this order: a record never names a layer that is not there.
 *
 * A script may not give the same files twice.  So the steps on top of a step are keyed on
 * what it has made, by the identities of its layers: with other files they miss, with the
 * same files they stay hits.  Such a hit may stand on the layers of an earlier run, which
 * hold the same: its record names its whole chain, and the next step stands on that.
 */
#include "engine/executor/exec.h"

#include <stdlib.h>

#include "engine/agent/agent.h"
#include "engine/executor/exec_kinds.h"
#include "engine/executor/exec_private.h"
#include "engine/executor/exec_probe.h"
#include "engine/executor/exec_run.h"

/* "amd64", "arm/v7": this machine's, in OCI's terms. */
static char *architecture(const struct oci_platform *host)
{
	return xasprintf("%s%s%s", host->architecture, host->variant ? "/" : "",
			 host->variant ? host->variant : "");
}

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
		const struct agent *agent;

		if (exec_supports(step))
			continue;
		agent = agent_find(step->base->agent);
		return place_err(
			step->where,
			err_hint(err_new(ERR_SYNTAX, "the agent '%s' cannot be used: %s",
					 agent->name, agent->why_not),
				 "%s", agent->instead));
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
	if (!exec_kinds[step->kind]->list)
		return err_new(ERR_NOTFOUND, "its key tells of no files");
	return exec_kinds[step->kind]->list(&x->work, step, out);
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
