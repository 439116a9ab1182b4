/* SPDX-License-Identifier: MIT
 * fuzz_check.c - any bytes as a definition: parsed, checked, planned, exported.
 */
/* links: check plan export */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "frontend/check/check.h"
#include "frontend/def/parse.h"
#include "frontend/export/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int null_fd = -1, empty_fd = -1;

/* A folder without anything in it, for sources on the host. */
static void open_folders(void)
{
	CLEANUP(freep) char *path = NULL;
	const char *base = getenv("TMPDIR");

	if (null_fd >= 0)
		return;
	path = xasprintf("%s/fuzz_check.XXXXXX", base ? base : "/tmp");
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!mkdtemp(path))
		abort();
	empty_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rmdir(path);
	if (null_fd < 0 || empty_fd < 0)
		abort();
}

/* Formats take turns: what they write is slow to make. */
static void plan(const struct definition *def, size_t turn)
{
	static const char *const formats[] = {"tree", "dot", "mermaid", "json"};
	const char *format = formats[turn % ARRAY_LEN(formats)];
	struct plan_options options = {.all_stages = turn % 8 >= 4};
	struct export_state state = {0};
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct err *e = plan_compile(def, &options, &plan);

	if (e)
		abort();
	err_ignore(export_find(format)->write(plan, &state, null_fd), "nobody reads it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(source_freep)
	struct source *source =
		source_new("x.def", str_make(size > 0 ? (const char *)data : "", size));
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(diag_list_freep) struct diag_list *diags = diag_list_new(source, NULL);
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct check_options options;
	struct definition *def = NULL;

	open_folders();
	options.host_fd = empty_fd;
	def_parse(source, NULL, arena, diags, &def);
	if (!def)
		return 0;
	check_definition(def, &options, diags);
	diag_write_text(diags, &out);
	if (diag_count(diags, DIAG_ERROR) == 0)
		plan(def, size);
	return 0;
}
