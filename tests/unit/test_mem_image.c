// SPDX-License-Identifier: GPL-2.0-or-later
/* Images whose pieces cannot be mapped: read when looked at, and nobody can tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mem/space.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT 0x10000000ull
enum { PAGE = 0x1000, PAGES = 64, IN_FILE = 0x200 /* sections' alignment in files */ };

struct fixture {
    struct mem_ram *ram;
    struct mem_space *mem;
    struct mem_object *o;
    uint8_t *file;
    int fd;
};

static void open_image(struct fixture *f)
{
    char name[] = "/tmp/peregrine-test-XXXXXX";
    struct pgr_error e;
    struct mem_config c = {NULL, 0x10000, 0x7ffeffff, 4};
    size_t size = IN_FILE + PAGES * PAGE;
    assert_int_equal(mem_ram_create(&f->ram, 1ull << 30, &e), PGR_OK);
    c.ram = f->ram;
    assert_int_equal(mem_create(&c, &f->mem, &e), PGR_OK);
    f->fd = mkstemp(name);
    assert_true(f->fd >= 0);
    unlink(name);
    f->file = malloc(size);
    for (size_t i = 0; i < size; i++)
        f->file[i] = (uint8_t)(i * 7 + i / PAGE);
    assert_int_equal(write(f->fd, f->file, size), size);
    assert_int_equal(mem_object_image(f->ram, (PAGES + 8) * PAGE, &f->o), 0);
}

static void map(struct fixture *f, uint64_t at, uint32_t protect)
{
    uint64_t base = at, size = 0;
    assert_int_equal(mem_map_view(f->mem, f->o, 0, &base, &size, MEM_IMAGE, protect, 1, NULL), 0);
}

static void close_image(struct fixture *f)
{
    mem_object_unref(f->o);
    mem_destroy(f->mem);
    mem_ram_destroy(f->ram);
    free(f->file);
    close(f->fd);
}

static void put_all(struct fixture *f, uint64_t len)
{
    assert_int_equal(mem_object_put_file(f->o, PAGE, f->fd, IN_FILE, len), 0);
}

static void test_every_byte_is_there_in_any_order(void **state)
{
    struct fixture f;
    uint8_t page[PAGE];
    const uint64_t len = PAGES * PAGE - 100;
    open_image(&f);
    put_all(&f, len);
    map(&f, AT, PAGE_EXECUTE_READ);
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned at = i * 37 % PAGES;
        assert_int_equal(mem_read(f.mem, AT + (at + 1ull) * PAGE, page, PAGE), 0);
        size_t have = at == PAGES - 1 ? PAGE - 100 : PAGE;
        assert_memory_equal(page, f.file + IN_FILE + at * PAGE, have);
    }
    uint8_t zero[100] = {0};
    assert_true(mem_peek(f.mem, AT + (PAGES + 1ull) * PAGE - 100, page, 100));
    assert_memory_equal(page, zero, 100);
    assert_true(mem_peek(f.mem, AT, page, 100)); /* before the piece */
    assert_memory_equal(page, zero, 100);
    close_image(&f);
}

static void test_faults_and_neighbours_show_the_bytes(void **state)
{
    struct fixture f;
    struct mem_page page;
    open_image(&f);
    put_all(&f, PAGES * PAGE);
    map(&f, AT, PAGE_EXECUTE_WRITECOPY);
    assert_int_equal(mem_fault(f.mem, AT + 20 * PAGE, MEM_R, &page), 0);
    assert_memory_equal(mem_ram_base(f.ram) + page.frame * PAGE, f.file + IN_FILE + 19 * PAGE,
                        PAGE);
    assert_true(mem_present(f.mem, AT + 50 * PAGE, &page));
    assert_memory_equal(mem_ram_base(f.ram) + page.frame * PAGE, f.file + IN_FILE + 49 * PAGE,
                        PAGE);
    assert_int_equal(mem_fault(f.mem, AT + 40 * PAGE, MEM_W, &page), 0); /* copies */
    assert_memory_equal(mem_ram_base(f.ram) + page.frame * PAGE, f.file + IN_FILE + 39 * PAGE,
                        PAGE);
    close_image(&f);
}

static void test_what_was_changed_is_not_read_again(void **state)
{
    struct fixture f;
    uint8_t page[PAGE];
    open_image(&f);
    put_all(&f, PAGES * PAGE);
    mem_object_range(f.o, 5 * PAGE, PAGE)[3] = 0xaa; /* a relocation */
    assert_int_equal(mem_object_put_bytes(f.o, 9 * PAGE + 1, "xyz", 3), 0);
    map(&f, AT, PAGE_EXECUTE_READ);
    for (unsigned i = 1; i <= PAGES; i++) {
        assert_int_equal(mem_read(f.mem, AT + i * PAGE, page, PAGE), 0);
        uint8_t *want = f.file + IN_FILE + (i - 1) * PAGE;
        if (i == 5)
            want[3] = 0xaa;
        if (i == 9)
            memcpy(want + 1, "xyz", 3);
        assert_memory_equal(page, want, PAGE);
    }
    assert_memory_equal(mem_object_bytes(f.o) + PAGE, f.file + IN_FILE, PAGES * PAGE);
    close_image(&f);
}

static void test_a_later_piece_lies_over_an_earlier_one(void **state)
{
    struct fixture f;
    open_image(&f);
    put_all(&f, PAGES * PAGE);
    assert_int_equal(mem_object_put_file(f.o, 3 * PAGE + 8, f.fd, 0, 16), 0);
    assert_int_equal(mem_object_put_file(f.o, 20 * PAGE, f.fd, IN_FILE, 20 * PAGE), 0);
    uint8_t *bytes = mem_object_bytes(f.o);
    assert_memory_equal(bytes + 3 * PAGE, f.file + IN_FILE + 2 * PAGE, 8);
    assert_memory_equal(bytes + 3 * PAGE + 8, f.file, 16);
    assert_memory_equal(bytes + 20 * PAGE, f.file + IN_FILE, 20 * PAGE);
    assert_memory_equal(bytes + 40 * PAGE, f.file + IN_FILE + 39 * PAGE, PAGE);
    close_image(&f);
}

static void test_a_file_cut_short_leaves_zeroes(void **state)
{
    struct fixture f;
    uint8_t page[PAGE], zero[PAGE] = {0};
    open_image(&f);
    put_all(&f, PAGES * PAGE);
    map(&f, AT, PAGE_EXECUTE_READ);
    assert_int_equal(mem_read(f.mem, AT + PAGE, page, PAGE), 0);
    assert_int_equal(ftruncate(f.fd, 0), 0);
    assert_int_equal(mem_read(f.mem, AT + PAGE, page, PAGE), 0);
    assert_memory_equal(page, f.file + IN_FILE, PAGE);
    assert_int_equal(mem_read(f.mem, AT + 40 * PAGE, page, PAGE), 0);
    assert_memory_equal(page, zero, PAGE);
    close_image(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_is_there_in_any_order),
        cmocka_unit_test(test_faults_and_neighbours_show_the_bytes),
        cmocka_unit_test(test_what_was_changed_is_not_read_again),
        cmocka_unit_test(test_a_later_piece_lies_over_an_earlier_one),
        cmocka_unit_test(test_a_file_cut_short_leaves_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
