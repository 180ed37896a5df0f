// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"

enum { APCS_PER_THREAD = 1 << 16, QUEUE_USER_APC_FLAGS_SPECIAL_USER_APC = 1 };

static ntstatus queue(struct nt_call *c, uint64_t handle, const struct nt_apc *apc)
{
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_THREAD, 0x10, &t);
    if (s)
        return s;
    if (t->state == NT_THREAD_ENDED)
        return STATUS_UNSUCCESSFUL;
    if (!apc->routine) /* nothing to call: nobody is woken for it */
        return STATUS_SUCCESS;
    if (t->apc_len >= APCS_PER_THREAD)
        return STATUS_NO_MEMORY;
    nt_apc_queue(c->k, t, apc);
    return STATUS_SUCCESS;
}

ntstatus nt_queue_apc_thread(struct nt_call *c)
{
    const struct NtQueueApcThread_args *a = nt_args(c);
    struct nt_apc apc = {.routine = a->ApcRoutine,
                         .arg = {a->ApcArgument1, a->ApcArgument2, a->ApcArgument3}};
    return queue(c, a->ThreadHandle, &apc);
}

ntstatus nt_queue_apc_thread_ex(struct nt_call *c)
{
    const struct NtQueueApcThreadEx_args *a = nt_args(c);
    struct nt_apc apc = {.routine = a->ApcRoutine,
                         .arg = {a->ApcArgument1, a->ApcArgument2, a->ApcArgument3},
                         .kind = a->ReserveHandle == QUEUE_USER_APC_FLAGS_SPECIAL_USER_APC};
    return queue(c, a->ThreadHandle, &apc);
}
