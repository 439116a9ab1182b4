/* SPDX-License-Identifier: MIT
 * event.h - what happens during a run, for what watches it.
 *
 * Purpose:   the scheduler and the steps emit events; sinks (frontend/ui) show them.
 *            Modules never print.
 * Ownership: an event and everything it points to live only during the call of emit().
 * Threads:   only the conductor thread calls emit(), so a sink needs no lock.
 */
#ifndef SCHEDULER_EVENT_H
#define SCHEDULER_EVENT_H

#include "scheduler/graph.h"

/*
 *	WAITING -> READY -> PROBING -+-> CACHED
 *	   |         |               +-> MISSED      (when only probing)
 *	   |         |               +-> RUNNING -+-> BUILT
 *	   |         |               |            +-> FAILED
 *	   |         |               |            +-> CANCELLED
 *	   |         |               +-> FAILED, CANCELLED
 *	   +---------+-> SKIPPED
 *
 * SKIPPED: something before it failed or missed, or the run stops.
 */
enum node_state {
	NODE_WAITING,
	NODE_READY,
	NODE_PROBING,
	NODE_RUNNING,
	NODE_CACHED,
	NODE_MISSED,
	NODE_BUILT,
	NODE_FAILED,
	NODE_SKIPPED,
	NODE_CANCELLED,
	NODE_STATES,
};

const char *node_state_name(enum node_state state); /* "waiting", ... */
bool node_state_is_final(enum node_state state);

enum event_type {
	EVENT_BEGIN,	/* the run starts: `graph` */
	EVENT_STATE,	/* `node` goes to `state`; FAILED and CANCELLED with `error` */
	EVENT_LINE,	/* `node` printed the line `text`, without line end */
	EVENT_NOTE,	/* `node` tells the user `text` */
	EVENT_PROGRESS, /* `node` is at `done` of `total` bytes (0: unknown) of activity
			   `text` */
	EVENT_TICK,	/* time passes: about ten times a second while something runs */
	EVENT_CANCEL,	/* the user interrupts: `level` */
	EVENT_END,	/* the run is over */
	EVENT_TYPES,
};

struct event {
	enum event_type type;
	uint64_t time_ns; /* clock_mono_ns() */
	const struct graph *graph;
	struct node_id node;   /* NODE_NONE for BEGIN, TICK, CANCEL, END */
	enum node_state state; /* STATE */
	const char
		*text; /* LINE, NOTE, PROGRESS ("downloading", "unpacking", "packing") */
	uint64_t done, total;	 /* PROGRESS: bytes */
	int level;		 /* CANCEL: enum cancel_level */
	const struct err *error; /* STATE */
};

struct event_sink {
	void *self;
	void (*emit)(void *self, const struct event *event);
};

#endif
