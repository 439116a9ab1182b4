/* SPDX-License-Identifier: MIT
 * err.h - the error that fallible functions return.
 *
 * Purpose:   a fallible function returns `struct err *`; NULL is success. An error says
 *            what failed, where, why (a chain of causes) and what to do (a hint).
 * Ownership: the caller owns the returned error and passes it on, wraps it, or ends it
 *            with err_free() or err_ignore().
 * Threads:   an error belongs to one thread at a time and may move between threads.
 * Errors:    none of these functions fails.
 *
 * Texts are lower case, without a full stop, the object first, values in single quotes:
 * "layer 'sha256:12..': digest does not match".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

struct buf;

/* A code exists only where some caller decides differently. */
enum err_code {
	ERR_USAGE = 1,	 /* the command line is wrong */
	ERR_SYNTAX,	 /* the definition is wrong */
	ERR_NOTFOUND,	 /* what was asked for does not exist */
	ERR_EXISTS,	 /* the target exists already */
	ERR_AUTH,	 /* the registry refuses us */
	ERR_NETWORK,	 /* transfer failed: another try may succeed */
	ERR_UNREACHABLE, /* nothing answers: another try succeeds soon, or never */
	ERR_PROTOCOL,	 /* the answer is not what it must be: no try succeeds */
	ERR_CORRUPT,	 /* data is not what its digest or format says */
	ERR_NOSPACE,	 /* disk or quota full */
	ERR_UNSUPPORTED, /* this host, or this version, cannot do it */
	ERR_STEP,	 /* a script of the definition failed */
	ERR_CANCELLED,	 /* the user interrupted, or another step failed */
	ERR_SYS,	 /* a system call failed */
};

struct err;

/* A new error with its text.  `format` as printf's. */
#define err_new(code, ...) err_new_at((code), __FILE__, __LINE__, __VA_ARGS__)
/* As err_new(ERR_SYS), with errno's text after a colon; ENOSPC and EDQUOT give
 * ERR_NOSPACE, ENOENT gives ERR_NOTFOUND, EEXIST gives ERR_EXISTS, EINTR gives
 * ERR_CANCELLED. */
#define err_sys(...) err_sys_at(__FILE__, __LINE__, __VA_ARGS__)
/* A new error around `cause` (owned from now on), with the cause's code.  It adds what
 * the callee could not know.  `cause` NULL gives NULL. */
#define err_wrap(cause, ...) err_wrap_at((cause), __FILE__, __LINE__, __VA_ARGS__)

PRINTF(4, 5)
struct err *err_new_at(enum err_code code, const char *file, int line, const char *format,
		       ...);
PRINTF(3, 4) struct err *err_sys_at(const char *file, int line, const char *format, ...);
PRINTF(4, 5)
struct err *err_wrap_at(struct err *cause, const char *file, int line, const char *format,
			...);

/* Set what the user can do about it, in one or more lines, on the outermost error.
 * Returns `e`; NULL passes. */
PRINTF(2, 3) struct err *err_hint(struct err *e, const char *format, ...);
/* Set the place in the user's text, as "lab3.def:8:1".  Returns `e`; NULL passes. */
struct err *err_where(struct err *e, const char *where);
/* Change the code.  Returns `e`; NULL passes. */
struct err *err_recode(struct err *e, enum err_code code);
/* Keep `second` (owned from now on), met while cleaning up after `e`, as a note.  Either
 * may be NULL; returns what there is. */
struct err *err_attach(struct err *e, struct err *second);
/* Join errors of work done side by side: `next` (owned from now on) becomes a note of
 * `e`, which came first.  A cancellation is kept only while no other error says more.
 * Either may be NULL; returns what there is. */
struct err *err_join(struct err *e, struct err *next);

enum err_code err_code(const struct err *e);
int err_errno(const struct err *e);	     /* errno captured by err_sys, else 0 */
const char *err_text(const struct err *e);   /* outermost text, without causes */
const char *err_place(const struct err *e);  /* what err_where() set, or NULL */
const char *err_advice(const struct err *e); /* first hint along the chain, or NULL */
const struct err *err_cause(const struct err *e); /* next inner error, or NULL */

/* "error: PLACE: TEXT", a line "  because: ..." for each cause, a line "  hint: ...".
 * Texts may hold what strangers wrote: this makes them visible (visible.h). */
void err_render(const struct err *e, struct buf *out);
/* The exit status this error calls for: 1, 2, 3, 4 or 130 (the man page lists them). */
int err_exit_status(const struct err *e);

void err_free(struct err *e);
void err_freep(struct err **e);
/* End an error that was recovered from; `reason` goes to the debug log. */
void err_ignore(struct err *e, const char *reason);

/* Return the error of `call` to our caller, if there is one. */
#define TRY(call)                                                                        \
	do {                                                                             \
		struct err *try_error_ = (call);                                         \
		if (try_error_)                                                          \
			return try_error_;                                               \
	} while (0)

#endif
