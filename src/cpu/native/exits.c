// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a guest thread came out. The kernel's signal frames tell what the processor said; all of it
 * is copied before it is looked at, since the guest can write there.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum {
    PF_WRITE = 1 << 1,
    PF_FETCH = 1 << 4,
    GP_IDT = 1 << 1,        /* error code of #GP: it is about a gate of the IDT, `int n` */
    SERVICE_AFTER_CALL = 5, /* from the end of the patched call to behind the `syscall` */
    SYSCALL_SIZE = 2,
    INT80 = 0x80
};

struct frame { /* what is used of the kernel's struct ucontext and siginfo */
    uint64_t gpr[X86_GPR_COUNT];
    uint64_t rip, rflags, error, trap, cr2;
    uint16_t cs;
    int signal, si_code;
    uint32_t arch; /* SIGSYS */
};

static bool broken(struct native_exec *x, struct cpu_exit *exit, const char *how)
{
    struct native_engine *n = x->n;
    snprintf(n->message, sizeof n->message, "native: the guest has spoilt its executor (%s)", how);
    *exit = (struct cpu_exit){.kind = CPU_EXIT_FAILURE, .message = n->message};
    return false;
}

/* Parent's address of something in the block; NULL when it is not all there. */
static const uint8_t *in_block(const struct native_exec *x, uint64_t at, size_t size, size_t align)
{
    uint64_t offset = at - native_block(x);
    if (!range_inside(offset, size, NATIVE_EXEC_SIZE) || offset % align)
        return NULL;
    return native_block_bytes(x) + offset;
}

static void get_gprs(const greg_t *g, uint64_t gpr[X86_GPR_COUNT])
{
    static const uint8_t regs[X86_GPR_COUNT] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (int i = 0; i < X86_GPR_COUNT; i++)
        gpr[i] = (uint64_t)g[regs[i]];
}

static bool read_frame(struct native_exec *x, struct frame *f)
{
    struct native_ctl *c = x->ctl;
    const uint8_t *uc_at = in_block(x, c->ucontext, sizeof(ucontext_t), 8);
    const uint8_t *info_at = in_block(x, c->siginfo, sizeof(siginfo_t), 8);
    if (!uc_at || !info_at)
        return false;
    ucontext_t uc;
    siginfo_t info;
    memcpy(&uc, uc_at, sizeof uc);
    memcpy(&info, info_at, sizeof info);
    const greg_t *g = uc.uc_mcontext.gregs;
    *f = (struct frame){.rip = (uint64_t)g[REG_RIP],
                        .rflags = (uint64_t)g[REG_EFL],
                        .error = (uint64_t)g[REG_ERR],
                        .trap = (uint64_t)g[REG_TRAPNO],
                        .cr2 = (uint64_t)g[REG_CR2],
                        .cs = (uint16_t)g[REG_CSGSFS],
                        .signal = (int)c->signal,
                        .si_code = info.si_code,
                        .arch = info.si_arch};
    get_gprs(g, f->gpr);
    x->frame_fx = in_block(x, (uint64_t)(uintptr_t)uc.uc_mcontext.fpregs, x->n->xs.size, 64);
    return x->frame_fx != NULL;
}

static uint64_t user_flags(uint64_t flags)
{
    const uint64_t id = 0x200000;
    return (flags & (X86_FLAGS_USER | id)) | X86_FLAG_IF | 2;
}

/* 32-bit code has no other registers, and no high halves. */
static void narrow(struct x86_state *st)
{
    for (int i = 0; i < X86_GPR_COUNT; i++)
        st->gpr[i] = i < X86_R8 ? (uint32_t)st->gpr[i] : 0;
    st->rip = (uint32_t)st->rip;
}

static void put_frame(struct x86_state *st, const struct frame *f)
{
    memcpy(st->gpr, f->gpr, sizeof st->gpr);
    st->rip = f->rip;
    st->rflags = user_flags(f->rflags);
    st->cs = f->cs == X86_SEL_CODE32 ? X86_SEL_CODE32 : X86_SEL_CODE64;
    if (x86_is_32bit(st))
        narrow(st);
}

/* Bytes of code, as far as the guest could read them. */
static size_t code_at(const struct native_exec *x, uint64_t va, uint8_t *out, size_t len)
{
    size_t n = 0;
    while (n < len && mem_peek(x->n->base.cfg.mem, va + n, out + n, 1))
        n++;
    return n;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static bool in_gate_range(const struct native_engine *n, uint64_t va)
{
    return va - n->base.cfg.gate_base < n->base.cfg.gate_size;
}

static bool page_fault(struct native_exec *x, const struct frame *f, struct cpu_exit *exit)
{
    uint64_t va = x86_is_32bit(x->st) ? (uint32_t)f->cr2 : f->cr2;
    enum cpu_access access = f->error & PF_FETCH   ? CPU_EXECUTE
                             : f->error & PF_WRITE ? CPU_WRITE
                                                   : CPU_READ;
    if (access == CPU_EXECUTE && in_gate_range(x->n, va) && x->st->rip == va) {
        *exit = (struct cpu_exit){.kind = CPU_EXIT_GATE, .address = va};
        return true;
    }
    /* A file that was cut short under its view. */
    bool cut = f->signal == SIGBUS;
    uint32_t status = cut ? STATUS_IN_PAGE_ERROR : native_page_in(x, va, access);
    if (status == STATUS_SUCCESS)
        return false;
    *exit = (struct cpu_exit){
        .kind = CPU_EXIT_FAULT, .address = va, .access = access, .status = status};
    return true;
}

/* `mov fs, r/m16` of 32-bit code with the selector that Windows has there: the host's descriptor of
 * the same meaning has another number. */
static bool load_teb_selector(struct native_exec *x)
{
    uint8_t op[3];
    struct x86_state *st = x->st;
    size_t len = code_at(x, st->rip, op, sizeof op), at = op[0] == 0x66;
    if (!x86_is_32bit(st) || len < at + 2 || op[at] != 0x8e || (op[at + 1] & 0xf8) != 0xe0)
        return false;
    if ((uint16_t)st->gpr[op[at + 1] & 7] != X86_SEL_TEB32)
        return false;
    st->rip += at + 2;
    return native_save(x); /* selectors are loaded with the state */
}

/* `int n`, which the processor refuses by naming the gate. */
static bool software_interrupt(struct native_exec *x, const struct frame *f, struct cpu_exit *exit)
{
    enum { PREFIXES = 13 };
    uint8_t code[PREFIXES + 2];
    size_t len = code_at(x, x->st->rip, code, sizeof code), i = 0;
    while (i + 1 < len && code[i] != 0xcd)
        i++;
    if (i + 1 >= len)
        return false;
    x->st->rip += i + 2;
    *exit = (struct cpu_exit){.kind = CPU_EXIT_INTERRUPT, .vector = (uint8_t)(f->error >> 3)};
    return true;
}

/* What the guest's processor would refuse as privileged, some makers' do not know in long mode. */
static unsigned refused_as(struct native_exec *x, unsigned vector)
{
    uint8_t op[2];
    if (vector == X86_VEC_UD && code_at(x, x->st->rip, op, 2) == 2 && op[0] == 0x0f &&
        (op[1] == 0x34 || op[1] == 0x35)) /* sysenter, sysexit */
        return X86_VEC_GP;
    return vector;
}

/* icebp is a trap; some hypervisors' kernels report it as a fault. A single step has another code.
 */
static void pass_icebp(struct native_exec *x, const struct frame *f)
{
    enum { ICEBP = 0xf1 };
    uint8_t at, before;
    uint64_t rip = x->st->rip;
    if (f->trap != X86_VEC_DB || f->si_code != TRAP_BRKPT || code_at(x, rip, &at, 1) != 1 ||
        at != ICEBP)
        return;
    if (code_at(x, rip - 1, &before, 1) != 1 || before != ICEBP)
        x->st->rip++;
}

static bool exception(struct native_exec *x, const struct frame *f, struct cpu_exit *exit)
{
    if (f->trap == X86_VEC_PF && f->signal != SIGILL)
        return page_fault(x, f, exit);
    if (f->trap == X86_VEC_GP && f->error & GP_IDT && software_interrupt(x, f, exit))
        return true;
    if (f->trap == X86_VEC_GP && load_teb_selector(x))
        return false;
    pass_icebp(x, f);
    unsigned trap = f->signal == SIGILL ? X86_VEC_UD : (unsigned)f->trap & 0x1f;
    unsigned vector = refused_as(x, trap);
    *exit = (struct cpu_exit){.kind = CPU_EXIT_EXCEPTION,
                              .vector = (uint8_t)vector,
                              .error_code = vector == f->trap ? (uint32_t)f->error : 0};
    return true;
}

/* A system call that the filter refused: rip is behind it, registers are as before. */
static bool system_call(struct native_exec *x, const struct frame *f, struct cpu_exit *exit)
{
    uint8_t op[2];
    if (f->arch == AUDIT_ARCH_X86_64) {
        *exit = (struct cpu_exit){.kind = CPU_EXIT_SERVICE};
        x->st->gpr[X86_RCX] = x->st->rip;
        x->st->gpr[X86_R11] = x->st->rflags;
        native_learn_service(x, x->st->rip - SYSCALL_SIZE);
        return true;
    }
    if (code_at(x, x->st->rip - 2, op, 2) == 2 && op[0] == 0xcd && op[1] == INT80) {
        *exit = (struct cpu_exit){.kind = CPU_EXIT_INTERRUPT, .vector = INT80};
        return true;
    }
    /* sysenter, and `syscall` in 32-bit code: the processor does not say where that was. */
    *exit = (struct cpu_exit){.kind = CPU_EXIT_EXCEPTION, .vector = X86_VEC_GP};
    return true;
}

/* Noting a call looks at the thread's TEB: so that it can the next time. */
static void show_teb(struct native_exec *x, const struct frame *f)
{
    enum { LOOKED_AT = 0x80 };
    const bool wide = mem_ptr_size(x->n->base.cfg.mem) == 8;
    uint64_t teb = wide ? x->ctl->gs_base : x->ctl->fs_base;
    if (f->signal == SIGSEGV && f->trap == X86_VEC_PF && f->cr2 - teb < LOOKED_AT)
        native_page_in(x, f->cr2, CPU_READ);
}

/* A signal on the way from a gate into the stub, or where calls are noted: the guest has reached
 * the gate, and no state of it lies in between. */
static bool between(struct native_exec *x, const struct frame *f, struct cpu_exit *exit)
{
    struct x86_state *st = x->st;
    uint64_t gate = native_gate_of(x->n, st->rip);
    bool noting = !gate && x->n->noting &&
                  cpu_notes_interrupted(&x->n->notes, &x->n->notes.thread[x->index], st, &gate);
    if (!gate && !noting)
        return false;
    if (noting)
        show_teb(x, f);
    if (gate)
        st->rip = gate;
    st->gpr[X86_R11] = st->rflags;
    if (mem_ptr_size(x->n->base.cfg.mem) == 4) {
        st->cs = X86_SEL_CODE32;
        narrow(st);
    }
    if (gate)
        *exit = (struct cpu_exit){.kind = CPU_EXIT_GATE, .address = gate};
    return true;
}

static bool signalled(struct native_exec *x, struct cpu_exit *exit)
{
    struct frame f;
    if (!read_frame(x, &f))
        return broken(x, exit, "no signal frame");
    x->where = IN_FRAME;
    put_frame(x->st, &f);
    if (between(x, &f, exit))
        return exit->kind == CPU_EXIT_GATE;
    switch (f.signal) {
    case NATIVE_KICK:
        return false;
    case SIGSYS:
        return system_call(x, &f, exit);
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
        if (f.si_code <= 0)
            return false; /* sent by somebody: nothing of the guest's */
        return exception(x, &f, exit);
    default:
        return broken(x, exit, "an unknown signal");
    }
}

/* ---- Without a signal ------------------------------------------------------------------------ */

static void get_general(struct native_exec *x)
{
    const struct native_ctl *c = x->ctl;
    struct x86_state *st = x->st;
    uint64_t flags = user_flags(c->frame.rflags);
    memcpy(st->gpr, c->gpr, sizeof st->gpr);
    st->gpr[X86_RSP] = c->frame.rsp;
    st->rflags = c->stepped ? flags | X86_FLAG_TF : flags;
    x->where = IN_CPU;
}

/* As if its own instructions had run: `test` gave 0. Who hooks services may have moved the call to
 * code of his own, with the `ret` behind it. */
static bool service(struct native_exec *x, struct cpu_exit *exit)
{
    const uint64_t arithmetic = 0x8d5, zero_and_parity = X86_FLAG_ZF | 4;
    struct x86_state *st = x->st;
    get_general(x);
    st->rflags = (st->rflags & ~arithmetic) | zero_and_parity;
    st->rip = x->ctl->frame.rip;
    if (native_is_patched(x->n, st->rip - 1))
        st->rip += SERVICE_AFTER_CALL;
    st->gpr[X86_RCX] = st->rip;
    st->gpr[X86_R11] = st->rflags;
    *exit = (struct cpu_exit){.kind = CPU_EXIT_SERVICE};
    return true;
}

static bool gate(struct native_exec *x, struct cpu_exit *exit)
{
    struct x86_state *st = x->st;
    get_general(x);
    st->rip = (uint32_t)x->ctl->slot;
    st->gpr[X86_R11] = st->rflags;
    if (mem_ptr_size(x->n->base.cfg.mem) == 4) {
        st->cs = X86_SEL_CODE32;
        narrow(st);
    }
    if (!in_gate_range(x->n, st->rip))
        return broken(x, exit, "a gate that is none");
    if (x->n->noting && cpu_notes_take_full(&x->n->notes, &x->n->notes.thread[x->index], st->rip))
        return false;
    *exit = (struct cpu_exit){.kind = CPU_EXIT_GATE, .address = st->rip};
    return true;
}

/* The host's mappings are used up: begin anew. Anything else is the guest's doing. */
static bool operation_failed(struct native_exec *x, struct cpu_exit *exit)
{
    const struct native_op *ops = (const void *)(native_block_bytes(x) + EXEC_OPS);
    bool room = false;
    for (int i = 0; i < OP_MAX; i++)
        room |= ops[i].result == -ENOMEM;
    if (!room || !native_forget_all(x))
        return broken(x, exit, "a mapping failed");
    return false;
}

static bool in_stub(struct native_exec *x, struct cpu_exit *exit)
{
    struct frame f;
    char how[80];
    if (!read_frame(x, &f))
        return broken(x, exit, "no signal frame");
    snprintf(how, sizeof how, "signal %d at stub offset %#llx", f.signal,
             (unsigned long long)(f.rip - NATIVE_AREA));
    return broken(x, exit, how);
}

bool native_exit(struct native_exec *x, struct cpu_exit *exit)
{
    switch (x->ctl->exit) {
    case EXIT_SERVICE:
        return service(x, exit);
    case EXIT_GATE:
        return gate(x, exit);
    case EXIT_SIGNAL:
        return signalled(x, exit);
    case EXIT_KICKED:
        return false;
    case EXIT_OP:
        return operation_failed(x, exit);
    case EXIT_BROKEN:
        return in_stub(x, exit);
    default:
        return broken(x, exit, "no known exit");
    }
}
