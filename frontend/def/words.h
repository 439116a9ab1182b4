/* SPDX-License-Identifier: MIT
 * words.h - the closed sets of words of the definition language.
 */
#ifndef FRONTEND_DEF_WORDS_H
#define FRONTEND_DEF_WORDS_H

#include "base/str.h"

/* Ends with NULL. */
extern const char *const words_header_keys[];
extern const char *const words_local_agents[]; /* whose `From` is a path */
extern const char *const words_agents[];
extern const char
	*const words_oci_agents[]; /* whose images come from registries, or look so */
/* They run programs of this machine, with the caller's rights. */
extern const char *const words_program_agents[];
extern const char *const words_sections[]; /* without the app sections */
extern const char *const words_app_sections[];

/* The table's own text, or NULL. */
const char *words_find(const char *const *words, struct str word);
bool words_contain(const char *const *words, struct str word);
/* The word that was probably meant by `word`, or NULL. */
const char *words_nearest(const char *const *words, struct str word);
/* "otherurl" and digits, the one key with a number. */
bool words_is_otherurl(struct str key);

#endif
