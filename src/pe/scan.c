// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/scan.h"
#include "base/bits.h"

#include <string.h>

enum { STUB_MAX = 40, UNKNOWN_ARGS = 0xffff, KUSER_SYSTEM_CALL = 0x7ffe0300 };

/*
 * Stubs as patterns over the bytes behind `mov eax, imm32`. A token is two hex digits, "??" for
 * any byte, "=" for the four bytes of the target, or "!" where `ret n` or `ret` follows.
 */
struct pattern {
    uint8_t kind;
    const char *text;
};
static const struct pattern x64_patterns[] = {
    {PE_STUB_SYSCALL, "f6 04 25 08 03 fe 7f 01 75 ?? 0f 05 c3"},
    {PE_STUB_SYSCALL, "0f 05 c3"},
};
static const struct pattern x86_patterns[] = {
    {PE_STUB_CALL_EDX, "ba = ff d2 !"},
    {PE_STUB_CALL_EDX, "ba = ff 12 !"},
    {PE_STUB_CALL_WOW32, "33 c9 8d 54 24 04 64 ff 15 c0 00 00 00 83 c4 04 !"},
    {PE_STUB_CALL_WOW32, "33 c9 8d 54 24 04 64 ff 15 c0 00 00 00 !"},
    {PE_STUB_CALL_WOW32, "b9 ?? ?? ?? ?? 8d 54 24 04 64 ff 15 c0 00 00 00 83 c4 04 !"},
    {PE_STUB_CALL_WOW32, "b9 ?? ?? ?? ?? 8d 54 24 04 64 ff 15 c0 00 00 00 !"},
    {PE_STUB_CALL_WOW32, "64 ff 15 c0 00 00 00 !"},
    {PE_STUB_SYSENTER, "e8 03 00 00 00 !"},
    {PE_STUB_SYSENTER, "e8 01 00 00 00 !"},
    {PE_STUB_INT2E, "8d 54 24 04 cd 2e !"},
};

static unsigned hex_digit(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

static bool match_return(const uint8_t *p, const uint8_t *end, struct pe_service *s)
{
    if (end - p >= 3 && p[0] == 0xc2)
        s->arg_bytes = pe_u16(p + 1);
    else if (end - p >= 1 && p[0] == 0xc3)
        s->arg_bytes = 0;
    else
        return false;
    return true;
}

static bool match_pattern(const struct pattern *pat, const uint8_t *p, const uint8_t *end,
                          struct pe_service *s)
{
    for (const char *t = pat->text; *t; t++) {
        if (*t == ' ')
            continue;
        if (*t == '!')
            return match_return(p, end, s);
        if (*t == '=') {
            if (end - p < 4)
                return false;
            s->target_va = pe_u32(p);
            p += 4;
            continue;
        }
        if (p >= end)
            return false;
        if (*t != '?' && *p != hex_digit(t[0]) * 16 + hex_digit(t[1]))
            return false;
        p++;
        t++;
    }
    return true;
}

static bool match_any(const struct pattern *pats, size_t n, const uint8_t *p, const uint8_t *end,
                      struct pe_service *s)
{
    for (size_t i = 0; i < n; i++) {
        s->arg_bytes = UNKNOWN_ARGS;
        s->target_va = 0;
        s->kind = pats[i].kind;
        if (match_pattern(&pats[i], p, end, s))
            return true;
    }
    return false;
}

static bool match_stub(const struct pe_image *img, struct pe_service *s)
{
    uint32_t avail;
    bool x64 = img->h.machine == IMAGE_FILE_MACHINE_AMD64;
    const uint8_t *p = pe_at(img, s->rva, &avail);
    if (!p)
        return false;
    const uint8_t *end = p + MIN(avail, (uint32_t)STUB_MAX);
    if (x64) {
        if (end - p < 3 || memcmp(p, "\x4c\x8b\xd1", 3)) /* mov r10, rcx */
            return false;
        p += 3;
    }
    if (end - p < 5 || p[0] != 0xb8 || p[3] || p[4]) /* mov eax, number below 65536 */
        return false;
    s->number = pe_u32(p + 1);
    p += 5;
    if (x64)
        return match_any(x64_patterns, ARRAY_LEN(x64_patterns), p, end, s);
    if (!match_any(x86_patterns, ARRAY_LEN(x86_patterns), p, end, s))
        return false;
    if (s->kind == PE_STUB_CALL_EDX && s->target_va == KUSER_SYSTEM_CALL)
        s->kind = PE_STUB_CALL_KUSER;
    return true;
}

/* Few exports are stubs: the code is looked at before the name. */
static void scan_names(struct pe_services *out, const struct pe_exports *ex)
{
    for (uint32_t i = 0; i < ex->nnames; i++) {
        uint16_t index = pe_u16(ex->ordinals + (size_t)i * 2);
        struct pe_service s = {0};
        struct pe_export x;
        if (index < ex->nfunctions)
            s.rva = pe_u32(ex->functions + (size_t)index * 4);
        if (!s.rva || !match_stub(ex->img, &s) || !pe_export_name_at(ex, i, &x) || x.forwarder)
            continue;
        s.name = x.name;
        vec_push(&out->rows, s);
    }
}

static int rank(const char *name)
{
    return !strncmp(name, "Nt", 2) ? 0 : !strncmp(name, "Zw", 2) ? 1 : 2;
}

static int compare(const void *a, const void *b)
{
    const struct pe_service *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (rank(x->name) != rank(y->name))
        return rank(x->name) - rank(y->name);
    return strcmp(x->name, y->name);
}

void pe_scan_services(struct pe_services *out, const struct pe_image *img)
{
    struct pe_exports ex;
    bool x86 = img->h.machine == IMAGE_FILE_MACHINE_I386;
    memset(out, 0, sizeof *out);
    if ((!x86 && img->h.machine != IMAGE_FILE_MACHINE_AMD64) || !pe_exports_open(&ex, img))
        return;
    scan_names(out, &ex);
    if (out->rows.len)
        qsort(out->rows.data, out->rows.len, sizeof *out->rows.data, compare);
    for (size_t i = 0; i < out->rows.len; i++)
        out->rows.data[i].primary = !i || out->rows.data[i].number != out->rows.data[i - 1].number;
}

void pe_services_free(struct pe_services *s)
{
    vec_free(&s->rows);
}

const struct pe_service *pe_service_by_number(const struct pe_services *s, uint32_t number)
{
    size_t lo = 0, hi = s->rows.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->rows.data[mid].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->rows.len && s->rows.data[lo].number == number ? &s->rows.data[lo] : NULL;
}
