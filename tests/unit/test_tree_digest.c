/* SPDX-License-Identifier: MIT
 * test_tree_digest.c - the digest of what `%files` copies changes with what is copied and
 * with nothing else; sources mean what a shell would make of them.
 */
/* links: tree */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "engine/tree/tree_glob.h"
#include "engine/tree/tree_list.h"
#include "tests/fake/copy_fixture.h"

static struct digest digest_of(const struct fixture *f, enum copy_from from,
			       const char *source, const char *target)
{
	struct copy_item item = {.source = source, .target = target};
	struct copy_request request = {
		.rules.from = from,
		.source_fd = from == COPY_FROM_HOST ? f->source_fd : f->stage_fd,
		.items = &item,
		.n_items = 1,
	};
	struct digest d;

	assert_ok(tree_copy_digest(&request, &d));
	return d;
}

struct digest_case {
	const char *change; /* shell, in the stage's root and again on the host */
	bool host, stage;   /* does the digest of src/d change? */
};

static const struct digest_case digest_cases[] = {
	{"touch src/d/f1 src/d", false, false},
	{"printf one > src/d/f1", false, false},
	{"chmod 755 src/d", true, false}, /* a stage's named folder is always 0755 */
	{"chown 1:1 src/d", false, false},
	{"printf two > src/d/f1", true, true},
	{"chmod 600 src/d/f1", true, true},
	{"chown 1 src/d/sub/f2", false, true},
	{"chgrp 1 src/d/sub/f2", false, true},
	{"rm src/d/l; ln -s sub/f2 src/d/l", true, true},
	{"rm src/d/hl; cp -p src/d/f1 src/d/hl", false, true},
	{"mv src/d/f1 src/d/f0; rm src/d/l; ln -s f0 src/d/l", true, true},
	{"mkdir src/d/more", true, true},
	{"chmod u+s src/d/f1", false, true},
};

/* The digest changes with what would be copied, and with nothing else. */
static void digest_covers_what_is_copied(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++) {
		const struct digest_case *c = &digest_cases[i];
		CLEANUP(freep)
		char *script = xasprintf("(cd stage; %s); %s", c->change, c->change);
		void *own = NULL;
		struct fixture *f;
		struct digest h1, h2, s1, s2;

		setup(&own);
		f = own;
		h1 = digest_of(f, COPY_FROM_HOST, "src/d", "/x");
		s1 = digest_of(f, COPY_FROM_STAGE, "/src/d", "/x");
		shell(f, script);
		h2 = digest_of(f, COPY_FROM_HOST, "src/d", "/x");
		s2 = digest_of(f, COPY_FROM_STAGE, "/src/d", "/x");
		if (digest_equal(&h1, &h2) == c->host)
			fail_msg("host: %s", c->change);
		if (digest_equal(&s1, &s2) == c->stage)
			fail_msg("stage: %s", c->change);
		teardown(&own);
	}
}

static bool stage_changes(const struct fixture *f, void (*change)(int stage))
{
	struct digest before = digest_of(f, COPY_FROM_STAGE, "/src/d", "/x"), after;

	change(f->stage_fd);
	after = digest_of(f, COPY_FROM_STAGE, "/src/d", "/x");
	return !digest_equal(&before, &after);
}

static void set_capability(int stage)
{
	/* CAP_NET_RAW, permitted and effective, revision 2: capabilities(7). */
	static const unsigned char value[20] = {1, 0, 0, 2, 0, 0x20};
	CLEANUP(closep) int fd = openat(stage, "src/d/f1", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fsetxattr(fd, "security.capability", value, sizeof(value), 0),
			 0);
}

static void change_device(int stage)
{
	assert_int_equal(unlinkat(stage, "src/d/device", 0), 0);
	assert_int_equal(mknodat(stage, "src/d/device", S_IFCHR | 0644, makedev(1, 5)),
			 0);
}

/* Of three names two are one file still, but another two. */
static void regroup(int stage)
{
	assert_int_equal(unlinkat(stage, "src/d/hl", 0), 0);
	assert_int_equal(linkat(stage, "src/d/g1", stage, "src/d/hl", 0), 0);
}

/* What the shell's tools need not be there for. */
static void digest_covers_what_a_stage_keeps(void **state)
{
	struct fixture *f = *state;

	assert_true(stage_changes(f, set_capability));
	shell(f, "cp -p stage/src/d/f1 stage/src/d/g1");
	assert_true(stage_changes(f, regroup));
	/* In a user namespace nobody makes devices. */
	if (mknodat(f->stage_fd, "src/d/device", S_IFCHR | 0644, makedev(1, 3)) == 0)
		assert_true(stage_changes(f, change_device));
}

static struct digest digest_until(const struct fixture *f, enum copy_from from,
				  int64_t epoch_s)
{
	struct copy_item item = {.source = from == COPY_FROM_HOST ? "src/d" : "/src/d",
				 .target = "/x"};
	struct copy_request request = {
		.rules.from = from,
		.source_fd = from == COPY_FROM_HOST ? f->source_fd : f->stage_fd,
		.items = &item,
		.n_items = 1,
		.rules.times_count = true,
		.rules.clamp_s = epoch_s,
	};
	struct digest d;

	assert_ok(tree_copy_digest(&request, &d));
	return d;
}

/* With an epoch, a time that is kept and that the image will show counts: once, when a
 * base's tag had moved to one that differed only in times, the image got the earlier
 * times. */
static void digest_covers_times_until_epoch(void **state)
{
	static const char *const changes[] = {"touch -d @2000 stage/src/d/f1",
					      "touch -d @900 stage/src/d/f1"};
	struct fixture *f = *state;
	struct digest before, after;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		shell(f, "touch -d @3000 stage/src/d/f1");
		before = digest_until(f, COPY_FROM_STAGE, 1000);
		shell(f, changes[i]);
		after = digest_until(f, COPY_FROM_STAGE, 1000);
		assert_int_equal(digest_equal(&before, &after), i == 0);
	}
	before = digest_until(f, COPY_FROM_HOST, 1000);
	shell(f, "touch -d @500 src/d/f1");
	after = digest_until(f, COPY_FROM_HOST, 1000);
	assert_true(digest_equal(&before, &after));
}

/* Names count: which names a pattern matches, and the name in the copy. */
static void digest_covers_names(void **state)
{
	struct fixture *f = *state;
	struct digest a = digest_of(f, COPY_FROM_HOST, "src/g/*.txt", "/x/");
	struct digest b, c;

	shell(f, "mv src/g/g1.txt src/g/g0.txt");
	b = digest_of(f, COPY_FROM_HOST, "src/g/*.txt", "/x/");
	assert_false(digest_equal(&a, &b));
	b = digest_of(f, COPY_FROM_HOST, "src/f", "/x/");
	c = digest_of(f, COPY_FROM_HOST, "src/lf", "/x/");
	assert_false(digest_equal(&b, &c));
	b = digest_of(f, COPY_FROM_HOST, "src/d/f1", "");
	shell(f, "mkdir other; cp -p src/d/f1 other/f1");
	c = digest_of(f, COPY_FROM_HOST, "other/f1", "");
	assert_false(digest_equal(&b, &c));
}

struct brace_case {
	const char *text, *want; /* words joined by blanks */
};

static const struct brace_case brace_cases[] = {
	{"a", "a"},
	{"", ""},
	{"{a,b}", "a b"},
	{"x{a,b}y", "xay xby"},
	{"{b,a}{1..3}", "b1 b2 b3 a1 a2 a3"},
	{"{3..1}", "3 2 1"},
	{"{-1..1}", "-1 0 1"},
	{"{a..e}", "a b c d e"},
	{"{a,{b,c}d,}", "a bd cd "},
	{"{a}", "{a}"},
	{"{}", "{}"},
	{"{1..x}", "{1..x}"},
	{"{1.3}", "{1.3}"},
	{"a{b", "a{b"},
	{"a{b,c", "a{b,c"},
	{"{{a,b}", "{a {b"},
	{"a}b", "a}b"},
	{"\\{a,b}", "\\{a,b}"},
	{"{a\\,b,c}", "a\\,b c"},
	{"${x,y}", "$x $y"},
};

/* Braces mean what they mean in bash; too many names are refused. */
static void braces(void **state)
{
	CLEANUP(path_list_release) struct path_list none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(brace_cases); i++) {
		CLEANUP(path_list_release) struct path_list list = {0};
		CLEANUP(buf_release) struct buf got = BUF_INIT;

		assert_ok(tree_glob_braces(brace_cases[i].text, &list));
		for (size_t j = 0; j < list.len; j++)
			buf_printf(&got, "%s%s", j ? " " : "", list.items[j]);
		assert_string_equal(buf_text(&got), brace_cases[i].want);
	}
	assert_err(ERR_SYNTAX, tree_glob_braces("{1..999}{1..999}", &none));
}

/* Nor may a few texts expand to more than a list holds: a long name 9,999 times, or many
 * names each after a long path. */
static void memory_is_limited(void **state)
{
	struct fixture *f = *state;
	CLEANUP(path_list_release) struct path_list list = {0};
	CLEANUP(path_list_release) struct path_list found = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *pattern = NULL;
	struct glob_root root = {.fd = f->source_fd};

	for (int i = 0; i < 1000; i++)
		buf_puts(&text, "1234567");
	pattern = xasprintf("%s{1..9999}", buf_text(&text));
	assert_err(ERR_SYNTAX, tree_glob_braces(pattern, &list));
	assert_true(list.bytes <= PATH_LIST_MAX + 10000);
	freep(&pattern);
	buf_clear(&text);
	/* `./` does not count as a folder. */
	while (text.len < 4000)
		buf_puts(&text, "./");
	shell(f, "mkdir wide; cd wide; seq 1 20000 | xargs touch");
	pattern = xasprintf("%swide/*", buf_text(&text));
	assert_err(ERR_SYNTAX, tree_glob(&root, pattern, &found));
	assert_true(found.bytes <= PATH_LIST_MAX + 10000);
}

/* A list of what was copied keeps at most a few MiB of paths: beyond that it holds
 * top-level entries, as many as fit. */
static void lists_are_limited(void **state)
{
	CLEANUP(tree_list_release) struct tree_list l = TREE_LIST_INIT;
	char path[4000];
	size_t bytes = 0;

	(void)state;
	memset(path, 'x', sizeof(path));
	for (int i = 0; i < 5000; i++) {
		snprintf(path, 16, "%07d", i);
		path[7] = 'x';
		path[sizeof(path) - 1] = '\0';
		tree_list_add(&l, "/src", path,
			      &(struct tree_item){.type = 'f', .size = 1});
	}
	assert_true(l.is_coarse);
	assert_int_equal(l.len, 0);
	for (size_t i = 0; i < l.n_tops; i++)
		bytes += strlen(l.tops[i].path);
	assert_true(bytes < MIB(5));
	assert_true(l.n_tops > 900);
	/* The rest is one entry, with the size of all. */
	assert_int_equal(l.tops[l.n_tops - 1].size, 5000 - (l.n_tops - 1));
}

struct glob_case {
	const char *pattern, *want; /* matches joined by blanks; NULL: none */
};

static const struct glob_case glob_cases[] = {
	{"src/g/*", "src/g/g1.txt src/g/g2.txt src/g/gd1 src/g/gd2"},
	{"src/g/*/", "src/g/gd1/ src/g/gd2/"},
	{"src/g/.*", "src/g/.hid.txt"},
	{"src/g/g?.txt", "src/g/g1.txt src/g/g2.txt"},
	{"src/g/g[!1].txt", "src/g/g2.txt"},
	{"src/g/g[[:digit:]].txt", "src/g/g1.txt src/g/g2.txt"},
	{"src/*/gd1/x", "src/g/gd1/x"},
	{"src/**/x", NULL},
	{"s*c/g/**/x", "src/g/gd1/x"},
	{"./src/g/{gd*,g1*}", "./src/g/gd1 ./src/g/gd2 ./src/g/g1.txt"},
	{"src/none*", NULL},
	{"src/f/*", NULL},
	{"src/da*", "src/dang"},
	{"src//g/*1.txt", "src/g/g1.txt"},
	{"src/[f]", "src/[f]"}, /* made below: a name that looks like a pattern */
	{"src/a\\ b", "src/a b"},
	{"src/\\*", "src/*"},
	{"literal", "literal"},
};

/* Patterns match as in a shell; finding nothing is an error that names the pattern. */
static void patterns(void **state)
{
	struct fixture *f = *state;

	shell(f, "touch 'src/[f]'; rm src/f; touch top.txt");
	for (size_t i = 0; i < ARRAY_LEN(glob_cases); i++) {
		const struct glob_case *c = &glob_cases[i];
		CLEANUP(path_list_release) struct path_list list = {0};
		CLEANUP(buf_release) struct buf got = BUF_INIT;
		struct glob_root root = {.fd = f->source_fd};
		struct err *e = tree_glob(&root, c->pattern, &list);

		assert_true((e == NULL) == (c->want != NULL));
		if (e)
			assert_int_equal(err_code(e), ERR_NOTFOUND);
		err_free(e);
		for (size_t j = 0; j < list.len; j++)
			buf_printf(&got, "%s%s", j ? " " : "", list.items[j]);
		if (c->want)
			assert_string_equal(buf_text(&got), c->want);
	}
	assert_ok(copy(f, COPY_FROM_HOST, "*.txt", "/new", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_covers_what_is_copied),
		UNIT(digest_covers_what_a_stage_keeps),
		UNIT(digest_covers_times_until_epoch),
		UNIT(digest_covers_names),
		cmocka_unit_test(braces),
		UNIT(patterns),
		UNIT(memory_is_limited),
		cmocka_unit_test(lists_are_limited),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: owners need root, or a user namespace\n");
		return 77;
	}
	/* The results must not depend on it. */
	umask(0077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
