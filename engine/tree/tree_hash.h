/* SPDX-License-Identifier: MIT
 * tree_hash.h - what counts of a thing that `%files` copies, and how it is hashed.
 *
 * Purpose:   one place for the probe of host files and for the walk that copies, whose
 *            digests must agree. A folder's digest covers its entries, sorted by name,
 *            and so on down: parts of a tree can be hashed on their own.
 *
 *            What counts: names, types, modes as far as they are kept, texts of links,
 *            and content; from a stage also owners, the attributes that a copy keeps, and
 *            which names are one file. The walk handles times. From a stage, the named
 *            folder's own mode and owner do not count, since they are not copied.
 * Threads:   any.
 */
#ifndef ENGINE_TREE_TREE_HASH_H
#define ENGINE_TREE_TREE_HASH_H

#include "engine/tree/copy_from.h"
#include "engine/tree/file_content.h"
#include "engine/tree/tree_walk.h"

struct hasher *tree_hasher_new(void);
/* Hash a thing as its folder sees it.  A folder's digest, or a file's content
 * (content_add()), must follow. */
void tree_hash_entry(struct hasher *h, enum copy_from from,
		     const struct walk_entry *entry);
/* Is it a folder of which only what is in it counts: the one that a copy from a stage
 * names? */
bool tree_hash_is_bare(enum copy_from from, const struct walk_entry *entry);
/* "f" for a file, and so on: both hashed and listed. */
char tree_hash_letter(const struct walk_entry *entry);
/* The part of the mode that is kept. */
uint64_t tree_hash_mode(enum copy_from from, const struct stat *st);
void tree_hash_folder(struct hasher *h, const struct digest *entries);

#endif
