// SPDX-License-Identifier: GPL-2.0-or-later
/* What the CPU reports, as the guest gets to see it. */
#include "base/bits.h"
#include "cpu/engine.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/internal.h"

#include <string.h>

enum { TSC_PER_TICK = 250 };

/* Nobody handled it, or nobody could be told: the process ends with the exception's code. */
static bool deliver(struct nt_kernel *k, struct nt_thread *t, struct nt_exception *e)
{
    if (!win_raise(k, t, e)) {
        nt_process_end(k, nt_process_get(k, t->process), e->code);
        return false;
    }
    return !k->need_resched;
}

static bool raise_simple(struct nt_kernel *k, struct nt_thread *t, ntstatus code)
{
    struct nt_exception e = {.code = code, .address = t->cpu.rip, .first_chance = true};
    return deliver(k, t, &e);
}

static bool raise_access(struct nt_kernel *k, struct nt_thread *t, ntstatus code, uint64_t kind,
                         uint64_t address)
{
    struct nt_exception e = {.code = code,
                             .address = t->cpu.rip,
                             .count = 2,
                             .info = {kind, address},
                             .first_chance = true};
    return deliver(k, t, &e);
}

static uint64_t access_kind(enum cpu_access access)
{
    return access == CPU_EXECUTE ? 8 : access == CPU_WRITE ? 1 : 0;
}

struct x86_opcode win_opcode_at(struct nt_kernel *k, const struct nt_thread *t, uint64_t rip)
{
    uint8_t code[X86_INSN_MAX] = {0};
    struct mem_space *m = nt_process_get(k, t->process)->mem;
    for (size_t i = 0; i < sizeof code; i++)
        if (!mem_peek(m, rip + i, code + i, 1))
            break;
    return x86_opcode_read(code, t->cpu.cs == X86_SEL_CODE64);
}

/* ins and outs: the CPU checks the port before the memory, translators may do it the other way. */
static bool string_of_port(struct nt_kernel *k, const struct nt_thread *t)
{
    struct x86_opcode op = win_opcode_at(k, t, t->cpu.rip);
    return op.kind == X86_OP_INS || op.kind == X86_OP_OUTS;
}

bool win_is_stack(struct nt_kernel *k, struct nt_thread *t, uint64_t va)
{
    win_stack_current(k, t);
    return va >= t->stack_region && va < t->stack_base;
}

static bool memory_fault(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x)
{
    uint64_t kind = access_kind(x->access), va = x->address;
    if (x->access != CPU_EXECUTE && string_of_port(k, t))
        return raise_simple(k, t, STATUS_PRIVILEGED_INSTRUCTION);
    if (x->status == STATUS_GUARD_PAGE_VIOLATION && win_is_stack(k, t, va)) {
        if (win_stack_grow(k, t, va))
            return true;
        return raise_access(k, t, STATUS_STACK_OVERFLOW, kind, va);
    }
    if (x->status == STATUS_IN_PAGE_ERROR) {
        struct nt_exception e = {.code = x->status,
                                 .address = t->cpu.rip,
                                 .count = 3,
                                 .info = {kind, va, STATUS_END_OF_FILE},
                                 .first_chance = true};
        return deliver(k, t, &e);
    }
    return raise_access(k, t, x->status, kind, va);
}

/* The time stamp counter follows the machine's clock and never stands still, so that loops which
 * wait for it end. */
static uint64_t read_tsc(struct nt_kernel *k)
{
    nt_clock_advance(k, 1);
    uint64_t v = nt_uptime(k) * TSC_PER_TICK;
    k->clock.tsc = MAX(v, k->clock.tsc + 1);
    return k->clock.tsc;
}

static bool emulate_rdtsc(struct nt_kernel *k, struct nt_thread *t, const struct x86_opcode *op)
{
    uint64_t tsc = read_tsc(k);
    t->cpu.gpr[X86_RAX] = (uint32_t)tsc;
    t->cpu.gpr[X86_RDX] = tsc >> 32;
    if (op->kind == X86_OP_RDTSCP)
        t->cpu.gpr[X86_RCX] = 0;
    t->cpu.rip += op->length;
    return true;
}

static bool general_protection(struct nt_kernel *k, struct nt_thread *t)
{
    struct x86_opcode op = win_opcode_at(k, t, t->cpu.rip);
    switch (op.kind) {
    case X86_OP_RDTSC:
    case X86_OP_RDTSCP:
        return emulate_rdtsc(k, t, &op);
    case X86_OP_OTHER:
        return raise_access(k, t, STATUS_ACCESS_VIOLATION, 0, UINT64_MAX);
    default:
        return raise_simple(k, t, STATUS_PRIVILEGED_INSTRUCTION);
    }
}

enum { FLOAT_INVALID = 1, FLOAT_DENORMAL = 2, FLOAT_ZERO = 4, FLOAT_OVER = 8, FLOAT_UNDER = 16 };

/* raised: flags of the exceptions that are not masked, in x87's order, which is that of SSE. */
static ntstatus float_status(unsigned raised, bool stack_check)
{
    if (raised & FLOAT_INVALID)
        return stack_check ? STATUS_FLOAT_STACK_CHECK : STATUS_FLOAT_INVALID_OPERATION;
    if (raised & FLOAT_ZERO)
        return STATUS_FLOAT_DIVIDE_BY_ZERO;
    if (raised & FLOAT_DENORMAL)
        return STATUS_FLOAT_DENORMAL_OPERAND;
    if (raised & FLOAT_OVER)
        return STATUS_FLOAT_OVERFLOW;
    if (raised & FLOAT_UNDER)
        return STATUS_FLOAT_UNDERFLOW;
    return STATUS_FLOAT_INEXACT_RESULT;
}

static bool x87_fault(struct nt_kernel *k, struct nt_thread *t)
{
    const unsigned flags = 0x3f, stack_fault = 0x40;
    uint16_t fsw, fcw;
    k->up.sync(k, t);
    memcpy(&fsw, t->cpu.fx + X86_FX_FSW, sizeof fsw);
    memcpy(&fcw, t->cpu.fx + X86_FX_FCW, sizeof fcw);
    struct nt_exception e = {.code = float_status(fsw & ~fcw & flags, fsw & stack_fault),
                             .address = t->cpu.rip,
                             .count = 1,
                             .first_chance = true};
    return deliver(k, t, &e);
}

/* 32-bit Windows does not say which it was. */
static bool sse_fault(struct nt_kernel *k, struct nt_thread *t)
{
    const unsigned flags = 0x3f, mask_shift = 7;
    uint32_t mxcsr;
    k->up.sync(k, t);
    memcpy(&mxcsr, t->cpu.fx + X86_FX_MXCSR, sizeof mxcsr);
    struct nt_exception e = {.code =
                                 t->cpu.cs == X86_SEL_CODE64
                                     ? float_status(mxcsr & ~(mxcsr >> mask_shift) & flags, false)
                                     : STATUS_FLOAT_MULTIPLE_TRAPS,
                             .address = t->cpu.rip,
                             .count = 2,
                             .info = {0, mxcsr},
                             .first_chance = true};
    return deliver(k, t, &e);
}

/* int3 is reported at the instruction, though the CPU has passed it. */
static bool breakpoint(struct nt_kernel *k, struct nt_thread *t)
{
    t->cpu.rip--;
    uint64_t *r = t->cpu.gpr;
    bool wide = t->cpu.cs == X86_SEL_CODE64;
    struct nt_exception e = {.code = STATUS_BREAKPOINT,
                             .address = t->cpu.rip,
                             .count = wide ? 1 : 3,
                             .info = {0, wide ? 0 : r[X86_RCX], wide ? 0 : r[X86_RDX]},
                             .first_chance = true};
    return deliver(k, t, &e);
}

static bool cpu_exception(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x)
{
    switch (x->vector) {
    case X86_VEC_DE:
        return raise_simple(k, t, STATUS_INTEGER_DIVIDE_BY_ZERO);
    case X86_VEC_DB: /* the next step has to be asked for again */
        t->cpu.rflags &= ~(uint64_t)X86_FLAG_TF;
        return raise_simple(k, t, STATUS_SINGLE_STEP);
    case X86_VEC_BP:
        return breakpoint(k, t);
    case X86_VEC_OF:
        return raise_simple(k, t, STATUS_INTEGER_OVERFLOW);
    case X86_VEC_BR:
        return raise_simple(k, t, STATUS_ARRAY_BOUNDS_EXCEEDED);
    case X86_VEC_UD:
        return raise_simple(k, t, STATUS_ILLEGAL_INSTRUCTION);
    case X86_VEC_MF:
        return x87_fault(k, t);
    case X86_VEC_XM:
        return sse_fault(k, t);
    case X86_VEC_AC:
        return raise_simple(k, t, STATUS_DATATYPE_MISALIGNMENT);
    default:
        return general_protection(k, t);
    }
}

enum {
    INT_FAST_FAIL = 0x29,
    INT_ASSERT = 0x2c,
    INT_DEBUG_SERVICE = 0x2d,
    INT_SYSTEM_SERVICE = 0x2e
};

enum { BREAKPOINT_PRINT = 1, BREAKPOINT_PROMPT = 2, BREAKPOINT_COMMAND_STRING = 5 };

/* What DbgPrint shows: the text and its length are the next two arguments. */
static void debug_print(struct nt_kernel *k, const struct nt_thread *t)
{
    char text[512];
    struct nt_process *p = nt_process_get(k, t->process);
    size_t len = MIN((size_t)(uint16_t)t->cpu.gpr[X86_RDX], sizeof text);
    uint64_t at = t->cpu.gpr[X86_RCX];
    if (k->on_debug_text && !mem_read(p->mem, p->ptr_size == 4 ? (uint32_t)at : at, text, len))
        k->on_debug_text(k->on_debug_text_ctx, text, len);
}

/* int 2dh. The byte behind it is skipped when the kernel answers itself; a breakpoint is reported
 * in front of that byte. */
static bool debug_service(struct nt_kernel *k, struct nt_thread *t)
{
    uint64_t *r = t->cpu.gpr;
    uint32_t service = (uint32_t)r[X86_RAX];
    bool wide = t->cpu.cs == X86_SEL_CODE64;
    if (service == BREAKPOINT_PRINT)
        debug_print(k, t);
    if (service >= BREAKPOINT_PRINT && service <= BREAKPOINT_COMMAND_STRING &&
        service != BREAKPOINT_PROMPT) {
        r[X86_RAX] = STATUS_SUCCESS;
        t->cpu.rip++;
        return true;
    }
    struct nt_exception e = {.code = STATUS_BREAKPOINT,
                             .address = t->cpu.rip,
                             .count = wide ? 1 : 3,
                             .info = {r[X86_RAX], wide ? 0 : r[X86_RCX], wide ? 0 : r[X86_RDX]},
                             .first_chance = true};
    return deliver(k, t, &e);
}

static bool software_interrupt(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x)
{
    switch (x->vector) {
    case INT_FAST_FAIL: /* no handler is asked */
        nt_process_end(k, nt_process_get(k, t->process), STATUS_STACK_BUFFER_OVERRUN);
        return false;
    case INT_ASSERT:
        t->cpu.rip -= 2;
        return raise_simple(k, t, STATUS_ASSERTION_FAILURE);
    case INT_DEBUG_SERVICE:
        return debug_service(k, t);
    case INT_SYSTEM_SERVICE:
        return nt_dispatch(k, t, (uint32_t)t->cpu.gpr[X86_RAX]);
    default: /* the gate is not user mode's: a general protection fault at the instruction */
        t->cpu.rip -= 2;
        return raise_access(k, t, STATUS_ACCESS_VIOLATION, 0, UINT64_MAX);
    }
}

bool win_fault(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x)
{
    switch (x->kind) {
    case CPU_EXIT_FAULT:
        return memory_fault(k, t, x);
    case CPU_EXIT_INTERRUPT:
        return software_interrupt(k, t, x);
    default:
        return cpu_exception(k, t, x);
    }
}
