/* SPDX-License-Identifier: MIT
 * key_parts.c - see key_parts.h.
 */
#include "engine/executor/key_parts.h"

#include <string.h>

#define PRE (1U << STEP_PRE)
#define BASE (1U << STEP_BASE)
#define APPS (1U << STEP_APPS)
#define COPY (1U << STEP_COPY)
#define SETUP (1U << STEP_SETUP)
#define FILES (1U << STEP_FILES)
#define POST (1U << STEP_POST)
#define META (1U << STEP_META)
#define TEST (1U << STEP_TEST)
#define PACK (1U << STEP_PACK)
#define HOST (PRE | SETUP)
#define ALL (HOST | BASE | APPS | COPY | FILES | POST | META | TEST | PACK)

const struct key_part key_parts_table[] = {
	{"architecture", ALL, PART_PLAIN, false,
	 "of this machine, as registries call it"},
	{"id map", ALL, PART_PLAIN, false,
	 "which owners there can be: root's, those of a user with a full range of "
	 "subordinate "
	 "ids, or those of a smaller range"},
	{"parent", ALL & ~(PRE | BASE), PART_PARENT, false,
	 "what the root filesystem holds that the step starts from: the identities of "
	 "its "
	 "layers"},
	{"version", BASE | APPS | META | PACK, PART_PLAIN, false,
	 "of dagbuild, which writes files of its own into every image"},
	{"agent", BASE, PART_PLAIN, false, "value of `Bootstrap:`"},
	{"source", BASE, PART_PLAIN, false,
	 "what `From:` (with `Registry:` and `Namespace:`) stands for now: a digest; for "
	 "packages the index of the mirror, and what the program is told"},
	{"fingerprints", BASE, PART_PLAIN, true,
	 "the header, where there is one: keys that must have signed the image"},
	{"apps", APPS, PART_SET, false,
	 "names of the apps, their sections and labels, template arguments replaced; "
	 "`%appinstall` is part of `post`"},
	{"list", APPS | COPY | FILES, PART_SET, false, "sources and targets, as written"},
	{"content", APPS | COPY | FILES, PART_FILES, false,
	 "what the sources hold: names, types, modes, link targets, data; from a stage "
	 "also "
	 "owners, capabilities, hard links, and with `SOURCE_DATE_EPOCH` times"},
	{"script", HOST | POST, PART_LINES, false,
	 "text of the section, template arguments replaced"},
	{"arguments", HOST | POST, PART_LINES, false, "what follows the section's name"},
	{"temporary files", POST, PART_PLAIN, false,
	 "`--keep-tmp`: whether what the section leaves in `/tmp` and `/var/tmp` stays"},
	{"constant environment", POST | TEST, PART_LINES, false,
	 "variables and umask that every script gets"},
	{"passed environment", POST | TEST, PART_SET, false,
	 "variables given as `APPTAINERENV_NAME` or `SINGULARITYENV_NAME`"},
	{"security", POST | TEST, PART_PLAIN, false,
	 "`--security`: what the container lets the script do"},
	{"cpu", POST | TEST, PART_PLAIN, true,
	 "of this machine: model and instruction set, if the script, what follows "
	 "`%post` or `%test`, or a passed variable asks for it "
	 "(`-march=native`, `-mcpu=native`, `-xHost`, `target-cpu=native`)"},
	{"help", META, PART_LINES, false, "the section"},
	{"environment", META, PART_LINES, false, "the section"},
	{"runscript", META, PART_LINES, false,
	 "the section, and what follows on its line"},
	{"startscript", META, PART_LINES, false, "the same"},
	{"test", META, PART_LINES, false,
	 "the same; a `test` step sees it through `parent`"},
	{"labels", META, PART_SET, false, "the section"},
	{"headers", META, PART_SET, false, "of the stage: they become labels"},
	/* Every change shows in it, so more specific parts come first. */
	{"definition", META, PART_LINES, false,
	 "in the stage of the image: the whole text, which is stored in the image"},
	{"base configuration", PACK, PART_PARENT, true,
	 "of the base image: it is stored in the image"},
	{"output", PACK, PART_PLAIN, false, "path of the image"},
	{"compression", PACK, PART_PLAIN, false, "`--compress`"},
	{"SOURCE_DATE_EPOCH", HOST | POST | META | TEST | PACK, PART_PLAIN, true,
	 "if it is set"},
};

const size_t key_parts_len = ARRAY_LEN(key_parts_table);

bool key_part_is_of(const struct key_part *part, enum step_kind kind)
{
	return (part->kinds >> kind & 1U) != 0;
}

static bool is_known(const char *name, enum step_kind kind)
{
	for (size_t i = 0; i < key_parts_len; i++)
		if (key_part_is_of(&key_parts_table[i], kind) &&
		    strcmp(key_parts_table[i].name, name) == 0)
			return true;
	return false;
}

bool key_parts_agree(const struct key *key, enum step_kind kind)
{
	for (size_t i = 0; i < key_parts_len; i++)
		if (key_part_is_of(&key_parts_table[i], kind) &&
		    !key_parts_table[i].is_optional &&
		    !key_has(key, key_parts_table[i].name))
			return false;
	for (size_t i = 0; key_name(key, i); i++)
		if (!is_known(key_name(key, i), kind))
			return false;
	return true;
}
