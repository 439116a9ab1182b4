/* SPDX-License-Identifier: MIT
 * tmp_drop.h - what a section made in /tmp and /var/tmp is not in the image.
 *
 * Purpose:   removes from an overlayfs upper folder, after its mount has ended, the names
 *            below /tmp and /var/tmp that the root filesystem under it does not have.  A
 *            file that was there before counts like any other: its removal or change
 *            stays.  Both folders exist afterwards, with mode 1777, unless they were
 *            replaced by something that is not a folder.
 * Ownership: descriptors are borrowed.
 * Threads:   any.
 * Errors:    ERR_CANCELLED, noticed within a thousand entries; ERR_SYS.
 */
#ifndef ENGINE_TREE_TMP_DROP_H
#define ENGINE_TREE_TMP_DROP_H

#include "base/err.h"
#include "base/cancel.h"

struct tmp_drop {
	int upper_fd; /* the upper folder */
	int below_fd; /* the root filesystem under it, mounted */
	int trash_fd; /* an empty folder on upper's filesystem; empty again at the end */
	const struct cancel *cancel; /* NULL: none */
	bool keep;		     /* drop nothing */
	/* Out: */
	uint64_t n_names; /* dropped names, without what was below them */
	uint64_t bytes; /* what they took on the disk; a file with another name elsewhere
			   still takes it */
};

NODISCARD struct err *tmp_drop(struct tmp_drop *d);

#endif
