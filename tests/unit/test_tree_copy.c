/* SPDX-License-Identifier: MIT
 * test_tree_copy.c - `%files` and `%files from` make what Apptainer makes, case by case,
 * and nothing outside the root; the digest of a probe is that of the copy.
 */
/* links: tree */
#include <errno.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "base/folder_walk.h"
#include "tests/fake/copy_fixture.h"

static void put_missing_lines(const char *from, const char *in, char sign,
			      struct buf *out)
{
	struct str rest = str_of(from), line;

	while (rest.len > 0) {
		CLEANUP(freep) char *needle = NULL;

		str_cut(rest, '\n', &line, &rest);
		needle = xasprintf("\n%.*s\n", STR_ARG(line));
		if (!strstr(in, needle) &&
		    strncmp(in, needle + 1, strlen(needle) - 1) != 0)
			buf_printf(out, "%c%.*s\n", sign, STR_ARG(line));
	}
}

/* What changed in the image, as lines with - and +. */
static void changes(const struct fixture *f, struct buf *out)
{
	CLEANUP(buf_release) struct buf now = BUF_INIT;

	image_text(f, &now);
	put_missing_lines(buf_text(&f->before), buf_text(&now), '-', out);
	put_missing_lines(buf_text(&now), buf_text(&f->before), '+', out);
}

/* A copy of `d`, under any name. */
#define HOST_D(to)                                                                       \
	"+" to "/f1 f 644 0:0 'one'\n"                                                   \
	"+" to "/hl f 644 0:0 'one'\n"                                                   \
	"+" to "/l f 644 0:0 'one'\n"                                                    \
	"+" to "/sub d 771 0:0\n"                                                        \
	"+" to "/sub/f2 f 644 0:0 'two'\n"
#define STAGE_D(to)                                                                      \
	"+" to "/f1 f 644 0:0 'one'\n"                                                   \
	"+" to "/hl f 644 0:0 =" to "/f1\n"                                              \
	"+" to "/l l 777 0:0 -> f1\n"                                                    \
	"+" to "/sub d 2771 7:8\n"                                                       \
	"+" to "/sub/f2 f 644 0:0 'two'\n"
#define FATAL NULL

struct copy_case {
	const char *source, *target;
	const char *host, *stage; /* changes, or FATAL */
};

/* spec: Apptainer 1.4.5's behaviour, except in rows that say otherwise */
static const struct copy_case cases[] = {
	{"src/f", "/new", "+new f 640 0:0 'F'\n", "+new f 640 5:6 'F'\n"},
	{"src/f", "/newd/", "+newd d 755 0:0\n+newd/f f 640 0:0 'F'\n",
	 "+newd d 755 0:0\n+newd/f f 640 5:6 'F'\n"},
	{"src/f", "/p/q/new", "+p d 755 0:0\n+p/q d 755 0:0\n+p/q/new f 640 0:0 'F'\n",
	 "+p d 755 0:0\n+p/q d 755 0:0\n+p/q/new f 640 5:6 'F'\n"},
	{"src/f", "/t/file", "-t/file f 644 9:9 'old'\n+t/file f 644 9:9 'F'\n",
	 "-t/file f 644 9:9 'old'\n+t/file f 640 5:6 'F'\n"},
	{"src/f", "/t/file/", FATAL, FATAL},
	{"src/f", "/t/file/x", FATAL, FATAL},
	{"src/f", "/t/file/x/y", FATAL, FATAL},
	{"src/f", "/t/dir", "+t/dir/f f 640 0:0 'F'\n", "+t/dir/f f 640 5:6 'F'\n"},
	{"src/f", "/t/dir/", "+t/dir/f f 640 0:0 'F'\n", "+t/dir/f f 640 5:6 'F'\n"},
	/* Apptainer's copy from a stage deletes the folder: not here. */
	{"src/f", "/t/dirf", FATAL, FATAL},
	{"src/f", "/t/ldir", "+t/dir/f f 640 0:0 'F'\n", "+t/dir/f f 640 5:6 'F'\n"},
	{"src/f", "/t/ldirabs", "+t/dir/f f 640 0:0 'F'\n", "+t/dir/f f 640 5:6 'F'\n"},
	{"src/f", "/t/lfile", "-t/file f 644 9:9 'old'\n+t/file f 644 9:9 'F'\n",
	 "-t/file f 644 9:9 'old'\n+t/file f 640 5:6 'F'\n"},
	{"src/f", "/t/ldang", "+t/nowhere f 640 0:0 'F'\n", "+t/nowhere f 640 5:6 'F'\n"},
	{"src/f", "rel/x", "+rel d 755 0:0\n+rel/x f 640 0:0 'F'\n",
	 "+rel d 755 0:0\n+rel/x f 640 5:6 'F'\n"},
	{"src/f", "../../up", "+up f 640 0:0 'F'\n", "+up f 640 5:6 'F'\n"},
	{"src/f", "", "+src d 755 0:0\n+src/f f 640 0:0 'F'\n",
	 "+src d 755 0:0\n+src/f f 640 5:6 'F'\n"},
	{"src/f/", "/new", FATAL, FATAL},
	{"src/lf", "/new", "+new f 640 0:0 'F'\n", "+new f 640 5:6 'F'\n"},
	{"src/lf", "/t/dir", "+t/dir/lf f 640 0:0 'F'\n", "+t/dir/lf f 640 5:6 'F'\n"},
	{"src/suid", "/new", "+new f 755 0:0 'S'\n", "+new f 4755 0:0 'S'\n"},
	{"src/d", "/new", "+new d 700 0:0\n" HOST_D("new"),
	 "+new d 755 0:0\n" STAGE_D("new")},
	{"src/d", "/newd/", "+newd d 755 0:0\n+newd/d d 700 0:0\n" HOST_D("newd/d"),
	 "+newd d 755 0:0\n+newd/d d 755 0:0\n" STAGE_D("newd/d")},
	{"src/d", "/t/dir", "+t/dir/d d 700 0:0\n" HOST_D("t/dir/d"),
	 "+t/dir/d d 755 0:0\n" STAGE_D("t/dir/d")},
	/* merged; the file `sub` in a folder's place: cp refuses, a stage replaces it */
	{"src/d", "/t/dird", FATAL, "-t/dird/d/sub f 644 0:0 'x'\n" STAGE_D("t/dird/d")},
	{"src/d", "/t/dird/d", "+t/dird/d/d d 700 0:0\n" HOST_D("t/dird/d/d"),
	 "+t/dird/d/d d 755 0:0\n" STAGE_D("t/dird/d/d")},
	{"src/d", "/t/file", FATAL, FATAL},
	{"src/d", "/t/filed", FATAL, FATAL},
	{"src/d", "/t/ldang", "+t/nowhere d 700 0:0\n" HOST_D("t/nowhere"),
	 "+t/nowhere d 755 0:0\n" STAGE_D("t/nowhere")},
	{"src/d", "/", "+d d 700 0:0\n" HOST_D("d"), "+d d 755 0:0\n" STAGE_D("d")},
	{"src/d/", "/new", "+new d 700 0:0\n" HOST_D("new"),
	 "+new d 755 0:0\n" STAGE_D("new")},
	{"src/d/", "/newd/", "+newd d 755 0:0\n+newd/d d 700 0:0\n" HOST_D("newd/d"),
	 "+newd d 755 0:0\n" STAGE_D("newd")},
	{"src/d/", "/t/dir", "+t/dir/d d 700 0:0\n" HOST_D("t/dir/d"), STAGE_D("t/dir")},
	{"src/d", "", "+src d 755 0:0\n+src/d d 700 0:0\n" HOST_D("src/d"),
	 "+src d 755 0:0\n+src/d d 755 0:0\n" STAGE_D("src/d")},
	{"src/d/", "",
	 "+src d 755 0:0\n+src/d d 755 0:0\n+src/d/d d 700 0:0\n" HOST_D("src/d/d"),
	 "+src d 755 0:0\n+src/d d 755 0:0\n" STAGE_D("src/d")},
	{"src/ld", "/new", "+new d 700 0:0\n" HOST_D("new"),
	 "+new d 755 0:0\n" STAGE_D("new")},
	{"src/ld", "/t/dir", "+t/dir/ld d 700 0:0\n" HOST_D("t/dir/ld"),
	 "+t/dir/ld d 755 0:0\n" STAGE_D("t/dir/ld")},
	{"src/dang", "/new", FATAL, FATAL},
	{"src/deep", "/new", FATAL, "+new d 755 0:0\n+new/dang l 777 0:0 -> nowhere\n"},
	{"src/none", "/p/q/new", FATAL, FATAL},
	{"src/g/*.txt", "/new", "+new f 644 0:0 '2'\n", "+new f 644 0:0 '2'\n"},
	{"src/g/gd*", "/new",
	 "+new d 755 0:0\n+new/gd2 d 755 0:0\n+new/gd2/y f 644 0:0 '4'\n+new/x f 644 0:0 "
	 "'3'\n",
	 "+new d 755 0:0\n+new/gd2 d 755 0:0\n+new/gd2/y f 644 0:0 '4'\n+new/x f 644 0:0 "
	 "'3'\n"},
	{"src/g/g1.txt", "/t/ldirabs/../file/z", FATAL, FATAL},
	{"src/g/{g1.txt,gd1}", "/new", FATAL, FATAL},
	{"src/g/g*", "/t/dir",
	 "+t/dir/g1.txt f 644 0:0 '1'\n+t/dir/g2.txt f 644 0:0 '2'\n+t/dir/gd1 d 755 "
	 "0:0\n"
	 "+t/dir/gd1/x f 644 0:0 '3'\n+t/dir/gd2 d 755 0:0\n+t/dir/gd2/y f 644 0:0 '4'\n",
	 "+t/dir/g1.txt f 644 0:0 '1'\n+t/dir/g2.txt f 644 0:0 '2'\n+t/dir/gd1 d 755 "
	 "0:0\n"
	 "+t/dir/gd1/x f 644 0:0 '3'\n+t/dir/gd2 d 755 0:0\n+t/dir/gd2/y f 644 0:0 "
	 "'4'\n"},
	{"src/g/*.txt", "",
	 "+src d 755 0:0\n+src/g d 755 0:0\n+src/g/g1.txt f 644 0:0 '1'\n"
	 "+src/g/g2.txt f 644 0:0 '2'\n",
	 "+src d 755 0:0\n+src/g d 755 0:0\n+src/g/g1.txt f 644 0:0 '1'\n"
	 "+src/g/g2.txt f 644 0:0 '2'\n"},
	{"src/empty", "/new", "+new d 755 0:0\n", "+new d 755 0:0\n"},
	{"src/a b", "", "+src d 755 0:0\n+src/a b f 644 0:0 'sp'\n",
	 "+src d 755 0:0\n+src/a b f 644 0:0 'sp'\n"},
	{"./src/../src/f", "", "+src d 755 0:0\n+src/f f 640 0:0 'F'\n",
	 "+src d 755 0:0\n+src/f f 640 5:6 'F'\n"},
	/* fifos: cp makes new ones; from a stage Apptainer would wait forever */
	{"src/fifo", "/new", "+new p 644 0:0\n", FATAL},
	{"src/fifo", "/t/file", FATAL, FATAL},
	{"/dev/null", "/t/file", FATAL, FATAL},
};

static void check_case(const struct copy_case *c, enum copy_from from)
{
	const char *want = from == COPY_FROM_HOST ? c->host : c->stage;
	void *state = NULL;
	struct fixture *f;
	struct err *e;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	setup(&state);
	f = state;
	e = copy(f, from, c->source, c->target, NULL);
	if (e)
		err_render(e, &text);
	changes(f, &got);
	if (!want && !e)
		fail_msg("'%s' to '%s' (%d) should fail:\n%s", c->source, c->target, from,
			 buf_text(&got));
	if (want && (e || strcmp(buf_text(&got), want) != 0))
		fail_msg("'%s' to '%s' (%d):\n%s%s-- should be --\n%s", c->source,
			 c->target, from, buf_text(&text), buf_text(&got), want);
	if (e && !strstr(buf_text(&text), "x.def:3:1"))
		fail_msg("no place: %s", buf_text(&text));
	err_free(e);
	teardown(&state);
}

static void case_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_case(&cases[i], COPY_FROM_HOST);
		check_case(&cases[i], COPY_FROM_STAGE);
	}
}

/* A failed copy must not have done anything. */
static void assert_untouched(const struct fixture *f)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;

	changes(f, &got);
	assert_string_equal(buf_text(&got), "");
}

static void assert_text(const struct fixture *f, const char *name, const char *want)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;

	assert_ok(fs_read_file(f->source_fd, name, 1000, &got));
	assert_string_equal(buf_text(&got), want);
}

/* A link in the image, named as the source and leading to a host file: Apptainer writes
 * through it onto the host.  Here it leads inside the image, or is replaced. */
static void link_to_host_file(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *inside = NULL;

	shell(f, "echo -n precious > victim; ln -s \"$PWD/victim\" image/t/dir/f;"
		 "mkdir -p \"image/$PWD\"");
	inside = xasprintf("image/%s/victim", f->root);
	assert_ok(copy(f, COPY_FROM_HOST, "src/f", "/t/dir", NULL));
	assert_text(f, "victim", "precious");
	assert_text(f, inside, "F");
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/f", "/t/dir", NULL));
	assert_text(f, "victim", "precious");
	assert_text(f, "image/t/dir/f", "F");
}

/* The same with `..`, with a link deeper in a folder that is merged, and with folders. */
static void links_out_of_the_image(void **state)
{
	struct fixture *f = *state;
	struct err *e;

	shell(f, "echo -n precious > victim; mkdir out image/t/dir/d;"
		 "ln -s ../../../../victim image/t/dir/d/f1;"
		 "ln -s \"$PWD/out\" image/t/way; ln -s ../../out image/t/way2;"
		 "ln -s \"$PWD/out\" image/t/dirf/d");
	assert_ok(copy(f, COPY_FROM_HOST, "src/d", "/t/dir", NULL));
	assert_text(f, "victim", "precious");
	assert_text(f, "image/victim", "one");
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/d", "/t/dir", NULL));
	assert_text(f, "victim", "precious");
	assert_ok(copy(f, COPY_FROM_HOST, "src/f", "/t/way/", NULL));
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/f", "/t/way2/x", NULL));
	e = copy(f, COPY_FROM_HOST, "src/d", "/t/dirf", NULL);
	assert_non_null(e); /* cp: a link is not a folder */
	err_free(e);
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/d", "/t/dirf", NULL));
	shell(f, "test -z \"$(ls out)\"");
}

/* The second way onto the host: the base has a link in the place of a folder on the path;
 * it stays inside even if it dangles. */
static void dangling_link_to_host(void **state)
{
	struct fixture *f = *state;

	shell(f, "ln -s /nonexistent-dagbuild/dir image/etc");
	assert_ok(copy(f, COPY_FROM_HOST, "src/f", "/etc/resolv.conf", NULL));
	assert_true(access("/nonexistent-dagbuild", F_OK) != 0);
	assert_text(f, "image/nonexistent-dagbuild/dir/resolv.conf", "F");
}

/* No shell reads a source: `$(...)`, backquotes and variables are names. */
static void no_shell(void **state)
{
	struct fixture *f = *state;
	static const char *const sources[] = {
		"$(touch made)", "`touch made`",     "src/$HOME",     "${HOME}",
		"~/x",		 "src/f;touch made", "$(touch made)*"};

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		assert_err(ERR_NOTFOUND,
			   copy(f, COPY_FROM_HOST, sources[i], "/new", NULL));
	}
	assert_true(faccessat(f->source_fd, "made", F_OK, 0) != 0);
	assert_untouched(f);
	shell(f, "echo -n c > 'src/c$HOME'");
	assert_ok(copy(f, COPY_FROM_HOST, "src/c$HOM?", "/t/dir", NULL));
	assert_text(f, "image/t/dir/c$HOME", "c");
}

/* We find out what cannot be copied before we touch anything at the target, and without
 * waiting for a fifo's other end. */
static void types_come_first(void **state)
{
	struct fixture *f = *state;
	static const char *const sources[] = {"/src/fifo", "/src/null", "/src/none"};

	if (mknodat(f->stage_fd, "src/null", S_IFCHR | 0666, (dev_t)0x103) != 0)
		assert_int_equal(errno, EPERM);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct err *e = copy(f, COPY_FROM_STAGE, sources[i], "/t/file", NULL);

		assert_non_null(e);
		err_free(e);
		e = copy(f, COPY_FROM_STAGE, sources[i], "/p/q/r", NULL);
		assert_non_null(e);
		err_free(e);
	}
	assert_untouched(f);
}

/* A stage's links lead inside the stage, its `..` too. */
static void stage_links_stay_inside(void **state)
{
	struct fixture *f = *state;

	shell(f, "echo -n secret > secret; echo -n mine > stage/secret;"
		 "ln -s \"$PWD/secret\" stage/src/abs; ln -s ../../secret stage/src/up");
	assert_err(ERR_NOTFOUND, copy(f, COPY_FROM_STAGE, "/src/abs", "/new", NULL));
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/up", "/new", NULL));
	assert_text(f, "image/new", "mine");
	assert_ok(copy(f, COPY_FROM_STAGE, "../../*ret", "/new2", NULL));
	assert_text(f, "image/new2", "mine");
}

/* A copy from the host does not write into a device or fifo of the image. */
static void special_files_at_target(void **state)
{
	struct fixture *f = *state;

	shell(f, "mkfifo image/t/pipe");
	assert_err(ERR_EXISTS, copy(f, COPY_FROM_HOST, "src/f", "/t/pipe", NULL));
}

static int64_t mtime_at(const struct fixture *f, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(f->image_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mtim.tv_sec;
}

/* A file from a stage does not replace a folder, and the error says what to do. */
static void folder_is_not_replaced(void **state)
{
	struct fixture *f = *state;
	struct err *e = copy(f, COPY_FROM_STAGE, "/src/f", "/t/dirf", NULL);

	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_EXISTS);
	assert_non_null(err_advice(e));
	assert_string_equal(err_place(e), "x.def:3:1");
	err_free(e);
	assert_untouched(f);
}

/* A stage's times are kept, except the named folder's; the host's are not. */
static void times(void **state)
{
	struct fixture *f = *state;

	assert_ok(copy(f, COPY_FROM_STAGE, "/src/d", "/new", NULL));
	assert_int_equal(mtime_at(f, "new/f1"), 1000000);
	assert_int_equal(mtime_at(f, "new/sub"), 1000000);
	assert_int_equal(mtime_at(f, "new/l"), 1000000);
	assert_true(mtime_at(f, "new") > 1000000);
	assert_ok(copy(f, COPY_FROM_HOST, "src/f", "/hosts-f", NULL));
	assert_true(mtime_at(f, "hosts-f") > 1000000);
}

/* Capabilities come along from a stage; holes stay holes. */
static void capabilities_and_holes(void **state)
{
	struct fixture *f = *state;
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
	CLEANUP(freep) char *from = xasprintf("%s/stage/src/g/g1.txt", f->root);
	CLEANUP(freep) char *to = xasprintf("%s/image/new/g1.txt", f->root);
	unsigned char got[32];
	struct stat st;

	assert_int_equal(setxattr(from, "security.capability", capability, 20, 0), 0);
	shell(f, "truncate -s 20M stage/src/g/hole; echo end >> stage/src/g/hole");
	assert_ok(copy(f, COPY_FROM_STAGE, "/src/g", "/new", NULL));
	assert_int_equal(getxattr(to, "security.capability", got, sizeof(got)), 20);
	assert_memory_equal(got, capability, 20);
	assert_int_equal(fstatat(f->image_fd, "new/hole", &st, 0), 0);
	assert_int_equal(st.st_size, (20 << 20) + 4);
	assert_true(st.st_blocks < 2048);
}

/* `depth` folders with names of 20 characters below `folder`, each with a file; the names
 * of one more file are in the innermost and in the outermost. */
static void make_deep(const struct fixture *f, const char *folder, int depth)
{
	int fd = open_folder(f, folder), top = dup(fd);

	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "a-folder-of-20-chars", 0755), 0);
		assert_int_equal(mknodat(fd, "file", S_IFREG | 0644, 0), 0);
		assert_ok(fs_open(fd, "a-folder-of-20-chars", O_RDONLY | O_DIRECTORY, 0,
				  &next));
		close(fd);
		fd = next;
	}
	assert_int_equal(mknodat(fd, "deep", S_IFREG | 0644, 0), 0);
	assert_int_equal(linkat(fd, "deep", top, "name-of-deep", 0), 0);
	assert_int_equal(linkat(fd, "deep", fd, "also-deep", 0), 0);
	close(fd);
	close(top);
}

/* How many names are below, and how many links the file in the outermost folder has. */
static size_t count_names(const struct fixture *f, const char *folder, unsigned *links)
{
	CLEANUP(folder_walk_release) struct folder_walk w = {0};
	CLEANUP(closep) int fd = open_folder(f, folder);
	const char *name;
	struct stat st;
	size_t n = 0;

	assert_int_equal(fstatat(fd, "name-of-deep", &st, 0), 0);
	*links = (unsigned)st.st_nlink;
	assert_ok(folder_walk_enter(&w, fd, "."));
	while (folder_walk_is_inside(&w)) {
		assert_ok(folder_walk_next(&w, &name));
		if (!name) {
			assert_ok(folder_walk_leave(&w));
			continue;
		}
		n++;
		assert_int_equal(fstatat(folder_walk_fd(&w), name, &st, 0), 0);
		if (S_ISDIR(st.st_mode))
			assert_ok(folder_walk_enter(&w, folder_walk_fd(&w), name));
	}
	return n;
}

/* Folders deeper than PATH_MAX and than the limit of descriptors; from a stage, with
 * names of one file that far apart. */
static void deep_folders(void **state)
{
	enum { DEPTH = 400 };
	struct fixture *f = *state;
	struct rlimit limit, few;
	unsigned links;

	shell(f, "mkdir deep stage/deep");
	make_deep(f, "deep", DEPTH);
	make_deep(f, "stage/deep", DEPTH);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_ok(copy(f, COPY_FROM_HOST, "deep", "/from-host", NULL));
	assert_ok(copy(f, COPY_FROM_STAGE, "/deep", "/from-stage", NULL));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(count_names(f, "image/from-host", &links), 2 * DEPTH + 3);
	assert_int_equal(links, 1);
	assert_int_equal(count_names(f, "image/from-stage", &links), 2 * DEPTH + 3);
	assert_int_equal(links, 3);
}

/* What is too large, one file or all together, is refused before any of it is made; a
 * probe does not read it either. */
static void sizes_are_limited(void **state)
{
	static const enum copy_from sides[] = {COPY_FROM_HOST, COPY_FROM_STAGE};
	struct fixture *f = *state;

	shell(f, "mkdir big stage/big; truncate -s 2T big/b stage/big/b;"
		 "truncate -s 900G big/a stage/big/a");
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct copy_item item = {
			.source = "big", .target = "/new", .where = fixture_place()};
		struct copy_request request = {
			.rules.from = sides[i],
			.source_fd = i == 0 ? f->source_fd : f->stage_fd,
			.items = &item,
			.n_items = 1,
			.files.max_file = UINT64_C(1) << 40,
		};
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct digest d;
		struct stat st;
		struct err *e = tree_copy(&request, f->image_fd, &d);

		assert_non_null(e);
		err_render(e, &text);
		err_free(e);
		assert_non_null(strstr(buf_text(&text), "'b'"));
		assert_non_null(strstr(buf_text(&text), "2.0 TiB"));
		assert_non_null(strstr(buf_text(&text), "--max-file"));
		assert_int_equal(fstatat(f->image_fd, "new/b", &st, 0), -1);
		assert_err(ERR_SYS, tree_copy_digest(&request, &d));
		shell(f, "rm -rf image/new");
		request.files.max_file = UINT64_C(2) << 40;
		e = tree_copy(&request, f->image_fd, &d);
		assert_non_null(e);
		buf_clear(&text);
		err_render(e, &text);
		err_free(e);
		assert_non_null(strstr(buf_text(&text), "together"));
		shell(f, "rm -rf image/new");
		request.files.max_file = UINT64_C(3) << 40;
		assert_ok(tree_copy(&request, f->image_fd, &d));
		assert_int_equal(fstatat(f->image_fd, "new/b", &st, 0), 0);
		assert_int_equal(st.st_size, UINT64_C(2) << 40);
		shell(f, "rm -r image/new");
	}
}

/* A link to a folder above, which a careless copy would follow forever, ends in an
 * error. */
static void loops_on_the_host(void **state)
{
	struct fixture *f = *state;
	struct err *e;

	shell(f, "ln -s .. src/d/sub/up");
	e = copy(f, COPY_FROM_HOST, "src/d", "/new", NULL);
	assert_non_null(e);
	err_free(e);
	e = copy(f, COPY_FROM_HOST, ".", "/new", NULL);
	assert_non_null(e);
	err_free(e);
}

/* The image's own root below the source is not copied into itself. */
static void root_inside_the_source(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e;

	shell(f, "rm -r src/dang src/deep; find stage image -type l -exec rm {} +");
	e = copy(f, COPY_FROM_HOST, ".", "/new", NULL);
	assert_non_null(e);
	err_render(e, &text);
	assert_non_null(strstr(buf_text(&text), "root folder"));
	err_free(e);
}

static void cancelled(void **state)
{
	struct fixture *f = *state;
	struct cancel *cancel = NULL;
	struct copy_item item = {
		.source = "src/d", .target = "/new", .where = fixture_place()};
	struct copy_request request = {.rules.from = COPY_FROM_HOST,
				       .source_fd = f->source_fd,
				       .items = &item,
				       .n_items = 1};
	struct digest d;

	assert_ok(cancel_new(&cancel));
	cancel_raise(cancel, CANCEL_ASKED);
	request.files.cancel = cancel;
	assert_err(ERR_CANCELLED, tree_copy(&request, f->image_fd, &d));
	cancel_free(cancel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_table),
		UNIT(link_to_host_file),
		UNIT(links_out_of_the_image),
		UNIT(dangling_link_to_host),
		UNIT(no_shell),
		UNIT(types_come_first),
		UNIT(stage_links_stay_inside),
		UNIT(special_files_at_target),
		UNIT(folder_is_not_replaced),
		UNIT(times),
		UNIT(capabilities_and_holes),
		UNIT(deep_folders),
		UNIT(sizes_are_limited),
		UNIT(loops_on_the_host),
		UNIT(root_inside_the_source),
		UNIT(cancelled),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: owners need root, or a user namespace\n");
		return 77;
	}
	/* The results must not depend on it. */
	umask(0077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
