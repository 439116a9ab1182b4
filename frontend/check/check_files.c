/* SPDX-License-Identifier: MIT
 * check_files.c - sources and destinations of `%files`.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "engine/tree/tree_glob.h"
#include "frontend/check/check_private.h"

/* ---- sources on the host ---- */

static bool mentions(const struct def_section *section, const char *name)
{
	for (const struct def_part *p = section->parts; p; p = p->next)
		if (p->text.len > 0 &&
		    memmem(p->text.data, p->text.len, name, strlen(name)))
			return true;
	return false;
}

/* A script that names the file most likely makes it. */
static bool is_made_by_script(const struct check *c, const char *source)
{
	const char *slash = strrchr(source, '/');
	const char *name = slash && slash[1] ? slash + 1 : source;

	for (size_t i = 0; i < c->host_scripts.len && !diag_is_crowded(c->diags); i++)
		if (mentions(c->host_scripts.items[i], name))
			return true;
	return false;
}

static bool is_in_folder(const struct check *c, const char *folder, const char *source)
{
	CLEANUP(path_list_release) struct path_list found = {0};
	CLEANUP(closep)
	int fd = openat(c->options->host_fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct glob_root root = {.fd = fd};
	struct err *e;

	if (fd == -1)
		return false;
	e = tree_glob(&root, source, &found);
	if (e) {
		err_ignore(e, "it is not there either");
		return false;
	}
	for (size_t i = 0; i < found.len; i++)
		if (faccessat(fd, found.items[i], F_OK, 0) != 0)
			return false;
	return found.len > 0;
}

/* `folder` or a folder above it, whichever holds a repository, for free(); NULL without
 * one. */
static char *repository_root(const struct check *c, const char *folder)
{
	CLEANUP(freep) char *at = xstrdup(folder);

	for (unsigned up = 0; up < 32; up++) {
		CLEANUP(freep) char *mark = path_join(at, ".git");
		char *above;

		if (faccessat(c->options->host_fd, mark, F_OK, 0) == 0)
			return STEAL(at);
		above = strcmp(at, ".") == 0 ? xstrdup("..") : path_join(at, "..");
		free(at);
		at = above;
	}
	return NULL;
}

/* Definitions are meant to be built from their own folder, or from the root of their
 * repository; is the source there? */
static bool hint_folder(const struct check *c, struct diag *d, const char *source)
{
	const char *name = source_name(c->def->source), *slash = strrchr(name, '/');
	CLEANUP(freep)
	char *folder = slash == name ? xstrdup("/")
		       : slash	     ? str_dup(str_make(name, (size_t)(slash - name)))
				     : xstrdup(".");
	CLEANUP(freep) char *root = NULL;

	if (source[0] == '/' || diag_is_crowded(c->diags))
		return false;
	if (is_in_folder(c, folder, source)) {
		diag_hint(d, "it exists next to the definition: cd %s", folder);
		return true;
	}
	root = repository_root(c, folder);
	if (!root || !is_in_folder(c, root, source))
		return false;
	diag_hint(d, "it exists in the repository's root: cd %s", root);
	return true;
}

static void hint_missing(const struct check *c, struct diag *d, const char *source,
			 bool has_scripts)
{
	if (hint_folder(c, d, source))
		return;
	if (strchr(source, '$'))
		diag_hint(d, "variables are not expanded here; use '{{ name }}' and "
			     "--build-arg");
	else if (source[0] == '~')
		diag_hint(d, "'~' is not expanded here; write the full path");
	else if (has_scripts)
		diag_hint(d, "ignore this if %%pre or %%setup makes it");
	else if (source[0] != '/')
		diag_hint(d, "a relative path starts at the current folder");
}

/* `why` says what is wrong, and names `source`.  It is a warning where a script may make
 * the file, or nothing needs the stage. */
static void missing_source(struct check *c, const struct def_stage *stage,
			   const char *source, struct span span, const char *why)
{
	bool has_scripts = c->host_scripts.len > 0;
	bool is_needed = c->used[stage - c->def->stages];
	enum diag_severity severity =
		has_scripts || !is_needed ? DIAG_WARNING : DIAG_ERROR;
	struct diag *d;

	if (is_made_by_script(c, source))
		return;
	d = diag_add_in(c->diags, c->def->source, DIAG_MISSING_SOURCE, severity, span,
			"%s", why);
	hint_missing(c, d, source, has_scripts);
}

static bool check_exists(struct check *c, const struct def_stage *stage, const char *path,
			 struct span span)
{
	CLEANUP(freep) char *why = NULL;
	struct stat st;

	if (fstatat(c->options->host_fd, path, &st, 0) == 0)
		return true;
	if (errno != ENOENT)
		why = xasprintf("'%s' cannot be read: %s", path, strerror(errno));
	else if (fstatat(c->options->host_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		why = xasprintf("'%s' is a broken symbolic link", path);
	else
		why = xasprintf("there is no '%s' on this host", path);
	missing_source(c, stage, path, span, why);
	return false;
}

size_t check_host_source(struct check *c, const struct def_stage *stage,
			 const char *source, struct span span, bool is_pattern)
{
	CLEANUP(path_list_release) struct path_list found = {0};
	CLEANUP(freep) char *why = NULL;
	struct glob_root root = {.fd = c->options->host_fd};
	struct err *e;

	if (c->options->host_fd == -1)
		return 1;
	if (!is_pattern)
		return check_exists(c, stage, source, span);
	e = tree_glob(&root, source, &found);
	if (e) {
		why = err_code(e) == ERR_NOTFOUND
			      ? xasprintf("there is no '%s' on this host", source)
			      : xstrdup(err_text(e));
		err_ignore(e, "it is said next");
		missing_source(c, stage, source, span, why);
		return 0;
	}
	for (size_t i = 0; i < found.len; i++)
		if (!check_exists(c, stage, found.items[i], span))
			return 0;
	return found.len;
}

/* `*.txt` is refused by newer Apptainers, which look for its folder "". */
static void check_first_component(struct check *c, const struct def_copy *copy)
{
	const char *first = copy->source + strcspn(copy->source, "*?[\\/");

	if (*first && strchr("*?[", *first))
		diag_hint(diag_add(c->diags, DIAG_FIRST_COMPONENT_GLOB, copy->source_span,
				   "newer versions of Apptainer refuse a pattern at the "
				   "start of a source"),
			  "write './%s'", copy->source);
}

/* A name with an extension of letters; profile.d and are folders. */
static bool looks_like_file(const char *target)
{
	const char *slash = strrchr(target, '/');
	const char *base = slash ? slash + 1 : target, *dot = strrchr(base, '.');
	size_t n = 0;

	if (!dot || dot == base)
		return false;
	while (isalpha((unsigned char)dot[1 + n]))
		n++;
	return n > 0 && !dot[1 + n] && strcmp(dot, ".d") != 0;
}

static void check_host_copy(struct check *c, const struct def_stage *stage,
			    const struct def_copy *copy)
{
	size_t n = check_host_source(c, stage, copy->source, copy->source_span, true);

	check_first_component(c, copy);
	if (n > 1 && looks_like_file(copy->target))
		diag_hint(diag_add(c->diags, DIAG_MANY_TO_ONE, copy->target_span,
				   "%zu files are copied to this one name: only the last "
				   "one stays, unless it is a folder in the image",
				   n),
			  "end the destination with '/' if it is a folder");
}

/* ---- sources in a stage ---- */

/* Is `path` the folder or below it? */
static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (!path[n] || path[n] == '/');
}

/* May `copy` put `source`, or something below it, there? */
static bool puts_there(const struct def_copy *copy, const char *source)
{
	const char *written = copy->target[0] ? copy->target : copy->source;
	CLEANUP(freep) char *target = path_clean(written);
	CLEANUP(freep) char *from = path_clean(copy->source);
	CLEANUP(freep) char *within = path_join(target, path_base(from));

	if (is_in(target, source) || is_in(source, within))
		return true;
	/* Patterns stand for any names. */
	return is_in(source, target) &&
	       (strpbrk(source, "*?[{") || strpbrk(copy->source, "*?[{"));
}

/* With very many lines the check says nothing, so that the time stays linear. */
static bool is_put_there(const struct def_stage *stage, const char *source)
{
	size_t n = 0;

	for (const struct def_files *f = stage->files; f; f = f->next)
		for (const struct def_copy *copy = f->copies.first; copy;
		     copy = copy->next)
			if (++n > 256 || puts_there(copy, source))
				return true;
	return false;
}

/* What a section made in /tmp is dropped at its end; the base image may have such a file,
 * but that is rare. */
static void check_dropped(struct check *c, const struct def_files *files,
			  const struct def_copy *copy, const char *path)
{
	const struct def_stage *producer = map_get(&c->names, files->from);

	if (c->def->keep_tmp || !producer ||
	    (!is_in(path, "/tmp") && !is_in(path, "/var/tmp")) ||
	    (!def_script(producer, DEF_POST) && !producer->apps) ||
	    is_put_there(producer, path))
		return;
	diag_hint(diag_add(c->diags, DIAG_SOURCE_IN_TMP, copy->source_span,
			   "what %%post of stage '%s' makes in /tmp and /var/tmp is "
			   "dropped when it ends",
			   files->from),
		  "make it in another folder, such as /opt, or give --keep-tmp");
}

static void check_stage_copy(struct check *c, const struct def_files *files,
			     const struct def_copy *copy)
{
	static const char *const mounts[] = {"/proc", "/sys", "/dev"};
	CLEANUP(freep) char *path = path_clean(copy->source);

	check_dropped(c, files, copy, path);
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		if (is_in(path, mounts[i]))
			diag_hint(diag_add(c->diags, DIAG_SOURCE_UNDER_MOUNT,
					   copy->source_span,
					   "'%s' is empty except while a script runs",
					   mounts[i]),
				  "copy it to another folder in %%post");
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

bool check_escapes(struct check *c, const char *target, struct span span,
		   const char *start)
{
	if (!climbs_out(target))
		return false;
	diag_hint(diag_add(c->diags, DIAG_ESCAPING_DESTINATION, span,
			   "the destination leads above %s", start),
		  "write the path from %s", start);
	return true;
}

void check_files(struct check *c, const struct def_stage *stage)
{
	for (const struct def_files *f = stage->files; f; f = f->next) {
		if (!f->has_lines)
			vec_push(&c->empty, (struct check_empty){.span = f->span});
		for (const struct def_copy *copy = f->copies.first; copy;
		     copy = copy->next) {
			if (f->from)
				check_stage_copy(c, f, copy);
			else
				check_host_copy(c, stage, copy);
			check_escapes(c, copy->target, copy->target_span,
				      "the image's root");
		}
	}
}
