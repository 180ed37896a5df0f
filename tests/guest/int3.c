// SPDX-License-Identifier: GPL-2.0-or-later
// Breakpoints of the program's own in several threads: none is lost when threads are switched, and
// each is reported at its instruction.
#include "check.h"

enum { THREADS = 4, TIMES = 2000 };

static volatile LONG seen, elsewhere;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
        return EXCEPTION_CONTINUE_SEARCH;
#ifdef _WIN64
    DWORD64 *ip = &p->ContextRecord->Rip;
#else
    DWORD *ip = &p->ContextRecord->Eip;
#endif
    InterlockedIncrement(&seen);
    if (*(const unsigned char *)*ip == 0xcc)
        ++*ip;
    else
        InterlockedIncrement(&elsewhere);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static DWORD WINAPI work(void *arg)
{
    (void)arg;
    for (int i = 0; i < TIMES; i++)
        __asm__ volatile("int3");
    return 0;
}

int main(void)
{
    HANDLE threads[THREADS];
    AddVectoredExceptionHandler(1, handler);
    for (int i = 0; i < THREADS; i++)
        NEED(threads[i] = CreateThread(NULL, 0, work, NULL, 0, NULL));
    CHECK_EQ(WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(seen, THREADS * TIMES);
    CHECK_EQ(elsewhere, 0);
    return check_done();
}
