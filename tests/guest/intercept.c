// SPDX-License-Identifier: GPL-2.0-or-later
// What a program notices when something stands between it and the functions that it calls: stack
// walks, exceptions and jumps across calls that are going on, functions found by hand.
#include "check.h"
#include <setjmp.h>
#include <winternl.h>

/* ---- Stack walks from inside a callback ---------------------------------------------------------
 */

static void *frames[32];
static int frame_count, frames_inside;

static int walks(const void *a, const void *b)
{
    if (!frame_count) {
        frame_count = CaptureStackBackTrace(0, 32, frames, NULL);
        for (int i = 0; i < frame_count; i++) {
            HMODULE m = NULL;
            frames_inside += GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                                    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                                                frames[i], &m);
        }
    }
    return *(const int *)a - *(const int *)b;
}

static void backtraces_show_true_addresses(void)
{
    int v[] = {2, 1};
    qsort(v, 2, sizeof *v, walks);
    CHECK_EQ(v[0], 1);
    CHECK(frames_inside >= frame_count - 1); /* Wine's unwinder may go one too far */
#ifdef _WIN64 /* 32-bit code has frame pointers only where it wants to */
    CHECK(frame_count >= 4);
#endif
}

#ifdef _WIN64
/* The caller's frames, by hand. */
static int unwinds(const void *a, const void *b)
{
    CONTEXT c;
    int depth = 0, known = 0;
    RtlCaptureContext(&c);
    while (c.Rip && depth < 40) {
        ULONG64 base, establisher;
        void *data;
        PRUNTIME_FUNCTION f = RtlLookupFunctionEntry(c.Rip, &base, NULL);
        depth++;
        if (!f) { /* a leaf; the loader's entry has none either */
            c.Rip = *(ULONG64 *)c.Rsp;
            c.Rsp += 8;
            continue;
        }
        known++;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c.Rip, f, &c, &data, &establisher, NULL);
    }
    CHECK(known >= 5);
    CHECK(depth < 40);
    return *(const int *)a - *(const int *)b;
}

static void frames_can_be_unwound_by_hand(void)
{
    int v[] = {2, 1};
    qsort(v, 2, sizeof *v, unwinds);
    CHECK_EQ(v[0], 1);
}
#endif

/* ---- Jumps and exceptions across a call
 * ---------------------------------------------------------- */

static jmp_buf out;
static int jumped;

static int jumps(const void *a, const void *b)
{
    jumped += a != b;
    longjmp(out, 5);
    return 0;
}

static void jumps_leave_calls(void)
{
    int v[] = {2, 1};
    for (volatile int i = 0; i < 100; i++) {
        int value = setjmp(out);
        if (!value) {
            qsort(v, 2, sizeof *v, jumps);
            CHECK(0);
        }
        CHECK_EQ(value, 5);
        CHECK(GetCurrentProcessId() != 0);
    }
    CHECK_EQ(jumped, 100);
}

static int handled;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    handled++;
    GetTickCount();
    return p->ExceptionRecord->ExceptionCode == 0xe0000001 ? EXCEPTION_CONTINUE_EXECUTION
                                                           : EXCEPTION_CONTINUE_SEARCH;
}

static int raises(const void *a, const void *b)
{
    ULONG_PTR info[] = {1, 2};
    RaiseException(0xe0000001, 0, 2, info);
    return *(const int *)a - *(const int *)b;
}

static void exceptions_inside_calls_are_continued(void)
{
    int v[] = {3, 2, 1};
    void *h = AddVectoredExceptionHandler(1, handler);
    qsort(v, 3, sizeof *v, raises);
    CHECK(v[0] == 1 && v[1] == 2 && v[2] == 3);
    CHECK(handled >= 2);
    RemoveVectoredExceptionHandler(h);
}

/* ---- Fibers ------------------------------------------------------------------------------------
 */

static void *fibers[2];
static int in_fiber;

static int switches(const void *a, const void *b)
{
    SwitchToFiber(fibers[1]);
    return *(const int *)a - *(const int *)b;
}

static void CALLBACK fiber(void *arg)
{
    for (;;) {
        in_fiber += GetCurrentThreadId() != 0;
        SwitchToFiber(arg);
    }
}

static void calls_survive_a_change_of_stacks(void)
{
    int v[] = {4, 3, 2, 1};
    fibers[0] = ConvertThreadToFiber(NULL);
    NEED(fibers[0]);
    fibers[1] = CreateFiber(0, fiber, fibers[0]);
    NEED(fibers[1]);
    qsort(v, 4, sizeof *v, switches);
    CHECK(v[0] == 1 && v[3] == 4);
    CHECK(in_fiber >= 3);
    DeleteFiber(fibers[1]);
    ConvertFiberToThread();
}

/* ---- Functions found by hand -------------------------------------------------------------------
 */

static DWORD hash(const char *s)
{
    DWORD h = 0;
    while (*s)
        h = (h >> 13 | h << 19) + (BYTE)*s++;
    return h;
}

/* As shellcode does it: every module of the loader's list, every name of its exports. */
static void *find(DWORD wanted)
{
#ifdef _WIN64
    const BYTE *peb = (const BYTE *)__readgsqword(0x60), *ldr = *(const BYTE *const *)(peb + 0x18);
    const LIST_ENTRY *head = (const LIST_ENTRY *)(ldr + 0x20);
#else
    const BYTE *peb = (const BYTE *)__readfsdword(0x30), *ldr = *(const BYTE *const *)(peb + 0x0c);
    const LIST_ENTRY *head = (const LIST_ENTRY *)(ldr + 0x14);
#endif
    for (const LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
        const LDR_DATA_TABLE_ENTRY *m =
            CONTAINING_RECORD(e, LDR_DATA_TABLE_ENTRY, InMemoryOrderLinks);
        const BYTE *base = m->DllBase;
        const IMAGE_NT_HEADERS *nt =
            (const void *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
        const IMAGE_DATA_DIRECTORY *dir = &nt->OptionalHeader.DataDirectory[0];
        const IMAGE_EXPORT_DIRECTORY *x = (const void *)(base + dir->VirtualAddress);
        if (!dir->Size)
            continue;
        const DWORD *names = (const void *)(base + x->AddressOfNames);
        const DWORD *functions = (const void *)(base + x->AddressOfFunctions);
        const WORD *ordinals = (const void *)(base + x->AddressOfNameOrdinals);
        for (DWORD i = 0; i < x->NumberOfNames; i++)
            if (hash((const char *)base + names[i]) == wanted)
                return (void *)(base + functions[ordinals[i]]);
    }
    return NULL;
}

static void functions_are_found_by_hash(void)
{
    DWORD(WINAPI * pid)(void) = (void *)find(hash("GetCurrentProcessId"));
    HMODULE m = NULL;
    NEED(pid);
    CHECK_EQ(pid(), GetCurrentProcessId());
    CHECK((void *)pid ==
              (void *)GetProcAddress(GetModuleHandleA("kernel32"), "GetCurrentProcessId") ||
          (void *)pid ==
              (void *)GetProcAddress(GetModuleHandleA("kernelbase"), "GetCurrentProcessId"));
    CHECK(GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                 GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                             (const char *)pid, &m));
    CHECK(m == GetModuleHandleA("kernel32") || m == GetModuleHandleA("kernelbase"));
}

/* ---- Threads -----------------------------------------------------------------------------------
 */

static DWORD WINAPI busy(void *arg)
{
    DWORD wrong = 0;
    for (int i = 0; i < 300; i++) {
        int v[] = {3, 1, 2};
        char text[32];
        qsort(v, 3, sizeof *v, walks);
        sprintf(text, "%d %d", v[0], (int)(INT_PTR)arg);
        wrong += text[0] != '1' || atoi(text + 2) != (int)(INT_PTR)arg;
    }
    return wrong;
}

static void threads_do_not_mix_their_calls(void)
{
    HANDLE t[4];
    DWORD wrong;
    for (int i = 0; i < 4; i++)
        t[i] = CreateThread(NULL, 0, busy, (void *)(INT_PTR)(i + 10), 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(4, t, TRUE, 60000), WAIT_OBJECT_0);
    for (int i = 0; i < 4; i++) {
        CHECK(GetExitCodeThread(t[i], &wrong));
        CHECK_EQ(wrong, 0);
        CloseHandle(t[i]);
    }
}

int main(void)
{
    backtraces_show_true_addresses();
#ifdef _WIN64
    frames_can_be_unwound_by_hand();
#endif
    jumps_leave_calls();
    exceptions_inside_calls_are_continued();
    calls_survive_a_change_of_stacks();
    functions_are_found_by_hash();
    threads_do_not_mix_their_calls();
    return check_done();
}
