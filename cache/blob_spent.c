/* SPDX-License-Identifier: MIT
 * blob_spent.c - blobs whose content is in the store in another form: see blob.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sync.h"
#include "cache/blob.h"
#include "cache/blob_path.h"
#include "cache/store_private.h"

void blob_spend(struct store *s, const struct digest *id)
{
	pthread_mutex_lock(&s->lock);
	vec_push(&s->spent, *id);
	pthread_mutex_unlock(&s->lock);
}

/* ---- dropping ---- */

/* Move it out of sight, into a folder that is removed later.  What cannot be moved
 * stays. */
static void hide(const struct store *s, const struct digest *id, int trash_fd)
{
	char path[BLOB_PATH_SIZE], name[DIGEST_TEXT_SIZE];

	blob_path(id, path);
	(void)renameat(s->fd, path, trash_fd, digest_hex(id, name));
	*strrchr(path, '/') = '\0';
	(void)unlinkat(s->fd, path, AT_REMOVEDIR);
}

static struct err *hide_unneeded(const struct store *s, int trash_fd)
{
	CLEANUP(lease_set_release) struct lease_set needed = LEASE_SET_INIT;
	CLEANUP(closep) int lock = -1;

	TRY(lease_lock(s, &lock));
	TRY(lease_set_read(s, &needed));
	for (size_t i = 0; i < s->spent.len; i++) {
		const struct digest *id = &s->spent.items[i];
		char hex[DIGEST_TEXT_SIZE];

		if (!lease_set_has(&needed, LEASE_BLOB, digest_hex(id, hex)))
			hide(s, id, trash_fd);
	}
	return NULL;
}

struct err *blob_drop_spent(struct store *s)
{
	CLEANUP(scratch_release) struct scratch trash = SCRATCH_INIT;

	if (s->spent.len == 0)
		return NULL;
	TRY(err_wrap(sync_filesystem(s->fd), "'%s'", s->dir));
	TRY(scratch_new(s, &trash));
	TRY(hide_unneeded(s, trash.fd));
	vec_free(&s->spent);
	return NULL;
}
