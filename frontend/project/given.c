/* SPDX-License-Identifier: MIT
 * given.c - see given.h.
 */
#include "frontend/project/given.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/image/sif.h"

/* Far above any definition; what is longer is another file. */
static const size_t TEXT_MAX = (size_t)64 << 20;

static const struct {
	const char *what, *hint;
} texts[] = {
	[GIVEN_DEFINITION] = {"the definition", "name a definition file"},
	[GIVEN_ARGUMENTS] = {"the file of build arguments",
			     "name a file with NAME=VALUE lines"},
};
TABLE_HAS_ALL(texts, GIVEN_TEXTS);

/* Standard input itself, not a new descriptor by its name: what is read of it here is read,
 * whoever comes after us (a shell in a container), and it may be a socket. */
static struct err *open_text(const char *path, int *out)
{
	if (strcmp(path, "-") != 0)
		return fs_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0, out);
	*out = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return *out >= 0 ? NULL : err_sys("standard input");
}

static struct err *refuse(enum given_text which, struct err *e)
{
	return err_hint(err_recode(e, ERR_USAGE), "%s", texts[which].hint);
}

static struct err *check_image(const char *path, const struct buf *text)
{
	if (!sif_is_image(buf_text(text), text->len))
		return NULL;
	return err_hint(err_new(ERR_USAGE, "'%s' is an image, not a definition", path),
			"'apptainer run %s' runs it, 'dagbuild inspect %s' says what it "
			"holds",
			path, path);
}

/* Opening a fifo waits for who writes to it, as for any other program. */
static struct err *read_file(enum given_text which, const char *path, struct buf *out)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;
	struct err *e = open_text(path, &fd);

	if (e)
		return refuse(which, err_wrap(e, "%s cannot be read", texts[which].what));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	if (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
		return refuse(which, err_new(ERR_USAGE, "'%s' is %s", path,
					     fs_kind_name(st.st_mode)));
	TRY(err_wrap(fs_read_fd(fd, TEXT_MAX, out), "'%s'", path));
	return which == GIVEN_DEFINITION ? check_image(path, out) : NULL;
}

static struct err *keep(const struct buf *text, int *out)
{
	static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	CLEANUP(closep) int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys("memory for a text");
	TRY(fs_write_all(fd, buf_text(text), text->len));
	if (fcntl(fd, F_ADD_SEALS, seals) != 0)
		return err_sys("seal a text");
	*out = steal_fd(&fd);
	return NULL;
}

struct err *given_read(struct given *given, enum given_text which, const char *path,
		       struct buf *out)
{
	if (given && given->fd[which] >= 0) {
		if (lseek(given->fd[which], 0, SEEK_SET) != 0)
			return err_sys("'%s'", path);
		return fs_read_fd(given->fd[which], TEXT_MAX, out);
	}
	TRY(read_file(which, path, out));
	return given ? keep(out, &given->fd[which]) : NULL;
}

bool given_is_stream(const char *path)
{
	struct stat st;

	/* What /dev/stdin leads to may be a file, but has that name only for us. */
	return strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0 ||
	       strncmp(path, "/proc/", 6) == 0 ||
	       (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

void given_release(struct given *given)
{
	for (size_t i = 0; i < GIVEN_TEXTS; i++) {
		closep(&given->fd[i]);
		given->fd[i] = -1;
	}
}
