// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ProcessTlsInformation: the loader replaces a TLS index or the whole vector in every thread, for
 * DLLs with thread-local data that arrive after threads exist.
 */
#include "nt/call.h"

#define FIELDS_PROCESS_TLS_INFORMATION(F, S)                                                       \
    F(S, U32, Flags, 1)                                                                            \
    F(S, U32, OperationType, 1) F(S, U32, ThreadDataCount, 1) F(S, U32, Index, 1)
LAYOUT_STRUCT(PROCESS_TLS_INFORMATION);
LAYOUT_DEFINE(PROCESS_TLS_INFORMATION);

#define FIELDS_THREAD_TLS_INFORMATION(F, S)                                                        \
    F(S, U32, Flags, 1)                                                                            \
    F(S, PTR, NewTlsData, 1) F(S, PTR, OldTlsData, 1) F(S, PTR, ThreadId, 1)
LAYOUT_STRUCT(THREAD_TLS_INFORMATION);
LAYOUT_DEFINE(THREAD_TLS_INFORMATION);

enum { ProcessTlsReplaceIndex, ProcessTlsReplaceVector };
enum { THREAD_TLS_INFORMATION_ASSIGNED = 2, TLS_INDEX_MAX = 4096 };
enum { TEB64_TLS_POINTER = 0x58, TEB32_TLS_POINTER = 0x2c };

struct replacing {
    struct nt_call *c;
    struct PROCESS_TLS_INFORMATION info;
    uint64_t entries; /* guest address of the THREAD_TLS_INFORMATION array */
    uint32_t used;
    ntstatus status;
};

static ntstatus replace_vector(struct replacing *r, uint64_t teb_slot, uint64_t old, uint64_t fresh)
{
    unsigned ptr = nt_ptr_size(r->c);
    for (uint32_t i = 0; i < r->info.Index; i++) {
        uint64_t value;
        ntstatus s = nt_get_ptr(r->c, old + (uint64_t)i * ptr, &value);
        if (!s)
            s = nt_put_ptr(r->c, fresh + (uint64_t)i * ptr, value);
        if (s)
            return s;
    }
    return nt_put_ptr(r->c, teb_slot, fresh);
}

static ntstatus replace_in(struct replacing *r, const struct nt_thread *t)
{
    struct nt_call *c = r->c;
    unsigned ptr = nt_ptr_size(c);
    uint64_t slot = t->teb + (ptr == 4 ? TEB32_TLS_POINTER : TEB64_TLS_POINTER), vector;
    size_t step = layout_size(&layout_THREAD_TLS_INFORMATION, ptr);
    struct THREAD_TLS_INFORMATION e;
    uint64_t at = r->entries + r->used * step;
    ntstatus s = nt_get_ptr(c, slot, &vector);
    if (!s && !vector)
        return STATUS_SUCCESS; /* not initialised yet: it will take the new layout by itself */
    if (!s)
        s = nt_get(c, &layout_THREAD_TLS_INFORMATION, at, &e);
    if (s)
        return s;
    if (r->info.OperationType == ProcessTlsReplaceVector) {
        e.OldTlsData = vector;
        s = replace_vector(r, slot, vector, e.NewTlsData);
    } else {
        uint64_t cell = vector + (uint64_t)r->info.Index * ptr;
        s = nt_get_ptr(c, cell, &e.OldTlsData);
        if (!s)
            s = nt_put_ptr(c, cell, e.NewTlsData);
    }
    e.ThreadId = t->tid;
    e.Flags = THREAD_TLS_INFORMATION_ASSIGNED;
    r->used++;
    return s ? s : nt_put(c, &layout_THREAD_TLS_INFORMATION, at, &e);
}

static void visit(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct replacing *r = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->process != r->c->p->o.id || t->state == NT_THREAD_ENDED || r->status)
        return;
    if (r->used < r->info.ThreadDataCount)
        r->status = replace_in(r, t);
}

ntstatus nt_set_process_tls(struct nt_call *c, struct nt_process *p, uint64_t va, uint32_t len)
{
    struct replacing r = {.c = c};
    size_t header = layout_size(&layout_PROCESS_TLS_INFORMATION, nt_ptr_size(c));
    size_t step = layout_size(&layout_THREAD_TLS_INFORMATION, nt_ptr_size(c));
    if (p != c->p)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = len < header ? STATUS_INFO_LENGTH_MISMATCH
                              : nt_get(c, &layout_PROCESS_TLS_INFORMATION, va, &r.info);
    if (s)
        return s;
    if (r.info.OperationType > ProcessTlsReplaceVector || r.info.Index > TLS_INDEX_MAX)
        return STATUS_INVALID_PARAMETER;
    if ((len - header) / step < r.info.ThreadDataCount)
        return STATUS_INFO_LENGTH_MISMATCH;
    r.entries = va + header;
    nt_object_each(c->k, NT_TYPE_THREAD, visit, &r);
    return r.status;
}
