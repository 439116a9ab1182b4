/* SPDX-License-Identifier: MIT
 * tar.h - for tests: tar archives byte by byte, including ones that no sound tool would
 * write.
 *
 * Ownership: the archive is a struct buf; buf_release() it.
 */
#ifndef TESTS_FAKE_TAR_H
#define TESTS_FAKE_TAR_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

struct tar_entry {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' link, '3' char, '5' folder, '6' fifo */
	unsigned mode, uid, gid;
	long mtime;
	const char *link;
	const char *data; /* of a file; NUL-terminated */
	unsigned major, minor;
};

static inline void tar_pad(struct buf *tar)
{
	static const char zeros[512];

	buf_append(tar, zeros, (512 - tar->len % 512) % 512);
}

/* Set the checksum of a header. */
static inline void tar_checksum(char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum & 0777777);
}

static inline void tar_header(struct buf *tar, const struct tar_entry *e, size_t size)
{
	char h[512] = {0};

	snprintf(h, 100, "%s", e->name);
	snprintf(h + 100, 8, "%07o", e->mode & 07777);
	snprintf(h + 108, 8, "%07o", e->uid & 07777777);
	snprintf(h + 116, 8, "%07o", e->gid & 07777777);
	snprintf(h + 124, 12, "%011lo", (unsigned long)size & 077777777777UL);
	snprintf(h + 136, 12, "%011lo", (unsigned long)e->mtime & 077777777777UL);
	h[156] = e->type;
	snprintf(h + 157, 100, "%s", e->link ? e->link : "");
	memcpy(h + 257, "ustar\00000", 8);
	snprintf(h + 329, 8, "%07o", e->major & 07777777);
	snprintf(h + 337, 8, "%07o", e->minor & 07777777);
	tar_checksum(h);
	buf_append(tar, h, sizeof(h));
}

/* Write a number into twelve bytes in base 256. */
static inline void tar_base256(char *field, uint64_t value)
{
	memset(field, 0, 12);
	for (int i = 11; i > 3; i--, value >>= 8)
		field[i] = (char)(value & 0xff);
	field[0] = (char)0x80;
}

/* A file of `size` bytes in GNU tar's old form, with `data` at `offset`. */
static inline void tar_gnu_sparse(struct buf *tar, const char *name, uint64_t size,
				  uint64_t offset, const char *data)
{
	struct tar_entry e = {.name = name, .type = 'S', .mode = 0644};
	char *h;

	tar_header(tar, &e, strlen(data));
	h = tar->data + tar->len - 512;
	memcpy(h + 257, "ustar  ", 8);
	tar_base256(h + 386, offset);
	tar_base256(h + 398, strlen(data));
	tar_base256(h + 483, size);
	tar_checksum(h);
	buf_puts(tar, data);
	tar_pad(tar);
}

static inline void tar_add(struct buf *tar, const struct tar_entry *e)
{
	size_t size = e->data ? strlen(e->data) : 0;

	tar_header(tar, e, size);
	buf_append(tar, e->data, size);
	tar_pad(tar);
}

/* Add a record "KEY=VALUE" to what tar_pax() will write. */
static inline void tar_record(struct buf *records, const char *key, const void *value,
			      size_t size)
{
	size_t body = strlen(key) + size + 3, digits = 1;

	while (snprintf(NULL, 0, "%zu", body + digits) != (int)digits)
		digits++;
	buf_printf(records, "%zu %s=", body + digits, key);
	buf_append(records, value, size);
	buf_putc(records, '\n');
}

/* A pax header of these records, for the entry that follows; empties `records`. */
static inline void tar_pax(struct buf *tar, struct buf *records)
{
	tar_header(tar, &(struct tar_entry){.name = "pax", .type = 'x', .mode = 0644},
		   records->len);
	buf_append(tar, records->data, records->len);
	tar_pad(tar);
	buf_release(records);
}

static inline void tar_end(struct buf *tar)
{
	static const char zeros[1024];

	buf_append(tar, zeros, sizeof(zeros));
}

#endif
