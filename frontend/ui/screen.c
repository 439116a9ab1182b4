/* SPDX-License-Identifier: MIT
 * screen.c - see screen.h.
 *
 * The cursor rests at the beginning of the line below the list.  ECMA-48: CUU is `CSI n
 * A`, EL `CSI K`, ED `CSI J`.
 */
#include "frontend/ui/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/utf8.h"
#include "frontend/ui/screen_text.h"

/* Most terminals wrap lines again when they become narrower.  xterm does not, which
 * names itself; nor do the kernel's console, rxvt and GNU screen. */
static bool wraps_anew(void)
{
	const char *term = getenv("TERM");
	struct str name = str_of(term);

	return !getenv("XTERM_VERSION") && !str_is(name, "linux") &&
	       !str_starts_with(name, "rxvt") && !str_starts_with(name, "vt") &&
	       (!getenv("STY") || getenv("TMUX"));
}

void screen_init(struct screen *s, FILE *out, bool colour)
{
	*s = (struct screen){.out = out, .colour = colour, .wraps_anew = wraps_anew()};
	screen_measure(s);
}

void screen_release(struct screen *s)
{
	buf_release(&s->kept);
	buf_release(&s->list);
	vec_free(&s->drawn);
	vec_free(&s->columns);
}

void screen_measure(struct screen *s)
{
	struct winsize size = {0};
	bool known = ioctl(fileno(s->out), TIOCGWINSZ, &size) == 0;

	s->width = (known && size.ws_col > 0 ? size.ws_col : 80) - (size_t)1;
	s->height = (known && size.ws_row > 0 ? size.ws_row : 24) - (size_t)1;
}

void screen_keep(struct screen *s, struct str line, const char *colour)
{
	if (s->colour && colour)
		buf_puts(&s->kept, colour);
	buf_append(&s->kept, line.data, line.len);
	if (s->colour && colour)
		buf_puts(&s->kept, "\033[0m");
	buf_putc(&s->kept, '\n');
}

bool screen_add(struct screen *s, struct str line)
{
	if (s->columns.len >= s->height)
		return false;
	vec_push(&s->columns, screen_text_cut(&s->list, line, s->width));
	buf_puts(&s->list, "\033[K\n");
	return true;
}

/* How many lines the list takes now: a line that has become too long takes several.  What
 * scrolled away when the window became shorter cannot be reached. */
static size_t drawn_lines(const struct screen *s)
{
	size_t n = 0, width = s->width + 1;

	for (size_t i = 0; i < s->drawn.len; i++) {
		size_t columns = s->drawn.items[i];

		n += s->wraps_anew && columns > width ? (columns + width - 1) / width : 1;
	}
	return n < s->height ? n : s->height;
}

static void put_up(struct buf *out, size_t lines)
{
	if (lines > 0)
		buf_printf(out, "\033[%zuA", lines);
}

void screen_draw(struct screen *s)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	size_t before = drawn_lines(s);

	buf_puts(&out, before > 0 ? "\r" : "");
	put_up(&out, before);
	if (before > 0 && (s->kept.len > 0 || s->columns.len == 0)) {
		for (size_t i = 0; i < before; i++)
			buf_puts(&out, "\033[K\n");
		put_up(&out, before);
	}
	buf_append(&out, buf_text(&s->kept), s->kept.len);
	buf_append(&out, buf_text(&s->list), s->list.len);
	/* There is a line above the cursor, so this clears less than the whole screen. */
	if (before > 0 && s->columns.len > 0)
		buf_puts(&out, "\033[J");
	if (out.len > 0) {
		fputs(buf_text(&out), s->out);
		fflush(s->out);
	}
	s->drawn.len = 0;
	for (size_t i = 0; i < s->columns.len; i++)
		vec_push(&s->drawn, s->columns.items[i]);
	s->columns.len = 0;
	buf_clear(&s->kept);
	buf_clear(&s->list);
}
