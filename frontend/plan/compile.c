/* SPDX-License-Identifier: MIT
 * compile.c - AST to steps and edges: see plan.h.
 *
 * A stage becomes a chain, in Apptainer's order: pre, base, apps, one copy for each group
 * of `%files from`, setup, one files for each group of host `%files`, post, meta, test.
 * Between stages there is one edge for each copy, from the producer's last filesystem
 * step, so that a consumer's base is fetched while its producer compiles.  Host scripts
 * wait for one another in file order: what they do to the host is not known.  Stages that
 * the target does not reach get no steps.
 *
 * A script of blank lines and comments does nothing, and is not a step.
 *
 * A stage other than the target gets a meta step only when it has something to put there:
 * the base step already writes what base images need.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "frontend/def/words.h"
#include "frontend/plan/plan.h"
#include "frontend/plan/texts.h"
#include "frontend/plan/target.h"

/* Expected durations before there is any history: they only order what is ready. */
static const uint64_t COST_MS[] = {
	[STEP_PRE] = 500,   [STEP_BASE] = 8000, [STEP_APPS] = 50,    [STEP_COPY] = 300,
	[STEP_SETUP] = 500, [STEP_FILES] = 300, [STEP_POST] = 20000, [STEP_META] = 50,
	[STEP_TEST] = 500,  [STEP_PACK] = 4000,
};
TABLE_HAS_ALL(COST_MS, STEP_KINDS);

struct compiler {
	const struct definition *def;
	struct arena *arena;
	struct graph_builder *graph;
	VEC(struct step *) steps;
	struct plan_stage *stages;
	struct map names;     /* stage name to its plan_stage */
	struct node_id *last; /* by stage: its last filesystem step, or NODE_NONE */
	unsigned counts[STEP_KINDS]; /* steps of each kind so far in the stage at hand */
	VEC(struct node_id) tests;
	struct node_id host_script;	  /* the last one */
	VEC(struct node_id) host_readers; /* steps since then that read the host */
	struct section_labels headers;	  /* of the stage at hand */
	struct target target;
	bool pure_host_scripts;
	const char *library;
	bool is_target_there; /* the target step was added */
	bool *is_extra;	      /* by stage: built although the target does not need it */
};

/* ---- which stages are needed ---- */

static struct plan_stage *stage_find(struct compiler *c, const char *name)
{
	struct plan_stage *stage = map_get(&c->names, name);

	assert(stage); /* checks let no unknown stage pass */
	return stage;
}

static void describe_stage(struct compiler *c, size_t index)
{
	const struct def_stage *stage = &c->def->stages[index];
	struct plan_stage *s = &c->stages[index];
	const char *from = def_image(stage, c->arena);

	s->name = stage->name;
	s->label = s->name;
	s->from = from ? from : def_header(stage, "bootstrap");
	s->where = (struct place){c->def->source, stage->span.start};
	if (s->name && s->name[0] && !map_get(&c->names, s->name))
		map_set(&c->names, s->name, s);
}

/* Labels are unique: "stage2" for a stage without a name, "NAME_2" when an earlier stage
 * has the name and is the one that it means; with "_" added while another stage has that
 * name. */
static void label_other(struct compiler *c, size_t index)
{
	struct plan_stage *s = &c->stages[index];
	bool has_name = s->name && s->name[0];

	if (has_name && map_get(&c->names, s->name) == s)
		return;
	s->label = arena_printf(
		c->arena, "%s%zu",
		has_name ? arena_printf(c->arena, "%s_", s->name) : "stage", index + 1);
	while (map_get(&c->names, s->label))
		s->label = arena_printf(c->arena, "%s_", s->label);
}

/* When the stage lacks the target step, all its copies count, so that the error can name
 * all steps that it has. */
static void limit_copies(struct compiler *c)
{
	const struct def_stage *stage = &c->def->stages[c->target.stage];
	size_t n = 0;

	for (const struct def_files *f = stage->files; f; f = f->next)
		n += f->from && f->copies.n > 0;
	if (c->target.n_copies > n ||
	    (c->target.step && strcmp(c->target.step, "pre") == 0 &&
	     !def_script(stage, DEF_PRE)) ||
	    (c->target.step && strcmp(c->target.step, "apps") == 0 && !stage->apps))
		c->target.n_copies = SIZE_MAX;
}

/* Edges lead to earlier stages only, so one pass from the target finds all that are
 * reached. */
static void mark_reached(struct compiler *c, bool all)
{
	limit_copies(c);
	c->stages[c->target.stage].is_target = true;
	c->stages[c->target.stage].is_built = true;
	for (size_t i = c->def->n_stages; i-- > 0;) {
		const struct def_files *f = c->def->stages[i].files;
		size_t n = i == c->target.stage ? c->target.n_copies : SIZE_MAX;

		for (; c->stages[i].is_built && f; f = f->next)
			if (f->from && f->copies.n > 0 && n > 0 && n--)
				stage_find(c, f->from)->is_built = true;
	}
	c->is_extra = arena_array(c->arena, c->def->n_stages, sizeof(*c->is_extra));
	for (size_t i = 0; all && i < c->def->n_stages; i++) {
		c->is_extra[i] = !c->stages[i].is_built;
		c->stages[i].is_built = true;
	}
}

/* ---- steps ---- */

static char *put(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

/* "STAGE.KIND", with a number from the second one of a kind on.  Made by hand, since
 * there are many. */
static const char *step_name(struct compiler *c, const char *stage, const char *kind,
			     unsigned same)
{
	char number[16] = "", *name, *at;

	if (same > 1)
		snprintf(number, sizeof(number), "%u", same);
	name = arena_text(c->arena,
			  strlen(stage) + strlen(kind) + strlen(number) + sizeof("."));
	at = put(name, stage);
	*at++ = '.';
	put(put(at, kind), number);
	return name;
}

/* A step of `stage` on top of the stage's last one; `span` is its place. */
static struct step *add_step(struct compiler *c, size_t stage, enum step_kind kind,
			     struct span span)
{
	struct step *s = arena_alloc(c->arena, sizeof(*s));
	bool has_root = kind != STEP_PRE;

	s->kind = kind;
	s->stage = (uint32_t)stage;
	s->stage_name = c->stages[stage].label;
	s->name = step_name(c, s->stage_name, step_kind_name(kind), ++c->counts[kind]);
	s->where = (struct place){c->def->source, span.start};
	s->parent = has_root ? c->last[stage] : NODE_NONE;
	s->producer = NODE_NONE;
	s->host_script = NODE_NONE;
	s->id = graph_builder_add(c->graph, s->name, s, COST_MS[kind]);
	if (s->parent.index != NODE_NONE.index)
		graph_builder_edge(c->graph, s->parent, s->id);
	vec_push(&c->steps, s);
	if (step_makes_layer(kind))
		c->last[stage] = s->id;
	if (c->target.step && stage == c->target.stage &&
	    strcmp(step_short_name(s), c->target.step) == 0)
		c->is_target_there = true;
	return s;
}

/* After the step that is the target, its stage has no more steps. */
static bool is_done(const struct compiler *c, size_t stage)
{
	return stage == c->target.stage && c->is_target_there;
}

static struct section_labels headers_of(struct compiler *c, const struct def_stage *stage)
{
	struct section_label *items;
	size_t n = 0;

	for (const struct def_header *h = stage->headers; h; h = h->next)
		n++;
	items = arena_array(c->arena, n, sizeof(*items));
	n = 0;
	for (const struct def_header *h = stage->headers; h; h = h->next)
		items[n++] = (struct section_label){h->key, h->value};
	return (struct section_labels){items, n};
}

static void add_host_script(struct compiler *c, size_t stage, enum def_kind kind,
			    enum step_kind step_kind)
{
	const struct def_section *section = def_script(&c->def->stages[stage], kind);
	struct step *s;

	if (!section)
		return;
	s = add_step(c, stage, step_kind, section->span);
	s->label = step_kind == STEP_PRE ? "%pre" : "%setup";
	s->script.text = def_body(section, c->arena);
	s->script.args = arena_dup(c->arena, section->args);
	s->script.is_pure = c->pure_host_scripts || texts_says_pure(s->script.text);
	if (c->host_script.index != NODE_NONE.index)
		graph_builder_edge(c->graph, c->host_script, s->id);
	for (size_t i = 0; i < c->host_readers.len; i++)
		graph_builder_edge(c->graph, c->host_readers.items[i], s->id);
	c->host_readers.len = 0;
	c->host_script = s->id;
}

/* The step reads something of the host that a script may make, or change later. */
static void add_host_reader(struct compiler *c, struct step *s)
{
	s->host_script = c->host_script;
	if (c->host_script.index != NODE_NONE.index)
		graph_builder_edge(c->graph, c->host_script, s->id);
	vec_push(&c->host_readers, s->id);
}

static void add_pre(struct compiler *c, size_t stage)
{
	add_host_script(c, stage, DEF_PRE, STEP_PRE);
}

static void add_setup(struct compiler *c, size_t stage)
{
	add_host_script(c, stage, DEF_SETUP, STEP_SETUP);
}

static void add_base(struct compiler *c, size_t stage)
{
	const struct def_stage *def = &c->def->stages[stage];
	struct step_base *base = arena_alloc(c->arena, sizeof(*base));
	struct step *s = add_step(c, stage, STEP_BASE, def->span);

	base->agent = def_header(def, "bootstrap");
	base->from = def_header(def, "from") ? c->stages[stage].from : NULL;
	base->library = def_header(def, "library");
	if (!base->library || !base->library[0])
		base->library = c->library;
	base->headers = c->headers;
	s->base = base;
	s->label = base->from ? arena_printf(c->arena, "From %s", base->from)
			      : arena_printf(c->arena, "Bootstrap %s", base->agent);
	/* It may use what %pre left on the host. */
	if (words_contain(words_local_agents, str_of(base->agent)))
		add_host_reader(c, s);
	else if (c->counts[STEP_PRE] > 0)
		graph_builder_edge(c->graph, c->host_script, s->id);
}

static void add_files(struct compiler *c, size_t stage, const struct def_files *group)
{
	struct step *s =
		add_step(c, stage, group->from ? STEP_COPY : STEP_FILES, group->span);
	struct copy_item *items = arena_array(c->arena, group->copies.n, sizeof(*items));
	struct plan_stage *producer;
	size_t n = 0;

	for (const struct def_copy *copy = group->copies.first; copy; copy = copy->next)
		items[n++] = (struct copy_item){
			.source = copy->source,
			.target = copy->target,
			.where = {c->def->source, copy->source_span.start},
		};
	s->files.items = items;
	s->files.n_items = n;
	s->label = "%files";
	if (!group->from) {
		add_host_reader(c, s);
		return;
	}
	producer = stage_find(c, group->from);
	s->files.from_stage = producer->label;
	s->label = arena_printf(c->arena, "%%files from %s", group->from);
	s->producer = c->last[producer - c->stages];
	graph_builder_edge(c->graph, s->producer, s->id);
}

static void add_file_groups(struct compiler *c, size_t stage, bool from_stages)
{
	for (const struct def_files *f = c->def->stages[stage].files; f; f = f->next)
		if ((f->from != NULL) == from_stages && f->copies.n > 0 &&
		    !is_done(c, stage))
			add_files(c, stage, f);
}

static void add_copies(struct compiler *c, size_t stage)
{
	add_file_groups(c, stage, true);
}

static void add_host_files(struct compiler *c, size_t stage)
{
	add_file_groups(c, stage, false);
}

static void add_apps(struct compiler *c, size_t stage)
{
	const struct def_stage *def = &c->def->stages[stage];
	struct step *s;

	if (!def->apps)
		return;
	s = add_step(c, stage, STEP_APPS, def->apps->span);
	s->label = "apps";
	s->apps = texts_apps(c->def, def, c->arena);
	if (s->apps.files.n_items > 0)
		add_host_reader(c, s);
}

/* The installations of apps are part of %post, also when there is no %post. */
static void add_post(struct compiler *c, size_t stage)
{
	const struct def_stage *def = &c->def->stages[stage];
	const struct def_section *section = def_script(def, DEF_POST);
	struct step *s;

	if (!section && !texts_install(def))
		return;
	s = add_step(c, stage, STEP_POST, section ? section->span : def->apps->span);
	s->label = "%post";
	s->script.text = texts_post(def, c->arena);
	s->script.args = section ? arena_dup(c->arena, section->args) : "";
	s->script.keep_tmp = c->def->keep_tmp;
}

static void add_meta(struct compiler *c, size_t stage)
{
	const struct def_stage *def = &c->def->stages[stage];
	bool is_image = c->stages[stage].is_target && !c->target.step;
	struct sections *m;
	struct step *s;

	if (!is_image && !texts_has_meta(def))
		return;
	m = arena_alloc(c->arena, sizeof(*m));
	s = add_step(c, stage, STEP_META, def->span);
	s->label = "metadata";
	s->meta = m;
	if (is_image)
		m->definition = c->def->text.text.data;
	texts_meta(def, m, c->arena);
	m->headers = c->headers;
}

static void add_test(struct compiler *c, size_t stage)
{
	const struct def_section *section = def_script(&c->def->stages[stage], DEF_TEST);
	struct step *s;

	if (!section)
		return;
	s = add_step(c, stage, STEP_TEST, section->span);
	s->label = "%test";
	s->script.text = def_body(section, c->arena);
	s->script.args = arena_dup(c->arena, section->args);
	vec_push(&c->tests, s->id);
}

static void add_stage(struct compiler *c, size_t stage)
{
	static void (*const adders[])(struct compiler *, size_t) = {
		add_pre,	add_base, add_apps, add_copies, add_setup,
		add_host_files, add_post, add_meta, add_test,
	};
	struct plan_stage *s = &c->stages[stage];

	s->first = (uint32_t)c->steps.len;
	if (!s->is_built)
		return;
	memset(c->counts, 0, sizeof(c->counts));
	c->headers = headers_of(c, &c->def->stages[stage]);
	for (size_t i = 0; i < ARRAY_LEN(adders) && !is_done(c, stage); i++)
		adders[i](c, stage);
	s->n_steps = (uint32_t)c->steps.len - s->first;
}

/* Tests and extra stages must succeed before there is an image. */
static void add_pack(struct compiler *c)
{
	struct step *s;

	memset(c->counts, 0, sizeof(c->counts));
	s = add_step(c, c->target.stage, STEP_PACK, c->def->stages[c->target.stage].span);
	s->label = "image";
	for (size_t i = 0; i < c->tests.len; i++)
		graph_builder_edge(c->graph, c->tests.items[i], s->id);
	for (size_t i = 0; i < c->def->n_stages; i++)
		if (c->is_extra[i])
			graph_builder_edge(c->graph, c->last[i], s->id);
}

static void add_stages(struct compiler *c)
{
	size_t n = c->def->n_stages;

	c->last = arena_array(c->arena, n, sizeof(*c->last));
	for (size_t i = 0; i < n; i++)
		c->last[i] = NODE_NONE;
	for (size_t i = 0; i < n; i++)
		add_stage(c, i);
}

/* ---- the whole ---- */

static void fill_plan(struct compiler *c, struct plan *plan)
{
	plan->pack = NODE_NONE;
	if (!c->target.step) {
		add_pack(c);
		plan->pack = c->steps.items[c->steps.len - 1]->id;
	}
	plan->stages = c->stages;
	plan->n_stages = c->def->n_stages;
	plan->n_steps = c->steps.len;
	plan->steps = (const struct step *const *)c->steps.items;
	c->steps.items = NULL;
}

static struct err *compile(struct compiler *c, const struct plan_options *options,
			   struct plan *plan)
{
	size_t n = c->def->n_stages;

	c->pure_host_scripts = options->pure_host_scripts;
	c->library = options->library;
	c->stages = arena_array(c->arena, n, sizeof(*c->stages));
	for (size_t i = 0; i < n; i++)
		describe_stage(c, i);
	for (size_t i = 0; i < n; i++)
		label_other(c, i);
	TRY(target_find(options->target, c->stages, n, &c->target));
	mark_reached(c, options->all_stages);
	add_stages(c);
	fill_plan(c, plan);
	if (c->target.step && !c->is_target_there)
		return target_no_step(&c->target, plan);
	return graph_builder_freeze(c->graph, &plan->graph);
}

struct err *plan_compile(const struct definition *def, const struct plan_options *options,
			 struct plan **out)
{
	CLEANUP(plan_freep) struct plan *plan = xcalloc(1, sizeof(*plan));
	CLEANUP(graph_builder_freep) struct graph_builder *graph = graph_builder_new();
	struct compiler c = {
		.def = def,
		.graph = graph,
		.host_script = NODE_NONE,
	};
	struct err *e;

	plan->arena = arena_new();
	c.arena = plan->arena;
	e = compile(&c, options, plan);
	vec_free(&c.steps);
	vec_free(&c.tests);
	vec_free(&c.host_readers);
	map_release(&c.names);
	TRY(e);
	*out = STEAL(plan);
	return NULL;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	graph_free(p->graph);
	arena_free(p->arena);
	free((void *)p->steps);
	free(p);
}

void plan_freep(struct plan **p)
{
	plan_free(*p);
	*p = NULL;
}
