/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) The Paravane developers. Old name of xenstore.h. */
#include <xenstore.h>
