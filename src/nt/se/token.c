// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/se/token.h"
#include "base/bits.h"
#include "base/vec.h"
#include "nt/cm/registry.h"
#include "nt/ex/ex.h"
#include "nt/kernel.h"
#include "nt/se/security.h"

#include <stdlib.h>

enum {
    SE_GROUP_DEFAULT = 0x7, /* mandatory, enabled by default, enabled */
    SE_GROUP_OWNER = 0x8,
    SE_GROUP_LOGON_ID = 0xc0000000,
    SE_PRIVILEGE_ENABLED_BY_DEFAULT = 1,
    SE_PRIVILEGE_ENABLED = 2,
    GENERIC_ALL = 0x10000000
};

bool nt_sid_parse(const char *text, struct nt_sid *out)
{
    *out = (struct nt_sid){0};
    if (strncmp(text, "S-1-", 4))
        return false;
    char *end = (char *)text + 3;
    for (int i = -1; *end; i++) {
        if (*end != '-' || i >= 15 || end[1] < '0' || end[1] > '9')
            return false;
        unsigned long long v = strtoull(end + 1, &end, 10);
        if (i < 0) {
            for (int b = 0; b < 6; b++)
                out->bytes[2 + b] = (uint8_t)(v >> (8 * (5 - b)));
            continue;
        }
        if (v > UINT32_MAX)
            return false;
        uint32_t part = (uint32_t)v;
        memcpy(out->bytes + 8 + 4 * i, &part, 4);
        out->bytes[1] = (uint8_t)(i + 1);
    }
    out->bytes[0] = 1;
    out->len = (uint8_t)(8 + 4 * out->bytes[1]);
    return true;
}

bool nt_sid_equal(const struct nt_sid *a, const struct nt_sid *b)
{
    return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

uint64_t nt_luid_next(struct nt_kernel *k)
{
    return k->ex->next_luid++;
}

static void token_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_token *t = (struct nt_token *)o;
    free(t->groups);
    free(t->restricted);
    free(t->privileges);
    free(t->dacl);
    nt_id_unref(k, t->linked);
}

static void transfer_groups(struct ser *s, struct nt_group **groups, size_t *len, size_t *cap)
{
    ser_count(s, len, NT_TOKEN_LIST_MAX);
    if (s->loading) {
        *groups = xcalloc(*len, sizeof **groups);
        *cap = *len;
    }
    for (size_t i = 0; i < *len; i++) {
        SER(s, (*groups)[i]);
        if ((*groups)[i].sid.len > NT_SID_MAX)
            ser_fail(s, "snapshot: a group's SID of %u bytes", (*groups)[i].sid.len);
    }
}

static void transfer_sid(struct ser *s, struct nt_sid *sid)
{
    SER(s, *sid);
    if (sid->len > NT_SID_MAX)
        ser_fail(s, "snapshot: a SID of %u bytes", sid->len);
}

static void token_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_token *t = (struct nt_token *)o;
    SER(s, t->primary);
    SER(s, t->elevated);
    SER(s, t->level);
    SER(s, t->session);
    SER(s, t->integrity);
    SER(s, t->mandatory_policy);
    SER(s, t->virtualization);
    SER(s, t->flags);
    SER(s, t->luid);
    SER(s, t->auth_id);
    SER(s, t->modified);
    SER(s, t->origin);
    ser_raw(s, t->source, sizeof t->source);
    SER(s, t->source_luid);
    transfer_sid(s, &t->user);
    transfer_groups(s, &t->groups, &t->group_len, &t->group_cap);
    transfer_groups(s, &t->restricted, &t->restricted_len, &t->restricted_cap);
    ser_count(s, &t->privilege_len, NT_TOKEN_LIST_MAX);
    if (s->loading) {
        t->privileges = xcalloc(t->privilege_len, sizeof *t->privileges);
        t->privilege_cap = t->privilege_len;
    }
    for (size_t i = 0; i < t->privilege_len; i++) {
        SER(s, t->privileges[i].luid);
        SER(s, t->privileges[i].attributes);
    }
    transfer_sid(s, &t->owner);
    transfer_sid(s, &t->primary_group);
    ser_bytes(s, &t->dacl, &t->dacl_len, NT_ACL_MAX);
    nt_id_transfer(k, s, &t->linked, NT_TYPE_TOKEN);
}

const struct nt_type nt_type_token = {
    .name = "Token",
    .size = sizeof(struct nt_token),
    .generic = {0x2001a, 0x201e0, 0x20005, 0xf01ff},
    .valid_access = 0x1f01ff,
    .destroy = token_destroy,
    .transfer = token_transfer,
};

static void add_groups(struct nt_token *t)
{
    static const struct {
        const char *sid;
        uint32_t attributes;
    } groups[] = {
        {"S-1-5-21-0-0-0-513", SE_GROUP_DEFAULT}, /* domain users */
        {"S-1-1-0", SE_GROUP_DEFAULT},            /* everyone */
        {"S-1-5-32-544", SE_GROUP_DEFAULT | SE_GROUP_OWNER},
        {"S-1-5-32-545", SE_GROUP_DEFAULT},
        {"S-1-5-4", SE_GROUP_DEFAULT},  /* interactive */
        {"S-1-5-11", SE_GROUP_DEFAULT}, /* authenticated users */
        {"S-1-5-5-0-1000", SE_GROUP_DEFAULT | SE_GROUP_LOGON_ID},
        {"S-1-2-0", SE_GROUP_DEFAULT}, /* local */
    };
    t->groups = xcalloc(ARRAY_LEN(groups), sizeof *t->groups);
    t->group_len = t->group_cap = ARRAY_LEN(groups);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        nt_sid_parse(groups[i].sid, &t->groups[i].sid);
        t->groups[i].attributes = groups[i].attributes;
    }
}

static void add_privileges(struct nt_token *t)
{
    /* An administrator's; of them Windows enables only the last three by default. */
    static const uint8_t off[] = {5,  8,  9,  10, 11, 12, 13, 14, 15, 17,
                                  18, 19, 20, 22, 24, 25, 28, 33, 34, 35};
    static const uint8_t on[] = {SE_CHANGE_NOTIFY_PRIVILEGE, 29 /* impersonate */,
                                 30 /* create global */};
    size_t n = ARRAY_LEN(off) + ARRAY_LEN(on);
    t->privileges = xcalloc(n, sizeof *t->privileges);
    t->privilege_len = t->privilege_cap = n;
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        t->privileges[i].luid = off[i];
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        t->privileges[ARRAY_LEN(off) + i] =
            (struct nt_privilege){on[i], SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT};
}

struct nt_token *nt_token_create_initial(struct nt_kernel *k)
{
    struct nt_token *t = nt_object_new(k, NT_TYPE_TOKEN);
    struct nt_sid system;
    t->primary = t->elevated = true;
    t->session = 1;
    t->integrity = 0x3000;
    t->mandatory_policy = 1; /* no write up */
    t->luid = nt_luid_next(k);
    t->modified = nt_luid_next(k);
    t->auth_id = 0x3e7 + 0x10000;
    t->origin = 0x3e7; /* the system's own logon */
    memcpy(t->source, "User32 ", 8);
    t->source_luid = nt_luid_next(k);
    nt_sid_parse(NT_USER_SID, &t->user);
    add_groups(t);
    add_privileges(t);
    t->owner = t->groups[2].sid;
    t->primary_group = t->groups[0].sid;
    nt_sid_parse("S-1-5-18", &system);
    const struct nt_ace aces[] = {{&t->owner, GENERIC_ALL, ACCESS_ALLOWED_ACE_TYPE, 0},
                                  {&system, GENERIC_ALL, ACCESS_ALLOWED_ACE_TYPE, 0}};
    t->dacl = nt_acl_build(aces, ARRAY_LEN(aces), &t->dacl_len);
    return t;
}

struct nt_token *nt_token_duplicate(struct nt_kernel *k, const struct nt_token *from, bool primary,
                                    uint32_t level)
{
    struct nt_token *t = nt_object_new(k, NT_TYPE_TOKEN);
    struct nt_object head = t->o;
    *t = *from;
    t->o = head;
    t->groups = xmemdup(from->groups, from->group_len * sizeof *t->groups);
    t->restricted = xmemdup(from->restricted, from->restricted_len * sizeof *t->restricted);
    t->privileges = xmemdup(from->privileges, from->privilege_len * sizeof *t->privileges);
    t->group_cap = from->group_len;
    t->restricted_cap = from->restricted_len;
    t->privilege_cap = from->privilege_len;
    t->dacl = from->dacl ? xmemdup(from->dacl, from->dacl_len) : NULL;
    t->primary = primary;
    t->level = primary ? 0 : level;
    t->luid = nt_luid_next(k);
    struct nt_object *linked = from->linked ? nt_object_get(k, from->linked, NT_TYPE_TOKEN) : NULL;
    if (linked)
        nt_object_ref(linked);
    return t;
}

struct nt_token *nt_token_effective(struct nt_call *c)
{
    struct nt_token *t = c->t->token ? nt_object_get(c->k, c->t->token, NT_TYPE_TOKEN) : NULL;
    return t ? t : nt_object_get(c->k, c->p->token, NT_TYPE_TOKEN);
}

bool nt_token_has_privilege(const struct nt_token *t, uint32_t privilege)
{
    for (size_t i = 0; t && i < t->privilege_len; i++)
        if (t->privileges[i].luid == privilege)
            return t->privileges[i].attributes & SE_PRIVILEGE_ENABLED;
    return false;
}
