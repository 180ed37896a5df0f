// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/io/io.h"
#include "nt/ke/sync.h"

#include <stdio.h>

enum { APCS_MAX = 1 << 16 };

static void thread_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_thread *t = (struct nt_thread *)o;
    nt_id_unref(k, t->token);
    nt_id_unref(k, t->process);
    free(t->apcs);
    free(t->description);
}

static void transfer_apcs(struct ser *s, struct nt_thread *t)
{
    ser_count(s, &t->apc_len, APCS_MAX);
    if (s->loading && t->apc_len)
        t->apcs = vec_grow(NULL, &t->apc_cap, t->apc_len, sizeof *t->apcs);
    for (size_t i = 0; i < t->apc_len; i++) {
        SER(s, t->apcs[i].routine);
        ser_raw(s, t->apcs[i].arg, sizeof t->apcs[i].arg);
        SER(s, t->apcs[i].kind);
    }
}

/* Only a thread that waits holds what it waits for. */
static void transfer_wait(struct nt_kernel *k, struct ser *s, struct nt_wait *w, bool waits)
{
    SER(s, w->kind);
    SER(s, w->all);
    SER(s, w->alertable);
    SER(s, w->has_deadline);
    SER(s, w->count);
    if (s->loading && w->count > NT_WAIT_MAX) {
        ser_fail(s, "snapshot: a wait for %u objects", w->count);
        w->count = 0;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        SER(s, w->objects[i]);
        if (waits)
            nt_id_claim(k, s, w->objects[i], NT_TYPE_NONE, NT_CLAIM_WAIT);
    }
    SER(s, w->deadline);
    SER(s, w->key);
    ser_raw(s, w->arg, sizeof w->arg);
    SER(s, w->retry);
    if (s->loading) {
        w->host_fd = -1; /* io/ opens its own */
        if (w->kind > NT_WAIT_HOST || w->retry >= NT_RETRY_COUNT)
            ser_fail(s, "snapshot: a wait of unknown kind %u, %u", w->kind, w->retry);
    }
}

/* Selectors that user mode cannot have would fault inside the engine. */
static bool selectors_valid(const struct x86_state *st)
{
    const uint16_t data[] = {st->ss, st->ds, st->es, st->fs, st->gs};
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        if (data[i] > 3 && data[i] != X86_SEL_DATA && data[i] != X86_SEL_TEB32 &&
            data[i] != X86_SEL_CODE32 && data[i] != X86_SEL_CODE64)
            return false;
    return st->cs == X86_SEL_CODE32 || st->cs == X86_SEL_CODE64;
}

static void transfer_cpu(struct ser *s, struct x86_state *st)
{
    ser_raw(s, st->gpr, sizeof st->gpr);
    SER(s, st->rip);
    SER(s, st->rflags);
    uint16_t *selectors[] = {&st->cs, &st->ss, &st->ds, &st->es, &st->fs, &st->gs};
    for (size_t i = 0; i < ARRAY_LEN(selectors); i++)
        SER(s, *selectors[i]);
    SER(s, st->fs_base);
    SER(s, st->gs_base);
    ser_raw(s, st->dr, sizeof st->dr);
    ser_raw(s, st->fx, sizeof st->fx);
    SER(s, st->ext.in_use);
    if (st->ext.in_use)
        ser_raw(s, (uint8_t *)&st->ext + sizeof st->ext.in_use,
                sizeof st->ext - sizeof st->ext.in_use);
    if (s->loading && (st->ext.in_use & ~(uint64_t)X86_XF_EXT))
        ser_fail(s, "snapshot: a thread with registers that no processor has");
    if (s->loading && !selectors_valid(st))
        ser_fail(s, "snapshot: a thread with selectors that user mode cannot have");
}

static void thread_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_thread *t = (struct nt_thread *)o;
    SER(s, t->tid);
    nt_id_transfer(k, s, &t->process, NT_TYPE_PROCESS);
    transfer_cpu(s, &t->cpu);
    SER(s, t->state);
    SER(s, t->suspend_count);
    SER(s, t->alerted);
    SER(s, t->alerted_by_id);
    SER(s, t->hide_from_debugger);
    SER(s, t->impersonating);
    SER(s, t->base_priority);
    SER(s, t->priority);
    SER(s, t->affinity);
    SER(s, t->teb);
    SER(s, t->stack_base);
    SER(s, t->stack_limit);
    SER(s, t->stack_region);
    SER(s, t->foreign_stack);
    SER(s, t->start_address);
    SER(s, t->start_parameter);
    SER(s, t->exit_status);
    transfer_wait(k, s, &t->wait, t->state == NT_THREAD_WAITING);
    transfer_apcs(s, t);
    SER(s, t->created);
    SER(s, t->ended);
    SER(s, t->services);
    nt_id_transfer(k, s, &t->token, NT_TYPE_TOKEN);
    ser_utf16(s, &t->description, &t->description_len, 0x8000);
    SER(s, t->blocked_service);
    ser_raw(s, t->blocked_args, sizeof t->blocked_args);
    SER(s, t->blocked_caller);
}

static bool thread_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_thread *)o)->state == NT_THREAD_ENDED;
}

static ntstatus thread_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

static size_t thread_describe(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    int n = snprintf(out, size, "%u", ((struct nt_thread *)o)->tid);
    return n < 0 ? 0 : (size_t)n;
}

const struct nt_type nt_type_thread = {
    .name = "Thread",
    .size = sizeof(struct nt_thread),
    .generic = {0x20048, 0x20437, 0x121800, 0x1fffff},
    .valid_access = 0x1fffff,
    .destroy = thread_destroy,
    .transfer = thread_transfer,
    .signaled = thread_signaled,
    .satisfy = thread_satisfy,
    .describe = thread_describe,
};

void nt_thread_suspend(struct nt_kernel *k, struct nt_thread *t)
{
    t->suspend_count++;
    if (t->state == NT_THREAD_READY)
        nt_sched_withdraw(k, t);
    if (t->state == NT_THREAD_RUNNING)
        k->need_resched = true;
    if (t->state == NT_THREAD_RUNNING && k->up.interrupt)
        k->up.interrupt(k, t);
}

void nt_thread_resume(struct nt_kernel *k, struct nt_thread *t)
{
    if (t->suspend_count && --t->suspend_count == 0 && t->state == NT_THREAD_READY)
        nt_thread_make_ready(k, t);
}

ntstatus nt_thread_create(struct nt_kernel *k, struct nt_process *p, uint64_t start,
                          uint64_t parameter, uint64_t stack_reserve, uint64_t stack_commit,
                          bool suspended, struct nt_thread **out)
{
    struct nt_thread *t = nt_object_new(k, NT_TYPE_THREAD);
    t->tid = k->next_client_id;
    k->next_client_id += 4;
    t->process = p->o.id;
    nt_object_ref(&p->o);
    t->start_address = start;
    t->start_parameter = parameter;
    t->exit_status = STATUS_PENDING;
    t->base_priority = t->priority = 8;
    t->affinity = p->affinity;
    t->created = nt_system_time(k);
    ntstatus s = k->up.thread_start(k, t, stack_reserve, stack_commit);
    if (s) {
        t->state = NT_THREAD_ENDED;
        nt_object_unref(k, &t->o);
        return s;
    }
    p->thread_count++;
    t->suspend_count = suspended;
    nt_object_ref(&t->o); /* a thread keeps itself until it ends */
    nt_thread_make_ready(k, t);
    NT_TELL(k, thread, t, true);
    *out = t;
    return STATUS_SUCCESS;
}

void nt_thread_end(struct nt_kernel *k, struct nt_thread *t, ntstatus status)
{
    struct nt_process *p = nt_process_get(k, t->process);
    if (t->state == NT_THREAD_ENDED)
        return;
    nt_wait_cancel(k, t);
    nt_sched_withdraw(k, t);
    t->state = NT_THREAD_ENDED;
    nt_io_thread_gone(k, t);
    t->exit_status = status;
    t->ended = nt_system_time(k);
    if (k->up.interrupt)
        k->up.interrupt(k, t);
    nt_mutants_abandon(k, t);
    k->up.thread_stop(k, t);
    NT_TELL(k, thread, t, false);
    bool last = --p->thread_count == 0;
    nt_signal(k, &t->o);
    if (last && !p->ending)
        nt_process_end(k, p, status);
    nt_object_unref(k, &t->o);
}
