// SPDX-License-Identifier: GPL-2.0-or-later
/* Two points at a time in SSE2 registers. Vector types of the compiler: <emmintrin.h> would pull
 * in libc headers. */
#include "../bench.h"

enum { WIDTH = 64, HEIGHT = 48, DEPTH = 100 };

uint32_t bench_mandelbrot(uint32_t n);

typedef double pair __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16)));

/* How many steps each of the two points stays within the circle, both in one sum. */
static uint32_t steps(pair cx, pair cy)
{
    const pair limit = {4, 4};
    pair x = {0, 0}, y = {0, 0};
    uint32_t count = 0;

    for (int i = 0; i < DEPTH; i++) {
        pair xx = x * x, yy = y * y;
        int inside = __builtin_ia32_movmskpd((pair)(mask)(xx + yy <= limit));
        if (!inside)
            break;
        count += (uint32_t)(inside & 1) + (uint32_t)(inside >> 1);
        y = x * y;
        y = y + y + cy;
        x = xx - yy + cx;
    }
    return count;
}

uint32_t bench_mandelbrot(uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t turn = 0; turn < n; turn++) {
        double shift = (double)(turn % 16) / 4096;
        for (int row = 0; row < HEIGHT; row++) {
            double y = 2.0 * row / HEIGHT - 1;
            for (int column = 0; column < WIDTH; column += 2) {
                double x = 3.0 * column / WIDTH - 2 + shift;
                sum = bench_mix(sum, steps((pair){x, x + 3.0 / WIDTH}, (pair){y, y}));
            }
        }
    }
    return sum;
}
