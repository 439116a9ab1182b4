/* SPDX-License-Identifier: MIT
 * sif.h - Singularity image files: descriptors, reader, writer.
 *
 * Purpose:   writes images as `apptainer build` lays them out (48 descriptors at 4096,
 *            data from 32176), and reads them strictly: every offset and size is
 *            checked.
 * Ownership: struct sif owns its objects: sif_release().
 * Threads:   a struct sif belongs to one thread.
 * Errors:    sif_read(): ERR_CORRUPT (saying which check), ERR_UNSUPPORTED (version),
 *            ERR_SYS. sif_write_*(): ERR_SYS, ERR_NOSPACE.
 */
#ifndef ENGINE_IMAGE_SIF_H
#define ENGINE_IMAGE_SIF_H

#include "base/buf.h"
#include "base/err.h"

enum sif_type {
	SIF_DEFINITION = 0x4001,
	SIF_ENVIRONMENT = 0x4002,
	SIF_LABELS = 0x4003,
	SIF_PARTITION = 0x4004,
	SIF_SIGNATURE = 0x4005,
	SIF_JSON = 0x4006,
	SIF_RAW = 0x4007,
	SIF_CRYPT_MESSAGE = 0x4008,
	SIF_SBOM = 0x4009,
	SIF_OCI_ROOT_INDEX = 0x400A,
	SIF_OCI_BLOB = 0x400B,
};

enum sif_partition {
	SIF_PART_SYSTEM = 1,
	SIF_PART_PRIMARY = 2,
	SIF_PART_DATA = 3,
	SIF_PART_OVERLAY = 4,
};

enum sif_fs { SIF_FS_SQUASHFS = 1, SIF_FS_EXT3 = 2, SIF_FS_ARCHIVE = 3, SIF_FS_RAW = 4 };

struct sif_object {
	enum sif_type type;
	uint32_t id;	/* from 1 */
	uint32_t group; /* 0: none */
	uint32_t link;	/* 0: none */
	bool link_is_group;
	uint64_t offset, size; /* bytes in the file */
	uint64_t row_at;       /* offset of its descriptor */
	int64_t created_s, modified_s;
	char name[129];
	uint32_t fs, partition; /* of SIF_PARTITION */
	char arch[4];		/* of SIF_PARTITION: "02" is amd64 */
};

struct sif {
	char launch[33];
	char arch[4];
	unsigned char uuid[16];
	int64_t created_s, modified_s;
	uint64_t total_descriptors;
	struct sif_object *objects; /* used ones, in table order */
	size_t n_objects;
};

#define SIF_INIT                                                                         \
	{                                                                                \
		0                                                                        \
	}

/* Does a file that begins with these bytes claim to be an image? */
bool sif_is_image(const void *data, size_t len);
NODISCARD struct err *sif_read(int fd, struct sif *out);
/* All of an object; ERR_CORRUPT if it has more than `max` bytes. */
NODISCARD struct err *sif_read_object(int fd, const struct sif_object *object, size_t max,
				      struct buf *out);
void sif_release(struct sif *s);
const char *sif_type_name(enum sif_type type); /* "Definition", "Partition", ... */
/* "02" for "amd64" (Go names); NULL when unknown.  And back. */
const char *sif_arch_code(const char *go_name);
const char *sif_arch_name(const char *code);

/* A small object that is written whole. */
struct sif_blob {
	enum sif_type type; /* SIF_DEFINITION or SIF_JSON */
	const char *name;   /* "" for none */
	const void *data;
	size_t size; /* bytes */
};

/* Writing: small objects first, then the caller streams the root partition at
 * sif_partition_offset(), then sif_write() writes objects, table and, last, the header.
 */
struct sif_layout {
	const struct sif_blob *blobs; /* in order */
	size_t n_blobs;
	uint64_t partition_size; /* bytes, padded to 4096; only for sif_write() */
	const char *arch;	 /* Go name */
	unsigned char uuid[16];
	int64_t time_s; /* created and modified */
};

/* Where the root partition begins: the first multiple of 4096 after the blobs. */
uint64_t sif_partition_offset(const struct sif_layout *layout);
NODISCARD struct err *sif_write(int fd, const struct sif_layout *layout);

#endif
