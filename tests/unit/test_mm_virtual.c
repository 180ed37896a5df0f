// SPDX-License-Identifier: GPL-2.0-or-later
#include "mm_fixture.h"

enum {
    WRITE_WATCH = 0x200000,
    PLACEHOLDER = 0x40000,
    REPLACE = 0x4000,
    PRESERVE = 2,
    COALESCE = 1
};

static void a_reservation_lies_on_64_kib_and_conflicts_within_it(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t base = 0, size = 0x1000, other;
    ok(alloc_at(f, &base, &size, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE));
    assert_int_equal(base & 0xffff, 0);
    assert_int_equal(size, 0x1000);
    other = base + 0x1000;
    size = 0x1000;
    expect(alloc_at(f, &other, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE),
           STATUS_CONFLICTING_ADDRESSES);
    assert_int_equal(other, base + 0x1000); /* arguments stay on failure */
}

static void zero_bits_limit_the_address(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        uint64_t bits;
        ntstatus status;
        uint64_t below;
    } cases[] = {
        {1, 0, 1ull << 31},
        {12, 0, 1ull << 20},
        {0x1aaaaaaa, 0, 1ull << 29},
        {0x7fffffffff, 0, 1ull << 39},
        {21, STATUS_NO_MEMORY, 0},
        {22, STATUS_INVALID_PARAMETER_3, 0},
        {31, STATUS_INVALID_PARAMETER_3, 0},
        {33, STATUS_INVALID_PARAMETER_3, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ntstatus s = call(f, "NtAllocateVirtualMemory", SELF, set(f, 0, 0), cases[i].bits,
                          set(f, 1, 0x1000), MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE);
        expect_row(i, s == cases[i].status);
        if (!s)
            expect_row(i, get(f, 0) + 0x1000 <= cases[i].below);
    }
}

static void a_mask_of_zero_bits_is_refused_on_32_bit_windows(void **state)
{
    struct mm_fixture *f = *state;
    expect(call(f, "NtAllocateVirtualMemory", 0xffffffff, set(f, 0, 0), 0x1aaaaaaa,
                set(f, 1, 0x1000), MEM_RESERVE, PAGE_READWRITE),
           STATUS_INVALID_PARAMETER_3);
}

static void wrong_allocations_are_refused(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        uint64_t base, size;
        uint32_t type, protect;
        ntstatus status;
    } cases[] = {
        {0, 0, MEM_RESERVE, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0, 0x1000, 0, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0, 0x1000, MEM_RESERVE | 0x40000000, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0, 0x1000, MEM_RESERVE | 0x20000000, PAGE_READWRITE, STATUS_PRIVILEGE_NOT_HELD},
        {0, 0x1000, MEM_RESERVE, 0, STATUS_INVALID_PAGE_PROTECTION},
        {0, 0x1000, MEM_RESERVE, PAGE_WRITECOPY, STATUS_INVALID_PAGE_PROTECTION},
        {0x1000, 0x1000, MEM_RESERVE, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0x7ffffffe0000, 0x20000, MEM_RESERVE, PAGE_READWRITE, STATUS_INVALID_PARAMETER},
        {0x100000, UINT64_MAX, MEM_RESERVE, PAGE_READWRITE, STATUS_WORKING_SET_LIMIT_RANGE},
        {0x20000000, 0x1000, MEM_COMMIT, PAGE_READWRITE, STATUS_CONFLICTING_ADDRESSES},
        {0, 0x1000, MEM_RESERVE | PLACEHOLDER, PAGE_NOACCESS, STATUS_INVALID_PARAMETER},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t base = cases[i].base, size = cases[i].size;
        ntstatus s = alloc_at(f, &base, &size, cases[i].type, cases[i].protect);
        expect_row(i, s == cases[i].status);
    }
    expect(call(f, "NtAllocateVirtualMemory", 0, set(f, 0, 0), 0, set(f, 1, 0x1000), MEM_RESERVE,
                PAGE_READWRITE),
           STATUS_INVALID_HANDLE);
    expect(call(f, "NtAllocateVirtualMemory", SELF, 8, 0, set(f, 1, 0x1000), MEM_RESERVE,
                PAGE_READWRITE),
           STATUS_ACCESS_VIOLATION);
}

static void decommit_and_release_round_and_check_as_windows_does(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t base = alloc(f, 0x10000, MEM_RESERVE | MEM_COMMIT), at, size;
    at = base + 0x1fff, size = 2;
    ok(free_at(f, &at, &size, MEM_DECOMMIT));
    assert_int_equal(at, base + 0x1000);
    assert_int_equal(size, 0x2000);
    at = base + 0x1001, size = 0;
    expect(free_at(f, &at, &size, MEM_DECOMMIT), STATUS_FREE_VM_NOT_AT_BASE);
    at = base + 0xffe, size = 0;
    ok(free_at(f, &at, &size, MEM_DECOMMIT));
    assert_int_equal(size, 0);
    assert_int_equal(at, base);
    at = base + 0x1001, size = 0;
    expect(free_at(f, &at, &size, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE);
    at = base, size = 0x11000;
    expect(free_at(f, &at, &size, MEM_RELEASE), STATUS_UNABLE_TO_FREE_VM);
    at = base, size = 0;
    expect(free_at(f, &at, &size, MEM_RELEASE | MEM_DECOMMIT), STATUS_INVALID_PARAMETER_4);
    at = base + 0xfff, size = 0;
    ok(free_at(f, &at, &size, MEM_RELEASE));
    assert_int_equal(size, 0x10000);
    assert_int_equal(at, base);
    size = 0;
    expect(free_at(f, &at, &size, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
    at = size = 0;
    expect(free_at(f, &at, &size, MEM_RELEASE), STATUS_INVALID_PARAMETER);
}

static void protect_returns_the_old_protection_and_rounded_range(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t base = alloc(f, 0x4000, MEM_RESERVE | MEM_COMMIT);
    ok(call(f, "NtProtectVirtualMemory", SELF, set(f, 0, base + 0xfff), set(f, 1, 2), PAGE_READONLY,
            slot(2)));
    assert_int_equal(get(f, 0), base);
    assert_int_equal(get(f, 1), 0x2000);
    assert_int_equal(u32_at(f, slot(2)), PAGE_READWRITE);
    assert_int_equal(info_at(f, base).protect, PAGE_READONLY);
    assert_int_equal(info_at(f, base + 0x2000).protect, PAGE_READWRITE);
    expect(call(f, "NtProtectVirtualMemory", SELF, slot(0), slot(1), PAGE_READONLY, 0),
           STATUS_ACCESS_VIOLATION);
}

static void basic_information_has_the_layout_of_each_bitness(void **state)
{
    struct mm_fixture *f = *state;
    unsigned ptr = f->p->ptr_size;
    uint64_t self = ptr == 4 ? 0xffffffff : SELF, size = ptr == 8 ? 48 : 28;
    uint64_t base = alloc(f, 0x3000, MEM_RESERVE | MEM_COMMIT);
    expect(
        call(f, "NtQueryVirtualMemory", self, base + 0x1234, 0, SCRATCH + 0x100, size - 1, slot(2)),
        STATUS_INFO_LENGTH_MISMATCH);
    ok(call(f, "NtQueryVirtualMemory", self, base + 0x1234, 0, SCRATCH + 0x100, size, slot(2)));
    assert_int_equal(get(f, 2), size);
    assert_int_equal(u32_at(f, SCRATCH + 0x100), (uint32_t)(base + 0x1000));
    assert_int_equal(u32_at(f, SCRATCH + 0x100 + ptr), (uint32_t)base);
    assert_int_equal(u32_at(f, SCRATCH + 0x100 + 2 * ptr), PAGE_READWRITE);
    assert_int_equal(u32_at(f, SCRATCH + 0x100 + (ptr == 8 ? 24 : 12)), 0x2000);
    assert_int_equal(u32_at(f, SCRATCH + 0x100 + (ptr == 8 ? 32 : 16)), MEM_COMMIT);
    assert_int_equal(u32_at(f, SCRATCH + 0x100 + (ptr == 8 ? 40 : 24)), MEM_PRIVATE);
    uint64_t beyond = mem_highest(f->p->mem) + 1;
    expect(call(f, "NtQueryVirtualMemory", self, beyond, 0, SCRATCH + 0x100, size, 0),
           STATUS_INVALID_PARAMETER);
}

static void copies_end_where_memory_ends_and_say_how_far_they_got(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t from = alloc(f, 0x2000, MEM_RESERVE | MEM_COMMIT);
    uint64_t to = alloc(f, 0x4000, MEM_RESERVE | MEM_COMMIT);
    put_u32(f, from + 0x1ffc, 0x12345678);
    expect(call(f, "NtReadVirtualMemory", SELF, from + 0x800, to, 0x3000, slot(2)),
           STATUS_PARTIAL_COPY);
    assert_int_equal(get(f, 2), 0x1800);
    assert_int_equal(u32_at(f, to + 0x17fc), 0x12345678);
    expect(call(f, "NtReadVirtualMemory", SELF, from, to + 0x3000, 0x2000, slot(2)),
           STATUS_ACCESS_VIOLATION);
    assert_int_equal(get(f, 2), 0);
    ok(call(f, "NtWriteVirtualMemory", SELF, to + 0x10, from + 0x1ffc, 4, slot(2)));
    assert_int_equal(get(f, 2), 4);
    assert_int_equal(u32_at(f, to + 0x10), 0x12345678);
    expect(call(f, "NtWriteVirtualMemory", SELF, to + 0x3ffc, from, 8, slot(2)),
           STATUS_PARTIAL_COPY);
    assert_int_equal(get(f, 2), 4);
}

static void write_watches_list_the_pages_written_since_the_reset(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t base = alloc(f, 0x8000, MEM_RESERVE | MEM_COMMIT | WRITE_WATCH);
    put_u32(f, base + 0x3004, 1);
    put_u32(f, base + 0x6000, 1);
    set(f, 3, 16);
    ok(call(f, "NtGetWriteWatch", SELF, 1, base, 0x8000, slot(8), slot(3), slot(4)));
    assert_int_equal(get(f, 3), 2);
    assert_int_equal(get(f, 8), base + 0x3000);
    assert_int_equal(get(f, 9), base + 0x6000);
    assert_int_equal(u32_at(f, slot(4)), 0x1000);
    set(f, 3, 16);
    ok(call(f, "NtGetWriteWatch", SELF, 0, base, 0x8000, slot(8), slot(3), slot(4)));
    assert_int_equal(get(f, 3), 0);
    put_u32(f, base + 0x3004, 2);
    ok(call(f, "NtResetWriteWatch", SELF, base, 0x8000));
    set(f, 3, 16);
    ok(call(f, "NtGetWriteWatch", SELF, 0, base, 0x8000, slot(8), slot(3), slot(4)));
    assert_int_equal(get(f, 3), 0);
    expect(call(f, "NtResetWriteWatch", SELF, SCRATCH, 0x1000), STATUS_INVALID_PARAMETER);
}

static ntstatus alloc_ex(struct mm_fixture *f, uint64_t base, uint64_t size, uint32_t type,
                         uint32_t protect, uint64_t parameters, uint32_t count)
{
    return call(f, "NtAllocateVirtualMemoryEx", SELF, set(f, 0, base), set(f, 1, size), type,
                protect, parameters, count);
}

static void address_requirements_are_checked_and_kept(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        uint64_t lowest, highest, align, size;
        ntstatus status;
    } cases[] = {
        {0, 0, 0, 0x1000, 0},
        {0, 0x20001001, 0, 0x1000, STATUS_INVALID_PARAMETER},
        {0, 0x20000fff, 0, 0x40000, 0},
        {0, 0x200007ff, 0, 0x1000, STATUS_INVALID_PARAMETER},
        {0, 0x7ffffffeffff, 0, 0x1000, 0},
        {0, 0x7fffffff0fff, 0, 0x1000, STATUS_INVALID_PARAMETER},
        {0x20000000, 0x2fffffff, 0, 0x1000, 0},
        {0x20001000, 0, 0, 0x1000, STATUS_INVALID_PARAMETER},
        {0x30000000, 0x20000000, 0, 0x1000, STATUS_INVALID_PARAMETER},
        {0, 0, 0x40000, 0x1000, 0},
        {0, 0, 0x8000, 0x1000, STATUS_INVALID_PARAMETER},
        {0, 0, 0x30000, 0x1000, STATUS_INVALID_PARAMETER},
        {0, 0x20000fff, 0x20000000, 0x2000, STATUS_NO_MEMORY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set(f, 16, 1); /* MemExtendedParameterAddressRequirements */
        set(f, 17, slot(20));
        set(f, 20, cases[i].lowest);
        set(f, 21, cases[i].highest);
        set(f, 22, cases[i].align);
        ntstatus s = alloc_ex(f, 0, cases[i].size, MEM_RESERVE, PAGE_READWRITE, slot(16), 1);
        expect_row(i, s == cases[i].status);
        if (s)
            continue;
        uint64_t at = get(f, 0), top = cases[i].highest ? cases[i].highest : UINT64_MAX;
        expect_row(i, at >= cases[i].lowest && at + cases[i].size - 1 <= top);
        expect_row(i, !cases[i].align || at % cases[i].align == 0);
    }
    expect(alloc_ex(f, 0, 0x1000, MEM_RESERVE, PAGE_READWRITE, 0, 1), STATUS_INVALID_PARAMETER);
    set(f, 18, 1), set(f, 19, slot(20)); /* the same twice */
    expect(alloc_ex(f, 0, 0x1000, MEM_RESERVE, PAGE_READWRITE, slot(16), 2),
           STATUS_INVALID_PARAMETER);
    set(f, 16, 0); /* no such type */
    expect(alloc_ex(f, 0, 0x1000, MEM_RESERVE, PAGE_READWRITE, slot(16), 1),
           STATUS_INVALID_PARAMETER);
}

static ntstatus free_part(struct mm_fixture *f, uint64_t base, uint64_t size, uint32_t type)
{
    return free_at(f, &base, &size, type);
}

static void placeholders_split_coalesce_and_are_replaced(void **state)
{
    struct mm_fixture *f = *state;
    ok(alloc_ex(f, 0, 0x10000, MEM_RESERVE | PLACEHOLDER, PAGE_NOACCESS, 0, 0));
    uint64_t base = get(f, 0);
    expect(alloc_ex(f, base, 0x1000, MEM_COMMIT, PAGE_READWRITE, 0, 0),
           STATUS_CONFLICTING_ADDRESSES);
    expect(free_part(f, base, 0x10000, MEM_RELEASE | PRESERVE), STATUS_CONFLICTING_ADDRESSES);
    ok(free_part(f, base + 0x8000, 0x4000, MEM_RELEASE | PRESERVE));
    assert_int_equal(info_at(f, base).size, 0x8000);
    assert_int_equal(info_at(f, base + 0x8000).size, 0x4000);
    assert_int_equal(info_at(f, base + 0xc000).allocation_base, base + 0xc000);
    expect(free_part(f, base, 0xf000, MEM_RELEASE | COALESCE), STATUS_CONFLICTING_ADDRESSES);
    ok(alloc_ex(f, base + 0x8000, 0x4000, MEM_RESERVE | MEM_COMMIT | REPLACE, PAGE_READWRITE, 0,
                0));
    put_u32(f, base + 0x8000, 7);
    expect(free_part(f, base, 0x10000, MEM_RELEASE | COALESCE), STATUS_CONFLICTING_ADDRESSES);
    ok(free_part(f, base + 0x8000, 0x4000, MEM_RELEASE | PRESERVE));
    ok(free_part(f, base, 0x10000, MEM_RELEASE | COALESCE));
    assert_int_equal(info_at(f, base).size, 0x10000);
    ok(free_part(f, base, 0, MEM_RELEASE));
    assert_int_equal(info_at(f, base).state, MEM_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name)   cmocka_unit_test_setup_teardown(name, mm_setup, mm_teardown)
#define T32(name) cmocka_unit_test_setup_teardown(name, mm_setup32, mm_teardown)
        T(a_reservation_lies_on_64_kib_and_conflicts_within_it),
        T(zero_bits_limit_the_address),
        T32(a_mask_of_zero_bits_is_refused_on_32_bit_windows),
        T(wrong_allocations_are_refused),
        T(decommit_and_release_round_and_check_as_windows_does),
        T(protect_returns_the_old_protection_and_rounded_range),
        T(basic_information_has_the_layout_of_each_bitness),
        T32(basic_information_has_the_layout_of_each_bitness),
        T(copies_end_where_memory_ends_and_say_how_far_they_got),
        T(write_watches_list_the_pages_written_since_the_reset),
        T(address_requirements_are_checked_and_kept),
        T(placeholders_split_coalesce_and_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
