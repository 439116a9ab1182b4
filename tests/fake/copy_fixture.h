/* SPDX-License-Identifier: MIT
 * copy_fixture.h - for tests: things to copy on the host and in a stage, and an image.
 */
#ifndef TESTS_FAKE_COPY_FIXTURE_H
#define TESTS_FAKE_COPY_FIXTURE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/proc.h"
#include "engine/tree/tree_copy.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/private_mounts.h"
#include "tests/fake/test_folder.h"
#include "tests/fake/tree_text.h"

/* Made in each test's own folder: the host's side (.), a stage's root, and an image. */
static const char fixture_script[] =
	"set -e; umask 022\n"
	"mksrc() {\n"
	"  mkdir -p $1/d/sub $1/g/gd1 $1/g/gd2 $1/empty $1/deep\n"
	"  echo -n F > $1/f; chown 5:6 $1/f; chmod 640 $1/f\n"
	"  echo -n S > $1/suid; chmod 4755 $1/suid\n"
	"  echo -n one > $1/d/f1; ln -s f1 $1/d/l; ln $1/d/f1 $1/d/hl\n"
	"  echo -n two > $1/d/sub/f2; chmod 2771 $1/d/sub; chown 7:8 $1/d/sub\n"
	"  chown 5:6 $1/d; chmod 700 $1/d\n"
	"  ln -s f $1/lf; ln -s d $1/ld; ln -s nowhere $1/dang\n"
	"  ln -s nowhere $1/deep/dang\n"
	"  echo -n 1 > $1/g/g1.txt; echo -n 2 > $1/g/g2.txt; echo -n h > $1/g/.hid.txt\n"
	"  echo -n 3 > $1/g/gd1/x; echo -n 4 > $1/g/gd2/y\n"
	"  echo -n sp > \"$1/a b\"; mkfifo $1/fifo;\n"
	"  touch -d @1000000 $1/f $1/d/f1 $1/d/sub/f2 $1/d/sub $1/d\n"
	"  touch -h -d @1000000 $1/d/l\n"
	"}\n"
	"mkdir -p src stage/src image/t/dir image/t/dirf/f image/t/dird/d image/t/filed\n"
	"mksrc src; mksrc stage/src\n"
	"echo -n old > image/t/file; chmod 644 image/t/file; chown 9:9 image/t/file\n"
	"echo -n k > image/t/dir/keep; echo -n inner > image/t/dirf/f/inner\n"
	"echo -n there > image/t/dird/d/there; echo -n x > image/t/dird/d/sub\n"
	"echo -n x > image/t/filed/d\n"
	"ln -s dir image/t/ldir; ln -s /t/dir image/t/ldirabs; ln -s file image/t/lfile\n"
	"ln -s /t/nowhere image/t/ldang\n";

struct fixture {
	char *root; /* scratch folder */
	int source_fd, stage_fd, image_fd;
	struct buf before; /* the image as text */
};

static inline void shell(const struct fixture *f, const char *script)
{
	CLEANUP(freep) char *text = xasprintf("cd '%s'\n%s", f->root, script);
	const char *argv[] = {"sh", "-c", text, NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	int status;

	assert_ok(proc_start(&p, &(struct proc_spec){.path = "/bin/sh",
						     .argv = argv,
						     .stdin_fd = -1,
						     .stdout_fd = -1,
						     .stderr_fd = -1}));
	assert_ok(proc_wait(&p, &status));
	assert_int_equal(status, 0);
}

static inline void image_text(const struct fixture *f, struct buf *out)
{
	CLEANUP(freep) char *path = xasprintf("%s/image", f->root);

	tree_text(path, out);
}

static inline int open_folder(const struct fixture *f, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", f->root, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->root = test_folder_new();
	shell(f, fixture_script);
	f->source_fd = open_folder(f, ".");
	f->stage_fd = open_folder(f, "stage");
	f->image_fd = open_folder(f, "image");
	image_text(f, &f->before);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->source_fd);
	close(f->stage_fd);
	close(f->image_fd);
	buf_release(&f->before);
	test_folder_remove(f->root);
	free(f);
	return 0;
}

/* "x.def:3:1" */
static inline struct place fixture_place(void)
{
	static struct source *source;

	if (!source)
		source = source_new("x.def", STR("\n\n"));
	return (struct place){source, 2};
}

static inline struct err *copy(const struct fixture *f, enum copy_from from,
			       const char *source, const char *target, struct digest *out)
{
	struct copy_item item = {
		.source = source, .target = target, .where = fixture_place()};
	struct copy_request request = {
		.rules.from = from,
		.source_fd = from == COPY_FROM_HOST ? f->source_fd : f->stage_fd,
		.items = &item,
		.n_items = 1,
	};
	struct digest probe, done;

	TRY(tree_copy_digest(&request, &probe));
	TRY(tree_copy(&request, f->image_fd, &done));
	assert_true(digest_equal(&probe, &done));
	if (out)
		*out = done;
	return NULL;
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
