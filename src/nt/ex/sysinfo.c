// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ex/sysinfo.h"
#include "mem/space.h"
#include "nt/se/token.h"
#include "nt/structs.h"

enum { /* SYSTEM_INFORMATION_CLASS; those that are answered */
       SystemBasicInformation = 0,
       SystemProcessorInformation = 1,
       SystemPerformanceInformation = 2,
       SystemTimeOfDayInformation = 3,
       SystemProcessInformation = 5,
       SystemProcessorPerformanceInformation = 8,
       SystemFlagsInformation = 9,
       SystemModuleInformation = 11,
       SystemHandleInformation = 16,
       SystemPageFileInformation = 18,
       SystemFileCacheInformation = 21,
       SystemInterruptInformation = 23,
       SystemTimeAdjustmentInformation = 28,
       SystemKernelDebuggerInformation = 35,
       SystemContextSwitchInformation = 36,
       SystemRegistryQuotaInformation = 37,
       SystemCurrentTimeZoneInformation = 44,
       SystemLookasideInformation = 45,
       SystemRangeStartInformation = 50,
       SystemNumaProcessorMap = 55,
       SystemExtendedProcessInformation = 57,
       SystemRecommendedSharedDataAlignment = 58,
       SystemNumaAvailableMemory = 60,
       SystemEmulationBasicInformation = 62,
       SystemEmulationProcessorInformation = 63,
       SystemExtendedHandleInformation = 64,
       SystemLogicalProcessorInformation = 73,
       SystemFirmwareTableInformation = 76,
       SystemModuleInformationEx = 77,
       SystemFileCacheInformationEx = 81,
       SystemProcessorIdleCycleTimeInformation = 83,
       SystemProcessIdInformation = 88,
       SystemBootEnvironmentInformation = 90,
       SystemDynamicTimeZoneInformation = 102,
       SystemCodeIntegrityInformation = 103,
       SystemProcessorBrandString = 105,
       SystemLogicalProcessorInformationEx = 107,
       SystemNativeBasicInformation = 114,
       SystemSecureBootInformation = 145,
       SystemFullProcessInformation = 148,
       SystemKernelDebuggerInformationEx = 149,
       SystemProcessorFeaturesInformation = 154,
       SystemIsolatedUserModeInformation = 165,
       SystemCpuSetInformation = 175,
       SystemSupportedProcessorArchitectures = 181,
       SystemKernelVaShadowInformation = 196,
       SystemHypervisorSharedPageInformation = 197,
       SystemSpeculationControlInformation = 201,
       SystemSupportedProcessorArchitectures2 = 230,
       SystemWineVersionInformation = 1000
};

#define FIELDS_SYSTEM_BASIC_INFORMATION(F, S)                                                      \
    F(S, U32, Reserved, 1)                                                                         \
    F(S, U32, TimerResolution, 1)                                                                  \
    F(S, U32, PageSize, 1)                                                                         \
    F(S, U32, NumberOfPhysicalPages, 1)                                                            \
    F(S, U32, LowestPhysicalPageNumber, 1)                                                         \
    F(S, U32, HighestPhysicalPageNumber, 1)                                                        \
    F(S, U32, AllocationGranularity, 1)                                                            \
    F(S, PTR, MinimumUserModeAddress, 1)                                                           \
    F(S, PTR, MaximumUserModeAddress, 1)                                                           \
    F(S, PTR, ActiveProcessorsAffinityMask, 1) F(S, U8, NumberOfProcessors, 1)
LAYOUT_STRUCT(SYSTEM_BASIC_INFORMATION);
LAYOUT_DEFINE(SYSTEM_BASIC_INFORMATION);

ntstatus sysinfo_basic(struct nt_call *c, struct blob *b)
{
    uint32_t n = c->k->ex->cpu_count;
    struct SYSTEM_BASIC_INFORMATION info = {
        .TimerResolution = NT_TIMER_SLOWEST,
        .PageSize = MEM_PAGE,
        .NumberOfPhysicalPages = NT_PHYSICAL_PAGES,
        .LowestPhysicalPageNumber = 1,
        .HighestPhysicalPageNumber = NT_PHYSICAL_PAGES,
        .AllocationGranularity = MEM_GRANULARITY,
        .MinimumUserModeAddress = 0x10000,
        .MaximumUserModeAddress = mem_highest(c->mem),
        .ActiveProcessorsAffinityMask = n >= 64 ? UINT64_MAX : (1ull << n) - 1,
        .NumberOfProcessors = (uint8_t)n,
    };
    blob_layout(b, &layout_SYSTEM_BASIC_INFORMATION, &info);
    return STATUS_SUCCESS;
}

/* Only what GlobalMemoryStatusEx and task managers read is more than nought. The structure grew
 * with Windows 8: callers that know the old one get the old one. */
static ntstatus performance(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned)
{
    enum { AVAILABLE_AT = 44, COMMITTED_AT = 48, LIMIT_AT = 52, SIZE = 312, GROWN_SIZE = 344 };
    struct blob b = blob_begin(c, buffer);
    struct mem_stats stats;
    mem_get_stats(c->mem, &stats);
    uint32_t used = (uint32_t)(stats.committed / MEM_PAGE);
    blob_put(&b, NULL, length >= GROWN_SIZE ? GROWN_SIZE : SIZE);
    blob_patch_u32(&b, AVAILABLE_AT, NT_PHYSICAL_PAGES - MIN(used, NT_PHYSICAL_PAGES / 2u));
    blob_patch_u32(&b, COMMITTED_AT, used);
    blob_patch_u32(&b, LIMIT_AT, 2u * NT_PHYSICAL_PAGES);
    return blob_return(c, &b, length, returned, STATUS_INFO_LENGTH_MISMATCH);
}

static ntstatus debugger(struct nt_call *c, struct blob *b)
{
    static const uint8_t none[2] = {0, 1}; /* enabled, not present */
    blob_put(b, none, sizeof none);
    return STATUS_SUCCESS;
}

static ntstatus debugger_ex(struct nt_call *c, struct blob *b)
{
    blob_put(b, NULL, 3);
    return STATUS_SUCCESS;
}

static ntstatus page_file(struct nt_call *c, struct blob *b)
{
    static const uint16_t name[] = u"\\??\\C:\\pagefile.sys";
    enum { NAME_BYTES = sizeof name - 2 };
    blob_u32(b, 0); /* no further one */
    blob_u32(b, NT_PHYSICAL_PAGES);
    blob_u32(b, 0);
    blob_u32(b, 0);
    uint16_t lengths[2] = {NAME_BYTES, NAME_BYTES + 2};
    blob_put(b, lengths, sizeof lengths);
    size_t at = blob_ptr(b, 0);
    blob_patch(b, at, blob_put(b, name, sizeof name));
    return STATUS_SUCCESS;
}

static ntstatus registry_quota(struct nt_call *c, struct blob *b)
{
    blob_u32(b, 0x2000000);
    blob_u32(b, 0x200000);
    blob_ptr(b, 0x200000);
    return STATUS_SUCCESS;
}

static ntstatus range_start(struct nt_call *c, struct blob *b)
{
    blob_ptr(b, b->ptr_size == 8 ? 0xffff800000000000 : 0x80000000);
    return STATUS_SUCCESS;
}

static ntstatus data_alignment(struct nt_call *c, struct blob *b)
{
    blob_u32(b, 64);
    return STATUS_SUCCESS;
}

static ntstatus time_adjustment(struct nt_call *c, struct blob *b)
{
    blob_u32(b, NT_TIMER_SLOWEST);
    blob_u32(b, NT_TIMER_SLOWEST);
    blob_u32(b, 1); /* no adjustment */
    return STATUS_SUCCESS;
}

static ntstatus code_integrity(struct nt_call *c, struct blob *b)
{
    enum { CODEINTEGRITY_OPTION_ENABLED = 1 };
    blob_u32(b, 8);
    blob_u32(b, CODEINTEGRITY_OPTION_ENABLED);
    return STATUS_SUCCESS;
}

static ntstatus boot_environment(struct nt_call *c, struct blob *b)
{
    enum { FirmwareTypeUefi = 2 };
    static const uint8_t boot_id[16] = {0x50, 0x47, 0x52, 0x00, 0x01};
    blob_put(b, boot_id, sizeof boot_id);
    blob_u32(b, FirmwareTypeUefi);
    blob_u32(b, 0);
    blob_u64(b, 0);
    return STATUS_SUCCESS;
}

static ntstatus numa_map(struct nt_call *c, struct blob *b)
{
    blob_u32(b, 0); /* highest node */
    blob_u32(b, 0);
    blob_u64(b, (1ull << MIN(c->k->ex->cpu_count, 63u)) - 1);
    blob_put(b, NULL, 1024 - 16);
    return STATUS_SUCCESS;
}

static ntstatus numa_memory(struct nt_call *c, struct blob *b)
{
    blob_u32(b, 0);
    blob_u32(b, 0);
    blob_u64(b, (uint64_t)NT_PHYSICAL_PAGES * MEM_PAGE);
    blob_put(b, NULL, 512);
    return STATUS_SUCCESS;
}

static ntstatus hypervisor_page(struct nt_call *c, struct blob *b)
{
    blob_ptr(b, 0);
    return STATUS_SUCCESS;
}

enum { EXACT = 1 }; /* the length must be the answer's */

static const struct row {
    uint16_t class;
    uint8_t flags;
    uint16_t zeroes; /* without fn: so many bytes of nought */
    sysinfo_fn *fn;
} rows[] = {
    {SystemBasicInformation, EXACT, 0, sysinfo_basic},
    {SystemProcessorInformation, 0, 0, sysinfo_processor},
    {SystemProcessInformation, 0, 0, sysinfo_processes},
    {SystemProcessorPerformanceInformation, 0, 0, sysinfo_processor_performance},
    {SystemFlagsInformation, 0, 4, NULL},
    {SystemModuleInformation, 0, 0, sysinfo_modules},
    {SystemHandleInformation, 0, 0, sysinfo_handles},
    {SystemPageFileInformation, 0, 0, page_file},
    {SystemFileCacheInformation, 0, 64, NULL},
    {SystemInterruptInformation, 0, 0, sysinfo_interrupts},
    {SystemTimeAdjustmentInformation, EXACT, 0, time_adjustment},
    {SystemKernelDebuggerInformation, 0, 0, debugger},
    {SystemContextSwitchInformation, 0, 48, NULL},
    {SystemRegistryQuotaInformation, 0, 0, registry_quota},
    {SystemCurrentTimeZoneInformation, 0, 0, sysinfo_time_zone},
    {SystemLookasideInformation, 0, 32, NULL},
    {SystemRangeStartInformation, 0, 0, range_start},
    {SystemNumaProcessorMap, 0, 0, numa_map},
    {SystemExtendedProcessInformation, 0, 0, sysinfo_processes_extended},
    {SystemRecommendedSharedDataAlignment, 0, 0, data_alignment},
    {SystemNumaAvailableMemory, 0, 0, numa_memory},
    {SystemEmulationBasicInformation, EXACT, 0, sysinfo_basic},
    {SystemEmulationProcessorInformation, 0, 0, sysinfo_emulated_processor},
    {SystemExtendedHandleInformation, 0, 0, sysinfo_handles_ex},
    {SystemLogicalProcessorInformation, 0, 0, sysinfo_logical},
    {SystemModuleInformationEx, 0, 0, sysinfo_modules_ex},
    {SystemFileCacheInformationEx, 0, 64, NULL},
    {SystemProcessorIdleCycleTimeInformation, 0, 0, sysinfo_idle},
    {SystemBootEnvironmentInformation, 0, 0, boot_environment},
    {SystemDynamicTimeZoneInformation, 0, 0, sysinfo_dynamic_time_zone},
    {SystemCodeIntegrityInformation, 0, 0, code_integrity},
    {SystemProcessorBrandString, 0, 0, sysinfo_brand},
    {SystemNativeBasicInformation, EXACT, 0, sysinfo_basic},
    {SystemSecureBootInformation, 0, 2, NULL},
    {SystemFullProcessInformation, 0, 0, sysinfo_processes_extended},
    {SystemKernelDebuggerInformationEx, 0, 0, debugger_ex},
    {SystemProcessorFeaturesInformation, 0, 0, sysinfo_features},
    {SystemIsolatedUserModeInformation, 0, 16, NULL},
    {SystemKernelVaShadowInformation, 0, 4, NULL},
    {SystemHypervisorSharedPageInformation, 0, 0, hypervisor_page},
    {SystemSpeculationControlInformation, 0, 8, NULL},
    {SystemWineVersionInformation, 0, 0, nt_wine_version_info},
};

static ntstatus by_table(struct nt_call *c, const struct row *row, uint64_t buffer, uint32_t length,
                         uint64_t returned)
{
    struct blob b = blob_begin(c, buffer);
    ntstatus s = STATUS_SUCCESS;
    if (row->fn)
        s = row->fn(c, &b);
    else
        blob_put(&b, NULL, row->zeroes);
    if (s) {
        blob_free(&b);
        return s;
    }
    if (row->flags & EXACT && length > b.b.len)
        length = 0; /* too large is as wrong as too small */
    return blob_return(c, &b, length, returned, STATUS_INFO_LENGTH_MISMATCH);
}

static ntstatus query(struct nt_call *c, uint64_t class, uint64_t buffer, uint32_t length,
                      uint64_t returned)
{
    /* Windows probes the buffer before it looks at anything else. */
    if (length && nt_probe_write(c, buffer, 1))
        return STATUS_ACCESS_VIOLATION;
    switch (class) {
    case SystemPerformanceInformation:
        return performance(c, buffer, length, returned);
    case SystemTimeOfDayInformation:
        return sysinfo_time_of_day(c, buffer, length, returned);
    case SystemFirmwareTableInformation:
        return sysinfo_firmware(c, buffer, length, returned);
    case SystemProcessIdInformation:
        return sysinfo_process_id(c, buffer, length, returned);
    case SystemLogicalProcessorInformationEx:
    case SystemSupportedProcessorArchitectures:
    case SystemCpuSetInformation:
        return STATUS_INVALID_INFO_CLASS; /* only with an input */
    default:
        break;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].class == class)
            return by_table(c, &rows[i], buffer, length, returned);
    return nt_unknown_class(c, (uint32_t) class);
}

ntstatus nt_query_system_information(struct nt_call *c)
{
    const struct NtQuerySystemInformation_args *a = nt_args(c);
    return query(c, a->SystemInformationClass, a->SystemInformation,
                 (uint32_t)a->SystemInformationLength, a->ReturnLength);
}

/* The machine of a 32-bit guest is a 32-bit one: native is what the others say. */
ntstatus nt_wow64_get_native_system_information(struct nt_call *c)
{
    const struct NtWow64GetNativeSystemInformation_args *a = nt_args(c);
    return query(c, a->SystemInformationClass, a->SystemInformation,
                 (uint32_t)a->SystemInformationLength, a->ReturnLength);
}

ntstatus nt_query_system_information_ex(struct nt_call *c)
{
    const struct NtQuerySystemInformationEx_args *a = nt_args(c);
    const struct sysinfo_input in = {a->InputBuffer, (uint32_t)a->InputBufferLength};
    struct blob b = blob_begin(c, a->SystemInformation);
    ntstatus s;
    if (!in.va || !in.len)
        return STATUS_INVALID_PARAMETER;
    if (a->SystemInformationLength && nt_probe_write(c, a->SystemInformation, 1))
        return STATUS_ACCESS_VIOLATION;
    switch (a->SystemInformationClass) {
    case SystemLogicalProcessorInformationEx:
        s = sysinfo_logical_ex(c, &in, &b);
        break;
    case SystemCpuSetInformation:
        s = sysinfo_cpu_sets(c, &in, &b);
        if (!s)
            return blob_return(c, &b, a->SystemInformationLength, a->ReturnLength,
                               STATUS_BUFFER_TOO_SMALL);
        break;
    case SystemSupportedProcessorArchitectures:
    case SystemSupportedProcessorArchitectures2:
        s = sysinfo_architectures(c, &in, &b);
        if (!s)
            return blob_return(c, &b, a->SystemInformationLength, a->ReturnLength,
                               STATUS_BUFFER_TOO_SMALL);
        break;
    default:
        return nt_unknown_class(c, (uint32_t)a->SystemInformationClass);
    }
    if (s) {
        blob_free(&b);
        return s;
    }
    return blob_return(c, &b, a->SystemInformationLength, a->ReturnLength,
                       STATUS_INFO_LENGTH_MISMATCH);
}

/* Everything that can be set belongs to the machine. */
ntstatus nt_set_system_information(struct nt_call *c)
{
    const struct NtSetSystemInformation_args *a = nt_args(c);
    enum { SystemFlushInformation = 79 };
    if (a->SystemInformationClass > 300)
        return STATUS_INVALID_INFO_CLASS;
    return a->SystemInformationClass == SystemFlushInformation ? STATUS_SUCCESS
                                                               : STATUS_PRIVILEGE_NOT_HELD;
}
