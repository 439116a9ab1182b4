/* SPDX-License-Identifier: MIT
 * sif.c - names and codes of SIF's enumerations, and the strict reader.
 *
 * Apptainer's own reader checks little (a table may overlap the data, a count may be
 * negative); this one refuses what no writer writes, because offsets and sizes come from
 * strangers.
 */
#include "engine/image/sif.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "engine/image/sif_format.h"

static const uint64_t ROWS_MAX = 65536;

/* ---- names ---- */

static const struct {
	enum sif_type type;
	const char *name;
} type_names[] = {
	{SIF_DEFINITION, "Definition"},
	{SIF_ENVIRONMENT, "Environment"},
	{SIF_LABELS, "Labels"},
	{SIF_PARTITION, "Partition"},
	{SIF_SIGNATURE, "Signature"},
	{SIF_JSON, "JSON"},
	{SIF_RAW, "Raw"},
	{SIF_CRYPT_MESSAGE, "CryptMessage"},
	{SIF_SBOM, "SBOM"},
	{SIF_OCI_ROOT_INDEX, "OCI.RootIndex"},
	{SIF_OCI_BLOB, "OCI.Blob"},
};

const char *sif_type_name(enum sif_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "unknown";
}

static const struct {
	const char *name, *code;
} archs[] = {
	{"386", "01"},	   {"amd64", "02"},    {"arm", "03"},	{"arm64", "04"},
	{"ppc64", "05"},   {"ppc64le", "06"},  {"mips", "07"},	{"mipsle", "08"},
	{"mips64", "09"},  {"mips64le", "10"}, {"s390x", "11"}, {"riscv64", "12"},
	{"loong64", "13"},
};

const char *sif_arch_code(const char *go_name)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (strcmp(archs[i].name, go_name) == 0)
			return archs[i].code;
	return NULL;
}

const char *sif_arch_name(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (strcmp(archs[i].code, code) == 0)
			return archs[i].name;
	return "unknown";
}

/* ---- reading ---- */

static struct err *read_at(int fd, void *data, size_t len, uint64_t at)
{
	unsigned char *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return err_new(ERR_CORRUPT, "the file ends within its tables");
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return NULL;
}

struct bounds {
	uint64_t file_size, table_at, table_size;
};

static bool is_within(uint64_t offset, uint64_t size, uint64_t limit)
{
	return offset <= limit && size <= limit - offset;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size > 0 && b_size > 0 && a < b + b_size && b < a + a_size;
}

bool sif_is_image(const void *data, size_t len)
{
	return len >= SIF_MAGIC + sizeof(SIF_MAGIC_TEXT) &&
	       memcmp((const char *)data + SIF_MAGIC, SIF_MAGIC_TEXT,
		      sizeof(SIF_MAGIC_TEXT)) == 0;
}

static struct err *read_header(int fd, struct sif *out, struct bounds *b)
{
	unsigned char h[SIF_HEADER_SIZE];

	if (b->file_size < sizeof(h))
		return err_new(ERR_CORRUPT, "the file is shorter than a SIF header");
	TRY(read_at(fd, h, sizeof(h), 0));
	if (!sif_is_image(h, sizeof(h)))
		return err_new(ERR_CORRUPT,
			       "the file is not a SIF image: its magic is missing");
	if (memcmp(h + SIF_VERSION, SIF_VERSION_TEXT, sizeof(SIF_VERSION_TEXT)) != 0)
		return err_new(ERR_UNSUPPORTED,
			       "SIF version '%.2s' is not known (this is '01')",
			       (const char *)h + SIF_VERSION);
	memcpy(out->launch, h + SIF_LAUNCH, 32);
	memcpy(out->arch, h + SIF_ARCH, 2);
	memcpy(out->uuid, h + SIF_UUID, sizeof(out->uuid));
	out->created_s = (int64_t)sif_get_u64(h + SIF_CREATED);
	out->modified_s = (int64_t)sif_get_u64(h + SIF_MODIFIED);
	out->total_descriptors = sif_get_u64(h + SIF_TOTAL_COUNT);
	b->table_at = sif_get_u64(h + SIF_TABLE_OFFSET);
	b->table_size = sif_get_u64(h + SIF_TABLE_SIZE);
	if (out->total_descriptors > ROWS_MAX)
		return err_new(ERR_CORRUPT, "%llu descriptors",
			       (unsigned long long)out->total_descriptors);
	if (b->table_size != out->total_descriptors * SIF_ROW_SIZE)
		return err_new(ERR_CORRUPT,
			       "the descriptor table's size does not fit its count");
	if (b->table_at < SIF_HEADER_SIZE ||
	    !is_within(b->table_at, b->table_size, b->file_size))
		return err_new(ERR_CORRUPT, "the descriptor table lies outside the file");
	return NULL;
}

static void decode_row(const unsigned char *row, struct sif_object *o)
{
	uint32_t group = sif_get_u32(row + SIF_ROW_GROUP);
	uint32_t link = sif_get_u32(row + SIF_ROW_LINK);

	o->type = (enum sif_type)sif_get_u32(row + SIF_ROW_TYPE);
	o->id = sif_get_u32(row + SIF_ROW_ID);
	o->group = group & ~SIF_GROUP_MASK;
	o->link_is_group = (link & SIF_GROUP_MASK) == SIF_GROUP_MASK;
	o->link = o->link_is_group ? link & ~SIF_GROUP_MASK : link;
	o->offset = sif_get_u64(row + SIF_ROW_OFFSET);
	o->size = sif_get_u64(row + SIF_ROW_BYTES);
	o->created_s = (int64_t)sif_get_u64(row + SIF_ROW_CREATED);
	o->modified_s = (int64_t)sif_get_u64(row + SIF_ROW_MODIFIED);
	memcpy(o->name, row + SIF_ROW_NAME, 128);
	if (o->type != SIF_PARTITION)
		return;
	o->fs = sif_get_u32(row + SIF_ROW_EXTRA);
	o->partition = sif_get_u32(row + SIF_ROW_EXTRA + 4);
	memcpy(o->arch, row + SIF_ROW_EXTRA + 8, 2);
}

static struct err *check_object(const struct sif_object *o, const struct bounds *b)
{
	if (o->id == 0)
		return err_new(ERR_CORRUPT, "an object has the id 0");
	if (!is_within(o->offset, o->size, b->file_size))
		return err_new(ERR_CORRUPT, "object %u lies outside the file", o->id);
	if (overlap(o->offset, o->size, 0, SIF_HEADER_SIZE) ||
	    overlap(o->offset, o->size, b->table_at, b->table_size))
		return err_new(ERR_CORRUPT, "object %u lies over the header or the table",
			       o->id);
	return NULL;
}

static int by_offset(const void *a, const void *b)
{
	const struct sif_object *x = *(const struct sif_object *const *)a;
	const struct sif_object *y = *(const struct sif_object *const *)b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int by_id(const void *a, const void *b)
{
	const struct sif_object *x = *(const struct sif_object *const *)a;
	const struct sif_object *y = *(const struct sif_object *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static struct err *check_pairs(const struct sif *s)
{
	CLEANUP(freep)
	const struct sif_object **sorted = xcalloc(s->n_objects, sizeof(*sorted));
	uint64_t end = 0;

	for (size_t i = 0; i < s->n_objects; i++)
		sorted[i] = &s->objects[i];
	qsort(sorted, s->n_objects, sizeof(*sorted), by_id);
	for (size_t i = 1; i < s->n_objects; i++)
		if (sorted[i]->id == sorted[i - 1]->id)
			return err_new(ERR_CORRUPT, "two objects have the id %u",
				       sorted[i]->id);
	qsort(sorted, s->n_objects, sizeof(*sorted), by_offset);
	for (size_t i = 0; i < s->n_objects; i++) {
		if (sorted[i]->size == 0)
			continue;
		if (sorted[i]->offset < end)
			return err_new(ERR_CORRUPT, "object %u lies over another",
				       sorted[i]->id);
		end = sorted[i]->offset + sorted[i]->size;
	}
	return NULL;
}

static struct err *read_table(int fd, struct sif *out, const struct bounds *b)
{
	VEC(struct sif_object) objects = {0};
	unsigned char row[SIF_ROW_SIZE];
	struct err *e = NULL;

	for (uint64_t i = 0; !e && i < out->total_descriptors; i++) {
		struct sif_object o = {0};

		e = read_at(fd, row, sizeof(row), b->table_at + i * SIF_ROW_SIZE);
		if (e || !row[SIF_ROW_USED])
			continue;
		decode_row(row, &o);
		o.row_at = b->table_at + i * SIF_ROW_SIZE;
		e = check_object(&o, b);
		if (!e)
			vec_push(&objects, o);
	}
	out->objects = objects.items;
	out->n_objects = objects.len;
	TRY(e);
	return out->n_objects > 0 ? check_pairs(out) : NULL;
}

struct err *sif_read(int fd, struct sif *out)
{
	struct bounds b = {0};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys("stat");
	b.file_size = (uint64_t)st.st_size;
	TRY(read_header(fd, out, &b));
	return read_table(fd, out, &b);
}

struct err *sif_read_object(int fd, const struct sif_object *object, size_t max,
			    struct buf *out)
{
	CLEANUP(freep) char *text = NULL;

	if (object->size > max)
		return err_new(ERR_CORRUPT, "object %u has more than %zu bytes",
			       object->id, max);
	text = xmalloc((size_t)object->size + 1);
	TRY(read_at(fd, text, (size_t)object->size, object->offset));
	buf_append(out, text, (size_t)object->size);
	return NULL;
}

void sif_release(struct sif *s)
{
	free(s->objects);
	s->objects = NULL;
	s->n_objects = 0;
}
