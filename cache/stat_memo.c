/* SPDX-License-Identifier: MIT
 * stat_memo.c - see stat_memo.h.
 *
 * The file is a header and then entries of 80 bytes, sorted by device and inode: read in
 * one go, searched in place, and merged with new entries when it is written.  It is never
 * synced: after a power cut the checksum tells whether it is whole.
 */
#include "cache/stat_memo.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/vec.h"
#include "cache/store_private.h"

enum {
	REFRESH_DAYS = 7, /* how late `day` may be */
	KEEP_DAYS = 30,	  /* after the last use */
	ENTRIES_MAX = 4 << 20,
	CONTENT_SIZE = 32,
	CHECKSUM_SIZE = 16,
};

/* FAT, the coarsest filesystem, counts in units of 2 s; kernels stamp with a clock that
 * is up to 10 ms late. */
static const int64_t GRANULARITY_NS = 2100000000;
static const char FILE_NAME[] = "stat-memo";
static const off_t FILE_MAX = 64 + (off_t)ENTRIES_MAX * 80;
/* Raise the number when the layout, or what a content digest covers, changes. */
static const char MAGIC[24] = "dagbuild stat memo 2\n";

struct entry {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
	unsigned char content[CONTENT_SIZE]; /* SHA-256 */
	uint32_t mode;
	_Atomic uint32_t day; /* of the last use, since 1970 */
};

struct header {
	char magic[sizeof(MAGIC)];
	uint64_t n_entries; /* also reveals a machine of another byte order */
	unsigned char checksum[CHECKSUM_SIZE]; /* XXH3, keyed, of the entries */
};

_Static_assert(sizeof(struct entry) == 80,
	       "an entry has no padding, which would be hashed");

struct stat_memo {
	const struct store *store;
	uint32_t today;
	pthread_mutex_t lock; /* guards loading, and `added` */
	atomic_bool loaded;
	void *file; /* holds `entries`: a header, then the entries */
	size_t file_size;
	struct entry *entries; /* sorted; const after loading, except `day` */
	size_t n_entries;
	atomic_bool is_old; /* some `day` should be written again */
	VEC(struct entry) added;
};

struct stat_memo *stat_memo_new(const struct store *s)
{
	struct stat_memo *m = xcalloc(1, sizeof(*m));

	m->store = s;
	m->today = (uint32_t)(clock_real_ns() / 1000000000 / 86400);
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void stat_memo_free(struct stat_memo *m)
{
	if (!m)
		return;
	free(m->file);
	vec_free(&m->added);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static struct digest checksum(const struct stat_memo *m, const struct entry *entries,
			      size_t n)
{
	return digest_bytes(DIGEST_XXH3, store_secret(m->store), entries,
			    n * sizeof(*entries));
}

/* ---- loading ---- */

/* Large pages: else the page faults cost up to a third of the stats that the memo is
 * for. */
static void *large_alloc(size_t size)
{
	const size_t page = (size_t)2 << 20;
	void *p = size < page ? xmalloc(size)
			      : aligned_alloc(page, (size + page - 1) / page * page);

	if (!p)
		abort(); /* as xmalloc() */
	if (size >= page)
		(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

/* Read all of it into `m->file`, in one go. */
static struct err *read_file(struct stat_memo *m)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(fs_open(m->store->fd, FILE_NAME, O_RDONLY, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", FILE_NAME);
	if (st.st_size < (off_t)sizeof(struct header) || st.st_size > FILE_MAX)
		return err_new(ERR_CORRUPT, "'%s' is too short or too long", FILE_NAME);
	m->file_size = (size_t)st.st_size;
	m->file = large_alloc(m->file_size);
	return err_wrap(fs_read_exact(fd, m->file, m->file_size), "'%s'", FILE_NAME);
}

static struct err *take_file(struct stat_memo *m)
{
	const struct header *header;
	struct digest sum;

	TRY(read_file(m));
	header = m->file;
	if (memcmp(header->magic, MAGIC, sizeof(MAGIC)) != 0 ||
	    header->n_entries != (m->file_size - sizeof(*header)) / sizeof(struct entry))
		return err_new(ERR_CORRUPT, "'%s' has another version", FILE_NAME);
	m->entries = (struct entry *)((char *)m->file + sizeof(*header));
	sum = checksum(m, m->entries, header->n_entries);
	if (memcmp(sum.bytes, header->checksum, sizeof(header->checksum)) != 0)
		return err_new(ERR_CORRUPT, "'%s' is damaged", FILE_NAME);
	m->n_entries = header->n_entries;
	return NULL;
}

static void load(struct stat_memo *m)
{
	if (atomic_load_explicit(&m->loaded, memory_order_acquire))
		return;
	pthread_mutex_lock(&m->lock);
	if (!m->loaded)
		err_ignore(take_file(m), "files are read again");
	atomic_store_explicit(&m->loaded, true, memory_order_release);
	pthread_mutex_unlock(&m->lock);
}

/* ---- finding ---- */

static int64_t to_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct entry entry_of(const struct stat *st)
{
	return (struct entry){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = to_ns(&st->st_mtim),
		.ctime_ns = to_ns(&st->st_ctim),
		.mode = st->st_mode,
	};
}

static bool same_stat(const struct entry *a, const struct entry *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	       a->mode == b->mode;
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
	return a->device != b->device ? a->device < b->device : a->inode < b->inode;
}

/* Index of the first entry that does not come before `wanted`. */
static size_t lower_bound(const struct stat_memo *m, const struct entry *wanted)
{
	size_t low = 0, high = m->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (comes_before(&m->entries[middle], wanted))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Files of /proc and /sys have no blocks. */
static bool is_ordinary(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size > 0 && st->st_blocks > 0;
}

bool stat_memo_find(struct stat_memo *m, const struct stat *st, struct digest *out)
{
	struct entry wanted, *found;
	size_t at;

	if (!is_ordinary(st))
		return false;
	load(m);
	wanted = entry_of(st);
	at = lower_bound(m, &wanted);
	if (at == m->n_entries || !same_stat(&m->entries[at], &wanted))
		return false;
	found = &m->entries[at];
	if (found->day != m->today) {
		if (found->day + REFRESH_DAYS <= m->today || found->day > m->today)
			m->is_old = true;
		found->day = m->today;
	}
	*out = (struct digest){.kind = DIGEST_SHA256};
	memcpy(out->bytes, found->content, sizeof(found->content));
	return true;
}

void stat_memo_add(struct stat_memo *m, const struct stat *before,
		   const struct stat *after, int64_t read_ns,
		   const struct digest *content)
{
	struct entry entry = entry_of(before), again = entry_of(after);
	int64_t certain_ns = read_ns - GRANULARITY_NS;

	if (!is_ordinary(before) || !same_stat(&entry, &again) ||
	    entry.mtime_ns >= certain_ns || entry.ctime_ns >= certain_ns)
		return;
	assert(content->kind == DIGEST_SHA256);
	memcpy(entry.content, content->bytes, sizeof(entry.content));
	entry.day = m->today;
	load(m);
	pthread_mutex_lock(&m->lock);
	vec_push(&m->added, entry);
	pthread_mutex_unlock(&m->lock);
}

/* ---- saving ---- */

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	return comes_before(a, b) ? -1 : comes_before(b, a);
}

static bool is_same_file(const struct entry *a, const struct entry *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool is_forgotten(const struct stat_memo *m, const struct entry *e)
{
	return e->day + KEEP_DAYS < m->today;
}

/* Old and new entries in order, one for each file; the array is for free(). */
static struct entry *merge(struct stat_memo *m, size_t *n)
{
	const struct entry *old = m->entries, *old_end = old + m->n_entries;
	struct entry *out = xcalloc(m->n_entries + m->added.len, sizeof(*out));

	*n = 0;
	for (size_t i = 0; i < m->added.len; i++) {
		const struct entry *new = &m->added.items[i];

		for (; old < old_end && comes_before(old, new); old++)
			if (!is_forgotten(m, old))
				out[(*n)++] = *old;
		if (old < old_end && is_same_file(old, new))
			old++;
		/* A file that was read twice. */
		if (*n > 0 && is_same_file(&out[*n - 1], new))
			--*n;
		out[(*n)++] = *new;
	}
	for (; old < old_end; old++)
		if (!is_forgotten(m, old))
			out[(*n)++] = *old;
	/* Past the limit some files are read again. */
	if (*n > ENTRIES_MAX)
		*n = ENTRIES_MAX;
	return out;
}

static struct err *write_file(struct stat_memo *m)
{
	/* If we are killed, the next run removes this folder. */
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	CLEANUP(freep) struct entry *entries = NULL;
	struct header header = {0};
	struct digest sum;
	size_t n;

	if (m->added.len > 0)
		qsort(m->added.items, m->added.len, sizeof(*m->added.items),
		      compare_entries);
	entries = merge(m, &n);
	sum = checksum(m, entries, n);
	memcpy(header.magic, MAGIC, sizeof(MAGIC));
	header.n_entries = n;
	memcpy(header.checksum, sum.bytes, sizeof(header.checksum));
	TRY(scratch_new(m->store, &scratch));
	TRY(tmpfile_open(&tmp, scratch.fd, 0600));
	TRY(fs_write_all(tmp.fd, &header, sizeof(header)));
	TRY(fs_write_all(tmp.fd, entries, n * sizeof(*entries)));
	return tmpfile_publish(&tmp, m->store->fd, FILE_NAME);
}

static bool find_for(void *self, const struct stat *st, struct digest *out)
{
	return stat_memo_find(self, st, out);
}

static void add_for(void *self, const struct stat *before, const struct stat *after,
		    int64_t read_ns, const struct digest *content)
{
	stat_memo_add(self, before, after, read_ns, content);
}

struct content_memo stat_memo_table(struct stat_memo *m)
{
	return m ? (struct content_memo){.self = m, .find = find_for, .add = add_for}
		 : (struct content_memo){0};
}

struct err *stat_memo_save(struct stat_memo *m)
{
	struct err *e;

	if (m->added.len == 0 && !m->is_old)
		return NULL;
	log_debug("cache", "%zu host files are new in '%s'", m->added.len, FILE_NAME);
	e = err_wrap(write_file(m), "cache folder '%s': '%s'", m->store->dir, FILE_NAME);
	/* A long run saves again, starting from what is now on disk. */
	freep(&m->file);
	m->entries = NULL;
	m->n_entries = 0;
	m->added.len = 0;
	m->is_old = false;
	m->loaded = false;
	return e;
}
