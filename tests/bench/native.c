// SPDX-License-Identifier: GPL-2.0-or-later
/* The benchmark as a Linux program without libc, so that the 32-bit one needs no 32-bit libc. */
#include "bench.h"

enum { CHUNK = 64 * 1024, CHUNKS_PER_MIB = 16 };
enum { READ_WRITE = 2, CREATE = 0100, TRUNCATE = 01000 }; /* open's flags */

#ifdef __x86_64__
enum {
    SYS_READ,
    SYS_WRITE,
    SYS_OPEN,
    SYS_CLOSE,
    SYS_LSEEK = 8,
    SYS_EXIT = 60,
    SYS_UNLINK = 87,
    SYS_CLOCK_GETTIME = 228
};

static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call bench_start\n");
#else
enum {
    SYS_EXIT = 1,
    SYS_READ = 3,
    SYS_WRITE,
    SYS_OPEN,
    SYS_CLOSE,
    SYS_UNLINK = 10,
    SYS_LSEEK = 19,
    SYS_CLOCK_GETTIME = 265
};

static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

__asm__(".globl _start\n_start:\n mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n"
        " call bench_start\n");
#endif

static BENCH_ABI uint32_t close_nothing(uint32_t n)
{
    uint32_t refused = 0;

    for (uint32_t i = 0; i < n; i++)
        refused += system_call(SYS_CLOSE, -1, 0, 0) != 0;
    return refused;
}

static BENCH_ABI uint32_t query_time(uint32_t n)
{
    uint32_t answered = 0;
    long time[2];

    for (uint32_t i = 0; i < n; i++)
        answered += system_call(SYS_CLOCK_GETTIME, 0, (long)time, 0) == 0;
    return answered;
}

static uint32_t chunk[CHUNK / sizeof(uint32_t)];

static uint32_t write_chunks(long file, uint32_t count)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        chunk[0] = i;
        chunk[CHUNK / 4 - 1] = ~i;
        sum += (uint32_t)system_call(SYS_WRITE, file, (long)chunk, CHUNK);
    }
    return sum;
}

static uint32_t read_chunks(long file, uint32_t count)
{
    uint32_t sum = 0;

    system_call(SYS_LSEEK, file, 0, 0);
    for (uint32_t i = 0; i < count; i++) {
        if (system_call(SYS_READ, file, (long)chunk, CHUNK) == CHUNK)
            sum = bench_mix(sum, chunk[0] ^ chunk[CHUNK / 4 - 1] ^ i);
    }
    return sum;
}

static BENCH_ABI uint32_t write_and_read(uint32_t n)
{
    long file = system_call(SYS_OPEN, (long)"bench.tmp", READ_WRITE | CREATE | TRUNCATE, 0600);
    if (file < 0)
        return 0;
    uint32_t sum = write_chunks(file, n * CHUNKS_PER_MIB);
    sum = bench_mix(sum, read_chunks(file, n * CHUNKS_PER_MIB));
    system_call(SYS_CLOSE, file, 0, 0);
    system_call(SYS_UNLINK, (long)"bench.tmp", 0, 0);
    return sum;
}

const struct bench_subject bench_system[] = {
    {"close", close_nothing},
    {"time", query_time},
    {"file", write_and_read},
    {0, 0},
};

void bench_print(const char *text, uint32_t size)
{
    system_call(SYS_WRITE, 1, (long)text, (long)size);
}

__attribute__((used, noreturn)) void bench_start(long *stack);

/* The kernel leaves argc and then the argv pointers on the stack. */
void bench_start(long *stack)
{
    system_call(SYS_EXIT, bench_main((int)stack[0], (char **)(stack + 1)), 0, 0);
    __builtin_unreachable();
}
