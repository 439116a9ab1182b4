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

/* Far above any definition; each section has a limit of its own. */
static const size_t DEFINITION_MAX = (size_t)64 << 20;

static struct err *read_definition(const char *path, struct buf *out)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(err_wrap(fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd),
		     "the definition cannot be read"));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_hint(err_new(ERR_USAGE, "'%s' is a folder", path),
				"name a definition file");
	return err_wrap(fs_read_fd(fd, DEFINITION_MAX, out), "'%s'", path);
}

struct err *load_definition(const char *path, struct loaded *out, int *status)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, shown = BUF_INIT;
	CLEANUP(diag_list_freep) struct diag_list *diags = NULL;

	TRY(read_definition(path, &text));
	out->source = source_new(path, str_make(buf_text(&text), text.len));
	out->arena = arena_new();
	diags = diag_list_new(out->source);
	def_parse(out->source, out->arena, diags, &out->def);
	if (out->def)
		def_check(out->def, diags);
	diag_render(diags, &shown);
	TRY(fs_write_all(STDERR_FILENO, buf_text(&shown), shown.len));
	if (diag_count(diags, DIAG_ERROR) > 0)
		*status = 2;
	return NULL;
}

struct err *load_plan(const char *path, struct loaded *out, int *status)
{
	TRY(load_definition(path, out, status));
	if (*status != 0)
		return NULL;
	return plan_compile(out->def, &out->plan);
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
	arena_freep(&l->arena);
	source_freep(&l->source);
}
