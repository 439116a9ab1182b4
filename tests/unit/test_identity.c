/* SPDX-License-Identifier: MIT
 * test_identity.c - a layer's identity covers everything that it holds, and nothing else.
 *
 * A small layer with each kind of entry has an identity that is written down here: it is
 * the same in every store, for every user, on every machine.  Each row changes one thing
 * in the layer, and says whether the identity changes.
 */
/* links: cache */
#include <pthread.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "cache/identity.h"
#include "cache/layer_times.h"
#include "cache/verify.h"
#include "tests/fake/store_fixture.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* The identity of the layer that make_tree() makes. */
static const char GOLDEN[] =
	"16f4aabc251025ee6a67191f78ae0c3c9bec6cd80ba1a47fd8a1d89f60b49334";

static int open_at(int dir_fd, const char *name, int flags)
{
	int fd = -1;

	assert_ok(fs_open(dir_fd, name, flags, 0644, &fd));
	return fd;
}

static void write_text(int dir_fd, const char *name, const char *text, mode_t mode)
{
	CLEANUP(closep) int fd = open_at(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC);

	assert_ok(fs_write_all(fd, text, strlen(text)));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void set_attribute(int dir_fd, const char *name, const char *attribute,
			  const char *value)
{
	CLEANUP(closep) int fd = open_at(dir_fd, name, O_RDONLY);

	assert_int_equal(fsetxattr(fd, attribute, value, strlen(value), 0), 0);
}

static void make_folder(int dir_fd, const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(dir_fd, name, 0755), 0);
	assert_int_equal(fchmodat(dir_fd, name, mode, 0), 0);
}

static void write_block(int dir_fd, const char *name, off_t offset, char byte)
{
	CLEANUP(closep) int fd = open_at(dir_fd, name, O_WRONLY | O_CREAT);
	char block[4096];

	memset(block, byte, sizeof(block));
	assert_int_equal(pwrite(fd, block, sizeof(block), offset), sizeof(block));
}

/* A file of 1 MiB with data only at its start. */
static void make_holey(int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;

	write_block(dir_fd, name, 0, 'x');
	fd = open_at(dir_fd, name, O_WRONLY);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(fchmod(fd, 0644), 0);
}

static void make_tree(int root)
{
	make_folder(root, "d", 0755);
	write_text(root, "d/file", "content\n", 0644);
	set_attribute(root, "d/file", "user.note", "1");
	write_text(root, "d/named", "twice\n", 0600);
	assert_int_equal(linkat(root, "d/named", root, "d/other", 0), 0);
	write_text(root, "d/single", "twice\n", 0600);
	assert_int_equal(symlinkat("file", root, "d/link"), 0);
	assert_int_equal(mkfifoat(root, "d/pipe", 0644), 0);
	assert_int_equal(fchmodat(root, "d/pipe", 0644, 0), 0);
	make_folder(root, "opaque", 0711);
	set_attribute(root, "opaque", "user.overlay.opaque", "y");
	assert_int_equal(mknodat(root, "gone", S_IFCHR, 0), 0);
	make_holey(root, "holey");
}

/* ---- what is done to it ---- */

static void nothing(int root)
{
	(void)root;
}

static void change_content(int root)
{
	write_text(root, "d/file", "contents", 0644);
}

static void change_block(int root)
{
	write_block(root, "holey", 512 << 10, 'y');
}

static void fill_hole(int root)
{
	write_block(root, "holey", 512 << 10, '\0');
}

static void shift_hole(int root)
{
	write_block(root, "holey", 0, '\0');
	write_block(root, "holey", 128 << 10, 'x');
}

static void change_size(int root)
{
	CLEANUP(closep) int fd = open_at(root, "holey", O_WRONLY);

	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
}

static void change_mode(int root)
{
	assert_int_equal(fchmodat(root, "d/file", 0645, 0), 0);
}

static void set_set_id(int root)
{
	assert_int_equal(fchmodat(root, "d/file", 04644, 0), 0);
}

static void change_root_mode(int root)
{
	assert_int_equal(fchmod(root, 0700), 0);
}

static void change_folder_mode(int root)
{
	assert_int_equal(fchmodat(root, "d", 0750, 0), 0);
}

static void change_owner(int root)
{
	assert_int_equal(fchownat(root, "d/file", 1, (gid_t)-1, 0), 0);
}

static void change_group(int root)
{
	assert_int_equal(fchownat(root, "d/file", (uid_t)-1, 1, 0), 0);
}

static void change_link_owner(int root)
{
	assert_int_equal(fchownat(root, "d/link", 1, 1, AT_SYMLINK_NOFOLLOW), 0);
}

static void change_name(int root)
{
	assert_int_equal(renameat(root, "d/file", root, "d/fill"), 0);
}

static void move(int root)
{
	assert_int_equal(renameat(root, "d/file", root, "file"), 0);
}

static void remove_file(int root)
{
	assert_int_equal(unlinkat(root, "d/file", 0), 0);
}

static void add_file(int root)
{
	write_text(root, "d/new", "", 0644);
}

static void change_link(int root)
{
	assert_int_equal(unlinkat(root, "d/link", 0), 0);
	assert_int_equal(symlinkat("./file", root, "d/link"), 0);
}

static void change_type(int root)
{
	assert_int_equal(unlinkat(root, "d/pipe", 0), 0);
	write_text(root, "d/pipe", "", 0644);
}

static void link_another(int root)
{
	assert_int_equal(unlinkat(root, "d/single", 0), 0);
	assert_int_equal(linkat(root, "d/named", root, "d/single", 0), 0);
}

static void part_names(int root)
{
	assert_int_equal(unlinkat(root, "d/other", 0), 0);
	write_text(root, "d/other", "twice\n", 0600);
}

/* The same names, but a different two of them are one file. */
static void regroup(int root)
{
	part_names(root);
	assert_int_equal(unlinkat(root, "d/single", 0), 0);
	assert_int_equal(linkat(root, "d/other", root, "d/single", 0), 0);
}

static void change_attribute(int root)
{
	set_attribute(root, "d/file", "user.note", "2");
}

static void add_attribute(int root)
{
	set_attribute(root, "d/file", "user.more", "");
}

static void rename_attribute(int root)
{
	CLEANUP(closep) int fd = open_at(root, "d/file", O_RDONLY);

	assert_int_equal(fremovexattr(fd, "user.note"), 0);
	set_attribute(root, "d/file", "user.n", "ote1");
}

static void set_capability(int root)
{
	/* CAP_NET_BIND_SERVICE, version 2: capabilities(7) */
	static const unsigned char value[20] = {1, 0, 0, 2, 0, 4};
	CLEANUP(closep) int fd = open_at(root, "d/file", O_RDONLY);

	assert_int_equal(fsetxattr(fd, "security.capability", value, sizeof(value), 0),
			 0);
}

/* What another namespace's root gave, the user with id 1000, means nothing elsewhere. */
static void set_capability_of_another_root(int root)
{
	static const unsigned char value[24] = {1, 0, 0, 3, 0, 4, [20] = 0xe8, 3};
	CLEANUP(closep) int fd = open_at(root, "d/file", O_RDONLY);

	assert_int_equal(fsetxattr(fd, "security.capability", value, sizeof(value), 0),
			 0);
}

static void drop_opaque(int root)
{
	CLEANUP(closep) int fd = open_at(root, "opaque", O_RDONLY);

	assert_int_equal(fremovexattr(fd, "user.overlay.opaque"), 0);
}

static void drop_whiteout(int root)
{
	assert_int_equal(unlinkat(root, "gone", 0), 0);
}

static void move_whiteout(int root)
{
	assert_int_equal(renameat(root, "gone", root, "done"), 0);
}

static void make_device(int root)
{
	drop_whiteout(root);
	assert_int_equal(mknodat(root, "gone", S_IFCHR, makedev(1, 3)), 0);
}

static void make_other_device(int root)
{
	drop_whiteout(root);
	assert_int_equal(mknodat(root, "gone", S_IFCHR, makedev(1, 5)), 0);
}

static void change_whiteout(int root)
{
	assert_int_equal(fchmodat(root, "gone", 0600, 0), 0);
	assert_int_equal(fchownat(root, "gone", 1, 1, 0), 0);
}

/* overlayfs makes whiteouts this way. */
static void link_whiteout(int root)
{
	assert_int_equal(mknodat(root, "hone", S_IFCHR, 0), 0);
}

static void link_whiteouts(int root)
{
	assert_int_equal(linkat(root, "gone", root, "hone", 0), 0);
}

static void set_times(int root)
{
	static const char *const names[] = {"d", "d/file", "d/link", "gone", "."};
	struct timespec times[2] = {{1000, 7}, {2000, 8}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(utimensat(root, names[i], times, AT_SYMLINK_NOFOLLOW),
				 0);
}

/* Notes of overlayfs, of dagbuild, and of this host. */
static void add_notes(int root)
{
	set_attribute(root, "d/file", "user.overlay.origin", "abc");
	set_attribute(root, "d", "user.overlay.impure", "y");
	set_attribute(root, "d/named", "user.dagbuild.links", "abcdefghijkl");
}

/* ---- rows ---- */

struct row {
	const char *name;
	void (*change)(int root);
	bool is_same;
	bool needs_root;
};

static const struct row rows[] = {
	{"nothing", nothing, true, false},
	{"times", set_times, true, false},
	{"notes", add_notes, true, false},
	{"zeros for a hole", fill_hole, true, false},
	{"owner and mode of a whiteout", change_whiteout, true, true},
	{"file capability of another root", set_capability_of_another_root, true, true},
	{"content", change_content, false, false},
	{"a block in a hole", change_block, false, false},
	{"where the data lies", shift_hole, false, false},
	{"size of a hole", change_size, false, false},
	{"mode", change_mode, false, false},
	{"set-id bit", set_set_id, false, false},
	{"mode of the root", change_root_mode, false, false},
	{"mode of a folder", change_folder_mode, false, false},
	{"owner", change_owner, false, true},
	{"group", change_group, false, true},
	{"owner of a link", change_link_owner, false, true},
	{"name", change_name, false, false},
	{"folder", move, false, false},
	{"one file less", remove_file, false, false},
	{"one file more", add_file, false, false},
	{"text of a link", change_link, false, false},
	{"type", change_type, false, false},
	{"one more name of a file", link_another, false, false},
	{"two files for one", part_names, false, false},
	{"which names are one file", regroup, false, false},
	{"value of an attribute", change_attribute, false, false},
	{"another attribute", add_attribute, false, false},
	{"name of an attribute", rename_attribute, false, false},
	{"file capability", set_capability, false, true},
	{"opaque mark", drop_opaque, false, false},
	{"whiteout", drop_whiteout, false, false},
	{"name of a whiteout", move_whiteout, false, false},
	{"one whiteout more", link_whiteout, false, false},
	{"a device for a whiteout", make_device, false, true},
};

struct tree {
	struct scratch scratch;
	int root;
};

static void tree_release(struct tree *t)
{
	closep(&t->root);
	scratch_release(&t->scratch);
}

static void tree_make(const struct store *s, struct tree *t, void (*change)(int root))
{
	*t = (struct tree){SCRATCH_INIT, -1};
	assert_ok(scratch_new(s, &t->scratch));
	make_folder(t->scratch.fd, "upper", 0755);
	t->root = open_at(t->scratch.fd, "upper", O_RDONLY | O_DIRECTORY);
	make_tree(t->root);
	change(t->root);
}

static struct seal_request request_of(const struct store *s, const struct tree *t)
{
	return (struct seal_request){
		.store = s, .dir_fd = t->scratch.fd, .name = "upper"};
}

static struct digest identity_of(const struct store *s, void (*change)(int root))
{
	CLEANUP(tree_release) struct tree t;
	struct seal_request request;
	struct seal seal;

	tree_make(s, &t, change);
	request = request_of(s, &t);
	assert_ok(seal_compute(&request, &seal));
	return seal.tree;
}

static void test_golden(void **state)
{
	struct digest d;
	char hex[DIGEST_TEXT_SIZE];

	if (geteuid() != 0)
		skip();
	d = identity_of(*state, nothing);
	assert_string_equal(digest_hex(&d, hex), GOLDEN);
}

static void test_rows(void **state)
{
	struct digest was = identity_of(*state, nothing), is;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].needs_root && geteuid() != 0)
			continue;
		is = identity_of(*state, rows[i].change);
		if (digest_equal(&was, &is) != rows[i].is_same)
			fail_msg("%s: the identity is %s", rows[i].name,
				 rows[i].is_same ? "another one" : "the same");
	}
}

/* Which names are one file, and which whiteouts are one inode. */
static void test_pairs(void **state)
{
	struct digest a = identity_of(*state, link_whiteout),
		      b = identity_of(*state, link_whiteouts);

	assert_true(digest_equal(&a, &b));
	if (geteuid() != 0)
		return;
	a = identity_of(*state, make_device);
	b = identity_of(*state, make_other_device);
	assert_false(digest_equal(&a, &b));
}

/* Another store has a different secret: seals differ, identities do not. */
static void test_another_store(void **state)
{
	char *path = test_folder_new();
	struct store *other = NULL;
	CLEANUP(tree_release) struct tree t;
	struct seal_request request;
	struct seal one, two;

	assert_ok(store_open(path, STORE_WRITE, &other));
	tree_make(*state, &t, nothing);
	request = request_of(*state, &t);
	assert_ok(seal_compute(&request, &one));
	request.store = other;
	assert_ok(seal_compute(&request, &two));
	assert_true(digest_equal(&one.tree, &two.tree));
	assert_false(digest_equal(&one.digest, &two.digest));
	request.has_name = true;
	assert_ok(seal_compute(&request, &two));
	assert_false(digest_is_set(&two.tree));
	store_close(other);
	test_folder_remove(path);
}

/* ---- large files, read by several threads ---- */

enum { LARGE_FILES = 150 };

static void add_large(int root)
{
	for (int i = 0; i < LARGE_FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "large-%d", i);
		write_block(root, name, (off_t)(i + 40) << 12, (char)('a' + i % 26));
	}
}

struct piece {
	parallel_fn fn;
	void *context;
	size_t index;
	struct err *error;
};

static void *run_piece(void *piece)
{
	struct piece *p = piece;

	p->error = p->fn(p->context, p->index, &(struct parallel){0});
	return NULL;
}

/* A thread for each. */
static struct err *each(void *times, size_t count, parallel_fn fn, void *context)
{
	CLEANUP(freep) struct piece *pieces = xcalloc(count, sizeof(*pieces));
	CLEANUP(freep) pthread_t *threads = xcalloc(count, sizeof(*threads));
	struct err *e = NULL;

	++*(size_t *)times;
	for (size_t i = 0; i < count; i++) {
		pieces[i] = (struct piece){fn, context, i, NULL};
		assert_int_equal(pthread_create(&threads[i], NULL, run_piece, &pieces[i]),
				 0);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		e = err_join(e, pieces[i].error);
	}
	return e;
}

static void test_parallel(void **state)
{
	CLEANUP(tree_release) struct tree t;
	struct seal_request request;
	struct seal alone, together;
	size_t times = 0;

	tree_make(*state, &t, add_large);
	request = request_of(*state, &t);
	assert_ok(seal_compute(&request, &alone));
	request.parallel = (struct parallel){&times, each};
	assert_ok(seal_compute(&request, &together));
	assert_true(times > 1);
	assert_true(digest_equal(&alone.tree, &together.tree));
	assert_true(digest_equal(&alone.digest, &together.digest));
}

/* ---- times, where they count ---- */

/* `path` gets `time_s`, all else another time. */
static struct layer_id publish_with(struct store *s, void (*change)(int root),
				    const char *path, time_t time_s)
{
	CLEANUP(tree_release) struct tree t;
	struct timespec times[2] = {{5000, 0}, {5000, 0}};
	static const char *const names[] = {"d/file", "d/named", "d/single", "d/link",
					    "d/pipe", "d",	 "opaque",   "gone",
					    "holey",  "."};
	struct seal_request request;
	struct layer_id id;

	tree_make(s, &t, change);
	request = request_of(s, &t);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		times[1].tv_sec = strcmp(names[i], path) == 0 ? time_s : 5000;
		assert_int_equal(utimensat(t.root, names[i], times, AT_SYMLINK_NOFOLLOW),
				 0);
	}
	assert_ok(layer_publish(&request, &id));
	return id;
}

static struct layer_id publish(struct store *s, void (*change)(int root),
			       time_t file_time)
{
	return publish_with(s, change, "d/file", file_time);
}

static struct digest times_of(const struct store *s, const struct layer_id *id,
			      int64_t epoch_s)
{
	struct digest first, again;
	struct stop stop = {0};

	assert_ok(layer_times(s, id, epoch_s, true, stop, &first));
	/* It is remembered. */
	assert_ok(layer_times(s, id, epoch_s, false, stop, &again));
	assert_true(digest_equal(&first, &again));
	return first;
}

static void test_times(void **state)
{
	struct layer_id early = publish(*state, nothing, 1000),
			late = publish(*state, nothing, 2000);
	struct digest a, b;

	assert_true(digest_equal(&early.identity.digest, &late.identity.digest));
	assert_err(ERR_NOTFOUND,
		   layer_times(*state, &early, 3000, false, (struct stop){0}, &a));
	a = times_of(*state, &early, 3000);
	b = times_of(*state, &late, 3000);
	assert_false(digest_equal(&a, &b));
	/* Later ones become the epoch in the image. */
	a = times_of(*state, &early, 1000);
	b = times_of(*state, &late, 1000);
	assert_true(digest_equal(&a, &b));
	b = times_of(*state, &late, 999);
	assert_false(digest_equal(&a, &b));
}

/* It must not be taken for a layer whose times are not known yet. */
static void test_times_of_nothing(void **state)
{
	struct layer_id id = publish(*state, nothing, 1000);
	CLEANUP(freep) char *layer = path_join(layer_root(*state), id.name);
	CLEANUP(freep) char *aside = xasprintf("%s.aside", layer);
	struct digest times;

	assert_int_equal(rename(layer, aside), 0);
	assert_err(ERR_CORRUPT,
		   layer_times(*state, &id, 3000, true, (struct stop){0}, &times));
	assert_int_equal(rename(aside, layer), 0);
}

/* On a full disk, for example: the result counts all the same. */
static void test_times_that_cannot_be_kept(void **state)
{
	struct layer_id id = publish(*state, nothing, 1000);
	CLEANUP(freep) char *records = path_join(store_dir(*state), "records");
	CLEANUP(freep) char *aside = path_join(store_dir(*state), "aside");
	struct digest kept, not_kept;

	assert_int_equal(rename(records, aside), 0);
	write_text(AT_FDCWD, records, "", 0644);
	assert_ok(layer_times(*state, &id, 3000, true, (struct stop){0}, &not_kept));
	assert_err(ERR_NOTFOUND,
		   layer_times(*state, &id, 3000, false, (struct stop){0}, &kept));
	assert_int_equal(unlink(records), 0);
	assert_int_equal(rename(aside, records), 0);
	kept = times_of(*state, &id, 3000);
	assert_true(digest_equal(&kept, &not_kept));
}

/* Of all that is seen; a whiteout is not. */
static void test_whose_times(void **state)
{
	static const char *const seen[] = {"d", "d/link", "d/pipe", "holey", "."};
	struct layer_id usual = publish(*state, nothing, 5000),
			whiteout = publish_with(*state, nothing, "gone", 1000);
	struct digest a = times_of(*state, &usual, 9000),
		      b = times_of(*state, &whiteout, 9000);

	assert_true(digest_equal(&a, &b));
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		struct layer_id id = publish_with(*state, nothing, seen[i], 1000);

		b = times_of(*state, &id, 9000);
		if (digest_equal(&a, &b))
			fail_msg("the time of '%s' does not count", seen[i]);
	}
}

/* ---- kept with the layer ---- */

static void test_verify(void **state)
{
	struct layer_id id = publish(*state, nothing, 1000);
	CLEANUP(freep) char *in_store = path_join("layers", id.name);
	CLEANUP(freep) char *path = path_join(store_dir(*state), in_store);
	struct verify_options options = {.repair = false};
	struct verify_result result;
	struct seal seal;

	assert_int_equal(id.identity.kind, IDENTITY_TREE);
	assert_ok(seal_read(store_fd(*state), in_store, &seal));
	assert_true(digest_equal(&seal.tree, &id.identity.digest));
	assert_ok(verify_run(*state, &options, &result));
	assert_int_equal(result.layers, 1);
	assert_int_equal(result.damaged, 0);
	/* A name other than that of its contents. */
	seal.tree.bytes[5] ^= 1;
	assert_int_equal(setxattr(path, "user.overlay.id", seal.tree.bytes, 32, 0), 0);
	assert_ok(verify_run(*state, &options, &result));
	assert_int_equal(result.damaged, 1);
}

static void test_text(void **state)
{
	struct identity id = {IDENTITY_DIFF, key_of("x"), {0}}, back;
	char text[IDENTITY_TEXT_SIZE];
	static const char *const wrong[] = {
		"",
		"diff",
		"diff:",
		"none:sha256:" ZEROS,
		"diff:xxh3:99aa06d3014798d86001c324468d497f",
		"diff:sha256:e3b0",
		"sha256:" ZEROS,
	};

	(void)state;
	assert_true(identity_parse(str_of(identity_format(&id, text)), &back));
	assert_int_equal(back.kind, id.kind);
	assert_true(digest_equal(&back.digest, &id.digest));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(identity_parse(str_of(wrong[i]), &back));
}

static struct digest chain_of(const struct identity *ids, size_t n)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;

	for (size_t i = 0; i < n; i++) {
		struct layer_id id = {.identity = ids[i]};

		fs_random_name(id.name, sizeof(id.name) - 1);
		snapshot_push(&chain, &id);
	}
	return snapshot_digest(&chain);
}

/* A chain's digest covers its layers' identities, in their order, and no name of this
 * store. */
static void test_chain(void **state)
{
	struct identity a = {IDENTITY_TREE, key_of("a"), {0}},
			b = {IDENTITY_TREE, key_of("b"), {0}}, c = a, d = a;
	struct digest want = chain_of((struct identity[]){a, b}, 2), got;

	(void)state;
	c.kind = IDENTITY_DIFF;
	d.times = key_of("times");
	got = chain_of((struct identity[]){a, b}, 2);
	assert_true(digest_equal(&want, &got));
	got = chain_of((struct identity[]){b, a}, 2);
	assert_false(digest_equal(&want, &got));
	got = chain_of((struct identity[]){a, b, b}, 3);
	assert_false(digest_equal(&want, &got));
	got = chain_of((struct identity[]){c, b}, 2);
	assert_false(digest_equal(&want, &got));
	got = chain_of((struct identity[]){d, b}, 2);
	assert_false(digest_equal(&want, &got));
}

static void test_record(void **state)
{
	CLEANUP(snapshot_release) struct snapshot chain = SNAPSHOT_INIT;
	CLEANUP(snapshot_release) struct snapshot back = SNAPSHOT_INIT;
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct layer_id id = make_layer(*state, 10);

	snapshot_push(&chain, &id);
	id.identity.kind = IDENTITY_CHAIN;
	snapshot_push(&chain, &id);
	record_add_chain(record, &chain);
	assert_true(record_take_chain(record, &back));
	assert_int_equal(back.len, 2);
	assert_int_equal(back.layers[0].identity.kind, IDENTITY_TREE);
	assert_int_equal(back.layers[1].identity.kind, IDENTITY_CHAIN);
	assert_true(digest_equal(&back.layers[0].identity.digest, &id.identity.digest));
	cJSON_DeleteItemFromArray(json_array(record, "identities"), 1);
	assert_false(record_take_chain(record, &back));
	cJSON_DeleteItemFromObject(record, "identities");
	assert_false(record_take_chain(record, &back));
	assert_int_equal(back.len, 0);

	record_set_ids(record, "range: 1");
	assert_true(record_has_ids(record, "range: 1"));
	assert_false(record_has_ids(record, "range: 2"));
	cJSON_DeleteItemFromObject(record, "ids");
	assert_false(record_has_ids(record, "range: 1"));
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_golden),
		STORE_TEST(test_rows),
		STORE_TEST(test_pairs),
		STORE_TEST(test_another_store),
		STORE_TEST(test_parallel),
		STORE_TEST(test_times),
		STORE_TEST(test_times_of_nothing),
		STORE_TEST(test_times_that_cannot_be_kept),
		STORE_TEST(test_whose_times),
		STORE_TEST(test_verify),
		STORE_TEST(test_record),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_chain),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
