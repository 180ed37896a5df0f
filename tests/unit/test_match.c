// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/match.h"

#include <string.h>

static void wildcards_match_runs_and_single_bytes(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything", true},
        {"?", "", false},
        {"?", "a", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"Nt*File", "NtCreateFile", true},
        {"Nt*File", "NtFile", true},
        {"Nt*File", "NtCreateFiles", false},
        {"nt*FILE", "NtReadFile", true},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "xxaxxcxxbxx", false},
        {"**a", "bba", true},
        {"a*a", "a", false},
        {"*.txt", ".txt.txt", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(i, match_wildcard(rows[i].pattern, rows[i].text) == rows[i].matches);
}

static void a_pattern_of_many_stars_ends_in_time(void **state)
{
    char pattern[201], text[5001];
    for (size_t i = 0; i < 200; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[200] = 0;
    memset(text, 'a', 5000);
    text[5000] = 0;
    assert_true(match_wildcard(pattern, text));
    text[4999] = 'b';
    assert_false(match_wildcard(pattern, text));
}

static void a_typing_error_finds_the_name_that_was_meant(void **state)
{
    static const char *const names[] = {"run",   "inspect",  "doctor",   "services",
                                        "roots", "wine-8.0", "wine-10.0"};
    static const struct {
        const char *word, *meant;
    } rows[] = {
        {"rnu", "run"},
        {"runn", "run"},
        {"inspct", "inspect"},
        {"docotr", "doctor"},
        {"serv", "services"},
        {"ROOTS", "roots"},
        {"frobnicate", NULL},
        {"", NULL},
        {"xyz", NULL},
        {"wine-10", "wine-10.0"},
        {"wine10.0", "wine-10.0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *near = match_nearest(rows[i].word, names, ARRAY_LEN(names));
        expect_row(i, rows[i].meant ? near && !strcmp(near, rows[i].meant) : !near);
    }
}

static void words_longer_than_any_name_are_near_to_nothing(void **state)
{
    static const char *const names[] = {"run"};
    char word[1000];
    memset(word, 'r', sizeof word - 1);
    word[sizeof word - 1] = 0;
    assert_null(match_nearest(word, names, 1));
    assert_null(match_nearest("run", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wildcards_match_runs_and_single_bytes),
        cmocka_unit_test(a_pattern_of_many_stars_ends_in_time),
        cmocka_unit_test(a_typing_error_finds_the_name_that_was_meant),
        cmocka_unit_test(words_longer_than_any_name_are_near_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
