// SPDX-License-Identifier: GPL-2.0-or-later
/* Does what test_event.c hooks, and prints what came of it. */
#include <stdio.h>
#include <windows.h>

enum {
    PORT_DATA = 0x81,
    PORT_CODE = 0x82,
    PORT_CHANGED = 0x83,
    PORT_ANSWERED = 0x84,
    PORT_SHARED = 0x85
};
enum { THREADS = 4, TIMES = 500 };

static volatile int data[8] = {1, 2, 3, 4, 5, 6, 7, 8};

NTSTATUS NTAPI NtClose(HANDLE handle);

__attribute__((noinline)) static int counted(int x)
{
    __asm__ volatile("");
    return x + 1;
}

__attribute__((noinline)) static int changed(int x)
{
    __asm__ volatile("");
    return x ? changed(x - 1) + 1 : 0;
}

__attribute__((noinline)) static int answered(int x)
{
    return x;
}

static void tell(unsigned port, const volatile void *what)
{
    __asm__ volatile("outl %%eax, %%dx" : : "a"(what), "d"(port));
}

static void memory(void)
{
    volatile int *unmapped = (int *)0x23000000, *reserved = (int *)0x30000000;
    volatile int *there = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_READONLY);
    DWORD old;
    VirtualAlloc((void *)reserved, 0x10000, MEM_RESERVE, PAGE_READWRITE);
    printf("read %d\n", *unmapped);
    *reserved = 5;
    *there = 7;
    printf("wrote %d %d\n", *reserved, *there);
    VirtualProtect((void *)there, 4096, PAGE_READWRITE | PAGE_GUARD, &old);
    printf("guarded %d\n", *there);
    void *from = (void *)0x50000000;
    int got;
    __asm__ volatile("movl (%1), %0" : "=c"(got), "+a"(from));
    printf("elsewhere %d\n", got);
}

static void instructions(void)
{
    unsigned a = 0, d = 0x1234;
    __asm__ volatile("inb $0x60, %%al" : "+a"(a));
    printf("in %x\n", a);
    __asm__ volatile("outb %%al, %%dx" : : "a"(0x55), "d"(d));
    a = 0;
    __asm__ volatile("ud2" : "+a"(a));
    printf("ud2 %x\n", a);
    a = 0;
    __asm__ volatile("int $0x50" : "+a"(a));
    printf("int %x\n", a);
    a = 1;
    d = 0;
    __asm__ volatile("divl %%ecx" : "+a"(a), "+d"(d) : "c"(0));
    printf("div %x\n", a);
    printf("close %lx\n", (unsigned long)NtClose((HANDLE)0x1234));
}

static void time_stamp(void)
{
    unsigned a, d;
    __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
    printf("rdtsc %x %x\n", a, d);
}

static void watched(void)
{
    unsigned a = 0x40000000, b, c, d;
    tell(PORT_DATA, data);
    data[1] = 22;
    data[2] += 30;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    int one = data[1], two = data[2];
    printf("watched %d %d %x\n", one, two, b);
}

static void code(void)
{
    int sum = 0;
    tell(PORT_CODE, counted);
    for (int i = 0; i < 4; i++)
        sum = counted(sum);
    printf("counted %d\n", sum);
}

/* Nobody exports them. */
static void by_address(void)
{
    int (*volatile call_changed)(int) = changed, (*volatile call_answered)(int) = answered;
    tell(PORT_CHANGED, changed);
    tell(PORT_ANSWERED, answered);
    int a = call_changed(2), b = call_answered(1), c = call_answered(2), d = 0;
    for (int i = 0; i < 3; i++) /* from one place, with one stack pointer */
        d += call_answered(3);
    printf("by address %d %d %d %d\n", a, b, c, d);
}

__attribute__((noinline)) static int shared(int x)
{
    return x * 3 + 1;
}

static DWORD WINAPI sharing(void *arg)
{
    int sum = 0;
    for (int i = 0; i < TIMES; i++)
        sum += shared(i) - 3 * i;
    return sum;
}

/* Several threads run over one breakpoint, which stays while one of them steps over it. */
static void in_threads(void)
{
    HANDLE threads[THREADS];
    DWORD one, sum = 0;
    tell(PORT_SHARED, shared);
    for (int i = 0; i < THREADS; i++)
        threads[i] = CreateThread(NULL, 0, sharing, NULL, 0, NULL);
    WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
    for (int i = 0; i < THREADS; i++) {
        GetExitCodeThread(threads[i], &one);
        sum += one;
    }
    printf("in threads %lu\n", sum);
}

static DWORD WINAPI thread(void *arg)
{
    return 9;
}

int main(int argc, char **argv)
{
    memory();
    instructions();
    if (argc > 1)
        time_stamp();
    if (argc > 1)
        watched();
    code();
    by_address();
    in_threads();
    in_threads();
    WaitForSingleObject(CreateThread(NULL, 0, thread, NULL, 0, NULL), INFINITE);
    HMODULE dll = LoadLibraryA("version.dll");
    FreeLibrary(dll);
    printf("end\n");
    return 3;
}
