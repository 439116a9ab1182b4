/* SPDX-License-Identifier: MIT
 * run_spec.c - see run_spec.h.
 *
 * A text is its length in 8 bytes, its bytes, and a NUL, so that it can be used in place;
 * an absent one has the length UINT64_MAX.  A list is its count, then its texts.  The
 * whole is preceded by its length.
 */
#include "engine/run/run_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t SPEC_MAX = (uint64_t)64 << 20;
static const uint64_t LIST_MAX = 1 << 20;

static void put_u64(struct buf *out, uint64_t value)
{
	buf_append(out, &value, sizeof(value));
}

static void put_text(struct buf *out, const char *text)
{
	put_u64(out, text ? strlen(text) : UINT64_MAX);
	if (text)
		buf_append(out, text, strlen(text) + 1);
}

static void put_list(struct buf *out, const char *const *texts, size_t n)
{
	put_u64(out, n);
	for (size_t i = 0; i < n; i++)
		put_text(out, texts[i]);
}

static size_t list_len(const char *const *texts)
{
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

void run_spec_encode(const struct container_request *r, unsigned taken, struct buf *out)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT;

	put_text(&body, r->root.layer_root);
	put_list(&body, r->root.layers, r->root.n_layers);
	put_text(&body, r->root.upper);
	put_text(&body, r->root.work);
	put_text(&body, r->root.mount_point);
	put_text(&body, r->script);
	put_list(&body, r->argv, list_len(r->argv));
	put_list(&body, r->envp, list_len(r->envp));
	put_text(&body, r->hostname ? r->hostname : "build");
	put_u64(&body, r->source_environment);
	put_u64(&body, r->security);
	put_u64(&body, r->hold_fd > 0);
	put_u64(&body, r->tty);
	put_u64(&body, taken);
	put_u64(out, body.len);
	buf_append(out, body.data, body.len);
}

/* ---- reading ---- */

struct reader {
	struct str rest;
	bool bad;
};

static uint64_t take_u64(struct reader *r)
{
	uint64_t value = 0;

	if (r->rest.len < sizeof(value)) {
		r->bad = true;
		return 0;
	}
	memcpy(&value, r->rest.data, sizeof(value));
	r->rest = str_slice(r->rest, sizeof(value), r->rest.len);
	return value;
}

static const char *take_text(struct reader *r)
{
	uint64_t len = take_u64(r);
	const char *text = r->rest.data;

	if (r->bad || len == UINT64_MAX)
		return NULL;
	if (len >= r->rest.len || text[len] != '\0') {
		r->bad = true;
		return NULL;
	}
	r->rest = str_slice(r->rest, (size_t)len + 1, r->rest.len);
	return text;
}

static const char **take_list(struct reader *r, size_t *n)
{
	uint64_t count = take_u64(r);
	const char **list;

	if (count > LIST_MAX) {
		r->bad = true;
		count = 0;
	}
	list = xcalloc((size_t)count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i] = take_text(r);
		r->bad = r->bad || !list[i];
	}
	if (n)
		*n = (size_t)count;
	return list;
}

static struct err *read_exactly(int fd, void *data, size_t len)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("request");
		if (n == 0)
			return err_new(ERR_CORRUPT, "the request ends early");
		p += n;
		len -= (size_t)n;
	}
	return NULL;
}

static void take_all(struct reader *r, struct run_spec *out)
{
	out->root.layer_root = take_text(r);
	out->root.layers = take_list(r, &out->root.n_layers);
	out->root.upper = take_text(r);
	out->root.work = take_text(r);
	out->root.mount_point = take_text(r);
	out->script = take_text(r);
	out->argv = take_list(r, NULL);
	out->envp = take_list(r, NULL);
	out->hostname = take_text(r);
	out->source_environment = take_u64(r) != 0;
	out->security = (enum security)take_u64(r);
	out->holds = take_u64(r) != 0;
	out->tty = take_u64(r) != 0;
	out->taken = (unsigned)take_u64(r);
}

struct err *run_spec_read(int fd, struct run_spec *out)
{
	struct reader r = {0};
	uint64_t len = 0;

	TRY(read_exactly(fd, &len, sizeof(len)));
	if (len > SPEC_MAX)
		return err_new(ERR_CORRUPT, "a request of %llu bytes",
			       (unsigned long long)len);
	out->data.data = xmalloc((size_t)len + 1);
	out->data.cap = (size_t)len + 1;
	out->data.len = (size_t)len;
	TRY(read_exactly(fd, out->data.data, (size_t)len));
	r.rest = str_make(out->data.data, (size_t)len);
	take_all(&r, out);
	if (r.bad || !out->root.mount_point || !out->argv[0] || !out->hostname)
		return err_new(ERR_CORRUPT, "a malformed request");
	return NULL;
}

void run_spec_release(struct run_spec *spec)
{
	free((void *)spec->root.layers);
	free(spec->argv);
	free(spec->envp);
	buf_release(&spec->data);
}
