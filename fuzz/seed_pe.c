// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes the inputs that fuzz_pe starts from into the directory given. */
#include "../tests/unit/pe_sample.h"
#include "base/bits.h"
#include "base/hostio.h"

#include <stdio.h>

/* The smallest API-set map: one set with one host, schema 6. */
static size_t make_apiset(uint8_t out[256])
{
    static const char text[] = "api-ms-win-a-l1-1-0kernel32.dll";
    static const uint32_t words[] = {6,  0,  0,  1, 28, 80, 31, 0,   84,
                                     38, 34, 52, 1, 0,  0,  0,  122, 24};
    memset(out, 0, 256);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        pe_put32(out + 4 * i, words[i]);
    for (size_t i = 0; i < sizeof text - 1; i++)
        out[84 + 2 * i] = (uint8_t)text[i];
    return 84 + 2 * (sizeof text - 1);
}

static void keep(const char *dir, const char *name, const void *data, size_t size)
{
    struct pgr_error e;
    char *path = xasprintf("%s/%s", dir, name);
    if (host_write_file(path, data, size, &e))
        fprintf(stderr, "%s\n", e.text);
    free(path);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        struct pe_sample_options o;
    } rows[] = {
        {"x64.dll", {IMAGE_FILE_MACHINE_AMD64, true, false, true}},
        {"x64.exe", {IMAGE_FILE_MACHINE_AMD64, false, false}},
        {"x86.dll", {IMAGE_FILE_MACHINE_I386, true, false, true}},
        {"x86-low.exe", {IMAGE_FILE_MACHINE_I386, false, true}},
    };
    uint8_t apiset[256];
    if (argc != 2)
        return 2;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_sample s = pe_sample_make(rows[i].o);
        keep(argv[1], rows[i].name, s.data, s.size);
        free(s.data);
    }
    keep(argv[1], "apiset6", apiset, make_apiset(apiset));
    return 0;
}
