/* SPDX-License-Identifier: MIT
 * tree_glob.h - what a `%files` source stands for.
 *
 * Purpose:   braces (`{a,b}`, `{1..3}`, `{a..e}`), then patterns (`*`, `?`, `[a-z]`,
 *            `[!x]`, `[[:alpha:]]`; `**` is `*`), where a backslash takes away a
 *            character's meaning. No shell is involved: `$`, backquotes and `~` have no
 *            meaning. Names with a leading dot match only a pattern with one.
 * Ownership: path_list_release() ends a list.
 * Threads:   any.
 * Errors:    ERR_NOTFOUND when a pattern matches nothing; ERR_SYNTAX for a text that
 *            stands for too many names; ERR_SYS, ERR_CANCELLED.
 */
#ifndef ENGINE_TREE_TREE_GLOB_H
#define ENGINE_TREE_TREE_GLOB_H

#include "base/err.h"
#include "engine/tree/path_list.h"
#include "base/cancel.h"

/* Where names are looked up. */
struct glob_root {
	int fd; /* folder that relative names start from; if confined, the root */
	bool is_confined; /* links and `..` stay inside `fd`, and absolute names start
			     from it */
	const struct cancel *cancel; /* may be NULL */
};

/* Append what `pattern` stands for: in the order of the braces, and sorted bytewise for
 * each pattern.  A text without special characters is appended without checking whether
 * it exists; so is one that matches nothing but exists as written. */
NODISCARD struct err *tree_glob(const struct glob_root *root, const char *pattern,
				struct path_list *out);
/* Append the texts that the braces of `text` stand for; for tests. */
NODISCARD struct err *tree_glob_braces(const char *text, struct path_list *out);

#endif
