/* SPDX-License-Identifier: MIT
 * oci_index.c - see oci_index.h; oci-image-spec, image-index.md.
 */
#include "engine/oci/oci_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/oci/oci_manifest.h"

/* How many of an index's platforms are listed when none fits. */
static const size_t LISTED_MAX = 12;

void oci_choice_release(struct oci_choice *c)
{
	oci_descriptor_release(&c->entry);
	free(c->variant);
	*c = (struct oci_choice)OCI_CHOICE_INIT;
}

/* What an entry says of its platform; each may be NULL. */
struct said {
	const char *os, *architecture, *variant;
};

static struct said said_of(const cJSON *entry)
{
	const cJSON *platform = json_object(entry, "platform");

	return (struct said){json_string(platform, "os"),
			     json_string(platform, "architecture"),
			     json_string(platform, "variant")};
}

static bool is_text(const char *text, const char *wanted)
{
	return text && strcmp(text, wanted) == 0;
}

/* An image or an index of them: not an attestation, signature or other artifact. */
static bool is_image(const cJSON *entry)
{
	const char *type = json_string(entry, "mediaType");
	struct said said = said_of(entry);

	return cJSON_IsObject(entry) && (!type || oci_type_is_document(str_of(type))) &&
	       !json_string(entry, "artifactType") &&
	       !json_string(json_object(entry, "annotations"),
			    "vnd.docker.reference.type") &&
	       !is_text(said.os, "unknown") && !is_text(said.architecture, "unknown");
}

static bool says_nothing(const cJSON *entry)
{
	struct said said = said_of(entry);

	return (!said.os || !said.os[0]) && (!said.architecture || !said.architecture[0]);
}

static void list_one(struct buf *out, const struct said *said)
{
	buf_printf(out, "%s%.20s/%.20s%s%.20s", out->len > 0 ? ", " : "",
		   said->os && said->os[0] ? said->os : "any",
		   said->architecture && said->architecture[0] ? said->architecture
							       : "any",
		   said->variant && said->variant[0] ? "/" : "",
		   said->variant ? said->variant : "");
}

static struct err *nothing_fits(const cJSON *manifests, const struct oci_platform *want)
{
	CLEANUP(buf_release) struct buf there = BUF_INIT;
	const cJSON *entry;
	size_t n = 0;

	cJSON_ArrayForEach(entry, manifests)
	{
		struct said said = said_of(entry);

		if (is_image(entry) && n++ < LISTED_MAX)
			list_one(&there, &said);
	}
	if (n > LISTED_MAX)
		buf_printf(&there, ", and %zu more", n - LISTED_MAX);
	return err_new(ERR_NOTFOUND, "the image has nothing for %s/%s%s%s (it has: %s)",
		       want->os, want->architecture, want->level ? " up to " : "",
		       want->level ? want->level : "",
		       there.len > 0 ? buf_text(&there) : "nothing");
}

/* Is it only for some processors of the architecture? */
static bool is_for_younger(const struct oci_platform *want, const struct said *said)
{
	struct oci_platform young = *want;

	/* Beyond every level that exists. */
	young.level = "v9.90";
	return !oci_platform_is_base(want->architecture, said->variant) &&
	       oci_platform_fitness(&young, said->os, said->architecture, said->variant) >
		       0;
}

/* The best of all; the first of several equally good ones. */
static const cJSON *best_of(const cJSON *manifests, const struct oci_platform *want,
			    bool *is_by_level)
{
	const cJSON *entry, *best = NULL, *sole = NULL;
	unsigned best_fitness = 0;
	size_t n = 0;

	cJSON_ArrayForEach(entry, manifests)
	{
		struct said said = said_of(entry);
		unsigned fit;

		if (!is_image(entry))
			continue;
		n++;
		sole = entry;
		if (says_nothing(entry))
			continue;
		*is_by_level = *is_by_level || is_for_younger(want, &said);
		fit = oci_platform_fitness(want, said.os, said.architecture,
					   said.variant);
		if (fit > best_fitness) {
			best = entry;
			best_fitness = fit;
		}
	}
	/* An index of one image does not need to say what it is for. */
	return !best && n == 1 && says_nothing(sole) ? sole : best;
}

struct err *oci_index_choose(struct str text, const struct oci_platform *platform,
			     struct oci_choice *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *manifests, *best;
	struct said said;

	TRY(oci_document_parse(text, &tree));
	manifests = json_array(tree, "manifests");
	best = best_of(manifests, platform, &out->is_by_level);
	if (!best)
		return nothing_fits(manifests, platform);
	said = said_of(best);
	if (!oci_platform_is_base(platform->architecture, said.variant))
		out->variant = xstrdup(said.variant);
	TRY(oci_descriptor_parse(best, &out->entry));
	if (out->entry.size > OCI_DOCUMENT_MAX)
		return err_new(ERR_CORRUPT, "a manifest of %llu bytes, more than %llu",
			       (unsigned long long)out->entry.size,
			       (unsigned long long)OCI_DOCUMENT_MAX);
	return NULL;
}
