// SPDX-License-Identifier: GPL-2.0-or-later
// Files: create, read, write, seek, size, attributes, times, rename, copy, delete, sharing, locks.
#include "check.h"

static DWORD n;

static HANDLE open(const char *name, DWORD access, DWORD share, DWORD how)
{
    return CreateFileA(name, access, share, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

static void make(const char *name, const char *text)
{
    HANDLE h = open(name, GENERIC_WRITE, 0, CREATE_ALWAYS);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(h, text, (DWORD)strlen(text), &n, NULL) && n == strlen(text));
    CHECK(CloseHandle(h));
}

static const char *text_of(const char *name)
{
    static char text[256];
    HANDLE h = open(name, GENERIC_READ, 7, OPEN_EXISTING);
    if (h == INVALID_HANDLE_VALUE)
        return "(none)";
    ReadFile(h, text, sizeof(text) - 1, &n, NULL);
    text[n] = 0;
    CloseHandle(h);
    return text;
}

static BOOL can_open(const char *name, DWORD access, DWORD share, DWORD how)
{
    HANDLE h = open(name, access, share, how);
    DWORD error = GetLastError();
    if (h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
    SetLastError(error);
    return h != INVALID_HANDLE_VALUE;
}

static void dispositions(void)
{
    CHECK_ERROR(can_open("f", GENERIC_READ, 0, OPEN_EXISTING), ERROR_FILE_NOT_FOUND);
    CHECK_ERROR(can_open("no\\f", GENERIC_WRITE, 0, CREATE_NEW), ERROR_PATH_NOT_FOUND);
    CHECK_ERROR(can_open("f", GENERIC_WRITE, 0, TRUNCATE_EXISTING), ERROR_FILE_NOT_FOUND);
    CHECK(can_open("f", GENERIC_WRITE, 0, CREATE_NEW));
    CHECK_ERROR(can_open("f", GENERIC_WRITE, 0, CREATE_NEW), ERROR_FILE_EXISTS);
    make("f", "some text");
    SetLastError(77);
    CHECK(can_open("f", GENERIC_WRITE, 0, OPEN_ALWAYS));
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK_STR(text_of("F"), "some text");
    CHECK(can_open("f", GENERIC_WRITE, 0, TRUNCATE_EXISTING));
    CHECK_STR(text_of("f"), "");
    CHECK(can_open("g", GENERIC_WRITE, 0, OPEN_ALWAYS));
    CHECK_EQ(GetLastError(), 0);
    CHECK(DeleteFileA("g"));
    CHECK_ERROR(can_open("bad\"name", GENERIC_WRITE, 0, CREATE_NEW), ERROR_INVALID_NAME);
    CHECK_ERROR(can_open("", GENERIC_READ, 0, OPEN_EXISTING), ERROR_PATH_NOT_FOUND);
}

static void positions(void)
{
    char b[16] = "";
    LARGE_INTEGER size, at;
    HANDLE h = open("f", GENERIC_READ | GENERIC_WRITE, 0, CREATE_ALWAYS);
    CHECK(WriteFile(h, "0123456789", 10, &n, NULL) && n == 10);
    CHECK(GetFileSizeEx(h, &size) && size.QuadPart == 10);
    CHECK_EQ(SetFilePointer(h, 3, NULL, FILE_BEGIN), 3);
    CHECK(ReadFile(h, b, 4, &n, NULL) && n == 4 && !memcmp(b, "3456", 4));
    CHECK_EQ(SetFilePointer(h, -2, NULL, FILE_CURRENT), 5);
    CHECK_EQ(SetFilePointer(h, -1, NULL, FILE_END), 9);
    CHECK(ReadFile(h, b, 4, &n, NULL) && n == 1 && b[0] == '9');
    CHECK(ReadFile(h, b, 4, &n, NULL) && n == 0);
    CHECK_ERROR(SetFilePointer(h, -1, NULL, FILE_BEGIN) != INVALID_SET_FILE_POINTER,
                ERROR_NEGATIVE_SEEK);
    at.QuadPart = 20;
    CHECK(SetFilePointerEx(h, at, &at, FILE_BEGIN) && at.QuadPart == 20);
    CHECK(WriteFile(h, "x", 1, &n, NULL));
    CHECK(GetFileSize(h, NULL) == 21);
    SetFilePointer(h, 12, NULL, FILE_BEGIN);
    CHECK(ReadFile(h, b, 2, &n, NULL) && n == 2 && !b[0] && !b[1]);
    SetFilePointer(h, 5, NULL, FILE_BEGIN);
    CHECK(SetEndOfFile(h) && GetFileSize(h, NULL) == 5);
    OVERLAPPED o = {.Offset = 1};
    CHECK(ReadFile(h, b, 2, &n, &o) && n == 2 && !memcmp(b, "12", 2));
    CHECK_EQ(SetFilePointer(h, 0, NULL, FILE_CURRENT), 3);
    o.Offset = 100;
    CHECK_ERROR(ReadFile(h, b, 2, &n, &o), ERROR_HANDLE_EOF);
    CHECK(FlushFileBuffers(h));
    CHECK_EQ(GetFileType(h), FILE_TYPE_DISK);
    CloseHandle(h);
    CHECK_ERROR(ReadFile(h, b, 1, &n, NULL), ERROR_INVALID_HANDLE);
}

static void large_files(void)
{
    LARGE_INTEGER at = {.QuadPart = 0x140000000}, size;
    HANDLE h = CreateFileA("large", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                           FILE_FLAG_DELETE_ON_CLOSE, NULL);
    CHECK(SetFilePointerEx(h, at, NULL, FILE_BEGIN) && WriteFile(h, "end", 3, &n, NULL));
    CHECK(GetFileSizeEx(h, &size) && size.QuadPart == 0x140000003);
    DWORD high = 0;
    CHECK_EQ(GetFileSize(h, &high), 0x40000003);
    CHECK_EQ(high, 1);
    CloseHandle(h);
    CHECK_EQ(GetFileAttributesA("large"), INVALID_FILE_ATTRIBUTES);
}

static void rights_are_checked(void)
{
    char b[4];
    HANDLE h = open("f", GENERIC_READ, 0, OPEN_EXISTING);
    CHECK_ERROR(WriteFile(h, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
    CHECK(!SetEndOfFile(h));
    CloseHandle(h);
    h = open("f", GENERIC_WRITE, 0, OPEN_EXISTING);
    CHECK_ERROR(ReadFile(h, b, 1, &n, NULL), ERROR_ACCESS_DENIED);
    CloseHandle(h);
    make("a", "one ");
    h = open("a", FILE_APPEND_DATA, 0, OPEN_EXISTING);
    SetFilePointer(h, 0, NULL, FILE_BEGIN);
    CHECK(WriteFile(h, "two ", 4, &n, NULL) && WriteFile(h, "three", 5, &n, NULL));
    CloseHandle(h);
    CHECK_STR(text_of("a"), "one two three");
    DeleteFileA("a");
}

static void sharing(void)
{
    HANDLE h = open("f", GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK(can_open("f", GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING));
    CHECK_ERROR(can_open("f", GENERIC_WRITE, 7, OPEN_EXISTING), ERROR_SHARING_VIOLATION);
    CHECK_ERROR(can_open("f", GENERIC_READ, 0, OPEN_EXISTING), ERROR_SHARING_VIOLATION);
    CHECK_ERROR(DeleteFileA("f"), ERROR_SHARING_VIOLATION);
    CHECK_ERROR(MoveFileA("f", "g"), ERROR_SHARING_VIOLATION);
    CHECK(can_open("f", FILE_READ_ATTRIBUTES, 0, OPEN_EXISTING));
    CloseHandle(h);
    h = open("f", GENERIC_READ | GENERIC_WRITE, 7, OPEN_EXISTING);
    CHECK(can_open("f", GENERIC_READ | GENERIC_WRITE, 7, OPEN_EXISTING));
    CHECK_ERROR(can_open("f", GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING),
                ERROR_SHARING_VIOLATION);
    CloseHandle(h);
}

/* A deleted file lives until its last handle is closed. */
static void deletion(void)
{
    char b[4] = "";
    make("d", "still");
    HANDLE h = open("d", GENERIC_READ, 7, OPEN_EXISTING);
    CHECK(DeleteFileA("d"));
    CHECK(on_wine() || !can_open("d", GENERIC_READ, 7, OPEN_EXISTING));
    CHECK(ReadFile(h, b, 3, &n, NULL) && !memcmp(b, "sti", 3));
    CloseHandle(h);
    CHECK_ERROR(can_open("d", GENERIC_READ, 7, OPEN_EXISTING), ERROR_FILE_NOT_FOUND);
    make("d", "x");
    h = CreateFileA("d", GENERIC_READ | DELETE, 7, NULL, OPEN_EXISTING, 0, NULL);
    FILE_DISPOSITION_INFO gone = {TRUE};
    CHECK(SetFileInformationByHandle(h, FileDispositionInfo, &gone, sizeof(gone)));
    gone.DeleteFile = FALSE;
    CHECK(SetFileInformationByHandle(h, FileDispositionInfo, &gone, sizeof(gone)));
    CloseHandle(h);
    CHECK_STR(text_of("d"), "x");
    CHECK(DeleteFileA("d"));
}

static void renaming(void)
{
    make("r1", "one"), make("r2", "two");
    CHECK_ERROR(MoveFileA("r1", "r2"), ERROR_ALREADY_EXISTS);
    CHECK(MoveFileExA("r1", "r2", MOVEFILE_REPLACE_EXISTING));
    CHECK_STR(text_of("r2"), "one");
    CHECK_STR(text_of("r1"), "(none)");
    CHECK(MoveFileA("r2", "R2"));
    WIN32_FIND_DATAA d;
    HANDLE h = FindFirstFileA("r2", &d);
    CHECK_STR(d.cFileName, on_wine() ? "r2" : "R2");
    FindClose(h);
    CHECK_ERROR(MoveFileA("r1", "r3"), ERROR_FILE_NOT_FOUND);
    CHECK(CreateDirectoryA("rd", NULL) && MoveFileA("R2", "rd\\moved") && MoveFileA("rd", "re"));
    CHECK_STR(text_of("re\\moved"), "one");
    CHECK(CopyFileA("re\\moved", "copy", TRUE));
    CHECK_ERROR(CopyFileA("re\\moved", "copy", TRUE), ERROR_FILE_EXISTS);
    CHECK_STR(text_of("copy"), "one");
    CHECK(DeleteFileA("copy") && DeleteFileA("re\\moved") && RemoveDirectoryA("re"));
}

static void attributes_and_times(void)
{
    FILETIME t = {0x12345600, 0x01d00000}, made, written;
    BY_HANDLE_FILE_INFORMATION info;
    make("t", "times");
    HANDLE h = open("t", GENERIC_READ | GENERIC_WRITE, 0, OPEN_EXISTING);
    CHECK(SetFileTime(h, NULL, &t, &t));
    CHECK(GetFileTime(h, &made, NULL, &written));
    CHECK(!CompareFileTime(&written, &t));
    CHECK(GetFileInformationByHandle(h, &info));
    CHECK_EQ(info.nFileSizeLow, 5);
    CHECK_EQ(info.nNumberOfLinks, 1);
    CHECK(!CompareFileTime(&info.ftLastWriteTime, &t));
    CloseHandle(h);
    CHECK(SetFileAttributesA("t", FILE_ATTRIBUTE_READONLY));
    CHECK(GetFileAttributesA("t") & FILE_ATTRIBUTE_READONLY);
    if (!on_wine()) /* which lets root write */
        CHECK_ERROR(can_open("t", GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_ACCESS_DENIED);
    CHECK_ERROR(DeleteFileA("t"), ERROR_ACCESS_DENIED);
    CHECK(SetFileAttributesA("t", FILE_ATTRIBUTE_NORMAL));
    CHECK(!(GetFileAttributesA("t") & FILE_ATTRIBUTE_READONLY));
    WIN32_FILE_ATTRIBUTE_DATA data;
    CHECK(GetFileAttributesExA("t", GetFileExInfoStandard, &data) && data.nFileSizeLow == 5);
    CHECK(!CompareFileTime(&data.ftLastWriteTime, &t));
    CHECK(DeleteFileA("t"));
}

static void locks(void)
{
    char b[8];
    OVERLAPPED o = {.Offset = 2};
    make("l", "0123456789");
    HANDLE h = open("l", GENERIC_READ | GENERIC_WRITE, 7, OPEN_EXISTING);
    HANDLE other = open("l", GENERIC_READ | GENERIC_WRITE, 7, OPEN_EXISTING);
    CHECK(LockFile(h, 2, 0, 3, 0));
    CHECK_ERROR(LockFile(other, 4, 0, 3, 0), ERROR_LOCK_VIOLATION);
    CHECK(LockFile(other, 5, 0, 3, 0));
    CHECK(UnlockFile(other, 5, 0, 3, 0));
    CHECK(!UnlockFile(other, 5, 0, 3, 0));
    CHECK(ReadFile(h, b, 8, &n, NULL) && n == 8);
    CHECK(UnlockFile(h, 2, 0, 3, 0));
    CHECK(LockFileEx(h, LOCKFILE_FAIL_IMMEDIATELY, 0, 3, 0, &o));
    CHECK(LockFileEx(other, LOCKFILE_FAIL_IMMEDIATELY, 0, 3, 0, &o));
    CHECK(!LockFileEx(other, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 3, 0, &o));
    CloseHandle(h), CloseHandle(other);
    CHECK(DeleteFileA("l"));
}

static void volumes(void)
{
    ULARGE_INTEGER here, total, freed;
    char fs[32];
    DWORD serial, longest, flags;
    CHECK(GetDiskFreeSpaceExA(NULL, &here, &total, &freed) && total.QuadPart > 0);
    CHECK(GetVolumeInformationA("C:\\", NULL, 0, &serial, &longest, &flags, fs, sizeof(fs)));
    CHECK_EQ(longest, 255);
    CHECK(fs[0] != 0);
    CHECK_EQ(GetDriveTypeA("C:\\"), DRIVE_FIXED);
    CHECK(GetLogicalDrives() & 4);
}

static void the_c_library(void)
{
    char line[64];
    FILE *f = fopen("c", "w");
    NEED(f);
    fprintf(f, "line %d\nline %d\n", 1, 2);
    fclose(f);
    CHECK_STR(text_of("c"), "line 1\r\nline 2\r\n");
    f = fopen("c", "r+");
    CHECK(fgets(line, sizeof(line), f) && !strcmp(line, "line 1\n"));
    CHECK_EQ(fseek(f, 0, SEEK_END), 0);
    CHECK_EQ(ftell(f), 16);
    fputs("more", f);
    rewind(f);
    int c, count = 0;
    while ((c = fgetc(f)) != EOF)
        count++;
    CHECK_EQ(count, 18);
    fclose(f);
    CHECK_EQ(remove("c"), 0);
    CHECK(fopen("c", "rb") == NULL);
}

int main(void)
{
    dispositions();
    positions();
    large_files();
    rights_are_checked();
    sharing();
    deletion();
    renaming();
    attributes_and_times();
    locks();
    volumes();
    the_c_library();
    CHECK(DeleteFileA("f"));
    return check_done();
}
