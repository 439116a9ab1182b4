/* SPDX-License-Identifier: MIT
 * texts.c - see texts.h.
 */
#include "frontend/plan/texts.h"

#include <string.h>

#include "base/shell_word.h"
#include "base/vec.h"
#include "frontend/def/scan.h"

static struct section_text text_of(const struct def_section *section, struct arena *arena)
{
	if (!section)
		return (struct section_text){NULL, ""};
	return (struct section_text){
		.body = def_body(section, arena),
		.args = section->args.len > 0 ? arena_dup(arena, section->args) : "",
	};
}

/* `%labels`: trimmed lines, key up to the first space, value the rest. */
static struct section_labels labels_of(const struct def_section *section,
				       struct arena *arena)
{
	VEC(struct section_label) labels = {0};
	struct section_label *items;
	struct str line, name, value;
	size_t n;

	for (const struct def_part *p = section ? section->parts : NULL; p; p = p->next) {
		for (struct str rest = p->text; def_entry(&rest, &line);) {
			struct section_label label;

			str_cut(line, ' ', &name, &value);
			label.name = arena_dup(arena, name);
			label.value = arena_dup(arena, scan_trim(value));
			vec_push(&labels, label);
		}
	}
	n = labels.len;
	items = arena_array(arena, n, sizeof(*items));
	if (n > 0)
		memcpy(items, labels.items, n * sizeof(*items));
	vec_free(&labels);
	return (struct section_labels){items, n};
}

/* ---- apps ---- */

static struct app app_of(const struct def_app *app, struct arena *arena)
{
	struct app out = {
		.name = app->name,
		.labels = labels_of(def_app_section(app, DEF_APP_LABELS), arena),
	};
	const struct {
		enum def_app_kind kind;
		const char **text;
	} rows[] = {
		{DEF_APP_ENV, &out.env},   {DEF_APP_HELP, &out.help},
		{DEF_APP_RUN, &out.run},   {DEF_APP_START, &out.start},
		{DEF_APP_TEST, &out.test},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		*rows[i].text = text_of(def_app_section(app, rows[i].kind), arena).body;
	return out;
}

/* Destinations count from the app's folder, whatever they begin with. */
static void add_app_files(const struct definition *def, const struct def_app *app,
			  struct arena *arena, struct copy_item *out)
{
	for (const struct def_copy *copy = app->files.first; copy; copy = copy->next)
		*out++ = (struct copy_item){
			.source = copy->source,
			.target = arena_printf(arena, APPS_FOLDER "/%s/%s", app->name,
					       copy->target[0] ? copy->target
							       : copy->source),
			.is_literal = true,
			.where = {def->source, copy->source_span.start},
		};
}

struct step_apps texts_apps(const struct definition *def, const struct def_stage *stage,
			    struct arena *arena)
{
	size_t n_apps = 0, n_files = 0;
	struct copy_item *files;
	struct app *apps;

	for (const struct def_app *app = stage->apps; app; app = app->next) {
		n_apps++;
		n_files += app->files.n;
	}
	apps = arena_array(arena, n_apps, sizeof(*apps));
	files = arena_array(arena, n_files, sizeof(*files));
	n_apps = n_files = 0;
	for (const struct def_app *app = stage->apps; app; app = app->next) {
		apps[n_apps++] = app_of(app, arena);
		add_app_files(def, app, arena, files + n_files);
		n_files += app->files.n;
	}
	return (struct step_apps){
		.apps = {apps, n_apps},
		.files = {.items = files, .n_items = n_files},
	};
}

static bool installs(const struct def_app *app)
{
	const struct def_section *section = def_app_section(app, DEF_APP_INSTALL);

	return section && def_has_commands(section);
}

bool texts_install(const struct def_stage *stage)
{
	for (const struct def_app *app = stage->apps; app; app = app->next)
		if (installs(app))
			return true;
	return false;
}

/* All in one shell, as with Apptainer: apps see what %post sets.  An app that installs
 * nothing is left out: it would only change variables for those that follow, which set
 * all of them again. */
const char *texts_post(const struct def_stage *stage, struct arena *arena)
{
	const char *post = def_body(def_section(stage, DEF_POST), arena);
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (!texts_install(stage))
		return post;
	buf_puts(&text, post);
	for (const struct def_app *app = stage->apps; app; app = app->next) {
		CLEANUP(buf_release) struct buf folder = BUF_INIT;
		const char *path = arena_printf(arena, APPS_FOLDER "/%s", app->name);

		if (!installs(app))
			continue;
		shell_word_put(&folder, str_of(path));
		buf_printf(&text, "\ncd /\n. %s/scif/env/01-base.sh\ncd %s\n",
			   buf_text(&folder), buf_text(&folder));
		buf_puts(&text, def_body(def_app_section(app, DEF_APP_INSTALL), arena));
		buf_puts(&text, "\ncd /\n");
	}
	return arena_dup(arena, str_make(buf_text(&text), text.len));
}

/* ---- host scripts ---- */

/* `# dagbuild: pure`. */
static bool is_pure_line(struct str line)
{
	struct str word;

	line = str_slice(line, 1, line.len);
	return str_next_word(&line, &word) && str_is(word, "dagbuild:") &&
	       str_next_word(&line, &word) && str_is(word, "pure") &&
	       !str_next_word(&line, &word);
}

bool texts_says_pure(const char *script)
{
	struct str rest = str_of(script), line;

	/* Behind the first command it could be a line of a here-document. */
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.len > 0 && line.data[0] != '#')
			return false;
		if (line.len > 0 && is_pure_line(line))
			return true;
	}
	return false;
}

/* ---- metadata ---- */

bool texts_has_meta(const struct def_stage *stage)
{
	static const enum def_kind kinds[] = {DEF_HELP,	       DEF_LABELS,
					      DEF_ENVIRONMENT, DEF_STARTSCRIPT,
					      DEF_RUNSCRIPT,   DEF_TEST};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (def_section(stage, kinds[i]))
			return true;
	return false;
}

void texts_meta(const struct def_stage *stage, struct sections *out, struct arena *arena)
{
	out->help = text_of(def_section(stage, DEF_HELP), arena);
	out->environment = text_of(def_section(stage, DEF_ENVIRONMENT), arena);
	out->runscript = text_of(def_section(stage, DEF_RUNSCRIPT), arena);
	out->startscript = text_of(def_section(stage, DEF_STARTSCRIPT), arena);
	out->test = text_of(def_section(stage, DEF_TEST), arena);
	out->labels = labels_of(def_section(stage, DEF_LABELS), arena);
}
