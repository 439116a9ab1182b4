/* SPDX-License-Identifier: MIT
 * export_json.c - the plan for programs; the schema is docs/plan.schema.json.
 *
 * A line for each stage and step.  A list of files may be long: it is written in pieces.
 */
#include <string.h>

#include "frontend/export/export_private.h"

struct json_writer {
	struct buf out;
	int fd;
	const struct plan *plan;
};

static void writer_release(struct json_writer *w)
{
	buf_release(&w->out);
}

/* ---- values and members ---- */

static void put_string(struct json_writer *w, const char *text)
{
	if (text)
		buf_json_string(&w->out, text, strlen(text));
	else
		buf_puts(&w->out, "null");
}

/* No comma comes before a member's name after an opening brace. */
static void put_name(struct json_writer *w, const char *name)
{
	if (w->out.len == 0 || w->out.data[w->out.len - 1] != '{')
		buf_puts(&w->out, ", ");
	buf_printf(&w->out, "\"%s\": ", name);
}

static void put_member(struct json_writer *w, const char *name, const char *text)
{
	put_name(w, name);
	put_string(w, text);
}

static void put_bool(struct json_writer *w, const char *name, bool value)
{
	put_name(w, name);
	buf_puts(&w->out, value ? "true" : "false");
}

static void put_expected(struct json_writer *w, bool is_known, uint64_t ms)
{
	put_name(w, "expected_ms");
	if (is_known)
		buf_printf(&w->out, "%llu", (unsigned long long)ms);
	else
		buf_puts(&w->out, "null");
}

static void put_place(struct json_writer *w, struct place place)
{
	struct position at;

	put_name(w, "where");
	if (!place.source) {
		buf_puts(&w->out, "null");
		return;
	}
	at = source_position(place.source, place.at);
	buf_puts(&w->out, "{\"file\": ");
	put_string(w, source_name(place.source));
	buf_printf(&w->out, ", \"line\": %u, \"column\": %u}", at.line, at.column);
}

/* ---- inputs ---- */

static void put_text(struct json_writer *w, const char *name,
		     const struct section_text *text)
{
	put_name(w, name);
	if (!text->body) {
		buf_puts(&w->out, "null");
		return;
	}
	buf_putc(&w->out, '{');
	put_member(w, "body", text->body);
	put_member(w, "arguments", text->args);
	buf_putc(&w->out, '}');
}

static void put_labels(struct json_writer *w, const char *name,
		       const struct section_labels *labels)
{
	put_name(w, name);
	buf_putc(&w->out, '[');
	for (size_t i = 0; i < labels->len; i++) {
		buf_puts(&w->out, i > 0 ? ", {" : "{");
		put_member(w, "name", labels->items[i].name);
		put_member(w, "value", labels->items[i].value);
		buf_putc(&w->out, '}');
	}
	buf_putc(&w->out, ']');
}

static struct err *put_base(struct json_writer *w, const struct step *step)
{
	put_member(w, "agent", step->base->agent);
	put_member(w, "from", step->base->from);
	put_labels(w, "headers", &step->base->headers);
	return NULL;
}

static struct err *put_items(struct json_writer *w, const struct step_files *files)
{
	put_name(w, "items");
	buf_putc(&w->out, '[');
	for (size_t i = 0; i < files->n_items; i++) {
		const struct copy_item *item = &files->items[i];

		buf_puts(&w->out, i > 0 ? ", {" : "{");
		put_member(w, "source", item->source);
		put_member(w, "target", item->target);
		put_place(w, item->where);
		buf_putc(&w->out, '}');
		TRY(export_flush(&w->out, w->fd, EXPORT_CHUNK));
	}
	buf_putc(&w->out, ']');
	return NULL;
}

static void put_app(struct json_writer *w, const struct app *app)
{
	buf_putc(&w->out, '{');
	put_member(w, "name", app->name);
	put_member(w, "env", app->env);
	put_member(w, "help", app->help);
	put_member(w, "run", app->run);
	put_member(w, "start", app->start);
	put_member(w, "test", app->test);
	put_labels(w, "labels", &app->labels);
	buf_putc(&w->out, '}');
}

static struct err *put_apps(struct json_writer *w, const struct step *step)
{
	const struct apps *apps = &step->apps.apps;

	put_name(w, "apps");
	buf_putc(&w->out, '[');
	for (size_t i = 0; i < apps->len; i++) {
		buf_puts(&w->out, i > 0 ? ", " : "");
		put_app(w, &apps->items[i]);
		TRY(export_flush(&w->out, w->fd, EXPORT_CHUNK));
	}
	buf_putc(&w->out, ']');
	return put_items(w, &step->apps.files);
}

static struct err *put_files(struct json_writer *w, const struct step *step)
{
	if (step->kind == STEP_COPY) {
		put_member(w, "from_stage", step->files.from_stage);
		put_member(w, "from_step", w->plan->steps[step->producer.index]->name);
	}
	return put_items(w, &step->files);
}

static struct err *put_script(struct json_writer *w, const struct step *step)
{
	put_member(w, "script", step->script.text);
	put_member(w, "arguments", step->script.args);
	return NULL;
}

static struct err *put_meta(struct json_writer *w, const struct step *step)
{
	const struct sections *meta = step->meta;

	put_bool(w, "definition", meta->definition != NULL);
	put_text(w, "help", &meta->help);
	put_text(w, "environment", &meta->environment);
	put_text(w, "runscript", &meta->runscript);
	put_text(w, "startscript", &meta->startscript);
	put_text(w, "test", &meta->test);
	put_labels(w, "labels", &meta->labels);
	put_labels(w, "headers", &meta->headers);
	return NULL;
}

static struct err *put_inputs(struct json_writer *w, const struct step *step)
{
	static struct err *(*const writers[STEP_KINDS])(struct json_writer *,
							const struct step *) = {
		[STEP_PRE] = put_script,   [STEP_BASE] = put_base,
		[STEP_APPS] = put_apps,	   [STEP_COPY] = put_files,
		[STEP_SETUP] = put_script, [STEP_FILES] = put_files,
		[STEP_POST] = put_script,  [STEP_META] = put_meta,
	};

	put_name(w, "inputs");
	buf_putc(&w->out, '{');
	if (writers[step->kind])
		TRY(writers[step->kind](w, step));
	buf_putc(&w->out, '}');
	return NULL;
}

/* ---- stages and steps ---- */

static struct err *put_step(struct json_writer *w, const struct step *step,
			    struct export_status status)
{
	struct node_ids before = graph_before(w->plan->graph, step->id);

	buf_puts(&w->out, "    {");
	put_member(w, "name", step->name);
	put_member(w, "kind", step_kind_name(step->kind));
	put_member(w, "label", step->label);
	put_name(w, "stage");
	buf_printf(&w->out, "%u", step->stage);
	put_place(w, step->where);
	put_name(w, "before");
	buf_putc(&w->out, '[');
	for (size_t i = 0; i < before.len; i++) {
		buf_puts(&w->out, i > 0 ? ", " : "");
		put_string(w, w->plan->steps[before.items[i].index]->name);
	}
	buf_putc(&w->out, ']');
	TRY(put_inputs(w, step));
	put_member(w, "status", export_status_name(status.kind));
	put_member(w, "reason", status.reason);
	put_expected(w, status.has_expected, status.expected_ms);
	buf_putc(&w->out, '}');
	return NULL;
}

static void put_stage(struct json_writer *w, const struct plan_stage *stage)
{
	buf_puts(&w->out, "    {");
	put_member(w, "label", stage->label);
	put_member(w, "name", stage->name);
	put_member(w, "from", stage->from);
	put_place(w, stage->where);
	put_bool(w, "target", stage->is_target);
	put_bool(w, "built", stage->is_built);
	buf_putc(&w->out, '}');
}

/* The step that the rest is for: `pack`, or the last one of the target stage. */
static const struct step *target_step(const struct plan *plan,
				      const struct plan_stage *stage)
{
	if (export_has_image(plan))
		return plan->steps[plan->pack.index];
	return stage->n_steps > 0 ? plan->steps[stage->first + stage->n_steps - 1] : NULL;
}

static void put_target(struct json_writer *w)
{
	for (size_t i = 0; i < w->plan->n_stages; i++) {
		const struct plan_stage *stage = &w->plan->stages[i];
		const struct step *step;

		if (!stage->is_target)
			continue;
		step = target_step(w->plan, stage);
		buf_printf(&w->out, "  \"target\": {\"stage\": %zu", i);
		put_member(w, "step", step ? step->name : NULL);
		put_bool(w, "image", export_has_image(w->plan));
		buf_puts(&w->out, "},\n");
	}
}

struct err *export_json(const struct plan *plan, const struct export_state *state, int fd)
{
	CLEANUP(writer_release)
	struct json_writer w = {.out = BUF_INIT, .fd = fd, .plan = plan};

	buf_puts(&w.out, "{\n  \"version\": 2");
	put_expected(&w, state->statuses != NULL, state->expected_ms);
	buf_puts(&w.out, ",\n");
	put_target(&w);
	buf_puts(&w.out, "  \"stages\": [\n");
	for (size_t i = 0; i < plan->n_stages; i++) {
		put_stage(&w, &plan->stages[i]);
		buf_puts(&w.out, i + 1 < plan->n_stages ? ",\n" : "\n");
		TRY(export_flush(&w.out, fd, EXPORT_CHUNK));
	}
	buf_puts(&w.out, "  ],\n  \"steps\": [\n");
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		TRY(put_step(&w, plan->steps[i], export_status_of(state, i)));
		buf_puts(&w.out, i + 1 < plan->n_steps ? ",\n" : "\n");
		TRY(export_flush(&w.out, fd, EXPORT_CHUNK));
	}
	buf_puts(&w.out, "  ]\n}\n");
	return export_flush(&w.out, fd, 0);
}
