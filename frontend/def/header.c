/* SPDX-License-Identifier: MIT
 * header.c - the `key: value` lines at the top of a stage.
 *
 * A line is trimmed, cut at the first `#`, and split at the first `:`.  A value that ends
 * in a backslash continues on the next line, with nothing in between; a literal `\n`
 * before the backslash is a line end.
 */
#include <string.h>

#include "frontend/def/parse_private.h"
#include "frontend/def/words.h"

static struct str without_comment(struct str line)
{
	return scan_trim(str_slice(line, 0, str_find(line, '#')));
}

static void unknown_key(const struct parser *p, struct str key, const char *lower)
{
	const char *near = words_nearest(words_header_keys, str_of(lower));
	struct diag *d;

	if (p->is_said)
		return;
	d = diag_add(p->diags, DIAG_UNKNOWN_HEADER, parse_span(p, key),
		     "unknown header '%.*s'", STR_ARG(key));
	if (near)
		diag_hint(d, "did you mean '%s'?", near);
	else
		diag_hint(d, "remove it, or make it a comment with '#'");
}

/* The key in lower case: the table's own text, or one in the arena; NULL if unknown. */
static const char *known_key(const struct parser *p, struct str key)
{
	CLEANUP(freep) char *lower = str_dup_lower(key);
	const char *known;

	known = words_find(words_header_keys, str_of(lower));
	if (known)
		return known;
	if (words_is_otherurl(str_of(lower)))
		return arena_dup(p->arena, str_of(lower));
	unknown_key(p, key, lower);
	return NULL;
}

static void check_repeated(struct stage_builder *b, const struct def_header *header)
{
	const struct def_header *first = map_get(&b->keys, header->key);
	struct diag *d;

	if (!first) {
		map_set(&b->keys, header->key, (void *)header);
		return;
	}
	d = diag_add(b->parser->diags, DIAG_DUPLICATE_HEADER, header->key_span,
		     "the header '%s' is given twice: this one is used", header->key);
	diag_note(d, first->key_span, "the first one is here");
}

/* ---- continuation ---- */

static void check_swallowed(const struct parser *p, struct str line)
{
	struct str key, value;
	CLEANUP(freep) char *lower = NULL;
	struct diag *d;

	if (p->is_draft || !str_cut(line, ':', &key, &value))
		return;
	key = scan_trim(key);
	lower = str_dup_lower(key);
	if (!words_find(words_header_keys, str_of(lower)))
		return;
	d = diag_add(p->diags, DIAG_SWALLOWED_HEADER, parse_span(p, line),
		     "this is not the header '%.*s': the backslash above makes it part "
		     "of a value",
		     STR_ARG(key));
	diag_hint(d, "remove the backslash at the end of the line above");
}

static void no_continuation(const struct parser *p, struct str key, const char *text)
{
	if (!p->is_draft)
		diag_hint(diag_add(p->diags, DIAG_HEADER_CONTINUATION, parse_span(p, key),
				   "%s", text),
			  "remove the backslash at its end");
}

/* Take the continuation lines off `*rest` and append them to `value`; false without
 * one. */
static bool take_continuation(const struct parser *p, struct str key, struct str *rest,
			      struct buf *value)
{
	while (value->len > 0 && value->data[value->len - 1] == '\\') {
		struct str line, more, before = *rest;

		buf_truncate(value, value->len - 1);
		if (value->len >= 2 && strcmp(value->data + value->len - 2, "\\n") == 0) {
			buf_truncate(value, value->len - 2);
			buf_putc(value, '\n');
		}
		if (!scan_line(rest, &line) || (more = without_comment(line)).len == 0) {
			*rest = before;
			no_continuation(p, key,
					"the value continues on the next line, but there "
					"is none");
			return false;
		}
		check_swallowed(p, more);
		buf_append(value, more.data, more.len);
	}
	return true;
}

/* The value of `key`; NULL when its continuation is missing. */
static const char *take_value(const struct parser *p, struct str key, struct str first,
			      struct str *rest)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT;
	struct str next, after;

	if (str_is(first, "\\")) {
		no_continuation(p, key,
				"Apptainer ignores a backslash without text before it");
		/* The line that was meant to continue it. */
		if (!str_cut(*rest, '\n', &next, &after) ||
		    str_find(next, ':') == next.len)
			*rest = after;
		return NULL;
	}
	if (first.len == 0)
		return "";
	if (!str_ends_with(first, "\\"))
		return arena_dup(p->arena, first);
	buf_append(&value, first.data, first.len);
	if (!take_continuation(p, key, rest, &value))
		return NULL;
	return arena_dup(p->arena, str_make(buf_text(&value), value.len));
}

/* ---- a pair ---- */

static void parse_pair(struct stage_builder *b, struct str line, struct str *rest)
{
	const struct parser *p = b->parser;
	struct str text = without_comment(line), key, first;
	struct def_header *header;
	const char *known, *value;

	if (!str_cut(text, ':', &key, &first)) {
		b->stage->has_bad_header = true;
		if (!p->is_said)
			diag_hint(diag_add(p->diags, DIAG_MALFORMED_HEADER,
					   parse_span(p, text),
					   "a header line needs a colon"),
				  "write 'Key: value'");
		return;
	}
	key = scan_trim(key);
	first = scan_trim(first);
	known = known_key(p, key);
	value = take_value(p, key, first, rest);
	if (!known || !value) {
		b->stage->has_bad_header = true;
		return;
	}
	if (p->is_draft)
		return;
	header = arena_alloc(p->arena, sizeof(*header));
	header->key = known;
	header->value = value;
	header->key_span = parse_span(p, key);
	header->value_span = first.len > 0 ? parse_span(p, first) : header->key_span;
	check_repeated(b, header);
	*b->next_header = header;
	b->next_header = &header->next;
}

void parse_header(struct stage_builder *b, struct str text)
{
	struct str line;

	while (def_entry(&text, &line))
		parse_pair(b, line, &text);
}
