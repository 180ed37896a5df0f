// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sched.h"

struct nt_timer {
    struct nt_object o;
    bool manual, set, running;
    uint64_t due;    /* nt_now() */
    uint32_t period; /* ms, 0: once */
    nt_id thread;    /* whom to send the APC; no reference, a stale id finds nobody */
    uint64_t routine, context;
};

enum { TIMER_QUERY_STATE = 1, TIMER_MODIFY_STATE = 2, TICKS_PER_MS = 10000 };

static void timer_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void timer_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_timer *m = (struct nt_timer *)o;
    SER(s, m->manual);
    SER(s, m->set);
    SER(s, m->running);
    SER(s, m->due);
    SER(s, m->period);
    SER(s, m->thread);
    SER(s, m->routine);
    SER(s, m->context);
}

static bool timer_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_timer *)o)->set;
}

static ntstatus timer_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    struct nt_timer *m = (struct nt_timer *)o;
    if (!m->manual)
        m->set = false;
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_timer = {
    .name = "Timer",
    .size = sizeof(struct nt_timer),
    .generic = {0x20001, 0x20002, 0x120000, 0x1f0003},
    .valid_access = 0x1f0003,
    .destroy = timer_destroy,
    .transfer = timer_transfer,
    .signaled = timer_signaled,
    .satisfy = timer_satisfy,
};

static void stop(struct nt_kernel *k, struct nt_timer *m)
{
    m->running = false;
    for (size_t i = 0; i < k->sched->timers.len; i++) {
        if (k->sched->timers.data[i] == m->o.id) {
            vec_remove(&k->sched->timers, i);
            return;
        }
    }
}

static struct nt_timer *running_timer(struct nt_kernel *k, size_t i)
{
    return nt_object_get(k, k->sched->timers.data[i], NT_TYPE_TIMER);
}

static void expire(struct nt_kernel *k, struct nt_timer *m)
{
    m->set = true;
    if (m->period)
        m->due += (uint64_t)m->period * TICKS_PER_MS;
    else
        stop(k, m);
    struct nt_thread *t = m->thread ? nt_thread_get(k, m->thread) : NULL;
    if (t && m->routine) {
        uint64_t due = k->clock.boot_system + m->due;
        struct nt_apc apc = {.routine = m->routine,
                             .arg = {m->context, due & 0xffffffff, due >> 32}};
        nt_apc_queue(k, t, &apc);
    }
    nt_signal(k, &m->o);
}

static struct nt_timer *first(struct nt_kernel *k)
{
    struct nt_timer *best = NULL;
    for (size_t i = 0; i < k->sched->timers.len;) {
        struct nt_timer *m = running_timer(k, i);
        if (!m) { /* its last handle was closed while it ran */
            vec_remove(&k->sched->timers, i);
            continue;
        }
        if (!best || m->due < best->due)
            best = m;
        i++;
    }
    return best;
}

void nt_timers_expire(struct nt_kernel *k)
{
    uint64_t now = nt_now(k);
    struct nt_timer *m;
    /* Bounded: a periodic timer that is far behind catches up over several calls. */
    for (int i = 0; i < 1000 && (m = first(k)) && m->due <= now; i++)
        expire(k, m);
}

bool nt_timers_deadline(struct nt_kernel *k, uint64_t *when)
{
    struct nt_timer *m = first(k);
    if (m)
        *when = m->due;
    return m != NULL;
}

ntstatus nt_create_timer(struct nt_call *c)
{
    const struct NtCreateTimer_args *a = nt_args(c);
    struct nt_timer *m;
    if (a->TimerType > 1)
        return nt_zero_handle(c, a->TimerHandle, STATUS_INVALID_PARAMETER);
    ntstatus s = nt_create_handle(c, NT_TYPE_TIMER, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                                  a->TimerHandle, &m);
    if (s == STATUS_SUCCESS)
        m->manual = a->TimerType == 0;
    return s;
}

ntstatus nt_open_timer(struct nt_call *c)
{
    const struct NtOpenTimer_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_TIMER, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->TimerHandle);
}

ntstatus nt_set_timer(struct nt_call *c)
{
    const struct NtSetTimer_args *a = nt_args(c);
    struct nt_timer *m;
    struct nt_wait due;
    ntstatus s = nt_handle_get(c, a->TimerHandle, NT_TYPE_TIMER, TIMER_MODIFY_STATE, &m);
    if (s)
        return s;
    if ((int32_t)a->Period < 0)
        return STATUS_INVALID_PARAMETER;
    if (!a->DueTime)
        return STATUS_ACCESS_VIOLATION;
    s = nt_wait_timeout(c, a->DueTime, &due);
    if (!s && a->PreviousState)
        s = nt_put_u8(c, a->PreviousState, m->set);
    if (s)
        return s;
    stop(c->k, m);
    m->set = false;
    m->due = due.has_deadline ? due.deadline : UINT64_MAX;
    m->period = (uint32_t)a->Period;
    m->routine = a->TimerApcRoutine;
    m->context = a->TimerContext;
    m->thread = a->TimerApcRoutine ? c->t->o.id : 0;
    m->running = true;
    vec_push(&c->k->sched->timers, m->o.id);
    nt_timers_expire(c->k);
    return a->ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

ntstatus nt_cancel_timer(struct nt_call *c)
{
    const struct NtCancelTimer_args *a = nt_args(c);
    struct nt_timer *m;
    ntstatus s = nt_handle_get(c, a->TimerHandle, NT_TYPE_TIMER, TIMER_MODIFY_STATE, &m);
    if (s)
        return s;
    stop(c->k, m);
    return a->CurrentState ? nt_put_u8(c, a->CurrentState, m->set) : STATUS_SUCCESS;
}

ntstatus nt_query_timer(struct nt_call *c)
{
    const struct NtQueryTimer_args *a = nt_args(c);
    struct nt_timer *m;
    struct {
        int64_t remaining;
        uint8_t set, pad[7];
    } info = {0};
    if (a->TimerInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (a->TimerInformationLength < sizeof info)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_handle_get(c, a->TimerHandle, NT_TYPE_TIMER, TIMER_QUERY_STATE, &m);
    if (s)
        return s;
    /* A timer that does not run tells, as a negative number, when it was due. */
    uint64_t now = nt_now(c->k);
    info.remaining = m->running && !m->set ? (int64_t)(m->due - now)
                                           : -(int64_t)(c->k->clock.boot_system + m->due);
    info.set = m->set;
    return nt_return_info(c, a->TimerInformation, (uint32_t)a->TimerInformationLength,
                          a->ReturnLength, &info, sizeof info);
}
