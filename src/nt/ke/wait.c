// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sched.h"

ntstatus nt_wait_timeout(struct nt_call *c, uint64_t timeout_ptr, struct nt_wait *w)
{
    uint64_t raw;
    w->has_deadline = timeout_ptr != 0;
    if (!timeout_ptr)
        return STATUS_SUCCESS;
    ntstatus s = nt_get_u64(c, timeout_ptr, &raw);
    if (s)
        return s;
    int64_t v = (int64_t)raw;
    uint64_t now = nt_now(c->k);
    if (v == INT64_MAX || v == INT64_MIN) {
        w->has_deadline = false; /* how kernelbase spells INFINITE */
    } else if (v <= 0) {
        uint64_t by = (uint64_t)-v;
        w->deadline = now > UINT64_MAX - by ? UINT64_MAX : now + by;
    } else {
        uint64_t boot = c->k->clock.boot_system;
        w->deadline = raw > boot ? raw - boot : 0;
    }
    return STATUS_SUCCESS;
}

static struct nt_object *waited(struct nt_kernel *k, const struct nt_wait *w, size_t i)
{
    return nt_object_get(k, w->objects[i], NT_TYPE_NONE);
}

static ntstatus try_any(struct nt_kernel *k, struct nt_thread *t, const struct nt_wait *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct nt_object *o = waited(k, w, i);
        if (!nt_types[o->type]->signaled(k, o, t))
            continue;
        ntstatus s = nt_types[o->type]->satisfy(k, o, t);
        return nt_error(s) ? s : (s == STATUS_ABANDONED ? STATUS_ABANDONED_WAIT_0 : 0) + i;
    }
    return NT_BLOCKED;
}

static ntstatus try_all(struct nt_kernel *k, struct nt_thread *t, const struct nt_wait *w)
{
    ntstatus result = STATUS_SUCCESS;
    for (uint32_t i = 0; i < w->count; i++) {
        struct nt_object *o = waited(k, w, i);
        if (!nt_types[o->type]->signaled(k, o, t))
            return NT_BLOCKED;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        struct nt_object *o = waited(k, w, i);
        ntstatus s = nt_types[o->type]->satisfy(k, o, t);
        if (s)
            result = nt_error(s) ? s : STATUS_ABANDONED_WAIT_0;
    }
    return result;
}

ntstatus nt_wait_try(struct nt_kernel *k, struct nt_thread *t)
{
    const struct nt_wait *w = &t->wait;
    if (w->retry)
        return nt_wait_retries[w->retry](k, t);
    if (w->kind != NT_WAIT_OBJECTS || !w->count)
        return NT_BLOCKED;
    return w->all ? try_all(k, t, w) : try_any(k, t, w);
}

bool nt_apc_deliver(struct nt_kernel *k, struct nt_thread *t, ntstatus status)
{
    if (!t->apc_len)
        return false;
    struct nt_apc apc = t->apcs[0];
    t->apc_len--;
    memmove(t->apcs, t->apcs + 1, t->apc_len * sizeof *t->apcs);
    t->cpu.gpr[X86_RAX] = status;
    return k->up.apc(k, t, &apc);
}

static void begin(struct nt_kernel *k, struct nt_thread *t)
{
    for (uint32_t i = 0; i < t->wait.count; i++) {
        struct nt_object *o = waited(k, &t->wait, i);
        nt_object_ref(o);
        o->waiters++;
    }
    t->state = NT_THREAD_WAITING;
    vec_push(&k->sched->waiters, t->o.id);
}

ntstatus nt_wait_begin(struct nt_call *c, const struct nt_wait *w)
{
    struct nt_thread *t = c->t;
    t->wait = *w;
    ntstatus s = nt_wait_try(c->k, t);
    if (s != NT_BLOCKED)
        return s;
    if (w->alertable && t->alerted) {
        t->alerted = false;
        return STATUS_ALERTED;
    }
    if (w->alertable && t->apc_len) {
        nt_remember_call(c);
        nt_report_return(c->k, t, STATUS_USER_APC);
        return nt_apc_deliver(c->k, t, STATUS_USER_APC) ? NT_BLOCKED : STATUS_USER_APC;
    }
    if (w->has_deadline && w->deadline <= nt_now(c->k))
        return w->kind == NT_WAIT_DELAY ? STATUS_SUCCESS : STATUS_TIMEOUT;
    begin(c->k, t);
    return NT_BLOCKED;
}

static void leave(struct nt_kernel *k, struct nt_thread *t)
{
    for (size_t i = 0; i < k->sched->waiters.len; i++) {
        if (k->sched->waiters.data[i] == t->o.id) {
            vec_remove(&k->sched->waiters, i);
            break;
        }
    }
    uint32_t n = t->wait.count;
    t->wait.count = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct nt_object *o = waited(k, &t->wait, i);
        o->waiters--;
        nt_object_unref(k, o);
    }
}

void nt_wait_end(struct nt_kernel *k, struct nt_thread *t, ntstatus status)
{
    BUG_ON(t->state != NT_THREAD_WAITING);
    leave(k, t);
    t->cpu.gpr[X86_RAX] = status;
    nt_thread_make_ready(k, t);
    if (k->on_service || k->on_service_leave)
        nt_report_return(k, t, status);
}

void nt_wait_cancel(struct nt_kernel *k, struct nt_thread *t)
{
    if (t->state == NT_THREAD_WAITING)
        leave(k, t);
}

/* Whether o ends t's wait matters only to those that name it. */
static bool waits_for(const struct nt_thread *t, nt_id id)
{
    for (uint32_t i = 0; i < t->wait.count; i++)
        if (t->wait.objects[i] == id)
            return true;
    return false;
}

void nt_signal(struct nt_kernel *k, struct nt_object *o)
{
    nt_id id = o->id;
    if (!o->waiters)
        return;
    for (size_t i = 0; i < k->sched->waiters.len;) {
        struct nt_thread *t = nt_thread_get(k, k->sched->waiters.data[i]);
        ntstatus s = waits_for(t, id) ? nt_wait_try(k, t) : NT_BLOCKED;
        if (s == NT_BLOCKED) {
            i++;
            continue;
        }
        nt_wait_end(k, t, s);
        /* Ending one wait can end others (a mutant's owner changed): look again from the start. */
        i = 0;
    }
}

void nt_apc_queue(struct nt_kernel *k, struct nt_thread *t, const struct nt_apc *apc)
{
    if (t->apc_len == t->apc_cap)
        t->apcs = vec_grow(t->apcs, &t->apc_cap, t->apc_len + 1, sizeof *t->apcs);
    t->apcs[t->apc_len++] = *apc;
    if (t->state == NT_THREAD_WAITING && t->wait.alertable) {
        nt_wait_end(k, t, STATUS_USER_APC);
        nt_apc_deliver(k, t, STATUS_USER_APC);
    }
}
