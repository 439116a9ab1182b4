/* SPDX-License-Identifier: MIT
 * file_content.c - see file_content.h.
 */
#include "engine/tree/file_content.h"

#include "base/clock.h"

struct content_reader file_content_reader(const struct file_reading *how, bool is_silent)
{
	return (struct content_reader){
		.stop = cancel_stop(how->cancel),
		.progress = is_silent ? NULL : how->progress,
		.context = how->context,
	};
}

bool file_content_find(const struct file_reading *how, const struct stat *st,
		       struct content *content)
{
	content->size = (uint64_t)st->st_size;
	return how->memo.find && how->memo.find(how->memo.self, st, &content->blocks);
}

struct err *file_content_read(const struct file_reading *how, struct content_reader *r,
			      int in, int out, struct content *content)
{
	int64_t read_ns = clock_real_ns();
	struct stat before, after;

	if (fstat(in, &before) != 0)
		return err_sys("stat");
	TRY(content_read(r, in, out, content));
	if (!how->memo.add)
		return NULL;
	if (fstat(in, &after) != 0)
		return err_sys("stat");
	if (content->size == (uint64_t)after.st_size)
		how->memo.add(how->memo.self, &before, &after, read_ns, &content->blocks);
	return NULL;
}
