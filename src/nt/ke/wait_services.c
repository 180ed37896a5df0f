// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sched.h"
#include "nt/ke/sync.h"

#define SYNCHRONIZE 0x100000u

static ntstatus add_object(struct nt_call *c, struct nt_wait *w, uint64_t handle)
{
    struct nt_object *o;
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_NONE, SYNCHRONIZE, &o);
    if (s)
        return s;
    if (!nt_types[o->type]->signaled)
        return STATUS_OBJECT_TYPE_MISMATCH;
    w->objects[w->count++] = o->id;
    return STATUS_SUCCESS;
}

ntstatus nt_wait_for_single_object(struct nt_call *c)
{
    const struct NtWaitForSingleObject_args *a = nt_args(c);
    struct nt_wait w = {.kind = NT_WAIT_OBJECTS, .alertable = a->Alertable};
    ntstatus s = add_object(c, &w, a->Handle);
    if (!s)
        s = nt_wait_timeout(c, a->Timeout, &w);
    return s ? s : nt_wait_begin(c, &w);
}

ntstatus nt_wait_for_multiple_objects(struct nt_call *c)
{
    const struct NtWaitForMultipleObjects_args *a = nt_args(c);
    struct nt_wait w = {.kind = NT_WAIT_OBJECTS, .alertable = a->Alertable};
    if (!a->Count || a->Count > NT_WAIT_MAX)
        return STATUS_INVALID_PARAMETER_1;
    if (a->WaitType > 1)
        return STATUS_INVALID_PARAMETER_3;
    w.all = a->WaitType == 0;
    for (uint32_t i = 0; i < a->Count; i++) {
        uint64_t h;
        ntstatus s = nt_get_ptr(c, a->Handles + (uint64_t)i * nt_ptr_size(c), &h);
        if (!s)
            s = add_object(c, &w, h);
        if (s)
            return s;
        for (uint32_t j = 0; w.all && j < i; j++)
            if (w.objects[j] == w.objects[i])
                return STATUS_INVALID_PARAMETER_MIX;
    }
    ntstatus s = nt_wait_timeout(c, a->Timeout, &w);
    return s ? s : nt_wait_begin(c, &w);
}

static ntstatus signal_object(struct nt_call *c, uint64_t handle)
{
    struct nt_object *o;
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_NONE, 0, &o);
    if (s)
        return s;
    switch (o->type) {
    case NT_TYPE_EVENT:
        return nt_event_set(c->k, o->id);
    case NT_TYPE_MUTANT:
        return nt_mutant_release(c->k, o->id, c->t, NULL);
    case NT_TYPE_SEMAPHORE:
        return nt_semaphore_release(c->k, o->id, 1, NULL);
    default:
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
}

ntstatus nt_signal_and_wait_for_single_object(struct nt_call *c)
{
    const struct NtSignalAndWaitForSingleObject_args *a = nt_args(c);
    struct nt_wait w = {.kind = NT_WAIT_OBJECTS, .alertable = a->Alertable};
    ntstatus s = add_object(c, &w, a->WaitHandle);
    if (!s)
        s = nt_wait_timeout(c, a->Timeout, &w);
    if (!s)
        s = signal_object(c, a->SignalHandle);
    return s ? s : nt_wait_begin(c, &w);
}

ntstatus nt_delay_execution(struct nt_call *c)
{
    const struct NtDelayExecution_args *a = nt_args(c);
    struct nt_wait w = {.kind = NT_WAIT_DELAY, .alertable = a->Alertable};
    ntstatus s = nt_wait_timeout(c, a->DelayInterval, &w);
    if (s)
        return s;
    s = nt_wait_begin(c, &w);
    if (s == STATUS_SUCCESS) /* Sleep(0): others first */
        c->k->need_resched = nt_sched_others_ready(c->k, c->t);
    return s;
}

ntstatus nt_yield_execution(struct nt_call *c)
{
    c->k->need_resched = nt_sched_others_ready(c->k, c->t);
    return c->k->need_resched ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED;
}
