/* SPDX-License-Identifier: MIT
 * commit.c - what a step has written becomes a layer.
 */
#include <fcntl.h>

#include "base/fs.h"
#include "engine/executor/exec_private.h"
#include "engine/tree/links.h"

static void tell_parted(void *context, const char *a, const char *b)
{
	task_note(
		context,
		"'/%s' and '/%s' were one file; both were changed, not to the same, and "
		"are two now",
		a, b);
}

/* Files of the layers below that have several names keep them: see links.h. */
static struct err *join_links(struct exec *x, struct task *task, const struct mounted *m,
			      const struct snapshot *below)
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
	TRY(mounted_open(x, below, false, &lower));
	return links_join(&links, upper, lower.root_fd);
}

struct err *exec_commit_upper(struct exec *x, const struct step *step, struct task *task,
			      struct mounted *m, const struct snapshot *below)
{
	struct step_state *state = exec_state(x, step->id);
	struct seal_request layer = {
		.store = x->options.store,
		.dir_fd = m->scratch.fd,
		.name = "upper",
		.max_file = x->options.max_file,
		.stop = cancel_stop(task_cancel(task)),
	};
	struct layer_id id;

	TRY(overlay_finish_upper(m->upper));
	TRY(err_wrap(join_links(x, task, m, below), "files with several names"));
	TRY(err_wrap(layer_publish(&layer, &id), "what %s of stage '%s' leaves",
		     step->label, step->stage_name));
	snapshot_copy(&state->snapshot, below);
	snapshot_push(&state->snapshot, &id);
	return NULL;
}
