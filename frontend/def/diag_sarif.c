/* SPDX-License-Identifier: MIT
 * diag_sarif.c - diagnostics in SARIF 2.1.0, for code hosts and editors.
 *
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os.html
 * Only the definition has physical locations: the message names what is on the command
 * line, or in a file of arguments.
 */
#include <string.h>

#include "frontend/def/diag_private.h"

static const char SCHEMA[] = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/"
			     "schemas/sarif-schema-2.1.0.json";

static const size_t NO_RULE = SIZE_MAX;

/* The position of each code in the list of rules, which has only codes that occur. */
struct rules {
	size_t index[DIAG_CODES];
	size_t len;
};

/* ---- texts ---- */

/* Braces are placeholders, if not doubled (3.11.5), and "[x](y)" is a link (3.11.6),
 * unless something comes between. */
static void put_message_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		buf_putc(out, *text);
		if (*text == '{' || *text == '}')
			buf_putc(out, *text);
		else if (text[0] == ']' && text[1] == '(')
			buf_puts(out, "\xe2\x80\x8b"); /* a zero width space */
	}
}

static void put_message(struct buf *out, const char *name, const char *text)
{
	CLEANUP(buf_release) struct buf message = BUF_INIT;

	put_message_text(&message, text);
	buf_printf(out, "\"%s\": {\"text\": ", name);
	buf_json_string(out, buf_text(&message), message.len);
	buf_putc(out, '}');
}

/* The path as a URI reference (RFC 3986): a name with a colon is not a scheme. */
static void put_uri(struct buf *out, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";

	buf_puts(out, path[0] == '/' ? "\"file://" : "\"");
	for (; *path; path++) {
		if (strchr(plain, *path))
			buf_putc(out, *path);
		else
			buf_printf(out, "%%%02X", (unsigned char)*path);
	}
	buf_putc(out, '"');
}

/* ---- rules ---- */

static void find_rules(const struct diag_list *l, struct rules *rules)
{
	bool occurs[DIAG_CODES] = {false};

	rules->len = 0;
	for (size_t i = 0; i < l->diags.len; i++)
		occurs[l->diags.items[i]->code] = true;
	for (size_t i = 0; i < DIAG_CODES; i++)
		rules->index[i] = occurs[i] ? rules->len++ : NO_RULE;
}

static void put_help(struct buf *out, const struct diag_code_info *info)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "See '%s' in docs/diagnostics.md.", info->name);
	if (info->can_be_disabled)
		buf_printf(&text,
			   " A comment '# dagbuild: allow %s' on the line before, or the "
			   "option '--disable %s', turns it off.",
			   info->name, info->name);
	put_message(out, "help", buf_text(&text));
}

static void put_rule(struct buf *out, const struct diag_code_info *info)
{
	CLEANUP(freep) char *summary = xasprintf("%s.", info->summary);

	buf_printf(out, "            {\"id\": \"%s\", ", info->name);
	put_message(out, "shortDescription", summary);
	buf_puts(out, ", ");
	put_help(out, info);
	buf_printf(out, ", \"defaultConfiguration\": {\"level\": \"%s\"}}",
		   diag_severity_name(info->severity));
}

static void put_tool(struct buf *out, const struct rules *rules)
{
	buf_puts(out, "      \"tool\": {\n        \"driver\": {\n"
		      "          \"name\": \"dagbuild\",\n"
		      "          \"version\": \"" DAGBUILD_VERSION "\",\n"
		      "          \"rules\": [\n");
	for (unsigned i = 0, n = 0; i < DIAG_CODES; i++) {
		if (rules->index[i] == NO_RULE)
			continue;
		put_rule(out, diag_code_info((enum diag_code)i));
		buf_puts(out, ++n < rules->len ? ",\n" : "\n");
	}
	buf_puts(out, "          ]\n        }\n      },\n");
}

/* ---- results ---- */

static void put_physical(struct buf *out, const struct source *source, struct span span)
{
	struct diag_region region = diag_region(source, span);

	buf_puts(out, "\"physicalLocation\": {\"artifactLocation\": {\"uri\": ");
	put_uri(out, source_name(source));
	buf_printf(out, "}, \"region\": {\"startLine\": %u, \"startColumn\": %u, ",
		   region.start.line, region.start.column);
	buf_printf(out, "\"endLine\": %u, \"endColumn\": %u}}", region.end.line,
		   region.end.column);
}

static void put_locations(struct buf *out, const struct diag *d)
{
	buf_puts(out, ", \"locations\": [{");
	put_physical(out, d->source, d->span);
	buf_puts(out, "}]");
	if (d->notes.len == 0)
		return;
	buf_puts(out, ", \"relatedLocations\": [");
	for (size_t i = 0; i < d->notes.len; i++) {
		/* Locations must differ, and two notes may share a place: so each has its
		 * own id. */
		buf_printf(out, "%s{\"id\": %zu, ", i > 0 ? ", " : "", i);
		put_physical(out, d->source, d->notes.items[i].span);
		buf_puts(out, ", ");
		put_message(out, "message", d->notes.items[i].text);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void put_result(struct buf *out, const struct diag_list *l, const struct diag *d,
		       const struct rules *rules)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (d->source != l->source) {
		CLEANUP(freep)
		char *place = place_text((struct place){d->source, d->span.start});

		buf_printf(&text, "%s: ", place);
	}
	buf_puts(&text, d->text);
	if (d->hint)
		buf_printf(&text, " (%s)", d->hint);
	buf_printf(out, "        {\"ruleId\": \"%s\", \"ruleIndex\": %zu, ",
		   diag_code_info(d->code)->name, rules->index[d->code]);
	buf_printf(out, "\"level\": \"%s\", ", diag_severity_name(d->severity));
	put_message(out, "message", buf_text(&text));
	if (d->source == l->source)
		put_locations(out, d);
	buf_putc(out, '}');
}

/* Say what is not among the results, where readers of the format look for it. */
static void put_invocation(struct buf *out, const struct diag_list *l)
{
	size_t errors = diag_hidden(l, DIAG_ERROR);
	size_t warnings = diag_hidden(l, DIAG_WARNING);
	CLEANUP(freep) char *text = NULL;

	if (errors + warnings == 0)
		return;
	text = xasprintf("%zu more errors and %zu more warnings are not shown", errors,
			 warnings);
	buf_puts(out, "      \"invocations\": [{\"executionSuccessful\": true, "
		      "\"toolExecutionNotifications\": [{\"level\": \"note\", ");
	put_message(out, "message", text);
	buf_puts(out, "}]}],\n");
}

void diag_write_sarif(struct diag_list *l, struct buf *out)
{
	struct rules rules;

	diag_list_sort(l);
	find_rules(l, &rules);
	buf_printf(out, "{\n  \"$schema\": \"%s\",\n  \"version\": \"2.1.0\",\n", SCHEMA);
	buf_puts(out, "  \"runs\": [\n    {\n");
	put_tool(out, &rules);
	put_invocation(out, l);
	buf_puts(out, "      \"columnKind\": \"unicodeCodePoints\",\n"
		      "      \"results\": [\n");
	for (size_t i = 0; i < l->diags.len; i++) {
		put_result(out, l, l->diags.items[i], &rules);
		buf_puts(out, i + 1 < l->diags.len ? ",\n" : "\n");
	}
	buf_puts(out, "      ]\n    }\n  ]\n}\n");
}
