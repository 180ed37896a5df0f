// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

enum { MOST_TIMES = 4096 };

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const struct bench_subject *find(const struct bench_subject *list, const char *name)
{
    for (; list->name; list++) {
        if (same(list->name, name))
            return list;
    }
    return 0;
}

/* Decimal digits only; 0 in *ok for anything else. */
static uint32_t number(const char *text, int *ok)
{
    uint64_t value = 0;

    *ok = *text != 0;
    for (; *text && *ok; text++) {
        value = value * 10 + (uint32_t)(*text - '0');
        *ok = *text >= '0' && *text <= '9' && value <= UINT32_MAX;
    }
    return (uint32_t)value;
}

static void print_hex(uint32_t sum)
{
    char text[9];

    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[sum >> (28 - 4 * i) & 15];
    text[8] = '\n';
    bench_print(text, sizeof(text));
}

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Sorts; there are few. */
static void put_in_order(uint32_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t v = values[i], at = i;
        for (; at && values[at - 1] > v; at--)
            values[at] = values[at - 1];
        values[at] = v;
    }
}

/* Runs n turns again and again. Prints how many ticks of the time stamp counter they took: the
 * least, and where the fastest quarter and half of the times end. */
static uint32_t watch(const struct bench_subject *subject, uint32_t n, uint32_t times)
{
    static uint32_t took[MOST_TIMES];
    uint32_t sum = 0;

    for (uint32_t i = 0; i < times; i++) {
        uint64_t from = ticks();
        sum = subject->run(n);
        took[i] = (uint32_t)(ticks() - from);
    }
    put_in_order(took, times);
    print_hex(took[0]);
    print_hex(took[times / 4]);
    print_hex(took[times / 2]);
    return sum;
}

int bench_main(int argc, char **argv)
{
    static const char usage[] = "usage: bench SUBJECT TURNS [TIMES]\n";
    const struct bench_subject *subject = 0;
    uint32_t n = 0, times = 0;
    int ok = argc == 3 || argc == 4;

    if (ok) {
        subject = find(bench_kernels, argv[1]);
        if (!subject)
            subject = find(bench_system, argv[1]);
        n = number(argv[2], &ok);
    }
    if (ok && argc == 4) {
        times = number(argv[3], &ok);
        ok = times && times <= MOST_TIMES;
    }
    if (!ok || !subject) {
        bench_print(usage, sizeof(usage) - 1);
        return 2;
    }
    print_hex(times ? watch(subject, n, times) : subject->run(n));
    return 0;
}
