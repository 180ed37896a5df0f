// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/layout.h"

#include <string.h>

#define FIELDS_UNICODE_STRING(F, S)                                                                \
    F(S, U16, Length, 1) F(S, U16, MaximumLength, 1) F(S, PTR, Buffer, 1)
LAYOUT_STRUCT(UNICODE_STRING);
LAYOUT_DEFINE(UNICODE_STRING);

#define FIELDS_MIXED(F, S)                                                                         \
    F(S, U8, Byte, 1)                                                                              \
    F(S, PTR, Handles, 3) F(S, U8, Tail, 2) F(S, U64, Time, 1) F(S, U32, Last, 1)
LAYOUT_STRUCT(MIXED);
LAYOUT_DEFINE(MIXED);

static void sizes_are_those_of_windows(void **state)
{
    assert_int_equal(layout_size(&layout_UNICODE_STRING, 4), 8);
    assert_int_equal(layout_size(&layout_UNICODE_STRING, 8), 16);
    /* 32-bit Windows aligns 64-bit integers to 8 bytes, unlike the i386 System V ABI. */
    assert_int_equal(layout_size(&layout_MIXED, 4), 40);
    assert_int_equal(layout_size(&layout_MIXED, 8), 56);
}

static void thirty_two_bit_pointers_widen_without_sign(void **state)
{
    const uint8_t guest[8] = {2, 0, 4, 0, 0x78, 0x56, 0x34, 0xf2};
    struct UNICODE_STRING s;
    memset(&s, 0xff, sizeof s);
    layout_get(&layout_UNICODE_STRING, 4, guest, &s);
    assert_int_equal(s.Length, 2);
    assert_int_equal(s.MaximumLength, 4);
    assert_true(s.Buffer == 0xf2345678u);
}

static void what_is_put_can_be_got_for_both_sizes(void **state)
{
    for (unsigned ptr_size = 4; ptr_size <= 8; ptr_size += 4) {
        struct MIXED in = {.Byte = 1,
                           .Handles = {2, 0xffffffff, 4},
                           .Tail = {5, 6},
                           .Time = 0x0123456789abcdef,
                           .Last = 7},
                     out;
        uint8_t guest[64];
        memset(guest, 0xcc, sizeof guest);
        layout_put(&layout_MIXED, ptr_size, &in, guest);
        layout_get(&layout_MIXED, ptr_size, guest, &out);
        assert_int_equal(out.Byte, 1);
        assert_memory_equal(out.Handles, in.Handles, sizeof in.Handles);
        assert_memory_equal(out.Tail, in.Tail, sizeof in.Tail);
        assert_true(out.Time == in.Time);
        assert_int_equal(out.Last, 7);
        assert_int_equal(guest[layout_size(&layout_MIXED, ptr_size)], 0xcc);
    }
}

/* Whatever lay in the host's padding: it was on a stack. */
static void padding_reaches_the_guest_as_zeroes(void **state)
{
    for (unsigned ptr_size = 4; ptr_size <= 8; ptr_size += 4) {
        struct MIXED in;
        uint8_t guest[64];
        memset(&in, 0xee, sizeof in);
        in.Byte = 0;
        memset(in.Handles, 0, sizeof in.Handles);
        memset(in.Tail, 0, sizeof in.Tail);
        in.Time = 0;
        in.Last = 0;
        memset(guest, 0xcc, sizeof guest);
        layout_put(&layout_MIXED, ptr_size, &in, guest);
        for (size_t i = 0; i < layout_size(&layout_MIXED, ptr_size); i++)
            expect_row(i, guest[i] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_windows),
        cmocka_unit_test(thirty_two_bit_pointers_widen_without_sign),
        cmocka_unit_test(what_is_put_can_be_got_for_both_sizes),
        cmocka_unit_test(padding_reaches_the_guest_as_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
