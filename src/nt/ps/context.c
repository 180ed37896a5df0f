// SPDX-License-Identifier: GPL-2.0-or-later
/* Services that read or replace a thread's registers. */
#include "arch/context.h"
#include "arch/xstate.h"
#include "base/bits.h"
#include "nt/call.h"
#include "nt/structs.h"

#include <string.h>

static ntstatus read_context(struct nt_call *c, uint64_t va, uint8_t *ctx)
{
    return nt_read(c, va, ctx, x86_context_size(nt_ptr_size(c)));
}

/* Where the XSTATE area of a CONTEXT lies, as CONTEXT_EX says; len 0: it has none. */
struct xstate_at {
    uint64_t va;
    size_t len;
};

static ntstatus find_xstate(struct nt_call *c, uint64_t va, const uint8_t *ctx,
                            struct xstate_at *out)
{
    size_t size = x86_context_size(nt_ptr_size(c));
    int32_t where[2];
    *out = (struct xstate_at){0};
    if (!(x86_context_flags(ctx, nt_ptr_size(c)) & X86_CTX_XSTATE) || !c->k->cfg.xfeatures)
        return STATUS_SUCCESS;
    ntstatus s = nt_read(c, va + size + X86_CTX_EX_XSTATE, where, sizeof where);
    if (s)
        return s;
    if (where[1] < X86_XSTATE_HEADER)
        return STATUS_INVALID_PARAMETER;
    out->va = va + size + (uint64_t)(int64_t)where[0];
    out->len = MIN((size_t)where[1], x86_xstate_size(c->k->cfg.xfeatures));
    return STATUS_SUCCESS;
}

struct xstate {
    size_t len;
    uint8_t area[X86_XSTATE_MAX];
};

static ntstatus read_xstate(struct nt_call *c, uint64_t va, const uint8_t *ctx, struct xstate *x)
{
    struct xstate_at at;
    ntstatus s = find_xstate(c, va, ctx, &at);
    x->len = at.len;
    return s || !at.len ? s : nt_read(c, at.va, x->area, at.len);
}

static void set_context(struct nt_call *c, struct x86_state *st, unsigned size, const uint8_t *ctx,
                        const struct xstate *x)
{
    x86_context_set(st, size, ctx);
    if (x->len)
        x86_xstate_set(st, c->k->cfg.xfeatures, x->area, x->len);
}

/* The components that the area's header asks for, as far as the thread uses them. */
static ntstatus write_xstate(struct nt_call *c, const struct x86_state *st,
                             const struct xstate_at *at)
{
    uint8_t area[X86_XSTATE_MAX];
    uint64_t wanted[2]; /* mask; compaction mask, whose top bit says that it counts */
    if (!at->len)
        return STATUS_SUCCESS;
    ntstatus s = nt_read(c, at->va, wanted, sizeof wanted);
    if (s)
        return s;
    uint64_t mask = wanted[1] >> 63 ? wanted[1] : wanted[0];
    x86_xstate_get(st, c->k->cfg.xfeatures & mask, area);
    memcpy(area + 8, &wanted[1], 8);
    return nt_write(c, at->va, area,
                    MAX(MIN(at->len, x86_xstate_size(c->k->cfg.xfeatures & mask)), sizeof wanted));
}

ntstatus nt_continue(struct nt_call *c)
{
    const struct NtContinue_args *a = nt_args(c);
    uint8_t ctx[X86_CTX_SIZE64];
    struct xstate x;
    ntstatus s = read_context(c, a->ContextRecord, ctx);
    if (!s)
        s = read_xstate(c, a->ContextRecord, ctx, &x);
    if (s)
        return s;
    c->k->up.sync(c->k, c->t);
    set_context(c, &c->t->cpu, nt_ptr_size(c), ctx, &x);
    c->keep_registers = true;
    if (c->k->on_continue)
        c->k->on_continue(c->k->on_dispatch_ctx, c->t);
    if (a->TestAlert && c->t->apc_len)
        nt_apc_deliver(c->k, c->t, (ntstatus)c->t->cpu.gpr[X86_RAX]);
    return STATUS_SUCCESS;
}

/* The second argument is KCONTINUE_ARGUMENT or, in the low values, a boolean. */
ntstatus nt_continue_ex(struct nt_call *c)
{
    const struct NtContinueEx_args *a = nt_args(c);
    uint32_t kind_and_flags[2] = {0, 0};
    if (a->ContinueArgument > 0xff) {
        ntstatus s = nt_read(c, a->ContinueArgument, kind_and_flags, sizeof kind_and_flags);
        if (s)
            return s;
    } else {
        kind_and_flags[1] = (uint32_t)a->ContinueArgument;
    }
    c->arg[1] = kind_and_flags[1] & 1;
    return nt_continue(c);
}

ntstatus nt_raise_exception(struct nt_call *c)
{
    const struct NtRaiseException_args *a = nt_args(c);
    struct EXCEPTION_RECORD rec;
    uint8_t ctx[X86_CTX_SIZE64];
    struct xstate x;
    ntstatus s = nt_get(c, &layout_EXCEPTION_RECORD, a->ExceptionRecord, &rec);
    if (!s)
        s = read_context(c, a->ContextRecord, ctx);
    if (!s)
        s = read_xstate(c, a->ContextRecord, ctx, &x);
    if (s)
        return s;
    struct nt_exception e = {.code = rec.ExceptionCode,
                             .flags = rec.ExceptionFlags,
                             .record = rec.ExceptionRecord,
                             .address = rec.ExceptionAddress,
                             .count = rec.NumberParameters,
                             .first_chance = a->FirstChance};
    if (e.count > 15)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < e.count; i++)
        e.info[i] = rec.ExceptionInformation[i];
    c->k->up.sync(c->k, c->t);
    set_context(c, &c->t->cpu, nt_ptr_size(c), ctx, &x);
    if (e.code == STATUS_BREAKPOINT) /* shown at the int3, and not behind it */
        c->t->cpu.rip--;
    c->keep_registers = true;
    if (!e.first_chance)
        NT_TELL(c->k, exception, c->t, &e);
    if (!e.first_chance && c->k->on_exception &&
        c->k->on_exception(c->k->on_exception_ctx, c->t, &e))
        return STATUS_SUCCESS;
    if (!e.first_chance || !c->k->up.raise(c->k, c->t, &e))
        nt_process_end(c->k, c->p, e.code);
    return STATUS_SUCCESS;
}

ntstatus nt_get_context_thread(struct nt_call *c)
{
    const struct NtGetContextThread_args *a = nt_args(c);
    struct nt_thread *t;
    uint8_t ctx[X86_CTX_SIZE64];
    struct xstate_at at;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 8, &t);
    if (!s && t->state == NT_THREAD_ENDED)
        s = STATUS_UNSUCCESSFUL;
    if (!s)
        s = read_context(c, a->ThreadContext, ctx);
    if (!s)
        s = find_xstate(c, a->ThreadContext, ctx, &at);
    if (s)
        return s;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    unsigned size = nt_process_get(c->k, t->process)->ptr_size;
    c->k->up.sync(c->k, t);
    x86_context_get(&t->cpu, size, x86_context_flags(ctx, size), ctx);
    s = nt_write(c, a->ThreadContext, ctx, x86_context_size(size));
    return s ? s : write_xstate(c, &t->cpu, &at);
}

ntstatus nt_set_context_thread(struct nt_call *c)
{
    const struct NtSetContextThread_args *a = nt_args(c);
    struct nt_thread *t;
    uint8_t ctx[X86_CTX_SIZE64];
    struct xstate x;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 0x10, &t);
    if (!s)
        s = read_context(c, a->ThreadContext, ctx);
    if (!s)
        s = read_xstate(c, a->ThreadContext, ctx, &x);
    if (s)
        return s;
    if (t->state == NT_THREAD_ENDED)
        return STATUS_THREAD_IS_TERMINATING;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    c->k->up.sync(c->k, t);
    unsigned size = nt_process_get(c->k, t->process)->ptr_size;
    set_context(c, &t->cpu, size, ctx, &x);
    /* Setting one's own control registers takes effect at once; the result is only lost to an
     * accumulator that was set as well. */
    c->keep_registers = t == c->t;
    if (c->keep_registers && !(x86_context_flags(ctx, size) & X86_CTX_INTEGER))
        t->cpu.gpr[X86_RAX] = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}
