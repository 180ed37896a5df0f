// SPDX-License-Identifier: GPL-2.0-or-later
/* What the builder promises beyond what the reader's tests already see of it. */
#include "test.h"
#include "pe_sample.h"
#include "pe/map.h"

#include <string.h>

static void the_same_calls_give_the_same_bytes(void **state)
{
    struct pe_sample_options o = {IMAGE_FILE_MACHINE_AMD64, true, false};
    struct pe_sample a = pe_sample_make(o), b = pe_sample_make(o);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    free(a.data);
    free(b.data);
}

static void defaults_follow_machine_and_kind(void **state)
{
    static const struct {
        uint16_t machine;
        bool dll;
        uint64_t base;
    } rows[] = {
        {IMAGE_FILE_MACHINE_AMD64, true, 0x180000000},
        {IMAGE_FILE_MACHINE_AMD64, false, 0x140000000},
        {IMAGE_FILE_MACHINE_I386, true, 0x10000000},
        {IMAGE_FILE_MACHINE_I386, false, 0x400000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pe_sample s =
            pe_sample_make((struct pe_sample_options){rows[i].machine, rows[i].dll, false});
        expect_row(i, pe_open(&img, s.data, s.size, PE_FILE, "x", NULL) == PGR_OK);
        expect_row(i, img.h.image_base == rows[i].base);
        expect_row(i, (img.h.characteristics & IMAGE_FILE_DLL) == (rows[i].dll ? 0x2000 : 0));
        free(s.data);
    }
}

static void fixups_of_each_kind_lead_to_their_target(void **state)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_AMD64});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    int import = pe_build_import(b, "a.dll", "F", 0);
    uint32_t at = pe_build_append(b, text, NULL, 32, 16);
    uint32_t bss, target = pe_build_append(b, data, "12345678", 8, 8);
    bss = pe_build_reserve(b, data, 0x5000);
    pe_build_fixup(b, text, at, PE_FIXUP_RVA32, data, target);
    pe_build_fixup(b, text, at + 4, PE_FIXUP_REL32, data, bss);
    pe_build_fixup(b, text, at + 8, PE_FIXUP_ADDRESS, data, target);
    pe_build_fixup_import(b, text, at + 16, PE_FIXUP_REL32, import);
    struct pe_sample s;
    struct pe_image img;
    struct pe_imports it;
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "x", NULL), PGR_OK);
    const uint8_t *p = pe_bytes(&img, 0x1000, 32);
    assert_int_equal(pe_u32(p), 0x2000);
    assert_int_equal(pe_u32(p + 4), 0x2008 - 0x1008);
    assert_int_equal(pe_u64(p + 8), 0x140002000);
    pe_imports_begin(&it, &img, PE_IMPORTS);
    assert_true(pe_imports_dll(&it) && pe_imports_function(&it));
    assert_int_equal(pe_u32(p + 16) + 0x1014, it.fn.slot);
    struct pe_map map;
    pe_map_build(&map, &img);
    assert_true(pe_map_page_has_relocs(&map, 0x1000));
    pe_map_free(&map);
    free(s.data);
}

static void ordinals_given_and_automatic_share_one_table(void **state)
{
    struct pe_builder *b = pe_build_new(
        &(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_I386, .dll = true, .name = "o"});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    pe_build_append(b, text, "\xc3", 1, 1);
    pe_build_export(b, "b", 10, text, 0);
    pe_build_export(b, "a", 0, text, 0);
    pe_build_export(b, NULL, 5, text, 0);
    struct pe_sample s;
    struct pe_image img;
    struct pe_exports ex;
    struct pe_export x;
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "x", NULL), PGR_OK);
    assert_true(pe_exports_open(&ex, &img));
    assert_int_equal(ex.base, 5);
    assert_true(pe_export_by_name(&ex, "a", &x));
    assert_int_equal(x.ordinal, 11);
    assert_true(pe_export_by_ordinal(&ex, 5, &x));
    assert_false(pe_export_by_ordinal(&ex, 6, &x));
    free(s.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_calls_give_the_same_bytes),
        cmocka_unit_test(defaults_follow_machine_and_kind),
        cmocka_unit_test(fixups_of_each_kind_lead_to_their_target),
        cmocka_unit_test(ordinals_given_and_automatic_share_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
