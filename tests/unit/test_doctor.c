// SPDX-License-Identifier: GPL-2.0-or-later
/* `peregrine doctor`: verdicts, exit status and what both shapes say, on a root made here and on
 * the installed ones. */
#include "test.h"
#include "base/hostio.h"
#include "cli/cli.h"
#include "resolve_fixture.h"
#include "win/roots.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A root and a program on disk. */
struct world {
    char dir[64], root[80];
};

static void keep(const char *dir, const char *name, const void *data, size_t size)
{
    char *path = xasprintf("%s/%s", dir, name);
    assert_int_equal(host_write_file(path, data, size, NULL), PGR_OK);
    free(path);
}

static void make_dir(const char *dir, const char *sub)
{
    char *path = xasprintf("%s/%s", dir, sub);
    assert_int_equal(mkdir(path, 0777), 0);
    free(path);
}

static struct world make_world(uint16_t machine, bool wine)
{
    struct world w = {"/tmp/peregrine-doctor.XXXXXX"};
    struct fixture x = {0};
    assert_non_null(mkdtemp(w.dir));
    snprintf(w.root, sizeof w.root, "%s/root", w.dir);
    make_dir(w.dir, "root");
    make_dir(w.root, "Windows");
    make_dir(w.root, "Windows/System32");
    make_root(&x, machine, wine);
    char *system = xasprintf("%s/Windows/System32", w.root);
    for (size_t i = 0; i < x.count; i++)
        keep(system, i ? "KERNEL32.DLL" : "NtDll.dll", x.files[i].data, x.files[i].size);
    free(system);
    fixture_free(&x);
    return w;
}

static void end_world(struct world *w)
{
    static const char *const files[] = {"root/Windows/System32/KERNEL32.DLL",
                                        "root/Windows/System32/NtDll.dll",
                                        "root/Windows/System32",
                                        "root/Windows",
                                        "root",
                                        "prog.exe",
                                        "link.dll",
                                        ""};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path = xasprintf("%s/%s", w->dir, files[i]);
        remove(path);
        free(path);
    }
    assert_int_not_equal(access(w->dir, F_OK), 0);
}

static void keep_program(const struct world *w, struct making m)
{
    size_t size;
    uint8_t *data = pe_build_finish(m.b, &size);
    keep(w->dir, "prog.exe", data, size);
    free(data);
}

/* Runs the command; both streams go to *out, from malloc. */
static int doctor(const char *root, const char *program, const char *option, char **out)
{
    char path[] = "/tmp/peregrine-doctor-out.XXXXXX";
    int fd = mkstemp(path), old_out = dup(1), old_err = dup(2);
    char *argv[] = {"doctor", "--root", (char *)root, (char *)program, (char *)option, NULL};
    fflush(stdout);
    dup2(fd, 1);
    dup2(fd, 2);
    int status = cli_run_command(cli_find_command("doctor"), option ? 5 : 4, argv);
    fflush(stdout);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    off_t size = lseek(fd, 0, SEEK_END);
    *out = xcalloc((size_t)size + 1, 1);
    assert_int_equal(pread(fd, *out, (size_t)size, 0), size);
    close(fd);
    unlink(path);
    return status;
}

static int doctor_world(const struct world *w, const char *option, char **out)
{
    char *program = xasprintf("%s/prog.exe", w->dir);
    int status = doctor(w->root, program, option, out);
    free(program);
    return status;
}

static void the_verdict_follows_from_what_is_missing(void **state)
{
    static const struct {
        const char *dll, *name;
        bool delayed, wine;
        int status;
        const char *says;
    } rows[] = {
        {"kernel32.dll", "CloseHandle", false, false, 0, "It should run."},
        {"nosuch.dll", "Fn", false, false, 1, "nosuch.dll, which prog.exe needs, is missing"},
        {"nosuch.dll", "Fn", false, true, 1, "What to do: put a nosuch.dll for x86-64 beside"},
        {"nosuch.dll", "Fn", true, false, 0, "loads when it first calls it, is missing"},
        {"kernel32.dll", "NoSuch", false, false, 1,
         "lacks 1 function that prog.exe imports: NoSuch"},
        {"kernel32.dll", "NoSuch", false, true, 0, "a call to such a function ends"},
        {"kernel32.dll", "Circle", false, false, 1, "in a circle: Circle (forwarded to kernel32."},
        {"kernel32.dll", "Circle", false, true, 1, "It cannot start."},
        {"evil\x1b[2J.dll", "Fn", false, true, 1, "evil\\x1b[2J.dll"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out;
        struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, rows[i].wine);
        struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
        if (rows[i].delayed)
            make_delay(&m, rows[i].dll, rows[i].name);
        else
            pe_build_import(m.b, rows[i].dll, rows[i].name, 0);
        keep_program(&w, m);
        int status = doctor_world(&w, NULL, &out);
        for (char *p = out; *p; p++) /* sentences are wrapped */
            if (*p == '\n' && p[1] == ' ')
                memmove(p, p + strspn(p, "\n ") - 1, strlen(p + strspn(p, "\n ") - 1) + 1);
        if (status != rows[i].status || !strstr(out, rows[i].says))
            fail_msg("row %zu: status %d\n%s", i, status, out);
        assert_null(strstr(out, "\x1b["));
        free(out);
        end_world(&w);
    }
}

/* Nothing that a program loads by itself is certain: the exit status stays 0. */
static void dlls_that_the_program_only_names_are_warned_of(void **state)
{
    static const char utf16[] = "\0\0W\0i\0d\0e\0.\0d\0l\0l\0\0", ascii[] = "\0Plain.DLL\0";
    static const char others[] = "\0kernel32.dll\0see-foo.dll-and.dll x\0.dll\0";
    char *out;
    struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, false);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    int s = pe_build_section(m.b, ".data", PE_BUILD_DATA);
    pe_build_append(m.b, s, utf16, sizeof utf16, 1);
    pe_build_append(m.b, s, ascii, sizeof ascii, 1);
    pe_build_append(m.b, s, others, sizeof others, 1);
    keep_program(&w, m);
    assert_int_equal(doctor_world(&w, "--json", &out), 0);
    assert_non_null(strstr(out, "may load them by itself: wide.dll, plain.dll\""));
    free(out);
    end_world(&w);
}

static void missing_services_come_with_an_import_and_a_path(void **state)
{
    char *out;
    struct world w = make_world(IMAGE_FILE_MACHINE_I386, true);
    struct making m = make_image(IMAGE_FILE_MACHINE_I386, false, NULL);
    pe_build_import(m.b, "kernel32.dll", "Frob", 0);
    keep_program(&w, m);
    assert_int_equal(doctor_world(&w, NULL, &out), 0);
    assert_non_null(strstr(out, "NtFrobnicate, by Frob\n"));
    assert_non_null(strstr(out, "kernel32!Frob → ntdll!NtFrobnicate"));
    assert_non_null(strstr(out, "An approximation"));
    free(out);
    end_world(&w);
}

static void the_json_holds_the_same(void **state)
{
    char *out;
    struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, false);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "kernel32.dll", "Frob", 0);
    pe_build_import(m.b, "no\xffsuch.dll", NULL, 3);
    keep_program(&w, m);
    assert_int_equal(doctor_world(&w, "--json", &out), 1);
    json_t *o = json_loads(out, 0, NULL);
    assert_non_null(o);
    assert_false(json_is_true(json_object_get(o, "should_run")));
    json_t *dep = json_array_get(json_object_get(o, "imports"), 1);
    assert_string_equal(json_string_value(json_object_get(dep, "dll")), "no\\xffsuch.dll");
    json_t *finding = json_array_get(json_object_get(o, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(finding, "severity")), "blocks");
    json_decref(o);
    free(out);
    end_world(&w);
}

static void bad_files_and_bad_roots_exit_with_2(void **state)
{
    char *out;
    struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, false);
    keep(w.dir, "prog.exe", "hello\n", 6);
    assert_int_equal(doctor_world(&w, NULL, &out), 2);
    assert_non_null(strstr(out, "prog.exe"));
    free(out);
    keep_program(&w, make_image(IMAGE_FILE_MACHINE_AMD64, true, "a.dll"));
    assert_int_equal(doctor_world(&w, NULL, &out), 2);
    assert_non_null(strstr(out, "this is a DLL, not a program"));
    free(out);
    assert_int_equal(doctor(w.root, "no-such-program", NULL, &out), 2);
    free(out);
    assert_int_equal(doctor("/nonexistent/root", "cmd.exe", NULL, &out), 2);
    free(out);
    end_world(&w);
}

static void a_root_without_dlls_of_that_kind_is_said_to_be_so(void **state)
{
    char *out;
    struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, false);
    keep_program(&w, make_image(IMAGE_FILE_MACHINE_I386, false, NULL));
    assert_int_equal(doctor_world(&w, NULL, &out), 1);
    assert_non_null(strstr(out, "no DLLs for 32-bit programs"));
    free(out);
    end_world(&w);
}

/* As for the guest: the directory is what is shown, not what links in it lead to. */
static void links_out_of_the_directory_are_not_followed(void **state)
{
    char *out, *link;
    struct world w = make_world(IMAGE_FILE_MACHINE_AMD64, false);
    struct making m = make_image(IMAGE_FILE_MACHINE_AMD64, false, NULL);
    pe_build_import(m.b, "link.dll", "CloseHandle", 0);
    keep_program(&w, m);
    link = xasprintf("%s/link.dll", w.dir);
    assert_int_equal(symlink("/proc/self/exe", link), 0);
    assert_int_equal(doctor_world(&w, NULL, &out), 1);
    assert_non_null(strstr(out, "link.dll, which prog.exe needs, is missing"));
    free(out);
    free(link);
    end_world(&w);
}

static void the_programs_of_installed_roots_should_run(void **state)
{
    static const char *const programs[] = {"cmd.exe", "reg.exe", "find.exe", "attrib"};
    struct win_root_list roots;
    win_root_list(&roots);
    if (!roots.len)
        print_message("no guest root is installed\n");
    vec_foreach (r, &roots) {
        for (size_t i = 0; i < ARRAY_LEN(programs) * 2; i++) {
            char *out;
            if (!(i & 1 ? r->syswow64 : r->system32) || strcmp(r->kind, "wine") != 0)
                continue;
            int status = doctor(r->path, programs[i / 2], i & 1 ? "--32" : NULL, &out);
            if (status || !strstr(out, "It should run.") || !strstr(out, " are there\n"))
                fail_msg("%s in %s: status %d\n%s", programs[i / 2], r->name, status, out);
            free(out);
        }
    }
    win_root_list_free(&roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_follows_from_what_is_missing),
        cmocka_unit_test(dlls_that_the_program_only_names_are_warned_of),
        cmocka_unit_test(missing_services_come_with_an_import_and_a_path),
        cmocka_unit_test(the_json_holds_the_same),
        cmocka_unit_test(bad_files_and_bad_roots_exit_with_2),
        cmocka_unit_test(a_root_without_dlls_of_that_kind_is_said_to_be_so),
        cmocka_unit_test(links_out_of_the_directory_are_not_followed),
        cmocka_unit_test(the_programs_of_installed_roots_should_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
