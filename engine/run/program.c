/* SPDX-License-Identifier: MIT
 * program.c - see program.h.
 */
#include "engine/run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

/* From Linux 6.3; the headers may be older. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int sealed_fd = -1;

/* Since 6.3 Linux wants to be told that the file will be executed; before, it did not
 * know the flag. */
static int new_memory(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("dagbuild", flags | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create("dagbuild", flags) : fd;
}

static struct err *copy_all(int from, int to)
{
	struct stat st;
	off_t done = 0;

	if (fstat(from, &st) != 0)
		return err_sys("dagbuild's own file");
	while (done < st.st_size) {
		ssize_t n = sendfile(to, from, &done, (size_t)(st.st_size - done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys("copy dagbuild's own file");
	}
	return NULL;
}

static struct err *seal(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (fchmod(fd, 0555) != 0)
		return err_sys("mode of the copy");
	/* Also its mode, from Linux 6.3 on. */
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC | F_SEAL_SEAL) == 0 ||
	    fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) == 0)
		return NULL;
	return err_sys("seal the copy");
}

static struct err *make(int *out)
{
	CLEANUP(closep) int own = -1;
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(AT_FDCWD, proc_self(), O_RDONLY, 0, &own));
	fd = new_memory();
	if (fd < 0)
		return err_sys("memory for the copy");
	TRY(copy_all(own, fd));
	TRY(seal(fd));
	/* vm.memfd_noexec: then it is not executable, whatever its mode. */
	if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0)
		return err_sys("execute the copy");
	*out = steal_fd(&fd);
	return NULL;
}

static void make_once(void)
{
	err_ignore(make(&sealed_fd), "dagbuild's own file has to do");
}

int program_fd(void)
{
	pthread_once(&once, make_once);
	return sealed_fd;
}
