// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hostio.h"
#include "nt/kernel.h"

/* 2026-01-01 00:00:00 UTC: where the virtual clock starts unless told otherwise. */
#define DEFAULT_START_TIME 0x1dc7ab192810000ull

void nt_clock_begin(struct nt_kernel *k, bool host)
{
    uint64_t start = k->cfg.start_time ? k->cfg.start_time : DEFAULT_START_TIME;
    k->clock = (struct nt_clock){.host = host, .host_origin = host_monotonic_ns()};
    k->clock.boot_system = host ? host_realtime_100ns() : start;
}

uint64_t nt_now(struct nt_kernel *k)
{
    if (k->clock.host)
        k->clock.now = (host_monotonic_ns() - k->clock.host_origin) / 100;
    return k->clock.now;
}

/* Ten minutes. */
#define UPTIME_AT_START 6000000000ull

uint64_t nt_uptime(struct nt_kernel *k)
{
    return nt_now(k) + UPTIME_AT_START;
}

uint64_t nt_system_time(struct nt_kernel *k)
{
    return k->clock.boot_system + nt_now(k);
}

void nt_clock_advance(struct nt_kernel *k, uint64_t by)
{
    if (!k->clock.host)
        k->clock.now += by;
}

void nt_clock_transfer(struct nt_kernel *k, struct ser *s)
{
    nt_now(k);
    SER(s, k->clock.host);
    SER(s, k->clock.now);
    SER(s, k->clock.boot_system);
    SER(s, k->clock.shown);
    SER(s, k->clock.tsc);
    /* Time stood still while the snapshot lay on disk. */
    if (s->loading)
        k->clock.host_origin = host_monotonic_ns() - k->clock.now * 100;
}
