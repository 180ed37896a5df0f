// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

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

static void print_sum(uint32_t sum)
{
    char text[9];

    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[sum >> (28 - 4 * i) & 15];
    text[8] = '\n';
    bench_print(text, sizeof(text));
}

int bench_main(int argc, char **argv)
{
    static const char usage[] = "usage: bench SUBJECT TURNS\n";
    const struct bench_subject *subject = 0;
    uint32_t n = 0;
    int ok = argc == 3;

    if (ok) {
        subject = find(bench_kernels, argv[1]);
        if (!subject)
            subject = find(bench_system, argv[1]);
        n = number(argv[2], &ok);
    }
    if (!ok || !subject) {
        bench_print(usage, sizeof(usage) - 1);
        return 2;
    }
    print_sum(subject->run(n));
    return 0;
}
