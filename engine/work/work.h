/* SPDX-License-Identifier: MIT
 * work.h - the work on a graph of steps: what was asked for, and what is known so far.
 *
 * Purpose:   what the steps, the executor and its callers share. The folder knows what a
 *            step is, but none of its kinds: those are in steps/, above.
 * Ownership: work_release() frees what work_init() made; everything in the options is
 *            borrowed, and must outlive it.
 * Threads:   work_init() before worker threads start (it reads the environment). A step's
 *            state is written by the one thread that probes and runs it, and read by
 *            steps that come after it; the scheduler's queue orders the two. Everything
 *            else is const from then on, or guards itself.
 * Errors:    work_init(): ERR_USAGE for a SOURCE_DATE_EPOCH that is not a number.
 */
#ifndef ENGINE_WORK_WORK_H
#define ENGINE_WORK_WORK_H

#include "cache/failed.h"
#include "cache/key.h"
#include "cache/layer.h"
#include "cache/stat_memo.h"
#include "cache/store.h"
#include "engine/image/sqfs_write.h"
#include "engine/oci/oci_platform.h"
#include "engine/oci/registry.h"
#include "engine/run/security.h"
#include "engine/tree/tree_list.h"
#include "engine/work/flight.h"
#include "engine/work/freshness.h"
#include "engine/work/miss.h"
#include "engine/work/step.h"
#include "scheduler/executor.h"

/* What a pass over the graph is for; it decides what is looked at, kept and written. */
enum work_purpose {
	WORK_LOOK, /* what is there, and if not, why?  Nothing is mounted, noted or
		      written */
	/* Build, in namespaces of our own, where mounts are possible.  Layers are
	 * compared with what they were; what is found and made is remembered. */
	WORK_BUILD,
};

struct work_options {
	const struct step *const *steps; /* by node index */
	size_t n_steps;
	struct store *store;
	struct registry *registry; /* NULL: no network is used */
	const char *id_map;	   /* text that names how ids are mapped: run/userns.h */
	enum work_purpose purpose;
	int64_t resolved_since;		   /* clock_real_ns() of the command's start */
	const struct freshness *freshness; /* NULL: without any option */
	unsigned jobs;
	/* The image; NULL output: `pack` is not run. */
	const char *output; /* absolute */
	bool force;	    /* overwrite whatever is there */
	enum sqfs_compression compression;
	uint64_t max_file;	   /* bytes of a file, also in a layer, holes included */
	enum security security;	   /* of %post and %test */
	struct failed_limits keep; /* of failed steps' root filesystems */
};

struct step_state {
	struct digest key;
	struct key *inputs;   /* what went into the key; NULL before the probe */
	struct digest source; /* base: what the agent resolved; copy, files: the content
				 digest */
	struct snapshot snapshot; /* of a done step: the root filesystem after it */
	/* What is needed later of a done step's record; the records themselves would all
	 * be held at the same time. */
	uint64_t made_ms;
	uint64_t time_s;     /* meta: the build's */
	uint64_t image_size; /* pack: bytes, once it ran */
	char *oci_config;    /* base: NULL when it has none */
	int64_t resolved_ns; /* base: when its tag was; 0 for what needs no resolving */
	enum miss miss;	     /* of a step that is not done */
	bool is_done;	     /* a hit, or it ran: what it makes is there */
	bool is_known;	     /* `inputs` is complete except for what waits_for leaves
				open */
	struct node_id waits_for; /* parent or producer that is not done; NODE_NONE */
	struct tree_list list;	  /* copy, files: what was looked at, or copied */
};

struct work {
	struct work_options options;
	struct step_state *states; /* by node index */
	struct flight_table *flights;
	struct stat_memo *memo;	      /* of host files */
	struct oci_platform platform; /* this machine's */
	char *id_class;		      /* the part of the id map in keys */
	bool epoch_set;		      /* SOURCE_DATE_EPOCH */
	int64_t epoch_s;
	bool epoch_is_past; /* it was when the work began */
	char **passed_env;  /* "NAME=VALUE" from APPTAINERENV_*, SINGULARITYENV_*, sorted
			    */
	size_t n_passed_env;
};

/* `out` is zeros; release it also after an error. */
NODISCARD struct err *work_init(struct work *out, const struct work_options *options);
void work_release(struct work *w);

struct step_state *work_state(const struct work *w, struct node_id id);
/* How fresh what the step uses must be. */
const struct freshness_rule *work_rule(const struct work *w, const struct step *step);
/* Why `record` does not count for the step, by its age; MISS_NONE when it does. */
enum miss work_refuses(const struct work *w, const struct step *step,
		       const cJSON *record);
/* The root filesystem that `step` starts from; empty without a parent. */
const struct snapshot *work_parent(const struct work *w, const struct step *step);
/* With SOURCE_DATE_EPOCH: the times in `layer` become part of its identity.  ERR_NOTFOUND
 * when they are not known, and this pass may not look. */
NODISCARD struct err *work_add_times(const struct work *w, struct task *task,
				     struct layer_id *layer);
struct digest work_parent_digest(const struct work *w, const struct step *step);
/* The parent, else the producer, else the host script before it, of `step` if that is not
 * done: when only probing, the run goes on past a miss. */
struct node_id work_waits_for(const struct work *w, const struct step *step);

#endif
