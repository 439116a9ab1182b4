/* SPDX-License-Identifier: MIT
 * verify.h - is everything in the store still what it was when it was put there?
 *
 * Purpose:   reads all blobs and layers again and compares them with their digests, and
 *            the records with their layers. Damaged things are never served again: they
 *            are set aside (renamed to NAME.damaged), and the records of everything built
 *            on them are dropped. Repairing also removes them: they are made or fetched
 *            again when they are needed.
 * Ownership: nothing is kept.
 * Threads:   any; the collector waits meanwhile.
 * Errors:    ERR_SYS. Damage is not an error: see the result.
 */
#ifndef CACHE_VERIFY_H
#define CACHE_VERIFY_H

#include "cache/usage.h"

struct verify_finding {
	const char *kind; /* "blob", "layer", "record" */
	const char *name;
	const char *what; /* "its content has changed" */
};

struct verify_options {
	bool repair;
	void (*show)(void *context, const struct verify_finding *finding);
	void *context;
};

struct verify_result {
	size_t blobs, layers, records; /* looked at */
	size_t damaged;
	size_t dropped; /* records of what was built on damaged layers */
};

NODISCARD struct err *verify_run(const struct store *s,
				 const struct verify_options *options,
				 struct verify_result *out);

#endif
