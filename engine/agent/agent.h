/* SPDX-License-Identifier: MIT
 * agent.h - bootstrap agents: where a stage's first root filesystem comes from.
 *
 * Purpose:   one file and one row of agent_table.c for each agent.
 * Ownership: agent_base_release() frees what fetch() made.
 * Threads:   any; one context per call.
 * Errors:    resolve(): ERR_NOTFOUND when only a network request could tell and none is
 *            allowed; else what registry.h says.
 */
#ifndef ENGINE_AGENT_AGENT_H
#define ENGINE_AGENT_AGENT_H

#include "base/content_memo.h"
#include "cache/layer.h"
#include "engine/work/flight.h"
#include "engine/oci/oci_manifest.h"
#include "engine/oci/registry.h"
#include "engine/work/script.h"
#include "engine/work/step.h"
#include "scheduler/executor.h"

struct agent_context {
	struct store *store;
	struct registry *registry;
	struct flight_table *flights;
	struct task *task;
	const char *id_class, *id_map; /* how ids are mapped: for keys, for records */
	struct oci_platform platform;
	struct content_memo memo; /* of files of the host */
	bool use_network;	  /* resolve() may make requests */
	/* clock_real_ns(): what was resolved after that needs no request. */
	int64_t resolved_since;
	/* What is remembered is not enough: resolve() asks now, or gives ERR_NETWORK. */
	bool is_fresh;
	/* The most bytes of a file, also of one in a layer, holes included; 0: no
	 * limit. */
	uint64_t max_file;
	/* With SOURCE_DATE_EPOCH times count, those after it as it. */
	bool times_count;
	int64_t clamp_s;
	/* resolve() sets it to the time of the request, clock_real_ns(); left alone when
	 * the base needs none; may be NULL. */
	int64_t *resolved_ns;
	/* Of programs that fill() runs; NULL elsewhere. */
	struct script_output *output;
	int hold_fd; /* as in host_script.h */
};

/* What an agent brings: layers, and the image configuration if there is one. */
struct agent_base {
	struct snapshot layers;
	struct oci_config config;
	bool has_config;
	/* It was made by Apptainer, or by us: what such an image holds of its own, such
	 * as scripts, stays. */
	bool is_image;
	/* Its oci-config.json, from a registry's image or from that image's own base;
	 * NULL: it has none. */
	char *oci_config;
	/* oci_platform.level of the machine that chose, when another processor may get
	 * other layers for the same source ("": it had none); else NULL. */
	const char *level;
};

#define AGENT_BASE_INIT                                                                  \
	{                                                                                \
		0                                                                        \
	}

struct agent {
	const char *name; /* value of `Bootstrap:` */
	/* Why nobody can use it, and what to do; NULL for all that work, whose functions
	 * follow. */
	const char *why_not, *instead;
	/* What a lock file calls the source, in its one normal form, for free(); a NULL
	 * member: there is nothing to lock.  `*is_pinned`: it holds the digest
	 * already. */
	struct err *(*reference)(const struct step_base *base, char **out,
				 bool *is_pinned);
	/* What the source is at present, as a digest for the step's key; unset where only
	 * our user namespace shows it. */
	struct err *(*resolve)(const struct agent_context *context,
			       const struct step_base *base, struct digest *out);
	/* Fetch what resolve() named; NULL: there is nothing to fetch. */
	struct err *(*fetch)(const struct agent_context *context,
			     const struct step_base *base, const struct digest *resolved,
			     struct agent_base *out);
	/* Fill the root filesystem, which is mounted at `root` and empty; NULL: what was
	 * fetched is all. */
	struct err *(*fill)(const struct agent_context *context,
			    const struct step_base *base, const struct digest *resolved,
			    const char *root);
	/* fill() gives what the source holds then, whatever `resolved` names: so it must
	 * be the same before and after. */
	bool is_unpinned;
	/* A command that then runs in a container; NULL: none. */
	const char *const *install;
};

/* NULL when there is none of that name. */
const struct agent *agent_find(const char *name);
void agent_base_release(struct agent_base *base);

extern const struct agent agent_arch;
extern const struct agent agent_busybox;
extern const struct agent agent_debootstrap;
extern const struct agent agent_dnf;
extern const struct agent agent_docker;
extern const struct agent agent_docker_archive;
extern const struct agent agent_docker_daemon;
extern const struct agent agent_library;
extern const struct agent agent_localimage;
extern const struct agent agent_oci;
extern const struct agent agent_oci_archive;
extern const struct agent agent_oras;
extern const struct agent agent_scratch;
extern const struct agent agent_shub;
extern const struct agent agent_yum;
extern const struct agent agent_zypper;

#endif
