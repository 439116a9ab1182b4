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
		say_line("note: files of an older dagbuild are in the cache, and are not "
			 "used any more; a build removes them at its end, 'dagbuild "
			 "cache prune' removes them now; downloads and failed steps "
			 "stay");
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
		say_line("note: some files of an older dagbuild stay in the cache, since "
			 "running processes need them; the next build removes them at "
			 "its end, 'dagbuild cache prune' removes them at once");
}
