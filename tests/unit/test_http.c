/* SPDX-License-Identifier: MIT
 * test_http.c - which time limit of an exchange ends which wait.
 */
/* links: net */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/net/http.h"
#include "tests/fake/cmocka_all.h"

/* Far longer than anything here takes. */
static const unsigned LONG_MS = 3600000;

/* A server that accepts connections and says nothing. */
struct silent {
	int fd;
	unsigned port;
};

static int setup(void **state)
{
	struct silent *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, len) != 0 ||
	    listen(s->fd, 8) != 0 || getsockname(s->fd, (struct sockaddr *)&a, &len) != 0)
		return -1;
	s->port = ntohs(a.sin_port);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct silent *s = *state;

	close(s->fd);
	free(s);
	return 0;
}

static struct err *get(const struct silent *s, const char *scheme,
		       struct http_request request)
{
	CLEANUP(http_response_release) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(freep) char *url = xasprintf("%s://127.0.0.1:%u/", scheme, s->port);
	struct http *http = http_new();
	struct err *e;

	request.method = "GET";
	request.url = url;
	request.max_body = 1;
	e = http_perform(http, &request, &answer);
	http_free(http);
	return e;
}

/* A handshake that never ends is not a missing answer: we try the first for a moment, and
 * wait for the second for long.  When the two times were alike, chance decided which it
 * was. */
static void test_no_connection(void **state)
{
	struct http_request request = {.connect_timeout_ms = 100, .stall_timeout_ms = 1};

	assert_err(ERR_UNREACHABLE, get(*state, "https", request));
	request.connect_timeout_ms = LONG_MS;
	request.answer_by_ns = clock_mono_ns();
	assert_err(ERR_UNREACHABLE, get(*state, "https", request));
}

static void test_no_answer(void **state)
{
	struct http_request request = {.connect_timeout_ms = LONG_MS,
				       .stall_timeout_ms = 100};

	assert_err(ERR_NETWORK, get(*state, "http", request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
