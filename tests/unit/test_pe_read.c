// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections, bytes and the iterators over each directory, of images made by the builder. */
#include "test.h"
#include "pe_sample.h"

#include <stdio.h>
#include <string.h>

static const uint16_t machines[] = {IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_I386};

static struct pe_sample open_sample(struct pe_image *img, struct pe_sample_options o)
{
    struct pe_sample s = pe_sample_make(o);
    struct pgr_error e;
    if (pe_open(img, s.data, s.size, PE_FILE, "sample", &e))
        fail_msg("%s", e.text);
    return s;
}

static void headers_come_back_as_built(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        struct pe_image img;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){machines[i], true, false});
        bool x64 = machines[i] == IMAGE_FILE_MACHINE_AMD64;
        expect_row(i, img.h.machine == machines[i] && img.h.is64 == x64);
        expect_row(i, img.h.image_base == (x64 ? 0x180000000 : 0x10000000));
        expect_row(i, img.h.characteristics & IMAGE_FILE_DLL);
        expect_row(i, img.h.section_align == 4096 && img.h.file_align == 512);
        expect_row(i, img.h.entry == 0x1000 && img.h.subsystem == 3);
        expect_row(i, img.h.stack_reserve == 0x100000 && img.h.heap_commit == 0x1000);
        expect_row(i, img.h.checksum == pe_checksum(&img));
        expect_row(i, pe_overlay(&img) == s.size);
        free(s.data);
    }
}

static void addresses_find_their_section(void **state)
{
    struct pe_image img;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_int_equal(pe_section_at(&img, 0), -1);
    assert_int_equal(pe_section_at(&img, 0xfff), -1);
    assert_int_equal(pe_section_at(&img, 0x1000), 0);
    assert_int_equal(pe_section_at(&img, 0x1fff), 0);
    assert_int_equal(pe_section_at(&img, 0x2000), 1);
    assert_int_equal(pe_section_at(&img, img.h.image_size), -1);
    assert_int_equal(pe_section_at(&img, UINT32_MAX), -1);
    struct pe_section text = pe_section(&img, 0);
    assert_string_equal(pe_section_name(&img, &text), ".text");
    free(s.data);
}

static void reading_fills_with_zeroes_inside_and_fails_outside(void **state)
{
    struct pe_image img;
    uint8_t b[64];
    uint32_t avail;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    struct pe_section data = pe_section(&img, 1);
    uint32_t tail = data.rva + data.file_size;
    s.data[data.file_offset + data.file_size - 1] = 0x55;
    memset(b, 0xaa, sizeof b);
    assert_true(pe_read(&img, tail - 1, b, sizeof b));
    assert_int_equal(b[0], 0x55);
    assert_int_equal(b[1] | b[63], 0);
    assert_null(pe_at(&img, tail, &avail));
    assert_int_equal(avail, 0);
    assert_non_null(pe_bytes(&img, tail - 1, 1));
    assert_null(pe_bytes(&img, tail - 1, 2));
    assert_null(pe_string(&img, tail - 1)); /* its end is not in the file */
    /* Across the boundary between two sections. */
    assert_true(pe_read(&img, data.rva - 4, b, 12));
    assert_false(pe_read(&img, img.h.image_size - 4, b, 8));
    assert_false(pe_read(&img, UINT32_MAX, b, 8));
    assert_int_equal(b[0], 0);
    free(s.data);
}

static void imports_are_listed_by_name_and_ordinal(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        struct pe_image img;
        struct pe_imports it;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){machines[i], false, false});
        struct pe_directory iat = pe_directory(&img, IMAGE_DIRECTORY_ENTRY_IAT);
        pe_imports_begin(&it, &img, PE_IMPORTS);
        expect_row(i, pe_imports_dll(&it) && !strcmp(it.dll.name, "kernel32.dll"));
        expect_row(i, pe_imports_function(&it) && !strcmp(it.fn.name, "GetTickCount"));
        expect_row(i, it.fn.slot == iat.rva);
        expect_row(i, pe_imports_function(&it) && !strcmp(it.fn.name, "Sleep"));
        expect_row(i, it.fn.slot == iat.rva + (img.h.is64 ? 8 : 4));
        expect_row(i, !pe_imports_function(&it) && !pe_imports_function(&it));
        expect_row(i, pe_imports_dll(&it) && !strcmp(it.dll.name, "ws2_32.dll"));
        expect_row(i, pe_imports_function(&it) && !it.fn.name && it.fn.ordinal == 115);
        expect_row(i, !pe_imports_function(&it) && !pe_imports_dll(&it) && !it.damage.what);
        free(s.data);
    }
}

/* A delay import directory written by hand: by RVA, and by address as old compilers have it. */
static void delay_imports_are_listed_by_rva_and_by_address(void **state)
{
    for (unsigned by_rva = 0; by_rva < 2; by_rva++) {
        struct pe_builder *b = pe_build_new(
            &(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_I386, .dll = true});
        enum pe_fixup_kind kind = by_rva ? PE_FIXUP_RVA32 : PE_FIXUP_ADDRESS;
        int d = pe_build_section(b, ".data", PE_BUILD_DATA);
        uint8_t attributes[4] = {(uint8_t)by_rva};
        uint32_t at = pe_build_append(b, d, NULL, 2 * PE_DELAY_DESCRIPTOR_SIZE, 4);
        uint32_t iat = pe_build_append(b, d, NULL, 8, 4),
                 lookup = pe_build_append(b, d, NULL, 8, 4);
        uint32_t name = pe_build_append(b, d, "late.dll", 9, 1);
        uint32_t fn = pe_build_append(b, d, "\0\0Later", 8, 2);
        pe_build_fixup(b, d, at + 4, kind, d, name);
        pe_build_fixup(b, d, at + 12, kind, d, iat);
        pe_build_fixup(b, d, at + 16, kind, d, lookup);
        pe_build_fixup(b, d, lookup, PE_FIXUP_RVA32, d, fn);
        pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, d, at, PE_DELAY_DESCRIPTOR_SIZE);
        struct pe_sample s;
        s.data = pe_build_finish(b, &s.size);
        struct pe_image img;
        struct pe_imports it;
        assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "late", NULL), PGR_OK);
        memcpy(s.data + pe_section(&img, 0).file_offset + at, attributes, 4);
        pe_imports_begin(&it, &img, PE_IMPORTS_DELAY);
        assert_true(pe_imports_dll(&it));
        assert_string_equal(it.dll.name, "late.dll");
        assert_true(pe_imports_function(&it));
        assert_string_equal(it.fn.name, "Later");
        assert_false(pe_imports_function(&it));
        assert_false(pe_imports_dll(&it));
        assert_null(it.damage.what);
        free(s.data);
    }
}

static void a_shared_import_list_ends_by_its_budget(void **state)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_I386});
    int d = pe_build_section(b, ".data", PE_BUILD_DATA);
    enum { DLLS = 3000, ENTRIES = 3000 };
    uint32_t descriptors = pe_build_append(b, d, NULL, (DLLS + 1) * 20, 4);
    uint32_t thunks = pe_build_append(b, d, NULL, (ENTRIES + 1) * 4, 4);
    uint32_t name = pe_build_append(b, d, "a.dll", 6, 1);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_IMPORT, d, descriptors, 20);
    for (uint32_t i = 0; i < DLLS; i++) {
        pe_build_fixup(b, d, descriptors + 20 * i, PE_FIXUP_RVA32, d, thunks);
        pe_build_fixup(b, d, descriptors + 20 * i + 12, PE_FIXUP_RVA32, d, name);
        pe_build_fixup(b, d, descriptors + 20 * i + 16, PE_FIXUP_RVA32, d, thunks);
    }
    struct pe_sample s;
    struct pe_image img;
    struct pe_imports it;
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "many", NULL), PGR_OK);
    uint8_t *p = s.data + pe_section(&img, 0).file_offset + thunks;
    for (uint32_t i = 0; i < ENTRIES; i++)
        pe_put32(p + 4 * i, 1u << 31 | i);
    uint32_t count = 0;
    pe_imports_begin(&it, &img, PE_IMPORTS);
    while (pe_imports_dll(&it))
        while (pe_imports_function(&it))
            count++;
    assert_in_range(count, 1000000, 1 << 20);
    assert_non_null(it.damage.what);
    free(s.data);
}

static void exports_are_found_by_name_and_ordinal(void **state)
{
    struct pe_image img;
    struct pe_exports ex;
    struct pe_export x;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_I386, true, false});
    assert_true(pe_exports_open(&ex, &img));
    assert_string_equal(ex.dll_name, "sample.dll");
    assert_true(pe_export_by_name(&ex, "Pointer", &x));
    assert_int_equal(x.ordinal, 7);
    assert_int_equal(x.rva, 0x2000);
    assert_true(pe_export_by_ordinal(&ex, 9, &x));
    assert_null(x.name);
    assert_true(pe_export_by_name(&ex, "Forward", &x));
    assert_string_equal(x.forwarder, "kernel32.GetTickCount");
    assert_false(pe_export_by_name(&ex, "Forwar", &x));
    assert_false(pe_export_by_name(&ex, "", &x));
    assert_false(pe_export_by_name(&ex, "zzz", &x));
    assert_false(pe_export_by_ordinal(&ex, 0, &x));
    assert_false(pe_export_by_ordinal(&ex, 8, &x)); /* a hole */
    assert_false(pe_export_by_ordinal(&ex, 0xffffffff, &x));
    free(s.data);
}

static void exports_are_found_in_unsorted_tables(void **state)
{
    struct pe_image img;
    struct pe_exports ex;
    struct pe_export x;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_true(pe_exports_open(&ex, &img));
    uint8_t *names = s.data + (ex.names - s.data), first[4];
    memcpy(first, names, 4);
    memmove(names, names + 4, 4 * (ex.nnames - 1));
    memcpy(names + 4 * (ex.nnames - 1), first, 4);
    assert_true(pe_export_by_name(&ex, "Answer", &x));
    free(s.data);
}

struct seen {
    unsigned named, unnamed;
};

static bool count_export(void *ctx, const struct pe_export *x)
{
    struct seen *n = ctx;
    n->named += x->name != NULL;
    n->unnamed += !x->name;
    return true;
}

static void visiting_exports_shows_each_once(void **state)
{
    struct pe_image img;
    struct pe_exports ex;
    struct seen n = {0};
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_true(pe_exports_open(&ex, &img));
    pe_exports_visit(&ex, count_export, &n);
    assert_int_equal(n.named, 6);
    assert_int_equal(n.unnamed, 1);
    free(s.data);
}

static void export_counts_are_clamped_to_the_image(void **state)
{
    struct pe_image img;
    struct pe_exports ex;
    struct seen n = {0};
    uint32_t offset;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_true(
        pe_rva_to_offset(&img, pe_directory(&img, IMAGE_DIRECTORY_ENTRY_EXPORT).rva, &offset));
    pe_put32(s.data + offset + 20, 0xffffffff);
    pe_put32(s.data + offset + 24, 0xffffffff);
    assert_true(pe_exports_open(&ex, &img));
    assert_non_null(ex.damage.what);
    assert_in_range(ex.nfunctions, 1, 65536);
    pe_exports_visit(&ex, count_export, &n);
    free(s.data);
}

static void an_ordinal_base_at_the_top_wraps(void **state)
{
    struct pe_image img;
    struct pe_exports ex;
    struct pe_export x, y;
    uint32_t offset;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_true(
        pe_rva_to_offset(&img, pe_directory(&img, IMAGE_DIRECTORY_ENTRY_EXPORT).rva, &offset));
    pe_put32(s.data + offset + 16, 0xffffffff);
    assert_true(pe_exports_open(&ex, &img));
    assert_true(pe_export_by_name(&ex, "Pointer", &x));
    assert_int_equal(x.ordinal, 5);
    assert_true(pe_export_by_ordinal(&ex, 5, &y));
    assert_int_equal(y.rva, x.rva);
    free(s.data);
}

static void relocations_are_listed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        struct pe_image img;
        struct pe_relocs it;
        unsigned n = 0, at_data = 0;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){machines[i], true, false});
        pe_relocs_begin(&it, &img);
        while (pe_relocs_block(&it))
            while (pe_relocs_entry(&it)) {
                n++;
                at_data += it.rva == 0x2000 || it.rva == 0x2ffe;
                expect_row(i, it.type ==
                                  (img.h.is64 ? IMAGE_REL_BASED_DIR64 : IMAGE_REL_BASED_HIGHLOW));
            }
        expect_row(i, !it.damage.what && at_data == 2);
        expect_row(i, n == (img.h.is64 ? 7u : 8u));
        free(s.data);
    }
}

static void damaged_relocation_blocks_end_the_list(void **state)
{
    static const uint32_t sizes[] = {0, 4, 7, 0xffffffff, 0x7fffffff};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct pe_image img;
        struct pe_relocs it;
        uint32_t offset;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_I386, true, false});
        pe_rva_to_offset(&img, pe_directory(&img, IMAGE_DIRECTORY_ENTRY_BASERELOC).rva, &offset);
        pe_put32(s.data + offset + 4, sizes[i]);
        pe_relocs_begin(&it, &img);
        expect_row(i, !pe_relocs_block(&it) && it.damage.what);
        expect_row(i, !pe_relocs_entry(&it) && !pe_relocs_block(&it));
        free(s.data);
    }
}

static void tls_is_read_for_both_widths(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        struct pe_image img;
        struct pe_tls tls;
        struct pe_damage damage = {0};
        uint32_t rva;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){machines[i], true, false});
        expect_row(i, pe_tls(&img, &tls, &damage) && !damage.what);
        expect_row(i, tls.data_size == 4 && tls.zero_fill == 16 && tls.index && tls.callbacks);
        expect_row(i, !memcmp(pe_bytes(&img, tls.data, 4), "tls!", 4));
        expect_row(i, pe_tls_callback(&img, &tls, 0, &rva) && pe_section_at(&img, rva) == 0);
        expect_row(i, !pe_tls_callback(&img, &tls, 1, &rva));
        free(s.data);
    }
}

static bool add_path(void *ctx, const struct pe_resource *r)
{
    char *text = ctx;
    size_t n = strlen(text);
    snprintf(text + n, 256 - n, "%u:%u%s", r->depth, r->path[r->depth].id, r->leaf ? ";" : " ");
    return true;
}

static void resources_are_walked_depth_first(void **state)
{
    struct pe_image img;
    char text[256] = "";
    struct pe_damage damage = {0};
    struct pe_resource r;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_resources_visit(&img, add_path, text, &damage);
    assert_null(damage.what);
    assert_string_equal(text, "0:10 1:1 2:1031;2:1033;0:16 1:1 2:1033;0:24 1:2 2:1033;");
    assert_true(pe_resource_find(&img, 24, 0, &r));
    assert_int_equal(r.size, 11);
    assert_memory_equal(pe_bytes(&img, r.rva, r.size), "<assembly/>", 11);
    assert_false(pe_resource_find(&img, 3, 0, &r));
    free(s.data);
}

static void a_resource_tree_that_loops_ends(void **state)
{
    struct pe_image img;
    char text[256] = "";
    struct pe_damage damage = {0};
    uint32_t offset;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_rva_to_offset(&img, pe_directory(&img, IMAGE_DIRECTORY_ENTRY_RESOURCE).rva, &offset);
    for (unsigned i = 0; i < 3; i++) /* every type is the root again */
        pe_put32(s.data + offset + 16 + 8 * i + 4, 1u << 31);
    pe_resources_visit(&img, add_path, text, &damage);
    assert_string_equal(damage.what, "the resource tree is deeper than three levels");
    free(s.data);
}

static void the_version_resource_is_read(void **state)
{
    struct pe_image img;
    struct pe_version v;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    assert_true(pe_version(&img, &v));
    for (uint16_t i = 0; i < 4; i++)
        assert_int_equal(v.file[i], i + 1);
    assert_null(pe_version_string(&img, "ProductName"));
    free(s.data);
}

static void the_smaller_directories_are_read(void **state)
{
    struct pe_image img;
    struct pe_debug debug;
    struct pe_load_config config;
    struct pe_runtime_function f;
    struct pe_bounds bounds;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false, true});
    assert_true(pe_debug_at(&img, 0, &debug));
    assert_string_equal(debug.pdb, "sample.pdb");
    assert_int_equal(debug.age, 1);
    assert_memory_equal(debug.guid, "0123456789abcdef", 16);
    assert_false(pe_debug_at(&img, 1, &debug));
    assert_true(pe_load_config(&img, &config));
    assert_int_equal(config.guard_flags, 0x500);
    assert_int_equal(pe_runtime_functions(&img), 2);
    assert_true(pe_runtime_function(&img, 0, &f));
    assert_int_equal(f.begin, 0x1000);
    assert_false(pe_runtime_function(&img, 2, &f));
    pe_bounds_begin(&bounds, &img);
    assert_true(pe_bounds_next(&bounds));
    assert_string_equal(bounds.row.dll, "kernel32.dll");
    assert_false(pe_bounds_next(&bounds));
    assert_null(bounds.damage.what);
    free(s.data);
}

static void count_anomaly(void *ctx, const char *text)
{
    ++*(unsigned *)ctx;
}

static void a_sound_image_has_no_anomalies(void **state)
{
    struct pe_image img;
    unsigned n = 0;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_anomalies(&img, count_anomaly, &n);
    assert_int_equal(n, 0);
    free(s.data);
}

static void find_word(void *ctx, const char *text)
{
    const char **word = ctx;
    if (*word && strstr(text, *word))
        *word = NULL;
}

static void oddities_are_reported(void **state)
{
    enum { OPT = 0x98, DIRS = OPT + 112, SECTIONS = OPT + 240 };
    static const struct {
        uint32_t at, value;
        const char *words;
    } rows[] = {
        {SECTIONS + 36, 0xe0000020, "writable and executable"},
        {SECTIONS + 8, 0, "VirtualSize 0"},
        {OPT + 64, 0x1234, "CheckSum"},
        {OPT + 16, 0x2000, "not executable"},
        {OPT + 16, 0x10, "in no section"},
        {OPT + 108, 7, "NumberOfRvaAndSizes"},
        {DIRS, 0x7fffffff, "export directory"},
        {DIRS + 8, 0x7fffffff, "import directory"},
        {DIRS + 16, 0x7fffffff, "resource directory"},
        {DIRS + 32, 0x7fffffff, "certificate table"},
        {DIRS + 44, 0xffffff, "relocation"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        const char *word = rows[i].words;
        struct pe_sample s =
            pe_sample_make((struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
        pe_put32(s.data + rows[i].at, rows[i].value);
        expect_row(i, pe_open(&img, s.data, s.size, PE_FILE, "odd", NULL) == PGR_OK);
        pe_anomalies(&img, find_word, &word);
        expect_row(i, !word);
        free(s.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_come_back_as_built),
        cmocka_unit_test(addresses_find_their_section),
        cmocka_unit_test(reading_fills_with_zeroes_inside_and_fails_outside),
        cmocka_unit_test(imports_are_listed_by_name_and_ordinal),
        cmocka_unit_test(delay_imports_are_listed_by_rva_and_by_address),
        cmocka_unit_test(a_shared_import_list_ends_by_its_budget),
        cmocka_unit_test(exports_are_found_by_name_and_ordinal),
        cmocka_unit_test(exports_are_found_in_unsorted_tables),
        cmocka_unit_test(visiting_exports_shows_each_once),
        cmocka_unit_test(export_counts_are_clamped_to_the_image),
        cmocka_unit_test(an_ordinal_base_at_the_top_wraps),
        cmocka_unit_test(relocations_are_listed),
        cmocka_unit_test(damaged_relocation_blocks_end_the_list),
        cmocka_unit_test(tls_is_read_for_both_widths),
        cmocka_unit_test(resources_are_walked_depth_first),
        cmocka_unit_test(a_resource_tree_that_loops_ends),
        cmocka_unit_test(the_version_resource_is_read),
        cmocka_unit_test(the_smaller_directories_are_read),
        cmocka_unit_test(a_sound_image_has_no_anomalies),
        cmocka_unit_test(oddities_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
