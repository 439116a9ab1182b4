/* SPDX-License-Identifier: MIT
 * bench_parse.c - bench_parse BYTES [FILE...]: time and memory of parsing, for texts that
 * repeat one line, and for files.
 *
 * Memory is how far the resident size rises above its value with the text alone, as a
 * multiple of the text: parsing may need 40 times the text and 1 MiB.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "frontend/def/parse.h"

/* The start of the text, and the line. */
static const char *const LINES[][2] = {
	{"", "x\n"},
	{"", "From: x\n"},
	{"", "a: \\\n"},
	{"", "Bootstrap:\n"},
	{"%help\n", "x\n"},
	{"%help\n", "{{ a }}\n"},
	{"%help\n", "{{ b }}"},
	{"%help\n", "# {{ a }} "},
	{"%arguments\n", "a=b\n"},
	{"%arguments\n", "x\n"},
	{"%files\n", "a\n"},
	{"", "%pre\nx\n"},
	{"", "%files from a\nb\n"},
	{"", "%zzz\n"},
	{"", "%apprun a\n"},
	{"", "\n"},
};

static const size_t FILE_MAX = (size_t)64 << 20;

/* A line of /proc/self/status in KiB. */
static size_t status_kib(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = fs_read_file(AT_FDCWD, "/proc/self/status", KIB(64), &text);
	const char *line = e ? NULL : strstr(buf_text(&text), name);

	err_ignore(e, "then it is 0");
	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

/* From now on VmHWM is the peak since now: proc(5), clear_refs. */
static void reset_peak(void)
{
	CLEANUP(closep) int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		err_ignore(fs_write_all(fd, "5", 1), "then it is higher");
}

static void shown(char *out, size_t size, const char *line)
{
	size_t n = 0;

	for (; *line && n + 2 < size; line++) {
		if (*line == '\n')
			out[n++] = '\\';
		out[n++] = *line == '\n' ? 'n' : *line;
	}
	out[n] = '\0';
}

/* Takes over `text`.  Measures in a separate child, since freed memory stays resident. */
static void measure(const char *name, struct buf *text)
{
	pid_t child = fork();
	uint64_t started_ns;
	size_t before, peak, size = text->len;

	if (child != 0) {
		buf_release(text);
		waitpid(child, NULL, 0);
		return;
	}
	reset_peak();
	before = status_kib("VmRSS:");
	started_ns = clock_mono_ns();
	{
		struct source *source = source_adopt("x.def", buf_steal(text), size);
		struct arena *arena = arena_new();
		struct build_args *args = build_args_new();
		struct diag_list *diags = diag_list_new(source, NULL);
		struct definition *def = NULL;

		err_ignore(build_args_flag(args, "a=1"), "it is right");
		def_parse(source, args, arena, diags, &def);
	}
	peak = status_kib("VmHWM:");
	printf("%-24s %9zu bytes %8.1f ms %7.1f MB/s %6.1f times the text\n", name, size,
	       (double)(clock_mono_ns() - started_ns) / 1e6,
	       (double)size * 1e3 / (double)(clock_mono_ns() - started_ns),
	       (double)(peak - before) * 1024 / (double)size);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	uint64_t size = 0;

	if (argc < 2 || !str_to_u64(str_of(argv[1]), &size) || size > FILE_MAX) {
		fprintf(stderr, "usage: bench_parse BYTES [FILE...]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; size > 0 && i < ARRAY_LEN(LINES); i++) {
		struct buf text = BUF_INIT;
		char name[32];

		buf_printf(&text, "Bootstrap: scratch\n%s", LINES[i][0]);
		while (text.len < size)
			buf_puts(&text, LINES[i][1]);
		shown(name, sizeof(name), LINES[i][1]);
		measure(name, &text);
	}
	for (int i = 2; i < argc; i++) {
		struct buf text = BUF_INIT;
		struct err *e = fs_read_file(AT_FDCWD, argv[i], FILE_MAX, &text);

		if (e) {
			fprintf(stderr, "%s\n", err_text(e));
			return 1;
		}
		measure(argv[i], &text);
	}
	return 0;
}
