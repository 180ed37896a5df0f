// SPDX-License-Identifier: GPL-2.0-or-later
// Console functions when there is no console window: they fail or work, but never hang or crash.
#include "check.h"

static BOOL WINAPI handler(DWORD event)
{
    (void)event;
    return TRUE;
}

int main(void)
{
    CHECK(SetConsoleCtrlHandler(handler, TRUE));
    CHECK(SetConsoleCtrlHandler(handler, FALSE));
    CHECK(!SetConsoleCtrlHandler(handler, FALSE));
    CHECK(SetConsoleCtrlHandler(NULL, TRUE) && SetConsoleCtrlHandler(NULL, FALSE));
    UINT cp = GetConsoleOutputCP();
    CHECK(cp == 0 || IsValidCodePage(cp));
    char title[64];
    (void)GetConsoleTitleA(title, sizeof(title));
    CONSOLE_SCREEN_BUFFER_INFO info;
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    CHECK(!GetConsoleScreenBufferInfo(out, &info));
    DWORD n;
    CHECK(!WriteConsoleA(out, "x", 1, &n, NULL));
    HANDLE con = CreateFileA("CONOUT$", GENERIC_WRITE, 3, NULL, OPEN_EXISTING, 0, NULL);
    if (con != INVALID_HANDLE_VALUE)
        CHECK(CloseHandle(con));
    HANDLE nul = CreateFileA("NUL", GENERIC_READ | GENERIC_WRITE, 3, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(nul != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(nul, "gone", 4, &n, NULL) && n == 4);
    char b[4];
    CHECK(ReadFile(nul, b, 4, &n, NULL) ? n == 0 : GetLastError() == ERROR_HANDLE_EOF);
    CHECK_EQ(GetFileType(nul), FILE_TYPE_CHAR);
    CloseHandle(nul);
    FILE *f = fopen("nul", "w");
    CHECK(f && fprintf(f, "gone") == 4);
    fclose(f);
    return check_done();
}
