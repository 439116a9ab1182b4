/* SPDX-License-Identifier: MIT
 * sink.c - which sinks a run gets.
 */
#include "frontend/ui/sink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct err *sink_progress_parse(const char *text, enum sink_progress *out)
{
	static const char *const names[] = {
		[SINK_AUTO] = "auto",
		[SINK_TTY] = "tty",
		[SINK_PLAIN] = "plain",
	};
	TABLE_HAS_ALL(names, SINK_KINDS);

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum sink_progress)i;
			return NULL;
		}
	}
	return err_new(ERR_USAGE, "'%s' is not one of auto, tty, plain", text);
}

static bool terminal_can(void)
{
	const char *term = getenv("TERM"), *ci = getenv("CI");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       (!ci || !ci[0]);
}

static void add(struct sinks *s, struct event_sink sink, void (*free_sink)(void *))
{
	assert(s->len < ARRAY_LEN(s->items));
	s->items[s->len] = sink;
	s->free[s->len++] = free_sink;
}

struct err *sinks_open(struct sinks *out, enum sink_progress progress,
		       enum sink_pass pass, const char *trace)
{
	const char *no_colour = getenv("NO_COLOR");
	FILE *file;

	if (progress == SINK_TTY || (progress == SINK_AUTO && terminal_can()))
		add(out, sink_tty_new(stderr, !no_colour || !no_colour[0], pass),
		    sink_tty_free);
	else
		add(out, sink_plain_new(stderr, pass), sink_plain_free);
	if (!trace)
		return NULL;
	file = fopen(trace, "we");
	if (!file)
		return err_hint(err_recode(err_sys("trace '%s'", trace), ERR_USAGE),
				"name a file that can be written");
	add(out, sink_trace_new(file), sink_trace_free);
	return NULL;
}

void sinks_release(struct sinks *s)
{
	for (size_t i = 0; i < s->len; i++)
		s->free[i](s->items[i].self);
	s->len = 0;
}
