/* SPDX-License-Identifier: MIT
 * fuzz_visible.c - any bytes, made visible in each way.
 *
 * What comes out is UTF-8 in which no character steers, and stays as it is when it is
 * made visible again; JSON is still the JSON that it was.
 */
/* links: base */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/visible.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_clean(const struct buf *text, const char *allowed)
{
	struct str rest = str_make(buf_text(text), text->len), c;

	while (utf8_next(&rest, &c)) {
		check(utf8_length(c) == c.len);
		check(!utf8_steers(c) || (c.data[0] && strchr(allowed, c.data[0])));
	}
}

static void check_way(void (*make)(struct buf *, struct str), struct str text,
		      const char *allowed)
{
	CLEANUP(buf_release) struct buf once = BUF_INIT;
	CLEANUP(buf_release) struct buf twice = BUF_INIT;

	make(&once, text);
	check_clean(&once, allowed);
	check(once.len <= text.len);
	make(&twice, str_make(buf_text(&once), once.len));
	check(strcmp(buf_text(&once), buf_text(&twice)) == 0);
}

static void check_json(struct str text)
{
	CLEANUP(buf_release) struct buf quoted = BUF_INIT;
	CLEANUP(buf_release) struct buf raw = BUF_INIT;
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	CLEANUP(json_freep) cJSON *before = NULL;
	CLEANUP(json_freep) cJSON *after = NULL;

	buf_json_string(&quoted, text.data, text.len);
	check_clean(&quoted, "");
	/* The same text as others write it: controls of the upper half as they are. */
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x20 && !strchr("\"\\", text.data[i]))
			buf_putc(&raw, text.data[i]);
	visible_json(&shown, str_make(buf_text(&raw), raw.len));
	check_clean(&shown, "");
	buf_clear(&quoted);
	buf_json_string(&quoted, buf_text(&raw), raw.len);
	buf_clear(&raw);
	buf_printf(&raw, "\"%s\"", buf_text(&shown));
	err_ignore(json_parse(str_make(buf_text(&quoted), quoted.len), &before), "below");
	err_ignore(json_parse(str_make(buf_text(&raw), raw.len), &after), "below");
	check(before && after && cJSON_Compare(before, after, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make(size > 0 ? (const char *)data : "", size);

	check_way(visible_line, text, "");
	check_way(visible_lines, text, "\t\n");
	check_way(visible_output, text, "\t");
	check_json(text);
	return 0;
}
