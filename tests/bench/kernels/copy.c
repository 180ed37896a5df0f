// SPDX-License-Identifier: GPL-2.0-or-later
/* Copying byte by byte in a loop, and by the processor's own string instruction. */
#include "../bench.h"

enum { SIZE = 1 << 16 };

uint32_t bench_copy(uint32_t n);
uint32_t bench_movsb(uint32_t n);

static uint8_t from[SIZE], to[SIZE];

static void copy_bytes(uint8_t *restrict d, const uint8_t *restrict s, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        d[i] = s[i];
}

static void copy_movsb(uint8_t *restrict d, const uint8_t *restrict s, uint32_t size)
{
    uintptr_t count = size;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(count)::"memory");
}

static uint32_t copy_with(void (*copy)(uint8_t *restrict, const uint8_t *restrict, uint32_t),
                          uint32_t n)
{
    uint32_t seed = 3, sum = 0;

    for (uint32_t i = 0; i < SIZE; i++)
        from[i] = (uint8_t)bench_next(&seed);
    for (uint32_t i = 0; i < n; i++) {
        from[i % SIZE] ^= (uint8_t)i;
        copy(to, from, SIZE);
        sum = bench_mix(sum, to[(i * 7919) % SIZE]);
    }
    return sum;
}

uint32_t bench_copy(uint32_t n)
{
    return copy_with(copy_bytes, n);
}

uint32_t bench_movsb(uint32_t n)
{
    return copy_with(copy_movsb, n);
}
