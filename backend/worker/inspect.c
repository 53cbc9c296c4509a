// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Parsing at arm's length; see inspect.h. A file that shrinks meanwhile, or a parser
 * that a file leads astray, ends that process and nothing else.
 */
#include "worker/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/initrd.h"

struct finding {
	int32_t is_one, error;
	struct pvn_problem problem;
	struct multiboot image;
};

typedef void look(struct finding *finding, const uint8_t *file, size_t bytes, const char *path);

static void look_for_multiboot(struct finding *finding, const uint8_t *file, size_t bytes,
			       const char *path)
{
	finding->is_one = multiboot_is_one(file, bytes);
	if (finding->is_one)
		finding->error = multiboot_parse(&finding->image, file, bytes, path,
						 &finding->problem);
}

static void look_at_initrd(struct finding *finding, const uint8_t *file, size_t bytes,
			   const char *path)
{
	finding->error = initrd_check(file, bytes, path, &finding->problem);
}

/* Of strict mode's calls exit() is one, exit_group() is none. */
static void __attribute__((noreturn)) look_and_tell(look *at, const uint8_t *file, size_t bytes,
						    const char *path, int line)
{
	struct finding finding = { 0 };

	if (line)
		close_range(0, (unsigned int)line - 1, 0);
	close_range((unsigned int)line + 1, ~0u, 0);
	if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) {
		at(&finding, file, bytes, path);
		if (write(line, &finding, sizeof(finding)) < 0)
			syscall(SYS_exit, 1);
	}
	for (;;)
		syscall(SYS_exit, 0);
}

static bool take(struct finding *finding, int line)
{
	size_t have = 0;

	while (have < sizeof(*finding)) {
		ssize_t got = read(line, (uint8_t *)finding + have, sizeof(*finding) - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	finding->problem.text[sizeof(finding->problem.text) - 1] = 0;
	finding->problem.where[sizeof(finding->problem.where) - 1] = 0;
	finding->problem.hint[sizeof(finding->problem.hint) - 1] = 0;
	return true;
}

static int unreadable(struct pvn_problem *problem, const char *path, const char *why)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the file cannot be read: %s", why);
}

static int inspect(struct finding *finding, look *at, int fd, uint64_t bytes, const char *path,
		   struct pvn_problem *problem)
{
	uint8_t *file = bytes ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	int line[2], status = 0;
	bool told = false;
	pid_t child;

	if (file == MAP_FAILED)
		return unreadable(problem, path, strerror(errno));
	if (pipe2(line, O_CLOEXEC)) {
		unreadable(problem, path, strerror(errno));
		if (file)
			munmap(file, bytes);
		return -1;
	}
	child = fork();
	if (!child)
		look_and_tell(at, file, bytes, path, line[1]);
	close(line[1]);
	if (child > 0) {
		told = take(finding, line[0]);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(line[0]);
	if (file)
		munmap(file, bytes);
	if (!told)
		return unreadable(problem, path, WIFSIGNALED(status) ?
				  "the process that looked at it was killed; did it change meanwhile?" :
				  "no process can be made that looks at it");
	if (!finding->error)
		return 0;
	*problem = finding->problem;
	if (!problem->code)
		problem->code = PVN_EXIT_FAILED;
	return -1;
}

int inspect_multiboot(struct multiboot *image, bool *is_one, int fd, uint64_t bytes,
		      const char *path, struct pvn_problem *problem)
{
	struct finding finding;
	const char *why;

	if (inspect(&finding, look_for_multiboot, fd, bytes, path, problem))
		return -1;
	*is_one = finding.is_one;
	if (!*is_one)
		return 0;
	why = multiboot_check(&finding.image, bytes);
	if (why)
		return unreadable(problem, path, why);
	*image = finding.image;
	return 0;
}

int inspect_initrd(int fd, uint64_t bytes, const char *path, struct pvn_problem *problem)
{
	struct finding finding;

	return inspect(&finding, look_at_initrd, fd, bytes, path, problem);
}
