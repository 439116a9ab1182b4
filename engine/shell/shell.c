/* SPDX-License-Identifier: MIT
 * shell.c - see shell.h.
 *
 * The upper of a failed step becomes one more layer below a new, empty upper: it needs no
 * copy, and stays as the step left it.
 */
#include "engine/shell/shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "engine/run/container.h"
#include "engine/work/mounted.h"
#include "engine/work/script.h"

/* $SHELL of the image, else the caller's; shells that the image does not have are
 * skipped. */
static const char FIND_SHELL[] =
	"for shell in \"${SHELL:-$1}\" /bin/bash /bin/sh; do "
	"if [ -f \"$shell\" ] && [ -x \"$shell\" ]; then exec \"$shell\"; fi; done";

static struct err *run(const struct store *s, const struct overlay_spec *below,
		       struct container_request *request, int *status)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	struct container_result result = {0};

	TRY(mounted_prepare_over(s, below, &m));
	request->root = *below;
	request->root.upper = m.upper;
	request->root.work = m.work;
	request->root.mount_point = m.mount_point;
	TRY(container_run(request, &result));
	*status = result.status;
	return NULL;
}

static struct err *open_shell(const struct store *s, const struct overlay_spec *below,
			      const struct shell_options *options,
			      const struct container_request *of_step, int *status)
{
	const char *own = getenv("SHELL");
	const char *const find[] = {"/bin/sh", "-c",	       FIND_SHELL,
				    "sh",      own ? own : "", NULL};
	struct container_request request = *of_step;

	request.argv = options->command[0] ? options->command : find;
	request.source_environment = true;
	request.interactive = true;
	request.tty = options->tty;
	if (options->has_security)
		request.security = options->security;
	return run(s, below, &request, status);
}

/* A run without changes does not look into its layers, so another run would not help. */
static struct err *check_whole(const struct store *s, const struct snapshot *chain)
{
	return err_hint(
		err_wrap(snapshot_check(s, chain, (struct stop){0}),
			 "the root filesystem below is incomplete"),
		"'dagbuild cache verify' sets aside what is damaged; the next build "
		"builds it again");
}

/* ---- after a step ---- */

struct err *shell_on_step(const struct exec *x, struct node_id id,
			  const struct shell_options *options, int *status)
{
	const struct work *w = exec_work(x);
	const struct snapshot *chain = &work_state(w, id)->snapshot;
	CLEANUP(script_env_freep) char **env = script_env(w, "exec");
	CLEANUP(freep) const char **names = NULL;
	struct overlay_spec below = mounted_overlay(w, chain, &names);
	struct container_request request = {.envp = (const char *const *)env,
					    .security = w->options.security};

	TRY(check_whole(w->options.store, chain));
	return open_shell(w->options.store, &below, options, &request, status);
}

/* ---- where one failed ---- */

struct texts {
	VEC(const char *) words;
};

static void texts_release(struct texts *t)
{
	vec_free(&t->words);
}

/* The script's environment; except that TERM is today's. */
static void take_environment(const struct failed *f, const char *term, struct texts *out)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_array(f->about, "environment"))
	{
		const char *text = cJSON_GetStringValue(item);

		if (text && strncmp(text, "TERM=", 5) != 0)
			vec_push(&out->words, text);
	}
	vec_push(&out->words, term);
	vec_push(&out->words, NULL);
}

/* A root that an earlier version kept does not say it, and gets the default. */
static void take_security(const struct failed *f, enum security *out)
{
	const char *word = json_string(f->about, "security");

	if (!word || !security_parse(word, out))
		*out = SECURITY_CONTAINER;
}

static void take_layers(const struct failed *f, const char *upper, struct texts *out)
{
	for (size_t i = 0; i < f->below.len; i++)
		vec_push(&out->words, f->below.layers[i].name);
	vec_push(&out->words, upper);
}

struct err *shell_on_failed(const struct store *s, const struct failed *f,
			    const struct shell_options *options, int *status)
{
	CLEANUP(texts_release) struct texts env = {0}, layers = {0};
	CLEANUP(freep) char *upper = failed_upper(&f->id);
	CLEANUP(freep) char *term = NULL;
	CLEANUP(closep) int hold = -1;
	struct container_request request = {.script = json_string(f->about, "script")};
	struct overlay_spec below = {.layer_root = layer_root(s)};

	TRY(failed_hold(s, &f->id, &hold));
	TRY(check_whole(s, &f->below));
	if (getenv("TERM"))
		term = xasprintf("TERM=%s", getenv("TERM"));
	take_environment(f, term, &env);
	take_security(f, &request.security);
	take_layers(f, upper, &layers);
	request.envp = env.words.items;
	request.hold_fd = hold;
	below.layers = layers.words.items;
	below.n_layers = layers.words.len;
	return open_shell(s, &below, options, &request, status);
}
