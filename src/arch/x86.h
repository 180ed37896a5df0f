/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_X86_H
#define ARCH_X86_H
/*
 * The registers of one guest thread, in one form for both bitnesses and every engine.
 * 32-bit code uses the low halves; the high halves are zero then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum x86_reg { /* in the order of their encodings */
               X86_RAX,
               X86_RCX,
               X86_RDX,
               X86_RBX,
               X86_RSP,
               X86_RBP,
               X86_RSI,
               X86_RDI,
               X86_R8,
               X86_R9,
               X86_R10,
               X86_R11,
               X86_R12,
               X86_R13,
               X86_R14,
               X86_R15,
               X86_GPR_COUNT
};

/* The selectors that Windows uses in user mode; engines provide descriptors for them. */
enum {
    X86_SEL_CODE32 = 0x23,
    X86_SEL_DATA = 0x2b,
    X86_SEL_CODE64 = 0x33,
    X86_SEL_TEB32 = 0x53 /* FS of 32-bit code: base = x86_state.fs_base */
};

enum x86_vector {
    X86_VEC_DE = 0,
    X86_VEC_DB = 1,
    X86_VEC_BP = 3,
    X86_VEC_OF = 4,
    X86_VEC_BR = 5,
    X86_VEC_UD = 6,
    X86_VEC_NM = 7,
    X86_VEC_SS = 12,
    X86_VEC_GP = 13,
    X86_VEC_PF = 14,
    X86_VEC_MF = 16,
    X86_VEC_AC = 17,
    X86_VEC_XM = 19
};

enum {
    X86_FLAG_CF = 0x1,
    X86_FLAG_ZF = 0x40,
    X86_FLAG_TF = 0x100,
    X86_FLAG_IF = 0x200,
    X86_FLAG_DF = 0x400,
    X86_FLAG_RF = 0x10000,
    X86_FLAG_AC = 0x40000,
    /* What user mode may set; the rest is fixed by the engine. */
    X86_FLAGS_USER = 0x240dd5 & ~0x200000
};

/* Offsets inside the FXSAVE image. */
enum {
    X86_FX_FCW = 0,
    X86_FX_FSW = 2,
    X86_FX_FTW = 4,
    X86_FX_MXCSR = 24,
    X86_FX_ST0 = 32,
    X86_FX_XMM0 = 160,
    X86_FX_SIZE = 512
};

enum { /* x86_ext.in_use, and XCR0: the numbers of the state components */
       X86_XF_X87 = 1 << 0,
       X86_XF_SSE = 1 << 1,
       X86_XF_YMM = 1 << 2,
       X86_XF_OPMASK = 1 << 5,
       X86_XF_ZMM_HI256 = 1 << 6,
       X86_XF_HI16_ZMM = 1 << 7,
       X86_XF_AVX512 = X86_XF_OPMASK | X86_XF_ZMM_HI256 | X86_XF_HI16_ZMM,
       X86_XF_EXT = X86_XF_YMM | X86_XF_AVX512
};

/*
 * What AVX and AVX-512 add to the registers, component by component, since where XSAVE puts them
 * differs between makers of processors. A component whose bit is clear is all zeroes (its initial
 * state) and its bytes are zero too, so that states can be compared. Engines without
 * CPU_CAP_AVX leave it alone.
 */
struct x86_ext {
    uint64_t in_use;
    uint8_t ymm_high[16][16];
    uint64_t opmask[8];
    uint8_t zmm_high[16][32];
    uint8_t zmm16_31[16][64];
};

struct x86_state {
    uint64_t gpr[X86_GPR_COUNT];
    uint64_t rip, rflags;
    uint16_t cs, ss, ds, es, fs, gs;
    uint64_t fs_base, gs_base;            /* x64: gs_base is the TEB; 32-bit: fs_base is */
    uint64_t dr[8];                       /* 0..3, 6 and 7 are used */
    _Alignas(16) uint8_t fx[X86_FX_SIZE]; /* FXSAVE64 image */
    struct x86_ext ext;
};

/* Everything but ext, for engines that do not know it. */
enum { X86_STATE_BASE_SIZE = offsetof(struct x86_state, ext) };

static inline bool x86_is_32bit(const struct x86_state *st)
{
    return st->cs == X86_SEL_CODE32;
}
/* Registers as the CPU has them when Windows enters user mode: FCW 0x27f, MXCSR 0x1f80, flags with
 * IF set, flat selectors of the bitness. */
void x86_state_init(struct x86_state *st, unsigned ptr_size);
#endif
