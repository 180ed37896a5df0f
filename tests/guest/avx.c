// SPDX-License-Identifier: GPL-2.0-or-later
// AVX and AVX-512: registers live through services, other threads, exceptions and CONTEXTs; and
// where there is none, nothing says that there is.
#include "check.h"

#include <cpuid.h>
#include <stdint.h>

enum { AVX = 39, AVX2 = 40, AVX512F = 41, THREADS = 4, TURNS = 30 };
enum { XF_YMM = 4, XF_AVX512 = 0xe0, KUSER_XSTATE = 0x3d8 };

struct vector {
    _Alignas(64) uint32_t v[16];
};

static uint64_t features; /* of XCR0, 0 without XSAVE */

static void ask_processor(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    features = (uint64_t)d << 32 | a;
    if (!(c & bit_AVX))
        features &= ~(uint64_t)(XF_YMM | XF_AVX512);
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    if (!(b & bit_AVX512F))
        features &= ~(uint64_t)XF_AVX512;
}

static void all_sources_agree(void)
{
    uint64_t told = *(volatile uint64_t *)(0x7ffe0000 + KUSER_XSTATE);
    CHECK_EQ(IsProcessorFeaturePresent(AVX), (features & XF_YMM) != 0);
    CHECK_EQ(IsProcessorFeaturePresent(AVX512F), (features & XF_AVX512) == XF_AVX512);
    CHECK_EQ(told & (XF_YMM | XF_AVX512), features & (XF_YMM | XF_AVX512));
    CHECK_EQ(GetEnabledXStateFeatures() & XF_YMM, features & XF_YMM);
}

static void fill(struct vector *x, uint32_t seed)
{
    for (int i = 0; i < 16; i++)
        x->v[i] = seed * 2654435761u + (uint32_t)i * 40503u;
}

static void spin_and_yield(void)
{
    for (volatile int i = 0; i < 200; i++)
        YieldProcessor();
    SwitchToThread();
}

/* How often two registers, and a mask register, lost what was put into them. */
#define HOLD(name, target_name, reg, width, move, mask_in, mask_out)                               \
    __attribute__((target(target_name), noinline)) static int name(const struct vector *in)        \
    {                                                                                              \
        struct vector low, high;                                                                   \
        int wrong = 0;                                                                             \
        for (int i = 0; i < 40; i++) {                                                             \
            __asm__ volatile(move " (%0), %%" reg "2\n\t" move " (%0), %%" reg "7\n\t" mask_in     \
                                  "mov $2000, %%ecx\n"                                             \
                                  "1: pause\n\tdec %%ecx\n\tjnz 1b\n\t" mask_out move " %%" reg    \
                                  "2, (%1)\n\t" move " %%" reg "7, (%2)\n\tvzeroupper"             \
                             :                                                                     \
                             : "r"(in), "r"(&low), "r"(&high)                                      \
                             : "ecx", "edx", "memory", "xmm2", "xmm7");                            \
            wrong += memcmp(&low, in, width) != 0 || memcmp(&high, in, width) != 0;                \
            spin_and_yield();                                                                      \
        }                                                                                          \
        return wrong;                                                                              \
    }

HOLD(hold_ymm, "avx", "ymm", 32, "vmovdqu", "", "")
/* A mask that changed spoils a register, so that it shows. */
HOLD(hold_zmm, "avx512f", "zmm", 64, "vmovdqu64", "mov $0x5a5a, %%edx\n\tkmovw %%edx, %%k3\n\t",
     "kmovw %%k3, %%edx\n\tcmp $0x5a5a, %%edx\n\tje 2f\n\tvpxord %%zmm2, %%zmm2, %%zmm2\n2:\n\t")

struct job {
    uint32_t seed;
    int wide;
};

static DWORD WINAPI worker(void *arg)
{
    const struct job *job = arg;
    int wrong = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        struct vector in;
        fill(&in, job->seed + (uint32_t)turn);
        wrong += (job->wide ? hold_zmm : hold_ymm)(&in);
    }
    return (DWORD)wrong;
}

static void threads_have_registers_of_their_own(int wide)
{
    HANDLE threads[THREADS];
    struct job jobs[THREADS];
    DWORD wrong;
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){(uint32_t)(i + 1) * 1000, wide};
        threads[i] = CreateThread(NULL, 0, worker, &jobs[i], 0, NULL);
        NEED(threads[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(WaitForSingleObject(threads[i], INFINITE), WAIT_OBJECT_0);
        CHECK(GetExitCodeThread(threads[i], &wrong));
        CHECK_EQ(wrong, 0);
        CloseHandle(threads[i]);
    }
}

/* ---- Exceptions --------------------------------------------------------------------------------
 */

static struct vector seen; /* the upper halves of ymm2 as the handler's CONTEXT has them */
static int saw_xstate, handled;

static void look(CONTEXT *context)
{
    DWORD length = 0;
    DWORD64 mask = 0;
    char *upper;
    if (!(context->ContextFlags & 0x40) || !GetXStateFeaturesMask(context, &mask))
        return;
    upper = LocateXStateFeature(context, 2, &length);
    if (!(mask & XF_YMM) || !upper)
        return;
    saw_xstate++;
    CHECK_EQ(length, 256);
    memcpy(seen.v, upper + 2 * 16, 16);
    memset(upper + 2 * 16, 0x77, 4); /* what goes on has this in it */
}

__attribute__((target("avx"))) static LONG CALLBACK on_exception(EXCEPTION_POINTERS *e)
{
    if (e->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
        return EXCEPTION_CONTINUE_SEARCH;
    handled++;
    look(e->ContextRecord);
    __asm__ volatile("vpcmpeqd %%xmm2, %%xmm2, %%xmm2\n\tvinsertf128 $1, %%xmm2, %%ymm2, %%ymm2\n\t"
                     "vmovaps %%ymm2, %%ymm7"
                     :
                     :
                     : "xmm2", "xmm7");
#ifdef _WIN64
    e->ContextRecord->Rip++;
#else
    e->ContextRecord->Eip++;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

__attribute__((target("avx"), noinline)) static void break_with(const struct vector *in,
                                                                struct vector *out)
{
    __asm__ volatile("vmovdqu (%0), %%ymm2\n\tint3\n\tvmovdqu %%ymm2, (%1)\n\tvzeroupper"
                     :
                     : "r"(in), "r"(out)
                     : "memory", "xmm2", "xmm7");
}

static void exceptions_keep_and_show_them(void)
{
    struct vector in, out = {{0}}, want;
    void *h = AddVectoredExceptionHandler(1, on_exception);
    NEED(h);
    fill(&in, 77);
    break_with(&in, &out);
    CHECK_EQ(handled, 1);
    CHECK_EQ(saw_xstate, 1);
    CHECK_MEM(seen.v, in.v + 4, 16);
    want = in;
    want.v[4] = 0x77777777;
    CHECK_MEM(out.v, want.v, 32);
    RemoveVectoredExceptionHandler(h);
}

int main(void)
{
    ask_processor();
    all_sources_agree();
    if (features & XF_YMM) {
        threads_have_registers_of_their_own(0);
        exceptions_keep_and_show_them();
    }
    if ((features & XF_AVX512) == XF_AVX512)
        threads_have_registers_of_their_own(1);
    printf("AVX %s, AVX-512 %s\n", features & XF_YMM ? "yes" : "no",
           (features & XF_AVX512) == XF_AVX512 ? "yes" : "no");
    return check_done();
}
