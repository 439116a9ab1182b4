/* SPDX-License-Identifier: MIT
 * shell_here.c - here-documents.
 */
#include "frontend/shell/shell_scan_private.h"

#include <string.h>

/* The word after "<<": quoted as a whole, or not at all.  False for any other. */
static bool scan_delimiter(struct shell_scan *s, struct str *delimiter)
{
	char quote = scan_peek(s, 0);
	size_t start;

	if (quote == '\'' || quote == '"') {
		scan_advance(s, 1);
		start = s->at;
		while (s->at < s->text.len && scan_peek(s, 0) != quote &&
		       scan_newline(s, 0) == 0)
			scan_advance(s, 1);
		*delimiter = scan_from(s, start);
		if (scan_peek(s, 0) != quote)
			return false;
		scan_advance(s, 1);
	} else {
		scan_advance(s, quote == '\\');
		start = s->at;
		while (s->at < s->text.len && !scan_is_meta(s, 0) &&
		       !char_is_one_of(scan_peek(s, 0), "'\"\\`"))
			scan_advance(s, 1);
		*delimiter = scan_from(s, start);
		if (s->at == start)
			return false;
	}
	return s->at == s->text.len || scan_is_meta(s, 0) ||
	       (scan_peek(s, 0) == '`' && scan_top(s)->kind == KIND_BACKQUOTES);
}

void here_document_open(struct shell_scan *s, struct str opener)
{
	struct shell_pending pending = {.strips_tabs = str_is(opener, "<<-"),
					.scope = scan_top(s)->scope};
	size_t start = s->at;

	scan_advance(s, opener.len);
	while (char_is_one_of(scan_peek(s, 0), " \t"))
		scan_advance(s, 1);
	if (s->n_pending == SHELL_MAX_PENDING || !scan_delimiter(s, &pending.delimiter)) {
		scan_give_up(s);
		return;
	}
	pending.opener = scan_from(s, start);
	s->pending[s->n_pending++] = pending;
}

static struct str next_line(struct shell_scan *s)
{
	struct str rest = str_slice(s->text, s->at, s->text.len);
	struct str line = str_slice(rest, 0, str_find(rest, '\n'));

	scan_advance(s, line.len + 1);
	return str_ends_with(line, "\r") ? str_slice(line, 0, line.len - 1) : line;
}

void here_document_read(struct shell_scan *s, unsigned index)
{
	struct shell_pending p = s->pending[index];
	struct shell_token *token = scan_emit(s, SHELL_HERE_DOCUMENT, p.opener);
	size_t start = s->at, end = s->at;

	memmove(&s->pending[index], &s->pending[index + 1],
		(--s->n_pending - index) * sizeof(p));
	token->delimiter = p.delimiter;
	while (s->at < s->text.len && !token->is_closed) {
		struct str line = next_line(s), text = line;

		while (p.strips_tabs && str_starts_with(text, "\t"))
			text = str_slice(text, 1, text.len);
		token->is_closed = str_equal(text, p.delimiter);
		if (!token->is_closed)
			end = s->at;
		if (token->near.len == 0 && str_equal(str_trim(line), p.delimiter))
			token->near = line;
	}
	token->body = str_slice(s->text, start, end);
	s->is_cut = s->is_cut || !token->is_closed;
}

void here_document_read_due(struct shell_scan *s)
{
	for (unsigned i = 0; i < s->n_pending; i++)
		if (s->pending[i].scope == scan_top(s)->scope) {
			here_document_read(s, i);
			return;
		}
	s->are_bodies_due = false;
}
