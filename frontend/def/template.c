/* SPDX-License-Identifier: MIT
 * template.c - `{{ name }}` becomes its value.
 *
 * A placeholder in a comment stays as it is.  To Apptainer a comment is what follows a
 * `#` and one more character other than `!` on a line, also in the middle of a word.  A
 * value is looked up on the command line first, then in the stage's %arguments;
 * placeholders in the value itself are replaced as expand() says.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/def/parse_private.h"

struct replacer {
	const struct parser *p;
	struct build_args *given;
	struct map defaults; /* name to struct def_argument */
	struct map expanded; /* name to its value with the values in it */
	struct map secrets;  /* names that were warned about */
	struct text_builder *out;
	bool is_complete;  /* all had a value */
	bool is_too_large; /* no more are replaced */
};

/* An ordinary definition never grows beyond this. */
static size_t limit(const struct replacer *r)
{
	return 2 * r->p->text->text.len + KIB(128);
}

/* `use`: what the command line gives counts as used. */
static const char *value_of(struct replacer *r, const char *name, bool use)
{
	const char *given = build_args_find(r->given, name, use);
	struct def_argument *fallback = map_get(&r->defaults, name);

	/* A default that the command line overrides counts as used, and so does one
	 * within a value. */
	if (fallback)
		fallback->is_used = true;
	if (given)
		return given;
	return fallback ? fallback->value : NULL;
}

/* ---- what stays ---- */

/* How far the replacement has got in the text. */
struct template_cursor {
	size_t at;	 /* looked at so far */
	size_t kept;	 /* given out so far: the end of the last replacement */
	size_t line;	 /* the line: what is before a placeholder begins here */
	bool is_comment; /* from some place before `at` on, to the line's end */
};

/* Offset of the `#` that turns the rest of `line` into a comment; the line's length
 * without one. */
static size_t find_comment(struct str line)
{
	for (size_t i = 0; i + 1 < line.len; i++)
		if (line.data[i] == '#' && line.data[i + 1] != '!')
			return i;
	return line.len;
}

/* `before` is what comes before the placeholder on its line. */
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
			     "this is not replaced: a '#' comes before it on its line");
		diag_note(d, parse_span(r->p, str_slice(before, at, at + 1)),
			  "Apptainer takes this as the start of a comment");
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

static bool is_one_of(struct str word, const char *const *words)
{
	for (; *words; words++)
		if (str_equal_nocase(word, str_of(*words)))
			return true;
	return false;
}

/* Looks at whole words, which end at anything but a letter: MAX_TOKENS and a tokenizer
 * are not secrets. */
static bool looks_secret(const char *name)
{
	static const char *const secrets[] = {
		"password", "passwd",	   "passphrase", "secret",  "secrets", "token",
		"apikey",   "credentials", "privkey",	 "authkey", NULL,
	};
	static const char *const kinds[] = {"api",     "access", "private", "auth",
					    "signing", "ssh",	 NULL};
	struct str rest = str_of(name), word, before = STR("");

	while (rest.len > 0) {
		size_t n = 0;

		while (n < rest.len && isalpha((unsigned char)rest.data[n]))
			n++;
		word = str_slice(rest, 0, n);
		if (is_one_of(word, secrets) ||
		    (str_equal_nocase(word, STR("key")) && is_one_of(before, kinds)))
			return true;
		before = word;
		rest = str_slice(rest, n + 1, rest.len);
	}
	return false;
}

/* The name of a file that may hold a secret is not a secret. */
static bool is_path(struct str value)
{
	return str_starts_with(value, "/") || str_starts_with(value, "./") ||
	       str_starts_with(value, "../") || str_starts_with(value, "~");
}

static void check_secret(struct replacer *r, const char *name, struct str value,
			 struct str slice)
{
	struct diag *d;

	if (!looks_secret(name) || value.len == 0 || is_path(value) ||
	    map_get(&r->secrets, name))
		return;
	map_set(&r->secrets, arena_dup(r->p->arena, str_of(name)), r);
	d = diag_add(
		r->p->diags, DIAG_SECRET_ARGUMENT, parse_span(r->p, slice),
		"the value of '%s' is stored in the image, where everybody can read it",
		name);
	diag_hint(d, "read it from a file in %%setup, or fetch what needs it before the "
		     "build");
}

/* ---- replacing ---- */

static void too_large(struct replacer *r, struct str where)
{
	diag_hint(diag_add(r->p->diags, DIAG_TOO_LARGE, parse_span(r->p, where),
			   "with this value the definition grows to more than %zu bytes",
			   limit(r)),
		  "copy large contents with %%files");
	r->is_complete = false;
	r->is_too_large = true;
}

/* Each `what` in `text` becomes `by`. */
static void replace_text(struct buf *text, struct str what, const char *by)
{
	struct buf out = {.max = text->max};
	struct str rest = str_make(buf_text(text), text->len);
	const char *at;

	while (rest.len > 0 &&
	       (at = memmem(rest.data, rest.len, what.data, what.len)) != NULL) {
		size_t before = (size_t)(at - rest.data);

		buf_append(&out, rest.data, before);
		buf_puts(&out, by);
		rest = str_slice(rest, before + what.len, rest.len);
	}
	buf_append(&out, rest.data, rest.len);
	buf_release(text);
	*text = out;
}

/* The value with its placeholders replaced.  Apptainer looks for placeholders in the
 * original value, and replaces one after the other in the current one: so a placeholder
 * that a value brings along is replaced only if the same one comes later, too.  NULL: it
 * would be too much work. */
static const char *expand(struct replacer *r, const char *value)
{
	CLEANUP(buf_release) struct buf text = {.max = limit(r)};
	struct str rest = str_of(value);
	struct scan_placeholder found;
	size_t work = 0;

	if (!scan_placeholder(rest, &found))
		return value;
	buf_puts(&text, value);
	while (scan_placeholder(rest, &found)) {
		CLEANUP(freep) char *name = str_dup(found.name);
		const char *inner = value_of(r, name, false);

		rest = str_slice(rest,
				 (size_t)(found.all.data - rest.data) + found.all.len,
				 rest.len);
		if (!inner)
			continue;
		work += text.len + 1;
		replace_text(&text, found.all, inner);
		if (work > 64 * limit(r) || text.overflowed)
			return NULL;
	}
	return arena_dup(r->p->arena, str_make(buf_text(&text), text.len));
}

/* Each name is expanded once: there may be many placeholders for it. */
static const char *expanded(struct replacer *r, const char *name, const char *value)
{
	const char *text = map_get(&r->expanded, name);

	if (text)
		return text;
	text = expand(r, value);
	if (text)
		map_set(&r->expanded, arena_dup(r->p->arena, str_of(name)), (void *)text);
	return text;
}

static void replace(struct replacer *r, const struct scan_placeholder *found,
		    const char *name, const char *value)
{
	const char *text = expanded(r, name, value);

	if (!text || r->out->text.len + strlen(text) > limit(r)) {
		too_large(r, found->all);
		return;
	}
	check_secret(r, name, str_of(text), found->name);
	text_builder_replace(r->out, found->all, str_of(text));
}

/* Move on to `to`: a line end on the way ends a comment. */
static void advance(struct template_cursor *c, struct str text, size_t to)
{
	const char *newline =
		to > c->at ? memrchr(text.data + c->at, '\n', to - c->at) : NULL;

	c->at = to;
	if (newline) {
		c->line = (size_t)(newline - text.data) + 1;
		c->is_comment = false;
	}
}

/* Each placeholder costs the text since the one before, so that time stays linear. */
static void replace_all(struct replacer *r, struct str text,
			const struct def_argument *defaults)
{
	struct template_cursor c = {0};
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
		if (c.is_comment) {
			advance(&c, text, here + found.all.len);
			continue;
		}
		c.line = c.at = here + found.all.len;
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
	map_release(&r.expanded);
	map_release(&r.secrets);
	return r.is_complete;
}
