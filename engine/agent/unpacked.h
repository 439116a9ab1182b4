/* SPDX-License-Identifier: MIT
 * unpacked.h - a layer that an archive was unpacked to, and the record that names it.
 *
 * Purpose:   what is unpacked once serves every definition with the same base, and every
 *            stage: the record's key is a digest of the archive.
 * Ownership: unpacked_release() ends one.
 * Threads:   any; callers that may unpack the same archive enter a flight first.
 * Errors:    those of the store.
 */
#ifndef ENGINE_AGENT_UNPACKED_H
#define ENGINE_AGENT_UNPACKED_H

#include "engine/agent/agent.h"

struct unpacked {
	bool needs_parents;    /* there is no layer: it must be applied onto others */
	bool has_root;	       /* as in struct unpack_result */
	bool is_less;	       /* holds less than the archive's name says */
	struct snapshot layer; /* one, or none; has an identity if it is less */
	char *oci_config;      /* as in struct agent_base: of an image file */
};

/* The key of the record: of what `kind`, and of which archive. */
struct digest unpacked_key(const struct agent_context *c, const char *kind,
			   const struct digest *id);
/* What an earlier run has made; false when it must be made. */
bool unpacked_load(const struct agent_context *c, const struct digest *key,
		   struct unpacked *out);
NODISCARD struct err *unpacked_save(const struct agent_context *c,
				    const struct digest *key, const struct unpacked *u);
/* Folder "upper" of `scratch` becomes the layer; with `has_name` the caller has a name
 * for what it holds, unless it is less, and it gets no identity of its own. */
NODISCARD struct err *unpacked_publish(const struct scratch *scratch,
				       const struct task *task, bool has_name,
				       struct unpacked *u);
void unpacked_release(struct unpacked *u);

#endif
