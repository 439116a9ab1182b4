/* SPDX-License-Identifier: MIT
 * verify.h - is everything in the store what it was when it was put there?
 *
 * Purpose:   reads all blobs and layers again and compares them with their digests, and
 *            the records with their layers. What is damaged is never served again: it is
 *            set aside (renamed to NAME.damaged), and the records of all that is built
 *            upon it are dropped. To repair is to remove it as well: it is then made or
 *            fetched anew when it is wanted.
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
	size_t dropped; /* records that were built upon what is damaged */
};

NODISCARD struct err *verify_run(const struct store *s,
				 const struct verify_options *options,
				 struct verify_result *out);

#endif
