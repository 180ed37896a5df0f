// SPDX-License-Identifier: GPL-2.0-or-later
// The DLL that ways.c imports by ordinal: forwarders, calls made in DllMain.
#include <windows.h>

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module, (void)reserved;
    switch (reason) {
    case DLL_PROCESS_ATTACH:
        return MulDiv(301, 1, 1) == 301;
    case DLL_THREAD_ATTACH:
        return MulDiv(302, 1, 1) == 302;
    case DLL_THREAD_DETACH:
        return MulDiv(303, 1, 1) == 303;
    default:
        return MulDiv(304, 1, 1) == 304;
    }
}

int lib_ordinal(int n)
{
    return n + 40;
}

int lib_named(int n)
{
    return n + 1;
}
