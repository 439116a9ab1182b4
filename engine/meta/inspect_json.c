/* SPDX-License-Identifier: MIT
 * inspect_json.c - the SIF's inspect-metadata.json: what `apptainer inspect` shows
 * without mounting the image.  Keys are in Apptainer's order; empty ones are left out,
 * except the files of the environment, which are listed one by one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
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

enum if_empty { LEAVE_OUT, PUT_ANYWAY };

/* The member `key` from a file of the image.  Line ends at the end are cut, blanks are
 * not. */
static struct err *put_file(struct buf *out, int root_fd, const char *key,
			    const char *path, enum if_empty if_empty)
{
	CLEANUP(buf_release) struct buf content = BUF_INIT;
	struct err *e = root_read(root_fd, path, &content);
	struct str text;

	if (e && err_code(e) == ERR_NOTFOUND) {
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

static struct err *put_environment(struct buf *out, int root_fd)
{
	CLEANUP(buf_release) struct buf members = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct dirent **entries = NULL;
	struct err *e = NULL;
	int n;

	TRY(path_open(root_fd, "/.singularity.d/env", O_RDONLY | O_DIRECTORY, 0, &fd));
	n = scandirat(fd, ".", &entries, is_listed, by_name);
	if (n < 0)
		return err_sys("'/.singularity.d/env' in the image");
	buf_putc(&members, '{');
	for (int i = 0; i < n; i++) {
		CLEANUP(freep)
		char *path = path_join("/.singularity.d/env", entries[i]->d_name);

		if (!e)
			e = put_file(&members, root_fd, path, path, PUT_ANYWAY);
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

static struct err *put_labels(struct buf *out, int root_fd)
{
	CLEANUP(labels_release) struct labels labels = LABELS_INIT;

	TRY(labels_load(root_fd, &labels));
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

struct err *sections_inspect_json(int root_fd, struct buf *out)
{
	static const struct {
		const char *key, *path;
	} files[] = {
		{"runscript", "/.singularity.d/runscript"},
		{"test", "/.singularity.d/test"},
		{"helpfile", "/.singularity.d/runscript.help"},
		{"deffile", "/.singularity.d/Singularity"},
		{"startscript", "/.singularity.d/startscript"},
	};

	buf_puts(out, "{\"data\":{\"attributes\":{");
	TRY(put_environment(out, root_fd));
	TRY(put_labels(out, root_fd));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		TRY(put_file(out, root_fd, files[i].key, files[i].path, LEAVE_OUT));
	buf_puts(out, "}},\"type\":\"container\"}\n");
	return NULL;
}
