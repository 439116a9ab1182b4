/* SPDX-License-Identifier: MIT
 * script_child.c - see script_child.h.
 */
#include "engine/run/script_child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

NORETURN void script_child_give_up(int fd, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "E%d %s", (int)err_code(e), err_text(e));
	for (const struct err *c = err_cause(e); c; c = err_cause(c))
		buf_printf(&text, ": %s", err_text(c));
	if (err_advice(e))
		buf_printf(&text, " (%s)", err_advice(e));
	buf_putc(&text, '\n');
	(void)!write(fd, text.data, text.len);
	_exit(125);
}

NORETURN void script_child_answer(int fd, int status)
{
	char answer[16];

	snprintf(answer, sizeof(answer), "S%d\n", status);
	(void)!write(fd, answer, strlen(answer));
	_exit(0);
}

/* posix_spawn(3) of glibc leaves its own two signals as ignored, and sigaction(3) does
 * not touch them. */
void script_child_reset_signals(void)
{
	static const struct {
		unsigned long words[8]; /* SIG_DFL: the kernel's struct is all 0 */
	} by_default;
	sigset_t none;

	for (int number = 32; number < SIGRTMIN; number++)
		syscall(SYS_rt_sigaction, number, &by_default, NULL, _NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int script_child_status(int raw)
{
	return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}
