/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The life of a guest across its runs: keeps its name, number and images locked,
 * starts a runner for each run, tells its state, obeys pvn, and cleans up behind a
 * runner however that ended.
 */
#ifndef WORKER_MONITOR_H
#define WORKER_MONITOR_H

#include "worker/admission.h"
#include "worker/config.h"

/*
 * Runs the guest to its end. Once, as soon as it is known, {"started": STATE} or
 * {"problem": ...} is written to ready_fd. Returns an exit code.
 */
int monitor_main(struct config *config, struct admission *admission, int ready_fd);

#endif
