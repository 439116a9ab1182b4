/* SPDX-License-Identifier: MIT
 * check_shell.c - shell scripts: what script_lint.h finds in them, as diagnostics.
 */
#include <string.h>

#include "base/vec.h"
#include "frontend/check/check_private.h"
#include "frontend/check/script_lint.h"
#include "frontend/def/words.h"

struct script_texts {
	VEC(struct str) items;
};

/* A script that is being checked. */
struct subject {
	struct check *check;
	bool ends_at_stage; /* the next stage begins right after it */
};

static void report(void *context, const struct script_finding *f)
{
	const struct subject *subject = context;
	struct check *c = subject->check;
	enum diag_code code;
	struct diag *d;

	if (!diag_code_find(str_of(f->code), &code))
		return;
	d = diag_add(c->diags, code, check_span(c, f->at), "%s", f->message);
	if (f->note)
		diag_note(d, check_span(c, f->note_at), "%s", f->note);
	if (code == DIAG_UNFINISHED_HERE_DOCUMENT && subject->ends_at_stage)
		diag_hint(d, "a line 'Bootstrap:' in column 1 begins a stage, even here");
	else if (f->hint)
		diag_hint(d, "%s", f->hint);
}

/* How many destinations of %files, and parts of a section, are considered for what a
 * script may find in /tmp: each is looked at again for every read, or every part. */
enum { TARGETS_MAX = 256, PARTS_MAX = 16 };

/* Destinations of %files below /tmp: what a script may read there.  Collected once for
 * all scripts of a stage. */
static void find_targets(struct check *c, const struct def_stage *stage)
{
	if (c->targets_of == stage)
		return;
	c->targets_of = stage;
	c->targets.len = 0;
	for (const struct def_files *f = stage->files; f; f = f->next)
		for (const struct def_copy *copy = f->copies.first; copy;
		     copy = copy->next) {
			struct str path =
				str_of(copy->target[0] ? copy->target : copy->source);

			if (str_starts_with(path, "/tmp") ||
			    str_starts_with(path, "/var/tmp"))
				vec_push(&c->targets, path);
		}
}

/* What a stage's /bin/sh is, by its agent, else by words in the name of its image;
 * earlier rows win.  With neither it is not known. */
static const struct {
	const char *agent, *word;
	enum shell_kind shell;
} shells[] = {
	{"debootstrap", NULL, SHELL_IS_DASH},
	{"busybox", NULL, SHELL_IS_ASH},
	{"yum", NULL, SHELL_IS_OTHER},
	{"dnf", NULL, SHELL_IS_OTHER},
	{"zypper", NULL, SHELL_IS_OTHER},
	{"arch", NULL, SHELL_IS_OTHER},
	{NULL, "alpine", SHELL_IS_ASH},
	{NULL, "busybox", SHELL_IS_ASH},
	{NULL, "debian", SHELL_IS_DASH},
	{NULL, "ubuntu", SHELL_IS_DASH},
	{NULL, "trixie", SHELL_IS_DASH},
	{NULL, "bookworm", SHELL_IS_DASH},
	{NULL, "bullseye", SHELL_IS_DASH},
	{NULL, "buster", SHELL_IS_DASH},
	{NULL, "noble", SHELL_IS_DASH},
	{NULL, "jammy", SHELL_IS_DASH},
	{NULL, "focal", SHELL_IS_DASH},
	{NULL, "bionic", SHELL_IS_DASH},
	{NULL, "xenial", SHELL_IS_DASH},
	{NULL, "rocky", SHELL_IS_OTHER},
	{NULL, "alma", SHELL_IS_OTHER},
	{NULL, "centos", SHELL_IS_OTHER},
	{NULL, "fedora", SHELL_IS_OTHER},
	{NULL, "rhel", SHELL_IS_OTHER},
	{NULL, "redhat", SHELL_IS_OTHER},
	{NULL, "ubi", SHELL_IS_OTHER},
	{NULL, "oracle", SHELL_IS_OTHER},
	{NULL, "suse", SHELL_IS_OTHER},
	{NULL, "archlinux", SHELL_IS_OTHER},
	{NULL, "amazonlinux", SHELL_IS_OTHER},
	{NULL, "manylinux", SHELL_IS_OTHER},
	/* Made from Debian or Ubuntu, though the name does not say so. */
	{NULL, "buildpack-deps", SHELL_IS_DASH},
	{NULL, "rocker/", SHELL_IS_DASH},
	{NULL, "continuumio/", SHELL_IS_DASH},
	{NULL, "condaforge/", SHELL_IS_DASH},
	{NULL, "mambaorg/", SHELL_IS_DASH},
	{NULL, "jupyter/", SHELL_IS_DASH},
	{NULL, "pytorch/pytorch", SHELL_IS_DASH},
};

/* Official images that are Debian's unless their tag says otherwise. */
static const char *const of_debian[] = {"python", "node",   "golang", "rust",
					"gcc",	  "ruby",   "perl",   "php",
					"julia",  "r-base", NULL};

static enum shell_kind sh_of(const struct def_stage *stage)
{
	const char *agent = def_header(stage, "bootstrap");
	const char *from = def_header(stage, "from");
	struct str name, tag;

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (shells[i].agent ? agent && strcmp(agent, shells[i].agent) == 0
				    : from && strcasestr(from, shells[i].word))
			return shells[i].shell;
	str_cut(str_of(from), ':', &name, &tag);
	if (agent && strcmp(agent, "docker") == 0 && words_contain(of_debian, name))
		return SHELL_IS_DASH;
	return SHELL_IS_OTHER;
}

static void lint_parts(struct check *c, const struct def_stage *stage,
		       const struct def_section *section, struct script_text *script,
		       struct script_texts *earlier)
{
	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct subject subject = {c, check_ends_at_stage(c, stage, p->text)};

		script->text = p->text;
		script->has_host_tmp |= earlier->items.len > PARTS_MAX;
		script->earlier = earlier->items.items;
		script->n_earlier = script->has_host_tmp ? 0 : earlier->items.len;
		script_lint(script, report, &subject);
		vec_push(&earlier->items, p->text);
	}
}

void check_shell(struct check *c, const struct def_stage *stage,
		 const struct def_section *section, enum check_where where,
		 enum shell_kind shell)
{
	const struct def_section *post = def_section(stage, DEF_POST);
	struct script_texts earlier = {0};
	struct script_text script = {
		.shell = shell,
		.has_host_tmp = where != CHECK_IN_POST,
	};

	if (shell == SHELL_IS_SH)
		script.shell = where == CHECK_ON_HOST ? SHELL_IS_OTHER : sh_of(stage);
	if (where == CHECK_IN_POST) {
		find_targets(c, stage);
		script.targets = c->targets.items;
		script.n_targets = c->targets.len;
		script.has_host_tmp = c->targets.len > TARGETS_MAX;
	}
	/* %appinstall continues where %post ends. */
	for (const struct def_part *p = post && post != section ? post->parts : NULL;
	     p && earlier.items.len <= PARTS_MAX; p = p->next)
		vec_push(&earlier.items, p->text);
	lint_parts(c, stage, section, &script, &earlier);
	vec_free(&earlier.items);
}
