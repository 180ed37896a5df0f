// SPDX-License-Identifier: GPL-2.0-or-later
#include "../bench.h"

enum { SIZE = 1 << 15 };

uint32_t bench_crc32(uint32_t n);

static uint32_t table[256];
static uint8_t data[SIZE];

static void prepare(void)
{
    uint32_t seed = 1;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (uint32_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)bench_next(&seed);
}

uint32_t bench_crc32(uint32_t n)
{
    uint32_t crc = 0xFFFFFFFFu;

    prepare();
    for (uint32_t turn = 0; turn < n; turn++)
        for (uint32_t i = 0; i < SIZE; i++)
            crc = table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}
