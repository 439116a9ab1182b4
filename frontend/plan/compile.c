/* SPDX-License-Identifier: MIT
 * compile.c - AST to steps and edges: see plan.h.
 *
 * A stage becomes a chain: base, one copy for each group of `%files from`, one files for
 * each group of host `%files`, post, meta, test; that is Apptainer's order.  Between
 * stages there is one edge for each copy, from the producer's last filesystem step, so
 * that a consumer's base is fetched while its producer compiles.  Stages that the target
 * does not reach get no steps.
 *
 * A stage other than the target gets a meta step only when it has something to say there:
 * what base images need is written by the base step already.
 */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/vec.h"
#include "frontend/plan/plan.h"

/* Expected durations before there is any history: they only order what is ready. */
static const uint64_t COST_MS[STEP_KINDS] = {
	[STEP_BASE] = 8000, [STEP_COPY] = 300, [STEP_FILES] = 300, [STEP_POST] = 20000,
	[STEP_META] = 50,   [STEP_TEST] = 500, [STEP_PACK] = 4000,
};

struct compiler {
	const struct definition *def;
	struct arena *arena;
	struct graph_builder *graph;
	VEC(const struct step *) steps;
	struct plan_stage *stages;
	struct node_id *last; /* by stage: its last filesystem step, or NODE_NONE */
	unsigned (*counts)[STEP_KINDS]; /* by stage: its steps of each kind so far */
	VEC(struct node_id) tests;
};

static const char *place(struct compiler *c, struct span span)
{
	CLEANUP(freep) char *text = source_place(c->def->source, span.start);

	return arena_dup(c->arena, str_of(text));
}

static size_t stage_find(const struct definition *def, const char *name)
{
	for (size_t i = 0; i < def->n_stages; i++)
		if (def->stages[i].name && strcmp(def->stages[i].name, name) == 0)
			return i;
	/* def_check() lets no unknown stage pass. */
	abort();
}

/* ---- what this version cannot build ---- */

static bool agent_is_built(const char *agent)
{
	static const char *const names[] = {"docker", "scratch"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(agent, names[i]) == 0)
			return true;
	return false;
}

static struct err *unsupported(struct compiler *c, struct span span, const char *what)
{
	return err_where(
		err_hint(err_new(ERR_SYNTAX, "%s not supported by this version", what),
			 "build this definition with apptainer for now"),
		place(c, span));
}

static struct err *check_stage(struct compiler *c, const struct def_stage *stage)
{
	const char *agent = def_header(stage, "bootstrap");
	CLEANUP(freep) char *text = NULL;

	if (!agent_is_built(agent)) {
		text = xasprintf("the bootstrap agent '%s' is", agent);
		return unsupported(c, def_header_find(stage, "bootstrap")->value_span,
				   text);
	}
	if (stage->sections[DEF_PRE].present)
		return unsupported(c, stage->sections[DEF_PRE].span,
				   "scripts on the host (%pre) are");
	if (stage->sections[DEF_SETUP].present)
		return unsupported(c, stage->sections[DEF_SETUP].span,
				   "scripts on the host (%setup) are");
	if (stage->n_apps > 0)
		return unsupported(c, stage->apps[0].span, "SCIF apps (%app...) are");
	return NULL;
}

/* ---- which stages are needed ---- */

/* Edges lead to earlier stages only, so one pass from the end finds all that are reached.
 */
static void mark_reached(struct compiler *c)
{
	const struct definition *def = c->def;

	c->stages[def->n_stages - 1].is_built = true;
	for (size_t i = def->n_stages; i-- > 0;) {
		const struct def_stage *stage = &def->stages[i];

		for (size_t k = 0; c->stages[i].is_built && k < stage->n_files; k++)
			if (stage->files[k].from)
				c->stages[stage_find(def, stage->files[k].from)]
					.is_built = true;
	}
}

static void describe_stages(struct compiler *c)
{
	const struct definition *def = c->def;

	c->stages = arena_array(c->arena, def->n_stages, sizeof(*c->stages));
	for (size_t i = 0; i < def->n_stages; i++) {
		const struct def_stage *stage = &def->stages[i];
		const char *from = def_header(stage, "from");
		struct plan_stage *s = &c->stages[i];

		s->name = stage->name ? arena_dup(c->arena, str_of(stage->name)) : NULL;
		s->label = s->name && s->name[0]
				   ? s->name
				   : arena_printf(c->arena, "stage%zu", i + 1);
		s->from = arena_dup(c->arena,
				    str_of(from ? from : def_header(stage, "bootstrap")));
		s->where = place(c, stage->span);
		s->is_target = i == def->n_stages - 1;
	}
	mark_reached(c);
}

/* ---- steps ---- */

/* A step of `stage` on top of the stage's last one; `span` is its place. */
static struct step *add_step(struct compiler *c, size_t stage, enum step_kind kind,
			     struct span span)
{
	struct step *s = arena_alloc(c->arena, sizeof(*s));
	struct node_id parent = c->last[stage];
	unsigned same = ++c->counts[stage][kind];

	s->kind = kind;
	s->stage = (uint32_t)stage;
	s->stage_name = c->stages[stage].label;
	s->name = same > 1 ? arena_printf(c->arena, "%s.%s%u", s->stage_name,
					  step_kind_name(kind), same)
			   : arena_printf(c->arena, "%s.%s", s->stage_name,
					  step_kind_name(kind));
	s->where = place(c, span);
	s->parent = parent;
	s->producer = NODE_NONE;
	s->id = graph_builder_add(c->graph, s->name, s, COST_MS[kind]);
	if (parent.index != NODE_NONE.index)
		graph_builder_edge(c->graph, parent, s->id);
	vec_push(&c->steps, s);
	if (kind != STEP_TEST && kind != STEP_PACK)
		c->last[stage] = s->id;
	return s;
}

static void add_base(struct compiler *c, size_t stage)
{
	const struct def_stage *def = &c->def->stages[stage];
	struct step *s = add_step(c, stage, STEP_BASE, def->span);
	const char *from = def_header(def, "from");

	s->base.agent = arena_dup(c->arena, str_of(def_header(def, "bootstrap")));
	s->base.from = from ? arena_dup(c->arena, str_of(from)) : NULL;
	s->label = from ? arena_printf(c->arena, "From %s", from)
			: arena_printf(c->arena, "Bootstrap %s", s->base.agent);
}

static void add_files(struct compiler *c, size_t stage, const struct def_files *group)
{
	struct step *s =
		add_step(c, stage, group->from ? STEP_COPY : STEP_FILES, group->span);
	struct copy_item *items = arena_array(c->arena, group->n_copies, sizeof(*items));

	for (size_t i = 0; i < group->n_copies; i++) {
		items[i].source = arena_dup(c->arena, str_of(group->copies[i].source));
		items[i].target = arena_dup(c->arena, str_of(group->copies[i].target));
		items[i].where = place(c, group->copies[i].span);
	}
	s->files.items = items;
	s->files.n_items = group->n_copies;
	s->label = "%files";
	if (!group->from)
		return;
	s->files.from_stage = c->stages[stage_find(c->def, group->from)].label;
	s->label = arena_printf(c->arena, "%%files from %s", group->from);
	s->producer = c->last[stage_find(c->def, group->from)];
	graph_builder_edge(c->graph, s->producer, s->id);
}

static void add_file_groups(struct compiler *c, size_t stage, bool from_stages)
{
	const struct def_stage *def = &c->def->stages[stage];

	for (size_t i = 0; i < def->n_files; i++)
		if ((def->files[i].from != NULL) == from_stages &&
		    def->files[i].n_copies > 0)
			add_files(c, stage, &def->files[i]);
}

static void add_post(struct compiler *c, size_t stage)
{
	const struct def_section *section = &c->def->stages[stage].sections[DEF_POST];
	struct step *s;

	if (!section->present)
		return;
	s = add_step(c, stage, STEP_POST, section->span);
	s->label = "%post";
	s->post.script = arena_dup(c->arena, str_of(section->body));
	s->post.args = arena_dup(c->arena, str_of(section->args));
}

static struct step_text text_of(struct compiler *c, const struct def_stage *stage,
				enum def_kind kind)
{
	const struct def_section *section = &stage->sections[kind];

	return (struct step_text){
		.present = section->present,
		.args = arena_dup(c->arena, str_of(section->args)),
		.body = arena_dup(c->arena, str_of(section->body)),
	};
}

/* `%labels`: trimmed lines, key up to the first space, value the rest (deffile: 1.6). */
static void add_labels(struct compiler *c, const struct def_section *section,
		       struct step_meta *m)
{
	struct str rest = str_of(section->present ? section->body : ""), line, name,
		   value;
	VEC(struct step_label) labels = {0};

	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		str_cut(line, ' ', &name, &value);
		vec_push(&labels,
			 ((struct step_label){arena_dup(c->arena, name),
					      arena_dup(c->arena, str_trim(value))}));
	}
	m->labels = arena_array(c->arena, labels.len, sizeof(*labels.items));
	if (labels.len > 0)
		memcpy((void *)m->labels, labels.items,
		       labels.len * sizeof(*labels.items));
	m->n_labels = labels.len;
	vec_free(&labels);
}

static void add_headers(struct compiler *c, const struct def_stage *def,
			struct step_meta *m)
{
	struct step_label *headers =
		arena_array(c->arena, def->n_headers, sizeof(*headers));

	for (size_t i = 0; i < def->n_headers; i++) {
		headers[i].name = arena_dup(c->arena, str_of(def->headers[i].key));
		headers[i].value = arena_dup(c->arena, str_of(def->headers[i].value));
	}
	m->headers = headers;
	m->n_headers = def->n_headers;
}

static void add_meta(struct compiler *c, size_t stage)
{
	static const enum def_kind said[] = {DEF_HELP,	      DEF_LABELS,
					     DEF_ENVIRONMENT, DEF_STARTSCRIPT,
					     DEF_RUNSCRIPT,   DEF_TEST};
	const struct def_stage *def = &c->def->stages[stage];
	bool needed = c->stages[stage].is_target;
	struct step *s;

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		needed = needed || def->sections[said[i]].present;
	if (!needed)
		return;
	s = add_step(c, stage, STEP_META, def->span);
	s->label = "metadata";
	if (c->stages[stage].is_target)
		s->meta.definition = arena_dup(c->arena, str_of(c->def->text));
	s->meta.help = text_of(c, def, DEF_HELP);
	s->meta.environment = text_of(c, def, DEF_ENVIRONMENT);
	s->meta.runscript = text_of(c, def, DEF_RUNSCRIPT);
	s->meta.startscript = text_of(c, def, DEF_STARTSCRIPT);
	s->meta.test = text_of(c, def, DEF_TEST);
	add_labels(c, &def->sections[DEF_LABELS], &s->meta);
	add_headers(c, def, &s->meta);
}

static void add_test(struct compiler *c, size_t stage)
{
	const struct def_section *section = &c->def->stages[stage].sections[DEF_TEST];
	struct step *s;

	if (!section->present)
		return;
	s = add_step(c, stage, STEP_TEST, section->span);
	s->label = "%test";
	vec_push(&c->tests, s->id);
}

static struct err *add_stage(struct compiler *c, size_t stage)
{
	if (!c->stages[stage].is_built)
		return NULL;
	TRY(check_stage(c, &c->def->stages[stage]));
	add_base(c, stage);
	add_file_groups(c, stage, true);
	add_file_groups(c, stage, false);
	add_post(c, stage);
	add_meta(c, stage);
	add_test(c, stage);
	return NULL;
}

static struct node_id add_pack(struct compiler *c)
{
	size_t target = c->def->n_stages - 1;
	struct step *s = add_step(c, target, STEP_PACK, c->def->stages[target].span);

	s->label = "image";
	for (size_t i = 0; i < c->tests.len; i++)
		graph_builder_edge(c->graph, c->tests.items[i], s->id);
	return s->id;
}

static struct err *compile(struct compiler *c, struct plan *plan)
{
	size_t n = c->def->n_stages;

	c->last = arena_array(c->arena, n, sizeof(*c->last));
	for (size_t i = 0; i < n; i++)
		c->last[i] = NODE_NONE;
	c->counts = arena_array(c->arena, n, sizeof(*c->counts));
	describe_stages(c);
	for (size_t i = 0; i < n; i++)
		TRY(add_stage(c, i));
	plan->pack = add_pack(c);
	plan->stages = c->stages;
	plan->n_stages = n;
	plan->n_steps = c->steps.len;
	plan->steps = arena_array(c->arena, c->steps.len, sizeof(*c->steps.items));
	memcpy((void *)plan->steps, c->steps.items,
	       c->steps.len * sizeof(*c->steps.items));
	return graph_builder_freeze(c->graph, &plan->graph);
}

struct err *plan_compile(const struct definition *def, struct plan **out)
{
	CLEANUP(plan_freep) struct plan *plan = xcalloc(1, sizeof(*plan));
	CLEANUP(graph_builder_freep) struct graph_builder *graph = graph_builder_new();
	struct compiler c = {.def = def, .graph = graph};
	struct err *e;

	plan->arena = arena_new();
	c.arena = plan->arena;
	e = compile(&c, plan);
	vec_free(&c.steps);
	vec_free(&c.tests);
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
	free(p);
}

void plan_freep(struct plan **p)
{
	plan_free(*p);
	*p = NULL;
}
