// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Code of somebody else in the real pvn-blkd: loaded into it with LD_PRELOAD, it runs
 * where an attacker's would, in the middle of serving a guest, with all that the process
 * has. It tries what the process must not be able to do and writes a line for each to
 * the guest's log: "takeover: NAME: refused (EPERM)", or "done". test_takeover.py reads them.
 *
 * $PVN_TAKEOVER: DOMID PID NAME IMAGE of another guest, by blanks.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#include <linux/capability.h>

#include <pvn/abi/store.h>

struct io_uring;
struct event_base;

static unsigned int other_domid;
static int other_pid;
static char other_name[64], other_image[256];

static long open_for(const char *path, int flags)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* --- files --- */

static long open_passwords(void) { return open_for("/etc/passwd", O_RDONLY); }
static long open_image_of_other(void) { return open_for(other_image, O_RDWR); }
static long open_hypervisor(void) { return open_for("/dev/paravane", O_RDWR); }
static long open_memory(void) { return open_for("/dev/mem", O_RDWR); }
static long open_own_memory(void) { return open_for("/proc/self/mem", O_RDWR); }
static long make_file(void) { return open_for("/tmp/takeover", O_WRONLY | O_CREAT); }
static long make_file_beside_store(void)
{
	return open_for("/run/paravane/store/takeover", O_WRONLY | O_CREAT);
}

static long open_by_old_call(void) { return syscall(SYS_open, "/etc/passwd", O_RDONLY); }
static long open_by_handle(void) { return syscall(SYS_open_by_handle_at, AT_FDCWD, "", O_RDONLY); }
static long look_at_file(void) { struct stat to; return stat("/etc/passwd", &to); }
static long remove_socket(void) { return unlink("/run/paravane/store/socket"); }
static long rename_image(void) { return rename(other_image, "/tmp/stolen"); }
static long change_mode(void) { return chmod(other_image, 0666); }
static long mount_something(void) { return mount("none", "/", "tmpfs", 0, NULL); }
static long change_root(void) { return chroot("/"); }

/* --- other processes --- */

static long memory_of_other(void)
{
	char bytes[8];
	struct iovec mine = { bytes, sizeof(bytes) }, theirs = { (void *)0x400000, sizeof(bytes) };

	return process_vm_readv(other_pid, &mine, 1, &theirs, 1, 0);
}

static long memory_file_of_other(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", other_pid);
	return open_for(path, O_RDWR);
}

static long trace_other(void) { return ptrace(PTRACE_ATTACH, other_pid, NULL, NULL); }
static long trace_worker(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); }
static long signal_other(void) { return kill(other_pid, 0); }
static long signal_everybody(void) { return kill(-1, 0); }
static long signal_first(void) { return syscall(SYS_tgkill, 1, 2, SIGUSR1); }
static long open_process(void) { return syscall(SYS_pidfd_open, other_pid, 0); }
static long take_descriptor(void) { return syscall(SYS_pidfd_getfd, 0, 0, 0); }
static long slow_other(void) { return syscall(SYS_sched_setaffinity, other_pid, 0, NULL); }

/* --- programs and processes of its own --- */

static long run_program(void) { return execl("/bin/true", "true", (char *)NULL); }
static long run_descriptor(void) { return syscall(SYS_execveat, 2, "", NULL, NULL, AT_EMPTY_PATH); }
static long make_process(void) { return syscall(SYS_fork); }
static long make_thread(void) { return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0); }
static long memory_to_run(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long make_data_executable(void)
{
	return mprotect((void *)((uintptr_t)other_name & ~4095ul), 4096, PROT_READ | PROT_EXEC);
}

static long load_program_from_memory(void) { return syscall(SYS_memfd_create, "x", 0); }

/* --- rights --- */

static long become_root(void) { return syscall(SYS_setuid, 0); }
static long become_other(void) { return syscall(SYS_setresuid, getuid() - 64, -1, -1); }
static long join_group(void) { gid_t root = 0; return syscall(SYS_setgroups, 1, &root); }
static long take_capabilities(void) { return syscall(SYS_capset, NULL, NULL); }
static long be_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static long own_users(void) { return unshare(CLONE_NEWUSER); }
static long enter_namespace(void) { return setns(0, 0); }
static long weaker_filter(void) { return syscall(SYS_seccomp, 0, 0, NULL); }

/* --- the kernel --- */

static long load_module(void) { return syscall(SYS_finit_module, 0, "", 0); }
static long load_kernel(void) { return syscall(SYS_kexec_load, 0, 0, NULL, 0); }
static long bpf_program(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long performance_events(void) { return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0); }
static long page_faults(void) { return syscall(SYS_userfaultfd, 0); }
static long keys(void) { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static long shared_memory(void) { return syscall(SYS_shmget, 1, 4096, 0600); }
static long port_access(void) { return syscall(SYS_iopl, 3); }
static long new_ring(void) { char params[128] = ""; return syscall(SYS_io_uring_setup, 4, params); }
static long free_ring(void) { return syscall(SYS_io_uring_register, 3, 11, NULL, 0); }
static long steer_guest(void) { return ioctl(0, 0xbb14, NULL); }
static long set_clock(void) { return syscall(SYS_settimeofday, NULL, NULL); }

/* --- what supervising processes need just as little --- */

static long make_device(void) { return mknod("/tmp/takeover-mem", S_IFCHR | 0600, 1 << 8 | 1); }
static long restart_machine(void) { return syscall(SYS_reboot, 0, 0, 0, NULL); }
static long swap_to(void) { return syscall(SYS_swapon, other_image, 0); }
static long name_machine(void) { return sethostname("taken", 5); }
static long account(void) { return syscall(SYS_acct, NULL); }
static long kernels_log(void) { return syscall(SYS_syslog, 3, NULL, 0); }
static long change_personality(void) { return syscall(SYS_personality, 0x0040000); }
static long run_modprobe(void)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid) {
		execl("/sbin/modprobe", "modprobe", "-q", "dummy", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	errno = EPERM;
	return status ? -1 : 0;
}

static long take_all_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[2] = { { ~0u, ~0u, 0 }, { 0x1ff, 0x1ff, 0 } };

	return syscall(SYS_capset, &header, all);
}

/* --- the network and sockets --- */

static long internet_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long internet6_socket(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }
static long packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long netlink_socket(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static long vm_socket(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }

static long connect_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), error;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static long command_store(void) { return connect_to("/run/paravane/store/control", SOCK_SEQPACKET); }

static long command_other(void)
{
	char path[108];

	snprintf(path, sizeof(path), "/run/paravane/guests/%.60s/control", other_name);
	return connect_to(path, SOCK_STREAM);
}

static long console_of_other(void)
{
	char path[108];

	snprintf(path, sizeof(path), "/run/paravane/guests/%.60s/console", other_name);
	return connect_to(path, SOCK_STREAM);
}

/* --- the store --- */

/* A request with `words` (strings, an empty one ends them); -1 + EACCES: refused. */
static long ask_store(uint32_t type, const char *path, const char *value)
{
	struct pvn_store_header header = { .type = type };
	char payload[512] = "";
	long fd = connect_to("/run/paravane/store/socket", SOCK_STREAM);

	if (fd < 0)
		return fd;
	header.len = (uint32_t)snprintf(payload, sizeof(payload), "%s", path) + 1;
	if (value)
		header.len += (uint32_t)snprintf(payload + header.len,
						 sizeof(payload) - header.len, "%s", value);
	if (write((int)fd, &header, sizeof(header)) != sizeof(header) ||
	    write((int)fd, payload, header.len) != (ssize_t)header.len ||
	    read((int)fd, &header, sizeof(header)) != sizeof(header))
		header.type = PVN_STORE_ERROR;
	close((int)fd);
	errno = EACCES;
	return header.type == PVN_STORE_ERROR ? -1 : 0;
}

static long ask_about(uint32_t type, const char *format, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), format, other_domid);
	return ask_store(type, path, value);
}

static long read_keys_of_other(void) { return ask_about(PVN_STORE_READ, "/local/domain/%u/name", NULL); }
static long list_guests(void) { return ask_store(PVN_STORE_DIRECTORY, "/local/domain", NULL); }
static long unplug_disk_of_other(void)
{
	return ask_about(PVN_STORE_WRITE, "/local/domain/0/backend/blk/%u/0/online", "0");
}

static long shut_other_down(void)
{
	return ask_about(PVN_STORE_WRITE, "/local/domain/%u/control/shutdown", "poweroff");
}

static long release_other(void) { return ask_about(PVN_STORE_RELEASE, "%u", NULL); }
static long administer_store(void) { return ask_store(PVN_STORE_CONTROL, "live-update", NULL); }
static long remove_all_keys(void) { return ask_store(PVN_STORE_RM, "/local", NULL); }

#define ATTEMPT(name) { #name, name }

struct attempt {
	const char *name;
	long (*run)(void);
};

static const struct attempt attempts[] = {
	ATTEMPT(open_passwords), ATTEMPT(open_image_of_other), ATTEMPT(open_hypervisor),
	ATTEMPT(open_memory), ATTEMPT(open_own_memory), ATTEMPT(make_file),
	ATTEMPT(make_file_beside_store), ATTEMPT(open_by_old_call), ATTEMPT(open_by_handle),
	ATTEMPT(look_at_file), ATTEMPT(remove_socket), ATTEMPT(rename_image),
	ATTEMPT(change_mode), ATTEMPT(mount_something), ATTEMPT(change_root),
	ATTEMPT(memory_of_other), ATTEMPT(memory_file_of_other), ATTEMPT(trace_other),
	ATTEMPT(trace_worker), ATTEMPT(signal_other), ATTEMPT(signal_everybody),
	ATTEMPT(signal_first), ATTEMPT(open_process), ATTEMPT(take_descriptor),
	ATTEMPT(slow_other), ATTEMPT(run_program), ATTEMPT(run_descriptor),
	ATTEMPT(make_process), ATTEMPT(make_thread), ATTEMPT(memory_to_run),
	ATTEMPT(make_data_executable), ATTEMPT(load_program_from_memory), ATTEMPT(become_root),
	ATTEMPT(become_other), ATTEMPT(join_group), ATTEMPT(take_capabilities),
	ATTEMPT(be_dumpable), ATTEMPT(own_users), ATTEMPT(enter_namespace),
	ATTEMPT(weaker_filter), ATTEMPT(load_module), ATTEMPT(load_kernel), ATTEMPT(bpf_program),
	ATTEMPT(performance_events), ATTEMPT(page_faults), ATTEMPT(keys), ATTEMPT(shared_memory),
	ATTEMPT(port_access), ATTEMPT(new_ring), ATTEMPT(free_ring), ATTEMPT(steer_guest),
	ATTEMPT(set_clock), ATTEMPT(internet_socket), ATTEMPT(internet6_socket),
	ATTEMPT(packet_socket), ATTEMPT(netlink_socket), ATTEMPT(vm_socket),
	ATTEMPT(command_store), ATTEMPT(command_other), ATTEMPT(console_of_other),
	ATTEMPT(read_keys_of_other), ATTEMPT(list_guests), ATTEMPT(unplug_disk_of_other),
	ATTEMPT(shut_other_down), ATTEMPT(release_other), ATTEMPT(administer_store),
	ATTEMPT(remove_all_keys),
};

static const struct attempt of_supervisors[] = {
	ATTEMPT(open_memory), ATTEMPT(open_by_handle), ATTEMPT(memory_of_other),
	ATTEMPT(memory_file_of_other), ATTEMPT(trace_other), ATTEMPT(open_process),
	ATTEMPT(take_descriptor), ATTEMPT(enter_namespace), ATTEMPT(load_module),
	ATTEMPT(run_modprobe), ATTEMPT(load_kernel), ATTEMPT(bpf_program),
	ATTEMPT(performance_events), ATTEMPT(page_faults), ATTEMPT(keys), ATTEMPT(shared_memory),
	ATTEMPT(port_access), ATTEMPT(set_clock), ATTEMPT(packet_socket), ATTEMPT(make_device),
	ATTEMPT(restart_machine), ATTEMPT(swap_to), ATTEMPT(name_machine), ATTEMPT(account),
	ATTEMPT(kernels_log), ATTEMPT(change_personality),
	ATTEMPT(take_all_capabilities),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void take_over(const struct attempt *list, size_t count, int log, const char *who)
{
	const char *text = getenv("PVN_TAKEOVER");
	size_t i;

	if (!text || sscanf(text, "%u %d %63s %255s", &other_domid, &other_pid, other_name,
			    other_image) != 4)
		return;
	for (i = 0; i < count; i++) {
		errno = 0;
		if (list[i].run() != -1)
			dprintf(log, "%stakeover: %s: done\n", who, list[i].name);
		else
			dprintf(log, "%stakeover: %s: refused (%s)\n", who, list[i].name,
				strerrorname_np(errno));
	}
	dprintf(log, "%stakeover: all %zu\n", who, count);
}

/* pvn-blkd calls this when it has nothing to do, for the first time after its start. */
int io_uring_submit_and_wait(struct io_uring *ring, unsigned int wait_nr)
{
	static int (*real)(struct io_uring *ring, unsigned int wait_nr);
	static bool is_done;

	if (!real)
		real = (int (*)(struct io_uring *, unsigned int))dlsym(RTLD_NEXT,
								       "io_uring_submit_and_wait");
	if (!is_done && !strcmp(program_invocation_short_name, "pvn-blkd")) {
		is_done = true;
		take_over(attempts, COUNT(attempts), STDERR_FILENO, "");
	}
	return real(ring, wait_nr);
}

/* Of the worker's files the only one that is appended to. */
static int find_log(void)
{
	struct stat status;
	int fd;

	for (fd = 0; fd < 256; fd++)
		if (!fstat(fd, &status) && S_ISREG(status.st_mode) && fcntl(fd, F_GETFL) & O_APPEND)
			return fd;
	return STDERR_FILENO;
}

/* The worker's processes call this once they are set up. */
int event_base_dispatch(struct event_base *base)
{
	static int (*real)(struct event_base *base);
	static pid_t last;
	char name[17] = "", who[32];

	if (!real)
		real = (int (*)(struct event_base *))dlsym(RTLD_NEXT, "event_base_dispatch");
	if (last != getpid() && !strcmp(program_invocation_short_name, "pvn-worker")) {
		last = getpid();
		/* The name of pvn-worker-vps may not be asked for any more. */
		if (prctl(PR_GET_NAME, name))
			snprintf(name, sizeof(name), "pvn-worker-vps");
		snprintf(who, sizeof(who), "%s: ", name);
		take_over(of_supervisors, COUNT(of_supervisors), find_log(), who);
	}
	return real(base);
}
