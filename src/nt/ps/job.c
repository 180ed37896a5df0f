// SPDX-License-Identifier: GPL-2.0-or-later
/* Job objects: membership and limits are kept and told; limits are not enforced. */
#include "nt/call.h"

#include <string.h>

struct nt_job {
    struct nt_object o;
    uint32_t total;        /* processes ever assigned */
    uint8_t extended[144]; /* the guest's JOBOBJECT_EXTENDED_LIMIT_INFORMATION */
    uint32_t ui_restrictions;
};

static void job_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void job_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_job *j = (struct nt_job *)o;
    SER(s, j->total);
    ser_raw(s, j->extended, sizeof j->extended);
    SER(s, j->ui_restrictions);
}

static bool job_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return false; /* only a time limit would signal it */
}

static ntstatus job_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_job = {
    .name = "Job",
    .size = sizeof(struct nt_job),
    .generic = {0x20004, 0x2000b, 0x120000, 0x1f003f},
    .valid_access = 0x1f003f,
    .destroy = job_destroy,
    .transfer = job_transfer,
    .signaled = job_signaled,
    .satisfy = job_satisfy,
};

enum {
    JobObjectBasicAccountingInformation = 1,
    JobObjectBasicLimitInformation = 2,
    JobObjectBasicProcessIdList = 3,
    JobObjectBasicUIRestrictions = 4,
    JobObjectAssociateCompletionPortInformation = 7,
    JobObjectBasicAndIoAccountingInformation = 8,
    JobObjectExtendedLimitInformation = 9,
    ACCOUNTING_SIZE = 48,
    ACCOUNTING_TOTAL = 36,
    ACCOUNTING_ACTIVE = 40
};

static uint32_t extended_size(const struct nt_call *c)
{
    return nt_ptr_size(c) == 4 ? 112 : 144;
}

static uint32_t basic_size(const struct nt_call *c)
{
    return nt_ptr_size(c) == 4 ? 48 : 64;
}

ntstatus nt_create_job_object(struct nt_call *c)
{
    const struct NtCreateJobObject_args *a = nt_args(c);
    struct nt_object *o;
    return nt_create_handle(c, NT_TYPE_JOB, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                            a->JobHandle, &o);
}

ntstatus nt_open_job_object(struct nt_call *c)
{
    const struct NtOpenJobObject_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_JOB, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->JobHandle);
}

ntstatus nt_assign_process_to_job_object(struct nt_call *c)
{
    const struct NtAssignProcessToJobObject_args *a = nt_args(c);
    struct nt_job *j;
    struct nt_process *p;
    ntstatus s = nt_handle_get(c, a->JobHandle, NT_TYPE_JOB, 1, &j);
    if (!s)
        s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0x101, &p);
    if (s)
        return s;
    nt_object_ref(&j->o);
    nt_id_unref(c->k, p->job);
    p->job = j->o.id;
    j->total++;
    return STATUS_SUCCESS;
}

ntstatus nt_is_process_in_job(struct nt_call *c)
{
    const struct NtIsProcessInJob_args *a = nt_args(c);
    struct nt_process *p;
    struct nt_job *j = NULL;
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0, &p);
    if (!s && a->JobHandle)
        s = nt_handle_get(c, a->JobHandle, NT_TYPE_JOB, 4, &j);
    if (s)
        return s;
    bool in = j ? p->job == j->o.id : p->job != 0;
    return in ? STATUS_PROCESS_IN_JOB : STATUS_PROCESS_NOT_IN_JOB;
}

ntstatus nt_query_information_job_object(struct nt_call *c)
{
    const struct NtQueryInformationJobObject_args *a = nt_args(c);
    uint64_t id = c->p->job;
    struct nt_job *j = nt_object_get(c->k, c->p->job, NT_TYPE_JOB);
    uint8_t accounting[ACCOUNTING_SIZE + 48] = {0};
    ntstatus s = STATUS_SUCCESS;
    if (a->JobHandle)
        s = nt_handle_get(c, a->JobHandle, NT_TYPE_JOB, 4, &j);
    else if (!id)
        s = STATUS_INVALID_HANDLE;
    if (s)
        return s;
    uint64_t out = a->JobObjectInformation;
    uint32_t len = (uint32_t)a->JobObjectInformationLength, active = c->p->job == j->o.id;
    switch (a->JobObjectInformationClass) {
    case JobObjectBasicAccountingInformation:
    case JobObjectBasicAndIoAccountingInformation:
        memcpy(accounting + ACCOUNTING_TOTAL, &j->total, 4);
        memcpy(accounting + ACCOUNTING_ACTIVE, &active, 4);
        return nt_return_info(c, out, len, a->ReturnLength, accounting,
                              a->JobObjectInformationClass == JobObjectBasicAccountingInformation
                                  ? (size_t)ACCOUNTING_SIZE
                                  : sizeof accounting);
    case JobObjectBasicLimitInformation:
        return nt_return_info(c, out, len, a->ReturnLength, j->extended, basic_size(c));
    case JobObjectExtendedLimitInformation:
        return nt_return_info(c, out, len, a->ReturnLength, j->extended, extended_size(c));
    case JobObjectBasicProcessIdList: {
        uint64_t list[2] = {active | (uint64_t)active << 32, active ? c->p->pid : 0};
        return nt_return_info(c, out, len, a->ReturnLength, list, 8 + nt_ptr_size(c));
    }
    default:
        return nt_unknown_class(c, (uint32_t)a->JobObjectInformationClass);
    }
}

ntstatus nt_set_information_job_object(struct nt_call *c)
{
    const struct NtSetInformationJobObject_args *a = nt_args(c);
    struct nt_job *j;
    uint32_t len = (uint32_t)a->JobObjectInformationLength;
    ntstatus s = nt_handle_get(c, a->JobHandle, NT_TYPE_JOB, 2, &j);
    if (s)
        return s;
    switch (a->JobObjectInformationClass) {
    case JobObjectBasicLimitInformation:
        return len == basic_size(c) ? nt_read(c, a->JobObjectInformation, j->extended, len)
                                    : STATUS_INVALID_PARAMETER;
    case JobObjectExtendedLimitInformation:
        return len == extended_size(c) ? nt_read(c, a->JobObjectInformation, j->extended, len)
                                       : STATUS_INVALID_PARAMETER;
    case JobObjectBasicUIRestrictions:
        return len == 4 ? nt_get_u32(c, a->JobObjectInformation, &j->ui_restrictions)
                        : STATUS_INVALID_PARAMETER;
    case JobObjectAssociateCompletionPortInformation:
        return STATUS_SUCCESS;
    default:
        return nt_unknown_class(c, (uint32_t)a->JobObjectInformationClass);
    }
}

ntstatus nt_terminate_job_object(struct nt_call *c)
{
    const struct NtTerminateJobObject_args *a = nt_args(c);
    struct nt_job *j;
    ntstatus s = nt_handle_get(c, a->JobHandle, NT_TYPE_JOB, 8, &j);
    if (s || c->p->job != j->o.id)
        return s;
    nt_process_end(c->k, c->p, (ntstatus)a->ExitStatus);
    return NT_BLOCKED;
}
