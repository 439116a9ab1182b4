/* SPDX-License-Identifier: MIT
 * agent_zypper.c - openSUSE and others, by `zypper`.
 *
 * Apptainer cannot use a repository whose index is not signed; here `SetOpt: gpgcheck=0`
 * says that none needs to be.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/agent/host_packages.h"
#include "engine/agent/rpm_repository.h"

enum { OTHERS_MAX = 20 };

/* Where zypper ends with 107, the packages are there, and some of their scripts
 * failed. */
static const char SCRIPT[] =
	"mirror=$1 update=$2 release=$3 check=$4 include=$5 others=$6\n"
	"export HOME=\"$root/.host\" ZYPP_LOGFILE=\"$root/.host/zypper.log\"\n"
	"printf '%%_var /var\\n%%_dbpath %%{_var}/lib/rpm\\n' >\"$HOME/.rpmmacros\"\n"
	"mkdir -p \"$root/etc/zypp\"\n"
	"printf '[main]\\ncachedir=/var/cache/zypp-bootstrap\\n\\n' "
	">\"$root/etc/zypp/zypp.conf\"\n"
	"zypp() {\n"
	"	\"$zypper\" --non-interactive --root \"$root\" "
	"${release:+--releasever=\"$release\"} \"$@\"\n"
	"}\n"
	"zypper=$0\n"
	"add() {\n"
	"	zypp addrepo $check \"$1\" \"$2\"\n"
	"	zypp --gpg-auto-import-keys refresh --repo \"$2\"\n"
	"}\n"
	"add \"$mirror\" repo\n"
	"[ -z \"$update\" ] || add \"$update\" update\n"
	"n=0\n"
	"for url in $others; do\n"
	"	add \"$url\" repo-$n\n"
	"	n=$((n + 1))\n"
	"done\n"
	"zypp --config \"$root/etc/zypp/zypp.conf\" install --auto-agree-with-licenses "
	"\\\n"
	"	--download-in-advance aaa_base $include || {\n"
	"	status=$?\n"
	"	[ $status = 107 ] || exit $status\n"
	"	echo 'scripts of some packages failed'\n"
	"}\n";
static const char *const REST[] = {"var/cache/zypp", "var/cache/zypp-bootstrap",
				   "run/zypp.pid",   "var/log/zypper.log",
				   "var/log/zypp/*", NULL};

struct zypper {
	char *mirror, *update, *include;
	char *others; /* URLs, separated by blanks */
	const char *release;
	const char *check; /* of signatures: option of addrepo */
};

static void zypper_release(struct zypper *z)
{
	free(z->mirror);
	free(z->update);
	free(z->include);
	free(z->others);
}

/* OtherURL0, OtherURL1, ...: from 0 or 1, as far as there is no gap. */
static char *other_urls(const struct step_base *base)
{
	struct buf out = BUF_INIT;
	bool uses = false;

	for (unsigned i = 0; i <= OTHERS_MAX; i++) {
		CLEANUP(freep) char *key = xasprintf("otherurl%u", i);
		CLEANUP(freep) char *url = rpm_repository_url(base, key, &uses);

		if (!url && i > 0)
			break;
		if (url)
			buf_printf(&out, "%s%s", out.len > 0 ? " " : "", url);
	}
	return buf_steal(&out);
}

static struct zypper zypper_of(const struct step_base *base)
{
	const char *release = step_base_header(base, "osversion");
	const char *setopt = step_base_header(base, "setopt");
	bool uses = false;

	return (struct zypper){
		.mirror = rpm_repository_url(base, "mirrorurl", &uses),
		.update = rpm_repository_url(base, "updateurl", &uses),
		.include = host_packages_list(base, "", ' '),
		.others = other_urls(base),
		.release = release ? release : "",
		.check = setopt && strcmp(setopt, "gpgcheck=0") == 0 ? "--no-gpgcheck"
								     : "",
	};
}

/* All that are given count. */
static struct err *check_others(const struct step_base *base)
{
	CLEANUP(freep) char *used = other_urls(base);
	size_t n_used = used[0] != '\0', n = 0;

	for (const char *p = used; *p; p++)
		n_used += *p == ' ';
	for (size_t i = 0; i < base->headers.len; i++) {
		const struct section_label *h = &base->headers.items[i];

		if (!str_starts_with(str_of(h->name), "otherurl") || !h->value[0])
			continue;
		n++;
		if (strpbrk(h->value, " \t"))
			return err_new(ERR_USAGE, "'%s: %s' is not a URL", h->name,
				       h->value);
	}
	return n == n_used ? NULL
			   : err_hint(err_new(ERR_USAGE,
					      "there is a gap in OtherURL0, OtherURL1, "
					      "..., or "
					      "there are more than %d",
					      OTHERS_MAX),
				      "count without a gap, from 0 or 1");
}

static struct err *check_headers(const struct step_base *base)
{
	if (step_base_header(base, "product"))
		return err_hint(err_new(ERR_UNSUPPORTED,
					"this version cannot register a product of SUSE"),
				"name repositories that need no registration: "
				"'MirrorURL', 'OtherURL0'");
	if (step_base_header(base, "setopt") &&
	    strcmp(step_base_header(base, "setopt"), "gpgcheck=0") != 0)
		return err_hint(err_new(ERR_UNSUPPORTED,
					"'SetOpt: %s' means nothing to zypper",
					step_base_header(base, "setopt")),
				"'SetOpt: gpgcheck=0' is known: no signature is needed");
	TRY(check_others(base));
	if (!step_base_header(base, "mirrorurl"))
		return err_hint(err_new(ERR_USAGE, "there is no repository"),
				"add the header 'MirrorURL'");
	return NULL;
}

static struct err *add_others(const struct agent_context *c, struct key *key,
			      const struct zypper *z)
{
	CLEANUP(buf_release) struct buf names = BUF_INIT;
	CLEANUP(freep) char *urls = xstrdup(z->others);
	char *rest = urls, *url;

	while ((url = strsep(&rest, " ")) != NULL) {
		CLEANUP(key_freep) struct key *one = key_new("repository");
		char hex[DIGEST_TEXT_SIZE];
		struct digest digest;

		if (!url[0])
			continue;
		TRY(rpm_repository_add(c, one, "repository", url, z->release));
		digest = key_final(one);
		buf_printf(&names, "%s\n", digest_format(&digest, hex));
	}
	key_set_text(key, "others", buf_text(&names));
	return NULL;
}

static struct err *zypper_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	CLEANUP(zypper_release) struct zypper z = zypper_of(base);
	CLEANUP(key_freep) struct key *key = key_new("zypper");

	TRY(host_packages_check(base));
	TRY(check_headers(base));
	TRY(rpm_repository_add(c, key, "mirror", z.mirror, z.release));
	TRY(rpm_repository_add(c, key, "updates", z.update, z.release));
	TRY(add_others(c, key, &z));
	key_set_text(key, "release", z.release);
	key_set_text(key, "check", z.check);
	key_set_text(key, "packages", z.include);
	*out = key_final(key);
	return NULL;
}

static struct err *zypper_fill(const struct agent_context *c,
			       const struct step_base *base,
			       const struct digest *resolved, const char *root)
{
	CLEANUP(zypper_release) struct zypper z = zypper_of(base);
	const char *const args[] = {
		z.mirror,  z.update ? z.update : "",
		z.release, z.check,
		z.include, z.others,
		NULL,
	};
	struct host_packages packages = {
		.program = "zypper",
		.package = "zypper",
		.script = SCRIPT,
		.args = args,
		.proof = "bin/sh",
		.rest = REST,
		.reason = "Problem",
	};

	(void)resolved; /* is_unpinned */
	return host_packages_run(c, root, &packages);
}

const struct agent agent_zypper = {
	.name = "zypper",
	.resolve = zypper_resolve,
	.fill = zypper_fill,
	.is_unpinned = true,
};
