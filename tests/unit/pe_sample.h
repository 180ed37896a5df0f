/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_SAMPLE_H
#define PE_SAMPLE_H
/* Images for tests and fuzz seeds: one of everything that the builder makes. */
#include "pe/build.h"
#include "base/vec.h"

struct pe_sample {
    uint8_t *data; /* from malloc */
    size_t size;
};

struct pe_sample_options {
    uint16_t machine;
    bool dll, low_alignment;
    bool extras; /* delay and bound imports, debug, load configuration, unwind data */
};

/* ntdll's stub for service `number`. */
static inline uint32_t pe_sample_stub(struct pe_builder *b, int text, bool x64, uint8_t number)
{
    const uint8_t x64_stub[] = {0x4c, 0x8b, 0xd1, 0xb8, number, 0,    0,    0,    0xf6, 0x04, 0x25,
                                0x08, 0x03, 0xfe, 0x7f, 0x01,   0x75, 0x03, 0x0f, 0x05, 0xc3};
    const uint8_t x86_stub[] = {0xb8, number, 0, 0, 0, 0xba, 0, 0, 0, 0, 0xff, 0xd2, 0xc2, 8, 0};
    return x64 ? pe_build_append(b, text, x64_stub, sizeof x64_stub, 16)
               : pe_build_append(b, text, x86_stub, sizeof x86_stub, 16);
}

static inline void pe_sample_version(struct pe_builder *b)
{
    uint8_t v[40 + 52] = {0};
    static const char key[] = "VS_VERSION_INFO";
    pe_put16(v, sizeof v);
    pe_put16(v + 2, 52);
    for (unsigned i = 0; i < sizeof key; i++)
        v[6 + 2 * i] = (uint8_t)key[i];
    pe_put32(v + 40, 0xfeef04bd);
    pe_put32(v + 48, 0x00010002); /* file version 1.2.3.4 */
    pe_put32(v + 52, 0x00030004);
    pe_build_resource(b, 16, 1, 0x409, v, sizeof v);
}

static inline void pe_sample_exports(struct pe_builder *b, int text, int data, bool x64)
{
    uint32_t close = pe_sample_stub(b, text, x64, 7), wait = pe_sample_stub(b, text, x64, 9);
    uint32_t answer = pe_build_append(b, text, "\xb8\x2a\0\0\0\xc3", 6, 16);
    pe_build_export(b, "Answer", 0, text, answer);
    pe_build_export(b, "NtClose", 0, text, close);
    pe_build_export(b, "ZwClose", 0, text, close);
    pe_build_export(b, "NtWait", 0, text, wait);
    pe_build_export(b, "Pointer", 7, data, 0);
    pe_build_export(b, NULL, 9, text, answer);
    pe_build_forward(b, "Forward", 0, "kernel32.GetTickCount");
}

static inline void pe_sample_tls(struct pe_builder *b, int text, int data, bool x64)
{
    uint32_t tls = pe_build_append(b, data, "tls!", 4, 4);
    uint32_t callback = pe_build_append(b, text, x64 ? "\xc3\xcc\xcc" : "\xc2\x0c", 3, 16);
    pe_build_tls(b, data, tls, 4, 16);
    pe_build_tls_callback(b, text, callback);
}

/* The directories that the builder leaves to its callers. */
static inline void pe_sample_extras(struct pe_builder *b, int text)
{
    static const char bound[] = "\1\0\0\0\x10\0\0\0"
                                "\0\0\0\0\0\0\0\0"
                                "kernel32.dll";
    static const char pdb[] = "RSDS0123456789abcdef\1\0\0\0sample.pdb";
    uint8_t debug[PE_DEBUG_ENTRY_SIZE] = {[12] = IMAGE_DEBUG_TYPE_CODEVIEW, [16] = sizeof pdb};
    uint8_t config[148] = {148}, attributes[4] = {1};
    int s = pe_build_section(b, ".extra", PE_BUILD_DATA);
    uint32_t iat = pe_build_append(b, s, NULL, 16, 8), lookup = pe_build_append(b, s, NULL, 16, 8);
    uint32_t dll = pe_build_append(b, s, "late.dll", 9, 1);
    uint32_t fn = pe_build_append(b, s, "\0\0Later", 8, 2);
    uint32_t descriptor = pe_build_append(b, s, attributes, 4, 8);
    pe_build_append(b, s, NULL, 2 * PE_DELAY_DESCRIPTOR_SIZE - 4, 1);
    pe_build_fixup(b, s, descriptor + 4, PE_FIXUP_RVA32, s, dll);
    pe_build_fixup(b, s, descriptor + 12, PE_FIXUP_RVA32, s, iat);
    pe_build_fixup(b, s, descriptor + 16, PE_FIXUP_RVA32, s, lookup);
    pe_build_fixup(b, s, lookup, PE_FIXUP_RVA32, s, fn);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, s, descriptor,
                       PE_DELAY_DESCRIPTOR_SIZE);
    uint32_t at = pe_build_append(b, s, bound, sizeof bound, 4);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT, s, at, sizeof bound);
    at = pe_build_append(b, s, debug, sizeof debug, 4);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_DEBUG, s, at, sizeof debug);
    pe_build_fixup(b, s, at + 20, PE_FIXUP_RVA32, s, pe_build_append(b, s, pdb, sizeof pdb, 4));
    pe_put32(config + 144, 0x500);
    at = pe_build_append(b, s, config, sizeof config, 8);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, s, at, sizeof config);
    at = pe_build_append(b, s, NULL, 2 * PE_RUNTIME_FUNCTION_SIZE, 4);
    pe_build_fixup(b, s, at, PE_FIXUP_RVA32, text, 0);
    pe_build_fixup(b, s, at + 4, PE_FIXUP_RVA32, text, 6);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_EXCEPTION, s, at, 2 * PE_RUNTIME_FUNCTION_SIZE);
}

static inline struct pe_sample pe_sample_make(struct pe_sample_options o)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = o.machine,
                                                .dll = o.dll,
                                                .name = "sample.dll",
                                                .section_align = o.low_alignment ? 512 : 0});
    bool x64 = o.machine == IMAGE_FILE_MACHINE_AMD64;
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    uint32_t entry = pe_build_append(b, text, "\xb8\1\0\0\0\xc3", 6, 16);
    uint32_t jump = pe_build_append(b, text, "\xff\x25\0\0\0\0", 6, 16);
    int import = pe_build_import(b, "kernel32.dll", "GetTickCount", 0);
    pe_build_import(b, "kernel32.dll", "Sleep", 0);
    pe_build_import(b, "ws2_32.dll", NULL, 115);
    pe_build_fixup_import(b, text, jump + 2, x64 ? PE_FIXUP_REL32 : PE_FIXUP_ADDRESS, import);
    /* Pointers that stand alone, and one across the end of a page. */
    pe_build_fixup(b, data, pe_build_append(b, data, NULL, 8, 8), PE_FIXUP_ADDRESS, text, entry);
    pe_build_append(b, data, NULL, 4096 - 8 - 2, 1);
    pe_build_fixup(b, data, pe_build_append(b, data, NULL, 8, 1), PE_FIXUP_ADDRESS, text, entry);
    pe_sample_exports(b, text, data, x64);
    pe_sample_tls(b, text, data, x64);
    pe_build_reserve(b, data, 0x1800);
    if (o.extras)
        pe_sample_extras(b, text);
    pe_build_entry(b, text, entry);
    pe_build_resource(b, 10, 1, 0x409, "hello", 5);
    pe_build_resource(b, 10, 1, 0x407, "hallo", 5);
    pe_build_resource(b, 24, 2, 0x409, "<assembly/>", 11);
    pe_sample_version(b);
    struct pe_sample s;
    s.data = pe_build_finish(b, &s.size);
    return s;
}
#endif
