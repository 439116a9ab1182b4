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

/* As the package manager will: dnf.conf(5), "Repository Variables". */
static char *expand(const struct agent_context *c, const char *url, const char *release)
{
	const char *arch = rpm_arch(&c->platform);
	char *out = xstrdup(url);

	(void)replace(&out, "$basearch", arch);
	(void)replace(&out, "${basearch}", arch);
	(void)replace(&out, "$releasever", release);
	(void)replace(&out, "${releasever}", release);
	(void)replace(&out, "$arch", arch);
	return out;
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
