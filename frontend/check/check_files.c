/* SPDX-License-Identifier: MIT
 * check_files.c - sources and destinations of `%files`.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "engine/tree/tree_glob.h"
#include "frontend/check/check_private.h"

/* ---- sources on the host ---- */

static void missing_source(struct check *c, const char *source, struct span span)
{
	enum diag_severity severity = c->is_script_on_host ? DIAG_WARNING : DIAG_ERROR;
	struct diag *d =
		diag_add_in(c->diags, c->def->source, DIAG_MISSING_SOURCE, severity, span,
			    "there is no '%s' on this host", source);

	if (strchr(source, '$'))
		diag_hint(d, "no variables are replaced here; use '{{ name }}' and "
			     "--build-arg");
	else if (source[0] == '~')
		diag_hint(d, "'~' stands for itself here; write the whole path");
	else if (c->is_script_on_host)
		diag_hint(d, "unless a %%pre or %%setup makes it");
	else
		diag_hint(d, "a relative source counts from the current folder");
}

static bool exists(struct check *c, const char *path)
{
	struct stat st;

	return fstatat(c->options->host_fd, path, &st, 0) == 0;
}

size_t check_host_source(struct check *c, const char *source, struct span span,
			 bool is_pattern)
{
	CLEANUP(path_list_release) struct path_list found = {0};
	struct glob_root root = {.fd = c->options->host_fd};
	struct err *e = NULL;

	if (c->options->host_fd == -1)
		return 1;
	if (is_pattern)
		e = tree_glob(&root, source, &found);
	else
		vec_push(&found, xstrdup(source));
	if (e) {
		err_ignore(e, "it is said below");
		missing_source(c, source, span);
		return 0;
	}
	for (size_t i = 0; i < found.len; i++) {
		if (!exists(c, found.items[i])) {
			missing_source(c, found.items[i], span);
			return 0;
		}
	}
	return found.len;
}

/* `*.txt` is refused by newer Apptainers, which look for its folder "". */
static void check_first_component(struct check *c, const struct def_copy *copy)
{
	struct str first, rest;

	str_cut(str_of(copy->source), '/', &first, &rest);
	for (size_t i = 0; i < first.len; i++)
		if (strchr("*?[", first.data[i]))
			break;
		else if (i + 1 == first.len)
			return;
	if (first.len > 0)
		diag_hint(diag_add(c->diags, DIAG_FIRST_COMPONENT_GLOB, copy->source_span,
				   "newer Apptainers refuse a pattern at the start of a "
				   "source"),
			  "write './%s'", copy->source);
}

/* A name with a dot is a file's, most likely. */
static bool looks_like_file(const char *target)
{
	const char *base = strrchr(target, '/');
	const char *dot = strchr(base ? base + 1 : target, '.');

	return dot && dot != (base ? base + 1 : target) && dot[1] && !strchr(dot, '/');
}

static void check_host_copy(struct check *c, const struct def_copy *copy)
{
	size_t n = check_host_source(c, copy->source, copy->source_span, true);

	check_first_component(c, copy);
	if (n > 1 && looks_like_file(copy->target))
		diag_hint(diag_add(c->diags, DIAG_MANY_TO_ONE, copy->target_span,
				   "%zu files are copied to this one name: the last "
				   "one stays",
				   n),
			  "end the destination in '/' if it is a folder");
}

/* ---- sources in a stage ---- */

static void check_stage_copy(struct check *c, const struct def_copy *copy)
{
	static const char *const mounts[] = {"/proc", "/sys", "/dev"};
	CLEANUP(freep) char *path = path_clean(copy->source);

	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		size_t n = strlen(mounts[i]);

		if (strncmp(path, mounts[i], n) == 0 && (!path[n] || path[n] == '/'))
			diag_hint(diag_add(c->diags, DIAG_SOURCE_UNDER_MOUNT,
					   copy->source_span,
					   "'%s' holds something only while a script "
					   "runs",
					   mounts[i]),
				  "copy it elsewhere in %%post");
	}
}

/* ---- destinations ---- */

static bool climbs_out(const char *path)
{
	struct str rest = str_of(path), component;
	long depth = 0;
	bool more = true;

	while (more) {
		more = str_cut(rest, '/', &component, &rest);
		if (str_is(component, ".."))
			depth--;
		else if (component.len > 0 && !str_is(component, "."))
			depth++;
		if (depth < 0)
			return true;
	}
	return false;
}

bool check_escapes(struct check *c, const char *target, struct span span)
{
	if (!climbs_out(target))
		return false;
	diag_hint(diag_add(c->diags, DIAG_ESCAPING_DESTINATION, span,
			   "the destination climbs above the image's root"),
		  "write the path from the root");
	return true;
}

void check_files(struct check *c, const struct def_stage *stage)
{
	for (const struct def_files *f = stage->files; f; f = f->next) {
		if (!f->has_lines)
			diag_hint(diag_add(c->diags, DIAG_EMPTY_SECTION, f->span,
					   "this %%files copies nothing"),
				  "remove it");
		for (const struct def_copy *copy = f->copies; copy; copy = copy->next) {
			if (f->from)
				check_stage_copy(c, copy);
			else
				check_host_copy(c, copy);
			check_escapes(c, copy->target, copy->target_span);
		}
	}
}
