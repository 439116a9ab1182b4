/* SPDX-License-Identifier: MIT
 * check_shell.c - shell scripts: what shell_lint.h finds in them, as diagnostics.
 */
#include <string.h>

#include "base/vec.h"
#include "frontend/check/check_private.h"
#include "frontend/check/shell_lint.h"
#include "frontend/def/words.h"

struct texts {
	VEC(struct str) items;
};

/* A script that is looked at. */
struct subject {
	struct check *check;
	bool ends_at_stage; /* the next stage begins right behind it */
};

static void report(void *context, const struct shell_finding *f)
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
		diag_hint(d, "a line 'Bootstrap:' in column 1 begins a stage, also here");
	else if (f->hint)
		diag_hint(d, "%s", f->hint);
}

/* Destinations of %files below /tmp: what a script may read there. */
static void find_targets(const struct def_stage *stage, struct texts *out)
{
	for (const struct def_files *f = stage->files; f; f = f->next)
		for (const struct def_copy *copy = f->copies; copy; copy = copy->next) {
			struct str path =
				str_of(copy->target[0] ? copy->target : copy->source);

			if (str_starts_with(path, "/tmp") ||
			    str_starts_with(path, "/var/tmp"))
				vec_push(&out->items, path);
		}
}

/* Images whose /bin/sh is bash, by words in their names. */
static bool sh_is_bash(const struct def_stage *stage)
{
	static const char *const agents[] = {"yum", "dnf", "zypper", "arch", NULL};
	static const char *const names[] = {
		"rocky", "alma",   "centos", "fedora",	  "rhel",	 "redhat",
		"ubi",	 "oracle", "suse",   "archlinux", "amazonlinux", "manylinux",
	};
	const char *agent = def_header(stage, "bootstrap");
	const char *from = def_header(stage, "from");

	if (agent && words_contain(agents, str_of(agent)))
		return true;
	for (size_t i = 0; from && i < ARRAY_LEN(names); i++)
		if (strcasestr(from, names[i]))
			return true;
	return false;
}

static void lint_parts(struct check *c, const struct def_stage *stage,
		       const struct def_section *section, struct shell_script *script,
		       struct texts *earlier)
{
	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct subject subject = {c, check_ends_at_stage(c, stage, p->text)};

		script->text = p->text;
		script->earlier = earlier->items.items;
		script->n_earlier = earlier->items.len;
		shell_lint(script, report, &subject);
		vec_push(&earlier->items, p->text);
	}
}

void check_shell(struct check *c, const struct def_stage *stage,
		 const struct def_section *section, enum check_where where, bool is_posix)
{
	const struct def_section *post = def_section(stage, DEF_POST);
	struct texts targets = {0}, earlier = {0};
	struct shell_script script = {
		.is_posix = is_posix && (where == CHECK_ON_HOST || !sh_is_bash(stage)),
		.has_host_tmp = where != CHECK_IN_POST,
	};

	if (where == CHECK_IN_POST)
		find_targets(stage, &targets);
	script.targets = targets.items.items;
	script.n_targets = targets.items.len;
	/* %appinstall goes on where %post ends. */
	for (const struct def_part *p = post && post != section ? post->parts : NULL; p;
	     p = p->next)
		vec_push(&earlier.items, p->text);
	lint_parts(c, stage, section, &script, &earlier);
	vec_free(&targets.items);
	vec_free(&earlier.items);
}
