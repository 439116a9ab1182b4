/* SPDX-License-Identifier: MIT
 * inside.c - see inside.h.
 *
 * The command line of the new process: internal-inside COMMAND SINCE STARTED ID_MAP
 * MEMORY TEXTS, then the command's own arguments.  given_hand_over() writes TEXTS.
 */
#include "frontend/project/inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/run/userns.h"

enum { OWN_WORDS = 6 };

struct inside inside_now(void)
{
	return (struct inside){
		.since = clock_real_ns(),
		.started_ns = clock_mono_ns(),
		.given = GIVEN_INIT,
	};
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
	CLEANUP(buf_release) struct buf texts = BUF_INIT;
	char since[32], started[32];

	snprintf(since, sizeof(since), "%lld", (long long)in->since);
	snprintf(started, sizeof(started), "%llu", (unsigned long long)in->started_ns);
	TRY(given_hand_over(&in->given, &texts));
	words[0] = "dagbuild";
	words[1] = "internal-inside";
	words[2] = command;
	words[3] = since;
	words[4] = started;
	words[5] = in->id_map;
	words[6] = in->memory ? in->memory : "";
	words[7] = buf_text(&texts);
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

struct err *inside_main(inside_body *(*find)(const char *command), int argc, char **argv,
			int *status)
{
	inside_body *body = argc > 0 ? find(argv[0]) : NULL;
	struct inside in = {0};
	uint64_t since = 0;

	if (argc < OWN_WORDS || !body || !str_to_u64(str_of(argv[1]), &since) ||
	    !str_to_u64(str_of(argv[2]), &in.started_ns) ||
	    !given_take_over(argv[5], &in.given))
		return err_new(ERR_USAGE, "'internal-inside' is not for users");
	in.since = (int64_t)since;
	snprintf(in.id_map, sizeof(in.id_map), "%s", argv[3]);
	in.memory = argv[4];
	TRY(enter());
	return body(&in, argc - OWN_WORDS, argv + OWN_WORDS, status);
}
