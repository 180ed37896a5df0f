// SPDX-License-Identifier: GPL-2.0-or-later
// Things that run later: APCs, waitable timers, timer queues, the thread pool, registered waits.
#include "check.h"

static char trail[32];

static void CALLBACK note(ULONG_PTR value)
{
    size_t n = strlen(trail);
    trail[n] = (char)value;
    trail[n + 1] = 0;
}

static HANDLE about_to_sleep;

static DWORD WINAPI sleeps(void *arg)
{
    SetEvent(about_to_sleep); /* APCs that come before would run when the thread starts */
    DWORD r = SleepEx(10000, TRUE);
    *(DWORD *)arg = r;
    return r;
}

static void apcs_run_in_alertable_waits(void)
{
    DWORD result = 0;
    HANDLE never = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK(QueueUserAPC(note, GetCurrentThread(), 'a') &&
          QueueUserAPC(note, GetCurrentThread(), 'b'));
    Sleep(5);
    CHECK_EQ(WaitForSingleObject(never, 5), WAIT_TIMEOUT);
    CHECK_STR(trail, "");
    CHECK_EQ(SleepEx(10000, TRUE), WAIT_IO_COMPLETION);
    CHECK_STR(trail, "ab");
    CHECK_EQ(SleepEx(5, TRUE), 0);
    QueueUserAPC(note, GetCurrentThread(), 'c');
    CHECK_EQ(WaitForSingleObjectEx(never, INFINITE, TRUE), WAIT_IO_COMPLETION);
    QueueUserAPC(note, GetCurrentThread(), 'd');
    CHECK_EQ(WaitForMultipleObjectsEx(1, &never, FALSE, INFINITE, TRUE), WAIT_IO_COMPLETION);
    CHECK_STR(trail, "abcd");
    about_to_sleep = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE t = CreateThread(NULL, 0, sleeps, &result, 0, NULL);
    CHECK_EQ(WaitForSingleObject(about_to_sleep, 10000), WAIT_OBJECT_0);
    Sleep(20);
    CHECK(QueueUserAPC(note, t, 'e'));
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK_EQ(result, WAIT_IO_COMPLETION);
    CHECK_STR(trail, "abcde");
    CHECK_ERROR(QueueUserAPC(note, t, 'f'), ERROR_GEN_FAILURE);
    CloseHandle(t), CloseHandle(never), CloseHandle(about_to_sleep);
}

static LONG volatile apc_ticks;

static void CALLBACK tick(void *arg, DWORD low, DWORD high)
{
    CHECK(arg == &apc_ticks && (low || high));
    InterlockedIncrement(&apc_ticks);
}

static void timers_fire(void)
{
    LARGE_INTEGER due = {.QuadPart = -100000}; /* 10 ms */
    HANDLE t = CreateWaitableTimerA(NULL, FALSE, NULL);
    CHECK_EQ(WaitForSingleObject(t, 0), WAIT_TIMEOUT);
    CHECK(SetWaitableTimer(t, &due, 0, NULL, NULL, FALSE));
    CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(t, 30), WAIT_TIMEOUT);
    CHECK(SetWaitableTimer(t, &due, 10, NULL, NULL, FALSE));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK(CancelWaitableTimer(t));
    WaitForSingleObject(t, 0);
    CHECK_EQ(WaitForSingleObject(t, 40), WAIT_TIMEOUT);
    CHECK(SetWaitableTimer(t, &due, 10, tick, (void *)&apc_ticks, FALSE));
    while (apc_ticks < 3)
        CHECK_EQ(SleepEx(5000, TRUE), WAIT_IO_COMPLETION);
    CHECK(CancelWaitableTimer(t));
    CloseHandle(t);
}

static LONG volatile worked, timed, waited;
static HANDLE all_done;

static void CALLBACK work(TP_CALLBACK_INSTANCE *i, void *arg, TP_WORK *w)
{
    (void)i, (void)w;
    InterlockedExchangeAdd(&worked, (LONG)(LONG_PTR)arg);
}

static void CALLBACK pool_timer(TP_CALLBACK_INSTANCE *i, void *arg, TP_TIMER *t)
{
    (void)i, (void)t;
    if (InterlockedIncrement(&timed) == 3)
        SetEvent(arg);
}

static void CALLBACK pool_wait(TP_CALLBACK_INSTANCE *i, void *arg, TP_WAIT *w, TP_WAIT_RESULT r)
{
    (void)i, (void)w;
    CHECK_EQ(r, WAIT_OBJECT_0);
    InterlockedIncrement(&waited);
    SetEvent(arg);
}

static void CALLBACK simple(TP_CALLBACK_INSTANCE *i, void *arg)
{
    (void)i;
    SetEvent(arg);
}

static void pools_work(void)
{
    TP_WORK *w = CreateThreadpoolWork(work, (void *)3, NULL);
    NEED(w);
    for (int i = 0; i < 50; i++)
        SubmitThreadpoolWork(w);
    WaitForThreadpoolWorkCallbacks(w, FALSE);
    CloseThreadpoolWork(w);
    CHECK_EQ(worked, 150);
    CHECK(TrySubmitThreadpoolCallback(simple, all_done, NULL));
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    TP_TIMER *t = CreateThreadpoolTimer(pool_timer, all_done, NULL);
    LARGE_INTEGER due = {.QuadPart = -50000};
    FILETIME ft = {due.LowPart, (DWORD)due.HighPart};
    SetThreadpoolTimer(t, &ft, 5, 0);
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    SetThreadpoolTimer(t, NULL, 0, 0);
    WaitForThreadpoolTimerCallbacks(t, TRUE);
    CloseThreadpoolTimer(t);
    CHECK(timed >= 3);
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    TP_WAIT *p = CreateThreadpoolWait(pool_wait, all_done, NULL);
    SetThreadpoolWait(p, e, NULL);
    Sleep(10);
    CHECK_EQ(waited, 0);
    SetEvent(e);
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    CHECK_EQ(waited, 1);
    WaitForThreadpoolWaitCallbacks(p, TRUE);
    CloseThreadpoolWait(p);
    CloseHandle(e);
}

static DWORD WINAPI item(void *arg)
{
    SetEvent(arg);
    return 0;
}

static LONG volatile queue_ticks, registered;

static void CALLBACK queue_tick(void *arg, BOOLEAN fired)
{
    CHECK(fired);
    if (InterlockedIncrement(&queue_ticks) == 3)
        SetEvent(arg);
}

static void CALLBACK on_event(void *arg, BOOLEAN timeout)
{
    InterlockedExchangeAdd(&registered, timeout ? 100 : 1);
    SetEvent(arg);
}

static void queues_work(void)
{
    HANDLE timer, wait, e = CreateEventA(NULL, FALSE, FALSE, NULL), queue = CreateTimerQueue();
    CHECK(QueueUserWorkItem(item, all_done, 0));
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    CHECK(CreateTimerQueueTimer(&timer, queue, queue_tick, all_done, 5, 5, 0));
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    CHECK(DeleteTimerQueueEx(queue, INVALID_HANDLE_VALUE));
    CHECK(queue_ticks >= 3);
    CHECK(RegisterWaitForSingleObject(&wait, e, on_event, all_done, INFINITE, WT_EXECUTEDEFAULT));
    SetEvent(e);
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    CHECK_EQ(registered, 1);
    CHECK(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
    CHECK(RegisterWaitForSingleObject(&wait, e, on_event, all_done, 10, WT_EXECUTEONLYONCE));
    CHECK_EQ(WaitForSingleObject(all_done, 10000), WAIT_OBJECT_0);
    CHECK_EQ(registered, 101);
    CHECK(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
    CloseHandle(e);
}

int main(void)
{
    all_done = CreateEventA(NULL, FALSE, FALSE, NULL);
    apcs_run_in_alertable_waits();
    timers_fire();
    pools_work();
    queues_work();
    return check_done();
}
