/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_EX_SYSINFO_H
#define NT_EX_SYSINFO_H
/* Inside ex/: one function for each class of NtQuerySystemInformation, which puts the whole answer.
 */
#include "nt/ex/blob.h"
#include "nt/ex/ex.h"

struct sysinfo_input { /* NtQuerySystemInformationEx's, or of the classes whose buffer is in and out
                        */
    uint64_t va;
    uint32_t len;
};

typedef ntstatus sysinfo_fn(struct nt_call *c, struct blob *b);

sysinfo_fn sysinfo_basic, sysinfo_processor, sysinfo_processor_performance, sysinfo_idle,
    sysinfo_logical, sysinfo_emulated_processor, sysinfo_interrupts, sysinfo_features,
    sysinfo_brand;
sysinfo_fn sysinfo_time_zone, sysinfo_dynamic_time_zone;
sysinfo_fn sysinfo_processes, sysinfo_processes_extended, sysinfo_modules, sysinfo_modules_ex,
    sysinfo_handles, sysinfo_handles_ex;
sysinfo_fn nt_wine_version_info;

/* Classes with an input. */
ntstatus sysinfo_logical_ex(struct nt_call *c, const struct sysinfo_input *in, struct blob *b);
ntstatus sysinfo_cpu_sets(struct nt_call *c, const struct sysinfo_input *in, struct blob *b);
ntstatus sysinfo_architectures(struct nt_call *c, const struct sysinfo_input *in, struct blob *b);
/* The buffer is input and output; writes the result itself. */
ntstatus sysinfo_firmware(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned);
ntstatus sysinfo_process_id(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned);
ntstatus sysinfo_time_of_day(struct nt_call *c, uint64_t buffer, uint32_t length,
                             uint64_t returned);
#endif
