// SPDX-License-Identifier: GPL-2.0-or-later
/* Services that read or replace a thread's registers. */
#include "arch/context.h"
#include "nt/call.h"
#include "nt/structs.h"

static ntstatus read_context(struct nt_call *c, uint64_t va, uint8_t *ctx)
{
    return nt_read(c, va, ctx, x86_context_size(nt_ptr_size(c)));
}

ntstatus nt_continue(struct nt_call *c)
{
    const struct NtContinue_args *a = nt_args(c);
    uint8_t ctx[X86_CTX_SIZE64];
    ntstatus s = read_context(c, a->ContextRecord, ctx);
    if (s)
        return s;
    c->k->up.sync(c->k, c->t);
    x86_context_set(&c->t->cpu, nt_ptr_size(c), ctx);
    c->keep_registers = true;
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
    ntstatus s = nt_get(c, &layout_EXCEPTION_RECORD, a->ExceptionRecord, &rec);
    if (!s)
        s = read_context(c, a->ContextRecord, ctx);
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
    x86_context_set(&c->t->cpu, nt_ptr_size(c), ctx);
    c->keep_registers = true;
    if (!e.first_chance || !c->k->up.raise(c->k, c->t, &e))
        nt_process_end(c->k, c->p, e.code);
    return STATUS_SUCCESS;
}

ntstatus nt_get_context_thread(struct nt_call *c)
{
    const struct NtGetContextThread_args *a = nt_args(c);
    struct nt_thread *t;
    uint8_t ctx[X86_CTX_SIZE64];
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 8, &t);
    if (!s && t->state == NT_THREAD_ENDED)
        s = STATUS_UNSUCCESSFUL;
    if (!s)
        s = read_context(c, a->ThreadContext, ctx);
    if (s)
        return s;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    unsigned size = nt_process_get(c->k, t->process)->ptr_size;
    c->k->up.sync(c->k, t);
    x86_context_get(&t->cpu, size, x86_context_flags(ctx, size), ctx);
    return nt_write(c, a->ThreadContext, ctx, x86_context_size(size));
}

ntstatus nt_set_context_thread(struct nt_call *c)
{
    const struct NtSetContextThread_args *a = nt_args(c);
    struct nt_thread *t;
    uint8_t ctx[X86_CTX_SIZE64];
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 0x10, &t);
    if (!s)
        s = read_context(c, a->ThreadContext, ctx);
    if (s)
        return s;
    if (t->state == NT_THREAD_ENDED)
        return STATUS_THREAD_IS_TERMINATING;
    if (!nt_stands_still(c, t))
        return NT_AWAIT;
    c->k->up.sync(c->k, t);
    x86_context_set(&t->cpu, nt_process_get(c->k, t->process)->ptr_size, ctx);
    /* Setting one's own control registers takes effect at once. */
    c->keep_registers = t == c->t;
    return STATUS_SUCCESS;
}
