// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"
#include <sys/resource.h>

static void reads_a_file_whatever_the_letter_case(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(open_for(f, "c:\\WINDOWS\\system32\\KERNEL32.DLL", RD, &h));
    ok(read_at(f, h, 100, -1));
    expect_text(f, "MZ kernel");
    expect(read_at(f, h, 100, -1), STATUS_END_OF_FILE);
    expect(u32_at(f, IOSB), STATUS_END_OF_FILE);
    ok(read_at(f, h, 2, 3));
    expect_text(f, "ke");
    ok(get_info(f, h, FilePositionInformation, 8));
    assert_int_equal(u64_at(f, BUFFER), 5);
    close_handle(f, h);
}

static void missing_things_are_told_apart(void **state)
{
    struct io_fixture *f = *state;
    expect(try_open(f, "C:\\work\\none.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
    expect(try_open(f, "C:\\work\\none\\a.txt"), STATUS_OBJECT_PATH_NOT_FOUND);
    expect(try_open(f, "C:\\work\\hello.txt\\a"), STATUS_OBJECT_PATH_NOT_FOUND);
    expect(try_open(f, "C:\\work\\hello.txt\\"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "Q:\\a"), STATUS_OBJECT_PATH_NOT_FOUND);
    expect(try_open(f, "C:\\work\\a?b"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "C:\\work\\a|b"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "\\??\\"), STATUS_OBJECT_NAME_INVALID);
    expect(try_open(f, "\\\\?\\"), STATUS_OBJECT_NAME_INVALID);
    uint64_t h;
    expect(create_at(f, 0, "", RD, 7, FILE_OPEN, SYNC, &h), STATUS_OBJECT_NAME_INVALID);
}

static void directories_and_files_are_told_apart(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    expect(create(f, "C:\\work\\sub", RD, FILE_OPEN, FILE_NON_DIRECTORY_FILE, &h),
           STATUS_FILE_IS_A_DIRECTORY);
    expect(create(f, "C:\\work\\hello.txt", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &h),
           STATUS_NOT_A_DIRECTORY);
    expect(create(f, "C:\\work\\sub", RD, FILE_CREATE, FILE_DIRECTORY_FILE, &h),
           STATUS_OBJECT_NAME_COLLISION);
    expect(create(f, "C:\\work\\sub", RD, FILE_OVERWRITE_IF, 0, &h), STATUS_OBJECT_NAME_COLLISION);
    expect(create(f, "C:\\work\\sub", RD, FILE_SUPERSEDE, FILE_DIRECTORY_FILE, &h),
           STATUS_INVALID_PARAMETER);
    ok(create(f, "C:\\work\\sub\\", RD, FILE_OPEN_IF, FILE_DIRECTORY_FILE, &h));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_OPENED);
    expect(read_at(f, h, 4, 0), STATUS_INVALID_DEVICE_REQUEST);
}

static void opens_relative_to_a_handle(void **state)
{
    struct io_fixture *f = *state;
    uint64_t dir, file, h;
    ok(create(f, "C:\\work", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    ok(create_at(f, dir, "SUB\\Inner.TXT", RD, 7, FILE_OPEN, SYNC, &file));
    ok(create_at(f, dir, "", RD, 7, FILE_OPEN, FILE_DIRECTORY_FILE, &h));
    expect(create_at(f, dir, "\\sub", RD, 7, FILE_OPEN, 0, &h), STATUS_INVALID_PARAMETER);
    expect(create_at(f, file, "x", RD, 7, FILE_OPEN, 0, &h), STATUS_OBJECT_PATH_NOT_FOUND);
    ok(create_at(f, file, "", RD, 7, FILE_OPEN, SYNC, &h));
    ok(read_at(f, h, 10, -1));
    expect_text(f, "inner");
}

static void opens_by_file_id(void **state)
{
    struct io_fixture *f = *state;
    uint64_t dir, h;
    ok(create(f, "C:\\work", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    ok(open_for(f, "C:\\work\\hello.txt", RD, &h));
    ok(get_info(f, h, FileInternalInformation, 8));
    uint64_t id = u64_at(f, BUFFER);
    attrs(f, dir, "1234");
    poke(f, NAME, &id, 8);
    ok(call(f, "NtOpenFile", HANDLE_OUT, RD, ATTRS, IOSB, SHARE, SYNC | FILE_OPEN_BY_FILE_ID));
    ok(read_at(f, u64_at(f, HANDLE_OUT), 10, -1));
    expect_text(f, "hello");
}

static void synchronous_files_need_synchronize(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    expect(create(f, "C:\\work\\hello.txt", FILE_APPEND_DATA, FILE_OPEN_IF, SYNC, &h),
           STATUS_INVALID_PARAMETER);
    expect(create(f, "C:\\work\\hello.txt", RD, FILE_OPEN, FILE_DELETE_ON_CLOSE, &h),
           STATUS_INVALID_PARAMETER);
    ok(create(f, "C:\\work\\hello.txt", RD, FILE_OPEN, 0, &h));
    expect(read_at(f, h, 4, -1), STATUS_INVALID_PARAMETER); /* overlapped: no position */
}

static void sharing_is_checked_both_ways(void **state)
{
    struct io_fixture *f = *state;
    uint64_t a, b;
    const char *name = "D:\\free.txt";
    ok(create_at(f, 0, name, RD, FILE_SHARE_READ, FILE_OPEN, SYNC, &a));
    expect(create_at(f, 0, name, WR, SHARE, FILE_OPEN, SYNC, &b), STATUS_SHARING_VIOLATION);
    expect(create_at(f, 0, name, RD, FILE_SHARE_WRITE, FILE_OPEN, SYNC, &b),
           STATUS_SHARING_VIOLATION);
    ok(create_at(f, 0, name, FILE_READ_ATTRIBUTES | IO_SYNCHRONIZE, 0, FILE_OPEN, SYNC, &b));
    close_handle(f, b);
    ok(create_at(f, 0, name, RD, FILE_SHARE_READ, FILE_OPEN, SYNC, &b));
    close_handle(f, b);
    expect(create_at(f, 0, name, RD | DEL, SHARE, FILE_OPEN, SYNC, &b), STATUS_SHARING_VIOLATION);
    close_handle(f, a);
    ok(create_at(f, 0, name, WR, 0, FILE_OPEN, SYNC, &b));
}

static void appends_and_truncates(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "D:\\new.txt", FILE_APPEND_DATA | IO_SYNCHRONIZE, FILE_CREATE, SYNC, &h));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_CREATED);
    ok(write_at(f, h, "ab", 0));
    ok(write_at(f, h, "cd", 1)); /* append-only: the offset is ignored */
    close_handle(f, h);
    assert_true(host_has(f, "rw/new.txt", "abcd"));
    ok(open_for(f, "D:\\new.txt", RW, &h));
    expect(write_at(f, h, "ef", INT64_MAX), STATUS_INVALID_PARAMETER);
}

static void resizes(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, size = 2;
    ok(open_for(f, "D:\\free.txt", RW, &h));
    ok(set_info(f, h, FileEndOfFileInformation, &size, 8));
    assert_true(host_has(f, "rw/free.txt", "fr"));
    size = 1;
    ok(set_info(f, h, FileAllocationInformation, &size, 8));
    assert_true(host_has(f, "rw/free.txt", "f"));
    size = UINT64_MAX;
    expect(set_info(f, h, FileEndOfFileInformation, &size, 8), STATUS_INVALID_PARAMETER);
    expect(set_info(f, h, FilePositionInformation, &size, 8), STATUS_INVALID_PARAMETER);
}

static void overwriting_keeps_the_rules(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "D:\\free.txt", RW, FILE_OVERWRITE, SYNC, &h));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_OVERWRITTEN);
    ok(get_info(f, h, FileStandardInformation, 24));
    assert_int_equal(u64_at(f, BUFFER + 8), 0);
    close_handle(f, h);
    ok(create(f, "D:\\free.txt", RW, FILE_SUPERSEDE, SYNC, &h));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_SUPERSEDED);
    expect(create(f, "D:\\none.txt", RW, FILE_OVERWRITE, SYNC, &h), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void attributes_are_kept(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    uint8_t basic[40] = {0};
    uint32_t hidden = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_READONLY;
    memcpy(basic + 32, &hidden, 4);
    ok(open_for(f, "C:\\work\\hello.txt", RW, &h));
    ok(set_info(f, h, FileBasicInformation, basic, 40));
    close_handle(f, h);
    ok(open_for(f, "C:\\work\\hello.txt", RD, &h));
    ok(get_info(f, h, FileBasicInformation, 40));
    assert_int_equal(u32_at(f, BUFFER + 32), hidden);
    close_handle(f, h);
    expect(open_for(f, "C:\\work\\hello.txt", RW, &h), STATUS_ACCESS_DENIED);
    expect(delete_on_close(f, "C:\\work\\hello.txt"), STATUS_CANNOT_DELETE);
    expect(create(f, "C:\\work\\hello.txt", RW, FILE_OVERWRITE_IF, SYNC, &h), STATUS_ACCESS_DENIED);
    uint32_t directory = FILE_ATTRIBUTE_DIRECTORY;
    memcpy(basic + 32, &directory, 4);
    ok(open_for(f, "C:\\work\\hello.txt", FILE_WRITE_ATTRIBUTES | IO_SYNCHRONIZE, &h));
    expect(set_info(f, h, FileBasicInformation, basic, 40), STATUS_INVALID_PARAMETER);
}

static void times_are_kept(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, times[5] = {0x01c0000000000010, 0x01c0000000000020, 0x01c0000000000030};
    ok(open_for(f, "C:\\work\\hello.txt", RW, &h));
    ok(set_info(f, h, FileBasicInformation, times, 40));
    ok(get_info(f, h, FileBasicInformation, 40));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(u64_at(f, BUFFER + 8 * i), times[i]);
}

static void new_files_have_the_machines_time(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, now = nt_system_time(f->k);
    ok(create(f, "C:\\work\\new.txt", RW, FILE_CREATE, SYNC, &h));
    ok(write_at(f, h, "x", 0));
    ok(get_info(f, h, FileBasicInformation, 40));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(u64_at(f, BUFFER + 8 * i), now);
}

static void information_classes_check_their_length(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(open_for(f, "C:\\work\\hello.txt", RD, &h));
    expect(get_info(f, h, FileBasicInformation, 39), STATUS_INFO_LENGTH_MISMATCH);
    expect(get_info(f, h, 0, 8), STATUS_INVALID_INFO_CLASS);
    expect(get_info(f, h, 500, 8), STATUS_INVALID_INFO_CLASS);
    ok(get_info(f, h, FileNameInformation, 100));
    assert_int_equal(u32_at(f, BUFFER), 2 * strlen("\\work\\Hello.txt"));
    assert_int_equal(u64_at(f, IOSB + 8), 4 + 2 * strlen("\\work\\Hello.txt"));
    expect(get_info(f, h, FileNameInformation, 10), STATUS_BUFFER_OVERFLOW);
    expect(get_info(f, h, FileAllInformation, 104), STATUS_BUFFER_OVERFLOW);
    ok(get_info(f, h, FileAllInformation, 200));
    assert_int_equal(u64_at(f, BUFFER + 48), 5);
    ok(get_info(f, h, FileStreamInformation, 100));
    ok(get_info(f, h, FileNetworkOpenInformation, 56));
    ok(get_info(f, h, FileAttributeTagInformation, 8));
    assert_int_equal(u32_at(f, BUFFER), FILE_ATTRIBUTE_ARCHIVE);
    ok(get_info(f, h, FileIdInformation, 24));
    ok(get_info(f, h, FileStandardLinkInformation, 12));
    ok(get_info(f, h, FileAlternateNameInformation, 100));
    assert_int_equal(u32_at(f, BUFFER), 18); /* short enough as it is */
}

static void long_names_have_short_ones(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    uint16_t alias[12];
    char path[64];
    host_put(f, "rw/a long name.text", "x");
    ok(open_for(f, "D:\\a long name.text", RD, &h));
    ok(get_info(f, h, FileAlternateNameInformation, 100));
    uint32_t bytes = u32_at(f, BUFFER);
    assert_in_range(bytes, 2, 24);
    peek(f, BUFFER + 4, alias, bytes);
    char *text = utf16_to_utf8(alias, bytes / 2, NULL);
    snprintf(path, sizeof path, "d:\\%s", text);
    free(text);
    ok(try_open(f, path));
    expect(try_open(f, "D:\\ALON~ZZZ.TEX"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void overlapped_disk_files_answer_pending(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "D:\\free.txt", RW, FILE_OPEN, 0, &h));
    expect(read_at(f, h, 10, 0), STATUS_PENDING);
    expect_text(f, "free");
    expect(read_at(f, h, 10, 50), STATUS_PENDING);
    expect(u32_at(f, IOSB), STATUS_END_OF_FILE);
    expect(write_at(f, h, "x", 0), STATUS_PENDING);
    ok(u32_at(f, IOSB));
}

static void attributes_by_name(void **state)
{
    struct io_fixture *f = *state;
    ok(call(f, "NtQueryAttributesFile", attrs(f, 0, "\\??\\C:\\Work"), BUFFER));
    assert_int_equal(u32_at(f, BUFFER + 32), FILE_ATTRIBUTE_DIRECTORY);
    ok(call(f, "NtQueryFullAttributesFile", attrs(f, 0, "\\??\\c:\\work\\hello.txt"), BUFFER));
    assert_int_equal(u64_at(f, BUFFER + 40), 5);
    ok(call(f, "NtQueryAttributesFile", attrs(f, 0, "\\??\\C:\\"), BUFFER));
    expect(call(f, "NtQueryAttributesFile", attrs(f, 0, "\\??\\C:\\none"), BUFFER),
           STATUS_OBJECT_NAME_NOT_FOUND);
    ok(call(f, "NtQueryAttributesFile", attrs(f, 0, "\\??\\NUL"), BUFFER));
}

static void deletes_with_the_last_handle(void **state)
{
    struct io_fixture *f = *state;
    uint64_t a, b;
    uint8_t yes = 1;
    ok(open_for(f, "D:\\free.txt", RD | DEL, &a));
    ok(open_for(f, "D:\\free.txt", RD, &b));
    ok(set_info(f, a, FileDispositionInformation, &yes, 1));
    expect(set_info(f, b, FileDispositionInformation, &yes, 1), STATUS_ACCESS_DENIED);
    expect(try_open(f, "D:\\free.txt"), STATUS_DELETE_PENDING);
    ok(get_info(f, b, FileStandardInformation, 24));
    assert_int_equal(u32_at(f, BUFFER + 20) & 0xff, 1);
    close_handle(f, a);
    assert_true(host_has(f, "rw/free.txt", "free"));
    close_handle(f, b);
    assert_false(host_has(f, "rw/free.txt", NULL));
    expect(try_open(f, "D:\\free.txt"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void full_directories_stay(void **state)
{
    struct io_fixture *f = *state;
    expect(delete_on_close(f, "C:\\work\\sub"), STATUS_DIRECTORY_NOT_EMPTY);
    ok(call(f, "NtDeleteFile", attrs(f, 0, "\\??\\C:\\work\\sub")));
    ok(try_open(f, "C:\\work\\sub\\inner.txt"));
    ok(call(f, "NtDeleteFile", attrs(f, 0, "\\??\\C:\\work\\sub\\inner.txt")));
    ok(call(f, "NtDeleteFile", attrs(f, 0, "\\??\\C:\\work\\sub")));
    expect(try_open(f, "C:\\work\\sub"), STATUS_OBJECT_NAME_NOT_FOUND);
    expect(delete_on_close(f, "C:\\work"), STATUS_CANNOT_DELETE);
    expect(delete_on_close(f, "C:\\"), STATUS_CANNOT_DELETE);
}

static void renames(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(open_for(f, "D:\\free.txt", RD | DEL, &h));
    ok(rename_to(f, h, "Other.txt", false));
    assert_true(host_has(f, "rw/Other.txt", "free"));
    ok(rename_to(f, h, "OTHER.txt", false)); /* only the case */
    assert_true(host_has(f, "rw/OTHER.txt", "free"));
    host_put(f, "rw/there.txt", "there");
    expect(rename_to(f, h, "there.txt", false), STATUS_OBJECT_NAME_COLLISION);
    expect(rename_to(f, h, "\\??\\C:\\work\\x", false), STATUS_NOT_SAME_DEVICE);
    expect(rename_to(f, h, "\\??\\D:\\none\\x", false), STATUS_OBJECT_PATH_NOT_FOUND);
    ok(rename_to(f, h, "\\??\\D:\\there.txt", true));
    assert_true(host_has(f, "rw/there.txt", "free"));
    ok(read_at(f, h, 10, 0));
    expect_text(f, "free");
    ok(get_info(f, h, FileNameInformation, 100));
    assert_int_equal(u32_at(f, BUFFER), 2 * strlen("\\there.txt"));
}

static void locks_exclude_others(void **state)
{
    struct io_fixture *f = *state;
    uint64_t a, b;
    ok(open_for(f, "D:\\free.txt", RW, &a));
    ok(open_for(f, "D:\\free.txt", RW, &b));
    put64_at(f, OFFSET, 0);
    put64_at(f, LENGTH, 2);
    ok(call(f, "NtLockFile", a, 0, 0, 0, IOSB, OFFSET, LENGTH, 0, true, true));
    expect(call(f, "NtLockFile", b, 0, 0, 0, IOSB, OFFSET, LENGTH, 0, true, true),
           STATUS_LOCK_NOT_GRANTED);
    expect(read_at(f, b, 2, 0), STATUS_FILE_LOCK_CONFLICT);
    ok(read_at(f, b, 2, 2));
    ok(read_at(f, a, 2, 0));
    put64_at(f, OFFSET, 1);
    expect(call(f, "NtUnlockFile", a, IOSB, OFFSET, LENGTH, 0), STATUS_RANGE_NOT_LOCKED);
    put64_at(f, OFFSET, 0);
    /* a blocking request gets its turn when the owner lets go */
    f->c.t = f->t2;
    expect(call(f, "NtLockFile", b, 0, 0, 0, IOSB, OFFSET, LENGTH, 0, false, true), NT_BLOCKED);
    assert_int_equal(f->t2->state, NT_THREAD_WAITING);
    f->c.t = f->t;
    close_handle(f, a);
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    expect(f->t2->cpu.gpr[X86_RAX], STATUS_SUCCESS);
    ok(read_at(f, b, 2, 0));
}

static void mapped_files_resist(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, size = 1;
    uint8_t yes = 1;
    int fd;
    struct nt_file *file;
    ok(open_for(f, "D:\\free.txt", RW | DEL, &h));
    ok(nt_handle_get(&f->c, h, NT_TYPE_FILE, 0, &file));
    ok(nt_io_section_fd(f->k, file, true, &fd, &size));
    assert_int_equal(size, 4);
    nt_io_section_ref(f->k, file, 0, 1);
    size = 1;
    expect(set_info(f, h, FileEndOfFileInformation, &size, 8), STATUS_USER_MAPPED_FILE);
    expect(set_info(f, h, FileDispositionInformation, &yes, 1), STATUS_CANNOT_DELETE);
    nt_io_section_ref(f->k, file, 0, -1);
    ok(set_info(f, h, FileEndOfFileInformation, &size, 8));
}

static void a_read_only_file_can_be_superseded(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(call(f, "NtCreateFile", HANDLE_OUT, RD, attrs(f, 0, "\\??\\D:\\ro.txt"), IOSB, 0,
            FILE_ATTRIBUTE_READONLY, 3, FILE_CREATE, SYNC, 0, 0));
    close_handle(f, u64_at(f, HANDLE_OUT));
    expect(create(f, "D:\\ro.txt", RD, FILE_OVERWRITE, SYNC, &h), STATUS_ACCESS_DENIED);
    ok(create(f, "D:\\ro.txt", RD, FILE_SUPERSEDE, SYNC, &h));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_SUPERSEDED);
    close_handle(f, h);
    ok(open_for(f, "D:\\ro.txt", RW, &h)); /* read-only no more */
}

static void control_codes_of_the_loader(void **state)
{
    struct io_fixture *f = *state;
    uint64_t a, b, id[2];
    ok(open_for(f, "C:\\windows\\system32\\kernel32.dll", RD, &a));
    ok(open_for(f, "C:\\WINDOWS\\SYSTEM32\\kernel32.DLL", RD, &b));
    ok(call(f, "NtFsControlFile", a, 0, 0, 0, IOSB, 0x9009c, 0, 0, BUFFER, 64));
    id[0] = u64_at(f, BUFFER);
    ok(call(f, "NtFsControlFile", b, 0, 0, 0, IOSB, 0x9009c, 0, 0, BUFFER, 64));
    id[1] = u64_at(f, BUFFER);
    assert_int_equal(id[0], id[1]);
    expect(call(f, "NtFsControlFile", a, 0, 0, 0, IOSB, 0x900a8, 0, 0, BUFFER, 64),
           STATUS_NOT_A_REPARSE_POINT);
    expect(call(f, "NtFsControlFile", a, 0, 0, 0, IOSB, 0x90ffc, 0, 0, BUFFER, 64),
           STATUS_INVALID_DEVICE_REQUEST);
    ok(call(f, "NtQueryVolumeInformationFile", a, IOSB, BUFFER, 8, FileFsDeviceInformation));
    assert_int_equal(u32_at(f, BUFFER), 7);
    f->k->wine_userland = true;
    ok(call(f, "NtQueryVolumeInformationFile", a, IOSB, BUFFER, 8, FileFsDeviceInformation));
    assert_int_equal(u32_at(f, BUFFER), 8);
    ok(call(f, "NtQueryVolumeInformationFile", a, IOSB, BUFFER, 20, FileFsAttributeInformation));
    ok(call(f, "NtQueryVolumeInformationFile", a, IOSB, BUFFER, 24, FileFsSizeInformation));
}

static void without_descriptors_no_file_seems_missing(void **state)
{
    struct io_fixture *f = *state;
    struct rlimit before, none = {.rlim_cur = 3};
    getrlimit(RLIMIT_NOFILE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &none);
    ntstatus there = try_open(f, "C:\\work\\hello.txt"), missing = try_open(f, "C:\\work\\none"),
             beneath = try_open(f, "C:\\work\\none\\none");
    setrlimit(RLIMIT_NOFILE, &before);
    expect(there, STATUS_TOO_MANY_OPENED_FILES);
    expect(missing, STATUS_TOO_MANY_OPENED_FILES);
    expect(beneath, STATUS_TOO_MANY_OPENED_FILES);
    expect(try_open(f, "C:\\work\\none"), STATUS_OBJECT_NAME_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_a_file_whatever_the_letter_case),
        TEST(missing_things_are_told_apart),
        TEST(directories_and_files_are_told_apart),
        TEST(opens_relative_to_a_handle),
        TEST(opens_by_file_id),
        TEST(synchronous_files_need_synchronize),
        TEST(sharing_is_checked_both_ways),
        TEST(appends_and_truncates),
        TEST(resizes),
        TEST(overwriting_keeps_the_rules),
        TEST(attributes_are_kept),
        TEST(times_are_kept),
        TEST(new_files_have_the_machines_time),
        TEST(information_classes_check_their_length),
        TEST(long_names_have_short_ones),
        TEST(overlapped_disk_files_answer_pending),
        TEST(attributes_by_name),
        TEST(deletes_with_the_last_handle),
        TEST(full_directories_stay),
        TEST(renames),
        TEST(locks_exclude_others),
        TEST(mapped_files_resist),
        TEST(a_read_only_file_can_be_superseded),
        TEST(control_codes_of_the_loader),
        TEST(without_descriptors_no_file_seems_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
