// SPDX-License-Identifier: GPL-2.0-or-later
// Eight threads under critical sections, mutexes, semaphores, events and interlocked operations;
// and what threads themselves are: exit codes, suspension, identities, priorities.
#include "check.h"

enum { THREADS = 8, ROUNDS = 500 };

static CRITICAL_SECTION section;
static HANDLE mutex, semaphore, gate;
static LONG volatile interlocked, inside, most_inside;
static int guarded, mutexed;

static void start(HANDLE *t, LPTHREAD_START_ROUTINE run)
{
    for (int i = 0; i < THREADS; i++) {
        t[i] = CreateThread(NULL, 0, run, (void *)(INT_PTR)i, 0, NULL);
        NEED(t[i]);
    }
}

static void finish(HANDLE *t)
{
    CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, 60000), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++)
        CloseHandle(t[i]);
}

static DWORD WINAPI contend(void *arg)
{
    (void)arg;
    WaitForSingleObject(gate, INFINITE);
    for (int i = 0; i < ROUNDS; i++) {
        EnterCriticalSection(&section);
        int n = guarded;
        if (i % 16 == 0)
            Sleep(0);
        EnterCriticalSection(&section);
        guarded = n + 1;
        LeaveCriticalSection(&section);
        LeaveCriticalSection(&section);
        InterlockedIncrement(&interlocked);
        if (i % 10 == 0) {
            WaitForSingleObject(mutex, INFINITE);
            n = mutexed;
            SwitchToThread();
            mutexed = n + 1;
            ReleaseMutex(mutex);
        }
    }
    return 0;
}

static void locks_exclude(void)
{
    HANDLE t[THREADS];
    start(t, contend);
    CHECK_EQ(WaitForSingleObject(t[0], 20), WAIT_TIMEOUT);
    SetEvent(gate);
    finish(t);
    CHECK_EQ(guarded, THREADS * ROUNDS);
    CHECK_EQ(interlocked, THREADS * ROUNDS);
    CHECK_EQ(mutexed, THREADS * (ROUNDS / 10));
}

static DWORD WINAPI pass(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        WaitForSingleObject(semaphore, INFINITE);
        LONG now = InterlockedIncrement(&inside);
        if (now > most_inside)
            most_inside = now;
        Sleep(1);
        InterlockedDecrement(&inside);
        ReleaseSemaphore(semaphore, 1, NULL);
    }
    return 0;
}

static void semaphores_count(void)
{
    HANDLE t[THREADS];
    LONG before = -1;
    start(t, pass);
    finish(t);
    CHECK(most_inside <= 3 && most_inside >= 1);
    CHECK(ReleaseSemaphore(semaphore, 1, &before));
    CHECK_EQ(before, 3);
    CHECK_ERROR(ReleaseSemaphore(semaphore, 2, &before), ERROR_TOO_MANY_POSTS);
    CHECK_ERROR(CreateSemaphoreA(NULL, 5, 3, NULL), ERROR_INVALID_PARAMETER);
}

static HANDLE ping, pong;
static LONG volatile hits;

static DWORD WINAPI answer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        WaitForSingleObject(ping, INFINITE);
        hits++;
        SetEvent(pong);
    }
    return 0;
}

static void events_alternate(void)
{
    ping = CreateEventA(NULL, FALSE, FALSE, NULL);
    pong = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE t = CreateThread(NULL, 0, answer, NULL, 0, NULL);
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(SignalObjectAndWait(ping, pong, 10000, FALSE), WAIT_OBJECT_0);
        if (hits != i + 1)
            break;
    }
    CHECK_EQ(hits, 200);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(PulseEvent(ping));
    CHECK_EQ(WaitForSingleObject(ping, 0), WAIT_TIMEOUT);
    CloseHandle(t);
}

static DWORD WINAPI abandon(void *arg)
{
    WaitForSingleObject(arg, INFINITE);
    return 5;
}

static void mutexes_have_owners(void)
{
    DWORD code;
    HANDLE m = CreateMutexA(NULL, FALSE, "guest test mutex");
    CHECK_EQ(GetLastError(), 0);
    HANDLE same = CreateMutexA(NULL, TRUE, "guest test mutex");
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK_EQ(WaitForSingleObject(m, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(same, 0), WAIT_OBJECT_0);
    CHECK(ReleaseMutex(m) && ReleaseMutex(same));
    CHECK_ERROR(ReleaseMutex(m), ERROR_NOT_OWNER);
    HANDLE t = CreateThread(NULL, 0, abandon, m, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 5);
    CHECK_EQ(WaitForSingleObject(m, 0), WAIT_ABANDONED);
    CHECK(ReleaseMutex(m));
    CHECK_ERROR(OpenMutexA(SYNCHRONIZE, FALSE, "no such mutex"), ERROR_FILE_NOT_FOUND);
    CHECK_ERROR(OpenEventA(SYNCHRONIZE, FALSE, "guest test mutex"), ERROR_INVALID_HANDLE);
    HANDLE opened = OpenMutexA(SYNCHRONIZE, FALSE, "guest test mutex");
    CHECK(opened != NULL);
    CloseHandle(opened), CloseHandle(same), CloseHandle(m), CloseHandle(t);
}

static void waits_on_several(void)
{
    HANDLE e[3];
    for (int i = 0; i < 3; i++)
        e[i] = CreateEventA(NULL, i == 2, FALSE, NULL);
    CHECK_EQ(WaitForMultipleObjects(3, e, FALSE, 0), WAIT_TIMEOUT);
    SetEvent(e[1]);
    CHECK_EQ(WaitForMultipleObjects(3, e, FALSE, 1000), WAIT_OBJECT_0 + 1);
    CHECK_EQ(WaitForMultipleObjects(3, e, FALSE, 0), WAIT_TIMEOUT);
    SetEvent(e[0]), SetEvent(e[2]);
    /* Waiting for all takes none until all are there. */
    CHECK_EQ(WaitForMultipleObjects(3, e, TRUE, 10), WAIT_TIMEOUT);
    CHECK_EQ(WaitForSingleObject(e[0], 0), WAIT_OBJECT_0);
    SetEvent(e[0]), SetEvent(e[1]);
    CHECK_EQ(WaitForMultipleObjects(3, e, TRUE, 1000), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(e[0], 0), WAIT_TIMEOUT);
    CHECK_EQ(WaitForSingleObject(e[2], 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject((HANDLE)0x7ffc, 0), WAIT_FAILED);
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
    for (int i = 0; i < 3; i++)
        CloseHandle(e[i]);
}

static LONG volatile ticks;

static DWORD WINAPI tick(void *arg)
{
    while (!*(LONG volatile *)arg) {
        InterlockedIncrement(&ticks);
        Sleep(1);
    }
    ExitThread(1234);
}

static void threads_are_objects(void)
{
    LONG volatile stop = 0;
    DWORD id = 0, code = 0;
    HANDLE t = CreateThread(NULL, 0x10000, tick, (void *)&stop, CREATE_SUSPENDED, &id);
    NEED(t);
    CHECK(id != GetCurrentThreadId() && GetThreadId(t) == id);
    Sleep(20);
    CHECK_EQ(ticks, 0);
    CHECK(GetExitCodeThread(t, &code) && code == STILL_ACTIVE);
    CHECK_EQ(ResumeThread(t), 1);
    while (ticks < 5)
        Sleep(1);
    CHECK_EQ(SuspendThread(t), 0);
    CHECK_EQ(SuspendThread(t), 1);
    CONTEXT c = {.ContextFlags = CONTEXT_CONTROL};
    CHECK(GetThreadContext(t, &c));
    LONG was = ticks;
    Sleep(30);
    CHECK_EQ(ticks, was);
    CHECK_EQ(ResumeThread(t), 2);
    CHECK_EQ(ResumeThread(t), 1);
    CHECK_EQ(ResumeThread(t), 0);
    stop = 1;
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 1234);
    CHECK(SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST));
    CHECK_EQ(GetThreadPriority(GetCurrentThread()), THREAD_PRIORITY_HIGHEST);
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
    CloseHandle(t);
    HANDLE self = NULL;
    CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &self, 0,
                          FALSE, DUPLICATE_SAME_ACCESS));
    CHECK_EQ(GetThreadId(self), GetCurrentThreadId());
    CloseHandle(self);
}

static DWORD WINAPI sleeper(void *begun)
{
    *(LONG volatile *)begun = 1;
    Sleep(INFINITE);
    return 0;
}

static void threads_are_ended(void)
{
    LONG volatile begun = 0;
    DWORD code = 0;
    HANDLE t = CreateThread(NULL, 0, sleeper, (void *)&begun, 0, NULL);
    NEED(t);
    while (!begun) /* before that it may hold the loader's lock */
        Sleep(1);
    CHECK(TerminateThread(t, 77));
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 77);
    CloseHandle(t);
}

static DWORD WINAPI nothing(void *arg)
{
    return (DWORD)(DWORD_PTR)arg;
}

static void threads_come_and_go(void)
{
    int right = 0;
    for (DWORD i = 0; i < 100; i++) {
        DWORD code = 0;
        HANDLE t = CreateThread(NULL, 0, nothing, (void *)(DWORD_PTR)i, 0, NULL);
        WaitForSingleObject(t, 10000);
        GetExitCodeThread(t, &code);
        right += code == i;
        CloseHandle(t);
    }
    CHECK_EQ(right, 100);
}

typedef NTSTATUS(NTAPI *create_user_thread)(HANDLE, void *, BOOLEAN, ULONG, SIZE_T, SIZE_T, void *,
                                            void *, HANDLE *, void *);

static DWORD WINAPI where_is_my_stack(void *highest)
{
    ULONG_PTR local = (ULONG_PTR)&highest;
    return local <= (ULONG_PTR)highest;
}

/* The upper bits of a stack's address can be demanded to be zero. */
static void stacks_lie_low(void)
{
    DWORD code = 0;
    HANDLE t = NULL;
    create_user_thread create = (create_user_thread)(void *)GetProcAddress(
        GetModuleHandleA("ntdll.dll"), "RtlCreateUserThread");
    NEED(create);
    CHECK_EQ(create(GetCurrentProcess(), NULL, FALSE, 4, 0x100000, 0x1000, where_is_my_stack,
                    (void *)(ULONG_PTR)0x0fffffff, &t, NULL),
             0);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code) && code == 1);
    CloseHandle(t);
    CHECK(create(GetCurrentProcess(), NULL, FALSE, 14, 0x100000, 0x1000, where_is_my_stack, NULL,
                 &t, NULL) < 0);
    CHECK(create(GetCurrentProcess(), NULL, FALSE, 25, 0x100000, 0x1000, where_is_my_stack, NULL,
                 &t, NULL) < 0);
}

int main(void)
{
    InitializeCriticalSection(&section);
    mutex = CreateMutexA(NULL, FALSE, NULL);
    semaphore = CreateSemaphoreA(NULL, 3, 4, NULL);
    gate = CreateEventA(NULL, TRUE, FALSE, NULL);
    NEED(mutex && semaphore && gate);
    locks_exclude();
    CHECK(TryEnterCriticalSection(&section));
    LeaveCriticalSection(&section);
    semaphores_count();
    events_alternate();
    mutexes_have_owners();
    waits_on_several();
    threads_are_objects();
    threads_are_ended();
    threads_come_and_go();
    stacks_lie_low();
    DeleteCriticalSection(&section);
    return check_done();
}
