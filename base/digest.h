/* SPDX-License-Identifier: MIT
 * digest.h - content digests: XXH3-128 and SHA-256 behind one type.
 *
 * Purpose:   SHA-256 makes names: a key, a content or a blob has the same name in every
 *            store, on every machine. XXH3-128 makes no names. Keyed with a store's
 *            random secret it stands for what nobody may guess (the remembered parts of
 *            keys), and it detects damage where speed counts.
 * Ownership: struct digest is a value. hasher_free() ends a hasher.
 * Threads:   a hasher belongs to one thread; each thread keeps one libcrypto context,
 *            which its hashers use in turn.
 * Errors:    digest_fd(): ERR_SYS, or ERR_CORRUPT past the limit.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/err.h"
#include "base/str.h"

enum digest_kind {
	DIGEST_NONE = 0,
	DIGEST_XXH3,   /* 16 bytes */
	DIGEST_SHA256, /* 32 bytes */
};

struct digest {
	enum digest_kind kind;
	unsigned char
		bytes[32]; /* unused ones are zero, so that digests compare with memcmp */
};

enum {
	DIGEST_TEXT_SIZE = sizeof("sha256:") + 64, /* room for digest_format() */
	HASH_SECRET_SIZE = 192,			   /* XXH3 asks for at least 136 */
};

/* Random bytes that key XXH3; made once for each store. */
struct hash_secret {
	unsigned char bytes[HASH_SECRET_SIZE];
};

bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_set(const struct digest *d);
/* "sha256:HEX" or "xxh3:HEX" into `out`, of DIGEST_TEXT_SIZE bytes; returns `out`. */
const char *digest_format(const struct digest *d, char *out);
/* Only the hexadecimal digits, lower case. */
const char *digest_hex(const struct digest *d, char *out);
/* The inverse of digest_format(): lower-case digits only; false for anything else. */
bool digest_parse(struct str text, struct digest *out);

struct hasher;

/* `secret` keys XXH3 and must outlive the hasher; NULL: unkeyed, which SHA-256 always
 * is. */
struct hasher *hasher_new(enum digest_kind kind, const struct hash_secret *secret);
void hasher_free(struct hasher *h);
void hasher_freep(struct hasher **h);
void hasher_update(struct hasher *h, const void *data, size_t len);
/* Append a length-prefixed byte string, so that neighbours cannot run into one another.
 */
void hasher_add(struct hasher *h, const void *data, size_t len);
void hasher_add_str(struct hasher *h, const char *text);
void hasher_add_u64(struct hasher *h, uint64_t value);
/* The digest of everything so far.  Nothing can be added afterwards. */
struct digest hasher_final(struct hasher *h);

/* Digest of `len` bytes. */
struct digest digest_bytes(enum digest_kind kind, const struct hash_secret *secret,
			   const void *data, size_t len);
/* Digest of the rest of `fd`, at most `limit` bytes; `size` may be NULL. */
NODISCARD struct err *digest_fd(int fd, uint64_t limit, enum digest_kind kind,
				const struct hash_secret *secret, struct digest *out,
				uint64_t *size);

#endif
