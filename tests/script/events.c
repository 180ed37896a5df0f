// SPDX-License-Identifier: GPL-2.0-or-later
/* What events.lua hooks, and makes good where it fails. With an argument also what only engines
 * that watch code and memory tell of. */
#include <stdio.h>
#include <windows.h>

enum { PORT_DATA = 0x81, PORT_CODE = 0x82, PORT_CALL = 0x83 };

typedef int number_fn(void);

static volatile int data[8] = {1, 2, 3, 4, 5, 6, 7, 8};

__attribute__((noinline)) static int __fastcall counted(int x)
{
    __asm__ volatile("");
    return x + 1;
}

__attribute__((noinline)) static int __fastcall answered(int x)
{
    __asm__ volatile("" : "+r"(x));
    return x * 3;
}

static void tell(unsigned port, const volatile void *what)
{
    __asm__ volatile("outl %%eax, %%dx" : : "a"(what), "d"(port));
}

static void memory(void)
{
    static const unsigned char seven[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov $7, %eax; ret */
    volatile int *unmapped = (int *)0x23000000, *reserved = (int *)0x30000000;
    volatile int *there = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_READONLY);
    void *code = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_READWRITE);
    number_fn *volatile nowhere = (number_fn *)0x24000000, *volatile null = NULL,
                        *volatile one = (number_fn *)1;
    VirtualAlloc((void *)reserved, 0x10000, MEM_RESERVE, PAGE_READWRITE);
    printf("read %d\n", *unmapped);
    *reserved = 5;
    *there = 7;
    printf("wrote %d %d\n", *reserved, *there);
    CopyMemory(code, seven, sizeof seven);
    printf("data as code %d\n", ((number_fn *)code)());
    printf("no code %d\n", nowhere());
    printf("null %d\n", null());
    printf("one %d\n", one());
}

static void instructions(void)
{
    unsigned a = 0, d = 0x1234;
    __asm__ volatile("inw $0x60, %%ax" : "+a"(a));
    printf("in %x\n", a);
    __asm__ volatile("outb %%al, %%dx" : : "a"(0x55), "d"(d));
    __asm__ volatile("ud2" : "+a"(a));
    printf("ud2 %x\n", a);
    __asm__ volatile("int $0x50" : "+a"(a));
    printf("int %x\n", a);
    a = 1;
    d = 0;
    __asm__ volatile("divl %%ecx" : "+a"(a), "+d"(d) : "c"(0));
    printf("div %x\n", a);
}

static void watched(void)
{
    unsigned a = 0x40000000, b, c, d;
    tell(PORT_DATA, &data[1]);
    data[1] = 22;
    data[2] += 30;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    printf("watched %d %x\n", data[2], b);
}

static void code(void)
{
    int sum = 0;
    tell(PORT_CODE, counted);
    for (int i = 0; i < 5; i++)
        sum = counted(sum);
    printf("counted %d\n", sum);
    tell(PORT_CALL, answered);
    printf("answered %d %d\n", answered(1), answered(2));
}

static DWORD WINAPI thread(void *arg)
{
    return 9;
}

int main(int argc, char **argv)
{
    memory();
    instructions();
    code();
    if (argc > 1)
        watched();
    printf("close %d\n", (int)CloseHandle((HANDLE)0x1234));
    printf("muldiv %d\n", MulDiv(6, 7, 2));
    WaitForSingleObject(CreateThread(NULL, 0, thread, NULL, 0, NULL), INFINITE);
    FreeLibrary(LoadLibraryA("version.dll"));
    printf("end\n");
    return 3;
}
