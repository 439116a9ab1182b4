/* SPDX-License-Identifier: MIT
 * miss.h - why a step is not a hit.
 *
 * Threads:   const.
 */
#ifndef ENGINE_WORK_MISS_H
#define ENGINE_WORK_MISS_H

#include "base/err.h"

enum miss {
	MISS_NONE,	    /* it is one, or was not looked at yet */
	MISS_UNSUPPORTED,   /* nobody can build it: its agent is gone */
	MISS_UNRESOLVED,    /* base: only a request could tell what its tag is now */
	MISS_NOT_LOOKED_AT, /* only a mount, or our namespaces, could tell its files */
	MISS_ALWAYS,	    /* a script on the host: nobody knows its inputs */
	MISS_NEW,	/* there is no record under its key; below: there may be one */
	MISS_NO_CACHE,	/* --no-cache */
	MISS_OLD,	/* older than it may be */
	MISS_EPOCH,	/* it has times before SOURCE_DATE_EPOCH, by the clock */
	MISS_GONE,	/* a layer that its record names is not there */
	MISS_DAMAGED,	/* or is not what it was */
	MISS_OTHER_IDS, /* or was made when ids were mapped differently */
	MISS_TIMES,	/* only a walk could tell its times, which count */
	MISS_STOPPED,	/* unknown: the run was cancelled meanwhile */
	MISS_OTHER_CPU, /* base: was chosen for another processor */
	MISS_IMAGE,	/* pack: the image is not there, or not the one that was built */
	MISSES,
};

/* Checking the layers that a record names gave `e`, which is not freed.  ERR_NOTFOUND:
 * something about them is not known, and this pass may not look. */
enum miss miss_of(const struct err *e);
/* For plan and why: "not built before with these inputs"; NULL for MISS_NONE. */
const char *miss_text(enum miss miss);

#endif
