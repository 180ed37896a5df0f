// SPDX-License-Identifier: GPL-2.0-or-later
#include "../bench.h"

enum { LIMIT = 1 << 16 };

uint32_t bench_sieve(uint32_t n);

static uint8_t composite[LIMIT];

/* Counts the primes below limit. */
static uint32_t count_primes(uint32_t limit)
{
    uint32_t count = 0;

    for (uint32_t i = 2; i < limit; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i * 2; j < limit; j += i)
            composite[j] = 1;
    }
    return count;
}

uint32_t bench_sieve(uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum = bench_mix(sum, count_primes(LIMIT - i % 64));
    return sum;
}
