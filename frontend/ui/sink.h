/* SPDX-License-Identifier: MIT
 * sink.h - what watches a run: the terminal, plain lines, a trace file.
 *
 * Ownership: sinks_release() ends all that sinks_open() made.
 * Threads:   sinks are called by the conductor thread alone.
 * Errors:    ERR_USAGE for an unknown kind; ERR_SYS when the trace cannot be opened.
 */
#ifndef FRONTEND_UI_SINK_H
#define FRONTEND_UI_SINK_H

#include "base/err.h"
#include "scheduler/event.h"

enum sink_progress {
	SINK_AUTO, /* tty when standard error is a terminal that can do it, else plain */
	SINK_TTY,
	SINK_PLAIN,
	SINK_KINDS,
};

NODISCARD struct err *sink_progress_parse(const char *text, enum sink_progress *out);

enum sink_pass {
	SINK_LOOK, /* only probes: mostly there is nothing to show */
	SINK_BUILD,
};

enum { SINKS_MAX = 2 }; /* progress and trace */

struct sinks {
	struct event_sink items[SINKS_MAX];
	void (*free[SINKS_MAX])(void *self);
	size_t len;
};

#define SINKS_INIT                                                                       \
	{                                                                                \
		0                                                                        \
	}

/* Progress to standard error; `trace` is a path, or NULL. */
NODISCARD struct err *sinks_open(struct sinks *out, enum sink_progress progress,
				 enum sink_pass pass, const char *trace);
void sinks_release(struct sinks *sinks);

/* Each sink writes to a stream that it borrows, except trace, which owns its stream. */
struct event_sink sink_plain_new(FILE *out, enum sink_pass pass);
void sink_plain_free(void *self);
struct event_sink sink_tty_new(FILE *out, bool colour, enum sink_pass pass);
void sink_tty_free(void *self);
struct event_sink sink_trace_new(FILE *out);
void sink_trace_free(void *self);

#endif
