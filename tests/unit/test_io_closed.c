// SPDX-License-Identifier: GPL-2.0-or-later
/* The host is closed unless opened: each way out that a guest could try. */
#include "io_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Refused, whatever the reason. */
static void refused(struct io_fixture *f, const char *name)
{
    ntstatus s = try_open(f, name);
    if (!nt_error(s))
        fail_msg("%s opens", name);
    s = call(f, "NtQueryAttributesFile", attrs(f, 0, name[0] == '\\' ? name : "\\??\\none"),
             BUFFER);
    if (!nt_error(s))
        fail_msg("%s has attributes", name);
}

static void dots_do_not_climb(void **state)
{
    struct io_fixture *f = *state;
    refused(f, "\\??\\C:\\work\\..\\outside\\secret.txt");
    refused(f, "\\??\\C:\\work\\sub\\..\\..\\..\\..\\etc\\passwd");
    refused(f, "\\??\\C:\\..\\..\\etc\\passwd");
    refused(f, "\\??\\C:\\work\\.");
    refused(f, "\\??\\C:\\work\\../outside/secret.txt");
    refused(f, "\\??\\C:\\work/../outside/secret.txt");
    refused(f, "\\??\\D:\\sub/../../outside/secret.txt");
    uint64_t dir, h;
    ok(create(f, "C:\\work", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    assert_true(nt_error(create_at(f, dir, "..\\outside\\secret.txt", RD, 7, FILE_OPEN, 0, &h)));
    assert_true(nt_error(create_at(f, dir, "../outside/secret.txt", RD, 7, FILE_OPEN, 0, &h)));
    assert_true(nt_error(create_at(f, dir, "..", RD, 7, FILE_OPEN, 0, &h)));
}

static void unix_paths_are_not_found(void **state)
{
    struct io_fixture *f = *state;
    expect(try_open(f, "\\??\\unix\\etc\\passwd"), STATUS_OBJECT_PATH_NOT_FOUND);
    refused(f, "\\??\\unix/etc/passwd");
    refused(f, "\\DosDevices\\unix\\etc\\passwd");
    refused(f, "/etc/passwd");
    refused(f, "\\etc\\passwd");
    refused(f, "\\??\\/etc/passwd");
    refused(f, "\\??\\Z:\\etc\\passwd");
    refused(f, "\\??\\GLOBALROOT\\??\\unix\\etc\\passwd");
    refused(f, "\\??\\GLOBALROOT\\??\\GLOBALROOT\\??\\C:\\x");
}

static void network_paths_are_not_found(void **state)
{
    struct io_fixture *f = *state;
    expect(try_open(f, "\\??\\UNC\\localhost\\c$\\etc\\passwd"), STATUS_OBJECT_PATH_NOT_FOUND);
    refused(f, "\\Device\\Mup\\localhost\\share\\x");
    refused(f, "\\\\localhost\\share\\x");
    refused(f, "\\\\?\\UNC\\localhost\\share\\x");
}

static void links_do_not_lead_out(void **state)
{
    struct io_fixture *f = *state;
    static const char *const mounts[] = {"ro", "cow", "rw"}, *const guests[] = {"\\??\\C:\\windows",
                                                                                "\\??\\C:\\work",
                                                                                "\\??\\D:"};
    for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
        char rel[64], name[96];
        static const struct {
            const char *name, *target;
        } links[] = {
            {"abs", "/etc/passwd"}, {"up", "../outside/secret.txt"},        {"dir", "../outside"},
            {"root", "/"},          {"proc", "/proc/self/root/etc/passwd"}, {"loop", "loop"}};
        for (size_t j = 0; j < ARRAY_LEN(links); j++) {
            snprintf(rel, sizeof rel, "%s/%s", mounts[i], links[j].name);
            host_link(f, links[j].target, rel);
            snprintf(name, sizeof name, "%s\\%s", guests[i], links[j].name);
            refused(f, name);
        }
        snprintf(name, sizeof name, "%s\\dir\\secret.txt", guests[i]);
        refused(f, name);
        snprintf(name, sizeof name, "%s\\root\\etc\\passwd", guests[i]);
        refused(f, name);
        snprintf(name, sizeof name, "%s\\DIR\\SECRET.TXT", guests[i]);
        refused(f, name);
    }
    char names[512];
    ok(list_dir(f, "D:\\", "*", names));
    uint64_t h;
    ok(create(f, "D:\\", RD, FILE_OPEN, SYNC, &h));
    attrs(f, 0, "*");
    ok(call(f, "NtQueryDirectoryFile", h, 0, 0, 0, IOSB, BUFFER, 4096, FileDirectoryInformation,
            false, STRING, true)); /* only free.txt can be described */
    assert_int_equal(u32_at(f, BUFFER), 0);
}

static void links_are_not_written_through(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    host_link(f, "../outside/new.txt", "rw/dangling");
    host_link(f, "../outside", "rw/dir");
    assert_true(nt_error(create(f, "D:\\dangling", RW, FILE_CREATE, SYNC, &h)));
    assert_true(nt_error(create(f, "D:\\dangling", RW, FILE_OVERWRITE_IF, SYNC, &h)));
    assert_true(nt_error(create(f, "D:\\dir\\new.txt", RW, FILE_CREATE, SYNC, &h)));
    ok(create(f, "D:\\mine.txt", RW | DEL, FILE_CREATE, SYNC, &h));
    assert_true(nt_error(rename_to(f, h, "\\??\\D:\\dir\\moved.txt", true)));
    assert_false(host_has(f, "outside/new.txt", NULL));
    assert_false(host_has(f, "outside/moved.txt", NULL));
    ok(call(f, "NtFsControlFile", h, 0, 0, 0, IOSB, 0x90028, 0, 0, 0, 0));
    expect(call(f, "NtFsControlFile", h, 0, 0, 0, IOSB, 0x900a4, BUFFER, 64, 0, 0),
           STATUS_ACCESS_DENIED); /* no links of the guest's own */
}

static void links_that_stay_inside_work(void **state)
{
    struct io_fixture *f = *state;
    host_link(f, "sub/inner.txt", "cow/short");
    ok(try_open(f, "C:\\work\\SHORT"));
}

static void devices_and_special_files_are_closed(void **state)
{
    struct io_fixture *f = *state;
    char *path = host_path(f, "rw/fifo");
    assert_int_equal(mkfifo(path, 0666), 0);
    free(path);
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/rw/socket", f->root);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    close(fd);
    refused(f, "\\??\\D:\\fifo"); /* would hang, too */
    refused(f, "\\??\\D:\\socket");
    refused(f, "\\Device\\HarddiskVolume9\\x");
    refused(f, "\\??\\PhysicalDrive0");
    refused(f, "\\Device\\Harddisk0\\Partition0");
    refused(f, "\\Device\\PhysicalMemory");
    refused(f, "\\Device\\Afd\\Endpoint");
    refused(f, "\\??\\COM1");
    refused(f, "\\??\\LPT1");
    refused(f, "\\??\\dev\\mem");
    expect(try_open(f, "\\??\\CONIN$"), STATUS_INVALID_HANDLE); /* no terminal here */
}

static void streams_do_not_exist(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(try_open(f, "C:\\work\\hello.txt::$DATA"));
    expect(try_open(f, "C:\\work\\hello.txt:stream"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "C:\\work\\hello.txt:stream:$DATA"), STATUS_OBJECT_NAME_INVALID);
    expect(create(f, "C:\\work\\hello.txt:../../outside/x", RW, FILE_CREATE, SYNC, &h),
           STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "C:\\work::$INDEX_ALLOCATION"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "C:\\work:$I30\\hello.txt"), STATUS_OBJECT_NAME_INVALID);
}

static void names_with_zeroes_and_bytes_stay_inside(void **state)
{
    struct io_fixture *f = *state;
    static const uint16_t hard[][24] = {
        u"\\??\\D:\\a\1b",
        u"\\??\\D:\\\xdc2f\xdc2e",
        u"\\??\\D:\\\xdcc0\xdcaf",
        u"\\??\\D:\\\xff0e\xff0e",
        u"\\??\\D:\\\x2215"
        u"etc",
        u"\\??\\D:\\\xd800",
    };
    for (size_t i = 0; i < ARRAY_LEN(hard); i++) {
        uint16_t bytes[2] = {(uint16_t)(utf16_len(hard[i]) * 2), 0};
        bytes[1] = bytes[0];
        attrs(f, 0, "x");
        poke(f, NAME, hard[i], bytes[0]);
        poke(f, STRING, bytes, 4);
        ntstatus s = call(f, "NtOpenFile", HANDLE_OUT, RD, ATTRS, IOSB, 7, SYNC);
        expect_row(i, nt_error(s));
    }
}

/* The marks of the overlay are not files. */
static void overlay_marks_are_hidden(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    char names[512];
    ok(delete_on_close(f, "C:\\work\\hello.txt"));
    ok(list_dir(f, "C:\\work", "*", names));
    assert_string_equal(names, ". .. sub");
    expect(create(f, "C:\\work\\.wh.sub", RW, FILE_CREATE, SYNC, &h), STATUS_OBJECT_NAME_INVALID);
    expect(create(f, "C:\\work\\.wh..wh..opq", RW, FILE_CREATE, SYNC, &h),
           STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "C:\\work\\.wh.hello.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
    ok(try_open(f, "C:\\work\\sub"));
}

static void read_only_mounts_stay_as_they_are(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    expect(open_for(f, "C:\\windows\\system32\\kernel32.dll", RW, &h), STATUS_ACCESS_DENIED);
    expect(create(f, "C:\\windows\\new.txt", RW, FILE_CREATE, SYNC, &h), STATUS_ACCESS_DENIED);
    expect(create(f, "C:\\windows\\dir", RD, FILE_CREATE, FILE_DIRECTORY_FILE, &h),
           STATUS_ACCESS_DENIED);
    assert_true(nt_error(delete_on_close(f, "C:\\windows\\system32\\kernel32.dll")));
    assert_true(nt_error(call(f, "NtDeleteFile",
                              attrs(f, 0,
                                    "\\??\\C:\\windows\\System32\\"
                                    "Kernel32.dll"))));
    ok(open_for(f, "D:\\free.txt", RD | DEL, &h));
    expect(rename_to(f, h, "\\??\\C:\\windows\\x", true), STATUS_NOT_SAME_DEVICE);
    close_handle(f, h);
    ok(open_for(f, "C:\\work\\hello.txt", RD | DEL, &h));
    expect(rename_to(f, h, "\\??\\C:\\windows\\x", true), STATUS_ACCESS_DENIED);
    expect(rename_to(f, h, "\\??\\C:\\windows\\System32\\Kernel32.dll", true),
           STATUS_ACCESS_DENIED);
    assert_true(host_has(f, "ro/System32/Kernel32.dll", "MZ kernel"));
}

static void refusals_name_the_option(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    bool rw = false, mount = false;
    create(f, "C:\\windows\\new.txt", RW, FILE_CREATE, SYNC, &h);
    try_open(f, "Q:\\data\\x.txt");
    for (size_t i = 0; i < f->k->note_len; i++) {
        const struct nt_note *n = &f->k->notes[i];
        rw |= n->kind == NT_NOTE_DENIED && strstr(n->detail, "--rw /tmp/pgr-io-") != NULL;
        mount |= !strcmp(n->what, "Q:\\data\\x.txt") && strstr(n->detail, "--mount 'Q:\\=DIR'");
    }
    assert_true(rw);
    assert_true(mount);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dots_do_not_climb),
        TEST(unix_paths_are_not_found),
        TEST(network_paths_are_not_found),
        TEST(links_do_not_lead_out),
        TEST(links_are_not_written_through),
        TEST(links_that_stay_inside_work),
        TEST(devices_and_special_files_are_closed),
        TEST(streams_do_not_exist),
        TEST(names_with_zeroes_and_bytes_stay_inside),
        TEST(overlay_marks_are_hidden),
        TEST(read_only_mounts_stay_as_they_are),
        TEST(refusals_name_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
