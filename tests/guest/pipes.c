// SPDX-License-Identifier: GPL-2.0-or-later
// Pipes: anonymous and named, between threads of the process.
#include "check.h"

static DWORD n;

static DWORD WINAPI pump(void *h)
{
    char block[1000];
    DWORD done;
    for (int i = 0; i < 100; i++) {
        memset(block, i, sizeof(block));
        if (!WriteFile(h, block, sizeof(block), &done, NULL) || done != sizeof(block))
            return 1;
    }
    CloseHandle(h);
    return 0;
}

static void anonymous(void)
{
    HANDLE r, w;
    char b[64];
    NEED(CreatePipe(&r, &w, NULL, 0));
    CHECK_EQ(GetFileType(r), FILE_TYPE_PIPE);
    CHECK(WriteFile(w, "hello", 5, &n, NULL) && n == 5);
    CHECK(WriteFile(w, " pipe", 5, &n, NULL));
    CHECK(PeekNamedPipe(r, b, sizeof(b), &n, NULL, NULL) && n == 10);
    CHECK(ReadFile(r, b, 3, &n, NULL) && n == 3 && !memcmp(b, "hel", 3));
    CHECK(ReadFile(r, b, sizeof(b), &n, NULL) && n == 7 && !memcmp(b, "lo pipe", 7));
    HANDLE t = CreateThread(NULL, 0, pump, w, 0, NULL);
    int total = 0, wrong = 0;
    while (ReadFile(r, b, sizeof(b), &n, NULL) && n)
        for (DWORD i = 0; i < n; i++, total++)
            wrong += b[i] != total / 1000;
    CHECK_EQ(GetLastError(), ERROR_BROKEN_PIPE);
    CHECK_EQ(total, 100000);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CloseHandle(r), CloseHandle(t);
    CreatePipe(&r, &w, NULL, 0);
    CloseHandle(r);
    CHECK_ERROR(WriteFile(w, "x", 1, &n, NULL), ERROR_NO_DATA);
    CloseHandle(w);
}

static const char name[] = "\\\\.\\pipe\\guest test pipe";

static DWORD WINAPI client(void *arg)
{
    char b[64];
    DWORD done, mode = PIPE_READMODE_MESSAGE;
    (void)arg;
    CHECK(WaitNamedPipeA(name, 5000));
    HANDLE h = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(SetNamedPipeHandleState(h, &mode, NULL, NULL));
    CHECK(WriteFile(h, "first", 5, &done, NULL) && WriteFile(h, "second", 6, &done, NULL));
    CHECK(ReadFile(h, b, sizeof(b), &done, NULL));
    CHECK(done == 5 && !memcmp(b, "reply", 5));
    CloseHandle(h);
    return 0;
}

static void named(void)
{
    char b[64];
    CHECK_ERROR(CreateFileA(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) !=
                    INVALID_HANDLE_VALUE,
                ERROR_FILE_NOT_FOUND);
    HANDLE h = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX,
                                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT, 1, 4096,
                                4096, 0, NULL);
    NEED(h != INVALID_HANDLE_VALUE);
    HANDLE t = CreateThread(NULL, 0, client, NULL, 0, NULL);
    CHECK(ConnectNamedPipe(h, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    CHECK(ReadFile(h, b, sizeof(b), &n, NULL) && n == 5 && !memcmp(b, "first", 5));
    CHECK_ERROR(ReadFile(h, b, 2, &n, NULL), ERROR_MORE_DATA);
    CHECK(ReadFile(h, b + 2, 62, &n, NULL) && n == 4 && !memcmp(b, "second", 6));
    HANDLE token = NULL;
    CHECK(ImpersonateNamedPipeClient(h));
    CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, FALSE, &token));
    CHECK(RevertToSelf() && CloseHandle(token));
    CHECK_ERROR(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, FALSE, &token), ERROR_NO_TOKEN);
    CHECK(WriteFile(h, "reply", 5, &n, NULL));
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK_ERROR(ReadFile(h, b, sizeof(b), &n, NULL), ERROR_BROKEN_PIPE);
    CHECK(DisconnectNamedPipe(h));
    CloseHandle(h), CloseHandle(t);
}

static HANDLE server(DWORD type, DWORD instances)
{
    return CreateNamedPipeA(name, PIPE_ACCESS_OUTBOUND | FILE_FLAG_OVERLAPPED, type, instances, 100,
                            100, 0, NULL);
}

static HANDLE reader(void)
{
    return CreateFileA(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
}

/* Writes that wait for room take what is unread with them when they are cancelled. */
static void cancelled_writes(void)
{
    static char block[300];
    char b[400];
    OVERLAPPED big = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    OVERLAPPED one = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    HANDLE w = server(PIPE_TYPE_MESSAGE, 1), r = reader();
    NEED(w != INVALID_HANDLE_VALUE && r != INVALID_HANDLE_VALUE);
    CHECK_ERROR(WriteFile(w, block, sizeof(block), NULL, &big), ERROR_IO_PENDING);
    CHECK_ERROR(WriteFile(w, "1", 1, NULL, &one), ERROR_IO_PENDING);
    CHECK(ReadFile(r, b, 10, &n, NULL) && n == 10);
    CHECK(WriteFile(w, "", 0, &n, &one) || GetLastError() == ERROR_IO_PENDING);
    CHECK(PeekNamedPipe(r, NULL, 0, NULL, &n, NULL) && n == 291);
    CHECK(CancelIoEx(w, &big));
    CHECK(PeekNamedPipe(r, NULL, 0, NULL, &n, NULL) && n == 1);
    CHECK(ReadFile(r, b, sizeof(b), &n, NULL) && n == 1 && b[0] == '1');
    CHECK_EQ(WaitForSingleObject(one.hEvent, 1000), WAIT_OBJECT_0);
    CloseHandle(w), CloseHandle(r), CloseHandle(big.hEvent), CloseHandle(one.hEvent);
}

static DWORD WINAPI flush(void *pipe)
{
    return FlushFileBuffers(pipe) ? 0 : GetLastError();
}

/* Flushing waits for the reader, and fails when it goes without having read. */
static void unread(void)
{
    DWORD code = 0;
    HANDLE w = CreateNamedPipeA(name, PIPE_ACCESS_OUTBOUND, PIPE_TYPE_BYTE, 1, 100, 100, 0, NULL);
    HANDLE r = reader();
    CHECK(WriteFile(w, "some", 4, &n, NULL) && n == 4);
    HANDLE t = CreateThread(NULL, 0, flush, w, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 50), WAIT_TIMEOUT);
    CloseHandle(r);
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code) && code == ERROR_BROKEN_PIPE);
    CHECK_ERROR(WriteFile(w, "x", 1, &n, NULL), ERROR_NO_DATA);
    CloseHandle(w), CloseHandle(t);
}

/* What fails at once does not signal the file. */
static void disconnected(void)
{
    char b[4];
    HANDLE w = CreateNamedPipeA(name, PIPE_ACCESS_OUTBOUND, PIPE_TYPE_BYTE, 1, 100, 100, 0, NULL);
    HANDLE r = reader();
    CHECK(WriteFile(w, "some", 4, &n, NULL) && n == 4);
    CHECK(DisconnectNamedPipe(w));
    CHECK_ERROR(ReadFile(r, b, sizeof(b), &n, NULL), ERROR_PIPE_NOT_CONNECTED);
    CHECK_EQ(WaitForSingleObject(r, 0), WAIT_TIMEOUT);
    CloseHandle(w), CloseHandle(r);
}

/* All but the direction may differ between instances. */
static void instances(void)
{
    HANDLE a = server(PIPE_TYPE_BYTE, 4), b = server(PIPE_TYPE_MESSAGE, 3);
    CHECK(a != INVALID_HANDLE_VALUE && b != INVALID_HANDLE_VALUE);
    HANDLE c = CreateNamedPipeA(name, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE, 4, 100, 100, 0, NULL);
    CHECK(c == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED);
    CloseHandle(a), CloseHandle(b);
}

int main(void)
{
    anonymous();
    named();
    cancelled_writes();
    unread();
    disconnected();
    instances();
    return check_done();
}
