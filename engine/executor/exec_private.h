/* SPDX-License-Identifier: MIT
 * exec_private.h - what the files that run steps share.
 *
 * A step's state is written by the one thread that probes and runs it, and read by steps
 * that come after it; the scheduler's queue orders the two.
 */
#ifndef ENGINE_EXECUTOR_EXEC_PRIVATE_H
#define ENGINE_EXECUTOR_EXEC_PRIVATE_H

#include "cache/key.h"
#include "cache/layer.h"
#include "cache/record.h"
#include "cache/stat_memo.h"
#include "engine/executor/exec.h"
#include "engine/work/flight.h"
#include "engine/oci/oci_manifest.h"
#include "engine/tree/overlay.h"
#include "engine/tree/tree_list.h"

struct step_state {
	struct digest key;
	struct key *inputs;   /* what went into the key; NULL before the probe */
	struct digest source; /* base: what the agent resolved; copy, files: the content
				 digest */
	struct snapshot snapshot; /* of a done step: the root filesystem after it */
	/* Of a done step's record, what is asked for later; the records of all steps would be
	 * held at once. */
	uint64_t made_ms;
	uint64_t time_s;     /* meta: the build's */
	char *oci_config;    /* base: NULL when it has none */
	int64_t resolved_ns; /* base: when its tag was; 0 for what needs no resolving */
	const char *miss;    /* why it was a miss: a literal */
	bool is_done;	     /* a hit, or it ran: what it makes is there */
	bool is_known;	     /* `inputs` is complete but for what waits_for leaves open */
	struct node_id waits_for; /* parent or producer that is not done; NODE_NONE */
	struct tree_list list;	  /* copy, files: what was looked at, or copied */
};

struct exec {
	struct exec_options options;
	struct step_state *states; /* by node index */
	struct flight_table *flights;
	struct stat_memo *memo;	      /* of host files */
	struct oci_platform platform; /* this machine's */
	char *architecture;	      /* the same, for keys */
	bool epoch_set;		      /* SOURCE_DATE_EPOCH */
	int64_t epoch_s;
	char **passed_env; /* "NAME=VALUE" from APPTAINERENV_*, SINGULARITYENV_*, sorted
			    */
	size_t n_passed_env;
	uint64_t image_size;
};

/* A root filesystem mounted in our own mount namespace. */
struct mounted {
	struct scratch scratch;
	char *upper, *work,
		*mount_point; /* absolute; upper and work NULL when read-only */
	bool is_mounted;
	int root_fd;
};

#define MOUNTED_INIT                                                                     \
	{                                                                                \
		SCRATCH_INIT, NULL, NULL, NULL, false, -1                                \
	}

/* What a step kind is: one row of the table in exec.c. */
struct step_ops {
	/* Complete state->inputs; sets state->miss and returns NULL with `*known` false
	 * when the key cannot be told without running. */
	struct err *(*compose)(struct exec *x, const struct step *step, struct task *task,
			       bool *known);
	/* May a record be used?  NULL: it may if its layers are there. */
	bool (*is_current)(struct exec *x, const struct step *step, const cJSON *record);
	/* Make it, fill state->snapshot, and add to `record` what is special to the kind.
	 */
	struct err *(*run)(struct exec *x, const struct step *step, struct task *task,
			   cJSON *record);
};

/* What step_state.miss points to when there is no record, and when what it tells of is not
 * there any more. */
extern const char exec_miss_new[], exec_miss_gone[];
/* Look at the files of a `%files` from the host again, into the step's list. */
NODISCARD struct err *exec_list_files(struct exec *x, const struct step *step);
/* The parent, else the producer, of `step` if it is not done: when only probing goes on
 * behind a miss. */
struct node_id exec_waits_for(struct exec *x, const struct step *step);
/* Compose the step's key into its state. */
NODISCARD struct err *exec_compose(struct exec *x, const struct step *step,
				   struct task *task, bool *known);

extern const struct step_ops step_base_ops, step_copy_ops, step_files_ops, step_post_ops,
	step_meta_ops, step_test_ops, step_pack_ops;

struct step_state *exec_state(struct exec *x, struct node_id id);
/* How fresh what the step uses must be. */
const struct freshness_rule *exec_rule(const struct exec *x, const struct step *step);
/* The root filesystem that `step` starts from; empty without a parent. */
const struct snapshot *exec_parent(struct exec *x, const struct step *step);
struct digest exec_parent_digest(struct exec *x, const struct step *step);
/* Options of an overlay over `chain`; `names` is for free(). */
struct overlay_spec exec_overlay(struct exec *x, const struct snapshot *chain,
				 const char ***names);
/* Mount `chain`, writable into a new upper or read-only. */
NODISCARD struct err *mounted_open(struct exec *x, const struct snapshot *chain,
				   bool writable, struct mounted *out);
/* Folders for a writable overlay over `chain`, but do not mount it. */
NODISCARD struct err *mounted_prepare(struct exec *x, const struct snapshot *chain,
				      struct mounted *out);
/* The same over the layers of `below`. */
NODISCARD struct err *mounted_prepare_over(const struct store *s,
					   const struct overlay_spec *below,
					   struct mounted *out);
/* Unmount, keeping the upper. */
NODISCARD struct err *mounted_close(struct mounted *m);
void mounted_release(struct mounted *m);
/* The upper of a closed mount becomes a layer on top of `below`, in the step's state. */
NODISCARD struct err *exec_commit_upper(struct exec *x, const struct step *step,
					struct task *task, struct mounted *m,
					const struct snapshot *below);
/* After reading a mounted `chain`, before what was read counts: was all of it there?
 * ERR_CORRUPT when not; ERR_CANCELLED. */
NODISCARD struct err *exec_check_read(struct exec *x, struct task *task,
				      const struct snapshot *chain);
/* Path of the step's log, for free(). */
char *exec_log_path(struct exec *x, const struct step *step);

#endif
