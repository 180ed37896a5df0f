// SPDX-License-Identifier: GPL-2.0-or-later
/* Where Unicorn's own start-up goes: the first time in a process, and the median of later times.
 * Prints a line per phase. Usage: phases [times] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unicorn/unicorn.h>

enum { BASE = 0x10000000, SIZE = 0x1000000, MOST = 1000 };
enum phase { OPEN, CONTEXT, MAP, HOOK, FIRST_RUN, SECOND_RUN, NEW_BLOCKS, MAP_MORE, CLOSE, PHASES };

static const char *const names[PHASES] = {
    [OPEN] = "uc_open",
    [CONTEXT] = "first register write",
    [MAP] = "map 16 MiB",
    [HOOK] = "add a bounded code hook",
    [FIRST_RUN] = "run one block, the first",
    [SECOND_RUN] = "run it again",
    [NEW_BLOCKS] = "translate and run 1000 blocks",
    [MAP_MORE] = "map another 16 MiB",
    [CLOSE] = "uc_close",
};

struct sample {
    double us[PHASES];
    long peak_kib[PHASES];
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void mark(struct sample *s, enum phase phase, double *since)
{
    struct rusage usage;
    double now = now_us();

    s->us[phase] = now - *since;
    getrusage(RUSAGE_SELF, &usage);
    s->peak_kib[phase] = usage.ru_maxrss;
    *since = now_us();
}

static void never(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
}

/* 1000 blocks of `add eax, 1; jmp next` in 16-byte steps; then a nop, where every run ends. */
static uint64_t write_blocks(uint8_t *code)
{
    static const uint8_t block[16] = {0x83, 0xC0, 0x01, 0xEB, 0x0B};

    for (int i = 0; i < 1000; i++) {
        for (unsigned j = 0; j < sizeof(block); j++)
            code[i * 16 + j] = block[j];
    }
    code[16000] = 0x90;
    return BASE + 16000;
}

static void measure(struct sample *s, uint8_t *ram)
{
    uint64_t end = write_blocks(ram), zero = 0;
    uc_engine *uc;
    uc_hook hook;
    double t = now_us();

    uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
    mark(s, OPEN, &t);
    uc_reg_write(uc, UC_X86_REG_RAX, &zero);
    mark(s, CONTEXT, &t);
    uc_mem_map_ptr(uc, BASE, SIZE, UC_PROT_ALL, ram);
    mark(s, MAP, &t);
    uc_hook_add(uc, &hook, UC_HOOK_CODE, (void *)never, NULL, (uint64_t)1, (uint64_t)2);
    mark(s, HOOK, &t);
    uc_emu_start(uc, end, end + 1, 0, 0);
    mark(s, FIRST_RUN, &t);
    uc_emu_start(uc, end, end + 1, 0, 0);
    mark(s, SECOND_RUN, &t);
    uc_emu_start(uc, BASE, end, 0, 0);
    mark(s, NEW_BLOCKS, &t);
    uc_mem_map(uc, BASE + 2 * SIZE, SIZE, UC_PROT_ALL);
    mark(s, MAP_MORE, &t);
    uc_close(uc);
    mark(s, CLOSE, &t);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct sample *samples, int count, int phase)
{
    double values[MOST];

    for (int i = 0; i < count; i++)
        values[i] = samples[i].us[phase];
    qsort(values, (size_t)count, sizeof(values[0]), compare);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    static struct sample samples[MOST];
    int times = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
    uint8_t *ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ram == MAP_FAILED || times < 2 || times > MOST)
        return 1;
    for (int i = 0; i < times; i++)
        measure(&samples[i], ram);
    printf("%-32s %12s %12s %14s\n", "phase", "first, µs", "later, µs", "peak, KiB");
    for (int i = 0; i < PHASES; i++)
        printf("%-32s %11.1f %11.1f %13ld\n", names[i], samples[0].us[i],
               median(samples + 1, times - 1, i), samples[0].peak_kib[i]);
    return 0;
}
