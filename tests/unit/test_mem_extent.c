// SPDX-License-Identifier: GPL-2.0-or-later
/* What lies where in which file: the file has the bytes of the page, then and later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/bits.h"
#include "mem/space.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT 0x10000000ull
enum { PAGE = 0x1000 };

struct fixture {
    struct mem_ram *ram;
    struct mem_space *mem;
    struct mem_extent list[32];
    size_t count;
};

static void open_space(struct fixture *f)
{
    struct pgr_error e;
    struct mem_config c = {NULL, 0x10000, 0x7ffeffff, 4};
    assert_int_equal(mem_ram_create(&f->ram, 1ull << 30, &e), PGR_OK);
    c.ram = f->ram;
    assert_int_equal(mem_create(&c, &f->mem, &e), PGR_OK);
}

static void close_space(struct fixture *f)
{
    mem_destroy(f->mem);
    mem_ram_destroy(f->ram);
}

static void ask(struct fixture *f, uint64_t pages, bool populate)
{
    f->count =
        mem_extents(f->mem, AT, AT + pages * PAGE - 1, populate, f->list, ARRAY_LEN(f->list));
}

static uint64_t first_word(const struct mem_extent *e, uint64_t page)
{
    uint64_t v = 0;
    assert_int_equal(pread(e->fd, &v, sizeof v, (off_t)(e->offset + page * PAGE)), sizeof v);
    return v;
}

static void assert_extent(const struct mem_extent *e, uint64_t page, uint64_t pages,
                          unsigned rights)
{
    assert_int_equal(e->va, AT + page * PAGE);
    assert_int_equal(e->pages, pages);
    assert_int_equal(e->rights, rights);
}

static void reserve(struct fixture *f, uint64_t pages, bool commit)
{
    uint64_t base = AT, size = pages * PAGE;
    assert_int_equal(mem_reserve(f->mem, &base, &size, PAGE_READWRITE, commit, NULL), 0);
}

static void test_private_pages_are_present_when_touched_or_populated(void **state)
{
    const uint64_t value = 77;
    struct fixture f;
    open_space(&f);
    reserve(&f, 32, true);
    ask(&f, 32, false);
    assert_int_equal(f.count, 0);
    assert_int_equal(mem_write(f.mem, AT + 5 * PAGE, &value, 8), 0);
    ask(&f, 32, false);
    assert_int_equal(f.count, 1);
    assert_extent(&f.list[0], 5, 1, MEM_R | MEM_W);
    ask(&f, 32, true);
    assert_int_equal(f.count, 1); /* one piece of the file */
    assert_extent(&f.list[0], 0, 32, MEM_R | MEM_W);
    assert_int_equal(f.list[0].fd, mem_ram_fd(f.ram));
    assert_int_equal(first_word(&f.list[0], 5), 77);
    assert_int_equal(mem_write(f.mem, AT + 6 * PAGE, &value, 8), 0);
    assert_int_equal(first_word(&f.list[0], 6), 77);
    close_space(&f);
}

static void test_guards_and_holes_stay_out_and_as_they_are(void **state)
{
    struct fixture f;
    struct mem_page page;
    uint32_t old;
    uint64_t guard = AT + 3 * PAGE, none = AT + 7 * PAGE, read = AT + 9 * PAGE, size = PAGE;
    open_space(&f);
    reserve(&f, 16, true);
    assert_int_equal(mem_protect(f.mem, &guard, &size, PAGE_READWRITE | PAGE_GUARD, &old), 0);
    assert_int_equal(mem_protect(f.mem, &none, &size, PAGE_NOACCESS, &old), 0);
    assert_int_equal(mem_protect(f.mem, &read, &size, PAGE_READONLY, &old), 0);
    ask(&f, 32, true);
    assert_int_equal(f.count, 5);
    assert_extent(&f.list[0], 0, 3, MEM_R | MEM_W);
    assert_extent(&f.list[1], 4, 3, MEM_R | MEM_W);
    assert_extent(&f.list[2], 8, 1, MEM_R | MEM_W);
    assert_extent(&f.list[3], 9, 1, MEM_R);
    assert_extent(&f.list[4], 10, 6, MEM_R | MEM_W);
    assert_int_equal(mem_fault(f.mem, guard, MEM_R, &page), STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(mem_extents(f.mem, AT, AT + 16 * PAGE - 1, true, f.list, 2), 2);
    close_space(&f);
}

static int temp_file(size_t pages)
{
    char name[] = "/tmp/peregrine-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t words[PAGE / 8] = {i + 1};
        assert_int_equal(write(fd, words, PAGE), PAGE);
    }
    return fd;
}

static void map(struct fixture *f, struct mem_object *o, uint32_t type, uint32_t protect)
{
    uint64_t base = AT, size = 0;
    assert_int_equal(mem_map_view(f->mem, o, 0, &base, &size, type, protect, 1, NULL), 0);
}

static void test_views_of_files_are_the_files(void **state)
{
    struct fixture f;
    struct mem_object *o;
    int fd = temp_file(16);
    open_space(&f);
    assert_int_equal(mem_object_file(f.ram, fd, 2 * PAGE, 10 * PAGE, false, &o), 0);
    map(&f, o, MEM_MAPPED, PAGE_WRITECOPY);
    uint64_t value = 99;
    assert_int_equal(mem_write(f.mem, AT + 4 * PAGE, &value, 8), 0); /* a copy */
    ask(&f, 16, true);
    assert_int_equal(f.count, 3);
    assert_extent(&f.list[0], 0, 4, MEM_R);
    assert_true(f.list[0].fd != mem_ram_fd(f.ram));
    assert_int_equal(f.list[0].offset, 2 * PAGE);
    assert_extent(&f.list[1], 4, 1, MEM_R | MEM_W);
    assert_int_equal(first_word(&f.list[1], 0), 99);
    assert_extent(&f.list[2], 5, 5, MEM_R);
    assert_int_equal(f.list[2].offset, 7 * PAGE);
    mem_object_unref(o);
    close_space(&f);
    close(fd);
}

static void test_relocated_pages_of_an_image_are_copied(void **state)
{
    struct fixture f;
    struct mem_object *o;
    uint64_t relocated = 1000;
    int fd = temp_file(16);
    open_space(&f);
    assert_int_equal(mem_object_image(f.ram, 20 * PAGE, &o), 0);
    assert_int_equal(mem_object_put_file(o, PAGE, fd, 0, 12 * PAGE), 0);
    memcpy(mem_object_bytes(o) + 4 * PAGE, &relocated, 8);
    map(&f, o, MEM_IMAGE, PAGE_EXECUTE_READ);
    ask(&f, 20, true);
    assert_int_equal(f.count, 5);
    assert_extent(&f.list[0], 0, 1, MEM_R | MEM_X); /* zeroes of the RAM */
    assert_extent(&f.list[1], 1, 3, MEM_R | MEM_X);
    assert_int_equal(first_word(&f.list[1], 2), 3);
    assert_extent(&f.list[2], 4, 1, MEM_R | MEM_X);
    assert_int_equal(f.list[2].fd, mem_ram_fd(f.ram));
    assert_int_equal(first_word(&f.list[2], 0), 1000);
    assert_extent(&f.list[3], 5, 8, MEM_R | MEM_X);
    assert_extent(&f.list[4], 13, 7, MEM_R | MEM_X);
    for (size_t i = 0; i < f.count; i++)
        assert_true(f.list[i].image);
    mem_object_unref(o);
    close_space(&f);
    close(fd);
}

static void test_shared_pages_of_an_image_are_the_windows(void **state)
{
    struct fixture f;
    struct mem_object *o;
    uint64_t value = 5;
    int fd = temp_file(16);
    open_space(&f);
    assert_int_equal(mem_object_image(f.ram, 16 * PAGE, &o), 0);
    assert_int_equal(mem_object_put_file(o, 0, fd, 0, 16 * PAGE), 0);
    map(&f, o, MEM_IMAGE, PAGE_EXECUTE_READ);
    assert_int_equal(mem_set_view_protect(f.mem, AT + 8 * PAGE, PAGE, PAGE_READWRITE), 0);
    ask(&f, 16, true);
    assert_int_equal(f.count, 3);
    assert_extent(&f.list[1], 8, 1, MEM_R | MEM_W);
    assert_int_equal(f.list[1].fd, mem_ram_fd(f.ram));
    assert_int_equal(first_word(&f.list[1], 0), 9);
    assert_int_equal(mem_write(f.mem, AT + 8 * PAGE, &value, 8), 0);
    assert_int_equal(first_word(&f.list[1], 0), 5);
    value = 6;
    assert_int_equal(pwrite(f.list[1].fd, &value, 8, (off_t)f.list[1].offset), 8);
    assert_true(mem_peek(f.mem, AT + 8 * PAGE, &value, 8));
    assert_int_equal(value, 6);
    mem_object_unref(o);
    close_space(&f);
    close(fd);
}

/* A neighbour is not worth reading a file for; the page that is asked for is. */
static void test_unread_pages_of_an_image_are_no_neighbours(void **state)
{
    enum { LATER = 32 };
    struct fixture f;
    struct mem_object *o;
    int fd = temp_file(LATER + 1);
    open_space(&f);
    assert_int_equal(mem_object_image(f.ram, (LATER + 1) * PAGE, &o), 0);
    assert_int_equal(mem_object_put_file(o, PAGE, fd, 512, LATER * PAGE), 0);
    map(&f, o, MEM_IMAGE, PAGE_READONLY);
    ask(&f, LATER + 1, false);
    assert_int_equal(f.count, 1);
    assert_extent(&f.list[0], 0, 1, MEM_R);
    f.count = mem_extents(f.mem, AT + 2 * PAGE, AT + 2 * PAGE, false, f.list, 1);
    assert_int_equal(f.count, 1);
    uint64_t word = 0;
    assert_int_equal(pread(f.list[0].fd, &word, 8, (off_t)(f.list[0].offset + PAGE - 512)), 8);
    assert_int_equal(word, 3);
    ask(&f, LATER + 1, false);
    assert_int_equal(f.list[0].pages, 16); /* what was read along */
    mem_object_unref(o);
    close_space(&f);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_pages_are_present_when_touched_or_populated),
        cmocka_unit_test(test_guards_and_holes_stay_out_and_as_they_are),
        cmocka_unit_test(test_views_of_files_are_the_files),
        cmocka_unit_test(test_relocated_pages_of_an_image_are_copied),
        cmocka_unit_test(test_shared_pages_of_an_image_are_the_windows),
        cmocka_unit_test(test_unread_pages_of_an_image_are_no_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
