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

#include <stddef.h>
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

static void note_call(void *ctx, const struct cpu_noted *f)
{
    const struct pgr_machine *m = ctx;
    if (m->engine)
        cpu_note_call(m->engine, f);
}

void machine_note_calls(struct pgr_machine *m)
{
    hooks_note_calls(m->hooks, note_call, m);
}

static struct nt_thread *thread_of(const struct x86_state *st)
{
    return (struct nt_thread *)((uintptr_t)st - offsetof(struct nt_thread, cpu));
}

/* Times in order, whatever the guest made of them: behind what was told last. That the clock was
 * looked at here, while the guest ran on, is nothing that was told. */
void machine_on_records(void *ctx)
{
    struct pgr_machine *m = ctx;
    struct cpu_record r = {0};
    const struct x86_state *st;
    const uint64_t last = m->k->clock.now, now = nt_now(m->k);
    if (last != m->records_told)
        m->recorded = last;
    while ((st = cpu_next_record(m->engine, &r))) {
        m->recorded = MAX(now - MIN(r.ago / 100, now), m->recorded);
        hooks_record(m->hooks, thread_of(st), &r, m->recorded);
    }
    m->records_told = now;
}

/* Services leave the thread's stack alone, unless they have had it touched. */
static void note_calls(struct pgr_machine *m, const struct nt_thread *t, const struct cpu_exit *x)
{
    bool touched = hooks_touched(m->hooks, t) || m->asides;
    bool service =
        x->kind == CPU_EXIT_SERVICE || (x->kind == CPU_EXIT_GATE && !hooks_is_gate(x->address));
    cpu_note_calls(m->engine, &t->cpu, t->state == NT_THREAD_RUNNING && hooks_can_note(m->hooks, t),
                   service && !touched);
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
    if (m->hooks)
        note_calls(m, t, x);
    return go_on && !nt_thread_must_stop(t) && !machine_run_is_over(m) && !m->handover;
}
