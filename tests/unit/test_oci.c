/* SPDX-License-Identifier: MIT
 * test_oci.c - references and documents are understood as registries and clients mean them, and what
 * is malformed is refused.
 */
/* links: oci */
#include <string.h>

#include "engine/net/http.h"
#include "engine/oci/oci_manifest.h"
#include "engine/oci/oci_ref.h"
#include "tests/fake/cmocka_all.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- references ---- */

static void test_references(void **state)
{
	static const struct {
		const char *text, *formatted; /* NULL: refused */
	} rows[] = {
		{"alpine", "docker.io/library/alpine:latest"},
		{"alpine:3.17", "docker.io/library/alpine:3.17"},
		{"docker.io/alpine", "docker.io/library/alpine:latest"},
		{"index.docker.io/owner/name:Tag_1.2-x",
		 "docker.io/owner/name:Tag_1.2-x"},
		{"owner/name", "docker.io/owner/name:latest"},
		{"localhost/x", "localhost/x:latest"},
		{"127.0.0.1:5000/a/b/c:1", "127.0.0.1:5000/a/b/c:1"},
		{"ghcr.io/a__b/c-d.e@sha256:" HEX, "ghcr.io/a__b/c-d.e@sha256:" HEX},
		{"alpine:3@sha256:" HEX, "docker.io/library/alpine:3@sha256:" HEX},
		{"a---b", "docker.io/library/a---b:latest"},
		{"", NULL},
		{"Alpine", NULL},
		{"alpine:", NULL},
		{"alpine:-x", NULL},
		{"a..b", NULL},
		{"a___b", NULL},
		{"/alpine", NULL},
		{"alpine/", NULL},
		{"docker://alpine", NULL},
		{"alpine@sha256:0123", NULL},
		{"alpine@md5:" HEX, NULL},
		{"al pine", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
		CLEANUP(freep) char *text = NULL;
		struct err *e = oci_ref_parse(rows[i].text, &ref);

		if (!rows[i].formatted) {
			if (!e)
				print_error("'%s' was taken\n", rows[i].text);
			assert_err(ERR_SYNTAX, e);
			continue;
		}
		assert_ok(e);
		text = oci_ref_format(&ref);
		assert_string_equal(text, rows[i].formatted);
	}
}

/* ---- documents ---- */

#define DESCRIPTOR(type, digit)                                                          \
	"{\"mediaType\":\"" type "\",\"size\":7,\"digest\":\"sha256:" digit              \
	"123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define ENTRY(digit, os, arch, more)                                                     \
	DESCRIPTOR(MANIFEST_TYPE, digit)                                                 \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"" more "}}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"
#define CONFIG DESCRIPTOR("application/vnd.oci.image.config.v1+json", "c") "}"

static void test_kinds(void **state)
{
	enum oci_kind kind;

	(void)state;
	assert_ok(oci_document_kind(STR("{\"manifests\":[]}"), "text/plain", &kind));
	assert_int_equal(kind, OCI_INDEX);
	assert_ok(oci_document_kind(STR("{\"config\":{},\"layers\":[]}"),
				    MANIFEST_TYPE "; q=1", &kind));
	assert_int_equal(kind, OCI_MANIFEST);
	assert_err(ERR_CORRUPT, oci_document_kind(STR("{\"manifests\":[],\"layers\":[]}"),
						  NULL, &kind));
	assert_err(ERR_CORRUPT,
		   oci_document_kind(STR("{\"manifests\":[]}"), MANIFEST_TYPE, &kind));
	assert_err(ERR_UNSUPPORTED,
		   oci_document_kind(STR("{\"schemaVersion\":1}"), NULL, &kind));
	assert_err(ERR_CORRUPT, oci_document_kind(STR("[]"), NULL, &kind));
	assert_err(ERR_CORRUPT, oci_document_kind(STR("{"), NULL, &kind));
}

/* The digit that the chosen entry's digest begins with; `!` for none. */
static char chosen(const char *text, struct oci_platform platform)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor d = {0};
	struct err *e = oci_index_choose(str_of(text), &platform, &d);
	char hex[DIGEST_TEXT_SIZE];

	err_free(e);
	return e ? '!' : digest_hex(&d.digest, hex)[0];
}

static void test_index(void **state)
{
	struct oci_platform amd64 = {"linux", "amd64", NULL},
			    armv7 = {"linux", "arm", "v7"};

	(void)state;
	assert_int_equal(chosen(INDEX(ENTRY("0", "unknown", "unknown", "") "," ENTRY(
					"1", "linux", "arm64",
					"") "," ENTRY("2", "linux", "amd64", "")),
				amd64),
			 '2');
	assert_int_equal(chosen(INDEX(ENTRY("1", "windows", "amd64", "")), amd64), '!');
	assert_int_equal(
		chosen(INDEX(ENTRY(
			       "1", "linux", "amd64",
			       ",\"variant\":\"v3\"") "," ENTRY("2", "linux", "amd64",
								",\"variant\":\"v1\"")),
		       amd64),
		'2');
	assert_int_equal(
		chosen(INDEX(ENTRY("1", "linux", "arm", ",\"variant\":\"v6\"") "," ENTRY(
			       "2", "linux", "arm", ",\"variant\":\"v7\"")),
		       armv7),
		'2');
	assert_int_equal(
		chosen(INDEX(ENTRY("1", "linux", "arm", ",\"variant\":\"v8\"") "," ENTRY(
			       "2", "linux", "arm", ",\"variant\":\"v6\"")),
		       armv7),
		'2');
	assert_int_equal(chosen(INDEX(DESCRIPTOR(MANIFEST_TYPE, "3") "}"), amd64), '3');
	assert_int_equal(chosen(INDEX(""), amd64), '!');
}

static void test_manifests(void **state)
{
	static const char *const bad[] = {
		"{\"layers\":[]}",
		"{\"config\":" CONFIG "}",
		"{\"config\":{\"digest\":\"sha256:00\",\"size\":1},\"layers\":[]}",
		"{\"config\":" CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX
		"\",\"size\":-1}]}",
		"{\"config\":" CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX
		"\",\"size\":1.5}]}",
		"{\"config\":" CONFIG ",\"layers\":[7]}",
	};
	CLEANUP(oci_manifest_release) struct oci_manifest m = {0};

	(void)state;
	assert_ok(oci_manifest_parse(
		STR("{\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR(
			"application/vnd.oci.image.layer.v1.tar+gzip", "a") "}]}"),
		&m));
	assert_int_equal(m.n_layers, 1);
	assert_int_equal(m.layers[0].size, 7);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(oci_manifest_release) struct oci_manifest out = {0};

		assert_err(ERR_CORRUPT, oci_manifest_parse(str_of(bad[i]), &out));
	}
	oci_manifest_release(&m);
	assert_err(ERR_UNSUPPORTED,
		   oci_manifest_parse(STR("{\"config\":" DESCRIPTOR(
					      "application/vnd.oci.empty.v1+json",
					      "a") "},\"layers\":[]}"),
				      &m));
}

static void test_config(void **state)
{
	CLEANUP(oci_config_release) struct oci_config c = {0};

	(void)state;
	assert_ok(oci_config_parse(
		STR("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":["
		    "\"A=b\"],"
		    "\"Cmd\":[\"x\",\"y\"],\"Entrypoint\":null,\"Labels\":{\"k\":\"v\"},"
		    "\"WorkingDir\":\"/"
		    "go\"},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX
		    "\"]}}"),
		&c));
	assert_int_equal(c.n_diff_ids, 1);
	assert_int_equal(c.n_cmd, 2);
	assert_int_equal(c.n_entrypoint, 0);
	assert_string_equal(c.env[0], "A=b");
	assert_string_equal(c.label_values[0], "v");
	assert_string_equal(c.working_dir, "/go");
	oci_config_release(&c);
	assert_err(ERR_CORRUPT,
		   oci_config_parse(STR("{\"rootfs\":{\"type\":\"layers\"}}"), &c));
	oci_config_release(&c);
	assert_err(
		ERR_CORRUPT,
		oci_config_parse(
			STR("{\"config\":{\"Env\":[1]},\"rootfs\":{\"type\":\"layers\","
			    "\"diff_ids\":[]}}"),
			&c));
}

/* ---- URLs ---- */

static void test_urls(void **state)
{
	static const char *const loopback[] = {"localhost",   "localhost:5000",
					       "127.0.0.1:1", "127.9.9.9",
					       "[::1]:5000",  "x.localhost"};
	static const char *const far[] = {"127.evil.example", "example.org",
					  "localhost.example", "10.0.0.1"};
	char *host = NULL;
	bool https;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		assert_true(http_is_loopback(loopback[i]));
	for (size_t i = 0; i < ARRAY_LEN(far); i++)
		assert_false(http_is_loopback(far[i]));
	assert_true(http_split("https://a.b:1/c?d", &https, &host));
	assert_true(https);
	assert_string_equal(host, "a.b:1");
	free(host);
	assert_false(http_split("https://user@host/", &https, &host));
	assert_false(http_split("ftp://host/", &https, &host));
	assert_false(http_split("http://", &https, &host));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_index),	   cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_config),	   cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
