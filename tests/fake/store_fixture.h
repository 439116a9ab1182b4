/* SPDX-License-Identifier: MIT
 * store_fixture.h - for tests: a private store, with layers and records in it.
 */
#ifndef TESTS_FAKE_STORE_FIXTURE_H
#define TESTS_FAKE_STORE_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/blob.h"
#include "cache/layer.h"
#include "cache/record.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

static UNUSED int setup_store(void **state)
{
	CLEANUP(freep) char *path = test_folder_new();
	struct store *s = NULL;

	assert_ok(store_open(path, STORE_WRITE, &s));
	*state = s;
	return 0;
}

static UNUSED int remove_store(void **state)
{
	char *path = xstrdup(store_dir(*state));

	store_close(*state);
	test_folder_remove(path);
	return 0;
}

static UNUSED struct digest key_of(const char *text)
{
	return digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
}

static UNUSED void write_at(int dir_fd, const char *name, size_t len)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *data = xmalloc(len + 1);

	memset(data, 'x', len);
	assert_ok(fs_open(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0644, &fd));
	assert_ok(fs_write_all(fd, data, len));
}

/* A layer with one file of `len` bytes. */
static UNUSED struct layer_id make_layer(struct store *s, size_t len)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	struct layer_id id;
	CLEANUP(closep) int upper = -1;

	assert_ok(scratch_new(s, &scratch));
	assert_int_equal(mkdirat(scratch.fd, "upper", 0755), 0);
	assert_ok(fs_open(scratch.fd, "upper", O_RDONLY | O_DIRECTORY, 0, &upper));
	write_at(upper, "file", len);
	assert_ok(layer_publish(
		&(struct seal_request){.store = s, .dir_fd = scratch.fd, .name = "upper"},
		&id));
	return id;
}

/* A step's record over the layers, under the key of `step`. */
static UNUSED void make_record(struct store *s, const char *step,
			       const struct snapshot *chain)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct digest key = key_of(step);

	cJSON_AddStringToObject(record, "kind", "post");
	cJSON_AddStringToObject(record, "step", step);
	cJSON_AddItemToObject(record, "snapshot", record_snapshot(chain));
	assert_ok(record_save(s, &key, record));
}

static UNUSED char *record_path_of(const char *step)
{
	struct digest key = key_of(step);
	char hex[DIGEST_TEXT_SIZE];

	digest_hex(&key, hex);
	return xasprintf("records/%.2s/%s.json", hex, hex + 2);
}

/* Make it look as if last used `seconds` ago. */
static UNUSED void age_record(const struct store *s, const char *step, int seconds)
{
	CLEANUP(freep) char *path = record_path_of(step);
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(store_fd(s), path, times, 0), 0);
}

static UNUSED bool has_record(const struct store *s, const char *step)
{
	CLEANUP(freep) char *path = record_path_of(step);

	return faccessat(store_fd(s), path, F_OK, 0) == 0;
}

/* Look without naming it in a lease. */
static UNUSED bool has_layer(const struct store *s, const struct layer_id *id)
{
	CLEANUP(freep) char *path = path_join("layers", id->name);

	return faccessat(store_fd(s), path, F_OK, 0) == 0;
}

/* Another process, which reports through a pipe that it is ready, and which we end. */
struct other {
	pid_t pid;
	int ready;
};

static UNUSED void other_wait(const struct other *o)
{
	char c;

	assert_int_equal(read(o->ready, &c, 1), 1);
}

static UNUSED void other_kill(struct other *o)
{
	kill(o->pid, SIGKILL);
	waitpid(o->pid, NULL, 0);
	close(o->ready);
}

/* The child runs `body`, and then sleeps until it is killed. */
static UNUSED struct other other_start(void (*body)(struct store *s, void *context),
				       const char *dir, void *context)
{
	int fds[2];
	struct other o;

	assert_int_equal(pipe(fds), 0);
	o.pid = fork();
	assert_true(o.pid >= 0);
	if (o.pid == 0) {
		struct store *s = NULL;
		struct err *e = store_open(dir, STORE_WRITE, &s);

		if (e)
			_exit(1);
		body(s, context);
		(void)!write(fds[1], "r", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	o.ready = fds[0];
	return o;
}

#endif
