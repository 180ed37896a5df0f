// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/names.h"
#include "base/bits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum kind { KIND_NONE, KIND_ENUM, KIND_FLAGS, KIND_ACCESS };

struct name {
    const char *name;
    uint32_t value;
};

#define GROUP(type, kind) static const struct name names_##type[] = {
#define NAME(name, value) {#name, value},
#define END                                                                                        \
    }                                                                                              \
    ;
#include "trace/names.def"
#undef GROUP
#undef NAME
#undef END

struct group {
    const struct name *names;
    uint16_t count;
    uint8_t kind;
};

static const struct group groups[NT_ARG_COUNT] = {
#define GROUP(type, kind) [NT_ARG_##type] = {names_##type, ARRAY_LEN(names_##type), KIND_##kind},
#define NAME(name, value)
#define END
#include "trace/names.def"
    [NT_ARG_PPAGE_PROTECTION] = {names_PAGE_PROTECTION, ARRAY_LEN(names_PAGE_PROTECTION),
                                 KIND_FLAGS},
    [NT_ARG_PACCESS_MASK] = {names_ACCESS_MASK, ARRAY_LEN(names_ACCESS_MASK), KIND_FLAGS},
};

bool trace_has_names(enum nt_arg_type type)
{
    return groups[type].kind != KIND_NONE;
}

/* Appends `|text` when it fits whole. */
static bool append(char *out, size_t size, size_t *len, const char *text)
{
    size_t n = strlen(text), bar = *len != 0;
    if (*len + bar + n + 1 > size)
        return false;
    if (bar)
        out[(*len)++] = '|';
    memcpy(out + *len, text, n + 1);
    *len += n;
    return true;
}

/* Names the bits of `value` that are still in *left, largest sets first as the table has them. */
static void put_flags(const struct group *g, uint32_t value, uint32_t *left, char *out, size_t size,
                      size_t *len)
{
    for (const struct name *n = g->names; n < g->names + g->count && *left; n++) {
        if (n->value && (value & n->value) == n->value && (*left & n->value) &&
            append(out, size, len, n->name))
            *left &= ~n->value;
    }
}

enum { GENERIC = (int)0xf0000000 };

static size_t flags_name(const struct group *g, uint32_t value, char *out, size_t size)
{
    size_t len = 0;
    uint32_t left = value;
    char rest[16];
    /* Room for what has no name is kept, so that no bit gets lost. */
    size_t room = size > sizeof rest ? size - sizeof rest : 0;
    if (g->kind == KIND_ACCESS) /* what callers think of first */
        put_flags(&groups[NT_ARG_ACCESS_MASK], value & GENERIC, &left, out, room, &len);
    put_flags(g, value, &left, out, room, &len);
    if (g->kind == KIND_ACCESS)
        put_flags(&groups[NT_ARG_ACCESS_MASK], value, &left, out, room, &len);
    if (left || !len) {
        snprintf(rest, sizeof rest, left ? "0x%" PRIx32 : "%" PRIu32, left);
        append(out, size, &len, rest);
    }
    return len;
}

static size_t number_name(const char *format, uint32_t value, char *out, size_t size)
{
    int n = snprintf(out, size, format, value);
    return MIN((size_t)n, size - 1);
}

/* Device, access, function and method of a control code that is not in the table. */
static size_t ioctl_name(uint32_t code, char *out, size_t size)
{
    static const char *const methods[] = {"METHOD_BUFFERED", "METHOD_IN_DIRECT",
                                          "METHOD_OUT_DIRECT", "METHOD_NEITHER"};
    static const char *const access[] = {"FILE_ANY_ACCESS", "FILE_READ_ACCESS", "FILE_WRITE_ACCESS",
                                         "FILE_READ_ACCESS|FILE_WRITE_ACCESS"};
    int n = snprintf(out, size, "CTL_CODE(0x%x, 0x%x, %s, %s)", code >> 16, code >> 2 & 0xfff,
                     methods[code & 3], access[code >> 14 & 3]);
    return MIN((size_t)n, size - 1);
}

static size_t enum_name(const struct group *g, enum nt_arg_type type, uint32_t value, char *out,
                        size_t size)
{
    for (const struct name *n = g->names; n < g->names + g->count; n++) {
        size_t len = 0;
        if (n->value == value && append(out, size, &len, n->name))
            return len;
    }
    if (type == NT_ARG_IOCTL)
        return ioctl_name(value, out, size);
    return number_name(value < 0x10000 ? "%" PRIu32 : "0x%" PRIx32, value, out, size);
}

size_t trace_value_name(enum nt_arg_type type, uint32_t value, char *out, size_t size)
{
    const struct group *g = &groups[type];
    out[0] = 0;
    if (g->kind == KIND_NONE)
        return number_name("%" PRIu32, value, out, size);
    return g->kind == KIND_ENUM ? enum_name(g, type, value, out, size)
                                : flags_name(g, value, out, size);
}
