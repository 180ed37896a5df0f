// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/mm/mm.h"
#include "nt/structs.h"

enum { THREAD_CREATE_FLAGS_CREATE_SUSPENDED = 1, THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER = 4 };
enum { PS_ATTRIBUTE_CLIENT_ID = 0x10003, PS_ATTRIBUTE_TEB_ADDRESS = 0x10004 };
enum { ATTRIBUTES_MAX = 32 };

#define FIELDS_PS_ATTRIBUTE(F, S)                                                                  \
    F(S, PTR, Attribute, 1) F(S, PTR, Size, 1) F(S, PTR, Value, 1) F(S, PTR, ReturnLength, 1)
LAYOUT_STRUCT(PS_ATTRIBUTE);
LAYOUT_DEFINE(PS_ATTRIBUTE);

static ntstatus put_attribute(struct nt_call *c, const struct PS_ATTRIBUTE *at,
                              const struct nt_thread *t)
{
    struct CLIENT_ID id = {nt_process_get(c->k, t->process)->pid, t->tid};
    ntstatus s = STATUS_SUCCESS;
    size_t size = 0;
    if (at->Attribute == PS_ATTRIBUTE_CLIENT_ID) {
        size = layout_size(&layout_CLIENT_ID, nt_ptr_size(c));
        if (at->Size < size)
            return STATUS_INVALID_PARAMETER;
        s = nt_put(c, &layout_CLIENT_ID, at->Value, &id);
    } else if (at->Attribute == PS_ATTRIBUTE_TEB_ADDRESS) {
        size = nt_ptr_size(c);
        if (at->Size < size)
            return STATUS_INVALID_PARAMETER;
        s = nt_put_ptr(c, at->Value, t->teb);
    }
    if (!s && at->ReturnLength)
        s = nt_put_ptr(c, at->ReturnLength, size);
    return s;
}

static ntstatus put_attributes(struct nt_call *c, uint64_t list, const struct nt_thread *t)
{
    uint64_t total;
    size_t step = layout_size(&layout_PS_ATTRIBUTE, nt_ptr_size(c));
    ntstatus s = nt_get_ptr(c, list, &total);
    if (s)
        return s;
    if (total < nt_ptr_size(c) || (total - nt_ptr_size(c)) / step > ATTRIBUTES_MAX)
        return STATUS_INVALID_PARAMETER;
    for (uint64_t at = nt_ptr_size(c); at + step <= total && !s; at += step) {
        struct PS_ATTRIBUTE attribute;
        s = nt_get(c, &layout_PS_ATTRIBUTE, list + at, &attribute);
        if (!s)
            s = put_attribute(c, &attribute, t);
    }
    return s;
}

ntstatus nt_create_thread_ex(struct nt_call *c)
{
    const struct NtCreateThreadEx_args *a = nt_args(c);
    struct nt_process *p;
    struct nt_thread *t;
    struct nt_attrs at;
    uint64_t highest;
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 2, &p);
    if (!s && p->ending)
        s = STATUS_PROCESS_IS_TERMINATING;
    if (!s)
        s = mm_zero_bits(p, a->ZeroBits, STATUS_INVALID_PARAMETER_3, &highest);
    if (!s)
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    nt_attrs_free(&at);
    s = nt_thread_create(c->k, p, a->StartRoutine, a->Argument, a->MaximumStackSize, a->StackSize,
                         a->CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED, &t);
    if (s)
        return s;
    t->hide_from_debugger = a->CreateFlags & THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER;
    if (highest && t->stack_base > highest) /* stacks lie as low as there is room */
        s = STATUS_NO_MEMORY;
    if (!s && a->AttributeList)
        s = put_attributes(c, a->AttributeList, t);
    if (s) {
        nt_thread_end(c->k, t, s);
        nt_object_unref(c->k, &t->o);
        return s;
    }
    return nt_return_handle(c, &t->o, (uint32_t)a->DesiredAccess, &at, a->ThreadHandle);
}

ntstatus nt_terminate_thread(struct nt_call *c)
{
    const struct NtTerminateThread_args *a = nt_args(c);
    struct nt_thread *t = c->t;
    ntstatus s = STATUS_SUCCESS;
    if (a->ThreadHandle)
        s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 1, &t);
    if (s)
        return s;
    bool self = t == c->t;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    nt_thread_end(c->k, t, (ntstatus)a->ExitStatus);
    return self ? NT_BLOCKED : STATUS_SUCCESS;
}

ntstatus nt_suspend_thread(struct nt_call *c)
{
    const struct NtSuspendThread_args *a = nt_args(c);
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 2, &t);
    if (s)
        return s;
    if (t->state == NT_THREAD_ENDED)
        return STATUS_THREAD_IS_TERMINATING;
    if (t->suspend_count >= 127)
        return STATUS_SUSPEND_COUNT_EXCEEDED;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    if (a->PreviousSuspendCount)
        s = nt_put_u32(c, a->PreviousSuspendCount, t->suspend_count);
    if (!s)
        nt_thread_suspend(c->k, t);
    return s;
}

ntstatus nt_resume_thread(struct nt_call *c)
{
    const struct NtResumeThread_args *a = nt_args(c);
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 2, &t);
    if (!s && a->PreviousSuspendCount)
        s = nt_put_u32(c, a->PreviousSuspendCount, t->suspend_count);
    if (!s)
        nt_thread_resume(c->k, t);
    return s;
}

struct each_thread {
    struct nt_process *p;
    struct nt_thread *except;
    void (*fn)(struct nt_kernel *k, struct nt_thread *t);
};

static void of_process(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct each_thread *e = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->process == e->p->o.id && t->state != NT_THREAD_ENDED && t != e->except)
        e->fn(k, t);
}

ntstatus nt_suspend_process(struct nt_call *c)
{
    const struct NtSuspendProcess_args *a = nt_args(c);
    struct each_thread e = {.fn = nt_thread_suspend};
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0x800, &e.p);
    if (!s)
        nt_object_each(c->k, NT_TYPE_THREAD, of_process, &e);
    return s;
}

ntstatus nt_resume_process(struct nt_call *c)
{
    const struct NtResumeProcess_args *a = nt_args(c);
    struct each_thread e = {.fn = nt_thread_resume};
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0x800, &e.p);
    if (!s)
        nt_object_each(c->k, NT_TYPE_THREAD, of_process, &e);
    return s;
}
