// SPDX-License-Identifier: GPL-2.0-or-later
/* XSTATE areas behind a CONTEXT. */
#include "arch/xstate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void the_area_is_as_large_as_its_last_component(void **state)
{
    assert_int_equal(x86_xstate_size(0), 0);
    assert_int_equal(x86_xstate_size(X86_XF_YMM), 64 + 256);
    assert_int_equal(x86_xstate_size(X86_XF_EXT), X86_XSTATE_MAX);
}

static void components_survive_a_round_trip(void **state)
{
    uint8_t area[X86_XSTATE_MAX];
    struct x86_state a, b;
    x86_state_init(&a, 8);
    x86_state_init(&b, 8);
    memset(a.ext.ymm_high, 1, sizeof a.ext.ymm_high);
    memset(a.ext.zmm16_31, 2, sizeof a.ext.zmm16_31);
    a.ext.in_use = X86_XF_YMM | X86_XF_HI16_ZMM;
    x86_xstate_get(&a, X86_XF_EXT, area);
    assert_int_equal(area[0], X86_XF_YMM | X86_XF_HI16_ZMM);
    assert_int_equal(area[64], 1);
    x86_xstate_set(&b, X86_XF_EXT, area, sizeof area);
    assert_memory_equal(&a.ext, &b.ext, sizeof a.ext);
}

static void components_that_the_header_leaves_out_become_zero(void **state)
{
    uint8_t area[X86_XSTATE_MAX] = {0};
    struct x86_state st;
    x86_state_init(&st, 8);
    memset(st.ext.ymm_high, 1, sizeof st.ext.ymm_high);
    st.ext.in_use = X86_XF_YMM;
    x86_xstate_set(&st, X86_XF_YMM, area, sizeof area);
    assert_int_equal(st.ext.in_use, 0);
    assert_int_equal(st.ext.ymm_high[3][3], 0);
}

static void components_outside_a_short_area_stay(void **state)
{
    uint8_t area[X86_XSTATE_MAX];
    struct x86_state st;
    memset(area, 0xff, sizeof area);
    x86_state_init(&st, 8);
    for (size_t len = 0; len < 64 + 256; len++)
        x86_xstate_set(&st, X86_XF_EXT, area, len);
    assert_int_equal(st.ext.in_use, 0);
    assert_int_equal(st.ext.ymm_high[0][0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_area_is_as_large_as_its_last_component),
        cmocka_unit_test(components_survive_a_round_trip),
        cmocka_unit_test(components_that_the_header_leaves_out_become_zero),
        cmocka_unit_test(components_outside_a_short_area_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
