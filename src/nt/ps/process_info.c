// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "mem/space.h"
#include "nt/call.h"
#include "nt/mm/mm.h"
#include "nt/structs.h"

enum process_info_class {
    ProcessBasicInformation = 0,
    ProcessQuotaLimits = 1,
    ProcessIoCounters = 2,
    ProcessVmCounters = 3,
    ProcessTimes = 4,
    ProcessBasePriority = 5,
    ProcessDebugPort = 7,
    ProcessDefaultHardErrorMode = 12,
    ProcessPriorityClass = 18,
    ProcessHandleCount = 20,
    ProcessAffinityMask = 21,
    ProcessPriorityBoost = 22,
    ProcessSessionInformation = 24,
    ProcessWow64Information = 26,
    ProcessImageFileName = 27,
    ProcessBreakOnTermination = 29,
    ProcessDebugObjectHandle = 30,
    ProcessDebugFlags = 31,
    ProcessIoPriority = 33,
    ProcessExecuteFlags = 34,
    ProcessTlsInformation = 35,
    ProcessCookie = 36,
    ProcessImageInformation = 37,
    ProcessPagePriority = 39,
    ProcessInstrumentationCallback = 40,
    ProcessThreadStackAllocation = 41,
    ProcessImageFileNameWin32 = 43,
    ProcessGroupInformation = 47,
    ProcessConsoleHostProcess = 49,
    ProcessMitigationPolicy = 52,
    ProcessFaultInformation = 63,
    ProcessPowerThrottlingState = 77
};

#define FIELDS_PROCESS_BASIC_INFORMATION(F, S)                                                     \
    F(S, U32, ExitStatus, 1)                                                                       \
    F(S, PTR, PebBaseAddress, 1)                                                                   \
    F(S, PTR, AffinityMask, 1)                                                                     \
    F(S, U32, BasePriority, 1) F(S, PTR, UniqueProcessId, 1) F(S, PTR, Parent, 1)
LAYOUT_STRUCT(PROCESS_BASIC_INFORMATION);
LAYOUT_DEFINE(PROCESS_BASIC_INFORMATION);

#define FIELDS_VM_COUNTERS_EX(F, S)                                                                \
    F(S, PTR, PeakVirtualSize, 1)                                                                  \
    F(S, PTR, VirtualSize, 1)                                                                      \
    F(S, U32, PageFaultCount, 1)                                                                   \
    F(S, PTR, PeakWorkingSetSize, 1)                                                               \
    F(S, PTR, WorkingSetSize, 1)                                                                   \
    F(S, PTR, Quotas, 4)                                                                           \
    F(S, PTR, PagefileUsage, 1) F(S, PTR, PeakPagefileUsage, 1) F(S, PTR, PrivateUsage, 1)
LAYOUT_STRUCT(VM_COUNTERS_EX);
LAYOUT_DEFINE(VM_COUNTERS_EX);

#define FIELDS_QUOTA_LIMITS(F, S)                                                                  \
    F(S, PTR, PagedPoolLimit, 1)                                                                   \
    F(S, PTR, NonPagedPoolLimit, 1)                                                                \
    F(S, PTR, MinimumWorkingSetSize, 1)                                                            \
    F(S, PTR, MaximumWorkingSetSize, 1) F(S, PTR, PagefileLimit, 1) F(S, U64, TimeLimit, 1)
LAYOUT_STRUCT(QUOTA_LIMITS);
LAYOUT_DEFINE(QUOTA_LIMITS);

struct query {
    struct nt_call *c;
    const struct NtQueryInformationProcess_args *a;
    struct nt_process *p;
};

static ntstatus give(const struct query *q, const void *data, size_t size)
{
    return nt_return_info(q->c, q->a->ProcessInformation, (uint32_t)q->a->ProcessInformationLength,
                          q->a->ReturnLength, data, size);
}

static ntstatus give_u32(const struct query *q, uint32_t v)
{
    if (q->a->ProcessInformationLength != sizeof v)
        return STATUS_INFO_LENGTH_MISMATCH;
    return give(q, &v, sizeof v);
}

static ntstatus give_ptr(const struct query *q, uint64_t v)
{
    if (q->a->ProcessInformationLength != nt_ptr_size(q->c))
        return STATUS_INFO_LENGTH_MISMATCH;
    return give(q, &v, nt_ptr_size(q->c));
}

static ntstatus give_layout(const struct query *q, const struct layout *l, const void *host)
{
    return nt_return_layout(q->c, q->a->ProcessInformation,
                            (uint32_t)q->a->ProcessInformationLength, q->a->ReturnLength, l, host);
}

static ntstatus basic(const struct query *q)
{
    const struct nt_process *p = q->p;
    struct PROCESS_BASIC_INFORMATION info = {
        .ExitStatus = p->ended ? p->exit_status : STATUS_PENDING,
        .PebBaseAddress = p->peb,
        .AffinityMask = p->affinity,
        .BasePriority = 8,
        .UniqueProcessId = p->pid,
        .Parent = p->parent_pid,
    };
    if (q->a->ProcessInformationLength >
        layout_size(&layout_PROCESS_BASIC_INFORMATION, nt_ptr_size(q->c)))
        return STATUS_INFO_LENGTH_MISMATCH;
    return give_layout(q, &layout_PROCESS_BASIC_INFORMATION, &info);
}

static ntstatus vm_counters(const struct query *q)
{
    struct mem_stats m;
    mem_get_stats(q->p->mem, &m);
    struct VM_COUNTERS_EX v = {
        .PeakVirtualSize = m.reserved,
        .VirtualSize = m.reserved,
        .PageFaultCount = (uint32_t)(m.resident / MEM_PAGE),
        .PeakWorkingSetSize = m.resident,
        .WorkingSetSize = m.resident,
        .PagefileUsage = m.committed,
        .PeakPagefileUsage = m.committed,
        .PrivateUsage = m.committed,
    };
    uint8_t out[sizeof v];
    unsigned ptr = nt_ptr_size(q->c);
    size_t full = layout_size(&layout_VM_COUNTERS_EX, ptr), len = q->a->ProcessInformationLength;
    layout_put(&layout_VM_COUNTERS_EX, ptr, &v, out);
    return give(q, out, len >= full ? full : full - ptr);
}

static ntstatus image_name(const struct query *q, bool win32)
{
    static const uint16_t device[] = u"\\Device\\HarddiskVolume1";
    const struct nt_process *p = q->p;
    size_t skip = 4; /* "\??\" */
    size_t prefix = win32 ? 0 : sizeof device / 2 - 1;
    const uint16_t *path = p->image_path;
    if (!win32)
        skip += 2; /* "C:" */
    if (!path || p->image_path_len < skip)
        return STATUS_INVALID_PARAMETER;
    size_t units = prefix + p->image_path_len - skip;
    size_t header = layout_size(&layout_UNICODE_STRING, nt_ptr_size(q->c));
    size_t need = header + units * 2 + 2;
    uint8_t *out = xcalloc(1, need);
    struct UNICODE_STRING us = {(uint16_t)(units * 2), (uint16_t)(units * 2 + 2),
                                q->a->ProcessInformation + header};
    layout_put(&layout_UNICODE_STRING, nt_ptr_size(q->c), &us, out);
    memcpy(out + header, device, prefix * 2);
    memcpy(out + header + prefix * 2, path + skip, (p->image_path_len - skip) * 2);
    ntstatus s = give(q, out, need);
    free(out);
    return s;
}

static ntstatus times(const struct query *q)
{
    uint64_t used = nt_now(q->c->k);
    uint64_t v[4] = {q->p->created, q->p->ended_at, 0, used};
    return give(q, v, sizeof v);
}

static ntstatus quota(const struct query *q)
{
    struct QUOTA_LIMITS v = {.PagedPoolLimit = UINT64_MAX,
                             .NonPagedPoolLimit = UINT64_MAX,
                             .MinimumWorkingSetSize = 50 << 12,
                             .MaximumWorkingSetSize = 345 << 12,
                             .PagefileLimit = UINT64_MAX,
                             .TimeLimit = UINT64_MAX};
    return give_layout(q, &layout_QUOTA_LIMITS, &v);
}

static ntstatus mitigation(const struct query *q)
{
    uint32_t policy[2];
    if (q->a->ProcessInformationLength != sizeof policy)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_read(q->c, q->a->ProcessInformation, policy, sizeof policy);
    if (s)
        return s;
    policy[1] = policy[0] == 0 ? 3 : 0; /* DEP is on and stays on; nothing else is enforced */
    return nt_write(q->c, q->a->ProcessInformation, policy, sizeof policy);
}

static uint32_t open_handles(const struct nt_process *p)
{
    uint32_t n = 0;
    for (size_t i = 0; i < p->handles.len; i++)
        n += p->handles.data[i].object != 0;
    return n;
}

static ntstatus query_more(const struct query *q)
{
    static const uint8_t zero[48];
    switch (q->a->ProcessInformationClass) {
    case ProcessIoCounters:
        return give(q, zero, 48);
    case ProcessDebugPort:
        return give_ptr(q, 0);
    case ProcessDebugObjectHandle: {
        ntstatus s = give_ptr(q, 0);
        return s ? s : STATUS_PORT_NOT_SET;
    }
    case ProcessDebugFlags:
        return give_u32(q, 1);
    case ProcessDefaultHardErrorMode:
        return give_u32(q, q->p->error_mode);
    case ProcessPriorityClass: {
        uint8_t v[2] = {0, (uint8_t)q->p->priority_class};
        return q->a->ProcessInformationLength < 2 ? STATUS_INFO_LENGTH_MISMATCH : give(q, v, 2);
    }
    case ProcessHandleCount:
        return give_u32(q, open_handles(q->p));
    case ProcessAffinityMask:
        return give_ptr(q, q->p->affinity);
    case ProcessPriorityBoost:
    case ProcessBreakOnTermination:
        return give_u32(q, 0);
    case ProcessSessionInformation:
        return give_u32(q, 1);
    case ProcessWow64Information:
        return give_ptr(q, 0);
    case ProcessIoPriority:
        return give_u32(q, 2);
    case ProcessPagePriority:
        return give_u32(q, 5);
    case ProcessExecuteFlags:
        return give_u32(q, q->p->execute_flags);
    case ProcessCookie:
        return q->p == q->c->p ? give_u32(q, (uint32_t)q->p->cookie) : STATUS_INVALID_PARAMETER;
    case ProcessConsoleHostProcess:
        return give_ptr(q, 0);
    case ProcessGroupInformation: {
        uint16_t group = 0;
        return give(q, &group, sizeof group);
    }
    default:
        return nt_unknown_class(q->c, (uint32_t)q->a->ProcessInformationClass);
    }
}

ntstatus nt_query_information_process(struct nt_call *c)
{
    const struct NtQueryInformationProcess_args *a = nt_args(c);
    struct query q = {.c = c, .a = a};
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0, &q.p);
    if (s)
        return s;
    switch (a->ProcessInformationClass) {
    case ProcessBasicInformation:
        return basic(&q);
    case ProcessVmCounters:
        return vm_counters(&q);
    case ProcessTimes:
        return times(&q);
    case ProcessQuotaLimits:
        return quota(&q);
    case ProcessImageFileName:
        return image_name(&q, false);
    case ProcessImageFileNameWin32:
        return image_name(&q, true);
    case ProcessImageInformation:
        return nt_query_image_information(c, q.p, a->ProcessInformation,
                                          (uint32_t)a->ProcessInformationLength, a->ReturnLength);
    case ProcessMitigationPolicy:
        return mitigation(&q);
    default:
        return query_more(&q);
    }
}

static ntstatus set_u32(struct nt_call *c, uint64_t va, uint32_t len, uint32_t *out)
{
    return len == sizeof *out ? nt_get_u32(c, va, out) : STATUS_INVALID_PARAMETER;
}

static ntstatus set_priority_class(struct nt_call *c, struct nt_process *p, uint64_t va,
                                   uint32_t len)
{
    uint8_t v[2];
    if (len != sizeof v)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read(c, va, v, sizeof v);
    if (!s)
        p->priority_class = v[1];
    return s;
}

static ntstatus set_affinity(struct nt_call *c, struct nt_process *p, uint64_t va, uint32_t len)
{
    uint64_t mask;
    if (len != nt_ptr_size(c))
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_get_ptr(c, va, &mask);
    if (s)
        return s;
    if (!mask || mask & ~p->affinity)
        return STATUS_INVALID_PARAMETER;
    p->affinity = mask;
    return STATUS_SUCCESS;
}

static ntstatus set_execute_flags(struct nt_call *c, struct nt_process *p, uint64_t va,
                                  uint32_t len)
{
    enum { MEM_EXECUTE_OPTION_PERMANENT = 8 };
    if (p->ptr_size == 8) /* there is no choice */
        return STATUS_INVALID_PARAMETER;
    return p->execute_flags & MEM_EXECUTE_OPTION_PERMANENT ? STATUS_ACCESS_DENIED
                                                           : set_u32(c, va, len, &p->execute_flags);
}

/* Asks the kernel for stack memory: {flags, size, bits, base, …}; the caller's layout is the same
 * for both widths but for pointers. */
static ntstatus allocate_stack(struct nt_call *c, struct nt_process *p, uint64_t va, uint32_t len)
{
    unsigned ptr = nt_ptr_size(c);
    /* Ex form: PreferredNode, Reserved0..2, then {ReserveSize, ZeroBits, StackBase}. */
    uint64_t at = len >= 3 * ptr + 16 ? va + 16 : va, size, zero_bits, base = 0;
    struct mem_place place = {0};
    if (len < 3 * ptr)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_get_ptr(c, at, &size);
    if (!s)
        s = nt_get_ptr(c, at + ptr, &zero_bits);
    if (!s)
        s = mm_zero_bits(p, zero_bits, STATUS_INVALID_PARAMETER_3, &place.highest);
    if (!s)
        s = mem_reserve(p->mem, &base, &size, PAGE_READWRITE, false, &place);
    return s ? s : nt_put_ptr(c, at + 2 * ptr, base);
}

ntstatus nt_set_information_process(struct nt_call *c)
{
    const struct NtSetInformationProcess_args *a = nt_args(c);
    struct nt_process *p;
    uint64_t va = a->ProcessInformation;
    uint32_t len = (uint32_t)a->ProcessInformationLength;
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0, &p);
    if (s)
        return s;
    switch (a->ProcessInformationClass) {
    case ProcessDefaultHardErrorMode:
        return set_u32(c, va, len, &p->error_mode);
    case ProcessExecuteFlags:
        return set_execute_flags(c, p, va, len);
    case ProcessPriorityClass:
        return set_priority_class(c, p, va, len);
    case ProcessAffinityMask:
        return set_affinity(c, p, va, len);
    case ProcessThreadStackAllocation:
        return allocate_stack(c, p, va, len);
    case ProcessTlsInformation:
        return nt_set_process_tls(c, p, va, len);
    case ProcessQuotaLimits:
    case ProcessBasePriority:
    case ProcessPriorityBoost:
    case ProcessIoPriority:
    case ProcessPagePriority:
    case ProcessFaultInformation:
    case ProcessPowerThrottlingState:
    case ProcessMitigationPolicy:
    case ProcessInstrumentationCallback:
        return STATUS_SUCCESS;
    default:
        return nt_unknown_class(c, (uint32_t)a->ProcessInformationClass);
    }
}
