/* SPDX-License-Identifier: MIT
 * host_packages.c - see host_packages.h.
 */
#include "engine/agent/host_packages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/vec.h"
#include "engine/agent/package_rest.h"

/* An ordinary user's PATH may lack the folders of administration. */
static const char SYSTEM_PATH[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* The umask is not Apptainer's 0002, which makes what has no mode of its own writable for
 * a group. */
static const char BEFORE[] = "umask 022\n"
			     "root=$1\n"
			     "shift\n"
			     "devices='null random urandom zero'\n"
			     "mkdir \"$root/.host\" \"$root/dev\"\n"
			     "for name in $devices; do\n"
			     "	: >\"$root/dev/$name\"\n"
			     "	mount --bind \"/dev/$name\" \"$root/dev/$name\"\n"
			     "done\n"
			     /* What is killed leaves its files in /var/tmp. */
			     "unset TMPDIR\n"
			     "real=$(cd \"$root\" && pwd -P)\n"
			     "case \"$real $*\" in\n"
			     "*/var/tmp*) ;;\n"
			     "*)	if [ -d /var/tmp ] && [ ! -L /var/tmp ]; then\n"
			     "		mkdir \"$root/.host/tmp\"\n"
			     "		mount --bind \"$root/.host/tmp\" /var/tmp\n"
			     "	fi ;;\n"
			     "esac\n";
/* The devices are mounted for the script alone. */
static const char *const REST[] = {".host",	  "dev/null", "dev/random",
				   "dev/urandom", "dev/zero", "etc/hostname",
				   NULL};

/* ---- the program ---- */

static char *search_path(void)
{
	const char *path = getenv("PATH");
	bool has_path = path && path[0];

	return xasprintf("PATH=%s%s%s", has_path ? path : "", has_path ? ":" : "",
			 SYSTEM_PATH);
}

static bool is_there(const char *path, const char *program)
{
	struct str rest = str_of(path), folder;
	bool more = true;

	while (more) {
		CLEANUP(freep) char *name = NULL;

		more = str_cut(rest, ':', &folder, &rest);
		name = xasprintf("%.*s/%s", STR_ARG(folder), program);
		if (folder.len > 0 && access(name, X_OK) == 0)
			return true;
	}
	return false;
}

bool host_packages_has(const char *program)
{
	CLEANUP(freep) char *path = search_path();

	return is_there(path + strlen("PATH="), program);
}

static struct err *check_program(const struct host_packages *p)
{
	if (host_packages_has(p->program))
		return NULL;
	return err_hint(
		err_new(ERR_UNSUPPORTED, "this machine has no program '%s'", p->program),
		"install the package '%s'", p->package);
}

/* ---- running ---- */

/* The caller's environment, as for %setup, with a longer PATH. */
static const char **environment_of(const char *path)
{
	VEC(const char *) env = {0};

	vec_push(&env, path);
	for (char **word = environ; *word; word++)
		if (strncmp(*word, "PATH=", strlen("PATH=")) != 0)
			vec_push(&env, *word);
	vec_push(&env, NULL);
	return env.items;
}

static const char **command_of(const struct host_packages *p, const char *script,
			       const char *root)
{
	VEC(const char *) argv = {0};

	vec_push(&argv, "/bin/sh");
	vec_push(&argv, "-efc");
	vec_push(&argv, script);
	vec_push(&argv, p->program);
	vec_push(&argv, root);
	for (const char *const *arg = p->args; *arg; arg++)
		vec_push(&argv, *arg);
	vec_push(&argv, NULL);
	return argv.items;
}

/* ---- why it failed ---- */

/* The last line of the log that begins with `start`; without one the last that says
 * anything; NULL: there is none.  For free(). */
static char *last_reason(const struct script_output *out, const char *start)
{
	CLEANUP(fclosep) FILE *log = fopen(out->log_path, "re");
	CLEANUP(freep) char *last = NULL;
	char line[512], *found = NULL;

	while (log && fgets(line, sizeof(line), log)) {
		bool is_reason = strncmp(line, start, strlen(start)) == 0;
		char **to = is_reason ? &found : &last;

		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		free(*to);
		*to = xstrndup(line, strcspn(line, "\n"));
	}
	return found ? found : STEAL(last);
}

static struct err *failed(const struct agent_context *c, const struct host_packages *p,
			  int status)
{
	CLEANUP(freep) char *reason = last_reason(c->output, p->reason);
	CLEANUP(freep) char *advice = script_advice(c->output);

	return err_hint(err_new(ERR_STEP, "%s exited with status %d%s%s", p->program,
				status, reason ? ": " : "", reason ? reason : ""),
			"%s", advice);
}

/* Some options of theirs do something else, and end well. */
static struct err *check_proof(const struct agent_context *c,
			       const struct host_packages *p, const char *root)
{
	CLEANUP(freep) char *advice = script_advice(c->output);
	CLEANUP(closep) int root_fd = -1;
	CLEANUP(closep) int fd = -1;
	struct err *e;

	TRY(fs_open(AT_FDCWD, root, O_PATH | O_DIRECTORY, 0, &root_fd));
	e = path_open(root_fd, p->proof, O_PATH, 0, &fd);
	if (!e)
		return NULL;
	err_ignore(e, "told in other words");
	return err_hint(err_new(ERR_STEP,
				"%s ended well, but has installed nothing: there is no "
				"'/%s'",
				p->program, p->proof),
			"%s", advice);
}

struct err *host_packages_run(const struct agent_context *c, const char *root,
			      const struct host_packages *p)
{
	CLEANUP(freep) char *path = search_path();
	CLEANUP(freep) char *script = xasprintf("%s%s", BEFORE, p->script);
	CLEANUP(freep) const char **env = environment_of(path);
	CLEANUP(freep) const char **argv = command_of(p, script, root);
	int status;

	TRY(check_program(p));
	TRY(err_wrap(script_run_on_host(c->output, argv, env, c->hold_fd, &status), "%s",
		     p->program));
	if (status != 0)
		return failed(c, p, status);
	TRY(check_proof(c, p, root));
	TRY(package_rest_remove(root, REST));
	return package_rest_remove(root, p->rest);
}

/* ---- what to install ---- */

static void add_words(struct buf *out, const char *words, char separator)
{
	struct str rest = str_of(words), word, part;

	while (str_next_word(&rest, &word)) {
		bool more = true;

		while (more) {
			more = str_cut(word, ',', &part, &word);
			if (part.len > 0 && out->len > 0)
				buf_putc(out, separator);
			buf_append(out, part.data, part.len);
		}
	}
}

/* An option would do something else than to install: `--help` ends well. */
static struct err *check_words(const char *words, const char *where)
{
	struct str rest = str_of(words), word, part;

	while (str_next_word(&rest, &word)) {
		bool more = true;

		while (more) {
			more = str_cut(word, ',', &part, &word);
			if (str_starts_with(part, "-"))
				return err_hint(err_new(ERR_USAGE,
							"'%.*s' in %s is no package",
							STR_ARG(part), where),
						"name packages only");
		}
	}
	return NULL;
}

struct err *host_packages_check(const struct step_base *base)
{
	const char *include = step_base_header(base, "include"),
		   *more = getenv("INCLUDE");
	const char *version = step_base_header(base, "osversion");

	TRY(check_words(include ? include : "", "the header 'Include'"));
	TRY(check_words(more ? more : "", "the variable INCLUDE"));
	return check_words(version ? version : "", "the header 'OSVersion'");
}

char *host_packages_list(const struct step_base *base, const char *first, char separator)
{
	struct buf out = BUF_INIT;
	const char *include = step_base_header(base, "include"),
		   *more = getenv("INCLUDE");

	add_words(&out, first, separator);
	add_words(&out, include ? include : "", separator);
	add_words(&out, more ? more : "", separator);
	return buf_steal(&out);
}
