/* SPDX-License-Identifier: MIT
 * library.c - see library.h.
 *
 * The requests are `v1/images/NAME?arch=ARCH`, which tells digest and size, and
 * `v1/imagefile/NAME?arch=ARCH`, which is the file, or leads to it.  Both take
 * "PATH:sha256.HEX" for a name, so that a tag may move between them.
 *
 * Left out: `v1/oci-redirect`, by which newer servers lead to a registry; they answer the
 * other requests as well.
 */
#include "engine/oci/library.h"

#include <stdlib.h>
#include <string.h>

#include "engine/net/url.h"
#include "engine/oci/oci_sif.h"

enum { PATH_BYTES_MAX = 255, TAG_BYTES_MAX = 128 };

static const char IN_NAMES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789._-";

void library_ref_release(struct library_ref *r)
{
	oci_ref_release(&r->image);
	free(r->base);
	r->base = NULL;
}

/* ---- references ---- */

static bool is_word(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.data[n] && strchr(IN_NAMES, s.data[n]))
		n++;
	return s.len > 0 && n == s.len && s.data[0] != '.' && s.data[0] != '-';
}

static struct err *invalid(const char *from, const char *why)
{
	return err_hint(
		err_new(ERR_SYNTAX, "'%s' is not an image of a library: %s", from, why),
		"write '[ENTITY/COLLECTION/]CONTAINER:TAG', such as "
		"library/default/alpine:3.17");
}

static size_t count_slashes(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.data[i] == '/';
	return n;
}

/* A tag that is the digest of the file. */
static bool parse_digest(struct str tag, struct digest *out)
{
	CLEANUP(freep) char *text = NULL;

	if (!str_starts_with(tag, "sha256."))
		return false;
	text = xasprintf("sha256:%.*s", STR_ARG(str_slice(tag, 7, tag.len)));
	return digest_parse(str_of(text), out);
}

static struct err *parse_name(const char *from, struct str name, struct oci_ref *out)
{
	struct str path, tags, tag, rest, word;
	bool has_tag = str_cut(name, ':', &path, &tags);
	bool more = true;

	str_cut(has_tag ? tags : STR("latest"), ',', &tag, &rest);
	if (path.len > PATH_BYTES_MAX || tag.len > TAG_BYTES_MAX)
		return invalid(from, "it is too long");
	if (!is_word(tag))
		return invalid(from, "the tag is not one");
	if (count_slashes(path) > 2)
		return invalid(from, "the path has more than three parts");
	out->repository = str_dup(path);
	out->tag = str_dup(tag);
	(void)parse_digest(tag, &out->digest);
	while (more) {
		more = str_cut(path, '/', &word, &path);
		if (!is_word(word))
			return invalid(from,
				       "a part of the path is empty, or has characters "
				       "other than letters, digits, '.', '_' and '-'");
	}
	return NULL;
}

/* `server` as a URL; one that is only a host's is asked as a registry is. */
static struct err *take_server(const char *server, struct library_ref *out)
{
	CLEANUP(freep)
	char *url =
		strstr(server, "://") ? xstrdup(server) : xasprintf("https://%s", server);
	size_t len = strlen(url);
	bool is_https = false;
	const char *rest;

	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
	if (strchr(url, '@'))
		return err_hint(err_new(ERR_USAGE,
					"a library's URL has a name or password "
					"in it"),
				"write 'https://HOST'; credentials come from where those "
				"of registries are");
	if (strpbrk(url, "?#") || !url_split(url, &is_https, &out->image.host))
		return err_hint(
			err_new(ERR_USAGE, "'%s' is not the URL of a library", server),
			"write 'https://HOST'");
	rest = strchr(strstr(url, "://") + 3, '/');
	if (!is_https || rest)
		out->base = STEAL(url);
	return NULL;
}

static struct err *parse(const char *from, const char *server, struct library_ref *out)
{
	struct str name = str_of(from), host;

	if (str_starts_with(name, "library:"))
		name = str_slice(name, strlen("library:"), name.len);
	if (str_starts_with(name, "//"))
		name = str_slice(name, 2, name.len);
	if (count_slashes(name) > 2) {
		CLEANUP(freep) char *text = NULL;

		str_cut(name, '/', &host, &name);
		text = str_dup(host);
		TRY(take_server(text, out));
	} else if (server) {
		TRY(take_server(server, out));
	}
	return parse_name(from, name, &out->image);
}

struct err *library_ref_parse(const char *from, const char *server,
			      struct library_ref *out)
{
	struct err *e;

	*out = (struct library_ref)LIBRARY_REF_INIT;
	e = parse(from, server, out);
	if (e)
		library_ref_release(out);
	return e;
}

char *library_ref_format(const struct library_ref *r)
{
	const char *server = r->base ? r->base : r->image.host;
	/* A URL may have a path of its own, which must not run into the image's. */
	const char *slash = r->base ? "//" : server ? "/" : "";

	return xasprintf("%s%s%s:%s", server ? server : "", slash, r->image.repository,
			 r->image.tag);
}

/* ---- requests ---- */

/* "/v1/images/lab/tool:1?arch=amd64", for free(). */
static char *path_of(const char *kind, const struct library_ref *ref, const char *tag,
		     const char *arch)
{
	return xasprintf("/v1/%s/%s:%s?arch=%s", kind, ref->image.repository, tag, arch);
}

static struct registry_place place_of(const struct library_ref *ref, const char *path)
{
	return (struct registry_place){
		.ref = &ref->image, .base = ref->base, .path = path};
}

/* "sha256.HEX", and by other servers "sha256:HEX". */
static bool read_hash(const char *text, struct digest *out)
{
	return text && (parse_digest(str_of(text), out) ||
			(digest_parse(str_of(text), out) && out->kind == DIGEST_SHA256));
}

static struct err *read_image(const struct library_ref *ref, struct str text,
			      struct oci_descriptor *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *data;

	TRY(oci_document_parse(text, &tree));
	data = json_object(tree, "data");
	if (!data || !read_hash(json_string(data, "hash"), &out->digest) ||
	    !json_u64(data, "size", &out->size) || out->size == 0)
		return err_new(ERR_CORRUPT,
			       "the library's answer has no digest and size of '%s'",
			       ref->image.repository);
	if (!json_bool(data, "uploaded", true))
		return err_new(ERR_NOTFOUND, "it has not been uploaded to the end");
	if (out->size > OCI_SIF_BYTES_MAX)
		return err_new(ERR_CORRUPT, "it has more than 1 TiB");
	return NULL;
}

/* A client, and what it asks for. */
struct library_asking {
	struct registry *registry;
	const struct library_ref *ref;
	const char *arch;
	const struct registry_watch *watch;
};

static struct err *look_up(const struct library_asking *a, const char *tag,
			   struct oci_descriptor *out)
{
	CLEANUP(freep) char *path = path_of("images", a->ref, tag, a->arch);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct registry_place place = place_of(a->ref, path);

	TRY(registry_fetch_json(a->registry, &place, a->watch, &text));
	return read_image(a->ref, str_make(buf_text(&text), text.len), out);
}

struct err *library_resolve(struct registry *r, const struct library_ref *ref,
			    const char *arch, const struct registry_watch *watch,
			    struct digest *out)
{
	struct library_asking a = {r, ref, arch, watch};
	struct oci_descriptor image = {0};

	TRY(look_up(&a, ref->image.tag, &image));
	*out = image.digest;
	return NULL;
}

/* By its digest; or by the tag, for a server that knows no other names, if the tag has
 * it.  `tag`, of TAG_BYTES_MAX + 1 bytes, is what the server knows it by. */
static struct err *find_file(const struct library_asking *a, const struct digest *file,
			     char *tag, struct oci_descriptor *out)
{
	const char *own = a->ref->image.tag;
	struct err *e, *by_tag;
	char hex[DIGEST_TEXT_SIZE];

	snprintf(tag, TAG_BYTES_MAX + 1, "sha256.%s", digest_hex(file, hex));
	e = look_up(a, tag, out);
	if (e && (err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_PROTOCOL)) {
		by_tag = look_up(a, own, out);
		if (by_tag) {
			err_ignore(by_tag, "what is wanted is the digest");
			return e;
		}
		err_ignore(e, "the tag may have it");
		snprintf(tag, TAG_BYTES_MAX + 1, "%s", own);
		e = NULL;
	}
	TRY(e);
	if (digest_equal(&out->digest, file))
		return NULL;
	return err_hint(err_new(ERR_NOTFOUND,
				"the library does not have the file 'sha256.%s' any more",
				hex),
			"build with what the name stands for now: --refresh, or "
			"'dagbuild lock --update'");
}

struct err *library_fetch(struct registry *r, const struct library_ref *ref,
			  const char *arch, const struct digest *file,
			  struct store *store, const struct registry_watch *watch)
{
	struct library_asking a = {r, ref, arch, watch};
	CLEANUP(freep) char *path = NULL;
	char tag[TAG_BYTES_MAX + 1];
	struct oci_descriptor blob = {0};
	struct registry_place place;

	if (blob_exists(store, file))
		return NULL;
	TRY(find_file(&a, file, tag, &blob));
	path = path_of("imagefile", ref, tag, arch);
	place = place_of(ref, path);
	return registry_fetch_file(r, &place, &blob, store, watch);
}
