/* SPDX-License-Identifier: MIT
 * script.c - see script.h.
 */
#include "engine/work/script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/vec.h"
#include "engine/run/host_script.h"

/* Constant: names and values are Apptainer's (definition files, section 3.3).  Its
 * LD_LIBRARY_PATH comes from the image's own 99-base.sh. */
static const char *const CONSTANT[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LANG=C",
	"APPTAINER_CONTAINER=/",
	"SINGULARITY_CONTAINER=/",
	"APPTAINER_NAME=rootfs",
	"SINGULARITY_NAME=rootfs",
	"APPTAINER_ENVIRONMENT=/.singularity.d/env/91-environment.sh",
	"SINGULARITY_ENVIRONMENT=/.singularity.d/env/91-environment.sh",
	"APPTAINER_LABELS=/.build.labels",
	"SINGULARITY_LABELS=/.build.labels",
};

/* What a script finds besides its environment: engine/run/container_child.c. */
static const char *const SURROUNDINGS[] = {"umask 0022", "hostname build"};

/* How a step reaches the network, and how it prints, is not an input: these stay out of
 * keys.
 */
static const char *const PASSED_UNKEYED[] = {
	"TERM",	      "http_proxy",  "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",   "ALL_PROXY", "NO_PROXY",
};

char **script_env(const struct work *w, const char *command)
{
	VEC(char *) env = {0};

	for (size_t i = 0; i < ARRAY_LEN(CONSTANT); i++)
		vec_push(&env, xstrdup(CONSTANT[i]));
	vec_push(&env, xasprintf("APPTAINER_COMMAND=%s", command));
	for (size_t i = 0; i < ARRAY_LEN(PASSED_UNKEYED); i++) {
		const char *value = getenv(PASSED_UNKEYED[i]);

		if (value)
			vec_push(&env, xasprintf("%s=%s", PASSED_UNKEYED[i], value));
	}
	if (w->epoch_set)
		vec_push(&env,
			 xasprintf("SOURCE_DATE_EPOCH=%lld", (long long)w->epoch_s));
	for (size_t i = 0; i < w->n_passed_env; i++)
		vec_push(&env, xstrdup(w->passed_env[i]));
	vec_push(&env, NULL);
	return env.items;
}

void script_env_freep(char ***env)
{
	for (char **e = *env; e && *e; e++)
		free(*e);
	free(*env);
	*env = NULL;
}

void script_env_key(const struct work *w, struct key *key)
{
	const char *constant[ARRAY_LEN(CONSTANT) + ARRAY_LEN(SURROUNDINGS)];

	memcpy(constant, CONSTANT, sizeof(CONSTANT));
	memcpy(constant + ARRAY_LEN(CONSTANT), SURROUNDINGS, sizeof(SURROUNDINGS));
	key_set_list(key, "constant environment", constant, ARRAY_LEN(constant));
	key_set_list(key, "passed environment", (const char *const *)w->passed_env,
		     w->n_passed_env);
	key_set_text(key, "security", security_name(w->options.security));
	if (w->epoch_set)
		key_set_u64(key, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
}

void script_section_key(const struct step *step, struct key *key)
{
	key_set_text(key, "script", step->script.text);
	key_set_text(key, "arguments", step->script.args);
}

/* For free(). */
static char *log_path_of(const struct work *w, const struct step *step)
{
	CLEANUP(freep) char *name = xstrdup(step->name);
	char hex[DIGEST_TEXT_SIZE];

	for (char *p = name; *p; p++)
		if (*p == '/' || *p == ' ' || (unsigned char)*p < 0x20)
			*p = '_';
	digest_hex(&work_state(w, step->id)->key, hex);
	return xasprintf("%s/logs/%.100s-%.8s.log", store_dir(w->options.store), name,
			 hex);
}

struct err *script_output_open(const struct work *w, const struct step *step,
			       struct task *task, struct script_output *out)
{
	out->task = task;
	out->log_path = log_path_of(w, step);
	out->log = fopen(out->log_path, "we");
	return out->log ? NULL : err_sys("log '%s'", out->log_path);
}

/* What strerror(3) gives in the script's locale, and how programs name it otherwise. */
static bool tells_exdev(struct str line)
{
	static const char *const names[] = {"Invalid cross-device link", "EXDEV"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (memmem(line.data, line.len, names[i], strlen(names[i])))
			return true;
	return false;
}

/* A shell begins its own messages with the name of the script.  When it cannot do
 * something (open a redirection, expand a variable, parse), it says so without having
 * traced the command. */
static bool is_complaint(const struct script_output *out, struct str line)
{
	const char *const scripts[] = {"/.post.script", "/.singularity.d/test",
				       out->script};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (scripts[i] && str_starts_with(line, scripts[i]) &&
		    str_starts_with(str_slice(line, strlen(scripts[i]), line.len), ": "))
			return true;
	return false;
}

void script_output_line(void *context, struct str line)
{
	struct script_output *out = context;

	/* Byte for byte: a NUL does not end it. */
	fwrite(line.data, 1, line.len, out->log);
	fputc('\n', out->log);
	fflush(out->log);
	out->lines++;
	if (tells_exdev(line))
		out->crossed = out->lines;
	task_line(out->task, line);
	free(out->complaint);
	out->complaint = is_complaint(out, line) ? str_dup(line) : NULL;
	if (str_starts_with(line, "+ ")) {
		free(out->last_command);
		out->last_command = str_dup(str_slice(line, 2, line.len));
	}
}

struct err *script_run_on_host(struct script_output *out, const char *const *argv,
			       const char *const *envp, int hold_fd, int *status)
{
	struct host_script script = {
		.argv = argv,
		.envp = envp,
		.hold_fd = hold_fd,
		.cancel = task_cancel(out->task),
		.line = script_output_line,
		.context = out,
	};

	task_note(out->task, "runs on this machine, outside of any container");
	return host_script_run(&script, status);
}

void script_output_release(struct script_output *out)
{
	fclosep(&out->log);
	free(out->log_path);
	free(out->last_command);
	free(out->complaint);
}

char *script_advice(const struct script_output *out)
{
	/* In lines: after a failure that long ago the script has gone on with something
	 * else. */
	static const size_t LATE = 20;
	bool crossed = out->crossed > 0 && out->lines - out->crossed < LATE;

	return xasprintf(
		"the whole output is in %s%s", out->log_path,
		crossed ? "\na folder that an earlier step made cannot be renamed "
			  "(EXDEV): move what is in it, or copy and remove it, as "
			  "mv does"
			: "");
}

struct err *script_failed(const struct step *step, const struct script_output *out,
			  int status)
{
	CLEANUP(freep) char *how = NULL;
	CLEANUP(freep) char *advice = script_advice(out);
	struct err *e;

	if (status > 128 && status < 192)
		how = xasprintf("was ended by signal %d (%s)", status - 128,
				strsignal(status - 128));
	else
		how = xasprintf("exited with status %d", status);
	if (out->complaint)
		e = err_new(ERR_STEP, "the script %s: %s", how, out->complaint);
	else if (out->last_command)
		e = err_new(ERR_STEP, "'%s' %s", out->last_command, how);
	else
		e = err_new(ERR_STEP, "the script %s", how);
	e = err_wrap(e, "%s of stage '%s' failed", step->label, step->stage_name);
	return err_hint(e, "%s", advice);
}
