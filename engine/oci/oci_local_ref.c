/* SPDX-License-Identifier: MIT
 * oci_local_ref.c - see oci_local_ref.h.
 */
#include "engine/oci/oci_local_ref.h"

#include <stdlib.h>
#include <string.h>

static const char DIGEST[] = "@sha256:";

struct err *oci_local_ref_parse(const char *text, struct oci_local_ref *out)
{
	struct str rest = str_of(text), path, name;
	const char *at = strstr(text, DIGEST);

	*out = (struct oci_local_ref){0};
	if (at && !digest_parse(str_of(at + 1), &out->digest))
		return err_new(ERR_SYNTAX, "'%s' is not a digest", at + 1);
	if (at)
		rest.len = (size_t)(at - text);
	str_cut(rest, ':', &path, &name);
	if (path.len == 0)
		return err_new(ERR_SYNTAX, "'%s' has no path", text);
	out->path = str_dup(path);
	if (name.len > 0)
		out->name = str_dup(name);
	return NULL;
}

void oci_local_ref_release(struct oci_local_ref *r)
{
	free(r->path);
	free(r->name);
	*r = (struct oci_local_ref){0};
}
