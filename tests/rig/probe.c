/* SPDX-License-Identifier: MIT
 * probe.c - what a program in a container can reach: probe NAME... prints "NAME: VALUE" lines.
 *
 * For the tests; linked statically, since it runs in images without a C library.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static void say(const char *name, const char *format, ...)
{
	va_list args;

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

/* Each way to a terminal is tried as far as it goes; none may go anywhere. */
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

/* Could we change what the link leads to?  It gets what it has already: where there is no
 * defence, the test must do no harm to its host. */
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

static const struct {
	const char *name;
	void (*run)(void);
} probes[] = {
	{"terminal", probe_terminal},
	{"processes", probe_processes},
	{"descriptors", probe_descriptors},
	{"null", probe_null},
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
