/* SPDX-License-Identifier: MIT
 * cmd_inspect.c - `dagbuild inspect`: what a SIF holds.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/visible.h"
#include "engine/image/sif.h"
#include "frontend/cli/cmd.h"
#include "frontend/ui/say.h"

struct inspect_settings {
	bool json;
};

static struct err *set_json(void *settings, const char *value)
{
	(void)value;
	((struct inspect_settings *)settings)->json = true;
	return NULL;
}

static const struct option_row rows[] = {
	{0, "json", NULL, "print JSON", set_json, 0},
	OPTIONS_HELP_ROW,
	{0},
};

static const char *partition_name(uint32_t partition)
{
	static const char *const names[] = {"", "system", "root", "data", "overlay"};

	return partition < ARRAY_LEN(names) ? names[partition] : "unknown";
}

static const char *fs_name(uint32_t fs)
{
	static const char *const names[] = {"",	       "squashfs", "ext3",
					    "archive", "raw",	   "encrypted"};

	return fs < ARRAY_LEN(names) ? names[fs] : "unknown";
}

/* Go's zero time, which stands for none in reproducible images, and what no calendar has.
 */
static const char *format_time(int64_t seconds, char *out, size_t size)
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (seconds <= 0 || !gmtime_r(&when, &tm) ||
	    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, size, "none");
	return out;
}

static void format_uuid(const unsigned char *uuid, char *out, size_t size)
{
	snprintf(out, size,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 uuid[0], uuid[1], uuid[2], uuid[3], uuid[4], uuid[5], uuid[6], uuid[7],
		 uuid[8], uuid[9], uuid[10], uuid[11], uuid[12], uuid[13], uuid[14],
		 uuid[15]);
}

static void describe(const struct sif_object *o, char *out, size_t size)
{
	if (o->type == SIF_PARTITION)
		snprintf(out, size, "%s, %s, %s", partition_name(o->partition),
			 fs_name(o->fs), sif_arch_name(o->arch));
	else
		snprintf(out, size, "%s", o->name);
}

static void write_text(const struct sif *s, struct buf *out)
{
	char uuid[40], created[32], what[160];

	format_uuid(s->uuid, uuid, sizeof(uuid));
	buf_printf(out, "architecture  %s\nuuid          %s\ncreated       %s\n\n",
		   sif_arch_name(s->arch), uuid,
		   format_time(s->created_s, created, sizeof(created)));
	buf_printf(out, "%3s %5s %-13s %12s %12s  %s\n", "id", "group", "type", "offset",
		   "bytes", "what");
	for (size_t i = 0; i < s->n_objects; i++) {
		const struct sif_object *o = &s->objects[i];

		describe(o, what, sizeof(what));
		buf_printf(out, "%3u %5u %-13s %12llu %12llu  ", o->id, o->group,
			   sif_type_name(o->type), (unsigned long long)o->offset,
			   (unsigned long long)o->size);
		visible_line(out, str_of(what));
		buf_putc(out, '\n');
	}
}

static void write_json(const struct sif *s, struct buf *out)
{
	char uuid[40];

	format_uuid(s->uuid, uuid, sizeof(uuid));
	buf_printf(
		out,
		"{\n  \"version\": 1,\n  \"architecture\": \"%s\",\n  \"uuid\": \"%s\",\n"
		"  \"created\": %lld,\n  \"objects\": [",
		sif_arch_name(s->arch), uuid, (long long)s->created_s);
	for (size_t i = 0; i < s->n_objects; i++) {
		const struct sif_object *o = &s->objects[i];

		buf_printf(out,
			   "%s\n    {\"id\": %u, \"group\": %u, \"type\": \"%s\", "
			   "\"offset\": %llu, "
			   "\"bytes\": %llu, \"name\": ",
			   i > 0 ? "," : "", o->id, o->group, sif_type_name(o->type),
			   (unsigned long long)o->offset, (unsigned long long)o->size);
		buf_json_string(out, o->name, strlen(o->name));
		if (o->type == SIF_PARTITION)
			buf_printf(out,
				   ", \"filesystem\": \"%s\", \"partition\": \"%s\", "
				   "\"architecture\": \"%s\"",
				   fs_name(o->fs), partition_name(o->partition),
				   sif_arch_name(o->arch));
		buf_putc(out, '}');
	}
	buf_puts(out, "\n  ]\n}\n");
}

static struct err *open_image(const char *path, int *fd)
{
	struct err *e = fs_open_regular(AT_FDCWD, path, fd);

	return err_hint(err_recode(e, ERR_USAGE), "name a SIF image");
}

static struct err *inspect(const char *path, bool json)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	CLEANUP(sif_release) struct sif sif = SIF_INIT;
	CLEANUP(closep) int fd = -1;

	TRY(open_image(path, &fd));
	TRY(err_wrap(sif_read(fd, &sif), "'%s'", path));
	if (json) {
		write_json(&sif, &out);
		return say_json(&out);
	}
	write_text(&sif, &out);
	return say_result(&out);
}

static struct err *inspect_run(int argc, char **argv, int *status)
{
	CLEANUP(freep) const char **files = NULL;
	struct inspect_settings settings = {0};
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);

	(void)status;
	files = operands.items;
	TRY(e);
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'inspect' takes one image");
	return inspect(files[0], settings.json);
}

const struct cmd cmd_inspect = {
	.name = "inspect",
	.operands = "IMAGE",
	.summary = "List what a SIF image contains",
	.options = rows,
	.run = inspect_run,
};
