/* SPDX-License-Identifier: MIT
 * fd_pass.h - a descriptor in a message: unix(7), SCM_RIGHTS.
 *
 * Ownership: what is sent stays the sender's; what is received is the caller's,
 *            close-on-exec.
 * Threads:   any.
 * Errors:    ERR_SYS.
 */
#ifndef ENGINE_RUN_FD_PASS_H
#define ENGINE_RUN_FD_PASS_H

#include "base/err.h"

/* Two joined sockets, close-on-exec. */
NODISCARD struct err *fd_pass_pair(int *one, int *other);
NODISCARD struct err *fd_pass_send(int socket_fd, int fd);
/* -1 when none came before the other side closed. */
int fd_pass_receive(int socket_fd);

#endif
