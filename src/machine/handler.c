// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens when guest code leaves an engine. */
#include "machine/machine.h"
#include "nt/call.h"
#include "win/win.h"

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

static bool service(struct machine_worker *w, struct nt_thread *t)
{
    uint32_t number = (uint32_t)t->cpu.gpr[X86_RAX];
    w->m->services++;
    machine_point_service(w->m, number);
    return nt_dispatch(w->m->k, t, number) && go_on_after(w);
}

/* Services of 32-bit programs, and other calls of the host. */
static bool gate(struct machine_worker *w, struct nt_thread *t, uint64_t address)
{
    if (w->m->hooks && hooks_is_gate(address))
        return hooks_gate(w->m->hooks, t, address) && go_on_after(w);
    w->m->services++;
    if (win_is_service_gate(w->m->p, address))
        machine_point_service(w->m, (uint32_t)t->cpu.gpr[X86_RAX]);
    return win_gate(w->m->k, t, address) && go_on_after(w);
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
        return win_fault(m->k, t, x);
    default:
        if (at_exit(m, t, x)) {
            m->at_exit_address = true;
            return false;
        }
        if (machine_point_address(m, &t->cpu, x)) {
            w->interrupted = true;
            return false;
        }
        return win_fault(m->k, t, x);
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
    w->in_handler = false;
    win_update_time(m->k, m->p);
    return go_on && !nt_thread_must_stop(t) && !machine_run_is_over(m) && !m->handover;
}
