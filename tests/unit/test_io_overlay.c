// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"

static void expect_names(struct io_fixture *f, const char *dir, const char *want)
{
    char names[512];
    ok(list_dir(f, dir, "*", names));
    assert_string_equal(names, want);
}

static void a_write_copies_the_file_up(void **state)
{
    struct io_fixture *f = *state;
    uint64_t w, r;
    ok(open_for(f, "C:\\work\\HELLO.TXT", RW, &w));
    ok(open_for(f, "C:\\work\\hello.txt", RD, &r));
    assert_null(nt_io_overlay(f->k)); /* opening alone writes nothing */
    ok(write_at(f, w, "J", 0));
    ok(read_at(f, r, 10, 0));
    expect_text(f, "Jello");
    close_handle(f, w);
    close_handle(f, r);
    ok(open_for(f, "C:\\work\\hello.txt", RD, &r));
    ok(read_at(f, r, 10, 0));
    expect_text(f, "Jello");
    assert_true(host_has(f, "cow/Hello.txt", "hello"));
    char *path = nt_io_host_path(f->k, "C:\\work\\hello.txt");
    assert_non_null(strstr(path, "/C/work/Hello.txt"));
    free(path);
    expect_names(f, "C:\\work", ". .. Hello.txt sub");
}

static void a_writable_section_copies_the_file_up(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, size;
    struct nt_file *file;
    int fd;
    ok(open_for(f, "C:\\work\\hello.txt", RW, &h));
    ok(nt_handle_get(&f->c, h, NT_TYPE_FILE, 0, &file));
    ok(nt_io_section_fd(f->k, file, true, &fd, &size));
    assert_int_equal(pwrite(fd, "M", 1, 0), 1);
    ok(read_at(f, h, 10, 0));
    expect_text(f, "Mello");
    assert_true(host_has(f, "cow/Hello.txt", "hello"));
}

static void deletion_hides_the_lower_file(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(delete_on_close(f, "C:\\work\\hello.txt"));
    expect(try_open(f, "C:\\work\\hello.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_true(host_has(f, "cow/Hello.txt", "hello"));
    expect_names(f, "C:\\work", ". .. sub");
    ok(create(f, "C:\\work\\HELLO.txt", RW, FILE_CREATE, SYNC, &h));
    ok(write_at(f, h, "new", 0));
    close_handle(f, h);
    expect_names(f, "C:\\work", ". .. HELLO.txt sub");
    ok(delete_on_close(f, "C:\\work\\hello.txt"));
    expect(try_open(f, "C:\\work\\hello.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_directory_made_again_is_empty(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(delete_on_close(f, "C:\\work\\sub\\inner.txt"));
    ok(delete_on_close(f, "C:\\work\\sub"));
    expect(try_open(f, "C:\\work\\sub\\inner.txt"), STATUS_OBJECT_PATH_NOT_FOUND);
    ok(create(f, "C:\\work\\Sub", RD, FILE_CREATE, SYNC | FILE_DIRECTORY_FILE, &h));
    close_handle(f, h);
    expect_names(f, "C:\\work\\sub", ". ..");
    expect(try_open(f, "C:\\work\\sub\\inner.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void directories_merge(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "C:\\work\\sub\\added.txt", RW, FILE_CREATE, SYNC, &h));
    close_handle(f, h);
    expect_names(f, "C:\\work\\SUB", ". .. added.txt inner.txt");
    ok(try_open(f, "C:\\work\\sub\\inner.txt"));
}

static void directories_rename_across_layers(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, below;
    ok(create(f, "C:\\work\\sub\\added.txt", RW, FILE_CREATE, SYNC, &h));
    ok(write_at(f, h, "added", 0));
    close_handle(f, h);
    ok(open_for(f, "C:\\work\\sub", RD | DEL, &h));
    ok(open_for(f, "C:\\work\\sub\\inner.txt", RD, &below));
    expect(rename_to(f, h, "moved", false), STATUS_ACCESS_DENIED); /* a file below is open */
    close_handle(f, below);
    expect(rename_to(f, h, "\\??\\C:\\work\\sub\\in", false), STATUS_SHARING_VIOLATION);
    ok(rename_to(f, h, "moved", false));
    close_handle(f, h);
    expect_names(f, "C:\\work", ". .. Hello.txt moved");
    expect_names(f, "C:\\work\\moved", ". .. added.txt inner.txt");
    ok(open_for(f, "C:\\work\\moved\\inner.txt", RD, &h));
    ok(read_at(f, h, 10, 0));
    expect_text(f, "inner");
    assert_true(host_has(f, "cow/sub/inner.txt", "inner"));
}

static void files_rename_and_link_in_the_overlay(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    uint8_t raw[100] = {0};
    static const uint16_t name[] = u"linked";
    uint32_t bytes = sizeof name - 2;
    ok(open_for(f, "C:\\work\\hello.txt", RD | DEL, &h));
    ok(rename_to(f, h, "\\??\\C:\\work\\sub\\hi.txt", false));
    ok(read_at(f, h, 10, 0));
    expect_text(f, "hello");
    memcpy(raw + 16, &bytes, 4);
    memcpy(raw + 20, name, bytes);
    ok(set_info(f, h, FileLinkInformation, raw, 20 + bytes));
    ok(get_info(f, h, FileStandardInformation, 24));
    assert_int_equal(u32_at(f, BUFFER + 16), 2);
    close_handle(f, h);
    expect_names(f, "C:\\work", ". .. sub");
    expect_names(f, "C:\\work\\sub", ". .. hi.txt inner.txt linked");
}

static void drive_roots_are_scratch(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    expect_names(f, "C:\\", "windows work");
    ok(create(f, "C:\\users", RD, FILE_CREATE, SYNC | FILE_DIRECTORY_FILE, &h));
    ok(create(f, "C:\\users\\a.txt", RW, FILE_CREATE, SYNC, &h));
    expect_names(f, "C:\\", "users windows work");
    expect(delete_on_close(f, "C:\\windows"), STATUS_ACCESS_DENIED);
}

static void mounts_nest(void **state)
{
    struct io_fixture *f = *state;
    io_mount(f, "C:\\work\\deep\\free", "rw", NT_MOUNT_READ_WRITE);
    expect_names(f, "C:\\work", ". .. deep Hello.txt sub");
    expect_names(f, "C:\\work\\deep", ". .. free");
    ok(try_open(f, "c:\\WORK\\deep\\FREE\\free.txt"));
    assert_int_equal(nt_io_drives(f->k), 0xc);
    char *path = nt_io_guest_path(f->k, f->root);
    assert_null(path);
    char *host = host_path(f, "cow/sub/inner.txt");
    path = nt_io_guest_path(f->k, host);
    assert_string_equal(path, "C:\\work\\sub\\inner.txt");
    free(path);
    free(host);
    host = host_path(f, "cow");
    path = nt_io_guest_path(f->k, host);
    assert_string_equal(path, "C:\\work");
    free(path);
    free(host);
}

static void a_kept_overlay_is_found_again(void **state)
{
    struct io_fixture *f = *state;
    struct pgr_error e;
    uint64_t h;
    char *dir = host_path(f, "kept");
    assert_int_equal(nt_io_set_overlay(f->k, dir, &e), PGR_OK);
    ok(create(f, "C:\\work\\made.txt", RW, FILE_CREATE, SYNC, &h));
    ok(write_at(f, h, "made", 0));
    close_handle(f, h);
    assert_int_equal(nt_io_set_overlay(f->k, NULL, &e), PGR_OK);
    expect(try_open(f, "C:\\work\\made.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(nt_io_set_overlay(f->k, dir, &e), PGR_OK);
    ok(try_open(f, "C:\\WORK\\made.txt"));
    assert_true(host_has(f, "kept/C/work/made.txt", "made"));
    free(dir);
}

static void private_overlays_disappear(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "C:\\work\\d", RD, FILE_CREATE, FILE_DIRECTORY_FILE, &h));
    ok(create(f, "C:\\work\\d\\made.txt", RW, FILE_CREATE, SYNC, &h));
    char *dir = xstrdup(nt_io_overlay(f->k));
    assert_int_equal(access(dir, F_OK), 0);
    struct nt_io *io = f->k->io;
    nt_handles_close_all(f->k, f->p);
    nt_io_destroy(f->k);
    (void)io;
    assert_int_equal(access(dir, F_OK), -1);
    free(dir);
    assert_int_equal(nt_io_create(f->k, NULL), PGR_OK);
}

static void changes_on_the_host_are_seen(void **state)
{
    struct io_fixture *f = *state;
    expect(try_open(f, "C:\\windows\\system32\\new.dll"), STATUS_OBJECT_NAME_NOT_FOUND);
    usleep(20000); /* the directory's time must move */
    host_put(f, "ro/System32/New.dll", "x");
    ok(try_open(f, "C:\\windows\\system32\\new.dll"));
}

static void made_directories_reach_the_host_when_something_is_written_there(void **state)
{
    struct io_fixture *f = *state;
    struct pgr_error e;
    uint64_t h;
    assert_int_equal(nt_io_make_dir(f->k, "C:\\users\\user\\Temp", &e), PGR_OK);
    assert_null(nt_io_overlay(f->k));
    expect_names(f, "C:\\users", ". .. user");
    expect_names(f, "C:\\users\\user\\temp", ". ..");
    expect(delete_on_close(f, "C:\\users\\user\\Temp"), STATUS_CANNOT_DELETE);
    ok(create(f, "C:\\users\\user\\Temp\\a.txt", RW, FILE_CREATE, SYNC, &h));
    close_handle(f, h);
    expect_names(f, "C:\\users\\user\\temp", ". .. a.txt");
    ok(delete_on_close(f, "C:\\users\\user\\Temp\\a.txt"));
    expect_names(f, "C:\\users\\user", ". .. Temp");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_copies_the_file_up),
        TEST(a_writable_section_copies_the_file_up),
        TEST(deletion_hides_the_lower_file),
        TEST(a_directory_made_again_is_empty),
        TEST(directories_merge),
        TEST(directories_rename_across_layers),
        TEST(files_rename_and_link_in_the_overlay),
        TEST(drive_roots_are_scratch),
        TEST(mounts_nest),
        TEST(a_kept_overlay_is_found_again),
        TEST(private_overlays_disappear),
        TEST(changes_on_the_host_are_seen),
        TEST(made_directories_reach_the_host_when_something_is_written_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
