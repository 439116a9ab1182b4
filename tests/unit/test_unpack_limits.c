/* SPDX-License-Identifier: MIT
 * test_unpack_limits.c - what an archive may ask for: sizes, memory, depth; and where it
 * may end.
 */
/* links: unpack dep::archive */
#include <archive.h>
#include <archive_entry.h>
#include <sys/resource.h>

#include "tests/fake/layers.h"

static struct err *unpack_into(const struct fixture *f, const char *name,
			       const struct buf *blob, uint64_t max_file)
{
	CLEANUP(freep) char *target = xasprintf("%s/%s", f->layers, name);
	struct unpack_request request = {
		.target = target, .is_first = true, .max_file = max_file};
	struct unpack_result result;

	assert_ok(fs_remove_tree(AT_FDCWD, target));
	assert_int_equal(mkdir(target, 0700), 0);
	return unpack(blob, &request, &result);
}

static struct stat stat_in(const struct fixture *f, const char *path)
{
	CLEANUP(freep) char *full = xasprintf("%s/%s", f->layers, path);
	struct stat st;

	assert_int_equal(lstat(full, &st), 0);
	return st;
}

/* It fails with ERR_CORRUPT, and the message holds all of `wanted` (NULL ends it). */
static void assert_refused(struct err *e, const char *const *wanted)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	assert_non_null(e);
	err_render(e, &text);
	for (; *wanted; wanted++)
		if (!strstr(buf_text(&text), *wanted))
			fail_msg("'%s' is not in: %s", *wanted, buf_text(&text));
	assert_int_equal(err_code(e), ERR_CORRUPT);
	err_free(e);
}

#define REFUSED(call, ...)                                                               \
	assert_refused((call), (const char *const[]){__VA_ARGS__, NULL})

/* ---- sparse files ---- */

enum sparse_form { SPARSE_OLD, SPARSE_0_0, SPARSE_0_1, SPARSE_1_0, SPARSE_FORMS };

static void put_text(struct buf *records, const char *key, const char *value)
{
	tar_record(records, key, value, strlen(value));
}

static void put_number(struct buf *records, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_text(records, key, text);
}

/* One byte 'x' at `offset` of a file of `size` bytes. */
static void put_pax_map(struct buf *records, enum sparse_form form, uint64_t size,
			uint64_t offset)
{
	char map[64];

	snprintf(map, sizeof(map), "%llu,1", (unsigned long long)offset);
	put_text(records, "GNU.sparse.name", "sparse");
	put_number(records,
		   form == SPARSE_1_0 ? "GNU.sparse.realsize" : "GNU.sparse.size", size);
	if (form == SPARSE_1_0) {
		put_text(records, "GNU.sparse.major", "1");
		put_text(records, "GNU.sparse.minor", "0");
		return;
	}
	put_text(records, "GNU.sparse.numblocks", "1");
	if (form == SPARSE_0_1) {
		put_text(records, "GNU.sparse.map", map);
		return;
	}
	put_number(records, "GNU.sparse.offset", offset);
	put_text(records, "GNU.sparse.numbytes", "1");
}

static void add_sparse(struct buf *tar, enum sparse_form form, uint64_t size,
		       uint64_t offset)
{
	struct tar_entry entry = {.name = "sparse", .type = '0', .mode = 0644};
	CLEANUP(buf_release) struct buf records = BUF_INIT;
	char map[512] = "";

	if (form == SPARSE_OLD) {
		tar_gnu_sparse(tar, "sparse", size, offset, "x");
		return;
	}
	put_pax_map(&records, form, size, offset);
	tar_pax(tar, &records);
	if (form != SPARSE_1_0) {
		entry.data = "x";
		tar_add(tar, &entry);
		return;
	}
	snprintf(map, sizeof(map), "1\n%llu\n1\n", (unsigned long long)offset);
	tar_header(tar, &entry, sizeof(map) + 1);
	buf_append(tar, map, sizeof(map));
	buf_append(tar, "x", 1);
	tar_pad(tar);
}

/* Holes of every form are made if their size is allowed. */
static void sparse_files(void **state)
{
	const uint64_t size = GIB(20), offset = GIB(10) + 7;

	for (unsigned form = 0; form < SPARSE_FORMS; form++) {
		CLEANUP(buf_release) struct buf tar = BUF_INIT;
		CLEANUP(freep) char *path = NULL;
		CLEANUP(closep) int fd = -1;
		const struct fixture *f = *state;
		struct stat st;
		char c = 0;

		add_sparse(&tar, form, size, offset);
		tar_end(&tar);
		assert_ok(unpack_into(f, "t", &tar, size));
		st = stat_in(f, "t/sparse");
		assert_int_equal(st.st_size, size);
		assert_true(st.st_blocks < 1000);
		path = xasprintf("%s/t/sparse", f->layers);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, &c, 1, (off_t)offset), 1);
		assert_int_equal(c, 'x');
		assert_int_equal(lseek(fd, 0, SEEK_DATA) / 4096, offset / 4096);
	}
}

/* Others are refused before anything is made; so is data beyond a file's end. */
static void sizes_are_limited(void **state)
{
	static const uint64_t sizes[] = {(UINT64_C(1) << 40) + 1, UINT64_C(1) << 43,
					 UINT64_C(1) << 62};
	const struct fixture *f = *state;

	for (unsigned i = 0; i < ARRAY_LEN(sizes) * SPARSE_FORMS; i++) {
		CLEANUP(buf_release) struct buf tar = BUF_INIT;
		CLEANUP(freep) char *path = xasprintf("%s/t/sparse", f->layers);

		add_sparse(&tar, i % SPARSE_FORMS, sizes[i / SPARSE_FORMS], 0);
		tar_end(&tar);
		REFUSED(unpack_into(f, "t", &tar, UINT64_C(1) << 40), "entry 'sparse'",
			"for a file", "--max-file");
		assert_int_equal(access(path, F_OK), -1);
	}
	for (unsigned form = 0; form < SPARSE_FORMS; form++) {
		CLEANUP(buf_release) struct buf tar = BUF_INIT;

		add_sparse(&tar, form, 1000, UINT64_C(1) << 42);
		tar_end(&tar);
		assert_err(ERR_CORRUPT, unpack_into(f, "t", &tar, UINT64_C(1) << 40));
	}
}

static void sum_is_limited(void **state)
{
	CLEANUP(buf_release) struct buf tar = BUF_INIT;

	for (int i = 0; i < 3; i++)
		add_sparse(&tar, SPARSE_OLD, GIB(400), 0);
	tar_end(&tar);
	assert_ok(unpack_into(*state, "t", &tar, GIB(1200)));
	REFUSED(unpack_into(*state, "t", &tar, GIB(1200) - 1), "entry 'sparse'",
		"that a layer may have", "--max-file");
}

/* ---- where an archive may end ---- */

/* One folder, two files of 700 and of `size` bytes; without an end. */
static void two_files(struct buf *tar, size_t size)
{
	char *data = xcalloc(1, size + 1);
	char first[701] = "";

	memset(first, 'a', 700);
	memset(data, 'y', size);
	tar_add(tar, &(struct tar_entry)DIR_("q/"));
	tar_add(tar, &(struct tar_entry)FILE_("q/a", first));
	tar_add(tar, &(struct tar_entry)FILE_("q/f", data));
	free(data);
}

static struct err *unpack_cut(const struct fixture *f, struct buf *tar, size_t len)
{
	CLEANUP(buf_release) struct buf cut = BUF_INIT;

	buf_append(&cut, tar->data, len);
	return unpack_into(f, "t", &cut, 0);
}

static void check_two_files(const struct fixture *f, size_t size)
{
	CLEANUP(freep) char *path = xasprintf("%s/t/q/f", f->layers);
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	assert_int_equal(stat_in(f, "t/q/a").st_size, 700);
	assert_ok(fs_read_file(AT_FDCWD, path, 10000, &text));
	assert_int_equal(text.len, size);
	assert_int_equal(strspn(buf_text(&text), "y"), size);
}

/* Wherever it is cut: after the last byte of data everything is there, before it the
 * layer is refused. */
static void tails(void **state)
{
	static const size_t sizes[] = {1, 300, 511, 512, 700, 1024};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(buf_release) struct buf tar = BUF_INIT;
		/* Folder, file and header are 512 + 512 + 1024 + 512 bytes. */
		size_t data_end = 2560 + sizes[i], whole;

		two_files(&tar, sizes[i]);
		tar_end(&tar);
		whole = tar.len;
		for (size_t len = data_end; len <= whole;
		     len += len < data_end + 3 ? 1 : 37) {
			assert_ok(unpack_cut(f, &tar, len));
			check_two_files(f, sizes[i]);
		}
		for (size_t len = data_end - 1; len > 2600 && len > data_end - 600;
		     len -= 83)
			assert_err(ERR_CORRUPT, unpack_cut(f, &tar, len));
		/* Within the file's header, and within the data of the first. */
		assert_err(ERR_CORRUPT, unpack_cut(f, &tar, 2100));
		assert_err(ERR_CORRUPT, unpack_cut(f, &tar, 2047 + 160));
		assert_err(ERR_CORRUPT, unpack_cut(f, &tar, 1024 + 699));
	}
}

/* The same for data that nothing reads: here a hard link's; and in headers of headers. */
static void tails_elsewhere(void **state)
{
	const struct fixture *f = *state;
	CLEANUP(buf_release)
	struct buf tar = BUF_INIT, pax = BUF_INIT, records = BUF_INIT;
	char value[600];

	add_sparse(&tar, SPARSE_1_0, 100, 0);
	assert_ok(unpack_cut(f, &tar, tar.len - 511));
	assert_err(ERR_CORRUPT, unpack_cut(f, &tar, tar.len - 512));
	memset(value, 'v', sizeof(value));
	tar_record(&records, "comment", value, sizeof(value));
	tar_pax(&pax, &records);
	tar_add(&pax, &(struct tar_entry)FILE_("f", "1"));
	assert_ok(unpack_cut(f, &pax, pax.len));
	for (size_t len = 513; len < 1536; len += 101)
		assert_err(ERR_CORRUPT, unpack_cut(f, &pax, len));
}

/* ---- depth ---- */

/* A path of as many folders as fit into PATH_MAX. */
static void deep_paths(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_release) struct buf tar = BUF_INIT, upper = BUF_INIT, path = BUF_INIT;
	CLEANUP(buf_release) struct buf records = BUF_INIT;
	struct unpack_result result;
	CLEANUP(closep) int root = -1;
	CLEANUP(closep) int fd = -1;

	for (int i = 0; i < 2040; i++)
		buf_puts(&path, "d/");
	buf_puts(&path, "leaf");
	put_text(&records, "path", buf_text(&path));
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct tar_entry)FILE_("x", "text"));
	tar_end(&tar);
	assert_ok(apply(f, &tar, false, &result));
	/* And another layer on top of it. */
	put_text(&records, "path", buf_text(&path));
	tar_pax(&upper, &records);
	tar_add(&upper, &(struct tar_entry)FILE_("x", "other"));
	tar_end(&upper);
	assert_ok(apply(f, &upper, false, &result));
	assert_ok(fs_open(AT_FDCWD, f->layers, O_RDONLY | O_DIRECTORY, 0, &root));
	assert_ok(fs_open(root, "bbbb", O_RDONLY | O_DIRECTORY, 0, &fd));
	assert_int_equal(faccessat(fd, buf_text(&path), F_OK, 0), 0);
	/* The kernel does not accept a longer one. */
	buf_puts(&path, "-and-more-than-fits");
	buf_clear(&tar);
	put_text(&records, "path", buf_text(&path));
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct tar_entry)FILE_("x", "other"));
	REFUSED(unpack_into(f, "t", &tar, 0), "path too long");
}

/* ---- memory ---- */

/* Makes a gzip from pieces that are not kept. */
struct packer {
	struct archive *archive;
	char *data;
	size_t used;
};

static void packer_open(struct packer *p)
{
	struct archive_entry *entry = archive_entry_new();

	p->used = 0;
	p->data = xmalloc(MIB(8));
	p->archive = archive_write_new();
	archive_write_add_filter_gzip(p->archive);
	archive_write_set_format_raw(p->archive);
	archive_write_set_bytes_in_last_block(p->archive, 1);
	assert_int_equal(archive_write_open_memory(p->archive, p->data, MIB(8), &p->used),
			 ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(p->archive, entry), ARCHIVE_OK);
	archive_entry_free(entry);
}

static void packer_put(struct packer *p, const struct buf *data)
{
	assert_int_equal(archive_write_data(p->archive, data->data, data->len),
			 data->len);
}

static void packer_close(struct packer *p, struct buf *out)
{
	archive_write_close(p->archive);
	archive_write_free(p->archive);
	buf_append(out, p->data, p->used);
	free(p->data);
}

/* A path of 4,000 bytes, in folders of 240. */
static char *long_path(void)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;

	while (path.len < 3800) {
		buf_puts(&path, path.len > 0 ? "/" : "");
		for (int i = 0; i < 240; i++)
			buf_putc(&path, 'x');
	}
	return buf_steal(&path);
}

/* The largest peak of memory among the processes started so far. */
static uint64_t peak(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
	return (uint64_t)usage.ru_maxrss * 1024;
}

static uint64_t baseline(const struct fixture *f)
{
	CLEANUP(buf_release) struct buf tar = BUF_INIT;

	tar_add(&tar, &(struct tar_entry)FILE_("small", "1"));
	tar_end(&tar);
	assert_ok(unpack_into(f, "t", &tar, 0));
	return peak();
}

/* At most 128 MiB beyond what a small layer takes; sanitizers take more. */
static void assert_modest(uint64_t before)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)before;
#else
	if (peak() > before + MIB(128))
		fail_msg("it took %llu MiB", (unsigned long long)(peak() >> 20));
#endif
}

static void many_names(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = long_path();
	CLEANUP(buf_release) struct buf blob = BUF_INIT, small = BUF_INIT;
	CLEANUP(freep) char *target = xasprintf("%s/bbbb", f->layers);
	uint64_t before = baseline(f);
	struct unpack_result result;
	struct packer p;

	packer_open(&p);
	for (int i = 0; i < 50000; i++) {
		CLEANUP(buf_release) struct buf one = BUF_INIT, records = BUF_INIT;
		CLEANUP(freep) char *path = xasprintf("%s/%d/", folder, i);

		put_text(&records, "path", path);
		tar_pax(&one, &records);
		tar_add(&one, &(struct tar_entry)DIR_("x/"));
		packer_put(&p, &one);
	}
	packer_close(&p, &blob);
	tar_add(&small, &(struct tar_entry)FILE_("small", "1"));
	tar_end(&small);
	assert_ok(apply(f, &small, false, &result));
	assert_ok(unpack_into(f, "t", &blob, 0));
	assert_modest(before);
	/* Onto its parents, too. */
	assert_int_equal(mkdir(target, 0700), 0);
	assert_ok(apply_merged(f, &blob, target, &result));
	assert_modest(before);
}

static void links_to_nothing(void **state)
{
	const struct fixture *f = *state;
	CLEANUP(freep) char *to = long_path();
	CLEANUP(buf_release)
	struct buf blob = BUF_INIT, one = BUF_INIT, records = BUF_INIT;
	uint64_t before = baseline(f);
	struct packer p;

	put_text(&records, "linkpath", to);
	tar_pax(&one, &records);
	tar_add(&one, &(struct tar_entry)HARD_("a", "b"));
	packer_open(&p);
	for (int i = 0; i < 100000; i++)
		packer_put(&p, &one);
	packer_close(&p, &blob);
	REFUSED(unpack_into(f, "t", &blob, 0), "entry 'a'",
		"hard links that come before");
	assert_modest(before);
}

static void maps(void **state)
{
	const struct fixture *f = *state;
	CLEANUP(buf_release) struct buf blob = BUF_INIT, old = BUF_INIT, rows = BUF_INIT;
	CLEANUP(buf_release) struct buf begin = BUF_INIT, records = BUF_INIT;
	uint64_t before = baseline(f);
	struct packer p;

	/* Ten million rows in the data. */
	put_pax_map(&records, SPARSE_1_0, 512, 0);
	tar_pax(&begin, &records);
	tar_header(&begin,
		   &(struct tar_entry){.name = "sparse", .type = '0', .mode = 0644},
		   40000000);
	buf_puts(&begin, "10000000\n");
	for (int i = 0; i < 10000; i++)
		buf_puts(&rows, "0\n0\n");
	packer_open(&p);
	packer_put(&p, &begin);
	for (int i = 0; i < 1000; i++)
		packer_put(&p, &rows);
	packer_close(&p, &blob);
	REFUSED(unpack_into(f, "t", &blob, 0), "map of a sparse file");
	assert_modest(before);
	/* And in headers that go on and on. */
	buf_clear(&blob);
	buf_clear(&begin);
	buf_clear(&rows);
	tar_gnu_sparse(&begin, "sparse", 512, 0, "x");
	begin.data[482] = 1; /* isextended */
	tar_checksum(begin.data);
	buf_truncate(&begin, 512);
	buf_append(&rows, (char[512]){[504] = 1}, 512);
	packer_open(&p);
	packer_put(&p, &begin);
	for (int i = 0; i < 400000; i++)
		packer_put(&p, &rows);
	packer_close(&p, &blob);
	REFUSED(unpack_into(f, "t", &blob, 0), "map of a sparse file");
	assert_modest(before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		UNIT(many_names),   UNIT(links_to_nothing),  UNIT(maps),
		UNIT(sparse_files), UNIT(sizes_are_limited), UNIT(sum_is_limited),
		UNIT(tails),	    UNIT(tails_elsewhere),   UNIT(deep_paths),
	};

	if (argc > 1 && strcmp(argv[1], "internal-unpack") == 0)
		return unpack_main(argc, argv);
	if (!private_mounts()) {
		fprintf(stderr, "skipped: needs root, or a user namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
