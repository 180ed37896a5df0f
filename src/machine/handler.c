// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens when guest code leaves an engine. */
#include "machine/machine.h"
#include "machine/aside.h"
#include "machine/breaks.h"
#include "machine/events.h"
#include "nt/call.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "win/win.h"

#include <sys/resource.h>

enum { EXITS_PER_LOOK = 64 };

void machine_sync(struct nt_kernel *k, struct nt_thread *t)
{
    struct pgr_machine *m = k->up.sync_ctx;
    const struct machine_worker *w = machine_worker_of(m, t);
    if (w && w->in_handler && m->engine)
        cpu_sync(m->engine, &t->cpu);
}

static bool at_exit(struct pgr_machine *m, const struct nt_thread *t, const struct cpu_exit *x)
{
    return m->exit_address && x->kind == CPU_EXIT_EXCEPTION && x->vector == X86_VEC_BP &&
           t->cpu.rip == m->exit_address + 1;
}

/*
 * After a service that the thread may go on from. A limit ends the run in the middle of the
 * thread's slice: it must not lose its turn, or the program would go another way than without the
 * limit.
 */
static bool go_on_after(struct machine_worker *w)
{
    w->interrupted = w->m->services >= w->m->stop_after || w->m->handover;
    return !w->interrupted;
}

static bool dispatch(struct pgr_machine *m, struct nt_thread *t, uint64_t number)
{
    return nt_dispatch(m->k, t, (uint32_t)number);
}

static bool other_gate(struct pgr_machine *m, struct nt_thread *t, uint64_t address)
{
    return win_gate(m->k, t, address);
}

static bool hook_gate(struct pgr_machine *m, struct nt_thread *t, uint64_t address)
{
    return hooks_gate(m->hooks, t, address);
}

/* t stands at an instruction that was told of, and is to execute it now. */
static void go_past(struct pgr_machine *m, struct nt_thread *t)
{
    if (m->ops->caps & CPU_CAP_OBSERVE)
        events_skip(m, t);
    else
        breaks_step_over(m, t);
}

/* A function that is hooked by its address: it runs now, unless it was answered. */
static bool enter_point(struct pgr_machine *m, struct nt_thread *t, uint64_t address)
{
    bool go_on = hooks_enter(m->hooks, t, hooks_point(m->hooks, m->p, address));
    if (t->cpu.rip == address)
        go_past(m, t);
    return go_on;
}

/* Where handlers of the user's may run, the guest may have to call a function in the middle. */
static bool perform(struct pgr_machine *m, struct nt_thread *t, machine_aside_fn *fn,
                    uint64_t number)
{
    bool go_on = true;
    bool hooked = fn == hook_gate || fn == enter_point;
    if (hooked ? !m->overrides : !m->k->on_service_enter)
        return fn(m, t, number);
    machine_aside_run(m, t, fn, number, &go_on);
    return go_on;
}

static bool service(struct machine_worker *w, struct nt_thread *t)
{
    enum { SYSCALL_LENGTH = 2 };
    uint32_t number = (uint32_t)t->cpu.gpr[X86_RAX];
    w->m->services++;
    machine_point_service(w->m, number);
    if (w->m->events && events_service(w->m, t, number, t->cpu.rip - SYSCALL_LENGTH))
        return go_on_after(w);
    return perform(w->m, t, dispatch, number) && go_on_after(w);
}

/* Services of 32-bit programs, and other calls of the host. */
static bool gate(struct machine_worker *w, struct nt_thread *t, uint64_t address)
{
    bool go_on = true;
    if (w->m->hooks && hooks_is_gate(address))
        return perform(w->m, t, hook_gate, address) && go_on_after(w);
    if (w->m->asides && address == hooks_spare_gate() && machine_aside_waits(w->m, t)) {
        machine_aside_resume(w->m, t, &go_on);
        return go_on && go_on_after(w);
    }
    w->m->services++;
    if (win_is_service_gate(w->m->p, address)) {
        uint32_t number = (uint32_t)t->cpu.gpr[X86_RAX];
        machine_point_service(w->m, number);
        if (w->m->events && events_service(w->m, t, number, address))
            return win_gate_leave(w->m->k, t) && go_on_after(w);
    }
    return perform(w->m, t, other_gate, address) && go_on_after(w);
}

static bool at_break(struct machine_worker *w, struct nt_thread *t)
{
    struct pgr_machine *m = w->m;
    uint64_t at = t->cpu.rip;
    events_code(m, t);
    if (w->point) {
        w->point = 0;
        return perform(m, t, enter_point, at) && go_on_after(w);
    }
    if (t->cpu.rip == at)
        breaks_step_over(m, t);
    return go_on_after(w);
}

static bool handle(struct machine_worker *w, struct nt_thread *t, const struct cpu_exit *x)
{
    struct pgr_machine *m = w->m;
    switch (x->kind) {
    case CPU_EXIT_SERVICE:
        return service(w, t);
    case CPU_EXIT_GATE:
        return gate(w, t, x->address);
    case CPU_EXIT_FAULT:
        breaks_settle(m, t);
        return (m->events && events_exit(m, t, x)) || win_fault(m->k, t, x);
    default:
        if (at_exit(m, t, x)) {
            m->at_exit_address = true;
            return false;
        }
        if (machine_point_address(m, &t->cpu, x)) {
            w->interrupted = true;
            return false;
        }
        if (m->breaks && breaks_hit(m, t, x))
            return at_break(w, t);
        breaks_settle(m, t);
        return (m->events && events_exit(m, t, x)) || win_fault(m->k, t, x);
    }
}

bool machine_at_point(struct machine_worker *w)
{
    struct pgr_machine *m = w->m;
    uint64_t address = w->point;
    w->point = 0;
    m->k->need_resched = false;
    w->in_handler = true;
    bool go_on = perform(m, w->t, enter_point, address);
    w->in_handler = false;
    return go_on && !nt_thread_must_stop(w->t);
}

/*
 * A guest can make the kernel keep more than any host has, in pipes, queues and the registry: that
 * is its end, not ours. The cheap question, which counts the guest's own memory in part, comes
 * first.
 */
static void look_at_kernel(struct pgr_machine *m)
{
    struct rusage usage;
    if (++m->exits % EXITS_PER_LOOK || getrusage(RUSAGE_SELF, &usage) ||
        (uint64_t)usage.ru_maxrss << 10 <= m->kernel_most)
        return;
    if (host_private_bytes() > m->kernel_most && !m->p->ended)
        nt_process_end(m->k, m->p, STATUS_INSUFFICIENT_RESOURCES);
}

static void note_call(void *ctx, const struct hook_noted *f)
{
    const struct pgr_machine *m = ctx;
    if (!m->engine)
        return;
    if (f)
        cpu_note_call(m->engine, &(struct cpu_noted){f->thunk, f->target, f->args, f->pops});
    else
        cpu_note_call(m->engine, NULL);
}

void machine_note_calls(struct pgr_machine *m)
{
    hooks_note_calls(m->hooks, note_call, m);
}

/* Times in order, whatever the guest made of them. */
void machine_on_records(void *ctx, struct x86_state *st, const struct cpu_record *list, size_t n,
                        bool open)
{
    struct pgr_machine *m = ctx;
    const uint64_t least = m->k->clock.now, now = nt_now(m->k);
    uint64_t before = least;
    for (size_t i = 0; i < n; i++) {
        const struct cpu_record *r = &list[i];
        struct hook_record h = {.thunk = r->key,
                                .slot = r->slot,
                                .back = r->back,
                                .stack = r->stack,
                                .result = {r->result[0], r->result[1]},
                                .last_error = r->last_error};
        uint64_t began = r->began / 100, ended = r->ended / 100;
        h.began = MAX(now - MIN(began, now), before);
        h.ended = before = MAX(now - MIN(ended, now), h.began);
        memcpy(h.arg, r->arg, sizeof h.arg);
        hooks_record(m->hooks, machine_worker_self(m)->t, &h, open && i == n - 1);
    }
}

bool machine_on_exit(void *ctx, struct x86_state *st, const struct cpu_exit *x)
{
    struct pgr_machine *m = ctx;
    struct machine_worker *w = machine_worker_self(m);
    struct nt_thread *t = w->t;
    if (t->state != NT_THREAD_RUNNING) /* another thread ended it: it did not get here */
        return false;
    m->k->need_resched = false;
    m->unproven = false;
    w->in_handler = true;
    bool go_on = handle(w, t, x);
    look_at_kernel(m);
    w->in_handler = false;
    win_update_time(m->k, m->p);
    if (m->hooks) /* what others do meanwhile would be told of before */
        cpu_note_calls(m->engine, m->p->thread_count == 1 && t->state == NT_THREAD_RUNNING &&
                                      hooks_can_note(m->hooks, t));
    return go_on && !nt_thread_must_stop(t) && !machine_run_is_over(m) && !m->handover;
}
