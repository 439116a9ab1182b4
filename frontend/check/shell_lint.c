#include "frontend/check/shell_lint.h"
void shell_lint(const struct shell_script *script, shell_report report, void *context)
{
	(void)script;
	(void)report;
	(void)context;
}
bool shell_sets_errexit(struct str text)
{
	return str_starts_with(text, "set -e");
}
