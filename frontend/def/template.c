/* SPDX-License-Identifier: MIT
 * template.c - `{{ name }}` becomes its value.
 *
 * A placeholder with a comment before it on its line stays as it is; Apptainer takes for
 * a comment what follows a `#` and one more character that is no `!`, also in the midst of
 * a word.  A value is looked up on the command line first, then in the stage's
 * %arguments; placeholders in a value are replaced by values as they are, once.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/def/parse_private.h"

struct replacer {
	const struct parser *p;
	struct build_args *given;
	struct map defaults; /* name to struct def_argument */
	struct map secrets;  /* names that were warned about */
	struct text_builder *out;
	bool is_complete;  /* all had a value */
	bool is_too_large; /* and no more are replaced */
};

/* More than this an ordinary definition never grows. */
static size_t limit(const struct replacer *r)
{
	return 2 * r->p->text->text.len + KIB(512);
}

/* `use`: what the command line gives counts as used. */
static const char *value_of(struct replacer *r, const char *name, bool use)
{
	const char *given = build_args_find(r->given, name, use);
	struct def_argument *fallback = map_get(&r->defaults, name);

	/* A default that the command line overrides is used as well, and so is one within a
	 * value. */
	if (fallback)
		fallback->is_used = true;
	if (given)
		return given;
	return fallback ? fallback->value : NULL;
}

/* ---- what stays ---- */

/* Where replacing stands in the text. */
struct cursor {
	size_t at;	 /* looked at so far */
	size_t kept;	 /* given out so far: the end of the last replacement */
	size_t line;	 /* what stands before a placeholder begins here */
	bool is_comment; /* from some place before `at` on, to the line's end */
};

/* The `#` that makes a comment of what follows it in `line`; its length without one. */
static size_t find_comment(struct str line)
{
	for (size_t i = 0; i + 1 < line.len; i++)
		if (line.data[i] == '#' && line.data[i + 1] != '!')
			return i;
	return line.len;
}

/* `before` is what stands before the placeholder, on its line. */
static bool begins_comment(struct replacer *r, struct str before,
			   const struct scan_placeholder *found)
{
	size_t at = find_comment(before);
	struct diag *d;

	if (at == before.len)
		return false;
	if (at > 0 && !char_is_blank(before.data[at - 1])) {
		d = diag_add(r->p->diags, DIAG_UNREPLACED_PLACEHOLDER,
			     parse_span(r->p, found->all),
			     "this is not replaced: a '#' stands before it on its line");
		diag_note(d, parse_span(r->p, str_slice(before, at, at + 1)),
			  "Apptainer takes this for the start of a comment");
		diag_hint(d, "write it on a line of its own");
	}
	return true;
}

static void undefined(struct replacer *r, const struct scan_placeholder *found,
		      const struct def_argument *defaults)
{
	struct diag *d = diag_add(
		r->p->diags, DIAG_UNDEFINED_ARGUMENT, parse_span(r->p, found->name),
		"the template argument '%.*s' has no value", STR_ARG(found->name));
	bool is_crowded = diag_is_crowded(r->p->diags);
	const char *near = is_crowded ? NULL : build_args_nearest(r->given, found->name);

	for (; defaults && !near && !is_crowded; defaults = defaults->next)
		if (str_distance(found->name, str_of(defaults->name), 2) <= 2 &&
		    found->name.len > 2)
			near = defaults->name;
	if (near)
		diag_hint(d, "did you mean '%s'?", near);
	else
		diag_hint(d, "give '--build-arg %.*s=VALUE', or a default in %%arguments",
			  STR_ARG(found->name));
	r->is_complete = false;
}

/* ---- secrets ---- */

static bool looks_secret(const char *name)
{
	static const char *const words[] = {
		"password", "passwd",	  "passphrase",	 "secret",     "token",
		"apikey",   "api_key",	  "accesskey",	 "access_key", "credential",
		"privkey",  "privatekey", "private_key", "authkey",    "auth_key",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *at = strcasestr(name, words[i]);
		char next;

		if (!at)
			continue;
		/* A tokenizer is none. */
		next = char_lower(at[strlen(words[i])]);
		if (next < 'a' || next > 'z' || next == 's')
			return true;
	}
	return false;
}

static void check_secret(struct replacer *r, const char *name, struct str slice)
{
	struct diag *d;

	if (!looks_secret(name) || map_get(&r->secrets, name))
		return;
	map_set(&r->secrets, arena_dup(r->p->arena, str_of(name)), r);
	d = diag_add(
		r->p->diags, DIAG_SECRET_ARGUMENT, parse_span(r->p, slice),
		"the value of '%s' will stand in the image, where everybody can read "
		"it",
		name);
	diag_hint(d, "read it from a file in %%setup, or fetch what needs it before");
}

/* ---- replacing ---- */

/* The value with the placeholders in it replaced, once. */
static void expand(struct replacer *r, const char *value, struct buf *out)
{
	struct str rest = str_of(value);
	struct scan_placeholder found;

	while (scan_placeholder(rest, &found)) {
		CLEANUP(freep) char *name = str_dup(found.name);
		const char *inner = value_of(r, name, false);
		size_t before = (size_t)(found.all.data - rest.data);

		buf_append(out, rest.data, before);
		if (inner)
			buf_puts(out, inner);
		else
			buf_append(out, found.all.data, found.all.len);
		rest = str_slice(rest, before + found.all.len, rest.len);
	}
	buf_append(out, rest.data, rest.len);
}

static void replace(struct replacer *r, const struct scan_placeholder *found,
		    const char *name, const char *value)
{
	CLEANUP(buf_release) struct buf expanded = BUF_INIT;

	expanded.max = limit(r);
	expand(r, value, &expanded);
	if (r->out->text.len + expanded.len > limit(r)) {
		diag_add(r->p->diags, DIAG_TOO_LARGE, parse_span(r->p, found->all),
			 "with this value the definition grows to more than %zu bytes",
			 limit(r));
		r->is_complete = false;
		r->is_too_large = true;
		return;
	}
	check_secret(r, name, found->name);
	text_builder_replace(r->out, found->all,
			     str_make(buf_text(&expanded), expanded.len));
}

/* Move on to the placeholder at `here`. */
static void advance(struct cursor *c, struct str text, size_t here)
{
	const char *newline =
		here > c->at ? memrchr(text.data + c->at, '\n', here - c->at) : NULL;

	if (newline) {
		c->line = (size_t)(newline - text.data) + 1;
		c->is_comment = false;
	}
}

/* Each placeholder costs the text since the one before, so that time stays linear. */
static void replace_all(struct replacer *r, struct str text,
			const struct def_argument *defaults)
{
	struct cursor c = {0};
	struct scan_placeholder found;

	while (!r->is_too_large &&
	       scan_placeholder(str_slice(text, c.at, text.len), &found)) {
		CLEANUP(freep) char *name = str_dup(found.name);
		size_t here = (size_t)(found.all.data - text.data);
		const char *value;

		advance(&c, text, here);
		value = c.is_comment ? NULL : value_of(r, name, false);
		c.is_comment = c.is_comment ||
			       begins_comment(r, str_slice(text, c.line, here), &found);
		c.at = here + found.all.len;
		if (c.is_comment)
			continue;
		c.line = c.at;
		if (!value) {
			undefined(r, &found, defaults);
			continue;
		}
		text_builder_keep(r->out, str_slice(text, c.kept, here));
		replace(r, &found, name, value_of(r, name, true));
		c.kept = c.at;
	}
	text_builder_keep(r->out, str_slice(text, c.kept, text.len));
}

bool template_replace(const struct parser *p, struct str text, struct build_args *given,
		      struct def_argument *defaults, struct text_builder *out)
{
	struct replacer r = {.p = p, .given = given, .out = out, .is_complete = true};

	for (struct def_argument *d = defaults; d; d = d->next)
		map_set(&r.defaults, d->name, d);
	replace_all(&r, text, defaults);
	map_release(&r.defaults);
	map_release(&r.secrets);
	return r.is_complete;
}
