// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"

#include "trace/memo.h"

#include <stdio.h>

static void expect(struct trace_memo *m, uint64_t a, uint64_t b, const char *text)
{
    const struct trace_memo_row *r = trace_memo_find(m, a, b);
    assert_non_null(r);
    assert_string_equal(r->text, text);
    assert_int_equal(r->length, strlen(text));
}

static void what_was_kept_last_is_found_by_both_numbers(void **state)
{
    static struct trace_memo m;
    trace_memo_keep(&m, 1, 2, "one", 3);
    expect(&m, 1, 2, "one");
    assert_null(trace_memo_find(&m, 2, 1));
    for (uint64_t i = 3; i < 1000; i++) { /* some belong in its row */
        assert_null(trace_memo_find(&m, i, 2));
        assert_null(trace_memo_find(&m, 1, i));
    }
    trace_memo_keep(&m, 1, 2, "two and more", 3);
    expect(&m, 1, 2, "two");
}

static void numbers_never_find_the_text_of_others(void **state)
{
    static struct trace_memo m;
    char text[32];
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t a = i * i * i, b = i % 7;
        assert_null(trace_memo_find(&m, a, b));
        trace_memo_keep(&m, a, b, text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)i));
        expect(&m, a, b, text);
    }
}

static void nothing_is_found_in_an_empty_one(void **state)
{
    static struct trace_memo m;
    for (uint64_t i = 0; i < 1000; i++)
        assert_null(trace_memo_find(&m, i, i));
    assert_null(trace_memo_find(&m, 0, 0));
}

static void long_text_is_not_kept(void **state)
{
    static struct trace_memo m;
    char text[TRACE_MEMO_TEXT + 1] = "";
    memset(text, 'x', TRACE_MEMO_TEXT);
    trace_memo_keep(&m, 1, 1, text, TRACE_MEMO_TEXT);
    assert_null(trace_memo_find(&m, 1, 1));
    text[TRACE_MEMO_TEXT - 1] = 0;
    trace_memo_keep(&m, 1, 1, text, TRACE_MEMO_TEXT - 1);
    expect(&m, 1, 1, text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_last_is_found_by_both_numbers),
        cmocka_unit_test(numbers_never_find_the_text_of_others),
        cmocka_unit_test(nothing_is_found_in_an_empty_one),
        cmocka_unit_test(long_text_is_not_kept),
    };
    return cmocka_run_group_tests_name("trace_memo", tests, NULL, NULL);
}
