// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What a back-end that a guest has taken over cannot do (backend/libpvn/sandbox.c). Each
 * attempt is made by a process of its own in the sandbox, with the kernel as the judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libpvn/ids.h"
#include "libpvn/sandbox.h"
#include "temporary.h"

enum { DONE = 0, REFUSED = 1, NO_SANDBOX = 2, OTHER_ERROR = 3 };

static int parents_file;	/* open before the sandbox */
static uid_t becomes;		/* user in the sandbox; 0: the same */
static char parents_word[] = "the parent's";

enum { AS_SUPERVISOR = ~0u };

/* What became of `attempt` (0 or more: it was done; -1 + errno) in a sandbox. */
static int outcome(unsigned int needs, long (*attempt)(void))
{
	const struct pvn_sandbox sandbox = { .needs = needs, .folder = { "/etc", "-/nowhere" },
					     .uid = becomes };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (needs == AS_SUPERVISOR ? pvn_sandbox_supervise() : pvn_sandbox_enter(&sandbox))
			_exit(NO_SANDBOX);
		errno = 0;
		if (attempt() >= 0)
			_exit(DONE);
		_exit(errno == EPERM ? REFUSED : OTHER_ERROR);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long open_file(void) { return open("/etc/passwd", O_RDONLY); }
static long create_file(void) { return open("/tmp/pvn-sandbox", O_WRONLY | O_CREAT, 0600); }
static long open_by_old_call(void) { return syscall(SYS_open, "/etc/passwd", O_RDONLY); }
static long open_by_new_call(void) { return syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0); }
static long remove_file(void) { return unlink("/tmp/pvn-sandbox-nothing"); }
static long look_at_path(void) { return syscall(SYS_stat, "/etc/passwd", NULL); }
static long read_link(void) { char to[64]; return readlink("/proc/self/exe", to, sizeof(to)); }
static long run_program(void) { return execl("/bin/true", "true", (char *)NULL); }
static long make_process(void) { return syscall(SYS_fork); }
static long make_thread(void) { return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); }
static long trace_parent(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); }
static long signal_parent(void) { return kill(getppid(), 0); }
static long thread_of_parent(void) { return syscall(SYS_tgkill, getppid(), getppid(), 0); }
static long open_process(void) { return syscall(SYS_pidfd_open, getppid(), 0); }
static long mount_something(void) { return mount("none", "/mnt", "tmpfs", 0, NULL); }
static long change_root(void) { return chroot("/"); }
static long new_namespace(void) { return unshare(CLONE_NEWUSER); }
static long become_user(void) { return syscall(SYS_setuid, 12345); }
static long load_module(void) { return syscall(SYS_finit_module, parents_file, "", 0); }
static long internet_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long netlink_socket(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static long new_ring(void) { char params[128] = ""; return syscall(SYS_io_uring_setup, 4, params); }
static long register_ring(void) { return syscall(SYS_io_uring_register, 0, 0, NULL, 0); }
static long enter_ring(void) { return syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0); }
static long bpf_program(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long other_ioctl(void) { return ioctl(parents_file, 0xdead); }
static long be_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static long memory_to_run(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED ? -1 : 0;
}

static long make_executable(void)
{
	return mprotect((void *)((uintptr_t)parents_word & ~4095ul), 4096, PROT_READ | PROT_EXEC);
}

static long memory_of_parent(void)
{
	char bytes[8];
	struct iovec mine = { bytes, sizeof(bytes) }, theirs = { parents_word, sizeof(bytes) };

	return process_vm_readv(getppid(), &mine, 1, &theirs, 1, 0);
}

#define REFUSED_TEST(attempt)						\
	static void attempt##_is_refused(void **state)			\
	{								\
		(void)state;						\
		assert_int_equal(outcome(PVN_SANDBOX_RINGS, attempt), REFUSED); \
	}

REFUSED_TEST(open_file)
REFUSED_TEST(create_file)
REFUSED_TEST(open_by_old_call)
REFUSED_TEST(open_by_new_call)
REFUSED_TEST(remove_file)
REFUSED_TEST(look_at_path)
REFUSED_TEST(read_link)
REFUSED_TEST(run_program)
REFUSED_TEST(make_process)
REFUSED_TEST(make_thread)
REFUSED_TEST(trace_parent)
REFUSED_TEST(signal_parent)
REFUSED_TEST(thread_of_parent)
REFUSED_TEST(open_process)
REFUSED_TEST(memory_of_parent)
REFUSED_TEST(memory_to_run)
REFUSED_TEST(make_executable)
REFUSED_TEST(mount_something)
REFUSED_TEST(change_root)
REFUSED_TEST(new_namespace)
REFUSED_TEST(become_user)
REFUSED_TEST(load_module)
REFUSED_TEST(internet_socket)
REFUSED_TEST(packet_socket)
REFUSED_TEST(netlink_socket)
REFUSED_TEST(new_ring)
REFUSED_TEST(register_ring)
REFUSED_TEST(bpf_program)
REFUSED_TEST(other_ioctl)
REFUSED_TEST(be_dumpable)

/* --- what must go on --- */

static long use_descriptor(void)
{
	char byte;

	return pread(parents_file, &byte, 1, 0) == 1 && lseek(parents_file, 0, SEEK_SET) == 0 ? 0 : -1;
}

static long use_memory(void)
{
	void *large = malloc(8 << 20);

	free(large);
	return large ? 0 : -1;
}

static long reach_the_store(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/nonexistent" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* There is none here; that it is not found means that it was looked for. */
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	       errno == ENOENT ? 0 : -1;
}

static long use_ring(void)
{
	return enter_ring() < 0 && errno == EBADF ? 0 : -1;
}

static void what_a_back_end_needs_goes_on(void **state)
{
	(void)state;
	assert_int_equal(outcome(0, use_descriptor), DONE);
	assert_int_equal(outcome(0, use_memory), DONE);
	assert_int_equal(outcome(0, reach_the_store), DONE);
	assert_int_equal(outcome(PVN_SANDBOX_RINGS, use_ring), DONE);
	assert_int_equal(outcome(0, enter_ring), REFUSED);
}

static void network_is_for_those_who_need_it(void **state)
{
	(void)state;
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, internet_socket), DONE);
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, open_file), DONE);
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, create_file), REFUSED);
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, packet_socket), REFUSED);
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, run_program), REFUSED);
}

static long append_to_file(void)
{
	return open("/tmp/pvn-sandbox-nowhere/log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) < 0 &&
	       errno == ENOENT ? 0 : -1;
}

static void logs_are_for_those_who_write_them(void **state)
{
	(void)state;
	assert_int_equal(outcome(PVN_SANDBOX_LOGS, append_to_file), DONE);
	assert_int_equal(outcome(0, append_to_file), REFUSED);
	assert_int_equal(outcome(PVN_SANDBOX_LOGS, open_file), REFUSED);
	assert_int_equal(outcome(PVN_SANDBOX_LOGS, create_file), REFUSED);
	assert_int_equal(outcome(PVN_SANDBOX_LOGS, run_program), REFUSED);
}

static long enter_narrower_sandbox(void)
{
	const struct pvn_sandbox sandbox = { .uid = geteuid() ? 0 : pvn_id_of(3, PVN_ID_DEVICES) };

	return pvn_sandbox_enter(&sandbox) ? -1 : 0;
}

static void supervisors_start_others_and_reach_no_further(void **state)
{
	(void)state;
	assert_int_equal(outcome(AS_SUPERVISOR, run_program), DONE);
	assert_int_equal(outcome(AS_SUPERVISOR, open_file), DONE);
	assert_int_equal(outcome(AS_SUPERVISOR, enter_narrower_sandbox), DONE);
	assert_int_equal(outcome(AS_SUPERVISOR, load_module), REFUSED);
	assert_int_equal(outcome(AS_SUPERVISOR, bpf_program), REFUSED);
	assert_int_equal(outcome(AS_SUPERVISOR, trace_parent), REFUSED);
	assert_int_equal(outcome(AS_SUPERVISOR, memory_of_parent), REFUSED);
	assert_int_equal(outcome(AS_SUPERVISOR, open_process), REFUSED);
	if (geteuid() == 0)
		assert_int_equal(outcome(AS_SUPERVISOR, packet_socket), REFUSED);
}

/* --- who and where, for those who can change that --- */

static void skip_unless_root(void)
{
	if (geteuid() != 0)
		skip();
}

static long is_somebody_else(void)
{
	return getuid() == becomes && geteuid() == becomes ? 0 : -1;
}

static void each_process_is_a_user_of_its_own(void **state)
{
	(void)state;
	skip_unless_root();
	becomes = pvn_id_of(3, PVN_ID_DEVICES);
	assert_int_equal(outcome(0, is_somebody_else), DONE);
	becomes = 0;
}

static long sees_its_folder_only(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	return fd >= 0 && open("/bin/sh", O_RDONLY) < 0 && errno == ENOENT &&
	       open("/proc/self/status", O_RDONLY) < 0 && errno == ENOENT &&
	       open("/../../bin/sh", O_RDONLY) < 0 && errno == ENOENT ? 0 : -1;
}

static char outer[TEMPORARY_PATH_MAX], inner[2 * TEMPORARY_PATH_MAX];

static long sees_inner_and_not_its_sibling(void)
{
	char path[3 * TEMPORARY_PATH_MAX];
	int beside, within, sibling;

	snprintf(path, sizeof(path), "%s/file", outer);
	beside = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/file", inner);
	within = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/run/file", outer);
	sibling = open(path, O_RDONLY);
	return beside >= 0 && within >= 0 && sibling < 0 && errno == ENOENT ? 0 : -1;
}

static void make_file_in(const char *folder)
{
	char path[3 * TEMPORARY_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
}

static void a_folder_within_another_hides_its_siblings(void **state)
{
	struct pvn_sandbox sandbox = { .needs = PVN_SANDBOX_NETWORK, .folder = { outer, inner } };
	int status;
	pid_t pid;

	(void)state;
	skip_unless_root();
	assert_true(temporary_folder(outer));
	make_file_in(outer);
	snprintf(inner, sizeof(inner), "%s/run", outer);
	assert_int_equal(mkdir(inner, 0755), 0);
	make_file_in(inner);
	snprintf(inner, sizeof(inner), "%s/run/store", outer);
	assert_int_equal(mkdir(inner, 0755), 0);
	make_file_in(inner);
	pid = fork();
	if (!pid)
		_exit(pvn_sandbox_enter(&sandbox) ? NO_SANDBOX : sees_inner_and_not_its_sibling() ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), DONE);
	assert_true(temporary_remove(outer));
}

static void of_the_file_system_it_sees_what_it_was_given(void **state)
{
	(void)state;
	skip_unless_root();
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, sees_its_folder_only), DONE);
	becomes = pvn_id_of(3, PVN_ID_DEVICES);
	assert_int_equal(outcome(PVN_SANDBOX_NETWORK, sees_its_folder_only), DONE);
	becomes = 0;
}

/* A process in the sandbox that waits for its parent's death; `ready` is closed by its own. */
static void __attribute__((noreturn)) live_as_long_as_parent(int ready)
{
	const struct pvn_sandbox sandbox = { .uid = pvn_id_of(3, PVN_ID_DEVICES) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pvn_sandbox_enter(&sandbox) || write(ready, "", 1) != 1)
		_exit(NO_SANDBOX);
	for (;;)
		sleep(1);
}

static void it_still_ends_with_its_parent(void **state)
{
	struct pollfd end;
	int pipes[2];
	pid_t parent;
	char byte;

	(void)state;
	skip_unless_root();
	assert_int_equal(pipe(pipes), 0);
	parent = fork();
	if (!parent) {
		if (!fork())
			live_as_long_as_parent(pipes[1]);
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(pipes[1]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	end = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_file_is_refused),
		cmocka_unit_test(create_file_is_refused),
		cmocka_unit_test(open_by_old_call_is_refused),
		cmocka_unit_test(open_by_new_call_is_refused),
		cmocka_unit_test(remove_file_is_refused),
		cmocka_unit_test(look_at_path_is_refused),
		cmocka_unit_test(read_link_is_refused),
		cmocka_unit_test(run_program_is_refused),
		cmocka_unit_test(make_process_is_refused),
		cmocka_unit_test(make_thread_is_refused),
		cmocka_unit_test(trace_parent_is_refused),
		cmocka_unit_test(signal_parent_is_refused),
		cmocka_unit_test(thread_of_parent_is_refused),
		cmocka_unit_test(open_process_is_refused),
		cmocka_unit_test(memory_of_parent_is_refused),
		cmocka_unit_test(memory_to_run_is_refused),
		cmocka_unit_test(make_executable_is_refused),
		cmocka_unit_test(mount_something_is_refused),
		cmocka_unit_test(change_root_is_refused),
		cmocka_unit_test(new_namespace_is_refused),
		cmocka_unit_test(become_user_is_refused),
		cmocka_unit_test(load_module_is_refused),
		cmocka_unit_test(internet_socket_is_refused),
		cmocka_unit_test(packet_socket_is_refused),
		cmocka_unit_test(netlink_socket_is_refused),
		cmocka_unit_test(new_ring_is_refused),
		cmocka_unit_test(register_ring_is_refused),
		cmocka_unit_test(bpf_program_is_refused),
		cmocka_unit_test(other_ioctl_is_refused),
		cmocka_unit_test(be_dumpable_is_refused),
		cmocka_unit_test(what_a_back_end_needs_goes_on),
		cmocka_unit_test(network_is_for_those_who_need_it),
		cmocka_unit_test(logs_are_for_those_who_write_them),
		cmocka_unit_test(supervisors_start_others_and_reach_no_further),
		cmocka_unit_test(each_process_is_a_user_of_its_own),
		cmocka_unit_test(of_the_file_system_it_sees_what_it_was_given),
		cmocka_unit_test(a_folder_within_another_hides_its_siblings),
		cmocka_unit_test(it_still_ends_with_its_parent),
	};

	parents_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
