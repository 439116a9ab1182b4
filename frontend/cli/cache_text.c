/* SPDX-License-Identifier: MIT
 * cache_text.c - see cache_text.h.
 */
#include "frontend/cli/cache_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_count.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "engine/work/step.h"
#include "frontend/options/amount.h"
#include "frontend/ui/say.h"

static void print_json(cJSON *tree, struct buf *out)
{
	CLEANUP(freep) char *text = json_print(tree);

	buf_printf(out, "%s\n", text);
	cJSON_Delete(tree);
}

static cJSON *new_json(void)
{
	cJSON *tree = cJSON_CreateObject();

	json_add_u64(tree, "version", 1);
	return tree;
}

/* Names of steps come from definitions, names of files from anywhere. */
static void put_name(struct buf *out, const char *text, size_t width)
{
	size_t start = out->len, n;

	visible_line(out, str_of(text));
	n = utf8_width(str_make(out->data + start, out->len - start));
	buf_printf(out, "%*s", n < width ? (int)(width - n) : 0, "");
}

/* ---- du ---- */

void cache_text_usage(const struct usage_report *report, struct buf *out)
{
	char size[BYTE_COUNT_SIZE];

	buf_printf(out, "%-8s %9s %16s %10s\n", "kind", "size", "bytes", "files");
	for (size_t i = 0; i <= USAGE_KINDS; i++) {
		const struct usage *u =
			i < USAGE_KINDS ? &report->kinds[i] : &report->total;

		byte_count_format(u->bytes, size);
		buf_printf(
			out, "%-8s %9s %16llu %10llu\n",
			i < USAGE_KINDS ? usage_kind_name((enum usage_kind)i) : "total",
			size, (unsigned long long)u->bytes, (unsigned long long)u->files);
	}
}

static void add_usage(cJSON *to, const char *name, const struct usage *u)
{
	cJSON *object = cJSON_AddObjectToObject(to, name);

	json_add_u64(object, "bytes", u->bytes);
	json_add_u64(object, "files", u->files);
}

void cache_json_usage(const struct usage_report *report, struct buf *out)
{
	cJSON *tree = new_json();
	cJSON *kinds = cJSON_AddObjectToObject(tree, "kinds");

	for (size_t i = 0; i < USAGE_KINDS; i++)
		add_usage(kinds, usage_kind_name((enum usage_kind)i), &report->kinds[i]);
	add_usage(tree, "total", &report->total);
	print_json(tree, out);
}

/* ---- ls ---- */

static int compare_used(const void *a, const void *b)
{
	const struct inventory_record *const *x = a, *const *y = b;

	if ((*x)->used_ns != (*y)->used_ns)
		return (*x)->used_ns > (*y)->used_ns ? -1 : 1;
	return strcmp((*x)->path, (*y)->path);
}

/* Those of steps, sorted; for free(). */
static const struct inventory_record **sort_steps(const struct inventory *inv, size_t *n)
{
	const struct inventory_record **sorted =
		xcalloc(inv->records.len, sizeof(*sorted));

	*n = 0;
	for (size_t i = 0; i < inv->records.len; i++)
		if (strcmp(inv->records.items[i].step, "?") != 0)
			sorted[(*n)++] = &inv->records.items[i];
	if (*n > 0)
		qsort(sorted, *n, sizeof(*sorted), compare_used);
	return sorted;
}

/* What the step itself added: the topmost layer, and nothing for steps that only read. */
static uint64_t own_bytes(const struct inventory *inv, const struct inventory_record *r)
{
	const struct inventory_layer *top = NULL;

	if (step_makes_layer_by_name(r->kind) && r->chain.len > 0)
		top = inventory_find_layer(inv, r->chain.layers[r->chain.len - 1].name);
	return top ? top->usage.bytes : 0;
}

void cache_text_records(const struct inventory *inv, struct buf *out)
{
	size_t n;
	CLEANUP(freep) const struct inventory_record **sorted = sort_steps(inv, &n);
	int64_t now = clock_real_ns();
	char size[BYTE_COUNT_SIZE], used[16], age[16];

	buf_printf(out, "%-24s %-6s %9s %6s %6s\n", "step", "kind", "size", "used",
		   "age");
	for (size_t i = 0; i < n; i++) {
		const struct inventory_record *r = sorted[i];

		byte_count_format(own_bytes(inv, r), size);
		put_name(out, r->step, 24);
		buf_printf(
			out, " %-6s %9s %6s %6s\n", r->kind, size,
			amount_format_age(now - r->used_ns, used, sizeof(used)),
			amount_format_age(now - r->made_ms * 1000000, age, sizeof(age)));
	}
}

void cache_json_records(const struct inventory *inv, struct buf *out)
{
	size_t n;
	CLEANUP(freep) const struct inventory_record **sorted = sort_steps(inv, &n);
	cJSON *tree = new_json();
	cJSON *array = cJSON_AddArrayToObject(tree, "steps");

	for (size_t i = 0; i < n; i++) {
		const struct inventory_record *r = sorted[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "step", r->step);
		cJSON_AddStringToObject(item, "kind", r->kind);
		cJSON_AddStringToObject(item, "key", r->hex);
		json_add_u64(item, "bytes", own_bytes(inv, r));
		json_add_u64(item, "used_ms", (uint64_t)(r->used_ns / 1000000));
		json_add_u64(item, "made_ms", (uint64_t)r->made_ms);
		cJSON_AddItemToArray(array, item);
	}
	print_json(tree, out);
}

/* ---- prune ---- */

void cache_victims_add(void *context, const struct gc_victim *victim)
{
	struct cache_victims *v = context;
	struct gc_victim copy = *victim;

	copy.name = xstrdup(victim->name);
	vec_push(&v->items, copy);
}

void cache_victims_release(struct cache_victims *v)
{
	for (size_t i = 0; i < v->items.len; i++)
		free((char *)v->items.items[i].name);
	vec_free(&v->items);
}

void cache_text_victims(const struct cache_victims *v, struct buf *out)
{
	int64_t now = clock_real_ns();
	char size[BYTE_COUNT_SIZE], used[16];

	for (size_t i = 0; i < v->items.len; i++) {
		const struct gc_victim *victim = &v->items.items[i];

		byte_count_format(victim->usage.bytes, size);
		buf_printf(out, "%-7s %9s %6s  ", victim->kind, size,
			   victim->used_ns == INT64_MIN
				   ? "-"
				   : amount_format_age(now - victim->used_ns, used,
						       sizeof(used)));
		put_name(out, victim->name, 0);
		buf_putc(out, '\n');
	}
}

void cache_json_victims(const struct cache_victims *v, const struct gc_result *result,
			bool dry_run, struct buf *out)
{
	cJSON *tree = new_json();
	cJSON *array = cJSON_AddArrayToObject(tree, "removed");

	cJSON_AddBoolToObject(tree, "dry_run", dry_run);
	for (size_t i = 0; i < v->items.len; i++) {
		const struct gc_victim *victim = &v->items.items[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "kind", victim->kind);
		cJSON_AddStringToObject(item, "name", victim->name);
		json_add_u64(item, "bytes", victim->usage.bytes);
		json_add_u64(item, "files", victim->usage.files);
		if (victim->used_ns != INT64_MIN)
			json_add_u64(item, "used_ms",
				     (uint64_t)(victim->used_ns / 1000000));
		cJSON_AddItemToArray(array, item);
	}
	add_usage(tree, "before", &result->before);
	add_usage(tree, "freed", &result->freed);
	json_add_u64(tree, "in_use", result->needed);
	print_json(tree, out);
}

void cache_text_freed(const struct gc_result *result, bool dry_run)
{
	char size[BYTE_COUNT_SIZE];

	byte_count_format(result->freed.bytes, size);
	say_line("%s %s in %llu files", dry_run ? "would free" : "freed", size,
		 (unsigned long long)result->freed.files);
	if (result->needed > 0)
		say_line("%zu items stay: running builds need them", result->needed);
}

void cache_text_rest(const struct store_rest *rest, const char *dir)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	bool one = rest->strange == 1;

	if (rest->strange == 0)
		return;
	visible_line(&name, str_of(rest->example));
	say_line("'%s' contains %zu %s not dagbuild's and %s: '%s'%s", dir, rest->strange,
		 one ? "item that is" : "items that are", one ? "stays" : "stay",
		 buf_text(&name), one ? "" : ", ...");
}

/* ---- verify ---- */

void cache_findings_add(void *context, const struct verify_finding *finding)
{
	struct cache_findings *f = context;
	struct verify_finding copy = *finding;

	copy.name = xstrdup(finding->name);
	vec_push(&f->items, copy);
}

void cache_findings_release(struct cache_findings *f)
{
	for (size_t i = 0; i < f->items.len; i++)
		free((char *)f->items.items[i].name);
	vec_free(&f->items);
}

void cache_text_findings(const struct cache_findings *f, struct buf *out)
{
	for (size_t i = 0; i < f->items.len; i++) {
		buf_printf(out, "%s ", f->items.items[i].kind);
		put_name(out, f->items.items[i].name, 0);
		buf_printf(out, ": %s\n", f->items.items[i].what);
	}
}

void cache_json_findings(const struct cache_findings *f,
			 const struct verify_result *result, bool repair, struct buf *out)
{
	cJSON *tree = new_json();
	cJSON *array = cJSON_AddArrayToObject(tree, "damaged");

	for (size_t i = 0; i < f->items.len; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "kind", f->items.items[i].kind);
		cJSON_AddStringToObject(item, "name", f->items.items[i].name);
		cJSON_AddStringToObject(item, "what", f->items.items[i].what);
		cJSON_AddItemToArray(array, item);
	}
	json_add_u64(tree, "blobs", result->blobs);
	json_add_u64(tree, "layers", result->layers);
	json_add_u64(tree, "records", result->records);
	json_add_u64(tree, "dropped", result->dropped);
	cJSON_AddBoolToObject(tree, "repaired", repair);
	print_json(tree, out);
}

void cache_text_verified(const struct verify_result *result, bool repair)
{
	say_line("checked %zu blobs, %zu layers, %zu records: %zu damaged", result->blobs,
		 result->layers, result->records, result->damaged);
	if (result->damaged == 0)
		return;
	say_line("%zu records that were built on them are dropped", result->dropped);
	if (!repair)
		say_line("none of this is used any longer; --repair removes it");
}
