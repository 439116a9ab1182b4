/* SPDX-License-Identifier: MIT
 * cmd_check.c - `dagbuild check`: diagnostics only.
 */
#include <string.h>

#include "engine/executor/exec.h"
#include "frontend/cli/cmd.h"
#include "frontend/project/load.h"
#include "frontend/ui/say.h"

struct check_settings {
	struct def_options def;
	const struct diag_format *format; /* NULL: text */
	bool list;
};

static void check_settings_release(struct check_settings *s)
{
	def_options_release(&s->def);
}

static struct err *set_format(void *settings, const char *value)
{
	struct check_settings *s = settings;

	s->format = diag_format_find(value);
	return s->format ? NULL
			 : err_new(ERR_USAGE, "'%s' is not one of text, json, sarif",
				   value);
}

static struct err *set_list(void *settings, const char *value)
{
	(void)value;
	((struct check_settings *)settings)->list = true;
	return NULL;
}

static const struct option_row rows[] = {
	{0, "format", "KIND", "text, json or sarif (default: text)", set_format, 0},
	{0, "list", NULL, "list the codes of all diagnostics", set_list, 0},
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

static struct err *list_codes(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	for (unsigned i = 0; i < DIAG_CODES; i++) {
		const struct diag_code_info *info = diag_code_info((enum diag_code)i);

		buf_printf(&text, "%-25s %-8s %s\n", info->name,
			   info->severity == DIAG_ERROR ? "error" : "warning",
			   info->summary);
	}
	return say_result(&text);
}

/* The definition may be right although nobody can build it. */
static struct err *say_unsupported(const struct check_settings *s, struct loaded *loaded)
{
	struct err *e;

	TRY(plan_compile(loaded->def, &s->def.plan, &loaded->plan));
	e = exec_check_steps(loaded->plan->steps, loaded->plan->n_steps);
	if (e)
		say_line("%s: note: %s: %s", err_place(e), err_text(e), err_advice(e));
	err_ignore(e, "it is said");
	return NULL;
}

/* Text goes to standard error; the other formats are results. */
static struct err *show(const struct check_settings *s, struct loaded *loaded)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct diag_format *format =
		s->format ? s->format : diag_format_find("text");

	format->write(loaded->diags, &text);
	if (strcmp(format->name, "text") != 0)
		return say_json(&text);
	say(&text);
	return diag_count(loaded->diags, DIAG_ERROR) == 0 ? say_unsupported(s, loaded)
							  : NULL;
}

static struct err *check_run(int argc, char **argv, int *status)
{
	CLEANUP(check_settings_release) struct check_settings settings = {0};
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(freep) const char **files = NULL;
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);

	files = operands.items;
	TRY(e);
	if (settings.list && operands.len == 0)
		return list_codes();
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'check' takes one definition file");
	TRY(load_definition(files[0], &settings.def, NULL, &loaded));
	if (diag_count(loaded.diags, DIAG_ERROR) > 0)
		*status = 2;
	return show(&settings, &loaded);
}

const struct cmd cmd_check = {
	.name = "check",
	.operands = "FILE",
	.summary = "Report the mistakes in a definition file, and build nothing",
	.options = rows,
	.run = check_run,
};
