/* SPDX-License-Identifier: MIT
 * test_tmp_drop.c - what a section made in temporary folders is dropped, and what it
 * removed or changed stays so.
 *
 * Each row makes a root filesystem, mounts an upper folder over it, runs a script there,
 * and looks at the root filesystem that comes out.
 */
/* links: tree */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/tree/overlay.h"
#include "engine/tree/tmp_drop.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/private_mounts.h"
#include "tests/fake/test_folder.h"

struct box {
	char *root, *layers, *layer, *upper, *work, *mount, *trash;
};

static char *folder(const struct box *b, const char *name)
{
	char *path = xasprintf("%s/%s", b->root, name);

	assert_int_equal(mkdir(path, 0755), 0);
	return path;
}

static void box_open(struct box *b)
{
	b->root = test_folder_new();
	b->layers = folder(b, "layers");
	b->layer = folder(b, "layers/base");
	b->upper = folder(b, "upper");
	b->work = folder(b, "work");
	b->mount = folder(b, "mount");
	b->trash = folder(b, "trash");
}

static void box_close(struct box *b)
{
	free(b->layers);
	free(b->layer);
	free(b->upper);
	free(b->work);
	free(b->mount);
	free(b->trash);
	test_folder_remove(b->root);
}

static void run_in(const char *dir, const char *script)
{
	char *command = xasprintf("cd '%s' && set -e && umask 022\n%s", dir, script);

	assert_int_equal(system(command),
			 0); /* NOLINT(cert-env33-c): a test's own words */
	free(command);
}

static void mount_upper(const struct box *b)
{
	static const char *const names[] = {"base"};
	struct overlay_spec spec = {.layer_root = b->layers,
				    .layers = names,
				    .n_layers = 1,
				    .upper = b->upper,
				    .work = b->work,
				    .mount_point = b->mount};

	assert_ok(overlay_mount(&spec));
}

static void box_hold(const struct box *b, struct tmp_drop *d)
{
	d->upper_fd = open(b->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->below_fd = open(b->layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->trash_fd = open(b->trash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void box_let_go(const struct tmp_drop *d)
{
	close(d->upper_fd);
	close(d->below_fd);
	close(d->trash_fd);
}

static struct err *drop(const struct box *b, struct tmp_drop *d)
{
	struct err *e;

	box_hold(b, d);
	e = tmp_drop(d);
	box_let_go(d);
	return e;
}

/* A stage: `base` makes its root filesystem, `script` runs on top, what it made is
 * dropped, and `look` succeeds on the result. */
static void expect(const char *base, const char *script, struct tmp_drop *d,
		   const char *look)
{
	struct box b;
	struct err *e;

	box_open(&b);
	run_in(b.layer, "mkdir -m 1777 tmp; mkdir -p var opt; mkdir -m 1777 var/tmp");
	run_in(b.layer, base);
	mount_upper(&b);
	run_in(b.mount, script);
	assert_ok(overlay_unmount(b.mount));
	assert_ok(fs_remove_tree(AT_FDCWD, b.work));
	assert_int_equal(mkdir(b.work, 0755), 0);
	e = drop(&b, d);
	assert_ok(e);
	run_in(b.trash, "test -z \"$(ls -A)\"");
	mount_upper(&b);
	run_in(b.mount, look);
	assert_ok(overlay_unmount(b.mount));
	box_close(&b);
}

#define EMPTY(folder) "test -z \"$(ls -A " folder ")\"\n"
#define STICKY(folder) "test \"$(stat -c '%F %a' " folder ")\" = 'directory 1777'\n"
#define BOTH STICKY("tmp") STICKY("var/tmp")

static const struct {
	const char *base, *script, *look;
} rows[] = {
	{"", "echo x >tmp/x; mkdir -p tmp/d/e var/tmp/f; mkfifo tmp/d/p; ln -s / tmp/l",
	 EMPTY("tmp") EMPTY("var/tmp") BOTH},
	/* Everything elsewhere stays, whatever its name. */
	{"mkdir opt/tmp", "mkdir -p tmp2 usr/tmp; touch tmp2/x usr/tmp/x opt/tmp/x",
	 "ls tmp2/x usr/tmp/x opt/tmp/x >/dev/null\n" BOTH},
	/* What was already there counts. */
	{"echo old >tmp/a; echo old >tmp/b; echo old >tmp/c",
	 "rm tmp/a; echo new >tmp/b; touch tmp/d; mv tmp/c tmp/e",
	 "test \"$(ls tmp)\" = b; test \"$(cat tmp/b)\" = new\n" BOTH},
	{"mkdir -p tmp/a/b; touch tmp/a/b/c", "touch tmp/a/new tmp/a/b/new; rm tmp/a/b/c",
	 "test -d tmp/a/b\n" EMPTY("tmp/a/b")},
	/* Removed and made again: names count. */
	{"mkdir -p tmp/a/b; echo old >tmp/a/b/c",
	 "rm -r tmp/a; mkdir -p tmp/a/b; echo new >tmp/a/b/c; touch tmp/a/b/d tmp/a/e",
	 "test \"$(ls tmp/a tmp/a/b | tr '\\n' ' ')\" = 'tmp/a: b  tmp/a/b: c '\n"
	 "test \"$(cat tmp/a/b/c)\" = new"},
	{"touch tmp/a", "rm tmp/a; mkdir tmp/a; touch tmp/a/b",
	 "test -d tmp/a\n" EMPTY("tmp/a")},
	{"mkdir tmp/a; touch tmp/a/b", "rm -r tmp/a; echo x >tmp/a", "test -f tmp/a"},
	/* A file with a second name elsewhere keeps that name. */
	{"",
	 "echo x >tmp/x; ln tmp/x opt/x; mv opt/x opt/y; echo y >opt/z; ln opt/z tmp/z",
	 "test \"$(cat opt/y opt/z)\" = \"$(printf 'x\\ny')\"\n"
	 "test \"$(stat -c %h opt/y opt/z)\" = \"$(printf '1\\n1')\"\n" EMPTY("tmp")},
	/* The folders themselves. */
	{"", "chmod 700 tmp; chmod 755 var/tmp", BOTH},
	{"touch tmp/a var/tmp/a", "rm -r tmp var/tmp",
	 EMPTY("tmp") EMPTY("var/tmp") BOTH},
	{"touch var/tmp/a", "rm -r var; mkdir var", EMPTY("var/tmp") BOTH},
	{"touch var/tmp/a", "rm -r var; mkdir -p var/tmp; touch var/tmp/a var/tmp/b",
	 "test \"$(ls var/tmp)\" = a\n" BOTH},
	{"", "rm -r tmp; mkdir opt/mine; ln -s opt/mine tmp; touch tmp/x",
	 "test -L tmp; test -e opt/mine/x"},
	{"", "rm -r tmp; echo x >tmp", "test -f tmp"},
	{"", "rm -r var", "test ! -e var"},
	/* Links that the base has. */
	{"rmdir tmp; ln -s var/tmp tmp; touch tmp/a", "touch tmp/b; rm tmp/a",
	 "test -L tmp\n" EMPTY("var/tmp") STICKY("var/tmp")},
	{"rmdir tmp; mkdir -p private/tmp; ln -s /private/tmp tmp", "touch private/tmp/x",
	 "test -L tmp\n" EMPTY("private/tmp") STICKY("private/tmp")},
	{"rmdir tmp; ln -s opt tmp; touch opt/a", "touch tmp/b",
	 "ls opt/a opt/b >/dev/null"},
	{"rmdir tmp; ln -s / tmp", "touch here", "test -e here"},
	{"rmdir tmp; ln -s ../../../tmp tmp", "touch here", "test -L tmp; test -e here"},
	{"mv var srv; ln -s srv var", "touch var/tmp/x", EMPTY("srv/tmp")},
	{"rmdir tmp; echo x >tmp", "touch here", "test -f tmp"},
	{"rmdir tmp; echo x >tmp", "rm tmp; mkdir tmp; touch tmp/x",
	 EMPTY("tmp") STICKY("tmp")},
	{"rmdir tmp", "mkdir tmp; touch tmp/x", EMPTY("tmp") STICKY("tmp")},
	{"rmdir tmp", "touch here", "test ! -e tmp"},
	/* Folders without permissions, and names of any bytes. */
	{"",
	 "mkdir -p tmp/a/b tmp/0; touch tmp/a/b/c; chmod 0 tmp/a/b tmp/a; touch 'tmp/-r "
	 "f'",
	 EMPTY("tmp")},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tmp_drop d = {0};

		print_message("row %zu: %s\n", i, rows[i].script);
		expect(rows[i].base, rows[i].script, &d, rows[i].look);
	}
}

static void test_keep(void **state)
{
	struct tmp_drop d = {.keep = true};

	(void)state;
	expect("touch tmp/a", "touch tmp/x; rm tmp/a; chmod 755 tmp; rmdir var/tmp", &d,
	       "test \"$(ls tmp)\" = x\n" BOTH);
	assert_int_equal(d.n_names, 0);
}

/* The size is that of what is really gone, counted once. */
static void test_size(void **state)
{
	struct tmp_drop d = {0};

	(void)state;
	expect("echo old >tmp/old",
	       "dd if=/dev/zero of=tmp/a bs=65536 count=1 2>/dev/null; ln tmp/a tmp/b\n"
	       "mkdir tmp/d; dd if=/dev/zero of=tmp/d/c bs=65536 count=2 2>/dev/null\n"
	       "dd if=/dev/zero of=tmp/e bs=65536 count=4 2>/dev/null; ln tmp/e opt/e\n"
	       "truncate -s 1G tmp/sparse; rm tmp/old",
	       &d, "true");
	assert_int_equal(d.bytes, 3 * 65536);
	assert_int_equal(d.n_names, 5);
}

/* Far deeper than the limit of descriptors, and than a path may be long. */
static void test_deep(void **state)
{
	struct tmp_drop d = {0};

	(void)state;
	expect("",
	       "python3 -c 'import os\nos.chdir(\"tmp\")\n"
	       "for i in range(3000): os.mkdir(\"deep\"); os.chdir(\"deep\")'",
	       &d, EMPTY("tmp"));
	assert_int_equal(d.n_names, 1);
}

/* Allow `more` descriptors than are open now. */
static void allow_descriptors(unsigned more)
{
	struct rlimit limit;
	int next = dup(STDERR_FILENO);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + more;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Whatever fails, nothing that was there before is taken for new: each try has one
 * descriptor more, so that each call that needs one is the first to fail once. */
static void test_no_descriptors(void **state)
{
	struct rlimit before;
	struct box b;
	unsigned more = 0;
	bool failed = true;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	box_open(&b);
	run_in(b.layer, "mkdir -p tmp/d; echo old >tmp/old; echo old >tmp/d/old");
	run_in(b.upper, "mkdir -p tmp/d; echo new >tmp/old; echo new >tmp/d/old\n"
			"touch tmp/mine tmp/d/mine");
	for (; failed && more < 32; more++) {
		CLEANUP(err_freep) struct err *e = NULL;
		struct tmp_drop d = {0};

		box_hold(&b, &d);
		allow_descriptors(more);
		e = tmp_drop(&d);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		box_let_go(&d);
		failed = e != NULL;
		assert_true(!e || err_code(e) == ERR_SYS);
		run_in(b.upper, "ls tmp/old tmp/d/old >/dev/null");
	}
	assert_false(failed);
	assert_true(more > 4);
	run_in(b.upper, "test ! -e tmp/mine; test ! -e tmp/d/mine");
	box_close(&b);
}

static void test_cancel(void **state)
{
	struct cancel *cancel;
	struct tmp_drop d = {0};
	struct box b;

	(void)state;
	assert_ok(cancel_new(&cancel));
	box_open(&b);
	run_in(b.layer, "mkdir tmp");
	run_in(b.upper, "mkdir -p tmp; touch tmp/x");
	cancel_raise(cancel, CANCEL_ASKED);
	d.cancel = cancel;
	assert_err(ERR_CANCELLED, drop(&b, &d));
	box_close(&b);
	cancel_free(cancel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_keep),
		cmocka_unit_test(test_size),   cmocka_unit_test(test_deep),
		cmocka_unit_test(test_cancel), cmocka_unit_test(test_no_descriptors),
	};

	if (!private_mounts()) {
		fprintf(stderr, "skipped: mounting needs root, or a user namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
