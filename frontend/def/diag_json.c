/* SPDX-License-Identifier: MIT
 * diag_json.c - diagnostics for programs; the schema is docs/diagnostics.schema.json.
 */
#include <string.h>

#include "frontend/def/diag_private.h"

static void put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\": ", name);
	buf_json_string(out, text, strlen(text));
	buf_puts(out, ", ");
}

static void put_region(struct buf *out, const struct source *source, struct span span)
{
	struct diag_region region = diag_region(source, span);

	put_member(out, "file", source_name(source));
	buf_printf(out, "\"line\": %u, \"column\": %u, ", region.start.line,
		   region.start.column);
	buf_printf(out, "\"end_line\": %u, \"end_column\": %u", region.end.line,
		   region.end.column);
}

static void put_diag(struct buf *out, const struct diag *d)
{
	buf_puts(out, "    {");
	put_member(out, "code", diag_code_info(d->code)->name);
	put_member(out, "severity", diag_severity_name(d->severity));
	put_member(out, "message", d->text);
	if (d->hint)
		put_member(out, "hint", d->hint);
	put_region(out, d->source, d->span);
	buf_puts(out, ", \"notes\": [");
	for (size_t i = 0; i < d->notes.len; i++) {
		buf_puts(out, i > 0 ? ", {" : "{");
		put_member(out, "message", d->notes.items[i].text);
		put_region(out, d->source, d->notes.items[i].span);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

void diag_write_json(struct diag_list *l, struct buf *out)
{
	diag_list_sort(l);
	buf_puts(out, "{\n  \"version\": 1,\n  \"file\": ");
	buf_json_string(out, source_name(l->source), strlen(source_name(l->source)));
	buf_puts(out, ",\n  \"diagnostics\": [\n");
	for (size_t i = 0; i < l->diags.len; i++) {
		put_diag(out, l->diags.items[i]);
		buf_puts(out, i + 1 < l->diags.len ? ",\n" : "\n");
	}
	buf_printf(out, "  ],\n  \"total\": {\"errors\": %zu, \"warnings\": %zu},\n",
		   diag_count(l, DIAG_ERROR), diag_count(l, DIAG_WARNING));
	buf_printf(out, "  \"not_shown\": {\"errors\": %zu, \"warnings\": %zu}\n}\n",
		   diag_hidden(l, DIAG_ERROR), diag_hidden(l, DIAG_WARNING));
}
