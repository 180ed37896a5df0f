/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_KE_COMPLETION_H
#define NT_KE_COMPLETION_H
#include "nt/kernel.h"

/* Queues a packet on an I/O completion port; a stale or zero id is ignored. */
void nt_completion_post(struct nt_kernel *k, nt_id port, uint64_t key, uint64_t value,
                        ntstatus status, uint64_t information);
ntstatus nt_completion_retry(struct nt_kernel *k, struct nt_thread *t);
#endif
