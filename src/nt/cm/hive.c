// SPDX-License-Identifier: GPL-2.0-or-later
/* Hives: everything is one tree in memory, so that there is nothing to write back. Saving writes a
 * text; hive files are not read. */
#include "nt/cm/key.h"
#include "nt/io/io.h"
#include "nt/se/token.h"

#include <unistd.h>

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
    nt_note(c->k, NT_NOTE_SERVICE, c->service->name, "hive files are not read");
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

/* The file gets the key as a text that `reg import` understands, not a hive. */
static ntstatus save(struct nt_call *c, uint64_t handle, uint64_t file_handle)
{
    enum { FILE_WRITE_DATA = 2 };
    struct reg_key *key;
    struct nt_file *file;
    struct reg_text text = {0};
    uint64_t size;
    int fd;
    if (!nt_token_has_privilege(nt_token_effective(c), SE_BACKUP_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    ntstatus s = reg_handle(c, handle, 0, &key, NULL);
    if (!s)
        s = nt_handle_get(c, file_handle, NT_TYPE_FILE, FILE_WRITE_DATA, &file);
    if (s)
        return s;
    reg_write(&text, key, "\\Registry\\Saved");
    s = nt_io_extend(c->k, file, text.len);
    if (!s)
        s = nt_io_section_fd(c->k, file, true, &fd, &size);
    if (!s && pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len)
        s = STATUS_DISK_FULL;
    vec_free(&text);
    return s;
}

ntstatus nt_save_key(struct nt_call *c)
{
    const struct NtSaveKey_args *a = nt_args(c);
    return save(c, a->KeyHandle, a->FileHandle);
}

ntstatus nt_save_key_ex(struct nt_call *c)
{
    const struct NtSaveKeyEx_args *a = nt_args(c);
    return save(c, a->KeyHandle, a->FileHandle);
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
