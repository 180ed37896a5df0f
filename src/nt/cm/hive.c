// SPDX-License-Identifier: GPL-2.0-or-later
/* Hives: everything is one tree in memory, so that there is nothing to write back; hive files are
 * neither read nor written. */
#include "nt/cm/key.h"
#include "nt/se/token.h"

ntstatus nt_flush_key(struct nt_call *c)
{
    const struct NtFlushKey_args *a = nt_args(c);
    struct reg_key *key;
    return reg_handle(c, a->KeyHandle, 0, &key, NULL);
}

/* What a hive service says: the privilege first, as Windows checks it, then that we cannot. */
static ntstatus refuse(struct nt_call *c, uint32_t privilege)
{
    if (!nt_token_has_privilege(nt_token_effective(c), privilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    nt_note(c->k, NT_NOTE_SERVICE, c->service->name, "hive files are not supported");
    return STATUS_NOT_SUPPORTED;
}

ntstatus nt_load_key(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_load_key2(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_load_key_ex(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_unload_key(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_unload_key2(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_unload_key_ex(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_replace_key(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_restore_key(struct nt_call *c)
{
    return refuse(c, SE_RESTORE_PRIVILEGE);
}

ntstatus nt_save_key(struct nt_call *c)
{
    return refuse(c, SE_BACKUP_PRIVILEGE);
}

ntstatus nt_save_key_ex(struct nt_call *c)
{
    return refuse(c, SE_BACKUP_PRIVILEGE);
}

ntstatus nt_save_merged_keys(struct nt_call *c)
{
    return refuse(c, SE_BACKUP_PRIVILEGE);
}

static size_t count_open(const struct reg_key *key)
{
    size_t n = key->opens != 0;
    for (size_t i = 0; i < key->children.len; i++)
        n += count_open(key->children.data[i]);
    return n;
}

ntstatus nt_query_open_sub_keys(struct nt_call *c)
{
    const struct NtQueryOpenSubKeys_args *a = nt_args(c);
    struct nt_attrs at;
    ntstatus s = nt_attrs_read(c, a->TargetKey, &at);
    nt_attrs_free(&at);
    return s ? s : nt_put_u32(c, a->HandleCount, (uint32_t)count_open(c->k->registry->root));
}
