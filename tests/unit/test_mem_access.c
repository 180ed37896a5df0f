// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults, the host's reads and writes, what observers hear, dirty pages. */
#include "mem_fixture.h"

static void protection_decides_what_an_access_gets(void **state)
{
    struct mem_fixture *f = *state;
    enum { AV = STATUS_ACCESS_VIOLATION, GP = STATUS_GUARD_PAGE_VIOLATION };
    static const struct {
        uint32_t protect;
        ntstatus read, write, execute;
        unsigned rights;
    } rows[] = {
        {PAGE_NOACCESS, AV, AV, AV, 0},
        {PAGE_READONLY, 0, AV, AV, MEM_R},
        {PAGE_READWRITE, 0, 0, AV, MEM_R | MEM_W},
        {PAGE_EXECUTE, 0, AV, 0, MEM_R | MEM_X},
        {PAGE_EXECUTE_READ, 0, AV, 0, MEM_R | MEM_X},
        {PAGE_EXECUTE_READWRITE, 0, 0, 0, MEM_R | MEM_W | MEM_X},
        {PAGE_READWRITE | PAGE_NOCACHE, 0, 0, AV, MEM_R | MEM_W},
        {PAGE_READWRITE | PAGE_GUARD, GP, GP, AV, MEM_R | MEM_W},
        {PAGE_READONLY | PAGE_GUARD, GP, AV, AV, MEM_R},
        {PAGE_EXECUTE_READ | PAGE_GUARD, GP, AV, GP, MEM_R | MEM_X},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const ntstatus want[3] = {rows[i].read, rows[i].write, rows[i].execute};
        for (unsigned k = 0; k < 3; k++) {
            uint64_t at = reserve(f, 0, 0x1000, rows[i].protect, true);
            struct mem_page p = {0}, q = {0};
            expect_row(i, !mem_present(f->s, at, &q));
            ntstatus st = mem_fault(f->s, at + 0xfff, 1u << k, &p);
            expect_row(i, st == want[k]);
            expect_row(i, st || p.rights == rows[i].rights);
            expect_row(i, mem_present(f->s, at, &q) == !st);
            expect_row(i, st || (q.frame == p.frame && q.rights == p.rights));
        }
    }
    struct mem_page p;
    expect(mem_fault(f->s, 0, MEM_R, &p), STATUS_ACCESS_VIOLATION);
    expect(mem_fault(f->s, UINT64_MAX, MEM_R, &p), STATUS_ACCESS_VIOLATION);
    uint64_t reserved = reserve(f, 0, 0x1000, PAGE_READWRITE, false);
    expect(mem_fault(f->s, reserved, MEM_R, &p), STATUS_ACCESS_VIOLATION);
}

static void a_guard_page_reports_once(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x3000, PAGE_READWRITE | PAGE_GUARD, true);
    uint64_t v = 0;
    assert_int_equal(query(f, at).protect, PAGE_READWRITE | PAGE_GUARD);
    expect(mem_read(f->s, at, &v, 8), STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(query(f, at).protect, PAGE_READWRITE);
    assert_int_equal(query(f, at).size, 0x1000);
    assert_int_equal(query(f, at).allocation_protect, PAGE_READWRITE | PAGE_GUARD);
    ok(mem_read(f->s, at, &v, 8));
    expect(put64(f, at + 0xffc, UINT64_MAX), STATUS_GUARD_PAGE_VIOLATION);
    ok(put64(f, at + 0x1ff8, 1));
    assert_true(mem_peek(f->s, at + 0x2000, &v, 8)); /* does not trip it */
    assert_int_equal(query(f, at + 0x2000).protect, PAGE_READWRITE | PAGE_GUARD);
}

static void nothing_beyond_the_fault_is_touched(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x3000, PAGE_READWRITE, true);
    uint8_t data[0x3000];
    memset(data, 0x55, sizeof data);
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_READONLY, NULL));
    expect(mem_write(f->s, at + 0x800, data, 0x2000), STATUS_ACCESS_VIOLATION);
    assert_int_equal(get64(f, at + 0xff8), 0x5555555555555555);
    assert_int_equal(get64(f, at + 0x1000), 0);
    assert_int_equal(get64(f, at + 0x2000), 0);
    expect(mem_read(f->s, at, data, 0x3001), STATUS_ACCESS_VIOLATION);
    expect(mem_read(f->s, UINT64_MAX - 3, data, 8), STATUS_ACCESS_VIOLATION);
    expect(mem_write(f->s, HIGHEST - 3, data, 8), STATUS_ACCESS_VIOLATION);
    ok(mem_read(f->s, 0, data, 0));
}

static void reading_untouched_memory_takes_none(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 1 << 20, PAGE_READWRITE, true);
    uint8_t *all = xmalloc(1 << 20);
    ok(mem_read(f->s, at, all, 1 << 20));
    struct mem_stats st;
    mem_get_stats(f->s, &st);
    assert_int_equal(st.resident, 0);
    ok(put64(f, at, 1));
    mem_get_stats(f->s, &st);
    assert_int_equal(st.resident, 0x1000);
    free(all);
}

static void neighbours_are_contiguous_for_the_host(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x100000, PAGE_READWRITE, true);
    ok(put64(f, at + 0x80000, 1)); /* in whatever order they are touched */
    size_t len = 0x100000;
    ntstatus st;
    uint8_t *p = mem_window(f->s, at + 0x10, &len, MEM_W, &st);
    ok(st);
    assert_non_null(p);
    assert_int_equal(len, 0x100000 - 0x10);
    memset(p, 0x11, len);
    assert_int_equal(get64(f, at + 0xffff8), 0x1111111111111111);
}

static void a_window_ends_before_what_would_fault(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x4000, PAGE_READWRITE, true);
    ok(protect_range(f, at + 0x1000, 0x1000, PAGE_READWRITE | PAGE_GUARD, NULL));
    ok(protect_range(f, at + 0x3000, 0x1000, PAGE_READONLY, NULL));
    ntstatus st;
    size_t len = 0x4000;
    assert_non_null(mem_window(f->s, at + 1, &len, MEM_R, &st));
    assert_int_equal(len, 0xfff);
    assert_int_equal(query(f, at + 0x1000).protect, PAGE_READWRITE | PAGE_GUARD);
    len = 0x3000;
    assert_null(mem_window(f->s, at + 0x1000, &len, MEM_R, &st));
    expect(st, STATUS_GUARD_PAGE_VIOLATION);
    len = 0x3000;
    assert_non_null(mem_window(f->s, at + 0x1000, &len, MEM_W, &st));
    assert_int_equal(len, 0x2000);
    len = 0x10000;
    assert_non_null(mem_window(f->s, at + 0x3ff8, &len, MEM_R, &st));
    assert_int_equal(len, 8);
    len = 8;
    assert_null(mem_window(f->s, UINT64_MAX, &len, MEM_R, &st));
    expect(st, STATUS_ACCESS_VIOLATION);
}

static void observers_hear_of_every_loss_once(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x400000, PAGE_READWRITE, true), base = at, size = 0x300000;
    ok(put64(f, at, 1));
    assert_int_equal(f->invalids, 0);
    ok(protect_range(f, at, 0x300001, PAGE_READONLY, NULL));
    assert_int_equal(f->invalids, 1);
    assert_int_equal(f->invalid.va, at);
    assert_int_equal(f->invalid.len, 0x301000);
    ok(mem_decommit(f->s, &base, &size));
    assert_int_equal(f->invalids, 2);
    assert_int_equal(f->invalid.len, 0x300000);
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    assert_int_equal(f->invalids, 2);
    size = 0;
    ok(mem_release(f->s, &base, &size));
    assert_int_equal(f->invalids, 3);
    assert_int_equal(f->invalid.len, 0x400000);
    mem_unobserve(f->s, f);
    at = reserve(f, 0, 0x1000, PAGE_READWRITE, true);
    ok(protect_range(f, at, 1, PAGE_READONLY, NULL));
    assert_int_equal(f->invalids, 3);
}

static void copies_of_neighbouring_pages_are_told_together(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    ok(mem_object_anonymous(f->ram, 0x10000, &o));
    uint64_t at = map(f, o, MEM_MAPPED, PAGE_WRITECOPY);
    mem_object_unref(o);
    uint8_t data[0x3000] = {0};
    ok(mem_write(f->s, at + 0x1800, data, sizeof data));
    assert_int_equal(f->invalids, 1);
    assert_int_equal(f->invalid.va, at + 0x1000);
    assert_int_equal(f->invalid.len, 0x4000);
}

static void host_writes_over_code_are_told(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t data = reserve(f, 0, 0x4000, PAGE_READWRITE, true);
    uint64_t code = reserve(f, 0, 0x4000, PAGE_EXECUTE_READWRITE, true);
    uint8_t bytes[0x1800] = {0};
    ok(mem_write(f->s, data, bytes, sizeof bytes));
    assert_int_equal(f->codes, 0);
    ok(mem_write(f->s, code + 0x900, bytes, sizeof bytes));
    assert_int_equal(f->codes, 1);
    assert_int_equal(f->code.va, code + 0x900);
    assert_int_equal(f->code.len, sizeof bytes);
    ntstatus st;
    size_t len = 0x3000;
    assert_non_null(mem_window(f->s, code, &len, MEM_R, &st));
    assert_int_equal(f->codes, 1);
    assert_non_null(mem_window(f->s, code, &len, MEM_W, &st));
    assert_int_equal(f->codes, 2);
    assert_int_equal(f->code.len, len);
}

static void host_writes_through_a_second_view_of_code_are_told(void **state)
{
    struct mem_fixture *f = *state;
    struct mem_object *o;
    ok(mem_object_anonymous(f->ram, 0x4000, &o));
    uint64_t rw = map(f, o, MEM_MAPPED, PAGE_READWRITE), base = 0, size = 0x2000;
    ok(mem_map_view(f->s, o, 0x1000, &base, &size, MEM_MAPPED, PAGE_EXECUTE_READ, 0, NULL));
    mem_object_unref(o);
    ok(put64(f, rw + 0x10, 1)); /* not in the other view */
    assert_int_equal(f->codes, 0);
    ok(put64(f, rw + 0x1010, 1));
    assert_int_equal(f->codes, 1);
    assert_int_equal(f->code.va, base + 0x10);
    assert_int_equal(f->code.len, 8);
}

struct dirty {
    uint64_t va[8];
    size_t n;
};

static void add_dirty(void *ctx, uint64_t va)
{
    struct dirty *d = ctx;
    if (d->n < ARRAY_LEN(d->va))
        d->va[d->n++] = va;
}

static void written_pages_are_dirty_until_cleared(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x400000, PAGE_READWRITE, true);
    struct mem_page p;
    get64(f, at);
    ok(mem_fault(f->s, at + 0x1000, MEM_R, &p));
    struct dirty d = {0};
    mem_dirty_each(f->s, add_dirty, &d);
    assert_int_equal(d.n, 0);
    ok(put64(f, at + 0x300008, 1));
    ok(mem_fault(f->s, at + 0x2000, MEM_W, &p));
    mem_mark_dirty(f->s, at + 0x1004); /* what an engine found in its page table */
    mem_mark_dirty(f->s, 0);           /* nothing there */
    mem_dirty_each(f->s, add_dirty, &d);
    assert_int_equal(d.n, 3);
    assert_int_equal(d.va[0], at + 0x1000);
    assert_int_equal(d.va[1], at + 0x2000);
    assert_int_equal(d.va[2], at + 0x300000);
    mem_dirty_clear(f->s);
    d.n = 0;
    mem_dirty_each(f->s, add_dirty, &d);
    assert_int_equal(d.n, 0);
    ok(put64(f, at + 0x300010, 1)); /* there already, and dirty again */
    mem_dirty_each(f->s, add_dirty, &d);
    assert_int_equal(d.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mem_test(protection_decides_what_an_access_gets),
        mem_test(a_guard_page_reports_once),
        mem_test(nothing_beyond_the_fault_is_touched),
        mem_test(reading_untouched_memory_takes_none),
        mem_test(neighbours_are_contiguous_for_the_host),
        mem_test(a_window_ends_before_what_would_fault),
        mem_test(observers_hear_of_every_loss_once),
        mem_test(copies_of_neighbouring_pages_are_told_together),
        mem_test(host_writes_over_code_are_told),
        mem_test(host_writes_through_a_second_view_of_code_are_told),
        mem_test(written_pages_are_dirty_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
