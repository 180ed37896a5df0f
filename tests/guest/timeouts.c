// SPDX-License-Identifier: GPL-2.0-or-later
// Time-outs never end early, time never goes back, and clocks agree with one another.
#include "check.h"

#include <time.h>

static LARGE_INTEGER frequency;

static double now_ms(void)
{
    LARGE_INTEGER t;
    QueryPerformanceCounter(&t);
    return (double)t.QuadPart * 1000.0 / (double)frequency.QuadPart;
}

/* Windows' own clocks may differ by one tick of 15.6 ms. */
static void waits_last(DWORD ms)
{
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    double before = now_ms();
    ULONGLONG ticks = GetTickCount64();
    CHECK_EQ(WaitForSingleObject(e, ms), WAIT_TIMEOUT);
    CHECK(now_ms() - before >= ms - 1.0);
    CHECK(GetTickCount64() - ticks + 16 >= ms);
    before = now_ms();
    Sleep(ms);
    CHECK(now_ms() - before >= ms - 1.0);
    CHECK(now_ms() - before < ms + 5000.0);
    before = now_ms();
    CHECK_EQ(SleepEx(ms, TRUE), 0);
    CHECK(now_ms() - before >= ms - 1.0);
    CHECK_EQ(WaitForMultipleObjects(1, &e, TRUE, ms), WAIT_TIMEOUT);
    CloseHandle(e);
}

/* Nothing between the wait and the look at the clock: some clocks are read without a service. */
static void sleepers_see_the_time(DWORD ms)
{
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    DWORD ticks = GetTickCount();
    Sleep(ms);
    CHECK(GetTickCount() - ticks + 16 >= ms);
    ULONGLONG ticks64 = GetTickCount64();
    WaitForSingleObject(e, ms);
    CHECK(GetTickCount64() - ticks64 + 16 >= ms);
    CloseHandle(e);
}

static void time_goes_on(void)
{
    double last = now_ms();
    DWORD ticks = GetTickCount();
    FILETIME was, is;
    int back = 0, ticks_back = 0, clock_back = 0;
    GetSystemTimeAsFileTime(&was);
    for (int i = 0; i < 2000; i++) {
        double t = now_ms();
        DWORD k = GetTickCount();
        GetSystemTimeAsFileTime(&is);
        back += t < last;
        ticks_back += k < ticks;
        clock_back += CompareFileTime(&is, &was) < 0;
        last = t, ticks = k, was = is;
    }
    CHECK_EQ(back, 0);
    CHECK_EQ(ticks_back, 0);
    CHECK_EQ(clock_back, 0);
}

static void calendars_agree(void)
{
    SYSTEMTIME s, back, local;
    FILETIME f, precise;
    GetSystemTimeAsFileTime(&f);
    GetSystemTimePreciseAsFileTime(&precise);
    ULARGE_INTEGER a = {.u = {f.dwLowDateTime, f.dwHighDateTime}};
    ULARGE_INTEGER b = {.u = {precise.dwLowDateTime, precise.dwHighDateTime}};
    CHECK(b.QuadPart + 200000 >= a.QuadPart && b.QuadPart < a.QuadPart + 100000000);
    CHECK(FileTimeToSystemTime(&f, &s));
    CHECK(s.wYear >= 2020 && s.wYear < 2200 && s.wMonth >= 1 && s.wMonth <= 12 && s.wDay >= 1);
    CHECK(SystemTimeToFileTime(&s, &precise) && FileTimeToSystemTime(&precise, &back));
    CHECK_MEM(&s, &back, sizeof(s));
    s = (SYSTEMTIME){2024, 2, 0, 29, 12, 34, 56, 789};
    CHECK(SystemTimeToFileTime(&s, &f));
    CHECK_EQ(((ULONGLONG)f.dwHighDateTime << 32 | f.dwLowDateTime), 133536836967890000);
    CHECK(FileTimeToSystemTime(&f, &back) && back.wDayOfWeek == 4);
    s.wDay = 31;
    CHECK_ERROR(SystemTimeToFileTime(&s, &f), ERROR_INVALID_PARAMETER);
    GetLocalTime(&local);
    CHECK(local.wYear >= 2020);
    TIME_ZONE_INFORMATION zone;
    CHECK(GetTimeZoneInformation(&zone) != TIME_ZONE_ID_INVALID);
    WORD date, dos;
    f = (FILETIME){0xd53e8000, 0x019db1de};
    CHECK(FileTimeToDosDateTime(&(FILETIME){0, 0x01c00000}, &date, &dos) && date);
    time_t t = time(NULL);
    CHECK(t > 1577836800);
    struct tm *tm = gmtime(&(time_t){86400 * 365});
    CHECK(tm->tm_year == 71 && tm->tm_mon == 0 && tm->tm_mday == 1);
    clock_t c = clock();
    CHECK(c >= 0);
}

/* Loops that only look at a clock end. */
static void busy_loops_end(void)
{
    DWORD start = GetTickCount();
    unsigned turns = 0;
    while (GetTickCount() - start < 40)
        turns++;
    CHECK(turns > 0);
    FILETIME a, b;
    GetSystemTimeAsFileTime(&a);
    do
        GetSystemTimeAsFileTime(&b);
    while (b.dwLowDateTime - a.dwLowDateTime < 300000);
    double t = now_ms();
    while (now_ms() - t < 20)
        ;
    clock_t c = clock();
    while (clock() - c < 20)
        ;
    CHECK(GetTickCount() - start >= 50);
}

int main(void)
{
    NEED(QueryPerformanceFrequency(&frequency) && frequency.QuadPart >= 1000);
    waits_last(1), waits_last(30), waits_last(120);
    sleepers_see_the_time(100);
    CHECK_EQ(WaitForSingleObject(GetCurrentThread(), 0), WAIT_TIMEOUT);
    time_goes_on();
    calendars_agree();
    busy_loops_end();
    return check_done();
}
