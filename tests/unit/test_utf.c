// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/utf.h"

#include <string.h>

static void text_of_both_forms_corresponds(void **state)
{
    static const struct {
        const char *utf8;
        uint16_t utf16[8];
        size_t len;
    } rows[] = {
        {"", {0}, 0},
        {"a", {'a'}, 1},
        {"\xc3\xa9", {0xe9}, 1},
        {"\xe2\x82\xac", {0x20ac}, 1},
        {"\xf0\x9f\x98\x80", {0xd83d, 0xde00}, 2},
        {"\xed\xa0\x80", {0xd800}, 1}, /* an unpaired surrogate travels as it is */
        {"\xed\xa0\x80x", {0xd800, 'x'}, 2},
        {"\xff", {0xdcff}, 1}, /* bytes that are not UTF-8 */
        {"a\x80z", {'a', 0xdc80, 'z'}, 3},
        {"\xc3", {0xdcc3}, 1}, /* a sequence cut short */
        {"\xe2\x82", {0xdce2, 0xdc82}, 2},
        {"\xc0\xaf", {0xdcc0, 0xdcaf}, 2}, /* an overlong slash stays two bytes */
        {"\xf4\x90\x80\x80", {0xdcf4, 0xdc90, 0xdc80, 0xdc80}, 4}, /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n8 = 99, n16 = 99;
        uint16_t *wide = utf8_to_utf16(rows[i].utf8, strlen(rows[i].utf8), &n16);
        char *narrow = utf16_to_utf8(rows[i].utf16, rows[i].len, &n8);
        expect_row(i, n16 == rows[i].len && !memcmp(wide, rows[i].utf16, n16 * 2) && !wide[n16]);
        expect_row(i, n8 == strlen(rows[i].utf8) && !strcmp(narrow, rows[i].utf8));
        free(wide);
        free(narrow);
    }
}

static void every_code_unit_survives_the_round_trip(void **state)
{
    for (uint32_t c = 1; c < 0x10000; c++) {
        uint16_t unit[3] = {'x', (uint16_t)c, 'y'};
        size_t len, back_len;
        char *narrow = utf16_to_utf8(unit, 3, &len);
        uint16_t *back = utf8_to_utf16(narrow, len, &back_len);
        expect_row(c, back_len == 3 && !memcmp(back, unit, sizeof unit));
        free(back);
        free(narrow);
    }
}

static void nul_is_a_character_like_any_other(void **state)
{
    const uint16_t wide[] = {'a', 0, 'b'};
    size_t len;
    char *narrow = utf16_to_utf8(wide, 3, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(narrow, "a\0b", 4);
    free(narrow);
    assert_int_equal(utf16_len(wide), 1);
}

static void upcase_knows_pairs_beyond_ascii(void **state)
{
    static const uint16_t rows[][2] = {
        {'a', 'A'},     {'Z', 'Z'},     {'1', '1'},       {0xe9, 0xc9},
        {0x3b1, 0x391}, {0x436, 0x416}, {0xd800, 0xd800}, {0xdfff, 0xdfff},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(i, utf16_upcase(rows[i][0]) == rows[i][1]);
}

static void names_compare_without_case(void **state)
{
    const uint16_t a[] = {'K', 'e', 0xe9}, b[] = {'k', 'E', 0xc9}, c[] = {'k', 'F', 0xc9};
    assert_true(utf16_equal_nocase(a, 3, b, 3));
    assert_false(utf16_equal_nocase(a, 3, b, 2));
    assert_true(utf16_compare_nocase(a, 3, c, 3) < 0);
    assert_true(utf16_compare_nocase(a, 2, b, 3) < 0);
    assert_int_equal(utf8_compare_nocase("KERNEL32.dll", "kernel32.DLL"), 0);
    assert_int_equal(utf8_compare_nocase("caf\xc3\xa9", "CAF\xc3\x89"), 0);
    assert_true(utf8_compare_nocase("a", "ab") < 0);
    assert_true(utf8_compare_nocase("b", "AB") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_both_forms_corresponds),
        cmocka_unit_test(every_code_unit_survives_the_round_trip),
        cmocka_unit_test(nul_is_a_character_like_any_other),
        cmocka_unit_test(upcase_knows_pairs_beyond_ascii),
        cmocka_unit_test(names_compare_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
