/* SPDX-License-Identifier: MIT
 * test_sqfs.c - unsquashfs reads back what was packed: contents, modes, owners, links,
 * attributes; the bytes are the same for any number of threads.
 */
/* links: image */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sqfs/compressor.h>
#include <sqfs/dir_reader.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <sys/mount.h>
#include <sys/resource.h>
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
#include "engine/image/sqfs_file.h"
#include "engine/image/sqfs_tree.h"
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
	assert_non_null(strstr(list, "srwxr-xr-x 0/0"));
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

/* ---- what libsquashfs reads ---- */

struct reader {
	sqfs_file_t *file;
	sqfs_super_t super;
	sqfs_compressor_t *compressor;
	sqfs_dir_reader_t *folders;
};

static void reader_open(struct reader *r, int fd)
{
	sqfs_compressor_config_t config;

	*r = (struct reader){.file = sqfs_part_new(fd, OFFSET)};
	assert_int_equal(sqfs_super_read(&r->super, r->file), 0);
	assert_int_equal(sqfs_compressor_config_init(&config, SQFS_COMP_GZIP,
						     r->super.block_size,
						     SQFS_COMP_FLAG_UNCOMPRESS),
			 0);
	assert_int_equal(sqfs_compressor_create(&config, &r->compressor), 0);
	r->folders = sqfs_dir_reader_create(&r->super, r->compressor, r->file, 0);
	assert_non_null(r->folders);
}

static void reader_close(struct reader *r)
{
	sqfs_destroy(r->folders);
	sqfs_destroy(r->compressor);
	sqfs_destroy(r->file);
}

/* For sqfs_free(). */
static sqfs_inode_generic_t *find(struct reader *r, const char *path)
{
	sqfs_inode_generic_t *inode = NULL;

	assert_int_equal(sqfs_dir_reader_find_by_path(r->folders, NULL, path, &inode), 0);
	return inode;
}

static unsigned links_of(struct reader *r, const char *path, unsigned *number)
{
	sqfs_inode_generic_t *inode = find(r, path);
	unsigned links = 0;

	switch (inode->base.type) {
	case SQFS_INODE_DIR:
		links = inode->data.dir.nlink;
		break;
	case SQFS_INODE_EXT_DIR:
		links = inode->data.dir_ext.nlink;
		break;
	case SQFS_INODE_FILE:
		links = 1;
		break;
	case SQFS_INODE_EXT_FILE:
		links = inode->data.file_ext.nlink;
		break;
	case SQFS_INODE_SLINK:
		links = inode->data.slink.nlink;
		break;
	default:
		links = inode->data.ipc.nlink;
	}
	if (number)
		*number = inode->base.inode_number;
	sqfs_free(inode);
	return links;
}

/* Links are counted as mksquashfs does: two plus the subfolders, and the names of a file
 * in the tree, wherever they are. */
static void test_links(void **state)
{
	struct box *b = *state;
	CLEANUP(closep) int fd = -1;
	struct sqfs_result result = {0};
	unsigned one, two, number;
	struct reader r;

	for (int i = 0; i < 300; i++) {
		CLEANUP(freep) char *path = xasprintf("many-%03d", i);

		assert_int_equal(mkdirat(b->root, path, 0755), 0);
	}
	assert_int_equal(mkdirat(b->root, "dir/sub", 0755), 0);
	put(b->root, "dir/sub/f", "f", 0644);
	assert_int_equal(linkat(b->root, "soft", b->root, "dir/sub/soft", 0), 0);
	assert_int_equal(linkat(b->root, "socket", b->root, "dir/socket", 0), 0);
	/* A name that is not in the tree does not count. */
	assert_int_equal(linkat(b->root, "owned", b->fd, "outside", 0), 0);
	assert_ok(pack(b, "image", 2, SQFS_GZIP, &result));
	assert_ok(fs_open(b->fd, "image", O_RDONLY, 0, &fd));
	reader_open(&r, fd);
	assert_int_equal(links_of(&r, "", &number), 2 + 301);
	assert_int_equal(number, result.inodes);
	assert_int_equal(links_of(&r, "dir", NULL), 3);
	assert_int_equal(links_of(&r, "dir/sub", NULL), 2);
	assert_int_equal(links_of(&r, "many-000", NULL), 2);
	assert_int_equal(links_of(&r, "small", &one), 3);
	assert_int_equal(links_of(&r, "dir/link", &two), 3);
	assert_int_equal(one, two);
	assert_int_equal(links_of(&r, "dir/sub/soft", NULL), 2);
	assert_int_equal(links_of(&r, "dir/socket", NULL), 2);
	assert_int_equal(links_of(&r, "owned", NULL), 1);
	reader_close(&r);
}

/* ---- holes ---- */

static void make_sparse(int root, bool with_zeros)
{
	enum { BLOCK = 128 * 1024 };
	static const struct {
		const char *name;
		off_t size, data[3]; /* where a byte is; 0: no more */
	} files[] = {
		{"all", 9 * BLOCK, {0}},
		{"all-and-a-bit", 9 * BLOCK + 5, {0}},
		{"tail", 9 * BLOCK + 5, {9 * BLOCK + 2}},
		{"middle", 9 * BLOCK + 5, {BLOCK, 4 * BLOCK - 1, 6 * BLOCK}},
		{"end", 9 * BLOCK, {9 * BLOCK - 1}},
		{"short", 100, {0}},
		{"two", 7 * BLOCK + 1, {1, 3 * BLOCK}},
	};
	static const char zeros[BLOCK];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP(freep) char *name = xasprintf("sparse-%s", files[i].name);
		struct timespec times[2] = {{1000, 0}, {1000, 0}};
		CLEANUP(closep) int fd = -1;

		assert_ok(fs_open(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd));
		for (off_t at = 0; with_zeros && at < files[i].size; at += BLOCK)
			assert_ok(fs_write_all(fd, zeros, BLOCK));
		assert_int_equal(ftruncate(fd, files[i].size), 0);
		for (size_t d = 0; d < 3 && files[i].data[d]; d++)
			assert_ok(fs_pwrite_all(fd, "x", 1, (uint64_t)files[i].data[d]));
		assert_int_equal(futimens(fd, times), 0);
	}
}

/* A hole and written zeros give the same image, and unsquashfs the same files. */
static void test_holes(void **state)
{
	struct box *b = *state;
	struct timespec times[2] = {{1000, 0}, {1000, 0}};
	struct sqfs_result result = {0};

	make_sparse(b->root, false);
	assert_int_equal(futimens(b->root, times), 0);
	assert_ok(pack(b, "image", 2, SQFS_GZIP, &result));
	make_sparse(b->root, true);
	assert_int_equal(futimens(b->root, times), 0);
	assert_ok(pack(b, "zeros", 1, SQFS_GZIP, &result));
	expect_in(b, "cmp image zeros && echo equal", "equal");
	expect_in(b,
		  "unsquashfs -o 36864 -d out image >/dev/null && "
		  "for f in root/sparse-*; do cmp $f out/${f#root/} || exit; done; "
		  "echo fine",
		  "fine");
}

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	*(uint64_t *)context = done;
}

/* 1 TiB without data: none of it is read, and its inode has its size. */
static void test_large_hole(void **state)
{
	struct box *b = *state;
	const uint64_t size = UINT64_C(1) << 40;
	CLEANUP(closep) int file = -1;
	CLEANUP(closep) int fd = -1;
	uint64_t done = 0;
	struct sqfs_request request = {.root_fd = b->root,
				       .offset = OFFSET,
				       .workers = 1,
				       .clamp_s = INT64_MAX,
				       .max_file = size,
				       .progress = note_progress,
				       .context = &done};
	struct sqfs_result result = {0};

	assert_ok(fs_open(b->root, "huge", O_WRONLY | O_CREAT, 0644, &file));
	assert_ok(fs_pwrite_all(file, "x", 1, size / 2));
	assert_int_equal(ftruncate(file, (off_t)size), 0);
	assert_ok(fs_open(b->fd, "image", O_RDWR | O_CREAT, 0644, &fd));
	request.file_fd = fd;
	assert_ok(sqfs_write(&request, &result));
	assert_int_equal(done, result.input_bytes);
	assert_true(result.size < MIB(2));
	expect_in(b, "unsquashfs -o 36864 -lls image huge", " 1099511627776 ");
	/* One byte more is too large. */
	assert_int_equal(ftruncate(file, (off_t)size + 1), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_err(ERR_SYS, sqfs_write(&request, &result));
}

/* Deeper than PATH_MAX and than the limit of descriptors. */
static void test_deep(void **state)
{
	struct box *b = *state;
	struct rlimit limit, few;
	struct sqfs_result result = {0};
	int fd = dup(b->root);

	for (int i = 0; i < 400; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "a-folder-of-20-chars", 0755), 0);
		put(fd, "file", "text", 0644);
		assert_ok(fs_open(fd, "a-folder-of-20-chars", O_RDONLY | O_DIRECTORY, 0,
				  &next));
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_ok(pack(b, "image", 2, SQFS_GZIP, &result));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(result.inodes > 800);
	expect_in(b, "unsquashfs -o 36864 -s image | grep -c 'valid SQUASHFS'", "1");
}

/* A small layer makes many long texts, all of which are held in memory. */
static void test_long_texts(void **state)
{
	enum { LENGTH = 4000, COUNT = (128 << 20) / LENGTH };
	struct box *b = *state;
	char target[LENGTH + 1], name[32];
	CLEANUP(sqfs_tree_freep) struct sqfs_tree *tree = NULL;

	memset(target, 'x', LENGTH);
	target[LENGTH] = '\0';
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(symlinkat(target, b->root, name), 0);
	}
	assert_err(ERR_UNSUPPORTED, sqfs_tree_scan(b->root, 0, NULL, &tree));
	for (int i = 0; i < COUNT / 8; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(unlinkat(b->root, name, 0), 0);
	}
	assert_ok(sqfs_tree_scan(b->root, 0, NULL, &tree));
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
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_texts, setup, teardown),
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
