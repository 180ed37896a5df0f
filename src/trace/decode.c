// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/decode.h"
#include "base/bits.h"
#include "nt/structs.h"
#include "trace/decoder.h"
#include "trace/names.h"

#include <string.h>

/* ---- Room ---------------------------------------------------------------------------------------
 */

void trace_set_text(struct trace_decoder *d, struct trace_value *v, const char *text, size_t len)
{
    struct trace_scratch *s = d->s;
    size_t n = MIN(len, sizeof s->text - s->text_used);
    memcpy(s->text + s->text_used, text, n);
    v->text = s->text + s->text_used;
    v->length = (uint32_t)n;
    v->cut |= n < len;
    s->text_used += n;
}

void trace_put_symbol(struct trace_decoder *d, const char *name, const char *text, size_t len)
{
    trace_set_text(d, trace_put(d, TRACE_SYMBOL, name, 0), text, len);
}

bool trace_peek(struct trace_decoder *d, uint64_t va, void *out, size_t len)
{
    return d->g->peek(d->g->ctx, va, out, len);
}

bool trace_get(struct trace_decoder *d, const struct layout *l, uint64_t va, void *host)
{
    uint8_t guest[256];
    size_t size = layout_size(l, d->g->ptr_size);
    BUG_ON(size > sizeof guest);
    if (!trace_peek(d, va, guest, size))
        return false;
    layout_get(l, d->g->ptr_size, guest, host);
    return true;
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static size_t put_utf8(char *out, uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

void trace_set_utf16(struct trace_decoder *d, struct trace_value *v, const uint8_t *units, size_t n)
{
    char text[TRACE_STRING_SHOWN * 3 + 1];
    size_t len = 0;
    for (size_t i = 0; i < n && len + 4 <= sizeof text; i++) {
        uint32_t c = units[2 * i] | (uint32_t)units[2 * i + 1] << 8;
        uint32_t next = i + 1 < n ? units[2 * i + 2] | (uint32_t)units[2 * i + 3] << 8 : 0;
        if ((c & 0xfc00) == 0xd800 && (next & 0xfc00) == 0xdc00) {
            c = 0x10000 + ((c & 0x3ff) << 10) + (next & 0x3ff);
            i++;
        }
        len += put_utf8(text + len, c);
    }
    trace_set_text(d, v, text, len);
}

/* As much of [va, va + len) as can be read from its start, page by page. */
size_t trace_peek_some(struct trace_decoder *d, uint64_t va, void *out, size_t len)
{
    size_t done = 0;
    if (d->g->peek_some)
        return d->g->peek_some(d->g->ctx, va, out, len);
    while (done < len) {
        size_t n = MIN(len - done, MEM_PAGE - (size_t)((va + done) % MEM_PAGE));
        if (va + done < va || !trace_peek(d, va + done, (char *)out + done, n))
            break;
        done += n;
    }
    return done;
}

void trace_put_utf16_at(struct trace_decoder *d, const char *name, uint64_t va, size_t units)
{
    uint8_t raw[TRACE_STRING_SHOWN * 2];
    size_t want = MIN(units * 2, sizeof raw);
    if (trace_peek_some(d, va, raw, want) != want) {
        trace_put(d, TRACE_UNREADABLE, name, va);
        return;
    }
    struct trace_value *v = trace_put(d, TRACE_STRING, name, 0);
    v->cut = units > TRACE_STRING_SHOWN;
    trace_set_utf16(d, v, raw, want / 2);
}

void trace_put_unicode_string(struct trace_decoder *d, const char *name, uint64_t va)
{
    struct UNICODE_STRING us;
    if (!va)
        trace_put(d, TRACE_ADDRESS, name, 0);
    else if (!trace_get(d, &layout_UNICODE_STRING, va, &us))
        trace_put(d, TRACE_UNREADABLE, name, va);
    else
        trace_put_utf16_at(d, name, us.Buffer, us.Length / 2u);
}

void trace_put_wide(struct trace_decoder *d, const char *name, uint64_t va, size_t most)
{
    uint8_t raw[(TRACE_STRING_SHOWN + 1) * 2];
    size_t want = MIN(most, sizeof raw / 2), got = trace_peek_some(d, va, raw, want * 2) / 2, n = 0;
    while (n < got && (raw[2 * n] || raw[2 * n + 1]))
        n++;
    if (!va || !got) {
        trace_put(d, va ? TRACE_UNREADABLE : TRACE_ADDRESS, name, va);
        return;
    }
    struct trace_value *v = trace_put(d, TRACE_STRING, name, 0);
    v->cut = n == got && n != most;
    trace_set_utf16(d, v, raw, MIN(n, TRACE_STRING_SHOWN));
}

/* ---- Handles and numbers
 * ------------------------------------------------------------------------- */

void trace_put_handle(struct trace_decoder *d, const char *name, uint64_t handle)
{
    char text[512];
    size_t len = handle ? d->g->describe(d->g->ctx, handle, text, sizeof text) : 0;
    if (d->g->ptr_size == 4)
        handle = (uint64_t)(int32_t)handle; /* -1 is the current process in both */
    struct trace_value *v = trace_put(d, TRACE_HANDLE, name, handle);
    if (len)
        trace_set_text(d, v, text, MIN(len, sizeof text));
}

void trace_put_named(struct trace_decoder *d, enum nt_arg_type type, const char *name, uint32_t v)
{
    char text[512];
    trace_put_symbol(d, name, text, trace_value_name(type, v, text, sizeof text));
}

void trace_put_status(struct trace_decoder *d, const char *name, ntstatus status)
{
    const char *text = ntstatus_name(status);
    if (text) {
        trace_put_symbol(d, name, text, strlen(text));
    } else {
        char hex[11] = "0x";
        for (int i = 0; i < 8; i++)
            hex[2 + i] = "0123456789abcdef"[status >> (28 - 4 * i) & 15];
        trace_put_symbol(d, name, hex, 10);
    }
}

static void decode_handle_array(struct trace_decoder *d, const char *name, uint64_t va)
{
    size_t size = d->g->ptr_size, count = d->index ? (size_t)d->arg[d->index - 1] : 0;
    uint64_t handle = 0;
    if (va && count && !trace_peek(d, va, &handle, size)) {
        trace_put(d, TRACE_UNREADABLE, name, va);
        return;
    }
    struct trace_value *list = trace_put(d, TRACE_LIST, name, 0);
    for (size_t i = 0; va && i < MIN(count, TRACE_HANDLES_SHOWN); i++) {
        if (!trace_peek(d, va + i * size, &handle, size))
            break;
        trace_put_handle(d, NULL, handle);
        list->children++;
    }
    list->cut = list->children < count;
}

/* What a pointer to a plain value points to. */
enum { POINTER_SIZED = 0xff };
struct pointee {
    uint8_t size; /* in bytes, or POINTER_SIZED; 0: not in this table */
    uint8_t kind; /* enum trace_value_kind; SYMBOL: by name */
};
static const struct pointee pointees[NT_ARG_COUNT] = {
    [NT_ARG_PACCESS_MASK] = {4, TRACE_SYMBOL},
    [NT_ARG_PBOOLEAN] = {1, TRACE_BOOL},
    [NT_ARG_PHANDLE] = {POINTER_SIZED, TRACE_HANDLE},
    [NT_ARG_PLARGE_INTEGER] = {8, TRACE_SIGNED},
    [NT_ARG_PLONG] = {4, TRACE_SIGNED},
    [NT_ARG_PLUID] = {8, TRACE_NUMBER},
    [NT_ARG_PNTSTATUS] = {4, TRACE_SYMBOL},
    [NT_ARG_PPAGE_PROTECTION] = {4, TRACE_SYMBOL},
    [NT_ARG_PPVOID] = {POINTER_SIZED, TRACE_ADDRESS},
    [NT_ARG_PREG_DISPOSITION] = {4, TRACE_SYMBOL},
    [NT_ARG_PSIZE_T] = {POINTER_SIZED, TRACE_NUMBER},
    [NT_ARG_PUCHAR] = {1, TRACE_NUMBER},
    [NT_ARG_PULONG] = {4, TRACE_NUMBER},
    [NT_ARG_PULONG64] = {8, TRACE_NUMBER},
    [NT_ARG_PULONG_PTR] = {POINTER_SIZED, TRACE_NUMBER},
    [NT_ARG_PUSHORT] = {2, TRACE_NUMBER},
};

static void decode_pointee(struct trace_decoder *d, enum nt_arg_type type, const char *name,
                           uint64_t va)
{
    const struct pointee *p = &pointees[type];
    size_t size = p->size == POINTER_SIZED ? d->g->ptr_size : p->size;
    uint64_t value = 0;
    if (!va)
        trace_put(d, TRACE_ADDRESS, name, 0);
    else if (!trace_peek(d, va, &value, size))
        trace_put(d, TRACE_UNREADABLE, name, va);
    else if (type == NT_ARG_PNTSTATUS)
        trace_put_status(d, name, (ntstatus)value);
    else if (p->kind == TRACE_SYMBOL)
        trace_put_named(d, type, name, (uint32_t)value);
    else if (p->kind == TRACE_HANDLE)
        trace_put_handle(d, name, value);
    else if (type == NT_ARG_PLONG)
        trace_put(d, TRACE_SIGNED, name, (uint64_t)(int32_t)value);
    else
        trace_put(d, p->kind, name, value);
}

/* ---- Buffers
 * ------------------------------------------------------------------------------------- */

static bool is_printable(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

/* Bytes of UTF-8 beyond ASCII count as text; whoever prints them sorts out malformed ones. */
static bool looks_like_text(const uint8_t *p, size_t n)
{
    size_t high = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_printable(p[i]) && p[i] < 0x80)
            return false;
        high += p[i] >= 0x80;
    }
    return high <= n / 4;
}

static bool looks_like_utf16(const uint8_t *p, size_t n)
{
    if (n < 4 || n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        bool last_nul = i + 2 == n && !p[i] && !p[i + 1];
        if (p[i + 1] || (!is_printable(p[i]) && !last_nul))
            return false;
    }
    return true;
}

void trace_put_buffer(struct trace_decoder *d, const char *name, uint64_t va, uint64_t size)
{
    uint8_t raw[TRACE_TEXT_SHOWN];
    if (!va) {
        trace_put(d, TRACE_ADDRESS, name, 0);
        return;
    }
    size_t want = (size_t)MIN(size, sizeof raw), got = trace_peek_some(d, va, raw, want);
    if (want && !got) {
        trace_put(d, TRACE_UNREADABLE, name, va);
        return;
    }
    struct trace_value *v = trace_put(d, TRACE_BYTES, name, size);
    if (looks_like_utf16(raw, got)) {
        v->kind = TRACE_WTEXT;
        trace_set_utf16(d, v, raw, got / 2);
    } else {
        v->kind = got && looks_like_text(raw, got) ? TRACE_TEXT : TRACE_BYTES;
        got = v->kind == TRACE_TEXT ? got : MIN(got, TRACE_HEX_SHOWN);
        trace_set_text(d, v, (const char *)raw, got);
    }
    v->cut = got < size;
}

static bool is_count_of_output(const struct nt_arg *a)
{
    return a->direction != NT_IN && (a->type == NT_ARG_PULONG || a->type == NT_ARG_PSIZE_T) &&
           (strstr(a->name, "Length") || strstr(a->name, "Bytes"));
}

/* How much of an output buffer was filled: IO_STATUS_BLOCK or a returned length say; else all. */
static uint64_t filled(struct trace_decoder *d, uint64_t size)
{
    for (size_t i = 0; i < d->service->arg_count; i++) {
        const struct nt_arg *a = &d->service->args[i];
        struct IO_STATUS_BLOCK io;
        uint64_t count = 0;
        if (!d->arg[i])
            continue;
        if (a->type == NT_ARG_PIO_STATUS_BLOCK && a->direction != NT_IN &&
            trace_get(d, &layout_IO_STATUS_BLOCK, d->arg[i], &io))
            return MIN(size, io.Information);
        if (is_count_of_output(a) &&
            trace_peek(d, d->arg[i], &count, a->type == NT_ARG_PULONG ? 4 : d->g->ptr_size))
            return MIN(size, count);
    }
    return size;
}

static void decode_buffer(struct trace_decoder *d, const struct nt_arg *a, uint64_t va)
{
    uint64_t size = d->arg[nt_service_length_of(d->service, d->index)];
    if (d->returning)
        size = filled(d, size);
    if (!trace_put_info(d, a->name, va, size))
        trace_put_buffer(d, a->name, va, size);
}

/* ---- Dispatch
 * ------------------------------------------------------------------------------------ */

static void decode_plain(struct trace_decoder *d, const struct nt_arg *a, uint64_t v)
{
    switch ((enum nt_arg_type)a->type) {
    case NT_ARG_BOOL:
    case NT_ARG_BOOLEAN:
        trace_put(d, TRACE_BOOL, a->name, v);
        break;
    case NT_ARG_LONG:
        trace_put(d, TRACE_SIGNED, a->name, (uint64_t)(int32_t)v);
        break;
    case NT_ARG_NTSTATUS:
        /* Exit codes come here too, and 1 is hardly STATUS_WAIT_1 then. */
        if (v && v < 0x40000000)
            trace_put(d, TRACE_NUMBER, a->name, v);
        else
            trace_put_status(d, a->name, (ntstatus)v);
        break;
    case NT_ARG_HANDLE:
        trace_put_handle(d, a->name, v);
        break;
    case NT_ARG_KAFFINITY:
    case NT_ARG_SIZE_T:
    case NT_ARG_TID:
    case NT_ARG_UCHAR:
    case NT_ARG_ULONG:
    case NT_ARG_ULONG64:
    case NT_ARG_ULONG_PTR:
    case NT_ARG_USHORT:
        trace_put(d, TRACE_NUMBER, a->name, v);
        break;
    case NT_ARG_PWSTR:
        trace_put_wide(d, a->name, v, SIZE_MAX);
        break;
    case NT_ARG_HANDLE_ARRAY:
        decode_handle_array(d, a->name, v);
        break;
    case NT_ARG_PUNICODE_STRING:
        trace_put_unicode_string(d, a->name, v);
        break;
    default:
        trace_put(d, TRACE_ADDRESS, a->name, v);
        break;
    }
}

static void decode_argument(struct trace_decoder *d)
{
    const struct nt_arg *a = &d->service->args[d->index];
    uint64_t v = d->arg[d->index];
    if (d->returning && !v) /* an output that nobody wanted */
        return;
    if (a->type == NT_ARG_BUFFER)
        decode_buffer(d, a, v);
    else if (trace_struct_decoders[a->type])
        trace_struct_decoders[a->type](d, a->name, v);
    else if (pointees[a->type].size)
        decode_pointee(d, a->type, a->name, v);
    else if (trace_has_names(a->type))
        trace_put_named(d, a->type, a->name, (uint32_t)v);
    else
        decode_plain(d, a, v);
}

static bool wanted(const struct trace_decoder *d, const struct nt_arg *a, ntstatus status)
{
    if (!d->returning)
        return a->direction != NT_OUT;
    if (a->direction == NT_IN)
        return false;
    bool too_small = status == STATUS_INFO_LENGTH_MISMATCH || status == STATUS_BUFFER_TOO_SMALL;
    if (too_small)
        return is_count_of_output(a);
    return status == STATUS_BUFFER_OVERFLOW || (nt_success(status) && status != STATUS_PENDING);
}

static size_t decode(struct trace_decoder *d, ntstatus status)
{
    size_t n = 0;
    d->s->value_used = d->s->text_used = 0;
    for (d->index = 0; d->index < d->service->arg_count; d->index++) {
        size_t before = d->s->value_used;
        if (wanted(d, &d->service->args[d->index], status))
            decode_argument(d);
        n += d->s->value_used != before;
    }
    return n;
}

size_t trace_decode_inputs(const struct trace_guest *g, const struct nt_service *service,
                           const uint64_t *arg, struct trace_scratch *s)
{
    struct trace_decoder d = {.g = g, .service = service, .arg = arg, .s = s};
    return decode(&d, STATUS_SUCCESS);
}

size_t trace_decode_outputs(const struct trace_guest *g, const struct nt_service *service,
                            const uint64_t *arg, ntstatus status, struct trace_scratch *s)
{
    struct trace_decoder d = {.g = g, .service = service, .arg = arg, .s = s, .returning = true};
    return decode(&d, status);
}
