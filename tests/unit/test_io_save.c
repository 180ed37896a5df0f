// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"

/* The fixture lets both threads run at once, which no machine does: not while it is saved. */
static void change_state(struct io_fixture *f, uint8_t from, uint8_t to)
{
    f->t->state = f->t->state == from ? to : f->t->state;
    f->t2->state = f->t2->state == from ? to : f->t2->state;
}

/* Saves the kernel, and goes on with a new one that was loaded from it. */
static void reload(struct io_fixture *f)
{
    struct ser save, load;
    struct mem_ram *ram = f->ram;
    struct nt_kernel *old = f->k;
    nt_id process = f->p->o.id, thread = f->t->o.id, thread2 = f->t2->o.id;
    struct mem_space *mem = f->p->mem;
    change_state(f, NT_THREAD_RUNNING, NT_THREAD_READY);
    ser_begin_save(&save);
    nt_kernel_transfer_host(old, &save);
    nt_kernel_transfer_objects(old, &save);
    assert_false(save.failed);
    struct nt_config cfg = {.seed = 1};
    struct nt_kernel *k;
    assert_int_equal(nt_kernel_create(&cfg, ram, &k, NULL), PGR_OK);
    f->k = k;
    io_mount(f, "D:\\", "rw", NT_MOUNT_READ_WRITE);
    ser_begin_load(&load, save.data, save.len);
    nt_kernel_transfer_host(k, &load);
    nt_kernel_transfer_objects(k, &load);
    nt_kernel_settle(k, &load);
    if (load.failed)
        fail_msg("%s", load.error.text);
    /* memory is the machine's to save: here the new process takes it over */
    f->p->mem = NULL;
    nt_kernel_destroy(old);
    f->k = k;
    f->p = nt_process_get(k, process);
    f->t = nt_thread_get(k, thread);
    f->t2 = nt_thread_get(k, thread2);
    assert_non_null(f->p);
    assert_non_null(f->t);
    f->p->mem = mem;
    change_state(f, NT_THREAD_READY, NT_THREAD_RUNNING);
    f->c.k = k;
    f->c.p = f->p;
    f->c.t = f->t;
    f->c.mem = mem;
    ser_end(&save);
}

static void open_files_go_on(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, ro;
    ok(open_for(f, "C:\\work\\hello.txt", RW, &h));
    ok(write_at(f, h, "HE", 0));
    ok(open_for(f, "C:\\windows\\system32\\kernel32.dll", RD, &ro));
    ok(read_at(f, ro, 3, -1));
    reload(f);
    ok(read_at(f, ro, 10, -1));
    expect_text(f, "kernel");
    ok(read_at(f, h, 10, -1));
    expect_text(f, "llo");
    ok(read_at(f, h, 10, 0));
    expect_text(f, "HEllo");
    ok(write_at(f, h, "!", 5));
    assert_true(host_has(f, "cow/Hello.txt", "hello"));
}

static void sharing_and_pending_deletes_survive(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, other;
    uint8_t yes = 1;
    ok(create_at(f, 0, "D:\\free.txt", RD | DEL, FILE_SHARE_READ, FILE_OPEN, SYNC, &h));
    reload(f);
    expect(open_for(f, "D:\\free.txt", RW, &other), STATUS_SHARING_VIOLATION);
    ok(set_info(f, h, FileDispositionInformation, &yes, 1));
    reload(f);
    close_handle(f, h);
    assert_false(host_has(f, "rw/free.txt", NULL));
}

static void a_private_overlay_travels_along(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    uint8_t basic[40] = {0};
    uint32_t hidden = FILE_ATTRIBUTE_HIDDEN;
    memcpy(basic + 32, &hidden, 4);
    ok(delete_on_close(f, "C:\\work\\sub\\inner.txt"));
    ok(create(f, "C:\\work\\sub\\made.txt", RW, FILE_CREATE, SYNC, &h));
    ok(write_at(f, h, "made", 0));
    ok(set_info(f, h, FileBasicInformation, basic, 40));
    close_handle(f, h);
    reload(f);
    char names[512];
    ok(list_dir(f, "C:\\work\\sub", "*", names));
    assert_string_equal(names, ". .. made.txt");
    ok(open_for(f, "C:\\work\\sub\\made.txt", RD, &h));
    ok(get_info(f, h, FileBasicInformation, 40));
    assert_int_equal(u32_at(f, BUFFER + 32), hidden);
    assert_int_equal(u64_at(f, BUFFER), nt_system_time(f->k));
}

static void pipes_keep_what_was_written(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    put64_at(f, OFFSET, 0);
    ok(call(f, "NtCreateNamedPipeFile", HANDLE_OUT, RW, attrs(f, 0, "\\??\\pipe\\p"), IOSB, 3,
            FILE_OPEN_IF, SYNC, 1, 1, 0, 1, 64, 64, OFFSET));
    server = u64_at(f, HANDLE_OUT);
    ok(create(f, "\\??\\pipe\\p", RW, FILE_OPEN, SYNC, &client));
    ok(write_at(f, client, "kept", -1));
    reload(f);
    ok(read_at(f, server, 10, -1));
    expect_text(f, "kept");
    f->c.t = f->t2;
    expect(read_at(f, server, 10, -1), NT_BLOCKED);
    f->c.t = f->t;
    reload(f);
    assert_int_equal(f->t2->state, NT_THREAD_WAITING);
    ok(call(f, "NtWriteFile", client, 0, 0, 0, OFFSET, NAME, 4, 0, 0));
    assert_int_equal(f->t2->state, NT_THREAD_READY);
}

static void scans_and_watches_go_on(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h, dir, file;
    ok(create(f, "C:\\work", RD, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE, &h));
    ok(call(f, "NtQueryDirectoryFile", h, 0, 0, 0, IOSB, BUFFER, 64, FileNamesInformation, true, 0,
            false));
    ok(create(f, "D:\\", RD, FILE_OPEN, FILE_DIRECTORY_FILE, &dir));
    expect(
        call(f, "NtNotifyChangeDirectoryFile", dir, 0, 0, 0, LENGTH, BUFFER + 0x8000, 512, 1, true),
        STATUS_PENDING);
    reload(f);
    ok(call(f, "NtQueryDirectoryFile", h, 0, 0, 0, IOSB, BUFFER, 64, FileNamesInformation, true, 0,
            false));
    assert_int_equal(u32_at(f, BUFFER + 8), 4); /* ".." */
    ok(create(f, "D:\\x", RW, FILE_CREATE, SYNC, &file));
    assert_int_equal(u32_at(f, BUFFER + 0x8000 + 4), FILE_ACTION_ADDED);
}

static void directories_to_write_to_are_not_taken_from_a_snapshot(void **state)
{
    struct io_fixture *f = *state;
    struct nt_config cfg = {.seed = 1};
    struct nt_kernel *k;
    struct ser save, load;
    ser_begin_save(&save);
    nt_io_transfer(f->k, &save);
    assert_int_equal(nt_kernel_create(&cfg, f->ram, &k, NULL), PGR_OK);
    ser_begin_load(&load, save.data, save.len);
    nt_io_transfer(k, &load);
    assert_true(load.failed);
    assert_non_null(strstr(load.error.text, "read-write"));
    nt_kernel_destroy(k);
    ser_end(&save);
}

static void damaged_snapshots_are_refused(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    struct ser save;
    ok(create(f, "C:\\work\\made.txt", RW, FILE_CREATE, SYNC, &h));
    ser_begin_save(&save);
    nt_io_transfer(f->k, &save);
    for (size_t cut = 0; cut < save.len; cut += 7) {
        struct nt_kernel *k;
        struct ser load;
        struct nt_config cfg = {.seed = 1};
        assert_int_equal(nt_kernel_create(&cfg, f->ram, &k, NULL), PGR_OK);
        ser_begin_load(&load, save.data, cut);
        nt_io_transfer(k, &load);
        assert_true(load.failed);
        nt_kernel_destroy(k);
    }
    ser_end(&save);
}

static const uint8_t *descriptor(struct io_fixture *f, const char *path, size_t *len)
{
    uint64_t h;
    struct nt_object *o;
    ok(open_for(f, path, RD, &h));
    ok(nt_handle_get(&f->c, h, NT_TYPE_FILE, 0, &o));
    return nt_io_file_sd(f->k, o, len);
}

static void descriptors_of_files_travel_along(void **state)
{
    struct io_fixture *f = *state;
    static const uint8_t sd[20] = {1, 0, 0, 0x80}; /* self-relative, nothing in it */
    uint64_t h;
    size_t len;
    struct nt_object *o;
    ok(open_for(f, "D:\\free.txt", RD, &h));
    ok(nt_handle_get(&f->c, h, NT_TYPE_FILE, 0, &o));
    assert_true(nt_io_set_file_sd(f->k, o, xmemdup(sd, sizeof sd), sizeof sd));
    reload(f);
    assert_memory_equal(descriptor(f, "d:\\FREE.txt", &len), sd, sizeof sd);
    assert_int_equal(len, sizeof sd);
    assert_null(descriptor(f, "C:\\work\\hello.txt", &len));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_files_go_on),
        TEST(sharing_and_pending_deletes_survive),
        TEST(a_private_overlay_travels_along),
        TEST(pipes_keep_what_was_written),
        TEST(scans_and_watches_go_on),
        TEST(descriptors_of_files_travel_along),
        TEST(directories_to_write_to_are_not_taken_from_a_snapshot),
        TEST(damaged_snapshots_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
