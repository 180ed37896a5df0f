// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that cannot be watched as others are, by name. */
#include "hook/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { NEVER = -1 };

static int kind_of(const char *name)
{
    enum hook_kind kind = HOOK_PLAIN;
    return hook_classify("kernel32.dll", name, &kind) ? (int)kind : NEVER;
}

/* They are searched for in order: these are spread over all of the list, with both its ends. */
static void test_special_functions_are_found(void **state)
{
    static const struct {
        const char *name;
        int kind;
    } all[] = {
        {"CaptureStackBackTrace", HOOK_WALKS},
        {"ExitProcess", HOOK_NO_LEAVE},
        {"KiUserApcDispatcher", NEVER},
        {"LdrInitializeThunk", NEVER},
        {"NtContinue", HOOK_WALKS},
        {"NtContinueEx", HOOK_WALKS},
        {"RaiseException", HOOK_WALKS},
        {"RtlCaptureContext", HOOK_WALKS},
        {"RtlCaptureContext2", HOOK_WALKS},
        {"RtlExitUserThread", HOOK_NO_LEAVE},
        {"RtlUnwind", HOOK_WALKS},
        {"RtlUnwindEx", HOOK_WALKS},
        {"RtlUserThreadStart", NEVER},
        {"StackWalk64", HOOK_WALKS},
        {"ZwRaiseException", HOOK_WALKS},
        {"_CxxThrowException", HOOK_WALKS},
        {"_EH_prolog3_catch", NEVER},
        {"_Unwind_RaiseException", HOOK_WALKS},
        {"__chkstk", NEVER},
        {"_alldiv", NEVER},
        {"_alloca_probe_16", NEVER},
        {"_allrem", NEVER},
        {"_except_handler3", HOOK_NO_LEAVE},
        {"_exit", HOOK_NO_LEAVE},
        {"_setjmp3", HOOK_NO_LEAVE},
        {"abort", HOOK_NO_LEAVE},
        {"exit", HOOK_NO_LEAVE},
        {"longjmp", HOOK_WALKS},
        {"setjmp", HOOK_NO_LEAVE},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (kind_of(all[i].name) != all[i].kind)
            fail_msg("%s is %d, not %d", all[i].name, kind_of(all[i].name), all[i].kind);
}

static void test_other_functions_are_plain(void **state)
{
    assert_int_equal(kind_of("CreateFileW"), HOOK_PLAIN);
    assert_int_equal(kind_of("setjmpx"), HOOK_PLAIN);
    assert_int_equal(kind_of("Aaa"), HOOK_PLAIN);
    assert_int_equal(kind_of("zzz"), HOOK_PLAIN);
    assert_int_equal(kind_of(NULL), HOOK_PLAIN);
}

static void test_stubs_of_win32u_are_left_alone(void **state)
{
    enum hook_kind kind;
    assert_false(hook_classify("win32u.dll", "NtUserGetDC", &kind));
}

/* Most names are told apart by their first letters. */
static void test_marks_are_those_of_special_names(void **state)
{
    static const char *const special[] = {
        "CaptureStackBackTrace", "NtContinue", "_EH_prolog", "__chkstk", "_exit", "exit", "setjmp"};
    struct hook_marks marks = {0};
    unsigned marked = 0;
    hook_marks_init(&marks);
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        char name[32] = {0}, other[32];
        memcpy(name, special[i], strlen(special[i]));
        memset(other, 'x', sizeof other);
        memcpy(other, special[i], strlen(special[i]) + 1); /* as before other names in a table */
        assert_true(hook_is_marked(&marks, name));
        assert_true(hook_is_marked(&marks, other));
    }
    for (unsigned i = 0; i < 1000; i++) {
        char name[16] = {0};
        snprintf(name, sizeof name, "Name%u", i);
        marked += hook_is_marked(&marks, name);
    }
    assert_in_range(marked, 0, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_functions_are_found),
        cmocka_unit_test(test_other_functions_are_plain),
        cmocka_unit_test(test_stubs_of_win32u_are_left_alone),
        cmocka_unit_test(test_marks_are_those_of_special_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
