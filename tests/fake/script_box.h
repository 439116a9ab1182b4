/* SPDX-License-Identifier: MIT
 * script_box.h - for tests of scripts: a folder, and the lines that a script prints.
 */
#ifndef TESTS_FAKE_SCRIPT_BOX_H
#define TESTS_FAKE_SCRIPT_BOX_H

#include <fcntl.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/vec.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

struct box {
	char *dir;
	int fd;
	VEC(char *) lines;
	struct cancel *cancel;
	bool is_cancelled; /* ask at the line "ready", insist at "asked" */
};

static UNUSED int box_setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));

	b->dir = test_folder_new();
	assert_ok(fs_open(AT_FDCWD, b->dir, O_RDONLY | O_DIRECTORY, 0, &b->fd));
	assert_ok(cancel_new(&b->cancel));
	*state = b;
	return 0;
}

static UNUSED int box_teardown(void **state)
{
	struct box *b = *state;

	for (size_t i = 0; i < b->lines.len; i++)
		free(b->lines.items[i]);
	vec_free(&b->lines);
	cancel_free(b->cancel);
	close(b->fd);
	test_folder_remove(b->dir);
	free(b);
	return 0;
}

/* The context is the box. */
static UNUSED void box_line(void *context, struct str line)
{
	struct box *b = context;

	vec_push(&b->lines, str_dup(line));
	if (b->is_cancelled && str_is(line, "ready"))
		cancel_raise(b->cancel, CANCEL_ASKED);
	if (b->is_cancelled && str_is(line, "asked"))
		cancel_raise(b->cancel, CANCEL_NOW);
}

static UNUSED const char *line(const struct box *b, size_t index)
{
	return index < b->lines.len ? b->lines.items[index] : "(none)";
}

static UNUSED bool exists(const struct box *b, const char *path)
{
	return faccessat(b->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
