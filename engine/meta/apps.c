/* SPDX-License-Identifier: MIT
 * apps.c - see apps.h.
 */
#include "engine/meta/apps.h"

#include <ctype.h>
#include <string.h>

#include "base/path.h"
#include "base/shell_word.h"
#include "engine/meta/labels.h"
#include "engine/meta/root_file.h"

/* An app's variables are called SCIF_APPROOT_NAME and so on, with `_` for what no name of
 * a variable can hold.  For free(). */
static char *variable_name(const char *name)
{
	char *out = xstrdup(name);

	for (char *p = out; *p; p++)
		if (!isalnum((unsigned char)*p) || !isascii((unsigned char)*p))
			*p = '_';
	return out;
}

/* ---- folders and scripts ---- */

static struct err *make_folders(int root_fd, const struct app *app)
{
	static const struct {
		const char *folder, *below;
	} rows[] = {
		{APPS_FOLDER, "scif/env"}, {APPS_FOLDER, "bin"},     {APPS_FOLDER, "lib"},
		{"/scif/data", "input"},   {"/scif/data", "output"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *path =
			xasprintf("%s/%s/%s", rows[i].folder, app->name, rows[i].below);

		TRY(path_mkdirs(root_fd, path, 0755));
	}
	return NULL;
}

static struct err *write_file(int root_fd, const struct app *app, const char *file,
			      const char *text, mode_t mode)
{
	CLEANUP(freep)
	char *path = xasprintf(APPS_FOLDER "/%s/scif/%s", app->name, file);

	return root_write(root_fd, path, text, strlen(text), mode, ROOT_REPLACE);
}

/* `export NAME=FOLDER/APP/BELOW`, quoted where the shell needs it. */
static void put_export(struct buf *out, const char *variable, const char *folder,
		       const char *app, const char *below)
{
	CLEANUP(freep)
	char *value = xasprintf("%s%s%s%s%s", folder, folder[0] && app[0] ? "/" : "", app,
				below[0] ? "/" : "", below);

	buf_printf(out, "export %s=", variable);
	shell_word_put(out, str_of(value));
	buf_putc(out, '\n');
}

/* What an app knows about itself. */
static struct err *write_base(int root_fd, const struct app *app)
{
	static const struct {
		const char *variable, *folder, *below;
	} rows[] = {
		{"SCIF_APPNAME", "", ""},
		{"SCIF_APPROOT", APPS_FOLDER, ""},
		{"SCIF_APPMETA", APPS_FOLDER, "scif"},
		{"SCIF_APPDATA", "/scif/data", ""},
		{"SCIF_APPINPUT", "/scif/data", "input"},
		{"SCIF_APPOUTPUT", "/scif/data", "output"},
	};
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_puts(&text, "#!/bin/sh\n\n");
	put_export(&text, "SCIF_DATA", "/scif/data", "", "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put_export(&text, rows[i].variable, rows[i].folder, app->name,
			   rows[i].below);
	return write_file(root_fd, app, "env/01-base.sh", buf_text(&text), 0755);
}

static struct err *write_script(int root_fd, const struct app *app, const char *file,
				const char *body)
{
	CLEANUP(freep) char *text = NULL;

	if (!body)
		return NULL;
	text = xasprintf("#!/bin/sh\n\n%s\n", body);
	return write_file(root_fd, app, file, text, 0755);
}

static struct err *write_app(int root_fd, const struct app *app)
{
	TRY(make_folders(root_fd, app));
	TRY(write_base(root_fd, app));
	if (app->env)
		TRY(write_file(root_fd, app, "env/90-environment.sh", app->env, 0755));
	TRY(write_script(root_fd, app, "runscript", app->run));
	TRY(write_script(root_fd, app, "startscript", app->start));
	TRY(write_script(root_fd, app, "test", app->test));
	return app->help ? write_file(root_fd, app, "runscript.help", app->help, 0644)
			 : NULL;
}

struct err *apps_write(int root_fd, const struct apps *apps)
{
	for (size_t i = 0; i < apps->len; i++)
		TRY(err_wrap(write_app(root_fd, &apps->items[i]), "app '%s'",
			     apps->items[i].name));
	return NULL;
}

/* ---- labels, and what leads to the apps ---- */

static struct err *write_labels(int root_fd, const struct app *app)
{
	CLEANUP(labels_release) struct labels labels = LABELS_INIT;
	CLEANUP(freep)
	char *path = xasprintf(APPS_FOLDER "/%s/scif/labels.json", app->name);

	labels_set(&labels, "SCIF_APP_NAME", app->name, true);
	for (size_t i = 0; i < app->labels.len; i++)
		labels_set(&labels, app->labels.items[i].name, app->labels.items[i].value,
			   true);
	return labels_save(root_fd, path, &labels);
}

/* Variables of what each app has; for files, only of those that exist. */
static struct err *put_exports(struct buf *out, int root_fd, const struct app *app)
{
	static const struct {
		const char *prefix, *folder, *below;
		bool may_be_missing;
	} rows[] = {
		{"SCIF_APPDATA_", "/scif/data", "", false},
		{"SCIF_APPMETA_", APPS_FOLDER, "scif", false},
		{"SCIF_APPROOT_", APPS_FOLDER, "", false},
		{"SCIF_APPBIN_", APPS_FOLDER, "bin", false},
		{"SCIF_APPLIB_", APPS_FOLDER, "lib", false},
		{"SCIF_APPENV_", APPS_FOLDER, "scif/env/90-environment.sh", true},
		{"SCIF_APPLABELS_", APPS_FOLDER, "scif/labels.json", true},
		{"SCIF_APPRUN_", APPS_FOLDER, "scif/runscript", true},
		{"SCIF_APPSTART_", APPS_FOLDER, "scif/startscript", true},
	};
	CLEANUP(freep) char *name = variable_name(app->name);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *variable = xasprintf("%s%s", rows[i].prefix, name);
		CLEANUP(freep)
		char *path =
			xasprintf("%s/%s/%s", rows[i].folder, app->name, rows[i].below);
		bool exists = true;

		if (rows[i].may_be_missing)
			TRY(root_exists(root_fd, path, &exists));
		if (exists)
			put_export(out, variable, rows[i].folder, app->name,
				   rows[i].below);
	}
	return NULL;
}

struct err *apps_finish(int root_fd, const struct apps *apps)
{
	CLEANUP(buf_release) struct buf exports = BUF_INIT;

	for (size_t i = 0; i < apps->len; i++) {
		const struct app *app = &apps->items[i];

		TRY(err_wrap(write_labels(root_fd, app), "app '%s'", app->name));
		TRY(put_exports(&exports, root_fd, app));
	}
	TRY(path_mkdirs(root_fd, "/.singularity.d/env", 0755));
	return root_write(root_fd, APPS_EXPORTS, exports.data, exports.len, 0755,
			  ROOT_REPLACE);
}
