// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual memory: 64 MiB in patterns; reserve, commit, decommit, protect, query, guard,
// granularity.
#include "check.h"

enum { PAGE = 4096, CHUNK = 65536, TOTAL = 64 << 20 };

static void query(void *p, DWORD state, DWORD protect, SIZE_T size)
{
    MEMORY_BASIC_INFORMATION i;
    CHECK_EQ(VirtualQuery(p, &i, sizeof(i)), sizeof(i));
    CHECK_EQ(i.State, state);
    CHECK_EQ(i.Protect, protect);
    CHECK(i.BaseAddress == p);
    if (size)
        CHECK_EQ(i.RegionSize, size);
}

static void reserve_then_commit(void)
{
    MEMORY_BASIC_INFORMATION i;
    char *p = VirtualAlloc(NULL, 10 * PAGE + 1, MEM_RESERVE, PAGE_READWRITE);
    NEED(p);
    CHECK_EQ((UINT_PTR)p % CHUNK, 0);
    query(p, MEM_RESERVE, 0, 11 * PAGE);
    CHECK(VirtualAlloc(p + 2 * PAGE + 5, PAGE, MEM_COMMIT, PAGE_READWRITE) == p + 2 * PAGE);
    query(p, MEM_RESERVE, 0, 2 * PAGE);
    query(p + 2 * PAGE, MEM_COMMIT, PAGE_READWRITE, 2 * PAGE);
    query(p + 4 * PAGE, MEM_RESERVE, 0, 7 * PAGE);
    CHECK(VirtualAlloc(p + 3 * PAGE, 2 * PAGE, MEM_RESET, PAGE_NOACCESS) == p + 3 * PAGE);
    query(p + 4 * PAGE, MEM_RESERVE, 0, 7 * PAGE); /* it makes no pages */
    VirtualQuery(p + 3 * PAGE, &i, sizeof(i));
    CHECK(i.AllocationBase == p && i.AllocationProtect == PAGE_READWRITE && i.Type == MEM_PRIVATE);
    CHECK(p[2 * PAGE] == 0 && p[4 * PAGE - 1] == 0);
    p[2 * PAGE] = 1;
    CHECK(VirtualAlloc(p, 11 * PAGE, MEM_COMMIT, PAGE_READWRITE) == p);
    CHECK_EQ(p[2 * PAGE], 1); /* committing again keeps what is there */
    CHECK(VirtualFree(p + 2 * PAGE, PAGE, MEM_DECOMMIT));
    query(p + 2 * PAGE, MEM_RESERVE, 0, PAGE);
    CHECK(VirtualAlloc(p + 2 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE) != NULL);
    CHECK_EQ(p[2 * PAGE], 0); /* but decommitting loses it */
    CHECK_ERROR(VirtualFree(p + PAGE, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
    CHECK(VirtualFree(p, 0, MEM_RELEASE));
    CHECK(!VirtualFree(p, 0, MEM_RELEASE));
    VirtualQuery(p, &i, sizeof(i));
    CHECK_EQ(i.State, MEM_FREE);
}

static void wrong_requests_fail(void)
{
    CHECK_ERROR(VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE), ERROR_INVALID_PARAMETER);
    CHECK_ERROR(VirtualAlloc(NULL, PAGE, MEM_COMMIT, 0), ERROR_INVALID_PARAMETER);
    CHECK_ERROR(VirtualAlloc(NULL, PAGE, MEM_COMMIT, PAGE_READWRITE | PAGE_READONLY),
                ERROR_INVALID_PARAMETER);
    CHECK_ERROR(VirtualAlloc(NULL, PAGE, 0x80, PAGE_READWRITE), ERROR_INVALID_PARAMETER);
#ifdef _WIN64
    CHECK_ERROR(VirtualAlloc((void *)0x1000000000000000, PAGE, MEM_RESERVE, PAGE_READWRITE),
                ERROR_INVALID_PARAMETER);
#endif
    char *p = VirtualAlloc(NULL, CHUNK, MEM_RESERVE, PAGE_READWRITE);
    CHECK_ERROR(VirtualAlloc(p, CHUNK, MEM_RESERVE, PAGE_READWRITE), ERROR_INVALID_ADDRESS);
    CHECK_ERROR(VirtualAlloc(p, CHUNK + PAGE, MEM_COMMIT, PAGE_READWRITE), ERROR_INVALID_ADDRESS);
    VirtualFree(p, 0, MEM_RELEASE);
    CHECK_ERROR(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READWRITE), ERROR_INVALID_ADDRESS);
    CHECK(!VirtualProtect(p, PAGE, PAGE_READONLY, &(DWORD){0}));
}

static void granularity(void)
{
    char *p = VirtualAlloc(NULL, 4 * CHUNK, MEM_RESERVE, PAGE_NOACCESS);
    VirtualFree(p, 0, MEM_RELEASE);
    /* A reservation begins at the 64 KiB boundary below, and covers the bytes asked for. */
    char *q = VirtualAlloc(p + 3 * PAGE + 7, PAGE, MEM_RESERVE, PAGE_READWRITE);
    CHECK(q == p);
    query(q, MEM_RESERVE, 0, 5 * PAGE);
    CHECK_ERROR(VirtualAlloc(p + 8 * PAGE, PAGE, MEM_RESERVE, PAGE_READWRITE),
                ERROR_INVALID_ADDRESS);
    char *r = VirtualAlloc(p + CHUNK, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    CHECK(r == p + CHUNK);
    VirtualFree(q, 0, MEM_RELEASE), VirtualFree(r, 0, MEM_RELEASE);
    SYSTEM_INFO s;
    GetSystemInfo(&s);
    CHECK_EQ(s.dwPageSize, PAGE);
    CHECK_EQ(s.dwAllocationGranularity, CHUNK);
    q = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE);
    CHECK(q != NULL && (UINT_PTR)q % CHUNK == 0);
    VirtualFree(q, 0, MEM_RELEASE);
}

static void protection(void)
{
    DWORD old = 0;
    char *p = VirtualAlloc(NULL, 8 * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    NEED(p);
    memset(p, 'x', 8 * PAGE);
    CHECK(VirtualProtect(p + PAGE, PAGE + 1, PAGE_READONLY, &old));
    CHECK_EQ(old, PAGE_READWRITE);
    query(p, MEM_COMMIT, PAGE_READWRITE, PAGE);
    query(p + PAGE, MEM_COMMIT, PAGE_READONLY, 2 * PAGE);
    CHECK(VirtualProtect(p, 8 * PAGE, PAGE_EXECUTE_READWRITE, &old));
    CHECK(VirtualProtect(p + PAGE, PAGE, PAGE_NOACCESS, &old));
    CHECK_EQ(old, PAGE_EXECUTE_READWRITE);
    CHECK(IsBadReadPtr(p + PAGE, 1) && !IsBadReadPtr(p + 2 * PAGE, 1));
    CHECK(VirtualProtect(p + PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, &old));
    query(p + PAGE, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD, PAGE);
    CHECK_ERROR(VirtualProtect(p, PAGE, 0x77, &old), ERROR_INVALID_PARAMETER);
    CHECK(VirtualProtect(p + PAGE, PAGE, PAGE_READWRITE, &old));
    CHECK_EQ(p[PAGE], 'x');
    VirtualFree(p + 3 * PAGE, PAGE, MEM_DECOMMIT);
    CHECK_ERROR(VirtualProtect(p, 8 * PAGE, PAGE_READONLY, &old), ERROR_INVALID_ADDRESS);
    VirtualFree(p, 0, MEM_RELEASE);
}

/* Services refuse memory that the guest may not touch, and say so instead of failing. */
static void services_check_memory(void)
{
    SIZE_T n = 0;
    char *p = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), b[16];
    HANDLE self = GetCurrentProcess();
    CHECK(ReadProcessMemory(self, p, b, 16, &n) && n == 16);
    CHECK(!ReadProcessMemory(self, (void *)16, b, 16, &n));
    CHECK(WriteProcessMemory(self, p, "hello", 5, &n) && n == 5 && !memcmp(p, "hello", 5));
    VirtualFree(p, 0, MEM_RELEASE);
}

static unsigned mix(unsigned i)
{
    return i * 2654435761u ^ 0x5bd1e995u;
}

static void sixty_four_mebibytes(void)
{
    unsigned wrong = 0;
    char *p = VirtualAlloc(NULL, TOTAL, MEM_RESERVE, PAGE_READWRITE);
    NEED(p);
    for (unsigned i = 0; i < TOTAL / CHUNK; i++)
        NEED(VirtualAlloc(p + i * CHUNK, CHUNK, MEM_COMMIT, PAGE_READWRITE));
    for (unsigned i = 0; i < TOTAL / PAGE; i++) {
        ((unsigned *)(p + i * PAGE))[0] = mix(i);
        ((unsigned *)(p + i * PAGE))[PAGE / 4 - 1] = ~mix(i);
    }
    for (unsigned i = 0; i < TOTAL / CHUNK; i += 2)
        VirtualFree(p + i * CHUNK, CHUNK, MEM_DECOMMIT);
    for (unsigned i = 0; i < TOTAL / CHUNK; i += 4)
        VirtualAlloc(p + i * CHUNK, CHUNK, MEM_COMMIT, PAGE_READWRITE);
    for (unsigned i = 0; i < TOTAL / PAGE; i++) {
        unsigned chunk = i / 16, *page = (unsigned *)(p + i * PAGE);
        if (chunk % 4 == 2)
            continue;
        unsigned first = chunk % 2 ? mix(i) : 0, last = chunk % 2 ? ~mix(i) : 0;
        wrong += page[0] != first || page[PAGE / 4 - 1] != last || page[17] != 0;
    }
    CHECK_EQ(wrong, 0);
    query(p + 2 * CHUNK, MEM_RESERVE, 0, CHUNK);
    CHECK(VirtualFree(p, 0, MEM_RELEASE));
}

static void many_small_ones(void)
{
    static char *at[512];
    int distinct = 0;
    for (int i = 0; i < 512; i++) {
        at[i] = VirtualAlloc(NULL, PAGE * (1 + i % 3), MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        NEED(at[i]);
        *(int *)at[i] = i;
    }
    for (int i = 0; i < 512; i += 3)
        VirtualFree(at[i], 0, MEM_RELEASE), at[i] = NULL;
    for (int i = 0; i < 512; i++)
        distinct += at[i] && *(int *)at[i] == i;
    CHECK_EQ(distinct, 341);
    for (int i = 0; i < 512; i++)
        if (at[i])
            VirtualFree(at[i], 0, MEM_RELEASE);
}

/* The whole address space can be walked, and no region overlaps the next. */
static void walk(void)
{
    MEMORY_BASIC_INFORMATION i;
    char *p = NULL, *self = NULL;
    int regions = 0, images = 0;
    SYSTEM_INFO s;
    GetSystemInfo(&s);
    while (p < (char *)s.lpMaximumApplicationAddress && VirtualQuery(p, &i, sizeof(i))) {
        if (i.BaseAddress != p || !i.RegionSize)
            break;
        regions++;
        images += i.Type == MEM_IMAGE;
        if (i.AllocationBase == (void *)GetModuleHandleA(NULL))
            self = p;
        p += i.RegionSize;
    }
    CHECK(p > (char *)s.lpMaximumApplicationAddress - CHUNK);
    CHECK(regions > 20 && images > 10 && self);
}

typedef NTSTATUS(NTAPI *set_process)(HANDLE, ULONG, void *, ULONG);

/* Whether data may run is settled: from the start, or after it was made permanent. */
static void execute_options(void)
{
    enum { EXECUTE_FLAGS = 34, DATA_RUNS = 2, DATA_DOES_NOT = 1, PERMANENT = 8 };
    ULONG flags = DATA_RUNS | PERMANENT;
    set_process set = (set_process)(void *)GetProcAddress(GetModuleHandleA("ntdll.dll"),
                                                          "NtSetInformationProcess");
    NEED(set);
    NTSTATUS status = set(GetCurrentProcess(), EXECUTE_FLAGS, &flags, sizeof(flags));
    if (sizeof(void *) == 8) {
        CHECK_EQ((DWORD)status, 0xc000000d);
        return;
    }
    flags = DATA_DOES_NOT;
    status = set(GetCurrentProcess(), EXECUTE_FLAGS, &flags, sizeof(flags));
    CHECK_EQ((DWORD)status, 0xc0000022);
}

int main(void)
{
    reserve_then_commit();
    wrong_requests_fail();
    granularity();
    protection();
    services_check_memory();
    sixty_four_mebibytes();
    many_small_ones();
    walk();
    execute_options();
    return check_done();
}
