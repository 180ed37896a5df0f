// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine's loop: choose a thread, run it, wait when all wait. */
#include "base/bits.h"
#include "base/hostio.h"
#include "machine/events.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/win.h"

#include <time.h>

enum {
    SLICE_BLOCKS = 100000, /* deterministic slices: blocks of code */
    BLOCKS_PER_TICK = 50,  /* and how they move the virtual clock: 2 ns each */
    SLICE_HOST_US = 10000, /* else by the host's time; the clock page is brought up to date, too */
    POLL_MS = 50,
    SHARE_POLL_MS = 2 /* how often a worker looks at host descriptors while others run */
};
#define MS_NS 1000000ull

struct machine_run {
    struct pgr_machine *m;
    const struct pgr_limits *limits;
    struct pgr_exit *why;
    struct pgr_error *e;
    uint64_t deadline; /* host_monotonic_ns, 0: none */
    bool done;
    pgr_status status;
};

static void finish(struct machine_run *r, enum pgr_exit_kind kind, uint32_t code)
{
    if (r->done)
        return; /* another worker had a reason before */
    *r->why = (struct pgr_exit){kind, code};
    r->done = true;
}

static bool timed_out(const struct machine_run *r)
{
    return r->deadline && host_monotonic_ns() >= r->deadline;
}

static void begin_slice(struct pgr_machine *m, uint64_t blocks)
{
    m->slice_end = cpu_blocks(m->engine) + blocks;
    cpu_set_slice(m->engine, blocks);
}

/* Under the virtual clock slices are counted in blocks, so that runs repeat. */
static void set_slice(struct pgr_machine *m)
{
    if (m->k->clock.host)
        cpu_set_slice(m->engine, SLICE_HOST_US);
    else
        begin_slice(m, m->slice_left ? m->slice_left : SLICE_BLOCKS);
    m->slice_left = 0;
}

/* Time goes on with the code that runs: programs that only watch the clock see it move. */
static void after_slice(struct machine_run *r)
{
    struct pgr_machine *m = r->m;
    nt_clock_advance(m->k, SLICE_BLOCKS / BLOCKS_PER_TICK);
    win_update_time(m->k, m->p);
}

static void engine_failed(struct machine_run *r, const struct nt_thread *t,
                          const struct cpu_exit *x)
{
    if (machine_replace_engine(r->m, x->message))
        return;
    if (!r->done)
        r->status = err_set(r->e, PGR_E_STATE, "the CPU engine failed at 0x%llx: %s",
                            (unsigned long long)t->cpu.rip, x->message);
    r->done = true;
}

static void look_at_exit(struct machine_run *r, const struct nt_thread *t, const struct cpu_exit *x)
{
    struct pgr_machine *m = r->m;
    m->unproven &= x->kind == CPU_EXIT_FAILURE;
    switch (x->kind) {
    case CPU_EXIT_SLICE:
        after_slice(r);
        break;
    case CPU_EXIT_FAILURE:
        engine_failed(r, t, x);
        break;
    default:
        break;
    }
    if (m->at_exit_address)
        finish(r, PGR_EXIT_ADDRESS, (uint32_t)t->cpu.gpr[X86_RAX]);
    else if (m->k->stop_requested)
        finish(r, PGR_EXIT_STRICT, 0);
    else if (!r->done && m->services >= m->stop_after)
        finish(r, PGR_EXIT_SERVICES, 0);
}

/*
 * Whether the run ended for a reason of ours, which the program must not notice: then the thread
 * goes on before any other, with what is left of its slice.
 */
static bool keeps_turn(struct machine_run *r, const struct machine_worker *w,
                       enum cpu_exit_kind kind)
{
    struct pgr_machine *m = r->m;
    const struct nt_thread *t = w->t;
    bool ours = w->interrupted || kind == CPU_EXIT_STOP || kind == CPU_EXIT_BUDGET;
    if (!ours || m->worker_limit > 1 || nt_thread_must_stop(t))
        return false;
    if (m->k->clock.host)
        return true;
    m->slice_left = m->slice_end - cpu_blocks(m->engine);
    if (!m->slice_left)
        after_slice(r);
    return m->slice_left;
}

/* The nearer of the user's limit and the point at which another engine takes over. False: one of
 * them is here. */
static bool get_budget(struct machine_run *r, uint64_t *budget)
{
    struct pgr_machine *m = r->m;
    uint64_t point;
    *budget = 0;
    if (r->limits->instructions) {
        uint64_t used = pgr_machine_instructions(m) - m->budget_used;
        if (used >= r->limits->instructions) {
            finish(r, PGR_EXIT_INSTRUCTIONS, 0);
            return false;
        }
        *budget = r->limits->instructions - used;
    }
    if (machine_point_count(m, &point))
        *budget = *budget ? MIN(*budget, point) : point;
    return !m->handover;
}

static void run_thread(struct machine_run *r, struct machine_worker *w, struct nt_thread *t)
{
    struct pgr_machine *m = r->m;
    struct cpu_exit x;
    uint64_t budget;
    if (!get_budget(r, &budget)) {
        m->k->turn = t->o.id;
        return;
    }
    nt_object_ref(&t->o); /* it may end while it runs */
    w->t = t;
    w->interrupted = false;
    win_update_time(m->k, m->p); /* it may have slept */
    set_slice(m);
    cpu_run(m->engine, &t->cpu, budget, &x);
    if (w->point && !machine_at_point(w))
        x.kind = CPU_EXIT_SERVICE; /* it waits, or it is another's turn */
    look_at_exit(r, t, &x);
    if (keeps_turn(r, w, x.kind))
        m->k->turn = t->o.id;
    else
        nt_sched_yield(m->k, t);
    w->t = NULL;
    nt_object_unref(m->k, &t->o);
}

/* Nobody runs: the time that passes shows in the page that programs read the clock from. */
static void pass_time(struct machine_run *r, uint64_t ticks)
{
    nt_clock_advance(r->m->k, ticks);
    win_update_time(r->m->k, r->m->p);
}

/* Everybody waits. Under the virtual clock time jumps to the next deadline; input from the host is
 * looked for first. */
static void idle_virtual(struct machine_run *r)
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

static uint64_t until_deadline(struct nt_kernel *k, bool *timed)
{
    uint64_t when, now = nt_now(k);
    *timed = nt_sched_deadline(k, &when);
    if (!*timed)
        return POLL_MS * MS_NS;
    return when > now ? MIN((when - now) * 100, POLL_MS * MS_NS) : 0;
}

static void idle_host(struct machine_run *r)
{
    struct nt_kernel *k = r->m->k;
    bool timed;
    uint64_t ns = until_deadline(k, &timed);
    bool host = nt_sched_poll_host(k, (int)(ns / MS_NS));
    if (!timed && !host) {
        finish(r, PGR_EXIT_DEADLOCK, 0);
    } else if (!host && ns) {
        struct timespec ts = {0, (long)ns};
        nanosleep(&ts, NULL);
    }
}

static bool others_run(const struct machine_run *r, const struct machine_worker *self)
{
    for (unsigned i = 0; i < r->m->worker_count; i++)
        if (&r->m->workers[i] != self && r->m->workers[i].t)
            return true;
    return false;
}

/* Nothing is ready for this worker. What others do may change that, else it is for the first. */
static void idle(struct machine_run *r, struct machine_worker *w)
{
    struct pgr_machine *m = r->m;
    bool timed;
    if (w != &m->workers[0] && !others_run(r, w)) {
        machine_wait_changed(m, POLL_MS * MS_NS);
    } else if (others_run(r, w)) {
        uint64_t ns = until_deadline(m->k, &timed);
        if (nt_sched_poll_host(m->k, 0))
            ns = MIN(ns, SHARE_POLL_MS * MS_NS);
        if (ns && !nt_sched_others_ready(m->k, NULL))
            machine_wait_changed(m, ns);
    } else if (m->k->clock.host) {
        idle_host(r);
    } else {
        idle_virtual(r);
    }
}

static struct nt_thread *next_thread(struct nt_kernel *k)
{
    nt_id turn = k->turn;
    k->turn = 0;
    if (!turn)
        nt_sched_expire(k);
    nt_sched_poll_host(k, 0);
    return turn ? nt_thread_get(k, turn) : nt_sched_next(k);
}

/* Reasons to end the run that have nothing to do with a thread. */
static bool over(struct machine_run *r)
{
    struct pgr_machine *m = r->m;
    if (m->p->ended) {
        finish(r, PGR_EXIT_PROCESS, m->p->exit_status);
    } else if (m->stop_requested) {
        m->stop_requested = 0;
        finish(r, PGR_EXIT_STOPPED, 0);
    } else if (timed_out(r)) {
        finish(r, PGR_EXIT_TIMEOUT, 0);
    }
    return r->done;
}

/* The last one out changes engines. */
static void hand_over(struct machine_run *r, const struct machine_worker *w)
{
    if (others_run(r, w)) {
        machine_wait_changed(r->m, POLL_MS * MS_NS);
        return;
    }
    pgr_status s = machine_hand_over(r->m, r->e);
    if (s && !r->done) {
        r->status = s;
        r->done = true;
    }
    machine_call_workers(r->m);
}

static void work(struct machine_run *r, struct machine_worker *w)
{
    while (!r->done && !over(r)) {
        struct nt_thread *t = NULL;
        NT_TELL(r->m->k, tick);
        if (r->m->handover) {
            hand_over(r, w);
            continue;
        }
        if (w < &r->m->workers[r->m->worker_limit])
            t = next_thread(r->m->k);
        if (t)
            run_thread(r, w, t);
        else
            idle(r, w);
    }
    machine_call_workers(r->m); /* they see that it is over, and come too */
}

bool machine_run_is_over(const struct pgr_machine *m)
{
    return m->run->done;
}

void *machine_worker_main(void *worker)
{
    struct machine_worker *w = worker;
    nt_lock(w->m->k);
    work(w->m->run, w);
    nt_unlock(w->m->k);
    return NULL;
}

static void dismiss_workers(struct pgr_machine *m)
{
    unsigned n = m->worker_count; /* further ones are not made when a run is over */
    nt_unlock(m->k);
    for (unsigned i = 1; i < n; i++)
        pthread_join(m->workers[i].id, NULL);
    m->worker_count = 1;
    m->run = NULL;
}

pgr_status pgr_machine_run(struct pgr_machine *m, const struct pgr_limits *limits,
                           struct pgr_exit *why, struct pgr_error *err)
{
    struct machine_run r = {.m = m, .limits = limits, .why = why, .e = err};
    if (!m->p)
        return err_set(err, PGR_E_STATE, "the machine has no program yet");
    if (limits->instructions && !m->cfg.count)
        return err_set(err, PGR_E_ARGUMENT, "a limit on instructions needs a machine that counts");
    if (limits->timeout_ns)
        r.deadline = host_monotonic_ns() + limits->timeout_ns;
    m->stop_after = limits->services ? m->services + limits->services : UINT64_MAX;
    m->budget_used = pgr_machine_instructions(m);
    nt_lock(m->k);
    if (m->hooks)
        hooks_begin(m->hooks, m->p);
    events_begin(m);
    m->begun = true;
    m->run = &r;
    work(&r, &m->workers[0]);
    dismiss_workers(m);
    return r.status;
}

void pgr_machine_stop(struct pgr_machine *m)
{
    m->stop_requested = 1;
    m->stoppers++;
    struct cpu_engine *engine = m->engine;
    if (engine)
        cpu_stop(engine);
    m->stoppers--;
}
