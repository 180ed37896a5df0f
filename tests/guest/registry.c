// SPDX-License-Identifier: GPL-2.0-or-later
// The registry: create, set, query, enumerate, delete; what every program finds there.
#include "check.h"

static HKEY top;

static void values(void)
{
    DWORD type, n, number = 0x12345678;
    char b[64];
    wchar_t wide[8];
    CHECK_EQ(RegSetValueExA(top, "text", 0, REG_SZ, (const BYTE *)"hello", 6), 0);
    CHECK_EQ(RegSetValueExA(top, "number", 0, REG_DWORD, (const BYTE *)&number, 4), 0);
    CHECK_EQ(RegSetValueExA(top, "", 0, REG_SZ, (const BYTE *)"default", 8), 0);
    CHECK_EQ(RegSetValueExA(top, "bytes", 0, REG_BINARY, (const BYTE *)"\0\1\2\3", 4), 0);
    CHECK_EQ(RegSetValueExA(top, "list", 0, REG_MULTI_SZ, (const BYTE *)"a\0b\0", 5), 0);
    CHECK_EQ(RegSetValueExW(top, L"w\x00fc", 0, REG_SZ, (const BYTE *)L"\x4e16", 4), 0);
    n = sizeof(b);
    CHECK_EQ(RegQueryValueExA(top, "TEXT", NULL, &type, (BYTE *)b, &n), 0);
    CHECK(type == REG_SZ && n == 6);
    CHECK_STR(b, "hello");
    n = 3;
    CHECK_EQ(RegQueryValueExA(top, "text", NULL, &type, (BYTE *)b, &n), ERROR_MORE_DATA);
    CHECK_EQ(n, 6);
    n = 4, number = 0;
    CHECK_EQ(RegQueryValueExA(top, "number", NULL, &type, (BYTE *)&number, &n), 0);
    CHECK(type == REG_DWORD && number == 0x12345678);
    n = sizeof(b);
    CHECK_EQ(RegQueryValueExA(top, NULL, NULL, NULL, (BYTE *)b, &n), 0);
    CHECK_STR(b, "default");
    n = sizeof(wide);
    CHECK_EQ(RegQueryValueExW(top, L"W\x00dc", NULL, NULL, (BYTE *)wide, &n), 0);
    CHECK_EQ(wide[0], 0x4e16);
    CHECK_EQ(RegQueryValueExA(top, "absent", NULL, NULL, NULL, &n), ERROR_FILE_NOT_FOUND);
    n = sizeof(b);
    CHECK_EQ(RegGetValueA(top, NULL, "text", RRF_RT_REG_SZ, NULL, b, &n), 0);
    n = sizeof(b);
    CHECK_EQ(RegGetValueA(top, NULL, "number", RRF_RT_REG_SZ, NULL, b, &n), ERROR_UNSUPPORTED_TYPE);
    DWORD count, longest, subkeys;
    CHECK_EQ(RegQueryInfoKeyA(top, NULL, NULL, NULL, &subkeys, NULL, NULL, &count, &longest, NULL,
                              NULL, NULL),
             0);
    CHECK(subkeys == 0 && count == 6 && longest == 6);
    int seen = 0;
    for (DWORD i = 0;; i++) {
        n = sizeof(b);
        LONG r = RegEnumValueA(top, i, b, &n, NULL, NULL, NULL, NULL);
        if (r)
            CHECK_EQ(r, ERROR_NO_MORE_ITEMS);
        if (r)
            break;
        seen++;
    }
    CHECK_EQ(seen, 6);
    CHECK_EQ(RegDeleteValueA(top, "bytes"), 0);
    CHECK_EQ(RegDeleteValueA(top, "bytes"), ERROR_FILE_NOT_FOUND);
}

static void keys(void)
{
    HKEY k, same;
    DWORD how, n;
    char b[64], all[16] = "";
    static const char *const names[] = {"c", "a", "B", "a\\deep\\er"};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(RegCreateKeyExA(top, names[i], 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, &how), 0);
        CHECK_EQ(how, REG_CREATED_NEW_KEY);
        RegCloseKey(k);
    }
    CHECK_EQ(RegCreateKeyExA(top, "A", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &k, &how), 0);
    CHECK_EQ(how, REG_OPENED_EXISTING_KEY);
    CHECK_EQ(RegOpenKeyExA(k, "DEEP\\er", 0, KEY_READ, &same), 0);
    CHECK_EQ(RegSetValueExA(same, "x", 0, REG_SZ, (const BYTE *)"", 1), ERROR_ACCESS_DENIED);
    RegCloseKey(same);
    CHECK_EQ(RegOpenKeyExA(k, "none", 0, KEY_READ, &same), ERROR_FILE_NOT_FOUND);
    for (DWORD i = 0; n = sizeof(b), !RegEnumKeyExA(top, i, b, &n, NULL, NULL, NULL, NULL); i++)
        strcat(all, b);
    CHECK_STR(all, "aBc");
    CHECK_EQ(RegDeleteKeyA(top, "a"), ERROR_ACCESS_DENIED); /* it has subkeys */
    CHECK_EQ(RegDeleteTreeA(top, "a"), 0);
    CHECK_EQ(RegOpenKeyExA(top, "a", 0, KEY_READ, &same), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(RegQueryValueExA(k, "x", NULL, NULL, NULL, NULL), ERROR_KEY_DELETED);
    RegCloseKey(k);
    CHECK_EQ(RegDeleteKeyA(top, "b"), 0);
    CHECK_EQ(RegDeleteKeyA(top, "b"), ERROR_FILE_NOT_FOUND);
}

static void notifications(void)
{
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    CHECK_EQ(RegNotifyChangeKeyValue(top, TRUE, REG_NOTIFY_CHANGE_LAST_SET, e, TRUE), 0);
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
    RegSetValueExA(top, "changed", 0, REG_SZ, (const BYTE *)"", 1);
    CHECK_EQ(WaitForSingleObject(e, 1000), WAIT_OBJECT_0);
    CloseHandle(e);
}

static void defaults(void)
{
    char b[128];
    DWORD n = sizeof(b);
    CHECK_EQ(RegGetValueA(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows NT\\CurrentVersion",
                          "CurrentVersion", RRF_RT_REG_SZ, NULL, b, &n),
             0);
    n = sizeof(b);
    CHECK_EQ(RegGetValueA(HKEY_LOCAL_MACHINE, "SOFTWARE\\MICROSOFT\\WINDOWS NT\\CURRENTVERSION",
                          "SystemRoot", RRF_RT_REG_SZ, NULL, b, &n),
             0);
    CHECK(!_stricmp(b, "C:\\windows"));
    HKEY k;
    CHECK_EQ(RegOpenKeyExA(HKEY_CURRENT_USER, "Environment", 0, KEY_READ, &k), 0);
    RegCloseKey(k);
    CHECK_EQ(RegOpenKeyExA(HKEY_CLASSES_ROOT, "CLSID", 0, KEY_READ, &k), 0);
    RegCloseKey(k);
    CHECK_EQ(
        RegOpenKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Control", 0, KEY_READ, &k),
        0);
    RegCloseKey(k);
    CHECK_EQ(RegOpenKeyExA(HKEY_USERS, ".Default", 0, KEY_READ, &k), 0);
    RegCloseKey(k);
}

int main(void)
{
    RegDeleteTreeA(HKEY_CURRENT_USER, "Software\\guest test");
    NEED(!RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\guest test", 0, NULL, 0, KEY_ALL_ACCESS,
                          NULL, &top, NULL));
    values();
    keys();
    notifications();
    RegCloseKey(top);
    CHECK_EQ(RegDeleteTreeA(HKEY_CURRENT_USER, "Software\\guest test"), 0);
    defaults();
    return check_done();
}
