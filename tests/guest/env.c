// SPDX-License-Identifier: GPL-2.0-or-later
// The environment, and the last error of each thread. Run with GIVEN="a value = with equals".
#include "check.h"

static void variables(void)
{
    char v[256], long_value[4000];
    CHECK_EQ(GetEnvironmentVariableA("GIVEN", v, sizeof(v)), 21);
    CHECK_STR(v, "a value = with equals");
    CHECK_STR(getenv("given"), "a value = with equals");
    CHECK_EQ(GetEnvironmentVariableA("GIVEN", v, 5), 22);
    CHECK_ERROR(GetEnvironmentVariableA("NOT_THERE", v, sizeof(v)), ERROR_ENVVAR_NOT_FOUND);
    CHECK(SetEnvironmentVariableA("OWN", "one") &&
          GetEnvironmentVariableA("own", v, sizeof(v)) == 3);
    CHECK_EQ(ExpandEnvironmentStringsA("<%OWN%|%NOT_THERE%|%>", v, sizeof(v)), 20);
    CHECK_STR(v, "<one|%NOT_THERE%|%>");
    CHECK(SetEnvironmentVariableA("OWN", NULL));
    CHECK(!GetEnvironmentVariableA("OWN", v, sizeof(v)));
    CHECK_ERROR(SetEnvironmentVariableA("A=B", "x"), ERROR_INVALID_PARAMETER);
    memset(long_value, 'v', sizeof(long_value));
    long_value[sizeof(long_value) - 1] = 0;
    for (int i = 0; i < 20; i++) {
        sprintf(v, "LONG%d", i);
        CHECK(SetEnvironmentVariableA(v, long_value));
    }
    CHECK_EQ(GetEnvironmentVariableA("LONG7", NULL, 0), sizeof(long_value));
    wchar_t wide[8];
    CHECK(SetEnvironmentVariableW(L"\x00fcmlaut", L"\x20ac") &&
          GetEnvironmentVariableW(L"\x00dcMLAUT", wide, 8) == 1 && wide[0] == 0x20ac);
    CHECK_EQ(_putenv("FROM_CRT=yes"), 0);
    CHECK_EQ(GetEnvironmentVariableA("FROM_CRT", v, sizeof(v)), 3);
}

static void block(void)
{
    wchar_t *all = GetEnvironmentStringsW();
    int count = 0, found = 0;
    for (wchar_t *p = all; *p; p += wcslen(p) + 1) {
        count++;
        found += !wcsncmp(p, L"GIVEN=", 6);
        CHECK(wcschr(p + 1, L'=') != NULL);
    }
    CHECK(count > 20);
    CHECK_EQ(found, 1);
    CHECK(FreeEnvironmentStringsW(all));
    static const char *const usual[] = {
        "SystemRoot",          "PATH", "TEMP", "windir", "ComSpec", "PROCESSOR_ARCHITECTURE",
        "NUMBER_OF_PROCESSORS"};
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (!GetEnvironmentVariableA(usual[i], NULL, 0))
            printf("env: %s is missing\n", usual[i]);
        CHECK(GetEnvironmentVariableA(usual[i], NULL, 0) > 0);
    }
}

static DWORD WINAPI own_error(void *arg)
{
    CHECK_EQ(GetLastError(), 0);
    SetLastError((DWORD)(DWORD_PTR)arg);
    for (int i = 0; i < 10; i++)
        Sleep(1);
    CHECK_EQ(GetLastError(), (DWORD)(DWORD_PTR)arg);
    return 0;
}

static void errors(void)
{
    char text[256];
    HANDLE t[3];
    SetLastError(1);
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, own_error, (void *)(INT_PTR)(i + 100), 0, NULL);
    SetLastError(55);
    WaitForMultipleObjects(3, t, TRUE, 10000);
    CHECK_EQ(GetLastError(), 55);
    SetLastError(0xdead);
    CHECK(GetTickCount() + 1 > 0 && GetCurrentProcessId());
    CHECK_EQ(GetLastError(), 0xdead);
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                         ERROR_FILE_NOT_FOUND, 0x409, text, sizeof(text), NULL) > 5);
    CHECK(strstr(text, "ile not found") || strstr(text, "cannot find the file"));
    const char *values[] = {"one", "two"};
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, "%2 before %1",
                         0, 0, text, sizeof(text), (va_list *)values));
    CHECK_STR(text, "two before one");
}

int main(void)
{
    variables();
    block();
    errors();
    return check_done();
}
