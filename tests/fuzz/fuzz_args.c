/* SPDX-License-Identifier: MIT
 * fuzz_args.c - any bytes as template arguments and a definition that uses them.
 *
 * The input is "FLAG\xffFILE\xffDEFINITION".  The text that comes out is bounded, and
 * each byte of it has a place.
 */
/* links: def */
#include <stdlib.h>
#include <string.h>

#include "frontend/def/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct def_text *t, size_t size)
{
	check(t->text.len <= 2 * size + KIB(512) + size);
	/* Most of them: a short text whole. */
	for (size_t i = 0; i < t->text.len; i += 1 + i / 64) {
		struct span span = def_text_span(t, str_slice(t->text, i, i + 1));

		check(span.start < span.end && span.end <= size);
	}
}

static void parse(struct build_args *args, struct str text)
{
	CLEANUP(source_freep) struct source *source = source_new("x.def", text);
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(diag_list_freep) struct diag_list *diags = diag_list_new(source, NULL);
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct definition *def = NULL;

	def_parse(source, args, arena, diags, &def);
	if (def)
		check_text(&def->text, text.len);
	build_args_check(args, DIAG_ERROR, false, diags);
	diag_write_text(diags, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(build_args_freep) struct build_args *args = build_args_new();
	struct str all = str_make(size > 0 ? (const char *)data : "", size), flag, file;
	CLEANUP(freep) char *text = NULL;

	str_cut(all, '\xff', &flag, &all);
	str_cut(all, '\xff', &file, &all);
	text = str_dup(flag);
	err_ignore(build_args_flag(args, text), "it may be malformed");
	build_args_file(args, "args.txt", str_dup(file), file.len);
	parse(args, all);
	return 0;
}
