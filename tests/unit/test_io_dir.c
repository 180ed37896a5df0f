// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"

static bool match(const char *pattern, const char *name)
{
    size_t pn, nn;
    uint16_t *p = utf8_to_utf16(pattern, strlen(pattern), &pn);
    uint16_t *n = utf8_to_utf16(name, strlen(name), &nn);
    bool yes = nt_wildcard_match(p, pn, n, nn);
    free(p);
    free(n);
    return yes;
}

static void wildcards_follow_nt(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool yes;
    } rows[] = {
        {"*", "", true},
        {"*", "a.b", true},
        {"*.txt", "A.TXT", true},
        {"*.txt", "a.txt.bak", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a*b*c", "axxbxxc", true},
        {"a*b*c", "axxbxx", false},
        {"<.txt", "a.b.txt", true},
        {"<", "noext", true},
        {"<", "has.ext", false}, /* DOS_STAR stops before the last dot */
        {"<\"<", "a.b", true},
        {"a>>>", "abc", true},
        {"a>>>", "a", true},
        {"a>>>", "abcde", false},
        {"a>>>.txt", "ab.txt", true},
        {"abc\"", "abc", true}, /* DOS_DOT may be nothing at the end */
        {"abc\"", "abc.", true},
        {"abc\"def", "abcdef", false},
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(i, match(rows[i].pattern, rows[i].name) == rows[i].yes);
}

static void long_patterns_are_not_exponential(void **state)
{
    char pattern[600] = "", name[300];
    (void)state;
    for (int i = 0; i < 250; i++)
        strcat(pattern, "*a");
    memset(name, 'a', 255);
    strcpy(name + 255, "b");
    assert_false(match(pattern, name));
}

static void listings_are_sorted_and_filtered(void **state)
{
    struct io_fixture *f = *state;
    char names[512];
    host_put(f, "rw/b.TXT", "");
    host_put(f, "rw/A.txt", "");
    host_put(f, "rw/c.dat", "");
    host_put(f, "rw/bad:name", "");
    ok(list_dir(f, "D:\\", "*", names));
    assert_string_equal(names, "A.txt b.TXT c.dat free.txt");
    ok(list_dir(f, "D:\\", "*.txt", names));
    assert_string_equal(names, "A.txt b.TXT free.txt");
    ok(list_dir(f, "D:\\", "*.*", names));
    assert_string_equal(names, "A.txt b.TXT c.dat free.txt");
    ok(list_dir(f, "D:\\", "B.txt", names));
    assert_string_equal(names, "b.TXT");
    expect(list_dir(f, "D:\\", "none*", names), STATUS_NO_SUCH_FILE);
}

static ntstatus query(struct io_fixture *f, uint64_t h, uint32_t cls, uint32_t len, bool single,
                      bool restart)
{
    return call(f, "NtQueryDirectoryFile", h, 0, 0, 0, IOSB, BUFFER, len, cls, single, 0, restart);
}

static void every_class_has_its_layout(void **state)
{
    struct io_fixture *f = *state;
    static const struct {
        uint32_t cls, name;
    } rows[] = {{FileDirectoryInformation, 64},           {FileFullDirectoryInformation, 68},
                {FileBothDirectoryInformation, 94},       {FileIdBothDirectoryInformation, 104},
                {FileIdFullDirectoryInformation, 80},     {FileIdExtdDirectoryInformation, 88},
                {FileIdExtdBothDirectoryInformation, 114}};
    uint64_t h;
    ok(create(f, "D:\\", RD, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE, &h));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint16_t name[8];
        ok(query(f, h, rows[i].cls, 512, true, true));
        expect_row(i, u64_at(f, BUFFER + 40) == 4); /* "free" */
        expect_row(i, u32_at(f, BUFFER + 60) == 16);
        peek(f, BUFFER + rows[i].name, name, 16);
        expect_row(i, !memcmp(name, u"free.txt", 16));
        expect_row(i, u64_at(f, IOSB + 8) == rows[i].name + 16);
        expect(query(f, h, rows[i].cls, 512, true, false), STATUS_NO_MORE_FILES);
        expect(query(f, h, rows[i].cls, rows[i].name, true, false), STATUS_INFO_LENGTH_MISMATCH);
    }
    expect(query(f, h, FileBasicInformation, 512, true, true), STATUS_INVALID_INFO_CLASS);
}

static void scans_go_on_where_the_buffer_ended(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    char seen[64] = "";
    for (char c = 'a'; c <= 'e'; c++) {
        char rel[] = "rw/x1";
        rel[3] = c;
        host_put(f, rel, "");
    }
    ok(create(f, "D:\\", RD, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE, &h));
    while (!query(f, h, FileNamesInformation, 48, false, false)) {
        uint32_t at = 0, next;
        do {
            uint16_t first;
            peek(f, BUFFER + at + 12, &first, 2);
            seen[strlen(seen)] = (char)first;
            next = u32_at(f, BUFFER + at);
            at += next;
        } while (next);
    }
    assert_string_equal(seen, "abcdef");
}

static void a_name_that_does_not_fit_is_cut(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "D:\\", RD, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE, &h));
    expect(query(f, h, FileNamesInformation, 16, false, false), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(u32_at(f, BUFFER + 8), 16);
    assert_int_equal(u64_at(f, IOSB + 8), 16);
}

static void files_cannot_be_listed(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(open_for(f, "D:\\free.txt", RD, &h));
    expect(query(f, h, FileNamesInformation, 512, false, false), STATUS_INVALID_PARAMETER);
}

/* ---- Notification
 * -------------------------------------------------------------------------------- */

static ntstatus watch(struct io_fixture *f, uint64_t h, bool tree)
{
    return call(f, "NtNotifyChangeDirectoryFile", h, 0, 0, 0, IOSB, BUFFER + 0x8000, 512,
                FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME, tree);
}

static void watchers_hear_of_changes(void **state)
{
    struct io_fixture *f = *state;
    uint64_t dir, h, at = BUFFER + 0x8000;
    ok(create(f, "D:\\", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    put64_at(f, IOSB, 77);
    expect(watch(f, dir, false), STATUS_PENDING);
    ok(create_at(f, 0, "D:\\new.txt", RW | DEL, 7, FILE_CREATE, SYNC, &h));
    /* create() itself writes to IOSB after the notification did */
    assert_int_equal(u32_at(f, at + 4), FILE_ACTION_ADDED);
    assert_int_equal(u32_at(f, at + 8), 14);
    ok(rename_to(f, h, "renamed.txt", false));
    expect(watch(f, dir, false), STATUS_PENDING); /* what happened meanwhile is there at once */
    ok(u32_at(f, IOSB));
    assert_int_equal(u32_at(f, at + 4), FILE_ACTION_RENAMED_OLD_NAME);
    uint32_t next = u32_at(f, at);
    assert_int_equal(u32_at(f, at + next + 4), FILE_ACTION_RENAMED_NEW_NAME);
    assert_int_equal(u32_at(f, at + next), 0);
    expect(watch(f, dir, false), STATUS_PENDING);
    ok(call(f, "NtCancelIoFile", dir, OFFSET));
    expect(u32_at(f, IOSB), STATUS_CANCELLED);
    ok(open_for(f, "D:\\free.txt", RD, &h));
    expect(watch(f, h, false), STATUS_INVALID_PARAMETER);
}

static void closing_ends_the_watch(void **state)
{
    struct io_fixture *f = *state;
    uint64_t dir;
    ok(create(f, "C:\\work", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    expect(watch(f, dir, true), STATUS_PENDING);
    close_handle(f, dir);
    expect(u32_at(f, IOSB), STATUS_NOTIFY_CLEANUP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wildcards_follow_nt),
        cmocka_unit_test(long_patterns_are_not_exponential),
        TEST(listings_are_sorted_and_filtered),
        TEST(every_class_has_its_layout),
        TEST(scans_go_on_where_the_buffer_ended),
        TEST(a_name_that_does_not_fit_is_cut),
        TEST(files_cannot_be_listed),
        TEST(watchers_hear_of_changes),
        TEST(closing_ends_the_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
