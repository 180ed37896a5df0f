// SPDX-License-Identifier: GPL-2.0-or-later
// The target of plugin.dll's forwarder by ordinal, and the DLL that dll.c loads late.
#include <windows.h>

int plugin2_answer(void)
{
    return 42;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return TRUE;
}
