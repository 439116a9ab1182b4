/* SPDX-License-Identifier: MIT
 * why_compare.c - two builds of a step, part by part.
 */
#include <string.h>

#include "engine/why/why_private.h"

bool why_differs(const cJSON *was, const cJSON *is, const char *part)
{
	const char *a = json_string(json_object(was, "parts"), part);
	const char *b = json_string(json_object(is, "parts"), part);

	return a && b && strcmp(a, b) != 0;
}

/* An optional part is there only now, or was there only then. */
static bool came_or_went(const cJSON *was, const cJSON *is, const struct key_part *part)
{
	const char *a = json_string(json_object(was, "parts"), part->name);
	const char *b = json_string(json_object(is, "parts"), part->name);

	return part->is_optional && part->class != PART_PARENT && !a != !b;
}

size_t why_distance(const cJSON *was, const cJSON *is)
{
	size_t n = 0;

	for (size_t i = 0; i < key_parts_len; i++)
		n += why_differs(was, is, key_parts_table[i].name) ||
		     came_or_went(was, is, &key_parts_table[i]);
	return n;
}

/* ---- plain values ---- */

static const char *plain(const cJSON *build, const char *part)
{
	return json_string(json_object(build, "plain"), part);
}

/* "base:1" of "registry.example.org/team/base:1". */
static const char *short_name(const char *reference)
{
	const char *slash = strrchr(reference, '/');

	return slash ? slash + 1 : reference;
}

static void compare_source(const struct comparison *c)
{
	const char *was_name = json_string(c->was, "reference");
	const char *is_name = json_string(c->is, "reference");
	const char *was = plain(c->was, "source"), *is = plain(c->is, "source");
	CLEANUP(freep) char *brief = NULL;

	if (!is_name || !was_name || !was || !is) {
		reason_add(c->out, "source", "another base", "the base is another one");
		return;
	}
	if (strcmp(was_name, is_name) != 0) {
		brief = xasprintf("base is %s", short_name(is_name));
		reason_add(c->out, "source", brief, "the base image is %s (was %s)",
			   is_name, was_name);
		return;
	}
	brief = xasprintf("%s moved", short_name(is_name));
	reason_add(c->out, "source", brief, "base image %s now resolves to %s (was %s)",
		   is_name, is, was);
}

/* What is there only if the user has set it, as the user calls it. */
static void compare_optional(const struct comparison *c, const char *part,
			     const char *name)
{
	const char *was = plain(c->was, part), *is = plain(c->is, part);
	CLEANUP(freep) char *brief = xasprintf("%s%s", is ? "" : "no ", name);

	if (is)
		reason_add(c->out, part, brief, "%s is %s (was %s)", name, is,
			   was ? was : "not set");
	else
		reason_add(c->out, part, brief, "%s is not set (was %s)", name,
			   was ? was : "set");
}

static void compare_plain(const struct comparison *c, const struct key_part *part)
{
	static const struct {
		const char *part, *brief, *text;
	} rows[] = {
		{"architecture", "architecture", "the machine's architecture"},
		{"id map", "other owners", "how owners are mapped"},
		{"version", "dagbuild's version", "dagbuild's version"},
		{"agent", "another agent", "the bootstrap agent"},
		{"temporary files", "--keep-tmp", "what %post leaves in /tmp"},
		{"security", "--security", "what scripts may do"},
		{"cpu", "another processor", "this machine's processor"},
		{"output", "another image file", "the image's path"},
		{"compression", "compression", "the image's compression"},
	};
	const char *was = plain(c->was, part->name), *is = plain(c->is, part->name);

	if (strcmp(part->name, "source") == 0)
		compare_source(c);
	else if (strcmp(part->name, "SOURCE_DATE_EPOCH") == 0)
		compare_optional(c, part->name, "SOURCE_DATE_EPOCH");
	else if (strcmp(part->name, "fingerprints") == 0)
		compare_optional(c, part->name, "Fingerprints");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].part, part->name) == 0)
			reason_add(c->out, part->name, rows[i].brief, "%s is %s (was %s)",
				   rows[i].text, is ? is : "not known",
				   was ? was : "not known");
}

/* ---- sets ---- */

static char *item_subject(const struct step *step, const char *part, const char *item)
{
	if (strcmp(part, "list") == 0)
		return xasprintf("%s line '%s'", why_files_section(step), item);
	if (strcmp(part, "labels") == 0)
		return xasprintf("label '%s'", item);
	if (strcmp(part, "headers") == 0)
		return xasprintf("header '%s'", item);
	if (strcmp(part, "apps") == 0)
		return xstrdup(item);
	return xasprintf("environment variable %s", item);
}

static void tell_item(const struct comparison *c, const char *part, const char *item,
		      const char *what)
{
	CLEANUP(freep) char *subject = item_subject(c->step, part, item);
	CLEANUP(freep)
	char *brief = strcmp(part, "passed environment") == 0
			      ? xasprintf("variable %s", item)
			      : xstrdup(subject);

	reason_add(c->out, part, brief, "%s %s", subject, what);
}

static void compare_set(const struct comparison *c, const struct key_part *part)
{
	const cJSON *was = json_object(json_object(c->was, "sets"), part->name);
	const cJSON *is = json_object(json_object(c->is, "sets"), part->name);
	const cJSON *item, *other;
	size_t before = c->out->items.len;

	cJSON_ArrayForEach(item, is)
	{
		other = cJSON_GetObjectItemCaseSensitive(was, item->string);
		if (!other)
			tell_item(c, part->name, item->string, "added");
		else if (!cJSON_Compare(item, other, true))
			tell_item(c, part->name, item->string, "changed");
	}
	cJSON_ArrayForEach(item,
			   was) if (!cJSON_GetObjectItemCaseSensitive(is, item->string))
		tell_item(c, part->name, item->string, "removed");
	if (c->out->items.len > before)
		return;
	if (strcmp(part->name, "list") == 0)
		reason_add(c->out, part->name, "another order",
			   "the order of the lines of %s changed",
			   why_files_section(c->step));
	else
		reason_add(c->out, part->name, "another order",
			   "the order of the %s changed", part->name);
}

/* ---- all ---- */

static void compare_part(const struct comparison *c, const struct key_part *part)
{
	switch (part->class) {
	case PART_PARENT:
		if (strcmp(part->name, "base configuration") == 0)
			reason_add(c->out, part->name, "base's configuration",
				   "the configuration of the base image is different");
		break;
	case PART_PLAIN:
		compare_plain(c, part);
		break;
	case PART_LINES:
		why_compare_lines(c, part);
		break;
	case PART_SET:
		compare_set(c, part);
		break;
	case PART_FILES:
		/* Another list of sources holds other files: that was already
		 * reported. */
		if (!why_differs(c->was, c->is, "list"))
			why_compare_files(c);
		break;
	}
}

void why_compare(const struct comparison *c)
{
	for (size_t i = 0; i < key_parts_len; i++) {
		const struct key_part *part = &key_parts_table[i];

		if (key_part_is_of(part, c->step->kind) &&
		    (why_differs(c->was, c->is, part->name) ||
		     came_or_went(c->was, c->is, part)))
			compare_part(c, part);
	}
}
