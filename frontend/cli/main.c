/* SPDX-License-Identifier: MIT
 * main.c - start-up: find the command, and turn its error into an exit status.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "engine/run/container.h"
#include "engine/run/host_script.h"
#include "engine/unpack/unpack.h"
#include "frontend/cli/cmd.h"
#include "frontend/ui/say.h"

/* Bodies of the children that dagbuild starts from itself. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} children[] = {
	{"internal-run", container_main},
	{"internal-host", host_script_main},
	{"internal-unpack", unpack_main},
};

/* If the caller closed standard descriptors, the first files that we open must not take
 * their place: output would go there. */
static void open_standard_descriptors(void)
{
	int fd = 0;

	while (fd >= 0 && fd <= 2)
		fd = open("/dev/null", O_RDWR);
	if (fd > 2)
		close(fd);
}

static int show(struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int status = err_exit_status(e);

	err_render(e, &text);
	say(&text);
	err_free(e);
	return status;
}

static int print(const struct buf *text)
{
	struct err *e = say_result(text);

	return e ? show(e) : 0;
}

static int run_command(const struct cmd *cmd, int argc, char **argv)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int status = 0;
	struct err *e;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			cmd_help(cmd, &text);
			return print(&text);
		}
	}
	e = cmd->run(argc, argv, &status);
	if (!e)
		return status;
	if (err_code(e) == ERR_USAGE && !err_advice(e))
		e = err_hint(e, "'dagbuild %s --help' shows its options", cmd->name);
	return show(e);
}

static int run_inside(int argc, char **argv)
{
	int status = 0;
	struct err *e = inside_main(cmd_find_inside, argc, argv, &status);

	return e ? show(e) : status;
}

static int dispatch(int argc, char **argv)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *name = argc > 1 ? argv[1] : "--help";
	const struct cmd *cmd = cmd_find(name);

	if (cmd)
		return run_command(cmd, argc - 2, argv + 2);
	if (strcmp(name, "internal-inside") == 0)
		return run_inside(argc - 2, argv + 2);
	if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
		buf_puts(&text, "dagbuild " DAGBUILD_VERSION "\n");
		return print(&text);
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0) {
		cmd = argc > 2 ? cmd_find(argv[2]) : NULL;
		if (cmd)
			cmd_help(cmd, &text);
		else
			cmd_help_all(&text);
		print(&text);
		return argc > 1 ? 0 : 2;
	}
	return show(err_hint(err_new(ERR_USAGE, "unknown command '%s'", name),
			     strcmp(name, "build") == 0
				     ? "'dagbuild run FILE' builds an image"
				     : "'dagbuild --help' shows the commands"));
}

int main(int argc, char **argv)
{
	open_standard_descriptors();
	log_init();
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(children); i++)
		if (strcmp(argv[1], children[i].name) == 0)
			return children[i].run(argc, argv);
	interrupt_init();
	signal(SIGPIPE, SIG_IGN);
	return dispatch(argc, argv);
}
