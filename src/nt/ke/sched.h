/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_KE_SCHED_H
#define NT_KE_SCHED_H
/* Private to ke/: the queues. All three are in order of time of entry, which makes runs repeat. */
#include "base/vec.h"
#include "nt/kernel.h"

struct nt_sched {
    VEC(nt_id) ready;   /* threads; the first runs next */
    VEC(nt_id) waiters; /* threads in NT_THREAD_WAITING */
    VEC(nt_id) timers;  /* timers that are running */
};

/* Tries to let t pass its wait. NT_BLOCKED when it cannot. */
ntstatus nt_wait_try(struct nt_kernel *k, struct nt_thread *t);

/* Timer objects that are due; ke/timer.c. */
void nt_timers_expire(struct nt_kernel *k);
bool nt_timers_deadline(struct nt_kernel *k, uint64_t *when);
#endif
