/* SPDX-License-Identifier: MIT
 * large_claims.h - for tests that read hostile images under a sanitizer.
 *
 * libsquashfs asks for the memory that a file's list of blocks would need, however large
 * the image says that the file is, and then finds that the image ends.  Without a
 * sanitizer malloc(3) fails, or gives what is never touched; the sanitizer would end the
 * program instead.
 */
#ifndef TESTS_FAKE_LARGE_CLAIMS_H
#define TESTS_FAKE_LARGE_CLAIMS_H

static const char large_claims[] = "allocator_may_return_null=1";

const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return large_claims;
}

const char *__tsan_default_options(void)
{
	return large_claims;
}

#endif
