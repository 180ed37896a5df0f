// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames for the guest's exception and APC dispatchers. */
#include "arch/context.h"
#include "arch/xstate.h"
#include "base/bits.h"
#include "mem/space.h"
#include "nt/structs.h"
#include "win/internal.h"

#include <string.h>

enum {
    /* x64: CONTEXT, CONTEXT_EX, EXCEPTION_RECORD, machine frame. */
    FRAME64_RECORD = 0x4f0,
    FRAME64_MACHINE = 0x590,
    FRAME64_SIZE = 0x5c0,
    /* Wine 8's dispatcher stores a frame of its own just below the interrupted stack pointer. */
    GAP64 = 0x80,
    /* i386: record pointer, context pointer, record, CONTEXT. */
    FRAME32_RECORD = 0x08,
    FRAME32_CONTEXT = 0x58,
    FRAME32_SIZE = 0x58 + X86_CTX_SIZE32 + X86_CTX_EX_SIZE32
};

static uint32_t all_parts(unsigned ptr_size)
{
    return ptr_size == 4 ? X86_CTX_ALL : X86_CTX_ALL & ~X86_CTX_EXTENDED;
}

/* Writes to t's stack, which may have to grow for it. */
static bool push(struct nt_kernel *k, struct nt_thread *t, uint64_t va, const void *data,
                 size_t len)
{
    struct mem_space *m = nt_process_get(k, t->process)->mem;
    for (int tries = 0; tries < 4; tries++) {
        ntstatus s = mem_write(m, va, data, len);
        if (!s)
            return true;
        if (s != STATUS_GUARD_PAGE_VIOLATION || !win_stack_touch(k, t, va, len))
            return false;
    }
    return false;
}

static void put_record(const struct nt_exception *e, unsigned ptr_size, uint8_t *out)
{
    struct EXCEPTION_RECORD rec = {.ExceptionCode = e->code,
                                   .ExceptionFlags = e->flags,
                                   .ExceptionRecord = e->record,
                                   .ExceptionAddress = e->address,
                                   .NumberParameters = e->count};
    memcpy(rec.ExceptionInformation, e->info, sizeof rec.ExceptionInformation);
    layout_put(&layout_EXCEPTION_RECORD, ptr_size, &rec, out);
}

static void put_machine_frame(const struct x86_state *st, uint8_t *out)
{
    uint64_t frame[5] = {st->rip, st->cs, st->rflags, st->gpr[X86_RSP], st->ss};
    memcpy(out, frame, sizeof frame);
}

/* The dispatcher starts with clean flags; single step and alignment checks belong to the context.
 */
static void enter_dispatcher(struct x86_state *st, uint64_t sp, uint64_t rip)
{
    st->gpr[X86_RSP] = sp;
    st->rip = rip;
    st->rflags &= ~(uint64_t)(X86_FLAG_TF | X86_FLAG_DF | X86_FLAG_AC);
}

/* What follows a frame: room so that the area begins at a multiple of 64. */
static size_t xstate_room(const struct nt_kernel *k)
{
    size_t size = x86_xstate_size(k->cfg.xfeatures);
    return size ? size + X86_XSTATE_HEADER : 0;
}

/* CONTEXT_EX for a CONTEXT of `size` bytes at `ctx_va`, and the area at or after `free_va`. False:
 * the stack has no room. */
static bool put_xstate(struct nt_kernel *k, struct nt_thread *t, uint8_t *ctx, uint64_t ctx_va,
                       size_t size, uint64_t free_va)
{
    uint8_t area[X86_XSTATE_MAX];
    uint64_t ex_va = ctx_va + size, at = align_up(free_va, 64);
    size_t len = x86_xstate_size(k->cfg.xfeatures);
    uint32_t flags;
    /* Offsets are relative to the structure itself. */
    bool is64 = size == X86_CTX_SIZE64;
    int32_t n = (int32_t)size, ex_size = is64 ? X86_CTX_EX_SIZE64 : X86_CTX_EX_SIZE32;
    int32_t ex[6] = {-n, n + ex_size, -n, n, X86_CTX_EX_SIZE32 + 1, 0};
    if (len) {
        ex[4] = (int32_t)(at - ex_va);
        ex[5] = (int32_t)len;
        ex[1] = n + ex[4] + ex[5];
        size_t flags_at = is64 ? 0x30 : 0;
        memcpy(&flags, ctx + flags_at, sizeof flags);
        flags |= X86_CTX_XSTATE;
        memcpy(ctx + flags_at, &flags, sizeof flags);
        x86_xstate_get(&t->cpu, k->cfg.xfeatures, area);
        if (!push(k, t, at, area, len))
            return false;
    }
    memcpy(ctx + size, ex, sizeof ex);
    return true;
}

static bool raise64(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                    const struct nt_exception *e)
{
    uint8_t frame[FRAME64_SIZE] = {0};
    uint64_t sp = align_down(t->cpu.gpr[X86_RSP] - GAP64 - xstate_room(k), 16) - sizeof frame;
    x86_context_get(&t->cpu, 8, all_parts(8), frame);
    if (!put_xstate(k, t, frame, sp, X86_CTX_SIZE64, sp + sizeof frame))
        return false;
    put_record(e, 8, frame + FRAME64_RECORD);
    put_machine_frame(&t->cpu, frame + FRAME64_MACHINE);
    if (!push(k, t, sp, frame, sizeof frame))
        return false;
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

static bool raise32(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                    const struct nt_exception *e)
{
    uint8_t frame[FRAME32_SIZE] = {0};
    uint32_t sp =
        (uint32_t)align_down((uint32_t)t->cpu.gpr[X86_RSP] - sizeof frame - xstate_room(k), 16);
    uint32_t pointers[2] = {sp + FRAME32_RECORD, sp + FRAME32_CONTEXT};
    memcpy(frame, pointers, sizeof pointers);
    put_record(e, 4, frame + FRAME32_RECORD);
    x86_context_get(&t->cpu, 4, all_parts(4), frame + FRAME32_CONTEXT);
    if (!put_xstate(k, t, frame + FRAME32_CONTEXT, sp + FRAME32_CONTEXT, X86_CTX_SIZE32,
                    sp + sizeof frame) ||
        !push(k, t, sp, frame, sizeof frame))
        return false;
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

bool win_raise(struct nt_kernel *k, struct nt_thread *t, const struct nt_exception *e)
{
    struct nt_process *p = nt_process_get(k, t->process);
    k->up.sync(k, t);
    NT_TELL(k, exception, t, e);
    if (k->on_exception && k->on_exception(k->on_exception_ctx, t, e))
        return true;
    if (!p->ki_exception)
        return false;
    if (k->on_dispatch)
        k->on_dispatch(k->on_dispatch_ctx, t);
    return p->ptr_size == 4 ? raise32(k, t, p->ki_exception, e) : raise64(k, t, p->ki_exception, e);
}

/* ---- APCs -------------------------------------------------------------------------------------
 * Three shapes of KiUserApcDispatcher are in use; its first bytes tell them apart. */

enum {
    APC64_MACHINE = 0x4d0,
    APC64_SIZE = 0x500,
    APC64_OLD_CONTEXT = 0x38,
    P1_HOME = 0,
    P4_HOME = 24,
    APC32_OLD_CONTEXT = 0x18,
    OLD_FUNC64 = 0x28
};

static bool starts_with(struct nt_process *p, uint64_t va, const void *bytes, size_t n)
{
    uint8_t have[16];
    return n <= sizeof have && mem_peek(p->mem, va, have, n) && !memcmp(have, bytes, n);
}

/* Wine up to 9: `add rsp, 8` first; arguments in registers, the routine on the stack. */
static bool apc64_old(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                      const struct nt_apc *a)
{
    uint8_t frame[APC64_OLD_CONTEXT + X86_CTX_SIZE64] = {0};
    uint64_t sp = align_down(t->cpu.gpr[X86_RSP] - GAP64 - sizeof frame, 16) - 8;
    memcpy(frame + OLD_FUNC64, &a->routine, 8);
    x86_context_get(&t->cpu, 8, all_parts(8), frame + APC64_OLD_CONTEXT);
    if (!push(k, t, sp, frame, sizeof frame))
        return false;
    t->cpu.gpr[X86_RCX] = sp + APC64_OLD_CONTEXT;
    t->cpu.gpr[X86_RDX] = a->arg[0];
    t->cpu.gpr[X86_R8] = a->arg[1];
    t->cpu.gpr[X86_R9] = a->arg[2];
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

/* Windows and Wine since 9: a CONTEXT whose home fields hold the arguments and the routine. */
static bool apc64(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                  const struct nt_apc *a)
{
    uint8_t frame[APC64_SIZE] = {0};
    uint64_t sp = align_down(t->cpu.gpr[X86_RSP] - GAP64, 16) - sizeof frame;
    x86_context_get(&t->cpu, 8, all_parts(8), frame);
    memcpy(frame + P1_HOME, a->arg, sizeof a->arg);
    memcpy(frame + P4_HOME, &a->routine, 8);
    put_machine_frame(&t->cpu, frame + APC64_MACHINE);
    if (!push(k, t, sp, frame, sizeof frame))
        return false;
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

/* `lea reg, [esp+N]` first: the routine, its arguments, and the CONTEXT at N. */
static bool apc32(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                  const struct nt_apc *a, uint8_t context_at)
{
    uint8_t frame[0x40 + X86_CTX_SIZE32] = {0};
    size_t size = context_at + (size_t)X86_CTX_SIZE32;
    uint32_t sp = (uint32_t)align_down((uint32_t)t->cpu.gpr[X86_RSP] - size, 4);
    uint32_t head[4] = {(uint32_t)a->routine, (uint32_t)a->arg[0], (uint32_t)a->arg[1],
                        (uint32_t)a->arg[2]};
    uint32_t alertable = 1;
    memcpy(frame, head, sizeof head);
    if (context_at > 0x10)
        memcpy(frame + 0x10, &alertable, 4);
    x86_context_get(&t->cpu, 4, all_parts(4), frame + context_at);
    if (!push(k, t, sp, frame, size))
        return false;
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

/* Wine up to 9: an ordinary stdcall with (context, arg1, arg2, arg3, routine). */
static bool apc32_old(struct nt_kernel *k, struct nt_thread *t, uint64_t dispatcher,
                      const struct nt_apc *a)
{
    uint8_t frame[APC32_OLD_CONTEXT + X86_CTX_SIZE32] = {0};
    uint32_t sp = (uint32_t)align_down((uint32_t)t->cpu.gpr[X86_RSP] - sizeof frame, 16);
    uint32_t head[6] = {0,
                        sp + APC32_OLD_CONTEXT,
                        (uint32_t)a->arg[0],
                        (uint32_t)a->arg[1],
                        (uint32_t)a->arg[2],
                        (uint32_t)a->routine};
    memcpy(frame, head, sizeof head);
    x86_context_get(&t->cpu, 4, all_parts(4), frame + APC32_OLD_CONTEXT);
    if (!push(k, t, sp, frame, sizeof frame))
        return false;
    enter_dispatcher(&t->cpu, sp, dispatcher);
    return true;
}

bool win_apc(struct nt_kernel *k, struct nt_thread *t, const struct nt_apc *apc)
{
    static const uint8_t add_rsp_8[] = {0x48, 0x83, 0xc4, 0x08}, old32[] = {0x8d, 0x4c, 0x24, 0x04};
    struct nt_process *p = nt_process_get(k, t->process);
    uint8_t code[4] = {0};
    uint64_t at = p->ki_apc;
    k->up.sync(k, t);
    if (!at || !mem_peek(p->mem, at, code, sizeof code))
        return false;
    if (p->ptr_size == 8)
        return starts_with(p, at, add_rsp_8, sizeof add_rsp_8) ? apc64_old(k, t, at, apc)
                                                               : apc64(k, t, at, apc);
    if (!memcmp(code, old32, sizeof old32))
        return apc32_old(k, t, at, apc);
    bool lea = code[0] == 0x8d && code[2] == 0x24 && code[3] >= 0x10 && code[3] <= 0x40;
    return apc32(k, t, at, apc, lea ? code[3] : 0x10);
}
