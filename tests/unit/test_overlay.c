/* SPDX-License-Identifier: MIT
 * test_overlay.c - layers show through one another as they should, however many there
 * are.
 */
/* links: tree */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "engine/tree/overlay.h"
#include "tests/fake/access_list.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/private_mounts.h"
#include "tests/fake/test_folder.h"
#include "tests/fake/tree_text.h"

struct fixture {
	char *root; /* scratch folder */
	char *layers, *upper, *work, *mount;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->root = test_folder_new();
	f->layers = xasprintf("%s/layers", f->root);
	f->upper = xasprintf("%s/upper", f->root);
	f->work = xasprintf("%s/work", f->root);
	f->mount = xasprintf("%s/mount", f->root);
	assert_int_equal(mkdir(f->layers, 0700), 0);
	assert_int_equal(mkdir(f->upper, 0700), 0);
	assert_int_equal(mkdir(f->work, 0700), 0);
	assert_int_equal(mkdir(f->mount, 0700), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	umount2(f->mount, MNT_DETACH);
	free(f->layers);
	free(f->upper);
	free(f->work);
	free(f->mount);
	test_folder_remove(f->root);
	free(f);
	return 0;
}

static void put(const char *root, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", root, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	free(path);
}

static void make_layer(const struct fixture *f, const char *name, const char *file)
{
	char *path = xasprintf("%s/%s", f->layers, name);

	assert_int_equal(mkdir(path, 0755), 0);
	put(path, file, name);
	free(path);
}

static void assert_tree(const char *root, const char *want)
{
	struct buf got = BUF_INIT;

	tree_text(root, &got);
	assert_string_equal(buf_text(&got), want);
	buf_release(&got);
}

/* The upper layer wins, and writes go only to the folder given for them. */
static void two_layers_and_upper(void **state)
{
	struct fixture *f = *state;
	const char *names[] = {"aaaa", "bbbb"};
	struct overlay_spec spec = {f->layers, names, 2, f->upper, f->work, f->mount};

	make_layer(f, "aaaa", "x");
	make_layer(f, "bbbb", "y");
	put(f->layers, "bbbb/x", "over");
	assert_ok(overlay_prepare_upper(&spec));
	assert_ok(overlay_mount(&spec));
	put(f->mount, "new", "n");
	assert_tree(f->mount,
		    "new f 644 0:0 'n'\nx f 644 0:0 'over'\ny f 644 0:0 'bbbb'\n");
	assert_ok(overlay_unmount(f->mount));
	assert_ok(overlay_finish_upper(f->upper));
	assert_tree(f->upper, "new f 644 0:0 'n'\n");
}

/* One read-only layer is not a special case: its whiteouts do not show as devices. */
static void single_layer_read_only(void **state)
{
	struct fixture *f = *state;
	const char *names[] = {"aaaa"};
	struct overlay_spec spec = {f->layers, names, 1, NULL, NULL, f->mount};
	char *gone = xasprintf("%s/aaaa/gone", f->layers);

	make_layer(f, "aaaa", "x");
	assert_int_equal(mknod(gone, S_IFCHR, makedev(0, 0)), 0);
	assert_ok(overlay_mount(&spec));
	assert_tree(f->mount, "x f 644 0:0 'aaaa'\n");
	assert_ok(overlay_unmount(f->mount));
	free(gone);
}

/* No layer at all: an empty root, writable only with an upper. */
static void no_layers(void **state)
{
	struct fixture *f = *state;
	struct overlay_spec spec = {f->layers, NULL, 0, f->upper, f->work, f->mount};
	char *file = xasprintf("%s/x", f->mount);
	struct stat st;

	assert_ok(overlay_prepare_upper(&spec));
	assert_ok(overlay_mount(&spec));
	put(f->mount, "x", "1");
	assert_ok(overlay_unmount(f->mount));
	assert_tree(f->upper, "x f 644 0:0 '1'\n");
	spec.upper = spec.work = NULL;
	assert_ok(overlay_mount(&spec));
	assert_tree(f->mount, "");
	assert_int_equal(stat(f->mount, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_true(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	assert_ok(overlay_unmount(f->mount));
	free(file);
}

/* Registries allow 127 layers: that many mount, and far too many are refused with a
 * message. */
static void many_layers(void **state)
{
	struct fixture *f = *state;
	enum { MANY = 127, TOO_MANY = 400 };
	const char *names[TOO_MANY];
	struct overlay_spec spec = {f->layers, names, MANY, f->upper, f->work, f->mount};
	struct err *e;
	struct buf got = BUF_INIT;

	for (size_t i = 0; i < TOO_MANY; i++)
		names[i] = xasprintf("abcdefgh%04zu", i);
	for (size_t i = 0; i < MANY; i++)
		make_layer(f, names[i], names[i]);
	assert_ok(overlay_mount(&spec));
	tree_text(f->mount, &got);
	assert_non_null(strstr(buf_text(&got), "abcdefgh0000 f"));
	assert_non_null(strstr(buf_text(&got), "abcdefgh0126 f"));
	assert_ok(overlay_unmount(f->mount));
	spec.n_layers = TOO_MANY;
	e = overlay_mount(&spec);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_UNSUPPORTED);
	assert_non_null(strstr(err_text(e), "400 layers"));
	err_free(e);
	for (size_t i = 0; i < TOO_MANY; i++)
		free((char *)(uintptr_t)names[i]);
	buf_release(&got);
}

/* A new upper looks like the root below it, and keeps no mark of overlayfs. */
static void upper_takes_after_parent(void **state)
{
	struct fixture *f = *state;
	const char *names[] = {"aaaa"};
	struct overlay_spec spec = {f->layers, names, 1, f->upper, f->work, f->mount};
	char *layer = xasprintf("%s/aaaa", f->layers);
	char value[16] = "";
	struct stat st;

	make_layer(f, "aaaa", "x");
	assert_int_equal(chmod(layer, 01751), 0);
	assert_int_equal(chown(layer, 12, 34), 0);
	assert_int_equal(setxattr(layer, "user.kept", "v", 1, 0), 0);
	assert_int_equal(setxattr(layer, "user.overlay.opaque", "y", 1, 0), 0);
	assert_ok(overlay_prepare_upper(&spec));
	assert_int_equal(stat(f->upper, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01751);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_gid, 34);
	assert_int_equal(getxattr(f->upper, "user.kept", value, sizeof(value)), 1);
	assert_true(getxattr(f->upper, "user.overlay.opaque", value, sizeof(value)) < 0);
	assert_int_equal(setxattr(f->upper, "user.overlay.impure", "y", 1, 0), 0);
	assert_ok(overlay_finish_upper(f->upper));
	assert_true(getxattr(f->upper, "user.overlay.impure", value, sizeof(value)) < 0);
	free(layer);
}

/* Nor does it keep what the folder around it gave it. */
static void upper_keeps_nothing_of_its_own(void **state)
{
	struct fixture *f = *state;
	const char *names[] = {"aaaa"};
	struct overlay_spec spec = {f->layers, names, 1, f->upper, f->work, f->mount};
	CLEANUP(freep) char *upper = xasprintf("%s/upper2", f->root);
	struct stat st;

	make_layer(f, "aaaa", "x");
	give_default_list(f->root);
	assert_int_equal(chmod(f->root, 02775), 0);
	assert_int_equal(mkdir(upper, 0755), 0);
	assert_true(has_list(upper));
	spec.upper = upper;
	assert_ok(overlay_prepare_upper(&spec));
	assert_false(has_list(upper));
	assert_int_equal(stat(upper, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

/* A folder that is not empty is not taken for the empty lowest layer. */
static void full_mount_point_is_refused(void **state)
{
	struct fixture *f = *state;
	struct overlay_spec spec = {f->layers, NULL, 0, f->upper, f->work, f->mount};
	struct err *e;

	put(f->mount, "stray", "x");
	e = overlay_mount(&spec);
	assert_non_null(e);
	assert_non_null(strstr(err_text(e), "not empty"));
	err_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_layers_and_upper, setup, teardown),
		cmocka_unit_test_setup_teardown(single_layer_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(no_layers, setup, teardown),
		cmocka_unit_test_setup_teardown(many_layers, setup, teardown),
		cmocka_unit_test_setup_teardown(upper_takes_after_parent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(upper_keeps_nothing_of_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(full_mount_point_is_refused, setup,
						teardown),
	};

	if (!private_mounts()) {
		fprintf(stderr, "skipped: mounting needs root, or a user namespace\n");
		return 77;
	}
	umask(0022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
