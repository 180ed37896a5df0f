// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unicorn's hooks, turned into exits. The handler is called inside the hook; the processor is only
 * stopped where the handler wants that, or where more of the state changed than a hook can load.
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <string.h>

enum { PF_WRITE = 1 << 1, PF_FETCH = 1 << 4, MAX_STEPS = 8192 };

/* ---- Calling the handler --------------------------------------------------------------------- */

static bool rest_changed(const struct x86_state *a, const struct x86_state *b)
{
    size_t from = offsetof(struct x86_state, cs);
    return memcmp((const char *)a + from, (const char *)b + from, X86_STATE_BASE_SIZE - from) != 0;
}

static void halt(struct unicorn_engine *u)
{
    u->lib.uc_emu_stop(u->uc);
}

/* The processor comes to rest, and the run goes on. */
static void start_anew(struct unicorn_engine *u, bool in_block)
{
    u->in_block = in_block;
    u->refresh = true;
    halt(u);
}

static void finish(struct unicorn_engine *u, const struct cpu_exit *exit)
{
    if (!u->synced)
        unicorn_read_rest(u, u->st);
    *u->exit = *exit;
    u->exited = true;
    halt(u);
}

/* u->st has gpr, rip and rflags. True: take over what changed there against u->before and go on.
 * False: the processor is about to stop. */
static bool call_handler(struct unicorn_engine *u, const struct cpu_exit *exit)
{
    struct x86_state *st = u->st;

    if (u->stepping) {
        u->stepping = false;
        if (!u->guest_tf)
            st->rflags &= ~(uint64_t)X86_FLAG_TF;
    }
    memcpy(&u->before, st, offsetof(struct x86_state, cs));
    u->synced = false;
    u->in_handler = true;
    bool go_on = u->base.cfg.on_exit(u->base.cfg.ctx, st, exit);
    u->in_handler = false;
    if (!go_on) {
        finish(u, exit);
        return false;
    }
    if ((u->synced && rest_changed(st, &u->before)) || u->rewatch) {
        if (!u->synced)
            unicorn_read_rest(u, st);
        u->reload = true;
        halt(u);
        return false;
    }
    return true;
}

static void write_changed_flags(struct unicorn_engine *u, uint64_t current)
{
    uint64_t flags = unicorn_user_flags(u->st->rflags);
    if (flags != unicorn_user_flags(current))
        u->lib.uc_reg_write(u->uc, UC_X86_REG_RFLAGS, &flags);
}

/* ---- Services -------------------------------------------------------------------------------- */

static unsigned syscall_length(struct unicorn_engine *u, uint64_t rip)
{
    enum { LONGEST = 15 };
    uint8_t b;
    unsigned n = 0;
    while (n < LONGEST - 2 && unicorn_code_byte(u, rip + n, &b) && b != 0x0f)
        n++;
    return n + 2;
}

static void on_syscall(uc_engine *uc, void *ctx)
{
    struct unicorn_engine *u = ctx;
    struct x86_state *st = u->st;
    struct cpu_exit exit = {.kind = CPU_EXIT_SERVICE};
    uint64_t flags;

    if (u->has_pending || u->undoing)
        return;
    unicorn_read_gprs(u);
    unsigned length = syscall_length(u, st->rip);
    flags = st->rflags;
    st->rip += length;
    st->gpr[X86_RCX] = st->rip;
    st->gpr[X86_R11] = flags;
    if (!call_handler(u, &exit))
        return;
    unicorn_write_gprs(u, st->rip - length); /* Unicorn adds that after the hook */
    write_changed_flags(u, flags);
    unicorn_flush_pending(u);
}

/* ---- Exceptions and interrupts --------------------------------------------------------------- */

struct event {
    uint32_t vector, error_code;
    bool software; /* int n, int3, into */
    uint64_t cr2;
};

static int32_t take_int(struct unicorn_engine *u, size_t offset)
{
    int32_t v;
    memcpy(&v, unicorn_context_at(u->context, offset), sizeof v);
    return v;
}

static uint64_t context_rip(struct unicorn_engine *u)
{
    uint64_t rip;
    memcpy(&rip, unicorn_context_at(u->context, u->at.rip), sizeof rip);
    return rip;
}

/* Saves the context, and lets the processor forget that an exception is in flight: it never does by
 * itself, and then the next fault is a double fault and the third ends everything. */
static void take_event(struct unicorn_engine *u, uint32_t vector, struct event *ev)
{
    u->lib.uc_context_save(u->uc, u->context);
    ev->vector = vector;
    ev->error_code = (uint32_t)take_int(u, u->at.error_code);
    ev->software = take_int(u, u->at.is_int) != 0;
    memcpy(&ev->cr2, unicorn_context_at(u->context, u->at.cr2), sizeof ev->cr2);
    if (take_int(u, u->at.old_exception) != -1) {
        memset(unicorn_context_at(u->context, u->at.old_exception), 0xff, sizeof(int32_t));
        u->lib.uc_context_restore(u->uc, u->context);
    }
}

void unicorn_forget_exception(struct unicorn_engine *u)
{
    struct event unused;
    take_event(u, 0, &unused);
}

/* Between instructions: no translated code is running. */
static void deliver(struct unicorn_engine *u, const struct cpu_exit *exit)
{
    struct x86_state *st = u->st;
    uint64_t flags, rip;

    unicorn_read_gprs(u);
    rip = st->rip;
    if (exit->kind == CPU_EXIT_GATE)
        st->rip = exit->address;
    flags = st->rflags;
    if (!call_handler(u, exit))
        return;
    if (st->rip != rip || memcmp(st->gpr, u->before.gpr, sizeof st->gpr) != 0)
        unicorn_write_gprs(u, st->rip);
    write_changed_flags(u, flags);
    unicorn_flush_pending(u);
}

static void set_trap_flag(struct unicorn_engine *u, bool on)
{
    uint64_t flags;
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RFLAGS, &flags);
    flags = on ? flags | X86_FLAG_TF : flags & ~(uint64_t)X86_FLAG_TF;
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RFLAGS, &flags);
}

/*
 * A block that runs into the next page faults when it is translated, with rip at its beginning,
 * before any of it was executed. Single steps lead to the instruction that really needs the page.
 */
static bool step_to_fetch(struct unicorn_engine *u, const struct event *ev)
{
    uint64_t flags;
    if (u->stepping || ev->cr2 / MEM_PAGE == context_rip(u) / MEM_PAGE)
        return false;
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RFLAGS, &flags);
    u->stepping = true;
    u->steps = 0;
    u->guest_tf = (flags & X86_FLAG_TF) != 0;
    set_trap_flag(u, true);
    return true;
}

static bool swallow_step(struct unicorn_engine *u)
{
    if (!u->stepping || u->guest_tf)
        return false;
    if (++u->steps == MAX_STEPS) {
        u->stepping = false;
        set_trap_flag(u, false);
    }
    return true;
}

static enum cpu_access fault_access(const struct event *ev)
{
    if (ev->error_code & PF_FETCH)
        return CPU_EXECUTE;
    return ev->error_code & PF_WRITE ? CPU_WRITE : CPU_READ;
}

static void on_page_fault(struct unicorn_engine *u, const struct event *ev)
{
    struct cpu_exit exit = {.address = ev->cr2, .access = fault_access(ev)};

    if (exit.access == CPU_EXECUTE && unicorn_is_gate(u, ev->cr2) && context_rip(u) == ev->cr2) {
        exit.kind = CPU_EXIT_GATE;
        unicorn_open_gate(u, ev->cr2);
        deliver(u, &exit);
        return;
    }
    exit.status = unicorn_page_in(u, ev->cr2, exit.access);
    if (exit.status == STATUS_SUCCESS) {
        /* To fetch is to come to a block, which then begins, or begins again. */
        u->retrying = exit.access != CPU_EXECUTE || (u->retrying && u->retry_rip == context_rip(u));
        u->retry_rip = context_rip(u);
        unicorn_attend(u);
        return;
    }
    if (exit.access == CPU_EXECUTE && step_to_fetch(u, ev))
        return;
    exit.kind = CPU_EXIT_FAULT;
    deliver(u, &exit);
}

/* A slice has at least one block: on a busy host the time may be over before the guest runs. */
static bool interrupted(struct unicorn_engine *u)
{
    return atomic_load_explicit(&u->stop, memory_order_relaxed) ||
           (atomic_load_explicit(&u->slice_over, memory_order_relaxed) &&
            u->blocks != u->slice_from);
}

/* The start of every run: see engine.c. */
static void on_entry(struct unicorn_engine *u)
{
    if (u->purging || (interrupted(u) && !u->committed)) {
        unicorn_go_to(u, u->start_rip);
        halt(u);
        return;
    }
    unicorn_flush_pending(u);
    unicorn_note_growth(u);
    unicorn_go_to(u, u->start_rip);
}

static void count_back(struct unicorn_engine *u, const struct event *ev)
{
    bool completed = ev->software || ev->vector == X86_VEC_DB;
    bool started = !(ev->vector == X86_VEC_PF && (ev->error_code & PF_FETCH));
    if (u->base.cfg.count_instructions && !completed && started)
        u->instructions--;
}

static void on_exception(struct unicorn_engine *u, const struct event *ev)
{
    struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = (uint8_t)ev->vector};

    if (ev->software) {
        if (ev->vector != X86_VEC_BP && ev->vector != X86_VEC_OF)
            exit.kind = CPU_EXIT_INTERRUPT;
    } else {
        exit.error_code = ev->error_code;
    }
    deliver(u, &exit);
}

/*
 * Where a load goes on in a second page that is missing, the library forgets that it has told of
 * it, and tells of no more until the next start.
 */
static bool second_page(const struct unicorn_engine *u, const struct event *ev)
{
    return u->watch.memory && fault_access(ev) == CPU_READ && ev->cr2 % MEM_PAGE == 0;
}

/*
 * The int3 of a gate whose page executes: see unicorn_open_gate. For the guest's program it is no
 * instruction, and no block. What a fault costs is spared: the way through the page tables, and two
 * copies of a whole context, since no exception is in flight.
 */
static bool pass_gate(struct unicorn_engine *u)
{
    enum { INT3_LENGTH = 1 };
    struct cpu_exit exit = {.kind = CPU_EXIT_GATE, .access = CPU_EXECUTE};

    u->lib.uc_reg_read(u->uc, UC_X86_REG_RIP, &exit.address);
    exit.address -= INT3_LENGTH;
    if (!unicorn_is_gate(u, exit.address))
        return false;
    u->blocks--; /* on_block */
    deliver(u, &exit);
    return true;
}

static void on_interrupt(uc_engine *uc, uint32_t vector, void *ctx)
{
    struct unicorn_engine *u = ctx;
    struct event ev;

    if (u->undoing || (vector == X86_VEC_BP && pass_gate(u)))
        return;
    take_event(u, vector, &ev);
    if (vector == X86_VEC_PF && !ev.software) {
        if (ev.cr2 == ENTRY_VA && context_rip(u) == ENTRY_VA) {
            on_entry(u);
            return;
        }
        count_back(u, &ev);
        if (u->pause && (ev.error_code & PF_FETCH)) { /* after the instruction that wants it */
            u->pause = false;
            start_anew(u, false);
            return;
        }
        on_page_fault(u, &ev);
        if (second_page(u, &ev))
            start_anew(u, u->retrying);
        return;
    }
    count_back(u, &ev);
    if (vector == X86_VEC_DB && !ev.software && swallow_step(u))
        return;
    on_exception(u, &ev);
}

/* #UD has a hook of its own. Unicorn also sends icebp there, which is a trap. */
static bool on_invalid(uc_engine *uc, void *ctx)
{
    enum { ICEBP = 0xf1 };
    struct unicorn_engine *u = ctx;
    struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = X86_VEC_UD};
    uint8_t opcode;

    if (u->undoing)
        return true;
    uint64_t rip;
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RIP, &rip);
    if (unicorn_code_byte(u, rip, &opcode) && opcode == ICEBP) {
        exit.vector = X86_VEC_DB;
        unicorn_go_to(u, rip + 1);
    } else if (u->base.cfg.count_instructions) {
        u->instructions--;
    }
    deliver(u, &exit);
    return true;
}

/*
 * in, out and sysenter: Unicorn lets ring 3 have the ports and ignores sysenter, and calls a hook
 * in the middle of a block that will run on. So the state is saved here, memory is taken away, so
 * that the rest of the block can change nothing but registers, and once the processor has stopped
 * the saved state comes back with the #GP that should have been.
 */
static void begin_undo(struct unicorn_engine *u)
{
    if (u->undoing || u->has_pending)
        return;
    u->lib.uc_context_save(u->uc, u->undo);
    u->undoing = true;
    unicorn_attend(u);
    unicorn_hide_memory(u);
    halt(u);
}

void unicorn_finish_undo(struct unicorn_engine *u)
{
    struct cpu_exit exit = {.kind = CPU_EXIT_EXCEPTION, .vector = X86_VEC_GP};

    u->undoing = false;
    u->has_pending = false;
    u->lib.uc_context_restore(u->uc, u->undo);
    uc_ctl_flush_tlb(u->uc);
    if (u->base.cfg.count_instructions)
        u->instructions--;
    u->reload = true; /* the processor is at rest: unless the run is over, start again */
    deliver(u, &exit);
    if (!u->exited && !u->synced)
        unicorn_read_rest(u, u->st);
}

static uint32_t on_in(uc_engine *uc, uint32_t port, int size, void *ctx)
{
    begin_undo(ctx);
    return 0;
}

static void on_out(uc_engine *uc, uint32_t port, int size, uint32_t value, void *ctx)
{
    begin_undo(ctx);
}

static void on_sysenter(uc_engine *uc, void *ctx)
{
    begin_undo(ctx);
}

/* ---- The others ------------------------------------------------------------------------------ */

static int on_cpuid(uc_engine *uc, void *ctx)
{
    struct unicorn_engine *u = ctx;
    static const int ids[] = {UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX, UC_X86_REG_RDX};
    uint64_t v[4] = {0};
    uint32_t out[4];

    if (u->undoing || unicorn_tell_cpuid(u))
        return 1;
    u->lib.uc_reg_read(uc, UC_X86_REG_RAX, &v[0]);
    u->lib.uc_reg_read(uc, UC_X86_REG_RCX, &v[2]);
    unicorn_cpuid((uint32_t)v[0], (uint32_t)v[2], out);
    for (int i = 0; i < 4; i++) {
        v[i] = out[i];
        u->lib.uc_reg_write(uc, ids[i], &v[i]);
    }
    return 1; /* done: skip Unicorn's own */
}

void unicorn_attend(struct unicorn_engine *u)
{
    bool look = u->undoing || u->retrying || u->has_pending || u->pause || u->refresh ||
                u->watch.of[CPU_WATCH_BLOCK].n;
    atomic_store(&u->block_limit, look ? 0 : u->block_end);
    /* Whoever raised these flags before the store has set the limit before it, too. */
    if (atomic_load(&u->stop) || atomic_load(&u->slice_over))
        atomic_store(&u->block_limit, 0);
}

static bool begins_again(struct unicorn_engine *u, uint64_t address)
{
    bool again = u->retrying && u->retry_rip == address;
    u->retrying = u->committed = false;
    return again;
}

/* Not inlined: on_block would keep registers on the stack for it. */
static __attribute__((noinline)) void look_at_block(struct unicorn_engine *u, uint64_t address,
                                                    uint32_t size)
{
    if (u->undoing)
        return;
    if (u->refresh) {
        u->in_block = false;
        return;
    }
    if (unicorn_is_gate(u, address)) {
        u->blocks++; /* no block: pass_gate takes it back */
        return;
    }
    /* Where the instruction only had to wait for its page the guest's program has no new block:
     * counts must not depend on what this engine happens to have mirrored already. */
    if (begins_again(u, address)) {
        unicorn_attend(u);
    } else if (u->pause) {
        u->pause = false;
        start_anew(u, false);
    } else if (interrupted(u)) { /* a block that does not run now is counted when it does */
        halt(u);
    } else if (u->blocks == u->block_end && !u->has_pending) {
        u->pending = CPU_EXIT_SLICE;
        u->has_pending = true;
        halt(u);
    } else {
        u->blocks++;
        unicorn_attend(u);
        if (u->watch.of[CPU_WATCH_BLOCK].n)
            unicorn_tell_block(u, address, size);
    }
}

/*
 * The one place where a running guest is paused. u->lib.uc_emu_stop() from elsewhere, another
 * thread or a signal handler, is not exact: translated code looks for stops after every access to
 * memory too, and goes back to the beginning of an instruction that has written already; and a stop
 * that waits makes Unicorn pass over the hooks of cpuid and sysenter. Stops from a hook come before
 * the block. Loops of a few instructions spend a good part of their time here: hence one
 * comparison.
 */
static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    struct unicorn_engine *u = ctx;
    if (u->blocks < atomic_load_explicit(&u->block_limit, memory_order_relaxed))
        u->blocks++;
    else
        look_at_block(u, address, size);
}

static void on_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    struct unicorn_engine *u = ctx;
    if (unicorn_stopping(u) || unicorn_is_gate(u, address))
        return;
    if (u->instructions == u->budget_end) {
        u->pending = CPU_EXIT_BUDGET;
        u->has_pending = true;
        halt(u);
        return;
    }
    u->instructions++;
}

static uc_err add_hook(struct unicorn_engine *u, int type, void *fn, int insn)
{
    uc_hook hook;
    u->hooks++;
    if (type == UC_HOOK_INSN)
        return u->lib.uc_hook_add(u->uc, &hook, type, fn, u, 1, 0, insn);
    return u->lib.uc_hook_add(u->uc, &hook, type, fn, u, 1, 0);
}

static bool never_called(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                         void *ctx)
{
    return false;
}

/*
 * After each block that it translates Unicorn walks the whole TLB, to send stores to the block's
 * page through the path that looks for translations again. Here that changes nothing: entries that
 * may execute never leave that path, and others cannot be where a block is (see paging.c). It is
 * a tenth of the time to start a program. Unicorn leaves it out where a memory hook covers the
 * block's virtual address. A hook that covered the physical address of data would keep all stores
 * there slow; hence RAM_PHYS. The kind of hook is one that is never called: all of physical memory
 * that the page tables can name is mapped.
 */
static uc_err add_no_scan_hooks(struct unicorn_engine *u)
{
    uc_hook hook;
    if (!u->ram_phys)
        return UC_ERR_OK;
    uc_err err = u->lib.uc_hook_add(u->uc, &hook, UC_HOOK_MEM_FETCH_UNMAPPED, (void *)never_called,
                                    u, 0, RAM_PHYS - 1);
    return err != UC_ERR_OK ? err
                            : u->lib.uc_hook_add(u->uc, &hook, UC_HOOK_MEM_FETCH_UNMAPPED,
                                                 (void *)never_called, u, RAM_PHYS_END, UINT64_MAX);
}

pgr_status unicorn_add_hooks(struct unicorn_engine *u, struct pgr_error *e)
{
    if (add_hook(u, UC_HOOK_INTR, (void *)on_interrupt, 0) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN_INVALID, (void *)on_invalid, 0) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN, (void *)on_syscall, UC_X86_INS_SYSCALL) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN, (void *)on_cpuid, UC_X86_INS_CPUID) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN, (void *)on_in, UC_X86_INS_IN) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN, (void *)on_out, UC_X86_INS_OUT) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_INSN, (void *)on_sysenter, UC_X86_INS_SYSENTER) != UC_ERR_OK ||
        add_hook(u, UC_HOOK_BLOCK, (void *)on_block, 0) != UC_ERR_OK ||
        (u->base.cfg.count_instructions &&
         add_hook(u, UC_HOOK_CODE, (void *)on_instruction, 0) != UC_ERR_OK) ||
        add_no_scan_hooks(u) != UC_ERR_OK)
        return err_set(e, PGR_E_NOMEM, "unicorn: cannot add the hooks");
    return PGR_OK;
}
