// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/call_show.h"
#include "base/bits.h"
#include "base/ntstatus.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, LEAST_TEXT = 1, BYTES_IN_ROW = 16, ROWS_SHOWN = 16 };

const char *call_error_text(uint32_t code, char *out, size_t size)
{
    struct api_table t;
    char name[64];
    api_builtin(&t);
    api_value_text(&t, api_group_by_name(&t, "ERROR"), code, name, sizeof name);
    if (isdigit((unsigned char)name[0]))
        snprintf(out, size, "%u", code);
    else
        snprintf(out, size, "%s (%u)", name, code);
    return out;
}

/* ---- The result
 * ------------------------------------------------------------------------------------------- */

static unsigned bytes_of(const struct call_shown *s, const struct call_type *t)
{
    return t->size ? t->size : pgr_machine_pointer_size(pgr_call_machine(s->call));
}

static uint64_t narrowed(const struct call_shown *s, const struct call_type *t)
{
    unsigned n = bytes_of(s, t);
    return n >= 8 ? s->result->result : s->result->result & ((1ull << (8 * n)) - 1);
}

static int64_t widened(uint64_t v, unsigned n)
{
    const unsigned spare = 64 - 8 * n;
    return (int64_t)(v << spare) >> spare;
}

/* Printable text at an address, quoted; NULL when there is none. From malloc. */
static char *text_at(const struct call_shown *s, uint64_t at, bool wide, size_t least)
{
    char *text = pgr_call_text(s->call, at, wide, TEXT_MAX);
    bool good = text && strlen(text) >= least;
    for (const char *p = text; good && *p; p++)
        good = (unsigned char)*p >= 0x20 || strchr("\t\r\n", *p);
    if (!good) {
        free(text);
        return NULL;
    }
    return text;
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if (*text == '\n')
            fputs("\\n", stdout);
        else if (*text == '\r')
            fputs("\\r", stdout);
        else if (*text == '\t')
            fputs("\\t", stdout);
        else
            putchar(*text);
    }
    putchar('"');
}

static bool is_text(uint8_t kind)
{
    return kind == CALL_TEXT || kind == CALL_WTEXT || kind == CALL_UNKNOWN;
}

static void print_result(const struct call_shown *s)
{
    const struct call_type *t = &s->signature->result;
    uint64_t v = narrowed(s, t);
    char *text = is_text(t->kind) && v ? text_at(s, v, t->kind == CALL_WTEXT,
                                                 t->kind == CALL_UNKNOWN ? LEAST_TEXT : 0)
                                       : NULL;
    switch ((enum call_kind)t->kind) {
    case CALL_VOID:
        fputs("void", stdout);
        break;
    case CALL_BOOL:
        fputs(v ? "TRUE" : "FALSE", stdout);
        break;
    case CALL_SIGNED:
        printf("%" PRId64 " (0x%" PRIx64 ")", widened(v, bytes_of(s, t)), v);
        break;
    case CALL_FLOAT:
        printf("%.9g", (double)s->result->single);
        break;
    case CALL_DOUBLE:
        printf("%.17g", s->result->floating);
        break;
    default:
        if (text)
            print_quoted(text);
        else
            printf("0x%" PRIx64, v);
        if (t->kind == CALL_UNSIGNED || (t->kind == CALL_UNKNOWN && !text))
            printf(" (%" PRIu64 ")", v);
        break;
    }
    free(text);
}

static json_t *json_result(const struct call_shown *s)
{
    const struct call_type *t = &s->signature->result;
    uint64_t v = narrowed(s, t);
    char *text = is_text(t->kind) && v ? text_at(s, v, t->kind == CALL_WTEXT,
                                                 t->kind == CALL_UNKNOWN ? LEAST_TEXT : 0)
                                       : NULL;
    json_t *out = text ? json_string(text) : NULL;
    free(text);
    if (out)
        return out;
    switch ((enum call_kind)t->kind) {
    case CALL_VOID:
        return json_null();
    case CALL_BOOL:
        return json_boolean(v != 0);
    case CALL_FLOAT:
        return json_real((double)s->result->single);
    case CALL_DOUBLE:
        return json_real(s->result->floating);
    case CALL_SIGNED:
        return json_integer(widened(v, bytes_of(s, t)));
    default:
        return v <= 1ull << 53 ? json_integer((json_int_t)v) : json_sprintf("0x%" PRIx64, v);
    }
}

/* ---- Buffers
 * ---------------------------------------------------------------------------------------------- */

static uint8_t *bytes_at(const struct call_shown *s, unsigned i)
{
    uint8_t *bytes = xcalloc(s->values[i].size + 1, 1);
    if (pgr_machine_read(pgr_call_machine(s->call), s->addresses[i], bytes, s->values[i].size,
                         NULL)) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static size_t used(const uint8_t *bytes, size_t size)
{
    while (size && !bytes[size - 1])
        size--;
    return size;
}

static void print_bytes(const uint8_t *bytes, size_t size)
{
    size_t n = MIN(used(bytes, size), (size_t)BYTES_IN_ROW * ROWS_SHOWN);
    for (size_t row = 0; row < n; row += BYTES_IN_ROW) {
        printf("\n    %04zx ", row);
        for (size_t i = row; i < row + BYTES_IN_ROW; i++)
            i < size ? (void)printf(" %02x", bytes[i]) : (void)fputs("   ", stdout);
        fputs("  ", stdout);
        for (size_t i = row; i < MIN(row + BYTES_IN_ROW, size); i++)
            putchar(isprint(bytes[i]) ? bytes[i] : '.');
    }
    if (n < used(bytes, size))
        fputs("\n    ...", stdout);
    if (!n)
        fputs(" all zero", stdout);
}

static void print_buffer(const struct call_shown *s, unsigned i)
{
    uint8_t *bytes = bytes_at(s, i);
    if (!bytes) {
        printf("  argument %u: the buffer is gone\n", i + 1);
        return;
    }
    printf("  argument %u, %zu bytes:", i + 1, s->values[i].size);
    char *text = text_at(s, s->addresses[i], false, 2);
    if (text && strlen(text) == used(bytes, s->values[i].size)) {
        putchar(' ');
        print_quoted(text);
    } else {
        print_bytes(bytes, s->values[i].size);
    }
    putchar('\n');
    free(text);
    free(bytes);
}

static json_t *json_buffer(const struct call_shown *s, unsigned i)
{
    uint8_t *bytes = bytes_at(s, i);
    if (!bytes)
        return json_null();
    char *hex = xcalloc(s->values[i].size * 2 + 1, 1);
    for (size_t n = 0; n < s->values[i].size; n++)
        snprintf(hex + 2 * n, 3, "%02x", bytes[n]);
    json_t *out = json_string(hex);
    free(hex);
    free(bytes);
    return out;
}

/* ---- All
 * -------------------------------------------------------------------------------------------------
 */

void call_show_text(const struct call_shown *s)
{
    char error[96];
    printf("%s(", s->name);
    for (unsigned i = 0; i < s->count; i++)
        printf("%s%s", i ? ", " : "", s->words[i]);
    fputs(") = ", stdout);
    print_result(s);
    putchar('\n');
    if (s->last_error)
        printf("  last error: %s\n", call_error_text(s->last_error, error, sizeof error));
    for (unsigned i = 0; i < s->count; i++)
        if (s->values[i].out)
            print_buffer(s, i);
}

json_t *call_show_json(const struct call_shown *s)
{
    json_t *args = json_array(), *outs = json_object();
    for (unsigned i = 0; i < s->count; i++) {
        char key[16];
        json_array_append_new(args, json_string(s->words[i]));
        snprintf(key, sizeof key, "%u", i + 1);
        if (s->values[i].out)
            json_object_set_new(outs, key, json_buffer(s, i));
    }
    return json_pack("{s:s, s:o, s:o, s:i, s:o}", "function", s->name, "args", args, "result",
                     json_result(s), "last_error", (int)s->last_error, "outs", outs);
}
