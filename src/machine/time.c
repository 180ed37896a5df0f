// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtual clock moves with services. A program that waits for it by reading the shared user data
 * in a loop would wait for ever: when a slice of host time has passed without a service, the page is
 * closed; a read of the time then faults, moves the clock, and opens the page again. Only programs
 * that do this pay, and only their clock depends on the host's speed.
 */
#include "machine/machine.h"
#include "mem/space.h"
#include "win/kuser.h"
#include "win/win.h"

enum { SYSTEM_CALL_FLAG = 0x308, NUDGE = 1000000 /* as much as the slice: 100 ms */ };

static void set_access(struct pgr_machine *m, bool closed)
{
    uint64_t base = WIN_KUSER_BASE, size = MEM_PAGE;
    uint32_t old;
    mem_protect(m->p->mem, &base, &size, closed ? PAGE_NOACCESS : PAGE_READONLY, &old);
    m->kuser_closed = closed;
}

void machine_watch_clock(struct pgr_machine *m)
{
    if (!m->k->clock.host && !m->kuser_closed)
        set_access(m, true);
}

bool machine_clock_fault(struct pgr_machine *m, const struct cpu_exit *x)
{
    if (x->address < WIN_KUSER_BASE || x->address >= WIN_KUSER_BASE + MEM_PAGE)
        return false;
    set_access(m, false);
    /* Every 64-bit system-call stub reads this flag: that is no look at the clock. */
    if (x->address != WIN_KUSER_BASE + SYSTEM_CALL_FLAG) {
        nt_clock_advance(m->k, NUDGE);
        win_update_time(m->k, m->p);
    }
    return true;
}
