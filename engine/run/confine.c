/* SPDX-License-Identifier: MIT
 * confine.c - see confine.h.
 */
#include "engine/run/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "engine/run/filter.h"

/* ---- capabilities ---- */

#define BIT(capability) (UINT64_C(1) << (capability))

/* What podman and buildah grant (containers/common, pkg/config), and CAP_MKNOD: package
 * scripts make device nodes, and none can be opened (mounts.c). */
static const uint64_t KEPT_BY_ROOT =
	BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
	BIT(CAP_KILL) | BIT(CAP_MKNOD) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) |
	BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT);

/* Capabilities of a user namespace do not reach beyond it.  The script keeps them, since
 * it may mount, say, as an ordinary user may.  One is dropped: with fewer than init, and
 * than dagbuild outside, a script reaches nothing through their folders in /proc:
 * ptrace(2), "access mode checking". */
static const uint64_t KEPT_IN_NAMESPACE = ~BIT(CAP_SYS_PTRACE);

/* What no build needs and what could harm the host. */
static const uint64_t TAKEN_FROM_ROOT =
	BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_TIME) |
	BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_WAKE_ALARM) |
	BIT(CAP_BLOCK_SUSPEND) | BIT(CAP_SYSLOG) | BIT(CAP_AUDIT_CONTROL) |
	BIT(CAP_PERFMON) | BIT(CAP_BPF);

/* Is our root the host's root, or an ordinary user to the host? */
static bool is_root_outside(void)
{
	CLEANUP(buf_release) struct buf map = BUF_INIT;
	struct err *e = fs_read_file(AT_FDCWD, "/proc/self/uid_map", KIB(4), &map);
	struct str rest = str_of(buf_text(&map)), word;
	uint64_t outside = 0;

	err_ignore(e, "without a map there is no user namespace");
	str_next_word(&rest, &word);
	if (str_next_word(&rest, &word))
		str_to_u64(word, &outside);
	return outside == 0;
}

static uint64_t kept(enum security security)
{
	bool is_root = is_root_outside();

	if (security == SECURITY_APPTAINER)
		return is_root ? ~TAKEN_FROM_ROOT : UINT64_MAX;
	return is_root ? KEPT_BY_ROOT : KEPT_IN_NAMESPACE;
}

/* False when some stay: to drop one takes a capability itself, CAP_SETPCAP. */
static bool shrink_bounding_set(uint64_t mask)
{
	bool done = true;

	for (unsigned long i = 0; i < 64; i++)
		if ((mask >> i & 1) == 0 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			done = prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0 && done;
	return done;
}

/* Inheritable capabilities would come back with the next program, past the bounding
 * set. */
static struct err *shrink_own(uint64_t mask)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) != 0)
		return err_sys("capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(mask >> 32 * i);
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) == 0 ? NULL : err_sys("capabilities");
}

static struct err *drop_capabilities(uint64_t mask)
{
	bool done = shrink_bounding_set(mask);

	TRY(shrink_own(mask));
	/* Root's next program would get what stays in the bounding set; this prevents
	 * it. */
	if (!done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys("no new privileges");
	return NULL;
}

/* ---- sockets ---- */

/* linux/landlock.h, which has the last member since Linux 6.12. */
struct ruleset {
	uint64_t handled_access_fs, handled_access_net, scoped;
};
static const uint64_t SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0;

/* The network is the host's, and sockets with an abstract name are part of it: through an
 * X server's, a script could see and type everything on the screen. landlock(7); older
 * kernels cannot do this. */
static void leave_abstract_sockets(void)
{
	const struct ruleset only_own = {.scoped = SCOPE_ABSTRACT_UNIX_SOCKET};
	CLEANUP(closep)
	int fd =
		(int)syscall(SYS_landlock_create_ruleset, &only_own, sizeof(only_own), 0);

	if (fd >= 0)
		syscall(SYS_landlock_restrict_self, fd, 0);
}

struct err *confine(enum security security)
{
	uint64_t mask = kept(security);

	if (security == SECURITY_CONTAINER) {
		/* Drops the caller's groups, but not root's own; where this is not
		 * permitted, it has none. */
		setgroups(0, NULL);
		/* The kernel itself looks for keys there, for a network filesystem,
		 * say. */
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
		leave_abstract_sockets();
		TRY(filter_install());
	}
	return drop_capabilities(mask);
}
