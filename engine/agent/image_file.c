/* SPDX-License-Identifier: MIT
 * image_file.c - see image_file.h.
 */
#include "engine/agent/image_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/agent/image_signers.h"
#include "engine/agent/unpacked.h"
#include "engine/image/sif.h"
#include "engine/unpack/squash.h"
#include "engine/unpack/unpack.h"

/* Where the root filesystem lies in the file. */
struct partition {
	uint64_t offset, size;
};

/* ---- SIF ---- */

static const struct sif_object *find_root(const struct sif *sif)
{
	for (size_t i = 0; i < sif->n_objects; i++)
		if (sif->objects[i].type == SIF_PARTITION &&
		    sif->objects[i].partition == SIF_PART_PRIMARY)
			return &sif->objects[i];
	return NULL;
}

static struct err *refuse_ext3(void)
{
	return err_hint(err_new(ERR_UNSUPPORTED,
				"its root filesystem is ext3, which this version cannot "
				"read"),
			"make a folder of it ('apptainer build --sandbox DIR IMAGE'), "
			"and start from that");
}

static struct err *check_fs(uint32_t fs)
{
	if (fs == SIF_FS_SQUASHFS)
		return NULL;
	if (fs == SIF_FS_EXT3)
		return refuse_ext3();
	/* 5: squashfs within dm-crypt; 6, by Apptainer only: within gocryptfs. */
	if (fs > SIF_FS_RAW)
		return err_hint(
			err_new(ERR_UNSUPPORTED, "its root filesystem is encrypted"),
			"decrypt it first: start from an image without "
			"encryption");
	return err_new(ERR_UNSUPPORTED, "its root filesystem has the unknown kind %u",
		       fs);
}

static void tell_other_machine(const struct agent_context *c, const char *code)
{
	const char *arch = sif_arch_name(code);

	if (strcmp(arch, c->platform.architecture) != 0)
		task_note(c->task,
			  "the image is made for %.20s, and this machine is %s: its "
			  "programs may not run",
			  arch, c->platform.architecture);
}

/* Of the root filesystem's group: what signatures cover. */
static struct err *read_config(int fd, const struct sif *sif, uint32_t group,
			       struct unpacked *out)
{
	for (size_t i = 0; i < sif->n_objects; i++) {
		const struct sif_object *o = &sif->objects[i];
		CLEANUP(buf_release) struct buf text = BUF_INIT;

		if (o->group != group || o->type != SIF_JSON ||
		    strcmp(o->name, "oci-config.json") != 0)
			continue;
		TRY(sif_read_object(fd, o, OCI_CONFIG_MAX, &text));
		free(out->oci_config);
		out->oci_config = xstrndup(buf_text(&text), text.len);
	}
	return NULL;
}

static struct err *read_sif(int fd, struct sif *out, const struct sif_object **root)
{
	TRY(sif_read(fd, out));
	*root = find_root(out);
	return *root ? NULL : err_new(ERR_CORRUPT, "it holds no root filesystem");
}

static struct err *find_in_sif(const struct agent_context *c, int fd,
			       struct partition *part, struct unpacked *out)
{
	CLEANUP(sif_release) struct sif sif = SIF_INIT;
	const struct sif_object *root = NULL;

	TRY(read_sif(fd, &sif, &root));
	TRY(check_fs(root->fs));
	tell_other_machine(c, root->arch);
	*part = (struct partition){root->offset, root->size};
	return read_config(fd, &sif, root->group, out);
}

/* ---- any file ---- */

/* The magic of ext2 to ext4 lies at 56 in the superblock, which begins at 1024. */
enum { EXT_MAGIC_AT = 1024 + 56, HEAD = EXT_MAGIC_AT + 2 };

static struct err *find_root_filesystem(const struct agent_context *c, int fd,
					struct partition *part, struct unpacked *out)
{
	unsigned char head[HEAD] = {0};
	struct stat st;
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0 || fstat(fd, &st) != 0)
		return err_sys("read");
	if (sif_is_image(head, (size_t)n))
		return find_in_sif(c, fd, part, out);
	*part = (struct partition){0, (uint64_t)st.st_size};
	if (squash_is_image(head, (size_t)n))
		return NULL;
	if (head[EXT_MAGIC_AT] == 0x53 && head[EXT_MAGIC_AT + 1] == 0xef)
		return refuse_ext3();
	return err_hint(err_new(ERR_CORRUPT, "it is no image: neither SIF nor squashfs"),
			"name a SIF or squashfs file, or a folder");
}

static void on_unpacked(void *context, uint64_t done)
{
	const struct agent_context *c = context;

	task_progress(c->task, "unpacking", done, 0);
}

static struct err *unpack(const struct agent_context *c, int fd,
			  const struct partition *part, const char *target,
			  struct unpacked *u)
{
	struct unpack_request request = {
		.blob_fd = fd,
		.blob_size = part->size,
		.offset = part->offset,
		.is_squashfs = true,
		.target = target,
		.max_file = c->max_file,
		.cancel = task_cancel(c->task),
		.progress = on_unpacked,
		.context = (void *)c,
	};
	struct unpack_result result = {0};

	TRY(unpack_layer(&request, &result));
	u->is_less = !unpack_is_exact(&result);
	u->has_root = result.has_root;
	if (result.skipped > 0)
		task_note(c->task,
			  "%llu device files of the image are left out: only real root "
			  "can make them, and nobody one with the number 0:0",
			  (unsigned long long)result.skipped);
	return NULL;
}

/* A file that changes while it is read may seem damaged. */
static struct err *check_after(const struct image_source *source, struct err *e)
{
	struct err *changed = source->check ? source->check(source->self) : NULL;

	if (e && err_code(e) == ERR_CANCELLED) {
		err_ignore(changed, "the run ends");
		return e;
	}
	if (!changed)
		return e;
	err_ignore(e, "the file was not what it seemed");
	return changed;
}

static struct err *make_layer(const struct agent_context *c,
			      const struct image_source *source, const struct digest *key,
			      struct unpacked *u)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *target = NULL;
	CLEANUP(closep) int fd = -1;
	struct partition part;

	TRY(source->open(source->self, &fd));
	TRY(check_after(source, find_root_filesystem(c, fd, &part, u)));
	TRY(scratch_new(c->store, &scratch));
	if (mkdirat(scratch.fd, "upper", 0755) != 0)
		return err_sys("'%s'", scratch.path);
	target = path_join(scratch.path, "upper");
	TRY(check_after(source, unpack(c, fd, &part, target, u)));
	TRY(unpacked_publish(&scratch, c->task, false, u));
	return unpacked_save(c, key, u);
}

static struct err *check_signers_of(const struct agent_context *c, int fd,
				    const char *fingerprints)
{
	CLEANUP(sif_release) struct sif sif = SIF_INIT;
	unsigned char head[HEAD] = {0};
	const struct sif_object *root = NULL;
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return err_sys("read");
	if (!sif_is_image(head, (size_t)n))
		return image_file_no_signatures();
	TRY(read_sif(fd, &sif, &root));
	return image_signers_check(c, fd, &sif, root->group, fingerprints);
}

static struct err *check_signers(const struct agent_context *c,
				 const struct image_source *source,
				 const char *fingerprints)
{
	CLEANUP(closep) int fd = -1;

	TRY(source->open(source->self, &fd));
	return check_after(source, check_signers_of(c, fd, fingerprints));
}

struct err *image_file_bring(const struct agent_context *c, const struct digest *content,
			     const struct image_source *source, const char *fingerprints,
			     struct agent_base *out)
{
	CLEANUP(unpacked_release) struct unpacked u = {0};
	/* 2: records from before have a configuration of any group (read_config()). */
	struct digest key = unpacked_key(c, "image 2", content);
	struct err *e = NULL;
	bool waited;

	if (fingerprints)
		TRY(check_signers(c, source, fingerprints));
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!unpacked_load(c, &key, &u))
		e = make_layer(c, source, &key, &u);
	flight_leave(c->flights, &key, e);
	TRY(e);
	out->is_image = true;
	out->oci_config = STEAL(u.oci_config);
	snapshot_copy(&out->layers, &u.layer);
	return NULL;
}

static void on_read(void *context, uint64_t done)
{
	const struct agent_context *c = context;

	task_progress(c->task, "reading", done, 0);
}

struct file_reading image_file_reading(const struct agent_context *c)
{
	return (struct file_reading){
		.cancel = c->task ? task_cancel(c->task) : NULL,
		.max_file = c->max_file,
		.memo = c->memo,
		.progress = c->task ? on_read : NULL,
		.context = (void *)c,
	};
}

struct err *image_file_changed(void)
{
	return err_hint(err_new(ERR_SYS, "it changes while it is used"),
			"start again when nothing writes to it");
}

struct err *image_file_no_signatures(void)
{
	return err_hint(
		err_new(ERR_UNSUPPORTED,
			"the header 'Fingerprints' asks for signatures, which only "
			"a SIF has"),
		"remove the header, or start from a SIF");
}

struct err *image_file_check_headers(const struct step_base *base)
{
	const char *fingerprints = step_base_header(base, "fingerprints");

	return fingerprints ? image_signers_parse(fingerprints) : NULL;
}
