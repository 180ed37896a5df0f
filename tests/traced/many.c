// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that call much at the same time: engines note such calls, with the memory that is shown
// of them, and tell of them later. `run` looks for each, in order, with what was there then.
#include "../guest/check.h"
#include <search.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 400, STEP = 100000, NAPS = 97 };

static void *(*volatile copy_bytes)(void *, const void *, size_t) = memcpy; /* a call, not code */

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    MulDiv(STEP - 1, 1, 1);
    return x < y ? -1 : x > y;
}

static void turn(int thread, int i)
{
    char said[32], copy[32] = "before";
    WCHAR wide[16] = {0}, buffer[16];
    int one = i;
    CHECK_EQ(MulDiv(thread * STEP + i, 1, 1), thread * STEP + i);
    snprintf(said, sizeof said, "thread %d says %d", thread, i);
    CHECK(lstrcpyA(copy, said) == copy);
    CHECK_STR(copy, said);
    CHECK(bsearch(&i, &one, 1, sizeof one, compare) == &one);
    CHECK_EQ(MultiByteToWideChar(CP_ACP, 0, said, 9, wide, 16), 9);
    copy_bytes(buffer, wide, sizeof buffer);
    CHECK(buffer[7] == L'0' + thread);
    if (i % NAPS == 0)
        Sleep(0);
}

static DWORD WINAPI talks(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        turn((int)(ULONG_PTR)arg, i);
    return 0;
}

int main(void)
{
    HANDLE threads[THREADS];
    for (ULONG_PTR i = 0; i < THREADS; i++)
        NEED(threads[i] = CreateThread(NULL, 0, talks, (void *)(i + 1), 0, NULL));
    CHECK_EQ(WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++)
        CloseHandle(threads[i]);
    return check_done();
}
