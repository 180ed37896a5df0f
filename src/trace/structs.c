// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/structs.h"
#include "trace/decoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A value that stands for all of the structure when it is NULL or cannot be read. */
static void put_pointer(struct trace_decoder *d, const char *name, uint64_t va)
{
    trace_put(d, va ? TRACE_UNREADABLE : TRACE_ADDRESS, name, va);
}

static void put_formatted(struct trace_decoder *d, const char *name, const char *text, int len)
{
    trace_put_symbol(d, name, text, (size_t)MAX(len, 0));
}

static void decode_object_attributes(struct trace_decoder *d, const char *name, uint64_t va)
{
    struct OBJECT_ATTRIBUTES oa;
    if (!va || !trace_get(d, &layout_OBJECT_ATTRIBUTES, va, &oa)) {
        put_pointer(d, name, va);
        return;
    }
    if (oa.ObjectName && !oa.RootDirectory) {
        trace_put_unicode_string(d, name, oa.ObjectName);
        return;
    }
    struct trace_value *v = trace_put(d, TRACE_FIELDS, name, 0);
    if (oa.RootDirectory) {
        trace_put_handle(d, "RootDirectory", oa.RootDirectory);
        v->children++;
    }
    if (oa.ObjectName) {
        trace_put_unicode_string(d, "ObjectName", oa.ObjectName);
        v->children++;
    }
}

static void decode_io_status_block(struct trace_decoder *d, const char *name, uint64_t va)
{
    struct IO_STATUS_BLOCK io;
    if (!va || !trace_get(d, &layout_IO_STATUS_BLOCK, va, &io)) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = 2;
    trace_put_status(d, "Status", (ntstatus)io.Status);
    trace_put(d, TRACE_NUMBER, "Information", io.Information);
}

static void decode_client_id(struct trace_decoder *d, const char *name, uint64_t va)
{
    struct CLIENT_ID id;
    if (!va || !trace_get(d, &layout_CLIENT_ID, va, &id)) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = 2;
    trace_put(d, TRACE_NUMBER, "UniqueProcess", id.UniqueProcess);
    trace_put(d, TRACE_NUMBER, "UniqueThread", id.UniqueThread);
}

static void decode_exception_record(struct trace_decoder *d, const char *name, uint64_t va)
{
    struct {
        uint32_t code, flags;
        uint64_t record, address;
    } r = {0};
    unsigned size = d->g->ptr_size;
    if (!va || !trace_peek(d, va, &r, 8) || !trace_peek(d, va + 8, &r.record, size) ||
        !trace_peek(d, va + 8 + size, &r.address, size)) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = 2;
    trace_put_status(d, "ExceptionCode", r.code);
    trace_put(d, TRACE_ADDRESS, "ExceptionAddress", r.address);
}

/* CONTEXT: where it goes on. */
static void decode_context(struct trace_decoder *d, const char *name, uint64_t va)
{
    bool wide = d->g->ptr_size == 8;
    uint64_t ip = 0, sp = 0;
    if (!va || !trace_peek(d, va + (wide ? 0xf8 : 0xb8), &ip, d->g->ptr_size) ||
        !trace_peek(d, va + (wide ? 0x98 : 0xc4), &sp, d->g->ptr_size)) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = 2;
    trace_put(d, TRACE_ADDRESS, wide ? "Rip" : "Eip", ip);
    trace_put(d, TRACE_ADDRESS, wide ? "Rsp" : "Esp", sp);
}

static void decode_guid(struct trace_decoder *d, const char *name, uint64_t va)
{
    uint8_t g[16];
    char text[48];
    if (!va || !trace_peek(d, va, g, sizeof g)) {
        put_pointer(d, name, va);
        return;
    }
    int n = snprintf(text, sizeof text,
                     "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g[3],
                     g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
                     g[13], g[14], g[15]);
    put_formatted(d, name, text, n);
}

static void decode_sid(struct trace_decoder *d, const char *name, uint64_t va)
{
    uint8_t head[8];
    uint32_t part;
    char text[256];
    if (!va || !trace_peek(d, va, head, sizeof head)) {
        put_pointer(d, name, va);
        return;
    }
    uint64_t authority = 0;
    for (int i = 2; i < 8; i++)
        authority = authority << 8 | head[i];
    int n = snprintf(text, sizeof text, "S-%u-%" PRIu64, head[0], authority);
    for (uint64_t i = 0; i < MIN(head[1], 15); i++) {
        if (!trace_peek(d, va + 8 + 4 * i, &part, sizeof part))
            break;
        n += snprintf(text + n, sizeof text - (size_t)n, "-%" PRIu32, part);
    }
    put_formatted(d, name, text, n);
}

/* ---- Time
 * ----------------------------------------------------------------------------------------- */

enum { TICKS_PER_SECOND = 10000000, SECONDS_PER_DAY = 86400 };

/* Days since 1601-01-01 as a date of the Gregorian calendar, whose 400-year cycle began that day.
 */
static void civil(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t cycles = days / 146097, rest = days % 146097;
    uint64_t centuries = MIN(rest / 36524, 3), in_century = rest - centuries * 36524;
    uint64_t fours = in_century / 1461, in_four = in_century % 1461;
    uint64_t years = MIN(in_four / 365, 3), left = in_four - years * 365;
    *year = (unsigned)(1601 + cycles * 400 + centuries * 100 + fours * 4 + years);
    bool leap = years == 3 && (fours != 24 || centuries == 3);
    unsigned m = 0;
    while (m < 11 && left >= lengths[m] + (unsigned)(leap && m == 1)) {
        left -= lengths[m] + (unsigned)(leap && m == 1);
        m++;
    }
    *month = m + 1;
    *day = (unsigned)left + 1;
}

void trace_put_system_time(struct trace_decoder *d, const char *name, uint64_t t)
{
    char text[64];
    unsigned year, month, day;
    uint64_t seconds = t / TICKS_PER_SECOND, in_day = seconds % SECONDS_PER_DAY;
    civil(seconds / SECONDS_PER_DAY, &year, &month, &day);
    int n = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%07uZ", year, month, day,
                     (unsigned)(in_day / 3600), (unsigned)(in_day / 60 % 60),
                     (unsigned)(in_day % 60), (unsigned)(t % TICKS_PER_SECOND));
    put_formatted(d, name, text, n);
}

static void decode_system_time(struct trace_decoder *d, const char *name, uint64_t va)
{
    uint64_t t;
    if (!va || !trace_peek(d, va, &t, sizeof t))
        put_pointer(d, name, va);
    else
        trace_put_system_time(d, name, t);
}

/* "1.5s", "20ms", "0.0001ms" from units of 100 ns. */
static void put_duration(struct trace_decoder *d, const char *name, uint64_t t)
{
    char text[40];
    uint64_t unit = t >= TICKS_PER_SECOND ? TICKS_PER_SECOND : 10000;
    int places = unit == 10000 ? 4 : 7;
    int n = snprintf(text, sizeof text, "%" PRIu64 ".%0*" PRIu64, t / unit, places, t % unit);
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    n += snprintf(text + n, sizeof text - (size_t)n, unit == 10000 ? "ms" : "s");
    put_formatted(d, name, text, n);
}

static void decode_timeout(struct trace_decoder *d, const char *name, uint64_t va)
{
    int64_t t;
    if (va && !trace_peek(d, va, &t, sizeof t))
        put_pointer(d, name, va);
    else if (!va || t == INT64_MIN)
        put_formatted(d, name, "INFINITE", 8);
    else if (t <= 0)
        put_duration(d, name, 0 - (uint64_t)t);
    else
        trace_put_system_time(d, name, (uint64_t)t);
}

/* ---- Files and processes
 * ---------------------------------------------------------------------------- */

/* Four times, sizes when there are any, attributes. */
static void put_file_info(struct trace_decoder *d, const char *name, uint64_t va, bool sizes)
{
    uint64_t raw[7] = {0}; /* creation, access, write, change[, allocation, end], attributes */
    if (!va || !trace_peek(d, va, raw, sizes ? 56 : 40)) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = sizes ? 3 : 2;
    trace_put_named(d, NT_ARG_FILE_ATTRIBUTES, "FileAttributes", (uint32_t)raw[sizes ? 6 : 4]);
    if (sizes)
        trace_put(d, TRACE_NUMBER, "EndOfFile", raw[5]);
    trace_put_system_time(d, "LastWriteTime", raw[2]);
}

static void decode_basic_information(struct trace_decoder *d, const char *name, uint64_t va)
{
    put_file_info(d, name, va, false);
}

static void decode_network_open_information(struct trace_decoder *d, const char *name, uint64_t va)
{
    put_file_info(d, name, va, true);
}

static void decode_process_parameters(struct trace_decoder *d, const char *name, uint64_t va)
{
    bool wide = d->g->ptr_size == 8;
    if (!va) {
        put_pointer(d, name, va);
        return;
    }
    trace_put(d, TRACE_FIELDS, name, 0)->children = 2;
    trace_put_unicode_string(d, "ImagePathName", va + (wide ? 0x60 : 0x38));
    trace_put_unicode_string(d, "CommandLine", va + (wide ? 0x70 : 0x40));
}

trace_struct_decoder *const trace_struct_decoders[NT_ARG_COUNT] = {
    [NT_ARG_PCLIENT_ID] = decode_client_id,
    [NT_ARG_PCONTEXT] = decode_context,
    [NT_ARG_PEXCEPTION_RECORD] = decode_exception_record,
    [NT_ARG_PFILE_BASIC_INFORMATION] = decode_basic_information,
    [NT_ARG_PFILE_NETWORK_OPEN_INFORMATION] = decode_network_open_information,
    [NT_ARG_PGUID] = decode_guid,
    [NT_ARG_PIO_STATUS_BLOCK] = decode_io_status_block,
    [NT_ARG_POBJECT_ATTRIBUTES] = decode_object_attributes,
    [NT_ARG_PRTL_USER_PROCESS_PARAMETERS] = decode_process_parameters,
    [NT_ARG_PSID] = decode_sid,
    [NT_ARG_PSYSTEMTIME] = decode_system_time,
    [NT_ARG_PTIMEOUT] = decode_timeout,
};
