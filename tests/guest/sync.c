// SPDX-License-Identifier: GPL-2.0-or-later
// The newer locks, whose waiting goes through keyed events or thread alerts: SRW locks, condition
// variables, WaitOnAddress, one-time initialisation, barriers.
#include "check.h"

enum { THREADS = 8, ITEMS = 400 };

static SRWLOCK lock = SRWLOCK_INIT;
static LONG volatile readers, writers, clashes, most_readers;
static int counter;

static void run(LPTHREAD_START_ROUTINE f)
{
    HANDLE t[THREADS];
    for (int i = 0; i < THREADS; i++) {
        t[i] = CreateThread(NULL, 0, f, (void *)(INT_PTR)i, 0, NULL);
        NEED(t[i]);
    }
    CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, 60000), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++)
        CloseHandle(t[i]);
}

static DWORD WINAPI read_and_write(void *arg)
{
    for (int i = 0; i < 100; i++) {
        if ((i + (int)(INT_PTR)arg) % 4) {
            AcquireSRWLockShared(&lock);
            LONG now = InterlockedIncrement(&readers);
            if (now > most_readers)
                most_readers = now;
            clashes += writers != 0;
            Sleep(i % 8 == 0);
            InterlockedDecrement(&readers);
            ReleaseSRWLockShared(&lock);
        } else {
            AcquireSRWLockExclusive(&lock);
            clashes += InterlockedIncrement(&writers) != 1 || readers != 0;
            int n = counter;
            SwitchToThread();
            counter = n + 1;
            InterlockedDecrement(&writers);
            ReleaseSRWLockExclusive(&lock);
        }
    }
    return 0;
}

static void readers_share_and_writers_exclude(void)
{
    run(read_and_write);
    CHECK_EQ(clashes, 0);
    CHECK_EQ(counter, THREADS * 25);
    CHECK(most_readers >= 1);
    CHECK(TryAcquireSRWLockExclusive(&lock));
    CHECK(!TryAcquireSRWLockShared(&lock));
    ReleaseSRWLockExclusive(&lock);
    CHECK(TryAcquireSRWLockShared(&lock) && TryAcquireSRWLockShared(&lock));
    CHECK(!TryAcquireSRWLockExclusive(&lock));
    ReleaseSRWLockShared(&lock), ReleaseSRWLockShared(&lock);
}

/* A bounded queue with two condition variables; even threads produce, odd ones consume. */
static CRITICAL_SECTION queue_lock;
static CONDITION_VARIABLE not_full = CONDITION_VARIABLE_INIT, not_empty = CONDITION_VARIABLE_INIT;
static int queue[4], queued, produced, consumed;
static long long sum;

static void produce(int value)
{
    EnterCriticalSection(&queue_lock);
    while (queued == 4)
        SleepConditionVariableCS(&not_full, &queue_lock, INFINITE);
    queue[queued++] = value;
    produced++;
    LeaveCriticalSection(&queue_lock);
    WakeConditionVariable(&not_empty);
}

static int consume(void)
{
    EnterCriticalSection(&queue_lock);
    while (!queued)
        SleepConditionVariableCS(&not_empty, &queue_lock, INFINITE);
    int value = queue[--queued];
    consumed++;
    sum += value;
    LeaveCriticalSection(&queue_lock);
    WakeConditionVariable(&not_full);
    return value;
}

static DWORD WINAPI work(void *arg)
{
    for (int i = 1; i <= ITEMS / (THREADS / 2); i++)
        if ((INT_PTR)arg % 2)
            consume();
        else
            produce(i);
    return 0;
}

static void queues_balance(void)
{
    int each = ITEMS / (THREADS / 2);
    InitializeCriticalSectionAndSpinCount(&queue_lock, 100);
    run(work);
    CHECK_EQ(produced, ITEMS);
    CHECK_EQ(consumed, ITEMS);
    CHECK_EQ(queued, 0);
    CHECK_EQ(sum, (long long)(THREADS / 2) * each * (each + 1) / 2);
    EnterCriticalSection(&queue_lock);
    CHECK_ERROR(SleepConditionVariableCS(&not_empty, &queue_lock, 20), ERROR_TIMEOUT);
    LeaveCriticalSection(&queue_lock);
    AcquireSRWLockShared(&lock);
    CHECK_ERROR(
        SleepConditionVariableSRW(&not_empty, &lock, 20, CONDITION_VARIABLE_LOCKMODE_SHARED),
        ERROR_TIMEOUT);
    ReleaseSRWLockShared(&lock);
}

static CONDITION_VARIABLE go = CONDITION_VARIABLE_INIT;
static int started, released;

static DWORD WINAPI wait_for_all(void *arg)
{
    (void)arg;
    AcquireSRWLockExclusive(&lock);
    started++;
    while (!released)
        SleepConditionVariableSRW(&go, &lock, INFINITE, 0);
    counter++;
    ReleaseSRWLockExclusive(&lock);
    return 0;
}

static DWORD WINAPI wake_the_others(void *arg)
{
    if ((INT_PTR)arg != THREADS - 1)
        return wait_for_all(arg);
    for (;;) {
        Sleep(1);
        AcquireSRWLockExclusive(&lock);
        released = started == THREADS - 1;
        ReleaseSRWLockExclusive(&lock);
        if (released)
            break;
    }
    WakeAllConditionVariable(&go);
    return 0;
}

static void all_are_woken(void)
{
    counter = 0;
    run(wake_the_others);
    CHECK_EQ(counter, THREADS - 1);
}

static LONG volatile word;

static DWORD WINAPI wait_on_word(void *arg)
{
    LONG zero = 0;
    (void)arg;
    while (!word)
        WaitOnAddress(&word, &zero, sizeof(word), INFINITE);
    InterlockedIncrement(&readers);
    return 0;
}

static void addresses_wake(void)
{
    LONG same = 0, other = 5;
    HANDLE t[3];
    CHECK_ERROR(WaitOnAddress(&word, &same, sizeof(word), 20), ERROR_TIMEOUT);
    CHECK(WaitOnAddress(&word, &other, sizeof(word), INFINITE));
    CHECK_ERROR(WaitOnAddress(&word, &same, 3, 0), ERROR_INVALID_PARAMETER);
    readers = 0;
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, wait_on_word, NULL, 0, NULL);
    Sleep(10);
    CHECK_EQ(readers, 0);
    InterlockedExchange(&word, 1);
    WakeByAddressAll((void *)&word);
    CHECK_EQ(WaitForMultipleObjects(3, t, TRUE, 10000), WAIT_OBJECT_0);
    CHECK_EQ(readers, 3);
}

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static LONG volatile initialised, agreed;

static BOOL CALLBACK initialise(INIT_ONCE *o, void *parameter, void **context)
{
    (void)o, (void)parameter;
    Sleep(5);
    *context = (void *)0x1000;
    InterlockedIncrement(&initialised);
    return TRUE;
}

static DWORD WINAPI initialise_once(void *arg)
{
    void *context = NULL;
    CHECK(InitOnceExecuteOnce(&once, initialise, arg, &context));
    if (context == (void *)0x1000)
        InterlockedIncrement(&agreed);
    return 0;
}

/* Wine 8.0 has no barriers. */
static BOOL(WINAPI *make_barrier)(SYNCHRONIZATION_BARRIER *, LONG, LONG);
static BOOL(WINAPI *enter_barrier)(SYNCHRONIZATION_BARRIER *, DWORD);
static SYNCHRONIZATION_BARRIER barrier;
static LONG volatile phase[3], serial;

static DWORD WINAPI in_phases(void *arg)
{
    (void)arg;
    for (int p = 0; p < 3; p++) {
        InterlockedIncrement(&phase[p]);
        if (enter_barrier(&barrier, 0))
            InterlockedIncrement(&serial);
        CHECK_EQ(phase[p], THREADS);
    }
    return 0;
}

static void barriers_hold_all(void)
{
    HMODULE k = GetModuleHandleA("kernel32.dll");
    make_barrier = (void *)GetProcAddress(k, "InitializeSynchronizationBarrier");
    enter_barrier = (void *)GetProcAddress(k, "EnterSynchronizationBarrier");
    if (!make_barrier || !enter_barrier)
        return;
    CHECK(make_barrier(&barrier, THREADS, -1));
    run(in_phases);
    CHECK_EQ(serial, 3);
}

int main(void)
{
    readers_share_and_writers_exclude();
    queues_balance();
    all_are_woken();
    addresses_wake();
    run(initialise_once);
    CHECK_EQ(initialised, 1);
    CHECK_EQ(agreed, THREADS);
    barriers_hold_all();
    return check_done();
}
