/* SPDX-License-Identifier: MIT
 * check_meta.c - labels, and apps.
 */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

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
		diag_hint(diag_add(c->diags, DIAG_APP_VARIABLE_NAME, app->span,
				   "no variable can be called SCIF_APPROOT_%s: its name "
				   "gets '_' for the other characters, and in Apptainer "
				   "does not lead to the app",
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

/* Where cp makes what it copies: a folder goes to a name that ends in a slash, while a
 * file goes into the folder of that name, which then must exist. */
static struct str made_path(const struct check *c, const struct def_copy *copy)
{
	struct str path = str_of(copy->target[0] ? copy->target : copy->source);
	struct stat st;

	if (c->options->host_fd != -1 &&
	    fstatat(c->options->host_fd, copy->source, &st, 0) == 0 &&
	    S_ISDIR(st.st_mode))
		while (str_ends_with(path, "/"))
			path.len--;
	return path;
}

static void check_app_file(struct check *c, const struct def_stage *stage,
			   const struct def_copy *copy)
{
	const char *target = copy->target[0] ? copy->target : copy->source;
	struct str folder = folder_of(made_path(c, copy));

	check_host_source(c, stage, copy->source, copy->source_span, false);
	if (check_escapes(c, target, copy->target_span, "the app's folder") ||
	    is_made(folder))
		return;
	diag_hint(diag_add(c->diags, DIAG_APPFILES_DESTINATION, copy->target_span,
			   "Apptainer does not make the folder '%.*s' in the app",
			   STR_ARG(folder)),
		  "copy into 'bin', 'lib' or the app's own folder");
}

static void check_app(struct check *c, const struct def_stage *stage,
		      const struct def_app *app)
{
	check_app_name(c, app);
	for (const struct def_copy *copy = app->files.first; copy; copy = copy->next)
		check_app_file(c, stage, copy);
	check_labels(c, stage, def_app_section(app, DEF_APP_LABELS));
}

void check_meta(struct check *c, const struct def_stage *stage)
{
	check_labels(c, stage, def_section(stage, DEF_LABELS));
	for (const struct def_app *app = stage->apps; app; app = app->next)
		check_app(c, stage, app);
}
