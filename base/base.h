/* SPDX-License-Identifier: MIT
 * base.h - attributes, scoped cleanup, allocation.
 *
 * Purpose:   what every file of the project relies on; each file includes it first.
 * Ownership: the xmalloc family returns memory to be freed with free().
 * Threads:   everything here may be called from any thread.
 * Errors:    allocation never fails: it aborts. Linux overcommits, published files
 *            appear by rename, and children end with us, so there is nothing to save.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(format_arg, first_arg)                                                    \
	__attribute__((format(printf, format_arg, first_arg)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

/* Run `fn(&variable)` when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand the resource in `p` out of its scope: yields the value, leaves NULL behind. */
#define STEAL(p) ((__typeof__(p))steal_pointer((void *)&(p)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A table that an enum indexes has a row for each of its `count` values: nothing reads
 * past it, and a new value needs a row.  Such a table has designators and no explicit
 * size; tests/lint/tables.py finds holes, and tables without this check. */
#define TABLE_HAS_ALL(table, count)                                                      \
	_Static_assert(ARRAY_LEN(table) == (size_t)(count),                              \
		       "'" #table "' has a row for each of " #count)

/* Bytes in `n` KiB, MiB and GiB. */
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

void *steal_pointer(void *address_of_pointer);
/* As STEAL, for a file descriptor: returns `*fd` and leaves -1. */
int steal_fd(int *fd);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
/* Resize to `count` members of `size` bytes each; aborts when the product overflows. */
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *text);
/* Copy at most `len` bytes of `text` and end them with NUL. */
char *xstrndup(const char *text, size_t len);
char *xmemdup(const void *data, size_t len);
PRINTF(1, 2) char *xasprintf(const char *format, ...);
PRINTF(1, 0) char *xvasprintf(const char *format, va_list args);

/* For CLEANUP: each takes the address of the variable. */
void freep(void *address_of_pointer);
void closep(const int *fd);
void fclosep(FILE **file);

#endif
