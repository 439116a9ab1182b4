/* SPDX-License-Identifier: MIT
 * work.c - see work.h.
 */
#include "engine/work/work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/epoch.h"
#include "base/vec.h"
#include "cache/layer_times.h"

static const int64_t NS_PER_S = 1000000000, MS_PER_S = 1000;

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Apptainer passes APPTAINERENV_X=v on to %post as X=v: an input of the scripts. */
static void read_passed_env(struct work *w)
{
	static const char *const prefixes[] = {"SINGULARITYENV_", "APPTAINERENV_"};
	VEC(char *) found = {0};

	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
		for (char **e = environ; *e; e++)
			if (strncmp(*e, prefixes[p], strlen(prefixes[p])) == 0)
				vec_push(&found, xstrdup(*e + strlen(prefixes[p])));
	if (found.len > 0)
		qsort(found.items, found.len, sizeof(*found.items), compare_texts);
	w->passed_env = found.items;
	w->n_passed_env = found.len;
}

/* The part that shows in layers; the part after a colon is how this machine does it. */
static char *id_class(const char *id_map)
{
	return xstrndup(id_map, strcspn(id_map, ":"));
}

struct err *work_init(struct work *out, const struct work_options *options)
{
	out->options = *options;
	out->states = xcalloc(options->n_steps, sizeof(*out->states));
	for (size_t i = 0; i < options->n_steps; i++)
		out->states[i].waits_for = NODE_NONE;
	out->flights = flight_table_new(options->store);
	out->memo = stat_memo_new(options->store);
	out->platform = oci_platform_host();
	out->id_class = id_class(options->id_map);
	read_passed_env(out);
	TRY(epoch_from_environment(&out->epoch_set, &out->epoch_s));
	out->epoch_is_past = out->epoch_set && out->epoch_s <= clock_real_ns() / NS_PER_S;
	return NULL;
}

void work_release(struct work *w)
{
	for (size_t i = 0; i < w->options.n_steps; i++) {
		key_free(w->states[i].inputs);
		tree_list_release(&w->states[i].list);
		snapshot_release(&w->states[i].snapshot);
		free(w->states[i].oci_config);
	}
	for (size_t i = 0; i < w->n_passed_env; i++)
		free(w->passed_env[i]);
	free(w->passed_env);
	free(w->id_class);
	free(w->states);
	flight_table_free(w->flights);
	stat_memo_free(w->memo);
}

struct step_state *work_state(const struct work *w, struct node_id id)
{
	assert(id.index < w->options.n_steps);
	return &w->states[id.index];
}

const struct freshness_rule *work_rule(const struct work *w, const struct step *step)
{
	return freshness_rule(w->options.freshness, step->id);
}

/* What a step writes gets the present time, which the image caps at the epoch.  What was
 * written before the epoch would keep its time, and a build into an empty cache have the
 * epoch instead.  (While an epoch is still to come, each build has times of its own.) */
static bool has_earlier_times(const struct work *w, const struct step *step,
			      const cJSON *record)
{
	return w->epoch_is_past && step_makes_layer(step->kind) &&
	       freshness_began_ms(record) < w->epoch_s * MS_PER_S;
}

enum miss work_refuses(const struct work *w, const struct step *step, const cJSON *record)
{
	enum miss miss = freshness_refuses(work_rule(w, step), record);

	if (miss == MISS_NONE && has_earlier_times(w, step, record))
		return MISS_EPOCH;
	return miss;
}

const struct snapshot *work_parent(const struct work *w, const struct step *step)
{
	static const struct snapshot empty = SNAPSHOT_INIT;

	if (step->parent.index == NODE_NONE.index)
		return &empty;
	return &work_state(w, step->parent)->snapshot;
}

struct err *work_add_times(const struct work *w, struct task *task,
			   struct layer_id *layer)
{
	if (!w->epoch_set || identity_is_foreign(&layer->identity))
		return NULL;
	return layer_times(w->options.store, layer, w->epoch_s,
			   w->options.purpose == WORK_BUILD,
			   cancel_stop(task_cancel(task)), &layer->identity.times);
}

struct digest work_parent_digest(const struct work *w, const struct step *step)
{
	return snapshot_digest(work_parent(w, step));
}

struct node_id work_waits_for(const struct work *w, const struct step *step)
{
	if (step->parent.index != NODE_NONE.index &&
	    !work_state(w, step->parent)->is_done)
		return step->parent;
	if (step->producer.index != NODE_NONE.index &&
	    !work_state(w, step->producer)->is_done)
		return step->producer;
	if (step->host_script.index != NODE_NONE.index &&
	    !work_state(w, step->host_script)->is_done)
		return step->host_script;
	return NODE_NONE;
}
