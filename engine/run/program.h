/* SPDX-License-Identifier: MIT
 * program.h - the program that runs inside containers: a sealed copy of dagbuild.
 *
 * Purpose:   what runs in a container sees process 1, and through /proc/1/exe the file
 *            that it was started from (CVE-2019-5736).  So that file is not one of the
 *            host's: it is dagbuild's own text in memory (memfd_create(2)), which nobody
 *            can change any more.
 * Ownership: one copy for the life of the process, shared by all containers.
 * Threads:   any.
 */
#ifndef ENGINE_RUN_PROGRAM_H
#define ENGINE_RUN_PROGRAM_H

/* The copy, close-on-exec, made at the first call; -1 where memory may not be executed
 * (sysctl vm.memfd_noexec, or a security module): then use dagbuild's own file. */
int program_fd(void);

#endif
