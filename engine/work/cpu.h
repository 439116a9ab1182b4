/* SPDX-License-Identifier: MIT
 * cpu.h - scripts whose result depends on this machine's processor.
 *
 * Purpose:   a compiler that is told `-march=native` makes programs that other processors
 *            may not run. The processor is an input of such a script. Options that only
 *            tune (`-mtune=native`) make programs that run everywhere. Options in files
 *            that a script reads are not seen.
 * Threads:   any.
 * Errors:    none: a processor that cannot be identified is "unknown".
 */
#ifndef ENGINE_WORK_CPU_H
#define ENGINE_WORK_CPU_H

#include "base/base.h"

/* Does the text ask for the instruction set of the machine that it runs on? */
bool cpu_is_asked_for(const char *text);
/* Model and instruction set of this machine: "MODEL, sha256:HEX", for free(). */
char *cpu_describe(void);
/* The same, from the text of /proc/cpuinfo. */
char *cpu_describe_text(const char *cpuinfo);

#endif
