// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"

enum { SPEC = BUFFER + 0x8000 };
enum { QUERY_POINTS = 0x6d0008, QUERY_UNIX_DRIVE = 0x6d4084, WRITE_CREDENTIAL = 0x6d80c4 };

static uint64_t open_manager(struct io_fixture *f)
{
    uint64_t h;
    ok(create(f, "\\??\\MountPointManager", IO_SYNCHRONIZE, FILE_OPEN, SYNC, &h));
    return h;
}

static ntstatus ask(struct io_fixture *f, uint64_t h, uint32_t code, uint64_t in_len,
                    uint64_t out_len)
{
    return call(f, "NtDeviceIoControlFile", h, 0, 0, 0, IOSB, code, SPEC, in_len, BUFFER, out_len);
}

/* A specification that asks for a device. */
static uint64_t put_spec(struct io_fixture *f, const char *device)
{
    uint32_t spec[6] = {0};
    size_t len;
    uint16_t *wide = utf8_to_utf16(device, strlen(device), &len);
    if (len) {
        spec[4] = sizeof spec;
        spec[5] = (uint32_t)len * 2;
    }
    poke(f, SPEC, spec, sizeof spec);
    if (len)
        poke(f, SPEC + sizeof spec, wide, len * 2);
    free(wide);
    return sizeof spec + len * 2;
}

static void expect_link(struct io_fixture *f, unsigned row, const char *want)
{
    uint16_t wide[64];
    uint64_t at = BUFFER + 8 + row * 24ull;
    uint32_t len = u32_at(f, at + 4) & 0xffff;
    assert_true(len <= sizeof wide);
    peek(f, BUFFER + u32_at(f, at), wide, len);
    char *text = utf16_to_utf8(wide, len / 2, NULL);
    assert_string_equal(text, want);
    free(text);
}

static void a_drive_has_a_volume_and_a_letter(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h = open_manager(f);
    ok(ask(f, h, QUERY_POINTS, put_spec(f, "\\device\\harddiskvolume1"), 1024));
    assert_int_equal(u32_at(f, BUFFER + 4), 2);
    expect_link(f, 0, "\\??\\Volume{00000000-0000-0000-0000-000000000043}");
    expect_link(f, 1, "\\DosDevices\\C:");
    ok(ask(f, h, QUERY_POINTS, put_spec(f, ""), 1024));
    assert_int_equal(u32_at(f, BUFFER + 4), 4); /* C and D */
    ok(ask(f, h, QUERY_POINTS, put_spec(f, "\\Device\\Nothing"), 1024));
    assert_int_equal(u32_at(f, BUFFER + 4), 0);
}

static void a_small_buffer_learns_the_size(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h = open_manager(f);
    expect(ask(f, h, QUERY_POINTS, put_spec(f, ""), 32), STATUS_BUFFER_OVERFLOW);
    uint32_t size = u32_at(f, BUFFER);
    ok(ask(f, h, QUERY_POINTS, put_spec(f, ""), size));
    assert_int_equal(u32_at(f, BUFFER), size);
}

static void specifications_are_checked(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h = open_manager(f);
    uint32_t outside[6] = {0, 0, 0, 0, 0xfffffff0u, 0x40};
    expect(ask(f, h, QUERY_POINTS, 23, 1024), STATUS_INVALID_PARAMETER);
    put_spec(f, "");
    expect(ask(f, h, QUERY_POINTS, 24, 31), STATUS_INVALID_PARAMETER);
    poke(f, SPEC, outside, sizeof outside);
    expect(ask(f, h, QUERY_POINTS, 24, 1024), STATUS_INVALID_PARAMETER);
    expect(ask(f, h, 0x6d0ffc, 24, 1024), STATUS_INVALID_DEVICE_REQUEST);
}

static void what_only_wine_asks(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h = open_manager(f);
    uint16_t drive[16] = {0};
    drive[12] = 'c';
    poke(f, SPEC, drive, sizeof drive);
    ok(ask(f, h, QUERY_UNIX_DRIVE, sizeof drive, sizeof drive));
    assert_int_equal(u32_at(f, BUFFER + 4), 3); /* fixed */
    assert_int_equal(u32_at(f, BUFFER + 24), 'c');
    assert_int_equal(u32_at(f, BUFFER + 28), 0); /* no path of the host */
    drive[12] = 'q';
    poke(f, SPEC, drive, sizeof drive);
    expect(ask(f, h, QUERY_UNIX_DRIVE, sizeof drive, sizeof drive), STATUS_NO_SUCH_DEVICE);
    expect(ask(f, h, WRITE_CREDENTIAL, sizeof drive, 0), STATUS_NOT_SUPPORTED);
}

static void drives_are_links_in_the_namespace(void **state)
{
    struct io_fixture *f = *state;
    static const uint16_t letter[] = u"\\??\\D:", missing[] = u"\\??\\Q:",
                          volume[] = u"\\??\\Volume{00000000-0000-0000-0000-000000000043}";
    assert_non_null(nt_name_lookup(f->k, letter, 6, NULL));
    assert_non_null(nt_name_lookup(f->k, volume, sizeof volume / 2 - 1, NULL));
    assert_null(nt_name_lookup(f->k, missing, 6, NULL));
}

static void supplied_files_take_changes_where_the_mount_does(void **state)
{
    struct io_fixture *f = *state;
    struct pgr_error e;
    uint64_t h;
    host_dir(f, "more");
    host_put(f, "more/extra.ini", "[a]");
    char *dir = host_path(f, "more");
    assert_int_equal(nt_io_supply(f->k, "C:\\work", dir, &e), PGR_OK);
    free(dir);
    ok(open_for(f, "C:\\work\\extra.ini", RW, &h));
    ok(write_at(f, h, "[b]", 0));
    close_handle(f, h);
    assert_true(host_has(f, "more/extra.ini", "[a]"));
    ok(create(f, "C:\\work\\other.ini", RW, FILE_CREATE, SYNC, &h));
    close_handle(f, h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_drive_has_a_volume_and_a_letter),
        TEST(a_small_buffer_learns_the_size),
        TEST(specifications_are_checked),
        TEST(what_only_wine_asks),
        TEST(drives_are_links_in_the_namespace),
        TEST(supplied_files_take_changes_where_the_mount_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
