// SPDX-License-Identifier: GPL-2.0-or-later
// Thread-local storage: callbacks, compiler variables through the TLS directory, TlsAlloc and
// FlsAlloc.
#include "check.h"

/* The TLS directory, written by hand: mingw's compilers emulate __thread, MSVC's use this. */
static LONG volatile process_attached, thread_attached, thread_detached;
static DWORD callback_order[4];
static LONG volatile callbacks;

static void NTAPI count(void *module, DWORD reason, void *reserved)
{
    (void)module, (void)reserved;
    if (callbacks < 4)
        callback_order[callbacks++] = reason;
    if (reason == DLL_PROCESS_ATTACH)
        process_attached++;
    else if (reason == DLL_THREAD_ATTACH)
        InterlockedIncrement(&thread_attached);
    else if (reason == DLL_THREAD_DETACH)
        InterlockedIncrement(&thread_detached);
}

/* mingw's CRT has a directory of its own with these sections; .CRT$XLY lies within its callbacks.
 */
__attribute__((section(".CRT$XLY"), used)) PIMAGE_TLS_CALLBACK tls_count = count;
__attribute__((section(".tls$B"), used)) int tls_answer = 42;
__attribute__((section(".tls$B"), used)) char tls_text[24] = "template";
extern ULONG _tls_index;
extern char _tls_start[];

static char *tls_block(void)
{
#ifdef _WIN64
    char **blocks = (char **)__readgsqword(0x58);
#else
    char **blocks = (char **)__readfsdword(0x2c);
#endif
    return blocks[_tls_index];
}

#define MINE(variable) ((__typeof__(&(variable)))(tls_block() + ((char *)&(variable)-_tls_start)))

static __thread int emulated = 7;
static DWORD slot, fiber_slot;
static LONG volatile fls_freed;

static void CALLBACK fls_free(void *value)
{
    InterlockedExchangeAdd(&fls_freed, (LONG)(LONG_PTR)value);
}

static DWORD WINAPI use(void *arg)
{
    int n = (int)(INT_PTR)arg;
    CHECK_EQ(*MINE(tls_answer), 42);
    CHECK_STR(*MINE(tls_text), "template");
    CHECK_EQ(emulated, 7);
    CHECK(TlsGetValue(slot) == NULL);
    CHECK(FlsGetValue(fiber_slot) == NULL);
    *MINE(tls_answer) = n;
    (*MINE(tls_text))[0] = (char)('A' + n);
    emulated = n * 10;
    CHECK(TlsSetValue(slot, arg));
    CHECK(FlsSetValue(fiber_slot, arg));
    for (int i = 0; i < 20; i++) {
        Sleep(i % 3);
        CHECK_EQ(*MINE(tls_answer), n);
        CHECK_EQ(emulated, n * 10);
        CHECK(TlsGetValue(slot) == arg && FlsGetValue(fiber_slot) == arg);
    }
    CHECK_EQ((*MINE(tls_text))[0], 'A' + n);
    return 0;
}

static void slots_are_many(void)
{
    DWORD more[1000], n = 0;
    while (n < 1000 && (more[n] = TlsAlloc()) != TLS_OUT_OF_INDEXES)
        n++;
    CHECK(n == 1000);
    for (DWORD i = 0; i < n; i++)
        TlsSetValue(more[i], (void *)(UINT_PTR)(i + 1));
    int right = 0;
    for (DWORD i = 0; i < n; i++)
        right += TlsGetValue(more[i]) == (void *)(UINT_PTR)(i + 1);
    CHECK_EQ(right, n);
    for (DWORD i = 0; i < n; i++)
        TlsFree(more[i]);
    DWORD again = TlsAlloc();
    CHECK(TlsGetValue(again) == NULL);
    TlsFree(again);
}

int main(void)
{
    enum { THREADS = 5 };
    HANDLE t[THREADS];
    CHECK_EQ(process_attached, 1);
    CHECK_EQ(callback_order[0], DLL_PROCESS_ATTACH);
    CHECK_EQ(thread_attached, 0);
    CHECK_EQ(*MINE(tls_answer), 42);
    *MINE(tls_answer) = 1000;
    emulated = 1;
    slot = TlsAlloc();
    fiber_slot = FlsAlloc(fls_free);
    NEED(slot != TLS_OUT_OF_INDEXES && fiber_slot != FLS_OUT_OF_INDEXES);
    TlsSetValue(slot, &slot);
    for (int i = 0; i < THREADS; i++)
        t[i] = CreateThread(NULL, 0, use, (void *)(INT_PTR)(i + 1), 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, 60000), 0);
    CHECK_EQ(thread_attached, THREADS);
    CHECK_EQ(thread_detached, THREADS);
    CHECK_EQ(fls_freed, 1 + 2 + 3 + 4 + 5);
    CHECK_EQ(*MINE(tls_answer), 1000);
    CHECK_EQ(emulated, 1);
    CHECK(TlsGetValue(slot) == &slot);
    CHECK_EQ(GetLastError(), 0);
    slots_are_many();
    CHECK(TlsFree(slot) && FlsFree(fiber_slot));
    return check_done();
}
