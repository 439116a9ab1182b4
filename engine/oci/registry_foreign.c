/* SPDX-License-Identifier: MIT
 * registry_foreign.c - blobs that a registry does not have, at the URLs that the manifest
 * gives.
 *
 * Descriptors may have URLs (oci-image-spec, descriptor.md): layers that only their owner
 * may hand out have them.  The author of the manifest sends us there, as by a redirect:
 * the same rules hold, and no credentials are sent.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/oci/registry_private.h"

/* The registry itself, whatever has answered in its place. */
static char *origin_of(const struct registry *r, const struct oci_ref *ref)
{
	bool plain = r->options.no_https || host_reach(ref->host) == HOST_LOOPBACK;

	return xasprintf("http%s://%s", plain ? "" : "s", ref->host);
}

struct err *registry_send_foreign(struct registry *r,
				  const struct registry_request *request, const char *url,
				  struct http_response *out)
{
	CLEANUP(freep) char *origin = origin_of(r, request->ref);
	CLEANUP(freep) char *host = NULL;
	CLEANUP(freep) char *base = NULL;
	CLEANUP(freep) char *path = NULL;
	const char *rest = strstr(url, "://");
	struct registry_request elsewhere = *request;
	struct endpoint endpoint = {.keep_from = registry_keep_from(r, origin)};
	bool is_https = false;

	TRY(registry_check_redirect(r, origin, url));
	if (!rest || !url_split(url, &is_https, &host))
		return err_new(ERR_PROTOCOL, "'%s' is not a valid URL", url);
	rest += strlen("://");
	rest += strcspn(rest, "/?#");
	base = xasprintf("http%s://%s", is_https ? "s" : "", host);
	path = xstrndup(rest, strcspn(rest, "#"));
	endpoint.base = base;
	elsewhere.path = path;
	return registry_send_to(r, &elsewhere, &endpoint, &registry_hasty, out);
}
