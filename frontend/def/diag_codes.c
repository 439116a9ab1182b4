/* SPDX-License-Identifier: MIT
 * diag_codes.c - see diag_codes.h.
 */
#include "frontend/def/diag_codes.h"

#define ERROR(name, summary)                                                             \
	{                                                                                \
		(name), DIAG_ERROR, false, (summary)                                     \
	}
#define STRICT(name, summary)                                                            \
	{                                                                                \
		(name), DIAG_ERROR, true, (summary)                                      \
	}
#define WARNING(name, summary)                                                           \
	{                                                                                \
		(name), DIAG_WARNING, true, (summary)                                    \
	}

static const struct diag_code_info table[] = {
	[DIAG_NOT_TEXT] =
		ERROR("not-text", "The file contains a NUL byte and is not text"),
	[DIAG_BYTE_ORDER_MARK] =
		ERROR("byte-order-mark", "The file begins with a UTF-8 byte order mark"),
	[DIAG_NO_STAGE] = ERROR("no-stage", "The definition has no stage"),
	[DIAG_BEFORE_BOOTSTRAP] = ERROR(
		"before-bootstrap",
		"Something comes before the first 'Bootstrap:' and so is not in a stage"),
	[DIAG_MISSING_BOOTSTRAP] =
		ERROR("missing-bootstrap", "The stage has no 'Bootstrap' header"),
	[DIAG_UNKNOWN_HEADER] =
		ERROR("unknown-header", "There is no header with this name"),
	[DIAG_MALFORMED_HEADER] =
		ERROR("malformed-header", "A line of the header has no colon"),
	[DIAG_HEADER_CONTINUATION] =
		ERROR("header-continuation",
		      "A header ends with a backslash, and no line continues it"),
	[DIAG_UNKNOWN_SECTION] =
		ERROR("unknown-section", "There is no section with this name"),
	[DIAG_INDENTED_SECTION] =
		ERROR("indented-section", "A section does not begin in column 1"),
	[DIAG_APP_NAME] = ERROR("app-name", "An app section has no usable app name"),
	[DIAG_MALFORMED_FILES] =
		ERROR("malformed-files", "%files does not say where to copy from, or a "
					 "line of it does not name a file"),
	[DIAG_UNDEFINED_ARGUMENT] =
		ERROR("undefined-argument", "A template argument has no value"),
	[DIAG_TOO_LARGE] =
		ERROR("too-large", "Template arguments make the definition far larger"),
	[DIAG_UNKNOWN_AGENT] =
		ERROR("unknown-agent", "There is no bootstrap agent with this name"),
	[DIAG_MISSING_HEADER] =
		ERROR("missing-header", "The agent needs a header that is missing"),
	[DIAG_INVALID_REFERENCE] =
		ERROR("invalid-reference", "'From' is not a valid image reference"),
	[DIAG_DUPLICATE_STAGE] =
		STRICT("duplicate-stage", "Two stages have the same name"),
	[DIAG_UNKNOWN_STAGE] = ERROR("unknown-stage",
				     "Files are copied from a stage that does not exist"),
	[DIAG_FORWARD_REFERENCE] =
		ERROR("forward-reference",
		      "Files are copied from a stage that is defined below"),
	[DIAG_SELF_REFERENCE] =
		ERROR("self-reference", "A stage copies files from itself"),
	[DIAG_MISSING_SHELL] = ERROR(
		"missing-shell", "'-c' of a script section is not followed by a shell"),
	[DIAG_MISSING_SOURCE] =
		STRICT("missing-source", "A host file that %files copies does not exist"),
	[DIAG_ESCAPING_DESTINATION] =
		STRICT("escaping-destination",
		       "A destination of %files leads above the image's root"),
	[DIAG_UNUSED_ARGUMENT] =
		STRICT("unused-argument", "No stage uses a build argument that is given"),
	[DIAG_DUPLICATE_HEADER] =
		WARNING("duplicate-header", "A header is given twice in a stage"),
	[DIAG_IGNORED_HEADER] =
		WARNING("ignored-header", "The stage's agent does not use a header"),
	[DIAG_SWALLOWED_HEADER] = WARNING(
		"swallowed-header", "A backslash makes the next header part of a value"),
	[DIAG_FLOATING_TAG] =
		WARNING("floating-tag", "'From' has no tag, or the tag 'latest'"),
	[DIAG_EMPTY_SECTION] = WARNING("empty-section", "A section is empty"),
	[DIAG_UNUSED_STAGE] = WARNING("unused-stage",
				      "Nothing uses a stage: the image does not need it"),
	[DIAG_UNUSED_DEFAULT] =
		WARNING("unused-default", "Nothing uses an argument of %arguments"),
	[DIAG_MALFORMED_ARGUMENT] =
		WARNING("malformed-argument", "A line of arguments is not NAME=VALUE"),
	[DIAG_UNREPLACED_PLACEHOLDER] =
		WARNING("unreplaced-placeholder",
			"A '#' before a template argument keeps it from being replaced"),
	[DIAG_SECRET_ARGUMENT] =
		WARNING("secret-argument",
			"A build argument that looks secret is stored in the image"),
	[DIAG_EXTRA_WORD] =
		WARNING("extra-word", "A line of %files has more than two words"),
	[DIAG_SINGLE_QUOTES] =
		WARNING("single-quotes", "%files does not support single quotes"),
	[DIAG_COMMENT_AS_TARGET] =
		WARNING("comment-as-target",
			"%files does not support comments at the end of a line"),
	[DIAG_EMPTY_SOURCE] =
		WARNING("empty-source", "A line of %files has an empty source"),
	[DIAG_UNBALANCED_QUOTE] =
		WARNING("unbalanced-quote", "A quote in a line of %files is not closed"),
	[DIAG_MANY_TO_ONE] =
		WARNING("many-to-one", "Several files are copied to one file's name"),
	[DIAG_FIRST_COMPONENT_GLOB] = WARNING(
		"first-component-glob",
		"Newer versions of Apptainer refuse a pattern at the start of a source"),
	[DIAG_SOURCE_UNDER_MOUNT] = WARNING(
		"source-under-mount",
		"Files are copied from /proc, /sys or /dev of a stage, which are empty"),
	[DIAG_SOURCE_IN_TMP] = WARNING(
		"source-in-tmp",
		"What a stage's %post makes in /tmp is dropped before it is copied"),
	[DIAG_SHELL_WITHOUT_E] = WARNING(
		"shell-without-e", "The script continues after a command that fails"),
	[DIAG_POST_ARGUMENTS] =
		WARNING("post-arguments",
			"An argument of a script section is run instead of the script"),
	[DIAG_INTERPRETER_ARGUMENTS] = STRICT(
		"interpreter-arguments", "Arguments of %test, %runscript or %startscript "
					 "make a script that cannot run"),
	[DIAG_BASHISM] =
		WARNING("bashism", "A script for /bin/sh uses a feature of bash"),
	[DIAG_LATE_INTERPRETER] =
		WARNING("late-interpreter", "'#!' is not on the first line of a script"),
	[DIAG_UNFINISHED_HERE_DOCUMENT] =
		WARNING("unfinished-here-document",
			"A here-document is not closed before its section ends"),
	[DIAG_INDENTED_BOOTSTRAP] = WARNING(
		"indented-bootstrap",
		"An indented 'Bootstrap:' within a section does not begin a stage"),
	[DIAG_BOOTSTRAP_IN_HELP] =
		WARNING("bootstrap-in-help", "A line of %help begins a new stage"),
	[DIAG_LABEL_TAB] = WARNING("label-tab", "A tab does not end a label's name"),
	[DIAG_RESERVED_LABEL] =
		WARNING("reserved-label",
			"A value is given for a label that is set automatically"),
	[DIAG_APP_VARIABLE_NAME] = WARNING(
		"app-variable-name", "An app's name cannot be part of a variable's name"),
	[DIAG_APPFILES_DESTINATION] =
		WARNING("appfiles-destination",
			"Apptainer does not make the folder that %appfiles copies into"),
	[DIAG_HOST_TMP] = WARNING("host-tmp", "%post reads a file of the host's /tmp"),
	[DIAG_CRLF] = WARNING("crlf", "Lines of a script end in CR LF"),
	[DIAG_LONG_SECTION] = WARNING(
		"long-section", "Apptainer refuses sections longer than 65535 bytes"),
	[DIAG_STAGE_NAME] =
		WARNING("stage-name", "A stage's name cannot be used in '%files from'"),
	[DIAG_UNKNOWN_CODE] =
		WARNING("unknown-code", "'dagbuild: allow' names an unknown code"),
};
TABLE_HAS_ALL(table, DIAG_CODES);

const struct diag_code_info *diag_code_info(enum diag_code code)
{
	assert(code < DIAG_CODES);
	return &table[code];
}

bool diag_code_find(struct str name, enum diag_code *out)
{
	for (unsigned i = 0; i < DIAG_CODES; i++) {
		if (str_is(name, table[i].name)) {
			*out = (enum diag_code)i;
			return true;
		}
	}
	return false;
}

const char *diag_code_nearest(struct str name)
{
	const char *nearest = NULL;
	size_t best = 4;

	for (unsigned i = 0; i < DIAG_CODES; i++) {
		size_t distance = str_distance(name, str_of(table[i].name), best - 1);

		if (distance < best) {
			best = distance;
			nearest = table[i].name;
		}
	}
	return nearest;
}
