/* SPDX-License-Identifier: MIT
 * image_folder.c - see image_folder.h.
 */
#include "engine/agent/image_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/agent/image_file.h"
#include "engine/agent/unpacked.h"
#include "engine/tree/tree_copy.h"

/* All that is in the folder, and itself. */
static struct copy_request request_of(const struct agent_context *c, int fd)
{
	static const struct copy_item all = {
		.source = "/", .target = "/", .is_literal = true};

	return (struct copy_request){
		.source_fd = fd,
		.items = &all,
		.n_items = 1,
		.rules =
			{
				.from = COPY_FROM_FOLDER,
				.times_count = c->times_count,
				.clamp_s = c->clamp_s,
			},
		.files = image_file_reading(c),
	};
}

struct err *image_folder_name(const struct agent_context *c, int fd, struct digest *out)
{
	struct copy_request request = request_of(c, fd);

	if (geteuid() != 0)
		return NULL;
	return tree_copy_digest(&request, out);
}

static struct err *take(const struct agent_context *c, int fd,
			const struct digest *resolved, struct unpacked *u)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(closep) int upper = -1;
	struct copy_request request = request_of(c, fd);
	struct digest copied;

	TRY(scratch_new(c->store, &scratch));
	if (mkdirat(scratch.fd, "upper", 0755) != 0)
		return err_sys("'%s'", scratch.path);
	TRY(fs_open(scratch.fd, "upper", O_RDONLY | O_DIRECTORY, 0, &upper));
	TRY(tree_copy(&request, upper, &copied));
	if (!digest_equal(&copied, resolved))
		return image_file_changed();
	return unpacked_publish(&scratch, c->task, false, u);
}

struct err *image_folder_bring(const struct agent_context *c, int fd,
			       const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(unpacked_release) struct unpacked u = {0};
	struct digest key = unpacked_key(c, "sandbox", resolved);
	struct err *e = NULL;
	bool waited;

	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!unpacked_load(c, &key, &u)) {
		e = take(c, fd, resolved, &u);
		if (!e)
			e = unpacked_save(c, &key, &u);
	}
	flight_leave(c->flights, &key, e);
	TRY(e);
	out->is_image = true;
	snapshot_copy(&out->layers, &u.layer);
	return NULL;
}
