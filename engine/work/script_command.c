/* SPDX-License-Identifier: MIT
 * script_command.c - see script_command.h.
 */
#include "engine/work/script_command.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"

struct words {
	VEC(char *) items;
};

/* The words after `-c` become one operand, with the script's path at its end. */
static struct err *add_shell(struct words *w, struct str rest, const struct step *step,
			     const char *path)
{
	struct buf operand = BUF_INIT;
	struct str word;

	while (str_next_word(&rest, &word))
		buf_printf(&operand, "%.*s ", STR_ARG(word));
	if (operand.len == 0)
		return err_hint(err_new(ERR_SYNTAX, "'-c' is not followed by a shell"),
				"write '%s -c /bin/bash'", step->label);
	buf_puts(&operand, path);
	vec_push(&w->items, buf_steal(&operand));
	return NULL;
}

static struct err *add_words(struct words *w, const struct step *step, const char *path)
{
	struct str args, comment, word;

	str_cut(str_of(step->script.args), '#', &args, &comment);
	vec_push(&w->items, xstrdup("/bin/sh"));
	vec_push(&w->items, xstrdup("-ex"));
	while (str_next_word(&args, &word)) {
		vec_push(&w->items, str_dup(word));
		if (str_is(word, "-c"))
			return add_shell(w, args, step, path);
	}
	vec_push(&w->items, xstrdup(path));
	return NULL;
}

struct err *script_command(const struct step *step, const char *path, char ***argv)
{
	struct words w = {0};
	struct err *e = add_words(&w, step, path);

	vec_push(&w.items, NULL);
	*argv = w.items.items;
	return e;
}

void script_command_freep(char ***argv)
{
	for (char **word = *argv; word && *word; word++)
		free(*word);
	free(*argv);
	*argv = NULL;
}
