// SPDX-License-Identifier: GPL-2.0-or-later
/* A generic quicksort as a C library has it: comparison by callback, elements swapped by bytes. */
#include "../bench.h"

enum { COUNT = 4096, SMALL = 8 };

uint32_t bench_qsort(uint32_t n);

typedef int compare_fn(const void *a, const void *b);

struct order {
    compare_fn *compare;
    uint32_t size;
};

static uint32_t numbers[COUNT];

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void swap(uint8_t *a, uint8_t *b, uint32_t size)
{
    while (size--) {
        uint8_t t = *a;
        *a++ = *b;
        *b++ = t;
    }
}

static void sort_small(uint8_t *base, uint32_t count, const struct order *o)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint8_t *p = base + i * o->size; p > base && o->compare(p - o->size, p) > 0;
             p -= o->size)
            swap(p - o->size, p, o->size);
}

/* Moves what is less than the middle element to the front; returns where that element lies. */
static uint32_t partition(uint8_t *base, uint32_t count, const struct order *o)
{
    uint8_t *last = base + (count - 1) * o->size;
    uint32_t less = 0;

    swap(base + count / 2 * o->size, last, o->size);
    for (uint8_t *p = base; p < last; p += o->size) {
        if (o->compare(p, last) < 0)
            swap(p, base + less++ * o->size, o->size);
    }
    swap(base + less * o->size, last, o->size);
    return less;
}

static void sort(uint8_t *base, uint32_t count, const struct order *o)
{
    if (count <= SMALL) {
        sort_small(base, count, o);
        return;
    }
    uint32_t less = partition(base, count, o);
    sort(base, less, o);
    sort(base + (less + 1) * o->size, count - less - 1, o);
}

uint32_t bench_qsort(uint32_t n)
{
    const struct order by_value = {compare_numbers, sizeof(numbers[0])};
    uint32_t seed = 4, sum = 0;

    for (uint32_t turn = 0; turn < n; turn++) {
        for (uint32_t i = 0; i < COUNT; i++)
            numbers[i] = bench_next(&seed);
        sort((uint8_t *)numbers, COUNT, &by_value);
        for (uint32_t i = 0; i < COUNT; i += 64)
            sum = bench_mix(sum, numbers[i]);
    }
    return sum;
}
