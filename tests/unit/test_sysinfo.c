// SPDX-License-Identifier: GPL-2.0-or-later
/* NtQuerySystemInformation and its neighbours. */
#include "guest_args.h"
#include "nt/cm/registry.h"
#include "nt/ex/ex.h"

static ntstatus query(struct mm_fixture *f, uint32_t class, uint32_t length)
{
    return call(f, "NtQuerySystemInformation", class, BUFFER, length, slot(0));
}

static void sizes_are_those_of_both_bitnesses(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        uint16_t class, size64, size32;
    } rows[] = {
        {0, 64, 44},     {1, 12, 12},          {2, 312, 312}, {8, 48, 48},  {9, 4, 4},
        {11, 304, 288},  {23, 24, 24},         {28, 12, 12},  {35, 2, 2},   {37, 16, 12},
        {44, 172, 172},  {58, 4, 4},           {62, 64, 44},  {63, 12, 12}, {90, 32, 32},
        {102, 432, 432}, {103, 8, 8},          {114, 64, 44}, {145, 2, 2},  {149, 3, 3},
        {154, 32, 32},   {73, 32 * 7, 24 * 7},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t want = f->p->ptr_size == 8 ? rows[i].size64 : rows[i].size32;
        expect_row(i, query(f, rows[i].class, 0) == STATUS_INFO_LENGTH_MISMATCH);
        if (u32_at(f, slot(0)) != want)
            fail_msg("class %u: %u bytes, %u expected", rows[i].class, u32_at(f, slot(0)), want);
        expect_row(i, query(f, rows[i].class, want) == STATUS_SUCCESS);
    }
    expect(query(f, 0, 66), STATUS_INFO_LENGTH_MISMATCH); /* the basic one must fit exactly */
    expect(query(f, 9999, 16), STATUS_INVALID_INFO_CLASS);
}

static void basic_information_has_the_address_range(void **state)
{
    struct mm_fixture *f = *state;
    ok(query(f, 0, 64));
    assert_int_equal(u32_at(f, BUFFER + 8), 0x1000);
    assert_int_equal(u32_at(f, BUFFER + 24), 0x10000);
    uint64_t highest;
    peek(f, BUFFER + 40, &highest, 8);
    assert_int_equal(highest, 0x7ffffffeffff);
}

static void time_of_day_gives_what_fits(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t now;
    ok(query(f, 3, 0));
    assert_int_equal(u32_at(f, slot(0)), 0);
    ok(query(f, 3, 32));
    peek(f, BUFFER + 8, &now, 8);
    assert_int_equal(now, nt_system_time(f->k));
    ok(query(f, 3, 48));
    expect(query(f, 3, 49), STATUS_INFO_LENGTH_MISMATCH);
}

static void the_time_zone_is_the_registrys(void **state)
{
    struct mm_fixture *f = *state;
    uint16_t name[32];
    ok(query(f, 44, 172));
    assert_int_equal(u32_at(f, BUFFER), 0);
    peek(f, BUFFER + 4, name, sizeof name);
    assert_memory_equal(name, u"@tzres.dll,-", 24); /* in whatever language is asked for */
    assert_true(
        nt_registry_set_text(f->k, "HKLM\\System\\CurrentControlSet\\Control\\TimeZoneInformation",
                             "TimeZoneKeyName", "Pacific Standard Time"));
    ok(query(f, 102, 432));
    assert_int_equal(u32_at(f, BUFFER), 480);
    peek(f, BUFFER + 172, name, sizeof name);
    assert_memory_equal(name, u"Pacific Standard Time", 44);
}

static void the_process_list_names_this_process(void **state)
{
    struct mm_fixture *f = *state;
    static const uint16_t path[] = u"\\??\\C:\\x\\prog.exe";
    f->p->image_path = xmemdup(path, sizeof path);
    f->p->image_path_len = sizeof path / 2 - 1;
    f->p->pid = 8;
    f->t->tid = 12;
    uint32_t fixed = f->p->ptr_size == 8 ? 256 + 80 : 184 + 64;
    expect(query(f, 5, 0), STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(u32_at(f, slot(0)), fixed + 18);
    ok(query(f, 5, 0x1000));
    assert_int_equal(u32_at(f, BUFFER), 0);
    assert_int_equal(u32_at(f, BUFFER + 4), 1);
    uint16_t name[9];
    peek(f, BUFFER + fixed, name, sizeof name);
    assert_memory_equal(name, u"prog.exe", 18);
}

static void an_smbios_table_is_there(void **state)
{
    struct mm_fixture *f = *state;
    uint32_t request[4] = {0x52534d42, 1, 0, 0};
    expect(query(f, 76, 8), STATUS_INFO_LENGTH_MISMATCH);
    ok(mem_write(f->p->mem, BUFFER, request, 16));
    expect(query(f, 76, 16), STATUS_BUFFER_TOO_SMALL);
    uint32_t need = u32_at(f, slot(0));
    assert_int_equal(u32_at(f, BUFFER + 12), need - 16);
    ok(query(f, 76, need));
    assert_int_equal(u32_at(f, BUFFER + 16 + 4), need - 16 - 8); /* length of the structures */
    uint8_t end[6];
    peek(f, BUFFER + need - 6, end, 6);
    assert_int_equal(end[0], 127);
}

static void processors_are_described_by_relation(void **state)
{
    struct mm_fixture *f = *state;
    uint32_t all = 0xffff, bad = 77;
    uint64_t in = bump(f, &all, 4);
    expect(call(f, "NtQuerySystemInformationEx", 107, in, 4, BUFFER, 0, slot(0)),
           STATUS_INFO_LENGTH_MISMATCH);
    uint32_t need = u32_at(f, slot(0)), at = 0, rows = 0;
    ok(call(f, "NtQuerySystemInformationEx", 107, in, 4, BUFFER, need, slot(0)));
    for (; at < need; rows++)
        at += u32_at(f, BUFFER + at + 4);
    assert_int_equal(at, need);
    assert_int_equal(rows, 1 + 4 + 1 + 1 + 1);
    expect(call(f, "NtQuerySystemInformationEx", 107, bump(f, &bad, 4), 4, BUFFER, need, slot(0)),
           STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQuerySystemInformationEx", 107, 0, 0, BUFFER, need, slot(0)),
           STATUS_INVALID_PARAMETER);
}

static void the_counter_runs_at_ten_megahertz(void **state)
{
    struct mm_fixture *f = *state;
    nt_clock_advance(f->k, 1234);
    ok(call(f, "NtQueryPerformanceCounter", slot(0), slot(1)));
    assert_int_equal(get(f, 0), nt_uptime(f->k));
    assert_int_equal(get(f, 1), 10000000);
    expect(call(f, "NtQueryPerformanceCounter", 0, 0), STATUS_ACCESS_VIOLATION);
}

static void the_timer_resolution_is_remembered(void **state)
{
    struct mm_fixture *f = *state;
    expect(call(f, "NtSetTimerResolution", 10000, 0, slot(0)), STATUS_TIMER_RESOLUTION_NOT_SET);
    ok(call(f, "NtSetTimerResolution", 10000, 1, slot(0)));
    assert_int_equal(u32_at(f, slot(0)), 10000);
    ok(call(f, "NtQueryTimerResolution", slot(1), slot(2), slot(3)));
    assert_int_equal(u32_at(f, slot(1)), 156250);
    assert_int_equal(u32_at(f, slot(3)), 10000);
    ok(call(f, "NtSetTimerResolution", 0, 0, slot(0)));
}

static void licence_values_come_from_the_registry(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t name = ustr(f, "Kernel-MUI-Language-Allowed");
    expect(call(f, "NtQueryLicenseValue", name, slot(0), BUFFER, 0, slot(1)),
           STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(u32_at(f, slot(0)), REG_SZ);
    assert_int_equal(u32_at(f, slot(1)), 12);
    ok(call(f, "NtQueryLicenseValue", name, slot(0), BUFFER, 64, slot(1)));
    expect(call(f, "NtQueryLicenseValue", name, slot(0), BUFFER, 64, 0), STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQueryLicenseValue", ustr(f, ""), slot(0), BUFFER, 64, slot(1)),
           STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQueryLicenseValue", ustr(f, "no-such"), slot(0), BUFFER, 64, slot(1)),
           STATUS_OBJECT_NAME_NOT_FOUND);
}

static void hard_errors_become_notes(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t text = ustr(f, "missing.dll");
    uint64_t parameters = bump(f, &text, 8);
    ok(call(f, "NtRaiseHardError", STATUS_DLL_NOT_FOUND, 1, 1, parameters, 1, slot(0)));
    assert_int_equal(f->k->note_len, 1);
    assert_string_equal(f->k->notes[0].detail, "missing.dll");
}

#define T(fn)   cmocka_unit_test_setup_teardown(fn, guest_setup, mm_teardown)
#define T32(fn) cmocka_unit_test_setup_teardown(fn, guest_setup32, mm_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sizes_are_those_of_both_bitnesses),       T32(sizes_are_those_of_both_bitnesses),
        T(basic_information_has_the_address_range), T(time_of_day_gives_what_fits),
        T(the_time_zone_is_the_registrys),          T(the_process_list_names_this_process),
        T32(the_process_list_names_this_process),   T(an_smbios_table_is_there),
        T(processors_are_described_by_relation),    T32(processors_are_described_by_relation),
        T(the_counter_runs_at_ten_megahertz),       T(the_timer_resolution_is_remembered),
        T(licence_values_come_from_the_registry),   T(hard_errors_become_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
