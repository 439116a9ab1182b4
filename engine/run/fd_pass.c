/* SPDX-License-Identifier: MIT
 * fd_pass.c - see fd_pass.h.
 */
#include "engine/run/fd_pass.h"

#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor: cmsg(3). */
union descriptor_message {
	char buffer[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

struct err *fd_pass_pair(int *one, int *other)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys("socketpair");
	*one = ends[0];
	*other = ends[1];
	return NULL;
}

struct err *fd_pass_send(int socket_fd, int fd)
{
	char byte = 'd';
	struct iovec data = {&byte, 1};
	union descriptor_message control = {{0}};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) == 1
		       ? NULL
		       : err_sys("send a descriptor");
}

int fd_pass_receive(int socket_fd)
{
	char byte;
	struct iovec data = {&byte, 1};
	union descriptor_message control = {{0}};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}
