/* SPDX-License-Identifier: MIT
 * local_archive.c - see local_archive.h.
 */
#include "engine/agent/local_archive.h"

#include <string.h>

#include "engine/agent/local_file.h"

static const char KIND[] = "image archive";

struct local_archive {
	struct oci_local_ref ref;
	const char *part; /* of `From`: all behind the path */
	struct local_file file;
};

static void local_archive_close(struct local_archive *a)
{
	local_file_close(&a->file);
	oci_local_ref_release(&a->ref);
}

static struct err *open_it(const struct step_base *base, struct local_archive *out)
{
	TRY(oci_local_ref_parse(base->from, &out->ref));
	out->part = base->from + strlen(out->ref.path);
	TRY(local_file_open(out->ref.path, &out->file));
	if (!S_ISREG(out->file.stat.st_mode))
		return err_hint(err_new(ERR_USAGE, "it is a folder"),
				"for a folder with an OCI layout write 'Bootstrap: oci'");
	return NULL;
}

static struct err *resolve(const struct agent_context *c, const struct step_base *base,
			   struct digest *out)
{
	CLEANUP(local_archive_close)
	struct local_archive a = {.file = LOCAL_FILE_INIT};

	TRY(open_it(base, &a));
	return local_file_name(c, &a.file, KIND, a.part, out);
}

struct err *local_archive_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	return err_wrap(resolve(c, base, out), "image '%s' cannot be used", base->from);
}

/* A file that changes while it is read may seem damaged. */
static struct err *check_after(const struct agent_context *c, struct local_archive *a,
			       const struct digest *resolved, struct err *e)
{
	struct err *changed;

	if (e && err_code(e) == ERR_CANCELLED)
		return e;
	changed = local_file_check(c, &a->file, KIND, a->part, resolved);
	if (!changed)
		return e;
	err_ignore(e, "the file was not what it seemed");
	return changed;
}

static struct err *fetch(const struct agent_context *c, const struct step_base *base,
			 const struct digest *resolved, local_archive_bring bring,
			 struct agent_base *out)
{
	CLEANUP(local_archive_close)
	struct local_archive a = {.file = LOCAL_FILE_INIT};
	CLEANUP(archive_close) struct archive archive = ARCHIVE_INIT;
	struct agent_context local = *c;
	struct err *e;

	/* No network is needed: it does not matter if there is none. */
	local.use_network = true;
	TRY(open_it(base, &a));
	e = archive_open(c, a.file.fd, (uint64_t)a.file.stat.st_size, &archive);
	TRY(check_after(c, &a, resolved, e));
	return bring(&local, &archive, &a.ref, out);
}

struct err *local_archive_fetch(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, local_archive_bring bring,
				struct agent_base *out)
{
	return err_wrap(fetch(c, base, resolved, bring, out), "image '%s' cannot be used",
			base->from);
}
