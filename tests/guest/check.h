/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks for guest programs. A failing check prints `name: file:line: …` at once and the program goes
 * on; check_done() prints `name: N checks, M failed` and returns the exit status. Any thread may check.
 * The build defines CHECK_NAME, and CHECK_UCRT for the program that uses the universal C runtime.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)          check_true(!!(cond), __LINE__, #cond)
#define CHECK_EQ(got, want)  check_equal((long long)(got), (long long)(want), __LINE__, #got)
#define CHECK_STR(got, want) check_text((got), (want), __LINE__, #got)
#define CHECK_MEM(got, want, len)                                                                  \
    check_true(memcmp((got), (want), (len)) == 0, __LINE__, #got " == " #want)
/* The call fails, and the last error says why. */
#define CHECK_ERROR(call, error)                                                                   \
    do {                                                                                           \
        SetLastError(0xdeadbeef);                                                                  \
        check_true(!(call), __LINE__, #call " fails");                                             \
        check_equal(GetLastError(), (error), __LINE__, "last error of " #call);                    \
    } while (0)
/* Nothing after this can work when it is false. */
#define NEED(cond)                                                                                 \
    do {                                                                                           \
        CHECK(cond);                                                                               \
        if (!(cond))                                                                               \
            exit(check_done());                                                                    \
    } while (0)

#ifdef __GNUC__
#define CHECK_UNUSED __attribute__((unused))
#endif

static LONG volatile check_total, check_failed;

static CHECK_UNUSED void check_true(int ok, int line, const char *what)
{
    DWORD error = GetLastError();
    InterlockedIncrement(&check_total);
    if (ok)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": %s:%d: not so: %s (last error %lu)\n", __FILE__, line, what, error);
    fflush(stdout);
    SetLastError(error);
}

static CHECK_UNUSED void check_equal(long long got, long long want, int line, const char *what)
{
    DWORD error = GetLastError();
    InterlockedIncrement(&check_total);
    if (got == want)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": line %d: %s is %I64d (0x%I64x), not %I64d (0x%I64x) (last error %lu)\n",
           line, what, got, got, want, want, error);
    fflush(stdout);
    SetLastError(error);
}

static CHECK_UNUSED void check_text(const char *got, const char *want, int line, const char *what)
{
    InterlockedIncrement(&check_total);
    if (strcmp(got, want) == 0)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": line %d: %s is \"%s\", not \"%s\"\n", line, what, got, want);
    fflush(stdout);
}

static CHECK_UNUSED int check_done(void)
{
    printf(CHECK_NAME ": %ld checks, %ld failed\n", check_total, check_failed);
    fflush(stdout);
    return check_failed ? 1 : 0;
}

#endif
