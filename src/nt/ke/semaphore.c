// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sync.h"

struct nt_semaphore {
    struct nt_object o;
    uint32_t count, limit;
};

static void semaphore_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void semaphore_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_semaphore *m = (struct nt_semaphore *)o;
    SER(s, m->count);
    SER(s, m->limit);
}

static bool semaphore_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_semaphore *)o)->count > 0;
}

static ntstatus semaphore_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    ((struct nt_semaphore *)o)->count--;
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_semaphore = {
    .name = "Semaphore",
    .size = sizeof(struct nt_semaphore),
    .generic = {0x20001, 0x20002, 0x120000, 0x1f0003},
    .valid_access = 0x1f0003,
    .destroy = semaphore_destroy,
    .transfer = semaphore_transfer,
    .signaled = semaphore_signaled,
    .satisfy = semaphore_satisfy,
};

ntstatus nt_create_semaphore(struct nt_call *c)
{
    const struct NtCreateSemaphore_args *a = nt_args(c);
    struct nt_semaphore *m;
    int32_t initial = (int32_t)a->InitialCount, limit = (int32_t)a->MaximumCount;
    if (limit <= 0 || initial < 0 || initial > limit)
        return nt_zero_handle(c, a->SemaphoreHandle, STATUS_INVALID_PARAMETER);
    ntstatus s = nt_create_handle(c, NT_TYPE_SEMAPHORE, a->ObjectAttributes,
                                  (uint32_t)a->DesiredAccess, a->SemaphoreHandle, &m);
    if (s == STATUS_SUCCESS) {
        m->count = (uint32_t)initial;
        m->limit = (uint32_t)limit;
    }
    return s;
}

ntstatus nt_open_semaphore(struct nt_call *c)
{
    const struct NtOpenSemaphore_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_SEMAPHORE, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->SemaphoreHandle);
}

ntstatus nt_semaphore_release(struct nt_kernel *k, nt_id id, uint32_t by, uint32_t *previous)
{
    struct nt_semaphore *m = nt_object_get(k, id, NT_TYPE_SEMAPHORE);
    if (!m)
        return STATUS_INVALID_HANDLE;
    if (by > m->limit - m->count)
        return STATUS_SEMAPHORE_LIMIT_EXCEEDED;
    if (previous)
        *previous = m->count;
    m->count += by;
    nt_signal(k, &m->o);
    return STATUS_SUCCESS;
}

ntstatus nt_release_semaphore(struct nt_call *c)
{
    const struct NtReleaseSemaphore_args *a = nt_args(c);
    struct nt_semaphore *m;
    uint32_t previous = 0;
    if ((int32_t)a->ReleaseCount <= 0)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_handle_get(c, a->SemaphoreHandle, NT_TYPE_SEMAPHORE, 2, &m);
    if (!s)
        s = nt_semaphore_release(c->k, m->o.id, (uint32_t)a->ReleaseCount, &previous);
    if (!s && a->PreviousCount)
        s = nt_put_u32(c, a->PreviousCount, previous);
    return s;
}

ntstatus nt_query_semaphore(struct nt_call *c)
{
    const struct NtQuerySemaphore_args *a = nt_args(c);
    struct nt_semaphore *m;
    if (a->SemaphoreInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (a->SemaphoreInformationLength != 8)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_handle_get(c, a->SemaphoreHandle, NT_TYPE_SEMAPHORE, 1, &m);
    if (s)
        return s;
    uint32_t info[2] = {m->count, m->limit};
    return nt_return_info(c, a->SemaphoreInformation, (uint32_t)a->SemaphoreInformationLength,
                          a->ReturnLength, info, sizeof info);
}
