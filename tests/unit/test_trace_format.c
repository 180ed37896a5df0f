// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"

#include "trace/decode.h"
#include "trace/filter.h"
#include "trace/names.h"
#include "trace/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- A guest of 64 KiB at 0x10000, whose third page cannot be read
 * ---------------------------------- */

enum { BASE = 0x10000, SIZE = 0x10000, HOLE = BASE + 0x2000, HOLE_END = HOLE + 0x1000 };

struct guest {
    struct trace_guest g;
    uint8_t memory[SIZE];
    struct trace_scratch scratch;
};

static bool peek(void *ctx, uint64_t va, void *out, size_t len)
{
    struct guest *guest = ctx;
    if (va < BASE || !range_inside(va - BASE, len, SIZE) || (va < HOLE_END && va + len > HOLE))
        return false;
    memcpy(out, guest->memory + (va - BASE), len);
    return true;
}

static size_t describe(void *ctx, uint64_t handle, char *out, size_t size)
{
    const char *text = handle == 0x24   ? "File C:\\work\\a.txt"
                       : handle == 0x28 ? "Event \\BaseNamedObjects\\x\x1b[2J\n"
                                        : "";
    return (size_t)snprintf(out, size, "%s", text);
}

static struct guest *make_guest(unsigned ptr_size)
{
    struct guest *guest = xcalloc(1, sizeof *guest);
    guest->g = (struct trace_guest){guest, ptr_size, peek, describe};
    return guest;
}

static void poke(struct guest *g, uint64_t va, const void *data, size_t len)
{
    memcpy(g->memory + (va - BASE), data, len);
}

static void poke_number(struct guest *g, uint64_t va, uint64_t v, size_t size)
{
    poke(g, va, &v, size);
}

/* UNICODE_STRING at va, its text 0x20 bytes further on. */
static void poke_string(struct guest *g, uint64_t va, const uint16_t *text, size_t units)
{
    poke_number(g, va, units * 2, 2);
    poke_number(g, va + 2, units * 2, 2);
    poke_number(g, va + g->g.ptr_size, va + 0x20, g->g.ptr_size);
    poke(g, va + 0x20, text, units * 2);
}
#define POKE_STRING(g, va, text) poke_string(g, va, (const uint16_t *)(text), sizeof(text) / 2 - 1)

/* OBJECT_ATTRIBUTES at va with the name at `name` (an address). */
static void poke_attributes(struct guest *g, uint64_t va, uint64_t root, uint64_t name)
{
    unsigned p = g->g.ptr_size;
    poke_number(g, va, 6 * p, 4);
    poke_number(g, va + p, root, p);
    poke_number(g, va + 2 * p, name, p);
}

/* ---- Lines
 * -------------------------------------------------------------------------------------------- */

struct lines {
    struct trace_out out;
    int fd;
    char text[1 << 17];
};

static struct lines *make_lines(void)
{
    struct lines *l = xcalloc(1, sizeof *l);
    l->fd = memfd_create("trace", 0);
    l->out.fd = l->fd;
    l->out.path = "memory";
    return l;
}

/* What was written since the last call, with its newline. */
static const char *take(struct lines *l)
{
    trace_out_flush(&l->out);
    ssize_t n = pread(l->fd, l->text, sizeof l->text - 1, 0);
    assert_true(n >= 0);
    l->text[n] = 0;
    assert_int_equal(ftruncate(l->fd, 0), 0);
    lseek(l->fd, 0, SEEK_SET);
    return l->text;
}

static void free_lines(struct lines *l)
{
    close(l->fd);
    free(l);
}

typedef void line_sink(struct trace_out *o, const struct trace_event *ev);

static struct trace_event event_of(const struct nt_service *s, enum trace_event_kind kind)
{
    return (struct trace_event){
        .kind = (uint8_t)kind,
        .main_thread = true,
        .tid = 36,
        .time = 12345,
        .category = nt_category_name(s->category),
        .function = s->name,
        .is_status = true,
    };
}

static void call_line(struct guest *g, struct lines *l, line_sink *sink, const char *service,
                      const uint64_t *arg)
{
    const struct nt_service *s = nt_service_find(service);
    struct trace_event ev = event_of(s, TRACE_CALL);
    ev.value_count = trace_decode_inputs(&g->g, s, arg, &g->scratch);
    ev.values = g->scratch.values;
    sink(&l->out, &ev);
}

static void return_line(struct guest *g, struct lines *l, line_sink *sink, const char *service,
                        const uint64_t *arg, ntstatus status)
{
    const struct nt_service *s = nt_service_find(service);
    struct trace_event ev = event_of(s, TRACE_RETURN);
    ev.value_count = trace_decode_outputs(&g->g, s, arg, status, &g->scratch);
    ev.values = g->scratch.values;
    ev.result_code = status;
    const char *name = ntstatus_name(status);
    ev.result = (struct trace_value){.kind = name ? TRACE_SYMBOL : TRACE_NUMBER, .text = name};
    ev.result.number = status;
    ev.result.length = name ? (uint32_t)strlen(name) : 0;
    sink(&l->out, &ev);
}

/* ---- Golden lines
 * ------------------------------------------------------------------------------------- */

/* NtCreateFile's arguments: name at 0x10100, attributes at 0x10300, results from 0x10400. */
static void set_up_create_file(struct guest *g, uint64_t arg[11])
{
    POKE_STRING(g, 0x10100, u"\\??\\C:\\w\u00f6rk\\a \"b\".txt");
    poke_attributes(g, 0x10300, 0, 0x10100);
    poke_number(g, 0x10400, 0x24, g->g.ptr_size);
    poke_number(g, 0x10410 + g->g.ptr_size, 1, g->g.ptr_size);
    const uint64_t values[11] = {0x10400, 0x80100080, 0x10300, 0x10410, 0, 0x80, 3, 1, 0x60, 0, 0};
    memcpy(arg, values, sizeof values);
}

static void a_call_and_its_return_as_text(void **state)
{
    static const char call[] =
        "[0.0012345] [TID:main] CALL   "
        "NtCreateFile(DesiredAccess=GENERIC_READ|FILE_READ_ATTRIBUTES|"
        "SYNCHRONIZE, ObjectAttributes=\"\\\\??\\\\C:\\\\w\u00f6rk\\\\a \\\"b\\\".txt\", "
        "AllocationSize=NULL, FileAttributes=FILE_ATTRIBUTE_NORMAL, "
        "ShareAccess=FILE_SHARE_READ|FILE_SHARE_WRITE, CreateDisposition=FILE_OPEN, "
        "CreateOptions=FILE_SYNCHRONOUS_IO_NONALERT|FILE_NON_DIRECTORY_FILE, EaBuffer=NULL, "
        "EaLength=0)\n";
    static const char ret[] =
        "[0.0012345] [TID:main] RETURN NtCreateFile() -> STATUS_SUCCESS (FileHandle=0x24 "
        "(File C:\\work\\a.txt), IoStatusBlock={Status=STATUS_SUCCESS, Information=1})\n";
    for (unsigned ptr_size = 4; ptr_size <= 8; ptr_size += 4) {
        struct guest *g = make_guest(ptr_size);
        struct lines *l = make_lines();
        uint64_t arg[11];
        set_up_create_file(g, arg);
        call_line(g, l, trace_text_event, "NtCreateFile", arg);
        assert_string_equal(take(l), call);
        return_line(g, l, trace_text_event, "NtCreateFile", arg, STATUS_SUCCESS);
        assert_string_equal(take(l), ret);
        free(g);
        free_lines(l);
    }
}

static void a_call_and_its_return_as_json(void **state)
{
    static const char call[] =
        "{\"timestamp\":0.0012345,\"thread_id\":36,\"event\":\"call\",\"category\":\"file_io\","
        "\"function\":\"NtCreateFile\",\"args\":{\"DesiredAccess\":"
        "\"GENERIC_READ|FILE_READ_ATTRIBUTES|SYNCHRONIZE\",\"ObjectAttributes\":"
        "\"\\\\??\\\\C:\\\\w\u00f6rk\\\\a \\\"b\\\".txt\",\"AllocationSize\":null,"
        "\"FileAttributes\":\"FILE_ATTRIBUTE_NORMAL\","
        "\"ShareAccess\":\"FILE_SHARE_READ|FILE_SHARE_WRITE\",\"CreateDisposition\":\"FILE_OPEN\","
        "\"CreateOptions\":\"FILE_SYNCHRONOUS_IO_NONALERT|FILE_NON_DIRECTORY_FILE\","
        "\"EaBuffer\":null,\"EaLength\":0}}\n";
    static const char ret[] =
        "{\"timestamp\":0.0012345,\"thread_id\":36,\"event\":\"return\",\"category\":\"file_io\","
        "\"function\":\"NtCreateFile\",\"result\":\"STATUS_SUCCESS\",\"status\":0,"
        "\"outs\":{\"FileHandle\":{\"handle\":\"0x24\",\"object\":\"File C:\\\\work\\\\a.txt\"},"
        "\"IoStatusBlock\":{\"Status\":\"STATUS_SUCCESS\",\"Information\":1}}}\n";
    struct guest *g = make_guest(8);
    struct lines *l = make_lines();
    uint64_t arg[11];
    set_up_create_file(g, arg);
    call_line(g, l, trace_json_event, "NtCreateFile", arg);
    assert_string_equal(take(l), call);
    return_line(g, l, trace_json_event, "NtCreateFile", arg, STATUS_SUCCESS);
    assert_string_equal(take(l), ret);
    free(g);
    free_lines(l);
}

/* ---- Cases: one call each, 64-bit; the text between the outermost parentheses
 * ----------------------- */

static void set_up_cases(struct guest *g)
{
    POKE_STRING(g, 0x10100, u"Sub\\Key");
    poke_attributes(g, 0x10300, 0x28, 0x10100); /* relative to a handle */
    poke_attributes(g, 0x10340, 0, 0);          /* nameless */
    poke_attributes(g, 0x10380, 0, HOLE);       /* the name cannot be read */
    poke_attributes(g, 0x103c0, 0, 0x13100);    /* the name's text cannot be read */
    poke_number(g, 0x13100, 0x00080008, 4);
    poke_number(g, 0x13108, HOLE_END - 4, 8);
    poke_number(g, 0x10500, (uint64_t)-10000000, 8);
    poke_number(g, 0x10508, (uint64_t)-1, 8);
    poke_number(g, 0x10510, 132223104000000000, 8); /* 2020-01-01 */
    poke_number(g, 0x10518, 0, 8);
    poke_number(g, 0x10520, 1ull << 63, 8);
    poke_number(g, 0x10528, (uint64_t)-15000, 8);
    poke(g, 0x10600, "hello\r\n", 7);
    poke(g, 0x10610, "\x4d\x5a\x90\x00\x03", 5);
    poke(g, 0x10620, u"wide", 8);
    memset(g->memory + 0x700, 'x', 0x200);
    poke_number(g, 0x10a00, 0x24, 8);
    poke_number(g, 0x10a08, 0x28, 8);
    poke_number(g, 0x10b00, 0xc0000005, 4);
    poke_number(g, 0x10b10, 0x140001000, 8);
    poke_number(g, 0x10c00, 0x10000, 8);
    poke_number(g, 0x10d00, 8, 8);
    poke_number(g, 0x10d08, 12, 8);
}

static void arguments_are_decoded_by_type(void **state)
{
    static const struct {
        const char *service;
        uint64_t arg[11];
        const char *text;
    } rows[] = {
        {"NtClose", {0x24}, "Handle=0x24 (File C:\\work\\a.txt)"},
        {"NtClose", {0x28}, "Handle=0x28 (Event \\BaseNamedObjects\\x\\x1b[2J\\n)"},
        {"NtClose", {0}, "Handle=NULL"},
        {"NtClose", {0x99}, "Handle=0x99"},
        {"NtTestAlert", {0}, ""},
        {"NtOpenKey",
         {0x10000, 0x20019, 0x10300},
         "DesiredAccess=KEY_READ, ObjectAttributes={RootDirectory=0x28 (Event "
         "\\BaseNamedObjects\\x\\x1b[2J\\n), ObjectName=\"Sub\\\\Key\"}"},
        {"NtOpenEvent",
         {0x10000, 0x1f0003, 0x10340},
         "DesiredAccess=EVENT_ALL_ACCESS, ObjectAttributes={}"},
        {"NtOpenEvent",
         {0x10000, 2, 0x10380},
         "DesiredAccess=EVENT_MODIFY_STATE, ObjectAttributes=0x12000 (unreadable)"},
        {"NtOpenEvent",
         {0x10000, 0, 0x103c0},
         "DesiredAccess=0, ObjectAttributes=0x12ffc (unreadable)"},
        {"NtOpenEvent",
         {0x10000, 0x400000, ~0ull},
         "DesiredAccess=0x400000, ObjectAttributes=0xffffffffffffffff (unreadable)"},
        {"NtDelayExecution", {1, 0x10500}, "Alertable=TRUE, DelayInterval=1s"},
        {"NtDelayExecution", {0, 0x10508}, "Alertable=FALSE, DelayInterval=0.0001ms"},
        {"NtDelayExecution", {0, 0x10518}, "Alertable=FALSE, DelayInterval=0ms"},
        {"NtDelayExecution", {0, 0x10520}, "Alertable=FALSE, DelayInterval=INFINITE"},
        {"NtDelayExecution", {0, 0x10528}, "Alertable=FALSE, DelayInterval=1.5ms"},
        {"NtDelayExecution",
         {0, 0x10510},
         "Alertable=FALSE, DelayInterval=2020-01-01T00:00:00.0000000Z"},
        {"NtWaitForSingleObject",
         {0x24, 0, 0},
         "Handle=0x24 (File C:\\work\\a.txt), Alertable=FALSE, Timeout=INFINITE"},
        {"NtWaitForMultipleObjects",
         {2, 0x10a00, 1, 0, 0x10518},
         "Count=2, Handles=[0x24 (File C:\\work\\a.txt), 0x28 (Event "
         "\\BaseNamedObjects\\x\\x1b[2J\\n)], WaitType=WaitAny, Alertable=FALSE, Timeout=0ms"},
        {"NtWaitForMultipleObjects",
         {0xffffffff, HOLE, 0, 0, 0},
         "Count=0xffffffff, Handles=0x12000 (unreadable), WaitType=WaitAll, Alertable=FALSE, "
         "Timeout=INFINITE"},
        {"NtWriteFile",
         {0x24, 0, 0, 0, 0x10000, 0x10600, 7, 0, 0},
         "FileHandle=0x24 (File C:\\work\\a.txt), Event=NULL, ApcRoutine=NULL, ApcContext=NULL, "
         "Buffer=\"hello\\r\\n\" (7 bytes), Length=7, ByteOffset=NULL, Key=NULL"},
        {"NtWriteFile",
         {0, 0, 0, 0, 0x10000, 0x10610, 5, 0x10508, 0},
         "FileHandle=NULL, Event=NULL, ApcRoutine=NULL, ApcContext=NULL, "
         "Buffer=<4d 5a 90 00 03> (5 bytes), Length=5, ByteOffset=-1, Key=NULL"},
        {"NtSetValueKey",
         {0x24, 0x10100, 0, 1, 0x10620, 8},
         "KeyHandle=0x24 (File C:\\work\\a.txt), ValueName=\"Sub\\\\Key\", TitleIndex=0, "
         "Type=REG_SZ, Data=L\"wide\" (8 bytes), DataSize=8"},
        {"NtSetValueKey",
         {0x99, 0x10100, 0, 77, HOLE, 8},
         "KeyHandle=0x99, ValueName=\"Sub\\\\Key\", TitleIndex=0, Type=77, "
         "Data=0x12000 (unreadable), DataSize=8"},
        {"NtAllocateVirtualMemory",
         {~0ull, 0x10c00, 0, 0x10c00, 0x3000, 0x104},
         "ProcessHandle=-1, BaseAddress=0x10000, ZeroBits=0, RegionSize=65536, "
         "AllocationType=MEM_COMMIT|MEM_RESERVE, PageProtection=PAGE_READWRITE|PAGE_GUARD"},
        {"NtRaiseException",
         {0x10b00, 0, 1},
         "ExceptionRecord={ExceptionCode=STATUS_ACCESS_VIOLATION, ExceptionAddress=0x140001000}, "
         "ContextRecord=NULL, FirstChance=TRUE"},
        {"NtOpenProcess",
         {0x10000, 0x1fffff, 0x10340, 0x10d00},
         "DesiredAccess=PROCESS_ALL_ACCESS, ObjectAttributes={}, "
         "ClientId={UniqueProcess=8, UniqueThread=12}"},
        {"NtDeviceIoControlFile",
         {0x99, 0, 0, 0, 0x10000, 0x50000c, 0, 0, 0, 0},
         "FileHandle=0x99, Event=NULL, ApcRoutine=NULL, ApcContext=NULL, "
         "IoControlCode=CTL_CODE(0x50, 0x3, METHOD_BUFFERED, FILE_ANY_ACCESS), InputBuffer=NULL, "
         "InputBufferLength=0, OutputBufferLength=0"},
        {"NtTerminateProcess", {0, 1}, "ProcessHandle=NULL, ExitStatus=1"},
        {"NtTerminateProcess", {0, 0xdeadbeef}, "ProcessHandle=NULL, ExitStatus=0xdeadbeef"},
    };
    struct guest *g = make_guest(8);
    struct lines *l = make_lines();
    set_up_cases(g);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[2048];
        snprintf(line, sizeof line, "[0.0012345] [TID:main] CALL   %s(%s)\n", rows[i].service,
                 rows[i].text);
        call_line(g, l, trace_text_event, rows[i].service, rows[i].arg);
        const char *got = take(l);
        if (strcmp(got, line))
            fail_msg("row %zu:\n got  %s want %s", i, got, line);
    }
    free(g);
    free_lines(l);
}

static void outputs_are_shown_as_far_as_the_service_wrote_them(void **state)
{
    static const struct {
        const char *service;
        uint64_t arg[11];
        ntstatus status;
        const char *text;
    } rows[] = {
        {"NtClose", {0x24}, STATUS_SUCCESS, "STATUS_SUCCESS"},
        {"NtClose", {0x24}, 0xc0ffee00, "0xc0ffee00"},
        {"NtOpenKey",
         {0x10a00, 0, 0},
         STATUS_OBJECT_NAME_NOT_FOUND,
         "STATUS_OBJECT_NAME_NOT_FOUND"},
        {"NtOpenKey",
         {HOLE, 0, 0},
         STATUS_SUCCESS,
         "STATUS_SUCCESS (KeyHandle=0x12000 (unreadable))"},
        /* 7 of 512 bytes were read, the IO_STATUS_BLOCK says */
        {"NtReadFile",
         {0x24, 0, 0, 0, 0x10e00, 0x10600, 512, 0, 0},
         STATUS_SUCCESS,
         "STATUS_SUCCESS (IoStatusBlock={Status=STATUS_SUCCESS, Information=7}, "
         "Buffer=\"hello\\r\\n\" (7 bytes))"},
        {"NtReadFile",
         {0x24, 0, 0, 0, 0x10e00, 0x10600, 512, 0, 0},
         STATUS_PENDING,
         "STATUS_PENDING"},
        {"NtQueryValueKey",
         {0x24, 0x10100, 9, 0x10610, 512, 0x10e10},
         STATUS_SUCCESS,
         "STATUS_SUCCESS (KeyValueInformation=<4d 5a 90 00 03> (5 bytes), ResultLength=5)"},
        {"NtQueryValueKey",
         {0x24, 0x10100, 9, 0x10610, 2, 0x10e10},
         STATUS_BUFFER_OVERFLOW,
         "STATUS_BUFFER_OVERFLOW (KeyValueInformation=\"MZ\" (2 bytes), ResultLength=5)"},
        {"NtQuerySystemInformation",
         {5, 0x10610, 2, 0x10e10},
         STATUS_INFO_LENGTH_MISMATCH,
         "STATUS_INFO_LENGTH_MISMATCH (ReturnLength=5)"},
        {"NtProtectVirtualMemory",
         {0, 0x10c00, 0x10c00, 4, 0x10e20},
         STATUS_SUCCESS,
         "STATUS_SUCCESS (BaseAddress=0x10000, RegionSize=65536, OldProtection=PAGE_READONLY)"},
    };
    struct guest *g = make_guest(8);
    struct lines *l = make_lines();
    set_up_cases(g);
    poke_number(g, 0x10e08, 7, 8);
    poke_number(g, 0x10e10, 5, 4);
    poke_number(g, 0x10e20, 2, 4);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[1024];
        snprintf(line, sizeof line, "[0.0012345] [TID:main] RETURN %s() -> %s\n", rows[i].service,
                 rows[i].text);
        return_line(g, l, trace_text_event, rows[i].service, rows[i].arg, rows[i].status);
        const char *got = take(l);
        if (strcmp(got, line))
            fail_msg("row %zu:\n got  %s want %s", i, got, line);
    }
    free(g);
    free_lines(l);
}

static void buffers_are_decoded_by_information_class(void **state)
{
    static const struct {
        unsigned ptr_size;
        const char *service;
        uint64_t arg[11];
        const char *text;
    } rows[] = {
        {8,
         "NtQueryValueKey",
         {0, 0, 2, 0x11000, 512, 0x11800},
         "KeyValueInformation={Type="
         "REG_DWORD, Data=77}, ResultLength=16"},
        {8,
         "NtQueryValueKey",
         {0, 0, 2, 0x11000, 13, 0x11800},
         "KeyValueInformation={Type="
         "REG_DWORD, Data=\"M\" (1 byte)}, ResultLength=16"},
        {8,
         "NtQueryValueKey",
         {0, 0, 2, 0x11000, 8, 0x11800},
         "KeyValueInformation={Type="
         "REG_DWORD}, ResultLength=16"},
        {8,
         "NtQueryValueKey",
         {0, 0, 2, 0x11000, 3, 0x11800},
         "KeyValueInformation={}, "
         "ResultLength=16"},
        {8,
         "NtQueryValueKey",
         {0, 0, 1, 0x11100, 512, 0x11808},
         "KeyValueInformation={Name="
         "\"ab\", Type=REG_SZ, Data=L\"cd\" (4 bytes)}, ResultLength=512"},
        {8,
         "NtQueryInformationFile",
         {0, 0, 0x11200, 24, 5},
         "FileInformation={AllocationSize="
         "4096, EndOfFile=-1, NumberOfLinks=1, DeletePending=FALSE, Directory=TRUE}"},
        {8,
         "NtQueryVirtualMemory",
         {0, 0, 0, 0x11300, 48, 0},
         "MemoryInformation={BaseAddress="
         "0x7000, AllocationBase=0x6000, AllocationProtect=PAGE_READWRITE, RegionSize=8192, "
         "State=MEM_COMMIT, Protect=PAGE_READONLY, Type=MEM_PRIVATE}"},
        {4,
         "NtQueryVirtualMemory",
         {0, 0, 0, 0x11400, 28, 0},
         "MemoryInformation={BaseAddress="
         "0x7000, AllocationBase=0x6000, AllocationProtect=PAGE_READWRITE, RegionSize=8192, "
         "State=MEM_COMMIT, Protect=PAGE_READONLY, Type=MEM_PRIVATE}"},
    };
    static const uint32_t partial[] = {0, 4, 4, 77};
    static const uint32_t full[] = {0, 1, 24, 4, 4, 0x620061, 0x640063};
    static const uint64_t standard[] = {4096, ~0ull, 0x010000000001};
    static const uint64_t memory64[] = {0x7000, 0x6000, 4, 0x2000, 2ull << 32 | 0x1000, 0x20000};
    static const uint32_t memory32[] = {0x7000, 0x6000, 4, 0x2000, 0x1000, 2, 0x20000};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct guest *g = make_guest(rows[i].ptr_size);
        struct lines *l = make_lines();
        char line[512];
        poke(g, 0x11000, partial, sizeof partial);
        poke(g, 0x11100, full, sizeof full);
        poke(g, 0x11200, standard, sizeof standard);
        poke(g, 0x11300, memory64, sizeof memory64);
        poke(g, 0x11400, memory32, sizeof memory32);
        poke_number(g, 0x11800, 16, 4);
        poke_number(g, 0x11808, 512, 4);
        snprintf(line, sizeof line, "[0.0012345] [TID:main] RETURN %s() -> STATUS_SUCCESS (%s)\n",
                 rows[i].service, rows[i].text);
        return_line(g, l, trace_text_event, rows[i].service, rows[i].arg, STATUS_SUCCESS);
        const char *got = take(l);
        if (strcmp(got, line))
            fail_msg("row %zu:\n got  %s want %s", i, got, line);
        free(g);
        free_lines(l);
    }
}

static void long_texts_are_shortened_and_say_so(void **state)
{
    struct guest *g = make_guest(8);
    struct lines *l = make_lines();
    uint64_t arg[11] = {0, 0, 0, 0, 0, 0x14000, 4096};
    memset(g->memory + 0x4000, 'x', 0x1000);
    call_line(g, l, trace_text_event, "NtWriteFile", arg);
    const char *line = take(l);
    assert_non_null(strstr(line, "x\"... (4096 bytes)"));
    assert_null(strstr(line, "\""
                             "x\"..."));
    call_line(g, l, trace_json_event, "NtWriteFile", arg);
    assert_non_null(strstr(take(l), "x\",\"truncated\":true}"));
    for (size_t i = 0; i < 0x1000; i++)
        g->memory[0x4000 + i] = (uint8_t)(i & 1 ? 0x4e : 0x2d);
    poke_number(g, 0x10100, 0x1000, 2);
    poke_number(g, 0x10108, 0x14000, 8);
    uint64_t key[11] = {0x24, 0x10100};
    call_line(g, l, trace_text_event, "NtDeleteValueKey", key);
    line = take(l);
    assert_non_null(strstr(line, "\u4e2d\"...)"));
    assert_in_range(strlen(line), TRACE_STRING_SHOWN * 3, TRACE_STRING_SHOWN * 3 + 120);
    free(g);
    free_lines(l);
}

static void hostile_text_cannot_leave_its_quotes(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        enum trace_escape how;
        const char *want;
    } rows[] = {
        {"a\"b\\c", 5, TRACE_ESCAPE_C, "a\\\"b\\\\c"},
        {"a\"b\\c", 5, TRACE_ESCAPE_BARE, "a\"b\\c"},
        {"\0\t\x7f", 3, TRACE_ESCAPE_C, "\\x00\\t\\x7f"},
        {"\0\t\x7f", 3, TRACE_ESCAPE_JSON, "\\u0000\\t\\u007f"},
        {"\xc2\x9b", 2, TRACE_ESCAPE_C, "\\x9b"},
        {"\u202e\u2028", 6, TRACE_ESCAPE_C, "\\u202e\\u2028"},
        {"\xed\xa0\x80", 3, TRACE_ESCAPE_JSON, "\\ud800"},
        {"\xff\xc3", 2, TRACE_ESCAPE_C, "\\xff\\xc3"},
        {"\xff", 1, TRACE_ESCAPE_JSON, "\\udcff"},
        {"\xc0\x80\xf8", 3, TRACE_ESCAPE_C, "\\xc0\\x80\\xf8"},
        {"\u00e9\U0001f600", 6, TRACE_ESCAPE_C, "\u00e9\U0001f600"},
    };
    struct lines *l = make_lines();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trace_out_escaped(&l->out, rows[i].text, rows[i].len, rows[i].how);
        trace_out_newline(&l->out);
        const char *got = take(l);
        expect_row(i, strlen(got) == strlen(rows[i].want) + 1);
        expect_row(i, !strncmp(got, rows[i].want, strlen(rows[i].want)));
    }
    free_lines(l);
}

/* Text is looked at several bytes at a time. */
static void a_byte_is_escaped_wherever_it_stands(void **state)
{
    struct lines *l = make_lines();
    for (unsigned at = 0; at < 24; at++) {
        for (unsigned c = 0; c < 0x80; c++) {
            char text[24], want[40], tail[24];
            bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            int n = snprintf(want, sizeof want, "%.*s", (int)at, text);
            n += c == '\n'               ? snprintf(want + n, sizeof want - (size_t)n, "\\n")
                 : c == '\r'             ? snprintf(want + n, sizeof want - (size_t)n, "\\r")
                 : c == '\t'             ? snprintf(want + n, sizeof want - (size_t)n, "\\t")
                 : c == '"' || c == '\\' ? snprintf(want + n, sizeof want - (size_t)n, "\\%c", c)
                 : plain                 ? snprintf(want + n, sizeof want - (size_t)n, "%c", c)
                         : snprintf(want + n, sizeof want - (size_t)n, "\\x%02x", c);
            memset(tail, 'a', sizeof tail);
            snprintf(want + n, sizeof want - (size_t)n, "%.*s\n", (int)(23 - at), tail);
            trace_out_escaped(&l->out, text, sizeof text, TRACE_ESCAPE_C);
            trace_out_newline(&l->out);
            assert_string_equal(take(l), want);
        }
    }
    free_lines(l);
}

static void numbers_and_times_have_all_their_digits(void **state)
{
    struct lines *l = make_lines();
    trace_out_decimal(&l->out, 0);
    trace_out_char(&l->out, ' ');
    trace_out_decimal(&l->out, UINT64_MAX);
    trace_out_char(&l->out, ' ');
    trace_out_hex(&l->out, 0xabc, 4);
    trace_out_char(&l->out, ' ');
    trace_out_hex(&l->out, UINT64_MAX, 1);
    trace_out_char(&l->out, ' ');
    trace_out_time(&l->out, 5);
    trace_out_char(&l->out, ' ');
    trace_out_time(&l->out, UINT64_MAX);
    trace_out_newline(&l->out);
    assert_string_equal(take(l), "0 18446744073709551615 0abc ffffffffffffffff 0.0000005 "
                                 "1844674407370.9551615\n");
    free_lines(l);
}

static void expect_number(struct lines *l, uint64_t v)
{
    char want[256];
    trace_out_decimal(&l->out, v);
    for (unsigned digits = 1; digits <= 16; digits += 5) {
        trace_out_char(&l->out, ' ');
        trace_out_hex(&l->out, v, digits);
    }
    trace_out_char(&l->out, ' ');
    trace_out_time(&l->out, v);
    trace_out_newline(&l->out);
    snprintf(want, sizeof want,
             "%" PRIu64 " %" PRIx64 " %06" PRIx64 " %011" PRIx64 " %016" PRIx64 " %" PRIu64
             ".%07" PRIu64 "\n",
             v, v, v, v, v, v / 10000000, v % 10000000);
    assert_string_equal(take(l), want);
}

static void numbers_are_right_where_digits_are_added(void **state)
{
    struct lines *l = make_lines();
    for (uint64_t v = 1; v <= UINT64_MAX / 10; v *= 10)
        for (uint64_t i = 0; i < 3; i++)
            expect_number(l, v - 1 + i);
    for (unsigned bit = 0; bit < 64; bit++)
        for (uint64_t i = 0; i < 3; i++)
            expect_number(l, (1ull << bit) - 1 + i);
    for (uint64_t v = 0; v < 300; v++)
        expect_number(l, v);
    expect_number(l, 0xfedcba9876543210);
    free_lines(l);
}

static void times_are_right_whatever_was_put_before(void **state)
{
    static const uint64_t times[] = {0,       9999,     10000,    10001,    9999,     99990000,
                                     9999999, 10000000, 19999999, 20000000, 10000000, 0};
    struct lines *l = make_lines();
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        expect_number(l, times[i]);
    free_lines(l);
}

/* With each number of bytes before them. */
static void pieces_fit_where_the_buffer_ends(void **state)
{
    enum { LINE = 1 + 20 + 1 + 16 + 1 + 21 + 1, LINES = (1 << 17) / LINE };
    static const char want[] = "18446744073709551615 ffffffffffffffff 1844674407370.9551615\n";
    for (size_t before = 0; before < 80; before++) {
        struct lines *l = make_lines();
        char line[sizeof want];
        for (size_t i = 0; i < before; i++)
            trace_out_char(&l->out, 'y');
        trace_out_newline(&l->out);
        for (size_t i = 0; i < LINES; i++) {
            char *at = trace_at_decimal(trace_out_at(&l->out), UINT64_MAX);
            trace_out_up_to(&l->out, trace_at_text(at, " "));
            trace_out_hex(&l->out, UINT64_MAX, 1);
            trace_out_char(&l->out, ' ');
            trace_out_time(&l->out, UINT64_MAX);
            trace_out_newline(&l->out);
        }
        trace_out_flush(&l->out);
        for (size_t i = 0; i < LINES; i++) {
            off_t at = (off_t)(before + 1 + i * (sizeof want - 1));
            assert_int_equal(pread(l->fd, line, sizeof want - 1, at), sizeof want - 1);
            assert_memory_equal(line, want, sizeof want - 1);
        }
        free_lines(l);
    }
}

/* Whether somebody counted their letters or not, few or many. */
static void names_and_callers_are_shown_whole(void **state)
{
    static const size_t lengths[] = {1, 7, 8, 255, 256, 300, 1000};
    char name[1001], want[4096];
    struct lines *l = make_lines();
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        memset(name, 'n', lengths[i]);
        name[lengths[i]] = 0;
        for (int counted = 0; counted < 2; counted++) {
            const struct trace_value v[2] = {
                {.kind = TRACE_NUMBER, .name = "a", .number = 1},
                {.kind = TRACE_SYMBOL,
                 .name = name,
                 .name_length = (uint8_t)(counted && lengths[i] < 256 ? lengths[i] : 0),
                 .text = name,
                 .length = (uint32_t)lengths[i]}};
            const struct trace_event ev = {
                .kind = TRACE_CALL,
                .function = "F",
                .category = "x",
                .module = "m.dll",
                .caller = "c.exe+0x1",
                .caller_length = counted ? 9 : 0,
                .values = v,
                .value_count = 2,
            };
            trace_text_event(&l->out, &ev);
            snprintf(want, sizeof want, "[0.0000000] [TID:-] CALL   m!F(a=1, %s=%s) <- c.exe+0x1\n",
                     name, name);
            assert_string_equal(take(l), want);
            trace_json_event(&l->out, &ev);
            snprintf(want, sizeof want,
                     "\"caller\":\"c.exe+0x1\",\"args\":{\"a\":1,\"%s\":\"%s\"}}\n", name, name);
            assert_non_null(strstr(take(l), want));
        }
    }
    free_lines(l);
}

static void long_names_fit_where_the_buffer_ends(void **state)
{
    enum { LONG = 3000, LINES = 300 };
    char name[LONG + 1] = "";
    size_t all = 0;
    struct lines *l = make_lines();
    memset(name, 'n', LONG);
    const struct trace_value v = {.kind = TRACE_NUMBER, .name = name, .number = 1};
    for (uint32_t i = 0; i < LINES; i++) {
        const struct trace_event ev = {.kind = TRACE_CALL,
                                       .label = name,
                                       .label_length = LONG - 7 * i,
                                       .values = &v,
                                       .value_count = 1};
        trace_text_event(&l->out, &ev);
        all += sizeof "[0.0000000] [TID:-] CALL   (=1)\n" - 1 + ev.label_length + LONG;
    }
    trace_out_flush(&l->out);
    assert_int_equal(lseek(l->fd, 0, SEEK_END), all);
    free_lines(l);
}

static void names_lose_no_bit_even_in_a_small_buffer(void **state)
{
    char text[64];
    trace_value_name(NT_ARG_FILE_ACCESS, 0x12019f, text, sizeof text);
    assert_string_equal(text, "FILE_GENERIC_READ|FILE_GENERIC_WRITE");
    trace_value_name(NT_ARG_FILE_ACCESS, 0xffffffff, text, sizeof text);
    assert_string_equal(text, "GENERIC_READ|GENERIC_WRITE|GENERIC_EXECUTE|0x1fffffff");
}

/* ---- Anything at all
 * --------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Addresses that matter as often as numbers that do not. */
static uint64_t random_argument(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    switch (r & 7) {
    case 0:
        return r >> 3;
    case 1:
        return r >> 56;
    case 2:
        return ~0ull << (r >> 58);
    default:
        return BASE + (r >> 8) % (SIZE + 64);
    }
}

static void randomize(struct guest *g, uint64_t *seed)
{
    for (size_t i = 0; i < SIZE; i += 8) {
        uint64_t v = next_random(seed) & 1 ? random_argument(seed) : next_random(seed);
        memcpy(g->memory + i, &v, 8);
    }
}

static void any_arguments_over_any_memory_give_lines_and_valid_json(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (size_t round = 0; round < 24; round++) {
        struct guest *g = make_guest(round & 1 ? 8 : 4);
        struct lines *l = make_lines();
        randomize(g, &seed);
        for (size_t i = 0; i < nt_service_total; i++) {
            uint64_t arg[NT_ARGS_MAX];
            for (size_t a = 0; a < NT_ARGS_MAX; a++)
                arg[a] = random_argument(&seed);
            bool json = i & 1;
            call_line(g, l, json ? trace_json_event : trace_text_event, nt_services[i].name, arg);
            if (json) {
                const char *line = take(l);
                json_error_t e;
                /* jansson has no lone surrogates: leave those out */
                json_t *parsed = json_loads(line, JSON_ALLOW_NUL, &e);
                if (!parsed && !strstr(line, "\\ud"))
                    fail_msg("%s: %s", e.text, line);
                json_decref(parsed);
            }
            return_line(g, l, trace_text_event, nt_services[i].name, arg, STATUS_SUCCESS);
            const char *line = take(l);
            assert_int_equal(line[strlen(line) - 1], '\n');
        }
        free(g);
        free_lines(l);
    }
}

/* ---- Output
 * -------------------------------------------------------------------------------------------- */

static void only_whole_lines_reach_the_descriptor(void **state)
{
    struct lines *l = make_lines();
    for (int i = 0; i < 5000; i++) {
        trace_out_text(&l->out, "0123456789abcde");
        expect_row(i, lseek(l->fd, 0, SEEK_END) % 16 == 0);
        trace_out_newline(&l->out);
    }
    trace_out_flush(&l->out);
    assert_int_equal(lseek(l->fd, 0, SEEK_END), 5000 * 16);
    free_lines(l);
}

static void a_line_longer_than_the_buffer_arrives_whole(void **state)
{
    struct lines *l = make_lines();
    for (int i = 0; i < 100000; i++)
        trace_out_char(&l->out, 'y');
    trace_out_newline(&l->out);
    assert_int_equal(strlen(take(l)), 100001);
    free_lines(l);
}

static void a_reader_that_left_is_reported_once_at_the_end(void **state)
{
    int ends[2];
    struct pgr_error e = {0};
    struct trace_out *o = xcalloc(1, sizeof *o);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    *o = (struct trace_out){.fd = ends[1], .owned = true, .line = true, .path = "the pipe"};
    for (int i = 0; i < 10; i++) {
        trace_out_text(o, "line");
        trace_out_newline(o);
    }
    assert_int_equal(trace_out_close(o, &e), PGR_E_IO);
    assert_non_null(strstr(e.text, "the pipe"));
    assert_non_null(strstr(e.text, "Broken pipe"));
    free(o);
}

static void a_full_disk_is_reported_with_what_arrived(void **state)
{
    struct pgr_error e = {0};
    struct trace_out *o = xcalloc(1, sizeof *o);
    assert_int_equal(trace_out_open(o, "/dev/full", &e), PGR_OK);
    trace_out_text(o, "line");
    trace_out_newline(o);
    assert_int_equal(trace_out_close(o, &e), PGR_E_IO);
    assert_string_equal(e.text, "the trace in /dev/full is incomplete, it ends after 0 bytes: "
                                "No space left on device");
    assert_int_equal(trace_out_open(o, "/nonexistent/trace", &e), PGR_E_IO);
    assert_non_null(strstr(e.text, "/nonexistent/trace"));
    free(o);
}

/* ---- Filters
 * ------------------------------------------------------------------------------------------- */

static bool wants(const struct trace_filter_config *cfg, const char *name)
{
    struct trace_filter *f;
    struct pgr_error e;
    assert_int_equal(trace_filter_create(cfg, false, &f, &e), PGR_OK);
    bool wanted = trace_filter_wants(f, nt_service_find(name));
    trace_filter_destroy(f);
    return wanted;
}

static void each_list_that_is_given_must_let_a_function_through(void **state)
{
    static const char *const files[] = {"Nt*File"}, *const reg[] = {"registry,memory"},
                             *const zw[] = {"ZwReadFile", "NtLoadKey"};
    struct trace_filter_config none = {0}, pattern = {.patterns = files, .pattern_count = 1},
                               category = {.categories = reg, .category_count = 1},
                               function = {.functions = zw, .function_count = 2}, both = pattern;
    both.functions = zw;
    both.function_count = 2;
    assert_true(wants(&none, "NtClose"));
    assert_true(wants(&pattern, "NtReadFile"));
    assert_false(wants(&pattern, "NtClose"));
    assert_true(wants(&category, "NtOpenKey"));
    assert_true(wants(&category, "NtMapViewOfSection"));
    assert_false(wants(&category, "NtReadFile"));
    assert_true(wants(&function, "NtReadFile"));
    assert_true(wants(&both, "NtReadFile"));
    assert_false(wants(&both, "NtLoadKey"));
    assert_false(wants(&both, "NtWriteFile"));
}

static void unknown_words_are_errors_that_say_what_was_meant(void **state)
{
    static const struct {
        const char *pattern, *category, *function, *says;
    } rows[] = {
        {"Nt*Fiel", NULL, NULL, "no traced function matches 'Nt*Fiel'"},
        {NULL, "file-io", NULL, "did you mean 'file_io'"},
        {NULL, "zzzzzzz", NULL, "the categories are file_io, console_io"},
        {NULL, "registry,", NULL, "there is no category ''"},
        {NULL, NULL, "NtCreatFile", "did you mean 'NtCreateFile'"},
        {NULL, NULL, "Qqqqqqqq", "`peregrine services`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trace_filter_config cfg = {
            .patterns = &rows[i].pattern,
            .pattern_count = rows[i].pattern != NULL,
            .categories = &rows[i].category,
            .category_count = rows[i].category != NULL,
            .functions = &rows[i].function,
            .function_count = rows[i].function != NULL,
        };
        struct trace_filter *f;
        struct pgr_error e;
        expect_row(i, trace_filter_create(&cfg, false, &f, &e) == PGR_E_ARGUMENT);
        expect_row(i, strstr(e.text, rows[i].says) != NULL);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_and_its_return_as_text),
        cmocka_unit_test(a_call_and_its_return_as_json),
        cmocka_unit_test(arguments_are_decoded_by_type),
        cmocka_unit_test(outputs_are_shown_as_far_as_the_service_wrote_them),
        cmocka_unit_test(buffers_are_decoded_by_information_class),
        cmocka_unit_test(long_texts_are_shortened_and_say_so),
        cmocka_unit_test(hostile_text_cannot_leave_its_quotes),
        cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(numbers_and_times_have_all_their_digits),
        cmocka_unit_test(numbers_are_right_where_digits_are_added),
        cmocka_unit_test(times_are_right_whatever_was_put_before),
        cmocka_unit_test(pieces_fit_where_the_buffer_ends),
        cmocka_unit_test(names_and_callers_are_shown_whole),
        cmocka_unit_test(long_names_fit_where_the_buffer_ends),
        cmocka_unit_test(names_lose_no_bit_even_in_a_small_buffer),
        cmocka_unit_test(any_arguments_over_any_memory_give_lines_and_valid_json),
        cmocka_unit_test(only_whole_lines_reach_the_descriptor),
        cmocka_unit_test(a_line_longer_than_the_buffer_arrives_whole),
        cmocka_unit_test(a_reader_that_left_is_reported_once_at_the_end),
        cmocka_unit_test(a_full_disk_is_reported_with_what_arrived),
        cmocka_unit_test(each_list_that_is_given_must_let_a_function_through),
        cmocka_unit_test(unknown_words_are_errors_that_say_what_was_meant),
    };
    return cmocka_run_group_tests_name("trace_format", tests, NULL, NULL);
}
