/* SPDX-License-Identifier: MIT
 * sif_write.c - writing a SIF: the header last, so that a broken write has no magic.
 */
#include "base/fs.h"
#include "engine/image/sif.h"
#include "engine/image/sif_format.h"

uint64_t sif_partition_offset(const struct sif_layout *layout)
{
	uint64_t end = SIF_DATA_AT;

	for (size_t i = 0; i < layout->n_blobs; i++)
		end += layout->blobs[i].size;
	return (end + SIF_PARTITION_ALIGN - 1) / SIF_PARTITION_ALIGN *
	       SIF_PARTITION_ALIGN;
}

struct object {
	enum sif_type type;
	const char *name;
	uint64_t offset, size, gap; /* gap: alignment bytes before it */
};

static void put_row(unsigned char *row, size_t index, const struct object *o,
		    const struct sif_layout *layout)
{
	sif_put_u32(row + SIF_ROW_TYPE, o->type);
	row[SIF_ROW_USED] = 1;
	sif_put_u32(row + SIF_ROW_ID, (uint32_t)index + 1);
	sif_put_u32(row + SIF_ROW_GROUP, SIF_GROUP_MASK | 1);
	sif_put_u64(row + SIF_ROW_OFFSET, o->offset);
	sif_put_u64(row + SIF_ROW_BYTES, o->size);
	sif_put_u64(row + SIF_ROW_PADDED, o->size + o->gap);
	sif_put_u64(row + SIF_ROW_CREATED, (uint64_t)layout->time_s);
	sif_put_u64(row + SIF_ROW_MODIFIED, (uint64_t)layout->time_s);
	memcpy(row + SIF_ROW_NAME, o->name, strnlen(o->name, 128));
	if (o->type != SIF_PARTITION)
		return;
	sif_put_u32(row + SIF_ROW_EXTRA, SIF_FS_SQUASHFS);
	sif_put_u32(row + SIF_ROW_EXTRA + 4, SIF_PART_PRIMARY);
	memcpy(row + SIF_ROW_EXTRA + 8, sif_arch_code(layout->arch), 2);
}

static void put_header(unsigned char *header, const struct sif_layout *layout,
		       uint64_t end)
{
	size_t used = layout->n_blobs + 1;

	memcpy(header + SIF_LAUNCH, SIF_LAUNCH_TEXT, sizeof(SIF_LAUNCH_TEXT));
	memcpy(header + SIF_MAGIC, SIF_MAGIC_TEXT, sizeof(SIF_MAGIC_TEXT));
	memcpy(header + SIF_VERSION, SIF_VERSION_TEXT, sizeof(SIF_VERSION_TEXT));
	memcpy(header + SIF_ARCH, sif_arch_code(layout->arch), 2);
	memcpy(header + SIF_UUID, layout->uuid, sizeof(layout->uuid));
	sif_put_u64(header + SIF_CREATED, (uint64_t)layout->time_s);
	sif_put_u64(header + SIF_MODIFIED, (uint64_t)layout->time_s);
	sif_put_u64(header + SIF_FREE_COUNT, SIF_ROWS - used);
	sif_put_u64(header + SIF_TOTAL_COUNT, SIF_ROWS);
	sif_put_u64(header + SIF_TABLE_OFFSET, SIF_TABLE_AT);
	sif_put_u64(header + SIF_TABLE_SIZE, SIF_TABLE_BYTES);
	sif_put_u64(header + SIF_DATA_OFFSET, SIF_DATA_AT);
	sif_put_u64(header + SIF_DATA_SIZE, end - SIF_DATA_AT);
}

struct err *sif_write(int fd, const struct sif_layout *layout)
{
	CLEANUP(freep) unsigned char *table = xcalloc(SIF_ROWS, SIF_ROW_SIZE);
	unsigned char header[SIF_HEADER_SIZE] = {0};
	uint64_t at = SIF_DATA_AT, partition = sif_partition_offset(layout);
	struct object o;
	size_t i;

	assert(layout->n_blobs < SIF_ROWS && sif_arch_code(layout->arch));
	for (i = 0; i < layout->n_blobs; i++) {
		const struct sif_blob *blob = &layout->blobs[i];

		o = (struct object){blob->type, blob->name, at, blob->size, 0};
		put_row(table + i * SIF_ROW_SIZE, i, &o, layout);
		TRY(fs_pwrite_all(fd, blob->data, blob->size, at));
		at += blob->size;
	}
	o = (struct object){SIF_PARTITION, "", partition, layout->partition_size,
			    partition - at};
	put_row(table + i * SIF_ROW_SIZE, i, &o, layout);
	TRY(fs_pwrite_all(fd, table, SIF_TABLE_BYTES, SIF_TABLE_AT));
	put_header(header, layout, partition + layout->partition_size);
	return fs_pwrite_all(fd, header, sizeof(header), 0);
}
