/* SPDX-License-Identifier: MIT
 * oci_runtime.c - see oci_runtime.h.
 */
#include "engine/meta/oci_runtime.h"

#include <string.h>

#include "base/shell_word.h"
#include "engine/meta/labels.h"
#include "engine/meta/root_file.h"
#include "engine/oci/oci_manifest.h"

/* Only these four have a meaning to the shell inside double quotes (POSIX: XCU 2.2.3). */
static void put_double_quoted(struct buf *out, struct str text)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("\\\"`$", text.data[i]))
			buf_putc(out, '\\');
		buf_putc(out, text.data[i]);
	}
	buf_putc(out, '"');
}

static bool is_variable_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool letter =
			(c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0;
}

/* What the user has set wins, except for PATH: the image's programs lie in the image's
 * PATH.
 */
void oci_runtime_environment(const struct oci_config *config, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n");
	for (size_t i = 0; i < config->n_env; i++) {
		struct str name, value;
		bool has_value = str_cut(str_of(config->env[i]), '=', &name, &value);

		if (!is_variable_name(name))
			continue;
		if (has_value && !str_is(name, "PATH"))
			buf_printf(out, "[ -n \"${%.*s:-}\" ] || ", STR_ARG(name));
		if (has_value) {
			buf_printf(out, "%.*s=", STR_ARG(name));
			put_double_quoted(out, value);
			buf_putc(out, '\n');
		}
		buf_printf(out, "export %.*s\n", STR_ARG(name));
	}
}

/* NAME='"first" "second"': words that `eval` splits again. */
static void put_words(struct buf *out, const char *name, char *const *words, size_t n)
{
	CLEANUP(buf_release) struct buf joined = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(&joined, ' ');
		put_double_quoted(&joined, str_of(words[i]));
	}
	buf_printf(out, "%s=", name);
	shell_word_quote(out, str_make(buf_text(&joined), joined.len));
	buf_putc(out, '\n');
}

static void put_set(struct buf *out, const char *indent, char *const *words, size_t n,
		    bool keep_arguments)
{
	buf_printf(out, "%sset --", indent);
	for (size_t i = 0; i < n; i++) {
		buf_putc(out, ' ');
		shell_word_quote(out, str_of(words[i]));
	}
	buf_puts(out, keep_arguments ? " \"$@\"\n" : "\n");
}

/*
 * The end of the runscript.  The shell evaluates the words once more, as in Apptainer:
 * `$HOME` in one is the user's home.  In Apptainer a quote in an argument breaks the
 * command or is lost, and an option as the first word goes to `set`; here they come
 * through.  A word with a command in it is left alone: its quotes may be the command's.
 *
 * The last line but one must be written like this: Apptainer's runtime looks for it, and
 * then interprets the whole script itself, so that images without a shell run, too.  To
 * its interpreter (mvdan.cc/sh) a backslash in the value of a pattern, quoted or not,
 * escapes, and it keeps both in `x\\$y`: patterns are literals here, and backslashes
 * stand in single quotes.
 */
static const char EVALUATE[] =
	"# Each word is evaluated once more, but for a quote that would end it, and a "
	"backslash at\n"
	"# its end.\n"
	"words=\n"
	"for word in \"$@\"; do\n"
	"    quoted=\n"
	"    while :; do\n"
	"        case $word in\n"
	"        *'$('* | *'`'*) break ;;\n"
	"        *[\\\"\\\\]*) ;;\n"
	"        *) break ;;\n"
	"        esac\n"
	"        plain=${word%%[\\\"\\\\]*}\n"
	"        rest=${word#*[\\\"\\\\]}\n"
	"        if [ \"$plain\" = \"${word%%\\\"*}\" ]; then\n"
	"            quoted=$quoted$plain'\\\"'\n"
	"            word=$rest\n"
	"            continue\n"
	"        fi\n"
	"        word=${rest#[\\\"\\\\]}\n"
	"        case $rest in\n"
	"        \\\"*) quoted=$quoted$plain'\\\"' ;;\n"
	"        \\\\* | '') quoted=$quoted$plain'\\\\' ;;\n"
	"        *) quoted=$quoted$plain'\\' ;;\n"
	"        esac\n"
	"    done\n"
	"    words=\"$words \\\"$quoted$word\\\"\"\n"
	"done\n"
	"SINGULARITY_OCI_RUN=\"-- $OCI_ENTRYPOINT ${words:-$OCI_CMD}\"\n"
	"eval \"set ${SINGULARITY_OCI_RUN}\"\n"
	"exec \"$@\"\n";

/*
 * Arguments replace Cmd and follow Entrypoint.  SINGULARITY_NO_EVAL takes all words as
 * they are, as Docker does.
 */
void oci_runtime_runscript(const struct oci_config *config, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n");
	put_words(out, "OCI_ENTRYPOINT", config->entrypoint, config->n_entrypoint);
	put_words(out, "OCI_CMD", config->cmd, config->n_cmd);
	buf_puts(out, "\nif [ -n \"${SINGULARITY_NO_EVAL:-}\" ]; then\n"
		      "    if [ $# -eq 0 ]; then\n");
	put_set(out, "        ", config->cmd, config->n_cmd, false);
	buf_puts(out, "    fi\n");
	put_set(out, "    ", config->entrypoint, config->n_entrypoint, true);
	buf_puts(out, "    exec \"$@\"\n"
		      "fi\n\n");
	buf_puts(out, EVALUATE);
}

struct err *oci_runtime_write(int root_fd, const struct oci_config *config)
{
	CLEANUP(buf_release) struct buf environment = BUF_INIT, runscript = BUF_INIT;
	CLEANUP(labels_release) struct labels labels = LABELS_INIT;

	oci_runtime_environment(config, &environment);
	oci_runtime_runscript(config, &runscript);
	TRY(root_write(root_fd, "/.singularity.d/env/10-docker2singularity.sh",
		       environment.data, environment.len, 0755, ROOT_REPLACE));
	TRY(root_write(root_fd, "/.singularity.d/runscript", runscript.data,
		       runscript.len, 0755, ROOT_REPLACE));
	if (config->n_labels == 0)
		return NULL;
	for (size_t i = 0; i < config->n_labels; i++)
		labels_set(&labels, config->label_names[i], config->label_values[i],
			   true);
	return labels_save(root_fd, LABELS_OF_IMAGE, &labels);
}
