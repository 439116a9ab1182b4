/* SPDX-License-Identifier: MIT
 * err.c - errors as owned values: see err.h.
 *
 * Every error passes err_make(): put the breakpoint there.
 */
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/visible.h"

struct err {
	enum err_code code;
	int sys_errno;
	char *text;
	char *place;
	char *hint;
	struct err *cause;
	struct err *also;
	const char *file;
	int line;
};

static struct err *err_make(enum err_code code, const char *file, int line, char *text)
{
	struct err *e = xcalloc(1, sizeof(*e));

	e->code = code;
	e->text = text;
	e->file = file;
	e->line = line;
	log_debug("err", "%s:%d: %s", file, line, text);
	return e;
}

struct err *err_new_at(enum err_code code, const char *file, int line, const char *format,
		       ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return err_make(code, file, line, text);
}

static enum err_code code_of_errno(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EINTR:
		return ERR_CANCELLED;
	default:
		return ERR_SYS;
	}
}

struct err *err_sys_at(const char *file, int line, const char *format, ...)
{
	CLEANUP(freep) char *what = NULL;
	int number = errno;
	struct err *e;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	e = err_make(code_of_errno(number), file, line,
		     xasprintf("%s: %s", what, strerror(number)));
	e->sys_errno = number;
	return e;
}

struct err *err_wrap_at(struct err *cause, const char *file, int line, const char *format,
			...)
{
	struct err *e;
	va_list args;
	char *text;

	if (!cause)
		return NULL;
	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	e = err_make(cause->code, file, line, text);
	e->sys_errno = cause->sys_errno;
	e->cause = cause;
	return e;
}

struct err *err_hint(struct err *e, const char *format, ...)
{
	va_list args;

	if (!e)
		return NULL;
	free(e->hint);
	va_start(args, format);
	e->hint = xvasprintf(format, args);
	va_end(args);
	return e;
}

struct err *err_where(struct err *e, const char *where)
{
	if (!e || !where)
		return e;
	free(e->place);
	e->place = xstrdup(where);
	return e;
}

struct err *err_recode(struct err *e, enum err_code code)
{
	if (e)
		e->code = code;
	return e;
}

struct err *err_attach(struct err *e, struct err *second)
{
	struct err *last = e;

	if (!e)
		return second;
	while (last->also)
		last = last->also;
	last->also = second;
	return e;
}

struct err *err_join(struct err *e, struct err *next)
{
	bool swap = e && next && err_code(e) == ERR_CANCELLED &&
		    err_code(next) != ERR_CANCELLED;
	struct err *kept = swap ? next : e, *other = swap ? e : next;

	if (!kept || !other || err_code(other) != ERR_CANCELLED)
		return err_attach(kept, other);
	err_ignore(other, "another says why");
	return kept;
}

enum err_code err_code(const struct err *e)
{
	return e->code;
}

int err_errno(const struct err *e)
{
	return e->sys_errno;
}

const char *err_text(const struct err *e)
{
	return e->text;
}

const char *err_place(const struct err *e)
{
	for (; e; e = e->cause)
		if (e->place)
			return e->place;
	return NULL;
}

const char *err_advice(const struct err *e)
{
	for (; e; e = e->cause)
		if (e->hint)
			return e->hint;
	return NULL;
}

const struct err *err_cause(const struct err *e)
{
	return e->cause;
}

static void render_line(const char *before, struct str text, struct buf *out)
{
	buf_puts(out, before);
	visible_line(out, text);
	buf_putc(out, '\n');
}

/* A hint may have several lines. */
static void render_hint(const char *hint, struct buf *out)
{
	struct str line, rest = str_of(hint);
	const char *before = "  hint: ";
	bool has_more;

	do {
		has_more = str_cut(rest, '\n', &line, &rest);
		render_line(before, line, out);
		before = "        ";
	} while (has_more);
}

void err_render(const struct err *e, struct buf *out)
{
	const char *place = err_place(e);
	const char *hint = err_advice(e);

	buf_puts(out, "error: ");
	visible_line(out, str_of(place));
	render_line(place ? ": " : "", str_of(e->text), out);
	for (const struct err *c = e->cause; c; c = c->cause)
		render_line("  because: ", str_of(c->text), out);
	for (const struct err *a = e->also; a; a = a->also)
		render_line("  also: ", str_of(a->text), out);
	if (hint)
		render_hint(hint, out);
}

int err_exit_status(const struct err *e)
{
	switch (e->code) {
	case ERR_USAGE:
	case ERR_SYNTAX:
		return 2;
	case ERR_UNSUPPORTED:
		return 3;
	case ERR_AUTH:
	case ERR_NETWORK:
	case ERR_UNREACHABLE:
	case ERR_PROTOCOL:
		return 4;
	case ERR_CANCELLED:
		return 130;
	case ERR_NOTFOUND:
	case ERR_EXISTS:
	case ERR_CORRUPT:
	case ERR_NOSPACE:
	case ERR_STEP:
	case ERR_SYS:
		return 1;
	}
	return 1;
}

void err_free(struct err *e)
{
	while (e) {
		struct err *next = e->cause;

		err_free(e->also);
		free(e->text);
		free(e->place);
		free(e->hint);
		free(e);
		e = next;
	}
}

void err_freep(struct err **e)
{
	err_free(*e);
	*e = NULL;
}

void err_ignore(struct err *e, const char *reason)
{
	if (e)
		log_debug("err", "ignored (%s): %s", reason, e->text);
	err_free(e);
}
