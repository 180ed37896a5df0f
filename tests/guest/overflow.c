// SPDX-License-Identifier: GPL-2.0-or-later
// Stack overflow is an exception that can be caught, more than once, on the main and other threads.
#include "check.h"

#include <malloc.h>
#include <setjmp.h>

/* A jump buffer without a frame only restores registers: it may leave an exception handler. */
#define SETJMP(buffer) _setjmp((buffer), NULL)

static __thread jmp_buf *way_out;
static LONG volatile overflows;
static __thread int deepest;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode != EXCEPTION_STACK_OVERFLOW || !way_out)
        return EXCEPTION_CONTINUE_SEARCH;
    InterlockedIncrement(&overflows);
    longjmp(*way_out, 1);
}

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[1000];
    frame[0] = (char)n;
    deepest = n;
    return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

static int overflow_once(void)
{
    jmp_buf here;
    way_out = &here;
    if (!SETJMP(here)) {
        recurse(0);
        CHECK(!"reached");
    }
    way_out = NULL;
    return _resetstkoflw();
}

static DWORD WINAPI in_thread(void *arg)
{
    for (int i = 0; i < 3; i++) {
        CHECK(overflow_once());
        CHECK(deepest > (int)(INT_PTR)arg);
    }
    return 6;
}

static void threads_overflow(SIZE_T stack, int least)
{
    DWORD code = 0;
    HANDLE t = CreateThread(NULL, stack, in_thread, (void *)(INT_PTR)least,
                            STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    CHECK_EQ(WaitForSingleObject(t, 60000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 6);
    CloseHandle(t);
}

/* A large frame probes page by page; a stack grows by its guard page. */
static __attribute__((noinline)) int large_frame(void)
{
    volatile char frame[300000];
    memset((void *)frame, 3, sizeof(frame));
    return frame[0] + frame[299999];
}

static DWORD WINAPI grows(void *arg)
{
    (void)arg;
    return (DWORD)large_frame();
}

static void stacks_grow(void)
{
    DWORD code = 0;
    HANDLE t = CreateThread(NULL, 0x1000, grows, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, 6);
    CloseHandle(t);
    NT_TIB *tib = (NT_TIB *)NtCurrentTeb();
    CHECK((char *)&code < (char *)tib->StackBase && (char *)&code > (char *)tib->StackLimit);
    ULONG guarantee = 0x4000;
    CHECK(SetThreadStackGuarantee(&guarantee));
    guarantee = 0;
    CHECK(SetThreadStackGuarantee(&guarantee));
    CHECK_EQ(guarantee, 0x4000);
}

int main(void)
{
    NEED(AddVectoredExceptionHandler(1, handler));
    stacks_grow();
    for (int i = 0; i < 3; i++)
        CHECK(overflow_once());
    CHECK_EQ(overflows, 3);
    threads_overflow(0x40000, 100);
    threads_overflow(0x200000, 1500);
    CHECK_EQ(overflows, 9);
    return check_done();
}
