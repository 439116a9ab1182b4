/* SPDX-License-Identifier: MIT
 * load.c - see load.h.
 */
#include "frontend/cli/load.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "frontend/check/check.h"
#include "frontend/cli/say.h"

/* Far above any definition; what is longer is another file. */
static const size_t DEFINITION_MAX = (size_t)64 << 20;

static struct err *read_text(const struct def_options *o, const char *path,
			     const char *what, struct buf *out)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(err_wrap(fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd), "%s cannot be read",
		     what));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_hint(err_new(ERR_USAGE, "'%s' is a folder", path),
				"name a definition file");
	if (o->reads_twice && !S_ISREG(st.st_mode))
		return err_hint(err_new(ERR_USAGE,
					"'%s' is no file that can be read twice", path),
				"save what it gives in a file");
	return err_wrap(fs_read_fd(fd, DEFINITION_MAX, out), "'%s'", path);
}

static struct err *read_arguments(struct def_options *o)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	size_t len;

	if (!o->args)
		o->args = build_args_new();
	if (!o->args_file)
		return NULL;
	TRY(read_text(o, o->args_file, "the file of build arguments", &text));
	len = text.len;
	if (len > 0 && memchr(text.data, '\0', len))
		return err_new(ERR_USAGE, "'%s' is no text", o->args_file);
	build_args_file(o->args, o->args_file, buf_steal(&text), len);
	return NULL;
}

struct err *load_definition(const char *path, struct def_options *options,
			    struct loaded *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct check_options check = {.host_fd = AT_FDCWD};
	bool is_partial = false;
	size_t len;

	TRY(read_text(options, path, "the definition", &text));
	TRY(read_arguments(options));
	len = text.len;
	out->source = source_adopt(path, buf_steal(&text), len);
	out->arena = arena_new();
	out->diags = diag_list_new(out->source, &options->diag);
	def_parse(out->source, options->args, out->arena, out->diags, &out->def);
	if (!out->def)
		return NULL;
	out->def->keep_tmp = options->keep_tmp;
	check_definition(out->def, &check, out->diags);
	for (size_t i = 0; i < out->def->n_stages; i++)
		is_partial |= out->def->stages[i].is_partial;
	build_args_check(options->args,
			 options->warn_unused_args ? DIAG_WARNING : DIAG_ERROR,
			 is_partial, out->diags);
	return NULL;
}

struct err *load_plan(const char *path, struct def_options *options,
		      const struct plan_options *plan, struct loaded *out, int *status)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;

	TRY(load_definition(path, options, out));
	diag_write_text(out->diags, &shown);
	if (!options->is_quiet || diag_count(out->diags, DIAG_ERROR) > 0)
		say(&shown);
	if (diag_count(out->diags, DIAG_ERROR) > 0) {
		*status = 2;
		return NULL;
	}
	return plan_compile(out->def, plan, &out->plan);
}

struct err *load_image_path(const char *file, const char *explicit_path, char **out)
{
	struct str name = str_of(path_base(file));
	CLEANUP(freep) char *image = NULL;

	if (explicit_path)
		return fs_absolute(explicit_path, out);
	if (str_ends_with(name, ".def"))
		name.len -= strlen(".def");
	image = xasprintf("%.*s.sif", STR_ARG(name));
	return fs_absolute(image, out);
}

void loaded_release(struct loaded *l)
{
	plan_freep(&l->plan);
	diag_list_freep(&l->diags);
	arena_freep(&l->arena);
	source_freep(&l->source);
}
