// SPDX-License-Identifier: GPL-2.0-or-later
// Tries to get at the host beyond what is mounted, one attempt a line, and says what came of it.
//   closed OUTSIDE: the Linux path of a directory that holds secret.txt. tests/closed-host judges.
#include "check.h"

#include <winternl.h>
#include <winioctl.h>

NTSTATUS NTAPI NtSetInformationFile(HANDLE, IO_STATUS_BLOCK *, void *, ULONG,
                                    FILE_INFORMATION_CLASS);
NTSTATUS NTAPI NtOpenSymbolicLinkObject(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *);
NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE, UNICODE_STRING *, ULONG *);
NTSTATUS NTAPI NtDeleteFile(OBJECT_ATTRIBUTES *);

static wchar_t outside[600]; /* with backslashes: \tmp\x\outside */
static int attempts;

static void begin(const char *what, const wchar_t *path)
{
    printf("%03d %s ", ++attempts, what);
    for (; path && *path; path++)
        printf(*path > 32 && *path < 127 ? "%c" : "{%x}", *path);
    printf(": ");
}

static void end(const char *result)
{
    printf("%s\n", result);
    fflush(stdout);
}

static void refused(DWORD error)
{
    printf("refused, error %lu\n", error);
    fflush(stdout);
}

/* A test that finds a hole must not destroy the machine it runs on. */
static int harmless(const wchar_t *path)
{
    return !wcsstr(path, L"etc") && !wcsstr(path, L"\\\\.\\") && !wcsstr(path, L"\\Device\\");
}

/* What is printed is what the runner looks for secrets in. */
static void show(HANDLE h)
{
    char b[65] = "";
    DWORD n = 0;
    if (!ReadFile(h, b, 64, &n, NULL))
        printf("opened, cannot read, error %lu\n", GetLastError());
    else
        printf("opened, %lu bytes: %s\n", n, b);
    fflush(stdout);
    CloseHandle(h);
}

/* ---- Win32 paths ----------------------------------------------------------------------------- */

static void read_win32(const wchar_t *path)
{
    begin("CreateFile read", path);
    HANDLE h =
        CreateFileW(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE)
        refused(GetLastError());
    else
        show(h);
}

static void write_win32(const wchar_t *path)
{
    DWORD n;
    begin("CreateFile write", path);
    HANDLE h = CreateFileW(path, GENERIC_WRITE, 7, NULL, OPEN_ALWAYS, 0, NULL);
    if (h == INVALID_HANDLE_VALUE) {
        refused(GetLastError());
        return;
    }
    BOOL ok = harmless(path) && WriteFile(h, "OVERWRITTEN", 11, &n, NULL);
    CloseHandle(h);
    end(ok ? "opened and written, so it must be a file of its own" : "opened, not written");
}

static void list(const wchar_t *pattern)
{
    WIN32_FIND_DATAW d;
    begin("FindFirstFile", pattern);
    HANDLE h = FindFirstFileW(pattern, &d);
    if (h == INVALID_HANDLE_VALUE) {
        refused(GetLastError());
        return;
    }
    do
        printf("%ls ", d.cFileName);
    while (FindNextFileW(h, &d));
    FindClose(h);
    end("");
}

static void change(const char *what, const wchar_t *path, BOOL ok)
{
    DWORD error = GetLastError();
    begin(what, path);
    if (ok)
        end("succeeded");
    else
        refused(error);
}

static void probe(const wchar_t *path)
{
    read_win32(path);
    write_win32(path);
    if (harmless(path))
        change("DeleteFile", path, DeleteFileW(path));
}

static wchar_t *joined(const wchar_t *prefix, const wchar_t *suffix)
{
    static wchar_t text[4][2000];
    static int next;
    wchar_t *t = text[next++ % 4];
    swprintf(t, 2000, L"%ls%ls", prefix, suffix);
    return t;
}

static void slashes(wchar_t *path)
{
    for (; *path; path++)
        if (*path == '\\')
            *path = '/';
}

static void paths_up(void)
{
    static const wchar_t *const ups[] = {
        L"..\\outside\\secret.txt",
        L"../outside/secret.txt",
        L"C:..\\outside\\secret.txt",
        L"C:\\work\\..\\outside\\secret.txt",
        L"\\\\?\\C:\\work\\..\\outside\\secret.txt",
        L"\\\\?\\C:\\work\\../outside/secret.txt",
        L"\\\\.\\C:\\work\\..\\..\\outside\\secret.txt",
        L"sub\\..\\..\\outside\\secret.txt",
        L"link\\secret.txt",
        L"link.txt",
        L"LINK.TXT",
        L"up\\outside\\secret.txt",
        L"absolute\\secret.txt",
        L"chain\\secret.txt",
        L"link\\..\\outside\\secret.txt",
        L"link\\new.txt",
        L"dangling",
        L"loop",
        L"etc\\passwd",
    };
    for (size_t i = 0; i < sizeof(ups) / sizeof(ups[0]); i++)
        probe(ups[i]);
    wchar_t deep[2000] = L"";
    for (int i = 0; i < 40; i++)
        wcscat(deep, L"..\\");
    probe(joined(deep, L"etc\\passwd"));
    probe(joined(deep, outside + 1));
    wchar_t module[MAX_PATH];
    GetModuleFileNameW(NULL, module, MAX_PATH);
    *wcsrchr(module, '\\') = 0;
    probe(joined(module, L"\\..\\outside\\secret.txt"));
    probe(joined(L"\\\\?\\", joined(module, L"\\..\\outside\\secret.txt")));
}

static void absolute_paths(void)
{
    static const wchar_t *const prefixes[] = {
        L"",
        L"C:",
        L"Z:",
        L"\\\\?\\Z:",
        L"\\\\?\\unix",
        L"\\\\.\\unix",
        L"\\??\\unix",
        L"\\\\localhost\\c$",
        L"\\\\localhost",
        L"\\\\127.0.0.1\\share",
        L"\\\\?\\UNC\\localhost",
        L"\\\\?\\GLOBALROOT\\??\\unix",
        L"\\\\?\\GLOBALROOT\\DosDevices\\unix",
        L"\\\\.\\GLOBALROOT\\Device\\HarddiskVolume1",
        L"\\\\?\\GLOBALROOT\\Device\\HarddiskVolume1\\..",
        L"\\\\?\\Volume{00000000-0000-0000-0000-000000000000}",
        L"\\\\?\\C:\\..",
        L"file://",
        L"\\\\?\\pipe\\..\\..",
        L"\\\\.\\pipe\\..",
        L"\\\\.\\mailslot\\..",
    };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        read_win32(joined(prefixes[i], L"\\etc\\passwd"));
        probe(joined(prefixes[i], joined(outside, L"\\secret.txt")));
        list(joined(prefixes[i], L"\\etc\\*"));
    }
    wchar_t unixish[700];
    swprintf(unixish, 700, L"%ls\\secret.txt", outside);
    slashes(unixish);
    probe(unixish);
    read_win32(L"/etc/passwd");
    read_win32(L"//etc/passwd");
    read_win32(L"/proc/self/environ");
    read_win32(L"Z:\\proc\\self\\mem");
    list(L"Z:\\*"), list(L"\\\\?\\unix\\*"), list(L"..\\*"), list(L"C:\\..\\*");
    list(L"link\\*"), list(L"up\\*"), list(L"absolute\\*"), list(L"chain\\*");
}

static void devices(void)
{
    static const wchar_t *const names[] = {
        L"\\\\.\\PhysicalDrive0",
        L"\\\\.\\C:",
        L"\\\\.\\Z:",
        L"\\\\.\\D:",
        L"\\\\.\\CdRom0",
        L"\\\\.\\Scsi0:",
        L"\\\\.\\HarddiskVolume1",
        L"\\\\.\\MountPointManager",
        L"\\\\.\\COM1",
        L"COM1",
        L"LPT1",
        L"AUX",
        L"PRN",
        L"CON",
        L"CONIN$",
        L"\\\\.\\tty",
        L"\\\\.\\dev\\sda",
        L"\\\\.\\Tcp",
        L"\\\\.\\wine",
        L"\\\\.\\host",
        L"\\\\.\\BootPartition",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        read_win32(names[i]);
        write_win32(names[i]);
    }
    static const wchar_t *const streams[] = {
        L"own.txt:stream",
        L"own.txt:..\\..\\outside\\secret.txt",
        L"own.txt:/etc/passwd",
        L"link.txt::$DATA",
        L"link:stream",
        L"..:stream",
        L"own.txt:x:$INDEX_ALLOCATION",
        L"own.txt::$INDEX_ALLOCATION",
        L"link::$INDEX_ALLOCATION",
        L"own.txt:\\..\\x",
    };
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        read_win32(streams[i]);
        write_win32(streams[i]);
    }
}

/* ---- NT paths, which nobody tidies up before the kernel sees them ------------------------------
 */

static void nt_open(HANDLE root, const wchar_t *path, size_t len, BOOL write)
{
    HANDLE h;
    IO_STATUS_BLOCK io;
    UNICODE_STRING name = {(USHORT)(len * 2), (USHORT)(len * 2), (wchar_t *)path};
    OBJECT_ATTRIBUTES a;
    InitializeObjectAttributes(&a, &name, OBJ_CASE_INSENSITIVE, root, NULL);
    begin(write ? "NtCreateFile write" : "NtCreateFile read", path);
    NTSTATUS s =
        NtCreateFile(&h, (write ? GENERIC_WRITE : GENERIC_READ) | SYNCHRONIZE, &a, &io, NULL, 0, 7,
                     write ? FILE_OPEN_IF : FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (s) {
        printf("refused, status %08lx\n", s);
    } else if (write) {
        DWORD n;
        printf("opened, write %d\n", harmless(path) && WriteFile(h, "OVERWRITTEN", 11, &n, NULL));
        CloseHandle(h);
    } else {
        show(h);
    }
    if (!harmless(path))
        return;
    begin("NtDeleteFile", path);
    s = NtDeleteFile(&a);
    printf("status %08lx\n", s);
}

static void nt_probe(HANDLE root, const wchar_t *path)
{
    nt_open(root, path, wcslen(path), FALSE);
    nt_open(root, path, wcslen(path), TRUE);
}

static void nt_paths(void)
{
    static const wchar_t *const raw[] = {
        L"\\??\\C:\\work\\..\\outside\\secret.txt",
        L"\\??\\C:\\work\\../outside/secret.txt",
        L"\\??\\C:\\work/../outside/secret.txt",
        L"\\??\\C:\\work\\sub/../../outside/secret.txt",
        L"\\??\\C:\\work\\.\\.\\..\\outside\\secret.txt",
        L"\\??\\C:\\work\\\\..\\\\outside\\secret.txt",
        L"\\??\\C:\\work\\link\\secret.txt",
        L"\\??\\C:\\work\\link/secret.txt",
        L"\\??\\C:\\work\\link.txt",
        L"\\??\\unix\\etc\\passwd",
        L"\\??\\unix/etc/passwd",
        L"\\??\\Unix\\etc\\passwd",
        L"\\DosDevices\\unix\\etc\\passwd",
        L"\\GLOBAL??\\unix\\etc\\passwd",
        L"\\??\\GLOBALROOT\\??\\unix\\etc\\passwd",
        L"\\??\\Z:\\etc\\passwd",
        L"\\??\\Z:/etc/passwd",
        L"\\??\\UNC\\localhost\\etc\\passwd",
        L"\\Device\\HarddiskVolume1\\etc\\passwd",
        L"\\Device\\HarddiskVolume1\\..\\..\\etc\\passwd",
        L"\\Device\\Harddisk0\\Partition0",
        L"\\Device\\Harddisk0\\DR0",
        L"\\Device\\PhysicalMemory",
        L"\\Device\\Mup\\localhost\\etc\\passwd",
        L"\\Device\\LanmanRedirector\\localhost\\c$\\x",
        L"\\Device\\NamedPipe\\..\\..\\etc\\passwd",
        L"\\Device\\NamedPipe\\/etc/passwd",
        L"\\Device\\ConDrv\\..\\..\\etc\\passwd",
        L"\\Device\\Null\\..\\etc\\passwd",
        L"\\SystemRoot\\..\\..\\etc\\passwd",
        L"\\SystemRoot\\system32\\..\\..\\..\\..\\..\\..\\etc\\passwd",
        L"\\??\\C:\\windows\\system32\\..\\..\\..\\..\\etc\\passwd",
        L"\\??\\C:\\windows\\system32\\..\\..\\..\\..\\..\\..\\..\\..\\etc\\passwd",
        L"/etc/passwd",
        L"\\etc\\passwd",
        L"etc\\passwd",
        L"\\..\\etc\\passwd",
        L"\\??\\..\\etc\\passwd",
        L"\\??\\C:\\..\\..\\etc\\passwd",
        L"\\??\\C:..\\outside\\secret.txt",
    };
    for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
        nt_probe(NULL, raw[i]);
    nt_probe(NULL, joined(L"\\??\\unix", joined(outside, L"\\secret.txt")));
    nt_probe(NULL, joined(L"\\??\\Z:", joined(outside, L"\\secret.txt")));
    /* A terminator, half a surrogate pair and a very long name in the middle. */
    static const wchar_t cut[] = L"\\??\\C:\\work\\own.txt\0\\..\\..\\outside\\secret.txt";
    nt_open(NULL, cut, sizeof(cut) / 2 - 1, FALSE);
    nt_open(NULL, cut, sizeof(cut) / 2 - 1, TRUE);
    nt_probe(NULL, L"\\??\\C:\\work\\\xd800\\..\\outside\\secret.txt");
    static wchar_t longest[32000];
    wcscpy(longest, L"\\??\\C:\\work\\");
    for (size_t i = wcslen(longest); i < 31000; i++)
        longest[i] = i % 4 ? '.' : '\\';
    nt_open(NULL, longest, 31000, FALSE);
    HANDLE here = CreateFileW(L"C:\\work", GENERIC_READ, 7, NULL, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS, NULL);
    static const wchar_t *const relative[] = {
        L"..\\outside\\secret.txt",
        L"../outside/secret.txt",
        L"..",
        L"link\\secret.txt",
        L"\\etc\\passwd",
        L"sub\\..\\..\\outside\\secret.txt",
        L"link",
        L"/etc/passwd",
        L"\\..\\outside\\secret.txt",
    };
    for (size_t i = 0; i < sizeof(relative) / sizeof(relative[0]); i++)
        nt_probe(here, relative[i]);
    CloseHandle(here);
}

/* ---- Other ways out ---------------------------------------------------------------------------
 */

static void rename_to(const wchar_t *target)
{
    struct {
        BOOLEAN replace;
        HANDLE root;
        ULONG len;
        wchar_t name[600];
    } r = {TRUE, NULL, (ULONG)wcslen(target) * 2, L""};
    IO_STATUS_BLOCK io;
    wcscpy(r.name, target);
    HANDLE h = CreateFileW(L"own.txt", GENERIC_READ | DELETE, 7, NULL, OPEN_EXISTING, 0, NULL);
    begin("rename own.txt to", target);
    NTSTATUS s = NtSetInformationFile(h, &io, &r, sizeof(r), (FILE_INFORMATION_CLASS)10);
    printf("status %08lx\n", s);
    begin("link own.txt to", target);
    s = NtSetInformationFile(h, &io, &r, sizeof(r), (FILE_INFORMATION_CLASS)11);
    printf("status %08lx\n", s);
    CloseHandle(h);
}

static void moves_and_links(void)
{
    static const wchar_t *const targets[] = {
        L"\\??\\C:\\work\\..\\outside\\moved",
        L"\\??\\C:\\work\\link\\moved",
        L"\\??\\unix\\tmp\\moved",
        L"..\\outside\\moved",
        L"../outside/moved",
        L"\\??\\C:\\work\\../moved",
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        rename_to(targets[i]);
    change("MoveFile to", L"link\\moved", MoveFileW(L"own.txt", L"link\\moved"));
    change("MoveFile from", L"link\\secret.txt", MoveFileW(L"link\\secret.txt", L"mine.txt"));
    change("CopyFile from", L"link.txt", CopyFileW(L"link.txt", L"copy.txt", FALSE));
    read_win32(L"copy.txt");
    change("CopyFile to", L"link\\copied", CopyFileW(L"own.txt", L"link\\copied", FALSE));
    change("CreateHardLink", L"link.txt", CreateHardLinkW(L"hard.txt", L"link.txt", NULL));
    read_win32(L"hard.txt");
    change("CreateDirectory", L"link\\made", CreateDirectoryW(L"link\\made", NULL));
    change("RemoveDirectory", L"link", RemoveDirectoryW(L"up\\outside"));
    change("SetCurrentDirectory", L"link", SetCurrentDirectoryW(L"link"));
    read_win32(L"secret.txt");
    list(L"*");
    change("SetCurrentDirectory", L"C:\\work", SetCurrentDirectoryW(L"C:\\work"));
    change("SetFileAttributes", L"link.txt",
           SetFileAttributesW(L"link.txt", FILE_ATTRIBUTE_READONLY));
    change("CreateSymbolicLink", L"\\etc",
           CreateSymbolicLinkW(L"made-link", L"\\??\\unix\\etc", SYMBOLIC_LINK_FLAG_DIRECTORY));
    read_win32(L"made-link\\passwd");
}

static void reparse_points(void)
{
    struct {
        ULONG tag;
        USHORT len, reserved, sub_at, sub_len, print_at, print_len;
        wchar_t text[40];
    } r = {0xa0000003, 0, 0, 0, 30, 32, 0, L"\\??\\unix\\etc"};
    DWORD n;
    r.sub_len = (USHORT)(wcslen(r.text) * 2);
    r.print_at = (USHORT)(r.sub_len + 2);
    r.len = (USHORT)(8 + r.sub_len + 4);
    CreateDirectoryW(L"junction", NULL);
    HANDLE h = CreateFileW(L"junction", GENERIC_WRITE, 7, NULL, OPEN_EXISTING,
                           FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    change("FSCTL_SET_REPARSE_POINT", L"\\??\\unix\\etc",
           DeviceIoControl(h, FSCTL_SET_REPARSE_POINT, &r, 8u + r.len, NULL, 0, &n, NULL));
    CloseHandle(h);
    read_win32(L"junction\\passwd");
    list(L"junction\\*");
}

static void object_links(void)
{
    static const wchar_t *const names[] = {L"\\??\\unix", L"\\??\\Z:", L"\\??\\C:"};
    for (size_t i = 0; i < 3; i++) {
        HANDLE h;
        wchar_t text[300] = L"";
        UNICODE_STRING name, target = {0, sizeof(text) - 2, text};
        RtlInitUnicodeString(&name, names[i]);
        OBJECT_ATTRIBUTES a;
        InitializeObjectAttributes(&a, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
        begin("NtOpenSymbolicLinkObject", names[i]);
        NTSTATUS s = NtOpenSymbolicLinkObject(&h, 1, &a);
        if (!s)
            NtQuerySymbolicLinkObject(h, &target, NULL);
        printf("status %08lx %ls\n", s, text);
    }
    change("DefineDosDevice", L"Y: -> \\??\\unix\\etc",
           DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"Y:", L"\\??\\unix\\etc"));
    read_win32(L"Y:\\passwd");
}

static void code_and_processes(void)
{
    static const wchar_t *const programs[] = {L"Z:\\bin\\sh", L"\\\\?\\unix\\bin\\sh", L"/bin/sh",
                                              L"link\\tool.exe"};
    for (size_t i = 0; i < 4; i++) {
        STARTUPINFOW start = {.cb = sizeof(start)};
        PROCESS_INFORMATION p;
        wchar_t line[1000];
        swprintf(line, 1000, L"\"%ls\" -c \"echo OVERWRITTEN > %ls/created\"", programs[i],
                 outside);
        change("CreateProcess", programs[i],
               CreateProcessW(programs[i], line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &p));
    }
    change("LoadLibrary", L"Z:\\lib\\x86_64-linux-gnu\\libc.so.6",
           LoadLibraryW(L"Z:\\lib\\x86_64-linux-gnu\\libc.so.6") != NULL);
    change("LoadLibrary", L"link\\plugin.dll", LoadLibraryW(L"link\\plugin.dll") != NULL);
    HMODULE nt = GetModuleHandleA("ntdll.dll");
    char *(CDECL * unix_name)(const wchar_t *) =
        (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "wine_get_unix_file_name");
    begin("wine_get_unix_file_name", L"C:\\work");
    char *name = unix_name ? unix_name(L"C:\\work\\own.txt") : NULL;
    printf("%s\n", name ? name : "nothing");
    const char *(CDECL * version)(void) = (void *)GetProcAddress(nt, "wine_get_version");
    begin("wine_get_version", L"");
    printf("%s\n", version ? "there" : "nothing");
}

static void environment(void)
{
    begin("environment", L"");
    wchar_t *all = GetEnvironmentStringsW();
    for (wchar_t *p = all; *p; p += wcslen(p) + 1)
        if (wcsstr(p, L"SECRET"))
            printf("%ls ", p);
    end("");
    begin("named pipe server of the host", L"");
    HANDLE h = CreateNamedPipeW(L"\\\\.\\pipe\\..\\..\\tmp\\closed-host-pipe", PIPE_ACCESS_DUPLEX,
                                0, 1, 64, 64, 0, NULL);
    end(h == INVALID_HANDLE_VALUE ? "refused" : "made, inside");
}

int main(int argc, char **argv)
{
    NEED(argc == 2);
    MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, outside, 600);
    for (wchar_t *p = outside; *p; p++)
        if (*p == '/')
            *p = '\\';
    DWORD n;
    HANDLE h = CreateFileA("own.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    NEED(h != INVALID_HANDLE_VALUE);
    WriteFile(h, "own", 3, &n, NULL);
    CloseHandle(h);
    paths_up();
    absolute_paths();
    devices();
    nt_paths();
    moves_and_links();
    reparse_points();
    object_links();
    code_and_processes();
    environment();
    printf("attempts: %d\n", attempts);
    return 0;
}
