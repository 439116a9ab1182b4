/* SPDX-License-Identifier: MIT
 * image_signers.c - see image_signers.h.
 */
#include "engine/agent/image_signers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/vec.h"
#include "engine/image/sif_signed.h"

enum {
	SIGNATURE_MAX = 4 << 20, /* bytes */
	SIGNATURES_MAX = 100,
	FINGERPRINT_DIGITS = 40,
	FINGERPRINT_SIZE = FINGERPRINT_DIGITS + 1,
};

/* ---- the header ---- */

struct fingerprint {
	char hex[FINGERPRINT_SIZE]; /* upper case */
};

struct fingerprints {
	VEC(struct fingerprint) list;
};

static void fingerprints_release(struct fingerprints *f)
{
	vec_free(&f->list);
}

static bool take_hex(struct str word, struct fingerprint *out)
{
	if (word.len != FINGERPRINT_DIGITS)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.data[i];

		if (c >= 'a' && c <= 'f')
			c = (char)(c - 'a' + 'A');
		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'F'))
			return false;
		out->hex[i] = c;
	}
	out->hex[word.len] = '\0';
	return true;
}

/* "A, B # a comment" */
static struct err *take_list(const char *text, struct fingerprints *out)
{
	struct str list, comment, word;
	bool more = true;

	str_cut(str_of(text), '#', &list, &comment);
	while (more) {
		struct fingerprint one;

		more = str_cut(list, ',', &word, &list);
		word = str_trim(word);
		if (!take_hex(word, &one))
			return err_hint(err_new(ERR_SYNTAX,
						"'%.*s' is not a fingerprint of a key",
						STR_ARG(word)),
					"write its 40 hexadecimal digits; a comma "
					"separates several");
		vec_push(&out->list, one);
	}
	return NULL;
}

struct err *image_signers_parse(const char *fingerprints)
{
	CLEANUP(fingerprints_release) struct fingerprints list = {0};

	return take_list(fingerprints, &list);
}

/* ---- keys ---- */

struct keyrings {
	VEC(char *) paths;
};

static void keyrings_release(struct keyrings *k)
{
	for (size_t i = 0; i < k->paths.len; i++)
		free(k->paths.items[i]);
	vec_free(&k->paths);
}

/* Takes `path` over. */
static void add_keyring(struct keyrings *k, char *path)
{
	if (access(path, R_OK) == 0)
		vec_push(&k->paths, path);
	else
		free(path);
}

/* Where Apptainer keeps public keys: the user's, and the machine's. */
static struct err *find_keyrings(struct keyrings *out)
{
	const char *keys = getenv("APPTAINER_KEYSDIR");
	const char *config = getenv("APPTAINER_CONFIGDIR"), *home = getenv("HOME");

	if (keys && keys[0])
		add_keyring(out, path_join(keys, "pgp-public"));
	else if (config && config[0])
		add_keyring(out, path_join(config, "keys/pgp-public"));
	else if (home && home[0])
		add_keyring(out, path_join(home, ".apptainer/keys/pgp-public"));
	add_keyring(out, xstrdup("/etc/apptainer/global-pgp-public"));
	if (out->paths.len > 0)
		return NULL;
	return err_hint(err_new(ERR_UNSUPPORTED,
				"there are no public keys to check signatures with"),
			"'apptainer key pull FINGERPRINT' or 'apptainer key import FILE' "
			"fetches them to ~/.apptainer/keys/pgp-public");
}

/* ---- one signature ---- */

/* Is the text one signed message, and nothing else?  gpgv takes any OpenPGP message. */
static bool is_signed_text(struct str text)
{
	static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
	static const char mark[] = "-----BEGIN PGP ";
	static const char end[] = "-----END PGP SIGNATURE-----";
	const char *at = text.data, *last = text.data + text.len;
	size_t n = 0;

	if (!str_starts_with(text, begin) || !str_ends_with(str_trim(text), end))
		return false;
	while ((at = memmem(at, (size_t)(last - at), mark, strlen(mark))) != NULL) {
		at += strlen(mark);
		n++;
	}
	return n == 2;
}

/* "FPR DATE TIME EXPIRES VERSION RESERVED KEY-ALGORITHM HASH-ALGORITHM CLASS
 * PRIMARY-FPR", where the hash is one of SHA-2: RFC 4880, 9.4. */
static bool take_valid(struct str rest, struct fingerprint *out)
{
	struct str word, hash = STR(""), primary = STR("");

	for (size_t i = 0; str_next_word(&rest, &word); i++) {
		if (i == 7)
			hash = word;
		primary = word;
	}
	return (str_is(hash, "8") || str_is(hash, "9") || str_is(hash, "10") ||
		str_is(hash, "11")) &&
	       take_hex(primary, out);
}

/* What gpgv says of each signature (DETAILS of GnuPG): only the keys of those that are
 * good count, and not of those whose key is revoked or has expired, for which it says
 * VALIDSIG, too. */
static void read_status(const char *text, struct fingerprints *out)
{
	static const char prefix[] = "[GNUPG:] ";
	struct str rest = str_of(text), line, word;
	bool more = true, is_good = false;

	while (more) {
		struct fingerprint signer;

		more = str_cut(rest, '\n', &line, &rest);
		if (!str_starts_with(line, prefix))
			continue;
		line = str_slice(line, strlen(prefix), line.len);
		if (!str_next_word(&line, &word))
			continue;
		if (str_is(word, "GOODSIG"))
			is_good = true;
		else if (str_is(word, "NEWSIG") || str_ends_with(word, "KEYSIG") ||
			 str_is(word, "EXPSIG") || str_is(word, "BADSIG") ||
			 str_is(word, "ERRSIG"))
			is_good = false;
		else if (str_is(word, "VALIDSIG") && is_good && take_valid(line, &signer))
			vec_push(&out->list, signer);
	}
}

/* Its output is in files of the scratch folder: nothing of it is shown. */
static struct err *run_gpgv(const struct keyrings *keys, const struct scratch *s,
			    int *status)
{
	CLEANUP(proc_release) struct proc proc = PROC_INIT;
	CLEANUP(closep) int out = -1;
	CLEANUP(closep) int log = -1;
	const struct rlimit file_size = {SIGNATURE_MAX, SIGNATURE_MAX};
	CLEANUP(freep) char *home = xasprintf("GNUPGHOME=%s", s->path);
	CLEANUP(freep) char *signature = path_join(s->path, "signature");
	CLEANUP(freep) char *text = path_join(s->path, "text");
	const char *const env[] = {home, "LC_ALL=C", NULL};
	VEC(const char *) argv = {0};
	struct proc_spec spec = {.path = "gpgv", .stdin_fd = -1, .envp = env};
	struct err *e;

	TRY(fs_open(s->fd, "status", O_WRONLY | O_CREAT | O_TRUNC, 0600, &out));
	TRY(fs_open(s->fd, "log", O_WRONLY | O_CREAT | O_TRUNC, 0600, &log));
	vec_push(&argv, "gpgv");
	vec_push(&argv, "--status-fd");
	vec_push(&argv, "1");
	for (size_t i = 0; i < keys->paths.len; i++) {
		vec_push(&argv, "--keyring");
		vec_push(&argv, keys->paths.items[i]);
	}
	vec_push(&argv, "--output");
	vec_push(&argv, text);
	vec_push(&argv, signature);
	vec_push(&argv, NULL);
	spec.argv = argv.items;
	spec.stdout_fd = out;
	spec.stderr_fd = log;
	spec.own_group = true;
	e = proc_start(&proc, &spec);
	vec_free(&argv);
	/* What it writes is no longer than what it reads, unless it unpacks something. */
	if (!e)
		(void)prlimit(proc.pid, RLIMIT_FSIZE, &file_size, NULL);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(
			err_new(ERR_UNSUPPORTED, "this machine has no program 'gpgv'"),
			"install the package 'gpgv', or 'gnupg'");
	}
	TRY(e);
	return proc_wait(&proc, status);
}

/* An image whose signatures are looked at. */
struct signed_image {
	const struct agent_context *context;
	int fd;
	const struct sif *sif;
	uint32_t group; /* that must be signed */
	struct keyrings keys;
	struct fingerprints signers;
	size_t n_signatures; /* whoever made them */
};

static void signed_image_release(struct signed_image *s)
{
	keyrings_release(&s->keys);
	fingerprints_release(&s->signers);
}

/* Who signed it, and that the file is as it was signed; nobody is added if we have no key
 * of the signer. */
static struct err *check_signature(struct signed_image *s, const struct sif_object *o)
{
	const struct agent_context *c = s->context;
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct stop stop = cancel_stop(task_cancel(c->task));
	size_t before = s->signers.list.len;
	int status = 0;

	TRY(stop_ask(&stop));
	TRY(sif_read_object(s->fd, o, SIGNATURE_MAX, &bytes));
	if (!is_signed_text(str_make(buf_text(&bytes), bytes.len)))
		return NULL;
	TRY(scratch_new(c->store, &scratch));
	TRY(fs_write_atomic(scratch.fd, "signature", buf_text(&bytes), bytes.len, 0600));
	TRY(run_gpgv(&s->keys, &scratch, &status));
	TRY(fs_read_file(scratch.fd, "status", SIGNATURE_MAX, &said));
	if (status == 0)
		read_status(buf_text(&said), &s->signers);
	if (s->signers.list.len == before)
		return NULL;
	TRY(fs_read_file(scratch.fd, "text", SIGNATURE_MAX, &text));
	return sif_check_signed(s->fd, s->sif, s->group,
				str_make(buf_text(&text), text.len), stop);
}

/* ---- all of them ---- */

static struct err *find_signers(struct signed_image *s)
{
	for (size_t i = 0; i < s->sif->n_objects; i++) {
		const struct sif_object *o = &s->sif->objects[i];

		if (o->type != SIF_SIGNATURE || !o->link_is_group || o->link != s->group)
			continue;
		if (s->n_signatures++ == SIGNATURES_MAX)
			return err_new(ERR_CORRUPT, "it has more than %d signatures",
				       SIGNATURES_MAX);
		TRY(check_signature(s, o));
	}
	return NULL;
}

static bool has_signed(const struct signed_image *s, const char *hex)
{
	for (size_t i = 0; i < s->signers.list.len; i++)
		if (strcmp(s->signers.list.items[i].hex, hex) == 0)
			return true;
	return false;
}

static struct err *not_signed(const struct signed_image *s, const char *hex)
{
	if (s->n_signatures == 0)
		return err_new(ERR_CORRUPT,
			       "it is not signed, and the key %s should have", hex);
	return err_hint(err_new(ERR_CORRUPT, "the key %s has not signed it", hex),
			"if it has, the key is missing, revoked or expired here: "
			"'apptainer key pull %s' fetches it",
			hex);
}

struct err *image_signers_check(const struct agent_context *c, int fd,
				const struct sif *sif, uint32_t group,
				const char *fingerprints)
{
	CLEANUP(fingerprints_release) struct fingerprints wanted = {0};
	CLEANUP(signed_image_release)
	struct signed_image s = {.context = c, .fd = fd, .sif = sif, .group = group};

	TRY(take_list(fingerprints, &wanted));
	TRY(find_keyrings(&s.keys));
	TRY(find_signers(&s));
	for (size_t i = 0; i < wanted.list.len; i++)
		if (!has_signed(&s, wanted.list.items[i].hex))
			return not_signed(&s, wanted.list.items[i].hex);
	return NULL;
}
