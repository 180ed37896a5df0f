// SPDX-License-Identifier: GPL-2.0-or-later
/* Directory changes. Watchers hear of what the guest itself does; the host's changes go unnoticed.
 */
#include "nt/io/internal.h"

enum { DIRECTORY_NOTIFY_INFORMATION = 1, CHANGES_MAX = 1 << 16 };

/* FILE_NOTIFY_INFORMATION: {next, action, name bytes, name}, aligned to 4. */
static void append(struct nt_file *f, uint32_t action, const uint16_t *name, size_t len)
{
    uint32_t head[3] = {0, action, (uint32_t)len * 2};
    size_t at = align_up(f->changes.len, 4), last = 0, next = 0;
    if (at + 12 + len * 2 > CHANGES_MAX) {
        f->changes_lost = true;
        return;
    }
    while (next < f->changes.len) { /* the last entry gets its successor's offset */
        uint32_t step;
        last = next;
        memcpy(&step, f->changes.data + last, 4);
        next = step ? last + step : f->changes.len;
    }
    vec_reserve(&f->changes, at + 12 + len * 2);
    memset(f->changes.data + f->changes.len, 0, at - f->changes.len);
    if (f->changes.len) {
        uint32_t step = (uint32_t)(at - last);
        memcpy(f->changes.data + last, &step, 4);
    }
    memcpy(f->changes.data + at, head, 12);
    memcpy(f->changes.data + at + 12, name, len * 2);
    f->changes.len = at + 12 + len * 2;
}

/* Hands what has gathered to a request. */
static ntstatus deliver(struct nt_kernel *k, struct nt_file *f, const struct nt_irp *r,
                        uint64_t *information)
{
    ntstatus s = STATUS_SUCCESS;
    *information = 0;
    if (f->changes_lost || f->changes.len > r->length)
        s = STATUS_NOTIFY_ENUM_DIR;
    else if (nt_irp_write(k, r, r->buffer, f->changes.data, f->changes.len))
        *information = f->changes.len;
    f->changes.len = 0;
    f->changes_lost = false;
    return s;
}

struct change {
    const uint16_t *path;
    size_t len;
    uint32_t filter, action;
};

static void tell(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_file *f = (struct nt_file *)o;
    const struct change *ch = ctx;
    const struct nt_fcb *dir = f->watching && !f->cleaned ? nt_file_fcb(k, f) : NULL;
    if (!dir || !(f->watch_filter & ch->filter) || ch->len <= dir->len ||
        !nt_path_begins(ch->path, ch->len, dir->path, dir->len))
        return;
    const uint16_t *name = ch->path + dir->len + 1;
    size_t len = ch->len - dir->len - 1;
    for (size_t i = 0; i < len && !f->watch_tree; i++)
        if (name[i] == '\\')
            return;
    if (f->watch_blind)
        f->changes_lost = true;
    else
        append(f, ch->action, name, len);
    struct nt_irp *r = nt_irp_first(k->io, o->id, NT_IRP_NOTIFY);
    if (!r || ch->action == FILE_ACTION_RENAMED_OLD_NAME) /* the new name goes with it */
        return;
    uint64_t information;
    ntstatus s = deliver(k, f, r, &information);
    nt_irp_complete(k, r, s, information);
}

void nt_notify(struct nt_io *io, const uint16_t *path, size_t len, uint32_t filter, uint32_t action)
{
    struct change ch = {path, len, filter, action};
    if (io->watchers)
        nt_object_each(io->k, NT_TYPE_FILE, tell, &ch);
}

static ntstatus watch(struct nt_call *c, struct nt_file *f, struct nt_irp *r, uint32_t filter,
                      bool tree)
{
    const struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (!fcb || !fcb->directory || !filter || (filter & ~0xfffu))
        return STATUS_INVALID_PARAMETER;
    if (fcb->delete_pending || fcb->deleted)
        return STATUS_DELETE_PENDING;
    if (!f->watching) { /* the first call decides for all that follow */
        f->watching = true;
        f->watch_filter = filter;
        f->watch_tree = tree;
        f->watch_blind = !r->length;
        c->k->io->watchers = true;
    }
    bool ready = f->changes.len || f->changes_lost;
    ntstatus s = nt_irp_pend(c, f, r);
    struct nt_irp *first = ready ? nt_irp_first(c->k->io, f->o.id, NT_IRP_NOTIFY) : NULL;
    if (first) {
        uint64_t information;
        ntstatus done = deliver(c->k, f, first, &information);
        nt_irp_complete(c->k, first, done, information);
    }
    return s;
}

struct notify_args {
    uint64_t handle, event, apc, apc_context, iosb, buffer, length, filter, tree;
};

static ntstatus notify_change(struct nt_call *c, const struct notify_args *a)
{
    struct nt_file *f;
    struct nt_irp r;
    ntstatus s = nt_probe_write(c, a->iosb, 2 * (size_t)nt_ptr_size(c));
    if (!s && !a->filter)
        s = STATUS_INVALID_PARAMETER;
    if (!s)
        s = nt_handle_get(c, a->handle, NT_TYPE_FILE, FILE_LIST_DIRECTORY, &f);
    if (!s && a->length && a->buffer)
        s = nt_probe_write(c, a->buffer, a->length);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_NOTIFY, a->event, a->apc, a->apc_context, a->iosb, &r);
    if (s)
        return s;
    r.buffer = a->buffer;
    r.length = a->buffer ? (uint32_t)a->length : 0;
    return watch(c, f, &r, (uint32_t)a->filter, a->tree & 0xff);
}

ntstatus nt_notify_change_directory_file(struct nt_call *c)
{
    const struct NtNotifyChangeDirectoryFile_args *a = nt_args(c);
    struct notify_args n = {a->FileHandle,    a->Event,  a->ApcRoutine, a->ApcContext,
                            a->IoStatusBlock, a->Buffer, a->Length,     a->CompletionFilter,
                            a->WatchTree};
    return notify_change(c, &n);
}

ntstatus nt_notify_change_directory_file_ex(struct nt_call *c)
{
    const struct NtNotifyChangeDirectoryFileEx_args *a = nt_args(c);
    struct notify_args n = {a->FileHandle,    a->Event,  a->ApcRoutine, a->ApcContext,
                            a->IoStatusBlock, a->Buffer, a->Length,     a->CompletionFilter,
                            a->WatchTree};
    if (a->DirectoryNotifyInformationClass != DIRECTORY_NOTIFY_INFORMATION)
        return nt_unknown_class(c, (uint32_t)a->DirectoryNotifyInformationClass);
    return notify_change(c, &n);
}
