/* SPDX-License-Identifier: MIT
 * mounted.c - see mounted.h.
 */
#include "engine/work/mounted.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/path.h"

struct overlay_spec mounted_overlay(const struct work *w, const struct snapshot *chain,
				    const char ***names)
{
	*names = xcalloc(chain->len, sizeof(**names));
	for (size_t i = 0; i < chain->len; i++)
		(*names)[i] = chain->layers[i].name;
	return (struct overlay_spec){
		.layer_root = layer_root(w->options.store),
		.layers = *names,
		.n_layers = chain->len,
	};
}

static struct err *make_folder(const struct scratch *scratch, const char *name,
			       char **path)
{
	if (mkdirat(scratch->fd, name, 0755) != 0)
		return err_sys("make '%s/%s'", scratch->path, name);
	*path = path_join(scratch->path, name);
	return NULL;
}

struct err *mounted_prepare(const struct work *w, const struct snapshot *chain,
			    struct mounted *out)
{
	CLEANUP(freep) const char **names = NULL;
	struct overlay_spec spec = mounted_overlay(w, chain, &names);

	return mounted_prepare_over(w->options.store, &spec, out);
}

struct err *mounted_prepare_over(const struct store *s, const struct overlay_spec *below,
				 struct mounted *out)
{
	struct overlay_spec spec = *below;

	TRY(scratch_new(s, &out->scratch));
	TRY(make_folder(&out->scratch, "mnt", &out->mount_point));
	TRY(make_folder(&out->scratch, "upper", &out->upper));
	TRY(make_folder(&out->scratch, "work", &out->work));
	spec.upper = out->upper;
	return overlay_prepare_upper(&spec);
}

struct err *mounted_open(const struct work *w, const struct snapshot *chain,
			 bool writable, struct mounted *out)
{
	CLEANUP(freep) const char **names = NULL;
	struct overlay_spec spec = mounted_overlay(w, chain, &names);

	if (writable) {
		TRY(mounted_prepare(w, chain, out));
	} else {
		TRY(scratch_new(w->options.store, &out->scratch));
		TRY(make_folder(&out->scratch, "mnt", &out->mount_point));
	}
	spec.upper = out->upper;
	spec.work = out->work;
	spec.mount_point = out->mount_point;
	TRY(overlay_mount(&spec));
	out->is_mounted = true;
	return fs_open(AT_FDCWD, out->mount_point, O_RDONLY | O_DIRECTORY, 0,
		       &out->root_fd);
}

struct err *mounted_close(struct mounted *m)
{
	closep(&m->root_fd);
	m->root_fd = -1;
	if (!m->is_mounted)
		return NULL;
	m->is_mounted = false;
	return overlay_unmount(m->mount_point);
}

/* A volatile mount leaves a mark in its work folder: overlay.h. */
struct err *mounted_prepare_again(struct mounted *m)
{
	TRY(fs_remove_tree(m->scratch.fd, "work"));
	free(m->work);
	m->work = NULL;
	return make_folder(&m->scratch, "work", &m->work);
}

void mounted_release(struct mounted *m)
{
	err_ignore(mounted_close(m), "it ends with our mount namespace");
	scratch_release(&m->scratch);
	free(m->upper);
	free(m->work);
	free(m->mount_point);
}

struct err *mounted_check_read(const struct work *w, struct task *task,
			       const struct snapshot *chain)
{
	struct err *e =
		snapshot_check(w->options.store, chain, cancel_stop(task_cancel(task)));

	if (!e || err_code(e) == ERR_CANCELLED)
		return e;
	return err_hint(err_wrap(e, "the cache was changed while it was being read"),
			"run the command again: what is missing is built again; see "
			"DAGBUILD_CACHEDIR "
			"if the cache lies where old files are removed");
}
