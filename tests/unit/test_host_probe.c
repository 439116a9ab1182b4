/* SPDX-License-Identifier: MIT
 * test_host_probe.c - host files are read only when they may have changed; the digest is
 * the same with and without a memo, on one thread and on many.
 */
/* links: tree cache scheduler */
#include <time.h>

#include "base/clock.h"
#include "cache/stat_memo.h"
#include "scheduler/sched.h"
#include "tests/fake/copy_fixture.h"
#include "tests/fake/test_folder.h"

struct probing {
	struct fixture *f;
	struct store *store;
	char *store_path;
	unsigned reads; /* blocks read by the last look() */
};

static int setup_probing(void **state)
{
	struct probing *p = xcalloc(1, sizeof(*p));
	void *fixture = NULL;

	setup(&fixture);
	p->f = fixture;
	p->store_path = test_folder_new();
	assert_ok(store_open(p->store_path, STORE_WRITE, &p->store));
	*state = p;
	return 0;
}

static int teardown_probing(void **state)
{
	struct probing *p = *state;
	void *fixture = p->f;

	store_close(p->store);
	test_folder_remove(p->store_path);
	teardown(&fixture);
	free(p);
	return 0;
}

static void count_read(void *context, uint64_t done)
{
	(void)done;
	((struct probing *)context)->reads++;
}

static struct copy_request request_for(struct probing *p, const struct copy_item *item)
{
	return (struct copy_request){
		.rules.from = COPY_FROM_HOST,
		.source_fd = p->f->source_fd,
		.items = item,
		.n_items = 1,
		.files.progress = count_read,
		.files.context = p,
	};
}

/* As a separate process does: load the memo, probe, save it. */
static struct digest look(struct probing *p, const char *source)
{
	struct copy_item item = {
		.source = source, .target = "/x", .where = fixture_place()};
	struct copy_request request = request_for(p, &item);
	struct stat_memo *memo = stat_memo_new(p->store);
	struct digest d, plain;

	assert_ok(tree_copy_digest(&request, &plain));
	request.files.memo = stat_memo_table(memo);
	p->reads = 0;
	assert_ok(tree_copy_digest(&request, &d));
	assert_ok(stat_memo_save(memo));
	stat_memo_free(memo);
	assert_true(digest_equal(&d, &plain));
	return d;
}

/* Longer than the granularity of any filesystem's times. */
static void let_time_pass(void)
{
	nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 200000000}, NULL);
}

static void unchanged_is_not_read(void **state)
{
	struct probing *p = *state;
	struct digest first, again;

	shell(p->f, "rm -r src/dang src/deep src/fifo");
	look(p, "src");
	assert_true(p->reads > 0);
	look(p, "src");
	assert_true(p->reads > 0); /* made just now: not trusted */
	let_time_pass();
	first = look(p, "src");
	again = look(p, "src");
	assert_int_equal(p->reads, 0);
	assert_true(digest_equal(&first, &again));
	/* A copy into an image has the same digest, and needs no memo to be right. */
	assert_ok(copy(p->f, COPY_FROM_HOST, "src", "/new", NULL));

	/* Only times changed: the same digest, and one more read. */
	shell(p->f, "touch src/d/f1 src/f");
	again = look(p, "src");
	assert_true(digest_equal(&first, &again));
	assert_int_equal(p->reads, 3 * 2 + 2); /* f1, hl, l; f, lf; by src/ld again */
	let_time_pass();
	look(p, "src");
	look(p, "src");
	assert_int_equal(p->reads, 0);
}

/* The same size and the mtime set back: ctime reveals it. */
static void mtime_set_back(void **state)
{
	struct probing *p = *state;
	struct digest before, after;

	let_time_pass();
	look(p, "src/f");
	before = look(p, "src/f");
	assert_int_equal(p->reads, 0);
	shell(p->f, "printf G > src/f; touch -d @1000000 src/f");
	after = look(p, "src/f");
	assert_false(digest_equal(&before, &after));
}

/* Written, read, and written again within one tick of the clock. */
static void racy_writes(void **state)
{
	struct probing *p = *state;
	int fd = openat(p->f->source_fd, "src/f", O_WRONLY);

	assert_true(fd >= 0);
	for (int i = 0; i < 300; i++) {
		char text[2] = {(char)('a' + i % 2)};
		struct digest before = look(p, "src/f"), after;

		assert_int_equal(pwrite(fd, text, 1, 0), 1);
		after = look(p, "src/f");
		assert_true(i == 0 || !digest_equal(&before, &after));
	}
	close(fd);
}

/* Holes and zeros are the same, as they are to readers, and holes cost nothing. */
static void holes(void **state)
{
	struct probing *p = *state;
	struct digest hole, zeros;
	uint64_t start_ns;
	struct stat st;

	shell(p->f, "mkdir src/s; printf x > src/s/a; truncate -s 3M src/s/a;"
		    "printf y | dd of=src/s/a bs=1 seek=2M conv=notrunc status=none");
	hole = look(p, "src/s");
	shell(p->f, "cp --sparse=never src/s/a src/s/b; mv src/s/b src/s/a");
	zeros = look(p, "src/s");
	assert_true(digest_equal(&hole, &zeros));
	shell(p->f, "truncate -s +1 src/s/a");
	zeros = look(p, "src/s");
	assert_false(digest_equal(&hole, &zeros));

	shell(p->f, "truncate -s 1T src/s/a;"
		    "printf z | dd of=src/s/a bs=1 seek=500G conv=notrunc status=none");
	start_ns = clock_mono_ns();
	hole = look(p, "src/s");
	assert_ok(copy(p->f, COPY_FROM_HOST, "src/s", "/sparse", NULL));
	assert_true(clock_mono_ns() - start_ns < 20000000000U);
	assert_int_equal(fstatat(p->f->image_fd, "sparse/a", &st, 0), 0);
	assert_int_equal(st.st_size, (off_t)1 << 40);
	assert_true(st.st_blocks * 512 < (off_t)MIB(8));
	/* The place of the data in the hole counts. */
	shell(p->f, "rm src/s/a; truncate -s 1T src/s/a; printf x > src/s/b;"
		    "dd if=src/s/b of=src/s/a bs=1 conv=notrunc status=none; rm src/s/b");
	zeros = look(p, "src/s");
	assert_false(digest_equal(&hole, &zeros));
}

/* Files without blocks are read each time: nothing shows that they changed. */
static void files_of_the_kernel(void **state)
{
	struct probing *p = *state;

	look(p, "/proc/version");
	look(p, "/sys/kernel/mm/transparent_hugepage/enabled");
	look(p, "/sys/kernel/mm/transparent_hugepage/enabled");
	assert_true(p->reads > 0);
}

/* ---- many threads ---- */

struct side_by_side {
	struct copy_request request;
	struct digest digest;
};

static struct err *probe_in_task(void *self, struct node_id id, struct task *task,
				 enum probe_result *out)
{
	struct side_by_side *p = self;

	(void)id;
	p->request.helpers = task_shares(task);
	p->request.files.cancel = task_cancel(task);
	*out = PROBE_HIT;
	return tree_copy_digest(&p->request, &p->digest);
}

static struct err *probe_with(struct side_by_side *p, unsigned jobs)
{
	CLEANUP(graph_builder_freep)
	struct graph_builder *builder = graph_builder_new();
	CLEANUP(graph_freep) struct graph *graph = NULL;
	struct executor executor = {.self = p, .probe = probe_in_task};
	struct sched_options options = {.jobs = jobs, .probe_only = true};
	struct sched_result result = SCHED_RESULT_INIT;
	struct err *e;

	graph_builder_add(builder, "probe", p, 1);
	assert_ok(graph_builder_freeze(builder, &graph));
	e = sched_run(graph, &executor, &options, &result);
	sched_result_release(&result);
	return e;
}

static void many_threads(void **state)
{
	struct probing *p = *state;
	struct copy_item item = {
		.source = "src/wide", .target = "/x", .where = fixture_place()};
	struct side_by_side parallel = {.request = request_for(p, &item)};
	struct digest alone;
	struct err *e;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	shell(p->f,
	      "mkdir src/wide; cd src/wide;"
	      "for i in $(seq 1500); do echo $i > f$i; done;"
	      "for i in $(seq 40); do mkdir -p d$i/e/f$i; echo $i > d$i/e/f$i/g; done");
	alone = look(p, "src/wide");
	for (unsigned jobs = 1; jobs <= 8; jobs *= 2) {
		struct stat_memo *memo = stat_memo_new(p->store);

		parallel.request.files.memo = stat_memo_table(memo);
		parallel.request.files.progress = NULL;
		assert_ok(probe_with(&parallel, jobs));
		stat_memo_free(memo);
		assert_true(digest_equal(&alone, &parallel.digest));
	}
	/* An error deep down says where it is. */
	parallel.request.files.memo = (struct content_memo){0};
	shell(p->f, "ln -s nowhere src/wide/d7/e/f7/lost");
	e = probe_with(&parallel, 4);
	assert_non_null(e);
	err_render(e, &text);
	assert_non_null(strstr(buf_text(&text), "'d7/e/f7/lost'"));
	err_free(e);
}

#define WITH_STORE(test)                                                                 \
	cmocka_unit_test_setup_teardown(test, setup_probing, teardown_probing)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(unchanged_is_not_read), WITH_STORE(mtime_set_back),
		WITH_STORE(racy_writes),	   WITH_STORE(holes),
		WITH_STORE(files_of_the_kernel),   WITH_STORE(many_threads),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: the fixture gives files to others\n");
		return 77;
	}
	umask(0077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
