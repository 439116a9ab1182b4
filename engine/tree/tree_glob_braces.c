/* SPDX-License-Identifier: MIT
 * tree_glob_braces.c - `{a,b}` and `{1..3}`, as bash expands them; see tree_glob.h.
 */
#include "engine/tree/tree_glob.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Far more than anyone writes; nested braces multiply. */
enum { TEXTS_MAX = 10000, DEPTH_MAX = 100 };

static struct err *push(struct path_list *out, char *text)
{
	if (out->len >= TEXTS_MAX) {
		free(text);
		return err_new(ERR_SYNTAX, "braces stand for more than %d names",
			       TEXTS_MAX);
	}
	return path_list_add(out, text);
}

/* Index of the `}` that closes the `{` at `open`, or of the end; `*commas` counts the
 * commas between that belong to it. */
static size_t find_close(struct str s, size_t open, size_t *commas)
{
	size_t depth = 0;

	*commas = 0;
	for (size_t i = open; i < s.len; i++) {
		if (s.data[i] == '\\')
			i++;
		else if (s.data[i] == '{')
			depth++;
		else if (s.data[i] == '}' && --depth == 0)
			return i;
		else if (s.data[i] == ',' && depth == 1)
			++*commas;
	}
	return s.len;
}

static bool parse_end(struct str s, int64_t *out, bool *is_letter)
{
	bool negative = s.len > 1 && s.data[0] == '-';
	uint64_t value;

	*is_letter = s.len == 1 && ((s.data[0] >= 'a' && s.data[0] <= 'z') ||
				    (s.data[0] >= 'A' && s.data[0] <= 'Z'));
	if (*is_letter) {
		*out = (unsigned char)s.data[0];
		return true;
	}
	if (!str_to_u64(str_slice(s, negative ? 1 : 0, s.len), &value) ||
	    value > INT32_MAX)
		return false;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* "1..3" or "a..e", without the braces; false if it is neither of them. */
static bool parse_range(struct str s, int64_t *from, int64_t *to, bool *is_letter)
{
	size_t dots = str_find(s, '.');
	bool second;

	if (dots + 1 >= s.len || s.data[dots + 1] != '.')
		return false;
	return parse_end(str_slice(s, 0, dots), from, is_letter) &&
	       parse_end(str_slice(s, dots + 2, s.len), to, &second) &&
	       *is_letter == second;
}

static struct err *expand_range(struct str s, struct path_list *out)
{
	int64_t from, to, step;
	bool is_letter;

	if (!parse_range(s, &from, &to, &is_letter))
		return push(out, xasprintf("{%.*s}", STR_ARG(s)));
	step = from <= to ? 1 : -1;
	for (int64_t i = from;; i += step) {
		TRY(push(out, is_letter ? xasprintf("%c", (int)i)
					: xasprintf("%lld", (long long)i)));
		if (i == to)
			return NULL;
	}
}

static struct err *expand(struct str s, struct path_list *out, unsigned depth);

/* The alternatives of "a,b{c,d},": the inside of one pair of braces. */
static struct err *expand_choices(struct str s, struct path_list *out, unsigned depth)
{
	size_t start = 0, nested = 0;

	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && s.data[i] == '\\') {
			i++;
			continue;
		}
		if (i < s.len && s.data[i] == '{')
			nested++;
		if (i < s.len && s.data[i] == '}' && nested > 0)
			nested--;
		if (i < s.len && (s.data[i] != ',' || nested > 0))
			continue;
		TRY(expand(str_slice(s, start, i), out, depth + 1));
		start = i + 1;
	}
	return NULL;
}

static struct err *combine(struct str head, const struct path_list *middle,
			   const struct path_list *tails, struct path_list *out)
{
	for (size_t i = 0; i < middle->len; i++)
		for (size_t j = 0; j < tails->len; j++)
			TRY(push(out, xasprintf("%.*s%s%s", STR_ARG(head),
						middle->items[i], tails->items[j])));
	return NULL;
}

static size_t find_open(struct str s)
{
	size_t i = 0;

	while (i < s.len && s.data[i] != '{')
		i += s.data[i] == '\\' ? 2 : 1;
	return i < s.len ? i : s.len;
}

/* What the braces from `open` stand for; `*end` is where the text goes on. */
static struct err *expand_middle(struct str s, size_t open, unsigned depth, size_t *end,
				 struct path_list *out)
{
	size_t commas, close = find_close(s, open, &commas);
	struct str inside = str_slice(s, open + 1, close);

	*end = close + 1;
	if (close < s.len)
		return commas > 0 ? expand_choices(inside, out, depth)
				  : expand_range(inside, out);
	/* A brace that is never closed stands for itself. */
	*end = open + 1;
	return push(out, xstrdup("{"));
}

static struct err *expand(struct str s, struct path_list *out, unsigned depth)
{
	CLEANUP(path_list_release) struct path_list middle = {0};
	CLEANUP(path_list_release) struct path_list tails = {0};
	size_t open = find_open(s), end;

	if (depth > DEPTH_MAX)
		return err_new(ERR_SYNTAX, "braces are nested too deep");
	if (open == s.len)
		return push(out, str_dup(s));
	TRY(expand_middle(s, open, depth, &end, &middle));
	TRY(expand(str_slice(s, end, s.len), &tails, depth + 1));
	return combine(str_slice(s, 0, open), &middle, &tails, out);
}

struct err *tree_glob_braces(const char *text, struct path_list *out)
{
	CLEANUP(path_list_release) struct path_list list = {0};

	TRY(expand(str_of(text), &list, 0));
	for (size_t i = 0; i < list.len; i++)
		TRY(path_list_add(out, STEAL(list.items[i])));
	return NULL;
}
