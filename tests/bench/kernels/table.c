// SPDX-License-Identifier: GPL-2.0-or-later
#include "../bench.h"

#define KERNELS(X)                                                                                 \
    X(sieve)                                                                                       \
    X(crc32)                                                                                       \
    X(sha256)                                                                                      \
    X(copy)                                                                                        \
    X(movsb)                                                                                       \
    X(qsort)                                                                                       \
    X(mandelbrot)                                                                                  \
    X(recursion)                                                                                   \
    X(indirect)                                                                                    \
    X(nothing)

#define DECLARE(name) uint32_t bench_##name(uint32_t n);
KERNELS(DECLARE)

/* A section of its own: flat.ld puts it first, where bare.c looks for it. */
#define ROW(name) {#name, bench_##name},
__attribute__((section(".entry"))) const struct bench_subject bench_kernels[] = {
    KERNELS(ROW){0, 0},
};

/* What is left when there is nothing to do: start and end. */
uint32_t bench_nothing(uint32_t n)
{
    return n;
}
