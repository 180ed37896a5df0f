// SPDX-License-Identifier: GPL-2.0-or-later
/* XSAVE areas: against what the processor itself writes and takes. */
#include "arch/xsave.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void registers_survive_a_round_trip(void **state)
{
    struct x86_xsave x;
    _Alignas(64) uint8_t area[X86_XSAVE_MAX];
    struct x86_state a, b;

    x86_xsave_probe(&x);
    x86_state_init(&a, 8);
    for (int i = 0; i < 256; i++)
        a.fx[X86_FX_XMM0 + i] = (uint8_t)(i + 1);
    if (x.mask & X86_XF_YMM) {
        a.ext.in_use = X86_XF_YMM;
        memset(a.ext.ymm_high, 0x5a, sizeof a.ext.ymm_high);
    }
    memset(area, 0xff, sizeof area);
    x86_xsave_put(&x, area, &a);
    b = a;
    memset(&b.ext, 0xee, sizeof b.ext);
    x86_xsave_get(&x, area, &b);
    assert_memory_equal(a.fx, b.fx, sizeof a.fx);
    assert_memory_equal(&a.ext, &b.ext, sizeof a.ext);
}

static void components_that_are_not_in_use_are_zero(void **state)
{
    struct x86_xsave x;
    _Alignas(64) uint8_t area[X86_XSAVE_MAX];
    struct x86_state st, clean;

    x86_xsave_probe(&x);
    x86_state_init(&st, 8);
    x86_state_init(&clean, 8);
    x86_xsave_put(&x, area, &st);
    memset(area + X86_FX_XMM0, 0x77, 256);
    area[X86_XSAVE_HEADER] = 0; /* nothing in use */
    x86_xsave_get(&x, area, &st);
    assert_memory_equal(st.fx + X86_FX_XMM0, clean.fx + X86_FX_XMM0, 256);
    assert_int_equal(st.ext.in_use, 0);
}

static void the_processor_takes_and_gives_the_same(void **state)
{
    struct x86_xsave x;
    _Alignas(64) uint8_t area[X86_XSAVE_MAX], old[X86_XSAVE_MAX] = {0};
    struct x86_state a, b;

    x86_xsave_probe(&x);
    if (!(x.mask & X86_XF_YMM))
        skip();
    x86_state_init(&a, 8);
    memset(a.fx + X86_FX_XMM0, 0x11, 256);
    a.ext.in_use = x.mask & X86_XF_EXT;
    memset(a.ext.ymm_high, 0x22, sizeof a.ext.ymm_high);
    if (x.mask & X86_XF_HI16_ZMM) {
        memset(a.ext.opmask, 0x33, sizeof a.ext.opmask);
        memset(a.ext.zmm_high, 0x44, sizeof a.ext.zmm_high);
        memset(a.ext.zmm16_31, 0x55, sizeof a.ext.zmm16_31);
    }
    x86_xsave_put(&x, area, &a);
    uint32_t low = (uint32_t)x.mask, high = (uint32_t)(x.mask >> 32);
    __asm__ volatile("xsave %0\n\txrstor %1\n\txsave %1\n\txrstor %0"
                     : "+m"(old), "+m"(area)
                     : "a"(low), "d"(high)
                     : "memory");
    memset(&b, 0, sizeof b);
    x86_xsave_get(&x, area, &b);
    assert_memory_equal(a.fx + X86_FX_XMM0, b.fx + X86_FX_XMM0, 256);
    assert_memory_equal(&a.ext, &b.ext, sizeof a.ext);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_survive_a_round_trip),
        cmocka_unit_test(components_that_are_not_in_use_are_zero),
        cmocka_unit_test(the_processor_takes_and_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
