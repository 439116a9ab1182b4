/* SPDX-License-Identifier: MIT
 * test_oci.c - references and documents are understood as registries and clients mean
 * them, and malformed ones are refused.
 */
/* links: oci */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "engine/oci/oci_index.h"
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
		{"[::1]:5000/x:1", "[::1]:5000/x:1"},
		{"[fe80::A.1]/x:1", "[fe80::A.1]/x:1"},
		{"A-1.example:1/x", "A-1.example:1/x:latest"},
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
		{"127.0.0.1:/x", NULL},
		{"a.b:port/x", NULL},
		{"a.b:0/x", NULL},
		{"a.b:65536/x", NULL},
		{"a.b:1:2/x", NULL},
		{":5000/x", NULL},
		{"a..b/x", NULL},
		{"-a.b/x", NULL},
		{"a-.b/x", NULL},
		{"::1/x", NULL},
		{"[::1/x", NULL},
		{"[]:1/x", NULL},
		{"[::1]5000/x", NULL},
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
	CLEANUP(oci_choice_release) struct oci_choice c = OCI_CHOICE_INIT;
	struct err *e = oci_index_choose(str_of(text), &platform, &c);
	char hex[DIGEST_TEXT_SIZE];

	err_free(e);
	return e ? '!' : digest_hex(&c.entry.digest, hex)[0];
}

static void test_index(void **state)
{
	struct oci_platform amd64 = {"linux", "amd64", NULL, NULL},
			    armv7 = {"linux", "arm", "v7", NULL};

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

/* ---- platforms ---- */

static void test_platforms(void **state)
{
	static const struct oci_platform old_pc = {"linux", "amd64", NULL, NULL},
					 pc = {"linux", "amd64", NULL, "v3"},
					 arm = {"linux", "arm", "v7", NULL},
					 arm64 = {"linux", "arm64", "v8", "v8.2"},
					 arm9 = {"linux", "arm64", "v8", "v9"},
					 power = {"linux", "ppc64le", NULL, NULL};
	/* Each row fits its machine worse than the row before for the same machine; the
	 * last row of a machine may not fit at all. */
	static const struct {
		const struct oci_platform *host;
		const char *os, *architecture, *variant;
		unsigned fitness;
	} rows[] = {
		{&pc, "linux", "amd64", "v3", 300},
		{&pc, "linux", "amd64", "v2", 200},
		{&pc, "linux", "amd64", "v1", 100},
		{&pc, "linux", "amd64", "", 100},
		{&pc, "linux", "amd64", NULL, 100},
		{&pc, "Linux", "AMD64", NULL, 100},
		{&pc, NULL, "x86_64", NULL, 100},
		{&pc, "linux", "x86-64", "V2", 200},
		{&pc, "linux", "amd64", "v4", 0},
		{&pc, "linux", "amd64", "haswell", 0},
		{&pc, "linux", "amd64", "v3.x", 0},
		{&pc, "linux", "amd64", "v99999999999999999999", 0},
		{&pc, "linux", "i386", NULL, 0},
		{&pc, "windows", "amd64", NULL, 0},
		{&pc, "linux", NULL, NULL, 0},
		{&old_pc, "linux", "amd64", "v1", 100},
		{&old_pc, "linux", "amd64", "v2", 0},
		{&arm, "linux", "arm", "v7", 700},
		{&arm, "linux", "arm", NULL, 700},
		{&arm, "linux", "armhf", NULL, 700},
		{&arm, "linux", "arm", "7", 700},
		{&arm, "linux", "armel", NULL, 600},
		{&arm, "linux", "arm", "v5", 500},
		{&arm, "linux", "arm", "v8", 0},
		{&arm64, "linux", "arm64", "v8.2", 802},
		{&arm64, "linux", "aarch64", NULL, 800},
		{&arm64, "linux", "arm64", "8", 800},
		{&arm64, "linux", "arm64", "v8.3", 0},
		{&arm64, "linux", "arm64", "v9", 0},
		{&arm64, "linux", "arm", "v7", 0},
		{&arm9, "linux", "arm64", "v9", 900},
		{&arm9, "linux", "arm64", "v8.5", 805},
		{&arm9, "linux", "arm64", "v8.6", 0},
		{&power, "linux", "ppc64le", NULL, 1 + 1},
		{&power, "linux", "ppc64le", "power9", 0},
	};
	struct oci_platform host = oci_platform_host();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned got = oci_platform_fitness(
			rows[i].host, rows[i].os, rows[i].architecture, rows[i].variant);

		if (got != rows[i].fitness)
			print_error("row %zu\n", i);
		assert_int_equal(got, rows[i].fitness);
	}
	assert_true(oci_platform_fitness(&host, host.os, host.architecture, NULL) > 0);
	assert_true(oci_platform_fitness(&host, host.os, host.architecture, host.level) >
		    0);
	assert_true(oci_platform_is_base("amd64", "v1"));
	assert_false(oci_platform_is_base("amd64", "v2"));
	assert_true(oci_platform_is_base("arm64", "v8"));
}

/* The C library's loader also knows the level of the processor. */
static void test_level(void **state)
{
	static const char command[] = "/lib64/ld-linux-x86-64.so.2 --help 2>/dev/null";
	struct oci_platform host = oci_platform_host();
	const char *best = NULL;
	char line[256];
	FILE *f;

	(void)state;
	if (strcmp(host.architecture, "amd64") != 0)
		skip();
	f = popen(command, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		for (int level = 4; level >= 2 && !best; level--) {
			CLEANUP(freep)
			char *text = xasprintf("x86-64-v%d (supported", level);

			if (strstr(line, text))
				best = level == 4 ? "v4" : level == 3 ? "v3" : "v2";
		}
	pclose(f);
	if (best)
		assert_string_equal(host.level, best);
	else
		assert_null(host.level);
}

static void test_index_levels(void **state)
{
	static const char levels[] = INDEX(ENTRY("1", "linux", "amd64", "") "," ENTRY(
		"3", "linux", "amd64",
		",\"variant\":\"v3\"") "," ENTRY("4", "linux", "amd64",
						 ",\"variant\":\"v4\""));
	static const char plain[] = INDEX(ENTRY("1", "linux", "amd64", "") "," ENTRY(
		"3", "linux", "arm64", ",\"variant\":\"v8.2\""));
	struct oci_platform pc = {"linux", "amd64", NULL, "v3"};
	CLEANUP(oci_choice_release) struct oci_choice c = OCI_CHOICE_INIT;

	(void)state;
	assert_int_equal(chosen(levels, pc), '3');
	assert_ok(oci_index_choose(STR(levels), &pc, &c));
	assert_true(c.is_by_level);
	assert_string_equal(c.variant, "v3");
	oci_choice_release(&c);
	/* An older processor leads to a different choice; that must be known, too. */
	pc.level = NULL;
	assert_ok(oci_index_choose(STR(levels), &pc, &c));
	assert_true(c.is_by_level);
	assert_null(c.variant);
	oci_choice_release(&c);
	assert_ok(oci_index_choose(STR(plain), &pc, &c));
	assert_false(c.is_by_level);
}

/* One entry that does not name its platform, next to one that is not an image. */
static void test_index_of_one(void **state)
{
	static const char *const taken[] = {
		DESCRIPTOR(MANIFEST_TYPE, "3") "}",
		DESCRIPTOR(MANIFEST_TYPE, "3") ",\"platform\":{}}",
		DESCRIPTOR(MANIFEST_TYPE, "3") ",\"platform\":null}",
		DESCRIPTOR(MANIFEST_TYPE, "3") ",\"platform\":{\"os\":\"\","
					       "\"architecture\":\"\"}}",
		DESCRIPTOR(MANIFEST_TYPE, "3") "}," ENTRY("5", "unknown", "unknown", ""),
		DESCRIPTOR(MANIFEST_TYPE, "3") "}," DESCRIPTOR("application/x", "5") "}",
		DESCRIPTOR(MANIFEST_TYPE, "3") "}," DESCRIPTOR(
			MANIFEST_TYPE, "5") ",\"artifactType\":\"application/x\"}",
		ENTRY("3", "linux", "amd64", "") "," DESCRIPTOR(
			MANIFEST_TYPE, "5") ",\"annotations\":{\"vnd.docker.reference."
					    "type\":\"attestation-manifest\"}}",
	};
	static const char *const refused[] = {
		DESCRIPTOR(MANIFEST_TYPE, "3") "}," DESCRIPTOR(MANIFEST_TYPE, "4") "}",
		DESCRIPTOR(MANIFEST_TYPE, "3") "}," ENTRY("4", "linux", "arm64", ""),
		ENTRY("3", "linux", "arm64", ""),
		DESCRIPTOR(MANIFEST_TYPE,
			   "3") ",\"platform\":{\"architecture\":\"arm64\"}}",
		ENTRY("3", "unknown", "unknown", ""),
		"7",
	};
	struct oci_platform pc = {"linux", "amd64", NULL, NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		CLEANUP(freep)
		char *text = xasprintf("{\"manifests\":[%s]}", taken[i]);

		assert_int_equal(chosen(text, pc), '3');
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		CLEANUP(freep)
		char *text = xasprintf("{\"manifests\":[%s]}", refused[i]);

		assert_int_equal(chosen(text, pc), '!');
	}
}

/* The error lists what there is: only the first of many, and only the beginning of long
 * names. */
static void test_nothing_fits(void **state)
{
	struct oci_platform pc = {"linux", "amd64", NULL, "v2"};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(oci_choice_release) struct oci_choice c = OCI_CHOICE_INIT;
	struct err *e;

	(void)state;
	e = oci_index_choose(
		STR(INDEX(ENTRY("1", "linux", "amd64", ",\"variant\":\"v3\"") "," ENTRY(
			"2", "unknown", "unknown", "") "," ENTRY("3", "linux", "s390x",
								 ""))),
		&pc, &c);
	assert_string_equal(err_text(e),
			    "the image has nothing for linux/amd64 up to v2 (it "
			    "has: linux/amd64/v3, linux/s390x)");
	assert_err(ERR_NOTFOUND, e);
	buf_puts(&text, "{\"manifests\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "%s" ENTRY("1", "linux", "a%01000d", ""), i ? "," : "",
			   i);
	buf_puts(&text, "]}");
	e = oci_index_choose(str_make(buf_text(&text), text.len), &pc, &c);
	assert_non_null(e);
	assert_non_null(strstr(err_text(e), ", and 988 more)"));
	assert_true(strlen(err_text(e)) < 1000);
	err_free(e);
}

/* ---- manifests ---- */

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"

/* A manifest of a configuration and layers, both JSON. */
static struct err *parse(const char *config, const char *layers, const char *more)
{
	CLEANUP(oci_manifest_release) struct oci_manifest m = {0};
	CLEANUP(freep)
	char *text = xasprintf("{\"config\":%s,\"layers\":[%s]%s}", config, layers, more);

	return oci_manifest_parse(str_of(text), &m);
}

static struct err *parse_layer(const char *layer)
{
	return parse(CONFIG, layer, "");
}

static void test_manifests(void **state)
{
	static const char *const bad_layers[] = {
		"{\"digest\":\"sha256:" HEX "\",\"size\":-1}",
		"{\"digest\":\"sha256:" HEX "\",\"size\":1.5}",
		"{\"digest\":\"sha256:" HEX "\",\"size\":\"7\"}",
		"{\"digest\":\"sha256:" HEX "\"}",
		"{\"digest\":\"sha256:"
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456"
		"789abcdef\",\"size\":1}",
		"{\"digest\":\"sha256:" HEX "00\",\"size\":1}",
		"{\"digest\":\"md5:" HEX "\",\"size\":1}",
		"{\"size\":1}",
		"7",
		"null",
		/* The same with two sizes. */
		"{\"digest\":\"sha256:" HEX "\",\"size\":1},{\"digest\":\"sha256:" HEX
		"\",\"size\":2}",
		/* More than any disk holds. */
		"{\"digest\":\"sha256:" HEX "\",\"size\":1099511627777}",
		/* Data that is something else. */
		"{\"digest\":\"sha256:" HEX "\",\"size\":1,\"data\":\"YQ==\"}",
		"{\"digest\":\"sha256:" HEX "\",\"size\":1,\"data\":\"?\"}",
	};
	CLEANUP(oci_manifest_release) struct oci_manifest m = {0};

	(void)state;
	assert_ok(oci_manifest_parse(STR("{\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR(
					     LAYER_TYPE, "a") "}]}"),
				     &m));
	assert_int_equal(m.n_layers, 1);
	assert_int_equal(m.layers[0].size, 7);
	assert_err(ERR_CORRUPT, oci_manifest_parse(STR("{\"layers\":[]}"), &m));
	assert_err(ERR_CORRUPT, oci_manifest_parse(STR("{\"config\":" CONFIG "}"), &m));
	for (size_t i = 0; i < ARRAY_LEN(bad_layers); i++)
		assert_err(ERR_CORRUPT, parse_layer(bad_layers[i]));
	assert_err(ERR_UNSUPPORTED,
		   parse_layer("{\"digest\":\"sha512:" HEX HEX "\",\"size\":1}"));
	assert_err(ERR_CORRUPT, parse("{\"digest\":\"sha256:00\",\"size\":1}", "", ""));
	/* The same layer twice is common, and so is none at all. */
	assert_ok(parse_layer(
		DESCRIPTOR(LAYER_TYPE, "a") "}," DESCRIPTOR(LAYER_TYPE, "a") "}"));
	assert_ok(parse_layer(""));
}

static void test_size_limits(void **state)
{
	CLEANUP(buf_release) struct buf layers = BUF_INIT;

	(void)state;
	assert_ok(parse("{\"digest\":\"sha256:" HEX "\",\"size\":8388608}", "", ""));
	assert_err(ERR_CORRUPT,
		   parse("{\"digest\":\"sha256:" HEX "\",\"size\":8388609}", "", ""));
	for (int i = 0; i < 1000; i++)
		buf_printf(&layers, "%s{\"digest\":\"sha256:%064d\",\"size\":1073741824}",
			   i ? "," : "", i);
	assert_ok(parse_layer(buf_text(&layers)));
	buf_printf(&layers, ",{\"digest\":\"sha256:%064d\",\"size\":1}", 1000);
	assert_err(ERR_CORRUPT, parse_layer(buf_text(&layers)));
	buf_clear(&layers);
	for (int i = 0; i < 1000; i++)
		buf_printf(&layers, "%s{\"digest\":\"sha256:%064d\",\"size\":1199511627}",
			   i ? "," : "", i);
	assert_err(ERR_CORRUPT, parse_layer(buf_text(&layers)));
}

#define TYPED(type)                                                                      \
	"{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":1}"

static void test_types(void **state)
{
	static const char *const layers[] = {
		TYPED("application/vnd.oci.image.layer.v1.tar"),
		TYPED("application/vnd.oci.image.layer.v1.tar+zstd"),
		TYPED("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
		TYPED("application/vnd.docker.image.rootfs.diff.tar.gzip"),
		TYPED("application/vnd.docker.image.rootfs.diff.tar.zstd"),
		TYPED("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
		TYPED("Application/Vnd.OCI.Image.Layer.V1.Tar+GZIP; q=1"),
		TYPED("application/octet-stream"),
		TYPED("application/x-gzip"),
		TYPED(""),
		"{\"digest\":\"sha256:" HEX "\",\"size\":1}",
	};
	static const char *const no_layers[] = {
		TYPED("application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
		TYPED("application/vnd.dev.cosign.simplesigning.v1+json"),
		TYPED("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
		TYPED("application/vnd.oci.image.layer.v1.tar+x"),
		TYPED("application/vnd.oci.image.layer.v2.tar"),
		TYPED("application/json2"),
	};
	static const char *const configs[] = {
		TYPED("application/vnd.oci.image.config.v1+json"),
		TYPED("application/vnd.docker.container.image.v1+json; charset=utf-8"),
		TYPED("application/octet-stream"),
		TYPED("text/plain"),
		TYPED("application/json"),
		TYPED(""),
		"{\"mediaType\":null,\"digest\":\"sha256:" HEX "\",\"size\":1}",
	};
	static const char *const artifacts[] = {
		TYPED("application/vnd.cncf.helm.config.v1+json"),
		TYPED("application/vnd.sylabs.sif.config.v1+json"),
		TYPED("application/vnd.docker.plugin.v1+json"),
		TYPED("application/vnd.oci.empty.v1+json"),
		TYPED("application/vnd.wasm.config.v0+json"),
		TYPED("application/x-whatever"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layers); i++)
		assert_ok(parse_layer(layers[i]));
	for (size_t i = 0; i < ARRAY_LEN(no_layers); i++)
		assert_err(ERR_UNSUPPORTED, parse_layer(no_layers[i]));
	for (size_t i = 0; i < ARRAY_LEN(configs); i++)
		assert_ok(parse(configs[i], "", ""));
	for (size_t i = 0; i < ARRAY_LEN(artifacts); i++)
		assert_err(ERR_UNSUPPORTED, parse(artifacts[i], "", ""));
	/* A manifest that says what it is as a whole. */
	assert_err(ERR_UNSUPPORTED,
		   parse(configs[2], "", ",\"artifactType\":\"application/x-sbom\""));
	assert_ok(parse(configs[0], "", ",\"artifactType\":\"application/x-sbom\""));
}

static void test_data(void **state)
{
	/* "hello" */
	static const char text[] =
		"{\"config\":" CONFIG ",\"layers\":[{\"digest\":\"sha256:"
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\","
		"\"size\":5,\"data\":\"aGVsbG8=\",\"urls\":[\"https://a/b\",\"ftp://"
		"c\",7,"
		"\"http://d\"]}]}";
	CLEANUP(oci_manifest_release) struct oci_manifest m = {0};

	(void)state;
	assert_ok(oci_manifest_parse(STR(text), &m));
	assert_string_equal(m.layers[0].data, "hello");
	assert_int_equal(m.layers[0].n_urls, 2);
	assert_string_equal(m.layers[0].urls[1], "http://d");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),   cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_index),	     cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_platforms),    cmocka_unit_test(test_level),
		cmocka_unit_test(test_index_levels), cmocka_unit_test(test_index_of_one),
		cmocka_unit_test(test_nothing_fits), cmocka_unit_test(test_size_limits),
		cmocka_unit_test(test_types),	     cmocka_unit_test(test_data),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
