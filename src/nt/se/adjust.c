// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "nt/se/internal.h"
#include "nt/se/security.h"

enum {
    SE_PRIVILEGE_ENABLED = 2,
    SE_PRIVILEGE_REMOVED = 4,
    SE_GROUP_MANDATORY = 1,
    SE_GROUP_ENABLED_BY_DEFAULT = 2,
    SE_GROUP_ENABLED = 4,
    SE_GROUP_USE_FOR_DENY_ONLY = 0x10,
    LUID_AND_ATTRIBUTES_SIZE = 12
};

struct nt_privilege *nt_token_privilege(struct nt_token *t, uint64_t luid)
{
    for (size_t i = 0; i < t->privilege_len; i++)
        if (t->privileges[i].luid == luid)
            return &t->privileges[i];
    return NULL;
}

struct privileges {
    struct nt_privilege *data;
    size_t len;
};

/* TOKEN_PRIVILEGES: a count and packed entries. */
static ntstatus read_privileges(struct nt_call *c, uint64_t va, struct privileges *out)
{
    uint32_t n;
    *out = (struct privileges){0};
    ntstatus s = nt_get_u32(c, va, &n);
    if (s || !n)
        return s;
    if (n > NT_TOKEN_LIST_MAX)
        return STATUS_INVALID_PARAMETER;
    uint8_t *bytes = xmalloc(n * (size_t)LUID_AND_ATTRIBUTES_SIZE);
    s = nt_read(c, va + 4, bytes, n * (size_t)LUID_AND_ATTRIBUTES_SIZE);
    out->data = xcalloc(n, sizeof *out->data);
    out->len = n;
    for (uint32_t i = 0; i < n && !s; i++) {
        memcpy(&out->data[i].luid, bytes + i * LUID_AND_ATTRIBUTES_SIZE, 8);
        memcpy(&out->data[i].attributes, bytes + i * LUID_AND_ATTRIBUTES_SIZE + 8, 4);
    }
    free(bytes);
    if (s) {
        free(out->data);
        out->data = NULL;
    }
    return s;
}

static ntstatus write_privileges(struct nt_call *c, uint64_t va, const struct privileges *p)
{
    ntstatus s = nt_put_u32(c, va, (uint32_t)p->len);
    for (size_t i = 0; i < p->len && !s; i++) {
        s = nt_put_u64(c, va + 4 + i * LUID_AND_ATTRIBUTES_SIZE, p->data[i].luid);
        if (!s)
            s = nt_put_u32(c, va + 12 + i * LUID_AND_ATTRIBUTES_SIZE, p->data[i].attributes);
    }
    return s;
}

/* What would change: the privileges of the request that the token has in another state. */
static size_t changing(struct nt_token *t, const struct privileges *wanted, struct privileges *old)
{
    size_t assigned = 0;
    old->data = xcalloc(wanted->len, sizeof *old->data);
    for (size_t i = 0; i < wanted->len; i++) {
        struct nt_privilege *p = nt_token_privilege(t, wanted->data[i].luid);
        if (!p)
            continue;
        assigned++;
        uint32_t w = wanted->data[i].attributes;
        if (w & SE_PRIVILEGE_REMOVED || (p->attributes ^ w) & SE_PRIVILEGE_ENABLED)
            old->data[old->len++] = *p;
    }
    return assigned;
}

static void apply(struct nt_token *t, const struct privileges *wanted)
{
    for (size_t i = 0; i < wanted->len; i++) {
        struct nt_privilege *p = nt_token_privilege(t, wanted->data[i].luid);
        if (!p)
            continue;
        if (wanted->data[i].attributes & SE_PRIVILEGE_REMOVED) {
            size_t at = (size_t)(p - t->privileges);
            t->privilege_len--;
            memmove(p, p + 1, (t->privilege_len - at) * sizeof *p);
        } else {
            p->attributes = (p->attributes & ~(uint32_t)SE_PRIVILEGE_ENABLED) |
                            (wanted->data[i].attributes & SE_PRIVILEGE_ENABLED);
        }
    }
}

static struct privileges all_off(const struct nt_token *t)
{
    struct privileges p = {.data = xmemdup(t->privileges, t->privilege_len * sizeof *p.data),
                           .len = t->privilege_len};
    for (size_t i = 0; i < p.len; i++)
        p.data[i].attributes = 0;
    return p;
}

ntstatus nt_adjust_privileges_token(struct nt_call *c)
{
    const struct NtAdjustPrivilegesToken_args *a = nt_args(c);
    struct privileges wanted, old = {0};
    struct nt_token *t;
    bool disable_all = a->DisableAllPrivileges & 1;
    uint32_t access = TOKEN_ADJUST_PRIVILEGES | (a->PreviousState ? TOKEN_QUERY : 0);
    if (!disable_all && !a->NewState)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_token_handle(c, a->TokenHandle, access, &t);
    if (s)
        return s;
    if (disable_all)
        wanted = all_off(t);
    else
        s = read_privileges(c, a->NewState, &wanted);
    if (s)
        return s;
    size_t assigned = changing(t, &wanted, &old);
    size_t need = 4 + old.len * LUID_AND_ATTRIBUTES_SIZE;
    if (a->PreviousState) {
        if (a->ReturnLength)
            s = nt_put_u32(c, a->ReturnLength, (uint32_t)need);
        if (!s)
            s = a->BufferLength < need ? STATUS_BUFFER_TOO_SMALL
                                       : write_privileges(c, a->PreviousState, &old);
    }
    if (!s) {
        apply(t, &wanted);
        nt_token_touch(c->k, t);
        s = assigned < wanted.len ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS;
    }
    free(wanted.data);
    free(old.data);
    return s;
}

/* ---- Groups
 * --------------------------------------------------------------------------------------- */

struct groups {
    struct nt_group *data;
    size_t len;
};

/* TOKEN_GROUPS; address 0 is empty. */
static ntstatus read_groups(struct nt_call *c, uint64_t va, struct groups *out)
{
    uint32_t n = 0;
    unsigned ptr = nt_ptr_size(c);
    *out = (struct groups){0};
    ntstatus s = va ? nt_get_u32(c, va, &n) : STATUS_SUCCESS;
    if (s || !n)
        return s;
    if (n > NT_TOKEN_LIST_MAX)
        return STATUS_INVALID_PARAMETER;
    out->data = xcalloc(n, sizeof *out->data);
    out->len = n;
    for (uint32_t i = 0; i < n && !s; i++) {
        uint64_t at = va + ptr + i * 2ull * ptr, sid;
        s = nt_get_ptr(c, at, &sid);
        if (!s)
            s = nt_sid_read(c, sid, &out->data[i].sid);
        if (!s)
            s = nt_get_u32(c, at + ptr, &out->data[i].attributes);
    }
    if (s) {
        free(out->data);
        *out = (struct groups){0};
    }
    return s;
}

static struct nt_group *find_group(struct nt_token *t, const struct nt_sid *sid)
{
    for (size_t i = 0; i < t->group_len; i++)
        if (nt_sid_equal(&t->groups[i].sid, sid))
            return &t->groups[i];
    return NULL;
}

static void reset_groups(struct nt_token *t)
{
    for (size_t i = 0; i < t->group_len; i++)
        if (t->groups[i].attributes & SE_GROUP_ENABLED_BY_DEFAULT)
            t->groups[i].attributes |= SE_GROUP_ENABLED;
        else
            t->groups[i].attributes &= ~(uint32_t)SE_GROUP_ENABLED;
}

static ntstatus switch_groups(struct nt_token *t, const struct groups *wanted)
{
    size_t assigned = 0;
    for (size_t i = 0; i < wanted->len; i++) {
        struct nt_group *g = find_group(t, &wanted->data[i].sid);
        if (g && g->attributes & SE_GROUP_MANDATORY &&
            !(wanted->data[i].attributes & SE_GROUP_ENABLED))
            return STATUS_CANT_DISABLE_MANDATORY;
    }
    for (size_t i = 0; i < wanted->len; i++) {
        struct nt_group *g = find_group(t, &wanted->data[i].sid);
        if (!g)
            continue;
        assigned++;
        g->attributes = (g->attributes & ~(uint32_t)SE_GROUP_ENABLED) |
                        (wanted->data[i].attributes & SE_GROUP_ENABLED);
    }
    return assigned < wanted->len ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS;
}

ntstatus nt_adjust_groups_token(struct nt_call *c)
{
    const struct NtAdjustGroupsToken_args *a = nt_args(c);
    struct nt_token *t;
    struct groups wanted = {0};
    ntstatus s = nt_token_handle(c, a->TokenHandle, TOKEN_ADJUST_GROUPS, &t);
    if (s)
        return s;
    if (a->PreviousState)
        return STATUS_NOT_SUPPORTED; /* nothing that we know asks for it */
    if (a->ResetToDefault & 1) {
        reset_groups(t);
    } else {
        s = read_groups(c, a->NewState, &wanted);
        if (!s)
            s = switch_groups(t, &wanted);
        free(wanted.data);
    }
    nt_token_touch(c->k, t);
    return s;
}

enum { DISABLE_MAX_PRIVILEGE = 1, SANDBOX_INERT = 2 };

static void filter(struct nt_token *t, uint64_t flags, const struct groups *deny,
                   const struct privileges *delete, const struct groups *restrict_to)
{
    for (size_t i = 0; i < deny->len; i++) {
        struct nt_group *g = find_group(t, &deny->data[i].sid);
        if (g)
            g->attributes = (g->attributes & ~7u) | SE_GROUP_USE_FOR_DENY_ONLY;
    }
    for (size_t i = t->privilege_len; i-- > 0;) {
        bool drop =
            flags & DISABLE_MAX_PRIVILEGE && t->privileges[i].luid != SE_CHANGE_NOTIFY_PRIVILEGE;
        for (size_t j = 0; j < delete->len; j++)
            drop |= delete->data[j].luid == t->privileges[i].luid;
        if (!drop)
            continue;
        t->privilege_len--;
        memmove(t->privileges + i, t->privileges + i + 1,
                (t->privilege_len - i) * sizeof *t->privileges);
    }
    if (!restrict_to->len)
        return;
    free(t->restricted);
    t->restricted = xmemdup(restrict_to->data, restrict_to->len * sizeof *t->restricted);
    t->restricted_len = t->restricted_cap = restrict_to->len;
    for (size_t i = 0; i < t->restricted_len; i++)
        t->restricted[i].attributes = 7;
}

ntstatus nt_filter_token(struct nt_call *c)
{
    const struct NtFilterToken_args *a = nt_args(c);
    struct nt_token *t;
    struct groups deny = {0}, restrict_to = {0};
    struct privileges delete = {0};
    ntstatus s = nt_token_handle(c, a->ExistingTokenHandle, TOKEN_DUPLICATE, &t);
    if (!s)
        s = read_groups(c, a->SidsToDisable, &deny);
    if (!s && a->PrivilegesToDelete)
        s = read_privileges(c, a->PrivilegesToDelete, &delete);
    if (!s)
        s = read_groups(c, a->RestrictedSids, &restrict_to);
    if (!s) {
        struct nt_handle *row = nt_handle_row(c->p, a->ExistingTokenHandle);
        struct nt_token *copy = nt_token_duplicate(c->k, t, t->primary, t->level);
        filter(copy, a->Flags, &deny, &delete, &restrict_to);
        s = nt_return_handle(c, &copy->o, row ? row->access : 0x2000000, NULL, a->NewTokenHandle);
    }
    free(deny.data);
    free(restrict_to.data);
    free(delete.data);
    return s;
}

/* ---- Questions
 * -------------------------------------------------------------------------------------- */

/* PRIVILEGE_SET: count, control (1: all of them are needed), entries. */
ntstatus nt_privilege_check(struct nt_call *c)
{
    const struct NtPrivilegeCheck_args *a = nt_args(c);
    enum { PRIVILEGE_SET_ALL_NECESSARY = 1, SE_PRIVILEGE_USED_FOR_ACCESS = 0x80000000 };
    struct nt_token *t;
    uint32_t n, control;
    ntstatus s = nt_token_handle(c, a->ClientToken, TOKEN_QUERY, &t);
    if (!s)
        s = nt_get_u32(c, a->RequiredPrivileges, &n);
    if (!s)
        s = nt_get_u32(c, a->RequiredPrivileges + 4, &control);
    if (!s && n > NT_TOKEN_LIST_MAX)
        s = STATUS_INVALID_PARAMETER;
    uint32_t held = 0;
    for (uint32_t i = 0; i < n && !s; i++) {
        uint64_t at = a->RequiredPrivileges + 8 + i * (uint64_t)LUID_AND_ATTRIBUTES_SIZE, luid;
        uint32_t attributes;
        s = nt_get_u64(c, at, &luid);
        if (!s)
            s = nt_get_u32(c, at + 8, &attributes);
        if (!s && luid <= UINT32_MAX && nt_token_has_privilege(t, (uint32_t)luid)) {
            held++;
            s = nt_put_u32(c, at + 8, attributes | SE_PRIVILEGE_USED_FOR_ACCESS);
        }
    }
    bool all = control & PRIVILEGE_SET_ALL_NECESSARY;
    return s ? s : nt_put_u8(c, a->Result, all ? held == n : held > 0);
}
