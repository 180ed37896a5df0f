// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/structs.h"

enum thread_info_class {
    ThreadBasicInformation = 0,
    ThreadTimes = 1,
    ThreadPriority = 2,
    ThreadBasePriority = 3,
    ThreadAffinityMask = 4,
    ThreadImpersonationToken = 5,
    ThreadDescriptorTableEntry = 6,
    ThreadQuerySetWin32StartAddress = 9,
    ThreadZeroTlsCell = 10,
    ThreadPerformanceCount = 11,
    ThreadAmILastThread = 12,
    ThreadIdealProcessor = 13,
    ThreadPriorityBoost = 14,
    ThreadIsIoPending = 16,
    ThreadHideFromDebugger = 17,
    ThreadIsTerminated = 20,
    ThreadIoPriority = 22,
    ThreadPagePriority = 24,
    ThreadGroupInformation = 30,
    ThreadIdealProcessorEx = 33,
    ThreadSuspendCount = 35,
    ThreadNameInformation = 38,
    ThreadPowerThrottlingState = 49,
    THREAD_DESCRIPTION_MAX = 0x7fff
};

enum {
    SET_INFORMATION = 0x20,
    QUERY_INFORMATION = 0x40,
    SET_LIMITED = 0x400,
    QUERY_LIMITED = 0x800
};
enum { PRIORITY_NORMAL = 8, PRIORITY_SPAN = 2, PRIORITY_SATURATED = 15, MAXIMUM_PROCESSORS = 64 };

#define FIELDS_THREAD_BASIC_INFORMATION(F, S)                                                      \
    F(S, U32, ExitStatus, 1)                                                                       \
    F(S, PTR, TebBaseAddress, 1)                                                                   \
    F(S, PTR, UniqueProcess, 1)                                                                    \
    F(S, PTR, UniqueThread, 1)                                                                     \
    F(S, PTR, AffinityMask, 1) F(S, U32, Priority, 1) F(S, U32, BasePriority, 1)
LAYOUT_STRUCT(THREAD_BASIC_INFORMATION);
LAYOUT_DEFINE(THREAD_BASIC_INFORMATION);

#define FIELDS_GROUP_AFFINITY(F, S) F(S, PTR, Mask, 1) F(S, U16, Group, 1) F(S, U16, Reserved, 3)
LAYOUT_STRUCT(GROUP_AFFINITY);
LAYOUT_DEFINE(GROUP_AFFINITY);

struct query {
    struct nt_call *c;
    const struct NtQueryInformationThread_args *a;
    struct nt_thread *t;
};

static ntstatus give(const struct query *q, const void *data, size_t size)
{
    return nt_return_info(q->c, q->a->ThreadInformation, (uint32_t)q->a->ThreadInformationLength,
                          q->a->ReturnLength, data, size);
}

static ntstatus give_u32(const struct query *q, uint32_t v)
{
    if (q->a->ThreadInformationLength != sizeof v)
        return STATUS_INFO_LENGTH_MISMATCH;
    return give(q, &v, sizeof v);
}

static ntstatus basic(const struct query *q)
{
    const struct nt_thread *t = q->t;
    int32_t relative = t->base_priority - PRIORITY_NORMAL;
    struct THREAD_BASIC_INFORMATION info = {
        .ExitStatus = t->exit_status,
        .TebBaseAddress = t->teb,
        .UniqueProcess = nt_process_get(q->c->k, t->process)->pid,
        .UniqueThread = t->tid,
        .AffinityMask = t->affinity,
        /* Wine's GetThreadPriority looks for the relative one here, Windows' below. */
        .Priority = (uint32_t)(q->c->k->wine_userland ? relative : t->priority),
        .BasePriority = (uint32_t)relative,
    };
    uint8_t out[sizeof info];
    unsigned size = nt_ptr_size(q->c);
    layout_put(&layout_THREAD_BASIC_INFORMATION, size, &info, out);
    return give(q, out, layout_size(&layout_THREAD_BASIC_INFORMATION, size));
}

/* CPU time is not kept per thread; the guest's own clock is the best that can be told. */
static ntstatus times(const struct query *q)
{
    uint64_t v[4] = {q->t->created, q->t->ended, 0, q->t->services * 10};
    return give(q, v, sizeof v);
}

static ntstatus name(const struct query *q)
{
    size_t header = layout_size(&layout_UNICODE_STRING, nt_ptr_size(q->c));
    size_t len = q->t->description_len * 2, need = header + len;
    struct UNICODE_STRING us = {(uint16_t)len, (uint16_t)len, q->a->ThreadInformation + header};
    ntstatus s = q->a->ReturnLength ? nt_put_u32(q->c, q->a->ReturnLength, (uint32_t)need) : 0;
    if (!s && q->a->ThreadInformationLength < need)
        return STATUS_BUFFER_TOO_SMALL;
    if (!s)
        s = nt_put(q->c, &layout_UNICODE_STRING, q->a->ThreadInformation, &us);
    return s ? s : nt_write(q->c, q->a->ThreadInformation + header, q->t->description, len);
}

/* LDT and GDT entries of 32-bit selectors: flat ones, and FS with the TEB as its base. */
static ntstatus descriptor(const struct query *q)
{
    struct {
        uint32_t selector, low, high;
    } e;
    ntstatus s;
    if (q->a->ThreadInformationLength != sizeof e)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((s = nt_read(q->c, q->a->ThreadInformation, &e, sizeof e)))
        return s;
    uint32_t base = 0;
    switch (e.selector & ~3u) {
    case X86_SEL_CODE32 & ~3:
        e.low = 0x0000ffff;
        e.high = 0x00cffb00;
        break;
    case X86_SEL_DATA & ~3:
        e.low = 0x0000ffff;
        e.high = 0x00cff300;
        break;
    case X86_SEL_TEB32 & ~3:
        base = (uint32_t)q->t->teb;
        e.low = 0x0fff | base << 16;
        e.high = (base & 0xff000000) | 0x0040f300 | (base >> 16 & 0xff);
        break;
    default:
        if (q->c->p->ptr_size == 8 || e.selector & ~3u)
            return STATUS_UNSUCCESSFUL;
        e.low = e.high = 0;
    }
    return nt_write(q->c, q->a->ThreadInformation, &e, sizeof e);
}

static ntstatus group(const struct query *q)
{
    struct GROUP_AFFINITY g = {.Mask = q->t->affinity};
    uint8_t out[sizeof g];
    layout_put(&layout_GROUP_AFFINITY, nt_ptr_size(q->c), &g, out);
    return give(q, out, layout_size(&layout_GROUP_AFFINITY, nt_ptr_size(q->c)));
}

static uint32_t query_access(uint32_t info_class)
{
    switch (info_class) {
    case ThreadAffinityMask:
    case ThreadQuerySetWin32StartAddress:
    case ThreadPerformanceCount:
    case ThreadHideFromDebugger:
        return QUERY_INFORMATION;
    default:
        return QUERY_LIMITED;
    }
}

ntstatus nt_query_information_thread(struct nt_call *c)
{
    const struct NtQueryInformationThread_args *a = nt_args(c);
    struct query q = {.c = c, .a = a};
    uint64_t wide = 0;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD,
                               query_access((uint32_t)a->ThreadInformationClass), &q.t);
    if (s)
        return s;
    switch (a->ThreadInformationClass) {
    case ThreadBasicInformation:
        return basic(&q);
    case ThreadTimes:
        return times(&q);
    case ThreadDescriptorTableEntry:
        return descriptor(&q);
    case ThreadAffinityMask:
        return give(&q, &q.t->affinity, nt_ptr_size(c));
    case ThreadQuerySetWin32StartAddress:
        return give(&q, &q.t->start_address, nt_ptr_size(c));
    case ThreadPerformanceCount:
        return give(&q, &wide, sizeof wide);
    case ThreadAmILastThread:
        return give_u32(&q, c->p->thread_count == 1);
    case ThreadPriorityBoost:
    case ThreadIsIoPending:
        return give_u32(&q, 0);
    case ThreadIoPriority:
        return give_u32(&q, 2);
    case ThreadPagePriority:
        return give_u32(&q, 5);
    case ThreadHideFromDebugger: {
        uint8_t hidden = q.t->hide_from_debugger;
        return a->ThreadInformationLength == 1 ? give(&q, &hidden, 1) : STATUS_INFO_LENGTH_MISMATCH;
    }
    case ThreadIsTerminated:
        return give_u32(&q, q.t->state == NT_THREAD_ENDED);
    case ThreadSuspendCount:
        return give_u32(&q, q.t->suspend_count);
    case ThreadGroupInformation:
        return group(&q);
    case ThreadIdealProcessorEx:
        return give_u32(&q, 0);
    case ThreadNameInformation:
        return name(&q);
    default:
        return nt_unknown_class(c, (uint32_t)a->ThreadInformationClass);
    }
}

static ntstatus set_name(struct nt_call *c, struct nt_thread *t, uint64_t va)
{
    uint16_t *text;
    size_t len;
    ntstatus s = nt_read_string(c, va, &text, &len);
    if (s)
        return s;
    free(t->description);
    t->description = text;
    t->description_len = len;
    return STATUS_SUCCESS;
}

static ntstatus set_token(struct nt_call *c, struct nt_thread *t, uint64_t va)
{
    uint64_t handle;
    struct nt_object *token = NULL;
    ntstatus s = nt_get_ptr(c, va, &handle);
    if (!s && handle)
        s = nt_handle_get(c, handle, NT_TYPE_TOKEN, 4, &token);
    if (s)
        return s;
    if (token)
        nt_object_ref(token);
    nt_id_unref(c->k, t->token);
    t->token = token ? token->id : 0;
    return STATUS_SUCCESS;
}

static ntstatus set_priority(struct nt_call *c, struct nt_thread *t, uint32_t class, uint64_t va)
{
    uint32_t v;
    ntstatus s = nt_get_u32(c, va, &v);
    if (s)
        return s;
    if (class == ThreadPriority) {
        if (v < 1 || v > 31)
            return STATUS_INVALID_PARAMETER;
        t->priority = (int32_t)v;
    } else {
        int32_t by = (int32_t)v;
        bool saturated = by == PRIORITY_SATURATED || by == -PRIORITY_SATURATED;
        if (!saturated && (by < -PRIORITY_SPAN || by > PRIORITY_SPAN))
            return STATUS_INVALID_PARAMETER;
        t->base_priority = PRIORITY_NORMAL + by;
        t->priority = MIN(MAX(t->base_priority, 1), PRIORITY_SATURATED);
    }
    return STATUS_SUCCESS;
}

static ntstatus set_affinity(struct nt_call *c, struct nt_thread *t, uint64_t va)
{
    uint64_t mask, all = nt_process_get(c->k, t->process)->affinity;
    ntstatus s = nt_get_ptr(c, va, &mask);
    if (s)
        return s;
    if ((uint32_t)mask == UINT32_MAX) /* every processor; only the low half is looked at */
        mask = all;
    if (!mask || mask & ~all)
        return STATUS_INVALID_PARAMETER;
    t->affinity = mask;
    return STATUS_SUCCESS;
}

/* Here "every processor" has no short form. */
static ntstatus set_group(struct nt_call *c, struct nt_thread *t, uint64_t va)
{
    struct GROUP_AFFINITY g;
    ntstatus s = nt_get(c, &layout_GROUP_AFFINITY, va, &g);
    if (s)
        return s;
    if (g.Group || !g.Mask || g.Mask & ~nt_process_get(c->k, t->process)->affinity)
        return STATUS_INVALID_PARAMETER;
    t->affinity = g.Mask;
    return STATUS_SUCCESS;
}

/* The status is the processor that was ideal before. */
static ntstatus set_ideal(struct nt_call *c, uint64_t va)
{
    uint32_t number;
    ntstatus s = nt_get_u32(c, va, &number);
    if (!s && number > (nt_ptr_size(c) == 4 ? MAXIMUM_PROCESSORS / 2u : MAXIMUM_PROCESSORS))
        s = STATUS_INVALID_PARAMETER;
    return s;
}

static uint32_t set_access(uint32_t info_class)
{
    switch (info_class) {
    case ThreadPriority:
    case ThreadBasePriority:
    case ThreadAffinityMask:
    case ThreadGroupInformation:
        return SET_INFORMATION;
    case ThreadNameInformation:
        return SET_LIMITED;
    default:
        return 0;
    }
}

static ntstatus zero_tls(struct nt_call *c, struct nt_thread *self, uint64_t va);

ntstatus nt_set_information_thread(struct nt_call *c)
{
    const struct NtSetInformationThread_args *a = nt_args(c);
    struct nt_thread *t;
    uint32_t len = (uint32_t)a->ThreadInformationLength;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD,
                               set_access((uint32_t)a->ThreadInformationClass), &t);
    if (s)
        return s;
    switch (a->ThreadInformationClass) {
    case ThreadPriority:
    case ThreadBasePriority:
        return len == 4
                   ? set_priority(c, t, (uint32_t)a->ThreadInformationClass, a->ThreadInformation)
                   : STATUS_INFO_LENGTH_MISMATCH;
    case ThreadAffinityMask:
        return len == nt_ptr_size(c) ? set_affinity(c, t, a->ThreadInformation)
                                     : STATUS_INFO_LENGTH_MISMATCH;
    case ThreadImpersonationToken:
        return len == nt_ptr_size(c) ? set_token(c, t, a->ThreadInformation)
                                     : STATUS_INVALID_PARAMETER;
    case ThreadQuerySetWin32StartAddress:
        return len == nt_ptr_size(c) ? nt_get_ptr(c, a->ThreadInformation, &t->start_address)
                                     : STATUS_INVALID_PARAMETER;
    case ThreadZeroTlsCell:
        return len == 4 ? zero_tls(c, t, a->ThreadInformation) : STATUS_INVALID_PARAMETER;
    case ThreadHideFromDebugger:
        if (len)
            return STATUS_INFO_LENGTH_MISMATCH;
        t->hide_from_debugger = true;
        return STATUS_SUCCESS;
    case ThreadNameInformation:
        return len == layout_size(&layout_UNICODE_STRING, nt_ptr_size(c))
                   ? set_name(c, t, a->ThreadInformation)
                   : STATUS_INFO_LENGTH_MISMATCH;
    case ThreadIdealProcessor:
        return len == 4 ? set_ideal(c, a->ThreadInformation) : STATUS_INVALID_PARAMETER;
    case ThreadGroupInformation:
        return len == layout_size(&layout_GROUP_AFFINITY, nt_ptr_size(c))
                   ? set_group(c, t, a->ThreadInformation)
                   : STATUS_INFO_LENGTH_MISMATCH;
    case ThreadPriorityBoost:
    case ThreadIoPriority:
    case ThreadPagePriority:
    case ThreadIdealProcessorEx:
    case ThreadPowerThrottlingState:
        return STATUS_SUCCESS;
    default:
        return nt_unknown_class(c, (uint32_t)a->ThreadInformationClass);
    }
}

/* Clears one TLS slot in every thread of the process: TEB.TlsSlots or the expansion array. */
enum {
    TEB64_TLS_SLOTS = 0x1480,
    TEB64_TLS_EXPANSION = 0x1780,
    TEB32_TLS_SLOTS = 0xe10,
    TEB32_TLS_EXPANSION = 0xf94,
    TLS_SLOTS = 64,
    TLS_EXPANSION_SLOTS = 1024
};

struct tls_cell {
    struct nt_call *c;
    uint32_t index;
};

static void clear_cell(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct tls_cell *cell = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    unsigned size = nt_ptr_size(cell->c);
    uint64_t zero = 0, slots, at;
    if (t->process != cell->c->p->o.id || t->state == NT_THREAD_ENDED)
        return;
    if (cell->index < TLS_SLOTS) {
        at = t->teb + (size == 4 ? TEB32_TLS_SLOTS : TEB64_TLS_SLOTS) + cell->index * size;
    } else {
        slots = 0;
        mem_peek(cell->c->mem, t->teb + (size == 4 ? TEB32_TLS_EXPANSION : TEB64_TLS_EXPANSION),
                 &slots, size);
        if (!slots)
            return;
        at = slots + (uint64_t)(cell->index - TLS_SLOTS) * size;
    }
    mem_write(cell->c->mem, at, &zero, size);
}

static ntstatus zero_tls(struct nt_call *c, struct nt_thread *self, uint64_t va)
{
    struct tls_cell cell = {.c = c};
    ntstatus s = nt_get_u32(c, va, &cell.index);
    if (s)
        return s;
    if (self != c->t || cell.index >= TLS_SLOTS + TLS_EXPANSION_SLOTS)
        return STATUS_INVALID_PARAMETER;
    nt_object_each(c->k, NT_TYPE_THREAD, clear_cell, &cell);
    return STATUS_SUCCESS;
}
