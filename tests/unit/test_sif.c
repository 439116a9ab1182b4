/* SPDX-License-Identifier: MIT
 * test_sif.c - a SIF is written as Apptainer writes it, byte for byte, and what no writer
 * writes is refused.
 */
/* links: image */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/image/sif.h"
#include "engine/image/sif_format.h"
#include "tests/fake/cmocka_all.h"

/* Long enough that the partition begins where it does in most images. */
static const char JSON[1000] = "{}\n";

static const struct sif_blob BLOBS[] = {
	{SIF_DEFINITION, "", "bootstrap: x\n", 13},
	{SIF_JSON, "inspect-metadata.json", JSON, sizeof(JSON)},
};

/* A SIF in memory, with 8192 bytes of partition. */
static int make(void)
{
	struct sif_layout layout = {
		.blobs = BLOBS,
		.n_blobs = 2,
		.partition_size = 8192,
		.arch = "amd64",
		.uuid = {1, 2, 3},
		.time_s = 1700000000,
	};
	int fd = memfd_create("sif", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(sif_partition_offset(&layout), 36864);
	assert_int_equal(ftruncate(fd, 36864 + 8192), 0);
	assert_ok(sif_write(fd, &layout));
	return fd;
}

static void expect(int fd, off_t at, const void *bytes, size_t len)
{
	unsigned char got[64];

	assert_int_equal(pread(fd, got, len, at), len);
	assert_memory_equal(got, bytes, len);
}

/* The offsets come from a dump of an image that Apptainer 1.4.5 made. */
static void test_bytes(void **state)
{
	int fd = make();

	(void)state;
	expect(fd, 0,
	       "#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0"
	       "01\0"
	       "02\0"
	       "\1\2\3",
	       51);
	expect(fd, 0x40, "\x00\xf1\x53\x65\0\0\0\0\x00\xf1\x53\x65\0\0\0\0", 16);
	expect(fd, 0x50, "\x2d\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0", 16);
	expect(fd, 0x60, "\x00\x10\0\0\0\0\0\0\xb0\x6d\0\0\0\0\0\0\xb0\x7d\0\0\0\0\0\0",
	       24);
	expect(fd, 0x1000, "\x01\x40\0\0\x01\x01\0\0\0\x01\0\0\xf0\0\0\0\0", 17);
	expect(fd, 0x1011, "\xb0\x7d\0\0\0\0\0\0\x0d\0\0\0\0\0\0\0\x0d", 17);
	expect(fd, 0x1249, "\x06\x40\0\0\x01\x02", 6);
	expect(fd, 0x1292, "inspect-metadata.json\0", 22);
	expect(fd, 0x1492, "\x04\x40\0\0\x01\x03", 6);
	expect(fd, 0x14a3, "\x00\x90\0\0\0\0\0\0\x00\x20\0\0\0\0\0\0", 16);
	expect(fd, 0x155b, "\x01\0\0\0\x02\0\0\0\x30\x32\0", 11);
	expect(fd, 0x7db0, "bootstrap: x\n{}\n", 16);
	close(fd);
}

static void test_round_trip(void **state)
{
	CLEANUP(sif_release) struct sif s = SIF_INIT;
	int fd = make();

	(void)state;
	assert_ok(sif_read(fd, &s));
	assert_int_equal(s.n_objects, 3);
	assert_string_equal(s.objects[1].name, "inspect-metadata.json");
	assert_int_equal(s.objects[2].type, SIF_PARTITION);
	assert_int_equal(s.objects[2].partition, SIF_PART_PRIMARY);
	assert_int_equal(s.objects[2].offset, 36864);
	assert_string_equal(sif_arch_name(s.objects[2].arch), "amd64");
	assert_int_equal(s.created_s, 1700000000);
	close(fd);
}

/* One field at a time: what a reader must refuse. */
static void test_rejections(void **state)
{
	static const struct {
		off_t at;
		const char *bytes;
		size_t len;
		enum err_code code;
	} rows[] = {
		{0x20, "XIF", 3, ERR_CORRUPT},	  /* magic */
		{0x2a, "02", 2, ERR_UNSUPPORTED}, /* version */
		{0x58, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		 ERR_CORRUPT},			      /* count: -1 */
		{0x58, "\x31", 1, ERR_CORRUPT},	      /* count does not fit size */
		{0x60, "\x10\x00", 2, ERR_CORRUPT},   /* table over the header */
		{0x60, "\0\0\0\0\1", 5, ERR_CORRUPT}, /* table outside the file */
		{0x1005, "\0", 1, ERR_CORRUPT},	      /* id 0 */
		{0x124e, "\1", 1, ERR_CORRUPT},	      /* id twice */
		{0x1011, "\0\0\0\0\0\0\0\x80", 8, ERR_CORRUPT}, /* negative offset */
		{0x1011, "\0\0", 2, ERR_CORRUPT},		/* over the header */
		{0x1011, "\0\x10", 2, ERR_CORRUPT},		/* over the table */
		{0x1019, "\xff\xff\xff\xff", 4, ERR_CORRUPT},	/* longer than the file */
		{0x1019, "\x0e", 1, ERR_CORRUPT},		/* over the next object */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sif_release) struct sif s = SIF_INIT;
		int fd = make();

		assert_int_equal(pwrite(fd, rows[i].bytes, rows[i].len, rows[i].at),
				 rows[i].len);
		assert_err(rows[i].code, sif_read(fd, &s));
		close(fd);
	}
}

static void test_truncated(void **state)
{
	static const off_t sizes[] = {0, 100, 128, 5000, 32175};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(sif_release) struct sif s = SIF_INIT;
		int fd = make();

		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		assert_err(ERR_CORRUPT, sif_read(fd, &s));
		close(fd);
	}
}

static void test_arch_codes(void **state)
{
	(void)state;
	assert_string_equal(sif_arch_code("arm64"), "04");
	assert_null(sif_arch_code("z80"));
	assert_string_equal(sif_arch_name("00"), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_rejections), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_arch_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
