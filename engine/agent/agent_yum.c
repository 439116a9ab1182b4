/* SPDX-License-Identifier: MIT
 * agent_yum.c - systems of rpm packages, by `dnf` or `yum`: both names mean the same.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/agent/host_packages.h"
#include "engine/agent/rpm_repository.h"

/* HOME is one of its own: on Debian rpm would put its database there.  The configuration
 * stays in the image, as with Apptainer; logs and downloads do not. */
static const char SCRIPT[] =
	"mirror=$1 update=$2 release=$3 setopt=$4 key=$5 include=$6\n"
	"export HOME=\"$root/.host\"\n"
	"printf '%%_var /var\\n%%_dbpath %%{_var}/lib/rpm\\n' >\"$HOME/.rpmmacros\"\n"
	"conf=$root/etc/bootstrap-yum.conf\n"
	"check=0\n"
	"[ -z \"$key\" ] || check=1\n"
	"repository() {\n"
	"	printf '[%s]\\nname=Linux $releasever - $basearch%s\\n' \"$1\" \"$2\"\n"
	"	printf 'baseurl=%s\\nenabled=1\\ngpgcheck=%s\\n' \"$3\" $check\n"
	"}\n"
	"mkdir \"$root/etc\"\n"
	"{\n"
	"	printf '[main]\\ncachedir=/var/cache/yum-bootstrap\\nkeepcache=0\\n'\n"
	"	printf 'debuglevel=2\\nlogfile=/var/log/yum.log\\n'\n"
	"	printf 'syslog_device=/dev/null\\nexactarch=1\\nobsoletes=1\\n'\n"
	"	printf 'gpgcheck=%s\\nplugins=1\\nreposdir=0\\ndeltarpm=0\\n\\n' $check\n"
	"	repository base '' \"$mirror\"\n"
	"	[ -z \"$update\" ] || repository updates ' updates' \"$update\"\n"
	"} >\"$conf\"\n"
	"[ -z \"$key\" ] || {\n"
	"	rpm --root \"$root\" --initdb\n"
	"	rpm --root \"$root\" --import \"$key\"\n"
	"}\n"
	"\"$0\" --noplugins -c \"$conf\" --setopt=reposdir=\"$root/.host/none\" "
	"--installroot \"$root\" "
	"--releasever=\"$release\" "
	"\\\n"
	"	-y ${setopt:+--setopt \"$setopt\"} install /etc/redhat-release coreutils "
	"$include\n";
static const char *const REST[] = {"var/cache/yum-bootstrap", "var/cache/dnf",
				   "var/log/dnf*.log",	      "var/log/hawkey.log",
				   "var/log/yum.log",	      NULL};

struct yum {
	char *mirror, *update, *include;
	const char *release; /* what $releasever stands for */
	const char *setopt, *gpg;
};

static void yum_release(struct yum *y)
{
	free(y->mirror);
	free(y->update);
	free(y->include);
}

static struct yum yum_of(const struct step_base *base)
{
	const char *setopt = step_base_header(base, "setopt"), *gpg = getenv("GPG");
	struct yum y = {
		.include = host_packages_list(base, "", ' '),
		.setopt = setopt ? setopt : "",
		.gpg = gpg ? gpg : "",
	};
	bool uses = false;

	y.mirror = rpm_repository_url(base, "mirrorurl", &uses);
	y.update = rpm_repository_url(base, "updateurl", &uses);
	/* As Apptainer: a version that no URL names is not one. */
	y.release = uses ? step_base_header(base, "osversion") : "";
	return y;
}

/* Whether `SetOpt` is an option of that name, also of one repository. */
static bool sets(const struct yum *y, const char *name, struct str *value)
{
	struct str key;

	str_cut(str_of(y->setopt), '=', &key, value);
	return str_is(key, name) ||
	       (str_ends_with(key, name) && key.data[key.len - strlen(name) - 1] == '.');
}

static bool is_no(struct str value)
{
	static const char *const words[] = {"0", "no", "false", "off", "n", "f"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal_nocase(value, str_of(words[i])))
			return true;
	return false;
}

static struct err *check_option(const struct yum *y)
{
	struct str value;

	if (y->gpg[0] && sets(y, "gpgcheck", &value) && is_no(str_trim(value)))
		return err_hint(err_new(ERR_USAGE,
					"the variable GPG asks for signatures, and "
					"'SetOpt: %s' for none",
					y->setopt),
				"remove one of them");
	if (sets(y, "reposdir", &value) || sets(y, "installroot", &value))
		return err_hint(
			err_new(ERR_USAGE, "'SetOpt: %s' cannot be used", y->setopt),
			"name repositories with 'MirrorURL' and 'UpdateURL'");
	return NULL;
}

static struct err *check_gpg(const struct yum *y)
{
	TRY(check_option(y));
	if (!y->gpg[0] || str_starts_with(str_of(y->gpg), "https://"))
		return NULL;
	return err_hint(err_new(ERR_USAGE, "the variable GPG is not an https URL"),
			"it names the key that packages are signed with; unset it for no "
			"check");
}

static struct err *yum_resolve(const struct agent_context *c,
			       const struct step_base *base, struct digest *out)
{
	CLEANUP(yum_release) struct yum y = yum_of(base);
	CLEANUP(key_freep) struct key *key = key_new("yum");

	TRY(host_packages_check(base));
	TRY(check_gpg(&y));
	TRY(rpm_repository_add(c, key, "mirror", y.mirror, y.release));
	TRY(rpm_repository_add(c, key, "updates", y.update, y.release));
	key_set_text(key, "release", y.release);
	key_set_text(key, "option", y.setopt);
	key_set_text(key, "signing key", y.gpg);
	key_set_text(key, "packages", y.include);
	*out = key_final(key);
	return NULL;
}

static struct err *yum_fill(const struct agent_context *c, const struct step_base *base,
			    const struct digest *resolved, const char *root)
{
	CLEANUP(yum_release) struct yum y = yum_of(base);
	bool has_dnf = host_packages_has("dnf") || !host_packages_has("yum");
	const char *const args[] = {
		y.mirror, y.update ? y.update : "", y.release, y.setopt, y.gpg, y.include,
		NULL,
	};
	struct host_packages packages = {
		.program = has_dnf ? "dnf" : "yum",
		.package = "dnf",
		.script = SCRIPT,
		.args = args,
		.proof = "etc/redhat-release",
		.rest = REST,
		.reason = "Error: ",
	};

	(void)resolved; /* is_unpinned */
	return host_packages_run(c, root, &packages);
}

const struct agent agent_dnf = {
	.name = "dnf",
	.resolve = yum_resolve,
	.fill = yum_fill,
	.is_unpinned = true,
};

const struct agent agent_yum = {
	.name = "yum",
	.resolve = yum_resolve,
	.fill = yum_fill,
	.is_unpinned = true,
};
