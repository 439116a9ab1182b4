/* SPDX-License-Identifier: MIT
 * xattr_rules.h - which extended attributes belong to an image, and where each of them
 * goes.
 *
 * Purpose:   one table for all code that reads or writes attributes of root filesystems
 *            and layers.  An attribute belongs to the image, to overlayfs, to dagbuild,
 *            or to this host.  Two rules bind the columns, and the test checks them: what
 *            a later step can see and what an image holds, except what belongs to this
 *            host, counts in a layer's identity; what counts there is sealed.
 * Threads:   any.
 * Errors:    none.
 */
#ifndef BASE_XATTR_RULES_H
#define BASE_XATTR_RULES_H

#include <stdbool.h>
#include <stddef.h>

/* What is done with attributes. */
enum xattr_use {
	XATTR_UNPACK = 1 << 0, /* set from a registry's layer */
	XATTR_CLONE = 1 << 1,  /* kept when one of our layers is made from others */
	XATTR_COPY = 1 << 2,   /* kept by `%files from` */
	/* Part of a layer's identity: what it holds, on whatever host it was made. */
	XATTR_IDENTITY = 1 << 3,
	XATTR_SEAL = 1 << 4, /* part of a layer's seal: damage to it is found */
	XATTR_PACK = 1 << 5, /* in the image */
};

struct xattr_rule {
	/* The name of one attribute; if it ends in '.', all names that begin with it. */
	const char *name;
	unsigned uses; /* of enum xattr_use */
	const char *reason;
};

/* The first row that fits an attribute is its rule.  The last, with an empty name, fits
 * all. */
extern const struct xattr_rule xattr_rules[];

/* The rule for attribute `name`; never NULL. */
const struct xattr_rule *xattr_rule_of(const char *name);
/* Does attribute `name` have that use? */
bool xattr_has_use(const char *name, enum xattr_use use);
/* The names that XATTR_COPY has, one after the other; NULL behind the last.  Their rows
 * are of one attribute each. */
const char *xattr_copied(size_t i);
/* Change a value that was read in this user namespace, in place, into the form that means
 * the same on every machine; `*size` may shrink.  False: it means nothing elsewhere, and
 * is left out.  Only file capabilities have such a form; all other values stay as they
 * are. */
bool xattr_make_portable(const char *name, void *value, size_t *size);

#endif
