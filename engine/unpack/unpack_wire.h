/* SPDX-License-Identifier: MIT
 * unpack_wire.h - what the unpacking child tells its parent.
 *
 * Purpose:   frames over a pipe between two runs of one binary, so plain structs suffice:
 *            progress, and at the end either a result, or an error with all its causes.
 * Ownership: the reader owns the bytes it holds, and an error it hands out.
 * Threads:   none of its own.
 * Errors:    wire_read(): ERR_SYS for a read error or a frame that makes no sense.
 */
#ifndef ENGINE_UNPACK_UNPACK_WIRE_H
#define ENGINE_UNPACK_UNPACK_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/unpack/unpack.h"

/* Child: where the pipe lies.  Writing to a parent that has ended kills the child by
 * SIGPIPE, as it should. */
enum { WIRE_BLOB_FD = 3, WIRE_ROOT_FD = 4, WIRE_REPLY_FD = 5 };

void wire_send_progress(int fd, uint64_t done);
void wire_send_result(int fd, const struct unpack_result *result);
void wire_send_error(int fd, const struct err *e);

/* Parent: what came so far. */
struct wire_reader {
	struct buf pending;
	uint64_t done; /* from the last progress frame */
	bool has_result;
	struct unpack_result result;
	struct err *error; /* from the child; take it with STEAL() */
};

/* Read what is there, waiting for at least one byte; `*ended` at the end of the pipe. */
NODISCARD struct err *wire_read(struct wire_reader *r, int fd, bool *ended);
void wire_reader_release(struct wire_reader *r);

#endif
