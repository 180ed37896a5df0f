// SPDX-License-Identifier: GPL-2.0-or-later
#include "mm_fixture.h"
#include "nt/io/io.h"

enum {
    SEC_COMMIT = 0x8000000,
    SEC_RESERVE = 0x4000000,
    SEC_IMAGE = 0x1000000,
    SEC_FILE = 0x800000
};
#define ALL_ACCESS 0xf001fu
#define STRINGS    (SCRATCH + 0x4000)

/* OBJECT_ATTRIBUTES of a 64-bit guest that names an object. */
static uint64_t object_attributes(struct mm_fixture *f, const char *name, uint32_t attributes)
{
    uint16_t text[128];
    uint64_t oa[6] = {48, 0, STRINGS + 64, attributes}, us[2];
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        text[i] = (uint16_t)name[i];
    us[0] = n * 2 | n * 2 << 16;
    us[1] = STRINGS + 128;
    ok(mem_write(f->p->mem, STRINGS, oa, sizeof oa));
    ok(mem_write(f->p->mem, STRINGS + 64, us, sizeof us));
    ok(mem_write(f->p->mem, STRINGS + 128, text, n * 2));
    return STRINGS;
}

static ntstatus create(struct mm_fixture *f, uint64_t size, uint32_t protect, uint32_t attributes,
                       uint64_t file, uint64_t *handle)
{
    ntstatus s = call(f, "NtCreateSection", slot(2), ALL_ACCESS, 0, size ? set(f, 3, size) : 0,
                      protect, attributes, file);
    *handle = get(f, 2);
    return s;
}

static ntstatus map_part(struct mm_fixture *f, uint64_t section, uint64_t *base, uint64_t offset,
                         uint64_t *size, uint32_t protect)
{
    ntstatus s = call(f, "NtMapViewOfSection", section, SELF, set(f, 4, *base), 0, 0,
                      set(f, 5, offset), set(f, 6, *size), 1, 0, protect);
    *base = get(f, 4);
    *size = get(f, 6);
    return s;
}

static uint64_t map_all(struct mm_fixture *f, uint64_t section, uint32_t protect)
{
    uint64_t base = 0, size = 0;
    ok(map_part(f, section, &base, 0, &size, protect));
    return base;
}

static void close_handle(struct mm_fixture *f, uint64_t h)
{
    ok(nt_handle_close(f->k, f->p, h));
}

static void views_of_a_pagefile_section_share_zeroed_pages(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h;
    ok(create(f, 0x12345, PAGE_READWRITE, SEC_COMMIT, 0, &h));
    uint64_t one = map_all(f, h, PAGE_READWRITE), two = map_all(f, h, PAGE_READONLY);
    assert_int_equal(u32_at(f, two + 0x12340), 0);
    put_u32(f, one + 0x12340, 42);
    assert_int_equal(u32_at(f, two + 0x12340), 42);
    assert_int_equal(info_at(f, one).type, MEM_MAPPED);
    assert_int_equal(info_at(f, one).region_size, 0x13000);
    /* the view keeps the pages when the handle is gone */
    close_handle(f, h);
    assert_int_equal(u32_at(f, one + 0x12340), 42);
    ok(call(f, "NtUnmapViewOfSection", SELF, one + 0x5000));
    expect(call(f, "NtUnmapViewOfSection", SELF, one), STATUS_NOT_MAPPED_VIEW);
    expect(call(f, "NtUnmapViewOfSection", SELF, SCRATCH), STATUS_NOT_MAPPED_VIEW);
    ok(call(f, "NtUnmapViewOfSection", SELF, two));
}

static void wrong_sections_are_refused(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        uint64_t size;
        uint32_t protect, attributes;
        uint64_t file;
        ntstatus status;
    } cases[] = {
        {0, PAGE_READWRITE, SEC_COMMIT, 0, STATUS_INVALID_PARAMETER},
        {0x1000, PAGE_READWRITE, 0, 0, STATUS_INVALID_PARAMETER},
        {0x1000, PAGE_READWRITE, SEC_COMMIT | SEC_RESERVE, 0, STATUS_INVALID_PARAMETER},
        {0x1000, PAGE_READWRITE, SEC_COMMIT | SEC_IMAGE, 0, STATUS_INVALID_PARAMETER},
        {0x1000, PAGE_READONLY, SEC_IMAGE, 0, STATUS_INVALID_FILE_FOR_SECTION},
        {0x1000, 0, SEC_COMMIT, 0, STATUS_INVALID_PAGE_PROTECTION},
        {0x1000, 3, SEC_COMMIT, 0, STATUS_INVALID_PAGE_PROTECTION},
        {0x1000, PAGE_READWRITE, SEC_COMMIT, 0x1234, STATUS_INVALID_HANDLE},
        {1ull << 63, PAGE_READWRITE, SEC_COMMIT, 0, STATUS_SECTION_TOO_BIG},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t h;
        ntstatus s =
            create(f, cases[i].size, cases[i].protect, cases[i].attributes, cases[i].file, &h);
        expect_row(i, s == cases[i].status && !h);
    }
}

static void wrong_views_are_refused(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h;
    ok(create(f, 0x20000, PAGE_READONLY, SEC_COMMIT, 0, &h));
    uint64_t used = map_all(f, h, PAGE_READONLY);
    const struct {
        uint64_t base, zero_bits, offset, size, inherit, type, protect;
        ntstatus status;
    } cases[] = {
        {used, 0, 0, 0, 1, 0, PAGE_READONLY, STATUS_CONFLICTING_ADDRESSES},
        {used + 42, 0, 0, 0, 1, 0, PAGE_READONLY, STATUS_MAPPED_ALIGNMENT},
        {used + 0x1000, 0, 0, 0, 1, 0, PAGE_READONLY, STATUS_MAPPED_ALIGNMENT},
        {0, 0, 1, 0, 1, 0, PAGE_READONLY, STATUS_MAPPED_ALIGNMENT},
        {0, 0, 0x20000, 0, 1, 0, PAGE_READONLY, STATUS_INVALID_PARAMETER},
        {0, 0, 0x10000, 0x10001, 1, 0, PAGE_READONLY, STATUS_INVALID_VIEW_SIZE},
        {0, 0, 0, 0, 0, 0, PAGE_READONLY, STATUS_INVALID_PARAMETER_8},
        {0, 0, 0, 0, 1, 0x40000000, PAGE_READONLY, STATUS_INVALID_PARAMETER_9},
        {0, 0, 0, 0, 1, MEM_COMMIT, PAGE_READONLY, STATUS_INVALID_PARAMETER_9},
        {0, 22, 0, 0, 1, 0, PAGE_READONLY, STATUS_INVALID_PARAMETER_4},
        {0x40000000, 2, 0, 0, 1, 0, PAGE_READONLY, STATUS_INVALID_PARAMETER_4},
        {0, 21, 0, 0, 1, 0, PAGE_READONLY, STATUS_NO_MEMORY},
        {0, 0, 0, 0, 1, 0, 0, STATUS_INVALID_PAGE_PROTECTION},
        {0, 0, 0, 0, 1, 0, PAGE_READWRITE, STATUS_SECTION_PROTECTION},
        {0, 0, 0, 0, 1, 0, PAGE_EXECUTE_READ, STATUS_SECTION_PROTECTION},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ntstatus s =
            call(f, "NtMapViewOfSection", h, SELF, set(f, 4, cases[i].base), cases[i].zero_bits, 0,
                 set(f, 5, cases[i].offset), set(f, 6, cases[i].size), cases[i].inherit,
                 cases[i].type, cases[i].protect);
        expect_row(i, s == cases[i].status);
    }
    expect(call(f, "NtMapViewOfSection", h, 0, set(f, 4, 0), 0, 0, 0, set(f, 6, 0), 1, 0,
                PAGE_READONLY),
           STATUS_INVALID_HANDLE);
    expect(call(f, "NtMapViewOfSection", 0x444, SELF, set(f, 4, 0), 0, 0, 0, set(f, 6, 0), 1, 0,
                PAGE_READONLY),
           STATUS_INVALID_HANDLE);
}

static void a_handle_without_the_right_maps_nothing(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t base = 0, size = 0, h;
    ok(call(f, "NtCreateSection", slot(2), 4 /* SECTION_MAP_READ */, 0, set(f, 3, 0x1000),
            PAGE_READWRITE, SEC_COMMIT, 0));
    h = get(f, 2);
    expect(map_part(f, h, &base, 0, &size, PAGE_READWRITE), STATUS_ACCESS_DENIED);
    ok(map_part(f, h, &base, 0, &size, PAGE_READONLY));
}

static void a_write_copy_view_keeps_its_writes(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h;
    ok(create(f, 0x1000, PAGE_READWRITE, SEC_COMMIT, 0, &h));
    uint64_t shared = map_all(f, h, PAGE_READWRITE), copy = map_all(f, h, PAGE_WRITECOPY);
    put_u32(f, shared, 1);
    put_u32(f, copy, 2);
    assert_int_equal(u32_at(f, shared), 1);
    assert_int_equal(info_at(f, copy).protect, PAGE_READWRITE);
}

static void a_reserved_section_is_committed_through_its_views(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h, size = 0x2000;
    ok(create(f, 0x10000, PAGE_READWRITE, SEC_RESERVE, 0, &h));
    uint64_t one = map_all(f, h, PAGE_READWRITE), two = map_all(f, h, PAGE_READWRITE);
    assert_int_equal(info_at(f, one).state, MEM_RESERVE);
    uint64_t at = one + 0x4000;
    ok(alloc_at(f, &at, &size, MEM_COMMIT, PAGE_READWRITE));
    put_u32(f, one + 0x4000, 5);
    assert_int_equal(u32_at(f, two + 0x4000), 5);
    assert_int_equal(info_at(f, two + 0x6000).state, MEM_RESERVE);
}

static void names_open_the_same_section(void **state)
{
    struct mm_fixture *f = *state;
    const char *name = "\\BaseNamedObjects\\pgr-section";
    ok(call(f, "NtCreateSection", slot(2), ALL_ACCESS, object_attributes(f, name, 0x80),
            set(f, 3, 0x1000), PAGE_READWRITE, SEC_COMMIT, 0));
    uint64_t one = get(f, 2);
    ok(call(f, "NtOpenSection", slot(2), ALL_ACCESS, object_attributes(f, name, 0)));
    uint64_t two = get(f, 2);
    put_u32(f, map_all(f, one, PAGE_READWRITE), 9);
    assert_int_equal(u32_at(f, map_all(f, two, PAGE_READONLY)), 9);
    expect(call(f, "NtCreateSection", slot(2), ALL_ACCESS, object_attributes(f, name, 0x80),
                set(f, 3, 0x1000), PAGE_READWRITE, SEC_COMMIT, 0),
           STATUS_OBJECT_NAME_EXISTS);
    close_handle(f, get(f, 2));
    expect(call(f, "NtCreateSection", slot(2), ALL_ACCESS, object_attributes(f, name, 0),
                set(f, 3, 0x1000), PAGE_READWRITE, SEC_COMMIT, 0),
           STATUS_OBJECT_NAME_COLLISION);
    /* what could not be made leaves no name behind */
    expect(call(f, "NtCreateSection", slot(2), ALL_ACCESS,
                object_attributes(f, "\\BaseNamedObjects\\other", 0), 0, PAGE_READWRITE, SEC_COMMIT,
                0),
           STATUS_INVALID_PARAMETER);
    expect(call(f, "NtOpenSection", slot(2), ALL_ACCESS,
                object_attributes(f, "\\BaseNamedObjects\\other", 0)),
           STATUS_OBJECT_NAME_NOT_FOUND);
}

static void basic_information_tells_kind_and_size(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t h, buffer = SCRATCH + 0x100;
    ok(create(f, 0x1001, PAGE_READWRITE, SEC_COMMIT, 0, &h));
    expect(call(f, "NtQuerySection", h, 0, buffer, 23, slot(8)), STATUS_INFO_LENGTH_MISMATCH);
    ok(call(f, "NtQuerySection", h, 0, buffer, 24, slot(8)));
    assert_int_equal(get(f, 8), 24);
    assert_int_equal(u32_at(f, buffer + 8), SEC_COMMIT);
    assert_int_equal(u32_at(f, buffer + 16), 0x2000);
    expect(call(f, "NtQuerySection", h, 1, buffer, 64, slot(8)), STATUS_SECTION_NOT_IMAGE);
    expect(call(f, "NtExtendSection", h, set(f, 3, 0x9000)), STATUS_SECTION_NOT_EXTENDED);
}

/* ---- Files
 * ---------------------------------------------------------------------------------------- */

struct host_dir {
    char path[32], file[48];
};

static void host_write(const char *path, const void *data, size_t size)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    fclose(out);
}

static struct host_dir mount_with_file(struct mm_fixture *f, const void *data, size_t size)
{
    struct host_dir d = {"/tmp/pgr-mm-XXXXXX", ""};
    assert_non_null(mkdtemp(d.path));
    snprintf(d.file, sizeof d.file, "%s/a.bin", d.path);
    host_write(d.file, data, size);
    struct pgr_error e = {0};
    if (nt_io_mount(f->k, "C:\\work", d.path, NT_MOUNT_READ_WRITE, &e))
        fail_msg("%s", e.text);
    return d;
}

static void host_remove(const struct host_dir *d)
{
    unlink(d->file);
    rmdir(d->path);
}

static uint64_t open_file(struct mm_fixture *f, uint32_t access)
{
    ok(call(f, "NtOpenFile", slot(2), access | 0x100000,
            object_attributes(f, "\\??\\C:\\work\\a.bin", 0x40), SCRATCH + 0x80, 7, 0x20));
    return get(f, 2);
}

static void a_file_section_shows_and_writes_the_file(void **state)
{
    struct mm_fixture *f = *state;
    char data[5000] = "first bytes", back[16];
    struct host_dir d = mount_with_file(f, data, sizeof data);
    uint64_t h, file = open_file(f, 3 /* read, write */), buffer = SCRATCH + 0x100;
    ok(create(f, 0, PAGE_READWRITE, SEC_COMMIT, file, &h));
    uint64_t view = map_all(f, h, PAGE_READWRITE);
    assert_int_equal(u32_at(f, view), 0x73726966);
    put_u32(f, view, 0x21212121);
    FILE *in = fopen(d.file, "rb");
    assert_int_equal(fread(back, 1, 4, in), 4);
    fclose(in);
    assert_memory_equal(back, "!!!!", 4);
    ok(call(f, "NtQuerySection", h, 0, buffer, 24, 0));
    assert_int_equal(u32_at(f, buffer + 8), SEC_FILE);
    assert_int_equal(u32_at(f, buffer + 16), sizeof data);
    ok(call(f, "NtFlushVirtualMemory", SELF, set(f, 4, view), set(f, 6, 0), SCRATCH + 0x80));
    assert_int_equal(get(f, 6), 0x2000);
    /* longer than the file: the file grows */
    ok(call(f, "NtExtendSection", h, set(f, 3, 0x9000)));
    uint64_t longer = map_all(f, h, PAGE_READWRITE);
    put_u32(f, longer + 0x8000, 7);
    assert_int_equal(u32_at(f, longer), 0x21212121);
    in = fopen(d.file, "rb");
    fseek(in, 0, SEEK_END);
    assert_int_equal(ftell(in), 0x9000);
    fclose(in);
    host_remove(&d);
}

static void a_read_only_file_gives_read_only_sections(void **state)
{
    struct mm_fixture *f = *state;
    struct host_dir d = mount_with_file(f, "abcd", 4);
    uint64_t h, base = 0, size = 0, file = open_file(f, 1 /* read */);
    expect(create(f, 0, PAGE_READWRITE, SEC_COMMIT, file, &h), STATUS_ACCESS_DENIED);
    expect(create(f, 0x1000, PAGE_READONLY, SEC_COMMIT, file, &h), STATUS_SECTION_TOO_BIG);
    ok(create(f, 0, PAGE_READONLY, SEC_COMMIT, file, &h));
    expect(map_part(f, h, &base, 0, &size, PAGE_READWRITE), STATUS_SECTION_PROTECTION);
    uint64_t copy = map_all(f, h, PAGE_WRITECOPY);
    put_u32(f, copy, 0);
    assert_int_equal(u32_at(f, map_all(f, h, PAGE_READONLY)), 0x64636261);
    expect(create(f, 0, PAGE_READONLY, SEC_IMAGE, file, &h), STATUS_INVALID_IMAGE_NOT_MZ);
    host_remove(&d);
}

static void an_empty_file_has_no_section(void **state)
{
    struct mm_fixture *f = *state;
    struct host_dir d = mount_with_file(f, "", 0);
    uint64_t h, file = open_file(f, 3);
    expect(create(f, 0, PAGE_READONLY, SEC_COMMIT, file, &h), STATUS_MAPPED_FILE_SIZE_ZERO);
    expect(create(f, 0, PAGE_READONLY, SEC_IMAGE, file, &h), STATUS_INVALID_FILE_FOR_SECTION);
    host_remove(&d);
}

static void the_host_maps_system_files_for_reading(void **state)
{
    struct mm_fixture *f = *state;
    struct host_dir d = mount_with_file(f, "tables", 6);
    struct nt_view v;
    uint64_t base, size;
    ok(nt_map_system_file(&f->c, "C:\\work\\A.BIN", &base, &size));
    assert_int_equal(size, 6);
    assert_int_equal(u32_at(f, base), 0x6c626174);
    assert_int_equal(info_at(f, base).protect, PAGE_READONLY);
    assert_true(nt_view_at(f->k, f->p, base, &v));
    assert_false(v.image);
    ok(call(f, "NtUnmapViewOfSection", SELF, base));
    assert_false(nt_success(nt_map_system_file(&f->c, "C:\\work\\none", &base, &size)));
    host_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, mm_setup, mm_teardown)
        T(views_of_a_pagefile_section_share_zeroed_pages),
        T(wrong_sections_are_refused),
        T(wrong_views_are_refused),
        T(a_handle_without_the_right_maps_nothing),
        T(a_write_copy_view_keeps_its_writes),
        T(a_reserved_section_is_committed_through_its_views),
        T(names_open_the_same_section),
        T(basic_information_tells_kind_and_size),
        T(a_file_section_shows_and_writes_the_file),
        T(a_read_only_file_gives_read_only_sections),
        T(an_empty_file_has_no_section),
        T(the_host_maps_system_files_for_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
