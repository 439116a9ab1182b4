/* SPDX-License-Identifier: MIT
 * bench_names.c - what names cost: `bench_names [FILE...]`.
 *
 * CPU time of composing 5,000 keys like those of `%post` (the keys of 1,000 stages), the
 * best of five turns; and of naming the contents of the files.
 * OPENSSL_ia32cap=:~0x20000000 shows how long a CPU without SHA extensions would take.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/content.h"
#include "base/fs.h"
#include "cache/key.h"
#include "engine/work/script.h"

enum { KEYS = 5000, TURNS = 5 };

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct digest compose(const struct digest *parent)
{
	CLEANUP(key_freep) struct key *k = key_new("post");
	const struct work w = {0};

	key_set_text(k, "architecture", "amd64");
	key_set_text(k, "id map", "root 0+65536 0+65536");
	key_set_digest(k, "parent", parent);
	key_set_text(k, "script", "    make -C /src part1\n    make install\n");
	key_set_text(k, "arguments", "");
	key_set_text(k, "temporary files", "dropped");
	script_env_key(&w, k);
	return key_final(k);
}

static double compose_all(void)
{
	struct digest d = digest_bytes(DIGEST_SHA256, NULL, "", 0);
	double began = cpu_ms();

	for (int i = 0; i < KEYS; i++)
		d = compose(&d);
	return cpu_ms() - began;
}

static struct err *name_files(char **files, int n, double *bytes)
{
	struct content_reader reader = {0};
	struct content content;
	struct err *e = NULL;

	for (int i = 0; !e && i < n; i++) {
		CLEANUP(closep) int fd = -1;

		e = fs_open(AT_FDCWD, files[i], O_RDONLY, 0, &fd);
		if (!e)
			e = content_read(&reader, fd, -1, &content);
		*bytes += e ? 0 : (double)content.size;
	}
	content_reader_release(&reader);
	return e;
}

int main(int argc, char **argv)
{
	double best = compose_all(), bytes = 0, began;
	struct err *e;

	for (int i = 1; i < TURNS; i++) {
		double ms = compose_all();

		best = ms < best ? ms : best;
	}
	printf("%d keys: %.1f ms, %.2f us each\n", KEYS, best, best * 1000 / KEYS);
	if (argc < 2)
		return 0;
	began = cpu_ms();
	e = name_files(argv + 1, argc - 1, &bytes);
	if (e) {
		fprintf(stderr, "%s\n", err_text(e));
		err_free(e);
		return 1;
	}
	began = cpu_ms() - began;
	printf("%d files, %.0f MB: %.0f ms, %.0f MB/s\n", argc - 1, bytes / 1e6, began,
	       bytes / 1e3 / began);
	return 0;
}
