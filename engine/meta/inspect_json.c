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

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
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

/* Those of a base image are a stranger's.  Of what is larger, or more, than any image
 * has, the description says nothing; the image holds it all the same. */
static const off_t APP_FILE_MAX = 1 << 20;
static const size_t APPS_BYTES_MAX = 16 << 20;
enum { APPS_MAX = 10000 };

/* Links are followed, inside the root filesystem. */
static bool is_large_file(int root_fd, const char *folder, const char *name)
{
	CLEANUP(freep) char *path = path_join(folder, name);
	CLEANUP(closep) int fd = -1;
	struct err *e = path_open(root_fd, path, O_PATH, 0, &fd);
	struct stat st = {0};
	bool is_there = !e && fstat(fd, &st) == 0;

	err_ignore(e, "a link that leads nowhere");
	return is_there && S_ISREG(st.st_mode) && st.st_size > APP_FILE_MAX;
}

/* Is there a file in the folder that is too large to be described?  A missing folder has
 * none. */
static struct err *has_large_file(int root_fd, const char *folder, bool *out)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(dir_closep) DIR *dir = NULL;
	struct err *e = path_open(root_fd, folder, O_RDONLY | O_DIRECTORY, 0, &fd);
	size_t n = 0;
	const char *name;

	if (is_absent(e)) {
		err_ignore(e, "it has none");
		return NULL;
	}
	TRY(e);
	dir = dir_open_fd(fd);
	if (!dir)
		return err_sys("'%s' in the image", folder);
	while (!*out && (name = dir_next(dir)) != NULL)
		*out = ++n > 100 || is_large_file(root_fd, folder, name);
	return NULL;
}

static struct err *put_app(struct buf *out, int root_fd, const char *name, bool *left_out)
{
	static const struct described files[] = {
		{"runscript", "runscript"},
		{"startscript", "startscript"},
		{"test", "test"},
		{"helpfile", "runscript.help"},
		{NULL, NULL},
	};
	CLEANUP(freep) char *folder = xasprintf(APPS_FOLDER "/%s/scif", name);
	CLEANUP(freep) char *env = path_join(folder, "env");
	bool is_large = out->len > APPS_BYTES_MAX;

	if (!is_large)
		TRY(has_large_file(root_fd, folder, &is_large));
	if (!is_large)
		TRY(has_large_file(root_fd, env, &is_large));
	*left_out = *left_out || is_large;
	if (is_large)
		return NULL;
	put_key(out, name);
	buf_putc(out, '{');
	TRY(put_attributes(out, root_fd, folder, files));
	buf_putc(out, '}');
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct app_names {
	char **items;
	size_t len, cap;
};

static void app_names_release(struct app_names *names)
{
	for (size_t i = 0; i < names->len; i++)
		free(names->items[i]);
	vec_free(names);
}

/* The folders below /scif/apps, from the definition or the base image; sorted. */
static struct err *find_apps(int root_fd, struct app_names *out, bool *left_out)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(dir_closep) DIR *dir = NULL;
	struct err *e = path_open(root_fd, APPS_FOLDER, O_RDONLY | O_DIRECTORY, 0, &fd);
	const char *name;
	struct stat st;

	if (is_absent(e)) {
		err_ignore(e, "there are none");
		return NULL;
	}
	TRY(e);
	dir = dir_open_fd(fd);
	if (!dir)
		return err_sys("'" APPS_FOLDER "' in the image");
	while (!*left_out && (name = dir_next(dir)) != NULL) {
		*left_out = out->len == APPS_MAX;
		if (!*left_out && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			vec_push(out, xstrdup(name));
	}
	if (out->len > 0)
		qsort(out->items, out->len, sizeof(*out->items), by_text);
	return NULL;
}

static struct err *put_apps(struct buf *out, int root_fd, bool *left_out)
{
	CLEANUP(app_names_release) struct app_names names = {0};
	CLEANUP(buf_release) struct buf members = BUF_INIT;

	TRY(find_apps(root_fd, &names, left_out));
	buf_putc(&members, '{');
	for (size_t i = 0; i < names.len; i++)
		TRY(put_app(&members, root_fd, names.items[i], left_out));
	if (members.len == 1)
		return NULL;
	put_key(out, "apps");
	buf_append(out, members.data, members.len);
	buf_putc(out, '}');
	return NULL;
}

struct err *sections_inspect_json(int root_fd, struct buf *out, bool *apps_left_out)
{
	static const struct described files[] = {
		{"runscript", "runscript"},	{"test", "test"},
		{"helpfile", "runscript.help"}, {"deffile", "Singularity"},
		{"startscript", "startscript"}, {NULL, NULL},
	};

	*apps_left_out = false;
	buf_puts(out, "{\"data\":{\"attributes\":{");
	TRY(put_apps(out, root_fd, apps_left_out));
	TRY(put_attributes(out, root_fd, "/.singularity.d", files));
	buf_puts(out, "}},\"type\":\"container\"}\n");
	return NULL;
}
