/* SPDX-License-Identifier: MIT
 * agent_debootstrap.c - Debian, Ubuntu and others, by the program `debootstrap`.
 *
 * What is in it?  The packages that `InRelease` of the mirror lists: so that file, the
 * mirror, the release and the list of packages are the source.  Not the version of
 * debootstrap, which changes little, and which nobody could choose.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/key.h"
#include "engine/agent/host_packages.h"
#include "engine/agent/package_index.h"

/* It also mounts /proc, which only real root may: so it finds programs of these names
 * that do nothing.  What it downloaded does not stay. */
static const char SCRIPT[] =
	"for name in mknod mount umount; do\n"
	"	printf '#!/bin/sh\\n' >\"$root/.host/$name\"\n"
	"	chmod 755 \"$root/.host/$name\"\n"
	"done\n"
	"PATH=\"$root/.host:$PATH\" \"$0\" --variant=minbase \\\n"
	"	--exclude=openssl,udev,debconf-i18n,e2fsprogs \"--include=$1\" \\\n"
	"	\"--arch=$2\" \"$3\" \"$root\" \"$4\"\n";
static const char *const REST[] = {"var/cache/apt/archives/*.deb",
				   "var/cache/ldconfig/aux-cache", "var/log/*.log",
				   "var/log/apt/*", NULL};

/* How Debian calls an architecture that Go calls otherwise. */
static const char *debian_arch(const struct oci_platform *p)
{
	static const struct {
		const char *go, *debian;
	} rows[] = {
		{"386", "i386"},      {"arm", "armhf"},		{"ppc64le", "ppc64el"},
		{"mipsle", "mipsel"}, {"mips64le", "mips64el"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].go, p->architecture) == 0)
			return rows[i].debian;
	return p->architecture;
}

struct debian {
	const char *mirror, *suite, *arch;
	char *include;
};

static struct debian debian_of(const struct agent_context *c,
			       const struct step_base *base)
{
	return (struct debian){
		.mirror = step_base_header(base, "mirrorurl"),
		.suite = step_base_header(base, "osversion"),
		.arch = debian_arch(&c->platform),
		.include = host_packages_list(base, "apt", ','),
	};
}

static void debian_release(struct debian *d)
{
	free(d->include);
}

static struct err *debootstrap_resolve(const struct agent_context *c,
				       const struct step_base *base, struct digest *out)
{
	CLEANUP(debian_release) struct debian d = debian_of(c, base);
	CLEANUP(freep) char *signed_list = xasprintf("dists/%s/InRelease", d.suite);
	CLEANUP(freep) char *list = xasprintf("dists/%s/Release", d.suite);
	const char *const files[] = {signed_list, list, NULL};
	CLEANUP(key_freep) struct key *key = NULL;
	struct digest index;

	TRY(host_packages_check(base));
	TRY(package_index_find(c, d.mirror, files, &index));
	key = key_new("debootstrap");
	key_set_digest(key, "index", &index);
	key_set_text(key, "mirror", d.mirror);
	key_set_text(key, "suite", d.suite);
	key_set_text(key, "architecture", d.arch);
	key_set_text(key, "packages", d.include);
	*out = key_final(key);
	return NULL;
}

static struct err *debootstrap_fill(const struct agent_context *c,
				    const struct step_base *base,
				    const struct digest *resolved, const char *root)
{
	CLEANUP(debian_release) struct debian d = debian_of(c, base);
	const char *const args[] = {d.include, d.arch, d.suite, d.mirror, NULL};
	struct host_packages packages = {
		.program = "debootstrap",
		.package = "debootstrap",
		.script = SCRIPT,
		.args = args,
		.proof = "var/lib/dpkg/status",
		.rest = REST,
		.reason = "E: ",
	};

	(void)resolved; /* is_unpinned */
	return host_packages_run(c, root, &packages);
}

const struct agent agent_debootstrap = {
	.name = "debootstrap",
	.resolve = debootstrap_resolve,
	.fill = debootstrap_fill,
	.is_unpinned = true,
};
