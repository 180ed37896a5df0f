// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/aside.h"
#include "arch/x87.h"
#include "base/bits.h"
#include "machine/flow.h"
#include "mem/space.h"
#include <peregrine/hook.h>

#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 512 << 10, GUARD = 4096, HOME = 32, SPARE = 0x80, ARGS_MAX = 32 };

/* Lies at the top of its stack, so that both are there again when the next one is needed. */
struct machine_aside {
    struct pgr_machine *m;
    struct nt_thread *t; /* referenced */
    struct flow self, back;
    uint8_t *stack; /* from its guard page on */
    machine_aside_fn *fn;
    uint64_t number;
    bool done, go_on;
    struct machine_aside *outer; /* the next one in the machine's list */
    /* of a guest function that is going on */
    bool waits, lost;
    struct pgr_guest_call *call;
    uint64_t slot; /* where its return address is */
#ifdef __SANITIZE_ADDRESS__
    void *fake, *back_fake;
    const void *back_stack;
    size_t back_size;
#endif
    struct x86_state saved; /* last: it is large, and not cleared */
};

static struct machine_aside *aside_of(uint8_t *stack)
{
    const size_t size = (sizeof(struct machine_aside) + 63) & ~(size_t)63;
    return (void *)(stack + GUARD + STACK - size);
}

/* Of the stack itself, in bytes. */
static size_t room_of(uint8_t *stack)
{
    return (size_t)((uint8_t *)aside_of(stack) - (stack + GUARD));
}

/* ---- Switching
 * -------------------------------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
static void enter_begin(struct machine_aside *a)
{
    __sanitizer_start_switch_fiber(&a->back_fake, a->stack + GUARD, room_of(a->stack));
}
static void entered(struct machine_aside *a)
{
    __sanitizer_finish_switch_fiber(a->fake, &a->back_stack, &a->back_size);
}
static void leave_begin(struct machine_aside *a)
{
    __sanitizer_start_switch_fiber(a->done ? NULL : &a->fake, a->back_stack, a->back_size);
}
static void left(struct machine_aside *a)
{
    __sanitizer_finish_switch_fiber(a->back_fake, NULL, NULL);
}
#else
static void enter_begin(struct machine_aside *a)
{
}
static void entered(struct machine_aside *a)
{
}
static void leave_begin(struct machine_aside *a)
{
}
static void left(struct machine_aside *a)
{
}
#endif

static void go_in(struct machine_aside *a)
{
    enter_begin(a);
    flow_switch(&a->back, &a->self);
    left(a);
}

static void go_out(struct machine_aside *a)
{
    leave_begin(a);
    flow_switch(&a->self, &a->back);
    entered(a);
}

static void body(void *aside)
{
    struct machine_aside *a = aside;
    entered(a);
    a->go_on = a->fn(a->m, a->t, a->number);
    a->done = true;
    go_out(a);
}

/* ---- Stacks
 * -----------------------------------------------------------------------------------------------
 */

static uint8_t *take_stack(struct pgr_machine *m)
{
    if (m->aside_stacks.len)
        return m->aside_stacks.data[--m->aside_stacks.len];
    uint8_t *p =
        mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    BUG_ON(p == MAP_FAILED);
    mprotect(p, GUARD, PROT_NONE);
    return p;
}

static void finish(struct machine_aside *a)
{
    struct pgr_machine *m = a->m;
    for (struct machine_aside **at = &m->asides; *at; at = &(*at)->outer)
        if (*at == a) {
            *at = a->outer;
            break;
        }
    nt_object_unref(m->k, &a->t->o);
    vec_push(&m->aside_stacks, a->stack);
}

/* ---- The contract
 * ------------------------------------------------------------------------------------------ */

static bool after(struct machine_aside *a, bool *go_on)
{
    if (!a->done)
        return false;
    *go_on = a->go_on;
    finish(a);
    return true;
}

bool machine_aside_run(struct pgr_machine *m, struct nt_thread *t, machine_aside_fn *fn,
                       uint64_t number, bool *go_on)
{
    uint8_t *stack = take_stack(m);
    struct machine_aside *a = aside_of(stack);
    memset(a, 0, offsetof(struct machine_aside, saved));
    a->m = m;
    a->t = t;
    a->fn = fn;
    a->number = number;
    a->stack = stack;
    a->outer = m->asides;
    nt_object_ref(&t->o);
    m->asides = a;
    flow_make(&a->self, stack + GUARD, room_of(stack), body, a);
    go_in(a);
    return after(a, go_on);
}

bool machine_aside_waits(const struct pgr_machine *m, const struct nt_thread *t)
{
    for (const struct machine_aside *a = m->asides; a; a = a->outer)
        if (a->t == t && a->waits)
            return true;
    return false;
}

/* The one whose function returns here: 32-bit functions may have taken their arguments off. */
static struct machine_aside *returning(struct pgr_machine *m, const struct nt_thread *t)
{
    for (struct machine_aside *a = m->asides; a; a = a->outer)
        if (a->t == t && a->waits)
            return a;
    return NULL;
}

static void take_results(const struct machine_aside *a, struct pgr_guest_call *call)
{
    const struct x86_state *st = &a->t->cpu;
    const bool wide = a->m->p->ptr_size == 8;
    uint64_t bits = x86_st0_get(st, 8);
    call->result = wide ? st->gpr[X86_RAX] : (uint32_t)st->gpr[X86_RAX] | st->gpr[X86_RDX] << 32;
    memcpy(&call->floating, wide ? st->fx + X86_FX_XMM0 : (const uint8_t *)&bits, 8);
    if (wide)
        memcpy(&call->single, st->fx + X86_FX_XMM0, 4);
    else
        call->single = (float)call->floating;
    call->popped = wide ? 0 : (int32_t)((uint32_t)st->gpr[X86_RSP] - (uint32_t)a->slot - 4);
}

bool machine_aside_resume(struct pgr_machine *m, struct nt_thread *t, bool *go_on)
{
    struct machine_aside *a = returning(m, t);
    BUG_ON(!a);
    machine_sync(m->k, t);
    take_results(a, a->call);
    t->cpu = a->saved;
    a->waits = false;
    go_in(a);
    return after(a, go_on);
}

/* How many arguments of i386 go to ECX and EDX. */
static unsigned in_registers(const struct pgr_guest_call *c)
{
    unsigned n = c->convention == PGR_FASTCALL ? 2 : c->convention == PGR_THISCALL ? 1 : 0;
    return MIN(n, c->count);
}

static bool push_arguments(struct machine_aside *a, const struct pgr_guest_call *c)
{
    static const uint8_t names64[] = {X86_RCX, X86_RDX, X86_R8, X86_R9};
    static const uint8_t names32[] = {X86_RCX, X86_RDX};
    struct x86_state *st = &a->t->cpu;
    struct mem_space *mem = a->m->p->mem;
    const unsigned size = a->m->p->ptr_size, skipped = size == 8 ? 0 : in_registers(c);
    const uint64_t gate = hooks_spare_gate();
    uint64_t room = MAX((uint64_t)c->count * size, (uint64_t)HOME);
    uint64_t sp = align_down(st->gpr[X86_RSP] - SPARE - room, 16);
    for (unsigned i = 0; i < c->count; i++) {
        if (size == 8 && i < ARRAY_LEN(names64)) {
            st->gpr[names64[i]] = c->args[i];
            memcpy(st->fx + X86_FX_XMM0 + 16 * i, &c->args[i], 8);
        } else if (i < skipped) {
            st->gpr[names32[i]] = (uint32_t)c->args[i];
        } else if (mem_write(mem, sp + (i - skipped) * size, &c->args[i], size)) {
            return false;
        }
    }
    st->gpr[X86_RSP] = a->slot = sp - size;
    return !mem_write(mem, a->slot, &gate, size);
}

pgr_status machine_aside_call(struct pgr_machine *m, struct nt_thread *t,
                              struct pgr_guest_call *call, struct pgr_error *e)
{
    struct machine_aside *a = m->asides;
    while (a && (a->t != t || a->waits))
        a = a->outer;
    if (!a || a->lost || m->ending)
        return err_set(e, PGR_E_STATE, "the thread cannot call a function now");
    if (call->count > ARGS_MAX)
        return err_set(e, PGR_E_ARGUMENT, "%u arguments; %d at most", call->count, ARGS_MAX);
    machine_sync(m->k, t);
    a->saved = t->cpu;
    if (!push_arguments(a, call)) {
        t->cpu = a->saved;
        return err_set(e, PGR_E_STATE, "the thread's stack has no room for a call");
    }
    t->cpu.rip = call->address;
    t->cpu.rflags &= ~(uint64_t)X86_FLAG_DF;
    a->call = call;
    a->waits = true;
    go_out(a);
    if (a->lost)
        return err_set(e, PGR_E_STATE, "the function that was called did not return");
    return PGR_OK;
}

bool machine_asides_wait(const struct pgr_machine *m)
{
    return m->asides != NULL;
}

void machine_asides_end(struct pgr_machine *m)
{
    m->ending = true;
    while (m->asides) {
        struct machine_aside *a = m->asides;
        bool go_on;
        a->lost = true;
        a->waits = false;
        go_in(a);
        BUG_ON(!after(a, &go_on));
    }
    vec_foreach (stack, &m->aside_stacks)
        munmap(*stack, STACK + GUARD);
    vec_free(&m->aside_stacks);
}
