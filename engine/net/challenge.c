/* SPDX-License-Identifier: MIT
 * challenge.c - see challenge.h.
 *
 * A challenge's scope is not read: we decide what we ask for.
 */
#include "engine/net/challenge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void challenge_release(struct challenge *c)
{
	/* The analyzer of clang 14 loses track of structs that were swapped. */
	free(c->realm); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(c->service);
	*c = (struct challenge)CHALLENGE_INIT;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~/:", c));
}

static struct str take_token(struct str *rest)
{
	struct str token;
	size_t n = 0;

	*rest = str_trim_left(*rest);
	while (n < rest->len && is_token_char(rest->data[n]))
		n++;
	token = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, n, rest->len);
	return token;
}

/* A token, or a quoted string with backslash escapes; for free(). */
static char *take_value(struct str *rest)
{
	struct buf out = BUF_INIT;
	size_t i = 1;

	*rest = str_trim_left(*rest);
	if (rest->len == 0 || rest->data[0] != '"')
		return str_dup(take_token(rest));
	for (; i < rest->len && rest->data[i] != '"'; i++) {
		if (rest->data[i] == '\\' && i + 1 < rest->len)
			i++;
		buf_putc(&out, rest->data[i]);
	}
	*rest = str_slice(*rest, i + 1, rest->len);
	return buf_steal(&out);
}

/* Where the parameter belongs; NULL for one that is of no use here. */
static char **slot_of(struct challenge *c, struct str name)
{
	if (str_equal_nocase(name, STR("realm")))
		return &c->realm;
	return str_equal_nocase(name, STR("service")) ? &c->service : NULL;
}

/* Takes `value` over; the first of a parameter given twice counts. */
static void set_parameter(struct challenge *c, struct str name, char *value)
{
	char **slot = slot_of(c, name);

	if (slot && !*slot)
		*slot = value;
	else
		free(value);
}

static enum auth_scheme scheme_of(struct str name)
{
	if (str_equal_nocase(name, STR("bearer")))
		return AUTH_BEARER;
	return str_equal_nocase(name, STR("basic")) ? AUTH_BASIC : AUTH_NONE;
}

/* Without a realm we do not know where to get a token. */
static unsigned usefulness(const struct challenge *c)
{
	switch (c->scheme) {
	case AUTH_BEARER:
		return c->realm ? 3 : 1;
	case AUTH_BASIC:
		return 2;
	case AUTH_NONE:
		break;
	}
	return 0;
}

static void keep_better(struct challenge *best, struct challenge *next)
{
	if (usefulness(next) > usefulness(best)) {
		struct challenge worse = *best;

		*best = *next;
		*next = worse;
	}
	challenge_release(next);
}

/* `Scheme name=value, name="value", Other name=value`: a word that `=` follows is a
 * parameter, any other begins a challenge. */
static void parse_line(struct str line, struct challenge *best)
{
	struct challenge current = CHALLENGE_INIT;

	while (line.len > 0) {
		struct str word = take_token(&line);
		struct str rest = str_trim_left(line);

		if (word.len == 0) {
			line = str_slice(line, 1, line.len);
			continue;
		}
		if (rest.len > 0 && rest.data[0] == '=') {
			line = str_slice(rest, 1, rest.len);
			set_parameter(&current, word, take_value(&line));
			continue;
		}
		keep_better(best, &current);
		current.scheme = scheme_of(word);
	}
	keep_better(best, &current);
}

void challenge_parse(struct str headers, struct challenge *out)
{
	struct str line;

	challenge_release(out);
	while (headers.len > 0) {
		str_cut(headers, '\n', &line, &headers);
		parse_line(line, out);
	}
}
