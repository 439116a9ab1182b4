/* SPDX-License-Identifier: MIT
 * shell_reads.c - see shell_reads.h.
 */
#include "frontend/shell/shell_reads.h"

#include <string.h>

enum reads {
	READS_OPERANDS,	  /* all */
	READS_BUT_LAST,	  /* all but the last operand */
	READS_FIRST,	  /* the first operand */
	READS_AFTER_F,	  /* the word after "-f" or "--file", after a word of the mode */
	READS_TAR,	  /* the same, also after letters as in "xzf" */
	READS_AFTER_MODE, /* the operands after a word of the mode */
};

/* Words, with blanks between. */
#define INSTALL_MODES "install add localinstall in"
#define RPM_MODES "-i -ivh -ihv -iv -U -Uvh -Uhv -Uv --install --upgrade"

static const struct shell_reader {
	const char *name;
	enum reads reads;
	const char *stops;  /* letters of options with which it reads nothing */
	const char *values; /* letters of options whose value is not an operand */
	const char *modes;  /* words after which it reads */
} readers[] = {
	{"cat", READS_OPERANDS, "", "", ""},
	{"unzip", READS_OPERANDS, "", "dPx", ""},
	{"cp", READS_BUT_LAST, "", "tS", ""},
	{"mv", READS_BUT_LAST, "", "tS", ""},
	{"ln", READS_BUT_LAST, "s", "tS", ""},
	{"install", READS_BUT_LAST, "d", "tmogS", ""},
	{"tar", READS_TAR, "", "", "--extract --get"},
	{"sh", READS_FIRST, "cs", "o", ""},
	{"bash", READS_FIRST, "cs", "o", ""},
	{"dash", READS_FIRST, "cs", "o", ""},
	{"ash", READS_FIRST, "cs", "o", ""},
	{".", READS_FIRST, "", "", ""},
	{"source", READS_FIRST, "", "", ""},
	{"python", READS_FIRST, "cm", "WX", ""},
	{"python2", READS_FIRST, "cm", "WX", ""},
	{"python3", READS_FIRST, "cm", "WX", ""},
	{"perl", READS_FIRST, "eE", "I", ""},
	{"dpkg", READS_AFTER_MODE, "", "", "-i --install --unpack"},
	{"rpm", READS_AFTER_MODE, "", "", RPM_MODES},
	{"apt", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"apt-get", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"yum", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"dnf", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"microdnf", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"zypper", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"apk", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"pip", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"pip3", READS_AFTER_MODE, "", "", INSTALL_MODES},
	{"conda", READS_AFTER_F, "", "", "create update install"},
	{"mamba", READS_AFTER_F, "", "", "create update install"},
	{"micromamba", READS_AFTER_F, "", "", "create update install"},
};

/* Options of READS_AFTER_MODE that may precede an operand: others might take it as
 * value. */
static const char plain_options[] =
	"-y -q -qq -yq -qy -yqq -r -e -U -f -v -h --yes --assume-yes --quiet --verbose "
	"--no-install-recommends --allow-downgrades --no-cache-dir --no-cache --upgrade "
	"--user --no-deps --nodeps --requirement --editable --force --force-all "
	"--force-yes --allow-untrusted --nogpgcheck --replacepkgs --no-index --pre "
	"--force-reinstall --break-system-packages";

static bool is_in(const char *words, struct str word)
{
	struct str rest = str_of(words), next;

	while (str_next_word(&rest, &next))
		if (str_equal(next, word))
			return true;
	return false;
}

/* "/opt/conda/bin/conda" counts as "conda". */
static bool is_command(struct str word, const char *name)
{
	size_t len = strlen(name);

	return str_ends_with(word, name) &&
	       (word.len == len || word.data[word.len - len - 1] == '/');
}

static const struct shell_reader *reader_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (is_command(name, readers[i].name))
			return &readers[i];
	return NULL;
}

static bool is_option(struct str word)
{
	return word.len > 1 && word.data[0] == '-';
}

static bool is_long(struct str option)
{
	return str_starts_with(option, "--");
}

/* Is one of `letters` in "-abc", or the first of "--abc"? */
static bool has_letter(struct str option, const char *letters)
{
	struct str s = is_long(option) ? str_slice(option, 2, 3)
				       : str_slice(option, 1, option.len);

	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] != '\0' && strchr(letters, s.data[i]))
			return true;
	return false;
}

/* "-xzf", or "xzf" as the first word: options of tar. */
static bool is_bundle(const struct shell_command *command, struct str word)
{
	return (is_option(word) && !is_long(word)) || command->n_arguments == 0;
}

/* Is the word after the option `previous` its value, and nothing else? */
static bool is_value(const struct shell_reader *reader, struct str previous)
{
	char last;

	if (!is_option(previous))
		return false;
	if (is_long(previous))
		return str_find(previous, '=') == previous.len &&
		       has_letter(previous, reader->values);
	last = previous.data[previous.len - 1];
	return last != '\0' && strchr(reader->values, last);
}

/* Note what a word says about those that follow. */
static void note_option(struct shell_reading *r, const struct shell_reader *reader,
			const struct shell_command *command, struct str word)
{
	bool is_letters = reader->reads == READS_TAR && is_bundle(command, word);

	if (is_option(word) && has_letter(word, reader->stops))
		r->is_stopped = true;
	if (is_in(reader->modes, word) || (is_letters && str_find(word, 'x') < word.len))
		r->is_active = true;
	r->is_file_next = str_is(word, "-f") || str_is(word, "--file") ||
			  (is_letters && str_find(word, 'f') < word.len);
}

static bool is_read(struct shell_reading *r, const struct shell_reader *reader,
		    struct str previous, struct str word)
{
	bool is_operand = !is_option(word) && !is_value(reader, previous);

	r->n_operands += is_operand;
	if (r->is_stopped)
		return false;
	switch (reader->reads) {
	case READS_OPERANDS:
	case READS_BUT_LAST:
		return is_operand;
	case READS_FIRST:
		return is_operand && r->n_operands == 1;
	case READS_AFTER_F:
	case READS_TAR:
		return r->is_active && r->is_file_next;
	case READS_AFTER_MODE:
		return r->is_active && is_operand &&
		       (!is_option(previous) || is_in(reader->modes, previous) ||
			is_in(plain_options, previous));
	}
	return false;
}

enum shell_reads shell_reads_word(struct shell_reading *r,
				  const struct shell_command *command, struct str word)
{
	const struct shell_reader *reader = reader_of(command->runs);
	bool reads;

	if (!reader)
		return SHELL_READS_NOT;
	reads = is_read(r, reader, command->previous, word);
	note_option(r, reader, command, word);
	if (!reads)
		return SHELL_READS_NOT;
	return reader->reads == READS_BUT_LAST ? SHELL_READS_UNLESS_LAST : SHELL_READS;
}
