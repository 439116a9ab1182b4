/* SPDX-License-Identifier: MIT
 * store.h - the folder that holds everything dagbuild remembers.
 *
 * Purpose:   open it, and give access to its parts:
 *              blobs/sha256/XX/...  what came from registries
 *              layers/NAME/         one folder for each layer, in overlayfs form
 *              records/XX/...       JSON: what a key produced
 *              logs/                output of steps
 *              failed/NAME/         roots of failed steps: see failed.h
 *              tmp/                 work in progress, one locked folder each
 *              stat-memo            what host files held: stat_memo.h
 *              leases/              what running processes need: lease.h
 *              locks/               keys that are being made: key_lock.h
 *              secret, version      made with the store, as is CACHEDIR.TAG
 *              older                something of an older format is left: older.h
 *            Which names are ours: store_names.h.
 *            To publish is to write in tmp/, sync and rename.
 * Ownership: store_close() ends it.
 * Threads:   a store may be used from any thread; it is const after opening.
 * Errors:    store_open(): ERR_NOTFOUND (reading a store that was never made), and the
 *            errors of store_make.h.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "base/digest.h"
#include "base/err.h"

/* Of keys, and of everything stored under them.  Raise it when a change affects what is
 * hashed, or affects what layers hold and no part of a key shows it: nothing of an older
 * format is ever used. */
enum { STORE_FORMAT = 4 };

enum store_access {
	STORE_READ,  /* changes nothing: for `plan` */
	STORE_WRITE, /* makes what is missing, clears what dead processes left in tmp/ */
};

struct store;
struct lease;

/* The store's folder: `explicit_dir`, else $DAGBUILD_CACHEDIR, else
 * $XDG_CACHE_HOME/dagbuild, else $HOME/.cache/dagbuild; absolute, for free(). */
NODISCARD struct err *store_default_dir(const char *explicit_dir, char **out);
NODISCARD struct err *store_open(const char *dir, enum store_access access,
				 struct store **out);
/* From now on what this process looks for and finds stays until the store is closed: see
 * lease.h.  For every caller that is going to use layers or blobs.  ERR_UNSUPPORTED on a
 * filesystem whose locks other machines do not see. */
NODISCARD struct err *store_hold(struct store *s);
/* Ends that: what is in the store may go again. */
void store_release(struct store *s);
struct lease *store_lease(const struct store *s); /* NULL before store_hold() */
void store_close(struct store *s);
void store_closep(struct store **s);
const char *store_dir(const struct store *s); /* absolute */
int store_fd(const struct store *s);	      /* borrowed */
/* Keys the XXH3 digests of this store. */
const struct hash_secret *store_secret(const struct store *s);

/* A private folder under tmp/, locked while this process lives, so that others recognise
 * one that a dead process left. */
struct scratch {
	const struct store *store;
	char name[24]; /* scratch-RANDOM */
	char *path;    /* absolute */
	int fd;	       /* O_RDONLY|O_DIRECTORY, holds the lock */
	bool defers;   /* signals, until it is gone: interrupt.h */
};

#define SCRATCH_INIT                                                                     \
	{                                                                                \
		NULL, "", NULL, -1, false                                                \
	}

NODISCARD struct err *scratch_new(const struct store *s, struct scratch *out);
/* Remove it and all that is in it. */
void scratch_release(struct scratch *scratch);

#endif
