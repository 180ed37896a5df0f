// SPDX-License-Identifier: GPL-2.0-or-later
/* Keyed events: a release meets a wait with the same key, whichever comes first. */
#include "nt/call.h"
#include "nt/ke/sched.h"

struct nt_keyed_event {
    struct nt_object o;
};

static void keyed_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void keyed_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
}

/* It can be waited for like other dispatcher objects, and is always signalled then. */
static bool keyed_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return true;
}

static ntstatus keyed_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_keyed_event = {
    .name = "KeyedEvent",
    .size = sizeof(struct nt_keyed_event),
    .generic = {0x20001, 0x20002, 0x20000, 0xf0003},
    .valid_access = 0x1f0003,
    .destroy = keyed_destroy,
    .transfer = keyed_transfer,
    .signaled = keyed_signaled,
    .satisfy = keyed_satisfy,
};

ntstatus nt_create_keyed_event(struct nt_call *c)
{
    const struct NtCreateKeyedEvent_args *a = nt_args(c);
    struct nt_object *o;
    return nt_create_handle(c, NT_TYPE_KEYED_EVENT, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                            a->KeyedEventHandle, &o);
}

ntstatus nt_open_keyed_event(struct nt_call *c)
{
    const struct NtOpenKeyedEvent_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_KEYED_EVENT, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->KeyedEventHandle);
}

/* Handle 0 is the process-wide nameless keyed event; its waits are told apart by process. */
static ntstatus meet(struct nt_call *c, uint64_t handle, uint64_t key, uint64_t alertable,
                     uint64_t timeout, enum nt_wait_kind mine, enum nt_wait_kind other)
{
    struct nt_object *o = &c->p->o;
    struct nt_sched *q = c->k->sched;
    ntstatus s = STATUS_SUCCESS;
    if (key & 1)
        return STATUS_INVALID_PARAMETER_1;
    if (handle)
        s = nt_handle_get(c, handle, NT_TYPE_KEYED_EVENT, mine == NT_WAIT_KEYED ? 1 : 2, &o);
    if (s)
        return s;
    for (size_t i = 0; i < q->waiters.len; i++) {
        struct nt_thread *t = nt_thread_get(c->k, q->waiters.data[i]);
        if (t->wait.kind == other && t->wait.key == key && t->wait.count &&
            t->wait.objects[0] == o->id && t->process == c->p->o.id) {
            nt_wait_end(c->k, t, STATUS_SUCCESS);
            return STATUS_SUCCESS;
        }
    }
    struct nt_wait w = {.kind = (uint8_t)mine, .alertable = alertable, .key = key, .count = 1};
    w.objects[0] = o->id;
    s = nt_wait_timeout(c, timeout, &w);
    return s ? s : nt_wait_begin(c, &w);
}

ntstatus nt_wait_for_keyed_event(struct nt_call *c)
{
    const struct NtWaitForKeyedEvent_args *a = nt_args(c);
    return meet(c, a->KeyedEventHandle, a->KeyValue, a->Alertable, a->Timeout, NT_WAIT_KEYED,
                NT_WAIT_KEYED_RELEASE);
}

ntstatus nt_release_keyed_event(struct nt_call *c)
{
    const struct NtReleaseKeyedEvent_args *a = nt_args(c);
    return meet(c, a->KeyedEventHandle, a->KeyValue, a->Alertable, a->Timeout,
                NT_WAIT_KEYED_RELEASE, NT_WAIT_KEYED);
}
