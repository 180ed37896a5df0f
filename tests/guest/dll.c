// SPDX-License-Identifier: GPL-2.0-or-later
// Loading DLLs: own and system ones, exports by name and ordinal, forwarders, notifications,
// reference counts, delay loading, failures.
#include "check.h"

int plugin2_answer(void); /* loaded at the first call */
extern void *__MINGW_IMP_SYMBOL(plugin2_answer);

static int (*add)(int, int);
static LONG (*notified)(DWORD);

static DWORD WINAPI nothing(void *arg)
{
    return (DWORD)(DWORD_PTR)arg;
}

static void exports(HMODULE m)
{
    DWORD (*tick)(void) = (void *)GetProcAddress(m, "plugin_tick");
    int (*hidden)(void) = (void *)GetProcAddress(m, MAKEINTRESOURCEA(40));
    int (*forwarded)(void) = (void *)GetProcAddress(m, "plugin_by_ordinal");
    int *data = (void *)GetProcAddress(m, "plugin_data");
    HMODULE (*self)(void) = (void *)GetProcAddress(m, "plugin_self");
    CHECK(add && add(2, 3) == 5);
    CHECK((void *)GetProcAddress(m, "plugin_alias") == (void *)add);
    CHECK((void *)GetProcAddress(m, MAKEINTRESOURCEA(41)) == (void *)add);
    CHECK(hidden && hidden() == 77);
    CHECK(GetProcAddress(m, "plugin_hidden") == NULL);
    CHECK((void *)tick == (void *)GetProcAddress(GetModuleHandleA("kernel32"), "GetTickCount"));
    CHECK(tick && tick() > 0);
    CHECK(forwarded && forwarded() == 42);
    CHECK(data && *data == 1234);
    CHECK(self && self() == m);
    CHECK_ERROR(GetProcAddress(m, "Plugin_Add"), ERROR_PROC_NOT_FOUND);
    CHECK_ERROR(GetProcAddress(m, MAKEINTRESOURCEA(99)), ERROR_PROC_NOT_FOUND);
    CHECK(GetProcAddress(m, "plugin_broken") == NULL);
}

static void notifications(void)
{
    DWORD code = 0;
    CHECK_EQ(notified(DLL_PROCESS_ATTACH), 1);
    CHECK_EQ(notified(DLL_THREAD_ATTACH), 0);
    HANDLE t = CreateThread(NULL, 0, nothing, (void *)9, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, 9);
    CloseHandle(t);
    CHECK_EQ(notified(DLL_THREAD_ATTACH), 1);
    CHECK_EQ(notified(DLL_THREAD_DETACH), 1);
}

static void references(HMODULE m)
{
    char path[MAX_PATH];
    HMODULE same = NULL;
    HANDLE unloaded = CreateEventA(NULL, FALSE, FALSE, "plugin unloaded");
    CHECK(LoadLibraryA("PLUGIN") == m);
    CHECK(GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                 GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                             (void *)add, &same) &&
          same == m);
    CHECK(GetModuleFileNameA(m, path, sizeof(path)) > 10);
    CHECK(strstr(path, "plugin.dll") != NULL);
    CHECK(FreeLibrary(m));
    CHECK_EQ(WaitForSingleObject(unloaded, 0), WAIT_TIMEOUT);
    CHECK(FreeLibrary(m));
    CHECK_EQ(WaitForSingleObject(unloaded, 0), WAIT_OBJECT_0);
    CHECK(GetModuleHandleA("plugin.dll") == NULL);
    CHECK(!FreeLibrary(m));
    CloseHandle(unloaded);
}

static void failures(void)
{
    CHECK_ERROR(LoadLibraryA("no such library.dll"), ERROR_MOD_NOT_FOUND);
    CHECK(SetEnvironmentVariableA("PLUGIN_REFUSES", "1"));
    CHECK_ERROR(LoadLibraryA("plugin.dll"), ERROR_DLL_INIT_FAILED);
    SetEnvironmentVariableA("PLUGIN_REFUSES", NULL);
    CHECK(GetModuleHandleA("plugin.dll") == NULL);
    HANDLE f = CreateFileA("broken.dll", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD n;
    WriteFile(f, "this is no image", 16, &n, NULL);
    CloseHandle(f);
    CHECK_ERROR(LoadLibraryA(".\\broken.dll"), ERROR_BAD_EXE_FORMAT);
    CHECK(DeleteFileA("broken.dll"));
}

static void as_data(void)
{
    HMODULE m = LoadLibraryExA("plugin.dll", NULL, LOAD_LIBRARY_AS_DATAFILE);
    CHECK(m != NULL && ((UINT_PTR)m & 3) != 0);
    CHECK(FreeLibrary(m));
    m = LoadLibraryExA("plugin.dll", NULL, DONT_RESOLVE_DLL_REFERENCES);
    notified = (void *)GetProcAddress(m, "plugin_notified");
    CHECK(notified && notified(DLL_PROCESS_ATTACH) == 0);
    CHECK(FreeLibrary(m));
}

static void system_libraries(void)
{
    static const char *const names[] = {"advapi32.dll", "ole32.dll",  "shlwapi.dll", "version.dll",
                                        "ws2_32.dll",   "rpcrt4.dll", "ucrtbase.dll"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        HMODULE m = LoadLibraryA(names[i]);
        if (!m)
            printf("dll: %s\n", names[i]);
        CHECK(m != NULL);
        if (m)
            CHECK(FreeLibrary(m));
    }
    HMODULE m = LoadLibraryA("api-ms-win-crt-math-l1-1-0.dll");
    double (*root)(double) = (void *)GetProcAddress(m, "sqrt");
    CHECK(root && root(9.0) == 3.0);
}

static void delay_loading(void)
{
    /* Newer linkers leave the slot in the read-only .idata, and the helper writes to it. */
    void **slot = &__MINGW_IMP_SYMBOL(plugin2_answer);
    DWORD old;
    CHECK(VirtualProtect(slot, sizeof(*slot), PAGE_READWRITE, &old));
    CHECK_EQ(plugin2_answer(), 42);
    CHECK(GetModuleHandleA("plugin2.dll") != NULL);
    CHECK_EQ(plugin2_answer(), 42);
}

int main(void)
{
    CHECK(GetModuleHandleA("plugin2.dll") == NULL);
    HMODULE m = LoadLibraryA("plugin.dll");
    NEED(m);
    add = (void *)GetProcAddress(m, "plugin_add");
    notified = (void *)GetProcAddress(m, "plugin_notified");
    NEED(add && notified);
    notifications();
    exports(m);
    references(m);
    failures();
    as_data();
    system_libraries();
    delay_loading();
    return check_done();
}
