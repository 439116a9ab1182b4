/* SPDX-License-Identifier: MIT
 * mounted_commit.c - what a step has written becomes a layer.
 */
#include <fcntl.h>

#include "base/fs.h"
#include "engine/work/mounted.h"
#include "engine/tree/links.h"

static void tell_parted(void *context, const char *a, const char *b)
{
	task_note(context,
		  "'/%s' and '/%s' were one file; both were changed, in different ways, "
		  "and are two now",
		  a, b);
}

/* Files of the layers below that have several names keep them: see links.h. */
static struct err *join_links(const struct work *w, struct task *task,
			      const struct mounted *m, const struct snapshot *below)
{
	CLEANUP(links_release)
	struct links links = {
		.stop = cancel_stop(task_cancel(task)),
		.parted = tell_parted,
		.context = task,
	};
	CLEANUP(mounted_release) struct mounted lower = MOUNTED_INIT;
	CLEANUP(closep) int upper = -1;

	TRY(fs_open(AT_FDCWD, m->upper, O_RDONLY | O_DIRECTORY, 0, &upper));
	TRY(links_find(&links, upper));
	if (links.marked.len == 0)
		return NULL;
	TRY(mounted_open(w, below, false, &lower));
	return links_join(&links, upper, lower.root_fd);
}

struct err *mounted_commit(const struct work *w, const struct step *step,
			   struct task *task, struct mounted *m,
			   const struct snapshot *below)
{
	struct step_state *state = work_state(w, step->id);
	struct seal_request layer = {
		.store = w->options.store,
		.dir_fd = m->scratch.fd,
		.name = "upper",
		.max_file = w->options.max_file,
		.stop = cancel_stop(task_cancel(task)),
		.parallel = task_shares(task),
	};
	struct layer_id id;

	TRY(overlay_finish_upper(m->upper));
	TRY(err_wrap(join_links(w, task, m, below), "files with several names"));
	TRY(err_wrap(layer_publish(&layer, &id), "what %s of stage '%s' leaves",
		     step->label, step->stage_name));
	TRY(work_add_times(w, task, &id));
	snapshot_copy(&state->snapshot, below);
	snapshot_push(&state->snapshot, &id);
	return NULL;
}
