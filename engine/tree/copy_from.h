/* SPDX-License-Identifier: MIT
 * copy_from.h - where files are copied from: this decides what counts and what is kept.
 *
 * Threads:   const.
 */
#ifndef ENGINE_TREE_COPY_FROM_H
#define ENGINE_TREE_COPY_FROM_H

enum copy_from {
	/* As `cp -fLr` with umask 0002: links are followed, the owner is root, the time
	 * is now.  An existing file keeps its inode, owner and mode. */
	COPY_FROM_HOST,
	/* Links, owners, modes, times, hard links and capabilities are kept; the named
	 * folder itself becomes 0755 root, or stays as it is. */
	COPY_FROM_STAGE,
	/* A root filesystem in a folder of the host: as from a stage, and the named
	 * folder itself, which is its root, is kept and counts as well. */
	COPY_FROM_FOLDER,
	COPY_FROMS,
};

#endif
