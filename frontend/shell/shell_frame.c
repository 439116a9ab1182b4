/* SPDX-License-Identifier: MIT
 * shell_frame.c - the text, the stack of frames, and tokens.
 */
#include "frontend/shell/shell_scan_private.h"

#include <string.h>

/* ---- the text ---- */

char scan_peek(const struct shell_scan *s, size_t ahead)
{
	return (char)(s->at + ahead < s->text.len ? s->text.data[s->at + ahead] : 0);
}

struct str scan_from(const struct shell_scan *s, size_t start)
{
	return str_slice(s->text, start, s->at);
}

void scan_advance(struct shell_scan *s, size_t n)
{
	s->at = s->text.len - s->at > n ? s->at + n : s->text.len;
}

bool char_is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool char_is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

size_t scan_newline(const struct shell_scan *s, size_t ahead)
{
	if (scan_peek(s, ahead) == '\n')
		return 1;
	return scan_peek(s, ahead) == '\r' && scan_peek(s, ahead + 1) == '\n' ? 2 : 0;
}

bool scan_is_meta(const struct shell_scan *s, size_t ahead)
{
	return char_is_one_of(scan_peek(s, ahead), " \t;&|<>()") ||
	       scan_newline(s, ahead) > 0;
}

size_t shell_name_len(struct str s)
{
	size_t n = 0;

	if (s.len == 0 || !char_is_name_start(s.data[0]))
		return 0;
	while (n < s.len && (char_is_name_start(s.data[n]) || char_is_digit(s.data[n])))
		n++;
	return n;
}

bool shell_is_assignment(struct str word, size_t *name_len)
{
	size_t n = shell_name_len(word);
	struct str rest = str_slice(word, n, word.len);

	*name_len = n;
	if (n > 0 && str_starts_with(rest, "["))
		rest = str_slice(rest, str_find(rest, ']') + 1, rest.len);
	return n > 0 && (str_starts_with(rest, "=") || str_starts_with(rest, "+="));
}

/* ---- frames and tokens ---- */

struct shell_frame *scan_top(struct shell_scan *s)
{
	return &s->frames[s->depth];
}

bool frame_has_words(const struct shell_frame *f)
{
	return f->kind < KIND_QUOTES;
}

void scan_give_up(struct shell_scan *s)
{
	s->has_given_up = true;
	s->at = s->text.len;
	s->depth = 0;
	s->frames[0].in_word = false;
	s->n_pending = 0;
	s->are_bodies_due = false;
}

struct shell_token *scan_emit(struct shell_scan *s, enum shell_token_kind kind,
			      struct str text)
{
	s->token = (struct shell_token){.kind = kind, .text = text, .level = s->depth};
	s->has_token = true;
	return &s->token;
}

void frame_init(struct shell_scan *s, enum shell_frame_kind kind, size_t start)
{
	struct shell_frame *f = scan_top(s);
	const struct shell_frame *below = s->depth > 0 ? f - 1 : NULL;
	bool is_new_scope = kind <= KIND_PROCESS && kind != KIND_PARENTHESES;

	*f = (struct shell_frame){.kind = (unsigned char)kind, .start = start};
	f->scope = is_new_scope || !below ? (unsigned char)s->depth : below->scope;
	f->in_backquotes = kind == KIND_BACKQUOTES || (below && below->in_backquotes);
	f->in_quotes =
		kind == KIND_QUOTES || (!frame_has_words(f) && below && below->in_quotes);
}

bool scan_push(struct shell_scan *s, enum shell_frame_kind kind, size_t start)
{
	if (s->depth + 1 == SHELL_MAX_DEPTH) {
		scan_give_up(s);
		return false;
	}
	s->depth++;
	frame_init(s, kind, start);
	return true;
}

void scan_push_list(struct shell_scan *s, enum shell_frame_kind kind, size_t start)
{
	if (scan_push(s, kind, start))
		scan_emit(s, SHELL_OPEN, scan_from(s, start));
}

/* Here-documents that were opened inside are still read after the line. */
void scan_pop(struct shell_scan *s)
{
	unsigned scope = s->frames[s->depth - 1].scope;

	for (unsigned i = 0; i < s->n_pending; i++)
		if (s->pending[i].scope == s->depth)
			s->pending[i].scope = scope;
	s->depth--;
}
