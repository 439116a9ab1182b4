/* SPDX-License-Identifier: MIT
 * tmp_drop.h - what a section made in /tmp and /var/tmp is not in the image.
 *
 * Purpose:   takes out of an overlayfs upper folder, after its mount has ended, the names
 *            below /tmp and /var/tmp that what lies below it does not have.  What was
 *            there before counts as any other file: its removal and its change stay.
 *            Both folders are there afterwards, with mode 1777, unless they were replaced
 *            by something that is not a folder.
 * Ownership: descriptors are borrowed.
 * Threads:   any.
 * Errors:    ERR_CANCELLED, within a thousand entries; ERR_SYS.
 */
#ifndef ENGINE_TREE_TMP_DROP_H
#define ENGINE_TREE_TMP_DROP_H

#include "base/err.h"
#include "base/cancel.h"

struct tmp_drop {
	int upper_fd; /* the upper folder */
	int below_fd; /* the root filesystem that it lies upon, mounted */
	int trash_fd; /* an empty folder on upper's filesystem; empty again at the end */
	const struct cancel *cancel; /* NULL: none */
	bool keep;		     /* drop nothing */
	/* Out: */
	uint64_t n_names; /* that were dropped, without what was below them */
	uint64_t bytes; /* that they took on the disk: a file with another name elsewhere
			     takes them still */
};

NODISCARD struct err *tmp_drop(struct tmp_drop *d);

#endif
