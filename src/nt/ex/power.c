// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/call.h"
#include "nt/ex/ex.h"
#include "nt/se/token.h"

enum { /* POWER_INFORMATION_LEVEL */
       SystemPowerCapabilities = 4,
       SystemBatteryState = 5,
       ProcessorInformation = 11,
       SystemPowerInformation = 12,
       LastWakeTime = 14,
       LastSleepTime = 15,
       SystemExecutionState = 16
};

enum { ES_CONTINUOUS = 0x80000000, CPU_MHZ = 3000 };

static ntstatus answer(struct nt_call *c, const struct NtPowerInformation_args *a, const void *data,
                       size_t len)
{
    if (!a->OutputBuffer)
        return STATUS_INVALID_PARAMETER;
    if (a->OutputBufferLength < len)
        return STATUS_BUFFER_TOO_SMALL;
    return nt_write(c, a->OutputBuffer, data, len);
}

/* PROCESSOR_POWER_INFORMATION for each processor. */
static ntstatus processors(struct nt_call *c, const struct NtPowerInformation_args *a)
{
    uint32_t info[64][6] = {0};
    uint32_t n = MIN(c->k->ex->cpu_count, 64u);
    for (uint32_t i = 0; i < n; i++) {
        info[i][0] = i;
        info[i][1] = info[i][2] = info[i][3] = CPU_MHZ;
        info[i][4] = 1; /* idle states */
    }
    return answer(c, a, info, n * sizeof info[0]);
}

ntstatus nt_power_information(struct nt_call *c)
{
    const struct NtPowerInformation_args *a = nt_args(c);
    uint8_t capabilities[76] = {[0] = 1, [6] = 1}; /* power button; S5: can be switched off */
    uint8_t battery[32] = {1};                     /* on mains, no battery */
    uint32_t power[4] = {0};
    uint64_t never = 0;
    switch (a->InformationLevel) {
    case SystemPowerCapabilities:
        return answer(c, a, capabilities, sizeof capabilities);
    case SystemBatteryState:
        return answer(c, a, battery, sizeof battery);
    case ProcessorInformation:
        return processors(c, a);
    case SystemPowerInformation:
        return answer(c, a, power, sizeof power);
    case LastWakeTime:
    case LastSleepTime:
        return answer(c, a, &never, sizeof never);
    case SystemExecutionState:
        return answer(c, a, &c->k->ex->execution_state, 4);
    default:
        nt_unknown_class(c, (uint32_t)a->InformationLevel);
        return STATUS_NOT_IMPLEMENTED;
    }
}

ntstatus nt_set_thread_execution_state(struct nt_call *c)
{
    const struct NtSetThreadExecutionState_args *a = nt_args(c);
    uint32_t *state = &c->k->ex->execution_state;
    ntstatus s = nt_put_u32(c, a->PreviousFlags, *state);
    if (!s && (!(*state & ES_CONTINUOUS) || a->NewFlags & ES_CONTINUOUS))
        *state = (uint32_t)a->NewFlags;
    return s;
}

static ntstatus shutdown(struct nt_call *c)
{
    if (!nt_token_has_privilege(nt_token_effective(c), SE_SHUTDOWN_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    nt_note(c->k, NT_NOTE_DENIED, c->service->name, "a guest cannot switch the machine off");
    return STATUS_SUCCESS;
}

ntstatus nt_shutdown_system(struct nt_call *c)
{
    return shutdown(c);
}

ntstatus nt_initiate_power_action(struct nt_call *c)
{
    return shutdown(c);
}

ntstatus nt_set_system_power_state(struct nt_call *c)
{
    return shutdown(c);
}
