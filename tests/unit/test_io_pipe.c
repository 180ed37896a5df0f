// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_fixture.h"

#include <signal.h>

#define PIPE "\\??\\pipe\\test"

enum { BYTES, MESSAGES };

static ntstatus make(struct io_fixture *f, uint32_t type, uint32_t options, uint32_t quota,
                     uint32_t max, uint64_t *h)
{
    ntstatus s = call(f, "NtCreateNamedPipeFile", HANDLE_OUT, RW, attrs(f, 0, PIPE), IOSB,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN_IF, options, type, type, 0, max,
                      quota, quota, put64_at(f, OFFSET, (uint64_t)-500000));
    *h = s ? 0 : u64_at(f, HANDLE_OUT);
    return s;
}

static void pair(struct io_fixture *f, uint32_t type, uint32_t options, uint64_t *server,
                 uint64_t *client)
{
    ok(make(f, type, options, 16, 1, server));
    ok(create(f, PIPE, RW, FILE_OPEN, options, client));
    uint32_t mode[2] = {type, 0};
    if (type)
        ok(set_info(f, *client, FilePipeInformation, mode, 8));
}

static ntstatus control(struct io_fixture *f, uint64_t h, uint32_t code, uint32_t in, uint32_t out)
{
    return call(f, "NtFsControlFile", h, 0, 0, 0, IOSB, code, BUFFER, in, BUFFER + 0x1000, out);
}

static void bytes_pass_both_ways(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, BYTES, SYNC, &server, &client);
    ok(write_at(f, client, "one", -1));
    ok(write_at(f, client, "two", -1));
    ok(read_at(f, server, 4, -1));
    expect_text(f, "onet");
    ok(read_at(f, server, 100, -1));
    expect_text(f, "wo");
    ok(write_at(f, server, "back", -1));
    ok(read_at(f, client, 100, -1));
    expect_text(f, "back");
    ok(call(f, "NtQueryVolumeInformationFile", client, IOSB, BUFFER, 8, FileFsDeviceInformation));
    assert_int_equal(u32_at(f, BUFFER), 0x11);
    ok(get_info(f, server, FilePipeLocalInformation, 40));
    assert_int_equal(u32_at(f, BUFFER + 32), 3);
    assert_int_equal(u32_at(f, BUFFER + 36), 1);
}

static void messages_keep_their_bounds(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, MESSAGES, SYNC, &server, &client);
    ok(write_at(f, client, "first", -1));
    ok(write_at(f, client, "second", -1));
    expect(read_at(f, server, 3, -1), STATUS_BUFFER_OVERFLOW);
    expect_text(f, "fir");
    ok(control(f, server, 0x11400c, 0, 100));
    assert_int_equal(u32_at(f, BUFFER + 0x1000 + 4), 8);
    assert_int_equal(u32_at(f, BUFFER + 0x1000 + 12), 2);
    ok(read_at(f, server, 100, -1));
    expect_text(f, "st");
    ok(read_at(f, server, 100, -1));
    expect_text(f, "second");
}

static void a_blocked_reader_wakes(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, BYTES, SYNC, &server, &client);
    f->c.t = f->t2;
    expect(read_at(f, server, 10, -1), NT_BLOCKED);
    f->c.t = f->t;
    assert_int_equal(f->t2->state, NT_THREAD_WAITING);
    ok(call(f, "NtWriteFile", client, 0, 0, 0, OFFSET, NAME, 4, 0, 0));
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    expect(f->t2->cpu.gpr[X86_RAX], STATUS_SUCCESS);
    assert_int_equal(u64_at(f, IOSB + 8), 4);
}

static void a_full_pipe_blocks_the_writer(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, BYTES, SYNC, &server, &client);
    ok(write_at(f, client, "0123456789", -1));
    f->c.t = f->t2;
    expect(write_at(f, client, "abcdefghij", -1), NT_BLOCKED);
    f->c.t = f->t;
    ok(call(f, "NtReadFile", server, 0, 0, 0, OFFSET, BUFFER, 5, 0, 0));
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    assert_int_equal(u64_at(f, IOSB + 8), 10);
    ok(read_at(f, server, 100, -1));
    expect_text(f, "56789abcdefghij");
}

static void overlapped_reads_signal_event_and_status(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    struct nt_object *ev;
    pair(f, BYTES, 0, &server, &client);
    nt_id id = nt_event_new(f->k, true, true);
    ev = nt_object_get(f->k, id, NT_TYPE_EVENT);
    uint64_t h = nt_handle_add(f->p, ev, 0x1f0003, 0);
    put64_at(f, IOSB, 0xdeadbabe);
    expect(call(f, "NtReadFile", server, h, 0, 0, IOSB, BUFFER, 2, 0, 0), STATUS_PENDING);
    assert_false(nt_event_is_set(f->k, id));
    assert_int_equal(u64_at(f, IOSB), 0xdeadbabe);
    ok(call(f, "NtWriteFile", client, 0, 0, 0, OFFSET, NAME, 1, 0, 0));
    assert_true(nt_event_is_set(f->k, id));
    ok(u32_at(f, IOSB));
    assert_int_equal(u64_at(f, IOSB + 8), 1);
    /* an error that is known at once leaves the status block alone */
    expect(call(f, "NtReadFile", server, h, 0, 0, IOSB, BUFFER, 2, 0, 0), STATUS_PENDING);
    close_handle(f, client);
    expect(u32_at(f, IOSB), STATUS_PIPE_BROKEN);
    put64_at(f, IOSB, 0xdeadbabe);
    expect(call(f, "NtReadFile", server, h, 0, 0, IOSB, BUFFER, 2, 0, 0), STATUS_PIPE_BROKEN);
    assert_int_equal(u64_at(f, IOSB), 0xdeadbabe);
    assert_false(nt_event_is_set(f->k, id));
    nt_id_unref(f->k, id);
}

static void cancelled_requests_end(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, BYTES, 0, &server, &client);
    expect(read_at(f, server, 10, -1), STATUS_PENDING);
    ok(call(f, "NtCancelIoFileEx", server, IOSB, OFFSET));
    expect(u32_at(f, IOSB), STATUS_CANCELLED);
    expect(call(f, "NtCancelIoFileEx", server, 0, OFFSET), STATUS_NOT_FOUND);
    ok(call(f, "NtCancelIoFile", server, OFFSET));
}

static void requests_end_with_their_thread(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, BYTES, SYNC, &server, &client);
    f->c.t = f->t2;
    expect(read_at(f, server, 10, -1), NT_BLOCKED);
    f->c.t = f->t;
    nt_wait_end(f->k, f->t2, STATUS_CANCELLED);
    nt_io_thread_gone(f->k, f->t2);
    ok(write_at(f, client, "kept", -1)); /* nobody took it */
    ok(read_at(f, server, 10, -1));
    expect_text(f, "kept");
    close_handle(f, client);
    close_handle(f, server);
    pair(f, BYTES, 0, &server, &client);
    expect(read_at(f, server, 10, -1), STATUS_PENDING);
    nt_io_thread_gone(f->k, f->t);
    expect(u32_at(f, IOSB), STATUS_CANCELLED);
}

static void overlapped_requests_time_out(void **state)
{
    struct io_fixture *f = *state;
    uint64_t when;
    put64_at(f, OFFSET, (uint64_t)-5000);
    ok(call(f, "NtCreateMailslotFile", HANDLE_OUT, RD, attrs(f, 0, "\\??\\mailslot\\t"), IOSB, 0, 0,
            10, OFFSET));
    assert_false(nt_sched_deadline(f->k, &when));
    expect(read_at(f, u64_at(f, HANDLE_OUT), 10, -1), STATUS_PENDING);
    assert_true(nt_sched_deadline(f->k, &when));
    assert_int_equal(when, nt_now(f->k) + 5000);
    nt_clock_advance(f->k, 5000);
    nt_sched_expire(f->k);
    expect(u32_at(f, IOSB), STATUS_IO_TIMEOUT);
}

static void listening_and_disconnecting(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client, other;
    ok(make(f, BYTES, 0, 16, 1, &server));
    assert_int_equal(u64_at(f, IOSB + 8), FILE_CREATED);
    expect(make(f, BYTES, 0, 16, 1, &other), STATUS_INSTANCE_NOT_AVAILABLE);
    expect(read_at(f, server, 4, -1), STATUS_PIPE_LISTENING);
    expect(control(f, server, 0x110008, 0, 0), STATUS_PENDING);
    ok(create(f, PIPE, RW, FILE_OPEN, 0, &client));
    expect(control(f, server, 0x110008, 0, 0), STATUS_PIPE_CONNECTED);
    expect(create(f, PIPE, RW, FILE_OPEN, 0, &other), STATUS_PIPE_NOT_AVAILABLE);
    ok(control(f, server, 0x110004, 0, 0));
    expect(control(f, server, 0x110004, 0, 0), STATUS_PIPE_DISCONNECTED);
    expect(read_at(f, client, 4, -1), STATUS_PIPE_DISCONNECTED);
    expect(write_at(f, client, "x", -1), STATUS_PIPE_DISCONNECTED);
    close_handle(f, client);
    expect(control(f, server, 0x110008, 0, 0), STATUS_PENDING);
    ok(create(f, PIPE, RW, FILE_OPEN, 0, &client));
    ok(write_at(f, client, "x", -1));
    close_handle(f, client);
    ok(read_at(f, server, 4, -1)); /* what was written stays to be read */
    expect(read_at(f, server, 4, -1), STATUS_PIPE_BROKEN);
    expect(write_at(f, server, "x", -1), STATUS_PIPE_CLOSING);
    close_handle(f, server);
    expect(create(f, PIPE, RW, FILE_OPEN, 0, &client), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void transactions(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client;
    pair(f, MESSAGES, SYNC, &server, &client);
    poke(f, BUFFER, "ask", 3);
    f->c.t = f->t2;
    expect(control(f, client, 0x11c017, 3, 100), NT_BLOCKED);
    f->c.t = f->t;
    ok(call(f, "NtReadFile", server, 0, 0, 0, OFFSET, BUFFER, 50, 0, 0));
    assert_int_equal(u64_at(f, OFFSET + 8), 3);
    poke(f, BUFFER, "answer", 6);
    ok(call(f, "NtWriteFile", server, 0, 0, 0, OFFSET, BUFFER, 6, 0, 0));
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    assert_int_equal(u64_at(f, IOSB + 8), 6);
}

static void waiting_for_an_instance_times_out(void **state)
{
    struct io_fixture *f = *state;
    uint64_t server, client, device;
    uint8_t in[22] = {0};
    int64_t timeout = -1000;
    uint32_t bytes = 8;
    pair(f, BYTES, SYNC, &server, &client);
    ok(create(f, "\\Device\\NamedPipe\\", RD, FILE_OPEN, SYNC, &device));
    memcpy(in, &timeout, 8);
    memcpy(in + 8, &bytes, 4);
    in[12] = 1;
    memcpy(in + 14, u"none", 8);
    poke(f, BUFFER, in, sizeof in);
    expect(control(f, device, 0x110018, sizeof in, 0), STATUS_OBJECT_NAME_NOT_FOUND);
    memcpy(in + 14, u"TEST", 8);
    poke(f, BUFFER, in, sizeof in);
    f->c.t = f->t2;
    expect(control(f, device, 0x110018, sizeof in, 0), NT_BLOCKED);
    f->c.t = f->t;
    nt_clock_advance(f->k, 2000);
    nt_sched_expire(f->k);
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    expect(f->t2->cpu.gpr[X86_RAX], STATUS_IO_TIMEOUT);
}

static void mailslots_deliver_whole_messages(void **state)
{
    struct io_fixture *f = *state;
    uint64_t slot, client;
    const char *name = "\\??\\mailslot\\box";
    put64_at(f, OFFSET, 0);
    ok(call(f, "NtCreateMailslotFile", HANDLE_OUT, RD, attrs(f, 0, name), IOSB, SYNC, 0, 10,
            OFFSET));
    slot = u64_at(f, HANDLE_OUT);
    expect(call(f, "NtCreateMailslotFile", HANDLE_OUT, RD, attrs(f, 0, name), IOSB, SYNC, 0, 10,
                OFFSET),
           STATUS_OBJECT_NAME_COLLISION);
    expect(read_at(f, slot, 10, -1), STATUS_IO_TIMEOUT);
    ok(create(f, name, WR, FILE_OPEN, SYNC, &client));
    ok(write_at(f, client, "letter", -1));
    expect(write_at(f, client, "much too long", -1), STATUS_INVALID_PARAMETER);
    expect(read_at(f, slot, 3, -1), STATUS_BUFFER_TOO_SMALL);
    ok(read_at(f, slot, 10, -1));
    expect_text(f, "letter");
    close_handle(f, slot);
    expect(create(f, name, WR, FILE_OPEN, SYNC, &client), STATUS_OBJECT_NAME_NOT_FOUND);
}

/* ---- Standard handles
 * ---------------------------------------------------------------------------- */

static uint64_t std(struct io_fixture *f, int which, int fd)
{
    nt_io_set_std(f->k, which, fd);
    struct nt_object *o = (struct nt_object *)nt_io_open_std(f->k, which);
    uint64_t h = nt_handle_add(f->p, o, 0x12019f, 0);
    nt_object_unref(f->k, o);
    return h;
}

static void standard_input_blocks_until_bytes_come(void **state)
{
    struct io_fixture *f = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    uint64_t h = std(f, 0, fds[0]);
    f->c.t = f->t2;
    expect(read_at(f, h, 10, -1), NT_BLOCKED);
    f->c.t = f->t;
    assert_true(nt_sched_poll_host(f->k, 0));
    assert_int_equal(f->t2->state, NT_THREAD_WAITING);
    assert_int_equal(write(fds[1], "a\r\n\0", 4), 4);
    assert_true(nt_sched_poll_host(f->k, 0));
    assert_int_equal(f->t2->state, NT_THREAD_READY);
    assert_int_equal(u64_at(f, IOSB + 8), 4);
    close(fds[1]);
    expect(read_at(f, h, 10, -1), STATUS_PIPE_BROKEN);
    close(fds[0]);
    ok(call(f, "NtQueryVolumeInformationFile", h, IOSB, BUFFER, 8, FileFsDeviceInformation));
    assert_int_equal(u32_at(f, BUFFER), 0x11);
}

static void standard_output_passes_bytes_and_survives_its_reader(void **state)
{
    struct io_fixture *f = *state;
    int fds[2];
    char got[16] = "";
    assert_int_equal(pipe(fds), 0);
    uint64_t h = std(f, 1, fds[1]);
    ok(write_at(f, h, "out\n", -1));
    assert_int_equal(read(fds[0], got, sizeof got), 4);
    assert_string_equal(got, "out\n");
    close(fds[0]);
    expect(write_at(f, h, "lost", -1), STATUS_PIPE_BROKEN); /* and no SIGPIPE */
    close(fds[1]);
    h = std(f, 2, -1);
    ok(write_at(f, h, "swallowed", -1));
}

static uint32_t device_type(struct io_fixture *f, uint64_t h)
{
    ok(call(f, "NtQueryVolumeInformationFile", h, IOSB, BUFFER, 8, FileFsDeviceInformation));
    return u32_at(f, BUFFER);
}

static void a_file_behind_a_standard_handle_is_one(void **state)
{
    struct io_fixture *f = *state;
    enum { FILE_DEVICE_DISK = 7 };
    uint64_t at = 1;
    host_put(f, "outside/in.txt", "hello");
    char *path = host_path(f, "outside/in.txt");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint64_t h = std(f, 0, fd);
    assert_int_equal(device_type(f, h), FILE_DEVICE_DISK);
    ok(call(f, "NtQueryInformationFile", h, IOSB, BUFFER, 24, FileStandardInformation));
    assert_int_equal(u64_at(f, BUFFER + 8), 5);
    ok(set_info(f, h, FilePositionInformation, &at, 8));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1);
    ok(read_at(f, h, 2, -1));
    expect_text(f, "el");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
    ok(read_at(f, h, 100, 4)); /* where it was asked for, and the position follows */
    expect_text(f, "o");
    expect(read_at(f, h, 1, -1), STATUS_END_OF_FILE);
    ok(set_info(f, h, FileEndOfFileInformation, &at, 8));
    assert_true(host_has(f, "outside/in.txt", "h"));
    close(fd);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    h = std(f, 1, fd);
    ok(write_at(f, h, "i!", 0));
    assert_true(host_has(f, "outside/in.txt", "hi!"));
    close(fd);
    free(path);
}

static void nothing_behind_a_standard_handle_is_the_null_device(void **state)
{
    struct io_fixture *f = *state;
    enum { FILE_DEVICE_NULL = 0x15 };
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint64_t h = std(f, 0, fd);
    assert_int_equal(device_type(f, h), FILE_DEVICE_NULL);
    expect(read_at(f, h, 1, -1), STATUS_END_OF_FILE);
    close(fd);
    h = std(f, 0, -1);
    assert_int_equal(device_type(f, h), FILE_DEVICE_NULL);
    expect(read_at(f, h, 1, -1), STATUS_END_OF_FILE);
}

static void a_full_disk_is_reported(void **state)
{
    struct io_fixture *f = *state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    uint64_t h = std(f, 1, fd);
    expect(write_at(f, h, "x", -1), STATUS_DISK_FULL);
    close(fd);
}

static void the_null_device(void **state)
{
    struct io_fixture *f = *state;
    uint64_t h;
    ok(create(f, "\\??\\NUL", RW, FILE_OPEN_IF, SYNC, &h));
    ok(write_at(f, h, "gone", -1));
    expect(read_at(f, h, 10, -1), STATUS_END_OF_FILE);
}

static void every_end_shows_the_security_of_the_pipe(void **state)
{
    struct io_fixture *f = *state;
    /* self-relative, with a group: Everyone */
    static const uint8_t sd[32] = {1, 0, 0, 0x80, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0,
                                   0, 0, 0, 0,    1, 1, 0, 0, 0,  0, 0, 1, 0, 0, 0, 0};
    enum { WRITE_OWNER = 0x80000, GROUP = 2, FSCTL_DISCONNECT = 0x110004 };
    uint64_t server, client;
    ok(make(f, 0, 0, 16, 2, &server));
    ok(create(f, PIPE, RW | WRITE_OWNER, FILE_OPEN, 0, &client));
    poke(f, BUFFER, sd, sizeof sd);
    ok(call(f, "NtSetSecurityObject", client, GROUP, BUFFER));
    ok(call(f, "NtQuerySecurityObject", server, GROUP, BUFFER + 0x100, 64, LENGTH));
    assert_int_equal(u32_at(f, LENGTH), 32);
    assert_int_equal(u32_at(f, BUFFER + 0x100 + 24), 0x01000000);
    ok(call(f, "NtFsControlFile", server, 0, 0, 0, IOSB, FSCTL_DISCONNECT, 0, 0, 0, 0));
    expect(call(f, "NtQuerySecurityObject", client, GROUP, BUFFER, 64, LENGTH),
           STATUS_PIPE_DISCONNECTED);
    ok(call(f, "NtQuerySecurityObject", server, GROUP, BUFFER, 64, LENGTH));
}

static void a_time_out_of_a_port_counts_one(void **state)
{
    struct io_fixture *f = *state;
    ok(call(f, "NtCreateIoCompletion", HANDLE_OUT, 0x1f0003, 0, 0));
    uint64_t port = u64_at(f, HANDLE_OUT);
    expect(call(f, "NtRemoveIoCompletionEx", port, BUFFER, 2, LENGTH, put64_at(f, OFFSET, 0), 0),
           STATUS_TIMEOUT);
    assert_int_equal(u32_at(f, LENGTH), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_pass_both_ways),
        TEST(messages_keep_their_bounds),
        TEST(a_blocked_reader_wakes),
        TEST(a_full_pipe_blocks_the_writer),
        TEST(overlapped_reads_signal_event_and_status),
        TEST(cancelled_requests_end),
        TEST(requests_end_with_their_thread),
        TEST(overlapped_requests_time_out),
        TEST(listening_and_disconnecting),
        TEST(transactions),
        TEST(waiting_for_an_instance_times_out),
        TEST(mailslots_deliver_whole_messages),
        TEST(standard_input_blocks_until_bytes_come),
        TEST(standard_output_passes_bytes_and_survives_its_reader),
        TEST(a_file_behind_a_standard_handle_is_one),
        TEST(nothing_behind_a_standard_handle_is_the_null_device),
        TEST(a_full_disk_is_reported),
        TEST(the_null_device),
        TEST(every_end_shows_the_security_of_the_pipe),
        TEST(a_time_out_of_a_port_counts_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
