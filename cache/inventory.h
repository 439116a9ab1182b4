/* SPDX-License-Identifier: MIT
 * inventory.h - a list of what the store holds.
 *
 * Purpose:   for what looks at all of it: the collector, `cache ls`, `cache verify`.
 * Ownership: inventory_release() ends it.
 * Threads:   belongs to one thread.
 * Errors:    ERR_SYS. What disappears meanwhile is not an error.
 */
#ifndef CACHE_INVENTORY_H
#define CACHE_INVENTORY_H

#include "base/map.h"
#include "base/vec.h"
#include "cache/layer.h"
#include "cache/usage.h"

struct inventory_record {
	char *path;	   /* below the store */
	char *hex;	   /* of its key, by its path */
	char *kind, *step; /* "?" when unknown */
	struct snapshot chain;
	struct usage usage; /* of its own file */
	int64_t used_ns;    /* its own time */
	int64_t made_ms;    /* 0: unknown */
	uint64_t ino;
	bool is_damaged; /* not JSON, or of another key */
	bool is_seen;	 /* by the last look */
};

struct inventory_layer {
	char *name; /* of a layer, or of one set aside as damaged */
	struct usage usage;
	size_t refs;	 /* records that name it */
	int64_t used_ns; /* the latest of those records; INT64_MIN: none names it */
};

enum inventory_kind {
	INVENTORY_BLOB,
	INVENTORY_PARTIAL, /* a blob of which only a part arrived */
	INVENTORY_LOG,
	INVENTORY_FAILED, /* the root filesystem of a failed step */
	INVENTORY_KINDS,
};

struct inventory_file {
	enum inventory_kind kind;
	char *path; /* below the store */
	struct usage usage;
	int64_t used_ns;
};

struct inventory {
	const struct store *store;
	VEC(struct inventory_record) records;
	VEC(struct inventory_layer) layers;
	VEC(struct inventory_file) files;
	VEC(struct inventory_record) fresh; /* while looking: the new ones */
	struct map layer_index;		    /* name to layer */
	struct map record_index;	    /* while looking: path to known record */
};

#define INVENTORY_INIT                                                                   \
	{                                                                                \
		NULL, {0}, {0}, {0}, {0}, MAP_INIT, MAP_INIT                             \
	}

/* Look at everything.  Looking again reads only the records that are new. */
NODISCARD struct err *inventory_look(struct inventory *inv, const struct store *s);
/* NULL when there is none. */
struct inventory_layer *inventory_find_layer(const struct inventory *inv,
					     const char *name);
void inventory_release(struct inventory *inv);

#endif
