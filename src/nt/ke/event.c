// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sync.h"

struct nt_event {
    struct nt_object o;
    bool manual, set;
};

enum { EVENT_QUERY_STATE = 1, EVENT_MODIFY_STATE = 2 };

static void event_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void event_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_event *e = (struct nt_event *)o;
    SER(s, e->manual);
    SER(s, e->set);
}

static bool event_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_event *)o)->set;
}

static ntstatus event_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    struct nt_event *e = (struct nt_event *)o;
    if (!e->manual)
        e->set = false;
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_event = {
    .name = "Event",
    .size = sizeof(struct nt_event),
    .generic = {0x20001, 0x20002, 0x120000, 0x1f0003},
    .valid_access = 0x1f0003,
    .destroy = event_destroy,
    .transfer = event_transfer,
    .signaled = event_signaled,
    .satisfy = event_satisfy,
};

static struct nt_event *event_get(struct nt_kernel *k, nt_id id)
{
    return nt_object_get(k, id, NT_TYPE_EVENT);
}

nt_id nt_event_new(struct nt_kernel *k, bool manual, bool set)
{
    struct nt_event *e = nt_object_new(k, NT_TYPE_EVENT);
    e->manual = manual;
    e->set = set;
    return e->o.id;
}

ntstatus nt_event_set(struct nt_kernel *k, nt_id event)
{
    struct nt_event *e = event_get(k, event);
    if (!e)
        return STATUS_INVALID_HANDLE;
    e->set = true;
    nt_signal(k, &e->o);
    return STATUS_SUCCESS;
}

void nt_event_reset(struct nt_kernel *k, nt_id event)
{
    struct nt_event *e = event_get(k, event);
    if (e)
        e->set = false;
}

bool nt_event_is_set(struct nt_kernel *k, nt_id event)
{
    struct nt_event *e = event_get(k, event);
    return e && e->set;
}

ntstatus nt_create_event(struct nt_call *c)
{
    const struct NtCreateEvent_args *a = nt_args(c);
    struct nt_event *e;
    if (a->EventType > 1)
        return nt_zero_handle(c, a->EventHandle, STATUS_INVALID_PARAMETER);
    ntstatus s = nt_create_handle(c, NT_TYPE_EVENT, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                                  a->EventHandle, &e);
    if (s == STATUS_SUCCESS) {
        e->manual = a->EventType == 0;
        e->set = a->InitialState & 1;
    }
    return s;
}

ntstatus nt_open_event(struct nt_call *c)
{
    const struct NtOpenEvent_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_EVENT, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->EventHandle);
}

/* All the state changes have one shape: handle in, previous state out. */
static ntstatus change(struct nt_call *c, uint64_t handle, uint64_t previous, bool set, bool reset)
{
    struct nt_event *e;
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_EVENT, EVENT_MODIFY_STATE, &e);
    if (!s && previous)
        s = nt_put_u32(c, previous, e->set);
    if (s)
        return s;
    if (set) {
        e->set = true;
        nt_signal(c->k, &e->o);
    }
    if (reset)
        e->set = false;
    return STATUS_SUCCESS;
}

ntstatus nt_set_event(struct nt_call *c)
{
    const struct NtSetEvent_args *a = nt_args(c);
    return change(c, a->EventHandle, a->PreviousState, true, false);
}

ntstatus nt_reset_event(struct nt_call *c)
{
    const struct NtResetEvent_args *a = nt_args(c);
    return change(c, a->EventHandle, a->PreviousState, false, true);
}

ntstatus nt_clear_event(struct nt_call *c)
{
    const struct NtClearEvent_args *a = nt_args(c);
    return change(c, a->EventHandle, 0, false, true);
}

ntstatus nt_pulse_event(struct nt_call *c)
{
    const struct NtPulseEvent_args *a = nt_args(c);
    return change(c, a->EventHandle, a->PreviousState, true, true);
}

ntstatus nt_query_event(struct nt_call *c)
{
    const struct NtQueryEvent_args *a = nt_args(c);
    struct nt_event *e;
    if (a->EventInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (a->EventInformationLength != 8)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_handle_get(c, a->EventHandle, NT_TYPE_EVENT, EVENT_QUERY_STATE, &e);
    if (s)
        return s;
    uint32_t info[2] = {e->manual ? 0 : 1, e->set};
    return nt_return_info(c, a->EventInformation, (uint32_t)a->EventInformationLength,
                          a->ReturnLength, info, sizeof info);
}
