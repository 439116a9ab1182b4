/* SPDX-License-Identifier: MIT
 * trust.c - see trust.h.
 */
#include "engine/net/trust.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"

/* All authorities of a distribution are a quarter of a megabyte. */
static const size_t AUTHORITIES_MAX = (size_t)4 << 20;

/* A file without a certificate would make curl refuse all of them. */
static void add_file(struct buf *out, const char *path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct stat st;

	/* We would have to wait for a pipe. */
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	err_ignore(fs_read_file(AT_FDCWD, path, AUTHORITIES_MAX, &text),
		   "others do not tell either");
	if (!strstr(buf_text(&text), "CERTIFICATE-----") ||
	    out->len + text.len >= AUTHORITIES_MAX)
		return;
	buf_append(out, buf_text(&text), text.len);
	buf_putc(out, '\n');
}

/* Calls `visit` for the names in a folder, in their order. */
static void each_file(const char *folder,
		      void (*visit)(struct trust *t, const char *folder,
				    const char *name),
		      struct trust *t)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		visit(t, folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* ---- SSL_CERT_FILE, SSL_CERT_DIR ---- */

/* "5ed36f99.0", as OpenSSL finds them by itself. */
static bool is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       strspn(name + 9, "0123456789") == strlen(name + 9);
}

static void add_unhashed(struct trust *t, const char *folder, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", folder, name);

	if (!is_hashed(name))
		add_file(&t->authorities, path);
}

static void read_environment(struct trust *t)
{
	const char *file = getenv("SSL_CERT_FILE"), *folders = getenv("SSL_CERT_DIR");

	if (file && file[0])
		add_file(&t->authorities, file);
	if (!folders || !folders[0])
		return;
	t->folder = xstrdup(folders);
	for (struct str rest = str_of(folders), one; rest.len > 0;) {
		CLEANUP(freep) char *folder = NULL;

		str_cut(rest, ':', &one, &rest);
		folder = str_dup(one);
		each_file(folder, add_unhashed, t);
	}
}

/* ---- certs.d ---- */

static void add_authority(struct trust *t, const char *folder, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", folder, name);

	if (str_ends_with(str_of(name), ".crt"))
		add_file(&t->authorities, path);
}

/* The first NAME.cert, and NAME.key. */
static void take_pair(struct trust *t, const char *folder, const char *name)
{
	struct str stem = str_of(name);

	if (t->certificate || !str_ends_with(stem, ".cert"))
		return;
	stem = str_slice(stem, 0, stem.len - strlen(".cert"));
	t->certificate = xasprintf("%s/%s", folder, name);
	t->key = xasprintf("%s/%.*s.key", folder, STR_ARG(stem));
}

static struct err *read_host_folder(struct trust *t, const char *folder)
{
	struct stat st;

	each_file(folder, add_authority, t);
	each_file(folder, take_pair, t);
	if (t->key && stat(t->key, &st) != 0)
		return err_hint(err_new(ERR_PROTOCOL,
					"the certificate '%s' has no key next to it",
					t->certificate),
				"put the key there as '%s'", t->key);
	return NULL;
}

static struct err *find_host_folder(struct trust *t, const char *host)
{
	static const struct {
		bool in_home;
		const char *path;
	} places[] = {
		{true, ".config/containers/certs.d"},
		{false, "/etc/containers/certs.d"},
		{true, ".config/docker/certs.d"},
		{false, "/etc/docker/certs.d"},
	};
	const char *home = getenv("HOME");

	/* It becomes a name in a path. */
	if (host[0] == '.' || strchr(host, '/'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		CLEANUP(freep) char *folder = NULL;
		struct stat st;

		if (places[i].in_home && (!home || home[0] != '/'))
			continue;
		folder = xasprintf("%s%s%s/%s", places[i].in_home ? home : "",
				   places[i].in_home ? "/" : "", places[i].path, host);
		if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
			return read_host_folder(t, folder);
	}
	return NULL;
}

struct err *trust_find(const char *host, struct trust *out)
{
	const char *own = curl_version_info(CURLVERSION_NOW)->cainfo;

	read_environment(out);
	TRY(find_host_folder(out, host));
	/* They are added to those that curl would have used, as in Go's clients, which
	 * read the host's folders in any case. */
	if (out->authorities.len > 0 && own)
		add_file(&out->authorities, own);
	return NULL;
}

void trust_release(struct trust *t)
{
	buf_release(&t->authorities);
	free(t->folder);
	free(t->certificate);
	free(t->key);
	*t = (struct trust)TRUST_INIT;
}
