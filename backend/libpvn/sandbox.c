// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See sandbox.h. In this order: namespaces (they need privileges), identity and
 * capabilities, no new privileges, system calls. A call that is not listed fails with
 * EPERM.
 */
#include "libpvn/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/if_tun.h>

#include <pvn/abi/root_dev.h>

static const int allowed[] = {
	/* descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv2), SCMP_SYS(pwritev2),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(fcntl),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(fallocate),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl), SCMP_SYS(select), SCMP_SYS(pselect6),
	/* sockets; socket() is below */
	SCMP_SYS(connect), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* own memory; mmap() and mprotect() are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* time, signals to itself, the end */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(futex),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getrandom), SCMP_SYS(uname),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Of a block device: sizes, and ranges that are given back or erased. */
static const unsigned long requests[] = {
	BLKGETSIZE64, BLKSSZGET, BLKPBSZGET, BLKDISCARD, BLKSECDISCARD, BLKZEROOUT, FIONBIO,
	FIONREAD,
};

static const unsigned long tap_requests[] = { TUNGETIFF, TUNSETOFFLOAD, TUNSETQUEUE };

static const int daemon_calls[] = {
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(vfork), SCMP_SYS(execve), SCMP_SYS(wait4),
	SCMP_SYS(waitid), SCMP_SYS(kill), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(prctl),
	SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(prlimit64), SCMP_SYS(setsid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(socketpair),
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(openat), SCMP_SYS(newfstatat),
	SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(unlink), SCMP_SYS(ftruncate), SCMP_SYS(msync), SCMP_SYS(memfd_create),
	SCMP_SYS(listen),
};

/* Neither memory nor channels nor another partition. */
static const unsigned long guest_requests[] = {
	PVN_PARTITION_INSTALL_INTERCEPT, PVN_PARTITION_INTERRUPT, PVN_PARTITION_CREATE_LOOP,
	PVN_PARTITION_DELETE_LOOP,
	PVN_VP_GET_REGISTERS, PVN_VP_SET_REGISTERS, PVN_VP_START, PVN_VP_SUSPEND, PVN_VP_RESUME,
};

static int allow(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

static int allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp argument)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, argument);
}

static int allow_requests(scmp_filter_ctx filter, const unsigned long *list, size_t count)
{
	int error = 0;

	while (count--)
		error |= allow_if(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, list[count], 0));
	return error;
}

#define ALLOW_REQUESTS(filter, list) allow_requests(filter, list, sizeof(list) / sizeof((list)[0]))

static int add_common(scmp_filter_ctx filter)
{
	int error = ALLOW_REQUESTS(filter, requests);
	size_t i;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error |= allow(filter, allowed[i]);
	/* No memory that can be run. */
	error |= allow_if(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= allow_if(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* The store again, when it was restarted. Which socket: the kernel asks for rights. */
	error |= allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	/* stat() of a descriptor is a stat() of no path: the empty path flag. */
	error |= allow_if(filter, SCMP_SYS(newfstatat),
			  SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	/* abort() */
	error |= allow_if(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return error;
}

static int add_network(scmp_filter_ctx filter)
{
	int error = 0;

	error |= allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
	error |= allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
	error |= allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
	error |= allow(filter, SCMP_SYS(bind));		/* of the netlink socket */
	error |= allow(filter, SCMP_SYS(sendmmsg));
	/* /etc/hosts and its like, for reading; it sees nothing else. */
	error |= allow(filter, SCMP_SYS(newfstatat));
	error |= allow_if(filter, SCMP_SYS(openat),
			  SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
	return error;
}

/* A log that has become long gets another name, and a new one is begun. */
static int add_logs(scmp_filter_ctx filter)
{
	return allow_if(filter, SCMP_SYS(openat),
			SCMP_A2(SCMP_CMP_EQ, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0)) |
	       allow(filter, SCMP_SYS(rename)) | allow(filter, SCMP_SYS(unlink));
}

static int add_daemon(scmp_filter_ctx filter)
{
	int error = 0;
	size_t i;

	for (i = 0; i < sizeof(daemon_calls) / sizeof(daemon_calls[0]); i++)
		error |= allow(filter, daemon_calls[i]);
	return error;
}

static int add_needs(scmp_filter_ctx filter, unsigned int needs)
{
	int error = 0;

	if (needs & PVN_SANDBOX_RINGS)	/* not io_uring_setup() nor io_uring_register() */
		error |= allow(filter, SCMP_SYS(io_uring_enter));
	if (needs & PVN_SANDBOX_NETWORK)
		error |= add_network(filter);
	if (needs & PVN_SANDBOX_LOGS)
		error |= add_logs(filter);
	if (needs & PVN_SANDBOX_TAPS)
		error |= ALLOW_REQUESTS(filter, tap_requests);
	if (needs & PVN_SANDBOX_DAEMON)
		error |= add_daemon(filter);
	if (needs & PVN_SANDBOX_GUEST)
		error |= ALLOW_REQUESTS(filter, guest_requests);
	return error;
}

static int restrict_calls(unsigned int needs)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter) {
		errno = ENOMEM;
		return -1;
	}
	/* A tree instead of a list: the filter runs at each ioctl() and mmap(). */
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!error)
		error = add_common(filter);
	if (!error)
		error = add_needs(filter, needs);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	if (!error)
		return 0;
	errno = EINVAL;
	return -1;
}

static void end(int number)
{
	_exit(128 + number);
}

/* A change of identity cancels the death signal; whose it was to be may be dead by now. */
static int keep_death_signal(int number, pid_t parent)
{
	if (number && prctl(PR_SET_PDEATHSIG, number))
		return -1;
	if (number && getppid() != parent)
		_exit(128 + number);
	return 0;
}

int pvn_sandbox_enter(const struct pvn_sandbox *sandbox)
{
	const struct sigaction ends = { .sa_handler = end };
	pid_t parent = getppid();
	int death_signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &death_signal) || pvn_sandbox_leave_place(sandbox) ||
	    pvn_sandbox_leave_rights(sandbox))
		return -1;
	/* A daemon looks its own descriptors up in /proc. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, !!(sandbox->needs & PVN_SANDBOX_DAEMON), 0, 0, 0) ||
	    keep_death_signal(death_signal, parent))
		return -1;
	/* The first process of a namespace gets no signal that it does not ask for. */
	if (!(sandbox->needs & PVN_SANDBOX_DAEMON) && sigaction(SIGTERM, &ends, NULL))
		return -1;
	return restrict_calls(sandbox->needs);
}
