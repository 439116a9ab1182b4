/* SPDX-License-Identifier: MIT
 * killer.c - run a program, and at its N-th system call kill it, or make that call fail.
 *
 *     killer [OPTION...] N PROGRAM ARGUMENT...
 *
 * It counts the system calls of all tasks that run PROGRAM (--of FILE: that run FILE,
 * when PROGRAM only starts it): of the process, its threads, and its children that
 * execute it again; with --fault only calls that can fail that way.  It does not count
 * those of the dynamic loader (--loader does): a program's calls begin at its entry
 * point.  Other programs that it starts, such as the scripts of a build, are only
 * watched.
 *
 * At the N-th call, before it is done,
 *   --kill main   the process that was started gets SIGKILL, as from a user's `kill -9`;
 *                 what it started has to end by itself
 *   --kill ask    it gets SIGTERM, as from timeout(1): it has to end, with everything
 *                 that it started
 *   --kill tree   all its processes get SIGKILL, as when a machine goes down
 *   --fault E     the call is not done and fails with E (ENOSPC, EIO or EMFILE), with
 *                 --lasting every later one does, too; close(2) is done nevertheless, as
 *                 the kernel does
 * N = 0 only counts.
 *
 * Exit status: 0 when all tasks have ended; 3 when some had not ended 20 seconds after
 * the kill (they are killed); 2 for wrong use.  It writes one line of JSON, with --report
 * FILE to FILE: the number of calls counted, whether the N-th came, its name, path and
 * thread, and how PROGRAM ended.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define DIE(...) (fprintf(stderr, "killer: " __VA_ARGS__), fputc('\n', stderr), exit(2))

static const unsigned END_SECONDS = 20;

enum { TASKS_MAX = 1024 };

struct task {
	pid_t id;
	bool is_held;	/* it stopped before its parent reported it */
	bool is_ours;	/* it runs PROGRAM */
	bool is_loaded; /* its loader has finished */
	bool is_failing;
	uint64_t entry; /* address of a breakpoint; 0: none */
	uint64_t text;	/* the bytes that were there */
};

static struct {
	bool with_loader, is_lasting, kills_all, only_asks;
	int fault; /* 0: kill */
	const char *report, *of;
	uint64_t n;
	dev_t device; /* of PROGRAM */
	ino_t inode;
} options;

static struct task tasks[TASKS_MAX];
static size_t n_tasks;
static pid_t main_id;
static int main_status;
static uint64_t counted;
static bool was_reached, overdue;
static char reached_name[64], reached_path[200];
static pid_t reached_task;

static struct task *task_find(pid_t id)
{
	for (size_t i = 0; i < n_tasks; i++)
		if (tasks[i].id == id)
			return &tasks[i];
	return NULL;
}

static struct task *task_add(pid_t id)
{
	if (n_tasks == TASKS_MAX)
		DIE("more than %d tasks", TASKS_MAX);
	tasks[n_tasks] = (struct task){.id = id};
	return &tasks[n_tasks++];
}

static void task_remove(pid_t id)
{
	struct task *t = task_find(id);

	if (t)
		*t = tasks[--n_tasks];
}

/* Errors mean nothing here: a task may be killed at any moment. */
static void go_on(const struct task *t, int signal_number)
{
	bool stops_at_calls = t->is_ours && !(was_reached && !options.fault);

	ptrace(stops_at_calls ? PTRACE_SYSCALL : PTRACE_CONT, t->id, 0, signal_number);
}

/* ---- programs ---- */

static bool runs_program(pid_t id)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)id);
	return stat(path, &st) == 0 && st.st_dev == options.device &&
	       st.st_ino == options.inode;
}

static uint64_t entry_point(pid_t id)
{
	char path[32];
	Elf64_auxv_t item;
	uint64_t entry = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)id);
	file = fopen(path, "re");
	while (file && fread(&item, sizeof(item), 1, file) == 1)
		if (item.a_type == AT_ENTRY)
			entry = item.a_un.a_val;
	if (file)
		fclose(file);
	return entry;
}

/* A new program: stop where its loader hands over. */
static void on_exec(struct task *t)
{
	t->is_failing = false;
	t->entry = 0;
	t->is_ours = runs_program(t->id);
	t->is_loaded = options.with_loader;
	if (!t->is_ours || t->is_loaded)
		return;
	t->entry = entry_point(t->id);
	errno = 0;
	t->text = (uint64_t)ptrace(PTRACE_PEEKTEXT, t->id, t->entry, 0);
	if (errno != 0 || !t->entry)
		DIE("task %d has no entry point", (int)t->id);
	/* int3 */
	ptrace(PTRACE_POKETEXT, t->id, t->entry, (t->text & ~UINT64_C(0xff)) | 0xcc);
}

static bool on_breakpoint(struct task *t)
{
	struct user_regs_struct regs;

	if (!t->entry || ptrace(PTRACE_GETREGS, t->id, 0, &regs) != 0 ||
	    regs.rip != t->entry + 1)
		return false;
	ptrace(PTRACE_POKETEXT, t->id, t->entry, t->text);
	regs.rip = t->entry;
	ptrace(PTRACE_SETREGS, t->id, 0, &regs);
	t->entry = 0;
	t->is_loaded = true;
	return true;
}

/* ---- the N-th call ---- */

static void too_late(int signal_number)
{
	(void)signal_number;
	overdue = true;
}

static void kill_them(void)
{
	struct sigaction action = {.sa_handler = too_late};

	/* The tracees go on only when we let them: none can get away meanwhile. */
	if (options.kills_all)
		for (size_t i = 0; i < n_tasks; i++)
			kill(tasks[i].id, SIGKILL);
	else {
		kill(main_id, options.only_asks ? SIGTERM : SIGKILL);
		for (size_t i = 0; i < n_tasks; i++)
			if (tasks[i].is_held)
				go_on(&tasks[i], 0);
	}
	sigaction(SIGALRM, &action, NULL);
	alarm(END_SECONDS);
}

/* The path that a call like openat(2) gets, as far as it has only plain characters. */
static void note_path(const struct task *t, uint64_t address)
{
	struct iovec to = {reached_path, sizeof(reached_path) - 1};
	struct iovec from = {NULL, sizeof(reached_path) - 1};
	ssize_t n;

	/* Not across a page, which may be the last one. */
	if (from.iov_len > 4096 - address % 4096)
		from.iov_len = 4096 - address % 4096;
	memcpy(&from.iov_base, &address, sizeof(address));
	n = process_vm_readv(t->id, &to, 1, &from, 1, 0);
	reached_path[n > 0 ? n : 0] = '\0';
	for (char *p = reached_path; *p; p++)
		if (*p < ' ' || *p == '"' || *p == '\\' || *p > '~')
			*p = '?';
}

static void note_call(const struct task *t, uint64_t number, const uint64_t args[6])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
	const char *at = name ? strstr(name, "at") : NULL;

	snprintf(reached_name, sizeof(reached_name), "%s", name ? name : "?");
	if (at && (at[2] == '\0' || at[2] == '2'))
		note_path(t, args[1]);
	free(name);
	reached_task = t->id;
	was_reached = true;
}

static void fail_call(struct task *t, uint64_t number)
{
	struct user_regs_struct regs;

	t->is_failing = true;
	if (number == SYS_close)
		return;
	ptrace(PTRACE_GETREGS, t->id, 0, &regs);
	regs.orig_rax = UINT64_MAX;
	ptrace(PTRACE_SETREGS, t->id, 0, &regs);
}

static void on_entry(struct task *t, const struct __ptrace_syscall_info *info)
{
	uint64_t args[6];

	memcpy(args, info->entry.args, sizeof(args));
	if (options.fault && !calls_can_fail(t->id, info->entry.nr, args, options.fault))
		return;
	counted++;
	if (options.n == 0 || counted < options.n || (was_reached && !options.is_lasting))
		return;
	if (!was_reached)
		note_call(t, info->entry.nr, args);
	if (options.fault)
		fail_call(t, info->entry.nr);
	else
		kill_them();
}

static void on_exit_of_call(struct task *t)
{
	struct user_regs_struct regs;

	if (!t->is_failing)
		return;
	t->is_failing = false;
	ptrace(PTRACE_GETREGS, t->id, 0, &regs);
	regs.rax = (unsigned long long)-options.fault;
	ptrace(PTRACE_SETREGS, t->id, 0, &regs);
}

static void on_call(struct task *t)
{
	struct __ptrace_syscall_info info;

	if (!t->is_ours || !t->is_loaded)
		return;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->id, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(t, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		on_exit_of_call(t);
}

/* ---- stops ---- */

static void on_child(const struct task *parent)
{
	unsigned long id = 0;
	struct task *child, copy = *parent;

	if (ptrace(PTRACE_GETEVENTMSG, parent->id, 0, &id) != 0)
		return;
	child = task_find((pid_t)id);
	if (child && !child->is_held)
		return;
	copy.id = (pid_t)id;
	copy.is_failing = false;
	if (child) {
		*child = copy;
		child->is_held = false;
		go_on(child, 0);
	} else {
		*task_add((pid_t)id) = copy;
	}
}

/* With a thread's exec(2) the thread takes over its process's number. */
static void take_over(struct task *t)
{
	pid_t id = t->id;
	unsigned long former = 0;

	if (ptrace(PTRACE_GETEVENTMSG, id, 0, &former) == 0 && (pid_t)former != id)
		task_remove((pid_t)former);
	/* Removing moves tasks. */
	t = task_find(id);
	if (t)
		on_exec(t);
}

/* Its parent's stop tells whose child it is, and may come later; after the kill perhaps
 * never: then the newborn dies with the rest, as with cgroup.kill, or goes its way. */
static void on_newborn(pid_t id)
{
	struct task *t = task_add(id);

	if (!was_reached || options.fault)
		t->is_held = true;
	else if (options.kills_all)
		kill(id, SIGKILL);
	else
		go_on(t, 0);
}

static void on_stop(pid_t id, int status)
{
	struct task *t = task_find(id);
	int signal_number = WSTOPSIG(status);
	int event = status >> 16;

	if (!t) {
		on_newborn(id);
		return;
	}
	if (signal_number == (SIGTRAP | 0x80))
		on_call(t);
	else if (event == PTRACE_EVENT_EXEC)
		take_over(t);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		 event == PTRACE_EVENT_CLONE)
		on_child(t);
	else if (event == 0 && !(signal_number == SIGTRAP && on_breakpoint(t))) {
		go_on(t, signal_number);
		return;
	}
	/* Removing moves tasks. */
	t = task_find(id);
	if (t)
		go_on(t, 0);
}

static void watch(void)
{
	int status;

	for (;;) {
		pid_t id = waitpid(-1, &status, __WALL);

		if (id < 0 && errno == EINTR && overdue) {
			for (size_t i = 0; i < n_tasks; i++)
				kill(tasks[i].id, SIGKILL);
			continue;
		}
		if (id < 0 && errno == EINTR)
			continue;
		if (id < 0)
			return;
		if (WIFSTOPPED(status)) {
			on_stop(id, status);
			continue;
		}
		if (id == main_id)
			main_status = status;
		task_remove(id);
	}
}

/* ---- the command ---- */

static void start(char **argv)
{
	static const int follow = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
				  PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				  PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;

	main_id = fork();
	if (main_id < 0)
		DIE("fork: %s", strerror(errno));
	if (main_id == 0) {
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(main_id, &status, WUNTRACED) != main_id || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SEIZE, main_id, 0, follow) != 0)
		DIE("trace: %s", strerror(errno));
	task_add(main_id);
	kill(main_id, SIGCONT);
}

static void write_report(void)
{
	FILE *file = options.report ? fopen(options.report, "we") : stdout;

	if (!file)
		DIE("'%s': %s", options.report, strerror(errno));
	fprintf(file,
		"{\"counted\": %llu, \"reached\": %s, \"call\": \"%s\", \"path\": "
		"\"%s\", "
		"\"in_main\": %s, "
		"\"status\": %d, \"signal\": %d, \"overdue\": %s}\n",
		(unsigned long long)counted, was_reached ? "true" : "false", reached_name,
		reached_path, reached_task == main_id ? "true" : "false",
		WIFEXITED(main_status) ? WEXITSTATUS(main_status) : -1,
		WIFSIGNALED(main_status) ? WTERMSIG(main_status) : 0,
		overdue ? "true" : "false");
	if (file != stdout)
		fclose(file);
}

static int error_named(const char *name)
{
	if (strcmp(name, "ENOSPC") == 0)
		return ENOSPC;
	if (strcmp(name, "EIO") == 0)
		return EIO;
	if (strcmp(name, "EMFILE") == 0)
		return EMFILE;
	DIE("no fault is called '%s'", name);
}

static void read_kill(const char *what)
{
	options.kills_all = strcmp(what, "tree") == 0;
	options.only_asks = strcmp(what, "ask") == 0;
}

static char **read_arguments(char **word)
{
	struct stat st;

	for (word++; *word && strncmp(*word, "--", 2) == 0; word++) {
		if (strcmp(*word, "--loader") == 0)
			options.with_loader = true;
		else if (strcmp(*word, "--lasting") == 0)
			options.is_lasting = true;
		else if (strcmp(*word, "--fault") == 0 && word[1])
			options.fault = error_named(*++word);
		else if (strcmp(*word, "--kill") == 0 && word[1])
			read_kill(*++word);
		else if (strcmp(*word, "--of") == 0 && word[1])
			options.of = *++word;
		else if (strcmp(*word, "--report") == 0 && word[1])
			options.report = *++word;
		else
			DIE("unknown option '%s'", *word);
	}
	if (!word[0] || !word[1])
		DIE("usage: killer [OPTION...] N PROGRAM ARGUMENT...");
	options.n = strtoull(*word++, NULL, 10);
	if (!options.of)
		options.of = *word;
	if (stat(options.of, &st) != 0)
		DIE("'%s': %s", options.of, strerror(errno));
	options.device = st.st_dev;
	options.inode = st.st_ino;
	return word;
}

int main(int argc, char **argv)
{
	char **program;

	(void)argc;
	program = read_arguments(argv);
	start(program);
	watch();
	write_report();
	return overdue ? 3 : 0;
}
