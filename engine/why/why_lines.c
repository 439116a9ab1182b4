/* SPDX-License-Identifier: MIT
 * why_lines.c - which lines of a section differ, by the digests of its lines.
 *
 * The common beginning and end of both texts are left out; what remains in the middle is
 * reported as one range.  That is less than a diff, but correct and short.
 */
#include <string.h>

#include "base/source.h"
#include "engine/why/why_private.h"

struct lines {
	const char **items;
	size_t len;
};

static void lines_release(struct lines *l)
{
	free(l->items);
}

static struct lines lines_of(const cJSON *build, const char *part)
{
	const cJSON *item, *array = json_array(json_object(build, "lines"), part);
	struct lines l = {
		xcalloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*l.items)), 0};

	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);

		l.items[l.len++] = text ? text : "";
	}
	return l;
}

/* The sections whose first line stands for what follows their name. */
static bool has_arguments(const char *part)
{
	static const char *const names[] = {"help", "environment", "runscript",
					    "startscript", "test"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(part, names[i]) == 0)
			return true;
	return false;
}

static char *subject_of(const struct comparison *c, const char *part)
{
	if (strcmp(part, "script") == 0)
		return xstrdup(c->step->label);
	if (strcmp(part, "definition") == 0)
		return xstrdup("definition");
	return xasprintf("%%%s", part);
}

/* Is line `n` (from 1) of the step's script in the file where it would be if nothing came
 * between?  Joined sections and template arguments move lines. */
static bool is_at(const struct step *step, size_t n, unsigned file_line)
{
	struct str rest = str_of(step->script.text), line = STR("");

	for (size_t i = 0; i < n && rest.len > 0; i++)
		str_cut(rest, '\n', &line, &rest);
	return str_equal(str_trim(line),
			 str_trim(source_line(step->where.source, file_line)));
}

/* " (line 12 of the file)" or "", for free(). */
static char *file_place(const struct comparison *c, const char *part, size_t n)
{
	unsigned at;

	if (!c->is_current || strcmp(part, "script") != 0 || !c->step->where.source ||
	    !c->step->script.text)
		return xstrdup("");
	at = source_position(c->step->where.source, c->step->where.at).line + (unsigned)n;
	return is_at(c->step, n, at) ? xasprintf(" (line %u of the file)", at)
				     : xstrdup("");
}

/* "line 7" or "lines 7 to 9", for free(). */
static char *range(size_t first, size_t len)
{
	return len == 1 ? xasprintf("line %zu", first)
			: xasprintf("lines %zu to %zu", first, first + len - 1);
}

static void tell_middle(const struct comparison *c, const char *part, size_t first,
			size_t was, size_t is)
{
	CLEANUP(freep) char *subject = subject_of(c, part);
	CLEANUP(freep) char *lines = range(first, is > 0 ? is : was);
	CLEANUP(freep) char *place = file_place(c, part, first);
	CLEANUP(freep) char *brief = xasprintf("%s %s", subject, lines);

	if (is == 0)
		reason_add(c->out, part, brief, "%s %s removed", subject, lines);
	else
		reason_add(c->out, part, brief, "%s %s %s%s", subject, lines,
			   was > 0 ? "changed" : "added", place);
}

static void tell_whole(const struct comparison *c, const char *part, const char *what)
{
	CLEANUP(freep) char *subject = subject_of(c, part);
	CLEANUP(freep) char *brief = xasprintf("%s %s", subject, what);

	reason_add(c->out, part, brief, "%s %s", subject, what);
}

static void tell_arguments(const struct comparison *c, const char *section)
{
	CLEANUP(freep) char *brief = xasprintf("arguments of %s", section);

	reason_add(c->out, "arguments", brief, "the text after %s on its line changed",
		   section);
}

/* Compare from line `skip` on, which counts as line 1. */
static void compare_from(const struct comparison *c, const char *part,
			 const struct lines *was, const struct lines *is, size_t skip)
{
	size_t first = skip, was_end = was->len, is_end = is->len;

	while (first < was_end && first < is_end &&
	       strcmp(was->items[first], is->items[first]) == 0)
		first++;
	while (was_end > first && is_end > first &&
	       strcmp(was->items[was_end - 1], is->items[is_end - 1]) == 0) {
		was_end--;
		is_end--;
	}
	if (was_end > first || is_end > first)
		tell_middle(c, part, first - skip + 1, was_end - first, is_end - first);
}

static void compare_section(const struct comparison *c, const char *part,
			    const struct lines *was, const struct lines *is)
{
	size_t skip = has_arguments(part) ? 1 : 0, before = c->out->items.len;

	if (skip > 0 && strcmp(was->items[0], is->items[0]) != 0) {
		CLEANUP(freep) char *section = subject_of(c, part);

		tell_arguments(c, section);
	}
	compare_from(c, part, was, is, skip);
	/* Longer than what is remembered, or only the line end at its end differs. */
	if (c->out->items.len == before)
		tell_whole(c, part, "changed");
}

void why_compare_lines(const struct comparison *c, const struct key_part *part)
{
	CLEANUP(lines_release) struct lines was = lines_of(c->was, part->name);
	CLEANUP(lines_release) struct lines is = lines_of(c->is, part->name);

	if (strcmp(part->name, "arguments") == 0)
		tell_arguments(c, c->step->label);
	else if (strcmp(part->name, "constant environment") == 0)
		reason_add(c->out, part->name, "another environment",
			   "this version of dagbuild gives scripts another environment");
	else if (was.len == 0)
		tell_whole(c, part->name, "added");
	else if (is.len == 0)
		tell_whole(c, part->name, "removed");
	else
		compare_section(c, part->name, &was, &is);
}
