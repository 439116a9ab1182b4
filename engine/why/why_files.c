/* SPDX-License-Identifier: MIT
 * why_files.c - which of the copied files differ.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/why/why_private.h"

/* A longer list helps no user. */
static const size_t SHOWN_MAX = 20;

struct telling {
	const struct comparison *c;
	size_t told;
	size_t first; /* index of its first reason */
};

PRINTF(3, 4)
static void tell(struct telling *t, const char *path, const char *format, ...)
{
	CLEANUP(freep) char *what = NULL;
	CLEANUP(freep) char *brief = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	if (t->told++ >= SHOWN_MAX)
		return;
	brief = xasprintf("%s changed", path);
	reason_add(t->c->out, "content", brief, "%s: %s", path, what);
}

/* "1,204" for free(). */
static char *grouped(uint64_t n)
{
	char digits[24], out[32];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return xstrdup(out);
}

static const char *type_words(char type)
{
	switch (type) {
	case 'f':
		return "a file";
	case 'h':
		return "another name of a file";
	case 'd':
		return "a folder";
	case 'l':
		return "a link";
	default:
		return "a special file";
	}
}

static void tell_data(struct telling *t, const struct tree_item *was)
{
	CLEANUP(freep) char *size = grouped(was->size);

	if (was->type == 'l')
		tell(t, was->path, "leads elsewhere");
	else if (was->type == '*')
		tell(t, was->path, "something in it changed");
	else
		tell(t, was->path, "content changed (was %s byte%s)", size,
		     was->size == 1 ? "" : "s");
}

static void compare_items(struct telling *t, const struct tree_item *was,
			  const struct tree_item *is)
{
	if (was->type != is->type) {
		tell(t, is->path, "is %s (was %s)", type_words(is->type),
		     type_words(was->type));
		return;
	}
	if (was->size != is->size || was->digest != is->digest)
		tell_data(t, was);
	if (was->mode != is->mode)
		tell(t, is->path, "mode changed (%04o, was %04o)", is->mode, was->mode);
}

static int compare_paths(const void *a, const void *b)
{
	const struct tree_item *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void sort(struct tree_list *l)
{
	if (l->len > 0)
		qsort(l->items, l->len, sizeof(*l->items), compare_paths);
}

static void merge(struct telling *t, struct tree_list *was, struct tree_list *is)
{
	size_t a = 0, b = 0;

	sort(was);
	sort(is);
	while (a < was->len || b < is->len) {
		int order = a == was->len ? 1
			    : b == is->len
				    ? -1
				    : strcmp(was->items[a].path, is->items[b].path);

		if (order < 0)
			tell(t, was->items[a++].path, "removed");
		else if (order > 0)
			tell(t, is->items[b++].path, "added");
		else
			compare_items(t, &was->items[a++], &is->items[b++]);
	}
}

/* In the plan there is room for one file; with several, their number says more. */
static void shorten_brief(struct telling *t)
{
	struct why_reason *first = &t->c->out->items.items[t->first];

	if (t->told <= 1)
		return;
	free(first->brief);
	first->brief = xasprintf("%zu files changed", t->told);
	for (size_t i = t->first + 1; i < t->c->out->items.len; i++) {
		free(t->c->out->items.items[i].brief);
		t->c->out->items.items[i].brief = NULL;
	}
}

const char *why_files_section(const struct step *step)
{
	return step->kind == STEP_APPS ? "%appfiles" : "%files";
}

static void tell_unnamed(const struct comparison *c)
{
	if (c->step->kind == STEP_COPY)
		reason_add(c->out, "content", "other files",
			   "stage '%s' gives other files", c->step->files.from_stage);
	else
		reason_add(c->out, "content", "files changed", "what %s copies changed",
			   why_files_section(c->step));
}

void why_compare_files(const struct comparison *c)
{
	struct telling t = {.c = c, .first = c->out->items.len};
	struct tree_list was = TREE_LIST_INIT, is = TREE_LIST_INIT;

	if (tree_list_parse(json_object(c->was, "files"), &was) &&
	    tree_list_parse(json_object(c->is, "files"), &is) &&
	    was.is_coarse == is.is_coarse)
		merge(&t, &was, &is);
	tree_list_release(&was);
	tree_list_release(&is);
	if (t.told > SHOWN_MAX)
		reason_add(c->out, "content", NULL, "and %zu more files",
			   t.told - SHOWN_MAX);
	if (t.told == 0)
		tell_unnamed(c);
	else
		shorten_brief(&t);
}
