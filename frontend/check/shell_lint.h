#ifndef FRONTEND_CHECK_SHELL_LINT_H
#define FRONTEND_CHECK_SHELL_LINT_H
#include "base/str.h"
struct shell_finding {
	const char *code;
	struct str at;
	const char *message;
	const char *hint;
	struct str note_at;
	const char *note;
};
typedef void (*shell_report)(void *context, const struct shell_finding *finding);
struct shell_script {
	struct str text;
	bool is_posix;
	bool reads_tmp;
	const struct str *targets;
	size_t n_targets;
};
void shell_lint(const struct shell_script *script, shell_report report, void *context);
bool shell_sets_errexit(struct str text);
#endif
