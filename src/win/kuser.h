/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_KUSER_H
#define WIN_KUSER_H
#include "nt/kernel.h"

/* KUSER_SHARED_DATA: one page that every process sees read-only at this address. */
#define WIN_KUSER_BASE 0x7ffe0000u

ntstatus win_kuser_map(struct nt_kernel *k, struct nt_process *p, unsigned processors);
#endif
