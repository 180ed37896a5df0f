// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a program's imports lead, and which services lie behind them. */
#include "test.h"
#include "resolve_fixture.h"
#include "win/reach.h"

#include <string.h>

/* A map with one set, api-ms-win-a-l1-1-0, hosted by kernel32.dll. */
static void make_apiset(struct pe_apiset *as, uint8_t bytes[256])
{
    static const char text[] = "api-ms-win-a-l1-1-0kernel32.dll";
    static const uint32_t words[] = {6,  0,  0,  1, 28, 80, 31, 0,   84,
                                     38, 34, 52, 1, 0,  0,  0,  122, 24};
    memset(bytes, 0, 256);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        pe_put32(bytes + 4 * i, words[i]);
    for (size_t i = 0; i < sizeof text - 1; i++)
        bytes[84 + 2 * i] = (uint8_t)text[i];
    assert_int_equal(pe_apiset_parse(as, bytes, 256, "map", NULL), PGR_OK);
}

struct solved {
    struct fixture files;
    struct win_dll_source src;
    uint8_t *data, map[256];
    struct pe_image img;
    struct pe_apiset apiset;
    struct win_resolution r;
    const struct win_module *program;
};

static void solve(struct solved *s, struct making program)
{
    size_t size;
    s->data = pe_build_finish(program.b, &size);
    assert_int_equal(pe_open(&s->img, s->data, size, PE_FILE, "prog.exe", NULL), PGR_OK);
    make_apiset(&s->apiset, s->map);
    s->src = fixture_source(&s->files);
    win_resolve(&s->r, &s->img, "prog.exe", &s->src, &s->apiset);
    s->program = s->r.modules.data[WIN_MODULE_PROGRAM];
}

static void dissolve(struct solved *s)
{
    win_resolution_free(&s->r);
    assert_int_equal(s->files.open, 0);
    fixture_free(&s->files);
    free(s->data);
}

static const uint16_t machines[] = {IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_I386};

static void each_import_is_found_or_said_to_be_missing(void **state)
{
    static const struct {
        const char *dll, *name;
        uint16_t ordinal;
        enum win_import_state want;
        const char *ends_in;
        bool fatal_on_windows, fatal_on_wine;
    } rows[] = {
        {"kernel32.dll", "CloseHandle", 0, WIN_IMPORT_FOUND, "kernel32.dll", false, false},
        {"KERNEL32", "CloseHandle", 0, WIN_IMPORT_FOUND, "kernel32.dll", false, false},
        {"kernel32.dll", NULL, 7, WIN_IMPORT_FOUND, "kernel32.dll", false, false},
        {"kernel32.dll", "Forward", 0, WIN_IMPORT_FOUND, "ntdll.dll", false, false},
        {"kernel32.dll", "ByOrdinal", 0, WIN_IMPORT_FOUND, "kernel32.dll", false, false},
        {"kernel32.dll", "SetForward", 0, WIN_IMPORT_FOUND, "kernel32.dll", false, false},
        {"api-ms-win-a-l1-1-9.dll", "CloseHandle", 0, WIN_IMPORT_FOUND, "kernel32.dll", false,
         false},
        {"kernel32.dll", "NoSuch", 0, WIN_IMPORT_NO_EXPORT, "kernel32.dll", true, false},
        {"kernel32.dll", NULL, 999, WIN_IMPORT_NO_EXPORT, "kernel32.dll", true, false},
        {"kernel32.dll", "Nowhere", 0, WIN_IMPORT_NO_EXPORT, "ntdll.dll", true, false},
        {"kernel32.dll", "NoDll", 0, WIN_IMPORT_NO_DLL, "absent.dll", true, false},
        {"kernel32.dll", "Circle", 0, WIN_IMPORT_CYCLE, "kernel32.dll", true, true},
        {"kernel32.dll", "Self", 0, WIN_IMPORT_CYCLE, "kernel32.dll", true, true},
        {"nosuch.dll", "Fn", 0, WIN_IMPORT_NO_DLL, "nosuch.dll", true, true},
        {"api-ms-win-b-l1-1-0.dll", "Fn", 0, WIN_IMPORT_NO_DLL, "api-ms-win-b-l1-1-0.dll", true,
         true},
        {"..\\kernel32.dll", "Fn", 0, WIN_IMPORT_NO_DLL, "..\\kernel32.dll", true, true},
        {"/etc/passwd", "Fn", 0, WIN_IMPORT_NO_DLL, "/etc/passwd", true, true},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows) * 4; k++) {
        size_t i = k / 4;
        struct solved s = {0};
        bool wine = k & 1;
        make_root(&s.files, machines[k / 2 % 2], wine);
        struct making m = make_image(machines[k / 2 % 2], false, NULL);
        pe_build_import(m.b, rows[i].dll, rows[i].name, rows[i].ordinal);
        solve(&s, m);
        expect_row(i, s.program->imports.len == 1);
        const struct win_import *got = &s.program->imports.data[0];
        expect_row(i, s.r.wine == wine);
        expect_row(i, got->state == rows[i].want);
        expect_row(i, !strcmp(s.r.modules.data[got->module]->name, rows[i].ends_in));
        expect_row(i, win_import_is_fatal(&s.r, got) ==
                          (wine ? rows[i].fatal_on_wine : rows[i].fatal_on_windows));
        dissolve(&s);
    }
}

static void what_dlls_need_is_followed(void **state)
{
    struct solved s = {0};
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, true);
    struct making a = make_image(IMAGE_FILE_MACHINE_AMD64, true, "a.dll");
    make_export(&a, "Fn", 0);
    pe_build_import(a.b, "b.dll", "Fn", 0);
    keep_image(&s.files, 0, "a.dll", a);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "a.dll", "Fn", 0);
    solve(&s, m);
    assert_int_equal(s.program->imports.data[0].state, WIN_IMPORT_FOUND);
    assert_int_equal(s.r.modules.len, 5);
    assert_string_equal(s.r.modules.data[3]->place, "the program's directory");
    assert_string_equal(s.r.modules.data[4]->name, "b.dll");
    assert_int_equal(s.r.modules.data[4]->state, WIN_MODULE_MISSING);
    assert_int_equal(s.r.modules.data[4]->needed_by, 3);
    assert_false(s.r.modules.data[4]->delayed);
    dissolve(&s);
}

static void delayed_imports_and_what_only_they_need_are_told_apart(void **state)
{
    struct solved s = {0};
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, false);
    struct making a = make_image(IMAGE_FILE_MACHINE_AMD64, true, "a.dll");
    make_export(&a, "Fn", 0);
    pe_build_import(a.b, "b.dll", "Fn", 0);
    keep_image(&s.files, 0, "a.dll", a);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "kernel32.dll", "CloseHandle", 0);
    make_delay(&m, "a.dll", "Fn");
    solve(&s, m);
    assert_int_equal(s.program->deps.len, 2);
    assert_false(s.program->deps.data[0].delayed);
    assert_true(s.program->deps.data[1].delayed);
    for (uint32_t i = 0; i < s.r.modules.len; i++)
        expect_row(i, s.r.modules.data[i]->delayed == (i >= 3));
    assert_int_equal(s.r.modules.data[4]->state, WIN_MODULE_MISSING);
    dissolve(&s);
}

static void the_program_directory_comes_first_but_not_for_ntdll(void **state)
{
    static const char *const names[] = {"kernel32.dll", "ntdll.dll"};
    struct solved s = {0};
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, false);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct making own = make_image(IMAGE_FILE_MACHINE_AMD64, true, names[i]);
        make_export(&own, "Own", 0);
        keep_image(&s.files, 0, names[i], own);
    }
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    solve(&s, m);
    assert_string_equal(s.r.modules.data[WIN_MODULE_KERNEL32]->path, "0/kernel32.dll");
    assert_string_equal(s.r.modules.data[WIN_MODULE_NTDLL]->path, "1/ntdll.dll");
    dissolve(&s);
}

static void a_dll_for_another_processor_is_passed_over(void **state)
{
    struct solved s = {0};
    make_root(&s.files, IMAGE_FILE_MACHINE_I386, false);
    struct making wrong = make_image(IMAGE_FILE_MACHINE_AMD64, true, "a.dll");
    make_export(&wrong, "Fn", 0);
    keep_image(&s.files, 0, "a.dll", wrong);
    wrong = make_image(IMAGE_FILE_MACHINE_AMD64, true, "b.dll");
    keep_image(&s.files, 0, "b.dll", wrong);
    struct making right = make_image(IMAGE_FILE_MACHINE_I386, true, "a.dll");
    make_export(&right, "Fn", 0);
    keep_image(&s.files, FIXTURE_SYSTEM, "a.dll", right);
    struct making m = make_image(IMAGE_FILE_MACHINE_I386, false, NULL);
    pe_build_import(m.b, "a.dll", "Fn", 0);
    pe_build_import(m.b, "b.dll", "Fn", 0);
    solve(&s, m);
    const struct win_module *a = s.r.modules.data[3], *b = s.r.modules.data[4];
    assert_string_equal(a->path, "1/a.dll");
    assert_string_equal(a->skipped, "0/a.dll");
    assert_int_equal(s.program->imports.data[0].state, WIN_IMPORT_FOUND);
    assert_int_equal(b->state, WIN_MODULE_REFUSED);
    assert_non_null(strstr(b->why, "another processor"));
    dissolve(&s);
}

static void a_damaged_dll_ends_the_search_with_the_reason(void **state)
{
    struct solved s = {0};
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, false);
    s.files.files[s.files.count++] =
        (struct fixture_file){0, "a.dll", xmemdup("MZ not a DLL", 12), 12};
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "a.dll", "Fn", 0);
    solve(&s, m);
    assert_int_equal(s.r.modules.data[3]->state, WIN_MODULE_REFUSED);
    assert_non_null(strstr(s.r.modules.data[3]->why, "a.dll"));
    dissolve(&s);
}

/* ---- Services
 * --------------------------------------------------------------------------------------- */

static bool all(const struct nt_service *s)
{
    return true;
}

static const struct win_reach_service *find(const struct win_reach *a, const char *name)
{
    vec_foreach (s, &a->services)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

static void services_are_found_behind_calls_jumps_and_pointers(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        struct solved s = {0};
        struct win_reach a;
        make_root(&s.files, machines[i], false);
        struct making m = make_image(machines[i], false, NULL);
        pe_build_import(m.b, "kernel32.dll", "CloseHandle", 0);
        pe_build_import(m.b, "kernel32.dll", "FrobLater", 0);
        pe_build_import(m.b, "kernel32.dll", "Frob", 0);
        pe_build_import(m.b, "kernel32.dll", "Seven", 0);
        solve(&s, m);
        win_reach(&a, &s.r, 1000, all);
        expect_row(i, a.services.len == 2 && !a.truncated);
        const struct win_reach_service *close = find(&a, "NtClose"), *frob;
        frob = find(&a, "NtFrobnicate");
        expect_row(i, close && close->service && close->imports.len == 1);
        expect_row(i, frob && !frob->service);
        /* Nearest first: FrobLater loads the pointer itself, Frob calls one that does. */
        expect_row(i, frob->imports.len == 2 && frob->imports.data[0] == 1 &&
                          frob->imports.data[1] == 2);
        expect_row(i, frob->path.len == 2 && !strcmp(frob->path.data[0].name, "FrobLater") &&
                          !strcmp(frob->path.data[1].name, "NtFrobnicate"));
        win_reach_free(&a);
        dissolve(&s);
    }
}

static void a_service_that_is_imported_itself_is_reached(void **state)
{
    struct solved s = {0};
    struct win_reach a;
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, false);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "ntdll.dll", "NtClose", 0);
    solve(&s, m);
    win_reach(&a, &s.r, 1000, all);
    assert_int_equal(a.services.len, 1);
    assert_int_equal(a.services.data[0].path.len, 1);
    win_reach_free(&a);
    dissolve(&s);
}

static void a_program_without_imports_or_root_reaches_nothing(void **state)
{
    struct solved s = {0};
    struct win_reach a;
    solve(&s, make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL));
    assert_int_equal(s.r.modules.data[WIN_MODULE_NTDLL]->state, WIN_MODULE_MISSING);
    win_reach(&a, &s.r, 1000, all);
    assert_int_equal(a.services.len, 0);
    win_reach_free(&a);
    dissolve(&s);
}

static void the_search_ends_when_its_budget_does(void **state)
{
    struct solved s = {0};
    struct win_reach a;
    make_root(&s.files, IMAGE_FILE_MACHINE_AMD64, false);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "kernel32.dll", "Frob", 0);
    solve(&s, m);
    win_reach(&a, &s.r, 1, all);
    assert_true(a.truncated);
    assert_int_equal(a.instructions, 1);
    assert_int_equal(a.services.len, 0);
    win_reach_free(&a);
    dissolve(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_import_is_found_or_said_to_be_missing),
        cmocka_unit_test(what_dlls_need_is_followed),
        cmocka_unit_test(delayed_imports_and_what_only_they_need_are_told_apart),
        cmocka_unit_test(the_program_directory_comes_first_but_not_for_ntdll),
        cmocka_unit_test(a_dll_for_another_processor_is_passed_over),
        cmocka_unit_test(a_damaged_dll_ends_the_search_with_the_reason),
        cmocka_unit_test(services_are_found_behind_calls_jumps_and_pointers),
        cmocka_unit_test(a_service_that_is_imported_itself_is_reached),
        cmocka_unit_test(the_search_ends_when_its_budget_does),
        cmocka_unit_test(a_program_without_imports_or_root_reaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
