/* SPDX-License-Identifier: MIT
 * failed_view.c - see failed_view.h.
 */
#include "frontend/cli/failed_view.h"

#include <string.h>

#include "base/byte_count.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/visible.h"

/* Put a name or a command, which stays within its line; NULL when it is not known. */
static void put_value(struct buf *out, const char *text)
{
	visible_line(out, str_of(text ? text : "?"));
}

static void put_place(const struct failed *f, bool is_short, struct buf *out)
{
	const char *file = json_string(f->about, "file");
	uint64_t line = 0, column = 0;

	if (!file || !json_u64(f->about, "line", &line) ||
	    !json_u64(f->about, "column", &column))
		return;
	put_value(out, is_short ? path_base(file) : file);
	buf_printf(out, ":%llu:%llu", (unsigned long long)line,
		   (unsigned long long)column);
}

void failed_view_headline(const struct failed *f, struct buf *out)
{
	put_value(out, json_string(f->about, "step"));
	buf_puts(out, " (");
	put_place(f, true, out);
	buf_puts(out, "): ");
	put_value(out, json_string(f->about, "reason"));
}

static void put_age(const struct failed *f, struct buf *out)
{
	uint64_t now_ms = (uint64_t)clock_real_ns() / 1000000;
	uint64_t age_ms = now_ms > f->failed_ms ? now_ms - f->failed_ms : 0;
	char text[32];

	clock_format_duration(age_ms * 1000000, text, sizeof(text));
	buf_printf(out, "%s ago", text);
}

static void put_size(uint64_t bytes, struct buf *out)
{
	char text[BYTE_COUNT_SIZE];

	byte_count_format(bytes, text);
	buf_puts(out, text);
}

void failed_view_text(const struct failed_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct failed *f = &list->items[i];

		buf_printf(out, "%2zu  ", i + 1);
		put_value(out, f->id.name);
		buf_puts(out, "  ");
		put_value(out, json_string(f->about, "step"));
		buf_puts(out, ", ");
		put_age(f, out);
		buf_puts(out, ", ");
		put_size(f->bytes, out);
		buf_puts(out, "\n    ");
		put_value(out, json_string(f->about, "reason"));
		buf_puts(out, "\n    ");
		put_place(f, false, out);
		buf_putc(out, '\n');
	}
}

static void put_member(const struct failed *f, const char *name, struct buf *out)
{
	const char *text = json_string(f->about, name);

	buf_printf(out, ", \"%s\": ", name);
	if (text)
		buf_json_string(out, text, strlen(text));
	else
		buf_puts(out, "null");
}

static void put_number(const struct failed *f, const char *name, struct buf *out)
{
	uint64_t value = 0;

	json_u64(f->about, name, &value);
	buf_printf(out, ", \"%s\": %llu", name, (unsigned long long)value);
}

/* Not the environment, which may hold secrets. */
void failed_view_json(const struct failed_list *list, struct buf *out)
{
	static const char *const texts[] = {"step",   "stage",	      "label", "file",
					    "reason", "last_command", "log"};
	static const char *const numbers[] = {"line", "column", "status", "failed_ms",
					      "bytes"};

	buf_puts(out, "{\n  \"version\": 1,\n  \"failed\": [");
	for (size_t i = 0; i < list->len; i++) {
		const struct failed *f = &list->items[i];

		buf_puts(out, i > 0 ? ",\n    {\"name\": " : "\n    {\"name\": ");
		buf_json_string(out, f->id.name, strlen(f->id.name));
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			put_member(f, texts[j], out);
		for (size_t j = 0; j < ARRAY_LEN(numbers); j++)
			put_number(f, numbers[j], out);
		buf_putc(out, '}');
	}
	buf_puts(out, list->len > 0 ? "\n  ]\n}\n" : "]\n}\n");
}

struct err *failed_view_find(const struct failed_list *list, const char *text,
			     const struct failed **out)
{
	uint64_t n = 1;

	if (list->len == 0)
		return err_hint(err_new(ERR_NOTFOUND, "no failed step is kept"),
				"failed steps are kept for a week, except those that "
				"were interrupted, and those of 'run --keep-failed=no'");
	if (!text || str_to_u64(str_of(text), &n)) {
		if (n < 1 || n > list->len)
			return err_hint(
				err_new(ERR_NOTFOUND, "there is no failed step %s", text),
				"there are %zu: see 'dagbuild shell --list'", list->len);
		*out = &list->items[n - 1];
		return NULL;
	}
	for (size_t i = 0; i < list->len; i++) {
		const struct failed *f = &list->items[i];
		const char *step = json_string(f->about, "step");

		if (strcmp(text, f->id.name) == 0 || (step && strcmp(text, step) == 0)) {
			*out = f;
			return NULL;
		}
	}
	return err_hint(err_new(ERR_NOTFOUND, "no failed step '%s' is kept", text),
			"see 'dagbuild shell --list'");
}
