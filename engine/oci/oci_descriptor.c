/* SPDX-License-Identifier: MIT
 * oci_descriptor.c - see oci_descriptor.h; oci-image-spec, descriptor.md.
 */
#include "engine/oci/oci_descriptor.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* More is never needed, and is ignored. */
static const size_t URLS_MAX = 8;
static const size_t URL_MAX_BYTES = 4096;

void oci_descriptor_release(struct oci_descriptor *d)
{
	for (size_t i = 0; i < d->n_urls; i++)
		free(d->urls[i]);
	free(d->urls);
	free(d->media_type);
	free(d->data);
	*d = (struct oci_descriptor){0};
}

static struct err *take_digest(const cJSON *item, struct digest *out)
{
	const char *text = json_string(item, "digest");

	if (!text)
		return err_new(ERR_CORRUPT, "a descriptor has no digest");
	if (str_starts_with(str_of(text), "sha512:"))
		return err_new(ERR_UNSUPPORTED,
			       "descriptor '%.140s' has a sha512 digest: only sha256 is "
			       "supported",
			       text);
	if (!digest_parse(str_of(text), out) || out->kind != DIGEST_SHA256)
		return err_new(ERR_CORRUPT, "descriptor '%.140s' has no valid digest",
			       text);
	return NULL;
}

static void take_urls(const cJSON *item, struct oci_descriptor *out)
{
	const cJSON *urls = json_array(item, "urls"), *url;

	if (!urls)
		return;
	out->urls = xcalloc(URLS_MAX, sizeof(*out->urls));
	cJSON_ArrayForEach(url, urls)
	{
		struct str text = str_of(cJSON_GetStringValue(url));

		if (out->n_urls < URLS_MAX && text.len <= URL_MAX_BYTES &&
		    (str_starts_with(text, "https://") ||
		     str_starts_with(text, "http://")))
			out->urls[out->n_urls++] = str_dup(text);
	}
}

/* Included data is used like fetched data: only if it has the digest and size it
 * claims. */
static struct err *take_data(const cJSON *item, struct oci_descriptor *out)
{
	const char *coded = json_string(item, "data");
	struct digest got;
	size_t len, padding;
	int n;

	if (!coded)
		return NULL;
	len = strlen(coded);
	padding = str_ends_with(str_of(coded), "==")  ? 2
		  : str_ends_with(str_of(coded), "=") ? 1
						      : 0;
	out->data = xcalloc(len + 1, 1);
	n = len % 4 == 0 && len < INT32_MAX
		    ? EVP_DecodeBlock((unsigned char *)out->data,
				      (const unsigned char *)coded, (int)len)
		    : -1;
	if (n >= 0 && (uint64_t)n == out->size + padding) {
		got = digest_bytes(DIGEST_SHA256, NULL, out->data, (size_t)out->size);
		if (digest_equal(&got, &out->digest))
			return NULL;
	}
	return err_new(ERR_CORRUPT, "descriptor '%s': its data is not what it says",
		       json_string(item, "digest"));
}

struct err *oci_descriptor_parse(const cJSON *item, struct oci_descriptor *out)
{
	struct str type, parameters;

	TRY(take_digest(item, &out->digest));
	if (!json_u64(item, "size", &out->size))
		return err_new(ERR_CORRUPT, "descriptor '%s' has no valid size",
			       json_string(item, "digest"));
	str_cut(str_of(json_string(item, "mediaType")), ';', &type, &parameters);
	out->media_type = str_dup_lower(str_trim(type));
	take_urls(item, out);
	return take_data(item, out);
}
