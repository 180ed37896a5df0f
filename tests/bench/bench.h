/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_H
#define BENCH_H
/*
 * The benchmark programs: one list of subjects, run natively, as a Windows program and by a bare
 * Unicorn. Freestanding: no libc header may be needed, so that one source compiles everywhere.
 *
 * Each kernel does `n` turns of its work and returns a checksum of what came out; the same n gives
 * the same checksum on every processor. It never measures time: scripts/bench takes it from outside
 * with two values of n, so that the start of the program cancels out. Where the processor itself
 * runs the same code, the program counts its ticks as well (main.c): that tells a percent.
 */
#include <stdint.h>

/* same.c runs kernels that were compiled for Windows. */
#if defined BENCH_FLAT && defined __x86_64__
#define BENCH_ABI __attribute__((ms_abi))
#else
#define BENCH_ABI
#endif

struct bench_subject {
    const char *name;
    BENCH_ABI uint32_t (*run)(uint32_t n);
};

/* The kernels in kernels/, ended by a NULL name. */
#ifdef BENCH_FLAT
#define bench_kernels ((const struct bench_subject *)0x10000000) /* as in flat.ld */
#else
extern const struct bench_subject bench_kernels[];
#endif

/* What needs an operating system (guest.c, native.c), ended by a NULL name. */
extern const struct bench_subject bench_system[];

/* Runs `NAME N [TIMES]` of argv and prints the checksum in hexadecimal, with TIMES after the ticks
 * of N turns. Returns the exit status. */
int bench_main(int argc, char **argv);

/* Writes to standard output (guest.c, native.c). */
void bench_print(const char *text, uint32_t size);

/* Pseudo-random numbers, the same everywhere. */
static inline uint32_t bench_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Mixes a value into a checksum. */
static inline uint32_t bench_mix(uint32_t sum, uint32_t value)
{
    return (sum ^ value) * 16777619u + (sum >> 15);
}

#endif
