/* SPDX-License-Identifier: MIT
 * inside.c - see inside.h.
 *
 * The words of the new process: internal-inside COMMAND SINCE STARTED ID_MAP MEMORY, then what
 * the command was given.
 */
#include "frontend/cli/inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/run/userns.h"
#include "frontend/cli/cmd.h"

enum { OWN_WORDS = 5 };

struct inside inside_now(void)
{
	return (struct inside){.since = clock_real_ns(), .started_ns = clock_mono_ns()};
}

struct err *inside_probe(struct inside *in)
{
	struct userns_plan plan;

	TRY(userns_probe(&plan));
	userns_describe(&plan, in->id_map, sizeof(in->id_map));
	return NULL;
}

struct err *inside_go(const struct inside *in, const char *command, int argc, char **argv)
{
	CLEANUP(freep)
	const char **words = xcalloc((size_t)argc + OWN_WORDS + 3, sizeof(*words));
	char since[32], started[32];

	snprintf(since, sizeof(since), "%lld", (long long)in->since);
	snprintf(started, sizeof(started), "%llu", (unsigned long long)in->started_ns);
	words[0] = "dagbuild";
	words[1] = "internal-inside";
	words[2] = command;
	words[3] = since;
	words[4] = started;
	words[5] = in->id_map;
	words[6] = in->memory ? in->memory : "";
	memcpy(words + 2 + OWN_WORDS, argv, (size_t)argc * sizeof(*argv));
	execv(proc_self(), (char *const *)words);
	return err_sys("start dagbuild again");
}

static struct err *enter(void)
{
	struct userns_plan plan;

	TRY(userns_probe(&plan));
	return userns_enter(&plan);
}

struct err *inside_main(int argc, char **argv, int *status)
{
	const struct cmd *cmd = argc > 0 ? cmd_find(argv[0]) : NULL;
	struct inside in = {0};
	uint64_t since = 0;

	if (argc < OWN_WORDS || !cmd || !cmd->run_inside ||
	    !str_to_u64(str_of(argv[1]), &since) ||
	    !str_to_u64(str_of(argv[2]), &in.started_ns))
		return err_new(ERR_USAGE, "'internal-inside' is not for users");
	in.since = (int64_t)since;
	snprintf(in.id_map, sizeof(in.id_map), "%s", argv[3]);
	in.memory = argv[4];
	TRY(enter());
	return cmd->run_inside(&in, argc - OWN_WORDS, argv + OWN_WORDS, status);
}
