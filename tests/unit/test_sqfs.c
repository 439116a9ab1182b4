/* SPDX-License-Identifier: MIT
 * test_sqfs.c - what is packed is what unsquashfs reads back: contents, modes, owners, links,
 * attributes; with the same bytes for any number of threads.
 */
/* links: image */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/proc.h"
#include "engine/image/sqfs_write.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

enum { OFFSET = 36864 };

struct box {
	char *dir;
	int fd, root;
};

static void put(int root, const char *path, const char *text, mode_t mode)
{
	assert_ok(fs_write_atomic(root, path, text, strlen(text), mode));
	assert_int_equal(fchmodat(root, path, mode, 0), 0);
}

static void make_big(int root)
{
	CLEANUP(freep) char *data = xmalloc(400000);
	CLEANUP(closep) int fd = -1;

	for (size_t i = 0; i < 400000; i++)
		data[i] = (char)(i * i >> 7);
	assert_ok(fs_open(root, "big", O_WRONLY | O_CREAT, 0644, &fd));
	assert_ok(fs_write_all(fd, data, 400000));
	assert_ok(fs_write_all(fd, data, 300001));
	/* a hole, then an end */
	assert_int_equal(lseek(fd, 5000000, SEEK_SET), 5000000);
	assert_ok(fs_write_all(fd, "end", 3));
}

static void make_tree(int root)
{
	struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
	CLEANUP(freep) char *caps = xasprintf("/proc/self/fd/%d/caps", root);
	CLEANUP(freep) char *sock = xasprintf("/proc/self/fd/%d/socket", root);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	put(root, "small", "small\n", 04755);
	put(root, "same", "small\n", 0600);
	put(root, "owned", "x", 0640);
	assert_int_equal(fchownat(root, "owned", 33, 44, 0), 0);
	assert_int_equal(linkat(root, "small", root, "a-link", 0), 0);
	assert_int_equal(symlinkat("../dangling", root, "soft"), 0);
	assert_int_equal(mkdirat(root, "dir", 0), 0);
	assert_int_equal(fchmodat(root, "dir", 01777, 0), 0);
	put(root, "dir/in", "in\n", 0444);
	assert_int_equal(linkat(root, "small", root, "dir/link", 0), 0);
	assert_int_equal(mknodat(root, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
	put(root, "caps", "c", 0755);
	assert_int_equal(setxattr(caps, "user.kept", "v", 1, 0), 0);
	assert_int_equal(setxattr(caps, "user.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(setxattr(caps, "security.capability", capability, 20, 0), 0);
	make_big(root);
	assert_int_equal(utimensat(root, "small", times, 0), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock);
	assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
	close(s);
}

static int setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));

	b->dir = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, b->dir, O_RDONLY | O_DIRECTORY, 0, &b->fd));
	assert_int_equal(mkdirat(b->fd, "root", 0755), 0);
	assert_ok(fs_open(b->fd, "root", O_RDONLY | O_DIRECTORY, 0, &b->root));
	make_tree(b->root);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;

	close(b->root);
	close(b->fd);
	test_folder_remove(b->dir);
	free(b);
	return 0;
}

static struct err *pack(struct box *b, const char *name, unsigned workers,
			enum sqfs_compression compression, struct sqfs_result *result)
{
	CLEANUP(closep) int fd = -1;
	struct sqfs_request request = {
		.root_fd = b->root,
		.offset = OFFSET,
		.compression = compression,
		.workers = workers,
		.time_s = 1700000000,
		.clamp_s = 1700000000,
	};

	TRY(fs_open(b->fd, name, O_RDWR | O_CREAT | O_TRUNC, 0644, &fd));
	request.file_fd = fd;
	return sqfs_write(&request, result);
}

/* Output of a shell command in the box's folder. */
static char *shell(struct box *b, const char *command)
{
	CLEANUP(freep) char *text = xasprintf("cd %s && %s", b->dir, command);
	const char *const argv[] = {"sh", "-c", text, NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(closep) int read_end = -1;
	struct buf out = BUF_INIT;
	int write_end = -1, status;
	struct proc_spec spec = {
		.path = "sh", .argv = argv, .stdin_fd = -1, .stderr_fd = -1};

	assert_ok(proc_pipe(&read_end, &write_end));
	spec.stdout_fd = write_end;
	assert_ok(proc_start(&p, &spec));
	close(write_end);
	assert_ok(fs_read_fd(read_end, MIB(16), &out));
	assert_ok(proc_wait(&p, &status));
	return buf_steal(&out);
}

static void expect_in(struct box *b, const char *command, const char *wanted)
{
	CLEANUP(freep) char *out = shell(b, command);

	if (!strstr(out, wanted))
		print_error("'%s' is not in:\n%s\n", wanted, out);
	assert_non_null(strstr(out, wanted));
}

static void check_image(struct box *b)
{
	CLEANUP(freep) char *list = shell(b, "unsquashfs -o 36864 -lln image");

	expect_in(b, "unsquashfs -o 36864 -lln image", "drwxrwxrwt 0/0");
	expect_in(b, "unsquashfs -o 36864 -lln image", "-rw-r----- 33/44");
	expect_in(b, "unsquashfs -o 36864 -lln image", "-rwsr-xr-x 0/0");
	expect_in(b, "unsquashfs -o 36864 -lln image",
		  "2001-09-09 01:46 squashfs-root/small");
	expect_in(b, "unsquashfs -o 36864 -lln image", "soft -> ../dangling");
	expect_in(b, "unsquashfs -o 36864 -lln image", "crw-r--r-- 0/0");
	expect_in(b, "unsquashfs -o 36864 -lln image", "prw------- 0/0");
	assert_null(strstr(list, "socket"));
	expect_in(
		b,
		"unsquashfs -o 36864 -d out image >/dev/null && cmp root/big out/big && "
		"cmp root/dir/in out/dir/in && test out/small -ef out/a-link && "
		"test out/small -ef out/dir/link && test ! out/small -ef out/same && "
		"echo fine",
		"fine");
	expect_in(b, "stat -c %h out/small", "3");
	{
		CLEANUP(freep) char *path = path_join(b->dir, "out/caps");
		char value[64];

		assert_int_equal(getxattr(path, "user.kept", value, sizeof(value)), 1);
		assert_int_equal(
			getxattr(path, "security.capability", value, sizeof(value)), 20);
		assert_int_equal(
			getxattr(path, "user.overlay.opaque", value, sizeof(value)), -1);
	}
}

static void test_gzip(void **state)
{
	struct sqfs_result result = {0};

	assert_ok(pack(*state, "image", 2, SQFS_GZIP, &result));
	assert_int_equal(result.size % 4096, 0);
	check_image(*state);
}

static void test_zstd(void **state)
{
	struct sqfs_result result = {0};

	assert_ok(pack(*state, "image", 2, SQFS_ZSTD, &result));
	check_image(*state);
}

static void test_deterministic(void **state)
{
	struct sqfs_result result = {0};

	assert_ok(pack(*state, "one", 1, SQFS_GZIP, &result));
	assert_ok(pack(*state, "two", 2, SQFS_GZIP, &result));
	assert_ok(pack(*state, "seven", 7, SQFS_GZIP, &result));
	expect_in(*state, "cmp one two && cmp one seven && echo equal", "equal");
}

static void test_cancel(void **state)
{
	struct box *b = *state;
	CLEANUP(closep) int fd = -1;
	struct cancel *cancel = NULL;
	struct sqfs_request request = {
		.root_fd = b->root, .workers = 1, .clamp_s = INT64_MAX};
	struct sqfs_result result = {0};

	assert_ok(cancel_new(&cancel));
	cancel_raise(cancel, CANCEL_ASKED);
	assert_ok(fs_open(b->fd, "image", O_RDWR | O_CREAT, 0644, &fd));
	request.file_fd = fd;
	request.cancel = cancel;
	assert_err(ERR_CANCELLED, sqfs_write(&request, &result));
	cancel_free(cancel);
}

static void test_full_disk(void **state)
{
	struct box *b = *state;
	CLEANUP(freep) char *small = path_join(b->dir, "full");
	CLEANUP(closep) int dir = -1;
	CLEANUP(closep) int fd = -1;
	struct sqfs_request request = {
		.root_fd = b->root, .workers = 2, .clamp_s = INT64_MAX};
	struct sqfs_result result = {0};

	assert_int_equal(mkdir(small, 0755), 0);
	assert_int_equal(mount("tmpfs", small, "tmpfs", 0, "size=64k"), 0);
	assert_ok(fs_open(AT_FDCWD, small, O_RDONLY | O_DIRECTORY, 0, &dir));
	assert_ok(fs_open(dir, "image", O_RDWR | O_CREAT, 0644, &fd));
	request.file_fd = fd;
	assert_err(ERR_NOSPACE, sqfs_write(&request, &result));
	closep(&fd);
	closep(&dir);
	fd = dir = -1;
	assert_int_equal(umount(small), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gzip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zstd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deterministic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};

	if (geteuid() != 0)
		return 77; /* ctest: skipped */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
