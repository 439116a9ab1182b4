/* SPDX-License-Identifier: MIT
 * layers.h - for tests: layer archives applied one on top of another, as a build does.
 *
 * The test's main() must hand `internal-unpack` to unpack_main() and call
 * private_mounts().
 */
#ifndef TESTS_FAKE_LAYERS_H
#define TESTS_FAKE_LAYERS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "engine/tree/overlay.h"
#include "engine/unpack/unpack.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/private_mounts.h"
#include "tests/fake/test_folder.h"
#include "tests/fake/tar.h"
#include "tests/fake/tree_text.h"

enum { LAYERS_MAX = 4 };

struct fixture {
	char *root; /* scratch folder, with layers/, work/ and mount/ in it */
	char *layers, *work, *mount;
	const char *names[LAYERS_MAX]; /* applied so far */
	size_t n_names;
};

static const char *const layer_names[LAYERS_MAX] = {"aaaa", "bbbb", "cccc", "dddd"};

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->root = test_folder_new();
	f->layers = xasprintf("%s/layers", f->root);
	f->work = xasprintf("%s/work", f->root);
	f->mount = xasprintf("%s/mount", f->root);
	assert_int_equal(mkdir(f->layers, 0700), 0);
	assert_int_equal(mkdir(f->work, 0700), 0);
	assert_int_equal(mkdir(f->mount, 0700), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	umount2(f->mount, MNT_DETACH);
	free(f->layers);
	free(f->work);
	free(f->mount);
	test_folder_remove(f->root);
	free(f);
	return 0;
}

static inline int memory_file(const struct buf *data)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_ok(fs_write_all(fd, data->data, data->len));
	return fd;
}

static inline struct err *unpack(const struct buf *tar, struct unpack_request *request,
				 struct unpack_result *result)
{
	int fd = memory_file(tar);
	struct err *e;

	request->blob_fd = fd;
	request->blob_size = tar->len;
	e = unpack_layer(request, result);
	close(fd);
	return e;
}

static inline struct overlay_spec spec_of(const struct fixture *f, const char *upper)
{
	return (struct overlay_spec){
		.layer_root = f->layers,
		.layers = f->names,
		.n_layers = f->n_names,
		.upper = upper,
		.work = upper ? f->work : NULL,
		.mount_point = f->mount,
	};
}

static inline struct err *apply_merged(struct fixture *f, const struct buf *tar,
				       char *target, struct unpack_result *result)
{
	struct overlay_spec spec = spec_of(f, target);
	struct unpack_request request = {.target = target, .merged = f->mount};
	struct err *e;

	assert_ok(fs_remove_tree(AT_FDCWD, f->work));
	assert_int_equal(mkdir(f->work, 0700), 0);
	assert_ok(overlay_prepare_upper(&spec));
	assert_ok(overlay_mount(&spec));
	e = unpack(tar, &request, result);
	assert_ok(overlay_unmount(f->mount));
	assert_ok(overlay_finish_upper(target));
	return e;
}

/* As the step executor does it: alone or, if that is impossible, onto the parents. */
static inline struct err *apply(struct fixture *f, const struct buf *tar,
				bool force_merged, struct unpack_result *result)
{
	const char *name = layer_names[f->n_names];
	CLEANUP(freep) char *target = xasprintf("%s/%s", f->layers, name);
	struct unpack_request request = {.target = target, .is_first = f->n_names == 0};
	bool needed = false;

	assert_int_equal(mkdir(target, 0700), 0);
	if (!force_merged || request.is_first) {
		TRY(unpack(tar, &request, result));
		needed = result->needs_parents;
	}
	if (needed || (force_merged && !request.is_first))
		TRY(apply_merged(f, tar, target, result));
	result->needs_parents = needed;
	f->names[f->n_names++] = name;
	return NULL;
}

static inline void add_all(struct buf *tar, const struct tar_entry *entries)
{
	for (; entries->name; entries++)
		tar_add(tar, entries);
	tar_end(tar);
}

static inline void merged_text(struct fixture *f, struct buf *out)
{
	struct overlay_spec spec = spec_of(f, NULL);

	assert_ok(overlay_mount(&spec));
	tree_text(f->mount, out);
	assert_ok(overlay_unmount(f->mount));
}

#define DIR_(path)                                                                       \
	{                                                                                \
		.name = (path), .type = '5', .mode = 0755                                \
	}
#define FILE_(path, text)                                                                \
	{                                                                                \
		.name = (path), .type = '0', .mode = 0644, .data = (text)                \
	}
#define LINK_(path, to)                                                                  \
	{                                                                                \
		.name = (path), .type = '2', .mode = 0777, .link = (to)                  \
	}
#define HARD_(path, to)                                                                  \
	{                                                                                \
		.name = (path), .type = '1', .mode = 0644, .link = (to)                  \
	}
#define MARK_(path)                                                                      \
	{                                                                                \
		.name = (path), .type = '0', .mode = 0644                                \
	}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
