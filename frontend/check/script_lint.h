/* SPDX-License-Identifier: MIT
 * script_lint.h - what is likely wrong in a script of a definition.
 *
 * Purpose:   three checks of the text of one section, with these codes:
 *              bashism                  a word of bash where dash or ash runs the script
 *              unfinished-here-document the section ends before its last line
 *              host-tmp                 a file below /tmp is read that nothing put there
 *            When in doubt they say nothing. They are for shell scripts only: the caller
 *            finds out whether an interpreter line names something else.
 * Ownership: what a finding points to lives as long as the call that reports it, except
 *            `code` and `hint`, which are literals, and slices of the script's text.
 * Threads:   values; no shared state.
 * Errors:    none. The time is linear in the text's length, whatever it holds.
 */
#ifndef FRONTEND_CHECK_SCRIPT_LINT_H
#define FRONTEND_CHECK_SCRIPT_LINT_H

#include "base/str.h"
#include "frontend/shell/shell_command.h"

struct script_finding {
	const char *code;
	struct str at; /* a slice of the script's text */
	const char *message;
	const char *hint;   /* or NULL */
	struct str note_at; /* another slice of the text, or empty */
	const char *note;   /* what to say there, or NULL */
};

typedef void (*script_report)(void *context, const struct script_finding *finding);

struct script_text {
	struct str text; /* the body of one section, as in the file: LF or CR LF */
	enum shell_kind shell;
	/* It sees the host's /tmp, as %setup and what runs in the finished image do: do
	 * not look for host-tmp. */
	bool has_host_tmp;
	/* Where %files puts files below /tmp or /var/tmp: these exist. */
	const struct str *targets;
	size_t n_targets;
	/* Scripts that run before it in the same container: what they mention may
	 * exist. */
	const struct str *earlier;
	size_t n_earlier;
};

/* Report what is found, in no particular order. */
void script_lint(const struct script_text *script, script_report report, void *context);

#endif
