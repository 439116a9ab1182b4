/* SPDX-License-Identifier: MIT
 * cmocka_all.h - cmocka with the headers that it needs first, and our own helpers.
 */
#ifndef TESTS_FAKE_CMOCKA_ALL_H
#define TESTS_FAKE_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

/* The call succeeds; if not, show its error. */
#define assert_ok(call)                                                                  \
	do {                                                                             \
		struct err *ok_error_ = (call);                                          \
		if (ok_error_) {                                                         \
			struct buf ok_text_ = BUF_INIT;                                  \
			err_render(ok_error_, &ok_text_);                                \
			print_error("%s", buf_text(&ok_text_));                          \
			buf_release(&ok_text_);                                          \
			err_free(ok_error_);                                             \
			fail();                                                          \
		}                                                                        \
	} while (0)

/* The call fails with this code. */
#define assert_err(wanted, call)                                                         \
	do {                                                                             \
		struct err *err_error_ = (call);                                         \
		assert_non_null(err_error_);                                             \
		assert_int_equal((wanted), err_code(err_error_));                        \
		err_free(err_error_);                                                    \
	} while (0)

#endif
