/* SPDX-License-Identifier: MIT
 * seal.c - see seal.h: writing and reading it; seal_compute.c has the rest.
 *
 * Reading a layer once more when it is published costs little: it was just written, and
 * is still in memory.  A digest made later, at the first `cache verify`, would take
 * damage for the truth.
 */
#include "cache/seal.h"

#include <string.h>
#include <sys/xattr.h>

#include "cache/seal_private.h"

static const char ATTRIBUTE[] = "user.overlay.seal";
static const char IDENTITY[] = "user.overlay.id";

enum { SEAL_SIZE = 1 + 16 + 8 + 8 }; /* version, XXH3 digest, bytes, files */

static void put_u64(unsigned char *out, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_u64(const unsigned char *from)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | from[i];
	return value;
}

struct err *seal_make(const struct seal_request *request, struct seal *out)
{
	unsigned char data[SEAL_SIZE] = {SEAL_VERSION};
	char path[SEAL_PATH_SIZE];

	TRY(seal_compute(request, out));
	memcpy(data + 1, out->digest.bytes, 16);
	put_u64(data + 17, out->usage.bytes);
	put_u64(data + 25, out->usage.files);
	seal_path(request->dir_fd, request->name, path);
	if (lsetxattr(path, ATTRIBUTE, data, sizeof(data), 0) != 0)
		return err_sys("seal of layer '%s'", request->name);
	if (digest_is_set(&out->tree) &&
	    lsetxattr(path, IDENTITY, out->tree.bytes, sizeof(out->tree.bytes), 0) != 0)
		return err_sys("identity of layer '%s'", request->name);
	return NULL;
}

static void read_identity(const char *path, struct digest *out)
{
	struct digest tree = {.kind = DIGEST_SHA256};

	if (lgetxattr(path, IDENTITY, tree.bytes, sizeof(tree.bytes)) ==
	    (ssize_t)sizeof(tree.bytes))
		*out = tree;
}

struct err *seal_read(int dir_fd, const char *name, struct seal *out)
{
	unsigned char data[SEAL_SIZE];
	char path[SEAL_PATH_SIZE];

	seal_path(dir_fd, name, path);
	if (lgetxattr(path, ATTRIBUTE, data, sizeof(data)) != (ssize_t)sizeof(data) ||
	    data[0] == 0 || data[0] > SEAL_VERSION)
		return err_new(ERR_NOTFOUND, "layer '%s' has no seal", name);
	*out = (struct seal){.version = data[0], .digest.kind = DIGEST_XXH3};
	memcpy(out->digest.bytes, data + 1, 16);
	out->usage.bytes = get_u64(data + 17);
	out->usage.files = get_u64(data + 25);
	read_identity(path, &out->tree);
	return NULL;
}

bool seal_is_comparable(const struct seal *seal)
{
	return seal->version == SEAL_VERSION;
}
