/* SPDX-License-Identifier: MIT
 * unpack.c - the side that starts the unpacking process: see unpack.h.
 */
#include "engine/unpack/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/proc.h"
#include "engine/unpack/unpack_wire.h"

static const uint64_t BYTES_MAX_DEFAULT = GIB(64);

static const char *mode_name(const struct unpack_request *request)
{
	if (request->is_squashfs)
		return "image";
	if (request->merged)
		return "merged";
	return request->is_first ? "first" : "alone";
}

static struct err *start_child(const struct unpack_request *request, struct proc *child,
			       int *reply)
{
	CLEANUP(closep) int reply_write = -1;
	CLEANUP(closep) int root = -1;
	char max_bytes[24], max_file[24], offset[24], size[24];
	char diff_id[DIGEST_TEXT_SIZE] = "-";
	const char *folder = request->merged ? request->merged : request->target;
	const char *argv[] = {"dagbuild",
			      "internal-unpack",
			      mode_name(request),
			      max_bytes,
			      max_file,
			      diff_id,
			      offset,
			      size,
			      NULL};
	const char *env[2];
	int fds[3];

	proc_self_env(env);
	snprintf(max_bytes, sizeof(max_bytes), "%llu",
		 (unsigned long long)(request->max_bytes > 0 ? request->max_bytes
							     : BYTES_MAX_DEFAULT));
	snprintf(max_file, sizeof(max_file), "%llu",
		 (unsigned long long)request->max_file);
	snprintf(offset, sizeof(offset), "%llu", (unsigned long long)request->offset);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)request->blob_size);
	if (digest_is_set(&request->diff_id))
		digest_format(&request->diff_id, diff_id);
	TRY(fs_open(AT_FDCWD, folder, O_PATH | O_DIRECTORY, 0, &root));
	TRY(proc_pipe(reply, &reply_write));
	fds[WIRE_BLOB_FD - 3] = request->blob_fd;
	fds[WIRE_ROOT_FD - 3] = root;
	fds[WIRE_REPLY_FD - 3] = reply_write;
	return proc_start(child, &(struct proc_spec){.path = proc_self(),
						     .argv = argv,
						     .envp = env,
						     .stdin_fd = -1,
						     .stdout_fd = -1,
						     .stderr_fd = -1,
						     .pass_fds = fds,
						     .n_pass_fds = ARRAY_LEN(fds),
						     .own_group = true});
}

static struct err *wait_reply(const struct unpack_request *request, int reply)
{
	struct pollfd fds[2] = {{.fd = reply, .events = POLLIN}, {.fd = -1}};

	if (request->cancel)
		fds[1] = (struct pollfd){.fd = cancel_fd(request->cancel, CANCEL_ASKED),
					 .events = POLLIN};
	while (poll(fds, ARRAY_LEN(fds), -1) < 0)
		if (errno != EINTR)
			return err_sys("poll");
	return fds[1].revents ? cancel_check(request->cancel) : NULL;
}

static struct err *follow_child(const struct unpack_request *request,
				struct wire_reader *reader, int reply)
{
	uint64_t told = 0;
	bool ended = false;

	while (!ended) {
		TRY(wait_reply(request, reply));
		TRY(wire_read(reader, reply, &ended));
		if (request->progress && reader->done != told)
			request->progress(request->context, reader->done);
		told = reader->done;
	}
	return NULL;
}

struct err *unpack_layer(const struct unpack_request *request,
			 struct unpack_result *result)
{
	/* Released last to first: the child has ended before its pipe is closed. */
	CLEANUP(wire_reader_release) struct wire_reader reader = {0};
	CLEANUP(closep) int reply = -1;
	CLEANUP(proc_release) struct proc child = PROC_INIT;
	int status;

	TRY(start_child(request, &child, &reply));
	TRY(follow_child(request, &reader, reply));
	TRY(proc_wait(&child, &status));
	if (reader.error)
		return STEAL(reader.error);
	if (!reader.has_result)
		return err_new(ERR_SYS, "unpacking child ended with status %d", status);
	*result = reader.result;
	return NULL;
}

bool unpack_is_exact(const struct unpack_result *result)
{
	return result->skipped + result->squashed + result->lost_xattrs == 0;
}
