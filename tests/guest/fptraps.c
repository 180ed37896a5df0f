// SPDX-License-Identifier: GPL-2.0-or-later
// Unmasked floating-point exceptions reach the program: fptraps x87 or fptraps sse.
#include "check.h"

#include <emmintrin.h>
#include <math.h>

static DWORD fault;

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    fault = p->ExceptionRecord->ExceptionCode;
#ifdef _WIN64
    p->ContextRecord->MxCsr |= 0x1f80;
    p->ContextRecord->FltSave.MxCsr |= 0x1f80;
    p->ContextRecord->FltSave.ControlWord |= 0x3f;
    p->ContextRecord->FltSave.StatusWord &= 0x7f00;
#else
    ((XSAVE_FORMAT *)p->ContextRecord->ExtendedRegisters)->MxCsr |= 0x1f80;
    ((XSAVE_FORMAT *)p->ContextRecord->ExtendedRegisters)->ControlWord |= 0x3f;
    ((XSAVE_FORMAT *)p->ContextRecord->ExtendedRegisters)->StatusWord &= 0x7f00;
    p->ContextRecord->FloatSave.ControlWord |= 0x3f;
    p->ContextRecord->FloatSave.StatusWord &= ~0x80ffu;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

static double with_sse(void)
{
    unsigned csr = _mm_getcsr();
    __m128d one = _mm_set_sd(1.0), zero = _mm_setzero_pd(), q;
    _mm_setcsr(csr & ~(unsigned)_MM_MASK_DIV_ZERO & ~0x3fu);
    __asm__ volatile("movapd %1, %0\n\tdivsd %2, %0" : "=&x"(q) : "x"(one), "x"(zero));
    _mm_setcsr(csr);
    double result;
    _mm_store_sd(&result, q);
    return result;
}

/* The exception comes with the next floating-point instruction that waits. */
static double with_x87(void)
{
    unsigned short saved, traps;
    double result;
    __asm__ volatile("fnstcw %0" : "=m"(saved));
    traps = saved & (unsigned short)~4u;
    __asm__ volatile(
        "fnclex\n\tfldcw %1\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait\n\tfstpl %0\n\tfnclex\n\t"
        "fldcw %2"
        : "=m"(result)
        : "m"(traps), "m"(saved));
    return result;
}

int main(int argc, char **argv)
{
    int sse = argc > 1 && !strcmp(argv[1], "sse");
    NEED(AddVectoredExceptionHandler(1, handler));
    volatile double result = sse ? with_sse() : with_x87();
    /* 32-bit Windows does not tell which of the SSE exceptions it was. */
    CHECK(fault == EXCEPTION_FLT_DIVIDE_BY_ZERO ||
          (sse && sizeof(void *) == 4 && fault == 0xc00002b5));
    CHECK(sse ? isinf(result) : 1);
    return check_done();
}
