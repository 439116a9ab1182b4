/* SPDX-License-Identifier: MIT
 * test_net.c - where a URL leads, which proxy it goes through, and whose certificates
 * count.
 */
/* links: net */
#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "engine/net/proxy.h"
#include "engine/net/trust.h"
#include "engine/net/url.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

/* ---- URLs ---- */

static void test_split(void **state)
{
	static const struct {
		const char *url, *host; /* NULL: refused */
	} rows[] = {
		{"https://a.b:1/c?d", "a.b:1"},
		{"HTTP://a.b", "a.b"},
		{"http://[::1]:5000/", "[::1]:5000"},
		{"http://2130706433/", "127.0.0.1"},
		{"http://0x7f.1:80/", "127.0.0.1:80"},
		{"https://user@host/", NULL},
		{"https://user:secret@host/", NULL},
		{"https://:@host/", NULL},
		{"http://a:80@b:80/", NULL},
		{"http://a\\@b/", NULL},
		{"http://a b/", NULL},
		{"http://a\r\nb/", NULL},
		{"file:///etc/passwd", NULL},
		{"ftp://host/", NULL},
		{"http://", NULL},
		{"host/path", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *host = NULL;
		bool https;
		bool taken = url_split(rows[i].url, &https, &host);

		if (taken != (rows[i].host != NULL))
			print_error("%s\n", rows[i].url);
		assert_int_equal(taken, rows[i].host != NULL);
		if (taken)
			assert_string_equal(host, rows[i].host);
	}
}

static void test_resolve(void **state)
{
	static const char base[] = "https://a.example:5000/v2/x/blobs/y?z=1";
	static const struct {
		const char *location, *url;
	} rows[] = {
		{"/b", "https://a.example:5000/b"},
		{"b", "https://a.example:5000/v2/x/blobs/b"},
		{"?c", "https://a.example:5000/v2/x/blobs/y?c"},
		{"//b.example/c", "https://b.example/c"},
		{"http://b.example/c d", "http://b.example/c%20d"},
		{"http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *url = url_resolve(base, rows[i].location);

		assert_non_null(url);
		assert_string_equal(url, rows[i].url);
	}
	assert_null(url_resolve(base, "http://"));
}

static void test_origin(void **state)
{
	(void)state;
	assert_true(url_same_origin("https://a.b/x", "https://A.B:443/y"));
	assert_true(url_same_origin("http://127.0.0.1:80/", "http://2130706433/"));
	assert_false(url_same_origin("https://a.b/", "http://a.b:443/"));
	assert_false(url_same_origin("https://a.b/", "https://a.b:444/"));
	assert_false(url_same_origin("https://a.b/", "https://a.b.c/"));
	assert_false(url_same_origin("nonsense", "nonsense"));
}

static void test_reach(void **state)
{
	static const struct {
		const char *host;
		enum host_reach reach;
	} rows[] = {
		{"localhost", HOST_LOOPBACK},
		{"LocalHost.:5000", HOST_LOOPBACK},
		{"a.localhost", HOST_LOOPBACK},
		{"127.0.0.1:5000", HOST_LOOPBACK},
		{"127.255.0.9", HOST_LOOPBACK},
		{"127.1", HOST_LOOPBACK},
		{"0x7f000001", HOST_LOOPBACK},
		{"2130706433", HOST_LOOPBACK},
		{"0177.0.0.1:80", HOST_LOOPBACK},
		{"0", HOST_LOOPBACK},
		{"0.0.0.0", HOST_LOOPBACK},
		{"::", HOST_LOOPBACK},
		{"[::]:80", HOST_LOOPBACK},
		{"::1", HOST_LOOPBACK},
		{"[::1]", HOST_LOOPBACK},
		{"[0:0:0:0:0:0:0:1]:5000", HOST_LOOPBACK},
		{"[::ffff:127.0.0.1]", HOST_LOOPBACK},
		{"[::ffff:7f00:1]:5000", HOST_LOOPBACK},
		{"[::127.0.0.1]", HOST_LOOPBACK},
		{"[64:ff9b::7f00:1]", HOST_LOOPBACK},
		{"[2002:7f00:1::]", HOST_LOOPBACK},
		{"169.254.169.254", HOST_LINK_LOCAL},
		{"[fe80::1%25eth0]:80", HOST_LINK_LOCAL},
		{"[::ffff:169.254.169.254]", HOST_LINK_LOCAL},
		{"10.0.0.1", HOST_PRIVATE},
		{"172.31.255.255", HOST_PRIVATE},
		{"192.168.1.1:5000", HOST_PRIVATE},
		{"100.127.0.1", HOST_PRIVATE},
		{"[fd00::1]", HOST_PRIVATE},
		{"172.32.0.1", HOST_ANYWHERE},
		{"1.1.1.1", HOST_ANYWHERE},
		{"[2001:db8::1]", HOST_ANYWHERE},
		{"localhost.evil.com", HOST_ANYWHERE},
		{"127.0.0.1.evil.com", HOST_ANYWHERE},
		{"127evil.com", HOST_ANYWHERE},
		{"notlocalhost", HOST_ANYWHERE},
		{"registry.example:443", HOST_ANYWHERE},
		{"", HOST_ANYWHERE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (host_reach(rows[i].host) != rows[i].reach)
			print_error("%s\n", rows[i].host);
		assert_int_equal(host_reach(rows[i].host), rows[i].reach);
	}
}

/* ---- proxies ---- */

static void test_exempt(void **state)
{
	static const struct {
		const char *list, *host;
		unsigned port;
		bool is_exempt;
	} rows[] = {
		{"*", "a.b", 80, true},
		{"", "a.b", 80, false},
		{"a.b", "a.b", 80, true},
		{"a.b", "c.A.B", 80, true},
		{"a.b", "ca.b", 80, false},
		{"a.b", "a.b.c", 80, false},
		{".a.b", "c.a.b", 80, true},
		{"*.a.b", "c.a.b", 80, true},
		{"x,a.b:5000 y", "a.b", 5000, true},
		{"a.b:5000", "a.b", 80, false},
		{"a.b:5000", "c.a.b", 5000, true},
		{"10.0.0.1", "10.0.0.1", 80, true},
		{"10.0.0.1:81", "10.0.0.1", 80, false},
		{"0.0.1", "10.0.0.1", 80, false},
		{"10.0.0.0/8", "10.255.1.2", 80, true},
		{"10.0.0.0/9", "10.255.1.2", 80, false},
		{"10.0.0.0/0", "11.1.1.1", 80, true},
		{"10.0.0.0/33", "10.0.0.0", 80, false},
		{"10.0.0.0/8", "a.b", 80, false},
		{"fd00::/8", "fd12::1", 80, true},
		{"fd00::/8", "10.0.0.1", 80, false},
		{"fd12::1", "fd12:0::1", 80, true},
		{"[fd12::1]:5000", "fd12::1", 5000, true},
		{"[fd12::1]:5000", "fd12::1", 80, false},
		{"[fd12::1]", "fd12::1", 80, true},
		{".", "a.b", 80, false},
		{",, ,", "a.b", 80, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool got = proxy_is_exempt(rows[i].list, rows[i].host, rows[i].port);

		if (got != rows[i].is_exempt)
			print_error("'%s' %s\n", rows[i].list, rows[i].host);
		assert_int_equal(got, rows[i].is_exempt);
	}
}

static void forget_proxies(void)
{
	static const char *const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
					    "HTTPS_PROXY", "all_proxy",	 "ALL_PROXY",
					    "no_proxy",	   "NO_PROXY"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

static void test_proxy(void **state)
{
	/* Variables as NAME=VALUE, two at most. */
	static const struct {
		const char *name, *value, *second, *second_value, *url, *proxy;
	} rows[] = {
		{"http_proxy", "http://p:1", NULL, NULL, "http://a.b/", "http://p:1"},
		{"HTTP_PROXY", "http://p:1", NULL, NULL, "http://a.b/", "http://p:1"},
		{"http_proxy", "http://p:1", NULL, NULL, "https://a.b/", ""},
		{"HTTPS_PROXY", "p:1", NULL, NULL, "https://a.b/", "p:1"},
		{"all_proxy", "socks5h://p:1", NULL, NULL, "https://a.b/",
		 "socks5h://p:1"},
		{"http_proxy", "http://p:1", NULL, NULL, "http://127.0.0.2:5000/", ""},
		{"HTTP_PROXY", "http://p:1", NULL, NULL, "http://localhost:5000/", ""},
		{"ALL_PROXY", "http://p:1", NULL, NULL, "https://[::1]:5000/", ""},
		{"https_proxy", "http://p:1", "no_proxy", "a.b:5000", "https://a.b:5000/",
		 ""},
		{"https_proxy", "http://p:1", "NO_PROXY", "a.b:443", "https://a.b/", ""},
		{"https_proxy", "http://p:1", "no_proxy", "a.b:5000", "https://a.b/",
		 "http://p:1"},
		{"http_proxy", "", "HTTP_PROXY", "http://p:2", "http://a.b/",
		 "http://p:2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *proxy = NULL;

		forget_proxies();
		setenv(rows[i].name, rows[i].value, 1);
		if (rows[i].second)
			setenv(rows[i].second, rows[i].second_value, 1);
		assert_ok(proxy_for(rows[i].url, &proxy));
		if (strcmp(proxy, rows[i].proxy) != 0)
			print_error("row %zu\n", i);
		assert_string_equal(proxy, rows[i].proxy);
	}
	forget_proxies();
}

/* A password in the value is not shown, nor what the URL holds. */
static void test_bad_proxy(void **state)
{
	static const char *const values[] = {"ftp://me:secret@p:1",
					     "http://me:secret@p:x", "me:secret@"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		char *proxy = NULL;
		struct err *e;

		setenv("http_proxy", values[i], 1);
		e = proxy_for("http://a.b/?token=secret", &proxy);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_PROTOCOL);
		err_render(e, &text);
		assert_non_null(strstr(buf_text(&text), "http_proxy"));
		assert_null(strstr(buf_text(&text), "secret"));
		err_free(e);
	}
	forget_proxies();
}

/* ---- certificates ---- */

#define PEM(name) "-----BEGIN CERTIFICATE-----\n" name "\n-----END CERTIFICATE-----"

static void put(const char *name, const char *text)
{
	assert_ok(fs_write_atomic(AT_FDCWD, name, text, strlen(text), 0600));
}

static bool has(const struct trust *t, const char *text)
{
	return strstr(buf_text(&t->authorities), text) != NULL;
}

static void test_trust(void **state)
{
	CLEANUP(trust_release) struct trust none = TRUST_INIT;
	CLEANUP(trust_release) struct trust named = TRUST_INIT;
	CLEANUP(trust_release) struct trust host = TRUST_INIT;
	CLEANUP(trust_release) struct trust keyless = TRUST_INIT;
	const char *own = curl_version_info(CURLVERSION_NOW)->cainfo;
	struct stat st;
	char *dir = test_folder_new();
	CLEANUP(freep)
	char *folder = xasprintf("%s/.config/containers/certs.d/a.b:5000", dir);

	(void)state;
	assert_int_equal(chdir(dir), 0);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	setenv("HOME", dir, 1);
	assert_ok(trust_find("a.b:5000", &none));
	assert_int_equal(none.authorities.len, 0);
	assert_null(none.folder);

	assert_ok(fs_mkdirs(AT_FDCWD, "one", 0700));
	assert_ok(fs_mkdirs(AT_FDCWD, "two", 0700));
	put("file.pem", PEM("FILE"));
	put("one/any.pem", PEM("ONE"));
	put("one/0123abcd.0", PEM("HASHED"));
	put("one/readme", "no certificate");
	put("two/x", PEM("TWO"));
	assert_int_equal(mkfifo("two/pipe", 0600), 0);
	setenv("SSL_CERT_FILE", "file.pem", 1);
	setenv("SSL_CERT_DIR", "one:missing:two", 1);
	assert_ok(trust_find("a.b:5000", &named));
	assert_true(has(&named, "FILE") && has(&named, "ONE") && has(&named, "TWO"));
	assert_false(has(&named, "HASHED") || has(&named, "no certificate"));
	/* The host's authorities are trusted, too. */
	if (own && stat(own, &st) == 0)
		assert_true(named.authorities.len > (size_t)st.st_size);
	assert_string_equal(named.folder, "one:missing:two");

	assert_ok(fs_mkdirs(AT_FDCWD, folder, 0700));
	put(".config/containers/certs.d/a.b:5000/ca.crt", PEM("HOST"));
	put(".config/containers/certs.d/a.b:5000/me.cert", PEM("MINE"));
	put(".config/containers/certs.d/a.b:5000/me.key", "key");
	assert_ok(trust_find("a.b:5000", &host));
	assert_true(has(&host, "FILE") && has(&host, "HOST"));
	assert_false(has(&host, "MINE"));
	assert_true(str_ends_with(str_of(host.certificate), "/a.b:5000/me.cert"));
	assert_true(str_ends_with(str_of(host.key), "/a.b:5000/me.key"));

	assert_int_equal(unlink(".config/containers/certs.d/a.b:5000/me.key"), 0);
	assert_err(ERR_PROTOCOL, trust_find("a.b:5000", &keyless));
	assert_int_equal(chdir("/"), 0);
	assert_ok(fs_remove_tree(AT_FDCWD, dir));
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	  cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_origin),	  cmocka_unit_test(test_reach),
		cmocka_unit_test(test_exempt),	  cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_bad_proxy), cmocka_unit_test(test_trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
