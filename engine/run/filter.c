/* SPDX-License-Identifier: MIT
 * filter.c - see filter.h.
 *
 * What podman and buildah refuse by default (containers/common, pkg/seccomp), and
 * docker's refusal of keyrings, which belong to a user, not to a container.  Two kinds of
 * refusal: EPERM says "not you", ENOSYS "no such call", after which programs take an
 * older way.  A call that libseccomp does not know is of the second kind, so that calls
 * of new kernels are refused at first; the others are allowed one by one.  Building the
 * filter takes 7 ms; a call costs nothing measurable, since Linux 5.11 looks up once
 * which calls are allowed whatever their arguments.
 */
#include "engine/run/filter.h"

#include <errno.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>

/* No kernel modules, no other kernel, no clock, no disks, no accounting. */
static const char *const no_permission[] = {
	"acct",
	"bdflush",
	"bpf",
	"clock_settime",
	"clock_settime64",
	"create_module",
	"delete_module",
	"finit_module",
	"get_kernel_syms",
	"init_module",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"lookup_dcookie",
	"migrate_pages",
	"move_pages",
	"nfsservctl",
	"open_by_handle_at",
	"pciconfig_iobase",
	"pciconfig_read",
	"pciconfig_write",
	"perf_event_open",
	"process_madvise",
	"query_module",
	"quotactl",
	"quotactl_fd",
	"setdomainname",
	"sethostname",
	"setns",
	"settimeofday",
	"stime",
	"swapoff",
	"swapon",
	"sysfs",
	"uselib",
	"userfaultfd",
	"ustat",
	"vhangup",
	"vm86",
	"vm86old",
	"vmsplice",
};

static const char *const not_there[] = {
	"_sysctl",	  "add_key", "io_uring_enter", "io_uring_register",
	"io_uring_setup", "keyctl",  "request_key",    "set_mempolicy_home_node",
};

/* An argument of 32 bits; what is above them does not count. */
#define ARGUMENT_IS(number, value)                                                       \
	{                                                                                \
		(number), SCMP_CMP_MASKED_EQ, UINT32_MAX, (value)                        \
	}
#define ARGUMENT_IS_NOT(number, value)                                                   \
	{                                                                                \
		(number), SCMP_CMP_NE, (value), 0                                        \
	}

/* These calls are refused unless a row allows them.  The audit log is the host's; the
 * error is EINVAL, since at EPERM useradd(8) and su(1) give up. */
static const struct conditional {
	const char *name;
	uint32_t action;
	unsigned n;
	struct scmp_arg_cmp conditions[2];
} conditionals[] = {
	{"socket", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS_NOT(0, AF_NETLINK)}},
	{"socket", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS_NOT(2, NETLINK_AUDIT)}},
	{"socket",
	 SCMP_ACT_ERRNO(EINVAL),
	 2,
	 {{0, SCMP_CMP_EQ, AF_NETLINK, 0}, {2, SCMP_CMP_EQ, NETLINK_AUDIT, 0}}},
	{"personality", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS(0, PER_LINUX)}},
	{"personality", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS(0, PER_LINUX32)}},
	{"personality", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS(0, UNAME26)}},
	{"personality", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS(0, PER_LINUX32 | UNAME26)}},
	{"personality", SCMP_ACT_ALLOW, 1, {ARGUMENT_IS(0, UINT32_MAX)}}, /* asks */
};

/* Where the numbers of calls begin, for each ABI that a kernel of the kind runs. */
static const struct abi {
	uint32_t native, arch;
	int first;
	int private_first; /* a few more; 0: none */
} abis[] = {
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, 0, 0},
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86, 0, 0},
	{SCMP_ARCH_X86_64, SCMP_ARCH_X32, 0x40000000, 0},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0, 0},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, 0, 0xf0000},
	{SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, 0, 0},
	{SCMP_ARCH_S390X, SCMP_ARCH_S390X, 0, 0},
	{SCMP_ARCH_S390X, SCMP_ARCH_S390, 0, 0},
	{SCMP_ARCH_RISCV64, SCMP_ARCH_RISCV64, 0, 0},
};

enum { NUMBERS = 1024, PRIVATE_NUMBERS = 16 };

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* A negative errno, as from libseccomp; 0: done. */
static int add_rule(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name), result = 0;
	bool has_conditions = false;

	if (is_among(name, not_there, ARRAY_LEN(not_there)))
		return 0;
	if (is_among(name, no_permission, ARRAY_LEN(no_permission)))
		return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	for (size_t i = 0; i < ARRAY_LEN(conditionals) && result == 0; i++) {
		const struct conditional *c = &conditionals[i];

		if (strcmp(c->name, name) != 0)
			continue;
		has_conditions = true;
		result = seccomp_rule_add_array(filter, c->action, number, c->n,
						c->conditions);
	}
	return has_conditions ? result
			      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int add_rules(scmp_filter_ctx filter, uint32_t arch, int first, int n)
{
	int result = 0;

	for (int i = 0; i < n && result == 0; i++) {
		char *name = seccomp_syscall_resolve_num_arch(arch, first + i);

		if (name)
			result = add_rule(filter, name);
		free(name);
	}
	return result;
}

/* A filter for one architecture, that refuses everything. */
static scmp_filter_ctx new_filter(uint32_t arch)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (!filter)
		return NULL;
	if (arch != seccomp_arch_native() &&
	    (seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) != 0 ||
	     seccomp_arch_add(filter, arch) != 0)) {
		seccomp_release(filter);
		return NULL;
	}
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	/* Before Linux 5.16 a filter slowed everything down, as if the script ran
	 * strangers' code next to its own secrets. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	return filter;
}

static void filter_releasep(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int add_abi(scmp_filter_ctx *all, const struct abi *abi)
{
	CLEANUP(filter_releasep) scmp_filter_ctx one = new_filter(abi->arch);
	int result = one ? add_rules(one, abi->arch, abi->first, NUMBERS) : -ENOMEM;

	if (result == 0 && abi->private_first > 0)
		result = add_rules(one, abi->arch, abi->private_first, PRIVATE_NUMBERS);
	if (result == 0 && *all)
		result = seccomp_merge(*all, one);
	else if (result == 0)
		*all = one;
	if (result == 0)
		one = NULL;
	return result;
}

struct err *filter_install(void)
{
	CLEANUP(filter_releasep) scmp_filter_ctx all = NULL;
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(abis) && result == 0; i++)
		if (abis[i].native == seccomp_arch_native())
			result = add_abi(&all, &abis[i]);
	if (result == 0)
		result = all ? seccomp_load(all) : -EDOM;
	if (result == 0)
		return NULL;
	errno = -result;
	return err_hint(
		err_recode(err_sys("system calls cannot be filtered"), ERR_UNSUPPORTED),
		"'--security=apptainer' uses no filter");
}
