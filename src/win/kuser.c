// SPDX-License-Identifier: GPL-2.0-or-later
#include "win/kuser.h"
#include "arch/xstate.h"
#include "base/bits.h"
#include "nt/ex/ex.h"
#include "win/win.h"

#include <string.h>

enum {
    TICK_MULTIPLIER = 0x004,
    INTERRUPT_TIME = 0x008,
    SYSTEM_TIME = 0x014,
    TIME_ZONE_BIAS = 0x020,
    IMAGE_NUMBER_LOW = 0x02c,
    IMAGE_NUMBER_HIGH = 0x02e,
    NT_SYSTEM_ROOT = 0x030,
    LARGE_PAGE_MINIMUM = 0x244,
    NT_BUILD_NUMBER = 0x260,
    NT_PRODUCT_TYPE = 0x264,
    PRODUCT_TYPE_IS_VALID = 0x268,
    NATIVE_ARCHITECTURE = 0x26a,
    NT_MAJOR_VERSION = 0x26c,
    NT_MINOR_VERSION = 0x270,
    PROCESSOR_FEATURES = 0x274,
    SUITE_MASK = 0x2d0,
    NX_SUPPORT_POLICY = 0x2d5,
    ACTIVE_CONSOLE = 0x2d8,
    NUMBER_OF_PHYSICAL_PAGES = 0x2e8,
    QPC_FREQUENCY = 0x300,
    SYSTEM_CALL = 0x308, /* bit 0 clear: stubs use `syscall` */
    TICK_COUNT = 0x320,
    COOKIE = 0x330,
    XSTATE_CONFIG = 0x3d8,
    XSTATE_SIZE = XSTATE_CONFIG + 0x10,
    XSTATE_FEATURES = XSTATE_CONFIG + 0x18,
    ACTIVE_PROCESSOR_COUNT = 0x3c0,
    ACTIVE_GROUP_COUNT = 0x3c4,
    TICKS_PER_MS = 10000,
    PROCESSOR_ARCHITECTURE_INTEL = 0,
    PROCESSOR_ARCHITECTURE_AMD64 = 9
};

/* PF_* indices of what every x86-64 CPU that an engine shows has: FPU without errata, CMPXCHG8B,
 * MMX, SSE, RDTSC, PAE, SSE2, NX, SSE3, CMPXCHG16B, fast fail, SSSE3, SSE4.1, SSE4.2. */
static const uint8_t features[] = {2, 3, 6, 8, 9, 10, 12, 13, 14, 23, 36, 37, 38};

/* PF_* of what comes with AVX state: XSAVE, AVX and AVX2; and with that of AVX-512. */
static const uint8_t avx_features[] = {17, 39, 40}, avx512_features[] = {41};

static void put(uint8_t *page, size_t at, uint64_t v, size_t n)
{
    memcpy(page + at, &v, n);
}

/* KSYSTEM_TIME: readers compare the two high parts to notice a change in between. */
static void put_time(uint8_t *out, uint64_t t)
{
    uint32_t parts[3] = {(uint32_t)t, (uint32_t)(t >> 32), (uint32_t)(t >> 32)};
    memcpy(out, parts, sizeof parts);
}

static void set_features(uint8_t *page, const uint8_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        page[PROCESSOR_FEATURES + numbers[i]] = 1;
}

static void clear_features(uint8_t *page, const uint8_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        page[PROCESSOR_FEATURES + numbers[i]] = 0;
}

/* XSTATE_CONFIGURATION: which components there are, and where they lie in an XSAVE area. */
static void put_xstate(uint64_t ext, uint8_t *page)
{
    uint64_t all = ext | X86_XF_X87 | X86_XF_SSE;
    clear_features(page, avx_features, ARRAY_LEN(avx_features));
    clear_features(page, avx512_features, ARRAY_LEN(avx512_features));
    memset(page + XSTATE_CONFIG, 0, XSTATE_FEATURES + 64 - XSTATE_CONFIG);
    if (!ext)
        return;
    set_features(page, avx_features, ARRAY_LEN(avx_features));
    if (ext & X86_XF_HI16_ZMM)
        set_features(page, avx512_features, ARRAY_LEN(avx512_features));
    put(page, XSTATE_CONFIG, all, 8);
    put(page, XSTATE_CONFIG + 8, all, 8); /* all of them are volatile */
    put(page, XSTATE_SIZE, X86_XSTATE_LEGACY + x86_xstate_size(ext), 4);
    for (unsigned n = 0; n < 8; n++) {
        uint32_t where[2];
        x86_xstate_component(n, &where[0], &where[1]);
        if (all >> n & 1)
            memcpy(page + XSTATE_FEATURES + n * sizeof where, where, sizeof where);
    }
}

static void fill(struct nt_kernel *k, const struct nt_process *p, unsigned processors,
                 uint8_t *page)
{
    static const uint16_t root[] = u"C:\\windows";
    unsigned machine = p->ptr_size == 4 ? 0x14c : 0x8664;
    put(page, TICK_MULTIPLIER, 1u << 24, 4); /* the tick is one millisecond */
    put(page, IMAGE_NUMBER_LOW, machine, 2);
    put(page, IMAGE_NUMBER_HIGH, machine, 2);
    memcpy(page + NT_SYSTEM_ROOT, root, sizeof root);
    put(page, LARGE_PAGE_MINIMUM, 0x200000, 4);
    put(page, NT_BUILD_NUMBER, NT_WINDOWS_BUILD | 0xf0000000u, 4);
    put(page, NT_PRODUCT_TYPE, 1, 4); /* workstation */
    put(page, PRODUCT_TYPE_IS_VALID, 1, 1);
    put(page, NATIVE_ARCHITECTURE,
        p->ptr_size == 4 ? PROCESSOR_ARCHITECTURE_INTEL : PROCESSOR_ARCHITECTURE_AMD64, 2);
    put(page, NT_MAJOR_VERSION, NT_WINDOWS_MAJOR, 4);
    put(page, NT_MINOR_VERSION, NT_WINDOWS_MINOR, 4);
    set_features(page, features, ARRAY_LEN(features));
    put_xstate(k->cfg.xfeatures, page);
    put(page, SUITE_MASK, 0x110, 4);
    put(page, NX_SUPPORT_POLICY, 0x0a, 1);
    put(page, ACTIVE_CONSOLE, 1, 4);
    put(page, NUMBER_OF_PHYSICAL_PAGES, NT_PHYSICAL_PAGES, 4);
    put(page, QPC_FREQUENCY, 10000000, 8);
    put(page, COOKIE, nt_random(k) & 0xffffffff, 4);
    put(page, ACTIVE_PROCESSOR_COUNT, processors, 4);
    put(page, ACTIVE_GROUP_COUNT, 1, 1);
}

static void put_clock(struct nt_kernel *k, uint8_t *page)
{
    uint64_t up = nt_uptime(k);
    put_time(page + INTERRUPT_TIME, up);
    put_time(page + SYSTEM_TIME, nt_system_time(k));
    put_time(page + TICK_COUNT, up / TICKS_PER_MS);
    put(page, 0, up / TICKS_PER_MS, 4);
}

ntstatus win_kuser_map(struct nt_kernel *k, struct nt_process *p, unsigned processors)
{
    uint8_t page[MEM_PAGE] = {0};
    uint64_t base = WIN_KUSER_BASE, size = sizeof page;
    ntstatus s = mem_reserve(p->mem, &base, &size, PAGE_READONLY, true, NULL);
    if (s)
        return s;
    fill(k, p, processors, page);
    put_clock(k, page);
    k->clock.shown = nt_now(k);
    return mem_poke(p->mem, base, page, sizeof page);
}

void win_show_processor(struct nt_kernel *k, struct nt_process *p)
{
    uint8_t page[MEM_PAGE];
    if (!mem_peek(p->mem, WIN_KUSER_BASE, page, sizeof page))
        return;
    put_xstate(k->cfg.xfeatures, page);
    mem_poke(p->mem, WIN_KUSER_BASE, page, sizeof page);
}

void win_update_time(struct nt_kernel *k, struct nt_process *p)
{
    uint8_t part[TICK_COUNT + 12];
    uint64_t now = nt_now(k);
    if (now - k->clock.shown < TICKS_PER_MS)
        return;
    k->clock.shown = now;
    if (!mem_peek(p->mem, WIN_KUSER_BASE, part, sizeof part))
        return;
    put_clock(k, part);
    mem_poke(p->mem, WIN_KUSER_BASE, part, sizeof part);
}
