// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "base/hostio.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test works in an empty directory of its own. */
static int enter(void **state)
{
    char *dir = xstrdup("/tmp/peregrine-test.XXXXXX");
    *state = dir;
    return !mkdtemp(dir) || chdir(dir);
}

static size_t entries(void)
{
    size_t n = 0;
    DIR *d = opendir(".");
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static int leave(void **state)
{
    DIR *d = opendir(".");
    for (struct dirent *entry; (entry = readdir(d));) {
        if (unlink(entry->d_name))
            rmdir(entry->d_name);
    }
    closedir(d);
    int failed = chdir("/") || rmdir(*state);
    free(*state);
    return failed;
}

static void a_written_file_maps_to_the_same_bytes(void **state)
{
    struct pgr_error e;
    struct host_map m;
    assert_int_equal(host_write_file("a", "hello", 5, &e), PGR_OK);
    assert_int_equal(host_write_file("a", "bye", 3, &e), PGR_OK);
    assert_int_equal(entries(), 1); /* nothing is left beside it */
    assert_int_equal(host_map_open(&m, "a", &e), PGR_OK);
    assert_int_equal(m.size, 3);
    assert_memory_equal(m.data, "bye", 3);
    host_map_close(&m);
}

static void an_empty_file_is_an_empty_map(void **state)
{
    struct pgr_error e;
    struct host_map m;
    assert_int_equal(host_write_file("empty", "", 0, &e), PGR_OK);
    assert_int_equal(host_map_open(&m, "empty", &e), PGR_OK);
    assert_int_equal(m.size, 0);
    assert_null(m.data);
    host_map_close(&m);
}

static void what_is_no_file_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *path, *says;
        pgr_status status;
    } rows[] = {
        {"missing", "missing: No such file", PGR_E_NOT_FOUND},
        {"directory", "is a directory", PGR_E_UNSUPPORTED},
        {"pipe", "device or pipe", PGR_E_UNSUPPORTED},
        {"/dev/null", "device or pipe", PGR_E_UNSUPPORTED},
        {"directory/x/y", "No such file", PGR_E_NOT_FOUND},
        {"/dev/null/x", "Not a directory", PGR_E_NOT_FOUND},
    };
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pgr_error e = {0};
        struct host_map m;
        expect_row(i, host_map_open(&m, rows[i].path, &e) == rows[i].status);
        expect_row(i, e.status == rows[i].status && strstr(e.text, rows[i].says));
        expect_row(i, !m.data && !m.size);
    }
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    struct pgr_error e;
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(host_write_file("directory", "x", 1, &e), PGR_E_IO);
    assert_int_equal(host_write_file("no/such/place", "x", 1, &e), PGR_E_IO);
    assert_int_equal(entries(), 1);
}

static void user_directories_follow_the_environment(void **state)
{
    static const struct {
        const char *xdg, *home, *sub, *path;
    } rows[] = {
        {"/data", "/home/u", "roots", "/data/peregrine/roots"},
        {"/data", NULL, NULL, "/data/peregrine"},
        {"relative", "/home/u", "roots", "/home/u/.local/share/peregrine/roots"},
        {"", "/home/u", NULL, "/home/u/.local/share/peregrine"},
        {NULL, "/home/u", NULL, "/home/u/.local/share/peregrine"},
        {NULL, NULL, "roots", NULL},
        {NULL, "relative", "roots", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsetenv("XDG_DATA_HOME");
        unsetenv("HOME");
        if (rows[i].xdg)
            setenv("XDG_DATA_HOME", rows[i].xdg, 1);
        if (rows[i].home)
            setenv("HOME", rows[i].home, 1);
        char *path = host_data_dir(rows[i].sub);
        expect_row(i, rows[i].path ? path && !strcmp(path, rows[i].path) : !path);
        free(path);
    }
}

static void clocks_go_forward_from_plausible_times(void **state)
{
    uint64_t a = host_monotonic_ns(), b = host_monotonic_ns();
    assert_true(b >= a);
    assert_true(host_realtime_100ns() > 133000000000000000u); /* the year 2022 */
}

int main(void)
{
#define IN_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_written_file_maps_to_the_same_bytes),
        IN_DIRECTORY(an_empty_file_is_an_empty_map),
        IN_DIRECTORY(what_is_no_file_is_refused_with_a_sentence),
        IN_DIRECTORY(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(user_directories_follow_the_environment),
        cmocka_unit_test(clocks_go_forward_from_plausible_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
