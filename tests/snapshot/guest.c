// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the snapshot test saves in the middle: each part keeps state of another kind in the kernel
 * while it prints what it sees. `guest.exe PART` runs one of them.
 */
#include <windows.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- Threads: critical section, events, semaphore, mutex, interlocked turns ---------------------
 */

enum { THREADS = 4, TURNS = 6 };

static CRITICAL_SECTION lock;
static HANDLE go, slots, mutex;
static long long total;
static double floats[THREADS];

static DWORD WINAPI work(void *arg)
{
    int me = (int)(INT_PTR)arg;
    double f = 1.0 + me;
    WaitForSingleObject(go, INFINITE);
    for (int i = 0; i < TURNS; i++) {
        WaitForSingleObject(slots, INFINITE);
        f = f * 1.25 + me; /* lives in a register across the calls */
        EnterCriticalSection(&lock);
        total += (long long)me * i;
        LeaveCriticalSection(&lock);
        WaitForSingleObject(mutex, INFINITE);
        Sleep((DWORD)(me % 3));
        ReleaseMutex(mutex);
        ReleaseSemaphore(slots, 1, NULL);
    }
    floats[me] = f;
    return (DWORD)(100 + me);
}

static int threads(void)
{
    HANDLE t[THREADS];
    InitializeCriticalSection(&lock);
    go = CreateEventA(NULL, TRUE, FALSE, "snapshot-go");
    slots = CreateSemaphoreA(NULL, 2, 2, NULL);
    mutex = CreateMutexA(NULL, FALSE, NULL);
    for (int i = 0; i < THREADS; i++)
        t[i] = CreateThread(NULL, 0, work, (void *)(INT_PTR)i, 0, NULL);
    SetEvent(go);
    DWORD r = WaitForMultipleObjects(THREADS, t, TRUE, INFINITE);
    printf("waited %lu, total %lld\n", r, total);
    for (int i = 0; i < THREADS; i++) {
        DWORD code;
        GetExitCodeThread(t[i], &code);
        printf("thread %d: %lu %.6f\n", i, code, floats[i]);
    }
    return (int)total;
}

/* ---- Files: open handles and positions, a directory scan, renames, delete on close --------------
 */

static void list(const char *pattern)
{
    WIN32_FIND_DATAA d;
    HANDLE h = FindFirstFileA(pattern, &d);
    if (h == INVALID_HANDLE_VALUE) {
        printf("%s: error %lu\n", pattern, GetLastError());
        return;
    }
    do
        if (d.cFileName[0] != '.')
            printf("  %s %lu\n", d.cFileName, d.nFileSizeLow);
    while (FindNextFileA(h, &d));
    FindClose(h);
}

static int files(void)
{
    char line[64];
    DWORD n;
    CreateDirectoryA("snap", NULL);
    HANDLE h = CreateFileA("snap\\log.txt", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL,
                           CREATE_ALWAYS, 0, NULL);
    for (int i = 0; i < 12; i++) {
        int len = snprintf(line, sizeof line, "line %d\n", i);
        WriteFile(h, line, (DWORD)len, &n, NULL);
        if (i % 4 == 0)
            list("snap\\*");
    }
    SetFilePointer(h, 7, NULL, FILE_BEGIN);
    ReadFile(h, line, 6, &n, NULL);
    printf("read %lu: %.6s\n", n, line);
    HANDLE tmp = CreateFileA("snap\\gone.tmp", GENERIC_WRITE, 0, NULL, CREATE_NEW,
                             FILE_FLAG_DELETE_ON_CLOSE, NULL);
    WriteFile(tmp, "x", 1, &n, NULL);
    CloseHandle(h);
    printf("moved %d\n", MoveFileA("snap\\log.txt", "snap\\moved.txt"));
    list("snap\\*");
    CloseHandle(tmp);
    list("snap\\*");
    h = CreateFileA("input.txt", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    ReadFile(h, line, 5, &n, NULL);
    WriteFile(h, "WORLD", 5, &n, NULL);
    SetFilePointer(h, 0, NULL, FILE_BEGIN);
    ReadFile(h, line, sizeof line, &n, NULL);
    printf("%.*s\n", (int)n, line);
    CloseHandle(h);
    return DeleteFileA("snap\\moved.txt") && RemoveDirectoryA("snap") ? 3 : 4;
}

/* ---- Memory: views of files, pagefile sections, guard pages, protections ------------------------
 */

static int mapping(void)
{
    DWORD n, old;
    char back[16] = "";
    HANDLE f =
        CreateFileA("map.bin", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    HANDLE s = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0x3000, NULL);
    char *v = MapViewOfFile(s, FILE_MAP_WRITE, 0, 0, 0);
    for (int i = 0; i < 5; i++) {
        v[i * 0x900] = (char)('a' + i);
        Sleep(0);
    }
    FlushViewOfFile(v, 0);
    SetFilePointer(f, 0x900, NULL, FILE_BEGIN);
    ReadFile(f, back, 1, &n, NULL);
    printf("file shows %c\n", back[0]);
    SetFilePointer(f, 0x1200, NULL, FILE_BEGIN);
    WriteFile(f, "Z", 1, &n, NULL);
    printf("view shows %c\n", v[0x1200]);
    HANDLE g =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x20000, "snap-map");
    char *a = MapViewOfFile(g, FILE_MAP_WRITE, 0, 0, 0),
         *b = MapViewOfFile(g, FILE_MAP_READ, 0, 0, 0);
    strcpy(a + 0x10000, "both");
    printf("other view: %s\n", b + 0x10000);
    char *p = VirtualAlloc(NULL, 0x8000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    for (int i = 0; i < 8; i++)
        p[i * 0x1000] = (char)i;
    VirtualProtect(p + 0x2000, 0x1000, PAGE_READONLY, &old);
    VirtualFree(p + 0x4000, 0x1000, MEM_DECOMMIT);
    MEMORY_BASIC_INFORMATION m;
    for (char *at = p; VirtualQuery(at, &m, sizeof m) && m.AllocationBase == p;
         at = (char *)m.BaseAddress + m.RegionSize)
        printf("%lx: %lx %lx %lx\n", (long)((char *)m.BaseAddress - p), (long)m.RegionSize, m.State,
               m.Protect);
    HMODULE lib = LoadLibraryA("version.dll");
    printf("version.dll %d\n", GetProcAddress(lib, "VerQueryValueA") != NULL);
    FreeLibrary(lib);
    UnmapViewOfFile(v);
    CloseHandle(s);
    CloseHandle(f);
    return p[0x3000] + p[0x5000] + DeleteFileA("map.bin");
}

/* ---- Exceptions: vectored handlers, faults and traps --------------------------------------------
 */

static int seen[4];

static LONG CALLBACK handler(EXCEPTION_POINTERS *e)
{
    DWORD code = e->ExceptionRecord->ExceptionCode;
    seen[code == EXCEPTION_ACCESS_VIOLATION ? 0 : code == EXCEPTION_BREAKPOINT ? 1 : 2]++;
    GetTickCount();
    if (code == EXCEPTION_BREAKPOINT) {
#ifdef _WIN64
        e->ContextRecord->Rip++;
#else
        e->ContextRecord->Eip++;
#endif
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (code == EXCEPTION_ACCESS_VIOLATION) {
        DWORD old;
        VirtualProtect((void *)e->ExceptionRecord->ExceptionInformation[1], 1, PAGE_READWRITE,
                       &old);
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return code == 0xe0000001 ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static int exceptions(void)
{
    AddVectoredExceptionHandler(1, handler);
    volatile char *p = VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    for (int i = 0; i < 8; i++) {
        p[i * 0x1000] = (char)i;
        __asm__ volatile("int3");
        RaiseException(0xe0000001, 0, 0, NULL);
        printf("%d: %d %d %d\n", i, seen[0], seen[1], seen[2]);
    }
    return seen[0] + seen[1] + seen[2];
}

/* ---- Pipes: a server and a client thread, blocked reads, overlapped and APC
 * ---------------------- */

static DWORD WINAPI client(void *arg)
{
    char msg[32];
    DWORD n;
    HANDLE h = CreateFileA("\\\\.\\pipe\\snap", GENERIC_READ | GENERIC_WRITE, 0, NULL,
                           OPEN_EXISTING, 0, NULL);
    (void)arg;
    for (int i = 0; i < 6; i++) {
        int len = snprintf(msg, sizeof msg, "message %d", i);
        WriteFile(h, msg, (DWORD)len, &n, NULL);
        ReadFile(h, msg, sizeof msg, &n, NULL);
        printf("client: %.*s\n", (int)n, msg);
    }
    CloseHandle(h);
    return 0;
}

static void CALLBACK on_timer(void *arg, DWORD low, DWORD high)
{
    (void)low;
    (void)high;
    ++*(int *)arg;
}

static int pipes(void)
{
    char msg[32];
    DWORD n;
    int got = 0, ticks = 0;
    HANDLE anon[2],
        h = CreateNamedPipeA("\\\\.\\pipe\\snap", PIPE_ACCESS_DUPLEX,
                             PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 64, 64, 0, NULL);
    HANDLE t = CreateThread(NULL, 0, client, NULL, 0, NULL);
    ConnectNamedPipe(h, NULL);
    while (ReadFile(h, msg, sizeof msg, &n, NULL)) {
        got += (int)n;
        msg[0] = 'M';
        WriteFile(h, msg, n, &n, NULL);
    }
    printf("server: %d bytes, error %lu\n", got, GetLastError());
    WaitForSingleObject(t, INFINITE);
    CreatePipe(&anon[0], &anon[1], NULL, 0);
    WriteFile(anon[1], "kept in the pipe", 16, &n, NULL);
    HANDLE timer = CreateWaitableTimerA(NULL, FALSE, NULL);
    LARGE_INTEGER due = {.QuadPart = -20000};
    SetWaitableTimer(timer, &due, 2, on_timer, &ticks, FALSE);
    for (int i = 0; i < 5; i++)
        SleepEx(50, TRUE);
    CancelWaitableTimer(timer);
    ReadFile(anon[0], msg, sizeof msg, &n, NULL);
    printf("%.*s; %d ticks\n", (int)n, msg, ticks);
    return ticks;
}

/* ---- Registry and environment -------------------------------------------------------------------
 */

static int registry(void)
{
    HKEY key, sub;
    char name[32];
    DWORD n, type, value;
    RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\Snapshot", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key,
                    NULL);
    for (DWORD i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "key %lu", i);
        RegCreateKeyExA(key, name, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &sub, NULL);
        RegSetValueExA(sub, "value", 0, REG_DWORD, (BYTE *)&i, sizeof i);
        RegCloseKey(sub);
    }
    for (DWORD i = 0; n = sizeof name, !RegEnumKeyExA(key, i, name, &n, NULL, NULL, NULL, NULL);
         i++) {
        RegOpenKeyExA(key, name, 0, KEY_READ, &sub);
        n = sizeof value;
        RegQueryValueExA(sub, "value", NULL, &type, (BYTE *)&value, &n);
        printf("%s = %lu (%lu)\n", name, value, type);
        RegCloseKey(sub);
    }
    RegCloseKey(key);
    ATOM atom = GlobalAddAtomA("snapshot atom");
    GlobalGetAtomNameA(atom, name, sizeof name);
    printf("%s\n", name);
    return 9;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } parts[] = {{"threads", threads},       {"files", files}, {"mapping", mapping},
                 {"exceptions", exceptions}, {"pipes", pipes}, {"registry", registry}};
    setvbuf(stdout, NULL, _IONBF, 0); /* output belongs to the moment at which it was made */
    for (size_t i = 0; i < COUNT(parts); i++)
        if (argc > 1 && !strcmp(argv[1], parts[i].name))
            return parts[i].run();
    return 255;
}
