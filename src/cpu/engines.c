// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/engine.h"
#include "mem/space.h"
#if defined __x86_64__
#include "arch/xsave.h"
#endif

const struct cpu_engine_ops *const cpu_engines[] = {
#if defined __x86_64__
    &cpu_native,
    &cpu_kvm,
#endif
    &cpu_unicorn,
    NULL,
};

pgr_status cpu_claim_area(struct mem_space *mem, const char *engine, struct pgr_error *e)
{
    uint64_t base = CPU_AREA, size = CPU_AREA_SIZE;
    struct mem_info info;
    if (mem_highest(mem) < CPU_AREA ||
        mem_reserve(mem, &base, &size, PAGE_NOACCESS, false, NULL) == STATUS_SUCCESS)
        return PGR_OK;
    if (!mem_query(mem, CPU_AREA, &info) && info.allocation_base == CPU_AREA &&
        info.region_size >= CPU_AREA_SIZE && info.state == MEM_RESERVE)
        return PGR_OK; /* for us */
    return err_set(e, PGR_E_STATE, "%s: the program has memory where the engine wants to be",
                   engine);
}

uint64_t cpu_host_xfeatures(void)
{
#if defined __x86_64__
    struct x86_xsave x;
    x86_xsave_probe(&x);
    return x.mask & X86_XF_EXT;
#else
    return 0;
#endif
}
