/* SPDX-License-Identifier: MIT
 * test_library.c - references of libraries are understood as Apptainer means them, and
 * lead to one server.
 */
/* links: oci */
#include "engine/oci/library.h"
#include "tests/fake/cmocka_all.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references(void **state)
{
	static const char server[] = "https://library.example/";
	static const struct {
		const char *text, *server, *formatted; /* NULL: refused */
	} rows[] = {
		{"alpine", server, "library.example/alpine:latest"},
		{"alpine", NULL, "alpine:latest"},
		{"lab/alpine:3.17", server, "library.example/lab/alpine:3.17"},
		{"lab/tools/alpine:3.17", server,
		 "library.example/lab/tools/alpine:3.17"},
		{"library://lab/tools/alpine", server,
		 "library.example/lab/tools/alpine:latest"},
		{"library:alpine:1", server, "library.example/alpine:1"},
		{"//lab/tools/alpine:1", server, "library.example/lab/tools/alpine:1"},
		{"//other.example:8443/lab/tools/alpine:1", server,
		 "other.example:8443/lab/tools/alpine:1"},
		{"library://other.example/lab/tools/alpine", NULL,
		 "other.example/lab/tools/alpine:latest"},
		{"alpine:1,2,latest", server, "library.example/alpine:1"},
		{"Lab/Tool_1.x:V-2", server, "library.example/Lab/Tool_1.x:V-2"},
		{"alpine:sha256." HEX, server, "library.example/alpine:sha256." HEX},
		{"alpine", "http://127.0.0.1:5", "http://127.0.0.1:5//alpine:latest"},
		{"alpine", "https://host.example/below//",
		 "https://host.example/below//alpine:latest"},
		{"alpine", "host.example", "host.example/alpine:latest"},
		{"", server, NULL},
		{"alpine:", server, NULL},
		{"alpine:,1", server, NULL},
		{"alpine:a b", server, NULL},
		{"alpine:1?x=y", server, NULL},
		{"lab//alpine", server, NULL},
		{"/alpine", server, NULL},
		{"alpine/", server, NULL},
		{"lab/../alpine", server, NULL},
		{"lab/al%70ine", server, NULL},
		{"a/b/c/d/e", server, NULL},
		{"user@host/a/b/c", server, NULL},
		{"alpine", "https://user:secret@host.example", NULL},
		{"alpine", "ftp://host.example", NULL},
		{"alpine", "https://host.example/?x", NULL},
		{"alpine", "https://", NULL},
		{"alpine", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(library_ref_release) struct library_ref ref = LIBRARY_REF_INIT;
		CLEANUP(freep) char *formatted = NULL;
		struct err *e = library_ref_parse(rows[i].text, rows[i].server, &ref);

		if (!rows[i].formatted) {
			if (!e)
				print_error("'%s' was taken\n", rows[i].text);
			assert_non_null(e);
			err_free(e);
			continue;
		}
		assert_ok(e);
		formatted = library_ref_format(&ref);
		assert_string_equal(formatted, rows[i].formatted);
	}
}

static void test_digest(void **state)
{
	CLEANUP(library_ref_release) struct library_ref ref = LIBRARY_REF_INIT;
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_ok(library_ref_parse("a:sha256." HEX, NULL, &ref));
	assert_string_equal(digest_format(&ref.image.digest, text), "sha256:" HEX);
	library_ref_release(&ref);
	assert_ok(library_ref_parse("a:sha256.0123", NULL, &ref));
	assert_false(digest_is_set(&ref.image.digest));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
