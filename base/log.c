/* SPDX-License-Identifier: MIT
 * log.c - the debug log: see log.h.
 */
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/visible.h"

static const char *areas; /* set once, before threads start */
static uint64_t start_ns;

void log_init(void)
{
	areas = getenv("DAGBUILD_LOG");
	start_ns = clock_mono_ns();
}

bool log_enabled(const char *area)
{
	struct str rest, word;

	if (!areas)
		return false;
	rest = str_of(areas);
	while (rest.len > 0) {
		str_cut(rest, ',', &word, &rest);
		if (str_is(word, area) || str_is(word, "all"))
			return true;
	}
	return false;
}

void log_write(const char *area, const char *format, ...)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT, text = BUF_INIT;
	va_list args;

	buf_printf(&line, "%9.3f [%d] %s: ", (double)(clock_mono_ns() - start_ns) / 1e9,
		   (int)getpid(), area);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	visible_line(&line, str_make(buf_text(&text), text.len));
	buf_putc(&line, '\n');
	(void)!write(STDERR_FILENO, line.data, line.len);
}
