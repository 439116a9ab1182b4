/* SPDX-License-Identifier: MIT
 * rpm_repository.c - see rpm_repository.h.
 */
#include "engine/agent/rpm_repository.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "engine/agent/package_index.h"

/* Replace each `name` in `text`, in any case; true if there was one. */
static bool replace(char **text, const char *name, const char *value)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	const char *rest = *text, *at;
	bool found = false;

	while ((at = strcasestr(rest, name)) != NULL) {
		buf_append(&out, rest, (size_t)(at - rest));
		buf_puts(&out, value);
		rest = at + strlen(name);
		found = true;
	}
	if (!found)
		return false;
	buf_puts(&out, rest);
	free(*text);
	*text = buf_steal(&out);
	return true;
}

char *rpm_repository_url(const struct step_base *base, const char *key, bool *uses)
{
	const char *version = step_base_header(base, "osversion");
	const char *value = step_base_header(base, key);
	char *url = value ? xstrdup(value) : NULL;

	if (url && version && replace(&url, "%{OSVERSION}", version))
		*uses = true;
	return url;
}

/* How rpm calls an architecture that Go calls otherwise. */
static const char *rpm_arch(const struct oci_platform *p)
{
	static const struct {
		const char *go, *rpm;
	} rows[] = {
		{"amd64", "x86_64"},
		{"arm64", "aarch64"},
		{"386", "i386"},
		{"arm", "armhfp"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].go, p->architecture) == 0)
			return rows[i].rpm;
	return p->architecture;
}

/* "15" of "15.6", and what is behind the dot. */
static char *major_of(const char *release)
{
	return xstrndup(release, strcspn(release, "."));
}

static const char *minor_of(const char *release)
{
	const char *dot = strchr(release, '.');

	return dot ? dot + 1 : "";
}

static bool is_in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* The name behind a `$`, with or without braces; `*len` is of all of it. */
static struct str name_at(const char *text, size_t *len)
{
	bool has_brace = text[1] == '{';
	const char *name = text + (has_brace ? 2 : 1);
	size_t n = 0;

	while (is_in_name(name[n]))
		n++;
	if (has_brace && name[n] != '}')
		n = 0;
	*len = (size_t)(name - text) + n + (has_brace ? 1 : 0);
	return str_make(name, n);
}

/* As the package manager will: dnf.conf(5), "Repository Variables"; what is none of these
 * stays. */
static char *expand(const struct agent_context *c, const char *url, const char *release)
{
	CLEANUP(freep) char *major = major_of(release);
	const struct {
		const char *name, *value;
	} rows[] = {
		{"basearch", rpm_arch(&c->platform)},
		{"arch", rpm_arch(&c->platform)},
		{"releasever", release},
		{"releasever_major", major},
		{"releasever_minor", minor_of(release)},
	};
	struct buf out = BUF_INIT;

	for (const char *p = url; *p;) {
		size_t len = 1;
		struct str name = *p == '$' ? name_at(p, &len) : STR("");
		const char *value = NULL;

		if (name.len == 0)
			len = 1;
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (str_is(name, rows[i].name))
				value = rows[i].value;
		if (value)
			buf_puts(&out, value);
		else
			buf_append(&out, p, len);
		p += len;
	}
	return buf_steal(&out);
}

struct err *rpm_repository_add(const struct agent_context *c, struct key *key,
			       const char *part, const char *url, const char *release)
{
	static const char *const files[] = {"repodata/repomd.xml", NULL};
	CLEANUP(freep) char *real = NULL;
	CLEANUP(freep) char *text = NULL;
	char hex[DIGEST_TEXT_SIZE];
	struct digest index;

	if (!url) {
		key_set_text(key, part, NULL);
		return NULL;
	}
	real = expand(c, url, release);
	TRY(package_index_find(c, real, files, &index));
	text = xasprintf("%s %s", digest_format(&index, hex), url);
	key_set_text(key, part, text);
	return NULL;
}
