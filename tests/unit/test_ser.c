// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/ser.h"

#include <string.h>

struct thing {
    bool yes, no;
    uint8_t small;
    uint32_t middle;
    uint64_t large;
    char *text, *no_text;
    uint16_t *wide;
    size_t wide_len;
};

static void thing_transfer(struct ser *s, struct thing *t)
{
    ser_tag(s, "THNG");
    SER(s, t->yes);
    SER(s, t->no);
    SER(s, t->small);
    SER(s, t->middle);
    SER(s, t->large);
    ser_text(s, &t->text);
    ser_text(s, &t->no_text);
    ser_utf16(s, &t->wide, &t->wide_len, 100);
    ser_tag(s, "ENDS");
}

static void thing_free(struct thing *t)
{
    free(t->text);
    free(t->no_text);
    free(t->wide);
}

static uint16_t wide[] = {'w', 0xd800, 0};

static struct ser save_thing(void)
{
    struct thing t = {.yes = true,
                      .small = 7,
                      .middle = 0x12345678,
                      .large = UINT64_MAX - 1,
                      .text = "text",
                      .wide = wide,
                      .wide_len = 3};
    struct ser s;
    ser_begin_save(&s);
    thing_transfer(&s, &t);
    assert_false(s.failed);
    return s;
}

static void what_was_saved_is_what_is_loaded(void **state)
{
    struct ser saved = save_thing(), load;
    struct thing t;
    memset(&t, 0xff, sizeof t);
    t.yes = false;
    t.no = true;
    ser_begin_load(&load, saved.data, saved.len);
    thing_transfer(&load, &t);
    assert_false(load.failed);
    assert_int_equal(load.at, load.len);
    assert_true(t.yes && !t.no);
    assert_int_equal(t.small, 7);
    assert_int_equal(t.middle, 0x12345678);
    assert_true(t.large == UINT64_MAX - 1);
    assert_string_equal(t.text, "text");
    assert_null(t.no_text);
    assert_int_equal(t.wide_len, 3);
    assert_memory_equal(t.wide, wide, sizeof wide);
    thing_free(&t);
    ser_end(&load);
    ser_end(&saved);
}

static void every_truncation_fails_and_leaves_nothing_undefined(void **state)
{
    struct ser saved = save_thing();
    for (size_t len = 0; len < saved.len; len++) {
        struct thing t;
        struct ser load;
        void *exact = xmemdup(saved.data, len); /* so that a sanitizer sees a read past the end */
        memset(&t, 0, sizeof t);
        ser_begin_load(&load, exact, len);
        thing_transfer(&load, &t);
        expect_row(len, load.failed && load.error.status == PGR_E_FORMAT && load.error.text[0]);
        thing_free(&t);
        ser_end(&load);
        free(exact);
    }
    ser_end(&saved);
}

static void a_count_beyond_its_bound_is_refused(void **state)
{
    const uint64_t huge = UINT64_MAX, fair = 10;
    struct ser load;
    size_t n = 5;
    ser_begin_load(&load, &huge, sizeof huge);
    ser_count(&load, &n, 10);
    assert_true(load.failed);
    assert_int_equal(n, 0);
    ser_begin_load(&load, &fair, sizeof fair);
    ser_count(&load, &n, 10);
    assert_false(load.failed);
    assert_int_equal(n, 10);
}

static void bytes_that_are_not_there_are_not_allocated(void **state)
{
    const uint8_t image[] = {1, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0};
    struct ser load;
    uint8_t *p = NULL;
    size_t n = 0;
    ser_begin_load(&load, image, sizeof image);
    ser_bytes(&load, &p, &n, SIZE_MAX);
    assert_true(load.failed);
    assert_null(p);
    assert_int_equal(n, 0);
}

static void a_bool_is_yes_or_no(void **state)
{
    const uint8_t two = 2;
    struct ser load;
    bool b = true;
    ser_begin_load(&load, &two, 1);
    SER(&load, b);
    assert_true(load.failed);
    assert_false(b);
}

static void a_wrong_mark_names_the_one_that_was_expected(void **state)
{
    struct ser load;
    ser_begin_load(&load, "ABCD", 4);
    ser_tag(&load, "WXYZ");
    assert_true(load.failed);
    assert_non_null(strstr(load.error.text, "WXYZ"));
}

static void the_first_failure_is_the_one_reported(void **state)
{
    struct ser s;
    ser_begin_save(&s);
    ser_fail(&s, "first %d", 1);
    ser_fail(&s, "second");
    assert_string_equal(s.error.text, "first 1");
    ser_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_what_is_loaded),
        cmocka_unit_test(every_truncation_fails_and_leaves_nothing_undefined),
        cmocka_unit_test(a_count_beyond_its_bound_is_refused),
        cmocka_unit_test(bytes_that_are_not_there_are_not_allocated),
        cmocka_unit_test(a_bool_is_yes_or_no),
        cmocka_unit_test(a_wrong_mark_names_the_one_that_was_expected),
        cmocka_unit_test(the_first_failure_is_the_one_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
