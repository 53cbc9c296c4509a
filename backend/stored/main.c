// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-stored: the store daemon. Command line, run directory, sockets, signals,
 * readiness. The pid file is locked for as long as the daemon lives, so a
 * second one for the same directory is refused, and sockets left behind by one
 * that was killed can be replaced without asking.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "alloc.h"
#include "daemon.h"
#include "libpvn/ids.h"
#include "libpvn/sandbox.h"
#include "number.h"
#include "transport.h"

#ifndef PVN_VERSION
#define PVN_VERSION "unversioned"
#endif

static const char default_rundir[] = "/run/paravane";

struct options {
	const char *rundir;
	bool foreground;
	bool verbose;
	int resume_fds[2];	/* -1: a start by hand */
	unsigned int uid;	/* to become; 0: keeps what rights it has */
};

static bool log_to_syslog;

void server_log(const char *text)
{
	if (!log_to_syslog) {
		fprintf(stderr, "pvn-stored: %s\n", text);
		return;
	}
	syslog(LOG_DAEMON | LOG_ERR, "%s", text);
	/* Its descriptor is in the shared table, and the other process does not know of it. */
	closelog();
}

void server_log_to_syslog(void)
{
	log_to_syslog = true;
}

void server_note(const struct server *server, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!server->store->verbose)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	server_log(text);
}

/* What failed, where, why, and what to do about it. */
static int complain(const char *what, const char *where, const char *hint)
{
	int error = errno;

	fprintf(stderr, "pvn-stored: cannot %s %s: %s\n", what, where, strerror(error));
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	return EXIT_FAILED;
}

static void print_usage(FILE *out)
{
	fputs("usage: pvn-stored [--rundir DIR] [--foreground] [--verbose] [--uid N]\n"
	      "Serves the store to programs of the root partition and to guests.\n"
	      "\n"
	      "  --rundir DIR   where store/socket and store/control are made\n"
	      "                 (default $PVN_RUNDIR or /run/paravane)\n"
	      "  --foreground   stay attached to the terminal and log there\n"
	      "  --verbose      log connections and guests\n"
	      "  --uid N        started by root, become this user, without any right (default\n"
	      "                 1879048193, which is nobody else); 0: keep all rights\n"
	      "  --understands N  exit 0 if this program can take over from one whose\n"
	      "                 state has format N (before an upgrade)\n"
	      "  --help         this text\n"
	      "  --version      version\n"
	      "\n"
	      "SIGTERM ends it. SIGHUP replaces it by the program that is now in its place;\n"
	      "connections go on, as they do when one of its two processes is killed.\n"
	      "A byte is written to the descriptor named by $PVN_READY_FD when ready.\n"
	      "Exit codes: 0 ok, 1 failed, 2 usage, 4 refused (already running).\n", out);
}

static int parse_fds(const char *text, int fds[2])
{
	char more;

	return sscanf(text, "%d,%d%c", &fds[0], &fds[1], &more) == 2 ? 0 : -1;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "rundir", required_argument, NULL, 'r' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "uid", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "resume", required_argument, NULL, 'R' },	/* of keeper_exec() */
		{ "understands", required_argument, NULL, 'U' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "r:fvu:hV", names, NULL)) >= 0) {
		switch (option) {
		case 'r':
			options->rundir = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'u':
			if (number_parse_u32(optarg, strlen(optarg), &options->uid))
				return -1;
			break;
		case 'h':
			print_usage(stdout);
			exit(EXIT_OK);
		case 'V':
			puts("pvn-stored " PVN_VERSION);
			exit(EXIT_OK);
		case 'R':
			if (parse_fds(optarg, options->resume_fds))
				return -1;
			break;
		case 'U':
			exit(atoi(optarg) == IMAGE_FORMAT ? EXIT_OK : EXIT_REFUSED);
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

static const char *default_or_env_rundir(void)
{
	const char *rundir = getenv("PVN_RUNDIR");

	return rundir && *rundir ? rundir : default_rundir;
}

void daemon_path(char *path, size_t size, const struct journal_owner *owner, const char *name)
{
	snprintf(path, size, "%s/%s", owner->dir, name);
}

static int set_dir(struct journal_owner *owner, const char *rundir)
{
	struct sockaddr_un address;
	int len = snprintf(owner->dir, sizeof(owner->dir), "%s/store", rundir);

	if ((size_t)len + sizeof("/control") <= sizeof(address.sun_path))
		return EXIT_OK;
	errno = ENAMETOOLONG;
	return complain("use run directory", rundir,
			"the path of a socket is limited to 107 bytes; use a shorter one");
}

static int make_directories(const struct journal_owner *owner, const char *rundir)
{
	if (mkdir(rundir, 0755) && errno != EEXIST)
		return complain("make the run directory", rundir,
				"run as root, or choose another one with --rundir");
	if (mkdir(owner->dir, 0755) && errno != EEXIST)
		return complain("make the directory", owner->dir,
				"run as root, or choose another place with --rundir");
	return EXIT_OK;
}

static int refuse_second(const struct journal_owner *owner)
{
	char pid[16] = "";

	if (read(owner->pid_fd, pid, sizeof(pid) - 1) < 0)
		pid[0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	fprintf(stderr, "pvn-stored: already running for %s (pid %s)\n"
		"  hint: stop that one first, or use another --rundir\n", owner->dir, pid);
	return EXIT_REFUSED;
}

/* Is the locked file still the one that others would open? One that ended removed its own. */
static bool pid_file_is_current(const struct journal_owner *owner, const char *path)
{
	struct stat ours, current;

	return !fstat(owner->pid_fd, &ours) && !stat(path, &current) &&
	       ours.st_ino == current.st_ino;
}

/* The lock outlives a fork but not the last process that holds the descriptor. */
static int lock_pid_file(struct journal_owner *owner)
{
	char path[160];

	daemon_path(path, sizeof(path), owner, "pvn-stored.pid");
	for (;;) {
		owner->pid_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (owner->pid_fd < 0)
			return complain("open the pid file", path, NULL);
		if (flock(owner->pid_fd, LOCK_EX | LOCK_NB))
			return refuse_second(owner);
		if (pid_file_is_current(owner, path))
			return EXIT_OK;
		close(owner->pid_fd);
	}
}

int daemon_write_pid(const struct journal_owner *owner)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	/* In this order there is never a moment without a number in it. */
	if (pwrite(owner->pid_fd, text, len, 0) != len || ftruncate(owner->pid_fd, len))
		return complain("write the pid file in", owner->dir, NULL);
	return EXIT_OK;
}

/*
 * Nobody but the owner may connect: the mode is right from the moment the name exists. What
 * back-ends may do is decided when they connect (transport.c).
 */
static int socket_bind(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int error;

	if (fd < 0)
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (error) {
		close(fd);
		return -1;
	}
	return fd;
}

static int listen_on(const struct journal_owner *owner, const char *name, int type, int32_t *fd)
{
	char path[160];

	daemon_path(path, sizeof(path), owner, name);
	*fd = socket_bind(path, type);
	if (*fd < 0 || listen(*fd, SOMAXCONN))
		return complain("listen on", path, NULL);
	return EXIT_OK;
}

static int listen_on_all(struct journal_owner *owner)
{
	int code = listen_on(owner, "socket", SOCK_STREAM, &owner->socket_fd);

	return code ? code : listen_on(owner, "control", SOCK_SEQPACKET, &owner->control_fd);
}

/* From here on everything of the daemon is its user's. Back-ends are in the socket's group. */
static int give_up_rights(const struct journal_owner *owner, unsigned int uid)
{
	const struct pvn_sandbox sandbox = { .needs = PVN_SANDBOX_DAEMON, .uid = uid };
	static const char *const names[] = { "control", "pvn-stored.pid" };
	char path[160];

	if (!uid || geteuid() != 0)
		return EXIT_OK;
	daemon_path(path, sizeof(path), owner, "socket");
	if (lchown(path, uid, PVN_GID_STORE) || chmod(path, 0660))
		return complain("give away", path, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		daemon_path(path, sizeof(path), owner, names[i]);
		if (lchown(path, uid, uid))
			return complain("give away", path, NULL);
	}
	if (chown(owner->dir, uid, uid))
		return complain("give away", owner->dir, NULL);
	return pvn_sandbox_enter(&sandbox) ? complain("give up rights", "", "--uid 0 keeps them") :
					     EXIT_OK;
}

static void tell_ready(void)
{
	const char *text = getenv("PVN_READY_FD");
	int fd;

	if (!text)
		return;
	fd = atoi(text);
	if (fd > 2) {
		if (write(fd, "", 1) != 1)
			server_log("nobody reads the descriptor in PVN_READY_FD");
		close(fd);
	}
}

/*
 * Goes to the background: the parent waits until the child is ready (a byte
 * through the pipe) or has ended. Returns in the child only.
 */
static int detach(int *ready_fd)
{
	int pipe_fds[2], null_fd;
	char byte;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) || (pid = fork()) < 0)
		return complain("go to the background", "", "use --foreground");
	if (pid) {
		close(pipe_fds[1]);
		_exit(read(pipe_fds[0], &byte, 1) == 1 ? EXIT_OK : EXIT_FAILED);
	}
	close(pipe_fds[0]);
	setsid();
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd >= 0) {
		dup2(null_fd, 0);
		dup2(null_fd, 1);
		close(null_fd);
	}
	*ready_fd = pipe_fds[1];
	return EXIT_OK;
}

void daemon_tell_ready(struct daemon *daemon)
{
	if (!daemon->is_ready)
		tell_ready();
	if (!daemon->is_ready && daemon->ready_fd >= 0) {
		if (write(daemon->ready_fd, "", 1) != 1)
			server_log("the starting process is gone");
		close(daemon->ready_fd);
		dup2(1, 2);
	}
	if (!journal_owner(daemon->journal)->foreground)
		server_log_to_syslog();
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The file as it is now: what is put in its place later is what an upgrade starts. */
static void find_program(struct journal_owner *owner)
{
	ssize_t len = readlink("/proc/self/exe", owner->program, sizeof(owner->program) - 1);

	owner->program[len > 0 ? len : 0] = '\0';
}

static int open_journal(struct daemon *daemon, const struct journal_owner *owner,
			enum start *start)
{
	bool found;

	daemon->journal = journal_open(owner->dir, &found);
	if (!daemon->journal)
		return complain("open the state files in", owner->dir, NULL);
	*journal_owner(daemon->journal) = *owner;
	*start = found ? START_COLD : START_NEW;
	if (found)
		server_log("both processes of a daemon were killed here: its tree is taken over");
	return EXIT_OK;
}

static int run_new(const struct options *options)
{
	struct journal_owner owner = { .foreground = options->foreground,
				       .verbose = options->verbose };
	struct daemon daemon = { .ready_fd = -1 };
	enum start start = START_NEW;
	int code;

	find_program(&owner);
	code = set_dir(&owner, options->rundir);
	if (!code)
		code = make_directories(&owner, options->rundir);
	if (!code)
		code = lock_pid_file(&owner);
	if (!code && !options->foreground)
		code = detach(&daemon.ready_fd);
	if (!code)
		code = listen_on_all(&owner);
	if (!code)
		code = open_journal(&daemon, &owner, &start);
	if (!code)
		code = give_up_rights(&owner, options->uid);
	if (!code)
		code = daemon_write_pid(&owner);
	if (code)
		return code;
	code = keeper_run(&daemon, start);
	journal_close(daemon.journal);
	return code;
}

/* In place of another program of this daemon, with its descriptors. */
static int run_resumed(const struct options *options)
{
	struct daemon daemon = { .ready_fd = -1, .is_ready = true, .fds_are_valid = true };
	bool found = false;
	int code;

	/* As a server it had asked for this; nobody keeps the keeper. */
	prctl(PR_SET_PDEATHSIG, 0);
	fds_keep_over_exec(false);
	daemon.journal = journal_adopt(options->resume_fds[0], options->resume_fds[1], &found);
	if (!daemon.journal || !found) {
		errno = EBADF;
		return complain("take over", "", "--resume is for the daemon's own use");
	}
	if (!journal_owner(daemon.journal)->foreground)
		server_log_to_syslog();
	code = daemon_write_pid(journal_owner(daemon.journal));
	if (!code)
		code = keeper_run(&daemon, START_WARM);
	journal_close(daemon.journal);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { .rundir = default_or_env_rundir(), .resume_fds = { -1, -1 },
				   .uid = PVN_UID_STORED };

	if (parse_options(argc, argv, &options)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	return options.resume_fds[0] >= 0 ? run_resumed(&options) : run_new(&options);
}
