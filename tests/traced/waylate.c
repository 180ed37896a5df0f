// SPDX-License-Identifier: GPL-2.0-or-later
// The DLL that ways.c loads late and frees.
#include <windows.h>

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        return MulDiv(311, 1, 1) == 311;
    if (reason == DLL_PROCESS_DETACH)
        return MulDiv(312, 1, 1) == 312;
    return TRUE;
}

int late_answer(void)
{
    return MulDiv(321, 1, 1);
}

int late_twice(int n)
{
    return n * 2;
}
