/* SPDX-License-Identifier: MIT
 * apps.h - the apps of an image: the Scientific Filesystem (SCIF) below `/scif`.
 *
 * Purpose:   what the sections of a definition's apps leave in the root filesystem:
 *            folders, scripts, labels, and the variables that lead to all apps.  Layout
 *            and names are those of Apptainer; the SCIF specification
 *            (https://sci-f.github.io/specification) has the same folders.
 * Ownership: texts are borrowed.
 * Threads:   any.
 * Errors:    as root_file.h.
 */
#ifndef ENGINE_META_APPS_H
#define ENGINE_META_APPS_H

#include "base/err.h"
#include "engine/meta/sections.h"

#define APPS_FOLDER "/scif/apps"
/* The variables that lead to all apps. */
#define APPS_EXPORTS "/.singularity.d/env/94-appsbase.sh"

struct app {
	const char *name; /* without `/`, and neither "." nor ".." */
	/* `%appenv`, `%apphelp`, `%apprun`, `%appstart`, `%apptest`: bodies only, since
	 * what follows the name counts nowhere.  NULL: absent. */
	const char *env, *help, *run, *start, *test;
	struct section_labels labels; /* of `%applabels` */
};

struct apps {
	const struct app *items;
	size_t len;
};

/* Folders and scripts of all apps; what `%appfiles` names is copied after this. */
NODISCARD struct err *apps_write(int root_fd, const struct apps *apps);
/* After the files are there: the labels of all apps, and the variables that lead to what
 * each has, in place of those that the base image has. */
NODISCARD struct err *apps_finish(int root_fd, const struct apps *apps);

#endif
