/* SPDX-License-Identifier: MIT
 * test_unpack.c - layer archives become the trees that the OCI rules call for, both
 * applied alone and onto their mounted parents.
 */
/* links: unpack */
#include <sys/xattr.h>

#include "tests/fake/layers.h"

enum { ENTRIES = 12, ROUNDS = 300 };

struct layer_case {
	const char *name;
	struct tar_entry lower[ENTRIES];
	struct tar_entry upper[ENTRIES];
	bool needs_parents;
	const char *tree;
};

static const struct layer_case cases[] = {
	{
		"whiteout hides a lower file",
		{DIR_("d/"), FILE_("d/a", "1"), FILE_("d/b", "2")},
		{DIR_("d/"), MARK_("d/.wh.a")},
		true,
		"d d 755 0:0\nd/b f 644 0:0 '2'\n",
	},
	{
		"whiteout spares what its own layer brings, before or after it",
		{FILE_("a", "low"), FILE_("b", "low")},
		{FILE_("a", "new"), MARK_(".wh.a"), MARK_(".wh.b"), FILE_("b", "new")},
		true,
		"a f 644 0:0 'new'\nb f 644 0:0 'new'\n",
	},
	{
		"whiteout of a folder that its layer makes anew hides the old content",
		{DIR_("d/"), FILE_("d/old", "1")},
		{MARK_(".wh.d"), DIR_("d/"), FILE_("d/new", "2")},
		true,
		"d d 755 0:0\nd/new f 644 0:0 '2'\n",
	},
	{
		"the same in the other order",
		{DIR_("d/"), FILE_("d/old", "1")},
		{DIR_("d/"), FILE_("d/new", "2"), MARK_(".wh.d")},
		true,
		"d d 755 0:0\nd/new f 644 0:0 '2'\n",
	},
	{
		"opaque hides lower content, wherever it stands",
		{DIR_("d/"), FILE_("d/old", "1"), DIR_("d/s/"), FILE_("d/s/old", "2")},
		{DIR_("d/"), FILE_("d/before", "3"), MARK_("d/.wh..wh..opq"),
		 FILE_("d/after", "4"), DIR_("d/s/"), FILE_("d/s/new", "5")},
		false,
		"d d 755 0:0\nd/after f 644 0:0 '4'\nd/before f 644 0:0 '3'\n"
		"d/s d 755 0:0\nd/s/new f 644 0:0 '5'\n",
	},
	{
		"opaque reaches below folders that its layer declares before it",
		{DIR_("d/"), DIR_("d/s/"), FILE_("d/s/old", "2")},
		{DIR_("d/"), DIR_("d/s/"), FILE_("d/s/new", "5"),
		 MARK_("d/.wh..wh..opq")},
		false,
		"d d 755 0:0\nd/s d 755 0:0\nd/s/new f 644 0:0 '5'\n",
	},
	{
		"an opaque root",
		{FILE_("old", "1"), DIR_("d/"), FILE_("d/old", "1")},
		{MARK_(".wh..wh..opq"), DIR_("d/"), FILE_("d/new", "2")},
		true,
		"d d 755 0:0\nd/new f 644 0:0 '2'\n",
	},
	{
		"marks of nothing, and of aufs, are ignored",
		{FILE_("a", "1")},
		{MARK_(".wh.none"), MARK_(".wh..wh.plnk"), MARK_("no/.wh.x")},
		true,
		"a f 644 0:0 '1'\n",
	},
	{
		"a folder of a lower layer is used, not hidden",
		{DIR_("usr/"), DIR_("usr/bin/"), LINK_("bin", "usr/bin"),
		 FILE_("usr/bin/a", "1")},
		{FILE_("bin/b", "2")},
		true,
		"bin l 777 0:0 -> usr/bin\nusr d 755 0:0\nusr/bin d 755 0:0\n"
		"usr/bin/a f 644 0:0 '1'\nusr/bin/b f 644 0:0 '2'\n",
	},
	{
		"a folder replaces a link of a lower layer",
		{DIR_("usr/"), FILE_("usr/a", "1"), LINK_("bin", "usr")},
		{DIR_("bin/"), FILE_("bin/b", "2")},
		false,
		"bin d 755 0:0\nbin/b f 644 0:0 '2'\nusr d 755 0:0\nusr/a f 644 0:0 "
		"'1'\n",
	},
	{
		"a whiteout of what never was leaves no name in a listing",
		{DIR_("d/")},
		{DIR_("d/"), MARK_("d/.wh.x"), DIR_("n/"), MARK_("n/.wh.x")},
		true,
		"d d 755 0:0\nn d 755 0:0\n",
	},
	{
		"whiteout through a link of a lower layer",
		{DIR_("usr/"), FILE_("usr/a", "1"), LINK_("bin", "usr")},
		{MARK_("bin/.wh.a")},
		true,
		"bin l 777 0:0 -> usr\nusr d 755 0:0\n",
	},
	{
		"a link of its own on the path",
		{DIR_("usr/"), FILE_("usr/a", "1")},
		{LINK_("bin", "usr"), FILE_("bin/b", "2")},
		true,
		"bin l 777 0:0 -> usr\nusr d 755 0:0\nusr/a f 644 0:0 '1'\n"
		"usr/b f 644 0:0 '2'\n",
	},
	{
		"a file replaces a folder",
		{DIR_("d/"), FILE_("d/x", "1")},
		{FILE_("d", "file")},
		false,
		"d f 644 0:0 'file'\n",
	},
	{
		"a file, then a folder of one name: nothing of the lower one shows",
		{DIR_("d/"), FILE_("d/x", "1")},
		{FILE_("d", "file"), DIR_("d/"), FILE_("d/y", "2")},
		false,
		"d d 755 0:0\nd/y f 644 0:0 '2'\n",
	},
	{
		"a file where an entry wants a folder is replaced",
		{FILE_("d", "file")},
		{FILE_("d/y", "2")},
		true,
		"d d 755 0:0\nd/y f 644 0:0 '2'\n",
	},
	{
		"metadata of a folder is replaced, its content stays",
		{DIR_("d/"), FILE_("d/x", "1")},
		{{.name = "d/", .type = '5', .mode = 01770, .uid = 3, .gid = 4}},
		false,
		"d d 1770 3:4\nd/x f 644 0:0 '1'\n",
	},
	{
		"hard links inside a layer",
		{FILE_("z", "0")},
		{FILE_("a", "1"), HARD_("b", "a"), HARD_("z", "./a")},
		false,
		"a f 644 0:0 '1'\nb f 644 0:0 =a\nz f 644 0:0 =a\n",
	},
	{
		"a hard link to a file of a lower layer",
		{FILE_("a", "1")},
		{HARD_("b", "a")},
		true,
		"a f 644 0:0 '1'\nb f 644 0:0 =a\n",
	},
	{
		"a hard link before its target",
		{FILE_("z", "0")},
		{HARD_("b", "a"), FILE_("a", "1")},
		true,
		"a f 644 0:0 '1'\nb f 644 0:0 =a\nz f 644 0:0 '0'\n",
	},
	{
		"a hard link repeated",
		{FILE_("z", "0")},
		{FILE_("a", "1"), HARD_("b", "a"), HARD_("b", "a")},
		false,
		"a f 644 0:0 '1'\nb f 644 0:0 =a\nz f 644 0:0 '0'\n",
	},
	{
		"duplicates: the last one wins",
		{FILE_("z", "0")},
		{FILE_("a", "1"), HARD_("b", "a"), FILE_("a", "2")},
		false,
		"a f 644 0:0 '2'\nb f 644 0:0 '1'\nz f 644 0:0 '0'\n",
	},
	{
		"names are clamped at the root",
		{FILE_("z", "0")},
		{FILE_("../../escape", "1"), FILE_("/abs", "2"), FILE_("./d/../x", "3")},
		false,
		"abs f 644 0:0 '2'\nescape f 644 0:0 '1'\nx f 644 0:0 '3'\n"
		"z f 644 0:0 '0'\n",
	},
	{
		"owners, set-id bits, fifo, odd folder modes",
		{DIR_("tmp/")},
		{
			{.name = "su", .type = '0', .mode = 06755, .uid = 3, .gid = 4},
			{.name = "p", .type = '6', .mode = 0620, .uid = 5, .gid = 5},
			{.name = "tmp/", .type = '5', .mode = 01777},
			{.name = "no/", .type = '5', .mode = 0, .uid = 9, .gid = 9},
			{.name = "no/f", .type = '0', .mode = 0400, .uid = 9},
			{.name = "l", .type = '2', .mode = 0777, .uid = 7, .link = "/no"},
		},
		false,
		"l l 777 7:0 -> /no\nno d 0 9:9\nno/f f 400 9:0 ''\np p 620 5:5\n"
		"su f 6755 3:4 ''\ntmp d 1777 0:0\n",
	},
	{
		"a 0:0 device would be a whiteout: it is not made",
		{FILE_("a", "1")},
		{{.name = "a", .type = '3', .mode = 0600}},
		false,
		"a f 644 0:0 '1'\n",
	},
	{
		"a folder of mode 0 over a lower one",
		{DIR_("d/"), FILE_("d/x", "1")},
		{{.name = "d/", .type = '5', .mode = 0}, FILE_("d/y", "2")},
		false,
		"d d 0 0:0\nd/x f 644 0:0 '1'\nd/y f 644 0:0 '2'\n",
	},
	{
		"v7: a name with a slash at its end is a folder",
		{FILE_("z", "0")},
		{{.name = "d/", .type = '0', .mode = 0755}, FILE_("d/y", "2")},
		false,
		"d d 755 0:0\nd/y f 644 0:0 '2'\nz f 644 0:0 '0'\n",
	},
};

static void check_case(struct fixture *f, const struct layer_case *c, bool force_merged)
{
	struct buf lower = BUF_INIT, upper = BUF_INIT, got = BUF_INIT;
	struct unpack_result result = {0};

	add_all(&lower, c->lower);
	add_all(&upper, c->upper);
	assert_ok(err_wrap(apply(f, &lower, false, &result), "%s: lower", c->name));
	assert_ok(err_wrap(apply(f, &upper, force_merged, &result), "%s", c->name));
	if (!force_merged && result.needs_parents != c->needs_parents)
		fail_msg("%s: needs_parents is %d", c->name, result.needs_parents);
	merged_text(f, &got);
	if (strcmp(buf_text(&got), c->tree) != 0)
		fail_msg("%s (%s):\n%s-- should be --\n%s", c->name,
			 force_merged ? "merged" : "as it comes", buf_text(&got),
			 c->tree);
	buf_release(&lower);
	buf_release(&upper);
	buf_release(&got);
}

/* Every rule gives the same tree whether a layer is applied alone or onto its parents. */
static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		void *own = NULL;

		setup(&own);
		check_case(own, &cases[i / 2], i % 2);
		teardown(&own);
	}
}

/* Numerical Recipes' generator: the same layers on every run. */
static unsigned next_random(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 16) % below;
}

static void random_path(unsigned *seed, const char *last_prefix, char *out)
{
	unsigned depth = 1 + next_random(seed, 2) * next_random(seed, 3);

	out[0] = '\0';
	for (unsigned i = 0; i < depth; i++)
		sprintf(out + strlen(out), "%s%s%c", i > 0 ? "/" : "",
			i + 1 == depth ? last_prefix : "",
			'a' + (int)next_random(seed, 3));
}

static void random_entry(unsigned *seed, unsigned number, bool marks, struct buf *tar)
{
	char name[64], link[64], data[16];
	struct tar_entry entry = {.name = name, .mode = 0755, .link = link};
	unsigned kind = number % 100 < 3 ? 0 : next_random(seed, marks ? 13 : 9);

	random_path(seed, "", link);
	random_path(seed, kind == 10 ? ".wh." : "", name);
	if (kind > 10)
		strcat(name, "/.wh..wh..opq");
	entry.type = "5555500021000"[kind];
	snprintf(data, sizeof(data), "%u", number);
	if (entry.type == '0')
		entry.data = data;
	if (entry.type == '0' || entry.type == '5')
		entry.link = NULL;
	tar_add(tar, &entry);
}

/* The tree that two random layers make, or how they fail. */
static void random_tree(unsigned seed, bool force_merged, struct buf *out, bool *alone)
{
	CLEANUP(buf_release) struct buf lower = BUF_INIT, upper = BUF_INIT;
	struct unpack_result result = {0};
	struct err *e;
	void *own = NULL;

	setup(&own);
	for (unsigned i = 0; i < 12; i++)
		random_entry(&seed, i, false, &lower);
	for (unsigned i = 0; i < 6; i++)
		random_entry(&seed, 100 + i, true, &upper);
	tar_end(&lower);
	tar_end(&upper);
	e = apply(own, &lower, false, &result);
	if (!e)
		e = apply(own, &upper, force_merged, &result);
	if (e)
		buf_printf(out, "error %d\n", err_code(e));
	else
		merged_text(own, out);
	*alone = !e && !result.needs_parents;
	err_free(e);
	teardown(&own);
}

/* Whatever a layer holds: if it can be applied alone, the result is the same as applying
 * it onto its parents. */
static void alone_equals_merged(void **state)
{
	unsigned n_alone = 0;

	(void)state;
	for (unsigned seed = 1; seed <= ROUNDS; seed++) {
		CLEANUP(buf_release) struct buf a = BUF_INIT, b = BUF_INIT;
		bool alone, ignored;

		random_tree(seed, false, &a, &alone);
		if (!alone)
			continue;
		n_alone++;
		random_tree(seed, true, &b, &ignored);
		if (strcmp(buf_text(&a), buf_text(&b)) != 0)
			fail_msg("seed %u, alone:\n%smerged:\n%s", seed, buf_text(&a),
				 buf_text(&b));
	}
	assert_true(n_alone > ROUNDS / 20);
}

/* The lowest layer: parents are implied, marks mean nothing, links are followed inside.
 */
static void first_layer(void **state)
{
	struct fixture *f = *state;
	const struct tar_entry entries[] = {
		FILE_("a/b/c", "1"),	   MARK_("a/.wh.x"),
		MARK_("a/.wh..wh..opq"),   LINK_("out", "/etc"),
		FILE_("out/through", "2"), LINK_("dangling", "../../deep/er"),
		FILE_("dangling/f", "3"),  HARD_("late", "target"),
		FILE_("target", "4"),	   {0},
	};
	struct buf tar = BUF_INIT, got = BUF_INIT;
	struct unpack_result result;
	struct stat st;

	add_all(&tar, entries);
	assert_ok(apply(f, &tar, false, &result));
	assert_false(result.needs_parents);
	assert_false(result.has_root);
	assert_int_equal(result.entries, 9);
	merged_text(f, &got);
	assert_string_equal(buf_text(&got),
			    "a d 755 0:0\na/b d 755 0:0\na/b/c f 644 0:0 '1'\n"
			    "dangling l 777 0:0 -> ../../deep/er\n"
			    "deep d 755 0:0\ndeep/er d 755 0:0\ndeep/er/f f 644 0:0 '3'\n"
			    "etc d 755 0:0\netc/through f 644 0:0 '2'\n"
			    "late f 644 0:0 '4'\nout l 777 0:0 -> /etc\n"
			    "target f 644 0:0 =late\n");
	assert_true(access("/etc/through", F_OK) != 0);
	assert_true(access("/deep", F_OK) != 0);
	assert_int_equal(stat(f->mount, &st), 0);
	buf_release(&tar);
	buf_release(&got);
}

static struct timespec mtime_of(const char *root, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", root, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mtim;
}

/* Times are the archive's, to the nanosecond; folders keep theirs even if entries follow,
 * and a lower folder that is only written into keeps its own. */
static void times(void **state)
{
	struct fixture *f = *state;
	struct buf lower = BUF_INIT, upper = BUF_INIT, records = BUF_INIT;
	struct overlay_spec spec;
	struct unpack_result result;

	tar_add(&lower, &(struct tar_entry){"./", '5', 0750, 1, 2, 4000, 0, 0, 0, 0});
	tar_add(&lower, &(struct tar_entry){"d/", '5', 0755, 0, 0, 1000, 0, 0, 0, 0});
	tar_add(&lower, &(struct tar_entry){"d/f", '0', 0644, 0, 0, 2000, 0, "x", 0, 0});
	tar_end(&lower);
	assert_ok(apply(f, &lower, false, &result));
	assert_true(result.has_root);
	tar_record(&records, "mtime", "3000.123456789", 14);
	tar_pax(&upper, &records);
	tar_add(&upper, &(struct tar_entry){"d/g", '0', 0644, 0, 0, 1, 0, "x", 0, 0});
	tar_add(&upper, &(struct tar_entry){"d/l", '2', 0777, 0, 0, 7, "f", 0, 0, 0});
	tar_end(&upper);
	assert_ok(apply(f, &upper, false, &result));
	spec = spec_of(f, NULL);
	assert_ok(overlay_mount(&spec));
	assert_int_equal(mtime_of(f->mount, "").tv_sec, 4000);
	assert_int_equal(mtime_of(f->mount, "d").tv_sec, 1000);
	assert_int_equal(mtime_of(f->mount, "d/f").tv_sec, 2000);
	assert_int_equal(mtime_of(f->mount, "d/l").tv_sec, 7);
	assert_int_equal(mtime_of(f->mount, "d/g").tv_sec, 3000);
	assert_int_equal(mtime_of(f->mount, "d/g").tv_nsec, 123456789);
	assert_ok(overlay_unmount(f->mount));
	buf_release(&lower);
	buf_release(&upper);
}

/* False in a user namespace whose map cannot express large ids. */
static bool has_all_ids(void)
{
	CLEANUP(buf_release) struct buf map = BUF_INIT;

	assert_ok(fs_read_file(AT_FDCWD, "/proc/self/uid_map", 1000, &map));
	return strstr(buf_text(&map), "4294967295") != NULL;
}

static void assert_no_xattr(const char *path, const char *name)
{
	char value[64];

	assert_true(getxattr(path, name, value, sizeof(value)) < 0);
}

/* Long and non-ASCII names, big ids, xattrs: what pax headers hold arrives byte for byte,
 * but a stranger's marks of overlayfs do not. */
static void pax_headers(void **state)
{
	struct fixture *f = *state;
	/* CAP_NET_RAW, permitted and effective, revision 2: capabilities(7). */
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
	/* "e" and a combining accent: must not be composed. */
	static const char name[] = "d\xc3\xa9"
				   "ne\xcc\x81";
	struct buf tar = BUF_INIT, records = BUF_INIT;
	struct unpack_result result;
	char *path = xasprintf("%s/aaaa/%s", f->layers, name);
	char value[64] = "";
	struct stat st;

	tar_record(&records, "path", name, sizeof(name) - 1);
	tar_record(&records, "uid", "2097152", 7);
	tar_record(&records, "gid", "4294967294", 10);
	tar_record(&records, "SCHILY.xattr.user.note", "a\0b", 3);
	tar_record(&records, "SCHILY.xattr.user.overlay.opaque", "y", 1);
	tar_record(&records, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
	tar_record(&records, "SCHILY.xattr.security.capability", capability,
		   sizeof(capability));
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct tar_entry)FILE_("short", "x"));
	tar_end(&tar);
	assert_ok(apply(f, &tar, false, &result));
	assert_int_equal(stat(path, &st), 0);
	if (has_all_ids()) {
		assert_int_equal(st.st_uid, 2097152);
		assert_int_equal(st.st_gid, 4294967294U);
	} else {
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 65534);
		assert_int_equal(result.squashed, 1);
	}
	assert_int_equal(getxattr(path, "user.note", value, sizeof(value)), 3);
	assert_memory_equal(value, "a\0b", 3);
	assert_int_equal(getxattr(path, "security.capability", value, sizeof(value)), 20);
	assert_memory_equal(value, capability, 20);
	assert_no_xattr(path, "user.overlay.opaque");
	assert_no_xattr(path, "trusted.overlay.opaque");
	free(path);
	buf_release(&tar);
}

/* GNU's long names, and its sparse files with a hole at the end. */
static void gnu_dialect(void **state)
{
	struct fixture *f = *state;
	struct buf tar = BUF_INIT, records = BUF_INIT;
	struct unpack_result result;
	char name[201] = "";
	char map[] = "0\n3\n";
	char *path;
	struct stat st;

	memset(name, 'n', 200);
	tar_header(&tar, &(struct tar_entry){.name = "././@LongLink", .type = 'L'}, 201);
	buf_append(&tar, name, 201);
	tar_pad(&tar);
	tar_add(&tar, &(struct tar_entry)FILE_("cut", "x"));
	/* pax sparse 1.0: a map of (offset, length), then the data */
	tar_record(&records, "GNU.sparse.major", "1", 1);
	tar_record(&records, "GNU.sparse.minor", "0", 1);
	tar_record(&records, "GNU.sparse.name", "sparse", 6);
	tar_record(&records, "GNU.sparse.realsize", "1000000", 7);
	tar_pax(&tar, &records);
	tar_header(&tar, &(struct tar_entry){.name = "p", .type = '0', .mode = 0644},
		   512 + 3);
	buf_puts(&tar, "1\n");
	buf_puts(&tar, map);
	tar_pad(&tar);
	buf_puts(&tar, "abc");
	tar_pad(&tar);
	tar_end(&tar);
	assert_ok(apply(f, &tar, false, &result));
	path = xasprintf("%s/aaaa/%s", f->layers, name);
	assert_int_equal(access(path, F_OK), 0);
	free(path);
	path = xasprintf("%s/aaaa/sparse", f->layers);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1000000);
	assert_true(st.st_blocks < 100);
	free(path);
	assert_int_equal(result.bytes, 4);
	buf_release(&tar);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules), cmocka_unit_test(alone_equals_merged),
		UNIT(first_layer),	 UNIT(times),
		UNIT(pax_headers),	 UNIT(gnu_dialect),
	};

	if (argc > 1 && strcmp(argv[1], "internal-unpack") == 0)
		return unpack_main(argc, argv);
	if (!private_mounts()) {
		fprintf(stderr, "skipped: mounting needs root, or a user namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
