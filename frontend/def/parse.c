/* SPDX-License-Identifier: MIT
 * parse.c - a definition into stages: see parse.h.
 *
 * The grammar is Apptainer's, which is a matter of lines, in two passes.  A stage begins
 * at every line that starts with "Bootstrap:" in column 1, whatever is around it, in the
 * file as it is.  A stage with placeholders is first parsed as a draft, which gives its
 * %arguments; then its placeholders are replaced, and the result is parsed again, as one
 * stage whatever it holds.  So keys and names of sections cannot be template arguments,
 * but a value can bring sections along.
 */
#include "frontend/def/parse.h"

#include <string.h>

#include "frontend/def/parse_private.h"
#include "frontend/def/words.h"

/* ---- where stages begin ---- */

struct starts {
	VEC(uint32_t) items; /* offsets in the source, ascending */
};

static bool begins_stage(struct str text)
{
	return str_equal_nocase(str_slice(text, 0, strlen("bootstrap:")),
				STR("bootstrap:"));
}

static void find_stages(struct str text, struct starts *out)
{
	struct str rest = text, line;

	for (;;) {
		if (begins_stage(rest))
			vec_push(&out->items, (uint32_t)(rest.data - text.data));
		if (!scan_line(&rest, &line))
			return;
	}
}

/* Nothing but lines `Key: value`, which lack their `Bootstrap:`? */
static bool are_headers(struct str rest)
{
	struct str line, key, value;

	while (def_entry(&rest, &line)) {
		CLEANUP(freep) char *lower = NULL;

		if (!str_cut(line, ':', &key, &value))
			return false;
		lower = str_dup_lower(scan_trim(key));
		if (!words_contain(words_header_keys, str_of(lower)) &&
		    !words_is_otherurl(str_of(lower)))
			return false;
	}
	return true;
}

/* Comments and blank lines before the first stage belong to no stage; anything else would
 * be lost: false. */
static bool check_before_first(const struct source *source, size_t end,
			       struct diag_list *diags)
{
	struct str rest = str_slice(source_text(source), 0, end), line;
	struct span span;
	struct diag *d;

	if (!def_entry(&rest, &line))
		return true;
	span.start = (uint32_t)(line.data - source_text(source).data);
	span.end = span.start + (uint32_t)line.len;
	d = diag_add(diags, DIAG_BEFORE_BOOTSTRAP, span,
		     "this comes before the first 'Bootstrap:' line, and so is not in a "
		     "stage");
	if (are_headers(str_slice(source_text(source), 0, end)))
		diag_hint(d, "write 'Bootstrap:' first, then the other headers");
	else
		diag_hint(d, "move it below 'Bootstrap:', which must be in column 1");
	return false;
}

/* Without any such line the file is one stage, whose `Bootstrap` may be indented. */
static bool find_only_stage(const struct source *source, struct diag_list *diags,
			    struct starts *out)
{
	struct str rest = source_text(source), line;
	struct diag *d;

	if (def_entry(&rest, &line)) {
		vec_push(&out->items, 0);
		return true;
	}
	d = diag_add(diags, DIAG_NO_STAGE, (struct span){0, 0},
		     "the definition has no stage");
	diag_hint(d, "a stage begins with a line 'Bootstrap: AGENT' in column 1");
	return false;
}

static bool check_text(const struct source *source, struct diag_list *diags)
{
	struct str text = source_text(source);
	size_t nul = str_find(text, '\0');
	struct diag *d;

	if (str_starts_with(text, "\xef\xbb\xbf")) {
		d = diag_add(diags, DIAG_BYTE_ORDER_MARK, (struct span){0, 0},
			     "the file begins with a byte order mark");
		diag_hint(d, "save it as UTF-8 without a BOM");
		return false;
	}
	if (nul < text.len) {
		diag_add(diags, DIAG_NOT_TEXT,
			 (struct span){(uint32_t)nul, (uint32_t)nul},
			 "the file contains a NUL byte, and is not text");
		return false;
	}
	return true;
}

/* ---- the two passes ---- */

struct def_reader {
	const struct source *source;
	struct build_args *given;
	struct arena *arena;
	struct diag_list *diags;
	struct starts starts; /* in the source; afterwards in the definition's text */
	struct definition *def;
	bool *is_said; /* by stage: as in struct parser */
};

static struct str stage_text(const struct def_reader *r, struct str all, size_t index)
{
	const struct starts *s = &r->starts;
	size_t end = index + 1 < s->items.len ? s->items.items[index + 1] : all.len;

	return str_slice(all, s->items.items[index], end);
}

/* Parse a stage as a draft, for its %arguments, then append its text with arguments
 * replaced. */
static void replace_arguments(struct def_reader *r, const struct def_text *raw,
			      size_t index, struct text_builder *out)
{
	struct parser draft = {raw, r->arena, r->diags, true, false};
	size_t errors = diag_count(r->diags, DIAG_ERROR);
	struct str text = stage_text(r, raw->text, index);
	struct def_stage *stage = &r->def->stages[index];
	struct scan_placeholder any;

	if (!scan_placeholder(text, &any)) {
		text_builder_keep(out, text);
		return;
	}
	parse_stage(&draft, text, stage);
	r->is_said[index] = diag_count(r->diags, DIAG_ERROR) > errors;
	stage->is_partial =
		!template_replace(&draft, text, r->given, stage->arguments, out);
	r->is_said[index] |= stage->is_partial;
}

/* The definition's text, and where in it each stage begins. */
static void make_text(struct def_reader *r)
{
	CLEANUP(text_builder_release) struct text_builder b = {.source = r->source};
	struct str all = source_text(r->source);
	uint32_t first = r->starts.items.items[0];
	CLEANUP(freep) uint32_t *starts = NULL;
	struct def_text raw;

	if (!memmem(all.data, all.len, "{{", 2)) {
		def_text_plain(r->source, first, r->arena, &r->def->text);
		for (size_t i = 0; i < r->def->n_stages; i++)
			r->starts.items.items[i] -= first;
		return;
	}
	def_text_plain(r->source, 0, r->arena, &raw);
	starts = xcalloc(r->def->n_stages, sizeof(*starts));
	for (size_t i = 0; i < r->def->n_stages; i++) {
		starts[i] = (uint32_t)b.text.len;
		replace_arguments(r, &raw, i, &b);
	}
	memcpy(r->starts.items.items, starts, r->def->n_stages * sizeof(*starts));
	text_builder_finish(&b, r->arena, &r->def->text);
}

static void parse_stages(struct def_reader *r)
{
	struct parser p = {&r->def->text, r->arena, r->diags, false, false};

	for (size_t i = 0; i < r->def->n_stages; i++) {
		struct def_stage *stage = &r->def->stages[i];
		/* If placeholders were replaced, these are known, and which of them were
		 * used. */
		struct def_argument *arguments = stage->arguments;
		bool is_partial = stage->is_partial;

		p.is_said = r->is_said[i];
		memset(stage, 0, sizeof(*stage));
		parse_stage(&p, stage_text(r, r->def->text.text, i), stage);
		stage->is_partial = is_partial;
		if (arguments)
			stage->arguments = arguments;
	}
}

void def_parse(const struct source *source, struct build_args *given, struct arena *arena,
	       struct diag_list *diags, struct definition **out)
{
	struct def_reader r = {source, given, arena, diags, {{0}}, NULL, NULL};

	bool is_whole = true;

	*out = NULL;
	if (!check_text(source, diags))
		return;
	find_stages(source_text(source), &r.starts);
	if (r.starts.items.len > 0)
		is_whole = check_before_first(source, r.starts.items.items[0], diags);
	else if (!find_only_stage(source, diags, &r.starts))
		return;
	r.def = arena_alloc(arena, sizeof(*r.def));
	r.def->source = source;
	r.def->n_stages = r.starts.items.len;
	r.def->stages = arena_array(arena, r.def->n_stages, sizeof(*r.def->stages));
	r.is_said = arena_array(arena, r.def->n_stages, sizeof(*r.is_said));
	make_text(&r);
	parse_stages(&r);
	if (!is_whole)
		r.def->stages[0].has_bad_header = true;
	vec_free(&r.starts.items);
	*out = r.def;
}
