// SPDX-License-Identifier: GPL-2.0-or-later
/* What the CPU reports, as the guest gets to see it. */
#include "base/bits.h"
#include "cpu/engine.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/internal.h"

#include <string.h>

enum { TSC_PER_TICK = 250, CODE_MAX = 15 };

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

/* The instruction at rip without its prefixes; what is not mapped reads as zero. */
static void opcode_at(struct nt_kernel *k, const struct nt_thread *t, uint8_t *op)
{
    uint8_t code[CODE_MAX] = {0};
    size_t at = 0;
    struct mem_space *m = nt_process_get(k, t->process)->mem;
    for (size_t i = 0; i < sizeof code; i++)
        if (!mem_peek(m, t->cpu.rip + i, code + i, 1))
            break;
    while (at < 8 &&
           (code[at] == 0x66 || code[at] == 0x67 || code[at] == 0xf0 || code[at] == 0xf2 ||
            code[at] == 0xf3 || code[at] == 0x2e || code[at] == 0x36 || code[at] == 0x3e ||
            code[at] == 0x26 || code[at] == 0x64 || code[at] == 0x65 ||
            (t->cpu.cs == X86_SEL_CODE64 && (code[at] & 0xf0) == 0x40)))
        at++;
    memcpy(op, code + at, 3);
}

static bool privileged(const uint8_t *op)
{
    static const uint8_t one[] = {0x6c, 0x6d, 0x6e, 0x6f, 0xe4, 0xe5, 0xe6, 0xe7,
                                  0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb};
    static const uint8_t two[] = {0x00, 0x01, 0x06, 0x08, 0x09, 0x20, 0x21,
                                  0x22, 0x23, 0x30, 0x32, 0x33, 0x35};
    return op[0] == 0x0f ? memchr(two, op[1], sizeof two) != NULL
                         : memchr(one, op[0], sizeof one) != NULL;
}

/* ins and outs: the CPU checks the port before the memory, translators may do it the other way. */
static bool string_of_port(struct nt_kernel *k, const struct nt_thread *t)
{
    uint8_t op[3];
    opcode_at(k, t, op);
    return op[0] >= 0x6c && op[0] <= 0x6f;
}

static bool memory_fault(struct nt_kernel *k, struct nt_thread *t, const struct cpu_exit *x)
{
    uint64_t kind = access_kind(x->access), va = x->address;
    if (x->access != CPU_EXECUTE && string_of_port(k, t))
        return raise_simple(k, t, STATUS_PRIVILEGED_INSTRUCTION);
    if (x->status == STATUS_GUARD_PAGE_VIOLATION)
        win_stack_current(k, t);
    bool on_stack = va >= t->stack_region && va < t->stack_base;
    if (x->status == STATUS_GUARD_PAGE_VIOLATION && on_stack) {
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

static bool emulate_rdtsc(struct nt_kernel *k, struct nt_thread *t, const uint8_t *op)
{
    bool tscp = op[0] == 0x0f && op[1] == 0x01 && op[2] == 0xf9;
    if (!tscp && !(op[0] == 0x0f && op[1] == 0x31))
        return false;
    uint64_t tsc = read_tsc(k);
    t->cpu.gpr[X86_RAX] = (uint32_t)tsc;
    t->cpu.gpr[X86_RDX] = tsc >> 32;
    if (tscp)
        t->cpu.gpr[X86_RCX] = 0;
    t->cpu.rip += tscp ? 3 : 2;
    return true;
}

static bool general_protection(struct nt_kernel *k, struct nt_thread *t)
{
    uint8_t op[3];
    opcode_at(k, t, op);
    if (emulate_rdtsc(k, t, op))
        return true;
    if (privileged(op))
        return raise_simple(k, t, STATUS_PRIVILEGED_INSTRUCTION);
    return raise_access(k, t, STATUS_ACCESS_VIOLATION, 0, UINT64_MAX);
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
