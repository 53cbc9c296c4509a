// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The keeper: starts the server, waits, starts it again. It has nothing of
 * its own to lose and touches no data, so the only ways to end it are signals:
 * SIGTERM ends the daemon, SIGHUP replaces the program, SIGKILL makes the
 * server the keeper.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"

/* Crashes in a row, each soon after the one before, at which something is given up. */
enum { CRASHES_SUSPECT = 2, CRASHES_COLD = 4, CRASHES_NEW = 6, CRASHES_END = 8 };
enum { CRASH_SOON_SECONDS = 10 };

struct keeper {
	struct daemon *daemon;
	unsigned int crashes;
	time_t last_crash;
};

static void wait_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

/*
 * A child that shares the descriptor table but not the memory: what it opens
 * stays open when it dies. glibc has no function for this mixture.
 */
static pid_t fork_sharing_fds(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
}

static pid_t spawn_server(struct keeper *keeper, enum start start)
{
	pid_t own_pid = getpid(), pid;

	pid = fork_sharing_fds();
	if (pid)
		return pid;
	/*
	 * Between the keeper's death and this call nobody would tell. The signal
	 * is blocked, as in the keeper, until somebody listens to it.
	 */
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() != own_pid)
		kill(getpid(), SIGUSR1);	/* raise() knows a thread by glibc's fork() only */
	exit(server_main(keeper->daemon, start));
}

/* Passes signals on until the server has ended; returns its status. */
static int wait_for_server(pid_t pid)
{
	sigset_t set;
	int status;

	wait_set(&set);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		int signal = sigwaitinfo(&set, NULL);

		if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP)
			kill(pid, signal == SIGHUP ? SIGHUP : SIGTERM);
	}
	return status;
}

static void log_death(int status)
{
	char text[80];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "the server died from signal %d; starting it again",
			 WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "the server ended with status %d; starting it again",
			 WEXITSTATUS(status));
	server_log(text);
}

/* How to go on after a death that nobody wanted. */
static enum start after_crash(struct keeper *keeper, int status)
{
	struct timespec now;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return START_WARM;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNUSABLE)
		return START_NEW;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - keeper->last_crash > CRASH_SOON_SECONDS)
		keeper->crashes = 0;
	keeper->last_crash = now.tv_sec;
	keeper->crashes++;
	if (keeper->crashes >= CRASHES_NEW)
		return START_NEW;
	if (keeper->crashes >= CRASHES_COLD)
		return START_COLD;
	return keeper->crashes >= CRASHES_SUSPECT ? START_SUSPECT : START_WARM;
}

/* Does the program read this program's images? */
static bool program_fits(const char *program)
{
	char format[16];
	char *argv[] = { (char *)program, "--understands", format, NULL };
	extern char **environ;
	int status;
	pid_t pid;

	snprintf(format, sizeof(format), "%d", IMAGE_FORMAT);
	if (posix_spawn(&pid, program, NULL, NULL, argv, environ))
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Descriptors survive exec() only if they say so; the next program says no again. */
void fds_keep_over_exec(bool keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(dir))
			fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
	}
	if (dir)
		closedir(dir);
}

void keeper_exec(struct daemon *daemon, const char *program)
{
	char fds[32];

	snprintf(fds, sizeof(fds), "%d,%d", journal_fd(daemon->journal, 0),
		 journal_fd(daemon->journal, 1));
	fds_keep_over_exec(true);
	execl(program, "pvn-stored", "--resume", fds, (char *)NULL);
	fds_keep_over_exec(false);
	server_log("the program cannot be started; this one goes on");
}

static void upgrade(struct daemon *daemon)
{
	const struct journal_owner *owner = journal_owner(daemon->journal);

	if (program_fits(owner->program))
		keeper_exec(daemon, owner->program);
	else
		server_log("the program cannot take over from this one; this one goes on");
}

/* Did the server end because the daemon shall end? Its status is the daemon's then. */
static bool is_end(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_REFUSED;
}

int keeper_run(struct daemon *daemon, enum start start)
{
	struct keeper keeper = { .daemon = daemon };
	int status;
	sigset_t set;
	bool found;

	wait_set(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		pid_t pid = spawn_server(&keeper, start);

		if (pid < 0)
			return EXIT_FAILED;
		status = wait_for_server(pid);
		if (is_end(status))
			return WEXITSTATUS(status);
		daemon->is_ready = true;
		daemon->fds_are_valid = true;
		/* The server made images: which is the current one? */
		journal_reload(daemon->journal, &found);
		start = START_WARM;
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UPGRADE) {
			upgrade(daemon);
		} else {
			log_death(status);
			start = after_crash(&keeper, status);
		}
		if (keeper.crashes >= CRASHES_END) {
			server_log("the server crashes again and again, giving up");
			return EXIT_FAILED;
		}
		if (!found)
			start = START_NEW;
	}
}
