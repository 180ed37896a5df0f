// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/xsave.h"
#include <cpuid.h>
#include <string.h>

enum { LEAF_FEATURES = 1, LEAF_XSAVE = 0xd, BIT_OSXSAVE = 1 << 27, FX_USED = 416 };

struct component {
    unsigned number;
    size_t offset, size; /* in struct x86_ext */
};
#define COMPONENT(number, field)                                                                   \
    {                                                                                              \
        number, offsetof(struct x86_ext, field), sizeof((struct x86_ext *)0)->field                \
    }
static const struct component components[] = {
    COMPONENT(2, ymm_high),
    COMPONENT(5, opmask),
    COMPONENT(6, zmm_high),
    COMPONENT(7, zmm16_31),
};
enum { COMPONENTS = sizeof components / sizeof *components };

static uint64_t host_xcr0(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

void x86_xsave_probe(struct x86_xsave *x)
{
    uint32_t a, b, c, d;
    *x = (struct x86_xsave){.mask = X86_XF_X87 | X86_XF_SSE, .size = X86_XSAVE_HEADER + 64};
    /* Hypervisors take microseconds for each cpuid. */
    if (__get_cpuid_max(0, NULL) < LEAF_XSAVE)
        return;
    __cpuid(LEAF_FEATURES, a, b, c, d);
    if (!(c & BIT_OSXSAVE))
        return;
    uint64_t enabled = host_xcr0();
    for (int i = 0; i < COMPONENTS; i++) {
        unsigned n = components[i].number;
        if (!(enabled >> n & 1))
            continue;
        __cpuid_count(LEAF_XSAVE, n, a, b, c, d);
        if (a != components[i].size || b + a > X86_XSAVE_MAX)
            continue;
        x->mask |= 1ull << n;
        x->at[n] = b;
        if (b + a > x->size)
            x->size = b + a;
    }
}

void x86_xsave_get(const struct x86_xsave *x, const uint8_t *area, struct x86_state *st)
{
    uint64_t present;
    memcpy(&present, area + X86_XSAVE_HEADER, sizeof present);
    memcpy(st->fx, area, FX_USED);
    memset(st->fx + FX_USED, 0, sizeof st->fx - FX_USED);
    if (!(present & X86_XF_SSE)) /* the area need not have been written where its bit is clear */
        memset(st->fx + X86_FX_XMM0, 0, FX_USED - X86_FX_XMM0);
    if (!(present & X86_XF_X87)) {
        const uint16_t fcw = 0x37f; /* what FNINIT sets */
        memset(st->fx, 0, X86_FX_MXCSR);
        memset(st->fx + X86_FX_ST0, 0, X86_FX_XMM0 - X86_FX_ST0);
        memcpy(st->fx, &fcw, sizeof fcw);
    }
    st->ext.in_use = 0;
    for (int i = 0; i < COMPONENTS; i++) {
        const struct component *c = &components[i];
        uint8_t *to = (uint8_t *)&st->ext + c->offset;
        if (present & x->mask & 1ull << c->number) {
            memcpy(to, area + x->at[c->number], c->size);
            st->ext.in_use |= 1ull << c->number;
        } else {
            memset(to, 0, c->size);
        }
    }
}

void x86_xsave_put(const struct x86_xsave *x, uint8_t *area, const struct x86_state *st)
{
    uint64_t present = X86_XF_X87 | X86_XF_SSE | (st->ext.in_use & x->mask);
    uint32_t mxcsr;
    memset(area, 0, x->size);
    memcpy(area, st->fx, FX_USED);
    memcpy(&mxcsr, st->fx + X86_FX_MXCSR, sizeof mxcsr);
    mxcsr &= 0xffff;
    memcpy(area + X86_FX_MXCSR, &mxcsr, sizeof mxcsr);
    memcpy(area + X86_XSAVE_HEADER, &present, sizeof present);
    for (int i = 0; i < COMPONENTS; i++) {
        const struct component *c = &components[i];
        if (present & 1ull << c->number)
            memcpy(area + x->at[c->number], (const uint8_t *)&st->ext + c->offset, c->size);
    }
}
