/* SPDX-License-Identifier: MIT
 * mounted.h - the root filesystem that a step starts from, and what it writes over it.
 *
 * Purpose:   mounts a chain of layers in our own mount namespace, with a new upper folder
 *            or read-only; what is in the upper becomes a layer.
 * Ownership: mounted_release() unmounts, and removes what was not published.
 * Threads:   one thread each; the process can mount.
 * Errors:    ERR_SYS, ERR_NOSPACE; those of layer_publish() and snapshot_check().
 */
#ifndef ENGINE_WORK_MOUNTED_H
#define ENGINE_WORK_MOUNTED_H

#include "engine/tree/overlay.h"
#include "engine/work/work.h"

struct mounted {
	struct scratch scratch;
	char *upper, *work,
		*mount_point; /* absolute; upper and work NULL when read-only */
	bool is_mounted;
	int root_fd;
};

#define MOUNTED_INIT                                                                     \
	{                                                                                \
		SCRATCH_INIT, NULL, NULL, NULL, false, -1                                \
	}

/* Options of an overlay over `chain`; `names` is for free(). */
struct overlay_spec mounted_overlay(const struct work *w, const struct snapshot *chain,
				    const char ***names);
/* Mount `chain`, writable into a new upper or read-only. */
NODISCARD struct err *mounted_open(const struct work *w, const struct snapshot *chain,
				   bool writable, struct mounted *out);
/* Folders for a writable overlay over `chain`, but do not mount it. */
NODISCARD struct err *mounted_prepare(const struct work *w, const struct snapshot *chain,
				      struct mounted *out);
/* The same over the layers of `below`. */
NODISCARD struct err *mounted_prepare_over(const struct store *s,
					   const struct overlay_spec *below,
					   struct mounted *out);
/* Unmount, keeping the upper. */
NODISCARD struct err *mounted_close(struct mounted *m);
/* Then the upper can be mounted once more, by a container. */
NODISCARD struct err *mounted_prepare_again(struct mounted *m);
void mounted_release(struct mounted *m);
/* After reading a mounted `chain`, before using what was read: was all of it there?
 * ERR_CORRUPT if not; ERR_CANCELLED. */
NODISCARD struct err *mounted_check_read(const struct work *w, struct task *task,
					 const struct snapshot *chain);
/* The upper of a closed mount becomes a layer on top of `below`, in the step's state. */
NODISCARD struct err *mounted_commit(const struct work *w, const struct step *step,
				     struct task *task, struct mounted *m,
				     const struct snapshot *below);

#endif
