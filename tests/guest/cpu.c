// SPDX-License-Identifier: GPL-2.0-or-later
// The processor: what CPUID promises works, code that writes code, floating-point state across
// threads and exceptions, 64-bit arithmetic, large static data.
#include "check.h"

#include <cpuid.h>
#include <emmintrin.h>
#include <float.h>
#include <math.h>
#include <stdint.h>

/* ---- CPUID ---------------------------------------------------------------------------------- */

#define TARGET(x) __attribute__((target(x), noinline))

TARGET("sse4.2") static unsigned use_crc32(unsigned c, unsigned v)
{
    return __builtin_ia32_crc32si(c, v);
}

TARGET("popcnt") static int use_popcnt(unsigned v)
{
    return __builtin_popcount(v);
}

TARGET("ssse3") static int use_ssse3(void)
{
    typedef char v16 __attribute__((vector_size(16)));
    v16 a, order;
    for (int i = 0; i < 16; i++)
        a[i] = (char)i, order[i] = (char)(15 - i);
    a = __builtin_ia32_pshufb128(a, order);
    return a[0] == 15 && a[15] == 0;
}

/* pext, and blsi through v & -v */
TARGET("bmi,bmi2") static int use_bmi(uint32_t v)
{
    return __builtin_ia32_pext_si(v, 0xf0f0f0f0) == 0x1357 && !(v & -v & 7);
}

TARGET("avx2") static int use_avx2(void)
{
    typedef int v8 __attribute__((vector_size(32)));
    volatile v8 a = {1, 2, 3, 4, 5, 6, 7, 8};
    v8 b = a + a;
    int sum = 0;
    for (int i = 0; i < 8; i++)
        sum += b[i];
    return sum == 72;
}

static uint64_t xcr0(void)
{
    unsigned a, d;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

static void promises_are_kept(void)
{
    unsigned a, b, c, d, a7 = 0, b7 = 0, c7 = 0, d7 = 0;
    char vendor[13] = "";
    CHECK(
        __get_cpuid(0, &a, (unsigned *)vendor, (unsigned *)(vendor + 8), (unsigned *)(vendor + 4)));
    CHECK(strlen(vendor) == 12);
    NEED(__get_cpuid(1, &a, &b, &c, &d));
    __get_cpuid_count(7, 0, &a7, &b7, &c7, &d7);
    CHECK((d & bit_SSE2) && (d & bit_CMOV) && (d & bit_CMPXCHG8B));
    CHECK_EQ(!!(d & bit_SSE2), IsProcessorFeaturePresent(PF_XMMI64_INSTRUCTIONS_AVAILABLE));
    if (c & bit_SSE4_2)
        CHECK_EQ(use_crc32(0xffffffff, 0x12345678), 0x4dece20c);
    if (c & bit_POPCNT)
        CHECK_EQ(use_popcnt(0xf0f01), 9);
    if (c & bit_SSSE3)
        CHECK(use_ssse3());
    if ((b7 & bit_BMI) && (b7 & bit_BMI2))
        CHECK(use_bmi(0x12345678));
    int os_saves_ymm = (c & bit_OSXSAVE) && (xcr0() & 6) == 6;
    if ((b7 & bit_AVX2) && os_saves_ymm)
        CHECK(use_avx2());
    if (c & bit_OSXSAVE)
        CHECK((xcr0() & 3) == 3);
}

/* ---- Code that writes code ------------------------------------------------------------------- */

static void code_changes(void)
{
    unsigned char *code =
        VirtualAlloc(NULL, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    NEED(code);
    int (*volatile f)(void) = (int (*)(void))code;
    code[0] = 0xb8, code[5] = 0xc3; /* mov eax, imm32; ret */
    int right = 0;
    for (int i = 0; i < 500; i++) {
        memcpy(code + 1, &i, 4);
        FlushInstructionCache(GetCurrentProcess(), code, 6);
        right += f() == i;
    }
    CHECK_EQ(right, 500);
    /* x86 needs no flush. */
    for (int i = 0; i < 500; i++) {
        *(volatile int *)(code + 1) = i * 3;
        right += f() == i * 3;
    }
    CHECK_EQ(right, 1000);
    /* An instruction that rewrites the one after it: mov byte [next+1], 7; mov al, 1; ret */
#ifdef _WIN64
    static const unsigned char self[] = {0xc6, 0x05, 1, 0, 0, 0, 7, 0xb0, 1, 0xc3};
#else
    unsigned char self[] = {0xc6, 0x05, 0, 0, 0, 0, 7, 0xb0, 1, 0xc3};
    unsigned char *operand = code + 0x800 + 8;
    memcpy(self + 2, &operand, 4);
#endif
    memcpy(code + 0x800, self, sizeof(self));
    CHECK_EQ(((int (*)(void))(code + 0x800))() & 0xff, 7);
    /* Code across a page boundary, changed on either side. */
    unsigned char *cross = code + 4096 - 3;
    cross[0] = 0xb8, cross[5] = 0xc3;
    *(int *)(cross + 1) = 0x11111111;
    CHECK_EQ(((int (*)(void))cross)(), 0x11111111);
    cross[4] = 0x22;
    CHECK_EQ(((int (*)(void))cross)(), 0x22111111);
    cross[1] = 0x33;
    CHECK_EQ(((int (*)(void))cross)(), 0x22111133);
    DWORD old;
    SIZE_T n;
    CHECK(VirtualProtect(code, 8192, PAGE_EXECUTE_READ, &old));
    CHECK_EQ(f(), 499 * 3);
    int value = 4242;
    CHECK(VirtualProtect(code, 8192, PAGE_EXECUTE_READWRITE, &old));
    CHECK(WriteProcessMemory(GetCurrentProcess(), code + 1, &value, 4, &n));
    CHECK_EQ(f(), 4242);
    VirtualFree(code, 0, MEM_RELEASE);
    code = VirtualAlloc(code, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    if (code) {
        memcpy(code, "\xb8\x01\0\0\0\xc3", 6);
        CHECK_EQ(((int (*volatile)(void))code)(), 1);
    }
}

/* ---- Floating-point state ---------------------------------------------------------------------
 */

static double slowly(double x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += sqrt(x + i);
        if (i % 64 == 0)
            SwitchToThread();
    }
    return sum;
}

static DWORD WINAPI compute(void *arg)
{
    volatile double first = slowly((double)(INT_PTR)arg, 2000);
    unsigned mine = (INT_PTR)arg % 2 ? _MM_ROUND_DOWN : _MM_ROUND_NEAREST;
    _mm_setcsr((_mm_getcsr() & ~_MM_ROUND_MASK) | mine);
    double x87[4] = {1.5, 2.5, 3.5, 4.5}, back[4];
    for (int round = 0; round < 20; round++) {
        __asm__ volatile("fldl %0\n\tfldl %1\n\tfldl %2\n\tfldl %3" ::"m"(x87[0]), "m"(x87[1]),
                         "m"(x87[2]), "m"(x87[3]));
        Sleep(0);
        __asm__ volatile("fstpl %0\n\tfstpl %1\n\tfstpl %2\n\tfstpl %3"
                         : "=m"(back[3]), "=m"(back[2]), "=m"(back[1]), "=m"(back[0]));
        CHECK_MEM(x87, back, sizeof(x87));
        CHECK_EQ(_mm_getcsr() & _MM_ROUND_MASK, mine);
    }
    _mm_setcsr(_mm_getcsr() & ~_MM_ROUND_MASK);
    volatile double second = slowly((double)(INT_PTR)arg, 2000);
    CHECK(first == second);
    return 0;
}

static int faults;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode != EXCEPTION_ILLEGAL_INSTRUCTION)
        return EXCEPTION_CONTINUE_SEARCH;
    faults++;
    /* Trample on everything that must come back. */
    __asm__ volatile("fninit\n\tfldz\n\tpxor %%xmm6, %%xmm6\n\tpxor %%xmm1, %%xmm1" ::
                         : "xmm1", "xmm6");
#ifdef _WIN64
    p->ContextRecord->Rip += 2;
    CHECK_EQ(p->ContextRecord->Xmm1.Low, 0x1122334455667788);
#else
    p->ContextRecord->Eip += 2;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void exceptions_keep_state(void)
{
    uint64_t in = 0x1122334455667788, out = 0;
    double st = 6.25, got = 0;
    unsigned short cw = 0x0f7f, cw_after = 0;
    void *h = AddVectoredExceptionHandler(1, handler);
    __asm__ volatile("fninit\n\tfldcw %4\n\tfldl %3\n\tmovq %2, %%xmm1\n\tud2\n\t"
                     "movq %%xmm1, %0\n\tfstpl %1\n\tfnstcw %5\n\tfninit"
                     : "=m"(out), "=m"(got)
                     : "m"(in), "m"(st), "m"(cw), "m"(cw_after)
                     : "xmm1", "memory");
    CHECK_EQ(faults, 1);
    CHECK_EQ(out, in);
    CHECK(got == st);
    CHECK_EQ(cw_after, cw);
    RemoveVectoredExceptionHandler(h);
    _fpreset();
}

static void controls(void)
{
    CHECK_EQ(_mm_getcsr() & 0xffc0, 0x1f80);
    unsigned short cw;
    __asm__ volatile("fnstcw %0" : "=m"(cw));
    CHECK_EQ(cw & 0xc3f, 0x3f); /* mingw's start-up sets the precision */
    CHECK_EQ(_controlfp(0, 0) & _MCW_RC, _RC_NEAR);
    _controlfp(_RC_UP, _MCW_RC);
    volatile double one = 1, three = 3, up = one / three;
    _controlfp(_RC_NEAR, _MCW_RC);
    volatile double near_ = one / three;
    CHECK(up > near_);
}

/* ---- Integers, data ---------------------------------------------------------------------------
 */

static void sixty_four_bits(void)
{
    volatile int64_t a = -7000000000000000001, b = 123456789, c;
    volatile uint64_t u = 0xfedcba9876543210, v = 0x123456789;
    c = a / b;
    CHECK_EQ(c, -56700000515);
    CHECK_EQ(a % b, a - c * b);
    CHECK_EQ(u / v, 0xe0000000);
    CHECK_EQ(u % v, u - u / v * v);
    CHECK_EQ(u >> 36, 0xfedcba9);
    CHECK_EQ(a >> 40, -6366463);
    CHECK_EQ(u << 20, 0xa987654321000000);
    CHECK_EQ(u * v, 0xcccccccce1833a90);
    CHECK_EQ((double)(int64_t)0x123456789abcdef, 81985529216486895.0);
    volatile double d = 9.007199254740993e15;
    CHECK_EQ((int64_t)d, 9007199254740992);
    int64_t cell = 5;
    CHECK_EQ(InterlockedCompareExchange64(&cell, 9, 5), 5);
    CHECK_EQ(cell, 9);
    CHECK_EQ(InterlockedExchangeAdd64(&cell, 0x100000000), 9);
    CHECK_EQ(cell, 0x100000009);
    CHECK_EQ(MulDiv(1000000, 3000000, 7), -1);
    CHECK_EQ(MulDiv(1000000, 3000, 7), 428571429);
}

static char zeros[16 << 20];
static int table[1 << 16] = {[0] = 1, [12345] = 678, [65535] = 9};
static const int *const pointers[] = {&table[0], &table[12345], &table[65535]};

static void large_data(void)
{
    CHECK_EQ(zeros[0] + zeros[sizeof(zeros) / 2] + zeros[sizeof(zeros) - 1], 0);
    for (size_t i = 0; i < sizeof(zeros); i += 4096)
        zeros[i] = (char)(i >> 12);
    int right = 0;
    for (size_t i = 0; i < sizeof(zeros); i += 4096)
        right += zeros[i] == (char)(i >> 12);
    CHECK_EQ(right, 4096);
    CHECK_EQ(*pointers[0] + *pointers[1] + *pointers[2], 1 + 678 + 9);
}

int main(void)
{
    HANDLE t[4];
    controls();
    promises_are_kept();
    code_changes();
    for (int i = 0; i < 4; i++)
        t[i] = CreateThread(NULL, 0, compute, (void *)(INT_PTR)(i + 1), 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(4, t, TRUE, 60000), WAIT_OBJECT_0);
    exceptions_keep_state();
    sixty_four_bits();
    large_data();
    return check_done();
}
