/* SPDX-License-Identifier: MIT
 * inspect_json.c - the SIF's inspect-metadata.json: what `apptainer inspect` shows
 * without mounting the image.  Keys are in Apptainer's order; empty ones are left out,
 * except the files of the environment, which are listed one by one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "engine/meta/apps.h"
#include "engine/meta/go_json.h"
#include "engine/meta/labels.h"
#include "engine/meta/root_file.h"
#include "engine/meta/sections.h"

static void put_key(struct buf *out, const char *key)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	go_json_string(out, str_of(key));
	buf_putc(out, ':');
}

/* Nothing of that name; or in its place, something that no file can lie in. */
static bool is_absent(const struct err *e)
{
	return e && (err_code(e) == ERR_NOTFOUND || err_errno(e) == ENOTDIR ||
		     err_errno(e) == ELOOP);
}

enum if_empty { LEAVE_OUT, PUT_ANYWAY };

/* The member `key` from a file of the image.  Line ends at the end are cut, blanks are
 * not. */
static struct err *put_file(struct buf *out, int root_fd, const char *key,
			    const char *path, enum if_empty if_empty)
{
	CLEANUP(buf_release) struct buf content = BUF_INIT;
	struct err *e = root_read(root_fd, path, &content);
	struct str text;

	if (is_absent(e)) {
		err_ignore(e, "left out");
		return NULL;
	}
	TRY(e);
	text = str_make(buf_text(&content), content.len);
	while (str_ends_with(text, "\n"))
		text.len--;
	if (text.len == 0 && if_empty == LEAVE_OUT)
		return NULL;
	put_key(out, key);
	go_json_string(out, text);
	return NULL;
}

static int is_listed(const struct dirent *entry)
{
	return fnmatch("10-docker*.sh", entry->d_name, 0) == 0 ||
	       fnmatch("9*-environment.sh", entry->d_name, 0) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The files of the folder `path`, which may be missing. */
static struct err *put_environment(struct buf *out, int root_fd, const char *path)
{
	CLEANUP(buf_release) struct buf members = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct dirent **entries = NULL;
	struct err *e = path_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, &fd);
	int n;

	if (is_absent(e)) {
		err_ignore(e, "left out");
		return NULL;
	}
	TRY(e);
	n = scandirat(fd, ".", &entries, is_listed, by_name);
	if (n < 0)
		return err_sys("'%s' in the image", path);
	buf_putc(&members, '{');
	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *file = path_join(path, entries[i]->d_name);

		if (!e)
			e = put_file(&members, root_fd, file, file, PUT_ANYWAY);
		free(entries[i]);
	}
	free(entries);
	if (e || members.len == 1)
		return e;
	put_key(out, "environment");
	buf_append(out, members.data, members.len);
	buf_putc(out, '}');
	return NULL;
}

static struct err *put_labels(struct buf *out, int root_fd, const char *path)
{
	CLEANUP(labels_release) struct labels labels = LABELS_INIT;

	struct err *e = labels_load(root_fd, path, &labels);

	/* The image's own were read before: this is an app's of the base image. */
	if (is_absent(e) || (e && err_code(e) == ERR_CORRUPT)) {
		err_ignore(e, "left out");
		return NULL;
	}
	TRY(e);
	if (labels.len == 0)
		return NULL;
	labels_sort(&labels);
	put_key(out, "labels");
	buf_putc(out, '{');
	for (size_t i = 0; i < labels.len; i++) {
		put_key(out, labels.items[i]->name);
		go_json_string(out, str_of(labels.items[i]->value));
	}
	buf_putc(out, '}');
	return NULL;
}

struct described {
	const char *key, *file;
};

/* What lies in `folder`, which is the image's or an app's: up to an entry without key. */
static struct err *put_attributes(struct buf *out, int root_fd, const char *folder,
				  const struct described *files)
{
	CLEANUP(freep) char *env = path_join(folder, "env");
	CLEANUP(freep) char *labels = path_join(folder, "labels.json");

	TRY(put_environment(out, root_fd, env));
	TRY(put_labels(out, root_fd, labels));
	for (; files->key; files++) {
		CLEANUP(freep) char *path = path_join(folder, files->file);

		TRY(put_file(out, root_fd, files->key, path, LEAVE_OUT));
	}
	return NULL;
}

/* ---- apps ---- */

/* Those of a base image are a stranger's: without a limit each could be as long as a file
 * of ours may be. */
static const size_t APPS_MAX = 64 << 20;

static struct err *put_app(struct buf *out, int root_fd, const char *name)
{
	static const struct described files[] = {
		{"runscript", "runscript"},
		{"startscript", "startscript"},
		{"test", "test"},
		{"helpfile", "runscript.help"},
		{NULL, NULL},
	};
	CLEANUP(freep) char *folder = xasprintf(APPS_FOLDER "/%s/scif", name);

	put_key(out, name);
	buf_putc(out, '{');
	TRY(put_attributes(out, root_fd, folder, files));
	buf_putc(out, '}');
	if (out->len > APPS_MAX)
		return err_new(ERR_CORRUPT, "what describes the apps of the image has "
					    "more than 64 MiB");
	return NULL;
}

static int is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static struct err *put_app_if_folder(struct buf *out, int root_fd, int apps_fd,
				     const char *name)
{
	struct stat st;

	if (fstatat(apps_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(APPS_FOLDER "/%s in the image", name);
	return S_ISDIR(st.st_mode) ? put_app(out, root_fd, name) : NULL;
}

/* The folders below /scif/apps, from the definition or the base image. */
static struct err *put_apps(struct buf *out, int root_fd)
{
	CLEANUP(buf_release) struct buf members = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct dirent **entries = NULL;
	struct err *e = path_open(root_fd, APPS_FOLDER, O_RDONLY | O_DIRECTORY, 0, &fd);
	int n;

	if (is_absent(e)) {
		err_ignore(e, "there are none");
		return NULL;
	}
	TRY(e);
	n = scandirat(fd, ".", &entries, is_name, by_name);
	if (n < 0)
		return err_sys("'" APPS_FOLDER "' in the image");
	buf_putc(&members, '{');
	for (int i = 0; i < n; i++) {
		if (!e)
			e = put_app_if_folder(&members, root_fd, fd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (e || members.len == 1)
		return e;
	put_key(out, "apps");
	buf_append(out, members.data, members.len);
	buf_putc(out, '}');
	return NULL;
}

struct err *sections_inspect_json(int root_fd, struct buf *out)
{
	static const struct described files[] = {
		{"runscript", "runscript"},	{"test", "test"},
		{"helpfile", "runscript.help"}, {"deffile", "Singularity"},
		{"startscript", "startscript"}, {NULL, NULL},
	};

	buf_puts(out, "{\"data\":{\"attributes\":{");
	TRY(put_apps(out, root_fd));
	TRY(put_attributes(out, root_fd, "/.singularity.d", files));
	buf_puts(out, "}},\"type\":\"container\"}\n");
	return NULL;
}
