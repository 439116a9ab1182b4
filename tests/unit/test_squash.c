/* SPDX-License-Identifier: MIT
 * test_squash.c - squashfs images with any byte wrong: each is unpacked, or refused with
 * a message; nothing crashes, hangs or leaves the folder.  (What sound ones give:
 * tests/e2e/local_images.py.)
 */
/* links: unpack */
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "engine/unpack/squash.h"
#include "engine/unpack/unpack_child.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/large_claims.h"
#include "tests/fake/test_folder.h"

struct box {
	char *path; /* with "tree", packed to "image", and "out", the root */
	int fd;
};

static void shell(const struct box *b, const char *command)
{
	CLEANUP(freep) char *line = xasprintf("cd '%s' && { %s; }", b->path, command);

	assert_int_equal(system(line), 0);
}

static int setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));

	umask(0);
	setlocale(LC_CTYPE, "C");
	b->path = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, b->path, O_RDONLY | O_DIRECTORY, 0, &b->fd));
	shell(b, "mkdir -p tree/folder/deep; cd tree; echo one >a; ln a b; ln -s a link;"
		 "mkfifo fifo; seq 100000 >folder/data; truncate -s 1M folder/deep/hole;"
		 "setfattr -n user.test -v value a 2>/dev/null || true");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;

	close(b->fd);
	test_folder_remove(b->path);
	free(b);
	return 0;
}

static void pack(const struct box *b, const char *options, struct buf *out)
{
	CLEANUP(freep)
	char *command =
		xasprintf("rm -f image; mksquashfs tree image -quiet -no-progress "
			  "%s >/dev/null",
			  options);
	CLEANUP(closep) int fd = -1;

	shell(b, command);
	assert_ok(fs_open(b->fd, "image", O_RDONLY, 0, &fd));
	buf_clear(out);
	assert_ok(fs_read_fd(fd, MIB(16), out));
}

static struct err *unpack(const struct box *b, const struct buf *image,
			  struct unpack_result *result)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(closep) int root = -1;
	struct unpack_job job = {.mode = UNPACK_IMAGE,
				 .limits = {.max_bytes = MIB(64), .max_file = MIB(64)},
				 .offset = 100,
				 .size = image->len};
	static const char before[100];

	assert_ok(fs_remove_tree(b->fd, "out"));
	assert_int_equal(mkdirat(b->fd, "out", 0700), 0);
	assert_ok(fs_open(b->fd, "out", O_RDONLY | O_DIRECTORY, 0, &root));
	assert_ok(fs_open(b->fd, "part", O_RDWR | O_CREAT | O_TRUNC, 0600, &fd));
	assert_ok(fs_write_all(fd, before, sizeof(before)));
	assert_ok(fs_write_all(fd, image->data, image->len));
	job.blob_fd = fd;
	job.root_fd = root;
	return unpack_here(&job, result);
}

static size_t count_names(const struct box *b)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(b->fd, ".", 0);
	size_t n = 0;

	while (dir_next(dir))
		n++;
	return n;
}

static void check_any(const struct box *b, const struct buf *image)
{
	struct unpack_result result = {0};
	struct err *e = unpack(b, image, &result);

	if (e && err_code(e) != ERR_CORRUPT && err_code(e) != ERR_UNSUPPORTED &&
	    err_code(e) != ERR_SYS)
		fail_msg("code %d: %s", (int)err_code(e), err_text(e));
	err_free(e);
}

/* A sound one, first: else nothing below means anything. */
static void test_sound(void **state)
{
	struct box *b = *state;
	CLEANUP(buf_release) struct buf image = BUF_INIT;
	struct unpack_result result = {0};

	pack(b, "-comp gzip", &image);
	assert_true(squash_is_image(image.data, image.len));
	assert_ok(unpack(b, &image, &result));
	assert_int_equal(result.entries, 9);
	assert_true(result.has_root);
	shell(b, "cmp tree/folder/data out/folder/data && test out/a -ef out/b");
}

static void test_wrong_bytes(void **state)
{
	static const char *const forms[] = {"-noI -noD -noF -noX", "-comp gzip",
					    "-comp xz", "-comp zstd"};
	struct box *b = *state;
	size_t names = 0;

	for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
		CLEANUP(buf_release) struct buf image = BUF_INIT;
		size_t tables;

		pack(b, forms[f], &image);
		/* The data comes first, then the tables, where most of the sense is. */
		tables = image.len > 3000 ? image.len - 3000 : 96;
		for (size_t i = 0; i < 600; i++) {
			size_t at =
				i < 96 ? i
				       : tables + (i - 96) * (image.len - tables) / 504;
			char was = image.data[at];

			image.data[at] = (char)(i % 3 == 0   ? ~was
						: i % 3 == 1 ? 0
							     : was + 1);
			check_any(b, &image);
			image.data[at] = was;
		}
		if (names == 0)
			names = count_names(b);
		assert_int_equal(count_names(b), names);
	}
}

static void test_cut(void **state)
{
	struct box *b = *state;
	CLEANUP(buf_release) struct buf image = BUF_INIT;

	pack(b, "-comp gzip", &image);
	/* mksquashfs pads to 4096. */
	for (size_t i = 0; i < 100; i++) {
		struct buf cut = image;
		struct unpack_result result = {0};

		cut.len = i * (image.len - 4096) / 100;
		assert_err(ERR_CORRUPT, unpack(b, &cut, &result));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_wrong_bytes),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
