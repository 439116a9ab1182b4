/* SPDX-License-Identifier: MIT
 * test_folder_walk.c - trees deeper than PATH_MAX and than the limit of descriptors are
 * walked and removed; links; limits.
 */
/* links: base */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/path.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

/* Folders; with names of 20 characters a path of 60 KB. */
enum { DEEP = 3000, DESCRIPTORS = 64 };

static const char NAME[] = "a-folder-of-20-chars";

struct box {
	char *root;
	int fd;
	struct rlimit limit;
};

static int setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));
	struct rlimit few;

	b->root = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, b->root, O_RDONLY | O_DIRECTORY, 0, &b->fd));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &b->limit), 0);
	few = b->limit;
	few.rlim_cur = DESCRIPTORS;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &b->limit), 0);
	close(b->fd);
	test_folder_remove(b->root);
	free(b);
	return 0;
}

/* Each folder holds the next one, with a file on either side of it. */
static void make_deep(int root_fd, int depth)
{
	int fd = dup(root_fd);

	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(fd, NAME, 0755), 0);
		assert_int_equal(mknodat(fd, "1", S_IFREG | 0644, 0), 0);
		assert_int_equal(mknodat(fd, "b", S_IFREG | 0644, 0), 0);
		assert_ok(fs_open(fd, NAME, O_RDONLY | O_DIRECTORY, 0, &next));
		close(fd);
		fd = next;
	}
	close(fd);
}

static bool is_folder(int dir_fd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	return S_ISDIR(st.st_mode);
}

/* Walk all, entering links to folders too if `follow`; the names in their order, up to 64
 * of them, in `text`. */
static struct err *walk(struct folder_walk *w, int dir_fd, const char *top, bool follow,
			struct buf *text, size_t *n)
{
	const char *name;
	int fd;

	TRY(folder_walk_enter(w, dir_fd, top));
	for (*n = 0; folder_walk_is_inside(w); *n += name != NULL) {
		TRY(folder_walk_next(w, &name));
		if (!name) {
			TRY(folder_walk_leave(w));
			continue;
		}
		if (*n < 64)
			buf_printf(text, "%s/%s ", folder_walk_path(w), name);
		/* Each name is where the walk says that it is. */
		assert_int_equal(faccessat(folder_walk_fd(w), name, F_OK, 0), 0);
		if (!is_folder(folder_walk_fd(w), name))
			continue;
		if (!follow) {
			TRY(folder_walk_enter(w, folder_walk_fd(w), name));
			continue;
		}
		TRY(fs_open(folder_walk_fd(w), name, O_RDONLY | O_DIRECTORY, 0, &fd));
		TRY(folder_walk_push(w, fd, name));
	}
	return NULL;
}

static void test_deep(void **state)
{
	const struct box *b = *state;
	CLEANUP(folder_walk_release) struct folder_walk w = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *begin = xasprintf("/1 /%s %s/1 ", NAME, NAME);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	size_t n;

	make_deep(b->fd, DEEP);
	assert_ok(walk(&w, b->fd, ".", false, &text, &n));
	assert_int_equal(n, 3 * DEEP);
	assert_memory_equal(text.data, begin, strlen(begin));
	/* A path too long for one system call. */
	for (int i = 0; i < DEEP; i++)
		buf_printf(&path, "/%s", NAME);
	assert_ok(path_open(b->fd, buf_text(&path), O_PATH, 0, &fd));
	/* All of it goes. */
	assert_ok(fs_remove_tree(b->fd, NAME));
	assert_int_equal(faccessat(b->fd, NAME, F_OK, 0), -1);
}

/* A removal that must find its way back finds what it has not removed yet. */
static void test_remove_wide(void **state)
{
	const struct box *b = *state;

	assert_int_equal(mkdirat(b->fd, "top", 0755), 0);
	for (int i = 0; i < 20; i++) {
		CLEANUP(freep) char *name = xasprintf("top/%d", i);
		CLEANUP(closep) int fd = -1;

		assert_int_equal(mkdirat(b->fd, name, 0755), 0);
		assert_ok(fs_open(b->fd, name, O_RDONLY | O_DIRECTORY, 0, &fd));
		make_deep(fd, 30);
		assert_int_equal(fchmod(fd, 0), 0);
	}
	/* The target of a link stays. */
	assert_int_equal(mkdirat(b->fd, "other", 0755), 0);
	assert_int_equal(symlinkat("../other", b->fd, "top/link"), 0);
	assert_ok(fs_remove_tree(b->fd, "top"));
	assert_int_equal(faccessat(b->fd, "top", F_OK, 0), -1);
	assert_int_equal(faccessat(b->fd, "other", F_OK, 0), 0);
	assert_ok(fs_remove_tree(b->fd, "top"));
}

/* `..` does not lead back from a link: such folders stay open, and their number is
 * limited. */
static void test_links(void **state)
{
	const struct box *b = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct folder_walk w = {0};
	char name[32], to[32];
	size_t n;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(to, sizeof(to), "f%d/l", i);
		assert_int_equal(mkdirat(b->fd, name, 0755), 0);
		snprintf(name, sizeof(name), "../f%d", i + 1);
		if (i != 39 && i != 299)
			assert_int_equal(symlinkat(name, b->fd, to), 0);
	}
	assert_ok(walk(&w, b->fd, "f0", true, &text, &n));
	assert_int_equal(n, 39);
	folder_walk_release(&w);
	assert_err(ERR_SYS, walk(&w, b->fd, "f40", true, &text, &n));
	folder_walk_release(&w);
}

/* Moving folders away does not lead the walk elsewhere. */
static void test_moved(void **state)
{
	const struct box *b = *state;
	CLEANUP(folder_walk_release) struct folder_walk w = {0};
	struct err *e = NULL;

	assert_int_equal(mkdirat(b->fd, "top", 0755), 0);
	assert_int_equal(mkdirat(b->fd, "elsewhere", 0755), 0);
	make_deep(b->fd, 0);
	{
		CLEANUP(closep) int fd = -1;

		assert_ok(fs_open(b->fd, "top", O_RDONLY | O_DIRECTORY, 0, &fd));
		make_deep(fd, 20);
	}
	assert_ok(folder_walk_enter(&w, b->fd, "top"));
	for (int i = 0; i < 20; i++)
		assert_ok(folder_walk_enter(&w, folder_walk_fd(&w), NAME));
	{
		CLEANUP(freep) char *from = xasprintf("top/%s/%s", NAME, NAME);

		assert_int_equal(renameat(b->fd, from, b->fd, "elsewhere/x"), 0);
	}
	while (!e && folder_walk_is_inside(&w))
		e = folder_walk_leave(&w);
	assert_err(ERR_SYS, e);
}

static struct err *refuse(const void *context)
{
	(void)context;
	return err_new(ERR_CANCELLED, "stop");
}

static void test_limits(void **state)
{
	const struct box *b = *state;
	struct folder_walk small = {.memory_max = 100000};
	struct folder_walk stopped = {.stop = {refuse, NULL}};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char name[256];
	size_t n;

	memset(name, 'x', 240);
	for (int i = 0; i < 500; i++) {
		snprintf(name + 200, 20, "%d", i);
		assert_int_equal(mknodat(b->fd, name, S_IFREG | 0644, 0), 0);
		if (i == 200)
			assert_ok(walk(&small, b->fd, ".", false, &text, &n));
	}
	assert_err(ERR_SYS, walk(&small, b->fd, ".", false, &text, &n));
	assert_err(ERR_CANCELLED, walk(&stopped, b->fd, ".", false, &text, &n));
	folder_walk_release(&small);
	folder_walk_release(&stopped);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_deep),  UNIT(test_remove_wide), UNIT(test_links),
		UNIT(test_moved), UNIT(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
