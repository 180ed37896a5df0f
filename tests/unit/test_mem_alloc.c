// SPDX-License-Identifier: GPL-2.0-or-later
/* What NtAllocateVirtualMemory, NtFreeVirtualMemory, NtProtectVirtualMemory and
 * NtQueryVirtualMemory show of private memory. */
#include "mem_fixture.h"

static void bad_limits_are_refused(void **state)
{
    (void)state;
    struct mem_ram *ram;
    struct pgr_error e;
    assert_int_equal(mem_ram_create(&ram, 0, &e), PGR_E_ARGUMENT);
    assert_int_equal(mem_ram_create(&ram, GIB + 4096, &e), PGR_E_ARGUMENT);
    assert_int_equal(mem_ram_create(&ram, 1ull << 50, &e), PGR_E_ARGUMENT);
    assert_null(ram);
    static const struct mem_config bad[] = {
        {.lowest = 0x10000, .highest = HIGHEST, .ptr_size = 2},
        {.lowest = 0x10000, .highest = HIGHEST, .ptr_size = 4},
        {.lowest = 0, .highest = HIGHEST, .ptr_size = 8},
        {.lowest = 0x10000, .highest = 0x10000, .ptr_size = 8},
        {.lowest = 0x10000, .highest = HIGHEST - 1, .ptr_size = 8},
        {.lowest = 0x10000, .highest = UINT64_MAX, .ptr_size = 8},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct mem_space *s;
        expect_row(i, mem_create(&bad[i], &s, &e) == PGR_E_ARGUMENT && !s);
    }
}

static void reservations_begin_on_the_granularity_and_keep_their_end(void **state)
{
    struct mem_fixture *f = *state;
    static const struct {
        uint64_t base, size, want_base, want_size;
        ntstatus status;
    } rows[] = {
        {0x100000, 0x1000, 0x100000, 0x1000, STATUS_SUCCESS},
        {0x101000, 0x1000, 0, 0, STATUS_CONFLICTING_ADDRESSES},  /* same 64 KiB */
        {0x11fff0, 0x20, 0x110000, 0x11000, STATUS_SUCCESS},     /* crosses a page */
        {0x0f0000, 0x10001, 0, 0, STATUS_CONFLICTING_ADDRESSES}, /* runs into the first */
        {0x0f0000, 0x10000, 0x0f0000, 0x10000, STATUS_SUCCESS},
        {0x1, 0x1000, 0, 0, STATUS_INVALID_PARAMETER}, /* rounds down to 0 */
        {0x200000, 0, 0, 0, STATUS_INVALID_PARAMETER},
        {HIGHEST - 0xffff, 0x10000, HIGHEST - 0xffff, 0x10000, STATUS_SUCCESS},
        {HIGHEST - 0x1ffff, 0x20001, 0, 0, STATUS_INVALID_PARAMETER},
        {HIGHEST + 1, 0x1000, 0, 0, STATUS_INVALID_PARAMETER},
        {0xfffffffffffff000, 0x2000, 0, 0, STATUS_INVALID_PARAMETER},
        {0x200000, UINT64_MAX, 0, 0, STATUS_INVALID_PARAMETER},
        {0x20ffff, UINT64_MAX - 0x20000, 0, 0, STATUS_INVALID_PARAMETER},
        {0, HIGHEST, 0, 0, STATUS_NO_MEMORY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t base = rows[i].base, size = rows[i].size;
        ntstatus st = mem_reserve(f->s, &base, &size, PAGE_NOACCESS, false, NULL);
        expect_row(i, st == rows[i].status);
        expect_row(i, base == (st ? rows[i].base : rows[i].want_base));
        expect_row(i, size == (st ? rows[i].size : rows[i].want_size));
    }
}

static void a_place_is_chosen_inside_the_bounds(void **state)
{
    struct mem_fixture *f = *state;
    reserve(f, 0x200000, 0x1000, PAGE_NOACCESS, false);
    static const struct {
        struct mem_place place;
        uint64_t size, want;
    } rows[] = {
        {{0}, 0x1f0000, 0x10000},
        {{0}, 0x10000, 0x210000}, /* not into the rest of the 64 KiB */
        {{.top_down = true}, 0x1000, 0x7ffffffe0000},
        {{.top_down = true}, 0x11000, 0x7ffffffc0000},
        {{.highest = 0x3fffff, .top_down = true}, 0x10000, 0x3f0000},
        {{.highest = 0x3fffff, .top_down = true}, 0x200000, 0},
        {{.lowest = 0x1000001, .align = 0x1000000}, 0x1000, 0x2000000},
        {{.lowest = 0x500000, .highest = 0x50ffff}, 0x10000, 0x500000},
        {{.lowest = 0x500000, .highest = 0x50ffff}, 0x1000, 0},
        {{.lowest = 0x500000, .highest = 0x4fffff}, 0x1000, 0},
        {{.lowest = UINT64_MAX}, 0x1000, 0},
        {{.lowest = HIGHEST}, 0x1000, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t base = 0, size = rows[i].size;
        ntstatus st = mem_reserve(f->s, &base, &size, PAGE_READWRITE, false, &rows[i].place);
        expect_row(i, st == (rows[i].want ? STATUS_SUCCESS : STATUS_NO_MEMORY));
        expect_row(i, base == rows[i].want);
    }
    uint64_t base = 0, size = 1;
    struct mem_place odd = {.align = 0x30000};
    expect(mem_reserve(f->s, &base, &size, PAGE_READWRITE, false, &odd), STATUS_INVALID_PARAMETER);
}

static void exactly_one_protection_with_valid_modifiers_is_accepted(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x1000, PAGE_READWRITE, true);
    for (uint32_t p = 0; p <= 0xff; p++) {
        bool valid = p && !(p & (p - 1)) && p != PAGE_WRITECOPY && p != PAGE_EXECUTE_WRITECOPY;
        ntstatus want = valid ? STATUS_SUCCESS : STATUS_INVALID_PAGE_PROTECTION;
        uint64_t base = at, size = 0x1000;
        expect_row(p, mem_commit(f->s, &base, &size, p) == want);
        expect_row(p, protect_range(f, at, 0x1000, p, NULL) == want);
        uint64_t other = 0;
        expect_row(p, mem_reserve(f->s, &other, &size, p, true, NULL) == want);
    }
    static const struct {
        uint32_t protect;
        bool valid;
    } rows[] = {
        {PAGE_READWRITE | PAGE_GUARD, true},
        {PAGE_NOACCESS | PAGE_GUARD, false},
        {PAGE_READWRITE | PAGE_NOCACHE, true},
        {PAGE_NOACCESS | PAGE_NOCACHE, false},
        {PAGE_READWRITE | PAGE_WRITECOMBINE, true},
        {PAGE_READWRITE | 0x600, false},
        {PAGE_READWRITE | 0x300, false},
        {PAGE_READWRITE | 0x800, false},
        {PAGE_GUARD, false},
        {PAGE_EXECUTE_READ | 0x40000000, true},
        {PAGE_READWRITE | 0x80000000, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(i, !protect_range(f, at, 0x1000, rows[i].protect, NULL) == rows[i].valid);
}

static void commit_happens_inside_one_region(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0x100000, 0x10000, PAGE_READONLY, false);
    reserve(f, 0x110000, 0x10000, PAGE_READONLY, false);
    uint64_t base = at + 0x1fff, size = 2;
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    assert_int_equal(base, at + 0x1000);
    assert_int_equal(size, 0x2000);
    base = at, size = 0x10001;
    expect(mem_commit(f->s, &base, &size, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    base = 0x130000, size = 1;
    expect(mem_commit(f->s, &base, &size, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    base = at, size = 0;
    expect(mem_commit(f->s, &base, &size, PAGE_READWRITE), STATUS_INVALID_PARAMETER);
    base = UINT64_MAX, size = 2;
    expect(mem_commit(f->s, &base, &size, PAGE_READWRITE), STATUS_INVALID_PARAMETER);
}

static void committing_again_changes_protection_and_keeps_contents(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x10000, PAGE_READWRITE, true);
    ok(put64(f, at, 42));
    f->invalids = 0;
    uint64_t base = at, size = 0x3000;
    ok(mem_commit(f->s, &base, &size, PAGE_READONLY));
    assert_int_equal(f->invalids, 1);
    assert_int_equal(get64(f, at), 42);
    assert_int_equal(query(f, at).protect, PAGE_READONLY);
    assert_int_equal(query(f, at).allocation_protect, PAGE_READWRITE);
    expect(put64(f, at, 1), STATUS_ACCESS_VIOLATION);
}

static void query_reports_runs_from_the_page_asked_about(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0x400000, 0x800000, PAGE_READWRITE, false);
    uint64_t base = at + 0x1000, size = 0x500000; /* crosses chunks */
    ok(mem_commit(f->s, &base, &size, PAGE_READONLY));
    ok(protect_range(f, at + 0x300000, 0x1000, PAGE_EXECUTE_READ, NULL));
    static const struct {
        uint64_t va, base, size;
        uint32_t state, protect;
    } rows[] = {
        {0, 0, 0x400000, MEM_FREE, PAGE_NOACCESS},
        {0x3ff123, 0x3ff000, 0x1000, MEM_FREE, PAGE_NOACCESS},
        {0x400fff, 0x400000, 0x1000, MEM_RESERVE, 0},
        {0x401000, 0x401000, 0x2ff000, MEM_COMMIT, PAGE_READONLY},
        {0x402abc, 0x402000, 0x2fe000, MEM_COMMIT, PAGE_READONLY},
        {0x700000, 0x700000, 0x1000, MEM_COMMIT, PAGE_EXECUTE_READ},
        {0x701000, 0x701000, 0x200000, MEM_COMMIT, PAGE_READONLY},
        {0x901000, 0x901000, 0x2ff000, MEM_RESERVE, 0},
        {0xc00000, 0xc00000, HIGHEST + 1 - 0xc00000, MEM_FREE, PAGE_NOACCESS},
        {HIGHEST, HIGHEST - 0xfff, 0x1000, MEM_FREE, PAGE_NOACCESS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mem_info m = query(f, rows[i].va);
        bool free = rows[i].state == MEM_FREE;
        expect_row(i, m.base == rows[i].base && m.size == rows[i].size);
        expect_row(i, m.state == rows[i].state && m.protect == rows[i].protect);
        expect_row(i, m.allocation_base == (free ? 0 : at));
        expect_row(i, m.allocation_protect == (free ? 0 : PAGE_READWRITE));
        expect_row(i, m.type == (free ? 0 : MEM_PRIVATE));
        expect_row(i, m.region_size == (free ? 0 : 0x800000));
    }
    struct mem_info m;
    expect(mem_query(f->s, HIGHEST + 1, &m), STATUS_INVALID_PARAMETER);
    expect(mem_query(f->s, UINT64_MAX, &m), STATUS_INVALID_PARAMETER);
}

static void protect_needs_one_committed_region(void **state)
{
    struct mem_fixture *f = *state;
    reserve(f, 0x100000, 0x10000, PAGE_READWRITE, true);
    reserve(f, 0x110000, 0x10000, PAGE_READWRITE, true);
    reserve(f, 0x120000, 0x10000, PAGE_READWRITE, false);
    uint64_t base = 0x120000, size = 0x1000;
    ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
    static const struct {
        uint64_t va, size;
        ntstatus status;
    } rows[] = {
        {0x10ffff, 1, STATUS_SUCCESS},
        {0x10ffff, 2, STATUS_CONFLICTING_ADDRESSES},
        {0x120000, 0x1000, STATUS_SUCCESS},
        {0x120000, 0x1001, STATUS_NOT_COMMITTED},
        {0x121000, 0x1000, STATUS_NOT_COMMITTED},
        {0x130000, 0x1000, STATUS_CONFLICTING_ADDRESSES},
        {0x100000, 0, STATUS_INVALID_PARAMETER},
        {HIGHEST + 1, 0x1000, STATUS_INVALID_PARAMETER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(i, protect_range(f, rows[i].va, rows[i].size, PAGE_READONLY, NULL) ==
                          rows[i].status);
    uint32_t old = 0;
    base = 0x10efff, size = 2;
    ok(mem_protect(f->s, &base, &size, PAGE_NOACCESS, &old));
    assert_int_equal(base, 0x10e000);
    assert_int_equal(size, 0x2000);
    assert_int_equal(old, PAGE_READWRITE);
}

static void freeing_rounds_and_says_what_is_wrong(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0x100000, 0x10000, PAGE_READWRITE, true);
    enum { DECOMMIT, RELEASE };
    static const struct {
        int what;
        uint64_t base, size, want_base, want_size;
        ntstatus status;
    } rows[] = {
        {DECOMMIT, 0x101fff, 2, 0x101000, 0x2000, STATUS_SUCCESS},
        {DECOMMIT, 0x101001, 0, 0, 0, STATUS_FREE_VM_NOT_AT_BASE},
        {DECOMMIT, 0x100ffe, 0, 0x100000, 0, STATUS_SUCCESS},
        {DECOMMIT, 0x100001, 0x10000, 0, 0, STATUS_UNABLE_TO_FREE_VM},
        {DECOMMIT, 0x200000, 0x1000, 0, 0, STATUS_MEMORY_NOT_ALLOCATED},
        {DECOMMIT, UINT64_MAX, 0x1000, 0, 0, STATUS_MEMORY_NOT_ALLOCATED},
        {RELEASE, 0x101001, 0, 0, 0, STATUS_FREE_VM_NOT_AT_BASE},
        {RELEASE, 0x100000, 0x10001, 0, 0, STATUS_UNABLE_TO_FREE_VM},
        {RELEASE, 0x100000, UINT64_MAX, 0, 0, STATUS_UNABLE_TO_FREE_VM},
        {RELEASE, 0x200000, 0, 0, 0, STATUS_MEMORY_NOT_ALLOCATED},
        {RELEASE, 0x100fff, 0, 0x100000, 0x10000, STATUS_SUCCESS},
        {RELEASE, 0x100000, 0, 0, 0, STATUS_MEMORY_NOT_ALLOCATED},
    };
    assert_int_equal(at, 0x100000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t base = rows[i].base, size = rows[i].size;
        ntstatus st = rows[i].what == DECOMMIT ? mem_decommit(f->s, &base, &size)
                                               : mem_release(f->s, &base, &size);
        expect_row(i, st == rows[i].status);
        expect_row(i, base == (st ? rows[i].base : rows[i].want_base));
        expect_row(i, size == (st ? rows[i].size : rows[i].want_size));
    }
}

static void releasing_a_part_splits_the_region(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0x100000, 0x30000, PAGE_READWRITE, true);
    ok(put64(f, at, 1));
    ok(put64(f, at + 0x20000, 3));
    uint64_t base = at + 0x10000, size = 0x1000;
    ok(mem_release(f->s, &base, &size));
    assert_int_equal(query(f, at).region_size, 0x10000);
    assert_int_equal(query(f, at + 0x10000).state, MEM_FREE);
    assert_int_equal(query(f, at + 0x20000).allocation_base, at + 0x11000);
    assert_int_equal(query(f, at + 0x11000).size, 0x1f000);
    assert_int_equal(get64(f, at), 1);
    assert_int_equal(get64(f, at + 0x20000), 3);
    base = at, size = 0x8000; /* the front */
    ok(mem_release(f->s, &base, &size));
    assert_int_equal(query(f, at + 0x8000).allocation_base, at + 0x8000);
    struct mem_stats st;
    mem_get_stats(f->s, &st);
    assert_int_equal(st.regions, 2);
    assert_int_equal(st.reserved, 0x27000);
    assert_int_equal(st.committed, 0x27000);
}

static void what_is_left_of_a_uniform_chunk_keeps_its_protection(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0x400000, 0x400000, PAGE_READWRITE, false), base = at, size = 0x400000;
    ok(mem_commit(f->s, &base, &size, PAGE_READONLY));
    base = at + 0x100000, size = 0x200000;
    ok(mem_release(f->s, &base, &size));
    assert_int_equal(query(f, at).protect, PAGE_READONLY);
    assert_int_equal(query(f, at).size, 0x100000);
    assert_int_equal(query(f, at + 0x300000).protect, PAGE_READONLY);
    reserve(f, at + 0x100000, 0x200000, PAGE_EXECUTE, true); /* nothing is left of the old ones */
    assert_int_equal(query(f, at + 0x100000).protect, PAGE_EXECUTE);
    assert_int_equal(query(f, at + 0x100000).size, 0x200000);
}

static void memory_that_comes_back_is_zero(void **state)
{
    struct mem_fixture *f = *state;
    for (uint64_t size = 0x1000; size <= 0x2000000; size *= 4) {
        uint64_t at = reserve(f, 0x10000000, size, PAGE_READWRITE, true);
        for (uint64_t v = 0; v < size; v += 0x1000)
            ok(put64(f, at + v, ~v));
        uint64_t base = at, len = size / 2 + 1;
        ok(mem_decommit(f->s, &base, &len));
        ok(mem_commit(f->s, &base, &len, PAGE_READWRITE));
        for (uint64_t v = 0; v < size; v += 0x1000)
            assert_int_equal(get64(f, at + v), v < len ? 0 : ~v);
        for (uint64_t v = 0; v < size; v += 0x1000)
            ok(put64(f, at + v, ~v));
        len = 0;
        ok(mem_release(f->s, &base, &len));
        reserve(f, at, size, PAGE_READWRITE, true);
        for (uint64_t v = 0; v < size; v += 0x1000) {
            struct mem_page p;
            ok(mem_fault(f->s, at + v, MEM_W, &p));
            assert_int_equal(get64(f, at + v), 0);
        }
        len = 0;
        ok(mem_release(f->s, &base, &len));
    }
}

static void a_huge_reservation_costs_nothing_and_is_usable_everywhere(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t tib = 1ull << 40;
    uint64_t at = reserve(f, 0, 64 * tib, PAGE_READWRITE, false);
    for (uint64_t off = 0; off < 64 * tib; off += tib) {
        uint64_t base = at + off, size = 1;
        ok(mem_commit(f->s, &base, &size, PAGE_READWRITE));
        ok(put64(f, at + off, off));
    }
    for (uint64_t off = 0; off < 64 * tib; off += tib) {
        assert_int_equal(get64(f, at + off), off);
        assert_int_equal(query(f, at + off).size, 0x1000);
        assert_int_equal(query(f, at + off + 0x1000).size, tib - 0x1000);
    }
    uint64_t base = at, size = 64 * tib;
    ok(mem_decommit(f->s, &base, &size));
    assert_int_equal(query(f, at).size, 64 * tib);
}

static void commitment_is_bounded_and_given_back(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t base = 0, size = 33 * GIB;
    expect(mem_reserve(f->s, &base, &size, PAGE_READWRITE, true, NULL), STATUS_COMMITMENT_LIMIT);
    for (int i = 0; i < 3; i++) {
        base = 0, size = 31 * GIB;
        ok(mem_reserve(f->s, &base, &size, PAGE_READWRITE, true, NULL));
        uint64_t more = 0, more_size = 2 * GIB;
        ok(mem_reserve(f->s, &more, &more_size, PAGE_READWRITE, false, NULL));
        expect(mem_commit(f->s, &more, &more_size, PAGE_READWRITE), STATUS_COMMITMENT_LIMIT);
        size = 31 * GIB;
        ok(i & 1 ? mem_release(f->s, &base, &size) : mem_decommit(f->s, &base, &size));
        ok(mem_commit(f->s, &more, &more_size, PAGE_READWRITE));
        ok(mem_release(f->s, &more, &more_size));
    }
}

static void thousands_of_regions_stay_apart(void **state)
{
    struct mem_fixture *f = *state;
    enum { COUNT = 20000 };
    uint64_t *at = xcalloc(COUNT, sizeof *at);
    for (size_t i = 0; i < COUNT; i++) {
        at[i] = reserve(f, 0x10000000 + (i * 7919 % COUNT) * 0x10000, 0x1000, PAGE_READWRITE, true);
        ok(put64(f, at[i], i));
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(get64(f, at[i]), i);
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t size = 0;
        ok(mem_release(f->s, &at[i], &size));
    }
    assert_int_equal(query(f, 0x10000).size, HIGHEST + 1 - 0x10000);
    free(at);
}

static void reset_keeps_contents_of_committed_pages(void **state)
{
    struct mem_fixture *f = *state;
    uint64_t at = reserve(f, 0, 0x4000, PAGE_READWRITE, true);
    ok(put64(f, at, 5));
    ok(mem_reset(f->s, at, 0x4000));
    assert_int_equal(get64(f, at), 5);
    expect(mem_reset(f->s, at, 0x5000), STATUS_CONFLICTING_ADDRESSES);
    expect(mem_reset(f->s, 0x7000000, 1), STATUS_CONFLICTING_ADDRESSES);
    expect(mem_reset(f->s, at, 0), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_limits_are_refused),
        mem_test(reservations_begin_on_the_granularity_and_keep_their_end),
        mem_test(a_place_is_chosen_inside_the_bounds),
        mem_test(exactly_one_protection_with_valid_modifiers_is_accepted),
        mem_test(commit_happens_inside_one_region),
        mem_test(committing_again_changes_protection_and_keeps_contents),
        mem_test(query_reports_runs_from_the_page_asked_about),
        mem_test(protect_needs_one_committed_region),
        mem_test(freeing_rounds_and_says_what_is_wrong),
        mem_test(releasing_a_part_splits_the_region),
        mem_test(what_is_left_of_a_uniform_chunk_keeps_its_protection),
        mem_test(memory_that_comes_back_is_zero),
        mem_test(a_huge_reservation_costs_nothing_and_is_usable_everywhere),
        mem_test(commitment_is_bounded_and_given_back),
        mem_test(thousands_of_regions_stay_apart),
        mem_test(reset_keeps_contents_of_committed_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
