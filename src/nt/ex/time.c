// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/call.h"
#include "nt/ex/ex.h"
#include "nt/se/token.h"

enum { COUNTER_FREQUENCY = 10000000, SE_SYSTEMTIME_PRIVILEGE = 12 };

ntstatus nt_query_performance_counter(struct nt_call *c)
{
    const struct NtQueryPerformanceCounter_args *a = nt_args(c);
    ntstatus s = nt_put_u64(c, a->PerformanceCounter, nt_uptime(c->k));
    if (!s && a->PerformanceFrequency)
        s = nt_put_u64(c, a->PerformanceFrequency, COUNTER_FREQUENCY);
    return s;
}

ntstatus nt_query_system_time(struct nt_call *c)
{
    const struct NtQuerySystemTime_args *a = nt_args(c);
    return nt_put_u64(c, a->SystemTime, nt_system_time(c->k));
}

/* The guest's clock is the machine's: it may be read only. */
ntstatus nt_set_system_time(struct nt_call *c)
{
    const struct NtSetSystemTime_args *a = nt_args(c);
    uint64_t when;
    ntstatus s = nt_get_u64(c, a->SystemTime, &when);
    if (!s && !nt_token_has_privilege(nt_token_effective(c), SE_SYSTEMTIME_PRIVILEGE))
        s = STATUS_PRIVILEGE_NOT_HELD;
    if (!s && a->PreviousTime)
        s = nt_put_u64(c, a->PreviousTime, nt_system_time(c->k));
    return s;
}

static uint32_t resolution(const struct nt_ex *ex)
{
    return ex->timer_resolution ? ex->timer_resolution : NT_TIMER_USUAL;
}

ntstatus nt_query_timer_resolution(struct nt_call *c)
{
    const struct NtQueryTimerResolution_args *a = nt_args(c);
    ntstatus s = nt_put_u32(c, a->MaximumTime, NT_TIMER_SLOWEST);
    if (!s)
        s = nt_put_u32(c, a->MinimumTime, NT_TIMER_FASTEST);
    return s ? s : nt_put_u32(c, a->CurrentTime, resolution(c->k->ex));
}

ntstatus nt_set_timer_resolution(struct nt_call *c)
{
    const struct NtSetTimerResolution_args *a = nt_args(c);
    struct nt_ex *ex = c->k->ex;
    uint32_t want = (uint32_t)a->DesiredTime;
    bool set = a->SetResolution & 1, had = ex->timer_resolution != 0;
    ntstatus s = nt_probe_write(c, a->ActualTime, 4);
    if (s)
        return s;
    if (set)
        ex->timer_resolution = MIN(MAX(want, (uint32_t)NT_TIMER_FASTEST), (uint32_t)NT_TIMER_USUAL);
    else
        ex->timer_resolution = 0;
    s = nt_put_u32(c, a->ActualTime, resolution(ex));
    return s ? s : set || had ? STATUS_SUCCESS : STATUS_TIMER_RESOLUTION_NOT_SET;
}
