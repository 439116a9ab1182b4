/* SPDX-License-Identifier: MIT
 * scan.h - lines and blanks, as Apptainer sees them.
 *
 * Purpose:   Apptainer is written in Go, whose blanks are Unicode's: a no-break space,
 *            copied from a web page, is one. These functions trim and split what
 *            Apptainer trims and splits.
 * Ownership: slices of the caller's text.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_DEF_SCAN_H
#define FRONTEND_DEF_SCAN_H

#include "base/str.h"

/* Bytes of the blank at the front (Go's unicode.IsSpace), 0 if there is none. */
size_t scan_blank(struct str s);
struct str scan_trim(struct str s);
struct str scan_trim_left(struct str s);
/* Take the next run of non-blanks off the front of `*rest`; false if there is none. */
bool scan_word(struct str *rest, struct str *word);

/* Take the first line off `*rest`, without its line end (LF, or CR LF); false, and
 * `*line` empty, when there is none. */
bool scan_line(struct str *rest, struct str *line);
/* A line whose first word begins with `%` begins a section. */
bool scan_is_section(struct str line);

/* A template argument's placeholder, `{{ name }}`. */
struct scan_placeholder {
	struct str all;	 /* with the braces */
	struct str name; /* letters, digits, `_` */
};

/* The placeholder that `text` begins with; false if it begins with none. */
bool scan_placeholder_at(struct str text, struct scan_placeholder *out);
/* The first placeholder in `text`; false if there is none. */
bool scan_placeholder(struct str text, struct scan_placeholder *out);

#endif
