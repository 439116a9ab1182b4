/* SPDX-License-Identifier: MIT
 * dir.c - see dir.h.
 */
#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "base/interrupt.h"

/* Takes `fd` over. */
static DIR *stream_of(int fd)
{
	CLEANUP(closep) int own = fd;
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;

	if (dir)
		(void)steal_fd(&own);
	return dir;
}

DIR *dir_open(int dir_fd, const char *name, int flags)
{
	return stream_of(
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
}

DIR *dir_open_fd(int fd)
{
	DIR *dir = stream_of(fcntl(fd, F_DUPFD_CLOEXEC, 0));

	if (dir)
		rewinddir(dir);
	return dir;
}

const char *dir_next(DIR *dir)
{
	if (interrupt_came()) {
		errno = EINTR;
		return NULL;
	}
	return dir_next_always(dir);
}

const char *dir_next_always(DIR *dir)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry &&
		 (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry ? entry->d_name : NULL;
}

void dir_closep(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}
