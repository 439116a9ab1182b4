/* SPDX-License-Identifier: MIT
 * sqfs_write.h - a tree as squashfs, streamed into a file at an offset.
 *
 * Purpose:   libsquashfs writes straight into the partition's place in the SIF; gzip
 *            blocks are compressed by libdeflate. Memory does not grow with the data.
 *            Same tree, same bytes, whatever the number of threads.
 * Ownership: nothing is kept.
 * Threads:   any; starts `workers` threads of its own and joins them.
 * Errors:    ERR_SYS (also for a file that is too large, with its path), ERR_NOSPACE,
 *            ERR_CANCELLED; ERR_CORRUPT when a file changes while it is read.
 */
#ifndef ENGINE_IMAGE_SQFS_WRITE_H
#define ENGINE_IMAGE_SQFS_WRITE_H

#include "base/err.h"
#include "base/cancel.h"

enum sqfs_compression {
	SQFS_GZIP, /* libdeflate level 6: what every host mounts */
	SQFS_ZSTD, /* level 3 unless told otherwise */
};

struct sqfs_request {
	int root_fd;	 /* the tree's root folder */
	int file_fd;	 /* read-write; nothing may follow after `offset` */
	uint64_t offset; /* of the squashfs within the file, a multiple of 4096 */
	enum sqfs_compression compression;
	int level;	   /* 0: the compression's default */
	unsigned workers;  /* compressing threads, at least 1 */
	uint32_t time_s;   /* the superblock's time */
	int64_t clamp_s;   /* later file times become this; INT64_MAX: none */
	uint64_t max_file; /* bytes of a file, holes included; 0: no limit */
	bool all_root;	   /* store every owner as 0:0 */
	const struct cancel *cancel;
	/* Called with file bytes read so far, and the tree's total; may be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct sqfs_result {
	uint64_t size; /* bytes of the squashfs, padded to 4096 */
	uint64_t inodes;
	uint64_t input_bytes;
};

NODISCARD struct err *sqfs_write(const struct sqfs_request *request,
				 struct sqfs_result *result);

#endif
