// SPDX-License-Identifier: GPL-2.0-or-later
// The ways in which calls between modules come about, and end. `run` looks for the numbers in the
// trace: each place calls MulDiv with one of its own.
#include "../guest/check.h"
#include <setjmp.h>
#include <winternl.h>

#define MARK(n) CHECK_EQ(MulDiv((n), 1, 1), (n))

enum { FRAMES = 32, GATES = 0x7ffd0000, GATES_SIZE = 0x10000 };

int lib_named(int n);   /* imported by ordinal */
int lib_ordinal(int n); /* as well */
int late_twice(int n);  /* loaded at the first call */
extern void *__MINGW_IMP_SYMBOL(late_twice);

typedef int(WINAPI *muldiv_fn)(int, int, int);

/* ---- TLS callbacks
 * ------------------------------------------------------------------------------------------- */

static void NTAPI on_tls(void *module, DWORD reason, void *reserved)
{
    (void)module, (void)reserved;
    static const int marks[] = {[DLL_PROCESS_ATTACH] = 201,
                                [DLL_THREAD_ATTACH] = 202,
                                [DLL_THREAD_DETACH] = 203,
                                [DLL_PROCESS_DETACH] = 204};
    MulDiv(marks[reason & 3], 1, 1);
}

/* Within the callbacks of the CRT's TLS directory. */
__attribute__((section(".CRT$XLY"), used)) PIMAGE_TLS_CALLBACK tls_callback = on_tls;

/* ---- Libraries
 * -----------------------------------------------------------------------------------------------
 */

static void delay_imports(void)
{
    /* Newer linkers leave the slot in the read-only .idata, and the helper writes to it. */
    void **slot = &__MINGW_IMP_SYMBOL(late_twice);
    DWORD old;
    CHECK(VirtualProtect(slot, sizeof(*slot), PAGE_READWRITE, &old));
    CHECK(!GetModuleHandleA("waylate.dll"));
    CHECK_EQ(late_twice(50), 100);
    CHECK(GetModuleHandleA("waylate.dll") != NULL);
    CHECK_EQ(late_twice(51), 102);
    MARK(101);
}

static void ordinals(void)
{
    HMODULE lib = GetModuleHandleA("waylib.dll"), sockets = LoadLibraryA("ws2_32.dll");
    int (*found)(int) = (void *)GetProcAddress(lib, MAKEINTRESOURCEA(40));
    u_short(WINAPI * swap)(u_short) = (void *)GetProcAddress(sockets, MAKEINTRESOURCEA(9));
    NEED(found && swap);
    CHECK_EQ(lib_ordinal(1), 41);
    CHECK_EQ(lib_named(2), 3);
    CHECK_EQ(found(2), 42);
    CHECK_EQ(swap(0x1234), 0x3412);
    CHECK(FreeLibrary(sockets));
}

static void forwarders(void)
{
    HMODULE lib = GetModuleHandleA("waylib.dll"), kernel = GetModuleHandleA("kernel32.dll");
    muldiv_fn forwarded = (void *)GetProcAddress(lib, "lib_muldiv");
    int (*late)(void) = (void *)GetProcAddress(lib, "lib_late");
    SIZE_T(WINAPI * size)(HANDLE, DWORD, const void *) = (void *)GetProcAddress(lib, "lib_size");
    void *block = HeapAlloc(GetProcessHeap(), 0, 501);
    NEED(forwarded && late && size && block);
    CHECK((void *)forwarded == (void *)GetProcAddress(kernel, "MulDiv"));
    CHECK((void *)late == (void *)GetProcAddress(GetModuleHandleA("waylate"), "late_answer"));
    CHECK((void *)size == (void *)GetProcAddress(kernel, "HeapSize"));
    CHECK_EQ(forwarded(502, 1, 1), 502);
    CHECK_EQ(late(), 321);
    CHECK_EQ(HeapSize(GetProcessHeap(), 0, block), 501);
    CHECK_EQ(size(GetProcessHeap(), 0, block), 501);
    CHECK(HeapFree(GetProcessHeap(), 0, block));
}

static void looked_up(void)
{
    muldiv_fn f = (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "MulDiv");
    NEED(f);
    CHECK(f == MulDiv);
    CHECK_EQ(f(601, 1, 1), 601);
}

static void unloading(void)
{
    HMODULE late = GetModuleHandleA("waylate.dll");
    /* As often as it was loaded: by the delay import, by the forwarder. */
    for (int i = 0; i < 4 && GetModuleHandleA("waylate.dll"); i++)
        CHECK(FreeLibrary(late));
    CHECK(!GetModuleHandleA("waylate.dll"));
}

/* The same calls from the same addresses, in another module. */
static void loading_in_its_place(void)
{
    CHECK(CopyFileA("waylate.dll", "wayagain.dll", FALSE));
    HMODULE again = LoadLibraryA("wayagain.dll");
    NEED(again);
    CHECK(FreeLibrary(again));
    CHECK(DeleteFileA("wayagain.dll"));
}

static DWORD hash(const char *s)
{
    DWORD h = 0;
    while (*s)
        h = (h >> 13 | h << 19) + (BYTE)*s++;
    return h;
}

static void *find_in(const BYTE *base, DWORD wanted)
{
    const IMAGE_NT_HEADERS *nt = (const void *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
    const IMAGE_DATA_DIRECTORY *dir = &nt->OptionalHeader.DataDirectory[0];
    const IMAGE_EXPORT_DIRECTORY *x = (const void *)(base + dir->VirtualAddress);
    const DWORD *names = (const void *)(base + x->AddressOfNames);
    const DWORD *functions = (const void *)(base + x->AddressOfFunctions);
    const WORD *ordinals_of = (const void *)(base + x->AddressOfNameOrdinals);
    for (DWORD i = 0; dir->Size && i < x->NumberOfNames; i++) {
        DWORD at = functions[ordinals_of[i]];
        int forwards = at - dir->VirtualAddress < dir->Size;
        if (hash((const char *)base + names[i]) == wanted && !forwards)
            return (void *)(base + at);
    }
    return NULL;
}

/* As shellcode does it. */
static void hashed_names(void)
{
#ifdef _WIN64
    const BYTE *peb = (const BYTE *)__readgsqword(0x60), *ldr = *(const BYTE *const *)(peb + 0x18);
    const LIST_ENTRY *head = (const LIST_ENTRY *)(ldr + 0x20);
#else
    const BYTE *peb = (const BYTE *)__readfsdword(0x30), *ldr = *(const BYTE *const *)(peb + 0x0c);
    const LIST_ENTRY *head = (const LIST_ENTRY *)(ldr + 0x14);
#endif
    muldiv_fn f = NULL;
    for (const LIST_ENTRY *e = head->Flink; e != head && !f; e = e->Flink)
        f = (muldiv_fn)find_in(
            CONTAINING_RECORD(e, LDR_DATA_TABLE_ENTRY, InMemoryOrderLinks)->DllBase,
            hash("MulDiv"));
    NEED(f);
    CHECK_EQ(f(701, 1, 1), 701);
}

/* ---- Fibers
 * --------------------------------------------------------------------------------------------------
 */

static void *main_fiber, *worker;
static int rounds;

static int switches(const void *a, const void *b)
{
    rounds++;
    SwitchToFiber(main_fiber);
    MARK(801);
    return *(const int *)a - *(const int *)b;
}

/* Goes on in whichever thread switches to it, in the middle of a call. */
static void CALLBACK work(void *arg)
{
    for (;;) {
        int v[] = {3, 2};
        qsort(v, 2, sizeof *v, switches);
        CHECK_EQ(v[0], 2);
        MARK(802);
        SwitchToFiber(arg ? main_fiber : arg);
    }
}

static DWORD WINAPI takes_over(void *arg)
{
    (void)arg;
    main_fiber = ConvertThreadToFiber(NULL);
    SwitchToFiber(worker); /* the call that it is in the middle of ends here */
    MARK(803);
    ConvertFiberToThread();
    return 0;
}

static void fibers(void)
{
    main_fiber = ConvertThreadToFiber(NULL);
    worker = CreateFiber(0, work, &worker);
    NEED(main_fiber && worker);
    SwitchToFiber(worker); /* out of the middle of qsort */
    MARK(804);
    SwitchToFiber(worker); /* qsort ends */
    SwitchToFiber(worker); /* the next one has begun */
    CHECK_EQ(rounds, 2);
    void *here = main_fiber;
    HANDLE t = CreateThread(NULL, 0, takes_over, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 60000), WAIT_OBJECT_0);
    CloseHandle(t);
    main_fiber = here;
    DeleteFiber(worker);
    ConvertFiberToThread();
    MARK(805);
}

/* ---- Stacks
 * --------------------------------------------------------------------------------------------------
 */

static int walks(const void *a, const void *b)
{
    void *frames[FRAMES];
    int n = RtlCaptureStackBackTrace(0, FRAMES, frames, NULL), inside = 0;
    MARK(901);
#ifdef _WIN64 /* 32-bit code has frame pointers only where it wants to */
    CHECK(n >= 4);
#endif
    for (int i = 0; i < n; i++) {
        HMODULE m = NULL;
        CHECK((ULONG_PTR)frames[i] - GATES >= GATES_SIZE);
        inside += GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                         GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                                     frames[i], &m);
    }
    CHECK(inside >= n - 1); /* Wine's unwinder may go one too far */
    return *(const int *)a - *(const int *)b;
}

static void backtraces(void)
{
    int v[] = {2, 1};
    qsort(v, 2, sizeof *v, walks);
    CHECK_EQ(v[0], 1);
    MARK(902);
}

static jmp_buf out, inner;

static int jumps_out(const void *a, const void *b)
{
    MARK(1001);
    longjmp(out, a != b);
    return 0;
}

static int jumps_in(const void *a, const void *b)
{
    longjmp(inner, a != b);
    return 0;
}

static int lands(const void *a, const void *b)
{
    int v[] = {2, 1};
    if (!setjmp(inner)) {
        qsort(v, 2, sizeof *v, jumps_in);
        CHECK(0);
    }
    MARK(1003);
    return *(const int *)a - *(const int *)b;
}

static void jumps(void)
{
    int v[] = {2, 1};
    if (!setjmp(out)) {
        qsort(v, 2, sizeof *v, jumps_out);
        CHECK(0);
    }
    MARK(1002);
    qsort(v, 2, sizeof *v, lands);
    CHECK_EQ(v[0], 1);
    MARK(1004);
}

static DWORD WINAPI nothing(void *arg)
{
    (void)arg;
    MARK(205);
    return 0;
}

int main(void)
{
    HANDLE t = CreateThread(NULL, 0, nothing, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 60000), WAIT_OBJECT_0);
    CloseHandle(t);
    delay_imports();
    ordinals();
    forwarders();
    looked_up();
    hashed_names();
    unloading();
    loading_in_its_place();
    fibers();
    backtraces();
    jumps();
    MARK(999);
    return check_done();
}
