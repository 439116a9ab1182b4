/* SPDX-License-Identifier: MIT
 * step_pack.c - the final root filesystem as a SIF.
 *
 * The squashfs is written straight into its place in the image, which has no name until
 * it is whole.  The image is current while its stat, or its content, is the recorded one.
 *
 * Times and uuid: with SOURCE_DATE_EPOCH what newer Apptainers write for a reproducible
 * image (uuid zero, Go's zero time in the SIF, the epoch in the squashfs); without it the
 * time is the build date in the labels, and the uuid comes from the content.  Either way
 * the same root filesystem gives the same bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/output.h"
#include "base/path.h"
#include "base/sync.h"
#include "engine/steps/steps.h"
#include "engine/work/mounted.h"
#include "engine/image/sif.h"
#include "engine/image/sqfs_write.h"
#include "engine/meta/sections.h"

/* Go's zero time, January 1 of year 1, in Unix seconds. */
static const int64_t GO_ZERO_TIME = INT64_C(-62135596800);
static const uint64_t IMAGE_MAX = UINT64_C(1) << 50;

/* ---- is the existing image the one we would make? ---- */

/* The step that made the base of the image's stage. */
static const struct step *base_of(const struct work *w, const struct step *s)
{
	while (s->kind != STEP_BASE)
		s = w->options.steps[s->parent.index];
	return s;
}

/* The parent is named by the files of the base, which do not show all of it. */
static void set_base_configuration(const struct work *w, const struct step *step)
{
	const char *text = work_state(w, base_of(w, step)->id)->oci_config;
	struct digest d;

	if (!text)
		return;
	d = digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
	key_set_digest(work_state(w, step->id)->inputs, "base configuration", &d);
}

static struct err *pack_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct key *inputs = work_state(w, step->id)->inputs;

	(void)task;
	*known = w->options.output != NULL;
	set_base_configuration(w, step);
	key_set_text(inputs, "output", w->options.output);
	key_set_u64(inputs, "compression", w->options.compression);
	key_set_text(inputs, "version", DAGBUILD_VERSION);
	if (w->epoch_set)
		key_set_u64(inputs, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
	return NULL;
}

static uint64_t nanoseconds(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

/* Texts, since JSON's numbers do not hold nanoseconds since 1970 exactly. */
static void describe_stat(const struct stat *st, char *out, size_t size)
{
	snprintf(out, size, "%llu %llu %llu %llu %llu", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		 (unsigned long long)nanoseconds(&st->st_mtim),
		 (unsigned long long)nanoseconds(&st->st_ctim));
}

static bool content_matches(const struct work *w, const cJSON *record)
{
	CLEANUP(closep) int fd = -1;
	struct digest want, got;
	struct err *e = fs_open(AT_FDCWD, w->options.output, O_RDONLY, 0, &fd);
	const char *text = json_string(record, "digest");

	if (!e)
		e = digest_fd(fd, IMAGE_MAX, DIGEST_XXH3, store_secret(w->options.store),
			      &got, NULL);
	if (e) {
		err_ignore(e, "the image is written again");
		return false;
	}
	return text && digest_parse(str_of(text), &want) && digest_equal(&want, &got);
}

static enum miss pack_refuses(const struct work *w, const struct step *step,
			      const cJSON *record)
{
	const char *want = json_string(record, "stat");
	struct stat st;
	char now[128];

	(void)step;
	if (!want || stat(w->options.output, &st) != 0 || !S_ISREG(st.st_mode))
		return MISS_IMAGE;
	work_state(w, step->id)->image_size = (uint64_t)st.st_size;
	describe_stat(&st, now, sizeof(now));
	return strcmp(want, now) == 0 || content_matches(w, record) ? MISS_NONE
								    : MISS_IMAGE;
}

/* ---- may it be overwritten? ---- */

static struct err *check_existing(const char *path, int fd)
{
	CLEANUP(sif_release) struct sif sif = SIF_INIT;
	struct err *e = sif_read(fd, &sif);

	if (e) {
		err_ignore(e, "no image");
		return err_hint(
			err_new(ERR_EXISTS, "'%s' exists and is not an image", path),
			"name another file with -o, or give --force");
	}
	for (size_t i = 0; i < sif.n_objects; i++) {
		const struct sif_object *o = &sif.objects[i];

		if (o->type == SIF_SIGNATURE)
			return err_hint(err_new(ERR_EXISTS,
						"'%s' was signed since it was built",
						path),
					"give --force to replace it");
		if (o->type == SIF_PARTITION && o->partition == SIF_PART_OVERLAY)
			return err_hint(
				err_new(ERR_EXISTS,
					"'%s' was given an overlay since it was built",
					path),
				"give --force to replace it");
	}
	return NULL;
}

struct err *pack_check_output(const struct work *w)
{
	const char *path = w->options.output;
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(output_check(path));
	if (stat(path, &st) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", path);
	if (w->options.force || st.st_size == 0)
		return NULL;
	TRY(fs_open_regular(AT_FDCWD, path, &fd));
	return check_existing(path, fd);
}

/* ---- writing ---- */

struct packing {
	const struct work *w;
	const struct step *step;
	struct task *task;
	int root_fd;
	int fd; /* of the image */
	struct buf definition, inspect;
	const char *oci_config; /* NULL when the base had none */
	struct sif_blob blobs[3];
	struct sif_layout layout;
};

/* Objects in Apptainer's order: the definition, then JSON by name. */
static struct err *describe(struct packing *p)
{
	struct sif_layout *layout = &p->layout;
	struct sif_blob *b = p->blobs;
	CLEANUP(closep) int definition = -1;
	bool apps_left_out;
	size_t n = 0;

	TRY(path_open(p->root_fd, "/.singularity.d/Singularity", O_RDONLY, 0,
		      &definition));
	TRY(fs_read_fd(definition, MIB(64), &p->definition));
	TRY(sections_inspect_json(p->root_fd, &p->inspect, &apps_left_out));
	if (apps_left_out)
		task_note(p->task,
			  "the description of the image leaves out apps that are "
			  "too large, or too many");
	p->oci_config = work_state(p->w, base_of(p->w, p->step)->id)->oci_config;
	b[n++] = (struct sif_blob){SIF_DEFINITION, "", buf_text(&p->definition),
				   p->definition.len};
	b[n++] = (struct sif_blob){SIF_JSON, "inspect-metadata.json",
				   buf_text(&p->inspect), p->inspect.len};
	if (p->oci_config)
		b[n++] = (struct sif_blob){SIF_JSON, "oci-config.json", p->oci_config,
					   strlen(p->oci_config)};
	layout->blobs = p->blobs;
	layout->n_blobs = n;
	layout->arch = p->w->platform.architecture;
	return NULL;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	task_progress(context, "packing", done, total);
}

static uint64_t build_time(const struct packing *p)
{
	return p->w->epoch_set ? (uint64_t)p->w->epoch_s
			       : work_state(p->w, p->step->parent)->time_s;
}

static struct err *write_squashfs(struct packing *p)
{
	unsigned borrowed = task_borrow(p->task, p->w->options.jobs - 1);
	struct sqfs_request request = {
		.root_fd = p->root_fd,
		.file_fd = p->fd,
		.offset = sif_partition_offset(&p->layout),
		.compression = p->w->options.compression,
		.workers = 1 + borrowed,
		.time_s = (uint32_t)build_time(p),
		.clamp_s = p->w->epoch_set ? p->w->epoch_s : INT64_MAX,
		.max_file = p->w->options.max_file,
		.cancel = task_cancel(p->task),
		.progress = on_progress,
		.context = p->task,
	};
	struct sqfs_result result = {0};
	struct err *e = sqfs_write(&request, &result);

	task_return(p->task, borrowed);
	p->layout.partition_size = result.size;
	return e;
}

/* A version 4 uuid (RFC 4122) whose random bits are a digest of the partition and the
 * objects. */
static struct err *choose_uuid(struct packing *p)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_XXH3, NULL);
	struct digest partition, all;

	if (lseek(p->fd, (off_t)sif_partition_offset(&p->layout), SEEK_SET) < 0)
		return err_sys("seek");
	TRY(digest_fd(p->fd, IMAGE_MAX, DIGEST_XXH3, NULL, &partition, NULL));
	hasher_add(h, partition.bytes, sizeof(partition.bytes));
	for (size_t i = 0; i < p->layout.n_blobs; i++)
		hasher_add(h, p->blobs[i].data, p->blobs[i].size);
	all = hasher_final(h);
	memcpy(p->layout.uuid, all.bytes, sizeof(p->layout.uuid));
	p->layout.uuid[6] = (unsigned char)((p->layout.uuid[6] & 0x0f) | 0x40);
	p->layout.uuid[8] = (unsigned char)((p->layout.uuid[8] & 0x3f) | 0x80);
	return NULL;
}

static struct err *write_image(struct packing *p)
{
	TRY(describe(p));
	TRY(write_squashfs(p));
	p->layout.time_s = p->w->epoch_set ? GO_ZERO_TIME : (int64_t)build_time(p);
	if (!p->w->epoch_set)
		TRY(choose_uuid(p));
	return sif_write(p->fd, &p->layout);
}

/* Record the image once it has its name, for pack_refuses(). */
static struct err *record_image(const struct packing *p, cJSON *record)
{
	const struct work_options *o = &p->w->options;
	struct digest digest;
	char text[128];
	struct stat st;

	if (lseek(p->fd, 0, SEEK_SET) < 0)
		return err_sys("seek");
	TRY(digest_fd(p->fd, IMAGE_MAX, DIGEST_XXH3, store_secret(o->store), &digest,
		      NULL));
	if (fstat(p->fd, &st) != 0)
		return err_sys("'%s'", o->output);
	work_state(p->w, p->step->id)->image_size = (uint64_t)st.st_size;
	describe_stat(&st, text, sizeof(text));
	cJSON_AddStringToObject(record, "stat", text);
	cJSON_AddStringToObject(record, "output", o->output);
	cJSON_AddStringToObject(record, "digest", digest_format(&digest, text));
	return NULL;
}

static struct err *publish(const struct packing *p, struct tmpfile *tmp, int folder,
			   cJSON *record)
{
	const char *output = p->w->options.output;

	TRY(err_wrap(sync_file(tmp->fd), "'%s'", output));
	/* Checked again: it may have been signed while we were building. */
	TRY(pack_check_output(p->w));
	TRY(tmpfile_publish(tmp, folder, path_base(output)));
	return record_image(p, record);
}

static struct err *pack_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	CLEANUP(closep) int folder = -1;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	const char *output = w->options.output;
	CLEANUP(freep)
	char *parent = xstrndup(output, (size_t)(path_base(output) - output));
	struct packing p = {.w = w, .step = step, .task = task};
	struct err *e;

	TRY(fs_open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0, &folder));
	tmpfile_remove_dead(folder);
	TRY(tmpfile_open(&tmp, folder, 0755));
	TRY(mounted_open(w, work_parent(w, step), false, &m));
	p.root_fd = m.root_fd;
	p.fd = tmp.fd;
	e = write_image(&p);
	buf_release(&p.definition);
	buf_release(&p.inspect);
	TRY(err_wrap(e, "image '%s'", output));
	TRY(mounted_close(&m));
	TRY(mounted_check_read(w, task, work_parent(w, step)));
	TRY(publish(&p, &tmp, folder, record));
	return NULL;
}

const struct step_ops step_pack_ops = {
	.compose = pack_compose,
	.refuses = pack_refuses,
	.run = pack_run,
};
