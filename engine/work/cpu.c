/* SPDX-License-Identifier: MIT
 * cpu.c - see cpu.h.
 */
#include "engine/work/cpu.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"

/* For gcc, clang and others: OPTION=native, with quotes or without. */
static const char *const native_options[] = {"march=", "mcpu=", "target-cpu="};
/* For Intel's compilers. */
static const char *const host_options[] = {"-xHost", "-xHOST"};

static bool is_native(const char *value)
{
	while (*value == '"' || *value == '\'' || *value == '\\')
		value++;
	return strncmp(value, "native", strlen("native")) == 0;
}

static bool asks_for_native(const char *text, const char *option)
{
	const char *at = text;

	while ((at = strstr(at, option)) != NULL) {
		at += strlen(option);
		if (is_native(at))
			return true;
	}
	return false;
}

bool cpu_is_asked_for(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(native_options); i++)
		if (asks_for_native(text, native_options[i]))
			return true;
	for (size_t i = 0; text && i < ARRAY_LEN(host_options); i++)
		if (strstr(text, host_options[i]))
			return true;
	return false;
}

/* The fields that tell instruction sets apart, as /proc/cpuinfo names them on various
 * architectures.  The rest differs from processor to processor of a machine, or from
 * moment to moment. */
static bool counts(struct str name)
{
	static const char *const names[] = {
		"vendor_id", "cpu family",	"model",       "model name",
		"flags",     "CPU implementer", "CPU variant", "CPU architecture",
		"CPU part",  "Features",	"cpu",	       "isa",
		"machine",   "facilities",	"features",    "uarch",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

/* Each line once: a machine may have processors of two kinds. */
static void add_line(struct hasher *h, struct arena *a, struct map *met, struct str line)
{
	const char *text = arena_dup(a, line);

	if (map_get(met, text))
		return;
	map_set(met, text, met);
	hasher_add_str(h, text);
}

char *cpu_describe_text(const char *cpuinfo)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	CLEANUP(arena_freep) struct arena *a = arena_new(); /* the keys of `met` */
	CLEANUP(map_release) struct map met = MAP_INIT;
	struct str rest = str_of(cpuinfo), line, name, value, model = STR("unknown");
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (!str_cut(line, ':', &name, &value) || !counts(str_trim(name)))
			continue;
		add_line(h, a, &met, line);
		if (str_is(str_trim(name), "model name"))
			model = str_trim(value);
	}
	digest = hasher_final(h);
	return xasprintf("%.*s, %s", STR_ARG(model), digest_format(&digest, text));
}

char *cpu_describe(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	err_ignore(fs_read_file(AT_FDCWD, "/proc/cpuinfo", MIB(16), &text),
		   "then it is unknown");
	return cpu_describe_text(buf_text(&text));
}
