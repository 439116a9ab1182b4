/* SPDX-License-Identifier: MIT
 * probe.c - what a program in a container can reach: probe NAME... prints "NAME: VALUE"
 * lines.
 *
 * For the tests; linked statically, since it runs in images without a C library.  It
 * looks for what is allowed, and does no harm if it is: it opens files but does not write
 * them, and what it changes gets the value that it already has.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int rows;

static void say(const char *name, const char *format, ...)
{
	va_list args;

	rows++;
	printf("%s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static const char *outcome(bool done)
{
	return done ? "yes" : strerror(errno);
}

/* ---- terminals ---- */

/* Try each way to a terminal as far as it goes; none may lead anywhere. */
static void try_terminal(const char *name, int fd)
{
	struct termios settings;
	struct stat st = {0};
	bool typed = ioctl(fd, TIOCSTI, "X") == 0;

	if (!isatty(fd))
		return;
	fstat(fd, &st);
	say("terminal", "%s, device %u, types %s", name, (unsigned)st.st_rdev,
	    typed ? "yes" : "no");
	if (tcgetattr(fd, &settings) != 0)
		return;
	settings.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSANOW, &settings);
}

static void probe_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR);

	say("/dev/tty", "%s", outcome(fd >= 0));
	if (fd >= 0)
		try_terminal("/dev/tty", fd);
	for (fd = 0; fd <= 2; fd++) {
		char name[16];

		snprintf(name, sizeof(name), "descriptor %d", fd);
		try_terminal(name, fd);
		/* Steal it, as a session leader may. */
		ioctl(fd, TIOCSCTTY, 1);
	}
	fd = open("/dev/tty", O_RDWR);
	say("/dev/tty afterwards", "%s", outcome(fd >= 0));
}

/* ---- other processes ---- */

static void each_entry(const char *folder, void (*visit)(const char *path))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		visit(path);
	}
	closedir(dir);
}

/* Could we change what the link leads to?  It gets the value that it already has: without
 * a defence, the test must still do no harm to its host. */
static void try_to_change(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	struct stat st;
	int fd;

	if (n < 0)
		return;
	target[n] = '\0';
	say("reached", "%s %s", path, target);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		try_terminal(path, fd);
	if (fd >= 0)
		close(fd);
	if (stat(path, &st) != 0)
		return;
	if (chmod(path, st.st_mode & 07777) == 0)
		say("changed", "the mode of %s %s", path, target);
	if (chown(path, st.st_uid, st.st_gid) == 0)
		say("changed", "the owner of %s %s", path, target);
}

static void show_environment(const char *process)
{
	char path[PATH_MAX], text[65536];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/environ", process);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	if (n > 0)
		say("environment", "%s %.*s", process, (int)n, text);
	if (fd >= 0)
		close(fd);
}

static void visit_process(const char *process)
{
	static const char *const links[] = {"exe", "cwd", "root"};
	char path[PATH_MAX];
	const char *pid = process + strlen("/proc/");

	if (strspn(pid, "0123456789") != strlen(pid) || atoi(pid) == getpid())
		return;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", process, links[i]);
		try_to_change(path);
	}
	snprintf(path, sizeof(path), "%s/fd", process);
	each_entry(path, try_to_change);
	show_environment(process);
}

static void probe_processes(void)
{
	each_entry("/proc", visit_process);
}

/* ---- what was inherited ---- */

static void probe_descriptors(void)
{
	printf("descriptors:");
	for (int fd = 0; fd < 65536; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	putchar('\n');
}

static void probe_null(void)
{
	say("mode of /dev/null", "%s", outcome(chmod("/dev/null", 0666) == 0));
	say("mode of standard input", "%s", outcome(chmod("/proc/self/fd/0", 0666) == 0));
}

/* ---- security: one line for each row of the table in docs/security.md ---- */

/* "absent" if this host has no such thing, so that there is nothing to report. */
static void row(const char *name, bool can)
{
	say(name, "%s", can ? "yes" : "no");
}

static const char *const capabilities[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

/* The set itself or what is missing from it, whichever is shorter. */
static void show_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	unsigned long long set;
	int n = 0;

	syscall(SYS_capget, &header, data);
	set = (unsigned long long)data[1].effective << 32 | data[0].effective;
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		n += (int)(set >> i & 1);
	rows++;
	printf("capabilities:%s", n > CAP_LAST_CAP / 2 ? " all but" : "");
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if ((set >> i & 1) == (n <= CAP_LAST_CAP / 2))
			printf(" %s", capabilities[i]);
	putchar('\n');
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void opens_row(const char *name, const char *path, int flags)
{
	struct stat st;

	if (stat(path, &st) != 0 && errno == ENOENT)
		say(name, "absent");
	else
		row(name, opens(path, flags));
}

/* ---- process 1 ---- */

static bool reaches_entry(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool reached = false;

	while (dir && (entry = readdir(dir)) && !reached) {
		char path[PATH_MAX];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		reached = entry->d_name[0] != '.' && stat(path, &st) == 0;
	}
	if (dir)
		closedir(dir);
	return reached;
}

static void show_process_1(void)
{
	struct stat st;
	int status;
	bool traced = ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0;

	if (traced) {
		waitpid(1, &status, 0);
		ptrace(PTRACE_DETACH, 1, NULL, NULL);
	}
	row("trace process 1", traced);
	row("follow /proc/1/exe", stat("/proc/1/exe", &st) == 0);
	row("follow /proc/1/root", stat("/proc/1/root", &st) == 0);
	row("follow /proc/1/fd", reaches_entry("/proc/1/fd"));
	row("follow /proc/1/map_files", reaches_entry("/proc/1/map_files"));
	row("read /proc/1/environ", opens("/proc/1/environ", O_RDONLY));
}

/* ---- /proc, /sys, devices ---- */

static bool shows_something(const char *path)
{
	char byte;
	DIR *dir = opendir(path);
	int fd, n = 0;

	if (dir) {
		while (readdir(dir))
			n++;
		closedir(dir);
		return n > 2;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = (int)read(fd, &byte, 1);
	close(fd);
	return n == 1;
}

static void show_masked(void)
{
	static const char *const paths[] = {
		"/proc/acpi",	       "/proc/asound",
		"/proc/interrupts",    "/proc/kcore",
		"/proc/keys",	       "/proc/latency_stats",
		"/proc/sched_debug",   "/proc/scsi",
		"/proc/timer_list",    "/proc/timer_stats",
		"/sys/dev/block",      "/sys/firmware",
		"/sys/fs/bpf",	       "/sys/fs/pstore",
		"/sys/kernel/debug",   "/sys/kernel/security",
		"/sys/kernel/tracing", "/sys/devices/virtual/powercap",
	};
	bool shown = false;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		shown = shown || shows_something(paths[i]);
	row("see what is masked", shown);
}

/* Is there a writable mount below /sys? */
static void show_sys(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[8192], path[4096];
	bool writable = false;

	while (mounts && fgets(line, sizeof(line), mounts)) {
		struct statvfs st;

		if (sscanf(line, "%*s %4095s", path) == 1 &&
		    strncmp(path, "/sys", 4) == 0 && statvfs(path, &st) == 0)
			writable = writable || !(st.f_flag & ST_RDONLY);
	}
	if (mounts)
		fclose(mounts);
	row("write to a mount below /sys", writable);
}

/* The first SCSI disk's numbers, which are never opened; only /dev/null's can be opened
 * everywhere. */
static void show_devices(void)
{
	static const char *const folders[] = {"/", "/dev/"};
	bool made = mknod("/probe-disk", S_IFBLK | 0600, makedev(8, 0)) == 0;
	bool opened = false;

	unlink("/probe-disk");
	for (size_t i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%sprobe-null", folders[i]);
		mknod(path, S_IFCHR | 0600, makedev(1, 3));
		opened = opens(path, O_RDONLY) || opened;
		unlink(path);
	}
	row("make a disk's node", made);
	row("open a node that it made", opened);
	row("open a node of the image", opens("/null", O_RDONLY));
	row("change the mode of /dev/null", chmod("/dev/null", 0666) == 0);
}

/* ---- system calls ---- */

/* The filter does not refuse it: its answers are EPERM and ENOSYS. */
static bool passes(long result)
{
	return result >= 0 || (errno != EPERM && errno != ENOSYS);
}

#ifdef __x86_64__
/* Through the entry for 32-bit programs, which has other call numbers. */
static long call_as_32_bit(int number)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(-1), "c"(0), "d"(0), "S"(0), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* kexec_load, bpf, keyctl. */
static bool passes_as_32_bit(void)
{
	static const int numbers[] = {283, 357, 288};
	bool passed = false;

	for (int i = 0; i < 3; i++) {
		long result = call_as_32_bit(numbers[i]);

		passed = passed || (result != -EPERM && result != -ENOSYS);
	}
	return passed;
}

/* A kernel without CONFIG_IA32_EMULATION, or with ia32_emulation=0, kills a process that
 * tries: getpid. */
static bool has_32_bit_calls(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		call_as_32_bit(20);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
#else
static bool passes_as_32_bit(void)
{
	return false;
}

static bool has_32_bit_calls(void)
{
	return false;
}
#endif

static void show_calls(void)
{
	char text[4096] = "", *at;
	int fd = open("/proc/self/status", O_RDONLY);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	    (at = strstr(text, "Seccomp:")))
		row("a filter of system calls", strtol(at + 8, NULL, 10) == 2);
	close(fd);
	row("set-id programs work", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	row("call keyctl(2)", passes(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)));
	row("call bpf(2)", passes(syscall(SYS_bpf, -1, NULL, 0)));
	row("call perf_event_open(2)",
	    passes(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)));
	row("call userfaultfd(2)", passes(syscall(SYS_userfaultfd, -1)));
	row("call io_uring_setup(2)", passes(syscall(425, 0, NULL)));
	row("call init_module(2)", passes(syscall(SYS_init_module, NULL, 0, "")));
	if (has_32_bit_calls())
		row("call them as a 32-bit program", passes_as_32_bit());
	else
		say("call them as a 32-bit program", "absent");
	row("call what libseccomp does not know", passes(syscall(1000)));
	row("have addresses that are not random", personality(ADDR_NO_RANDOMIZE) >= 0);
	row("call clock_settime(2)", passes(syscall(SYS_clock_settime, -1, NULL)));
	gethostname(text, sizeof(text));
	row("call sethostname(2)", sethostname(text, strlen(text)) == 0);
}

/* In a child, so that only it gets the new namespaces. */
static bool child_does(bool (*what)(void))
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what() ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}

static bool mounts(void)
{
	return mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0 && umount("/mnt") == 0;
}

static bool unmasks(void)
{
	return umount("/proc/keys") == 0;
}

static bool unshares(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

/* ---- the host next to us ---- */

/* The port where the test listens; the other things that it has on the host are named
 * after it. */
static int port(void)
{
	const char *text = getenv("PROBE_PORT");

	return atoi(text ? text : "0");
}

static bool connects(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name, sizeof(name), "dagbuild-test-%d", port());
	memcpy(address.sun_path + 1, name, strlen(name));
	return connect(fd, (struct sockaddr *)&address,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   strlen(name))) == 0;
}

static bool joins_own(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0own"};
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 4;
	int server = socket(AF_UNIX, SOCK_STREAM, 0),
	    fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return bind(server, (struct sockaddr *)&address, size) == 0 &&
	       listen(server, 1) == 0 &&
	       connect(fd, (struct sockaddr *)&address, size) == 0;
}

static bool reaches_loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_port = htons((uint16_t)port());
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void show_host(void)
{
	struct rlimit files;
	int audit;

	row("connect to the host's network", reaches_loopback());
	row("connect to the host's abstract sockets", connects());
	row("connect to own abstract sockets", joins_own());
	row("open a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	audit = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
	row("open the audit log", audit >= 0);
	row("see the host's shared memory",
	    shmget(port(), 0, 0) >= 0 || access("/dev/shm/dagbuild-test", F_OK) == 0);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_max++;
	row("raise a hard limit", setrlimit(RLIMIT_NOFILE, &files) == 0);
	row("be in the caller's groups", getgroups(0, NULL) > 0);
}

static void probe_security(void)
{
	show_capabilities();
	row("open /dev/tty", opens("/dev/tty", O_RDWR));
	show_process_1();
	opens_row("write /proc/sys/kernel/core_pattern", "/proc/sys/kernel/core_pattern",
		  O_WRONLY);
	opens_row("write /proc/sysrq-trigger", "/proc/sysrq-trigger", O_WRONLY);
	opens_row("write a cgroup's release_agent", "/sys/fs/cgroup/memory/release_agent",
		  O_WRONLY);
	show_masked();
	show_sys();
	show_devices();
	row("mount a file system", child_does(mounts));
	row("take a mask away", child_does(unmasks));
	row("make a user namespace", child_does(unshares));
	show_host();
	/* Last, since calls that are allowed affect this process. */
	show_calls();
	printf("rows: %d\n", rows);
}

static const struct {
	const char *name;
	void (*run)(void);
} probes[] = {
	{"terminal", probe_terminal},	    {"processes", probe_processes},
	{"descriptors", probe_descriptors}, {"null", probe_null},
	{"security", probe_security},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(probes) / sizeof(probes[0]); k++)
			if (strcmp(argv[i], probes[k].name) == 0)
				probes[k].run();
	return 0;
}
