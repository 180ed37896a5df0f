// SPDX-License-Identifier: GPL-2.0-or-later
// Directories: enumeration with wildcards, creation, removal, paths, the current directory, names
// that differ in case.
#include "check.h"

static int count(const char *pattern)
{
    WIN32_FIND_DATAA d;
    int n = 0;
    HANDLE h = FindFirstFileA(pattern, &d);
    if (h == INVALID_HANDLE_VALUE)
        return 0;
    do
        n += strcmp(d.cFileName, ".") && strcmp(d.cFileName, "..");
    while (FindNextFileA(h, &d));
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_FILES);
    CHECK(FindClose(h));
    return n;
}

static void create(const char *name, int size)
{
    HANDLE h = CreateFileA(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    DWORD n;
    CHECK(h != INVALID_HANDLE_VALUE);
    for (int i = 0; i < size; i++)
        WriteFile(h, "x", 1, &n, NULL);
    CloseHandle(h);
}

static const char *const names[] = {"a.txt",  "ab.txt", "abc.txt", "abc.dat",
                                    "noext",  "b.TXT",  "two.d.x", "long name with spaces.text",
                                    ".hidden"};

static void wildcards(void)
{
    static const struct {
        const char *pattern;
        int matches;
    } cases[] = {
        {"d\\*", 9},     {"d\\*.*", 9},    {"d\\*.txt", 4},
        {"d\\a*", 4},    {"d\\?.txt", 2},  {"d\\?b.txt", 1},
        {"d\\abc.*", 2}, {"d\\*.d*", 2},   {"d\\noext", 1},
        {"d\\NOEXT", 1}, {"d\\*name*", 1}, {"d\\zzz*", 0},
        {"d\\a.txt", 1}, {"d\\ab*", 3},    {"d\\*.x", 1},
        {"d\\.h*", 1},   {"d/*.dat", 1},   {".\\d\\..\\d\\*.dat", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int n = count(cases[i].pattern);
        if (n != cases[i].matches)
            printf("dirs: pattern %s\n", cases[i].pattern);
        CHECK_EQ(n, cases[i].matches);
    }
}

static void entries_carry_facts(void)
{
    WIN32_FIND_DATAW d;
    HANDLE h = FindFirstFileExW(L"d\\ABC.DAT", FindExInfoBasic, &d, FindExSearchNameMatch, NULL, 0);
    NEED(h != INVALID_HANDLE_VALUE);
    CHECK(!wcscmp(d.cFileName, L"abc.dat"));
    CHECK_EQ(d.nFileSizeLow, 3);
    CHECK(!(d.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY));
    CHECK(d.ftLastWriteTime.dwHighDateTime > 0x01000000);
    CHECK(!FindNextFileW(h, &d));
    FindClose(h);
    CHECK_EQ(count("d\\sub\\*"), 0);
    WIN32_FIND_DATAA a;
    h = FindFirstFileA("d\\*", &a);
    CHECK_STR(a.cFileName, ".");
    CHECK(FindNextFileA(h, &a));
    CHECK_STR(a.cFileName, "..");
    CHECK(a.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
    FindClose(h);
    CHECK_ERROR(FindFirstFileA("nowhere\\*", &a) != INVALID_HANDLE_VALUE, ERROR_PATH_NOT_FOUND);
    CHECK_ERROR(FindFirstFileA("d\\nothing", &a) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
}

static void many_entries(void)
{
    char name[64];
    CHECK(CreateDirectoryA("many", NULL));
    for (int i = 0; i < 300; i++) {
        sprintf(name, "many\\file number %03d of three hundred", i);
        create(name, 0);
    }
    CHECK_EQ(count("many\\*"), 300);
    CHECK_EQ(count("many\\*1? of*"), 30);
    for (int i = 0; i < 300; i++) {
        sprintf(name, "MANY\\FILE NUMBER %03d OF THREE HUNDRED", i);
        if (!DeleteFileA(name))
            break;
    }
    CHECK_EQ(count("many\\*"), 0);
    CHECK(RemoveDirectoryA("many"));
}

static void unicode_names(void)
{
    static const wchar_t name[] = L"d\\\x00fcnic\x00f6"
                                  "de \x4e16\x754c.txt";
    WIN32_FIND_DATAW d;
    HANDLE h = CreateFileW(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    h = FindFirstFileW(L"d\\\x00dcnic*", &d);
    CHECK(h != INVALID_HANDLE_VALUE && !wcscmp(d.cFileName, name + 2));
    FindClose(h);
    CHECK(DeleteFileW(L"d\\\x00dcNIC\x00d6"
                      "DE \x4e16\x754c.TXT"));
    CHECK(GetFileAttributesW(name) == INVALID_FILE_ATTRIBUTES);
}

static void paths(void)
{
    char cwd[MAX_PATH], full[MAX_PATH], *part;
    CHECK(GetCurrentDirectoryA(sizeof(cwd), cwd) > 2);
    CHECK(SetCurrentDirectoryA("d\\sub"));
    CHECK(GetFileAttributesA("..\\a.txt") != INVALID_FILE_ATTRIBUTES);
    CHECK(GetFullPathNameA("..\\.\\x\\..\\a.txt", sizeof(full), full, &part) > 0);
    CHECK_STR(part, "a.txt");
    CHECK(!strncmp(full, cwd, strlen(cwd)) && strstr(full, "\\d\\a.txt"));
    CHECK(!RemoveDirectoryA("..\\sub"));
    CHECK(SetCurrentDirectoryA("..\\.."));
    char back[MAX_PATH];
    GetCurrentDirectoryA(sizeof(back), back);
    CHECK_STR(back, cwd);
    CHECK_ERROR(SetCurrentDirectoryA("d\\a.txt"), ERROR_DIRECTORY);
    CHECK_ERROR(SetCurrentDirectoryA("nowhere"), ERROR_FILE_NOT_FOUND);
    char temp[MAX_PATH], made[MAX_PATH];
    CHECK(GetTempPathA(sizeof(temp), temp) > 3);
    CHECK(GetTempFileNameA(temp, "gst", 0, made));
    CHECK(DeleteFileA(made));
    CHECK(GetWindowsDirectoryA(full, sizeof(full)) && GetFileAttributesA(full) & 16);
    CHECK(GetSystemDirectoryA(full, sizeof(full)));
    strcat(full, "\\KERNEL32.DLL");
    CHECK(GetFileAttributesA(full) != INVALID_FILE_ATTRIBUTES);
    CHECK(GetModuleFileNameA(NULL, full, sizeof(full)) && strstr(full, "dirs.exe"));
    CHECK(GetFileAttributesA(full) != INVALID_FILE_ATTRIBUTES);
}

static void removal(void)
{
    CHECK_ERROR(CreateDirectoryA("d", NULL), ERROR_ALREADY_EXISTS);
    CHECK_ERROR(CreateDirectoryA("x\\y", NULL), ERROR_PATH_NOT_FOUND);
    CHECK_ERROR(RemoveDirectoryA("d"), ERROR_DIR_NOT_EMPTY);
    CHECK_ERROR(RemoveDirectoryA("d\\a.txt"), ERROR_DIRECTORY);
    CHECK_ERROR(DeleteFileA("d\\sub"), ERROR_ACCESS_DENIED);
    CHECK(RemoveDirectoryA("D\\SUB"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[MAX_PATH];
        sprintf(path, "d\\%s", names[i]);
        CHECK(DeleteFileA(path));
    }
    CHECK_ERROR(DeleteFileA("d\\a.txt"), ERROR_FILE_NOT_FOUND);
    CHECK(RemoveDirectoryA("d"));
    CHECK(GetFileAttributesA("d") == INVALID_FILE_ATTRIBUTES);
}

static void windows_directory(void)
{
    CHECK(GetFileAttributesA("C:\\windows\\system32\\kernel32.dll") != INVALID_FILE_ATTRIBUTES);
    CHECK(GetFileAttributesA("C:\\windows\\regedit.exe") != INVALID_FILE_ATTRIBUTES);
    CHECK(GetFileAttributesA("C:\\windows\\notepad.exe") != INVALID_FILE_ATTRIBUTES);
}

int main(void)
{
    NEED(CreateDirectoryA("d", NULL));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[MAX_PATH];
        sprintf(path, "d\\%s", names[i]);
        create(path, (int)i);
    }
    wildcards();
    CHECK(CreateDirectoryA("d\\sub", NULL));
    entries_carry_facts();
    many_entries();
    unicode_names();
    paths();
    removal();
    windows_directory();
    return check_done();
}
