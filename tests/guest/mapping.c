// SPDX-License-Identifier: GPL-2.0-or-later
// Memory-mapped files: data, views shared through the paging file, copy-on-write, sizes, images.
#include "check.h"

enum { PAGE = 4096, CHUNK = 65536 };

static HANDLE file;

static void fill_file(void)
{
    DWORD n;
    static char block[CHUNK];
    file = CreateFileA("m", GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    NEED(file != INVALID_HANDLE_VALUE);
    for (int i = 0; i < 3; i++) {
        memset(block, 'a' + i, sizeof(block));
        CHECK(WriteFile(file, block, i == 2 ? 100 : CHUNK, &n, NULL));
    }
}

static char byte_at(DWORD offset)
{
    char c = 0;
    DWORD n;
    SetFilePointer(file, (LONG)offset, NULL, FILE_BEGIN);
    ReadFile(file, &c, 1, &n, NULL);
    return c;
}

static void views_show_the_file(void)
{
    DWORD n;
    HANDLE m = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    NEED(m);
    char *all = MapViewOfFile(m, FILE_MAP_ALL_ACCESS, 0, 0, 0);
    char *second = MapViewOfFile(m, FILE_MAP_READ, 0, CHUNK, 50);
    NEED(all && second);
    CHECK(all[0] == 'a' && all[CHUNK] == 'b' && all[2 * CHUNK + 99] == 'c');
    CHECK_EQ(all[2 * CHUNK + 100], 0);
    CHECK_EQ(second[0], 'b');
    all[CHUNK] = 'X';
    CHECK_EQ(second[0], 'X');
    CHECK(FlushViewOfFile(all, 0));
    CHECK_EQ(byte_at(CHUNK), 'X');
    SetFilePointer(file, CHUNK + 1, NULL, FILE_BEGIN);
    CHECK(WriteFile(file, "Y", 1, &n, NULL));
    CHECK_EQ(second[1], 'Y');
    MEMORY_BASIC_INFORMATION i;
    VirtualQuery(second, &i, sizeof(i));
    CHECK_EQ(i.Type, MEM_MAPPED);
    CHECK_EQ(i.Protect, PAGE_READONLY);
    CHECK_EQ(i.RegionSize, PAGE);
    CHECK_ERROR(MapViewOfFile(m, FILE_MAP_READ, 0, PAGE, 0), ERROR_MAPPED_ALIGNMENT);
    CHECK_ERROR(MapViewOfFile(m, FILE_MAP_READ, 0, 0, 4 * CHUNK), ERROR_ACCESS_DENIED);
    CHECK(UnmapViewOfFile(second));
    CHECK_ERROR(UnmapViewOfFile(second), ERROR_INVALID_ADDRESS);
    CHECK(CloseHandle(m));
    all[5] = 'Z'; /* a view outlives its section's handle */
    CHECK(UnmapViewOfFile(all));
    CHECK_EQ(byte_at(5), 'Z');
}

static void copies_stay_private(void)
{
    HANDLE m = CreateFileMappingA(file, NULL, PAGE_WRITECOPY, 0, 0, NULL);
    char *copy = MapViewOfFile(m, FILE_MAP_COPY, 0, 0, 0);
    char *other = MapViewOfFile(m, FILE_MAP_COPY, 0, 0, 0);
    NEED(copy && other);
    MEMORY_BASIC_INFORMATION i;
    VirtualQuery(copy, &i, sizeof(i));
    CHECK_EQ(i.Protect, PAGE_WRITECOPY);
    copy[100] = '!';
    CHECK_EQ(copy[100], '!');
    CHECK_EQ(copy[101], 'a');
    CHECK_EQ(other[100], 'a');
    CHECK_EQ(byte_at(100), 'a');
    UnmapViewOfFile(copy), UnmapViewOfFile(other), CloseHandle(m);
    m = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
    CHECK_ERROR(MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0), ERROR_ACCESS_DENIED);
    CloseHandle(m);
}

static void sizes(void)
{
    DWORD n;
    HANDLE empty = CreateFileA("e", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                               FILE_FLAG_DELETE_ON_CLOSE, NULL);
    CHECK_ERROR(CreateFileMappingA(empty, NULL, PAGE_READONLY, 0, 0, NULL), ERROR_FILE_INVALID);
    HANDLE m = CreateFileMappingA(empty, NULL, PAGE_READWRITE, 0, 5000, NULL);
    CHECK(m != NULL);
    CHECK_EQ(GetFileSize(empty, NULL), 5000);
    char *p = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0), b[4] = "";
    strcpy(p + 4990, "tail");
    UnmapViewOfFile(p), CloseHandle(m);
    SetFilePointer(empty, 4990, NULL, FILE_BEGIN);
    CHECK(ReadFile(empty, b, 4, &n, NULL) && !memcmp(b, "tail", 4));
    CloseHandle(empty);
}

static DWORD WINAPI writer(void *name)
{
    HANDLE m = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    LONG volatile *shared = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    for (int i = 0; i < 1000; i++)
        InterlockedIncrement(&shared[i % 2 * 20000]);
    UnmapViewOfFile((void *)shared);
    CloseHandle(m);
    return 0;
}

static void shared_memory(void)
{
    static char name[] = "Local\\guest test mapping";
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100000, name);
    NEED(m);
    HANDLE again = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100000, name);
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    LONG *one = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    LONG *two = MapViewOfFile(again, FILE_MAP_WRITE, 0, 0, 0);
    NEED(one && two && one != two);
    CHECK_EQ(one[0], 0);
    HANDLE t[2];
    for (int i = 0; i < 2; i++)
        t[i] = CreateThread(NULL, 0, writer, name, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 10000), WAIT_OBJECT_0);
    CHECK_EQ(one[0], 1000);
    CHECK_EQ(two[20000], 1000);
    UnmapViewOfFile(one), UnmapViewOfFile(two), CloseHandle(m), CloseHandle(again);
    CHECK_ERROR(OpenFileMappingA(FILE_MAP_READ, FALSE, name), ERROR_FILE_NOT_FOUND);
}

static void reserved_sections(void)
{
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0,
                                  4 * CHUNK, NULL);
    char *p = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    NEED(p);
    MEMORY_BASIC_INFORMATION i;
    VirtualQuery(p, &i, sizeof(i));
    CHECK_EQ(i.State, MEM_RESERVE);
    CHECK(VirtualAlloc(p + CHUNK, PAGE, MEM_COMMIT, PAGE_READWRITE) == p + CHUNK);
    p[CHUNK] = 'r';
    CHECK_EQ(p[CHUNK], 'r');
    UnmapViewOfFile(p), CloseHandle(m);
}

static void images(void)
{
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof(path));
    HANDLE f = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
    NEED(m);
    char *p = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    NEED(p && p != (char *)GetModuleHandleA(NULL));
    CHECK(p[0] == 'M' && p[1] == 'Z');
    IMAGE_NT_HEADERS *nt = (void *)(p + ((IMAGE_DOS_HEADER *)p)->e_lfanew);
    IMAGE_SECTION_HEADER *text = IMAGE_FIRST_SECTION(nt);
    MEMORY_BASIC_INFORMATION i;
    VirtualQuery(p + text->VirtualAddress, &i, sizeof(i));
    CHECK_EQ(i.Type, MEM_IMAGE);
    CHECK_EQ(i.Protect, PAGE_EXECUTE_READ);
    CHECK(i.AllocationBase == p);
    UnmapViewOfFile(p), CloseHandle(m);
    m = CreateFileMappingA(file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
    CHECK(m == NULL && GetLastError() == ERROR_BAD_EXE_FORMAT);
    CloseHandle(f);
}

int main(void)
{
    fill_file();
    views_show_the_file();
    copies_stay_private();
    sizes();
    shared_memory();
    reserved_sections();
    images();
    CloseHandle(file);
    CHECK(DeleteFileA("m"));
    return check_done();
}
