// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where an executor runs. To look at the turn until it comes is the fastest way to take turns, when
 * both sides have a processor. When others keep the processors busy it comes late, and each side
 * has to be woken on a processor of its own, which takes ten times as long as when both share one.
 * So an executor whose turns are short but missed stays with the run that it belongs to.
 *
 * Only the executor is tied: the run's thread is our caller's, and the host may move it. It does so
 * when another processor is idle, and then looking pays again.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"

enum {
    MISS = 3, /* points for a missed turn; one that was met takes one away */
    TIE_AT = 24,
    TIED_TURNS_MIN = 512, /* before it is tried without again */
    TIED_TURNS_MAX = 1 << 16,
    FAR = -1 /* not tied */
};

static void set_cpus(const struct native_exec *x, const cpu_set_t *set)
{
    if (x->tid > 0 && !atomic_load(&x->n->dead))
        sched_setaffinity(x->tid, sizeof *set, set);
}

void native_untie(struct native_exec *x)
{
    if (x->tied_to == FAR)
        return;
    x->tied_to = FAR;
    set_cpus(x, &x->n->cpus);
}

static void tie(struct native_exec *x, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    x->tied_to = cpu;
    x->tied_turns = MIN(MAX(x->tied_turns * 2, TIED_TURNS_MIN), TIED_TURNS_MAX);
    x->tied_left = x->tied_turns;
    set_cpus(x, &set);
}

void native_turn_met(struct native_exec *x)
{
    x->missed -= x->missed != 0;
    if (!x->missed)
        x->tied_turns = 0;
}

void native_turn_missed(struct native_exec *x, uint64_t ns)
{
    if (ns < NATIVE_SHORT_NS)
        x->missed = MIN(x->missed + MISS, TIE_AT);
}

bool native_place(struct native_exec *x)
{
    int cpu;
    if (x->tied_to == FAR) {
        cpu = x->missed == TIE_AT ? sched_getcpu() : FAR;
        if (cpu < 0 || cpu >= CPU_SETSIZE)
            return false;
        if (!atomic_load(&x->ctl->child_sleeps))
            return true; /* soon: to move one that looks takes as long as to wake one */
        tie(x, cpu);
    } else if (!x->tied_left-- || sched_getcpu() != x->tied_to) {
        x->missed = 0;
        x->spin = NATIVE_SPIN_START;
        native_untie(x);
    }
    return x->tied_to != FAR;
}
