/* SPDX-License-Identifier: MIT
 * script_lint.c - run the checks over a script: see script_lint.h.
 */
#include "frontend/check/script_lint.h"

#include "base/buf.h"
#include "frontend/check/script_rules.h"

struct script_lint {
	const struct script_text *script;
	struct shell_scan scan;
	struct shell_command commands[SHELL_MAX_DEPTH];
	struct script_bash bash;
	struct script_tmp tmp;
	struct shell_token unfinished; /* the first here-document that is, or nothing */
};

/* ---- unfinished here-documents ---- */

static void report_unfinished(const struct shell_token *token, script_report report,
			      void *context)
{
	CLEANUP(buf_release) struct buf message = BUF_INIT;
	struct script_finding finding = {.code = "unfinished-here-document",
					 .at = token->text};

	buf_puts(&message, "the here-document is not closed: the section ends before its "
			   "last line '");
	buf_append(&message, token->delimiter.data, token->delimiter.len);
	buf_puts(&message, "'");
	finding.message = buf_text(&message);
	finding.hint = "a line that begins with '%' ends the section, even here";
	if (token->near.len > 0) {
		finding.hint = "write the last line without blanks";
		finding.note_at = token->near;
		finding.note = "this is not the last line: it has blanks";
	}
	report(context, &finding);
}

/* ---- all ---- */

static void lint_token(struct script_lint *l, const struct shell_token *token)
{
	struct shell_command *command = &l->commands[token->level];

	if (l->script->shell == SHELL_IS_DASH || l->script->shell == SHELL_IS_ASH)
		script_bash_token(&l->bash, command, token);
	if (!l->script->has_host_tmp)
		script_tmp_token(&l->tmp, command, token);
	if (token->kind == SHELL_HERE_DOCUMENT && !token->is_closed &&
	    l->unfinished.kind == SHELL_END)
		l->unfinished = *token;
	shell_command_add(command, token);
}

void script_lint(const struct script_text *script, script_report report, void *context)
{
	CLEANUP(freep) struct script_lint *l = xcalloc(1, sizeof(*l));
	const struct shell_token *token;

	l->script = script;
	l->bash.shell = script->shell;
	if (!script->has_host_tmp)
		script_tmp_init(&l->tmp, script);
	shell_scan_init(&l->scan, script->text);
	while ((token = shell_scan_next(&l->scan))->kind != SHELL_END)
		lint_token(l, token);
	if (!shell_scan_is_sound(&l->scan))
		return;
	script_bash_report(&l->bash, report, context);
	if (!script->has_host_tmp)
		script_tmp_report(&l->tmp, report, context);
	if (l->unfinished.kind == SHELL_HERE_DOCUMENT)
		report_unfinished(&l->unfinished, report, context);
}
