/* SPDX-License-Identifier: MIT
 * given.c - see given.h.
 */
#include "frontend/project/given.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "engine/image/sif.h"

/* Nobody can change sealed memory: the text that is read is the one that was checked. */
static const int SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

static const struct {
	size_t max; /* bytes, far above any such text: a longer file is another thing */
	/* For a file that a user names, which may be a pipe; NULL: a file whose name
	 * dagbuild makes itself. */
	const char *what, *hint;
} texts[] = {
	[GIVEN_DEFINITION] = {(size_t)64 << 20, "the definition",
			      "name a definition file"},
	[GIVEN_ARGUMENTS] = {(size_t)64 << 20, "the file of build arguments",
			     "name a file with NAME=VALUE lines"},
	[GIVEN_LOCK] = {(size_t)4 << 20, NULL, NULL},
};
TABLE_HAS_ALL(texts, GIVEN_TEXTS);

/* Standard input itself, not a new descriptor opened by name: what we read of it is gone
 * for whatever comes after us (a shell in a container), and it may be a socket. */
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
			"'apptainer run %s' runs it, 'dagbuild inspect %s' lists what it "
			"contains",
			path, path);
}

/* Opening a fifo waits for its writer, as in any other program. */
static struct err *read_named(enum given_text which, const char *path, struct buf *out)
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
	TRY(err_wrap(fs_read_fd(fd, texts[which].max, out), "'%s'", path));
	return which == GIVEN_DEFINITION ? check_image(path, out) : NULL;
}

static struct err *read_file(enum given_text which, const char *path, struct buf *out)
{
	return texts[which].what ? read_named(which, path, out)
				 : fs_read_regular(AT_FDCWD, path, texts[which].max, out);
}

static struct err *keep(const struct buf *text, int *out)
{
	CLEANUP(closep) int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys("memory for a text");
	TRY(fs_write_all(fd, buf_text(text), text->len));
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
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
		return fs_read_fd(given->fd[which], texts[which].max, out);
	}
	TRY(read_file(which, path, out));
	return given ? keep(out, &given->fd[which]) : NULL;
}

struct err *given_read_if_any(struct given *given, enum given_text which,
			      const char *path, struct buf *out, bool *found)
{
	struct err *e;

	*found = false;
	if (given && given->fd[which] == GIVEN_ABSENT)
		return NULL;
	e = given_read(given, which, path, out);
	*found = !e;
	if (!e || err_code(e) != ERR_NOTFOUND)
		return e;
	if (given)
		given->fd[which] = GIVEN_ABSENT;
	err_ignore(e, "it need not be there");
	return NULL;
}

/* ---- to the next process ---- */

struct err *given_hand_over(const struct given *given, struct buf *out)
{
	for (size_t i = 0; i < GIVEN_TEXTS; i++) {
		if (given->fd[i] == GIVEN_ABSENT) {
			buf_putc(out, '-');
		} else if (given->fd[i] >= 0) {
			if (fcntl(given->fd[i], F_SETFD, 0) != 0)
				return err_sys("hand a text over");
			buf_printf(out, "%d", given->fd[i]);
		}
		buf_putc(out, ',');
	}
	return NULL;
}

/* The kernel may have added a seal of its own, against execution. */
static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static bool take_one(struct str word, int *out)
{
	uint64_t fd;

	*out = str_is(word, "-") ? GIVEN_ABSENT : GIVEN_UNREAD;
	if (word.len == 0 || *out == GIVEN_ABSENT)
		return true;
	if (!str_to_u64(word, &fd) || fd > INT_MAX || !is_sealed((int)fd) ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
		return false;
	*out = (int)fd;
	return true;
}

bool given_take_over(const char *text, struct given *given)
{
	struct str rest = str_of(text), word;

	*given = (struct given)GIVEN_INIT;
	for (size_t i = 0; i < GIVEN_TEXTS; i++)
		if (!str_cut(rest, ',', &word, &rest) || !take_one(word, &given->fd[i]))
			return false;
	given->is_checked = given->fd[GIVEN_DEFINITION] >= 0;
	return rest.len == 0;
}

/* ---- the rest ---- */

bool given_is_stream(const char *path)
{
	struct stat st;

	/* /dev/stdin may lead to a file, but only for this process. */
	return strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0 ||
	       strncmp(path, "/proc/", 6) == 0 ||
	       (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

void given_release(struct given *given)
{
	for (size_t i = 0; i < GIVEN_TEXTS; i++) {
		closep(&given->fd[i]);
		given->fd[i] = GIVEN_UNREAD;
	}
}
