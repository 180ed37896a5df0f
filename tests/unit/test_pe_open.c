// SPDX-License-Identifier: GPL-2.0-or-later
/* What pe_open and pe_check_program say to files that are damaged, foreign or of another kind. */
#include "test.h"
#include "pe_sample.h"

#include <stdio.h>
#include <string.h>

enum { LF = 0x80, OPT = LF + 24, DIRS64 = OPT + 112, SECTIONS64 = OPT + 240 };

static struct pe_sample sample(bool dll)
{
    return pe_sample_make(
        (struct pe_sample_options){.machine = IMAGE_FILE_MACHINE_AMD64, .dll = dll});
}

/* Checks status, NTSTATUS, the file's name and that the sentence holds each word of `words`, which
 * are separated by '|'. */
static void expect_refusal(size_t row, pgr_status got, pgr_status want, const struct pe_image *img,
                           ntstatus nt, const struct pgr_error *e, const char *words)
{
    char copy[256], *at = copy, *word;
    if (got != want || img->status != nt || strncmp(e->text, "foo.exe: ", 9))
        fail_msg("row %zu: status %d, NTSTATUS %08x, '%s'", row, got, img->status, e->text);
    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&at, "|")))
        if (!strstr(e->text, word))
            fail_msg("row %zu: '%s' is not in '%s'", row, word, e->text);
}

static void foreign_files_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        ntstatus nt;
        const char *words;
    } rows[] = {
        {"", 0, STATUS_INVALID_FILE_FOR_SECTION, "empty"},
        {"hello, world\n", 13, STATUS_INVALID_IMAGE_NOT_MZ, "text file|e_magic|cmd.exe"},
        {"#!/bin/sh\n", 10, STATUS_INVALID_IMAGE_NOT_MZ, "script|offset 0x0"},
        {"\177ELF\2\1\1", 7, STATUS_INVALID_IMAGE_NOT_MZ, "ELF|run it directly"},
        {"PK\3\4....", 8, STATUS_INVALID_IMAGE_NOT_MZ, "ZIP|unpack"},
        {"\1\2\3\4", 4, STATUS_INVALID_IMAGE_NOT_MZ, "e_magic|01"},
        {"M", 1, STATUS_INVALID_IMAGE_NOT_MZ, "e_magic|MZ"},
        {"MZ", 2, STATUS_INVALID_IMAGE_NOT_MZ, "DOS header|truncated"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pgr_error e;
        pgr_status s = pe_open(&img, rows[i].bytes, rows[i].size, PE_FILE, "foo.exe", &e);
        expect_refusal(i, s, PGR_E_FORMAT, &img, rows[i].nt, &e, rows[i].words);
    }
}

static void old_executables_are_named(void **state)
{
    static const struct {
        const char *magic;
        uint8_t target; /* of NE */
        uint32_t lfanew;
        pgr_status status;
        ntstatus nt;
        const char *words;
    } rows[] = {
        {"NE", 2, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_WIN_16,
         "16-bit Windows|0x80: 'NE'"},
        {"NE", 1, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_NE_FORMAT, "OS/2|'NE'"},
        {"NE", 0, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_NE_FORMAT, "16-bit NE program"},
        {"NE", 5, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "DOS"},
        {"LE", 0, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "LE program|'LE'"},
        {"LX", 0, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "OS/2|'LX'"},
        {"", 0, 0x80, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "DOS program|e_lfanew"},
        {"", 0, 0, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "DOS program"},
        {"", 0, 0x1000, PGR_E_FORMAT, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew|0x1000"},
        {"", 0, 0xfffffffc, PGR_E_FORMAT, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew|0xfffffffc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t file[512] = "MZ";
        struct pe_image img;
        struct pgr_error e;
        pe_put32(file + 0x3c, rows[i].lfanew);
        memcpy(file + 0x80, rows[i].magic, strlen(rows[i].magic));
        file[0x80 + 0x36] = rows[i].target;
        pgr_status s = pe_open(&img, file, sizeof file, PE_FILE, "foo.exe", &e);
        expect_refusal(i, s, rows[i].status, &img, rows[i].nt, &e, rows[i].words);
    }
}

static void truncation_at_each_header_boundary_is_named(void **state)
{
    static const struct {
        size_t size;
        ntstatus nt;
        const char *words;
    } rows[] = {
        {63, STATUS_INVALID_IMAGE_NOT_MZ, "DOS header|64 bytes"},
        {64, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew|truncated"},
        {LF, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew"},
        {LF + 3, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew"},
        {LF + 4, STATUS_INVALID_IMAGE_PROTECT, "COFF file header|offset 0x84"},
        {LF + 23, STATUS_INVALID_IMAGE_PROTECT, "COFF file header"},
        {OPT, STATUS_INVALID_IMAGE_FORMAT, "optional header|offset 0x98"},
        {OPT + 2, STATUS_INVALID_IMAGE_FORMAT, "optional header"},
        {OPT + 111, STATUS_INVALID_IMAGE_FORMAT, "optional header"},
        {OPT + 112, STATUS_INVALID_IMAGE_FORMAT, "data directories"},
        {OPT + 239, STATUS_INVALID_IMAGE_FORMAT, "data directories"},
        {SECTIONS64, STATUS_INVALID_IMAGE_FORMAT, "section table|NumberOfSections"},
        {SECTIONS64 + 100, STATUS_INVALID_IMAGE_FORMAT, "section table"},
        {SECTIONS64 + 40 * 7, STATUS_INVALID_IMAGE_FORMAT, "SizeOfHeaders"},
        {1024, STATUS_INVALID_IMAGE_FORMAT, "section 1 '.text'|PointerToRawData|end of the file"},
    };
    struct pe_sample s = sample(false);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pgr_error e;
        uint8_t *cut = xmemdup(s.data, rows[i].size); /* its own block, for the sanitizer */
        pgr_status status = pe_open(&img, cut, rows[i].size, PE_FILE, "foo.exe", &e);
        expect_refusal(i, status, PGR_E_FORMAT, &img, rows[i].nt, &e, rows[i].words);
        free(cut);
    }
    free(s.data);
}

static void no_truncation_is_accepted(void **state)
{
    struct pe_sample s = sample(false);
    for (size_t n = 0; n < s.size; n += n < 1024 ? 1 : 64) {
        struct pe_image img;
        struct pgr_error e;
        uint8_t *cut = xmemdup(s.data, n);
        expect_row(n, pe_open(&img, cut, n, PE_FILE, "foo.exe", &e) != PGR_OK);
        expect_row(n, nt_error(img.status) && e.text[0]);
        free(cut);
    }
    free(s.data);
}

struct patch {
    uint32_t at;
    uint8_t width;
    uint64_t value;
};

static void apply(uint8_t *data, const struct patch *p)
{
    if (p->width == 2)
        pe_put16(data + p->at, (uint16_t)p->value);
    else if (p->width == 4)
        pe_put32(data + p->at, (uint32_t)p->value);
    else if (p->width == 8)
        pe_put64(data + p->at, p->value);
}

static void damaged_fields_are_named(void **state)
{
    enum { S1 = SECTIONS64, S2 = SECTIONS64 + 40 };
    static const struct {
        struct patch p, q;
        pgr_status status;
        ntstatus nt;
        const char *words;
    } rows[] = {
#define FORMAT PGR_E_FORMAT, STATUS_INVALID_IMAGE_FORMAT
        {{0x3c, 4, LF + 2}, {0}, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_PROTECT, "e_lfanew"},
        {{LF + 4, 2, 0xaa64},
         {0},
         PGR_E_UNSUPPORTED,
         STATUS_INVALID_IMAGE_FORMAT,
         "ARM64|Machine|offset 0x84|x64 build"},
        {{LF + 4, 2, 0x1c4}, {0}, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_FORMAT, "ARM|Machine"},
        {{LF + 4, 2, 0x200}, {0}, PGR_E_UNSUPPORTED, STATUS_INVALID_IMAGE_FORMAT, "Itanium"},
        {{LF + 4, 2, 0x7777},
         {0},
         PGR_E_UNSUPPORTED,
         STATUS_INVALID_IMAGE_FORMAT,
         "unknown processor|0x7777"},
        {{LF + 4, 2, 0x14c}, {0}, FORMAT, "Magic|offset 0x98|0x010b"},
        {{LF + 6, 2, 0xffff}, {0}, FORMAT, "NumberOfSections|65535"},
        {{LF + 20, 2, 0}, {0}, FORMAT, "SizeOfOptionalHeader|object file"},
        {{LF + 20, 2, 0xffff}, {0}, FORMAT, "section table"},
        {{LF + 22, 2, 0x20}, {0}, FORMAT, "Characteristics|EXECUTABLE_IMAGE"},
        {{OPT, 2, 0x107}, {0}, FORMAT, "Magic|0x0107"},
        {{OPT + 24, 8, 0x140000001}, {0}, FORMAT, "ImageBase|multiple of 0x10000"},
        {{OPT + 24, 8, 1ull << 63}, {0}, FORMAT, "ImageBase|address space"},
        {{OPT + 32, 4, 0}, {0}, FORMAT, "SectionAlignment"},
        {{OPT + 32, 4, 0x3000}, {0}, FORMAT, "SectionAlignment|power of two"},
        {{OPT + 32, 4, 0x100}, {0}, FORMAT, "SectionAlignment|FileAlignment"},
        {{OPT + 32, 4, 0x800}, {0}, FORMAT, "SectionAlignment|below a page"},
        {{OPT + 36, 4, 0}, {0}, FORMAT, "FileAlignment"},
        {{OPT + 36, 4, 0x300}, {0}, FORMAT, "FileAlignment|power of two"},
        {{OPT + 36, 4, 0x100}, {0}, FORMAT, "FileAlignment|0x200"},
        {{OPT + 36, 4, 0x2000}, {0}, FORMAT, "SectionAlignment|at least FileAlignment"},
        {{OPT + 56, 4, 0}, {0}, FORMAT, "SizeOfImage"},
        {{OPT + 56, 4, 0xffffffff}, {0}, FORMAT, "SizeOfImage|0xffffffff"},
        {{OPT + 56, 4, 0x1000}, {0}, FORMAT, "beyond SizeOfImage|section 1"},
        {{OPT + 60, 4, 0}, {0}, FORMAT, "SizeOfHeaders|offset 0xd4"},
        {{OPT + 60, 4, 0x10000000}, {0}, FORMAT, "SizeOfHeaders|SizeOfImage"},
        {{OPT + 60, 4, 0x4000}, {0}, FORMAT, "SizeOfHeaders|end"},
        {{S1 + 8, 4, 0}, {S1 + 16, 4, 0}, FORMAT, "section 1 '.text' is empty|VirtualSize"},
        {{S1 + 8, 4, 0xffffffff}, {0}, FORMAT, "beyond SizeOfImage|VirtualSize"},
        {{S2 + 12, 4, 0x1000}, {0}, FORMAT, "section 2 '.data' overlaps|VirtualAddress"},
        {{S2 + 12, 4, 0x3000}, {0}, FORMAT, "hole before section 2|VirtualAddress"},
        {{S2 + 12, 4, 0xfffff000}, {0}, FORMAT, "section 2|VirtualAddress"},
        {{S1 + 16, 4, 0xffffff00},
         {S1 + 20, 4, 0x10000000},
         FORMAT,
         "section 1|PointerToRawData|end of the file"},
        {{S1 + 20, 4, 0xffffff00}, {0}, FORMAT, "PointerToRawData|0xffffff00"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_sample s = sample(false);
        struct pe_image img;
        struct pgr_error e;
        apply(s.data, &rows[i].p);
        apply(s.data, &rows[i].q);
        pgr_status status = pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", &e);
        expect_refusal(i, status, rows[i].status, &img, rows[i].nt, &e, rows[i].words);
        free(s.data);
    }
}

static void a_misaligned_pe_header_is_refused(void **state)
{
    struct pe_sample s = sample(false);
    struct pe_image img;
    struct pgr_error e;
    memmove(s.data + LF + 2, s.data + LF, 700);
    pe_put32(s.data + 0x3c, LF + 2);
    pgr_status status = pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", &e);
    expect_refusal(0, status, PGR_E_FORMAT, &img, STATUS_INVALID_IMAGE_PROTECT, &e,
                   "misaligned|e_lfanew|0x82");
    free(s.data);
}

static void oddities_that_windows_takes_are_taken(void **state)
{
    static const struct patch rows[] = {
        {LF + 8, 4, 0xffffffff},          /* time stamp */
        {OPT + 56, 4, 0x20000},           /* more SizeOfImage than sections */
        {OPT + 64, 4, 0xdeadbeef},        /* checksum */
        {OPT + 108, 4, 0xffffffff},       /* NumberOfRvaAndSizes */
        {SECTIONS64 + 8, 4, 0},           /* VirtualSize 0: SizeOfRawData counts */
        {SECTIONS64 + 16, 4, 0x7fffffff}, /* raw size beyond the file, but not what is mapped */
        {DIRS64 + 8, 4, 0xfffffff0},      /* the import directory is outside: found later */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_sample s = sample(false);
        struct pe_image img;
        apply(s.data, &rows[i]);
        expect_row(i, pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", NULL) == PGR_OK);
        free(s.data);
    }
}

static void other_processors_can_be_inspected(void **state)
{
    struct pe_sample s = sample(true);
    struct pe_image img;
    pe_put16(s.data + LF + 4, 0xaa64);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_ANY_MACHINE, "foo.dll", NULL), PGR_OK);
    assert_string_equal(pe_machine_name(img.h.machine), "ARM64");
    free(s.data);
}

static void what_is_no_program_is_named(void **state)
{
    static const struct {
        struct patch p, q;
        pgr_status status;
        const char *words;
    } rows[] = {
        {{LF + 22, 2, 0x2022}, {0}, PGR_E_UNSUPPORTED, "DLL|Characteristics|rundll32"},
        {{OPT + 68, 2, 1}, {0}, PGR_E_UNSUPPORTED, "driver|Subsystem"},
        {{OPT + 68, 2, 10}, {0}, PGR_E_UNSUPPORTED, "EFI|Subsystem"},
        {{OPT + 68, 2, 77}, {0}, PGR_E_UNSUPPORTED, "unknown|77"},
        {{OPT + 16, 4, 0x7fffffff}, {0}, PGR_E_FORMAT, "AddressOfEntryPoint|0x7fffffff"},
        {{DIRS64 + 8, 4, 0xfffffff0}, {0}, PGR_E_FORMAT, "import directory|DataDirectory[1]"},
        {{DIRS64 + 8, 4, 0x01000000}, {0}, PGR_E_FORMAT, "import directory|outside"},
        {{DIRS64 + 12, 4, 0xffffffff}, {0}, PGR_E_FORMAT, "import directory|size 0xffffffff"},
        {{DIRS64 + 40, 4, 0x01000000}, {0}, PGR_E_FORMAT, "relocation directory"},
        {{DIRS64 + 72, 4, 0x01000000}, {0}, PGR_E_FORMAT, "TLS directory|DataDirectory[9]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_sample s = sample(false);
        struct pe_image img;
        struct pgr_error e;
        apply(s.data, &rows[i].p);
        assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", &e), PGR_OK);
        pgr_status status = pe_check_program(&img, &e);
        expect_refusal(i, status, rows[i].status, &img, STATUS_INVALID_IMAGE_FORMAT, &e,
                       rows[i].words);
        free(s.data);
    }
}

static void il_only_images_are_named(void **state)
{
    struct pe_builder *b = pe_build_new(
        &(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_AMD64, .name = "net.exe"});
    uint8_t clr[72] = {72};
    struct pe_image img;
    struct pgr_error e;
    struct pe_sample s;
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    pe_put32(clr + 16, 1); /* ILONLY */
    uint32_t at = pe_build_append(b, text, clr, sizeof clr, 4);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR, text, at, sizeof clr);
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", &e), PGR_OK);
    pgr_status status = pe_check_program(&img, &e);
    expect_refusal(0, status, PGR_E_UNSUPPORTED, &img, STATUS_INVALID_IMAGE_FORMAT, &e,
                   ".NET|CLR header|IL-only|dotnet");
    free(s.data);
}

static void a_sound_program_passes(void **state)
{
    struct pe_sample s = sample(false);
    struct pe_image img;
    struct pgr_error e;
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "foo.exe", &e), PGR_OK);
    assert_int_equal(pe_check_program(&img, &e), PGR_OK);
    assert_int_equal(img.status, STATUS_SUCCESS);
    free(s.data);
}

static void refusals_fit_into_the_error_text(void **state)
{
    char name[3000];
    struct pe_image img;
    struct pgr_error e;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(pe_open(&img, "x", 1, PE_FILE, name, &e), PGR_E_FORMAT);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_files_are_named),
        cmocka_unit_test(old_executables_are_named),
        cmocka_unit_test(truncation_at_each_header_boundary_is_named),
        cmocka_unit_test(no_truncation_is_accepted),
        cmocka_unit_test(damaged_fields_are_named),
        cmocka_unit_test(a_misaligned_pe_header_is_refused),
        cmocka_unit_test(oddities_that_windows_takes_are_taken),
        cmocka_unit_test(other_processors_can_be_inspected),
        cmocka_unit_test(what_is_no_program_is_named),
        cmocka_unit_test(il_only_images_are_named),
        cmocka_unit_test(a_sound_program_passes),
        cmocka_unit_test(refusals_fit_into_the_error_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
