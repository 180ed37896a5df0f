// SPDX-License-Identifier: GPL-2.0-or-later
/* Hives: everything is one tree in memory, so that there is nothing to write back. Saving writes a
 * text, and loading reads such a text; Windows' own hive files are not read. */
#include "nt/cm/key.h"
#include "nt/io/io.h"
#include "nt/se/token.h"

#include <sys/stat.h>
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

/* The whole file; malloc. */
static ntstatus read_file(struct nt_call *c, const struct nt_attrs *file, char **out, size_t *len)
{
    enum { FILE_MAX = 64 << 20 };
    struct stat st;
    int fd;
    ntstatus s = nt_io_open_host(c->k, file->name, file->name_len, &fd, NULL, NULL);
    if (s)
        return s;
    *out = NULL;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        s = STATUS_NOT_REGISTRY_FILE;
    } else {
        *out = xmalloc((size_t)st.st_size);
        ssize_t n = pread(fd, *out, (size_t)st.st_size, 0);
        *len = n < 0 ? 0 : (size_t)n;
    }
    close(fd);
    return s;
}

/* What nt_save_key wrote stands below \Registry\Saved. */
static const struct reg_key *saved_root(const struct nt_registry *r)
{
    size_t at;
    return reg_child(r->root, u"Saved", 5, &at);
}

static ntstatus graft(struct nt_call *c, const struct reg_place *place, const char *text,
                      size_t len)
{
    struct nt_registry *file = reg_new();
    ntstatus s = reg_import(file, nt_system_time(c->k), "hive", text, len, NULL)
                     ? STATUS_NOT_REGISTRY_FILE
                     : STATUS_SUCCESS;
    const struct reg_key *from = s ? NULL : saved_root(file);
    if (from) {
        struct nt_registry *r = c->k->registry;
        struct reg_key *key = reg_child_add(r, place->key, place->missing, place->missing_len);
        reg_key_copy(r, key, from);
        key->is_hive = true;
        reg_touch(c->k, place->key, REG_NOTIFY_CHANGE_NAME);
    }
    reg_free(file);
    return from ? STATUS_SUCCESS : STATUS_NOT_REGISTRY_FILE;
}

static ntstatus load(struct nt_call *c, uint64_t target, uint64_t source)
{
    struct nt_attrs key = {0}, file = {0};
    struct reg_place place;
    char *text = NULL;
    size_t len;
    if (!nt_token_has_privilege(nt_token_effective(c), SE_RESTORE_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    ntstatus s = nt_attrs_read(c, target, &key);
    if (!s)
        s = nt_attrs_read(c, source, &file);
    if (!s)
        s = reg_locate(c, &key, false, &place);
    if (!s && !(place.missing_len && place.last))
        s = place.missing_len ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_NAME_COLLISION;
    if (!s)
        s = read_file(c, &file, &text, &len);
    if (!s)
        s = graft(c, &place, text, len);
    free(text);
    nt_attrs_free(&key);
    nt_attrs_free(&file);
    return s;
}

ntstatus nt_load_key(struct nt_call *c)
{
    const struct NtLoadKey_args *a = nt_args(c);
    return load(c, a->TargetKey, a->SourceFile);
}

ntstatus nt_load_key2(struct nt_call *c)
{
    const struct NtLoadKey2_args *a = nt_args(c);
    return load(c, a->TargetKey, a->SourceFile);
}

/* Application hives have no name that others could open: not done. */
ntstatus nt_load_key_ex(struct nt_call *c)
{
    const struct NtLoadKeyEx_args *a = nt_args(c);
    enum { REG_APP_HIVE = 0x10 };
    if (a->Flags & REG_APP_HIVE || a->RootHandle)
        return refuse(c, SE_RESTORE_PRIVILEGE);
    return load(c, a->TargetKey, a->SourceFile);
}

static size_t count_open(const struct reg_key *key)
{
    size_t n = key->opens != 0;
    for (size_t i = 0; i < key->children.len; i++)
        n += count_open(key->children.data[i]);
    return n;
}

static ntstatus unload(struct nt_call *c, uint64_t target)
{
    struct nt_attrs at;
    struct reg_place place;
    if (!nt_token_has_privilege(nt_token_effective(c), SE_RESTORE_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    ntstatus s = nt_attrs_read(c, target, &at);
    if (!s)
        s = reg_locate(c, &at, false, &place);
    nt_attrs_free(&at);
    if (s)
        return s;
    if (place.missing_len)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (!place.key->is_hive)
        return STATUS_INVALID_PARAMETER;
    if (count_open(place.key))
        return STATUS_CANNOT_DELETE;
    struct reg_key *parent = place.key->parent;
    reg_key_unlink_tree(c->k->registry, place.key);
    reg_touch(c->k, parent, REG_NOTIFY_CHANGE_NAME);
    return STATUS_SUCCESS;
}

ntstatus nt_unload_key(struct nt_call *c)
{
    const struct NtUnloadKey_args *a = nt_args(c);
    return unload(c, a->TargetKey);
}

ntstatus nt_unload_key2(struct nt_call *c)
{
    const struct NtUnloadKey2_args *a = nt_args(c);
    return unload(c, a->TargetKey);
}

ntstatus nt_unload_key_ex(struct nt_call *c)
{
    const struct NtUnloadKeyEx_args *a = nt_args(c);
    return unload(c, a->TargetKey);
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

ntstatus nt_query_open_sub_keys(struct nt_call *c)
{
    const struct NtQueryOpenSubKeys_args *a = nt_args(c);
    struct nt_attrs at;
    ntstatus s = nt_attrs_read(c, a->TargetKey, &at);
    nt_attrs_free(&at);
    return s ? s : nt_put_u32(c, a->HandleCount, (uint32_t)count_open(c->k->registry->root));
}
