// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of the guest that the host makes and takes, as VirtualAlloc does. */
#include "base/bits.h"
#include "machine/machine.h"
#include "mem/space.h"
#include <peregrine/event.h>

/* The pages around what was asked for. */
struct range {
    uint64_t first, end;
};

static pgr_status get_range(const struct pgr_machine *m, uint64_t address, uint64_t size,
                            struct range *r, struct pgr_error *e)
{
    if (!m->p)
        return err_set(e, PGR_E_STATE, "the machine has no program yet");
    uint64_t highest = mem_highest(m->p->mem);
    if (!size || address < MEM_GRANULARITY || address > highest || size - 1 > highest - address)
        return err_set(e, PGR_E_ARGUMENT,
                       "0x%llx bytes at 0x%llx are not in the guest's memory (0x%x to 0x%llx)",
                       (unsigned long long)size, (unsigned long long)address, MEM_GRANULARITY,
                       (unsigned long long)highest);
    *r = (struct range){align_down(address, MEM_PAGE), align_up(address + size, MEM_PAGE)};
    return PGR_OK;
}

static uint32_t protection(unsigned access)
{
    switch (access & (PGR_R | PGR_W | PGR_X)) {
    case 0:
        return PAGE_NOACCESS;
    case PGR_R:
        return PAGE_READONLY;
    case PGR_X:
        return PAGE_EXECUTE;
    case PGR_RX:
        return PAGE_EXECUTE_READ;
    case PGR_RW | PGR_X:
    case PGR_W | PGR_X:
        return PAGE_EXECUTE_READWRITE;
    default:
        return PAGE_READWRITE;
    }
}

/* The first address that is not in this state of MEM_COMMIT, MEM_RESERVE, MEM_FREE; 0: all are. */
static uint64_t not_in(const struct pgr_machine *m, const struct range *r, uint32_t states)
{
    struct mem_info info;
    for (uint64_t at = r->first; at < r->end; at = info.base + info.size)
        if (mem_query(m->p->mem, at, &info) || !(info.state & states))
            return at;
    return 0;
}

/* fn for each run of pages of one state; its status is an error of the first one that fails. */
typedef ntstatus run_fn(struct mem_space *s, uint64_t base, uint64_t size, uint32_t state,
                        uint32_t protect);

static pgr_status each_run(struct pgr_machine *m, const struct range *r, run_fn *fn,
                           uint32_t protect, struct pgr_error *e)
{
    struct mem_info info;
    uint64_t end;
    for (uint64_t at = r->first; at < r->end; at = end) {
        ntstatus s = mem_query(m->p->mem, at, &info);
        end = MIN(r->end, info.base + info.size);
        if (!s)
            s = fn(m->p->mem, at, end - at, info.state, protect);
        if (s)
            return err_set(e,
                           s == STATUS_NO_MEMORY || s == STATUS_COMMITMENT_LIMIT ? PGR_E_NOMEM
                                                                                 : PGR_E_ARGUMENT,
                           "the guest's memory at 0x%llx cannot be changed: status 0x%08x",
                           (unsigned long long)at, (unsigned)s);
    }
    return PGR_OK;
}

static ntstatus map_run(struct mem_space *s, uint64_t base, uint64_t size, uint32_t state,
                        uint32_t protect)
{
    const struct mem_place page = {.align = MEM_PAGE};
    return state == MEM_FREE ? mem_reserve(s, &base, &size, protect, true, &page)
                             : mem_commit(s, &base, &size, protect);
}

pgr_status pgr_machine_map(struct pgr_machine *m, uint64_t address, uint64_t size, unsigned access,
                           struct pgr_error *err)
{
    struct range r;
    pgr_status s = get_range(m, address, size, &r, err);
    if (s)
        return s;
    uint64_t taken = not_in(m, &r, MEM_FREE | MEM_RESERVE);
    if (taken)
        return err_set(err, PGR_E_ARGUMENT, "the guest has memory at 0x%llx already",
                       (unsigned long long)taken);
    return each_run(m, &r, map_run, protection(access), err);
}

static ntstatus protect_run(struct mem_space *s, uint64_t base, uint64_t size, uint32_t state,
                            uint32_t protect)
{
    uint32_t old;
    return mem_protect(s, &base, &size, protect, &old);
}

static pgr_status needs_memory(const struct pgr_machine *m, const struct range *r,
                               struct pgr_error *e)
{
    uint64_t hole = not_in(m, r, MEM_COMMIT);
    return hole ? err_set(e, PGR_E_ARGUMENT, "the guest has no memory at 0x%llx",
                          (unsigned long long)hole)
                : PGR_OK;
}

pgr_status pgr_machine_protect(struct pgr_machine *m, uint64_t address, uint64_t size,
                               unsigned access, struct pgr_error *err)
{
    struct range r;
    pgr_status s = get_range(m, address, size, &r, err);
    if (!s)
        s = needs_memory(m, &r, err);
    return s ? s : each_run(m, &r, protect_run, protection(access), err);
}

static ntstatus unmap_run(struct mem_space *s, uint64_t base, uint64_t size, uint32_t state,
                          uint32_t protect)
{
    return mem_release(s, &base, &size);
}

pgr_status pgr_machine_unmap(struct pgr_machine *m, uint64_t address, uint64_t size,
                             struct pgr_error *err)
{
    struct range r;
    pgr_status s = get_range(m, address, size, &r, err);
    if (!s)
        s = needs_memory(m, &r, err);
    return s ? s : each_run(m, &r, unmap_run, 0, err);
}
