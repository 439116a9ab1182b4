/* SPDX-License-Identifier: MIT
 * unpack_note.c - what all files of the writer report: see unpack_writer.h.
 */
#include "engine/unpack/unpack_writer.h"

#include <errno.h>

#include "base/log.h"

struct err *writer_want_parents(struct unpack_writer *w, const char *reason)
{
	log_debug("unpack", "layer is applied onto its parents: %s", reason);
	w->wants_parents = true;
	return err_new(ERR_UNSUPPORTED, "wants its parents: %s", reason);
}

void writer_note_made(struct unpack_writer *w, const char *path)
{
	if (w->mode == UNPACK_MERGED)
		path_set_add_with_parents(&w->made, str_of(path));
}

struct err *writer_blame_archive(struct err *e)
{
	int number = e ? err_errno(e) : 0;

	if (number == ENAMETOOLONG || number == ELOOP || number == ENOTDIR ||
	    number == ENOENT || number == EISDIR || number == EFBIG)
		return err_recode(e, ERR_CORRUPT);
	return e;
}
