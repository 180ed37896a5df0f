// SPDX-License-Identifier: GPL-2.0-or-later
/* System-call stubs of every generation, and what only looks like one. */
#include "test.h"
#include "pe/build.h"
#include "pe/scan.h"

#include <string.h>

/* An image whose export `name` is `code`. The image lives in *data. */
static void open_code(struct pe_image *img, uint8_t **data, uint16_t machine, const char *name,
                      const void *code, uint32_t size)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = machine, .dll = true, .name = "n.dll"});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    uint32_t at = pe_build_append(b, text, code, size, 16);
    size_t n;
    pe_build_export(b, name, 0, text, at);
    *data = pe_build_finish(b, &n);
    assert_int_equal(pe_open(img, *data, n, PE_FILE, "n.dll", NULL), PGR_OK);
}

#define CODE(bytes) (bytes), sizeof(bytes) - 1

static void stubs_of_every_generation_are_read(void **state)
{
    static const struct {
        uint16_t machine;
        uint8_t kind;
        const char *code;
        uint32_t size;
        uint32_t number;
        uint16_t arg_bytes;
    } rows[] = {
#define X64 IMAGE_FILE_MACHINE_AMD64
#define X86 IMAGE_FILE_MACHINE_I386
        {X64, PE_STUB_SYSCALL,
         CODE("\x4c\x8b\xd1\xb8\x16\0\0\0\xf6\x04\x25\x08\x03\xfe\x7f\x01"
              "\x75\x03\x0f\x05\xc3\xcd\x2e\xc3"),
         0x16, 0xffff},
        {X64, PE_STUB_SYSCALL, CODE("\x4c\x8b\xd1\xb8\x01\x10\0\0\x0f\x05\xc3"), 0x1001, 0xffff},
        {X86, PE_STUB_CALL_EDX, CODE("\xb8\x16\0\0\0\xba\x50\xcd\xc0\x7b\xff\xd2\xc2\4\0"), 0x16,
         4},
        {X86, PE_STUB_CALL_EDX, CODE("\xb8\x17\0\0\0\xba\x50\xcd\xc0\x7b\xff\xd2\xc3"), 0x17, 0},
        {X86, PE_STUB_CALL_KUSER, CODE("\xb8\x19\0\0\0\xba\0\3\xfe\x7f\xff\x12\xc2\4\0"), 0x19, 4},
        {X86, PE_STUB_CALL_KUSER, CODE("\xb8\x19\0\0\0\xba\0\3\xfe\x7f\xff\xd2\xc2\4\0"), 0x19, 4},
        {X86, PE_STUB_CALL_WOW32,
         CODE("\xb8\x0c\0\0\0\x33\xc9\x8d\x54\x24\4\x64\xff\x15\xc0\0\0\0"
              "\x83\xc4\4\xc2\4\0"),
         0xc, 4},
        {X86, PE_STUB_CALL_WOW32, CODE("\xb8\x0c\0\0\0\x64\xff\x15\xc0\0\0\0\xc2\4\0"), 0xc, 4},
        {X86, PE_STUB_SYSENTER, CODE("\xb8\x74\1\0\0\xe8\3\0\0\0\xc2\4\0\x8b\xd4\x0f\x34\xc3"),
         0x174, 4},
        {X86, PE_STUB_INT2E, CODE("\xb8\x18\0\0\0\x8d\x54\x24\4\xcd\x2e\xc2\4\0"), 0x18, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pe_services s;
        uint8_t *data;
        open_code(&img, &data, rows[i].machine, "NtX", rows[i].code, rows[i].size);
        pe_scan_services(&s, &img);
        expect_row(i, s.rows.len == 1);
        const struct pe_service *x = pe_service_by_number(&s, rows[i].number);
        expect_row(i, x && x->primary && !strcmp(x->name, "NtX") && x->rva == 0x1000);
        expect_row(i, x->kind == rows[i].kind && x->arg_bytes == rows[i].arg_bytes);
        expect_row(i, !pe_service_by_number(&s, rows[i].number + 1));
        pe_services_free(&s);
        free(data);
    }
}

static void other_code_is_no_stub(void **state)
{
    static const struct {
        uint16_t machine;
        const char *code;
        uint32_t size;
    } rows[] = {
        {X64, CODE("\xc3")},
        {X64, CODE("\x4c\x8b\xd1\xb8\x16\0\0")},
        {X64, CODE("\x4c\x8b\xd1\xb8\x16\0\1\0\x0f\x05\xc3")}, /* a number above 65535 */
        {X64, CODE("\x4c\x8b\xd1\xb8\x16\0\0\0\x90\x0f\x05\xc3")},
        {X64, CODE("\x4c\x8b\xd1\xe9\x16\0\0\0\x0f\x05\xc3")}, /* hooked */
        {X86, CODE("\xb8\1\0\0\0\xc2\x0c\0")},
        {X86, CODE("\xb8\1\0\0\0\xba\0\0\0\0\xff\xd2\x90")},
        {X86, CODE("\xb8\1\0\0\0\xba\0\0")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pe_services s;
        uint8_t *data;
        open_code(&img, &data, rows[i].machine, "NtX", rows[i].code, rows[i].size);
        pe_scan_services(&s, &img);
        expect_row(i, s.rows.len == 0);
        pe_services_free(&s);
        free(data);
    }
}

static void nt_names_come_before_their_aliases(void **state)
{
    static const char *const names[] = {"ZwClose", "RtlOdd", "NtClose"};
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = X64, .dll = true, .name = "n.dll"});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    uint32_t at = pe_build_append(b, text, CODE("\x4c\x8b\xd1\xb8\5\0\0\0\x0f\x05\xc3"), 16);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        pe_build_export(b, names[i], 0, text, at);
    pe_build_forward(b, "NtForward", 0, "other.NtForward");
    struct pe_image img;
    struct pe_services s;
    size_t n;
    uint8_t *data = pe_build_finish(b, &n);
    assert_int_equal(pe_open(&img, data, n, PE_FILE, "n.dll", NULL), PGR_OK);
    pe_scan_services(&s, &img);
    assert_int_equal(s.rows.len, 3);
    assert_string_equal(s.rows.data[0].name, "NtClose");
    assert_string_equal(s.rows.data[1].name, "ZwClose");
    assert_string_equal(s.rows.data[2].name, "RtlOdd");
    assert_true(s.rows.data[0].primary && !s.rows.data[1].primary && !s.rows.data[2].primary);
    pe_services_free(&s);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stubs_of_every_generation_are_read),
        cmocka_unit_test(other_code_is_no_stub),
        cmocka_unit_test(nt_names_come_before_their_aliases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
