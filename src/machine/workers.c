// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workers: host threads that run guest threads side by side, on engines that can. All of them work
 * under the kernel's lock, which the engine gives back while guest code runs.
 */
#include "base/hostio.h"
#include "machine/machine.h"
#include "nt/call.h"

#include <errno.h>
#include <time.h>

struct machine_worker *machine_worker_self(struct pgr_machine *m)
{
    pthread_t self = pthread_self();
    for (unsigned i = 1; i < m->worker_count; i++)
        if (pthread_equal(m->workers[i].id, self))
            return &m->workers[i];
    return &m->workers[0];
}

struct machine_worker *machine_worker_of(struct pgr_machine *m, const struct nt_thread *t)
{
    for (unsigned i = 0; i < m->worker_count; i++)
        if (m->workers[i].t == t)
            return &m->workers[i];
    return NULL;
}

void machine_unlock(void *ctx)
{
    struct pgr_machine *m = ctx;
    machine_worker_self(m)->in_guest = true;
    nt_unlock(m->k);
}

void machine_lock(void *ctx)
{
    struct pgr_machine *m = ctx;
    nt_lock(m->k);
    struct machine_worker *w = machine_worker_self(m);
    w->in_guest = false;
    if (w->t && w->t->holds)
        pthread_cond_broadcast(&m->stood);
}

static void wait_for(struct pgr_machine *m, pthread_cond_t *c, uint64_t ns)
{
    const uint64_t second = 1000000000;
    uint64_t due = host_monotonic_ns() + ns;
    struct timespec ts = {(time_t)(due / second), (long)(due % second)};
    pthread_cond_timedwait(c, &m->k->lock, &ts);
}

void machine_wait_changed(struct pgr_machine *m, uint64_t ns)
{
    m->idle++;
    wait_for(m, &m->changed, ns);
    m->idle--;
}

void machine_call_workers(struct pgr_machine *m)
{
    for (unsigned i = 0; i < m->worker_count; i++)
        if (m->workers[i].t)
            cpu_interrupt(m->engine, &m->workers[i].t->cpu);
    pthread_cond_broadcast(&m->changed);
}

/* ---- What the kernel asks ----------------------------------------------------------------------
 */

static void interrupt(struct nt_kernel *k, struct nt_thread *t)
{
    struct pgr_machine *m = k->up.sync_ctx;
    const struct machine_worker *w = machine_worker_of(m, t);
    if (w && w->in_guest)
        cpu_interrupt(m->engine, &t->cpu);
}

static bool stand_still(struct nt_kernel *k, struct nt_thread *t)
{
    struct pgr_machine *m = k->up.sync_ctx;
    struct machine_worker *w = machine_worker_of(m, t), *self = machine_worker_self(m);
    if (!w || !w->in_guest)
        return true;
    for (size_t i = 0; i < self->asked.len; i++)
        if (self->asked.data[i] == t)
            return false;
    vec_push(&self->asked, t);
    nt_object_ref(&t->o);
    t->holds++;
    cpu_interrupt(m->engine, &t->cpu);
    return false;
}

static bool all_stand(struct pgr_machine *m, const struct machine_worker *self)
{
    for (size_t i = 0; i < self->asked.len; i++) {
        const struct machine_worker *w = machine_worker_of(m, self->asked.data[i]);
        if (w && w->in_guest)
            return false;
    }
    return true;
}

static void await(struct nt_kernel *k)
{
    enum { AGAIN_NS = 10000000 }; /* an interrupt is never lost; this is only a second look */
    struct pgr_machine *m = k->up.sync_ctx;
    struct machine_worker *self = machine_worker_self(m);
    while (!all_stand(m, self)) {
        wait_for(m, &m->stood, AGAIN_NS);
        for (size_t i = 0; i < self->asked.len; i++)
            interrupt(k, self->asked.data[i]);
    }
}

static void let_go(struct nt_kernel *k)
{
    struct pgr_machine *m = k->up.sync_ctx;
    struct machine_worker *self = machine_worker_self(m);
    for (size_t i = 0; i < self->asked.len; i++) {
        self->asked.data[i]->holds--;
        nt_object_unref(k, &self->asked.data[i]->o);
    }
    self->asked.len = 0;
    pthread_cond_broadcast(&m->changed);
}

/* A worker for a thread that became ready: one that idles, or a new one. */
static void ready(struct nt_kernel *k)
{
    struct pgr_machine *m = k->up.sync_ctx;
    if (m->idle) {
        pthread_cond_signal(&m->changed);
        return;
    }
    if (!m->run || machine_run_is_over(m) || m->worker_count == m->worker_limit || !m->workers[0].t)
        return;
    struct machine_worker *w = &m->workers[m->worker_count];
    *w = (struct machine_worker){.m = m, .asked.data = w->asked.data, .asked.cap = w->asked.cap};
    sigset_t all, old;
    sigfillset(&all); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&w->id, NULL, machine_worker_main, w) == 0)
        m->worker_count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void machine_connect_workers(struct pgr_machine *m)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_cond_init(&m->stood, &attr);
    pthread_condattr_destroy(&attr);
    m->worker_count = m->worker_limit = 1;
    m->workers[0].m = m;
    m->k->up.interrupt = interrupt;
    m->k->up.stand_still = stand_still;
    m->k->up.await = await;
    m->k->up.let_go = let_go;
    m->k->up.ready = ready;
}
