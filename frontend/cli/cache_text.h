/* SPDX-License-Identifier: MIT
 * cache_text.h - what `dagbuild cache` says, for people and as JSON.
 *
 * Ownership: struct cache_victims and struct cache_findings own what they collect.
 * Threads:   main thread only.
 */
#ifndef FRONTEND_CLI_CACHE_TEXT_H
#define FRONTEND_CLI_CACHE_TEXT_H

#include "base/buf.h"
#include "base/vec.h"
#include "cache/gc.h"
#include "cache/inventory.h"
#include "cache/store_make.h"
#include "cache/verify.h"

void cache_text_usage(const struct usage_report *report, struct buf *out);
void cache_json_usage(const struct usage_report *report, struct buf *out);

/* Steps, the most recently used first. */
void cache_text_records(const struct inventory *inv, struct buf *out);
void cache_json_records(const struct inventory *inv, struct buf *out);

struct cache_victims {
	VEC(struct gc_victim) items; /* names are owned */
};

/* For gc_policy.show; the context is a struct cache_victims. */
void cache_victims_add(void *context, const struct gc_victim *victim);
void cache_victims_release(struct cache_victims *v);
void cache_text_victims(const struct cache_victims *v, struct buf *out);
void cache_json_victims(const struct cache_victims *v, const struct gc_result *result,
			bool dry_run, struct buf *out);
/* "freed 1.2 GB in 12 files", to standard error. */
void cache_text_freed(const struct gc_result *result, bool dry_run);
/* What `clear` leaves in folder `dir`; says nothing when it leaves nothing. */
void cache_text_rest(const struct store_rest *rest, const char *dir);

struct cache_findings {
	VEC(struct verify_finding)
	items; /* names are owned; kind and what are literals */
};

/* For verify_options.show; the context is a struct cache_findings. */
void cache_findings_add(void *context, const struct verify_finding *finding);
void cache_findings_release(struct cache_findings *f);
void cache_text_findings(const struct cache_findings *f, struct buf *out);
void cache_json_findings(const struct cache_findings *f,
			 const struct verify_result *result, bool repair,
			 struct buf *out);
void cache_text_verified(const struct verify_result *result, bool repair);

#endif
