/* SPDX-License-Identifier: MIT
 * check_agents.c - the agent of a stage, the headers it needs and those it ignores.
 */
#include <string.h>
#include <strings.h>

#include "engine/oci/library.h"
#include "engine/oci/oci_local_ref.h"
#include "engine/oci/oci_ref.h"
#include "frontend/check/check_private.h"
#include "frontend/def/words.h"

enum { HEADERS_MAX = 12 };

/* Apptainer's agents and the headers they read (docs/definition-files.md). */
static const struct agent_row {
	const char *name;
	const char *needs[3]; /* ends with NULL */
	const char *uses[HEADERS_MAX];
} agents[] = {
	{"docker", {"from"}, {"registry", "namespace"}},
	{"docker-archive", {"from"}, {"registry", "namespace"}},
	{"docker-daemon", {"from"}, {"registry", "namespace"}},
	{"oci", {"from"}, {"registry", "namespace"}},
	{"oci-archive", {"from"}, {"registry", "namespace"}},
	{"oras", {"from"}, {"fingerprints"}},
	{"library", {"from"}, {"library", "fingerprints"}},
	{"shub", {"from"}, {"fingerprints"}},
	{"localimage", {"from"}, {"fingerprints"}},
	{"scratch", {NULL}, {NULL}},
	{"busybox", {"mirrorurl"}, {NULL}},
	{"debootstrap", {"mirrorurl", "osversion"}, {"include"}},
	{"yum", {"mirrorurl"}, {"osversion", "updateurl", "include", "setopt"}},
	{"dnf", {"mirrorurl"}, {"osversion", "updateurl", "include", "setopt"}},
	{"zypper",
	 {NULL},
	 {"mirrorurl", "updateurl", "osversion", "include", "product", "user", "regcode",
	  "productpgp", "registerurl", "modules", "otherurl", "setopt"}},
	{"arch", {NULL}, {"confurl", "include"}},
};

static const struct agent_row *find_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		if (strcmp(agents[i].name, name) == 0)
			return &agents[i];
	return NULL;
}

static void unknown_agent(struct check *c, const struct def_header *agent)
{
	struct diag *d =
		agent->value[0]
			? diag_add(c->diags, DIAG_UNKNOWN_AGENT, agent->value_span,
				   "unknown bootstrap agent '%s'", agent->value)
			: diag_add(c->diags, DIAG_UNKNOWN_AGENT, agent->value_span,
				   "the bootstrap agent is missing");
	const char *near = words_nearest(words_agents, str_of(agent->value));

	if (near)
		diag_hint(d, "did you mean '%s'?", near);
	else
		diag_hint(d, "write 'Bootstrap: docker', for example");
}

/* ---- headers that are missing ---- */

static bool is_given(const struct def_stage *stage, const char *key)
{
	const char *value = def_header(stage, key);

	return value && value[0];
}

static void missing(struct check *c, const struct def_stage *stage, const char *key)
{
	const struct def_header *agent = def_header_find(stage, "bootstrap");
	const struct def_header *empty = def_header_find(stage, key);
	struct diag *d = diag_add(c->diags, DIAG_MISSING_HEADER,
				  empty ? empty->key_span : agent->value_span,
				  "the agent '%s' needs %s header '%s'", agent->value,
				  empty ? "a value for the" : "the", key);

	if (empty)
		diag_hint(d, strcmp(key, "from") == 0 ? "write 'From: IMAGE'"
						      : "write one after the colon");
	else
		diag_hint(d, strcmp(key, "from") == 0 ? "add 'From: IMAGE' below"
						      : "add it below");
}

/* `%{OSVERSION}` in a URL stands for the header. */
static bool names_version(const struct def_stage *stage, const char *key)
{
	const char *url = def_header(stage, key);

	return url && strcasestr(url, "%{osversion}");
}

static void check_needed(struct check *c, const struct def_stage *stage,
			 const struct agent_row *row)
{
	static const char *const registration[] = {"product", "user", "regcode"};
	bool is_yum = strcmp(row->name, "yum") == 0 || strcmp(row->name, "dnf") == 0;
	size_t n = 0;

	for (const char *const *key = row->needs; *key; key++)
		if (!is_given(stage, *key))
			missing(c, stage, *key);
	if (is_yum && !is_given(stage, "osversion") &&
	    (names_version(stage, "mirrorurl") || names_version(stage, "updateurl")))
		missing(c, stage, "osversion");
	for (size_t i = 0; i < ARRAY_LEN(registration); i++)
		n += is_given(stage, registration[i]);
	for (size_t i = 0;
	     strcmp(row->name, "zypper") == 0 && n > 0 && i < ARRAY_LEN(registration);
	     i++)
		if (!is_given(stage, registration[i]))
			missing(c, stage, registration[i]);
}

/* ---- headers that are not used ---- */

static bool is_used(const struct agent_row *row, const char *key)
{
	static const char *const always[] = {"bootstrap", "stage", NULL};
	const char *name = words_is_otherurl(str_of(key)) ? "otherurl" : key;

	return words_contain(always, str_of(key)) ||
	       words_contain(row->needs, str_of(key)) ||
	       words_contain(row->uses, str_of(name));
}

static void check_ignored(struct check *c, const struct def_stage *stage,
			  const struct agent_row *row)
{
	for (const struct def_header *h = stage->headers; h; h = h->next)
		if (!is_used(row, h->key))
			diag_hint(diag_add(c->diags, DIAG_IGNORED_HEADER, h->key_span,
					   "the agent '%s' ignores the header '%s'",
					   row->name, h->key),
				  "remove it");
}

/* ---- references ---- */

static void invalid_reference(struct check *c, const struct def_header *from,
			      struct err *e)
{
	const char *bare = strstr(from->value, "://");
	struct diag *d = diag_add(c->diags, DIAG_INVALID_REFERENCE, from->value_span,
				  "%s", err_text(e));

	if (bare && bare[3])
		diag_hint(d, "write '%s'", bare + 3);
	else if (err_advice(e))
		diag_hint(d, "%s", err_advice(e));
	else
		diag_hint(d, "write 'NAME:TAG', such as alpine:3.17");
	err_free(e);
}

/* An image without a tag has `latest`, which is another image tomorrow. */
static void floating_tag(struct check *c, const struct def_header *from)
{
	struct str name = str_of(from->value);

	if (str_ends_with(name, ":latest"))
		name.len -= strlen(":latest");
	diag_hint(diag_add(c->diags, DIAG_FLOATING_TAG, from->value_span,
			   "'%s' may name a different image later", from->value),
		  "name a version: '%.*s:TAG'", STR_ARG(name));
}

static void check_reference(struct check *c, const struct def_stage *stage)
{
	const struct def_header *from = def_header_find(stage, "from");
	const char *image = def_image(stage, c->arena);
	struct oci_ref ref = OCI_REF_INIT;
	struct err *e;

	/* "oras" takes "//HOST/NAME", too. */
	if (strcmp(def_header(stage, "bootstrap"), "oras") == 0 &&
	    strncmp(image, "//", 2) == 0)
		image += 2;
	e = oci_ref_parse(image, &ref);

	if (e)
		invalid_reference(c, from, e);
	else if (!digest_is_set(&ref.digest) && strcmp(ref.tag, "latest") == 0)
		floating_tag(c, from);
	oci_ref_release(&ref);
}

static void check_library(struct check *c, const struct def_stage *stage)
{
	CLEANUP(library_ref_release) struct library_ref ref = LIBRARY_REF_INIT;
	const struct def_header *from = def_header_find(stage, "from");
	const char *server = def_header(stage, "library");
	struct err *e =
		library_ref_parse(from->value, server && server[0] ? server : NULL, &ref);

	/* Of the server or of the image: the code tells. */
	if (e)
		invalid_reference(c,
				  err_code(e) == ERR_USAGE && server && server[0]
					  ? def_header_find(stage, "library")
					  : from,
				  e);
	else if (strcmp(ref.image.tag, "latest") == 0)
		floating_tag(c, from);
}

/* A path; behind that of an OCI image may stand which of the images there is meant. */
static void check_path(struct check *c, const struct def_stage *stage)
{
	const struct def_header *from = def_header_find(stage, "from");
	CLEANUP(oci_local_ref_release) struct oci_local_ref ref = {0};
	struct err *e;

	if (!words_contain(words_oci_agents, str_of(def_header(stage, "bootstrap")))) {
		check_host_source(c, stage, from->value, from->value_span, false);
		return;
	}
	e = oci_local_ref_parse(from->value, &ref);
	if (e)
		invalid_reference(c, from, e);
	else
		check_host_source(c, stage, ref.path, from->value_span, false);
}

void check_agent(struct check *c, const struct def_stage *stage)
{
	static const char *const from_registry[] = {"docker", "oras", NULL};
	const struct def_header *agent = def_header_find(stage, "bootstrap");
	const struct agent_row *row;

	if (!agent) {
		if (stage->has_bad_header)
			return;
		diag_hint(diag_add(c->diags, DIAG_MISSING_BOOTSTRAP, stage->span,
				   "the stage has no header 'Bootstrap'"),
			  "begin it with a line 'Bootstrap: AGENT'");
		return;
	}
	row = find_row(agent->value);
	if (!row) {
		unknown_agent(c, agent);
		return;
	}
	check_ignored(c, stage, row);
	if (stage->has_bad_header)
		return;
	check_needed(c, stage, row);
	if (!is_given(stage, "from"))
		return;
	if (words_contain(from_registry, str_of(row->name)))
		check_reference(c, stage);
	else if (strcmp(row->name, "library") == 0)
		check_library(c, stage);
	else if (words_contain(words_local_agents, str_of(row->name)))
		check_path(c, stage);
}
