/* SPDX-License-Identifier: MIT
 * oci_platform.c - see oci_platform.h.
 */
#include "engine/oci/oci_platform.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#include <sys/platform/x86.h>
#endif

/* ---- names ---- */

struct name {
	const char *name, *architecture, *variant;
};

/* Other names for what OCI calls differently. */
static const struct name NAMES[] = {
	{"x86_64", "amd64", NULL},
	{"x86-64", "amd64", NULL},
	{"aarch64", "arm64", NULL},
	{"i386", "386", NULL},
	{"i486", "386", NULL},
	{"i586", "386", NULL},
	{"i686", "386", NULL},
	{"armhf", "arm", "v7"},
	{"armel", "arm", "v6"},
	{"armv6l", "arm", "v6"},
	{"armv7l", "arm", "v7"},
	{"armv8l", "arm", "v8"},
	{"loongarch64", "loong64", NULL},
};

/* Architectures whose variants have an order, "v7" before "v8", and the variant that a
 * missing one means. */
static const struct {
	const char *architecture, *none;
} LADDERS[] = {{"amd64", "v1"}, {"arm64", "v8"}, {"arm", "v7"}};

static const char *none_of(const char *architecture)
{
	for (size_t i = 0; i < ARRAY_LEN(LADDERS); i++)
		if (strcmp(LADDERS[i].architecture, architecture) == 0)
			return LADDERS[i].none;
	return NULL;
}

/* 100 for each step and 1 for each after the point: "v8.2" is 802, as is "8.2"; 0 for
 * what is not a variant on a ladder. */
static unsigned height(const char *variant)
{
	struct str s = str_of(variant), step, part;
	uint64_t a = 0, b = 0;

	if (str_starts_with(s, "v") || str_starts_with(s, "V"))
		s = str_slice(s, 1, s.len);
	if (str_cut(s, '.', &step, &part) && (!str_to_u64(part, &b) || b > 99))
		return 0;
	return str_to_u64(step, &a) && a < 100 ? (unsigned)(100 * a + b) : 0;
}

/* ---- this machine ---- */

#if defined(__x86_64__)

/* The levels of the x86-64 psABI, found as glibc's loader finds them. */
static const char *processor_level(void)
{
	bool v2 = CPU_FEATURE_ACTIVE(CMPXCHG16B) && CPU_FEATURE_ACTIVE(LAHF64_SAHF64) &&
		  CPU_FEATURE_ACTIVE(POPCNT) && CPU_FEATURE_ACTIVE(SSE3) &&
		  CPU_FEATURE_ACTIVE(SSE4_1) && CPU_FEATURE_ACTIVE(SSE4_2) &&
		  CPU_FEATURE_ACTIVE(SSSE3);
	bool v3 = v2 && CPU_FEATURE_ACTIVE(AVX) && CPU_FEATURE_ACTIVE(AVX2) &&
		  CPU_FEATURE_ACTIVE(BMI1) && CPU_FEATURE_ACTIVE(BMI2) &&
		  CPU_FEATURE_ACTIVE(F16C) && CPU_FEATURE_ACTIVE(FMA) &&
		  CPU_FEATURE_ACTIVE(LZCNT) && CPU_FEATURE_ACTIVE(MOVBE);
	/* The compiler's builtin: the header shifts 1 by 31 for AVX512VL, into the
	 * sign. */
	bool v4 = v3 && __builtin_cpu_supports("avx512f") &&
		  __builtin_cpu_supports("avx512bw") &&
		  __builtin_cpu_supports("avx512cd") &&
		  __builtin_cpu_supports("avx512dq") &&
		  __builtin_cpu_supports("avx512vl");

	return v4 ? "v4" : v3 ? "v3" : v2 ? "v2" : NULL;
}

#elif defined(__aarch64__)

/* What each version of the architecture makes mandatory and the kernel reports:
 * Documentation/arch/arm64/elf_hwcaps.rst. */
static const char *processor_level(void)
{
	static const struct {
		unsigned long needs;
		const char *level;
	} rows[] = {
		{HWCAP_ATOMICS | HWCAP_ASIMDRDM, "v8.1"},
		{HWCAP_DCPOP, "v8.2"},
		{HWCAP_JSCVT | HWCAP_FCMA | HWCAP_LRCPC, "v8.3"},
		{HWCAP_USCAT | HWCAP_ILRCPC | HWCAP_FLAGM, "v8.4"},
		{HWCAP_SB | HWCAP_SSBS, "v8.5"},
	};
	unsigned long has = getauxval(AT_HWCAP);
	const char *level = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((has & rows[i].needs) != rows[i].needs)
			return level;
		level = rows[i].level;
	}
	return getauxval(AT_HWCAP2) & HWCAP2_SVE2 ? "v9" : level;
}

#else

static const char *processor_level(void)
{
	return NULL;
}

#endif

struct oci_platform oci_platform_host(void)
{
	/* uname(2) and Go have the same names for the rest. */
	static const char *const same[] = {"ppc64le", "s390x", "riscv64"};
	struct oci_platform host = {"linux", "amd64", NULL, processor_level()};
	struct utsname name;

	uname(&name);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (strcmp(name.machine, NAMES[i].name) == 0) {
			host.architecture = NAMES[i].architecture;
			host.variant = NAMES[i].variant;
		}
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (strcmp(name.machine, same[i]) == 0)
			host.architecture = same[i];
	if (strcmp(host.architecture, "arm64") == 0)
		host.variant = "v8";
	return host;
}

/* ---- fitness ---- */

/* Does a 64-bit ARM processor of `host` run what was made for `wanted`?  v9.0 has all of
 * v8.5, and so on. */
static bool runs(unsigned host, unsigned wanted)
{
	if (host / 100 == 9 && wanted / 100 == 8)
		return wanted % 100 <= host % 100 + 5;
	return host / 100 == wanted / 100 && wanted <= host;
}

static unsigned on_ladder(const struct oci_platform *host, const char *variant)
{
	const char *none = none_of(host->architecture);
	const char *own = host->level	  ? host->level
			  : host->variant ? host->variant
					  : none;
	unsigned wanted = height(variant[0] ? variant : none), has = height(own);
	bool fits = strcmp(host->architecture, "arm64") == 0 ? runs(has, wanted)
							     : wanted <= has;

	return fits ? wanted : 0;
}

unsigned oci_platform_fitness(const struct oci_platform *host, const char *os,
			      const char *architecture, const char *variant)
{
	struct str name = str_of(architecture);
	const char *own = host->variant ? host->variant : "";

	variant = variant ? variant : "";
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		if (!str_equal_nocase(name, str_of(NAMES[i].name)))
			continue;
		name = str_of(NAMES[i].architecture);
		if (!variant[0] && NAMES[i].variant)
			variant = NAMES[i].variant;
	}
	if (os && os[0] && !str_equal_nocase(str_of(os), str_of(host->os)))
		return 0;
	if (!str_equal_nocase(name, str_of(host->architecture)))
		return 0;
	if (none_of(host->architecture))
		return on_ladder(host, variant);
	return strcmp(variant, own) == 0 ? 2 : variant[0] == '\0' ? 1 : 0;
}

bool oci_platform_is_base(const char *architecture, const char *variant)
{
	const char *none = none_of(architecture);

	return !variant || !variant[0] || (none && height(variant) <= height(none));
}
