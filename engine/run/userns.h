/* SPDX-License-Identifier: MIT
 * userns.h - becoming root, once, before any thread exists.
 *
 * Purpose:   after userns_enter() the process acts as root in a private mount namespace,
 *            in all modes alike: real root takes a mount namespace only, a user with
 *            subordinate ids a user namespace that maps 0 to the user and 1.. to them.
 *            dagbuild then executes itself again, so that nothing from before stays.
 * Ownership: nothing is kept.
 * Threads:   only in a process with one thread.
 * Errors:    ERR_UNSUPPORTED with the reason and a hint: no subordinate ids, no
 *            newuidmap, user namespaces forbidden (naming the setting).
 */
#ifndef ENGINE_RUN_USERNS_H
#define ENGINE_RUN_USERNS_H

#include "base/err.h"
#include "base/str.h"

enum userns_mode {
	USERNS_ROOT,  /* real root */
	USERNS_RANGE, /* a user with subordinate ids */
};

struct id_range {
	uint32_t start; /* first id outside */
	uint32_t count;
};

enum {
	USERNS_RANGES_MAX = 8,
	USERNS_TEXT_MAX = 120, /* of a class, and of a map */
	USERNS_TEXT_SIZE = 2 * USERNS_TEXT_MAX + 2,
};

struct id_ranges {
	struct id_range items[USERNS_RANGES_MAX];
	size_t len;
};

/* How this process may become root. */
struct userns_plan {
	enum userns_mode mode;
	struct id_ranges uids,
		gids; /* RANGE: what 1.. map to, one range after the other */
};

/* Find out; changes nothing. */
NODISCARD struct err *userns_probe(struct userns_plan *out);
/* Enter the namespaces in this very process; mounts no longer propagate to the host. */
NODISCARD struct err *userns_enter(const struct userns_plan *plan);
/* A text that names the id map, of at most USERNS_TEXT_SIZE bytes, "CLASS: MAP".  The
 * class says which owners files can have inside: "root" (and what it lacks), or "range",
 * the same for all users with at least 65,536 ids.  The map says what they are outside;
 * root with all ids has none.  In the same class steps make the same files; under another
 * map these have other owners. */
const char *userns_describe(const struct userns_plan *plan, char *out, size_t size);
/* The ranges that lines NAME-OR-ID:START:COUNT give to a user; ranges beyond those that
 * fit are left out. */
void userns_parse_ranges(struct str text, const char *name, uint32_t id,
			 struct id_ranges *out);

#endif
