// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader against the DLLs of the installed guest root; skipped when there is none. */
#include "test.h"
#include "base/hostio.h"
#include "pe/apiset.h"
#include "pe/map.h"
#include "pe/scan.h"
#include "win/roots.h"

#include <string.h>

struct opened {
    struct host_map map;
    struct pe_image img;
    char *path;
};

static struct win_root root;

static int find_root(void **state)
{
    win_root_find(NULL, &root, NULL);
    return 0;
}

static int free_root(void **state)
{
    win_root_free(&root);
    return 0;
}

/* Skips the test when the root lacks the file. */
static struct opened open_dll(const char *dir, const char *name)
{
    struct opened o = {.path = xasprintf("%s/%s", dir ? dir : "/nowhere", name)};
    struct pgr_error e;
    if (host_map_open(&o.map, o.path, &e)) {
        print_message("no guest root with %s\n", name);
        free(o.path);
        skip();
    }
    if (pe_open(&o.img, o.map.data, o.map.size, PE_FILE, o.path, &e))
        fail_msg("%s", e.text);
    return o;
}

static void close_dll(struct opened *o)
{
    host_map_close(&o->map);
    free(o->path);
}

static void check_ntdll(const char *dir, uint8_t kind, bool wants_arguments)
{
    struct opened o = open_dll(dir, "ntdll.dll");
    struct pe_services s;
    struct pe_exports ex;
    struct pe_export x;
    size_t numbers = 0;
    pe_scan_services(&s, &o.img);
    vec_foreach (r, &s.rows) {
        numbers += r->primary;
        if (!strcmp(r->name, "NtClose"))
            assert_int_equal(r->kind, kind); /* Wine 10 has one stub of another kind on x86 */
        assert_int_equal(r->arg_bytes != 0xffff, wants_arguments);
    }
    assert_true(numbers > 200);
    assert_true(pe_exports_open(&ex, &o.img));
    assert_true(pe_export_by_name(&ex, "LdrInitializeThunk", &x));
    assert_true(pe_export_by_name(&ex, "NtClose", &x));
    vec_foreach (r, &s.rows)
        if (r->rva == x.rva && r->primary)
            assert_string_equal(r->name, "NtClose");
    pe_services_free(&s);
    close_dll(&o);
}

static void services_of_ntdll_x64_are_scanned(void **state)
{
    check_ntdll(root.system32, PE_STUB_SYSCALL, false);
}

static void services_of_ntdll_x86_are_scanned(void **state)
{
    check_ntdll(root.syswow64, PE_STUB_CALL_EDX, true);
}

static void api_sets_of_the_crt_are_resolved(void **state)
{
    struct opened o = open_dll(root.system32, "apisetschema.dll");
    struct pe_apiset as;
    struct pgr_error e;
    char host[PE_APISET_HOST_MAX], name[PE_APISET_HOST_MAX];
    assert_int_equal(pe_apiset_open(&as, &o.img, &e), PGR_OK);
    assert_int_equal(pe_apiset_resolve(&as, "api-ms-win-crt-stdio-l1-1-0.dll", NULL, host),
                     PE_APISET_HOST);
    assert_string_equal(host, "ucrtbase.dll");
    for (uint32_t i = 0; i < as.count; i++)
        expect_row(i, pe_apiset_row(&as, i, name, host));
    close_dll(&o);
}

static void ordinary_dlls_have_no_damage(void **state)
{
    static const char *const names[] = {"kernel32.dll", "kernelbase.dll", "user32.dll",
                                        "ucrtbase.dll", "cmd.exe"};
    for (size_t i = 0; i < ARRAY_LEN(names) * 2; i++) {
        struct opened o = open_dll(i % 2 ? root.syswow64 : root.system32, names[i / 2]);
        struct pe_imports it;
        struct pe_map map;
        pe_imports_begin(&it, &o.img, PE_IMPORTS);
        while (pe_imports_dll(&it))
            while (pe_imports_function(&it))
                expect_row(i, it.fn.slot);
        expect_row(i, !it.damage.what);
        pe_map_build(&map, &o.img);
        expect_row(i, map.relocatable && !map.damage.what && map.blocks.len);
        pe_map_free(&map);
        close_dll(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_of_ntdll_x64_are_scanned),
        cmocka_unit_test(services_of_ntdll_x86_are_scanned),
        cmocka_unit_test(api_sets_of_the_crt_are_resolved),
        cmocka_unit_test(ordinary_dlls_have_no_damage),
    };
    return cmocka_run_group_tests(tests, find_root, free_root);
}
