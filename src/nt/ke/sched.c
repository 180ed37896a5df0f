// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/io.h"
#include "nt/ke/sched.h"

#include <poll.h>

enum { QUEUE_MAX = 1 << 20 };

struct nt_sched *nt_sched_create(void)
{
    return xcalloc(1, sizeof(struct nt_sched));
}

void nt_sched_destroy(struct nt_kernel *k)
{
    vec_free(&k->sched->ready);
    vec_free(&k->sched->waiters);
    vec_free(&k->sched->timers);
    free(k->sched);
    k->sched = NULL;
}

static void transfer_queue(struct ser *s, nt_id **data, size_t *len, size_t *cap)
{
    ser_count(s, len, QUEUE_MAX);
    if (s->loading && *len > *cap)
        *data = vec_grow(*data, cap, *len, sizeof **data);
    for (size_t i = 0; i < *len; i++)
        SER(s, (*data)[i]);
}

void nt_sched_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_sched *q = k->sched;
    ser_tag(s, "SCHD");
    transfer_queue(s, &q->ready.data, &q->ready.len, &q->ready.cap);
    transfer_queue(s, &q->waiters.data, &q->waiters.len, &q->waiters.cap);
    transfer_queue(s, &q->timers.data, &q->timers.len, &q->timers.cap);
    SER(s, k->slice_services);
    SER(s, k->turn);
}

/* ---- After a load -------------------------------------------------------------------------------
 */

static bool wait_possible(struct nt_kernel *k, const struct nt_wait *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct nt_object *o = nt_object_get(k, w->objects[i], NT_TYPE_NONE);
        if (!o || !nt_types[o->type]->signaled)
            return false;
    }
    if (w->kind == NT_WAIT_COMPLETION || w->retry == NT_RETRY_COMPLETION)
        return w->count && w->retry == NT_RETRY_COMPLETION &&
               nt_object_get(k, w->objects[0], NT_TYPE_IO_COMPLETION);
    return w->retry != NT_RETRY_READ || w->count;
}

static void check_thread(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_thread *t = (struct nt_thread *)o;
    const struct nt_sched *q = k->sched;
    size_t queued = 0;
    for (size_t i = 0; i < q->waiters.len; i++)
        queued += q->waiters.data[i] == o->id;
    bool waits = t->state == NT_THREAD_WAITING, runs = t->state == NT_THREAD_RUNNING;
    if (t->state > NT_THREAD_ENDED || queued != waits || runs != (k->turn == o->id) ||
        (waits && !wait_possible(k, &t->wait)))
        ser_fail(ctx, "snapshot: thread %u is not in the state that the queues say", t->tid);
    if (t->state != NT_THREAD_ENDED && t->process != k->first_process)
        ser_fail(ctx, "snapshot: thread %u belongs to no process that runs", t->tid);
}

void nt_sched_settle(struct nt_kernel *k, struct ser *s)
{
    const struct nt_sched *q = k->sched;
    for (size_t i = 0; i < q->waiters.len && !s->failed; i++)
        if (!nt_thread_get(k, q->waiters.data[i]))
            ser_fail(s, "snapshot: %u waits and is no thread", q->waiters.data[i]);
    if (k->turn && !nt_thread_get(k, k->turn))
        ser_fail(s, "snapshot: %u runs and is no thread", k->turn);
    nt_object_each(k, NT_TYPE_THREAD, check_thread, s);
}

/* ---- Queues -------------------------------------------------------------------------------------
 */

void nt_thread_make_ready(struct nt_kernel *k, struct nt_thread *t)
{
    if (t->state == NT_THREAD_ENDED)
        return;
    t->state = NT_THREAD_READY;
    if (t->suspend_count)
        return;
    vec_push(&k->sched->ready, t->o.id);
    if (k->up.ready)
        k->up.ready(k);
}

void nt_sched_withdraw(struct nt_kernel *k, const struct nt_thread *t)
{
    struct nt_sched *q = k->sched;
    for (size_t i = q->ready.len; i-- > 0;)
        if (q->ready.data[i] == t->o.id)
            vec_remove(&q->ready, i);
}

struct nt_thread *nt_sched_next(struct nt_kernel *k)
{
    struct nt_sched *q = k->sched;
    size_t at = 0;
    while (at < q->ready.len) {
        struct nt_thread *t = nt_thread_get(k, q->ready.data[at]);
        if (t && t->holds) {
            at++;
            continue;
        }
        vec_remove(&q->ready, at);
        /* What a snapshot brought may be wrong. */
        if (!t || t->state != NT_THREAD_READY || t->suspend_count)
            continue;
        t->state = NT_THREAD_RUNNING;
        k->slice_services = 0;
        k->need_resched = false;
        return t;
    }
    return NULL;
}

void nt_sched_yield(struct nt_kernel *k, struct nt_thread *t)
{
    if (t->state == NT_THREAD_RUNNING)
        nt_thread_make_ready(k, t);
}

bool nt_sched_others_ready(struct nt_kernel *k, const struct nt_thread *t)
{
    for (size_t i = 0; i < k->sched->ready.len; i++) {
        const struct nt_thread *o = nt_thread_get(k, k->sched->ready.data[i]);
        if (o && o != t && o->state == NT_THREAD_READY && !o->suspend_count && !o->holds)
            return true;
    }
    return false;
}

bool nt_sched_deadline(struct nt_kernel *k, uint64_t *when)
{
    bool any = nt_timers_deadline(k, when);
    uint64_t io;
    if (nt_io_deadline(k, &io) && (!any || io < *when)) {
        *when = io;
        any = true;
    }
    for (size_t i = 0; i < k->sched->waiters.len; i++) {
        struct nt_thread *t = nt_thread_get(k, k->sched->waiters.data[i]);
        if (t->wait.has_deadline && (!any || t->wait.deadline < *when)) {
            *when = t->wait.deadline;
            any = true;
        }
    }
    return any;
}

/* The waiter that is due first: earlier deadlines wake earlier, whatever the order of waiting. */
static struct nt_thread *first_due(struct nt_kernel *k, uint64_t now)
{
    struct nt_thread *best = NULL;
    for (size_t i = 0; i < k->sched->waiters.len; i++) {
        struct nt_thread *t = nt_thread_get(k, k->sched->waiters.data[i]);
        if (t->wait.has_deadline && t->wait.deadline <= now &&
            (!best || t->wait.deadline < best->wait.deadline))
            best = t;
    }
    return best;
}

void nt_sched_expire(struct nt_kernel *k)
{
    uint64_t now = nt_now(k);
    struct nt_thread *t;
    nt_timers_expire(k);
    nt_io_expire(k);
    while ((t = first_due(k, now))) {
        /* Requests of io/ have a status of their own for it. */
        ntstatus s = t->wait.retry ? nt_wait_try(k, t) : NT_BLOCKED;
        if (s == NT_BLOCKED)
            s = t->wait.kind == NT_WAIT_DELAY ? STATUS_SUCCESS : STATUS_TIMEOUT;
        nt_wait_end(k, t, s);
    }
}

bool nt_sched_poll_host(struct nt_kernel *k, int timeout_ms)
{
    VEC(struct pollfd) fds = {0};
    VEC(nt_id) ids = {0};
    for (size_t i = 0; i < k->sched->waiters.len; i++) {
        struct nt_thread *t = nt_thread_get(k, k->sched->waiters.data[i]);
        if (t->wait.kind == NT_WAIT_HOST) {
            if (t->wait.host_fd < 0) /* at its end already */
                timeout_ms = 0;
            vec_push(&fds, (struct pollfd){.fd = t->wait.host_fd, .events = POLLIN});
            vec_push(&ids, t->o.id);
        }
    }
    bool any = fds.len > 0;
    if (any && (poll(fds.data, fds.len, timeout_ms) > 0 || !timeout_ms)) {
        for (size_t i = 0; i < fds.len; i++) {
            struct nt_thread *t = nt_thread_get(k, ids.data[i]);
            if ((!fds.data[i].revents && fds.data[i].fd >= 0) || !t ||
                t->state != NT_THREAD_WAITING)
                continue;
            ntstatus s = nt_wait_try(k, t);
            if (s != NT_BLOCKED)
                nt_wait_end(k, t, s);
        }
    }
    vec_free(&fds);
    vec_free(&ids);
    return any;
}
