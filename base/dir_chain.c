/* SPDX-License-Identifier: MIT
 * dir_chain.c - see dir_chain.h.
 */
#include "base/dir_chain.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

enum {
	OPEN_MAX = 8,  /* innermost folders that stay open */
	KEPT_MAX = 64, /* besides those: one for each link into a folder */
};

static bool is_folder(int fd, const struct dir_link *link)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == link->device &&
	       st.st_ino == link->inode;
}

static struct err *open_above(int fd, int *out)
{
	return fs_open(fd, "..", O_RDONLY | O_DIRECTORY, 0, out);
}

/* Close folder `i`, if the one below it leads back to it. */
static struct err *settle(struct dir_chain *c, size_t i)
{
	struct dir_link *link = &c->links.items[i];
	CLEANUP(closep) int above = -1;
	struct stat st;

	if (fstat(link->fd, &st) != 0)
		return err_sys("folder");
	link->device = st.st_dev;
	link->inode = st.st_ino;
	err_ignore(open_above(link[1].fd, &above), "then it stays open");
	if (above >= 0 && is_folder(above, link)) {
		close(link->fd);
		link->fd = -1;
		return NULL;
	}
	link->is_kept = true;
	if (++c->n_kept > KEPT_MAX)
		return err_new(ERR_SYS, "links lead into more than %d nested folders",
			       KEPT_MAX);
	return NULL;
}

struct err *dir_chain_push(struct dir_chain *c, int fd)
{
	vec_push(&c->links, ((struct dir_link){.fd = fd}));
	while (c->links.len - c->settled > OPEN_MAX)
		TRY(settle(c, c->settled++));
	return NULL;
}

static struct err *reopen(struct dir_link *link)
{
	TRY(open_above(link[1].fd, &link->fd));
	return is_folder(link->fd, link)
		       ? NULL
		       : err_new(ERR_SYS, "a folder was moved while it was walked");
}

struct err *dir_chain_pop(struct dir_chain *c)
{
	size_t above = --c->links.len;
	struct dir_link *link = c->links.items + above;
	struct err *e = NULL;

	if (above > 0 && above == c->settled) {
		struct dir_link *next = &c->links.items[--c->settled];

		c->n_kept -= next->is_kept;
		if (!next->is_kept)
			e = reopen(next);
		next->is_kept = false;
	}
	closep(&link->fd);
	return e;
}

int dir_chain_fd(const struct dir_chain *c)
{
	return c->links.len > 0 ? c->links.items[c->links.len - 1].fd : -1;
}

void dir_chain_release(struct dir_chain *c)
{
	for (size_t i = 0; i < c->links.len; i++)
		closep(&c->links.items[i].fd);
	vec_free(&c->links);
	c->settled = c->n_kept = 0;
}
