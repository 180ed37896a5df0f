// SPDX-License-Identifier: GPL-2.0-or-later
/* Global atoms. */
#include "guest_args.h"
#include "nt/ex/ex.h"

static ntstatus by_name(struct mm_fixture *f, const char *service, const char *name, uint16_t *atom)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(name, strlen(name), &n);
    ntstatus s = call(f, service, bump(f, wide, n * 2), n * 2, slot(0));
    free(wide);
    peek(f, slot(0), atom, 2);
    return s;
}

static void names_are_counted_and_case_does_not_matter(void **state)
{
    struct mm_fixture *f = *state;
    uint16_t a, b;
    ok(by_name(f, "NtAddAtom", "Hello World", &a));
    assert_true(a >= 0xc000);
    ok(by_name(f, "NtAddAtom", "hello world", &b));
    assert_int_equal(a, b);
    ok(by_name(f, "NtFindAtom", "HELLO WORLD", &b));
    assert_int_equal(a, b);
    ok(call(f, "NtDeleteAtom", a));
    ok(by_name(f, "NtFindAtom", "Hello World", &b));
    ok(call(f, "NtDeleteAtom", a));
    expect(by_name(f, "NtFindAtom", "Hello World", &b), STATUS_OBJECT_NAME_NOT_FOUND);
    expect(call(f, "NtDeleteAtom", a), STATUS_INVALID_HANDLE);
}

static void numbers_are_atoms_without_a_table(void **state)
{
    struct mm_fixture *f = *state;
    static const struct {
        const char *name;
        ntstatus status;
        uint16_t atom;
    } rows[] = {
        {"#1", STATUS_SUCCESS, 1},
        {"#00042", STATUS_SUCCESS, 42},
        {"#49151", STATUS_SUCCESS, 0xbfff},
        {"#49152", STATUS_INVALID_PARAMETER, 0},
        {"#99999999999", STATUS_INVALID_PARAMETER, 0},
        {"#0", STATUS_INVALID_PARAMETER, 0},
        {"", STATUS_OBJECT_NAME_INVALID, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint16_t atom = 0;
        expect_row(i, by_name(f, "NtAddAtom", rows[i].name, &atom) == rows[i].status);
        expect_row(i, rows[i].status || atom == rows[i].atom);
    }
    uint16_t atom;
    ok(by_name(f, "NtAddAtom", "#1x", &atom));
    assert_true(atom >= 0xc000);
    ok(call(f, "NtAddAtom", 0x123, 0, slot(0)));
    peek(f, slot(0), &atom, 2);
    assert_int_equal(atom, 0x123);
    expect(call(f, "NtAddAtom", 0xc000, 0, slot(0)), STATUS_INVALID_PARAMETER);
    expect(call(f, "NtAddAtom", 0, 0, slot(0)), STATUS_INVALID_PARAMETER);
    ok(call(f, "NtDeleteAtom", 0x123));
}

static void names_have_at_most_255_characters(void **state)
{
    struct mm_fixture *f = *state;
    char name[257];
    uint16_t atom;
    memset(name, 'a', sizeof name);
    name[256] = 0;
    expect(by_name(f, "NtAddAtom", name, &atom), STATUS_INVALID_PARAMETER);
    name[255] = 0;
    ok(by_name(f, "NtAddAtom", name, &atom));
}

static void basic_information_cuts_the_name(void **state)
{
    struct mm_fixture *f = *state;
    uint16_t atom, info[12];
    ok(by_name(f, "NtAddAtom", "abc", &atom));
    ok(call(f, "NtQueryInformationAtom", atom, 0, BUFFER, 24, slot(1)));
    peek(f, BUFFER, info, sizeof info);
    assert_int_equal(info[0], 1);
    assert_int_equal(info[1], 0);
    assert_int_equal(info[2], 6);
    assert_memory_equal(info + 3, u"abc", 8);
    ok(call(f, "NtQueryInformationAtom", atom, 0, BUFFER, 10, slot(1)));
    peek(f, BUFFER, info, sizeof info);
    assert_int_equal(info[2], 2);
    assert_memory_equal(info + 3, u"a", 4);
    expect(call(f, "NtQueryInformationAtom", atom, 0, BUFFER, 8, 0), STATUS_BUFFER_TOO_SMALL);
    expect(call(f, "NtQueryInformationAtom", atom, 0, BUFFER, 7, 0), STATUS_INVALID_PARAMETER);
    expect(call(f, "NtQueryInformationAtom", 0xfff0, 0, BUFFER, 24, 0), STATUS_INVALID_HANDLE);
    expect(call(f, "NtQueryInformationAtom", 0, 0, BUFFER, 24, 0), STATUS_INVALID_PARAMETER);
    ok(call(f, "NtQueryInformationAtom", 77, 0, BUFFER, 24, 0));
    peek(f, BUFFER, info, sizeof info);
    assert_memory_equal(info, ((uint16_t[]){1, 1, 6, '#', '7', '7', 0}), 14);
}

static void the_table_lists_them_all(void **state)
{
    struct mm_fixture *f = *state;
    uint16_t a, b;
    ok(by_name(f, "NtAddAtom", "a", &a));
    ok(by_name(f, "NtAddAtom", "b", &b));
    expect(call(f, "NtQueryInformationAtom", 0, 1, BUFFER, 7, slot(1)), STATUS_INVALID_PARAMETER);
    ok(call(f, "NtQueryInformationAtom", 0, 1, BUFFER, 8, slot(1)));
    assert_int_equal(u32_at(f, BUFFER), 2);
    assert_int_equal(u32_at(f, BUFFER + 4), a | (uint32_t)b << 16);
}

static void atoms_survive_save_and_load(void **state)
{
    struct mm_fixture *f = *state;
    struct ser s, t;
    uint16_t a, b;
    ok(by_name(f, "NtAddAtom", "kept", &a));
    ser_begin_save(&s);
    nt_ex_transfer(f->k, &s);
    ok(call(f, "NtDeleteAtom", a));
    ser_begin_load(&t, s.data, s.len);
    nt_ex_transfer(f->k, &t);
    assert_false(t.failed);
    ok(by_name(f, "NtFindAtom", "kept", &b));
    assert_int_equal(a, b);
    ser_end(&s);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, guest_setup, mm_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(names_are_counted_and_case_does_not_matter),
        T(numbers_are_atoms_without_a_table),
        T(names_have_at_most_255_characters),
        T(basic_information_cuts_the_name),
        T(the_table_lists_them_all),
        T(atoms_survive_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
