/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks for guest programs. A failing check prints `name: file:line: …` at once and the program
 * goes on; check_done() prints `name: N checks, M failed` and returns the exit status. Any thread
 * may check. The build defines CHECK_NAME, and CHECK_UCRT for the program that uses the universal C
 * runtime.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_TEXT2(x) #x
#define CHECK_TEXT(x)  CHECK_TEXT2(x)
#define CHECK_AT       __FILE_NAME__ ":" CHECK_TEXT(__LINE__)

#define CHECK(cond)          check_true(!!(cond), CHECK_AT, #cond)
#define CHECK_EQ(got, want)  check_equal((long long)(got), (long long)(want), CHECK_AT, #got)
#define CHECK_STR(got, want) check_text((got), (want), CHECK_AT, #got)
#define CHECK_MEM(got, want, len)                                                                  \
    check_true(memcmp((got), (want), (len)) == 0, CHECK_AT, #got " == " #want)
/* The call fails, and the last error says why. */
#define CHECK_ERROR(call, error)                                                                   \
    do {                                                                                           \
        SetLastError(0xdeadbeef);                                                                  \
        check_true(!(call), CHECK_AT, #call " fails");                                             \
        check_equal(GetLastError(), (error), CHECK_AT, "last error of " #call);                    \
    } while (0)
/* Nothing after this can work when it is false. */
#define NEED(cond)                                                                                 \
    do {                                                                                           \
        int needed = !!(cond);                                                                     \
        check_true(needed, CHECK_AT, #cond);                                                       \
        if (!needed)                                                                               \
            exit(check_done());                                                                    \
    } while (0)

#ifdef __GNUC__
#define CHECK_UNUSED __attribute__((unused))
#endif

static LONG volatile check_total, check_failed;

static CHECK_UNUSED void check_true(int ok, const char *at, const char *what)
{
    DWORD error = GetLastError();
    InterlockedIncrement(&check_total);
    if (ok)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": %s: not so: %s (last error %lu)\n", at, what, error);
    fflush(stdout);
    SetLastError(error);
}

static CHECK_UNUSED void check_equal(long long got, long long want, const char *at,
                                     const char *what)
{
    DWORD error = GetLastError();
    InterlockedIncrement(&check_total);
    if (got == want)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": %s: %s is %I64d (0x%I64x), not %I64d (0x%I64x) (last error %lu)\n", at,
           what, got, got, want, want, error);
    fflush(stdout);
    SetLastError(error);
}

static CHECK_UNUSED void check_text(const char *got, const char *want, const char *at,
                                    const char *what)
{
    InterlockedIncrement(&check_total);
    if (strcmp(got, want) == 0)
        return;
    InterlockedIncrement(&check_failed);
    printf(CHECK_NAME ": %s: %s is \"%s\", not \"%s\"\n", at, what, got, want);
    fflush(stdout);
}

/* True when real Wine runs the program to check the program itself. It departs from Windows in
 * places that Peregrine gets right; those checks are left out. */
static CHECK_UNUSED int on_wine(void)
{
    return GetEnvironmentVariableA("GUEST_ORACLE", NULL, 0) != 0;
}

static CHECK_UNUSED int check_done(void)
{
    printf(CHECK_NAME ": %ld checks, %ld failed\n", check_total, check_failed);
    fflush(stdout);
    return check_failed ? 1 : 0;
}

#endif
