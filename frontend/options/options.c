/* SPDX-License-Identifier: MIT
 * options.c - see options.h.
 */
#include "frontend/options/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* How far parsing has got. */
struct option_cursor {
	const struct option_row *rows;
	int argc;
	char **argv;
	int at; /* next word */
	void *settings;
	unsigned *used;
};

static const struct option_row *find_name(const struct option_row *rows, struct str name)
{
	for (; rows->name; rows++)
		if (str_is(name, rows->name))
			return rows;
	return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
	for (; rows->name; rows++)
		if (rows->letter == letter)
			return rows;
	return NULL;
}

static struct err *unknown(const struct option_row *rows, struct str name)
{
	struct err *e = err_new(ERR_USAGE, "unknown option '--%.*s'", STR_ARG(name));
	const char *near = NULL;
	size_t best = 3;

	for (; rows->name; rows++) {
		size_t distance = str_distance(name, str_of(rows->name), 2);

		if (distance < best) {
			best = distance;
			near = rows->name;
		}
	}
	return near ? err_hint(e, "did you mean '--%s'?", near) : e;
}

static bool is_optional(const struct option_row *row)
{
	return row->argument && row->argument[0] == '[';
}

static struct err *next_value(struct option_cursor *c, const char *option,
			      const char **value)
{
	if (c->at >= c->argc)
		return err_new(ERR_USAGE, "option '%s' needs a value", option);
	*value = c->argv[c->at++];
	return NULL;
}

static struct err *take(struct option_cursor *c, const struct option_row *row,
			const char *value)
{
	*c->used |= row->uses;
	return row->set ? row->set(c->settings, value) : NULL;
}

static struct err *parse_long(struct option_cursor *c, const char *word)
{
	struct str name, value;
	bool has_value = str_cut(str_of(word + 2), '=', &name, &value);
	const struct option_row *row = find_name(c->rows, name);
	const char *text = has_value ? value.data : NULL;

	if (!row)
		return unknown(c->rows, name);
	if (!row->argument && has_value)
		return err_new(ERR_USAGE, "option '--%s' takes no value", row->name);
	if (row->argument && !has_value && !is_optional(row))
		TRY(next_value(c, word, &text));
	return err_wrap(take(c, row, text), "option '--%s'", row->name);
}

static struct err *parse_letters(struct option_cursor *c, const char *word)
{
	for (const char *p = word + 1; *p; p++) {
		const struct option_row *row = find_letter(c->rows, *p);
		const char *value = NULL;

		if (!row)
			return err_new(ERR_USAGE, "unknown option '-%c'", *p);
		if (!row->argument) {
			TRY(take(c, row, NULL));
			continue;
		}
		value = p + 1;
		if (!*value && is_optional(row))
			value = NULL;
		else if (!*value)
			TRY(next_value(c, word, &value));
		return err_wrap(take(c, row, value), "option '-%c'", row->letter);
	}
	return NULL;
}

struct err *options_parse(const struct option_row *rows, int argc, char **argv,
			  void *settings, struct operands *operands)
{
	struct option_cursor c = {rows, argc, argv, 0, settings, &operands->used};
	bool only_operands = false;

	operands->items = xcalloc((size_t)argc, sizeof(*operands->items));
	operands->len = 0;
	operands->used = 0;
	while (c.at < argc) {
		const char *word = argv[c.at++];

		if (only_operands || word[0] != '-' || !word[1])
			operands->items[operands->len++] = word;
		else if (strcmp(word, "--") == 0)
			only_operands = true;
		else if (word[1] == '-')
			TRY(parse_long(&c, word));
		else
			TRY(parse_letters(&c, word));
	}
	return NULL;
}

void options_help(const struct option_row *rows, struct buf *out)
{
	for (; rows->name; rows++) {
		char left[64];
		int n = snprintf(
			left, sizeof(left), "  %c%c%c --%s%s%s", rows->letter ? '-' : ' ',
			rows->letter ? rows->letter : ' ', rows->letter ? ',' : ' ',
			rows->name, rows->argument && !is_optional(rows) ? " " : "",
			rows->argument ? rows->argument : "");

		if (n > 30)
			buf_printf(out, "%s\n%32s%s\n", left, "", rows->help);
		else
			buf_printf(out, "%-32s%s\n", left, rows->help);
	}
}
