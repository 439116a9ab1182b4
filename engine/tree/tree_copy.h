/* SPDX-License-Identifier: MIT
 * tree_copy.h - `%files`: copying into a root filesystem, from host or stage.
 *
 * Purpose:   Apptainer's rules (docs/definition-files.md), with every path resolved
 *            inside its root, so that no link leads out onto the host.
 *
 *            tree_copy_digest() says what a copy would bring: names, types, modes, links,
 *            owners where they are kept, and contents of everything the sources expand
 *            to; times only on request. tree_copy() copies, and computes the same digest
 *            from what it really copied. The items' own texts are not in it: the caller
 *            puts those into the key.
 *
 *            Different from Apptainer, on purpose: no shell reads a source; a file does
 *            not replace a folder (from a stage, Apptainer deletes the folder); a source
 *            is looked at before its target is touched, so that we do not wait for a fifo
 *            and delete nothing for a device that cannot be copied; a fifo inside a
 *            stage's folder is made again; a link whose text has more `..` than there are
 *            folders is copied as it is; capabilities are kept for a named file, too.
 *            Devices and sockets inside a stage's folder are left out, as in Apptainer.
 * Ownership: requests are borrowed.
 * Threads:   any; nothing else may change the root meanwhile.
 * Errors:    files above `max_file` are refused before any part of them is read or made.
 *            ERR_NOTFOUND (a source is missing, or its pattern matches nothing),
 *            ERR_SYNTAX (empty source, too many braces), ERR_EXISTS (something is in the
 *            way), ERR_SYS, ERR_NOSPACE, ERR_CANCELLED; all except the last carry the
 *            item's place. What was copied before an error stays: the caller drops the
 *            layer.
 */
#ifndef ENGINE_TREE_TREE_COPY_H
#define ENGINE_TREE_TREE_COPY_H

#include "base/digest.h"
#include "base/err.h"
#include "base/parallel.h"
#include "base/source.h"
#include "engine/tree/tree_walk.h"

struct copy_item {
	const char *source; /* as written, quotes removed; may be a pattern */
	const char *target; /* as written; "" when omitted */
	/* As a plain cp takes it: the source is no pattern, and a folder goes to a target
	 * that is missing, even if that ends in a slash. */
	bool is_literal;
	struct place where; /* for messages */
};

struct copy_request {
	int source_fd; /* folder that relative host sources start from (may be AT_FDCWD),
		        * or the stage's root */
	const struct copy_item *items;
	size_t n_items;
	struct walk_rules rules;
	struct file_reading files; /* its memo: of host files only */
	struct parallel helpers;   /* for looking at host files; may be unset */
};

/* What the sources are, without copying. */
NODISCARD struct err *tree_copy_digest(const struct copy_request *request,
				       struct digest *out);
/* Copy into root filesystem `root_fd`; `*out` is the digest of what was read.
 */
NODISCARD struct err *tree_copy(const struct copy_request *request, int root_fd,
				struct digest *out);

#endif
