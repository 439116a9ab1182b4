/* SPDX-License-Identifier: MIT
 * load.c - see load.h.
 */
#include "frontend/project/load.h"

#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/output.h"
#include "base/path.h"
#include "engine/oci/oci_local_ref.h"
#include "frontend/check/check.h"
#include "frontend/def/words.h"
#include "frontend/ui/say.h"

static struct err *read_arguments(struct def_options *o, struct given *given)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	size_t len;

	if (!o->args)
		o->args = build_args_new();
	if (!o->args_file)
		return NULL;
	TRY(given_read(given, GIVEN_ARGUMENTS, o->args_file, &text));
	len = text.len;
	if (len > 0 && memchr(text.data, '\0', len))
		return err_new(ERR_USAGE, "'%s' is not text", o->args_file);
	build_args_file(o->args, o->args_file, buf_steal(&text), len);
	return NULL;
}

/* Looks at files of the host, which may change later: so it is done once. */
static void check_all(struct def_options *options, struct loaded *l)
{
	struct check_options check = {.host_fd = AT_FDCWD};
	bool is_partial = false;

	check_definition(l->def, &check, l->diags);
	for (size_t i = 0; i < l->def->n_stages; i++)
		is_partial |= l->def->stages[i].is_partial;
	build_args_check(options->args,
			 options->warn_unused_args ? DIAG_WARNING : DIAG_ERROR,
			 is_partial, l->diags);
}

struct err *load_definition(const char *path, struct def_options *options,
			    struct given *given, struct loaded *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	size_t len;

	TRY(given_read(given, GIVEN_DEFINITION, path, &text));
	TRY(read_arguments(options, given));
	len = text.len;
	out->source = source_adopt(path, buf_steal(&text), len);
	out->arena = arena_new();
	out->diags = diag_list_new(out->source, &options->diag);
	def_parse(out->source, options->args, out->arena, out->diags, &out->def);
	if (!out->def)
		return NULL;
	out->def->keep_tmp = options->keep_tmp;
	if (!given || !given->is_checked)
		check_all(options, out);
	return NULL;
}

struct err *load_plan(const char *path, struct def_options *options,
		      const struct plan_options *plan, struct given *given,
		      struct loaded *out, int *status)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	struct plan_options with = *plan;

	TRY(load_definition(path, options, given, out));
	diag_write_text(out->diags, &shown);
	if (!given || !given->is_checked || diag_count(out->diags, DIAG_ERROR) > 0)
		say(&shown);
	if (diag_count(out->diags, DIAG_ERROR) > 0) {
		*status = 2;
		return NULL;
	}
	with.library = def_library(options);
	return plan_compile(out->def, &with, &out->plan);
}

/* The stage's name goes into the middle, so that no other image of the definition is
 * replaced. */
static struct err *default_name(const char *file, const char *stage, char **out)
{
	struct str name = str_of(path_base(file));

	if (given_is_stream(file))
		return err_hint(
			err_new(ERR_USAGE, "an image cannot be named after '%s'", file),
			"name the image with -o");
	if (stage && strchr(stage, '/'))
		return err_hint(
			err_new(ERR_USAGE,
				"the stage's name '%s' cannot be part of a file's name",
				stage),
			"name the image with -o");
	if (str_ends_with(name, ".def"))
		name.len -= strlen(".def");
	*out = xasprintf("%.*s%s%s.sif", STR_ARG(name), stage ? "." : "",
			 stage ? stage : "");
	return NULL;
}

struct err *load_image_path(const char *file, const struct plan *plan,
			    const struct plan_options *options, char **out)
{
	CLEANUP(freep) char *name = NULL;
	const char *stage = NULL;

	*out = NULL;
	if (plan->pack.index == NODE_NONE.index)
		return NULL;
	for (size_t i = 0; options->target && i < plan->n_stages; i++)
		if (plan->stages[i].is_target)
			stage = plan->stages[i].label;
	TRY(default_name(file, stage, &name));
	*out = STEAL(name);
	return NULL;
}

static bool runs_on_host(const struct step *step)
{
	if (step->kind == STEP_BASE)
		return words_contain(words_program_agents, str_of(step->base->agent));
	return step->kind == STEP_PRE || step->kind == STEP_SETUP;
}

struct err *load_refuse_host_scripts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = plan->steps[i];

		if (runs_on_host(step))
			return place_err(
				step->where,
				err_hint(err_new(ERR_SYNTAX,
						 "%s runs on this machine, which "
						 "--no-host-scripts forbids",
						 step->label),
					 "read %s; without the option it runs "
					 "with your rights",
					 step->kind == STEP_BASE ? "the header"
								 : "the section"));
	}
	return NULL;
}

void loaded_release(struct loaded *l)
{
	plan_freep(&l->plan);
	diag_list_freep(&l->diags);
	arena_freep(&l->arena);
	source_freep(&l->source);
}

/* Each run would put the last one's image, or the cache, into the next image. */
static struct err *spare_folder(const char *folder, const char *path, const char *cache)
{
	CLEANUP(closep) int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err *e;

	if (fd < 0)
		return NULL;
	TRY(output_keep_out(path, fd, "a folder that a stage starts from"));
	e = output_keep_out(cache, fd, "");
	if (!e)
		return NULL;
	err_free(e);
	return err_hint(
		err_new(ERR_USAGE,
			"the cache '%s' is in the folder '%s', from which a stage "
			"starts",
			cache, folder),
		"name another one with --cache-dir");
}

/* `From` of an OCI image may also say which image there is meant. */
static struct err *spare_image(const struct step_base *base, const char *path,
			       const char *cache)
{
	static const char what[] = "the image that a stage starts from";
	CLEANUP(oci_local_ref_release) struct oci_local_ref ref = {0};

	if (words_contain(words_oci_agents, str_of(base->agent))) {
		TRY(oci_local_ref_parse(base->from, &ref));
		return output_spare(path, ref.path, what);
	}
	TRY(output_spare(path, base->from, what));
	return spare_folder(base->from, path, cache);
}

struct err *load_spare_images(const struct plan *plan, const char *path,
			      const char *cache)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = plan->steps[i];

		if (step->kind != STEP_BASE || !step->base->from ||
		    !words_contain(words_local_agents, str_of(step->base->agent)))
			continue;
		TRY(place_err(step->where, spare_image(step->base, path, cache)));
	}
	return NULL;
}
