// SPDX-License-Identifier: GPL-2.0-or-later
/* The map plan and relocation page by page. */
#include "test.h"
#include "pe_sample.h"
#include "pe/map.h"

#include <string.h>

static struct pe_sample open_sample(struct pe_image *img, struct pe_sample_options o)
{
    struct pe_sample s = pe_sample_make(o);
    assert_int_equal(pe_open(img, s.data, s.size, PE_FILE, "sample", NULL), PGR_OK);
    return s;
}

static void segments_tile_the_image(void **state)
{
    for (unsigned low = 0; low < 2; low++) {
        struct pe_image img;
        struct pe_map map;
        uint32_t at = 0;
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, low});
        pe_map_build(&map, &img);
        vec_foreach (g, &map.segments) {
            assert_int_equal(g->rva, at);
            assert_int_equal(g->mem_size % PE_PAGE, 0);
            at += g->mem_size;
        }
        assert_int_equal(at, map.size);
        assert_int_equal(map.segments.len, low ? 1 : img.h.nsections + 1);
        pe_map_free(&map);
        free(s.data);
    }
}

static void protections_follow_the_section_flags(void **state)
{
    struct pe_image img;
    struct pe_map map;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_map_build(&map, &img);
    const struct pe_segment *g = map.segments.data;
    assert_int_equal(g[0].prot, PE_PROT_R);
    assert_int_equal(g[0].section, -1);
    assert_int_equal(g[0].file_size, img.h.headers_size);
    assert_true(g[0].mappable);
    assert_int_equal(g[1].prot, PE_PROT_R | PE_PROT_X);
    assert_false(g[1].mappable); /* at 0x400 in the file */
    assert_int_equal(g[2].prot, PE_PROT_R | PE_PROT_W);
    assert_true(g[2].file_size < g[2].mem_size);
    assert_false(g[2].shared);
    pe_map_free(&map);
    free(s.data);
}

static void low_alignment_is_one_segment_of_the_file(void **state)
{
    struct pe_image img;
    struct pe_map map;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_I386, false, true});
    assert_true(img.flat);
    pe_map_build(&map, &img);
    assert_int_equal(map.segments.len, 1);
    assert_int_equal(map.segments.data[0].file_offset, 0);
    assert_int_equal(map.segments.data[0].prot, PE_PROT_R | PE_PROT_W | PE_PROT_X);
    assert_memory_equal(pe_at(&img, img.h.entry, &(uint32_t){0}), s.data + img.h.entry, 16);
    pe_map_free(&map);
    free(s.data);
}

static void gaps_between_sections_have_no_access(void **state)
{
    struct pe_builder *b = pe_build_new(&(struct pe_build_options){
        .machine = IMAGE_FILE_MACHINE_AMD64, .section_align = 0x10000, .file_align = 4096});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    pe_build_append(b, text, "\xc3", 1, 1);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA | IMAGE_SCN_MEM_SHARED);
    pe_build_append(b, data, "x", 1, 1);
    struct pe_sample s;
    struct pe_image img;
    struct pe_map map;
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "wide", NULL), PGR_OK);
    pe_map_build(&map, &img);
    static const uint32_t rvas[] = {0, 0x1000, 0x10000, 0x11000, 0x20000, 0x21000};
    assert_int_equal(map.segments.len, ARRAY_LEN(rvas));
    for (size_t i = 0; i < ARRAY_LEN(rvas); i++) {
        expect_row(i, map.segments.data[i].rva == rvas[i]);
        expect_row(i, !(i & 1) == (map.segments.data[i].prot != 0));
        expect_row(i, map.segments.data[i].mappable == !(i & 1));
        expect_row(i, map.segments.data[i].shared == (i == 4));
    }
    pe_map_free(&map);
    free(s.data);
}

/* A whole image relocated in one go, the obvious way. */
static uint8_t *relocate_all(const struct pe_image *img, uint64_t delta, uint32_t size)
{
    uint8_t *m = xcalloc(size, 1);
    struct pe_relocs it;
    pe_read(img, 0, m, size);
    pe_relocs_begin(&it, img);
    while (pe_relocs_block(&it))
        while (pe_relocs_entry(&it)) {
            if (it.type == IMAGE_REL_BASED_DIR64)
                pe_put64(m + it.rva, pe_u64(m + it.rva) + delta);
            else if (it.type == IMAGE_REL_BASED_HIGHLOW)
                pe_put32(m + it.rva, pe_u32(m + it.rva) + (uint32_t)delta);
        }
    return m;
}

static void pages_relocate_in_any_order_like_the_whole(void **state)
{
    static const uint16_t machines[] = {IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_I386};
    static const uint64_t deltas[] = {0x10000, 0x7ffffff0000, (uint64_t)-0x123450000};
    for (size_t i = 0; i < ARRAY_LEN(machines) * ARRAY_LEN(deltas); i++) {
        struct pe_image img;
        struct pe_map map;
        uint64_t delta = deltas[i / 2];
        struct pe_sample s =
            open_sample(&img, (struct pe_sample_options){machines[i % 2], true, false});
        pe_map_build(&map, &img);
        expect_row(i, map.relocatable && !map.damage.what);
        uint8_t *whole = relocate_all(&img, delta, map.size), page[PE_PAGE];
        for (uint32_t rva = map.size; rva;) {
            rva -= PE_PAGE;
            pe_read(&img, rva, page, sizeof page);
            bool same = !memcmp(page, whole + rva, PE_PAGE);
            expect_row(i, same || pe_map_page_has_relocs(&map, rva));
            pe_relocate_page(&map, delta, rva, page);
            expect_row(i, !memcmp(page, whole + rva, PE_PAGE));
        }
        free(whole);
        pe_map_free(&map);
        free(s.data);
    }
}

static void a_straddling_relocation_marks_both_pages(void **state)
{
    struct pe_image img;
    struct pe_map map;
    struct pe_sample s =
        open_sample(&img, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_map_build(&map, &img);
    assert_true(pe_map_page_has_relocs(&map, 0x2000));
    assert_true(pe_map_page_has_relocs(&map, 0x3000)); /* the tail of 0x2ffe */
    assert_false(pe_map_page_has_relocs(&map, 0));
    assert_false(pe_map_page_has_relocs(&map, UINT32_MAX));
    pe_map_free(&map);
    free(s.data);
}

/* A section .data with `data`, relocated by a block of `n` entries. */
static struct pe_sample with_relocs(const void *data, uint32_t size, const uint16_t *entries,
                                    uint16_t n)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_I386, .dll = true});
    int d = pe_build_section(b, ".data", PE_BUILD_DATA);
    pe_build_append(b, d, data, size, 1);
    int r = pe_build_section(b, ".relocs", PE_BUILD_CONST);
    uint8_t block[64] = {0};
    pe_put32(block, 0x1000);
    pe_put32(block + 4, 8 + 2u * n);
    for (unsigned i = 0; i < n; i++)
        pe_put16(block + 8 + 2 * i, entries[i]);
    pe_build_append(b, r, block, 8 + 2u * n, 4);
    pe_build_directory(b, IMAGE_DIRECTORY_ENTRY_BASERELOC, r, 0, 8 + 2u * n);
    struct pe_sample s;
    s.data = pe_build_finish(b, &s.size);
    return s;
}

static void halves_of_addresses_are_relocated(void **state)
{
    static const struct {
        uint16_t entries[2];
        uint16_t n;
        uint16_t value, want;
    } rows[] = {
        {{IMAGE_REL_BASED_HIGH << 12}, 1, 0x1000, 0x1235},
        {{IMAGE_REL_BASED_LOW << 12}, 1, 0x1000, 0xa000},
        {{IMAGE_REL_BASED_HIGHADJ << 12, 0x0000}, 2, 0x1000, 0x1236},
        {{IMAGE_REL_BASED_HIGHADJ << 12, 0x8000}, 2, 0x1000, 0x1235},
        {{IMAGE_REL_BASED_ABSOLUTE << 12, 0}, 2, 0x1000, 0x1000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t data[16] = {0}, page[PE_PAGE];
        struct pe_image img;
        struct pe_map map;
        pe_put16(data, rows[i].value);
        struct pe_sample s = with_relocs(data, sizeof data, rows[i].entries, rows[i].n);
        assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "half", NULL), PGR_OK);
        pe_map_build(&map, &img);
        pe_read(&img, 0x1000, page, sizeof page);
        pe_relocate_page(&map, 0x02359000, 0x1000, page);
        expect_row(i, pe_u16(page) == rows[i].want);
        pe_map_free(&map);
        free(s.data);
    }
}

static void unknown_relocations_only_bar_moving(void **state)
{
    static const uint16_t rows[][2] = {{5 << 12, 0}, {15 << 12, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pe_image img;
        struct pe_map map;
        struct pe_sample s = with_relocs("12345678", 8, rows[i], 2);
        expect_row(i, pe_open(&img, s.data, s.size, PE_FILE, "odd", NULL) == PGR_OK);
        pe_map_build(&map, &img);
        expect_row(i, !map.relocatable && map.damage.what);
        pe_map_free(&map);
        free(s.data);
    }
}

static void an_image_without_relocations_cannot_move(void **state)
{
    struct pe_builder *b = pe_build_new(
        &(struct pe_build_options){.machine = IMAGE_FILE_MACHINE_I386, .fixed_base = true});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    pe_build_append(b, text, "\xc3", 1, 1);
    struct pe_sample s;
    struct pe_image img;
    struct pe_map map;
    s.data = pe_build_finish(b, &s.size);
    assert_int_equal(pe_open(&img, s.data, s.size, PE_FILE, "fixed", NULL), PGR_OK);
    pe_map_build(&map, &img);
    assert_false(map.relocatable);
    assert_null(map.damage.what);
    pe_map_free(&map);
    free(s.data);
}

static void a_mapped_image_reads_like_its_file(void **state)
{
    struct pe_image file, mapped;
    struct pe_map map;
    struct pe_exports a, b;
    struct pe_sample s =
        open_sample(&file, (struct pe_sample_options){IMAGE_FILE_MACHINE_AMD64, true, false});
    pe_map_build(&map, &file);
    uint8_t *m = xcalloc(map.size, 1);
    pe_read(&file, 0, m, map.size);
    assert_int_equal(pe_open(&mapped, m, map.size, PE_MAPPED, "mapped", NULL), PGR_OK);
    assert_true(pe_exports_open(&a, &file) && pe_exports_open(&b, &mapped));
    assert_int_equal(a.nnames, b.nnames);
    struct pe_export x, y;
    for (uint32_t i = 0; i < a.nnames; i++) {
        expect_row(i, pe_export_name_at(&a, i, &x) && pe_export_name_at(&b, i, &y));
        expect_row(i, !strcmp(x.name, y.name) && x.rva == y.rva);
    }
    free(m);
    pe_map_free(&map);
    free(s.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_tile_the_image),
        cmocka_unit_test(protections_follow_the_section_flags),
        cmocka_unit_test(low_alignment_is_one_segment_of_the_file),
        cmocka_unit_test(gaps_between_sections_have_no_access),
        cmocka_unit_test(pages_relocate_in_any_order_like_the_whole),
        cmocka_unit_test(a_straddling_relocation_marks_both_pages),
        cmocka_unit_test(halves_of_addresses_are_relocated),
        cmocka_unit_test(unknown_relocations_only_bar_moving),
        cmocka_unit_test(an_image_without_relocations_cannot_move),
        cmocka_unit_test(a_mapped_image_reads_like_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
