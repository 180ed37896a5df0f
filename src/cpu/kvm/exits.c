// SPDX-License-Identifier: GPL-2.0-or-later
/* Why the processor left the guest, turned into exits. */
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    PF_WRITE = 1 << 1,
    PF_RESERVED = 1 << 3,
    PF_FETCH = 1 << 4,
    LONGEST_INSTRUCTION = 15,
    SYSCALL_LENGTH = 2,
    BEHIND_TRAPS = 100 /* then it is a loop that just begins behind such a byte */
};

/* ---- Calling the handler --------------------------------------------------------------------- */

void kvm_fail(struct kvm_engine *k, const char *why)
{
    snprintf(k->message, sizeof k->message, "kvm: %s at %#llx", why,
             (unsigned long long)k->st->rip);
    kvm_get_rest(k);
    kvm_tell_records(k); /* what there is of them */
    *k->exit = (struct cpu_exit){.kind = CPU_EXIT_FAILURE, .message = k->message};
    k->done = true;
}

void kvm_leave(struct kvm_engine *k, const struct cpu_exit *exit)
{
    if (!kvm_get_rest(k)) {
        kvm_fail(k, "cannot read the vector registers");
        return;
    }
    *k->exit = *exit;
    k->done = true;
}

static void deliver(struct kvm_engine *k, const struct cpu_exit *from)
{
    struct cpu_exit exit = *from;
    k->synced = false;
    if (kvm_note_exit(k, &exit))
        return;
    k->in_handler = true;
    bool go_on = k->base.cfg.on_exit(k->base.cfg.ctx, k->st, &exit);
    k->in_handler = false;
    if (!go_on && !k->synced) {
        kvm_leave(k, &exit);
    } else if (!go_on) {
        *k->exit = exit;
        k->done = true;
    } else if (k->synced && !kvm_put_rest(k)) {
        kvm_fail(k, "cannot write the vector registers");
    }
}

/* ---- Services -------------------------------------------------------------------------------- */

static void on_syscall(struct kvm_engine *k, const struct trap_frame *f)
{
    const struct cpu_exit exit = {.kind = CPU_EXIT_SERVICE};
    kvm_get_gprs(k, f);
    k->st->rip = k->st->gpr[X86_RCX];
    k->st->rflags = k->st->gpr[X86_R11] = kvm_user_flags(k->st->gpr[X86_R11]);
    deliver(k, &exit);
}

/* 32-bit `syscall`, which only some processors have, and Windows not at all. */
static void on_syscall32(struct kvm_engine *k, const struct trap_frame *f)
{
    const struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = X86_VEC_UD};
    kvm_get_gprs(k, f);
    k->st->rip = k->st->gpr[X86_RCX] - SYSCALL_LENGTH;
    deliver(k, &exit);
}

/* `syscall` enters ring 0, where a HLT stops the processor: there is no frame. */
static void take_syscall_frame(struct kvm_engine *k, uint16_t cs, struct trap_frame *f)
{
    const struct kvm_regs *r = &k->shared->s.regs.regs;
    *f = (struct trap_frame){
        .rip = r->rip, .cs = cs, .rflags = r->rflags, .rsp = r->rsp, .ss = X86_SEL_DATA};
}

/*
 * Under kvm_pvm `syscall` goes to its handler without leaving ring 3, and faults there because the
 * page is not for users. So does a jump to the handler's address: it is told apart by what
 * `syscall` leaves in rcx.
 */
static bool is_syscall_in_ring3(struct kvm_engine *k, uint64_t rip, unsigned handler)
{
    uint64_t after = k->shared->s.regs.regs.rcx;
    uint8_t b[SYSCALL_LENGTH];
    return rip == SYSTEM_VA + handler && kvm_code_byte(k, after - 2, &b[0]) &&
           kvm_code_byte(k, after - 1, &b[1]) && b[0] == 0x0f && b[1] == 0x05;
}

static bool handle_syscall_in_ring3(struct kvm_engine *k, const struct trap_frame *f)
{
    if (is_syscall_in_ring3(k, f->rip, SYSTEM_SYSCALL))
        on_syscall(k, f);
    else if (is_syscall_in_ring3(k, f->rip, SYSTEM_SYSCALL32))
        on_syscall32(k, f);
    else
        return false;
    return true;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static bool in_gate_range(const struct kvm_engine *k, uint64_t va)
{
    return va - k->base.cfg.gate_base < k->base.cfg.gate_size;
}

static enum cpu_access fault_access(const struct trap_frame *f)
{
    if (f->error_code & PF_FETCH)
        return CPU_EXECUTE;
    return f->error_code & PF_WRITE ? CPU_WRITE : CPU_READ;
}

static void on_page_fault(struct kvm_engine *k, const struct trap_frame *f)
{
    struct cpu_exit exit = {.address = k->user.cr2, .access = fault_access(f)};

    if (handle_syscall_in_ring3(k, f))
        return;
    kvm_get_gprs(k, f);
    /* kvm_pvm says so, too, of addresses that are its own. */
    if (f->error_code & PF_RESERVED && exit.address <= mem_highest(k->base.cfg.mem)) {
        kvm_fail(k, "the processor does not take the page tables");
        return;
    }
    if (exit.access == CPU_EXECUTE && in_gate_range(k, exit.address) && f->rip == exit.address) {
        exit.kind = CPU_EXIT_GATE;
        deliver(k, &exit);
        return;
    }
    exit.status = kvm_page_in(k, exit.address, exit.access);
    if (exit.status == STATUS_SUCCESS)
        return;
    exit.kind = CPU_EXIT_FAULT;
    deliver(k, &exit);
}

static bool is_prefix(uint8_t b, bool wide)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3};
    return memchr(prefixes, b, sizeof prefixes) || (wide && (b & 0xf0) == 0x40);
}

/* The opcode at rip and the byte after it; the length up to there, 0: not present. */
static unsigned read_opcode(struct kvm_engine *k, const struct trap_frame *f, uint8_t op[2])
{
    unsigned n = 0;
    while (n < LONGEST_INSTRUCTION - 2 && kvm_code_byte(k, f->rip + n, &op[0]) &&
           is_prefix(op[0], f->cs != X86_SEL_CODE32))
        n++;
    if (!kvm_code_byte(k, f->rip + n, &op[0]) || !kvm_code_byte(k, f->rip + n + 1, &op[1]))
        return 0;
    return n + 2;
}

/*
 * `int n` is #GP, since ring 3 may not call the handler; kvm_pvm makes it #UD. sysenter is #GP on
 * processors of one maker and #UD on those of another.
 */
static void reinterpret(struct kvm_engine *k, const struct trap_frame *f, struct cpu_exit *exit)
{
    enum { INT = 0xcd, TWO_BYTES = 0x0f, SYSENTER = 0x34 };
    uint8_t op[2];
    unsigned length = read_opcode(k, f, op);

    if (length && op[0] == INT) {
        *exit = (struct cpu_exit){.kind = CPU_EXIT_INTERRUPT, .vector = op[1]};
        if (op[1] == X86_VEC_BP || op[1] == X86_VEC_OF)
            exit->kind = CPU_EXIT_EXCEPTION;
        k->st->rip += length;
    } else if (length && op[0] == TWO_BYTES && op[1] == SYSENTER) {
        exit->vector = X86_VEC_GP;
    }
}

/* icebp is a trap; kvm_pvm leaves rip at it. Single steps of the guest's own end there, too. */
static void correct_icebp(struct kvm_engine *k)
{
    enum { ICEBP = 0xf1 };
    uint8_t at, before;
    if (!(k->st->rflags & X86_FLAG_TF) && kvm_code_byte(k, k->st->rip, &at) && at == ICEBP &&
        !(kvm_code_byte(k, k->st->rip - 1, &before) && before == ICEBP))
        k->st->rip++;
}

static bool has_error_code(unsigned vector)
{
    return vector == X86_VEC_AC || (vector >= 10 && vector <= X86_VEC_PF);
}

static void on_exception(struct kvm_engine *k, unsigned vector, const struct trap_frame *f)
{
    struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = (uint8_t)vector};
    uint64_t gate;

    kvm_get_gprs(k, f);
    if (vector == X86_VEC_GP && kvm_noted_gate(k, f->rip, &gate)) {
        k->st->rip = gate;
        exit = (struct cpu_exit){.kind = CPU_EXIT_GATE, .address = gate};
        deliver(k, &exit);
        return;
    }
    if (has_error_code(vector))
        exit.error_code = (uint32_t)f->error_code;
    if (vector == X86_VEC_GP || vector == X86_VEC_UD)
        reinterpret(k, f, &exit);
    else if (vector == X86_VEC_DB)
        correct_icebp(k);
    deliver(k, &exit);
}

void kvm_raise(struct kvm_engine *k, uint8_t vector)
{
    const struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = vector};
    deliver(k, &exit);
}

/* ---- What KVM says --------------------------------------------------------------------------- */

static void take_frame(struct kvm_engine *k, struct trap_frame *f)
{
    memcpy(f, k->system + SYSTEM_STACK - sizeof *f, sizeof *f);
}

/* The thread's segments: a handler has other CS and SS. */
static void take_segments(struct kvm_engine *k, const struct trap_frame *f)
{
    struct kvm_segment cs = k->user.cs, ss = k->user.ss;
    cs.selector = (uint16_t)f->cs;
    cs.l = f->cs != X86_SEL_CODE32;
    cs.db = !cs.l;
    ss.selector = (uint16_t)f->ss;
    k->user = k->shared->s.regs.sregs;
    k->user.cs = cs;
    k->user.ss = ss;
}

static void in_handler(struct kvm_engine *k)
{
    uint64_t at = k->shared->s.regs.regs.rip - SYSTEM_VA;
    struct trap_frame f;

    if (at >= SYSTEM_STUBS && at < SYSTEM_STUBS + VECTORS * STUB_SIZE) {
        unsigned vector = (unsigned)(at - SYSTEM_STUBS) / STUB_SIZE;
        take_frame(k, &f);
        take_segments(k, &f);
        if (vector == X86_VEC_PF)
            on_page_fault(k, &f);
        else
            on_exception(k, vector, &f);
    } else if (at == SYSTEM_SYSCALL || at == SYSTEM_SYSCALL + 1) {
        take_syscall_frame(k, X86_SEL_CODE64, &f);
        take_segments(k, &f);
        on_syscall(k, &f);
    } else if (at == SYSTEM_SYSCALL32 || at == SYSTEM_SYSCALL32 + 1) {
        take_syscall_frame(k, X86_SEL_CODE32, &f);
        take_segments(k, &f);
        on_syscall32(k, &f);
    } else {
        kvm_fail(k, "ring 0 is somewhere else");
    }
}

void kvm_look_at_exit(struct kvm_engine *k)
{
    char why[64];
    if (k->shared->exit_reason == KVM_EXIT_HLT) {
        in_handler(k);
        return;
    }
    k->st->rip = k->shared->s.regs.regs.rip;
    snprintf(why, sizeof why, "unexpected exit %u (%u)", k->shared->exit_reason,
             k->shared->exit_reason == KVM_EXIT_INTERNAL_ERROR ? k->shared->internal.suberror : 0);
    kvm_fail(k, why);
}

/* ---- Interrupted ----------------------------------------------------------------------------- */

/* Whether an exception has been raised that is not in its handler yet. The registers must not be
 * written then: it would be lost. */
static bool in_flight(struct kvm_engine *k)
{
    struct kvm_vcpu_events ev;
    return ioctl(k->vcpu, KVM_GET_VCPU_EVENTS, &ev) == 0 &&
           (ev.exception.injected || ev.exception.pending);
}

/*
 * KVM_GET_VCPU_EVENTS does not tell of int3 and into, since processors raise them anew where they
 * are interrupted. kvm_pvm has moved rip behind them by then, and they are lost when registers are
 * written.
 */
static bool may_hide_trap(struct kvm_engine *k, const struct trap_frame *f)
{
    enum { INT3 = 0xcc, INTO = 0xce };
    uint8_t before;
    return kvm_code_byte(k, f->rip - 1, &before) && (before == INT3 || before == INTO);
}

enum interruption kvm_look_at_interruption(struct kvm_engine *k)
{
    const struct kvm_sync_regs *s = &k->shared->s.regs;
    struct trap_frame f = {.rip = s->regs.rip,
                           .cs = s->sregs.cs.selector,
                           .rflags = s->regs.rflags,
                           .rsp = s->regs.rsp,
                           .ss = s->sregs.ss.selector};

    if (s->sregs.cs.dpl == 0) { /* at the HLT, but not over it */
        in_handler(k);
        return INTERRUPTED_IN_HANDLER;
    }
    if (in_flight(k))
        return INTERRUPTED_IN_FLIGHT;
    if (may_hide_trap(k, &f) && k->behind_traps < BEHIND_TRAPS)
        return INTERRUPTED_BEHIND_TRAP;
    take_segments(k, &f);
    if (handle_syscall_in_ring3(k, &f))
        return INTERRUPTED_IN_HANDLER;
    kvm_get_gprs(k, &f);
    return INTERRUPTED;
}
