/* SPDX-License-Identifier: MIT
 * key_parts.h - the inputs of each kind of step, by name: the one list of them.
 *
 * Purpose:   exec_probe.c asserts that a key has these parts and no others, `why`
 *            compares them to say what is different, `dagbuild why --list-inputs` prints
 *            them, and a test compares that with the table in docs/caching.md.
 * Threads:   const.
 */
#ifndef ENGINE_EXECUTOR_KEY_PARTS_H
#define ENGINE_EXECUTOR_KEY_PARTS_H

#include "cache/key.h"
#include "engine/work/step.h"

/* What is remembered of a part, so that a difference can be named. */
enum part_class {
	PART_PARENT, /* the steps before: their names are in the plan */
	PART_PLAIN,  /* the value itself */
	PART_LINES,  /* a digest for each line */
	PART_SET,    /* names, each with the digest of its value */
	PART_FILES,  /* files, each with mode, size and digest */
};

struct key_part {
	const char *name;
	unsigned kinds; /* 1U << STEP_BASE | ... */
	enum part_class class;
	bool is_optional; /* absent when it is not set */
	const char *what; /* in plain words, for the documentation */
};

extern const struct key_part key_parts_table[];
extern const size_t key_parts_len;

/* Does a step of that kind have the part? */
bool key_part_is_of(const struct key_part *part, enum step_kind kind);
/* Does a complete key of that kind have the parts of the table, and no others? */
bool key_parts_agree(const struct key *key, enum step_kind kind);

#endif
