/* SPDX-License-Identifier: MIT
 * check_meta.c - labels, and apps.
 */
#include <ctype.h>
#include <string.h>

#include "frontend/check/check_private.h"

/* ---- labels ---- */

static bool is_reserved(const struct def_stage *stage, struct str name)
{
	static const char *const reserved[] = {
		"org.label-schema.schema-version",
		"org.label-schema.build-date",
		"org.label-schema.build-arch",
		"org.label-schema.usage.apptainer.version",
		"org.label-schema.usage.dagbuild.version",
	};
	static const char *const of_help[] = {
		"org.label-schema.usage",
		"org.label-schema.usage.apptainer.runscript.help",
	};

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_is(name, reserved[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(of_help) && def_section(stage, DEF_HELP); i++)
		if (str_is(name, of_help[i]))
			return true;
	return str_starts_with(name, "org.label-schema.usage.singularity.deffile.");
}

static void check_label(struct check *c, const struct def_stage *stage, struct str line)
{
	struct str name, value;

	str_cut(line, ' ', &name, &value);
	if (str_find(name, '\t') < name.len)
		diag_hint(diag_add(c->diags, DIAG_LABEL_TAB, check_span(c, name),
				   "the tab is part of the label's name"),
			  "put a space between name and value");
	if (is_reserved(stage, name))
		diag_hint(diag_add(c->diags, DIAG_RESERVED_LABEL, check_span(c, name),
				   "this label is set automatically: the value here is "
				   "not used"),
			  "use another name");
}

static void check_labels(struct check *c, const struct def_stage *stage,
			 const struct def_section *labels)
{
	struct str line;

	for (const struct def_part *p = labels ? labels->parts : NULL; p; p = p->next)
		for (struct str rest = p->text; def_entry(&rest, &line);)
			check_label(c, stage, line);
}

/* ---- apps ---- */

static void check_app_name(struct check *c, const struct def_app *app)
{
	for (const char *p = app->name; *p; p++) {
		if (isalnum((unsigned char)*p) || *p == '_')
			continue;
		diag_hint(
			diag_add(
				c->diags, DIAG_APP_VARIABLE_NAME, app->span,
				"variables such as SCIF_APPROOT_%s cannot have this "
				"name: those that are set instead do not lead to the app",
				app->name),
			"use letters, digits and '_'");
		return;
	}
}

/* Folders that every app has. */
static bool is_made(struct str folder)
{
	static const char *const folders[] = {"", "bin", "lib", "scif", "scif/env"};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (str_is(folder, folders[i]))
			return true;
	return false;
}

static struct str folder_of(struct str path)
{
	while (path.len > 0 && path.data[path.len - 1] != '/')
		path.len--;
	while (path.len > 0 && path.data[path.len - 1] == '/')
		path.len--;
	while (path.len > 0 && path.data[0] == '/')
		path = str_slice(path, 1, path.len);
	return path;
}

/* A line of %appfiles: up to `#`, split at the first space; no patterns, no quotes. */
static void check_app_file(struct check *c, const struct def_stage *stage,
			   struct str line)
{
	struct str source, target;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *path = NULL;

	line = scan_trim(str_slice(line, 0, str_find(line, '#')));
	str_cut(line, ' ', &source, &target);
	if (source.len == 0)
		return;
	if (target.len == 0)
		target = source;
	text = str_dup(target);
	path = str_dup(source);
	check_host_source(c, stage, path, check_span(c, source), false);
	if (check_escapes(c, text, check_span(c, target)) || is_made(folder_of(target)))
		return;
	diag_hint(diag_add(c->diags, DIAG_APPFILES_DESTINATION, check_span(c, target),
			   "Apptainer does not make the folder '%.*s' in the app",
			   STR_ARG(folder_of(target))),
		  "copy into 'bin', 'lib' or the app's own folder");
}

static void check_app(struct check *c, const struct def_stage *stage,
		      const struct def_app *app)
{
	const struct def_section *files = def_app_section(app, DEF_APP_FILES);
	struct str line;

	check_app_name(c, app);
	for (const struct def_part *p = files ? files->parts : NULL; p; p = p->next)
		for (struct str rest = p->text; def_entry(&rest, &line);)
			check_app_file(c, stage, line);
	check_labels(c, stage, def_app_section(app, DEF_APP_LABELS));
}

void check_meta(struct check *c, const struct def_stage *stage)
{
	check_labels(c, stage, def_section(stage, DEF_LABELS));
	for (const struct def_app *app = stage->apps; app; app = app->next)
		check_app(c, stage, app);
}
