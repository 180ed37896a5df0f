// SPDX-License-Identifier: GPL-2.0-or-later
// What the scripts are tried on: victim MODE
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <windns.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

__declspec(dllimport) const char *decrypt(const unsigned char *hidden, int n);
__declspec(dllimport) double blend(double a, float b, int c);

static int drop(void)
{
    DWORD n;
    FILE *f = fopen("by-c.txt", "w");
    fputs("hello from C\n", f);
    fclose(f);
    HANDLE h = CreateFileA("left-open.bin", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    for (int i = 0; i < 3; i++)
        WriteFile(h, "0123456789", 10, &n, NULL);
    h = CreateFileA("empty.bin", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CloseHandle(h);
    return 0;
}

static void show(const char *what, const void *address, unsigned port)
{
    const unsigned char *a = address;
    printf("%s %u.%u.%u.%u port %u\n", what, a[0], a[1], a[2], a[3], port);
}

static int resolve(void)
{
    struct addrinfo *list = NULL;
    WSADATA data;
    WSAStartup(0x0202, &data);
    if (getaddrinfo("update.example.com", "8080", NULL, &list) || !list) {
        printf("unknown\n");
        return 1;
    }
    const struct sockaddr_in *sin = (void *)list->ai_addr;
    show("getaddrinfo", &sin->sin_addr, ntohs(sin->sin_port));
    freeaddrinfo(list);
    const struct hostent *host = gethostbyname("update.example.com");
    if (!host || host->h_length != 4 || strcmp(host->h_name, "update.example.com"))
        return 2;
    show("gethostbyname", host->h_addr_list[0], 0);
    return 0;
}

/* DNSAPI as a program finds it that does without it where it is not there. Each kind of text and of
 * list's end. */
static int dns(void)
{
    HMODULE m = LoadLibraryA("dnsapi.dll");
    DNS_STATUS(WINAPI * narrow)(PCSTR, WORD, DWORD, void *, DNS_RECORDA **, void **);
    DNS_STATUS(WINAPI * wide)(PCWSTR, WORD, DWORD, void *, DNS_RECORDW **, void **);
    void(WINAPI * release)(void *, DNS_FREE_TYPE), (WINAPI * release_list)(void *, DNS_FREE_TYPE);
    DNS_RECORDA *a = NULL;
    DNS_RECORDW *w = NULL;
    narrow = (void *)GetProcAddress(m, "DnsQuery_A");
    wide = (void *)GetProcAddress(m, "DnsQuery_W");
    release = (void *)GetProcAddress(m, "DnsFree");
    release_list = (void *)GetProcAddress(m, "DnsRecordListFree");
    if (narrow("update.example.com", DNS_TYPE_A, DNS_QUERY_STANDARD, NULL, &a, NULL) || !a)
        return 1;
    show(a->pName, &a->Data.A.IpAddress, a->wType);
    printf("length %u section %u charset %u ttl %lu next %d\n", a->wDataLength, a->Flags.S.Section,
           a->Flags.S.CharSet, a->dwTtl, a->pNext != NULL);
    release(a, DnsFreeRecordList);
    if (wide(L"UPDATE.example.com", DNS_TYPE_A, DNS_QUERY_STANDARD, NULL, &w, NULL) || !w)
        return 2;
    printf("%ls charset %u\n", w->pName, w->Flags.S.CharSet);
    release_list(w, DnsFreeRecordList);
    printf("text %ld\n", narrow("update.example.com", DNS_TYPE_TEXT, 0, NULL, &a, NULL));
    return 0;
}

static int licence(void)
{
    char text[64] = "";
    DWORD size = sizeof text, type = 0;
    HKEY key;
    if (RegOpenKeyExA(HKEY_CURRENT_USER, "Software\\Vendor\\Product", 0, KEY_READ, &key)) {
        printf("not licensed\n");
        return 1;
    }
    LONG e = RegQueryValueExA(key, "LicenseKey", NULL, &type, (void *)text, &size);
    RegCloseKey(key);
    printf("%ld type %lu size %lu: %s\n", e, type, size, text);
    return e != 0;
}

static int times(void)
{
    SYSTEMTIME s, l, f;
    FILETIME ft;
    GetSystemTime(&s);
    GetLocalTime(&l);
    GetSystemTimeAsFileTime(&ft);
    FileTimeToSystemTime(&ft, &f);
    printf("%u-%02u-%02u day %u, %u:%02u, %u-%02u-%02u %u:%02u:%02u, %ld\n", s.wYear, s.wMonth,
           s.wDay, s.wDayOfWeek, l.wHour, l.wMinute, f.wYear, f.wMonth, f.wDay, f.wHour, f.wMinute,
           f.wSecond, (long)time(NULL));
    return 0;
}

static int secrets(void)
{
    unsigned char hidden[2][16] = {"first secret", "second"};
    int n = 0;
    for (int k = 0; k < 2; k++)
        for (unsigned i = 0; i < sizeof hidden[k] && hidden[k][i]; i++)
            hidden[k][i] ^= 0x5a ^ i;
    for (int k = 0; k < 3; k++)
        n += decrypt(hidden[k % 2], k % 2 ? 6 : 12)[0] != 0;
    return n == 3 ? 0 : 1;
}

static DWORD WINAPI works(void *arg)
{
    int sum = 0;
    for (int i = 0; i < 200; i++)
        sum += MulDiv(i, 2, 1);
    return (DWORD)sum;
}

/* Handlers of several threads, inside each other. */
static int threads(void)
{
    HANDLE h[4];
    DWORD total = 0, one;
    for (int i = 0; i < 4; i++)
        h[i] = CreateThread(NULL, 0, works, NULL, 0, NULL);
    for (int i = 0; i < 4; i++) {
        WaitForSingleObject(h[i], INFINITE);
        GetExitCodeThread(h[i], &one);
        total += one;
    }
    printf("total %lu\n", total);
    return 0;
}

static int load(void)
{
    SetLastError(0);
    HMODULE h = LoadLibraryA("hidden.dll");
    printf("hidden %d error %lu\n", h != NULL, GetLastError());
    printf("version %d\n", LoadLibraryW(L"version.dll") != NULL);
    return 0;
}

static HANDLE woken, ready;

static DWORD WINAPI parked(void *arg)
{
    SignalObjectAndWait(ready, woken, INFINITE, FALSE);
    return (DWORD)(DWORD_PTR)arg;
}

/* A second thread that waits and is suspended, a library that comes and goes. */
static int lists(void)
{
    DWORD code = 0;
    woken = CreateEventA(NULL, FALSE, FALSE, NULL);
    ready = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE h = CreateThread(NULL, 0, parked, (void *)77, 0, NULL);
    WaitForSingleObject(ready, INFINITE);
    SuspendThread(h);
    printf("muldiv %d\n", MulDiv(6, 7, 2));
    ResumeThread(h);
    SetEvent(woken);
    WaitForSingleObject(h, INFINITE);
    GetExitCodeThread(h, &code);
    HMODULE m = LoadLibraryA("version.dll");
    printf("code %lu, freed %d\n", code, FreeLibrary(m));
    return 0;
}

/* One call of each kind for the tests of the module itself. */
static int calls(void)
{
    char text[32] = "";
    SetLastError(0);
    DWORD n = GetEnvironmentVariableA("NOT_THERE", text, sizeof text);
    printf("env %lu %lu %s\n", n, GetLastError(), text);
    printf("muldiv %d %d\n", MulDiv(6, 7, 2), MulDiv(-6, 7, 2));
    printf("debugger %d\n", IsDebuggerPresent());
    printf("blend %.3f\n", blend(1.5, 2.25f, 3));
    printf("command %s\n", GetCommandLineA());
    printf("length %d\n", lstrlenW(L"wide text"));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = {{"drop", drop},       {"resolve", resolve}, {"licence", licence}, {"times", times},
                 {"secrets", secrets}, {"threads", threads}, {"calls", calls},     {"load", load},
                 {"lists", lists},     {"dns", dns}};
    for (unsigned i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; i++)
        if (!strcmp(argv[1], modes[i].name))
            return modes[i].run();
    return 99;
}
