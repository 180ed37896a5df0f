// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens when guest code leaves an engine. */
#include "machine/machine.h"
#include "nt/call.h"
#include "win/win.h"

void machine_sync(struct nt_kernel *k, struct nt_thread *t)
{
    struct pgr_machine *m = k->up.sync_ctx;
    if (m->current == t && m->engine)
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
static bool go_on_after(struct pgr_machine *m)
{
    m->interrupted = m->services >= m->stop_after;
    return !m->interrupted;
}

static bool service(struct pgr_machine *m, struct nt_thread *t)
{
    uint32_t number = (uint32_t)t->cpu.gpr[X86_RAX];
    m->services++;
    return nt_dispatch(m->k, t, number) && go_on_after(m);
}

/* Services of 32-bit programs, and other calls of the host. */
static bool gate(struct pgr_machine *m, struct nt_thread *t, uint64_t address)
{
    m->services++;
    return win_gate(m->k, t, address) && go_on_after(m);
}

bool machine_on_exit(void *ctx, struct x86_state *st, const struct cpu_exit *x)
{
    struct pgr_machine *m = ctx;
    struct nt_thread *t = m->current;
    bool go_on;
    switch (x->kind) {
    case CPU_EXIT_SERVICE:
        go_on = service(m, t);
        break;
    case CPU_EXIT_GATE:
        go_on = gate(m, t, x->address);
        break;
    case CPU_EXIT_FAULT:
        go_on = win_fault(m->k, t, x);
        break;
    default:
        if (at_exit(m, t, x)) {
            m->at_exit_address = true;
            return false;
        }
        go_on = win_fault(m->k, t, x);
        break;
    }
    win_update_time(m->k, m->p);
    return go_on && t->state == NT_THREAD_RUNNING;
}
