/* SPDX-License-Identifier: MIT
 * http_fault.c - what a failure of curl means: may another try succeed, and what to do.
 */
#include "base/str.h"
#include "engine/net/http_private.h"

static const char reach_hint[] =
	"check the name, the network and the proxy; a mirror may have it "
	"(--registry-mirror), and with --offline the cache is enough for what was built "
	"before";
static const char trust_hint[] =
	"name the file of its authority in SSL_CERT_FILE, or put it into "
	"~/.config/containers/certs.d/HOST:PORT/ca.crt";
static const char proxy_hint[] = "check http_proxy, https_proxy, all_proxy and no_proxy";

/* Curl takes lines of 100 KiB; for longer ones it returns this or, in later versions,
 * CURLE_TOO_LARGE. (A process that is really out of memory ends in xmalloc().) */
#if LIBCURL_VERSION_NUM >= 0x080600
#define LINE_TOO_LONG CURLE_TOO_LARGE
#else
#define LINE_TOO_LONG CURLE_OUT_OF_MEMORY
#endif

/* After a failure that is not listed here, another try may succeed. */
static const struct fault {
	CURLcode code;
	enum err_code means;
	const char *hint;
} faults[] = {
	{CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, reach_hint},
	{CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, reach_hint},
	/* curl's own time limit covers only a connection that does not come about. */
	{CURLE_OPERATION_TIMEDOUT, ERR_UNREACHABLE, reach_hint},
	/* A server without TLS, one that refuses ours, or one that is ending. */
	{CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, NULL},
	{CURLE_COULDNT_RESOLVE_PROXY, ERR_PROTOCOL, proxy_hint},
	{CURLE_PROXY, ERR_PROTOCOL, proxy_hint},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL, NULL},
	{CURLE_URL_MALFORMAT, ERR_PROTOCOL, NULL},
	{LINE_TOO_LONG, ERR_CORRUPT, NULL},
	{CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL, NULL},
	{CURLE_BAD_CONTENT_ENCODING, ERR_PROTOCOL, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, ERR_PROTOCOL, trust_hint},
	{CURLE_SSL_CACERT_BADFILE, ERR_PROTOCOL, trust_hint},
	{CURLE_SSL_ISSUER_ERROR, ERR_PROTOCOL, trust_hint},
	{CURLE_SSL_INVALIDCERTSTATUS, ERR_PROTOCOL, NULL},
	{CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_PROTOCOL, NULL},
	{CURLE_SSL_CERTPROBLEM, ERR_PROTOCOL, NULL},
	{CURLE_SSL_CLIENTCERT, ERR_PROTOCOL, NULL},
	{CURLE_SSL_CIPHER, ERR_PROTOCOL, NULL},
	{CURLE_SSL_ENGINE_INITFAILED, ERR_PROTOCOL, NULL},
};

static const char *text_of(const struct exchange *x, CURLcode code)
{
	if (code == LINE_TOO_LONG)
		return "headers of more than 100 KiB in a line";
	return x->error[0] ? x->error : curl_easy_strerror(code);
}

static const struct fault *find(CURLcode code)
{
	static const struct fault other = {CURLE_OK, ERR_NETWORK, NULL};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].code == code)
			return &faults[i];
	return &other;
}

/* What a proxy answered to CONNECT, if that is why there is no connection. */
static struct err *tunnel_error(const struct exchange *x)
{
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return NULL;
	return err_hint(
		err_new(status >= 500 ? ERR_NETWORK : ERR_PROTOCOL,
			"the proxy answers with HTTP status %ld%s", status,
			status == 407 ? ": it needs a user name and a password" : ""),
		status == 407
			? "write them into the variable: http://NAME:PASSWORD@HOST:PORT"
			: proxy_hint);
}

struct err *fault_error(const struct exchange *x, CURLcode code)
{
	const struct fault *fault = find(code);
	bool by_proxy = x->proxy && x->proxy[0];
	struct err *e = by_proxy ? tunnel_error(x) : NULL;

	if (e)
		return e;
	e = err_new(fault->means, "%s%s", text_of(x, code),
		    by_proxy ? " (through a proxy)" : "");
	return fault->hint ? err_hint(e, "%s",
				      by_proxy && fault->hint == reach_hint ? proxy_hint
									    : fault->hint)
			   : e;
}
