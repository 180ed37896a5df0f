// SPDX-License-Identifier: GPL-2.0-or-later
/* The benchmark as a Windows program. */
#include "bench.h"
#include <windows.h>
#include <winternl.h>

enum { CHUNK = 64 * 1024, CHUNKS_PER_MIB = 16 };

NTSTATUS NTAPI NtQuerySystemTime(PLARGE_INTEGER time);

/* A handle that no process has, and not one of the pseudo-handles. */
static uint32_t close_nothing(uint32_t n)
{
    uint32_t refused = 0;

    for (uint32_t i = 0; i < n; i++)
        refused += NtClose((HANDLE)(uintptr_t)0x7FFFFFF0) != 0;
    return refused;
}

static uint32_t query_time(uint32_t n)
{
    uint32_t answered = 0;
    LARGE_INTEGER time;

    for (uint32_t i = 0; i < n; i++)
        answered += NtQuerySystemTime(&time) == 0;
    return answered;
}

static uint32_t chunk[CHUNK / sizeof(uint32_t)];

static uint32_t write_chunks(HANDLE file, uint32_t count)
{
    uint32_t sum = 0;
    DWORD done;

    for (uint32_t i = 0; i < count; i++) {
        chunk[0] = i;
        chunk[CHUNK / 4 - 1] = ~i;
        if (WriteFile(file, chunk, CHUNK, &done, NULL))
            sum += done;
    }
    return sum;
}

static uint32_t read_chunks(HANDLE file, uint32_t count)
{
    uint32_t sum = 0;
    DWORD done;

    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    for (uint32_t i = 0; i < count; i++) {
        if (ReadFile(file, chunk, CHUNK, &done, NULL) && done == CHUNK)
            sum = bench_mix(sum, chunk[0] ^ chunk[CHUNK / 4 - 1] ^ i);
    }
    return sum;
}

/* Writes n MiB to a file in the current directory, reads them back, deletes the file. */
static uint32_t write_and_read(uint32_t n)
{
    HANDLE file = CreateFileA("bench.tmp", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    uint32_t sum = write_chunks(file, n * CHUNKS_PER_MIB);
    sum = bench_mix(sum, read_chunks(file, n * CHUNKS_PER_MIB));
    CloseHandle(file);
    DeleteFileA("bench.tmp");
    return sum;
}

static uint32_t call_functions(uint32_t n)
{
    uint32_t own = 0;

    for (uint32_t i = 0; i < n; i++)
        own += GetCurrentProcessId() != 0;
    return own;
}

static uint32_t compare_texts(uint32_t n)
{
    uint32_t less = 0;

    for (uint32_t i = 0; i < n; i++)
        less += lstrcmpiA("a text", "b text, and longer") < 0;
    return less;
}

const struct bench_subject bench_system[] = {
    {"close", close_nothing},  {"time", query_time},     {"file", write_and_read},
    {"calls", call_functions}, {"texts", compare_texts}, {0, 0},
};

void bench_print(const char *text, uint32_t size)
{
    DWORD done;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, size, &done, NULL);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv);
}
