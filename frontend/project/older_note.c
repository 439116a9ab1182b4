/* SPDX-License-Identifier: MIT
 * older_note.c - see older_note.h.
 */
#include "frontend/project/older_note.h"

#include "cache/gc.h"
#include "cache/older.h"
#include "frontend/ui/say.h"

void older_note_tell(const struct store *s)
{
	if (older_is_left(s))
		say_line("note: what an older dagbuild left in the cache is not used: "
			 "everything is rebuilt; a run that builds removes it at its "
			 "end, 'dagbuild cache prune' removes it at once; downloads and "
			 "failed steps stay");
}

void older_note_remove(const struct store *s)
{
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result;

	if (!older_is_left(s))
		return;
	policy.holds_for_failed = true;
	err_ignore(gc_run(s, &policy, &result), "the next run tries again");
	if (older_is_left(s))
		say_line("note: some of what an older dagbuild left in the cache stays: "
			 "running processes need it; the next run that builds removes it "
			 "at its end, 'dagbuild cache prune' removes it at once");
}
