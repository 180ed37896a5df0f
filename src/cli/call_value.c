// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/call_value.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "base/match.h"
#include "base/utf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 64 << 20 };

/* ---- Types
 * ------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    struct call_type type;
} names[] = {
    {"void", {CALL_VOID, 0}},       {"bool", {CALL_BOOL, 4}},       {"int8", {CALL_SIGNED, 1}},
    {"int16", {CALL_SIGNED, 2}},    {"int32", {CALL_SIGNED, 4}},    {"int64", {CALL_SIGNED, 8}},
    {"uint8", {CALL_UNSIGNED, 1}},  {"uint16", {CALL_UNSIGNED, 2}}, {"uint32", {CALL_UNSIGNED, 4}},
    {"uint64", {CALL_UNSIGNED, 8}}, {"int", {CALL_SIGNED, 4}},      {"uint", {CALL_UNSIGNED, 4}},
    {"long", {CALL_SIGNED, 4}},     {"ulong", {CALL_UNSIGNED, 4}},  {"size", {CALL_UNSIGNED, 0}},
    {"dword", {CALL_UNSIGNED, 4}},  {"handle", {CALL_HEX, 0}},      {"hresult", {CALL_HEX, 4}},
    {"ntstatus", {CALL_HEX, 4}},    {"ptr", {CALL_POINTER, 0}},     {"str", {CALL_TEXT, 0}},
    {"wstr", {CALL_WTEXT, 0}},      {"float", {CALL_FLOAT, 4}},     {"double", {CALL_DOUBLE, 8}},
    {"any", {CALL_UNKNOWN, 0}},
};

static bool type_named(const char *word, size_t len, struct call_type *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i].name) == len && !strncmp(names[i].name, word, len)) {
            *out = names[i].type;
            return true;
        }
    return false;
}

static pgr_status unknown_type(const char *word, size_t len, struct pgr_error *e)
{
    const char *all[ARRAY_LEN(names)];
    char text[64];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        all[i] = names[i].name;
    len = MIN(len, sizeof text - 1);
    memcpy(text, word, len);
    text[len] = 0;
    const char *near = match_nearest(text, all, ARRAY_LEN(names));
    return err_set(e, PGR_E_ARGUMENT,
                   "--signature: there is no type '%s'%s%s; the types are void bool int8 to int64 "
                   "uint8 to uint64 int uint long ulong size handle ptr str wstr float double any",
                   text, near ? ": did you mean " : "", near ? near : "");
}

static size_t word_length(const char *p)
{
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '@' || p[n] == '?')
        n++;
    return n;
}

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

static bool convention_named(const char *word, size_t len, uint8_t *out)
{
    static const char *const all[] = {"cdecl", "stdcall", "fastcall", "thiscall"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strlen(all[i]) == len && !strncmp(word, all[i], len)) {
            *out = (uint8_t)i; /* enum api_convention */
            return true;
        }
    return false;
}

/* From behind the "(". */
static pgr_status parse_arguments(const char *p, struct call_signature *s, struct pgr_error *e)
{
    p = skip_blanks(p);
    if (*p == ')')
        return PGR_OK;
    for (;;) {
        struct call_type type;
        size_t len = word_length(p = skip_blanks(p));
        if (!strncmp(p, "...", 3)) {
            s->variadic = true;
            p += 3;
        } else if (!type_named(p, len, &type)) {
            return unknown_type(p, len, e);
        } else if (s->count == CALL_ARGS_MAX) {
            return err_set(e, PGR_E_ARGUMENT, "--signature: more than %d arguments", CALL_ARGS_MAX);
        } else {
            if (type.kind != CALL_VOID)
                s->args[s->count++] = type;
            p = skip_blanks(p + len);
            p += word_length(p); /* a name */
        }
        p = skip_blanks(p);
        if (*p == ')')
            return PGR_OK;
        if (*p++ != ',')
            return err_set(e, PGR_E_ARGUMENT, "--signature: ',' or ')' expected at '%s'", p - 1);
    }
}

pgr_status call_signature_parse(const char *text, struct call_signature *out, struct pgr_error *e)
{
    const char *p = skip_blanks(text);
    *out = (struct call_signature){.known = true};
    size_t len = word_length(p);
    if (!type_named(p, len, &out->result))
        return unknown_type(p, len, e);
    p = skip_blanks(p + len);
    if (convention_named(p, len = word_length(p), &out->convention))
        p = skip_blanks(p + len);
    p = skip_blanks(p + word_length(p));
    if (*p != '(')
        return err_set(
            e, PGR_E_ARGUMENT,
            "--signature: '(' expected at '%s'; say \"uint32 crc32(uint32, ptr, uint32)\"", p);
    return parse_arguments(p + 1, out, e);
}

static struct call_type type_of(const struct api_table *t, api_type_id id, unsigned bitness,
                                bool narrow)
{
    struct api_type type = api_type(t, id), target;
    uint8_t size = (uint8_t)MIN(api_size(&type, bitness), 8u);
    switch ((enum api_kind)type.kind) {
    case API_VOID:
        return (struct call_type){CALL_VOID, 0};
    case API_BOOL:
        return (struct call_type){CALL_BOOL, size};
    case API_INT:
    case API_CHAR:
        return (struct call_type){CALL_SIGNED, size};
    case API_FLOAT:
        return (struct call_type){size == 4 ? CALL_FLOAT : CALL_DOUBLE, size};
    case API_HANDLE:
    case API_NTSTATUS:
    case API_HRESULT:
        return (struct call_type){CALL_HEX, size};
    case API_POINTER:
        target = api_type(t, type.target);
        if (target.kind == API_CHAR || target.kind == API_WCHAR)
            return (struct call_type){target.kind == API_CHAR || narrow ? CALL_TEXT : CALL_WTEXT,
                                      0};
        return (struct call_type){CALL_POINTER, 0};
    case API_CODE:
    case API_INTERFACE:
        return (struct call_type){CALL_POINTER, 0};
    default:
        return (struct call_type){CALL_UNSIGNED, size};
    }
}

void call_signature_of(const struct api_table *t, const struct api_function *f, unsigned bitness,
                       bool narrow, struct call_signature *out)
{
    *out = (struct call_signature){.known = true,
                                   .variadic = f->flags & API_VARIADIC,
                                   .convention = (uint8_t)f->convention,
                                   .count = MIN(f->count, (unsigned)CALL_ARGS_MAX)};
    out->result = type_of(t, f->result, bitness, narrow);
    for (unsigned i = 0; i < out->count; i++) {
        struct api_arg a = api_arg(t, f, i);
        out->args[i] = type_of(t, a.type, bitness, narrow);
    }
}

/* ---- Values
 * ------------------------------------------------------------------------------------------------
 */

static void set_narrow(struct call_value *v, const char *text)
{
    v->size = strlen(text) + 1;
    v->data = xmemdup(text, v->size);
}

static void set_wide(struct call_value *v, const char *text)
{
    size_t len;
    uint16_t *units = utf8_to_utf16(text, strlen(text), &len);
    v->data = (uint8_t *)units;
    v->size = (len + 1) * 2;
}

static bool parse_integer(const char *word, uint64_t *out)
{
    char *end;
    const char *digits = word + (*word == '-' || *word == '+');
    errno = 0;
    if (!isdigit((unsigned char)*digits))
        return false;
    *out = strtoull(digits, &end, digits[0] == '0' && (digits[1] | 32) == 'x' ? 16 : 10);
    if (*end || errno)
        return false;
    if (*word == '-')
        *out = 0 - *out;
    return true;
}

static bool parse_double(const char *word, double *out)
{
    char *end;
    *out = strtod(word, &end);
    return end != word && !*end;
}

static pgr_status read_file(const char *path, struct call_value *v, struct pgr_error *e)
{
    struct host_map map;
    pgr_status s = host_map_open(&map, path, e);
    if (s)
        return s;
    v->size = map.size;
    v->data = xmalloc(map.size + 1);
    memcpy(v->data, map.data, map.size);
    host_map_close(&map);
    return PGR_OK;
}

static pgr_status read_hex(const char *digits, struct call_value *v, struct pgr_error *e)
{
    size_t n = strlen(digits);
    v->data = xcalloc(n / 2 + 1, 1);
    for (size_t i = 0; i < n; i += 2) {
        char pair[3] = {digits[i], digits[i + 1], 0};
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
            return err_set(e, PGR_E_ARGUMENT, "'hex:%s': pairs of hexadecimal digits expected",
                           digits);
        v->data[v->size++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return PGR_OK;
}

/* The forms that say what they are. False: none of them. */
static bool explicit_form(const char *word, struct call_value *v, pgr_status *s,
                          struct pgr_error *e)
{
    uint64_t n;
    *s = PGR_OK;
    if (!strcasecmp(word, "null"))
        return true;
    if (!strncmp(word, "s:", 2)) {
        set_narrow(v, word + 2);
    } else if (!strncmp(word, "w:", 2)) {
        set_wide(v, word + 2);
    } else if (!strncmp(word, "hex:", 4)) {
        *s = read_hex(word + 4, v, e);
    } else if (word[0] == '@') {
        *s = read_file(word + 1, v, e);
    } else if (!strncmp(word, "inout:", 6)) {
        v->out = true;
        if (!explicit_form(word + 6, v, s, e))
            set_narrow(v, word + 6);
    } else if (!strncmp(word, "out:", 4)) {
        if (!parse_integer(word + 4, &n) || n > OUT_MAX)
            *s = err_set(e, PGR_E_ARGUMENT, "'%s': a number of bytes up to %d expected", word,
                         OUT_MAX);
        else
            *v = (struct call_value){.out = true, .size = n, .data = xcalloc(n + 1, 1)};
    } else {
        return false;
    }
    return true;
}

static void set_float(struct call_value *v, double d, bool single)
{
    float f = (float)d;
    v->wide = !single;
    if (single)
        memcpy(&v->bits, &f, sizeof f);
    else
        memcpy(&v->bits, &d, sizeof d);
}

static pgr_status expected(const char *word, const char *what, struct pgr_error *e)
{
    return err_set(e, PGR_E_ARGUMENT, "'%s' is no %s", word, what);
}

pgr_status call_value_parse(const char *word, const struct call_type *type, struct call_value *out,
                            struct pgr_error *e)
{
    double d;
    pgr_status s;
    *out = (struct call_value){.wide = type->size == 8};
    if (explicit_form(word, out, &s, e)) {
        if (s)
            call_value_free(out);
        return s;
    }
    bool number = parse_integer(word, &out->bits);
    switch ((enum call_kind)type->kind) {
    case CALL_TEXT:
        set_narrow(out, word);
        return PGR_OK;
    case CALL_WTEXT:
        set_wide(out, word);
        return PGR_OK;
    case CALL_FLOAT:
    case CALL_DOUBLE:
        if (!parse_double(word, &d))
            return expected(word, "number", e);
        set_float(out, d, type->kind == CALL_FLOAT);
        return PGR_OK;
    case CALL_BOOL:
        if (!number && (!strcasecmp(word, "true") || !strcasecmp(word, "false"))) {
            out->bits = (word[0] | 32) == 't';
            return PGR_OK;
        }
        break;
    case CALL_POINTER:
    case CALL_UNKNOWN:
        if (number)
            return PGR_OK;
        if (type->kind == CALL_UNKNOWN && parse_double(word, &d))
            set_float(out, d, false);
        else
            set_narrow(out, word);
        return PGR_OK;
    default:
        break;
    }
    return number ? PGR_OK : expected(word, "whole number", e);
}

void call_value_free(struct call_value *v)
{
    free(v->data);
    *v = (struct call_value){0};
}
