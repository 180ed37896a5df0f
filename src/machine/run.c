// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine's loop: choose a thread, run it, wait when all wait. */
#include "base/bits.h"
#include "base/hostio.h"
#include "machine/machine.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/win.h"

#include <time.h>

enum {
    SLICE_BLOCKS = 100000,  /* deterministic slices: blocks of code */
    BLOCKS_PER_TICK = 50,   /* and how they move the virtual clock: 2 ns each */
    SLICE_HOST_US = 10000,  /* slices when threads compete under the host's clock */
    CHECK_HOST_US = 100000, /* how often limits are looked at */
    POLL_MS = 50
};

struct running {
    struct pgr_machine *m;
    const struct pgr_limits *limits;
    struct pgr_exit *why;
    struct pgr_error *e;
    uint64_t deadline; /* host_monotonic_ns, 0: none */
    bool done;
    pgr_status status;
};

static void finish(struct running *r, enum pgr_exit_kind kind, uint32_t code)
{
    *r->why = (struct pgr_exit){kind, code};
    r->done = true;
}

static bool timed_out(const struct running *r)
{
    return r->deadline && host_monotonic_ns() >= r->deadline;
}

static void begin_slice(struct pgr_machine *m, uint64_t blocks)
{
    m->slice_end = cpu_blocks(m->engine) + blocks;
    cpu_set_slice(m->engine, blocks);
}

/* Under the virtual clock slices are counted in blocks, so that runs repeat; under the host's they
 * are shorter when another thread can claim the CPU without this one calling anything. */
static void set_slice(struct pgr_machine *m, const struct nt_thread *t)
{
    uint64_t when;
    if (!m->k->clock.host)
        begin_slice(m, m->slice_left ? m->slice_left : SLICE_BLOCKS);
    else if (nt_sched_others_ready(m->k, t) || nt_sched_deadline(m->k, &when))
        cpu_set_slice(m->engine, SLICE_HOST_US);
    else
        cpu_set_slice(m->engine, CHECK_HOST_US);
    m->slice_left = 0;
}

/* Time goes on with the code that runs: programs that only watch the clock see it move. */
static void after_slice(struct running *r)
{
    struct pgr_machine *m = r->m;
    nt_clock_advance(m->k, SLICE_BLOCKS / BLOCKS_PER_TICK);
    win_update_time(m->k, m->p);
}

static void engine_failed(struct running *r, const struct cpu_exit *x)
{
    r->status = err_set(r->e, PGR_E_STATE, "the CPU engine failed at 0x%llx: %s",
                        (unsigned long long)r->m->current->cpu.rip, x->message);
    r->done = true;
}

static void look_at_exit(struct running *r, const struct cpu_exit *x)
{
    struct pgr_machine *m = r->m;
    switch (x->kind) {
    case CPU_EXIT_SLICE:
        after_slice(r);
        break;
    case CPU_EXIT_BUDGET:
        finish(r, PGR_EXIT_INSTRUCTIONS, 0);
        break;
    case CPU_EXIT_FAILURE:
        engine_failed(r, x);
        break;
    default:
        break;
    }
    if (m->at_exit_address)
        finish(r, PGR_EXIT_ADDRESS, (uint32_t)m->current->cpu.gpr[X86_RAX]);
    else if (m->k->stop_requested)
        finish(r, PGR_EXIT_STRICT, 0);
    else if (!r->done && m->services >= m->stop_after)
        finish(r, PGR_EXIT_SERVICES, 0);
}

/*
 * Whether the run ended for a reason of ours, which the program must not notice: then the thread
 * goes on before any other, with what is left of its slice.
 */
static bool keeps_turn(struct running *r, const struct nt_thread *t, enum cpu_exit_kind kind)
{
    struct pgr_machine *m = r->m;
    bool ours = m->interrupted || kind == CPU_EXIT_STOP || kind == CPU_EXIT_BUDGET;
    if (!ours || t->state != NT_THREAD_RUNNING)
        return false;
    if (m->k->clock.host)
        return true;
    m->slice_left = m->slice_end - cpu_blocks(m->engine);
    if (!m->slice_left)
        after_slice(r);
    return m->slice_left;
}

static void run_thread(struct running *r, struct nt_thread *t)
{
    struct pgr_machine *m = r->m;
    struct cpu_exit x;
    uint64_t budget = 0;
    if (r->limits->instructions) {
        uint64_t used = cpu_instructions(m->engine) - m->budget_used;
        if (used >= r->limits->instructions) {
            finish(r, PGR_EXIT_INSTRUCTIONS, 0);
            return;
        }
        budget = r->limits->instructions - used;
    }
    nt_object_ref(&t->o); /* it may end while it runs */
    m->current = t;
    m->interrupted = false;
    set_slice(m, t);
    cpu_run(m->engine, &t->cpu, budget, &x);
    look_at_exit(r, &x);
    m->current = NULL;
    if (!keeps_turn(r, t, x.kind))
        nt_sched_yield(m->k, t);
    nt_object_unref(m->k, &t->o);
}

/* Everybody waits. Under the virtual clock time jumps to the next deadline; input from the host is
 * looked for first. */
/* Nobody runs: the time that passes shows in the page that programs read the clock from. */
static void pass_time(struct running *r, uint64_t ticks)
{
    nt_clock_advance(r->m->k, ticks);
    win_update_time(r->m->k, r->m->p);
}

static void idle_virtual(struct running *r)
{
    struct nt_kernel *k = r->m->k;
    uint64_t when, now = nt_now(k);
    bool timed = nt_sched_deadline(k, &when);
    bool host = nt_sched_poll_host(k, timed ? 0 : POLL_MS);
    if (nt_sched_others_ready(k, NULL))
        return;
    if (timed)
        pass_time(r, when > now ? when - now : 0);
    else if (!host)
        finish(r, PGR_EXIT_DEADLOCK, 0);
}

static void idle_host(struct running *r)
{
    struct nt_kernel *k = r->m->k;
    uint64_t when, now = nt_now(k);
    bool timed = nt_sched_deadline(k, &when);
    uint64_t ns = timed ? (when > now ? (when - now) * 100 : 0) : POLL_MS * 1000000ull;
    ns = MIN(ns, POLL_MS * 1000000ull);
    bool host = nt_sched_poll_host(k, (int)(ns / 1000000));
    if (!timed && !host) {
        finish(r, PGR_EXIT_DEADLOCK, 0);
    } else if (!host && ns) {
        struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        nanosleep(&ts, NULL);
    }
}

static struct nt_thread *next_thread(struct nt_kernel *k)
{
    if (!k->running)
        nt_sched_expire(k);
    nt_sched_poll_host(k, 0);
    return k->running ? nt_thread_get(k, k->running) : nt_sched_next(k);
}

static void step(struct running *r)
{
    struct pgr_machine *m = r->m;
    struct nt_kernel *k = m->k;
    if (m->p->ended) {
        finish(r, PGR_EXIT_PROCESS, m->p->exit_status);
        return;
    }
    if (m->stop_requested) {
        m->stop_requested = 0;
        finish(r, PGR_EXIT_STOPPED, 0);
        return;
    }
    if (timed_out(r)) {
        finish(r, PGR_EXIT_TIMEOUT, 0);
        return;
    }
    struct nt_thread *t = next_thread(k);
    if (t)
        run_thread(r, t);
    else if (k->clock.host)
        idle_host(r);
    else
        idle_virtual(r);
}

pgr_status pgr_machine_run(struct pgr_machine *m, const struct pgr_limits *limits,
                           struct pgr_exit *why, struct pgr_error *err)
{
    struct running r = {.m = m, .limits = limits, .why = why, .e = err};
    if (!m->p)
        return err_set(err, PGR_E_STATE, "the machine has no program yet");
    if (limits->instructions && !m->cfg.count)
        return err_set(err, PGR_E_ARGUMENT, "a limit on instructions needs a machine that counts");
    if (limits->timeout_ns)
        r.deadline = host_monotonic_ns() + limits->timeout_ns;
    m->stop_after = limits->services ? m->services + limits->services : UINT64_MAX;
    m->budget_used = cpu_instructions(m->engine);
    nt_lock(m->k);
    while (!r.done)
        step(&r);
    nt_unlock(m->k);
    return r.status;
}

void pgr_machine_stop(struct pgr_machine *m)
{
    m->stop_requested = 1;
    if (m->engine)
        cpu_stop(m->engine);
}
