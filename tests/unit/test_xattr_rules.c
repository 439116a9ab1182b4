/* SPDX-License-Identifier: MIT
 * test_xattr_rules.c - unpacking, copies, seals and images do what the table of extended
 * attributes says, row by row, on a real filesystem; and docs/caching.md shows the table.
 */
/* links: cache unpack image */
#include <linux/limits.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "base/xattr_rules.h"
#include "cache/seal.h"
#include "engine/image/sqfs_tree.h"
#include "engine/tree/tree_clone.h"
#include "engine/tree/tree_copy.h"
#include "engine/tree/tree_walk.h"
#include "engine/unpack/unpack.h"
#include "tests/fake/access_list.h"
#include "tests/fake/store_fixture.h"
#include "tests/fake/tar.h"

/* Each attribute is on `node`: a file, or a folder if only folders have the attribute. */
struct trial {
	struct store *store;
	struct scratch scratch; /* from/node */
	int from;
	const char *name, *node;
	char value[64];
	size_t size;
};

static size_t rule_count(void)
{
	size_t n = 0;

	while (xattr_rules[n].name[0])
		n++;
	return n + 1;
}

static bool is_prefix(const struct xattr_rule *rule)
{
	size_t len = strlen(rule->name);

	return len > 0 && rule->name[len - 1] == '.';
}

/* CAP_NET_RAW, permitted and effective, revision 2: capabilities(7). */
static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};

static void take_value(struct trial *t)
{
	const void *value = "v";

	t->size = 1;
	if (strcmp(t->name, "security.capability") == 0) {
		value = capability;
		t->size = sizeof(capability);
	} else if (str_starts_with(str_of(t->name), "system.posix_acl")) {
		value = list_of_access;
		t->size = sizeof(list_of_access);
	}
	memcpy(t->value, value, t->size);
}

static void trial_path(const struct trial *t, const char *folder, char *out)
{
	snprintf(out, PATH_MAX, "%s/%s/%s", t->scratch.path, folder, t->node);
}

static bool has_attribute(const struct trial *t, const char *folder)
{
	char path[PATH_MAX], value[64];
	ssize_t n;

	trial_path(t, folder, path);
	assert_int_equal(access(path, F_OK), 0);
	n = lgetxattr(path, t->name, value, sizeof(value));
	if (n >= 0) {
		assert_int_equal(n, t->size);
		assert_memory_equal(value, t->value, t->size);
	}
	return n >= 0;
}

static int open_new(const struct trial *t, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(t->scratch.fd, name, 0755), 0);
	assert_ok(fs_open(t->scratch.fd, name, O_RDONLY | O_DIRECTORY, 0, &fd));
	return fd;
}

static struct seal seal_of(const struct trial *t)
{
	struct seal seal;

	assert_ok(seal_compute(&(struct seal_request){.store = t->store,
						      .dir_fd = t->scratch.fd,
						      .name = "from"},
			       &seal));
	return seal;
}

/* ---- one trial for each use ---- */

static bool is_unpacked(const struct trial *t)
{
	CLEANUP(freep) char *record = xasprintf("SCHILY.xattr.%s", t->name);
	CLEANUP(freep) char *target = xasprintf("%s/unpacked", t->scratch.path);
	CLEANUP(buf_release) struct buf tar = BUF_INIT, records = BUF_INIT;
	bool is_folder = strcmp(t->node, "folder") == 0;
	struct tar_entry entry = {
		.name = t->node, .type = is_folder ? '5' : '0', .mode = 0755};
	struct unpack_request request = {.target = target, .is_first = true};
	struct unpack_result result;

	tar_record(&records, record, t->value, t->size);
	tar_pax(&tar, &records);
	tar_add(&tar, &entry);
	tar_end(&tar);
	request.blob_size = tar.len;
	request.blob_fd = memfd_create("layer", MFD_CLOEXEC);
	assert_ok(fs_write_all(request.blob_fd, tar.data, tar.len));
	close(open_new(t, "unpacked"));
	assert_ok(unpack_layer(&request, &result));
	assert_int_equal(result.lost_xattrs, 0);
	close(request.blob_fd);
	return has_attribute(t, "unpacked");
}

static bool is_cloned(const struct trial *t)
{
	CLEANUP(closep) int to = open_new(t, "cloned"), aside = open_new(t, "aside");
	struct clone_request request = {
		.from_fd = t->from, .to_fd = to, .aside_fd = aside};

	assert_ok(tree_clone(&request));
	return has_attribute(t, "cloned");
}

static bool is_copied(const struct trial *t, struct digest *digest)
{
	CLEANUP(closep) int to = open_new(t, "copied");
	CLEANUP(source_freep) struct source *source = source_new("x.def", STR("x\n"));
	/* Below the named folder, which itself keeps nothing. */
	struct copy_item item = {.source = "/", .target = "/", .where = {source, 0}};
	struct copy_request request = {
		.rules.from = COPY_FROM_STAGE,
		.source_fd = t->from,
		.items = &item,
		.n_items = 1,
	};
	bool has;

	assert_ok(tree_copy(&request, to, digest));
	has = has_attribute(t, "copied");
	assert_ok(fs_remove_tree(t->scratch.fd, "copied"));
	return has;
}

static bool is_packed(const struct trial *t)
{
	CLEANUP(sqfs_tree_freep) struct sqfs_tree *tree = NULL;
	const struct sqfs_node *node;

	assert_ok(sqfs_tree_scan(t->from, 0, NULL, &tree));
	assert_int_equal(tree->root->n_children, 1);
	node = tree->root->children[0];
	for (uint32_t i = 0; i < node->n_xattrs; i++)
		if (strcmp(node->xattrs[i].name, t->name) == 0)
			return true;
	return false;
}

static void assert_use(const struct trial *t, enum xattr_use use, const char *text,
		       bool found)
{
	if (found != xattr_has_use(t->name, use))
		fail_msg("'%s': %s says %d, the table does not", t->name, text, found);
}

static void try_name(struct store *store, const char *name, size_t *tried)
{
	struct trial t = {.store = store, .scratch = SCRATCH_INIT, .name = name};
	bool is_folder = strcmp(name, "system.posix_acl_default") == 0;
	char path[PATH_MAX];
	struct seal before, after;
	struct digest plain, copied;

	t.node = is_folder ? "folder" : "file";
	take_value(&t);
	assert_ok(scratch_new(store, &t.scratch));
	t.from = open_new(&t, "from");
	if (is_folder)
		assert_int_equal(mkdirat(t.from, t.node, 0750), 0);
	else
		write_at(t.from, t.node, 3);
	assert_use(&t, XATTR_UNPACK, "unpacking",
		   xattr_has_use(name, XATTR_UNPACK) && is_unpacked(&t));
	trial_path(&t, "from", path);
	assert_int_equal(chmod(path, 0750), 0);
	before = seal_of(&t);
	assert_false(is_copied(&t, &plain));
	if (setxattr(path, name, t.value, t.size, 0) == 0) {
		/* The list sets the mode, too, to what it already was. */
		after = seal_of(&t);
		assert_use(&t, XATTR_SEAL, "the seal",
			   !digest_equal(&before.digest, &after.digest));
		assert_use(&t, XATTR_IDENTITY, "the identity",
			   !digest_equal(&before.tree, &after.tree));
		assert_use(&t, XATTR_CLONE, "a clone", is_cloned(&t));
		assert_use(&t, XATTR_COPY, "a copy from a stage", is_copied(&t, &copied));
		assert_use(&t, XATTR_COPY, "the key of a copy",
			   !digest_equal(&plain, &copied));
		assert_use(&t, XATTR_PACK, "the image", is_packed(&t));
		++*tried;
	} else {
		print_message("%s: this filesystem or user cannot hold it\n", name);
	}
	close(t.from);
	scratch_release(&t.scratch);
}

static void each_row(void **state)
{
	size_t tried = 0;

	for (size_t i = 0; i < rule_count(); i++) {
		const struct xattr_rule *rule = &xattr_rules[i];
		CLEANUP(freep)
		char *name = xasprintf("%s%s", rule->name, is_prefix(rule) ? "some" : "");

		if (!rule->name[0])
			continue;
		assert_ptr_equal(xattr_rule_of(name), rule);
		try_name(*state, name, &tried);
	}
	/* At least what any user may set. */
	assert_true(tried >= 9);
}

/* No attribute of a stranger's arrives unasked, not even one that no user may set. */
static void refused_ones(void **state)
{
	static const char *const names[] = {
		"user.overlay.opaque",	     "user.overlay.whiteout",
		"user.overlay.seal",	     "user.dagbuild.links",
		"trusted.overlay.opaque",    "security.selinux",
		"user.fuseoverlayfs.opaque", "user.rootlesscontainers",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct trial t = {.store = *state,
				  .scratch = SCRATCH_INIT,
				  .name = names[i],
				  .node = "file"};

		take_value(&t);
		assert_ok(scratch_new(*state, &t.scratch));
		assert_false(is_unpacked(&t));
		scratch_release(&t.scratch);
	}
}

/* What a later step can see, and what an image holds, counts in the identity; what counts
 * there, and what strangers bring, is kept and sealed. */
static void columns_agree(void **state)
{
	size_t n_copied = 0;

	(void)state;
	for (size_t i = 0; i < rule_count(); i++) {
		unsigned uses = xattr_rules[i].uses;

		if (uses & (XATTR_CLONE | XATTR_PACK | XATTR_UNPACK | XATTR_COPY))
			assert_true(uses & XATTR_IDENTITY);
		if (uses & XATTR_IDENTITY)
			assert_true(uses & XATTR_SEAL);
		if (uses & (XATTR_UNPACK | XATTR_COPY | XATTR_PACK))
			assert_true(uses & XATTR_CLONE);
		/* xattr_copied() gives it as a name. */
		if (uses & XATTR_COPY)
			assert_false(is_prefix(&xattr_rules[i]));
		n_copied += (uses & XATTR_COPY) != 0;
		assert_true(xattr_rules[i].reason[0] != '\0');
	}
	for (size_t i = 0; i < n_copied; i++)
		assert_true(xattr_has_use(xattr_copied(i), XATTR_COPY));
	assert_null(xattr_copied(n_copied));
	assert_true(n_copied <= WALK_XATTRS_MAX);
}

static void portable_capability(void **state)
{
	unsigned char value[24] = {1, 0, 0, 3, 0, 0x20};
	size_t size = sizeof(value);

	(void)state;
	assert_true(xattr_make_portable("security.capability", value, &size));
	assert_int_equal(size, 20);
	assert_memory_equal(value, capability, 20);
	assert_true(xattr_make_portable("security.capability", value, &size));
	assert_int_equal(size, 20);
	/* Another namespace's root. */
	memcpy(value, (unsigned char[]){1, 0, 0, 3}, 4);
	value[20] = 1;
	size = 24;
	assert_false(xattr_make_portable("security.capability", value, &size));
	size = 3;
	assert_false(xattr_make_portable("security.capability", value, &size));
	assert_true(xattr_make_portable("user.note", value, &size));
	assert_int_equal(size, 3);
}

/* ---- the page ---- */

static void add_row(struct buf *out, const struct xattr_rule *rule)
{
	if (!rule->name[0])
		buf_puts(out, "| all others |");
	else
		buf_printf(out, "| `%s%s` |", rule->name, is_prefix(rule) ? "*" : "");
	for (unsigned use = XATTR_UNPACK; use <= XATTR_PACK; use <<= 1)
		buf_puts(out, rule->uses & use ? " yes |" : " |");
	buf_printf(out, " %s |\n", rule->reason);
}

static void page_agrees(void **state)
{
	CLEANUP(freep) char *path = xasprintf("%s/docs/caching.md", getenv("SOURCE"));
	CLEANUP(buf_release) struct buf page = BUF_INIT, want = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < rule_count(); i++)
		add_row(&want, &xattr_rules[i]);
	buf_puts(&want, "<!-- end of attributes -->\n");
	assert_ok(fs_read_file(AT_FDCWD, path, MIB(1), &page));
	if (strstr(buf_text(&page), buf_text(&want)))
		return;
	/* print_message() and fail_msg() cut what is long. */
	puts(buf_text(&want));
	fail_msg("docs/caching.md lacks the table above");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_row, setup_store, remove_store),
		cmocka_unit_test_setup_teardown(refused_ones, setup_store, remove_store),
		cmocka_unit_test(columns_agree),
		cmocka_unit_test(portable_capability),
		cmocka_unit_test(page_agrees),
	};

	if (argc > 1 && strcmp(argv[1], "internal-unpack") == 0)
		return unpack_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
