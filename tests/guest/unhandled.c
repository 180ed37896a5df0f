// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes of the process when nobody handles an exception, or its own filter does.
//   unhandled WAY: the exit status is the low byte of the exception code, or the filter's choice.
#include "check.h"

static volatile int zero;

static LONG WINAPI filter_exits(EXCEPTION_POINTERS *p)
{
    printf("filter: %08lx\n", p->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    ExitProcess(33);
}

static LONG WINAPI filter_ends(EXCEPTION_POINTERS *p)
{
    printf("filter: %08lx\n", p->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    return EXCEPTION_EXECUTE_HANDLER;
}

static LONG WINAPI filter_mends(EXCEPTION_POINTERS *p)
{
#ifdef _WIN64
    p->ContextRecord->Rip += 2;
#else
    p->ContextRecord->Eip += 2;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void divide(void)
{
    zero = 7 / zero;
}

static DWORD WINAPI thread_faults(void *arg)
{
    *(volatile int *)arg = 1;
    return 0;
}

static void raise_in_thread(void)
{
    WaitForSingleObject(CreateThread(NULL, 0, thread_faults, (void *)8, 0, NULL), 10000);
    Sleep(10000);
}

static void with_filter_that_exits(void)
{
    SetUnhandledExceptionFilter(filter_exits);
    raise_in_thread();
}

static void with_filter_that_ends(void)
{
    SetUnhandledExceptionFilter(filter_ends);
    divide();
}

static void with_filter_that_mends(void)
{
    CHECK(SetUnhandledExceptionFilter(filter_mends) != filter_mends);
    __asm__ volatile("ud2");
    CHECK(SetUnhandledExceptionFilter(NULL) == filter_mends);
    exit(check_done());
}

static void read_null(void)
{
    zero = *(volatile int *)4;
}

static void raise_own(void)
{
    RaiseException(0xe0000042, 0, 0, NULL);
}

static void raise_once(void)
{
    RaiseException(0xc0000026 & 0xefffffff, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

static void int3(void)
{
    __asm__ volatile("int3");
}

static void run_away(void)
{
    ((void (*volatile)(void))16)();
}

static void call_abort(void)
{
    abort();
}

static void end_at_once(void)
{
    TerminateProcess(GetCurrentProcess(), 0x1234);
}

static void exit_in_thread_last(void)
{
    ExitThread(9);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"read", read_null},
    {"divide", divide},
    {"own", raise_own},
    {"noncontinuable", raise_once},
    {"int3", int3},
    {"run", run_away},
    {"thread", raise_in_thread},
    {"filter-exits", with_filter_that_exits},
    {"filter-ends", with_filter_that_ends},
    {"filter-mends", with_filter_that_mends},
    {"abort", call_abort},
    {"terminate", end_at_once},
    {"exit-thread", exit_in_thread_last},
};

int main(int argc, char **argv)
{
    SetErrorMode(SEM_NOGPFAULTERRORBOX | SEM_FAILCRITICALERRORS);
    /* The C runtime's own filter would take these for signals. */
    SetUnhandledExceptionFilter(NULL);
    for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (!strcmp(argv[1], ways[i].name)) {
            printf("before\n");
            fflush(stdout);
            ways[i].run();
            printf("survived\n");
            return 99;
        }
    printf("usage: unhandled WAY\n");
    return 98;
}
