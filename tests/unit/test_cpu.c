/* SPDX-License-Identifier: MIT
 * test_cpu.c - which scripts depend on the processor, and when two processors differ.
 */
/* links: work */
#include "engine/work/cpu.h"

#include <string.h>

#include "tests/fake/cmocka_all.h"

static void test_asked_for(void **state)
{
	static const char *const yes[] = {
		"gcc -O2 -march=native x.c",
		"make CFLAGS=\"-O3 -mcpu=native\"",
		"cmake -DCMAKE_C_FLAGS=-march=\\\"native\\\"",
		"cc -march='native'",
		"icc -xHost x.c",
		"ifort -xHOST x.f",
		"RUSTFLAGS='-C target-cpu=native' cargo build",
		"gcc -march=x86-64 a.c; gcc -march=native b.c",
	};
	static const char *const no[] = {
		"",
		"gcc -mtune=native x.c",
		"gcc -march=x86-64-v3 x.c",
		"echo native",
		"rustc -C target-cpu=x86-64-v2",
		"./configure --host=x86_64-linux-gnu",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (!cpu_is_asked_for(yes[i]))
			fail_msg("not seen: %s", yes[i]);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (cpu_is_asked_for(no[i]))
			fail_msg("seen: %s", no[i]);
	assert_false(cpu_is_asked_for(NULL));
}

#define XEON(mhz, flags)                                                                 \
	"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"    \
	"model name\t: Xeon\ncpu MHz\t\t: " mhz "\nflags\t\t: " flags "\n\n"

static bool same(const char *a, const char *b)
{
	CLEANUP(freep) char *one = cpu_describe_text(a);
	CLEANUP(freep) char *two = cpu_describe_text(b);

	return strcmp(one, two) == 0;
}

static void test_described(void **state)
{
	CLEANUP(freep) char *text = cpu_describe_text(XEON("2000", "fpu avx2"));
	CLEANUP(freep) char *here = cpu_describe();
	CLEANUP(freep) char *again = cpu_describe();

	(void)state;
	assert_memory_equal(text, "Xeon, sha256:", strlen("Xeon, sha256:"));
	assert_true(same(XEON("2000", "fpu avx2"), XEON("2100", "fpu avx2")));
	/* However many equal ones there are. */
	assert_true(same(XEON("2000", "fpu"), XEON("2000", "fpu") XEON("2000", "fpu")));
	assert_false(same(XEON("2000", "fpu avx2"), XEON("2000", "fpu avx2 avx512f")));
	/* Another kind next to it counts. */
	assert_false(same(XEON("2000", "fpu"), XEON("2000", "fpu") XEON("2000", "sse")));
	assert_false(same("CPU part\t: 0xd0c\n", "CPU part\t: 0xd40\n"));
	assert_string_equal(here, again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
