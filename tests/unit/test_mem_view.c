// SPDX-License-Identifier: GPL-2.0-or-later
/* Views of shared memory, of files and of images; copy-on-write. */
#include "mem_fixture.h"
#include <fcntl.h>

static struct mem_object *anonymous(struct mem_fixture *f, uint64_t size)
{
    struct mem_object *o;
    ok(mem_object_anonymous(f->ram, size, &o));
    return o;
}

/* A deleted temporary file with bytes 1, 2, 3... in 64-bit words. */
static int temp_file(size_t size)
{
    char name[] = "/tmp/peregrine-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    for (uint64_t i = 0; i < size / 8; i++) {
        uint64_t v = i + 1;
        assert_int_equal(pwrite(fd, &v, 8, (off_t)i * 8), 8);
    }
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static uint64_t file64(int fd, off_t at)
{
    uint64_t v = 0;
    assert_int_equal(pread(fd, &v, 8, at), 8);
    return v;
}

static void views_share_pages_and_outlive_the_other_references(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_space *other = new_space(f->ram);
    struct mem_object *o = anonymous(f, 0x12345);
    assert_int_equal(mem_object_size(o), 0x12345);
    uint64_t a = map(f, o, MEM_MAPPED, PAGE_READWRITE), b = 0, size = 0;
    ok(mem_map_view(other, o, 0x10000, &b, &size, MEM_MAPPED, PAGE_READONLY, 9, NULL));
    assert_int_equal(size, 0x3000);
    mem_object_unref(o);
    ok(put64(f, a + 0x11000, 77));
    uint64_t v = 0;
    ok(mem_read(other, b + 0x1000, &v, 8));
    assert_int_equal(v, 77);
    expect(mem_write(other, b, &v, 8), STATUS_ACCESS_VIOLATION);
    ok(mem_unmap_view(f->s, a + 0x5000));
    expect(mem_unmap_view(f->s, a), STATUS_NOT_MAPPED_VIEW);
    ok(mem_read(other, b + 0x1000, &v, 8));
    assert_int_equal(v, 77);
    struct mem_info m;
    ok(mem_query(other, b, &m));
    assert_int_equal(m.type, MEM_MAPPED);
    assert_int_equal(m.tag, 9);
    assert_int_equal(m.allocation_protect, PAGE_READONLY);
    mem_destroy(other);
}

static void view_arguments_are_checked(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o = anonymous(f, 0x20000);
    static const struct {
        uint64_t offset, base, size;
        uint32_t type, protect;
        ntstatus status;
    } rows[] = {
        {0, 0, 0x20000, MEM_MAPPED, PAGE_READWRITE, STATUS_SUCCESS},
        {0, 0, 0x20001, MEM_MAPPED, PAGE_READWRITE, STATUS_INVALID_VIEW_SIZE},
        {0x10000, 0, 0x10001, MEM_MAPPED, PAGE_READWRITE, STATUS_INVALID_VIEW_SIZE},
        {0x20000, 0, 0, MEM_MAPPED, PAGE_READWRITE, STATUS_INVALID_VIEW_SIZE},
        {0x10000, 0, UINT64_MAX, MEM_MAPPED, PAGE_READWRITE, STATUS_INVALID_VIEW_SIZE},
        {0x10800, 0, 0, MEM_MAPPED, PAGE_READWRITE, STATUS_MAPPED_ALIGNMENT},
        {0, 0x7001000, 0, MEM_MAPPED, PAGE_READWRITE, STATUS_MAPPED_ALIGNMENT},
        {0, 0x7000000, 0, MEM_MAPPED, PAGE_READWRITE, STATUS_SUCCESS},
        {0, 0x7010000, 0, MEM_MAPPED, PAGE_READWRITE, STATUS_CONFLICTING_ADDRESSES},
        {0, 0, 0, MEM_PRIVATE, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0, 0, 0, MEM_MAPPED, PAGE_READWRITE | PAGE_READONLY, STATUS_INVALID_PAGE_PROTECTION},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t base = rows[i].base, size = rows[i].size;
        expect_row(i, mem_map_view(f->s, o, rows[i].offset, &base, &size, rows[i].type,
                                   rows[i].protect, 0, NULL) == rows[i].status);
    }
    mem_object_unref(o);
    expect(mem_object_anonymous(f->ram, 0, &o), STATUS_INVALID_PARAMETER);
    expect(mem_object_anonymous(f->ram, UINT64_MAX, &o), STATUS_COMMITMENT_LIMIT);
}

static void a_view_is_not_freed_or_committed_as_private_memory(void **state)
{
    struct mem_fixture *f = *state;
    int fd = temp_file(0x1000);
    struct mem_object *o;
    ok(mem_object_file(f->ram, fd, 0, 0x1000, false, &o));
    uint64_t at = map(f, o, MEM_MAPPED, PAGE_READONLY), base = at, size = 0;
    expect(mem_release(f->s, &base, &size), STATUS_UNABLE_TO_DELETE_SECTION);
    expect(mem_decommit(f->s, &base, &size), STATUS_UNABLE_TO_DELETE_SECTION);
    size = 0x1000;
    expect(mem_commit(f->s, &base, &size, PAGE_READONLY), STATUS_ALREADY_COMMITTED);
    expect(mem_unmap_view(f->s, reserve(f, 0, 0x1000, PAGE_READONLY, true)),
           STATUS_NOT_MAPPED_VIEW);
    expect(mem_unmap_view(f->s, UINT64_MAX), STATUS_NOT_MAPPED_VIEW);
    mem_object_unref(o);
    close(fd);
}

static void a_view_gets_no_right_that_it_was_not_mapped_with(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o = anonymous(f, 0x1000);
    enum {
        NA = PAGE_NOACCESS,
        R = PAGE_READONLY,
        RW = PAGE_READWRITE,
        WC = PAGE_WRITECOPY,
        X = PAGE_EXECUTE,
        XR = PAGE_EXECUTE_READ,
        XRW = PAGE_EXECUTE_READWRITE,
        XWC = PAGE_EXECUTE_WRITECOPY
    };
    static const struct {
        uint32_t view, allowed;
    } rows[] = {
        {NA, NA},
        {R, NA | R | WC},
        {RW, NA | R | WC | RW},
        {WC, NA | R | WC},
        {XR, NA | R | WC | X | XR | XWC},
        {XRW, 0xff},
        {XWC, NA | R | WC | X | XR | XWC},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t at = map(f, o, MEM_MAPPED, rows[i].view);
        for (uint32_t p = 1; p <= 0x80; p *= 2)
            expect_row(i, protect_range(f, at, 0x1000, p, NULL) ==
                              (rows[i].allowed & p ? STATUS_SUCCESS : STATUS_SECTION_PROTECTION));
        ok(mem_unmap_view(f->s, at));
    }
    mem_object_unref(o);
}

static void writecopy_pages_turn_private_when_written(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o = anonymous(f, 0x3000);
    uint64_t shared = map(f, o, MEM_MAPPED, PAGE_EXECUTE_READWRITE);
    uint64_t at = map(f, o, MEM_MAPPED, PAGE_WRITECOPY);
    ok(put64(f, shared + 0x1008, 5));
    assert_int_equal(get64(f, at + 0x1008), 5);
    struct mem_page_info info;
    mem_query_page(f->s, at + 0x1000, &info);
    assert_true(info.valid && info.shared && !info.copied);
    f->invalids = 0;
    ok(put64(f, at + 0x1000, 6));
    assert_int_equal(f->invalids, 1);
    assert_int_equal(f->invalid.va, at + 0x1000);
    assert_int_equal(f->invalid.len, 0x1000);
    mem_query_page(f->s, at + 0x1000, &info);
    assert_true(info.valid && !info.shared && info.copied);
    assert_int_equal(get64(f, at + 0x1008), 5);
    assert_int_equal(get64(f, shared + 0x1000), 0);
    assert_int_equal(query(f, at).size, 0x1000);
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_READWRITE);
    assert_int_equal(query(f, at + 0x2000).protect, PAGE_WRITECOPY);
    uint32_t old = 0;
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_WRITECOPY, &old));
    assert_int_equal(old, PAGE_READWRITE);
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_READWRITE);
    ok(protect_range(f, shared, 0x1000, PAGE_EXECUTE_WRITECOPY, NULL));
    assert_int_equal(query(f, shared).protect, PAGE_EXECUTE_WRITECOPY);
    ok(protect_range(f, shared, 0x1000, PAGE_WRITECOPY, NULL));
    assert_int_equal(query(f, shared).protect, PAGE_WRITECOPY);
    mem_object_unref(o);
}

static void a_writable_file_view_and_the_file_agree(void **state)
{
    struct mem_fixture *f = *state;
    int fd = temp_file(0x5000);
    struct mem_object *o;
    ok(mem_object_file(f->ram, fd, 0x1000, 0x3008, true, &o));
    uint64_t at = map(f, o, MEM_MAPPED, PAGE_READWRITE);
    uint64_t copy = map(f, o, MEM_MAPPED, PAGE_WRITECOPY);
    assert_int_equal(query(f, at).size, 0x4000);
    assert_int_equal(get64(f, at), 0x1000 / 8 + 1);
    ok(put64(f, at + 0x2000, 99));
    assert_int_equal(file64(fd, 0x3000), 99);
    assert_int_equal(get64(f, copy + 0x2000), 99);
    uint64_t v = 123;
    assert_int_equal(pwrite(fd, &v, 8, 0x1000), 8);
    assert_int_equal(get64(f, at), 123);
    assert_int_equal(get64(f, copy), 123);
    ok(put64(f, copy, 1)); /* stays with the view */
    assert_int_equal(file64(fd, 0x1000), 123);
    close(fd); /* the object has its own descriptor */
    ok(put64(f, at + 8, 4));
    mem_object_unref(o);
}

static void a_read_only_file_view_never_reaches_the_file(void **state)
{
    struct mem_fixture *f = *state;
    int fd = temp_file(0x2800);
    struct mem_object *o;
    ok(mem_object_file(f->ram, fd, 0, 0x6000, false, &o));
    uint64_t base = 0, size = 0;
    expect(mem_map_view(f->s, o, 0, &base, &size, MEM_MAPPED, PAGE_READWRITE, 0, NULL),
           STATUS_SECTION_PROTECTION);
    uint64_t at = map(f, o, MEM_MAPPED, PAGE_WRITECOPY),
             other = map(f, o, MEM_MAPPED, PAGE_READONLY);
    ok(put64(f, at, 7));
    uint64_t v = 8;
    ok(mem_poke(f->s, other + 8, &v, 8)); /* a debugger's patch */
    assert_int_equal(get64(f, other + 8), 8);
    assert_int_equal(query(f, other).protect, PAGE_READONLY);
    assert_int_equal(get64(f, at + 8), 2);
    assert_int_equal(file64(fd, 0), 1);
    assert_int_equal(file64(fd, 8), 2);
    assert_int_equal(get64(f, at + 0x2800), 0); /* the file's last page */
    assert_int_equal(get64(f, at + 0x5000), 0); /* beyond it */
    mem_object_unref(o);
    close(fd);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    int dir = open("/tmp", O_RDONLY | O_DIRECTORY), null = open("/dev/null", O_RDONLY);
    int fd = temp_file(0x2000);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int readonly = open(link, O_RDONLY);
    expect(mem_object_file(f->ram, dir, 0, 0x1000, false, &o), STATUS_INVALID_FILE_FOR_SECTION);
    expect(mem_object_file(f->ram, null, 0, 0x1000, false, &o), STATUS_INVALID_FILE_FOR_SECTION);
    expect(mem_object_file(f->ram, -1, 0, 0x1000, false, &o), STATUS_INSUFFICIENT_RESOURCES);
    expect(mem_object_file(f->ram, fd, 0x800, 0x1000, false, &o), STATUS_MAPPED_ALIGNMENT);
    expect(mem_object_file(f->ram, readonly, 0, 0x1000, true, &o), STATUS_ACCESS_DENIED);
    assert_null(o);
    ok(mem_object_image(f->ram, 0x4000, &o));
    expect(mem_object_put_file(o, 0, dir, 0, 1), STATUS_INVALID_FILE_FOR_SECTION);
    expect(mem_object_put_file(o, 0, fd, 0x1000, 0x1001), STATUS_END_OF_FILE);
    expect(mem_object_put_file(o, 0, fd, UINT64_MAX, 2), STATUS_END_OF_FILE);
    expect(mem_object_put_file(o, 0x3000, fd, 0, 0x1001), STATUS_INVALID_PARAMETER);
    expect(mem_object_put_bytes(o, UINT64_MAX, "ab", 2), STATUS_INVALID_PARAMETER);
    mem_object_unref(o);
    close(dir);
    close(null);
    close(fd);
    close(readonly);
}

static void frames_that_showed_a_file_come_back_as_zeroes(void **state)
{
    struct mem_fixture *f = *state;
    int fd = temp_file(0x10000);
    for (int i = 0; i < 3; i++) {
        struct mem_object *o;
        ok(mem_object_file(f->ram, fd, 0, 0x10000, true, &o));
        uint8_t *was = mem_object_bytes(o);
        mem_object_unref(o);
        o = anonymous(f, 0x10000);
        if (i == 0)
            assert_ptr_equal(mem_object_bytes(o), was);
        for (size_t k = 0; k < 0x10000; k++)
            assert_int_equal(mem_object_bytes(o)[k], 0);
        memset(mem_object_bytes(o), 0xcc, 0x10000);
        assert_int_equal(file64(fd, 0), 1);
        mem_object_unref(o);
    }
    close(fd);
}

/* Headers, code of 5 pages and a bit, data, shared data. */
static uint64_t map_image(struct mem_fixture *f, struct mem_object **out)
{
    int fd = temp_file(0x10000);
    struct mem_object *o;
    ok(mem_object_image(f->ram, 0xa000, &o));
    ok(mem_object_put_bytes(o, 0, "MZ", 2));
    ok(mem_object_put_file(o, 0x1000, fd, 0x2000, 0x5010)); /* mapped, with a tail that is read */
    ok(mem_object_put_file(o, 0x7000, fd, 0x8200, 0x300));  /* read */
    close(fd);
    uint64_t *fix = (uint64_t *)(void *)(mem_object_bytes(o) + 0x2000);
    *fix += 0x1000000; /* a relocation */
    uint64_t at = map(f, o, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY);
    ok(mem_set_view_protect(f->s, at, 0x1000, PAGE_READONLY));
    ok(mem_set_view_protect(f->s, at + 0x1000, 0x6000, PAGE_EXECUTE_READ));
    ok(mem_set_view_protect(f->s, at + 0x7000, 0x1000, PAGE_WRITECOPY));
    ok(mem_set_view_protect(f->s, at + 0x8000, 0x2000, PAGE_READWRITE));
    *out = o;
    return at;
}

static void an_image_is_laid_out_from_pieces(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    uint64_t at = map_image(f, &o);
    assert_int_equal(get64(f, at), 0x5a4d);
    assert_int_equal(get64(f, at + 0x1000), 0x2000 / 8 + 1);
    assert_int_equal(get64(f, at + 0x2000), 0x3000 / 8 + 1 + 0x1000000);
    assert_int_equal(get64(f, at + 0x6008), 0x7008 / 8 + 1);
    assert_int_equal(get64(f, at + 0x6010), 0); /* not what follows in the file */
    assert_int_equal(get64(f, at + 0x72f8), 0x84f8 / 8 + 1);
    assert_int_equal(get64(f, at + 0x7300), 0);
    assert_int_equal(query(f, at + 0x1000).size, 0x6000);
    assert_int_equal(query(f, at + 0x1000).type, MEM_IMAGE);
    assert_int_equal(query(f, at + 0x1000).allocation_protect, PAGE_EXECUTE_WRITECOPY);
    assert_int_equal(query(f, at).allocation_base, at);
    expect(mem_set_view_protect(f->s, at + 0x9000, 0x1001, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW);
    mem_object_unref(o);
}

static void image_pages_made_writable_are_copied_and_shared_sections_not(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    uint64_t at = map_image(f, &o), two = map(f, o, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY);
    uint32_t old = 0;
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_EXECUTE_READWRITE, &old));
    assert_int_equal(old, PAGE_EXECUTE_READ);
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_EXECUTE_WRITECOPY);
    ok(put64(f, at + 0x1000, 1));
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_EXECUTE_READWRITE);
    assert_int_not_equal(get64(f, two + 0x1000), 1);
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_EXECUTE_READ, &old));
    assert_int_equal(old, PAGE_EXECUTE_READWRITE);
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_READWRITE, NULL)); /* its own by now */
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_READWRITE);
    ok(put64(f, at + 0x8000, 2));
    assert_int_equal(get64(f, two + 0x8000), 2);
    ok(protect_range(f, at + 0x8000, 0x1000, PAGE_READONLY, NULL));
    ok(protect_range(f, at + 0x8000, 0x1000, PAGE_READWRITE, NULL));
    ok(put64(f, at + 0x8000, 3));
    assert_int_equal(get64(f, two + 0x8000), 3);
    mem_object_unref(o);
}

static void poking_an_image_keeps_protection_and_other_views(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    uint64_t at = map_image(f, &o), two = map(f, o, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY), v = 0;
    ok(mem_poke(f->s, at + 0x1ffc, "abcdefgh", 8));
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_EXECUTE_READ);
    assert_int_equal(query(f, at + 0x1000).size, 0x6000);
    assert_int_equal(f->code.va, at + 0x1ffc);
    assert_int_equal(f->code.len, 8);
    assert_true(mem_peek(f->s, at + 0x1ffc, &v, 8));
    assert_memory_equal(&v, "abcdefgh", 8);
    assert_true(mem_peek(f->s, two + 0x1ffc, &v, 8));
    assert_memory_not_equal(&v, "abcdefgh", 8);
    mem_object_unref(o);
}

static void a_reserved_section_is_committed_for_all_views(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    ok(mem_object_reserved(f->ram, 0x10000, &o));
    uint64_t a = map(f, o, MEM_MAPPED, PAGE_READWRITE), b = map(f, o, MEM_MAPPED, PAGE_READONLY);
    mem_object_unref(o);
    assert_int_equal(query(f, a).state, MEM_RESERVE);
    assert_int_equal(query(f, a).type, MEM_MAPPED);
    expect(put64(f, a, 1), STATUS_ACCESS_VIOLATION);
    uint64_t base = a + 0x1000, size = 0x2000;
    expect(mem_commit(f->s, &base, &size, PAGE_EXECUTE_READ), STATUS_SECTION_PROTECTION);
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    ok(put64(f, a + 0x1000, 5));
    ok(put64(f, a + 0x2000, 6));
    assert_int_equal(get64(f, b + 0x1000), 5);
    struct mem_info m = query(f, b + 0x1000);
    assert_int_equal(m.state, MEM_COMMIT);
    assert_int_equal(m.size, 0x2000);
    assert_int_equal(m.protect, PAGE_READONLY);
    assert_int_equal(query(f, b).size, 0x1000);
    expect(protect_range(f, a, 0x2000, PAGE_READONLY, NULL), STATUS_NOT_COMMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mem_test(views_share_pages_and_outlive_the_other_references),
        mem_test(view_arguments_are_checked),
        mem_test(a_view_is_not_freed_or_committed_as_private_memory),
        mem_test(a_view_gets_no_right_that_it_was_not_mapped_with),
        mem_test(writecopy_pages_turn_private_when_written),
        mem_test(a_writable_file_view_and_the_file_agree),
        mem_test(a_read_only_file_view_never_reaches_the_file),
        mem_test(what_cannot_be_mapped_is_refused),
        mem_test(frames_that_showed_a_file_come_back_as_zeroes),
        mem_test(an_image_is_laid_out_from_pieces),
        mem_test(image_pages_made_writable_are_copied_and_shared_sections_not),
        mem_test(poking_an_image_keeps_protection_and_other_views),
        mem_test(a_reserved_section_is_committed_for_all_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
