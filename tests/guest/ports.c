// SPDX-License-Identifier: GPL-2.0-or-later
// I/O completion ports: posting, order, several at once, worker threads, files, time-outs.
#include "check.h"

static void packets_arrive_in_order(HANDLE port)
{
    DWORD n;
    ULONG_PTR key;
    OVERLAPPED *o, mine;
    for (DWORD i = 0; i < 10; i++)
        CHECK(PostQueuedCompletionStatus(port, i * 100, i + 1, i % 2 ? &mine : NULL));
    for (DWORD i = 0; i < 10; i++) {
        CHECK(GetQueuedCompletionStatus(port, &n, &key, &o, 1000));
        CHECK_EQ(n, i * 100);
        CHECK_EQ(key, i + 1);
        CHECK(o == (i % 2 ? &mine : NULL));
    }
    o = &mine;
    CHECK_ERROR(GetQueuedCompletionStatus(port, &n, &key, &o, 20), WAIT_TIMEOUT);
    CHECK(o == NULL);
}

static void several_at_once(HANDLE port)
{
    OVERLAPPED_ENTRY e[8];
    ULONG got = 0;
    for (DWORD i = 0; i < 5; i++)
        PostQueuedCompletionStatus(port, i, i, NULL);
    CHECK(GetQueuedCompletionStatusEx(port, e, 3, &got, 1000, FALSE));
    CHECK_EQ(got, 3);
    CHECK_EQ(e[2].dwNumberOfBytesTransferred, 2);
    CHECK(GetQueuedCompletionStatusEx(port, e, 8, &got, 1000, FALSE));
    CHECK_EQ(got, 2);
    CHECK_ERROR(GetQueuedCompletionStatusEx(port, e, 8, &got, 10, FALSE), WAIT_TIMEOUT);
}

static LONG volatile total;

static DWORD WINAPI worker(void *port)
{
    DWORD n, count = 0;
    ULONG_PTR key;
    OVERLAPPED *o;
    while (GetQueuedCompletionStatus(port, &n, &key, &o, INFINITE) && key) {
        InterlockedExchangeAdd(&total, (LONG)n);
        count++;
    }
    return count;
}

static void workers_share(HANDLE port)
{
    HANDLE t[4];
    DWORD all = 0;
    for (int i = 0; i < 4; i++)
        t[i] = CreateThread(NULL, 0, worker, port, 0, NULL);
    for (DWORD i = 1; i <= 200; i++)
        PostQueuedCompletionStatus(port, i, 1, NULL);
    for (int i = 0; i < 4; i++)
        PostQueuedCompletionStatus(port, 0, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(4, t, TRUE, 30000), WAIT_OBJECT_0);
    for (int i = 0; i < 4; i++) {
        DWORD count = 0;
        GetExitCodeThread(t[i], &count);
        all += count;
        CloseHandle(t[i]);
    }
    CHECK_EQ(all, 200);
    CHECK_EQ(total, 200 * 201 / 2);
}

static void files_complete(HANDLE port)
{
    DWORD n = 0;
    ULONG_PTR key = 0;
    OVERLAPPED o = {.Offset = 0}, *done = NULL;
    char text[] = "completed", back[16] = "";
    HANDLE f = CreateFileA("ports.tmp", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                           FILE_FLAG_OVERLAPPED | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    NEED(f != INVALID_HANDLE_VALUE);
    CHECK(CreateIoCompletionPort(f, port, 0x55, 0) == port);
    CHECK(WriteFile(f, text, sizeof(text), NULL, &o) || GetLastError() == ERROR_IO_PENDING);
    CHECK(GetQueuedCompletionStatus(port, &n, &key, &done, 10000));
    CHECK_EQ(n, sizeof(text));
    CHECK_EQ(key, 0x55);
    CHECK(done == &o);
    o.Offset = 3;
    CHECK(ReadFile(f, back, sizeof(back), NULL, &o) || GetLastError() == ERROR_IO_PENDING);
    CHECK(GetQueuedCompletionStatus(port, &n, &key, &done, 10000));
    CHECK_EQ(n, sizeof(text) - 3);
    CHECK_STR(back, "pleted");
    /* The end of the file is an error, which completes at once or through the port. */
    o.Offset = 1000;
    if (ReadFile(f, back, sizeof(back), NULL, &o) || GetLastError() == ERROR_IO_PENDING)
        CHECK(!GetQueuedCompletionStatus(port, &n, &key, &done, 10000));
    CHECK_EQ(GetLastError(), ERROR_HANDLE_EOF);
    CloseHandle(f);
}

int main(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 2);
    NEED(port);
    packets_arrive_in_order(port);
    several_at_once(port);
    workers_share(port);
    files_complete(port);
    CHECK(CloseHandle(port));
    CHECK_ERROR(PostQueuedCompletionStatus(port, 0, 0, NULL), ERROR_INVALID_HANDLE);
    return check_done();
}
