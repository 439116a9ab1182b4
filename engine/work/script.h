/* SPDX-License-Identifier: MIT
 * script.h - what the steps that run a script share: environment, output, failure.
 *
 * Ownership: script_env() gives an array for script_env_free(); a script_output is ended
 *            by script_output_release().
 * Threads:   one thread each.
 */
#ifndef ENGINE_WORK_SCRIPT_H
#define ENGINE_WORK_SCRIPT_H

#include "engine/work/work.h"
#include "engine/run/container.h"

/* NULL-terminated "NAME=VALUE": what Apptainer gives to %post and %test (`command` is
 * "exec" or "test"), the caller's proxies and TERM, APPTAINERENV_*, SOURCE_DATE_EPOCH. */
char **script_env(const struct work *w, const char *command);
void script_env_freep(char ***env);
/* Add to the key the text and the arguments of the step's section. */
void script_section_key(const struct step *step, struct key *key);
/* Add to the key those of its parts that change what a script does. */
void script_env_key(const struct work *w, struct key *key);

/* Lines of a script go to the log and to the sinks; the last command is kept, and what
 * the shell itself said about it. */
struct script_output {
	struct task *task;
	const char
		*script; /* a script's path on the host, borrowed; NULL: in the image */
	char *log_path;
	FILE *log;
	char *last_command; /* last line that `sh -x` wrote, without "+ " */
	char *complaint;    /* the last line, if it is the shell's own; NULL: it is not */
	size_t lines;	    /* so far */
	size_t crossed;	    /* number of the last that reports EXDEV; 0: none */
};

#define SCRIPT_OUTPUT_INIT                                                               \
	{                                                                                \
		NULL, NULL, NULL, NULL, NULL, NULL, 0, 0                                 \
	}

NODISCARD struct err *script_output_open(const struct work *w, const struct step *step,
					 struct task *task, struct script_output *out);
/* For container_request.line; the context is the script_output. */
void script_output_line(void *context, struct str line);
void script_output_release(struct script_output *out);
/* Run a program on the host (engine/run/host_script.h), with its output here; `argv` and
 * `envp` end with NULL, and `hold_fd` is as there. */
NODISCARD struct err *script_run_on_host(struct script_output *out,
					 const char *const *argv, const char *const *envp,
					 int hold_fd, int *status);
/* What the user can do after a failure, in one line or several; for free(). */
char *script_advice(const struct script_output *out);
/* The error of a script that ended with `status`, not 0. */
struct err *script_failed(const struct step *step, const struct script_output *out,
			  int status);

#endif
