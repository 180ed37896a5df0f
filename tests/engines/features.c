// SPDX-License-Identifier: GPL-2.0-or-later
/* Preloaded: what the kernel says of the processor lacks the instructions for FS and GS bases. */
#include <dlfcn.h>
#include <sys/auxv.h>

enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };

__attribute__((visibility("default"))) unsigned long getauxval(unsigned long type)
{
    unsigned long (*real)(unsigned long) =
        (unsigned long (*)(unsigned long))dlsym(RTLD_NEXT, "getauxval");
    unsigned long value = real(type);
    return type == AT_HWCAP2 ? value & ~(unsigned long)HWCAP2_FSGSBASE_BIT : value;
}
