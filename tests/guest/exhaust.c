// SPDX-License-Identifier: GPL-2.0-or-later
// Takes all that it can get of one thing, which the argument names. What is to come to an end is
// given back, and the program goes on; what ends the program has no end of its own.
#include "check.h"

enum {
    HANDLES = 20000,
    THREADS_MOST = 100000,
    APCS_MOST = 1 << 20,
    BIG = 64 << 20,
    SMALL = 0x10000,
    PIPE = 1 << 20,
    VALUE = 1 << 18
};

static DWORD WINAPI nothing(void *arg)
{
    return arg != NULL;
}

static void handles(void)
{
    static HANDLE all[HANDLES];
    int wrong = 0;
    for (int i = 0; i < HANDLES; i++)
        wrong += !(all[i] = CreateEventA(NULL, TRUE, i & 1, NULL));
    for (int i = 0; i < HANDLES; i += 97)
        wrong += WaitForSingleObject(all[i], 0) != (i & 1 ? WAIT_OBJECT_0 : WAIT_TIMEOUT);
    for (int i = 0; i < HANDLES; i++)
        wrong += !CloseHandle(all[i]);
    CHECK_EQ(wrong, 0);
}

static void threads(void)
{
    static HANDLE all[THREADS_MOST];
    int n = 0, wrong = 0;
    while (n < THREADS_MOST &&
           (all[n] = CreateThread(NULL, 0, nothing, NULL, CREATE_SUSPENDED, NULL)))
        n++;
    DWORD error = GetLastError();
    CHECK(n > 100 && n < THREADS_MOST);
    CHECK(error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_COMMITMENT_LIMIT);
    for (int i = 0; i < n; i++) {
        wrong += !TerminateThread(all[i], 0) ||
                 WaitForSingleObject(all[i], 20000) != WAIT_OBJECT_0 || !CloseHandle(all[i]);
    }
    CHECK_EQ(wrong, 0);
    HANDLE t = CreateThread(NULL, 0, nothing, NULL, 0, NULL);
    NEED(t);
    CHECK_EQ(WaitForSingleObject(t, 20000), WAIT_OBJECT_0);
    CloseHandle(t);
}

static void memory(void)
{
    struct block {
        struct block *next;
    } *blocks = NULL, *b;
    SIZE_T size = BIG, total = 0;
    int wrong = 0;
    DWORD error = 0;
    while (size >= SMALL) {
        b = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        error = GetLastError();
        if (!b) {
            size /= 2;
            continue;
        }
        for (SIZE_T i = 0; i < size; i += SMALL)
            ((char *)b)[i] = 1;
        b->next = blocks;
        blocks = b;
        total += size;
    }
    for (; blocks; blocks = b) {
        b = blocks->next;
        wrong += !VirtualFree(blocks, 0, MEM_RELEASE);
    }
    CHECK_EQ(wrong, 0);
    CHECK(error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_COMMITMENT_LIMIT);
    CHECK(total > BIG && total < 1 << 30);
    CHECK(b = VirtualAlloc(NULL, BIG, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
}

static void CALLBACK apc(ULONG_PTR arg)
{
    (void)arg;
}

static void apcs(void)
{
    int n = 0;
    HANDLE t = CreateThread(NULL, 0, nothing, NULL, CREATE_SUSPENDED, NULL);
    NEED(t);
    while (n < APCS_MOST && QueueUserAPC(apc, t, n))
        n++;
    CHECK(n > 10000 && n < APCS_MOST);
    CHECK(TerminateThread(t, 0));
    CHECK_EQ(WaitForSingleObject(t, 20000), WAIT_OBJECT_0);
    CloseHandle(t);
}

/* ---- Without end ----------------------------------------------------------------------------- */

static void pipes(void)
{
    static char data[PIPE];
    HANDLE from, to;
    DWORD n;
    while (CreatePipe(&from, &to, NULL, PIPE) && WriteFile(to, data, PIPE, &n, NULL))
        ;
}

static void values(void)
{
    static BYTE data[VALUE];
    char name[20];
    HKEY key;
    NEED(!RegCreateKeyA(HKEY_CURRENT_USER, "exhaust", &key));
    for (int i = 0;; i++) {
        sprintf(name, "%d", i);
        if (RegSetValueExA(key, name, 0, REG_BINARY, data, VALUE))
            break;
    }
}

static void packets(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    while (PostQueuedCompletionStatus(port, 1, 1, NULL))
        ;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } ways[] = {{"handles", handles}, {"threads", threads}, {"memory", memory},  {"apcs", apcs},
                {"pipes", pipes},     {"values", values},   {"packets", packets}};
    NEED(argc == 2);
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(argv[1], ways[i].name))
            ways[i].fn();
    CHECK_EQ(WaitForSingleObject(GetCurrentThread(), 0), WAIT_TIMEOUT);
    return check_done();
}
