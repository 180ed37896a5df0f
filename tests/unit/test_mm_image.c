// SPDX-License-Identifier: GPL-2.0-or-later
#include "mm_fixture.h"
#include "pe/build.h"

/* A DLL whose .text holds, at each page, the address of .data; .data is writable, .shared shared.
 */
struct sample {
    uint16_t machine;
    bool dll, fixed_base;
    uint64_t image_base;
    uint16_t dll_characteristics;
};
enum { TEXT_PAGES = 6 };

static int build_sample(const struct sample *o)
{
    struct pe_builder *b =
        pe_build_new(&(struct pe_build_options){.machine = o->machine,
                                                .dll = o->dll,
                                                .fixed_base = o->fixed_base,
                                                .name = "sample.dll",
                                                .image_base = o->image_base,
                                                .file_align = 4096,
                                                .dll_characteristics = o->dll_characteristics});
    int text = pe_build_section(b, ".text", PE_BUILD_CODE);
    int data = pe_build_section(b, ".data", PE_BUILD_DATA);
    int shared = pe_build_section(b, ".shared", PE_BUILD_DATA | IMAGE_SCN_MEM_SHARED);
    pe_build_append(b, text, NULL, TEXT_PAGES * 0x1000, 16);
    pe_build_append(b, data, "data", 4, 16);
    pe_build_append(b, shared, "shared", 6, 16);
    for (uint32_t i = 0; i < TEXT_PAGES - 1; i++) /* the last one straddles two pages */
        pe_build_fixup(b, text, i * 0x1000 + (i == TEXT_PAGES - 2 ? 0xffd : 8), PE_FIXUP_ADDRESS,
                       data, 0);
    pe_build_entry(b, text, 0x10);
    size_t size;
    uint8_t *bytes = pe_build_finish(b, &size);
    int fd = temp_file(bytes, size);
    free(bytes);
    return fd;
}

static const uint16_t path[] = u"\\??\\C:\\windows\\system32\\Sample.DLL";
enum { PATH_LEN = ARRAY_LEN(path) - 1 };
static const struct sample dll64 = {.machine = IMAGE_FILE_MACHINE_AMD64, .dll = true};

static ntstatus map_image(struct mm_fixture *f, int fd, struct nt_image_info *info)
{
    return nt_map_image_file(f->k, f->p, fd, path, PATH_LEN, info, NULL);
}

static uint64_t ptr_at(struct mm_fixture *f, uint64_t va)
{
    uint64_t v = 0;
    assert_true(mem_peek(f->p->mem, va, &v, f->p->ptr_size));
    return v;
}

/* The address of .text, the first section, in a view of a sample; .data follows. */
static uint64_t text_of(uint64_t base)
{
    return base + 0x1000;
}
static uint64_t data_of(uint64_t base)
{
    return text_of(base) + TEXT_PAGES * 0x1000;
}

static uint64_t header_base(struct mm_fixture *f, uint64_t base)
{
    uint64_t nt = base + u32_at(f, base + 0x3c);
    uint64_t v = 0;
    bool is64 = (u32_at(f, nt + 24) & 0xffff) == 0x20b;
    ok(mem_read(f->p->mem, nt + (is64 ? 48 : 52), &v, is64 ? 8 : 4));
    return v;
}

static void an_image_goes_to_its_preferred_base_with_its_sections_rights(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &info));
    close(fd);
    assert_int_equal(info.base, 0x180000000);
    assert_int_equal(info.machine, IMAGE_FILE_MACHINE_AMD64);
    assert_int_equal(info.entry, 0x1010);
    assert_true(info.is64);
    assert_int_equal(info.stack_reserve, 0x100000);
    assert_int_equal(ptr_at(f, text_of(info.base) + 8), data_of(info.base));
    static const struct {
        uint32_t rva, protect;
    } pages[] = {
        {0, PAGE_READONLY},
        {0x1000, PAGE_EXECUTE_READ},
        {0x1000 + TEXT_PAGES * 0x1000, PAGE_WRITECOPY},
        {0x2000 + TEXT_PAGES * 0x1000, PAGE_READWRITE}, /* .shared */
    };
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct mem_info mi = info_at(f, info.base + pages[i].rva);
        expect_row(i, mi.protect == pages[i].protect);
        expect_row(i, mi.allocation_protect == PAGE_EXECUTE_WRITECOPY);
        expect_row(i, mi.type == MEM_IMAGE && mi.allocation_base == info.base);
    }
    assert_int_equal(f->images, 1);
    assert_int_equal(f->image_base, info.base);
    assert_true(f->image_mapped);
}

static void a_taken_base_moves_the_image_and_its_header_says_so(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    uint64_t taken = 0x180000000, size = 0x10000;
    ok(mem_reserve(f->p->mem, &taken, &size, PAGE_READWRITE, false, NULL));
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &info));
    close(fd);
    assert_int_not_equal(info.base, 0x180000000);
    assert_int_equal(info.preferred, 0x180000000);
    assert_int_equal(info.section_base, info.base);
    assert_int_equal(header_base(f, info.base), info.base);
    for (uint32_t i = 0; i < TEXT_PAGES - 1; i++)
        expect_row(i, ptr_at(f, text_of(info.base) + i * 0x1000 +
                                    (i == TEXT_PAGES - 2 ? 0xffd : 8)) == data_of(info.base));
}

static void a_moved_32_bit_dll_stays_below_2_gib(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    const struct sample dll32 = {
        .machine = IMAGE_FILE_MACHINE_I386, .dll = true, .image_base = SCRATCH};
    int fd = build_sample(&dll32);
    ok(map_image(f, fd, &info));
    close(fd);
    assert_true(info.base + info.size <= 0x80000000);
    assert_int_equal(header_base(f, info.base), info.base);
    assert_int_equal(ptr_at(f, text_of(info.base) + 8), data_of(info.base));
}

static void a_second_view_shares_the_pages_and_is_left_to_the_loader(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info one, two;
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &one));
    expect(map_image(f, fd, &two), STATUS_IMAGE_NOT_AT_BASE);
    close(fd);
    assert_int_not_equal(two.base, one.base);
    assert_int_equal(ptr_at(f, text_of(two.base) + 8), data_of(one.base));
    assert_int_equal(header_base(f, two.base), one.base);
    /* writes stay in one view, but for the shared section */
    uint64_t shared = data_of(0) + 0x1000;
    put_u32(f, data_of(one.base), 1);
    assert_int_equal(u32_at(f, data_of(two.base)), 0x61746164); /* "data" */
    put_u32(f, one.base + shared, 2);
    assert_int_equal(u32_at(f, two.base + shared), 2);
    assert_int_equal(info_at(f, data_of(one.base)).protect, PAGE_READWRITE);
    ok(call(f, "NtAreMappedFilesTheSame", one.base, two.base));
    expect(call(f, "NtAreMappedFilesTheSame", one.base, SCRATCH), STATUS_CONFLICTING_ADDRESSES);
    expect(call(f, "NtAreMappedFilesTheSame", one.base, 0x20000), STATUS_INVALID_ADDRESS);
}

static void an_image_mapped_again_keeps_its_place_and_pages(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info one, two;
    uint64_t taken = 0x180000000, size = 0x10000, none = 0;
    ok(mem_reserve(f->p->mem, &taken, &size, PAGE_READWRITE, false, NULL));
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &one));
    ok(call(f, "NtUnmapViewOfSection", SELF, one.base + 0x2345));
    assert_false(f->image_mapped);
    assert_int_equal(info_at(f, one.base).state, MEM_FREE);
    ok(mem_release(f->p->mem, &taken, &none)); /* its preferred base is free now: no matter */
    ok(map_image(f, fd, &two));
    close(fd);
    assert_int_equal(two.base, one.base);
}

static void an_image_without_relocations_is_mapped_elsewhere_as_it_is(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    const struct sample fixed = {
        .machine = IMAGE_FILE_MACHINE_AMD64, .fixed_base = true, .image_base = SCRATCH};
    int fd = build_sample(&fixed);
    expect(map_image(f, fd, &info), STATUS_IMAGE_NOT_AT_BASE);
    close(fd);
    assert_int_not_equal(info.base, SCRATCH);
    assert_int_equal(header_base(f, info.base), SCRATCH);
    assert_int_equal(ptr_at(f, text_of(info.base) + 8), data_of(SCRATCH));
}

static void files_that_are_no_images_are_refused_with_nts_status(void **state)
{
    struct mm_fixture *f = *state;
    struct pgr_error e = {0};
    static const struct {
        const char *bytes;
        size_t size;
        ntstatus status;
    } cases[] = {
        {"", 0, STATUS_INVALID_FILE_FOR_SECTION},
        {"hello, world: not an image at all, but long enough to hold one's first header.....", 80,
         STATUS_INVALID_IMAGE_NOT_MZ},
        {"MZ", 2, STATUS_INVALID_IMAGE_NOT_MZ},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = temp_file(cases[i].bytes, cases[i].size);
        ntstatus s = nt_map_image_file(f->k, f->p, fd, path, PATH_LEN, NULL, &e);
        expect_row(i, s == cases[i].status);
        close(fd);
    }
    assert_int_equal(f->images, 0);
}

static void addresses_lead_back_to_the_file(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    struct nt_view v;
    char name[32];
    static const uint16_t device[] = u"\\Device\\HarddiskVolume1\\windows\\system32\\Sample.DLL";
    uint16_t text[ARRAY_LEN(device)];
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &info));
    close(fd);
    assert_true(nt_image_at(f->k, f->p, info.base + 0x1fff, &v));
    assert_int_equal(v.base, info.base);
    assert_int_equal(v.size, info.size);
    assert_int_equal(v.section, info.section);
    assert_int_equal(v.path_len, PATH_LEN);
    assert_memory_equal(v.path, path, sizeof path);
    assert_false(nt_view_at(f->k, f->p, SCRATCH, &v));
    assert_false(nt_view_at(f->k, f->p, 0x20000, &v));

    uint64_t buffer = SCRATCH + 0x100;
    expect(call(f, "NtQueryVirtualMemory", SELF, info.base, 2, buffer, 16, slot(2)),
           STATUS_BUFFER_OVERFLOW);
    assert_int_equal(get(f, 2), 16 + sizeof device);
    ok(call(f, "NtQueryVirtualMemory", SELF, info.base, 2, buffer, 16 + sizeof device, slot(2)));
    assert_int_equal(u32_at(f, buffer), (sizeof device - 2) | sizeof device << 16);
    ok(mem_read(f->p->mem, buffer + 16, text, sizeof text));
    assert_memory_equal(text, device, sizeof device);
    expect(call(f, "NtQueryVirtualMemory", SELF, SCRATCH, 2, buffer, 100, 0),
           STATUS_INVALID_ADDRESS);

    ok(call(f, "NtQueryVirtualMemory", SELF, info.base + 0x3000, 6, buffer, 24, slot(2)));
    assert_int_equal(ptr_at(f, buffer), info.base);
    assert_int_equal(ptr_at(f, buffer + 8), info.size);

    ok(call(f, "NtQueryVirtualMemory", SELF, info.base, 1000, buffer, 8, 0));
    assert_int_equal(nt_wine_unixlib_name(f->k, f->p, ptr_at(f, buffer), name, sizeof name), 6);
    assert_string_equal(name, "sample");
    assert_int_equal(nt_wine_unixlib_name(f->k, f->p, SCRATCH, name, sizeof name), 0);
    expect(call(f, "NtQueryVirtualMemory", SELF, SCRATCH, 1000, buffer, 8, 0),
           STATUS_DLL_NOT_FOUND);
}

static void a_32_bit_image_in_a_64_bit_process_is_told_apart(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    const struct sample dll32 = {
        .machine = IMAGE_FILE_MACHINE_I386, .dll = true, .image_base = 0x20000000};
    int fd = build_sample(&dll32);
    expect(map_image(f, fd, &info), STATUS_IMAGE_MACHINE_TYPE_MISMATCH);
    close(fd);
    assert_int_equal(info.base, 0x20000000);
}

static void release_unmaps_every_view(void **state)
{
    struct mm_fixture *f = *state;
    struct nt_image_info info;
    struct nt_view v;
    int fd = build_sample(&dll64);
    ok(map_image(f, fd, &info));
    close(fd);
    nt_mm_release_process(f->k, f->p);
    assert_false(nt_view_at(f->k, f->p, info.base, &v));
    assert_null(nt_object_get(f->k, info.section, NT_TYPE_SECTION));
    assert_false(f->image_mapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name)   cmocka_unit_test_setup_teardown(name, mm_setup, mm_teardown)
#define T32(name) cmocka_unit_test_setup_teardown(name, mm_setup32, mm_teardown)
        T(an_image_goes_to_its_preferred_base_with_its_sections_rights),
        T(a_taken_base_moves_the_image_and_its_header_says_so),
        T32(a_moved_32_bit_dll_stays_below_2_gib),
        T(a_second_view_shares_the_pages_and_is_left_to_the_loader),
        T(an_image_mapped_again_keeps_its_place_and_pages),
        T(an_image_without_relocations_is_mapped_elsewhere_as_it_is),
        T(files_that_are_no_images_are_refused_with_nts_status),
        T(addresses_lead_back_to_the_file),
        T(a_32_bit_image_in_a_64_bit_process_is_told_apart),
        T(release_unmaps_every_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
