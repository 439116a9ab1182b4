/* SPDX-License-Identifier: MIT
 * fuzz_shell.c - any bytes as a script: the scanner ends, and points into the text only.
 */
/* links: check */
#include <stdlib.h>
#include <string.h>

#include "frontend/check/script_lint.h"
#include "frontend/shell/shell_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static bool is_inside(struct str s, struct str text)
{
	return s.len == 0 ||
	       (s.data >= text.data && s.data + s.len <= text.data + text.len);
}

static void see(void *context, const struct script_finding *finding)
{
	const struct str *text = context;

	check(finding->at.len > 0 && is_inside(finding->at, *text));
	check(is_inside(finding->note_at, *text));
	check((finding->note_at.len > 0) == (finding->note != NULL));
	check(finding->code[0] && finding->message[0]);
}

/* Tokens are slices of the text; there are no more than three for each byte. */
static void scan(struct str text)
{
	struct shell_scan s;
	const struct shell_token *token;
	size_t n = 0;

	shell_scan_init(&s, text);
	while ((token = shell_scan_next(&s))->kind != SHELL_END) {
		check(is_inside(token->text, text) && is_inside(token->brace, text));
		check(is_inside(token->body, text) && is_inside(token->delimiter, text));
		check(is_inside(token->near, text));
		check(token->level < SHELL_MAX_DEPTH);
		check(n++ <= 3 * text.len + SHELL_MAX_PENDING);
	}
	check(shell_scan_next(&s)->kind == SHELL_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str targets[] = {{"/tmp/a", 6}, {"/var/tmp/", 9}, {"", 0}};
	struct str text = {(const char *)data, size};
	struct script_text script = {.text = text, .shell = SHELL_IS_DASH};

	scan(text);
	script_lint(&script, see, &text);
	script.shell = SHELL_IS_ASH;
	script.targets = targets;
	script.n_targets = ARRAY_LEN(targets);
	script.earlier = &text;
	script.n_earlier = size % 2;
	script_lint(&script, see, &text);
	shell_sets_errexit(text);
	return 0;
}
