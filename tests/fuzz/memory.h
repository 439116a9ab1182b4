/* SPDX-License-Identifier: MIT
 * memory.h - how much memory a piece of work holds at most, for fuzz targets.
 *
 * Counts what is allocated through clang's AddressSanitizer; elsewhere it counts nothing.
 * One thread.
 */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_COUNTED 1
#endif
#endif

#ifdef MEMORY_IS_COUNTED
#include <sanitizer/allocator_interface.h>

static size_t memory_now, memory_peak;

static void memory_on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	memory_now += size;
	if (memory_now > memory_peak)
		memory_peak = memory_now;
}

static void memory_on_free(const volatile void *p)
{
	size_t size = p ? __sanitizer_get_allocated_size((void *)p) : 0;

	/* What was allocated before counting began. */
	memory_now = memory_now > size ? memory_now - size : 0;
}

static void memory_begin(void)
{
	static int is_installed;

	if (!is_installed) {
		__sanitizer_install_malloc_and_free_hooks(memory_on_malloc,
							  memory_on_free);
		is_installed = 1;
	}
	memory_now = memory_peak = 0;
}
#else
static const size_t memory_peak = 0;

static void memory_begin(void)
{
}
#endif

#endif
