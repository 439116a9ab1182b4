/* SPDX-License-Identifier: MIT
 * fuzz_scan.c - any bytes as lines, words and placeholders: each comes to an end, and all
 * slices lie in the text, in order.
 */
/* links: def */
#include <stdlib.h>
#include <string.h>

#include "frontend/def/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_inside(struct str all, struct str part)
{
	check(part.data >= all.data && part.data + part.len <= all.data + all.len);
}

static void scan_words(struct str line)
{
	struct str rest = line, word, trimmed = scan_trim(line);
	size_t last = 0;

	check_inside(line, trimmed);
	check(scan_blank(trimmed) == 0);
	while (scan_word(&rest, &word)) {
		check_inside(line, word);
		check((size_t)(word.data - line.data) >= last);
		last = (size_t)(word.data - line.data) + word.len;
	}
	check(scan_trim(rest).len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy with nothing behind it, so that reading past its end is seen. */
	CLEANUP(freep) char *copy = xmalloc(size > 0 ? size : 1);
	struct str all = str_make(copy, size), rest = all, line;
	struct scan_placeholder found;

	if (size > 0)
		memcpy(copy, data, size);
	while (scan_line(&rest, &line)) {
		check_inside(all, line);
		(void)scan_is_section(line);
		scan_words(line);
	}
	for (rest = all; scan_placeholder(rest, &found);) {
		check_inside(rest, found.all);
		check_inside(found.all, found.name);
		check(found.name.len > 0 && found.all.len >= found.name.len + 4);
		rest = str_slice(rest,
				 (size_t)(found.all.data - rest.data) + found.all.len,
				 rest.len);
	}
	return 0;
}
