// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that wait for each other without any system call must all make progress.
#include "check.h"

static LONG volatile turn, ready, stop;
static LONGLONG volatile counted[2];

static DWORD WINAPI ping_pong(void *arg)
{
    LONG me = (LONG)(LONG_PTR)arg;
    InterlockedIncrement(&ready);
    while (ready != 2)
        YieldProcessor();
    for (int i = 0; i < 20; i++) {
        while (turn != me)
            YieldProcessor();
        turn = !me;
    }
    return 0;
}

static DWORD WINAPI count(void *arg)
{
    LONG me = (LONG)(LONG_PTR)arg;
    while (!stop)
        counted[me]++;
    return 0;
}

static SRWLOCK lock = SRWLOCK_INIT;
static LONG volatile spinlock;
static int guarded;

static DWORD WINAPI spinning(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        while (InterlockedExchange(&spinlock, 1))
            YieldProcessor();
        guarded++;
        InterlockedExchange(&spinlock, 0);
        if (i % 50 == 0) {
            AcquireSRWLockExclusive(&lock);
            ReleaseSRWLockExclusive(&lock);
        }
    }
    return 0;
}

int main(void)
{
    HANDLE t[4];
    for (int i = 0; i < 2; i++)
        t[i] = CreateThread(NULL, 0, ping_pong, (void *)(LONG_PTR)i, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 60000), WAIT_OBJECT_0);
    CHECK_EQ(turn, 0);
    for (int i = 0; i < 2; i++)
        t[i] = CreateThread(NULL, 0, count, (void *)(LONG_PTR)i, 0, NULL);
    /* This thread spins as well. */
    while (!counted[0] || !counted[1])
        YieldProcessor();
    stop = 1;
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 60000), WAIT_OBJECT_0);
    for (int i = 0; i < 4; i++)
        t[i] = CreateThread(NULL, 0, spinning, NULL, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(4, t, TRUE, 60000), WAIT_OBJECT_0);
    CHECK_EQ(guarded, 1200);
    return check_done();
}
