/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_KE_SYNC_H
#define NT_KE_SYNC_H
/* Dispatcher objects, for other parts of the kernel. All take ids; a stale id is ignored. */
#include "nt/kernel.h"

/* A nameless event; one reference for the caller. */
nt_id nt_event_new(struct nt_kernel *k, bool manual, bool set);
ntstatus nt_event_set(struct nt_kernel *k, nt_id event);
void nt_event_reset(struct nt_kernel *k, nt_id event);
bool nt_event_is_set(struct nt_kernel *k, nt_id event);
ntstatus nt_mutant_release(struct nt_kernel *k, nt_id mutant, struct nt_thread *t,
                           int32_t *previous);
/* The thread ended: its mutants are abandoned. */
void nt_mutants_abandon(struct nt_kernel *k, struct nt_thread *t);
ntstatus nt_semaphore_release(struct nt_kernel *k, nt_id semaphore, uint32_t by,
                              uint32_t *previous);
#endif
