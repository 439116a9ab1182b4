/* SPDX-License-Identifier: MIT
 * unpack_wire.c - see unpack_wire.h.
 */
#include "engine/unpack/unpack_wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

enum frame_kind {
	FRAME_PROGRESS = 1, /* uint64_t */
	FRAME_RESULT,	    /* struct unpack_result */
	FRAME_ERROR,	    /* uint32_t code, then text: innermost cause first */
	FRAME_HINT,	    /* text, for the error before it */
};

struct frame {
	uint32_t kind;
	uint32_t size; /* bytes that follow */
};

/* Far above any error's text. */
enum { FRAME_MAX = 64 * 1024 };

static void send_frame(int fd, enum frame_kind kind, const void *data, size_t size)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct frame frame = {(uint32_t)kind, (uint32_t)size};

	buf_append(&out, &frame, sizeof(frame));
	buf_append(&out, data, size);
	err_ignore(fs_write_all(fd, out.data, out.len), "nobody is left to tell");
}

void wire_send_progress(int fd, uint64_t done)
{
	send_frame(fd, FRAME_PROGRESS, &done, sizeof(done));
}

void wire_send_result(int fd, const struct unpack_result *result)
{
	send_frame(fd, FRAME_RESULT, result, sizeof(*result));
}

void wire_send_error(int fd, const struct err *e)
{
	CLEANUP(buf_release) struct buf out = BUF_MAX(FRAME_MAX);
	uint32_t code = (uint32_t)err_code(e);

	if (err_cause(e))
		wire_send_error(fd, err_cause(e));
	buf_append(&out, &code, sizeof(code));
	buf_puts(&out, err_text(e));
	send_frame(fd, FRAME_ERROR, out.data, out.len);
	if (!err_cause(e) && err_advice(e))
		send_frame(fd, FRAME_HINT, err_advice(e), strlen(err_advice(e)));
}

static void take_error(struct wire_reader *r, const char *data, size_t size)
{
	CLEANUP(freep) char *text = NULL;
	uint32_t code = 0;

	memcpy(&code, data, sizeof(code));
	text = xstrndup(data + sizeof(code), size - sizeof(code));
	if (code < ERR_USAGE || code > ERR_SYS)
		code = ERR_SYS;
	if (r->error)
		r->error = err_recode(err_wrap(r->error, "%s", text), code);
	else
		r->error = err_new(code, "%s", text);
}

static bool take_frame(struct wire_reader *r, const struct frame *frame, const char *data)
{
	CLEANUP(freep) char *text = NULL;

	switch (frame->kind) {
	case FRAME_PROGRESS:
		if (frame->size != sizeof(r->done))
			return false;
		memcpy(&r->done, data, sizeof(r->done));
		return true;
	case FRAME_RESULT:
		if (frame->size != sizeof(r->result))
			return false;
		memcpy(&r->result, data, sizeof(r->result));
		r->has_result = true;
		return true;
	case FRAME_ERROR:
		if (frame->size < sizeof(uint32_t))
			return false;
		take_error(r, data, frame->size);
		return true;
	case FRAME_HINT:
		text = xstrndup(data, frame->size);
		r->error = err_hint(r->error, "%s", text);
		return true;
	default:
		return false;
	}
}

static struct err *take_frames(struct wire_reader *r)
{
	size_t used = 0;
	struct frame frame;

	while (r->pending.len - used >= sizeof(frame)) {
		const char *start = r->pending.data + used;

		memcpy(&frame, start, sizeof(frame));
		if (frame.size > FRAME_MAX)
			return err_new(ERR_SYS, "unpacking child: bad frame");
		if (r->pending.len - used < sizeof(frame) + frame.size)
			break;
		if (!take_frame(r, &frame, start + sizeof(frame)))
			return err_new(ERR_SYS, "unpacking child: bad frame");
		used += sizeof(frame) + frame.size;
	}
	if (used > 0)
		memmove(r->pending.data, r->pending.data + used, r->pending.len - used);
	buf_truncate(&r->pending, r->pending.len - used);
	return NULL;
}

struct err *wire_read(struct wire_reader *r, int fd, bool *ended)
{
	char chunk[4096];
	ssize_t n;

	do
		n = read(fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys("unpacking child");
	*ended = n == 0;
	buf_append(&r->pending, chunk, (size_t)n);
	return take_frames(r);
}

void wire_reader_release(struct wire_reader *r)
{
	buf_release(&r->pending);
	err_free(r->error);
	r->error = NULL;
}
