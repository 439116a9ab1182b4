/* SPDX-License-Identifier: MIT
 * diag_codes.h - what can be wrong with a definition: the table of codes.
 *
 * Purpose:   a code is stable: users write it into `--disable` and into comments
 *            `# dagbuild: allow CODE`, and code hosts show it. docs/diagnostics.md has a
 *            section for each code, tests/golden/codes a case.
 * Threads:   const.
 */
#ifndef FRONTEND_DEF_DIAG_CODES_H
#define FRONTEND_DEF_DIAG_CODES_H

#include "base/str.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

enum diag_code {
	/* Errors of the text. */
	DIAG_NOT_TEXT,
	DIAG_BYTE_ORDER_MARK,
	DIAG_NO_STAGE,
	DIAG_BEFORE_BOOTSTRAP,
	DIAG_MISSING_BOOTSTRAP,
	DIAG_UNKNOWN_HEADER,
	DIAG_MALFORMED_HEADER,
	DIAG_HEADER_CONTINUATION,
	DIAG_UNKNOWN_SECTION,
	DIAG_INDENTED_SECTION,
	DIAG_APP_NAME,
	DIAG_MALFORMED_FILES,
	DIAG_UNDEFINED_ARGUMENT,
	DIAG_TOO_LARGE,
	/* Errors of what it means. */
	DIAG_UNKNOWN_AGENT,
	DIAG_MISSING_HEADER,
	DIAG_INVALID_REFERENCE,
	DIAG_DUPLICATE_STAGE,
	DIAG_UNKNOWN_STAGE,
	DIAG_FORWARD_REFERENCE,
	DIAG_SELF_REFERENCE,
	DIAG_MISSING_SHELL,
	DIAG_MISSING_SOURCE,
	DIAG_ESCAPING_DESTINATION,
	DIAG_UNUSED_ARGUMENT,
	/* Warnings. */
	DIAG_DUPLICATE_HEADER,
	DIAG_IGNORED_HEADER,
	DIAG_SWALLOWED_HEADER,
	DIAG_FLOATING_TAG,
	DIAG_EMPTY_SECTION,
	DIAG_UNUSED_STAGE,
	DIAG_UNUSED_DEFAULT,
	DIAG_MALFORMED_ARGUMENT,
	DIAG_UNREPLACED_PLACEHOLDER,
	DIAG_SECRET_ARGUMENT,
	DIAG_EXTRA_WORD,
	DIAG_SINGLE_QUOTES,
	DIAG_COMMENT_AS_TARGET,
	DIAG_EMPTY_SOURCE,
	DIAG_UNBALANCED_QUOTE,
	DIAG_MANY_TO_ONE,
	DIAG_FIRST_COMPONENT_GLOB,
	DIAG_SOURCE_UNDER_MOUNT,
	DIAG_SOURCE_IN_TMP,
	DIAG_SHELL_WITHOUT_E,
	DIAG_POST_ARGUMENTS,
	DIAG_INTERPRETER_ARGUMENTS,
	DIAG_BASHISM,
	DIAG_LATE_INTERPRETER,
	DIAG_UNFINISHED_HERE_DOCUMENT,
	DIAG_INDENTED_BOOTSTRAP,
	DIAG_BOOTSTRAP_IN_HELP,
	DIAG_LABEL_TAB,
	DIAG_RESERVED_LABEL,
	DIAG_APP_VARIABLE_NAME,
	DIAG_APPFILES_DESTINATION,
	DIAG_HOST_TMP,
	DIAG_CRLF,
	DIAG_LONG_SECTION,
	DIAG_STAGE_NAME,
	DIAG_UNKNOWN_CODE,
	DIAG_CODES,
};

struct diag_code_info {
	const char *name; /* "forward-reference" */
	enum diag_severity severity;
	bool can_be_disabled; /* false: with it nothing could be built */
	const char *summary;  /* a sentence without its full stop */
};

const struct diag_code_info *diag_code_info(enum diag_code code);
bool diag_code_find(struct str name, enum diag_code *out);
/* The code that was probably meant by `name`, or NULL. */
const char *diag_code_nearest(struct str name);

#endif
