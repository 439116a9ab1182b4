/* SPDX-License-Identifier: MIT
 * step_apps.c - the apps of a stage: folders, scripts, labels and files, into a new
 * layer.  `%appinstall` runs later, as a part of `%post`.
 *
 * In Apptainer's order, app after app, an app's files come after its scripts and before
 * its labels.  No app's files can be another's, so here each is done for all apps at
 * once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "engine/steps/steps.h"
#include "engine/work/copies.h"
#include "engine/work/mounted.h"

/* Names and values in turn; the names are the list's own. */
struct app_texts {
	const char **items;
	size_t len, cap;
};

static void texts_release(struct app_texts *t)
{
	for (size_t i = 0; i < t->len; i += 2)
		free((char *)t->items[i]);
	free(t->items);
}

static void add_text(struct app_texts *t, const char *what, const char *app,
		     const char *value)
{
	if (!value)
		return;
	vec_push(t, xasprintf("%s %s", what, app));
	vec_push(t, value);
}

static void add_app(struct app_texts *t, const struct app *app)
{
	/* Without any section of these it is an app, too. */
	add_text(t, "app", app->name, "");
	add_text(t, "%appenv", app->name, app->env);
	add_text(t, "%apphelp", app->name, app->help);
	add_text(t, "%apprun", app->name, app->run);
	add_text(t, "%appstart", app->name, app->start);
	add_text(t, "%apptest", app->name, app->test);
	for (size_t i = 0; i < app->labels.len; i++) {
		CLEANUP(freep)
		char *label = xasprintf("label '%s' of app", app->labels.items[i].name);

		add_text(t, label, app->name, app->labels.items[i].value);
	}
}

static struct err *apps_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	CLEANUP(texts_release) struct app_texts texts = {0};
	const struct apps *apps = &step->apps.apps;
	struct key *inputs = work_state(w, step->id)->inputs;

	for (size_t i = 0; i < apps->len; i++)
		add_app(&texts, &apps->items[i]);
	key_set_list(inputs, "apps", texts.items, texts.len);
	key_set_text(inputs, "version", DAGBUILD_VERSION);
	return copies_compose_host(w, step, task, known);
}

static struct err *apps_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	const struct apps *apps = &step->apps.apps;

	(void)record;
	TRY(mounted_open(w, work_parent(w, step), true, &m));
	TRY(apps_write(m.root_fd, apps));
	TRY(copies_write_host(w, step, task, m.root_fd));
	TRY(apps_finish(m.root_fd, apps));
	TRY(mounted_close(&m));
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

const struct step_ops step_apps_ops = {
	.compose = apps_compose,
	.run = apps_run,
	.list = copies_list_host,
};
