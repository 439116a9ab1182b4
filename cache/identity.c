/* SPDX-License-Identifier: MIT
 * identity.c - see identity.h.
 */
#include "cache/identity.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {
	[IDENTITY_NONE] = "none",     [IDENTITY_TREE] = "tree",
	[IDENTITY_DIFF] = "diff",     [IDENTITY_CHAIN] = "chain",
	[IDENTITY_MERGED] = "merged",
};
TABLE_HAS_ALL(kinds, IDENTITY_KINDS);

bool identity_is_foreign(const struct identity *id)
{
	return id->kind == IDENTITY_DIFF || id->kind == IDENTITY_CHAIN;
}

const char *identity_format(const struct identity *id, char *out)
{
	char text[DIGEST_TEXT_SIZE];

	snprintf(out, IDENTITY_TEXT_SIZE, "%s:%s", kinds[id->kind],
		 digest_format(&id->digest, text));
	return out;
}

bool identity_parse(struct str text, struct identity *out)
{
	struct str kind, digest;

	*out = (struct identity){0};
	if (!str_cut(text, ':', &kind, &digest) || !digest_parse(digest, &out->digest) ||
	    out->digest.kind != DIGEST_SHA256)
		return false;
	for (unsigned i = IDENTITY_NONE + 1; i < IDENTITY_KINDS; i++)
		if (str_is(kind, kinds[i]))
			out->kind = (enum identity_kind)i;
	return out->kind != IDENTITY_NONE;
}

void identity_add(struct hasher *h, const struct identity *id)
{
	char text[IDENTITY_TEXT_SIZE];

	assert(id->kind != IDENTITY_NONE);
	hasher_add_str(h, identity_format(id, text));
	hasher_add(h, id->times.bytes,
		   digest_is_set(&id->times) ? sizeof(id->times.bytes) : 0);
}
