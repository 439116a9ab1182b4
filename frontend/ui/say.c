/* SPDX-License-Identifier: MIT
 * say.c - see say.h.
 */
#include "frontend/ui/say.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/visible.h"

static struct err *write_text(int fd, const struct buf *text)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	visible_lines(&out, str_make(buf_text(text), text->len));
	return fs_write_all(fd, buf_text(&out), out.len);
}

struct err *say_result(const struct buf *text)
{
	return write_text(STDOUT_FILENO, text);
}

struct err *say_json(const struct buf *json)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	visible_json(&out, str_make(buf_text(json), json->len));
	return fs_write_all(STDOUT_FILENO, buf_text(&out), out.len);
}

void say(const struct buf *text)
{
	err_ignore(write_text(STDERR_FILENO, text), "nowhere to say it");
}

void say_line(const char *format, ...)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	buf_putc(&text, '\n');
	say(&text);
}
