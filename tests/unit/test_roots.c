// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/hostio.h"
#include "win/roots.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/peregrine-roots.XXXXXX";

static void make_directories(const char *path)
{
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        char *part = strndup(path, (size_t)(slash - path));
        mkdir(part, 0777);
        free(part);
    }
    mkdir(path, 0777);
}

static void make_file(const char *path, const void *data, size_t size)
{
    struct pgr_error e;
    assert_int_equal(host_write_file(path, data, size, &e), PGR_OK);
}

/* A directory with an ntdll.dll that has just enough of a header. */
static void make_dlls(const char *path, uint16_t machine, const char *name)
{
    uint8_t image[80] = {'M', 'Z', [60] = 64, [64] = 'P', 'E'};
    memcpy(image + 68, &machine, sizeof machine);
    make_directories(path);
    char *file = xasprintf("%s/%s", path, name);
    make_file(file, image, sizeof image);
    free(file);
}

static void make_wine(const char *name, const char *version)
{
    char *root = xasprintf("peregrine/roots/%s", name);
    char *x64 = xasprintf("%s/windows/system32", root),
         *x86 = xasprintf("%s/windows/syswow64", root);
    char *path = xasprintf("%s/root.json", root);
    char *manifest = xasprintf("{\"kind\": \"wine\", \"version\": \"%s\"}", version);
    make_dlls(x64, 0x8664, "ntdll.dll");
    make_dlls(x86, 0x14c, "ntdll.dll");
    make_file(path, manifest, strlen(manifest));
    free(manifest);
    free(path);
    free(x86);
    free(x64);
    free(root);
}

/* Several Wines, a root without manifest, and things that are no roots. */
static int set_up(void **state)
{
    if (!mkdtemp(home) || chdir(home))
        return -1;
    setenv("XDG_DATA_HOME", home, 1);
    unsetenv("PEREGRINE_ROOT");
    make_wine("wine-8.0", "8.0");
    make_wine("wine-10.0", "10.0");
    make_wine("wine-9.21", "9.21");
    make_dlls("peregrine/roots/zz-mine/WINDOWS/System32", 0x8664, "NTDLL.DLL");
    make_directories("peregrine/roots/empty/windows/system32");
    make_wine(".new.x", "99.0");
    make_file("peregrine/roots/file", "", 0);
    make_dlls("win7/System32", 0x8664, "ntdll.dll");
    make_dlls("win7/SysWOW64", 0x14c, "ntdll.dll");
    make_dlls("xp/SYSTEM32", 0x14c, "Ntdll.dll");
    make_dlls("arm/Windows/System32", 0xaa64, "ntdll.dll");
    make_directories("torn/windows/system32");
    make_file("torn/windows/system32/ntdll.dll", "MZ", 2);
    make_wine("damaged", "1.0");
    make_file("peregrine/roots/damaged/root.json", "{\"kind\":", 8);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

static int tear_down(void **state)
{
    return chdir("/") || nftw(home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void installed_roots_are_listed_by_name(void **state)
{
    static const char *const names[] = {"damaged", "wine-8.0", "wine-9.21", "wine-10.0", "zz-mine"};
    struct win_root_list l;
    win_root_list(&l);
    assert_int_equal(l.len, ARRAY_LEN(names));
    for (size_t i = 0; i < l.len; i++)
        expect_row(i, !strcmp(l.data[i].name, names[i]));
    assert_string_equal(l.data[0].kind, "windows");
    assert_null(l.data[0].version);
    win_root_list_free(&l);
}

static void the_highest_version_of_wine_is_the_default(void **state)
{
    struct win_root r;
    struct pgr_error e;
    assert_int_equal(win_root_find(NULL, &r, &e), PGR_OK);
    assert_string_equal(r.name, "wine-10.0");
    assert_string_equal(r.why, "the highest version of 5 installed");
    assert_true(r.system32[0] == '/' && strstr(r.system32, "/wine-10.0/windows/system32"));
    assert_true(r.syswow64[0] == '/' && strstr(r.syswow64, "/wine-10.0/windows/syswow64"));
    win_root_free(&r);
}

static void the_option_overrides_the_environment(void **state)
{
    struct win_root r;
    struct pgr_error e;
    setenv("PEREGRINE_ROOT", "WINE-8.0", 1);
    assert_int_equal(win_root_find(NULL, &r, &e), PGR_OK);
    assert_string_equal(r.name, "wine-8.0");
    assert_string_equal(r.why, "named by $PEREGRINE_ROOT");
    win_root_free(&r);
    assert_int_equal(win_root_find("wine-9.21", &r, &e), PGR_OK);
    assert_string_equal(r.name, "wine-9.21");
    assert_string_equal(r.why, "named by --root");
    win_root_free(&r);
    unsetenv("PEREGRINE_ROOT");
}

static void a_users_own_windows_is_a_root(void **state)
{
    static const struct {
        const char *wanted, *windows, *x64, *x86;
    } rows[] = {
        {"win7", "/win7", "/win7/System32", "/win7/SysWOW64"},
        {"./xp", "/xp", NULL, "/xp/SYSTEM32"},
        {"peregrine/roots/zz-mine", "/WINDOWS", "/WINDOWS/System32", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct win_root r;
        struct pgr_error e = {0};
        if (win_root_find(rows[i].wanted, &r, &e) != PGR_OK)
            fail_msg("row %zu: %s", i, e.text);
        expect_row(i, !strcmp(r.kind, "windows") && !r.version);
        expect_row(i, strstr(r.windows, rows[i].windows));
        expect_row(i, rows[i].x64 ? r.system32 && strstr(r.system32, rows[i].x64) : !r.system32);
        expect_row(i, rows[i].x86 ? r.syswow64 && strstr(r.syswow64, rows[i].x86) : !r.syswow64);
        win_root_free(&r);
    }
}

static void what_is_no_root_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *wanted, *says;
        pgr_status status;
    } rows[] = {
        {"wine-10", "did you mean 'wine-10.0'?", PGR_E_NOT_FOUND},
        {"something-else", "neither installed nor as a directory", PGR_E_NOT_FOUND},
        {"./missing", "No such file", PGR_E_NOT_FOUND},
        {"arm", "is not a guest root", PGR_E_FORMAT},
        {"torn", "is not a guest root", PGR_E_FORMAT},
        {"peregrine/roots/file", "is not a guest root", PGR_E_FORMAT},
        {"", "neither installed", PGR_E_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct win_root r;
        struct pgr_error e = {0};
        expect_row(i, win_root_find(rows[i].wanted, &r, &e) == rows[i].status);
        if (!strstr(e.text, rows[i].says))
            fail_msg("row %zu says: %s", i, e.text);
        expect_row(i, !r.path && !r.name);
    }
}

static void without_any_root_the_remedy_is_named(void **state)
{
    struct win_root r;
    struct pgr_error e;
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    assert_int_equal(win_root_find(NULL, &r, &e), PGR_E_NOT_FOUND);
    assert_non_null(strstr(e.text, "scripts/guest-dlls"));
    setenv("XDG_DATA_HOME", home, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installed_roots_are_listed_by_name),
        cmocka_unit_test(the_highest_version_of_wine_is_the_default),
        cmocka_unit_test(the_option_overrides_the_environment),
        cmocka_unit_test(a_users_own_windows_is_a_root),
        cmocka_unit_test(what_is_no_root_is_refused_with_a_sentence),
        cmocka_unit_test(without_any_root_the_remedy_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
