// SPDX-License-Identifier: GPL-2.0-or-later
/* Debug objects: programs make and query them; nothing is attached to one, so none has events. */
#include "nt/call.h"

struct nt_debug {
    struct nt_object o;
    uint32_t flags;
};

enum { DEBUG_KILL_ON_CLOSE = 1, DebugObjectKillProcessOnExitInformation = 1 };

static void debug_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void debug_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    SER(s, ((struct nt_debug *)o)->flags);
}

static bool debug_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return false;
}

static ntstatus debug_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_debug = {
    .name = "DebugObject",
    .size = sizeof(struct nt_debug),
    .generic = {0x20001, 0x20002, 0x120000, 0x1f000f},
    .valid_access = 0x1f000f,
    .destroy = debug_destroy,
    .transfer = debug_transfer,
    .signaled = debug_signaled,
    .satisfy = debug_satisfy,
};

ntstatus nt_create_debug_object(struct nt_call *c)
{
    const struct NtCreateDebugObject_args *a = nt_args(c);
    struct nt_debug *d;
    if (a->Flags & ~(uint64_t)DEBUG_KILL_ON_CLOSE)
        return nt_zero_handle(c, a->DebugObjectHandle, STATUS_INVALID_PARAMETER);
    ntstatus s = nt_create_handle(c, NT_TYPE_DEBUG, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                                  a->DebugObjectHandle, &d);
    if (s == STATUS_SUCCESS)
        d->flags = (uint32_t)a->Flags;
    return s;
}

ntstatus nt_set_information_debug_object(struct nt_call *c)
{
    const struct NtSetInformationDebugObject_args *a = nt_args(c);
    struct nt_debug *d;
    uint32_t flags;
    ntstatus s = STATUS_SUCCESS;
    if (a->DebugObjectInformationClass != DebugObjectKillProcessOnExitInformation)
        s = STATUS_INVALID_PARAMETER;
    else if (a->DebugInformationLength != sizeof flags)
        s = STATUS_INFO_LENGTH_MISMATCH;
    if (a->ReturnLength) {
        ntstatus w = nt_put_u32(c, a->ReturnLength, s == STATUS_INFO_LENGTH_MISMATCH ? 4 : 0);
        s = w ? w : s;
    }
    if (!s)
        s = nt_get_u32(c, a->DebugInformation, &flags);
    if (!s && flags & ~(uint32_t)DEBUG_KILL_ON_CLOSE)
        s = STATUS_INVALID_PARAMETER;
    if (!s)
        s = nt_handle_get(c, a->DebugObjectHandle, NT_TYPE_DEBUG, 2, &d);
    if (!s)
        d->flags = flags;
    return s;
}
