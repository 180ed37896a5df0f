// SPDX-License-Identifier: GPL-2.0-or-later
// Makes calls for test_hook.c to see, change and answer, and prints what it gets back.
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

typedef double(__cdecl *power_fn)(double, double);
typedef NTSTATUS(NTAPI *close_fn)(HANDLE);

__declspec(dllexport) int __cdecl doubled(int n)
{
    return n * 2;
}

static int order(const void *a, const void *b)
{
    GetTickCount(); /* a call inside a call */
    return *(const int *)a - *(const int *)b;
}

int main(void)
{
    SYSTEMTIME now;
    char text[64] = "";
    int numbers[] = {3, 1, 2};
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, "some name");
    GetSystemTime(&now);
    printf("year %d\n", now.wYear);
    printf("debugger %d\n", IsDebuggerPresent());
    printf("environment %lu", GetEnvironmentVariableA("HOOKED", text, sizeof text));
    printf(" '%s' error %lu\n", text, GetLastError());
    qsort(numbers, 3, sizeof *numbers, order);
    printf("sorted %d %d %d\n", numbers[0], numbers[1], numbers[2]);
    printf("muldiv %d\n", MulDiv(6, 7, 2));
    power_fn power = (power_fn)(void *)GetProcAddress(GetModuleHandleA("msvcrt"), "pow");
    printf("power %.3f\n", power(2.0, 0.5));
    printf("close %08lx\n", (unsigned long)((close_fn)(void *)GetProcAddress(
                                GetModuleHandleA("ntdll"), "NtClose"))((HANDLE)0x1234));
    printf("last %d\n", doubled(atoi("21")));
    CloseHandle(event);
    return 0;
}
