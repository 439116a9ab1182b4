/* SPDX-License-Identifier: MIT
 * visible.c - see visible.h.
 */
#include "base/visible.h"

#include "base/utf8.h"

/* ---- values, and texts with values in them ---- */

static void put(struct buf *out, struct str text, const char *kept_blanks)
{
	struct str c;

	while (utf8_next(&text, &c)) {
		if (c.len == 1 && char_is_blank(c.data[0])) {
			bool is_kept = str_find(str_of(kept_blanks), c.data[0]) <
				       str_of(kept_blanks).len;

			buf_putc(out, (char)(is_kept ? c.data[0] : ' '));
		} else if (utf8_columns(c) < 0) {
			buf_putc(out, '?');
		} else {
			buf_append(out, c.data, c.len);
		}
	}
}

void visible_line(struct buf *out, struct str text)
{
	put(out, text, "");
}

void visible_lines(struct buf *out, struct str text)
{
	put(out, text, "\t\n");
}

/* ---- output of programs ---- */

/* Controls by the byte after ESC; U+0080 to U+009F stand for the same: ECMA-48, 5.3. */
enum {
	CSI = '[',
	DCS = 'P',
	SOS = 'X',
	OSC = ']',
	PM = '^',
	APC = '_',
	ST = '\\',
	TITLE = 'k', /* of screen and tmux, ended like the strings */
};

/* Does `s` begin with a control of the upper half?  `*code` is its byte after ESC. */
static bool is_c1(struct str s, char *code)
{
	if (s.len < 2 || s.data[0] != '\xc2' || (unsigned char)s.data[1] > 0x9f)
		return false;
	*code = (char)((unsigned char)s.data[1] - 0x40);
	return true;
}

static struct str rest_of(struct str s, size_t from)
{
	return str_slice(s, from, s.len);
}

/* `s` without the bytes from `low` to `high` at its front. */
static struct str skip_range(struct str s, char low, char high)
{
	size_t n = 0;

	while (n < s.len && s.data[n] >= low && s.data[n] <= high)
		n++;
	return rest_of(s, n);
}

/* What comes after a control string: it ends with ST, BEL, CAN or SUB, or never. */
static struct str after_string(struct str s)
{
	char code;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '\a' || c == '\030' || c == '\032')
			return rest_of(s, i + 1);
		if (c == '\033' && i + 1 < s.len && s.data[i + 1] == ST)
			return rest_of(s, i + 2);
		if (is_c1(rest_of(s, i), &code) && code == ST)
			return rest_of(s, i + 2);
	}
	return rest_of(s, s.len);
}

/* What comes after the control that `code` names, whose own bytes are already gone. */
static struct str after_control(struct str s, char code)
{
	switch (code) {
	case CSI:
		/* Parameters, intermediate bytes, and one that ends it: if that one is
		 * missing, the rest is text again. */
		s = skip_range(skip_range(s, '0', '?'), ' ', '/');
		return s.len > 0 && s.data[0] >= '@' && s.data[0] <= '~' ? rest_of(s, 1)
									 : s;
	case DCS:
	case SOS:
	case OSC:
	case PM:
	case APC:
	case TITLE:
		return after_string(s);
	default:
		return s;
	}
}

/* What comes after the escape sequence at the front of `s`. */
static struct str after_escape(struct str s)
{
	struct str rest = rest_of(s, 1), after;

	if (rest.len == 0)
		return rest;
	/* Intermediate bytes and a final one: a choice of characters, say. */
	after = skip_range(rest, ' ', '/');
	if (after.len < rest.len)
		return after.len > 0 && after.data[0] >= '0' && after.data[0] <= '~'
			       ? rest_of(after, 1)
			       : after;
	if (rest.data[0] < '0' || rest.data[0] > '~')
		return rest;
	return after_control(rest_of(rest, 1), rest.data[0]);
}

/* Does `*s` begin with something that a terminal does not show?  Then take it off. */
static bool skip_control(struct str *s)
{
	unsigned char c = (unsigned char)s->data[0];
	char code;

	if (c == '\033')
		*s = after_escape(*s);
	else if (is_c1(*s, &code))
		*s = after_control(rest_of(*s, 2), code);
	else if ((c < 0x20 && c != '\t') || c == 0x7f)
		*s = rest_of(*s, 1);
	else
		return false;
	return true;
}

void visible_output(struct buf *out, struct str line)
{
	size_t start = out->len;
	struct str c;

	while (str_ends_with(line, "\r"))
		line.len--;
	while (line.len > 0) {
		if (line.data[0] == '\r')
			buf_truncate(out, start);
		if (skip_control(&line))
			continue;
		(void)utf8_next(&line, &c);
		visible_lines(out, c);
	}
}

/* ---- JSON ---- */

void visible_json(struct buf *out, struct str json)
{
	struct str c;

	while (utf8_next(&json, &c)) {
		if (utf8_length(c) == 0)
			buf_puts(out, UTF8_REPLACEMENT);
		else if (utf8_steers(c) && !char_is_blank(c.data[0]))
			buf_printf(out, "\\u%04x", utf8_code(c));
		else
			buf_append(out, c.data, c.len);
	}
}
