// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that others stop, look at, change, resume and end while they run: in a loop of their own,
// in services, in exceptions, and while they do the same to others.
#include "check.h"

enum { VICTIMS = 3, PEEKS = 400, POKES = 60, ENDS = 60, RIVALS = 300, APCS = 1000 };

#ifdef _WIN64
#define PC(c)   ((c)->Rip)
#define SP(c)   ((c)->Rsp)
#define MARK(c) ((c)->R12)
#define BASE(c) ((c)->Rbx)
#else
#define PC(c)   ((c)->Eip)
#define SP(c)   ((c)->Esp)
#define MARK(c) ((c)->Esi)
#define BASE(c) ((c)->Ebx)
#endif

/* What a thread in spin() shows of itself. */
struct shown {
    ULONG_PTR volatile count, mark, vector, stop;
};

/* Keeps its mark in a register and in the low part of xmm6, and shows both. */
static ULONG_PTR __attribute__((noinline)) spin(struct shown *s, ULONG_PTR mark)
{
#ifdef _WIN64
    register ULONG_PTR held __asm__("r12") = mark;
    __asm__ volatile("movq %%r12, %%xmm6\n"
                     "1: incq 0(%%rbx)\n"
                     "movq %%r12, 8(%%rbx)\n"
                     "movq %%xmm6, 16(%%rbx)\n"
                     "cmpq $0, 24(%%rbx)\n"
                     "je 1b\n"
                     : "+r"(held)
                     : "b"(s)
                     : "memory", "cc", "xmm6");
    mark = held;
#else
    __asm__ volatile("movd %%esi, %%xmm6\n"
                     "1: incl 0(%%ebx)\n"
                     "movl %%esi, 4(%%ebx)\n"
                     "movd %%xmm6, 8(%%ebx)\n"
                     "cmpl $0, 12(%%ebx)\n"
                     "je 1b\n"
                     : "+S"(mark)
                     : "b"(s)
                     : "memory", "cc", "xmm6");
#endif
    return mark;
}

static struct shown shown[VICTIMS];

static DWORD WINAPI victim(void *arg)
{
    int i = (int)(INT_PTR)arg;
    return (DWORD)spin(&shown[i], 0x1000 + i);
}

static void begin(HANDLE *t, DWORD *ids)
{
    memset(shown, 0, sizeof(shown));
    for (int i = 0; i < VICTIMS; i++) {
        t[i] = CreateThread(NULL, 0, victim, (void *)(INT_PTR)i, 0, &ids[i]);
        NEED(t[i]);
    }
    for (int i = 0; i < VICTIMS; i++)
        while (!shown[i].count)
            Sleep(0);
}

static CONTEXT *fresh(CONTEXT *c)
{
    memset(c, 0, sizeof(*c));
    c->ContextFlags = CONTEXT_FULL;
#ifndef _WIN64
    c->ContextFlags |= CONTEXT_FLOATING_POINT | CONTEXT_EXTENDED_REGISTERS;
#endif
    return c;
}

static ULONG_PTR *vector6(CONTEXT *c)
{
#ifdef _WIN64
    return (ULONG_PTR *)&c->Xmm6;
#else
    return (ULONG_PTR *)(c->ExtendedRegisters + 160 + 6 * 16);
#endif
}

static void registers_are_seen_and_set(void)
{
    HANDLE t[VICTIMS];
    DWORD ids[VICTIMS], code;
    CONTEXT c;
    int wrong = 0, moved = 0, unseen = 0;
    begin(t, ids);
    for (int n = 0; n < PEEKS; n++) {
        int i = n % VICTIMS;
        wrong += SuspendThread(t[i]) != 0 || !GetThreadContext(t[i], fresh(&c));
        ULONG_PTR was = shown[i].count;
        wrong += BASE(&c) != (ULONG_PTR)&shown[i] || MARK(&c) != shown[i].mark;
        wrong += *vector6(&c) != MARK(&c) || SP(&c) % sizeof(void *);
        wrong += PC(&c) - (ULONG_PTR)spin > 0x200;
        if (n % 8 == 0)
            Sleep(0);
        moved += shown[i].count != was;
        wrong += ResumeThread(t[i]) != 1;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(moved, 0);
    for (int n = 0; n < POKES; n++) {
        int i = n % VICTIMS;
        ULONG_PTR mark = 0x100000 + n;
        wrong += SuspendThread(t[i]) != 0 || !GetThreadContext(t[i], fresh(&c));
        MARK(&c) = mark;
        *vector6(&c) = mark;
        wrong += !SetThreadContext(t[i], &c) || ResumeThread(t[i]) != 1;
        ULONGLONG end = GetTickCount64() + 20000;
        while ((shown[i].mark != mark || shown[i].vector != mark) && GetTickCount64() < end)
            Sleep(0);
        unseen += shown[i].mark != mark || shown[i].vector != mark;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(unseen, 0);
    for (int i = 0; i < VICTIMS; i++)
        shown[i].stop = 1;
    CHECK_EQ(WaitForMultipleObjects(VICTIMS, t, TRUE, 20000), WAIT_OBJECT_0);
    for (int i = 0; i < VICTIMS; i++) {
        CHECK(GetExitCodeThread(t[i], &code));
        CHECK_EQ(code, shown[i].mark);
        CloseHandle(t[i]);
    }
}

/* Whoever was suspended and resumed often has one turn like everybody else. */
static void suspending_gives_no_turns(void)
{
    enum { OFTEN = 100, PER_TURN = 30 };
    HANDLE t[VICTIMS];
    DWORD ids[VICTIMS];
    begin(t, ids);
    for (int n = 0; n < OFTEN; n++) {
        SuspendThread(t[0]);
        ResumeThread(t[0]);
    }
    for (int i = 0; i < VICTIMS; i++)
        shown[i].count = 1;
    for (int n = 0; n < 8; n++)
        Sleep(1);
    CHECK(shown[0].count / PER_TURN <= shown[1].count);
    for (int i = 0; i < VICTIMS; i++)
        shown[i].stop = 1;
    CHECK_EQ(WaitForMultipleObjects(VICTIMS, t, TRUE, 20000), WAIT_OBJECT_0);
    for (int i = 0; i < VICTIMS; i++)
        CloseHandle(t[i]);
}

/* Without suspending it, in any state: what is seen belongs together. */
static void running_threads_can_be_looked_at(void)
{
    HANDLE t[VICTIMS];
    DWORD ids[VICTIMS];
    CONTEXT c;
    int wrong = 0;
    begin(t, ids);
    for (int n = 0; n < PEEKS; n++) {
        int i = n % VICTIMS;
        wrong += !GetThreadContext(t[i], fresh(&c));
        wrong += BASE(&c) != (ULONG_PTR)&shown[i] || *vector6(&c) != MARK(&c);
    }
    CHECK_EQ(wrong, 0);
    for (int i = 0; i < VICTIMS; i++)
        shown[i].stop = 1;
    CHECK_EQ(WaitForMultipleObjects(VICTIMS, t, TRUE, 20000), WAIT_OBJECT_0);
    for (int i = 0; i < VICTIMS; i++)
        CloseHandle(t[i]);
}

static void running_threads_are_ended(void)
{
    int wrong = 0, moved = 0;
    for (int n = 0; n < ENDS; n++) {
        DWORD code = 0;
        memset(shown, 0, sizeof(shown));
        HANDLE t = CreateThread(NULL, 0x10000, victim, NULL, n % 4 ? 0 : CREATE_SUSPENDED, NULL);
        NEED(t);
        while (n % 4 && !shown[0].count) /* before that it may hold the loader's lock */
            Sleep(0);
        wrong += !TerminateThread(t, 100 + n);
        wrong += WaitForSingleObject(t, 20000) != WAIT_OBJECT_0;
        wrong += !GetExitCodeThread(t, &code) || code != (DWORD)(100 + n);
        ULONG_PTR was = shown[0].count;
        Sleep(0);
        moved += shown[0].count != was;
        wrong += SuspendThread(t) != (DWORD)-1;
        CloseHandle(t);
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(moved, 0);
}

/* ---- Stopped in the middle of services and exceptions ---------------------------------------- */

static LONG volatile work_over, work_wrong, faults;
static DWORD tls_slot;

static LONG CALLBACK skip_fault(EXCEPTION_POINTERS *p)
{
    CONTEXT *c = p->ContextRecord;
    if (p->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    InterlockedIncrement(&faults);
    PC(c) += 2; /* mov (%eax), %eax in both worlds */
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void fault(void)
{
    ULONG_PTR at = 16;
    __asm__ volatile("movl (%0), %%eax" : "+a"(at) : : "memory");
}

static void round_of_work(int i, HANDLE event)
{
    char *p = VirtualAlloc(NULL, 0x8000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    BOOL ok = p != NULL;
    if (p) {
        memset(p, i, 0x8000);
        ok &= p[0x7fff] == (char)i && VirtualFree(p, 0, MEM_RELEASE);
    }
    ok &= SetEvent(event) && WaitForSingleObject(event, 5000) == WAIT_OBJECT_0;
    ok &= WaitForSingleObject(event, 0) == WAIT_TIMEOUT;
    ok &= TlsGetValue(tls_slot) == (void *)&work_over;
    fault();
    SwitchToThread();
    if (!ok)
        InterlockedIncrement(&work_wrong);
}

static DWORD WINAPI work(void *arg)
{
    DWORD n = 0;
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL);
    (void)arg;
    TlsSetValue(tls_slot, (void *)&work_over);
    for (; !work_over; n++)
        round_of_work((int)n, event);
    CloseHandle(event);
    return n;
}

static void services_survive(void)
{
    HANDLE t[VICTIMS];
    CONTEXT c;
    int wrong = 0, right = 0;
    DWORD rounds, all = 0;
    void *handler = AddVectoredExceptionHandler(1, skip_fault);
    tls_slot = TlsAlloc();
    for (int i = 0; i < VICTIMS; i++) {
        t[i] = CreateThread(NULL, 0, work, NULL, 0, NULL);
        NEED(t[i]);
    }
    for (int n = 0; n < PEEKS; n++) {
        HANDLE v = t[n % VICTIMS];
        wrong += SuspendThread(v) != 0;
        wrong += !GetThreadContext(v, fresh(&c));
        if (n % 3 == 0) /* what it has anyway: nothing changes */
            right += SetThreadContext(v, &c) != 0;
        if (n % 5 == 0)
            SwitchToThread();
        wrong += ResumeThread(v) != 1;
        if (n % 50 == 0)
            Sleep(1);
    }
    work_over = 1;
    CHECK_EQ(WaitForMultipleObjects(VICTIMS, t, TRUE, 20000), WAIT_OBJECT_0);
    for (int i = 0; i < VICTIMS; i++) {
        GetExitCodeThread(t[i], &rounds);
        all += rounds;
        CloseHandle(t[i]);
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(right, (PEEKS + 2) / 3);
    CHECK_EQ(work_wrong, 0);
    CHECK_EQ(faults, all);
    CHECK(all > 0);
    RemoveVectoredExceptionHandler(handler);
    TlsFree(tls_slot);
}

/* ---- Each other --------------------------------------------------------------------------------
 */

static HANDLE rivals[2];
static LONG volatile rivals_done;

static DWORD WINAPI rival(void *arg)
{
    HANDLE other = rivals[!arg];
    CONTEXT c;
    DWORD failed = 0;
    for (int i = 0; i < RIVALS; i++) {
        failed += SuspendThread(other) == (DWORD)-1;
        failed += !GetThreadContext(other, fresh(&c));
        failed += ResumeThread(other) == (DWORD)-1;
    }
    InterlockedIncrement(&rivals_done);
    Sleep(INFINITE); /* so that the other one has somebody to suspend */
    return failed;
}

/* When both have suspended each other, somebody else must help. */
static void rivals_stop_each_other(void)
{
    for (INT_PTR i = 0; i < 2; i++)
        rivals[i] = CreateThread(NULL, 0, rival, (void *)i, CREATE_SUSPENDED, NULL);
    NEED(rivals[0] && rivals[1]);
    ULONGLONG end = GetTickCount64() + 60000;
    while (rivals_done < 2 && GetTickCount64() < end) {
        ResumeThread(rivals[0]);
        ResumeThread(rivals[1]);
        Sleep(0);
    }
    CHECK_EQ(rivals_done, 2);
    for (int i = 0; i < 2; i++) {
        CHECK(TerminateThread(rivals[i], 0));
        CHECK_EQ(WaitForSingleObject(rivals[i], 20000), WAIT_OBJECT_0);
        CloseHandle(rivals[i]);
    }
}

/* ---- APCs ---------------------------------------------------------------------------------------
 */

static LONG volatile apcs;
static ULONG_PTR volatile apc_sum;

static void CALLBACK apc(ULONG_PTR n)
{
    apc_sum += n;
    InterlockedIncrement(&apcs);
}

static DWORD WINAPI sleeper(void *arg)
{
    (void)arg;
    while (apcs < APCS)
        SleepEx(apcs % 7 ? 0 : 1, TRUE);
    return 0;
}

static void apcs_arrive_once(void)
{
    int failed = 0;
    HANDLE t = CreateThread(NULL, 0, sleeper, NULL, 0, NULL);
    NEED(t);
    for (int i = 0; i < APCS; i++) {
        failed += !QueueUserAPC(apc, t, i);
        if (i % 10 == 0) {
            SuspendThread(t);
            ResumeThread(t);
        }
    }
    CHECK_EQ(failed, 0);
    CHECK_EQ(WaitForSingleObject(t, 20000), WAIT_OBJECT_0);
    CHECK_EQ(apc_sum, (ULONG_PTR)APCS * (APCS - 1) / 2);
    CloseHandle(t);
}

int main(void)
{
    HANDLE t[VICTIMS];
    DWORD ids[VICTIMS];
    registers_are_seen_and_set();
    suspending_gives_no_turns();
    running_threads_can_be_looked_at();
    running_threads_are_ended();
    services_survive();
    rivals_stop_each_other();
    apcs_arrive_once();
    begin(t, ids); /* the program ends while they run */
    SuspendThread(t[0]);
    return check_done();
}
