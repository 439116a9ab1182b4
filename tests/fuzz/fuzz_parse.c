/* SPDX-License-Identifier: MIT
 * fuzz_parse.c - any bytes as a definition: nothing crashes, all places lie in the text,
 * and memory is bounded by the length.
 */
/* links: def */
#include <stdlib.h>
#include <string.h>

#include "frontend/def/parse.h"
#include "tests/fuzz/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_span(struct span span, size_t size)
{
	check(span.start <= span.end && span.end <= size);
}

static void check_sections(struct def_section *const *sections, size_t n, size_t size)
{
	for (size_t k = 0; k < n; k++) {
		if (!sections[k])
			continue;
		check_span(sections[k]->span, size);
		check(sections[k]->parts && sections[k]->last);
		for (const struct def_part *p = sections[k]->parts; p; p = p->next)
			check_span(p->span, size);
	}
}

static void check_files(const struct def_files *f, size_t size)
{
	for (; f; f = f->next) {
		size_t n = 0;

		check_span(f->span, size);
		check_span(f->from_span, size);
		for (const struct def_copy *c = f->copies.first; c; c = c->next, n++) {
			check(c->source[0] != '\0');
			check_span(c->source_span, size);
			check_span(c->target_span, size);
		}
		check(n == f->copies.n);
	}
}

static void check_stage(const struct def_stage *stage, size_t size)
{
	check_span(stage->span, size);
	check_span(stage->name_span, size);
	for (const struct def_header *h = stage->headers; h; h = h->next) {
		check_span(h->key_span, size);
		check_span(h->value_span, size);
	}
	check_sections(stage->sections, DEF_KINDS, size);
	check_files(stage->files, size);
	for (const struct def_app *app = stage->apps; app; app = app->next) {
		check_span(app->span, size);
		check_sections(app->sections, DEF_APP_KINDS, size);
	}
	for (const struct def_argument *a = stage->arguments; a; a = a->next)
		check_span(a->span, size);
}

static void show(struct diag_list *diags, size_t format)
{
	static const char *const formats[] = {"text", "json", "sarif"};
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	diag_format_find(formats[format % ARRAY_LEN(formats)])->write(diags, &out);
}

/* The definition's text, and what is made of it. */
static void parse(const char *text, size_t size)
{
	CLEANUP(source_freep)
	struct source *source = source_new("x.def", str_make(text, size));
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(diag_list_freep) struct diag_list *diags = diag_list_new(source, NULL);
	struct definition *def = NULL;

	def_parse(source, NULL, arena, diags, &def);
	check(memory_peak <= 40 * size + MIB(1));
	if (def) {
		check(def->n_stages > 0 && def->text.text.data);
		check(def->text.text.data[def->text.text.len] == '\0');
		for (size_t i = 0; i < def->n_stages; i++)
			check_stage(&def->stages[i], size);
	}
	show(diags, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory_begin();
	parse(size > 0 ? (const char *)data : "", size);
	return 0;
}
