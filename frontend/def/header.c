/* SPDX-License-Identifier: MIT
 * header.c - the `key: value` lines at the top of a stage.
 *
 * A line is trimmed, cut at the first `#`, split at the first `:`.  A value that ends in
 * a backslash goes on in the next line, with nothing in between; a literal `\n` before
 * the backslash is a line end.
 */
#include <string.h>

#include "frontend/def/parse_private.h"
#include "frontend/def/words.h"

struct headers {
	VEC(struct def_header) items;
};

static struct str without_comment(struct str line)
{
	return str_trim(str_slice(line, 0, str_find(line, '#')));
}

static void check_key(const struct parser *p, struct headers *h, const char *key,
		      struct span span)
{
	struct diag *d;
	const char *near;

	if (!words_contain(words_header_keys, str_of(key)) &&
	    !words_is_otherurl(str_of(key))) {
		d = diag_add(p->diags, DIAG_ERROR, "unknown-header", span,
			     "unknown header '%s'", key);
		near = words_nearest(words_header_keys, str_of(key));
		if (near)
			diag_hint(p->diags, d, "did you mean '%s'?", near);
		return;
	}
	for (size_t i = 0; i < h->items.len; i++) {
		if (strcmp(h->items.items[i].key, key) != 0)
			continue;
		d = diag_add(p->diags, DIAG_WARNING, "duplicate-header", span,
			     "header '%s' is given twice: this one counts", key);
		diag_note(p->diags, d, h->items.items[i].key_span, "the first one");
		return;
	}
}

/* Append the continuation lines to `value`; returns where the header goes on. */
static size_t take_continuation(const struct parser *p, size_t at, size_t end,
				struct buf *value, struct span key)
{
	struct line line;

	while (value->len > 0 && value->data[value->len - 1] == '\\') {
		struct str more;

		buf_truncate(value, value->len - 1);
		if (value->len >= 2 && strcmp(value->data + value->len - 2, "\\n") == 0) {
			buf_truncate(value, value->len - 2);
			buf_putc(value, '\n');
		}
		if (!parse_line_at(p, at, end, &line) ||
		    (more = without_comment(line.text)).len == 0) {
			struct diag *d = diag_add(
				p->diags, DIAG_ERROR, "header-continuation", key,
				"the value goes on in the next line, but there is none");

			diag_hint(p->diags, d, "remove the backslash at its end");
			return at;
		}
		buf_append(value, more.data, more.len);
		at = line.next;
	}
	return at;
}

static size_t parse_pair(const struct parser *p, struct line line, size_t end,
			 struct headers *h)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT;
	struct str text = without_comment(line.text), key, rest;
	struct def_header header;
	size_t next = line.next;

	if (!str_cut(text, ':', &key, &rest)) {
		struct diag *d =
			diag_add(p->diags, DIAG_ERROR, "malformed-header",
				 parse_span(p, text), "a header line needs a colon");

		diag_hint(p->diags, d, "write 'Key: value'");
		return next;
	}
	key = str_trim_right(key);
	rest = str_trim(rest);
	header.key_span = parse_span(p, key);
	header.value_span = rest.len > 0 ? parse_span(p, rest) : header.key_span;
	header.key = arena_dup(p->arena, key);
	for (char *c = (char *)header.key; *c; c++)
		*c = char_lower(*c);
	buf_append(&value, rest.data, rest.len);
	/* `Key: \` alone: Apptainer forgets the backslash, and so the value is empty. */
	if (str_is(rest, "\\"))
		buf_clear(&value);
	next = take_continuation(p, next, end, &value, header.key_span);
	header.value = arena_dup(p->arena, str_make(buf_text(&value), value.len));
	check_key(p, h, header.key, header.key_span);
	vec_push(&h->items, header);
	return next;
}

void parse_header(const struct parser *p, size_t start, size_t end,
		  struct def_stage *stage)
{
	struct headers h = {0};
	struct line line;

	while (parse_line_at(p, start, end, &line)) {
		struct str text = str_trim(line.text);

		if (text.len == 0 || text.data[0] == '#')
			start = line.next;
		else
			start = parse_pair(p, line, end, &h);
	}
	stage->headers = arena_array(p->arena, h.items.len, sizeof(*stage->headers));
	if (h.items.len > 0)
		memcpy(stage->headers, h.items.items,
		       h.items.len * sizeof(*stage->headers));
	stage->n_headers = h.items.len;
	vec_free(&h.items);
}
