/* SPDX-License-Identifier: MIT
 * sif_format.h - the bytes of a SIF file: offsets and sizes that reader and writer share.
 *
 * All integers are little-endian; nothing is padded.  Source: the layout that Apptainer's
 * SIF library reads and writes.
 */
#ifndef ENGINE_IMAGE_SIF_FORMAT_H
#define ENGINE_IMAGE_SIF_FORMAT_H

#include <string.h>

#include "base/base.h"

enum {
	SIF_HEADER_SIZE = 128,
	SIF_LAUNCH = 0,	  /* 32 bytes */
	SIF_MAGIC = 32,	  /* 10 bytes with its NUL */
	SIF_VERSION = 42, /* 3 bytes */
	SIF_ARCH = 45,	  /* 3 bytes */
	SIF_UUID = 48,	  /* 16 bytes */
	SIF_CREATED = 64,
	SIF_MODIFIED = 72,
	SIF_FREE_COUNT = 80,
	SIF_TOTAL_COUNT = 88,
	SIF_TABLE_OFFSET = 96,
	SIF_TABLE_SIZE = 104,
	SIF_DATA_OFFSET = 112,
	SIF_DATA_SIZE = 120,

	SIF_ROW_SIZE = 585,
	SIF_ROW_TYPE = 0,
	SIF_ROW_USED = 4,
	SIF_ROW_ID = 5,
	SIF_ROW_GROUP = 9,
	SIF_ROW_LINK = 13,
	SIF_ROW_OFFSET = 17,
	SIF_ROW_BYTES = 25,
	SIF_ROW_PADDED = 33,
	SIF_ROW_CREATED = 41,
	SIF_ROW_MODIFIED = 49,
	SIF_ROW_UID = 57,
	SIF_ROW_NAME = 73,   /* 128 bytes */
	SIF_ROW_EXTRA = 201, /* 384 bytes */

	/* What Apptainer writes. */
	SIF_ROWS = 48,
	SIF_TABLE_AT = 4096,
	SIF_TABLE_BYTES = SIF_ROWS * SIF_ROW_SIZE,
	SIF_DATA_AT = SIF_TABLE_AT + SIF_TABLE_BYTES,
	SIF_PARTITION_ALIGN = 4096,
};

static const char SIF_MAGIC_TEXT[10] = "SIF_MAGIC";
static const char SIF_VERSION_TEXT[3] = "01";
static const char SIF_LAUNCH_TEXT[32] = "#!/usr/bin/env run-singularity\n";
static const uint32_t SIF_GROUP_MASK = 0xF0000000;

static inline void sif_put_u32(unsigned char *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

static inline void sif_put_u64(unsigned char *p, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

static inline uint32_t sif_get_u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t sif_get_u64(const unsigned char *p)
{
	return (uint64_t)sif_get_u32(p) | (uint64_t)sif_get_u32(p + 4) << 32;
}

#endif
