// SPDX-License-Identifier: GPL-2.0-or-later
// A DLL for dll.c: exports by name, by ordinal only, data, forwarders; counts its notifications.
#include <windows.h>

static LONG notified[4];
static HMODULE self;
__declspec(dllexport) int plugin_data = 1234;

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)reserved;
    self = module;
    InterlockedIncrement(&notified[reason & 3]);
    if (reason == DLL_PROCESS_DETACH) {
        HANDLE e = OpenEventA(EVENT_MODIFY_STATE, FALSE, "plugin unloaded");
        if (e) {
            SetEvent(e);
            CloseHandle(e);
        }
    }
    return !GetEnvironmentVariableA("PLUGIN_REFUSES", NULL, 0);
}

int plugin_add(int a, int b)
{
    return a + b;
}

LONG plugin_notified(DWORD reason)
{
    return notified[reason & 3];
}

HMODULE plugin_self(void)
{
    return self;
}

int plugin_hidden(void)
{
    return 77;
}
