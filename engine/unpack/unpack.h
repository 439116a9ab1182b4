/* SPDX-License-Identifier: MIT
 * unpack.h - a layer's tar stream, or an image's squashfs, to a folder in overlayfs form.
 *
 * Purpose:   libarchive reads (tar in all dialects; gzip, zstd or none, told by magic),
 *            our own writer writes through openat2(2), in a child process `dagbuild
 *            internal-unpack`. Opaque folders become `user.overlay.opaque=y`. The child
 *            checks the stream's diffID.
 *
 *            A layer is applied alone if every folder it touches is in its own tar, no
 *            link is on the way to such a folder, and it has no whiteouts (why:
 *            unpack_mark.c); otherwise the result says `needs_parents`, and it must be
 *            applied onto its mounted parents. When both are possible, they give the same
 *            tree. Nothing in the result depends on the clock: folders that are only
 *            implied get the time of the entry that implies them.
 *
 *            A squashfs is read by libsquashfs, written by the same writer, and confined
 *            by the same process.
 * Ownership: the request is borrowed.
 * Threads:   any; blocks until the child has ended, or the token is raised. The child
 *            ends with the calling thread.
 * Errors:    ERR_CORRUPT (damaged or hostile archive, wrong diffID, past a limit; with
 *            the entry's name), ERR_NOSPACE, ERR_CANCELLED, ERR_UNSUPPORTED, ERR_SYS. The
 *            target's content is undefined then: the caller removes it.
 */
#ifndef ENGINE_UNPACK_UNPACK_H
#define ENGINE_UNPACK_UNPACK_H

#include "base/digest.h"
#include "base/err.h"
#include "base/cancel.h"

struct unpack_request {
	int blob_fd;	    /* the compressed layer, a file; read by pread(2) from 0 */
	uint64_t blob_size; /* bytes, for progress */
	/* Not a layer, but an image's root filesystem: a squashfs of `blob_size` bytes at
	 * `offset` in the file, for an empty `target`. */
	bool is_squashfs;
	uint64_t offset;
	/* SHA-256 of the uncompressed stream; unset: not checked */
	struct digest diff_id;
	/* Alone: `target` is an empty folder, the layer itself, and `merged` is NULL.
	 * Onto parents: `merged` is the mount point of an overlay whose upper is
	 * `target`. */
	const char *target; /* absolute */
	const char *merged; /* absolute, or NULL */
	/* The lowest layer: nothing is below it, so it never needs parents, and
	 * whiteouts mean nothing.  With `merged` NULL. */
	bool is_first;
	uint64_t max_bytes; /* of unpacked file data; 0: 64 GiB */
	uint64_t max_file;  /* of a file, and of all together, holes included; 0: no
			       limit */
	const struct cancel *cancel; /* may be NULL */
	/* Called with compressed bytes consumed, from the calling thread; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

struct unpack_result {
	/* `target` is empty again, but its own mode, owner and xattrs are undefined:
	 * apply the layer onto its parents (after overlay_prepare_upper()). */
	bool needs_parents;
	bool has_root; /* the tar sets mode and owner of the root folder itself; if not, a
		        * layer other than the first needs its parent's, by
		        * overlay_prepare_upper(), unless that is what it has alone: 0755,
		        * and root's */
	uint64_t entries;
	uint64_t bytes;	  /* of file data */
	uint64_t skipped; /* device nodes: this user may not make them, or they are 0:0 */
	uint64_t squashed;    /* entries whose owner the id map cannot express */
	uint64_t lost_xattrs; /* those that this user or filesystem cannot hold */
};

NODISCARD struct err *unpack_layer(const struct unpack_request *request,
				   struct unpack_result *result);
/* Does the target hold all that the archive says?  If not, another user, or another
 * filesystem, may get something else of the same archive. */
bool unpack_is_exact(const struct unpack_result *result);
/* Body of `dagbuild internal-unpack`; returns the exit status. */
int unpack_main(int argc, char **argv);

#endif
