// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/vec.h"
#include "nt/se/security.h"

#include <stdlib.h>

enum { SD_HEADER = 20, SD_REVISION = 1, ACL_HEADER = 8, SID_HEADER = 8 };

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

size_t nt_sid_length(const uint8_t *p, size_t left)
{
    if (left < SID_HEADER || p[0] != 1 || p[1] > 15)
        return 0;
    size_t len = SID_HEADER + 4u * p[1];
    return len <= left ? len : 0;
}

size_t nt_acl_length(const uint8_t *p, size_t left)
{
    if (left < ACL_HEADER || p[0] < 1 || p[0] > 4)
        return 0;
    size_t len = get16(p + 2), at = ACL_HEADER;
    if (len < ACL_HEADER || len > left)
        return 0;
    for (unsigned n = get16(p + 4); n; n--) {
        if (len - at < 4)
            return 0;
        size_t ace = get16(p + at + 2);
        if (ace < 4 || ace > len - at)
            return 0;
        at += ace;
    }
    return len;
}

ntstatus nt_sid_read(struct nt_call *c, uint64_t va, struct nt_sid *out)
{
    *out = (struct nt_sid){0};
    ntstatus s = nt_read(c, va, out->bytes, SID_HEADER);
    if (s)
        return s;
    if (out->bytes[0] != 1 || out->bytes[1] > 15)
        return STATUS_INVALID_SID;
    out->len = (uint8_t)(SID_HEADER + 4 * out->bytes[1]);
    return nt_read(c, va + SID_HEADER, out->bytes + SID_HEADER, out->len - SID_HEADER);
}

ntstatus nt_acl_read(struct nt_call *c, uint64_t va, uint8_t **acl, size_t *len)
{
    uint8_t header[ACL_HEADER];
    ntstatus s = nt_read(c, va, header, sizeof header);
    if (s)
        return s;
    size_t n = get16(header + 2);
    if (n < ACL_HEADER)
        return STATUS_INVALID_ACL;
    uint8_t *bytes = xmalloc(n);
    s = nt_read(c, va, bytes, n);
    if (!s && !nt_acl_length(bytes, n))
        s = STATUS_INVALID_ACL;
    if (s) {
        free(bytes);
        return s;
    }
    *acl = bytes;
    *len = n;
    return STATUS_SUCCESS;
}

bool nt_sid_equal_bytes(const struct nt_sid *a, const uint8_t *b, size_t len)
{
    return a->len && nt_sid_length(b, len) == a->len && !memcmp(a->bytes, b, a->len);
}

uint8_t *nt_sd_build(const struct nt_sd *p, size_t *len)
{
    const uint8_t *part[] = {p->owner, p->group, p->sacl, p->dacl};
    size_t size[] = {p->owner_len, p->group_len, p->sacl_len, p->dacl_len};
    size_t total = SD_HEADER;
    for (int i = 0; i < 4; i++)
        total += part[i] ? align_up(size[i], 4) : 0;
    uint8_t *sd = xcalloc(1, total);
    uint32_t at = SD_HEADER;
    sd[0] = SD_REVISION;
    uint16_t control = p->control | SE_SELF_RELATIVE;
    memcpy(sd + 2, &control, 2);
    for (int i = 0; i < 4; i++) {
        if (!part[i])
            continue;
        memcpy(sd + 4 + 4 * i, &at, 4);
        memcpy(sd + at, part[i], size[i]);
        at += (uint32_t)align_up(size[i], 4);
    }
    *len = total;
    return sd;
}

struct nt_sd nt_sd_parts(const uint8_t *sd, size_t len)
{
    struct nt_sd p = {0};
    if (!sd || len < SD_HEADER)
        return p;
    const uint8_t **part[] = {&p.owner, &p.group, &p.sacl, &p.dacl};
    size_t *size[] = {&p.owner_len, &p.group_len, &p.sacl_len, &p.dacl_len};
    p.control = get16(sd + 2);
    for (int i = 0; i < 4; i++) {
        uint32_t at = get32(sd + 4 + 4 * i);
        if (at < SD_HEADER || at >= len)
            continue;
        size_t n = i < 2 ? nt_sid_length(sd + at, len - at) : nt_acl_length(sd + at, len - at);
        if (!n)
            continue;
        *part[i] = sd + at;
        *size[i] = n;
    }
    return p;
}

#define FIELDS_SECURITY_DESCRIPTOR(F, S)                                                           \
    F(S, U8, Revision, 1)                                                                          \
    F(S, U8, Sbz1, 1)                                                                              \
    F(S, U16, Control, 1)                                                                          \
    F(S, PTR, Owner, 1) F(S, PTR, Group, 1) F(S, PTR, Sacl, 1) F(S, PTR, Dacl, 1)
LAYOUT_STRUCT(SECURITY_DESCRIPTOR);
LAYOUT_DEFINE(SECURITY_DESCRIPTOR);

/* Where the four parts are in guest memory; 0: absent. */
static ntstatus find_parts(struct nt_call *c, uint64_t va, uint16_t *control, uint64_t at[4])
{
    uint8_t header[SD_HEADER];
    struct SECURITY_DESCRIPTOR sd;
    ntstatus s = nt_read(c, va, header, 4);
    if (s)
        return s;
    if (header[0] != SD_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *control = get16(header + 2);
    if (*control & SE_SELF_RELATIVE) {
        s = nt_read(c, va, header, sizeof header);
        for (int i = 0; i < 4 && !s; i++)
            at[i] = get32(header + 4 + 4 * i) ? va + get32(header + 4 + 4 * i) : 0;
        return s;
    }
    s = nt_get(c, &layout_SECURITY_DESCRIPTOR, va, &sd);
    at[0] = sd.Owner;
    at[1] = sd.Group;
    at[2] = sd.Sacl;
    at[3] = sd.Dacl;
    return s;
}

ntstatus nt_sd_capture(struct nt_call *c, uint64_t va, uint8_t **out, size_t *len)
{
    uint64_t at[4] = {0};
    struct nt_sd parts = {0};
    struct nt_sid owner, group;
    uint8_t *sacl = NULL, *dacl = NULL;
    ntstatus s = find_parts(c, va, &parts.control, at);
    if (!s && at[0])
        s = nt_sid_read(c, at[0], &owner);
    if (!s && at[1])
        s = nt_sid_read(c, at[1], &group);
    if (!s && at[2] && parts.control & SE_SACL_PRESENT)
        s = nt_acl_read(c, at[2], &sacl, &parts.sacl_len);
    if (!s && at[3] && parts.control & SE_DACL_PRESENT)
        s = nt_acl_read(c, at[3], &dacl, &parts.dacl_len);
    if (!s) {
        if (at[0]) {
            parts.owner = owner.bytes;
            parts.owner_len = owner.len;
        }
        if (at[1]) {
            parts.group = group.bytes;
            parts.group_len = group.len;
        }
        parts.sacl = sacl;
        parts.dacl = dacl;
        *out = nt_sd_build(&parts, len);
    }
    free(sacl);
    free(dacl);
    return s;
}

uint8_t *nt_acl_build(const struct nt_ace *aces, size_t count, size_t *len)
{
    size_t total = ACL_HEADER, at = ACL_HEADER;
    for (size_t i = 0; i < count; i++)
        total += 8u + aces[i].sid->len;
    uint8_t *acl = xcalloc(1, total);
    uint16_t size = (uint16_t)total, n = (uint16_t)count;
    acl[0] = 2; /* ACL_REVISION */
    memcpy(acl + 2, &size, 2);
    memcpy(acl + 4, &n, 2);
    for (size_t i = 0; i < count; i++) {
        uint16_t ace_size = (uint16_t)(8 + aces[i].sid->len);
        acl[at] = aces[i].type;
        acl[at + 1] = aces[i].flags;
        memcpy(acl + at + 2, &ace_size, 2);
        memcpy(acl + at + 4, &aces[i].mask, 4);
        memcpy(acl + at + 8, aces[i].sid->bytes, aces[i].sid->len);
        at += ace_size;
    }
    *len = total;
    return acl;
}

uint8_t *nt_sd_default(struct nt_kernel *k, const struct nt_token *t, uint32_t all_access,
                       size_t *len)
{
    struct nt_sid system, admins;
    nt_sid_parse("S-1-5-18", &system);
    nt_sid_parse("S-1-5-32-544", &admins);
    const struct nt_ace aces[] = {{&t->user, all_access, ACCESS_ALLOWED_ACE_TYPE, 0},
                                  {&system, all_access, ACCESS_ALLOWED_ACE_TYPE, 0},
                                  {&admins, all_access, ACCESS_ALLOWED_ACE_TYPE, 0}};
    struct nt_sd p = {.control = SE_DACL_PRESENT};
    uint8_t *dacl = nt_acl_build(aces, ARRAY_LEN(aces), &p.dacl_len);
    p.dacl = dacl;
    p.owner = t->owner.bytes;
    p.owner_len = t->owner.len;
    p.group = t->primary_group.bytes;
    p.group_len = t->primary_group.len;
    uint8_t *sd = nt_sd_build(&p, len);
    free(dacl);
    return sd;
}
