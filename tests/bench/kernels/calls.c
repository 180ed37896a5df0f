// SPDX-License-Identifier: GPL-2.0-or-later
/* Direct calls by recursion, and calls through a table of functions. */
#include "../bench.h"

enum { DEPTH = 18, HANDLERS = 8, CALLS = 10000 };

uint32_t bench_recursion(uint32_t n);
uint32_t bench_indirect(uint32_t n);

__attribute__((noinline)) static uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

uint32_t bench_recursion(uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum = bench_mix(sum, fibonacci(DEPTH + (i & 1)));
    return sum;
}

#define HANDLER(name, expression)                                                                  \
    __attribute__((noinline)) static uint32_t name(uint32_t x)                                     \
    {                                                                                              \
        return expression;                                                                         \
    }
HANDLER(add, x + 0x9E3779B9u)
HANDLER(negate, ~x)
HANDLER(multiply, x * 2654435761u)
HANDLER(shift, x ^ x >> 13)
HANDLER(rotate, x << 7 | x >> 25)
HANDLER(subtract, x - 12345)
HANDLER(swap_halves, x << 16 | x >> 16)
HANDLER(flip, x ^ 0x55AA55AAu)

static uint32_t (*const handlers[HANDLERS])(uint32_t) = {
    add, negate, multiply, shift, rotate, subtract, swap_halves, flip,
};

uint32_t bench_indirect(uint32_t n)
{
    uint32_t x = 5;

    for (uint32_t turn = 0; turn < n; turn++)
        for (uint32_t i = 0; i < CALLS; i++)
            x = handlers[(x + i) % HANDLERS](x);
    return x;
}
