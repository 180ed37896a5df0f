// SPDX-License-Identifier: GPL-2.0-or-later
/* Object manager services: what they say of types, directories, links and handles. */
#include "guest_args.h"

enum { ALL = 0x10000000, TYPES = 3, DESKTOPS_VALID = 0xf01ff };

static uint64_t opened(struct mm_fixture *f, uint64_t at)
{
    uint64_t h = 0;
    peek(f, at, &h, f->p->ptr_size);
    return h;
}

static void every_type_is_listed_with_its_masks(void **state)
{
    struct mm_fixture *f = *state;
    expect(call(f, "NtQueryObject", 0, TYPES, BUFFER, 8, slot(0)), STATUS_INFO_LENGTH_MISMATCH);
    uint32_t need = u32_at(f, slot(0)), count, at = 8;
    ok(call(f, "NtQueryObject", 0, TYPES, BUFFER, need, slot(0)));
    count = u32_at(f, BUFFER);
    assert_true(count >= 19);
    bool desktop = false;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t length, name[16] = {0};
        uint64_t text;
        peek(f, BUFFER + at, &length, 2);
        peek(f, BUFFER + at + 8, &text, 8);
        assert_int_equal(text, BUFFER + at + 104); /* sizeof OBJECT_TYPE_INFORMATION */
        peek(f, text, name, MIN(length, (uint16_t)30));
        if (length == 14 && !memcmp(name, u"Desktop", 14)) {
            desktop = true;
            assert_int_equal(u32_at(f, BUFFER + at + 84), DESKTOPS_VALID);
        }
        at += (104u + length + 2 + 7) & ~7u;
    }
    assert_int_equal(at, need);
    assert_true(desktop);
}

static void an_empty_directory_gives_an_empty_entry(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t zero[4];
    ok(call(f, "NtCreateDirectoryObject", slot(0), ALL, attrs(f, 0, "\\empty", 0)));
    fill(f, 0xcc);
    expect(
        call(f, "NtQueryDirectoryObject", opened(f, slot(0)), BUFFER, 256, 0, 1, slot(1), slot(2)),
        STATUS_NO_MORE_ENTRIES);
    assert_int_equal(u32_at(f, slot(2)), sizeof zero);
    peek(f, BUFFER, zero, sizeof zero);
    assert_int_equal(zero[0] | zero[1] | zero[2] | zero[3], 0);
}

static void links_open_through_themselves_and_need_room_for_a_nul(void **state)
{
    struct mm_fixture *f = *state;
    uint16_t room[8] = {0};
    ok(call(f, "NtCreateSymbolicLinkObject", slot(0), ALL, attrs(f, 0, "\\link", 0),
            ustr(f, "\\??")));
    uint64_t link = opened(f, slot(0));
    ok(call(f, "NtOpenSymbolicLinkObject", slot(1), ALL, attrs(f, link, "", 0)));
    expect(call(f, "NtOpenMutant", slot(1), ALL, attrs(f, link, "", 0)),
           STATUS_OBJECT_TYPE_MISMATCH);
    struct UNICODE_STRING us = {.MaximumLength = 6, .Buffer = bump(f, room, sizeof room)};
    expect(call(f, "NtQuerySymbolicLinkObject", link, put_layout(f, &layout_UNICODE_STRING, &us),
                slot(2)),
           STATUS_BUFFER_TOO_SMALL);
    us.MaximumLength = 8;
    ok(call(f, "NtQuerySymbolicLinkObject", link, put_layout(f, &layout_UNICODE_STRING, &us),
            slot(2)));
    assert_int_equal(u32_at(f, slot(2)), 8);
}

static void refused_calls_leave_a_zero_handle(void **state)
{
    struct mm_fixture *f = *state;
    uint64_t junk = 0xdeadbeef;
    ok(mem_write(f->p->mem, slot(0), &junk, 8));
    expect(call(f, "NtDuplicateObject", -1, 0xdead, -1, slot(0), 0, 0, 0), STATUS_INVALID_HANDLE);
    assert_int_equal(opened(f, slot(0)), 0);
}

static void devices_are_in_the_way_of_other_objects(void **state)
{
    struct mm_fixture *f = *state;
    expect(call(f, "NtOpenSymbolicLinkObject", slot(0), ALL, attrs(f, 0, "\\Device\\Null", 0)),
           STATUS_OBJECT_TYPE_MISMATCH);
    expect(call(f, "NtCreateMutant", slot(0), ALL, attrs(f, 0, "\\Device\\Null\\x", 0), 0),
           STATUS_OBJECT_TYPE_MISMATCH);
}

/* Its r10, rdx, r8, r9. */
static uint32_t dispatched(struct mm_fixture *f, const char *name, const uint64_t args[4])
{
    static const unsigned regs[] = {X86_R10, X86_RDX, X86_R8, X86_R9};
    const struct nt_service *table[] = {nt_service_find(name)};
    f->k->service_table = table;
    f->k->service_count = 1;
    f->t->state = NT_THREAD_RUNNING;
    f->t->cpu.gpr[X86_RSP] = slot(64);
    for (size_t i = 0; i < ARRAY_LEN(regs); i++)
        f->t->cpu.gpr[regs[i]] = args[i];
    nt_dispatch(f->k, f->t, 0);
    f->k->service_table = NULL;
    f->k->service_count = 0;
    return (uint32_t)f->t->cpu.gpr[X86_RAX];
}

static void guests_run_out_of_objects_before_the_kernel_does(void **state)
{
    struct mm_fixture *f = *state;
    const uint64_t event[4] = {slot(0), ALL, 0, 1};
    uint32_t s, n = 0;
    while ((s = dispatched(f, "NtCreateEvent", event)) == STATUS_SUCCESS && n < 1u << 21)
        n++;
    assert_int_equal(s, STATUS_INSUFFICIENT_RESOURCES);
    assert_true(n > 1000000);
    expect(dispatched(f, "NtOpenEvent", (uint64_t[4]){slot(1), ALL, attrs(f, 0, "\\x", 0)}),
           STATUS_INSUFFICIENT_RESOURCES);
    ok(call(f, "NtClose", opened(f, slot(0))));
    ok(dispatched(f, "NtCreateEvent", event));
}

static void a_full_handle_table_takes_no_more(void **state)
{
    struct mm_fixture *f = *state;
    const size_t most = 0xff0000;
    ok(call(f, "NtCreateEvent", slot(0), ALL, 0, 1, 0));
    uint64_t event = opened(f, slot(0));
    while (f->p->handles.used < most && nt_handle_room(f->p))
        ok(call(f, "NtDuplicateObject", -1, event, -1, slot(1), 0, 0, 2));
    assert_int_equal(f->p->handles.used, most);
    expect(call(f, "NtDuplicateObject", -1, event, -1, slot(1), 0, 0, 2),
           STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(opened(f, slot(1)), 0);
    expect(call(f, "NtCreateEvent", slot(1), ALL, 0, 1, 0), STATUS_INSUFFICIENT_RESOURCES);
    ok(call(f, "NtClose", event));
    ok(call(f, "NtCreateEvent", slot(0), ALL, 0, 1, 0));
    expect(call(f, "NtCreateEvent", slot(1), ALL, 0, 1, 0), STATUS_INSUFFICIENT_RESOURCES);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, guest_setup, mm_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_type_is_listed_with_its_masks),
        T(an_empty_directory_gives_an_empty_entry),
        T(links_open_through_themselves_and_need_room_for_a_nul),
        T(refused_calls_leave_a_zero_handle),
        T(devices_are_in_the_way_of_other_objects),
        T(guests_run_out_of_objects_before_the_kernel_does),
        T(a_full_handle_table_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
