/* SPDX-License-Identifier: MIT
 * agent_arch.c - Arch Linux, by `pacman`.
 *
 * Apptainer runs pacstrap and arch-chroot, which need real root; pacman alone does what
 * they do, without.  haveged, which Apptainer installs and removes for the key ring, has
 * had no use since Linux 5.6.  `Include` is a list here.
 *
 * The source is the text of the configuration, and the database of each repository that
 * it names; Server lines of files that it includes count, too.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "cache/key.h"
#include "engine/agent/host_packages.h"
#include "engine/agent/package_index.h"
#include "engine/agent/resolved.h"

static const char CONFIG[] = "https://gitlab.archlinux.org/archlinux/packaging/packages/"
			     "pacman/-/raw/main/pacman.conf";

/* The key ring is made only where the packages can make one. */
static const char SCRIPT[] =
	"config=$root/.host/pacman.conf\n"
	"printf '%s' \"$1\" >\"$config\"\n"
	"mkdir -p \"$root/var/lib/pacman\" \"$root/var/cache/pacman/pkg\" "
	"\"$root/var/log\"\n"
	"\"$0\" --root \"$root\" --config \"$config\" --noconfirm \\\n"
	"	--cachedir \"$root/var/cache/pacman/pkg\" "
	"--hookdir \"$root/etc/pacman.d/hooks\" \\\n"
	"	-Sy $2\n"
	"[ ! -e \"$root/usr/bin/pacman-key\" ] ||\n"
	"	chroot \"$root\" /bin/sh -ec 'pacman-key --init\n"
	"		pacman-key --populate archlinux'\n"
	"cd \"$root\"\n"
	"set +f\n"
	"rm -rf var/cache/pacman/pkg/* var/log/pacman.log\n";

static const char *config_url(const struct step_base *base)
{
	const char *url = step_base_header(base, "confurl");

	return url ? url : CONFIG;
}

/* `base` is what Apptainer installs without `Include`. */
static char *packages_of(const struct step_base *base)
{
	CLEANUP(freep) char *include = host_packages_list(base, "", ' ');

	return xstrdup(include[0] ? include : "base");
}

/* ---- the repositories of a configuration: pacman.conf(5) ---- */

struct arch {
	const struct agent_context *context;
	const char *url;
	struct buf databases; /* a line each: URL and digest */
	char *repository;     /* the section that the lines are in; NULL: options */
	bool has_server;      /* the first of a section counts */
};

static void arch_release(struct arch *a)
{
	buf_release(&a->databases);
	free(a->repository);
}

/* A Server with $repo and $arch replaced, and the name of the database; for free(). */
static char *database_of(const struct arch *a, struct str server)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	while (server.len > 0) {
		if (str_starts_with(server, "$repo")) {
			buf_puts(&out, a->repository);
			server = str_slice(server, 5, server.len);
		} else if (str_starts_with(server, "$arch")) {
			buf_puts(&out, "x86_64");
			server = str_slice(server, 5, server.len);
		} else {
			buf_putc(&out, server.data[0]);
			server = str_slice(server, 1, server.len);
		}
	}
	buf_printf(&out, "/%s.db", a->repository);
	return buf_steal(&out);
}

static struct err *add_server(struct arch *a, struct str server)
{
	CLEANUP(freep) char *url = database_of(a, server);
	char hex[DIGEST_TEXT_SIZE];
	struct digest digest;

	TRY(package_index_blame(package_index_digest(a->context, url, &digest), a->url,
				url));
	buf_printf(&a->databases, "%s %s\n", url, digest_format(&digest, hex));
	a->has_server = true;
	return NULL;
}

static struct err *read_lines(struct arch *a, struct str text, bool is_included);

/* Outside of Arch there may be no such file: pacman itself will say so. */
// NOLINTNEXTLINE(misc-no-recursion): an included file includes no other
static struct err *include(struct arch *a, struct str path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *name = str_dup(path);
	struct err *e = fs_read_regular(AT_FDCWD, name, OCI_DOCUMENT_MAX, &text);

	if (e) {
		err_ignore(e, "pacman reads it, too");
		return NULL;
	}
	return read_lines(a, str_make(buf_text(&text), text.len), true);
}

// NOLINTNEXTLINE(misc-no-recursion): an included file includes no other
static struct err *read_line(struct arch *a, struct str line, bool is_included)
{
	struct str name, value;

	if (str_starts_with(line, "[") && str_ends_with(line, "]")) {
		free(a->repository);
		a->repository = str_dup(str_slice(line, 1, line.len - 1));
		a->has_server = false;
		return NULL;
	}
	str_cut(line, '=', &name, &value);
	if (!a->repository || strcmp(a->repository, "options") == 0 || a->has_server)
		return NULL;
	if (str_is(str_trim(name), "Server"))
		return add_server(a, str_trim(value));
	if (str_is(str_trim(name), "Include") && !is_included)
		return include(a, str_trim(value));
	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion): an included file includes no other
static struct err *read_lines(struct arch *a, struct str text, bool is_included)
{
	struct str line;
	bool more = true;

	while (more) {
		more = str_cut(text, '\n', &line, &text);
		TRY(read_line(a, str_trim(line), is_included));
	}
	return NULL;
}

/* ---- the source ---- */

static struct err *read_config(const struct agent_context *c, const char *url,
			       struct buf *text)
{
	TRY(package_index_blame(package_index_read(c, url, text), url, url));
	/* It is handed on as an argument. */
	if (text->len > KIB(64) || memchr(buf_text(text), '\0', text->len))
		return err_new(ERR_NETWORK, "'%s' is no configuration of pacman", url);
	return NULL;
}

static struct err *ask(void *self, struct digest *out)
{
	struct arch *a = self;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(key_freep) struct key *key = key_new("arch");

	TRY(read_config(a->context, a->url, &text));
	TRY(read_lines(a, str_make(buf_text(&text), text.len), false));
	key_set_text(key, "configuration", buf_text(&text));
	key_set_text(key, "databases", buf_text(&a->databases));
	*out = key_final(key);
	return NULL;
}

static struct err *arch_resolve(const struct agent_context *c,
				const struct step_base *base, struct digest *out)
{
	CLEANUP(arch_release) struct arch a = {.context = c, .url = config_url(base)};
	CLEANUP(freep) char *name = xasprintf("pacman %s", a.url);
	CLEANUP(freep) char *packages = packages_of(base);
	CLEANUP(key_freep) struct key *key = key_new("arch packages");
	struct digest config;

	if (strcmp(c->platform.architecture, "amd64") != 0)
		return err_new(ERR_UNSUPPORTED,
			       "Arch Linux is for amd64, and this machine is %s",
			       c->platform.architecture);
	TRY(resolved_find(c, name, NULL, ask, &a, &config));
	key_set_digest(key, "configuration", &config);
	key_set_text(key, "packages", packages);
	*out = key_final(key);
	return NULL;
}

static struct err *arch_fill(const struct agent_context *c, const struct step_base *base,
			     const struct digest *resolved, const char *root)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *list = packages_of(base);
	const char *args[] = {"", list, NULL};
	struct host_packages packages = {
		.program = "pacman",
		.package = "pacman",
		.script = SCRIPT,
		.args = args,
		.reason = "error: ",
	};

	(void)resolved; /* the mirror may have moved on: then it is newer */
	TRY(read_config(c, config_url(base), &text));
	args[0] = buf_text(&text);
	return host_packages_run(c, root, &packages);
}

const struct agent agent_arch = {
	.name = "arch",
	.resolve = arch_resolve,
	.fill = arch_fill,
};
