/* SPDX-License-Identifier: MIT
 * path_list.c - see path_list.h.
 */
#include "engine/tree/path_list.h"

#include <stdlib.h>
#include <string.h>

struct err *path_list_add(struct path_list *list, char *text)
{
	/* What malloc(3) adds, and the pointer. */
	list->bytes += strlen(text) + 24;
	vec_push(list, text);
	if (list->bytes <= PATH_LIST_MAX)
		return NULL;
	return err_hint(err_new(ERR_SYNTAX, "it stands for names of more than %d MiB",
				PATH_LIST_MAX >> 20),
			"name the folder that they lie in");
}

void path_list_release(struct path_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i]);
	vec_free(list);
}
