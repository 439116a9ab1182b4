/* SPDX-License-Identifier: MIT
 * userns.c - see userns.h.
 *
 * The maps of a user namespace with more than the user's own id can only be written from
 * outside, by newuidmap(1) and newgidmap(1).  So a child is forked first; it waits until
 * we are inside, starts the two for its parent, and ends.  That way this very process
 * enters, and its pid, terminal and signals stay what they were.
 */
#include "engine/run/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/proc.h"

/* ---- subordinate ids: subuid(5), subgid(5) ---- */

static bool names_user(struct str word, const char *name, uint32_t id)
{
	uint64_t number;

	return (name && str_is(word, name)) ||
	       (str_to_u64(word, &number) && number == id);
}

void userns_parse_ranges(struct str text, const char *name, uint32_t id,
			 struct id_ranges *out)
{
	struct str line, user, start_word, count_word, rest;
	uint64_t start, count;

	while (text.len > 0) {
		str_cut(text, '\n', &line, &text);
		if (!str_cut(str_trim(line), ':', &user, &rest) ||
		    !str_cut(rest, ':', &start_word, &count_word) ||
		    !names_user(user, name, id) || !str_to_u64(start_word, &start) ||
		    !str_to_u64(count_word, &count))
			continue;
		if (count == 0 || start > UINT32_MAX || count > UINT32_MAX - start ||
		    out->len == USERNS_RANGES_MAX)
			continue;
		out->items[out->len++] =
			(struct id_range){(uint32_t)start, (uint32_t)count};
	}
}

static struct err *read_ranges(const char *file, const char *name, uint32_t id,
			       struct id_ranges *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = fs_read_file(AT_FDCWD, file, MIB(16), &text);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "the same as an empty file");
		return NULL;
	}
	TRY(e);
	userns_parse_ranges(str_make(buf_text(&text), text.len), name, id, out);
	return NULL;
}

static struct err *no_ranges(const char *name)
{
	return err_hint(
		err_new(ERR_UNSUPPORTED,
			"user '%s' has no subordinate ids in /etc/subuid and /etc/subgid",
			name),
		"have the administrator run: usermod --add-subuids 100000-165535 "
		"--add-subgids 100000-165535 %s",
		name);
}

struct err *userns_probe(struct userns_plan *out)
{
	uint32_t id = geteuid();
	struct passwd entry, *found = NULL;
	char strings[4096], number[16];
	const char *name;

	*out = (struct userns_plan){.mode = USERNS_ROOT};
	if (id == 0)
		return NULL;
	out->mode = USERNS_RANGE;
	getpwuid_r(id, &entry, strings, sizeof(strings), &found);
	snprintf(number, sizeof(number), "%u", id);
	name = found ? found->pw_name : NULL;
	TRY(read_ranges("/etc/subuid", name, id, &out->uids));
	TRY(read_ranges("/etc/subgid", name, id, &out->gids));
	if (out->uids.len == 0 || out->gids.len == 0)
		return no_ranges(name ? name : number);
	return NULL;
}

static void describe_ranges(const struct id_ranges *ranges, struct buf *out)
{
	for (size_t i = 0; i < ranges->len; i++)
		buf_printf(out, "%s%u+%u", i > 0 ? "," : "", ranges->items[i].start,
			   ranges->items[i].count);
}

/* Root of a user namespace that another program made has other ids than real root: which
 * ones goes into the class, and what they are outside into the rest. */
static void describe_map(const char *file, const char *name, struct buf *class,
			 struct buf *rest)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = fs_read_file(AT_FDCWD, file, 65536, &text);
	struct str lines = str_make(buf_text(&text), text.len), inside, outside, count;
	const char *comma = "";

	err_ignore(e, "a kernel without user namespaces");
	while (str_next_word(&lines, &inside) && str_next_word(&lines, &outside) &&
	       str_next_word(&lines, &count)) {
		if (str_is(inside, "0") && str_is(outside, "0") &&
		    str_is(count, "4294967295"))
			return;
		buf_printf(class, "%s%.*s+%.*s", *comma ? comma : name, STR_ARG(inside),
			   STR_ARG(count));
		buf_printf(rest, "%s%.*s", *comma ? comma : name, STR_ARG(outside));
		comma = ",";
	}
}

/* Names the missing ones of those that unpacking a layer in full needs: for device files,
 * capabilities and owners of files.  A layer made without them must not be a hit for a
 * process that has them. */
static void describe_capabilities(struct buf *out)
{
	static const struct {
		unsigned number; /* capabilities(7) */
		const char *name;
	} rows[] = {{0, "chown"},
		    {3, "fowner"},
		    {4, "fsetid"},
		    {27, "mknod"},
		    {31, "setfcap"}};
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2] = {0};

	if (syscall(SYS_capget, &header, data) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((data[0].effective >> rows[i].number & 1U) == 0)
			buf_printf(out, " without %s", rows[i].name);
}

static void describe_root(struct buf *class, struct buf *rest)
{
	buf_puts(class, "root");
	describe_map("/proc/self/uid_map", " uids ", class, rest);
	describe_map("/proc/self/gid_map", " gids ", class, rest);
	describe_capabilities(class);
}

static uint64_t ids_inside(const struct id_ranges *ranges)
{
	uint64_t n = 1; /* the user's own is 0 inside */

	for (size_t i = 0; i < ranges->len; i++)
		n += ranges->items[i].count;
	return n;
}

/* All that images have: 65534 is nobody's.  Users with this many can own the same
 * files. */
static bool is_full(const struct id_ranges *ranges)
{
	return ids_inside(ranges) >= 65536;
}

static void describe_users(const struct userns_plan *plan, struct buf *class,
			   struct buf *rest)
{
	buf_puts(class, "range");
	if (!is_full(&plan->uids))
		buf_printf(class, " uids 0+%llu",
			   (unsigned long long)ids_inside(&plan->uids));
	if (!is_full(&plan->gids))
		buf_printf(class, " gids 0+%llu",
			   (unsigned long long)ids_inside(&plan->gids));
	buf_printf(rest, " users %u+1,", geteuid());
	describe_ranges(&plan->uids, rest);
	buf_printf(rest, " groups %u+1,", getegid());
	describe_ranges(&plan->gids, rest);
}

/* What does not fit must still count. */
static void shorten(struct buf *text)
{
	char hex[DIGEST_TEXT_SIZE];
	struct digest d;

	if (text->len <= USERNS_TEXT_MAX)
		return;
	d = digest_bytes(DIGEST_SHA256, NULL, text->data, text->len);
	buf_clear(text);
	buf_printf(text, " ids %s", digest_hex(&d, hex));
}

const char *userns_describe(const struct userns_plan *plan, char *out, size_t size)
{
	CLEANUP(buf_release) struct buf class = BUF_INIT;
	CLEANUP(buf_release) struct buf rest = BUF_INIT;

	if (plan->mode == USERNS_ROOT)
		describe_root(&class, &rest);
	else
		describe_users(plan, &class, &rest);
	shorten(&class);
	shorten(&rest);
	snprintf(out, size, "%s%s%s", buf_text(&class), rest.len > 0 ? ":" : "",
		 buf_text(&rest));
	return out;
}

/* ---- entering ---- */

/* Run newuidmap or newgidmap for process `pid`: "0 OWN 1  1 START COUNT ...". */
static struct err *write_map(const char *program, pid_t pid, uint32_t own,
			     const struct id_ranges *ranges)
{
	enum { WORDS = 3 * (USERNS_RANGES_MAX + 1) };
	char words[WORDS][16], pid_word[16];
	const char *argv[WORDS + 3] = {program, pid_word};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	struct proc_spec spec = {.path = program,
				 .argv = argv,
				 .stdin_fd = -1,
				 .stdout_fd = -1,
				 .stderr_fd = -1};
	uint32_t inside = 1;
	size_t n = 0;
	int status = 0;

	snprintf(pid_word, sizeof(pid_word), "%d", (int)pid);
	snprintf(words[n++], sizeof(words[0]), "0");
	snprintf(words[n++], sizeof(words[0]), "%u", own);
	snprintf(words[n++], sizeof(words[0]), "1");
	for (size_t i = 0; i < ranges->len; i++) {
		snprintf(words[n++], sizeof(words[0]), "%u", inside);
		snprintf(words[n++], sizeof(words[0]), "%u", ranges->items[i].start);
		snprintf(words[n++], sizeof(words[0]), "%u", ranges->items[i].count);
		inside += ranges->items[i].count;
	}
	for (size_t i = 0; i < n; i++)
		argv[2 + i] = words[i];
	TRY(err_hint(
		err_wrap(proc_start(&p, &spec), "user ids cannot be mapped"),
		"install newuidmap and newgidmap (package uidmap, or shadow-utils)"));
	TRY(proc_wait(&p, &status));
	return status == 0 ? NULL
			   : err_new(ERR_UNSUPPORTED, "'%s' failed with status %d",
				     program, status);
}

/* In the child: wait for the parent's word, map its ids, say how it went. */
static void map_for_parent(const struct userns_plan *plan, uint32_t uid, uint32_t gid,
			   int fd)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e;
	char go;

	if (read(fd, &go, 1) != 1)
		_exit(1);
	e = write_map("newgidmap", getppid(), gid, &plan->gids);
	if (!e)
		e = write_map("newuidmap", getppid(), uid, &plan->uids);
	if (e)
		err_render(e, &text);
	(void)!write(STDERR_FILENO, buf_text(&text), text.len);
	_exit(e ? 1 : 0);
}

static struct err *explain_unshare(void)
{
	static const struct {
		const char *file, *bad;
	} knobs[] = {
		{"/proc/sys/user/max_user_namespaces", "0"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"},
	};
	struct err *e =
		err_recode(err_sys("a user namespace cannot be made"), ERR_UNSUPPORTED);

	for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct err *missing = fs_read_file(AT_FDCWD, knobs[i].file, 64, &text);

		err_ignore(missing, "not every kernel has it");
		if (!missing && str_is(str_trim(str_of(buf_text(&text))), knobs[i].bad))
			return err_hint(e, "%s is %s: the administrator can change it",
					knobs[i].file, knobs[i].bad);
	}
	return e;
}

static struct err *enter_with_helper(int go_fd, pid_t helper)
{
	int status = 0;

	/* /proc/PID/uid_map belongs to root unless the process is dumpable: proc(5) */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return explain_unshare();
	if (write(go_fd, "g", 1) != 1)
		return err_sys("id map");
	while (waitpid(helper, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys("waitpid");
	if (status != 0)
		return err_new(ERR_UNSUPPORTED, "user ids cannot be mapped");
	if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
		return err_sys("become root of the user namespace");
	return NULL;
}

static struct err *enter_range(const struct userns_plan *plan)
{
	CLEANUP(closep) int read_end = -1;
	CLEANUP(closep) int write_end = -1;
	uint32_t uid = geteuid(), gid = getegid();
	pid_t helper;

	TRY(proc_pipe(&read_end, &write_end));
	helper = fork();
	if (helper < 0)
		return err_sys("fork");
	if (helper == 0) {
		close(write_end);
		map_for_parent(plan, uid, gid, read_end);
	}
	return enter_with_helper(write_end, helper);
}

struct err *userns_enter(const struct userns_plan *plan)
{
	if (plan->mode == USERNS_RANGE)
		TRY(enter_range(plan));
	else if (unshare(CLONE_NEWNS) != 0)
		return err_hint(err_recode(err_sys("a mount namespace cannot be made"),
					   ERR_UNSUPPORTED),
				"root needs CAP_SYS_ADMIN here; an ordinary user with "
				"subordinate ids does not");
	/* What is unmounted on the host goes away here too, but our mounts do not reach
	 * the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return err_sys("make mounts private");
	return NULL;
}
