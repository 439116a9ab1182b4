/* SPDX-License-Identifier: MIT
 * agent_arch.c - Arch Linux, by `pacman`.
 *
 * Apptainer runs pacstrap and arch-chroot, which need real root; pacman alone does what
 * they do, without.  haveged, which Apptainer installs and removes for the key ring, has
 * had no use since Linux 5.6.  `Include` is a list here.
 *
 * The source is the text of the configuration, and the database of each repository that
 * it names, also in files that it includes.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "cache/key.h"
#include "engine/agent/host_packages.h"
#include "engine/agent/package_index.h"

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
	"		pacman-key --populate archlinux'\n";
static const char *const REST[] = {"var/cache/pacman/pkg/*", "var/log/pacman.log", NULL};

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

/* No configuration includes files that include files any deeper. */
static const unsigned DEPTH_MAX = 8;

struct repository {
	char *name;
	VEC(char *) servers; /* in their order: pacman takes the first that answers */
};

struct repositories {
	VEC(struct repository) list;
	bool is_options; /* the section that lines are in is none of them */
};

static void repositories_release(struct repositories *r)
{
	for (size_t i = 0; i < r->list.len; i++) {
		struct repository *one = &r->list.items[i];

		for (size_t k = 0; k < one->servers.len; k++)
			free(one->servers.items[k]);
		vec_free(&one->servers);
		free(one->name);
	}
	vec_free(&r->list);
}

static struct err *read_lines(struct repositories *r, struct str text, unsigned depth);

// NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX
static struct err *include_file(struct repositories *r, const char *path, unsigned depth)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	TRY(fs_read_regular(AT_FDCWD, path, OCI_DOCUMENT_MAX, &text));
	return read_lines(r, str_make(buf_text(&text), text.len), depth);
}

/* A file of this host, or a pattern of several: then they are in the order of names. */
// NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX
static struct err *include(struct repositories *r, struct str pattern, unsigned depth)
{
	CLEANUP(freep) char *name = str_dup(pattern);
	glob_t found = {0};
	struct err *e = NULL;

	if (depth >= DEPTH_MAX)
		return err_new(ERR_USAGE, "'%s' is included too deep", name);
	if (glob(name, GLOB_NOCHECK, NULL, &found) != 0)
		return err_sys("'%s'", name);
	for (size_t i = 0; !e && i < found.gl_pathc; i++)
		e = include_file(r, found.gl_pathv[i], depth + 1);
	globfree(&found);
	return err_hint(
		err_wrap(e, "'%s', which the configuration includes", name),
		"name a configuration with 'ConfURL' that has lines 'Server = URL'");
}

static void begin_section(struct repositories *r, struct str name)
{
	struct repository one = {.name = str_dup(name)};

	r->is_options = str_is(name, "options");
	if (r->is_options)
		free(one.name);
	else
		vec_push(&r->list, one);
}

// NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX
static struct err *read_line(struct repositories *r, struct str line, unsigned depth)
{
	struct str name, value;

	if (str_starts_with(line, "[") && str_ends_with(line, "]")) {
		begin_section(r, str_slice(line, 1, line.len - 1));
		return NULL;
	}
	str_cut(line, '=', &name, &value);
	name = str_trim(name);
	value = str_trim(value);
	if (str_is(name, "Include"))
		return include(r, value, depth);
	if (str_is(name, "Server") && !r->is_options && r->list.len > 0)
		vec_push(&r->list.items[r->list.len - 1].servers, str_dup(value));
	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX
static struct err *read_lines(struct repositories *r, struct str text, unsigned depth)
{
	struct str line;
	bool more = true;

	while (more) {
		more = str_cut(text, '\n', &line, &text);
		TRY(read_line(r, str_trim(line), depth));
	}
	return NULL;
}

/* ---- what they hold ---- */

/* A Server with $repo and $arch replaced, and the name of the database; for free(). */
static char *database_of(const char *repository, const char *server)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	while (*server) {
		if (strncmp(server, "$repo", 5) == 0) {
			buf_puts(&out, repository);
			server += 5;
		} else if (strncmp(server, "$arch", 5) == 0) {
			buf_puts(&out, "x86_64");
			server += 5;
		} else {
			buf_putc(&out, *server++);
		}
	}
	buf_printf(&out, "/%s.db", repository);
	return buf_steal(&out);
}

/* A line for each repository: its name, and the digest of its database on the first
 * server that has it, as pacman takes it. */
static struct err *add_repository(const struct agent_context *c,
				  const struct repository *r, struct buf *out)
{
	struct err *e = NULL;
	char hex[DIGEST_TEXT_SIZE];
	struct digest digest;

	if (r->servers.len == 0)
		return err_new(ERR_USAGE, "the repository '%s' has no 'Server'", r->name);
	for (size_t i = 0; i < r->servers.len; i++) {
		CLEANUP(freep)
		char *url = database_of(r->name, r->servers.items[i]);

		err_ignore(e, "the next server may have it");
		e = package_index_blame(package_index_digest(c, url, &digest), url, NULL);
		if (e && err_code(e) != ERR_CANCELLED)
			continue;
		TRY(e);
		buf_printf(out, "%s %s\n", r->name, digest_format(&digest, hex));
		return NULL;
	}
	return e;
}

struct arch {
	const struct agent_context *context;
	const char *url;
};

/* ---- the source ---- */

static struct err *read_config(const struct agent_context *c, const char *url,
			       struct buf *text)
{
	TRY(package_index_blame(package_index_read(c, url, text), url, NULL));
	/* It is handed on as an argument. */
	if (text->len > KIB(64) || memchr(buf_text(text), '\0', text->len))
		return err_new(ERR_NETWORK, "'%s' is no configuration of pacman", url);
	return NULL;
}

static struct err *name_config(const struct agent_context *c, const struct buf *text,
			       struct digest *out)
{
	CLEANUP(repositories_release) struct repositories r = {0};
	CLEANUP(buf_release) struct buf databases = BUF_INIT;
	CLEANUP(key_freep) struct key *key = key_new("arch");

	TRY(read_lines(&r, str_make(buf_text(text), text->len), 0));
	for (size_t i = 0; i < r.list.len; i++)
		TRY(add_repository(c, &r.list.items[i], &databases));
	key_set_text(key, "configuration", buf_text(text));
	key_set_text(key, "databases", buf_text(&databases));
	*out = key_final(key);
	return NULL;
}

static struct err *ask(void *self, struct digest *out)
{
	const struct arch *a = self;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	TRY(read_config(a->context, a->url, &text));
	return name_config(a->context, &text, out);
}

/* What is remembered goes by this name.  A configuration on this host is read each time,
 * and only the servers are asked. */
static struct err *memo_name(const struct agent_context *c, const char *url, char **out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char hex[DIGEST_TEXT_SIZE] = "";
	struct digest digest;

	if (package_index_is_local(url)) {
		TRY(read_config(c, url, &text));
		digest = digest_bytes(DIGEST_SHA256, NULL, buf_text(&text), text.len);
		digest_format(&digest, hex);
	}
	*out = xasprintf("pacman %s %s", url, hex);
	return NULL;
}

static struct digest source_of(const struct digest *config, const char *packages)
{
	CLEANUP(key_freep) struct key *key = key_new("arch packages");

	key_set_digest(key, "configuration", config);
	key_set_text(key, "packages", packages);
	return key_final(key);
}

static struct err *arch_resolve(const struct agent_context *c,
				const struct step_base *base, struct digest *out)
{
	struct arch a = {.context = c, .url = config_url(base)};
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *packages = packages_of(base);
	struct digest config;

	TRY(host_packages_check(base));
	if (strcmp(c->platform.architecture, "amd64") != 0)
		return err_new(ERR_UNSUPPORTED,
			       "Arch Linux is for amd64, and this machine is %s",
			       c->platform.architecture);
	TRY(memo_name(c, a.url, &name));
	TRY(resolved_find(c, name, NULL, ask, &a, &config));
	*out = source_of(&config, packages);
	return NULL;
}

static struct err *arch_fill(const struct agent_context *c, const struct step_base *base,
			     const struct digest *resolved, const char *root)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *list = packages_of(base);
	const char *args[] = {"", list, NULL};
	struct digest config, source;
	struct host_packages packages = {
		.program = "pacman",
		.package = "pacman",
		.script = SCRIPT,
		.args = args,
		.proof = "var/lib/pacman/local",
		.rest = REST,
		.reason = "error: ",
	};

	/* The very text that the key was made of. */
	TRY(read_config(c, config_url(base), &text));
	TRY(name_config(c, &text, &config));
	source = source_of(&config, list);
	if (!digest_equal(&source, resolved))
		return err_hint(
			err_new(ERR_NETWORK, "'%s' has changed", config_url(base)),
			"start again");
	args[0] = buf_text(&text);
	return host_packages_run(c, root, &packages);
}

const struct agent agent_arch = {
	.name = "arch",
	.resolve = arch_resolve,
	.fill = arch_fill,
	.is_unpinned = true,
};
