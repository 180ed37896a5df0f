// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What CPUID says. Unicorn's own answer advertises what it cannot do (AVX decodes as something else
 * or not at all, x87 and SSE exceptions are not raised) and what would break determinism (RDRAND).
 * Only what tests/unit/test_cpu_cpuid.c executes successfully is listed here.
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include <string.h>

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))

/* Family 6, model 60, stepping 3. */
#define SIGNATURE 0x000306c3u

enum {
    leaf1_ecx = (int)(BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ |
                      BIT(13) /* CMPXCHG16B */ | BIT(19) /* SSE4.1 */ | BIT(20) /* SSE4.2 */ |
                      BIT(22) /* MOVBE */ | BIT(23) /* POPCNT */ | BIT(25) /* AES */)
};
enum {
    leaf1_edx =
        (int)(BIT(0) /* FPU */ | BIT(2) /* DE */ | BIT(3) /* PSE */ | BIT(4) /* TSC */ |
              BIT(5) /* MSR */ | BIT(6) /* PAE */ | BIT(7) /* MCE */ | BIT(8) /* CMPXCHG8B */ |
              BIT(9) /* APIC */ | BIT(12) /* MTRR */ | BIT(13) /* PGE */ | BIT(14) /* MCA */ |
              BIT(15) /* CMOV */ | BIT(16) /* PAT */ | BIT(17) /* PSE36 */ | BIT(19) /* CLFLUSH */ |
              BIT(23) /* MMX */ | BIT(24) /* FXSR */ | BIT(25) /* SSE */ | BIT(26) /* SSE2 */)
};
enum { leaf7_ebx = (int)(BIT(0) /* FSGSBASE */ | BIT(3) /* BMI1 */ | BIT(8) /* BMI2 */) };
enum { ext1_ecx = (int)(BIT(0) /* LAHF */ | BIT(5) /* LZCNT */ | BIT(8) /* PREFETCHW */) };
enum {
    ext1_edx = (int)(BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(27) /* RDTSCP */ |
                     BIT(29) /* long mode */)
};

static const struct leaf {
    uint32_t leaf, subleaf, regs[4];
} leaves[] = {
    {0, 0, {7, 0x756e6547, 0x6c65746e, 0x49656e69}}, /* highest leaf, "GenuineIntel" */
    {1, 0, {SIGNATURE, 8 << 8 | 1 << 16, leaf1_ecx, leaf1_edx}},
    /* Caches: 32 KiB data, 32 KiB code, 256 KiB, 64-byte lines. */
    {4, 0, {0x121, 7u << 22 | 63, 63, 0}},
    {4, 1, {0x122, 7u << 22 | 63, 63, 0}},
    {4, 2, {0x143, 7u << 22 | 63, 511, 0}},
    {7, 0, {0, leaf7_ebx, 0, 0}},
    {0x80000000, 0, {0x80000008, 0, 0, 0}},
    {0x80000001, 0, {0, 0, ext1_ecx, ext1_edx}},
    {0x80000006, 0, {0, 0, 256 << 16 | 6 << 12 | 64, 0}},
    {0x80000007, 0, {0, 0, 0, BIT(8)}}, /* the time-stamp counter never changes its rate */
    {0x80000008, 0, {0x3028, 0, 0, 0}}, /* 48 bits virtual, 40 physical */
};

static const char brand[48] = "Peregrine virtual processor";

static bool subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7;
}

void unicorn_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const uint32_t first_brand = 0x80000002, last_brand = 0x80000004;

    memset(out, 0, 4 * sizeof *out);
    if (leaf >= first_brand && leaf <= last_brand) {
        memcpy(out, brand + (leaf - first_brand) * 16, 16);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        if (leaves[i].leaf != leaf || (subleaves(leaf) && leaves[i].subleaf != subleaf))
            continue;
        memcpy(out, leaves[i].regs, sizeof leaves[i].regs);
        return;
    }
}
