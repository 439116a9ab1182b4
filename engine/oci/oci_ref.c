/* SPDX-License-Identifier: MIT
 * oci_ref.c - see oci_ref.h; the grammar is that of the distribution project's reference
 * package.
 */
#include "engine/oci/oci_ref.h"

#include <stdlib.h>
#include <string.h>

static const size_t NAME_MAX_BYTES = 255;
static const size_t TAG_MAX_BYTES = 128;

void oci_ref_release(struct oci_ref *r)
{
	free(r->host);
	free(r->repository);
	free(r->tag);
	*r = (struct oci_ref)OCI_REF_INIT;
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Runs of letters and digits, separated by one of: `.`, `_`, `__`, or any number of `-`.
 */
static bool component_is_valid(struct str s)
{
	size_t i = 0;

	for (;;) {
		size_t run = i;
		char separator;

		while (i < s.len && is_lower_or_digit(s.data[i]))
			i++;
		if (i == run)
			return false;
		if (i == s.len)
			return true;
		separator = s.data[i];
		run = i;
		while (i < s.len && s.data[i] == separator)
			i++;
		if (separator == '.'   ? i - run > 1
		    : separator == '_' ? i - run > 2
				       : separator != '-')
			return false;
	}
}

static bool repository_is_valid(struct str s)
{
	struct str component;
	bool more = true;

	while (more) {
		more = str_cut(s, '/', &component, &s);
		if (!component_is_valid(component))
			return false;
	}
	return true;
}

static bool tag_is_valid(struct str s)
{
	if (s.len == 0 || s.len > TAG_MAX_BYTES || s.data[0] == '.' || s.data[0] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && c != '_' &&
		    c != '.' && c != '-')
			return false;
	}
	return true;
}

/* Letters, digits, and what is in `also`. */
static bool holds_only(struct str s, const char *also)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = char_lower(s.data[i]);

		if (!is_lower_or_digit(c) && !(c && strchr(also, c)))
			return false;
	}
	return s.len > 0;
}

/* Labels separated by dots, or an address in brackets. */
static bool host_name_is_valid(struct str s)
{
	struct str label;
	bool more = true;

	if (str_starts_with(s, "[") && str_ends_with(s, "]"))
		return holds_only(str_slice(s, 1, s.len - 1), ":.");
	while (more) {
		more = str_cut(s, '.', &label, &s);
		if (!holds_only(label, "-") || str_starts_with(label, "-") ||
		    str_ends_with(label, "-"))
			return false;
	}
	return true;
}

static bool host_is_valid(struct str s)
{
	size_t end = s.len;
	uint64_t port;

	while (end > 0 && s.data[end - 1] != ':' && s.data[end - 1] != ']')
		end--;
	if (end == 0 || s.data[end - 1] == ']')
		return host_name_is_valid(s);
	return str_to_u64(str_slice(s, end, s.len), &port) && port > 0 &&
	       port <= UINT16_MAX && host_name_is_valid(str_slice(s, 0, end - 1));
}

static bool looks_like_host(struct str s)
{
	return str_find(s, '.') < s.len || str_find(s, ':') < s.len ||
	       str_is(s, "localhost");
}

/* Splits `name`, without tag and digest, into host and repository. */
static struct err *split_name(const char *text, struct str name, struct oci_ref *out)
{
	struct str first, rest;
	bool has_host = str_cut(name, '/', &first, &rest) && looks_like_host(first);

	if (!has_host)
		rest = name;
	if (has_host && !host_is_valid(first))
		return err_new(
			ERR_SYNTAX,
			"'%s' is not an image reference: the host '%.*s' is malformed",
			text, STR_ARG(first));
	if (!repository_is_valid(rest))
		return err_hint(
			err_new(ERR_SYNTAX,
				"'%s' is not an image reference: the name '%.*s' is "
				"malformed",
				text, STR_ARG(rest)),
			"names are lower-case letters, digits and . _ - /, as in "
			"alpine:3.17 or ghcr.io/owner/name:tag");
	if (!has_host || str_is(first, "docker.io") || str_is(first, "index.docker.io")) {
		out->host = xstrdup("docker.io");
		out->repository = str_find(rest, '/') < rest.len
					  ? str_dup(rest)
					  : xasprintf("library/%.*s", STR_ARG(rest));
		return NULL;
	}
	out->host = str_dup(first);
	out->repository = str_dup(rest);
	return NULL;
}

struct err *oci_ref_parse(const char *text, struct oci_ref *out)
{
	struct str name, digest, tag = STR(""), rest;
	bool has_digest = str_cut(str_of(text), '@', &name, &digest);
	size_t colon;

	oci_ref_release(out);
	if (name.len > NAME_MAX_BYTES + 1 + TAG_MAX_BYTES)
		return err_new(ERR_SYNTAX, "an image reference of %zu bytes", name.len);
	if (has_digest && !digest_parse(digest, &out->digest))
		return err_new(
			ERR_SYNTAX,
			"'%s' is not an image reference: '%.*s' is not a sha256 digest",
			text, STR_ARG(digest));
	if (has_digest && out->digest.kind != DIGEST_SHA256)
		return err_new(ERR_SYNTAX,
			       "'%s' is not an image reference: not a sha256 digest",
			       text);
	/* A colon after the last slash begins the tag; one before it is a port. */
	colon = name.len;
	while (colon > 0 && name.data[colon - 1] != ':' && name.data[colon - 1] != '/')
		colon--;
	if (colon > 0 && name.data[colon - 1] == ':') {
		tag = str_slice(name, colon, name.len);
		rest = str_slice(name, 0, colon - 1);
		if (!tag_is_valid(tag))
			return err_new(ERR_SYNTAX,
				       "'%s' is not an image reference: the tag '%.*s' "
				       "is malformed",
				       text, STR_ARG(tag));
		name = rest;
	}
	TRY(split_name(text, name, out));
	if (tag.len > 0)
		out->tag = str_dup(tag);
	else if (!has_digest)
		out->tag = xstrdup("latest");
	return NULL;
}

char *oci_ref_format(const struct oci_ref *r)
{
	char text[DIGEST_TEXT_SIZE];
	bool has_digest = digest_is_set(&r->digest);

	return xasprintf("%s/%s%s%s%s%s", r->host, r->repository, r->tag ? ":" : "",
			 r->tag ? r->tag : "", has_digest ? "@" : "",
			 has_digest ? digest_format(&r->digest, text) : "");
}
