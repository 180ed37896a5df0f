// SPDX-License-Identifier: GPL-2.0-or-later
/* Alerts: the old per-thread flag, and the alert by thread id on which critical sections, SRW
 * locks, condition variables and WaitOnAddress of today's ntdll are built. */
#include "nt/call.h"
#include "nt/ke/sched.h"

struct finding {
    uint32_t tid;
    struct nt_thread *t;
};

static void match(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct finding *f = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->tid == f->tid && t->state != NT_THREAD_ENDED)
        f->t = t;
}

struct nt_thread *nt_thread_by_tid(struct nt_kernel *k, uint32_t tid)
{
    struct finding f = {.tid = tid};
    nt_object_each(k, NT_TYPE_THREAD, match, &f);
    return f.t;
}

ntstatus nt_alert_thread_by_thread_id(struct nt_call *c)
{
    const struct NtAlertThreadByThreadId_args *a = nt_args(c);
    struct nt_thread *t = nt_thread_by_tid(c->k, (uint32_t)a->ThreadId);
    if (!t)
        return STATUS_INVALID_CID;
    if (t->process != c->p->o.id)
        return STATUS_ACCESS_DENIED;
    if (t->state == NT_THREAD_WAITING && t->wait.kind == NT_WAIT_ALERT)
        nt_wait_end(c->k, t, STATUS_ALERTED);
    else
        t->alerted_by_id = true;
    return STATUS_SUCCESS;
}

ntstatus nt_wait_for_alert_by_thread_id(struct nt_call *c)
{
    const struct NtWaitForAlertByThreadId_args *a = nt_args(c);
    struct nt_wait w = {.kind = NT_WAIT_ALERT};
    if (c->t->alerted_by_id) {
        c->t->alerted_by_id = false;
        return STATUS_ALERTED;
    }
    ntstatus s = nt_wait_timeout(c, a->Timeout, &w);
    return s ? s : nt_wait_begin(c, &w);
}

static void alert(struct nt_kernel *k, struct nt_thread *t)
{
    if (t->state == NT_THREAD_WAITING && t->wait.alertable)
        nt_wait_end(k, t, STATUS_ALERTED);
    else
        t->alerted = true;
}

ntstatus nt_alert_thread(struct nt_call *c)
{
    const struct NtAlertThread_args *a = nt_args(c);
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 4, &t);
    if (!s)
        alert(c->k, t);
    return s;
}

ntstatus nt_alert_resume_thread(struct nt_call *c)
{
    const struct NtAlertResumeThread_args *a = nt_args(c);
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 2, &t);
    if (s)
        return s;
    uint32_t previous = t->suspend_count;
    alert(c->k, t);
    nt_thread_resume(c->k, t);
    return a->PreviousSuspendCount ? nt_put_u32(c, a->PreviousSuspendCount, previous)
                                   : STATUS_SUCCESS;
}

ntstatus nt_test_alert(struct nt_call *c)
{
    if (c->t->alerted) {
        c->t->alerted = false;
        return STATUS_ALERTED;
    }
    if (!c->t->apc_len)
        return STATUS_SUCCESS;
    nt_remember_call(c);
    nt_report_return(c->k, c->t, STATUS_SUCCESS);
    return nt_apc_deliver(c->k, c->t, STATUS_SUCCESS) ? NT_BLOCKED : STATUS_SUCCESS;
}
