/* SPDX-License-Identifier: MIT
 * step_base.c - the first root filesystem of a stage: the agent's layers, and on top of
 * them a layer with what every Apptainer image holds.
 */
#include <string.h>

#include "engine/agent/agent.h"
#include "engine/steps/steps.h"
#include "engine/work/mounted.h"
#include "engine/meta/base_files.h"
#include "engine/meta/oci_runtime.h"

static struct agent_context context_of(const struct work *w, const struct step *step,
				       struct task *task)
{
	enum freshness_resolve resolve = work_rule(w, step)->resolve;

	return (struct agent_context){
		.store = w->options.store,
		.registry = w->options.registry,
		.flights = w->flights,
		.task = task,
		.id_class = w->id_class,
		.id_map = w->options.id_map,
		.platform = w->platform,
		.memo = stat_memo_table(w->memo),
		.use_network = w->options.registry != NULL && resolve != RESOLVE_NEVER,
		.resolved_since = resolve == RESOLVE_ASK ? w->options.resolved_since : 0,
		.max_file = w->options.max_file,
		.times_count = w->epoch_set,
		.clamp_s = w->epoch_s,
		.resolved_ns = &work_state(w, step->id)->resolved_ns,
	};
}

/* `*known` false when only a request could tell: planning makes none. */
static struct err *resolve(const struct work *w, const struct step *step,
			   struct task *task, bool *known)
{
	struct step_state *state = work_state(w, step->id);
	struct agent_context context = context_of(w, step, task);
	const struct freshness_rule *rule = work_rule(w, step);
	struct err *e;

	state->source = rule->locked;
	if (digest_is_set(&rule->locked))
		return NULL;
	e = agent_find(step->base->agent)->resolve(&context, step->base, &state->source);
	if (!e || err_code(e) != ERR_NOTFOUND || context.use_network)
		return e;
	if (w->options.registry)
		return err_recode(e, ERR_NETWORK);
	err_ignore(e, "planning asks no registry");
	state->miss = MISS_UNRESOLVED;
	*known = false;
	return NULL;
}

static struct err *base_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct step_state *state = work_state(w, step->id);

	/* Only when looking: a script on the host may be yet to make the image. */
	if (state->waits_for.index != NODE_NONE.index) {
		*known = false;
		return NULL;
	}
	TRY(resolve(w, step, task, known));
	if (*known && !digest_is_set(&state->source)) {
		state->miss = MISS_NOT_LOOKED_AT;
		*known = false;
	}
	if (!*known)
		return NULL;
	/* This version determines the files that every image gets. */
	key_set_text(state->inputs, "version", DAGBUILD_VERSION);
	key_set_text(state->inputs, "agent", step->base->agent);
	key_set_digest(state->inputs, "source", &state->source);
	/* Asked for later, they must be looked at. */
	if (step_base_header(step->base, "fingerprints"))
		key_set_text(state->inputs, "fingerprints",
			     step_base_header(step->base, "fingerprints"));
	return NULL;
}

/* ---- the root filesystem ---- */

/* Is the source what the key was made of? */
static struct err *check_source(const struct work *w, const struct step *step,
				const struct agent_context *context)
{
	struct agent_context fresh = *context;
	int64_t when; /* the age of what is used does not change */
	struct digest now;

	fresh.is_fresh = true;
	fresh.resolved_ns = &when;
	TRY(agent_find(step->base->agent)->resolve(&fresh, step->base, &now));
	if (digest_equal(&now, &work_state(w, step->id)->source))
		return NULL;
	return err_hint(err_new(ERR_NETWORK, "what '%s' installs from has changed",
				step->base->agent),
			"start again; if the URL leads to one mirror after another, "
			"name one of them");
}

static struct err *fill(const struct work *w, const struct step *step,
			struct agent_context *context, const char *root,
			struct script_output *output)
{
	const struct agent *agent = agent_find(step->base->agent);

	if (!agent->fill)
		return NULL;
	TRY(script_output_open(w, step, context->task, output));
	context->output = output;
	context->hold_fd = flight_lock_fd(w->flights, &work_state(w, step->id)->key);
	if (agent->is_unpinned)
		TRY(check_source(w, step, context));
	TRY(agent->fill(context, step->base, &work_state(w, step->id)->source, root));
	return agent->is_unpinned ? check_source(w, step, context) : NULL;
}

/* In a container, over what is there. */
static struct err *install(const struct work *w, const struct step *step,
			   const struct agent_context *context,
			   const struct agent_base *base, struct mounted *m)
{
	const struct agent *agent = agent_find(step->base->agent);
	CLEANUP(freep) const char **names = NULL;
	static const char *const no_environment[] = {NULL};
	struct container_request request = {
		.root = mounted_overlay(w, &base->layers, &names),
		.argv = agent->install,
		.envp = no_environment,
		.security = SECURITY_CONTAINER, /* the user's choice is no input */
		.hold_fd = context->hold_fd,
		.cancel = task_cancel(context->task),
		.line = script_output_line,
		.context = context->output,
	};
	struct container_result result = {0};

	if (!agent->install)
		return NULL;
	TRY(mounted_prepare_again(m));
	request.root.upper = m->upper;
	request.root.work = m->work;
	request.root.mount_point = m->mount_point;
	TRY(container_run(&request, &result));
	return result.status == 0 ? NULL
				  : script_failed(step, context->output, result.status);
}

static struct err *write_files(const struct work *w, const struct step *step,
			       const struct agent_context *context,
			       struct agent_base *base)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	CLEANUP(script_output_release) struct script_output output = SCRIPT_OUTPUT_INIT;
	struct agent_context filling = *context;
	struct task *task = context->task;

	for (size_t i = 0; i < base->layers.len; i++)
		TRY(work_add_times(w, task, &base->layers.layers[i]));
	TRY(mounted_open(w, &base->layers, true, &m));
	TRY(fill(w, step, &filling, m.mount_point, &output));
	TRY(base_files_write(m.root_fd,
			     base->is_image ? BASE_IS_IMAGE : BASE_IS_FOREIGN));
	if (base->has_config)
		TRY(oci_runtime_write(m.root_fd, &base->config));
	TRY(mounted_close(&m));
	TRY(install(w, step, &filling, base, &m));
	return mounted_commit(w, step, task, &m, &base->layers);
}

static struct err *base_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(agent_base_release) struct agent_base base = AGENT_BASE_INIT;
	struct agent_context context = context_of(w, step, task);
	const struct agent *agent = agent_find(step->base->agent);
	const struct step_state *state = work_state(w, step->id);
	char text[DIGEST_TEXT_SIZE];

	if (digest_is_set(&work_rule(w, step)->locked))
		task_note(task, "resolved from %s: %s", w->options.freshness->lock_name,
			  digest_format(&state->source, text));
	if (agent->fetch)
		TRY(agent->fetch(&context, step->base, &state->source, &base));
	TRY(write_files(w, step, &context, &base));
	cJSON_AddStringToObject(record, "source", digest_format(&state->source, text));
	if (base.level)
		cJSON_AddStringToObject(record, "level", base.level);
	if (base.oci_config)
		cJSON_AddStringToObject(record, "oci_config", base.oci_config);
	return NULL;
}

/* Few images are made only for some processors, and few caches move from machine to
 * machine: so the processor is in the records of such images, and not in every key. */
static enum miss base_refuses(const struct work *w, const struct step *step,
			      const cJSON *record)
{
	const char *level = json_string(record, "level");

	(void)step;
	if (!level || strcmp(level, w->platform.level ? w->platform.level : "") == 0)
		return MISS_NONE;
	return MISS_OTHER_CPU;
}

const struct step_ops step_base_ops = {
	.compose = base_compose, .refuses = base_refuses, .run = base_run};
