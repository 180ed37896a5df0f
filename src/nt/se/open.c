// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ex/ex.h"
#include "nt/se/internal.h"
#include "nt/structs.h"

ntstatus nt_token_handle(struct nt_call *c, uint64_t handle, uint32_t access, struct nt_token **out)
{
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_TOKEN, access, out);
    return s == STATUS_INVALID_HANDLE && (int32_t)handle == -5 ? STATUS_NO_TOKEN : s;
}

void nt_token_touch(struct nt_kernel *k, struct nt_token *t)
{
    t->modified = nt_luid_next(k);
}

static ntstatus return_token(struct nt_call *c, struct nt_token *t, uint64_t access,
                             uint64_t attributes, uint64_t out)
{
    const struct nt_attrs at = {.attributes = (uint32_t)attributes};
    nt_object_ref(&t->o);
    return nt_return_handle(c, &t->o, (uint32_t)access, &at, out);
}

static ntstatus open_process_token(struct nt_call *c, uint64_t process, uint64_t access,
                                   uint64_t attributes, uint64_t out)
{
    enum { PROCESS_QUERY_LIMITED_INFORMATION = 0x1000 };
    struct nt_process *p;
    ntstatus s = nt_put_ptr(c, out, 0);
    if (!s)
        s = nt_handle_get(c, process, NT_TYPE_PROCESS, 0, &p);
    if (s)
        return s;
    struct nt_token *t = nt_object_get(c->k, p->token, NT_TYPE_TOKEN);
    return t ? return_token(c, t, access, attributes, out) : STATUS_NO_TOKEN;
}

ntstatus nt_open_process_token(struct nt_call *c)
{
    const struct NtOpenProcessToken_args *a = nt_args(c);
    return open_process_token(c, a->ProcessHandle, a->DesiredAccess, 0, a->TokenHandle);
}

ntstatus nt_open_process_token_ex(struct nt_call *c)
{
    const struct NtOpenProcessTokenEx_args *a = nt_args(c);
    return open_process_token(c, a->ProcessHandle, a->DesiredAccess, a->HandleAttributes,
                              a->TokenHandle);
}

static ntstatus open_thread_token(struct nt_call *c, uint64_t thread, uint64_t access,
                                  uint64_t attributes, uint64_t out)
{
    struct nt_thread *owner;
    ntstatus s = nt_put_ptr(c, out, 0);
    if (!s)
        s = nt_handle_get(c, thread, NT_TYPE_THREAD, 0, &owner);
    if (s)
        return s;
    struct nt_token *t = owner->token ? nt_object_get(c->k, owner->token, NT_TYPE_TOKEN) : NULL;
    if (!t)
        return STATUS_NO_TOKEN;
    if (t->level == SecurityAnonymous)
        return STATUS_CANT_OPEN_ANONYMOUS;
    return return_token(c, t, access, attributes, out);
}

ntstatus nt_open_thread_token(struct nt_call *c)
{
    const struct NtOpenThreadToken_args *a = nt_args(c);
    return open_thread_token(c, a->ThreadHandle, a->DesiredAccess, 0, a->TokenHandle);
}

ntstatus nt_open_thread_token_ex(struct nt_call *c)
{
    const struct NtOpenThreadTokenEx_args *a = nt_args(c);
    return open_thread_token(c, a->ThreadHandle, a->DesiredAccess, a->HandleAttributes,
                             a->TokenHandle);
}

/* The level that OBJECT_ATTRIBUTES' SecurityQualityOfService asks for. Wine 8's libraries give
 * none, but put the level in EffectiveOnly's place. */
static ntstatus wanted_level(struct nt_call *c, uint64_t attributes, uint64_t effective_only,
                             uint32_t *level)
{
    struct OBJECT_ATTRIBUTES oa;
    *level = effective_only & 3;
    if (!attributes)
        return STATUS_SUCCESS;
    ntstatus s = nt_get(c, &layout_OBJECT_ATTRIBUTES, attributes, &oa);
    if (!s && oa.SecurityQualityOfService)
        s = nt_get_u32(c, oa.SecurityQualityOfService + 4, level);
    return s ? s : *level > SecurityDelegation ? STATUS_BAD_IMPERSONATION_LEVEL : STATUS_SUCCESS;
}

ntstatus nt_duplicate_token(struct nt_call *c)
{
    const struct NtDuplicateToken_args *a = nt_args(c);
    struct nt_token *t;
    struct nt_attrs at;
    uint32_t level, access = (uint32_t)a->DesiredAccess;
    ntstatus s = nt_zero_handle(c, a->NewTokenHandle, STATUS_SUCCESS);
    if (!s) {
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
        nt_attrs_free(&at);
    }
    if (!s)
        s = wanted_level(c, a->ObjectAttributes, a->EffectiveOnly, &level);
    if (!s)
        s = nt_token_handle(c, a->ExistingTokenHandle, TOKEN_DUPLICATE, &t);
    if (s)
        return s;
    bool primary = a->Type == 1;
    if (a->Type != 1 && a->Type != 2)
        return STATUS_INVALID_PARAMETER;
    if (!t->primary && (primary ? t->level < SecurityImpersonation : level > t->level))
        return STATUS_BAD_IMPERSONATION_LEVEL;
    struct nt_handle *row = nt_handle_row(c->p, a->ExistingTokenHandle);
    if (!access)
        access = row ? row->access : TOKEN_QUERY;
    struct nt_token *copy = nt_token_duplicate(c->k, t, primary, level);
    return nt_return_handle(c, &copy->o, access, &at, a->NewTokenHandle);
}

static bool same_groups(const struct nt_group *a, size_t an, const struct nt_group *b, size_t bn)
{
    if (an != bn)
        return false;
    for (size_t i = 0; i < an; i++)
        if (!nt_sid_equal(&a[i].sid, &b[i].sid))
            return false;
    return true;
}

ntstatus nt_compare_tokens(struct nt_call *c)
{
    const struct NtCompareTokens_args *a = nt_args(c);
    struct nt_token *x, *y;
    ntstatus s = nt_token_handle(c, a->FirstTokenHandle, TOKEN_QUERY, &x);
    if (!s)
        s = nt_token_handle(c, a->SecondTokenHandle, TOKEN_QUERY, &y);
    if (s)
        return s;
    bool equal = nt_sid_equal(&x->user, &y->user) &&
                 same_groups(x->groups, x->group_len, y->groups, y->group_len) &&
                 same_groups(x->restricted, x->restricted_len, y->restricted, y->restricted_len) &&
                 x->privilege_len == y->privilege_len;
    for (size_t i = 0; equal && i < x->privilege_len; i++)
        equal = x->privileges[i].luid == y->privileges[i].luid;
    return nt_put_u8(c, a->Equal, equal);
}

ntstatus nt_impersonate_anonymous_token(struct nt_call *c)
{
    const struct NtImpersonateAnonymousToken_args *a = nt_args(c);
    struct nt_thread *thread;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 0x100, &thread);
    if (s)
        return s;
    struct nt_token *t = nt_object_new(c->k, NT_TYPE_TOKEN);
    nt_sid_parse("S-1-5-7", &t->user);
    t->owner = t->primary_group = t->user;
    t->level = SecurityImpersonation;
    t->luid = nt_luid_next(c->k);
    t->auth_id = 0x3e6; /* ANONYMOUS_LOGON_LUID */
    nt_id_unref(c->k, thread->token);
    thread->token = t->o.id;
    thread->impersonating = true;
    return STATUS_SUCCESS;
}

static ntstatus impersonate(struct nt_kernel *k, struct nt_thread *server, nt_id token,
                            uint32_t level)
{
    struct nt_token *t = token ? nt_object_get(k, token, NT_TYPE_TOKEN) : NULL;
    if (!t)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    struct nt_token *copy = nt_token_duplicate(k, t, false, level);
    nt_id_unref(k, server->token);
    server->token = copy->o.id;
    server->impersonating = true;
    return STATUS_SUCCESS;
}

ntstatus nt_impersonate_thread(struct nt_call *c)
{
    const struct NtImpersonateThread_args *a = nt_args(c);
    enum { THREAD_IMPERSONATE = 0x100, THREAD_DIRECT_IMPERSONATION = 0x200 };
    struct nt_thread *server, *client;
    uint32_t level;
    ntstatus s =
        nt_handle_get(c, a->ServerThreadHandle, NT_TYPE_THREAD, THREAD_IMPERSONATE, &server);
    if (!s)
        s = nt_handle_get(c, a->ClientThreadHandle, NT_TYPE_THREAD, THREAD_DIRECT_IMPERSONATION,
                          &client);
    if (!s)
        s = nt_get_u32(c, a->SecurityQos + 4, &level);
    if (s)
        return s;
    struct nt_process *p = nt_process_get(c->k, client->process);
    nt_id from = client->token ? client->token : p ? p->token : 0;
    if (level > SecurityDelegation)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    return impersonate(c->k, server, from, level);
}

ntstatus nt_impersonate_process(struct nt_call *c, const struct nt_process *client)
{
    return impersonate(c->k, c->t, client->token, SecurityImpersonation);
}

ntstatus nt_create_token(struct nt_call *c)
{
    return nt_token_has_privilege(nt_token_effective(c), SE_CREATE_TOKEN_PRIVILEGE)
               ? STATUS_NOT_SUPPORTED
               : STATUS_PRIVILEGE_NOT_HELD;
}

ntstatus nt_allocate_locally_unique_id(struct nt_call *c)
{
    const struct NtAllocateLocallyUniqueId_args *a = nt_args(c);
    if (!a->Luid)
        return STATUS_ACCESS_VIOLATION;
    uint64_t luid = nt_luid_next(c->k);
    return nt_write(c, a->Luid, &luid, sizeof luid);
}

/* What UuidCreateSequential builds on: a time, how many of its ticks are ours, a sequence number
 * and the node (an address that says it is made up: its multicast bit is set). */
ntstatus nt_allocate_uuids(struct nt_call *c)
{
    const struct NtAllocateUuids_args *a = nt_args(c);
    enum { RANGE = 10000 };
    static const uint8_t node[6] = {0x03, 'P', 'G', 'R', 0, 1};
    uint64_t now = nt_system_time(c->k);
    if (now <= c->k->ex->next_uuid_time)
        now = c->k->ex->next_uuid_time;
    c->k->ex->next_uuid_time = now + RANGE;
    ntstatus s = nt_put_u64(c, a->Time, now);
    if (!s)
        s = nt_put_u32(c, a->Range, RANGE);
    if (!s)
        s = nt_put_u32(c, a->Sequence, 0x1234);
    return s ? s : nt_write(c, a->Seed, node, sizeof node);
}
