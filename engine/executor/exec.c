/* SPDX-License-Identifier: MIT
 * exec.c - see exec.h.
 *
 * Probing a step composes its key from its inputs and from its parent's root filesystem,
 * and looks for a record.  Running it makes a layer on top of the parent's, publishes it,
 * and writes the record, in this order: a record never names a layer that is not there.
 *
 * A layer's name is random.  So when a step runs again under the same key (a script need
 * not give the same files twice) what was built upon the earlier layer is not mixed with
 * the new one: its key holds the parent's layers.
 */
#include "engine/executor/exec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/epoch.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/vec.h"
#include "cache/history.h"
#include "engine/agent/agent.h"
#include "engine/work/chain.h"
#include "engine/executor/detail.h"
#include "engine/executor/exec_private.h"
#include "engine/executor/key_parts.h"

static const struct step_ops *const ops[STEP_KINDS] = {
	[STEP_BASE] = &step_base_ops,	[STEP_COPY] = &step_copy_ops,
	[STEP_FILES] = &step_files_ops, [STEP_POST] = &step_post_ops,
	[STEP_META] = &step_meta_ops,	[STEP_TEST] = &step_test_ops,
	[STEP_PACK] = &step_pack_ops,
};

/* ---- shared by the steps ---- */

struct step_state *exec_state(struct exec *x, struct node_id id)
{
	assert(id.index < x->options.n_steps);
	return &x->states[id.index];
}

const struct freshness_rule *exec_rule(const struct exec *x, const struct step *step)
{
	return freshness_rule(x->options.freshness, step->id);
}

const struct snapshot *exec_parent(struct exec *x, const struct step *step)
{
	static const struct snapshot empty = SNAPSHOT_INIT;

	if (step->parent.index == NODE_NONE.index)
		return &empty;
	return &exec_state(x, step->parent)->snapshot;
}

struct digest exec_parent_digest(struct exec *x, const struct step *step)
{
	return snapshot_digest(exec_parent(x, step));
}

struct overlay_spec exec_overlay(struct exec *x, const struct snapshot *chain,
				 const char ***names)
{
	*names = xcalloc(chain->len, sizeof(**names));
	for (size_t i = 0; i < chain->len; i++)
		(*names)[i] = chain->layers[i].name;
	return (struct overlay_spec){
		.layer_root = layer_root(x->options.store),
		.layers = *names,
		.n_layers = chain->len,
	};
}

static struct err *make_folder(const struct scratch *scratch, const char *name,
			       char **path)
{
	if (mkdirat(scratch->fd, name, 0755) != 0)
		return err_sys("make '%s/%s'", scratch->path, name);
	*path = path_join(scratch->path, name);
	return NULL;
}

struct err *mounted_prepare(struct exec *x, const struct snapshot *chain,
			    struct mounted *out)
{
	CLEANUP(freep) const char **names = NULL;
	struct overlay_spec spec = exec_overlay(x, chain, &names);

	return mounted_prepare_over(x->options.store, &spec, out);
}

struct err *mounted_prepare_over(const struct store *s, const struct overlay_spec *below,
				 struct mounted *out)
{
	struct overlay_spec spec = *below;

	TRY(scratch_new(s, &out->scratch));
	TRY(make_folder(&out->scratch, "mnt", &out->mount_point));
	TRY(make_folder(&out->scratch, "upper", &out->upper));
	TRY(make_folder(&out->scratch, "work", &out->work));
	spec.upper = out->upper;
	return overlay_prepare_upper(&spec);
}

struct err *mounted_open(struct exec *x, const struct snapshot *chain, bool writable,
			 struct mounted *out)
{
	CLEANUP(freep) const char **names = NULL;
	struct overlay_spec spec = exec_overlay(x, chain, &names);

	if (writable) {
		TRY(mounted_prepare(x, chain, out));
	} else {
		TRY(scratch_new(x->options.store, &out->scratch));
		TRY(make_folder(&out->scratch, "mnt", &out->mount_point));
	}
	spec.upper = out->upper;
	spec.work = out->work;
	spec.mount_point = out->mount_point;
	TRY(overlay_mount(&spec));
	out->is_mounted = true;
	return fs_open(AT_FDCWD, out->mount_point, O_RDONLY | O_DIRECTORY, 0,
		       &out->root_fd);
}

struct err *mounted_close(struct mounted *m)
{
	closep(&m->root_fd);
	m->root_fd = -1;
	if (!m->is_mounted)
		return NULL;
	m->is_mounted = false;
	return overlay_unmount(m->mount_point);
}

void mounted_release(struct mounted *m)
{
	err_ignore(mounted_close(m), "it ends with our mount namespace");
	scratch_release(&m->scratch);
	free(m->upper);
	free(m->work);
	free(m->mount_point);
}

char *exec_log_path(struct exec *x, const struct step *step)
{
	CLEANUP(freep) char *name = xstrdup(step->name);
	char hex[DIGEST_TEXT_SIZE];

	for (char *p = name; *p; p++)
		if (*p == '/' || *p == ' ' || (unsigned char)*p < 0x20)
			*p = '_';
	digest_hex(&exec_state(x, step->id)->key, hex);
	return xasprintf("%s/logs/%.100s-%.8s.log", store_dir(x->options.store), name,
			 hex);
}

/* ---- probing and running ---- */

struct node_id exec_waits_for(struct exec *x, const struct step *step)
{
	if (step->parent.index != NODE_NONE.index &&
	    !exec_state(x, step->parent)->is_done)
		return step->parent;
	if (step->producer.index != NODE_NONE.index &&
	    !exec_state(x, step->producer)->is_done)
		return step->producer;
	return NODE_NONE;
}

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
	struct step_state *state = exec_state(x, step->id);

	key_free(state->inputs);
	state->inputs = key_new(step_kind_name(step->kind));
	state->waits_for = exec_waits_for(x, step);
	key_set_text(state->inputs, "architecture", x->architecture);
	key_set_text(state->inputs, "id map", x->options.id_map);
	if (step->parent.index != NODE_NONE.index &&
	    state->waits_for.index != step->parent.index) {
		struct digest parent = exec_parent_digest(x, step);

		key_set_digest(state->inputs, "parent", &parent);
	}
	*known = true;
	TRY(ops[step->kind]->compose(x, step, task, known));
	state->is_known = *known;
	*known = *known && state->waits_for.index == NODE_NONE.index;
	assert(!*known || key_parts_agree(state->inputs, step->kind));
	state->key = key_final(state->inputs);
	return NULL;
}

const char exec_miss_new[] = "not built before with these inputs";
const char exec_miss_gone[] = "what it made is gone";
static const char MISS_DAMAGED[] = "some of what it made is gone, or was changed";
static const char MISS_STOPPED[] = "the build was interrupted";

/* Are the layers there that the step added?  Those of its parent were looked at with the
 * parent.  A run without changes does not look into them: what is going to be used is looked
 * at again by the process that can mount.  NULL, or why it is a miss. */
static const char *lost_layers(struct exec *x, const struct step *step, struct task *task)
{
	const struct snapshot *own = &exec_state(x, step->id)->snapshot;
	const struct snapshot *parent = exec_parent(x, step);
	struct snapshot added = *own;
	const char *miss;
	struct err *e;

	if (parent->len > 0 && parent->len <= own->len &&
	    memcmp(parent->layers, own->layers, parent->len * sizeof(*own->layers)) ==
		    0) {
		added.layers += parent->len;
		added.len -= parent->len;
	}
	if (!snapshot_exists(x->options.store, &added))
		return exec_miss_gone;
	if (!x->options.can_mount)
		return NULL;
	e = snapshot_check(x->options.store, &added, cancel_stop(task_cancel(task)));
	if (!e)
		return NULL;
	miss = err_code(e) == ERR_CANCELLED ? MISS_STOPPED : MISS_DAMAGED;
	err_ignore(e, "it is made anew");
	return miss;
}

struct err *exec_check_read(struct exec *x, struct task *task,
			    const struct snapshot *chain)
{
	struct err *e =
		snapshot_check(x->options.store, chain, cancel_stop(task_cancel(task)));

	if (!e || err_code(e) == ERR_CANCELLED)
		return e;
	return err_hint(err_wrap(e, "somebody changed the cache while it was read"),
			"give the command again: what is missing is made anew; see "
			"DAGBUILD_CACHEDIR "
			"if the cache lies where old files are removed");
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
	struct step_state *state = exec_state(x, step->id);
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(x->options.store, &state->key, &record);

	state->miss = exec_miss_new;
	if (e) {
		err_ignore(e, "a miss");
		return false;
	}
	state->miss = freshness_refuses(exec_rule(x, step), record);
	if (state->miss)
		return false;
	state->miss = exec_miss_gone;
	if (step->kind == STEP_PACK || step->kind == STEP_TEST)
		snapshot_copy(&state->snapshot, exec_parent(x, step));
	else if (!record_to_snapshot(json_array(record, "snapshot"), &state->snapshot))
		return false;
	state->miss = lost_layers(x, step, task);
	if (!state->miss && ops[step->kind]->is_current &&
	    !ops[step->kind]->is_current(x, step, record))
		state->miss = exec_miss_gone;
	if (state->miss) {
		snapshot_release(&state->snapshot);
		return false;
	}
	record_adopt(x->options.store, &state->key, record);
	keep_facts(state, record);
	return true;
}

static void tell_loss(struct exec *x, const struct step *step, struct task *task)
{
	const char *miss = exec_state(x, step->id)->miss;

	if (!x->options.can_mount || step->kind == STEP_PACK)
		return;
	if (miss == MISS_DAMAGED || miss == exec_miss_gone)
		task_note(task, "%s from the cache: it is made anew", miss);
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
	const struct step *step = x->options.steps[id.index];
	bool known = false;

	*out = PROBE_MISS;
	if (!is_supported(step)) {
		exec_state(x, id)->miss = "this version cannot build it";
		return NULL;
	}
	TRY(place_err(step->where, exec_compose(x, step, task, &known)));
	if (!known || !take_record(x, step, task)) {
		tell_loss(x, step, task);
		return NULL;
	}
	exec_state(x, id)->is_done = true;
	*out = PROBE_HIT;
	/* Only while something is built: a run without changes writes nothing. */
	if (x->options.definition && x->options.can_mount)
		err_ignore(history_use(x->options.store,
				       &(struct history_step){x->options.definition,
							      step->name},
				       &exec_state(x, id)->key),
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
	build = detail_new(x, step);
	json_add_u64(build, "duration_ms", duration_ms);
	json_add_u64(build, "made_ms", (uint64_t)clock_real_ns() / 1000000);
	err_ignore(history_add(x->options.store, &who, build), "`why` has less to say");
}

static struct err *write_record(struct exec *x, const struct step *step, cJSON *record,
				uint64_t started_ns)
{
	struct step_state *state = exec_state(x, step->id);
	uint64_t duration_ms = (clock_mono_ns() - started_ns) / 1000000;

	cJSON_AddStringToObject(record, "kind", step_kind_name(step->kind));
	cJSON_AddStringToObject(record, "step", step->name);
	cJSON_AddItemToObject(record, "snapshot", record_snapshot(&state->snapshot));
	json_add_u64(record, "duration_ms", duration_ms);
	json_add_u64(record, "made_ms", (uint64_t)clock_real_ns() / 1000000);
	TRY(record_save(x->options.store, &state->key, record));
	remember(x, step, duration_ms);
	return NULL;
}

static struct err *run_step(struct exec *x, const struct step *step, struct task *task)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	uint64_t started_ns = clock_mono_ns();

	TRY(ops[step->kind]->run(x, step, task, record));
	TRY(chain_shorten(x, task, &exec_state(x, step->id)->snapshot));
	TRY(write_record(x, step, record, started_ns));
	keep_facts(exec_state(x, step->id), record);
	return NULL;
}

/* Another step or process may have made it between our probe and our turn: what was made since
 * the command began is as new as what we would make. */
static bool take_new_record(struct exec *x, const struct step *step, struct task *task)
{
	struct step_state *state = exec_state(x, step->id);
	const char *miss = state->miss;

	if (take_record(x, step, task) &&
	    state->made_ms >= (uint64_t)x->options.resolved_since / 1000000)
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
	const struct step *step = x->options.steps[id.index];
	struct digest key =
		exec_state(x, id)->key; /* of the probe: running may set another */
	struct err *e = NULL;
	bool waited;

	TRY(flight_enter(x->flights, &key, task, &waited));
	if (!take_new_record(x, step, task))
		e = run_limited(x, step, task);
	exec_state(x, id)->is_done = !e;
	flight_leave(x->flights, &key, e);
	return place_err(step->where, e);
}

/* ---- the executor ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Apptainer passes APPTAINERENV_X=v on to %post as X=v: an input of the scripts. */
static void read_passed_env(struct exec *x)
{
	static const char *const prefixes[] = {"SINGULARITYENV_", "APPTAINERENV_"};
	VEC(char *) found = {0};

	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
		for (char **e = environ; *e; e++)
			if (strncmp(*e, prefixes[p], strlen(prefixes[p])) == 0)
				vec_push(&found, xstrdup(*e + strlen(prefixes[p])));
	if (found.len > 0)
		qsort(found.items, found.len, sizeof(*found.items), compare_texts);
	x->passed_env = found.items;
	x->n_passed_env = found.len;
}

struct err *exec_new(const struct exec_options *options, struct exec **out)
{
	CLEANUP(exec_freep) struct exec *x = xcalloc(1, sizeof(*x));

	x->options = *options;
	x->states = xcalloc(options->n_steps, sizeof(*x->states));
	for (size_t i = 0; i < options->n_steps; i++)
		x->states[i].waits_for = NODE_NONE;
	x->flights = flight_table_new(options->store);
	x->memo = stat_memo_new(options->store);
	x->platform = oci_platform_host();
	x->architecture = architecture(&x->platform);
	read_passed_env(x);
	TRY(epoch_from_environment(&x->epoch_set, &x->epoch_s));
	*out = STEAL(x);
	return NULL;
}

void exec_free(struct exec *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->options.n_steps; i++) {
		key_free(x->states[i].inputs);
		tree_list_release(&x->states[i].list);
		snapshot_release(&x->states[i].snapshot);
		free(x->states[i].oci_config);
	}
	for (size_t i = 0; i < x->n_passed_env; i++)
		free(x->passed_env[i]);
	free(x->passed_env);
	free(x->states);
	flight_table_free(x->flights);
	stat_memo_free(x->memo);
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

const char *exec_miss_reason(const struct exec *x, struct node_id id)
{
	return x->states[id.index].miss;
}

bool exec_expected_ms(const struct exec *x, struct node_id id, uint64_t *out)
{
	struct history_step who = {x->options.definition,
				   x->options.steps[id.index]->name};
	CLEANUP(json_freep) cJSON *history = NULL;
	struct err *e = who.definition ? history_load(x->options.store, &who, &history)
				       : err_new(ERR_NOTFOUND, "no history is kept");

	err_ignore(e, "never built");
	return history && history_expected_ms(history, out);
}

/* Does an earlier stage start from the same base? */
static bool is_repeated(const struct exec *x, size_t base)
{
	const struct digest *source = &x->states[base].source;

	for (size_t i = 0; i < base && digest_is_set(source); i++)
		if (x->options.steps[i]->kind == STEP_BASE &&
		    digest_equal(&x->states[i].source, source))
			return true;
	return false;
}

struct exec_sources exec_sources(const struct exec *x)
{
	struct exec_sources sources = {0};

	for (size_t i = 0; i < x->options.n_steps; i++) {
		const struct step *step = x->options.steps[i];
		int64_t when = x->states[i].resolved_ns;

		if (step->kind != STEP_BASE || is_repeated(x, i))
			continue;
		sources.locked += digest_is_set(&exec_rule(x, step)->locked);
		if (when == 0 || when / 1000000 >= x->options.resolved_since / 1000000)
			continue;
		if (sources.remembered++ == 0 || when < sources.oldest_ns)
			sources.oldest_ns = when;
	}
	return sources;
}

struct err *exec_remember(struct exec *x)
{
	return stat_memo_save(x->memo);
}

uint64_t exec_image_size(const struct exec *x)
{
	return x->image_size;
}
