/* SPDX-License-Identifier: MIT
 * registry_memory.c - what a client has learnt, for the next one of the same command.
 *
 * A command works in two processes.  Without this the second would have to learn
 * everything again: by waiting for a mirror that is down, say.  A line for each thing:
 *
 *	said TEXT		a note that is not given again
 *	plain HOST		a registry on this machine that talks http
 *	failed BASE IMAGE WHY	a mirror that is not asked; "*" for all images
 */
#include <stdlib.h>
#include <string.h>

#include "engine/oci/registry_private.h"

/* It goes through a command line.  What does not fit is learnt again. */
static const size_t MEMORY_MAX = (size_t)16 << 10;
static const size_t LINE_MAX_BYTES = 1024;

static void put_line(struct buf *out, const char *word, const char *text)
{
	size_t n = strlen(text);

	if (n <= LINE_MAX_BYTES && out->len + n + 16 <= MEMORY_MAX && !strchr(text, '\n'))
		buf_printf(out, "%s %s\n", word, text);
}

char *registry_memory(struct registry *r)
{
	struct buf out = BUF_INIT;

	buf_puts(&out, "");
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->plain.len; i++)
		put_line(&out, "plain", r->plain.items[i]);
	for (size_t i = 0; i < r->failed.len; i++) {
		const struct failed_mirror *m = &r->failed.items[i];
		CLEANUP(freep)
		char *text =
			xasprintf("%s %s %s", m->base, m->image ? m->image : "*", m->why);

		put_line(&out, "failed", text);
	}
	for (size_t i = 0; i < r->said.len; i++)
		put_line(&out, "said", r->said.items[i]);
	pthread_mutex_unlock(&r->lock);
	return buf_steal(&out);
}

static void recall_failed(struct registry *r, struct str text)
{
	struct str base, image, why;
	struct failed_mirror m;

	if (!str_cut(text, ' ', &base, &text) || !str_cut(text, ' ', &image, &why))
		return;
	m = (struct failed_mirror){
		str_dup(base), str_is(image, "*") ? NULL : str_dup(image), str_dup(why)};
	vec_push(&r->failed, m);
}

void registry_recall(struct registry *r, const char *memory)
{
	struct str rest = str_of(memory), line, word, text;

	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		str_cut(line, ' ', &word, &text);
		if (str_is(word, "plain"))
			vec_push(&r->plain, str_dup(text));
		else if (str_is(word, "failed"))
			recall_failed(r, text);
		else if (str_is(word, "said"))
			vec_push(&r->said, str_dup(text));
	}
}

void registry_memory_release(struct registry *r)
{
	for (size_t i = 0; i < r->plain.len; i++)
		free(r->plain.items[i]);
	for (size_t i = 0; i < r->failed.len; i++) {
		free(r->failed.items[i].base);
		free(r->failed.items[i].image);
		free(r->failed.items[i].why);
	}
	for (size_t i = 0; i < r->peers.len; i++)
		free(r->peers.items[i].host);
	for (size_t i = 0; i < r->slow.len; i++)
		free(r->slow.items[i].host);
	vec_free(&r->plain);
	vec_free(&r->failed);
	vec_free(&r->peers);
	vec_free(&r->slow);
}
