// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/engine.h"
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
