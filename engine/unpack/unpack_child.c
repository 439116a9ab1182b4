/* SPDX-License-Identifier: MIT
 * unpack_child.c - the process that unpacks one layer, or one image.
 *
 * It has a process of its own because archives come from strangers, because libarchive's
 * handling of names depends on the process's locale, and because the umask must be 0:
 * none of that may touch a process with threads.
 *
 * The locale stays "C", on purpose.  Under a UTF-8 locale libarchive 3.6.2 composes the
 * names of pax headers (NFC), so that a file whose name is decomposed gets another name.
 * Under "C" it cannot convert what is not ASCII, says so by ARCHIVE_WARN, and gives the
 * raw bytes, which is what we want.  A test checks that.
 */
#include "engine/unpack/unpack_child.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "engine/unpack/squash.h"
#include "engine/unpack/unpack_stream.h"
#include "engine/unpack/unpack_wire.h"

/* Room for headers and padding of all entries, on top of the data. */
static const uint64_t OVERHEAD_MAX = GIB(16);

static struct err *remove_children(int root_fd)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(root_fd);
	const char *name;

	if (!dir)
		return err_sys("list folder");
	while ((name = dir_next(dir)) != NULL)
		TRY(fs_remove_tree(root_fd, name));
	return errno ? err_sys("list folder") : NULL;
}

static struct err *apply_all(struct unpack_writer *w, const struct unpack_entries *from)
{
	struct archive_entry *entry;

	for (;;) {
		TRY(from->next(from->self, &entry));
		if (!entry)
			return writer_finish(w);
		TRY(writer_apply(w, from, entry));
	}
}

static struct err *unpack_layer_with(struct unpack_writer *w,
				     const struct unpack_job *job)
{
	CLEANUP(unpack_stream_freep) struct unpack_stream *stream = NULL;
	struct unpack_source source = {
		.blob_fd = job->blob_fd,
		.stream_max = job->limits.max_bytes + OVERHEAD_MAX,
		.progress = job->progress,
		.context = job->context,
	};
	struct unpack_entries entries;
	struct err *e;

	TRY(unpack_stream_open(&source, &stream));
	entries = unpack_stream_entries(stream);
	e = apply_all(w, &entries);
	if (w->wants_parents) {
		err_ignore(e, "starting again onto the parents");
		w->result = (struct unpack_result){.needs_parents = true};
		return remove_children(job->root_fd);
	}
	TRY(e);
	return unpack_stream_finish(stream, &job->diff_id);
}

static struct err *unpack_image_with(struct unpack_writer *w,
				     const struct unpack_job *job)
{
	CLEANUP(squash_freep) struct squash *squash = NULL;
	struct squash_source source = {
		.fd = job->blob_fd,
		.offset = job->offset,
		.size = job->size,
		.progress = job->progress,
		.context = job->context,
	};
	struct unpack_entries entries;

	TRY(squash_open(&source, &squash));
	entries = squash_entries(squash);
	return apply_all(w, &entries);
}

struct err *unpack_here(const struct unpack_job *job, struct unpack_result *result)
{
	CLEANUP(writer_release) struct unpack_writer w = {.here.fd = -1};

	TRY(writer_init(&w, job->root_fd, job->mode, &job->limits));
	TRY(job->mode == UNPACK_IMAGE ? unpack_image_with(&w, job)
				      : unpack_layer_with(&w, job));
	*result = w.result;
	return NULL;
}

static void send_progress(void *context, uint64_t done)
{
	(void)context;
	wire_send_progress(WIRE_REPLY_FD, done);
}

static bool parse_mode(const char *text, enum unpack_mode *out)
{
	static const char *const names[] = {
		[UNPACK_FIRST] = "first",
		[UNPACK_ALONE] = "alone",
		[UNPACK_MERGED] = "merged",
		[UNPACK_IMAGE] = "image",
	};
	TABLE_HAS_ALL(names, UNPACK_MODES);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum unpack_mode)i;
			return true;
		}
	return false;
}

/* dagbuild internal-unpack MODE MAX_BYTES MAX_FILE DIFF_ID|- OFFSET SIZE */
static struct err *run(int argc, char **argv, struct unpack_result *result)
{
	CLEANUP(closep) int root = -1;
	struct unpack_job job = {.blob_fd = WIRE_BLOB_FD, .progress = send_progress};

	if (argc != 8 || !parse_mode(argv[2], &job.mode) ||
	    !str_to_u64(str_of(argv[3]), &job.limits.max_bytes) ||
	    !str_to_u64(str_of(argv[4]), &job.limits.max_file) ||
	    !str_to_u64(str_of(argv[6]), &job.offset) ||
	    !str_to_u64(str_of(argv[7]), &job.size))
		return err_new(ERR_USAGE, "internal-unpack: bad arguments");
	if (strcmp(argv[5], "-") != 0 && !digest_parse(str_of(argv[5]), &job.diff_id))
		return err_new(ERR_USAGE, "internal-unpack: bad digest '%s'", argv[5]);
	/* The passed descriptor may be O_PATH; a folder must be readable to be
	 * emptied. */
	TRY(fs_open(WIRE_ROOT_FD, ".", O_RDONLY | O_DIRECTORY, 0, &root));
	job.root_fd = root;
	return unpack_here(&job, result);
}

int unpack_main(int argc, char **argv)
{
	CLEANUP(err_freep) struct err *e = NULL;
	struct unpack_result result = {0};

	/* A worker that spawned us waits for us; if it dies, the first write to the pipe
	 * ends us even if it died before this line. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(0);
	setlocale(LC_CTYPE, "C");
	e = run(argc, argv, &result);
	if (e) {
		wire_send_error(WIRE_REPLY_FD, e);
		return 1;
	}
	wire_send_result(WIRE_REPLY_FD, &result);
	return 0;
}
