/* SPDX-License-Identifier: MIT
 * ready.c - see ready.h.
 */
#include "scheduler/ready.h"

#include "base/vec.h"

static bool comes_before(const struct ready_entry *a, const struct ready_entry *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->id.index < b->id.index;
}

void ready_push(struct ready *r, struct node_id id, uint64_t priority)
{
	struct ready_entry entry = {priority, id};
	size_t at = r->len;

	vec_push(r, entry);
	while (at > 0 && comes_before(&entry, &r->items[(at - 1) / 2])) {
		r->items[at] = r->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	r->items[at] = entry;
}

bool ready_pop(struct ready *r, struct node_id *out)
{
	struct ready_entry last;
	size_t at = 0;

	if (r->len == 0)
		return false;
	*out = r->items[0].id;
	last = r->items[--r->len];
	for (size_t child; (child = 2 * at + 1) < r->len; at = child) {
		if (child + 1 < r->len &&
		    comes_before(&r->items[child + 1], &r->items[child]))
			child++;
		if (!comes_before(&r->items[child], &last))
			break;
		r->items[at] = r->items[child];
	}
	if (r->len > 0)
		r->items[at] = last;
	return true;
}

void ready_release(struct ready *r)
{
	vec_free(r);
}
