/* SPDX-License-Identifier: MIT
 * copies.c - see copies.h.
 */
#include "engine/work/copies.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/fs.h"

void copies_add_list(struct key *key, const struct step_files *files)
{
	CLEANUP(freep) const char **texts = xcalloc(2 * files->n_items, sizeof(*texts));

	for (size_t i = 0; i < files->n_items; i++) {
		texts[2 * i] = files->items[i].source;
		texts[2 * i + 1] = files->items[i].target;
	}
	key_set_list(key, "list", texts, 2 * files->n_items);
}

static void on_read(void *context, uint64_t done)
{
	task_progress(context, "copying", done, 0);
}

struct copy_request copies_request(const struct work *w, const struct step_files *files,
				   struct task *task, enum copy_from from, int source_fd)
{
	bool from_host = from == COPY_FROM_HOST;

	return (struct copy_request){
		.source_fd = source_fd,
		.items = files->items,
		.n_items = files->n_items,
		.rules =
			{
				.from = from,
				/* The image's times are those of the copied files,
				 * clamped. */
				.times_count = w->epoch_set,
				.clamp_s = w->epoch_s,
			},
		.files =
			{
				.cancel = task ? task_cancel(task) : NULL,
				.max_file = w->options.max_file,
				.memo = from_host ? stat_memo_table(w->memo)
						  : (struct content_memo){0},
				.progress = task ? on_read : NULL,
				.context = task,
			},
		.helpers = from_host && task ? task_shares(task) : (struct parallel){0},
	};
}

/* `why` needs to know which files they are. */
static void want_list(const struct work *w, struct copy_request *request,
		      struct tree_list *out)
{
	tree_list_release(out);
	out->secret = store_secret(w->options.store);
	request->rules.list = out;
}

struct err *copies_write(const struct work *w, const struct step *step,
			 struct copy_request *request, int root_fd)
{
	struct step_state *state = work_state(w, step->id);
	struct digest copied;

	want_list(w, request, &state->list);
	TRY(tree_copy(request, root_fd, &copied));
	key_set_digest(state->inputs, "content", &copied);
	state->key = key_final(state->inputs);
	return NULL;
}

/* ---- from the host ---- */

static struct err *open_host(int *fd)
{
	return fs_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0, fd);
}

struct err *copies_compose_host(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	CLEANUP(closep) int host = -1;
	struct step_state *state = work_state(w, step->id);
	struct copy_request request;

	copies_add_list(state->inputs, step_host_files(step));
	/* Only when looking: what is there now may not be what it copies. */
	if (step->host_script.index != NODE_NONE.index &&
	    !work_state(w, step->host_script)->is_done) {
		*known = false;
		return NULL;
	}
	TRY(open_host(&host));
	request = copies_request(w, step_host_files(step), task, COPY_FROM_HOST, host);
	TRY(tree_copy_digest(&request, &state->source));
	key_set_digest(state->inputs, "content", &state->source);
	return NULL;
}

struct err *copies_write_host(const struct work *w, const struct step *step,
			      struct task *task, int root_fd)
{
	CLEANUP(closep) int host = -1;
	struct copy_request request;

	TRY(open_host(&host));
	request = copies_request(w, step_host_files(step), task, COPY_FROM_HOST, host);
	return copies_write(w, step, &request, root_fd);
}

struct err *copies_list_host(const struct work *w, const struct step *step,
			     struct tree_list *out)
{
	CLEANUP(closep) int host = -1;
	struct copy_request request;
	struct digest again;

	TRY(open_host(&host));
	request = copies_request(w, step_host_files(step), NULL, COPY_FROM_HOST, host);
	want_list(w, &request, out);
	return tree_copy_digest(&request, &again);
}
