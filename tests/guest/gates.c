// SPDX-License-Identifier: GPL-2.0-or-later
// Jumps into the page where the host waits for calls of its own making: each is an exception of the
// guest's, whatever is on the stack, and the program goes on.
#include "check.h"
#include <setjmp.h>

enum { PAGE = 0x7ffd0000, SLOT = 16, FIRST = 3, SLOTS = 256 };

static jmp_buf out;
static LONG volatile caught;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    DWORD code = p->ExceptionRecord->ExceptionCode;
    if (code != EXCEPTION_ILLEGAL_INSTRUCTION && code != EXCEPTION_ACCESS_VIOLATION &&
        code != EXCEPTION_BREAKPOINT)
        return EXCEPTION_CONTINUE_SEARCH;
    caught++;
#ifdef _WIN64
    p->ContextRecord->Rsp &= ~(DWORD64)15;
    p->ContextRecord->Rsp -= 8;
    p->ContextRecord->Rip = (DWORD64)longjmp;
    p->ContextRecord->Rcx = (DWORD64)&out;
    p->ContextRecord->Rdx = 1;
#else
    DWORD *sp = (DWORD *)((p->ContextRecord->Esp & ~15u) - 64);
    sp[0] = 0;
    sp[1] = (DWORD)&out;
    sp[2] = 1;
    p->ContextRecord->Esp = (DWORD)sp;
    p->ContextRecord->Eip = (DWORD)longjmp;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void jump(ULONG_PTR to)
{
    LONG before = caught;
#ifdef _WIN64
    if (!_setjmp(out, NULL)) /* without a frame longjmp does not unwind */
#else
    if (!setjmp(out))
#endif
        ((void (*)(void))to)();
    CHECK_EQ(caught, before + 1);
}

int main(void)
{
    void *h = AddVectoredExceptionHandler(1, handler);
    static ULONG_PTR volatile at;
    for (at = PAGE + FIRST * SLOT; at < PAGE + SLOTS * SLOT; at += SLOT)
        jump(at);
    for (at = PAGE + 0x1000; at < PAGE + 0x2000; at += 0x400)
        jump(at);
    RemoveVectoredExceptionHandler(h);
    CHECK(GetCurrentProcessId() != 0);
    return check_done();
}
