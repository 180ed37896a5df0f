// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

static bool may_lock(const struct nt_fcb *fcb, const struct nt_lock *want)
{
    vec_foreach (l, &fcb->locks) {
        if (!l->length || !want->length)
            continue;
        uint64_t end = want->start + (want->length - 1), lock_end = l->start + (l->length - 1);
        bool overlap = want->start <= lock_end && l->start <= end;
        bool own = l->file == want->file && l->exclusive && !want->exclusive;
        if (overlap && (l->exclusive || want->exclusive) && !own)
            return false;
    }
    return true;
}

static void grant_waiting(struct nt_kernel *k, struct nt_fcb *fcb)
{
    struct nt_io *io = k->io;
    for (size_t i = 0; i < io->irps.len;) {
        struct nt_irp *r = io->irps.data[i++];
        const struct nt_file *f =
            r->kind == NT_IRP_LOCK ? nt_object_get(k, r->file, NT_TYPE_FILE) : NULL;
        if (!f || nt_file_fcb(k, f) != fcb)
            continue;
        const struct nt_process *p = nt_process_get(k, r->process);
        struct nt_lock want = {.file = r->file,
                               .key = (uint32_t)r->key,
                               .pid = p ? p->pid : 0,
                               .start = r->arg[0],
                               .length = r->arg[1],
                               .exclusive = r->arg[2]};
        if (!may_lock(fcb, &want))
            continue;
        vec_push(&fcb->locks, want);
        nt_irp_complete(k, r, STATUS_SUCCESS, 0);
        i = 0;
    }
}

void nt_locks_released(struct nt_kernel *k, struct nt_fcb *fcb)
{
    grant_waiting(k, fcb);
}

static ntstatus file_to_lock(struct nt_call *c, uint64_t handle, struct nt_file **f)
{
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_FILE, FILE_READ_DATA, f);
    if (s == STATUS_ACCESS_DENIED)
        s = nt_handle_get(c, handle, NT_TYPE_FILE, FILE_WRITE_DATA, f);
    if (!s && (!nt_file_fcb(c->k, *f) || nt_file_fcb(c->k, *f)->directory))
        s = STATUS_INVALID_DEVICE_REQUEST;
    return s;
}

ntstatus nt_lock_file(struct nt_call *c)
{
    const struct NtLockFile_args *a = nt_args(c);
    struct nt_file *f;
    struct nt_irp r;
    struct nt_lock want = {.key = (uint32_t)a->Key, .pid = c->p->pid};
    ntstatus s = file_to_lock(c, a->FileHandle, &f);
    if (!s)
        s = nt_get_u64(c, a->ByteOffset, &want.start);
    if (!s)
        s = nt_get_u64(c, a->Length, &want.length);
    if (!s && want.length && want.start > UINT64_MAX - (want.length - 1))
        s = STATUS_INVALID_LOCK_RANGE;
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_LOCK, a->Event, a->ApcRoutine, a->ApcContext,
                         a->IoStatusBlock, &r);
    if (s)
        return s;
    want.file = f->o.id;
    want.exclusive = a->ExclusiveLock & 0xff;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (may_lock(fcb, &want)) {
        vec_push(&fcb->locks, want);
        return nt_irp_finish(c, f, &r, STATUS_SUCCESS, 0);
    }
    if (a->FailImmediately & 0xff)
        return nt_irp_finish(c, f, &r, STATUS_LOCK_NOT_GRANTED, 0);
    r.key = want.key;
    r.arg[0] = want.start;
    r.arg[1] = want.length;
    r.arg[2] = want.exclusive;
    return nt_irp_pend(c, f, &r);
}

ntstatus nt_unlock_file(struct nt_call *c)
{
    const struct NtUnlockFile_args *a = nt_args(c);
    struct nt_file *f;
    uint64_t start, length;
    ntstatus s = a->IoStatusBlock ? nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c))
                                  : STATUS_SUCCESS;
    if (!s)
        s = file_to_lock(c, a->FileHandle, &f);
    if (!s)
        s = nt_get_u64(c, a->ByteOffset, &start);
    if (!s)
        s = nt_get_u64(c, a->Length, &length);
    if (s)
        return s;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    for (size_t i = 0; i < fcb->locks.len; i++) {
        const struct nt_lock *l =
            &fcb->locks.data[i]; /* oldest first: an exclusive one goes first */
        if (l->file == f->o.id && l->start == start && l->length == length &&
            l->key == (uint32_t)a->Key) {
            vec_remove(&fcb->locks, i);
            grant_waiting(c->k, fcb);
            return a->IoStatusBlock ? nt_put_iosb(c, a->IoStatusBlock, STATUS_SUCCESS, 0)
                                    : STATUS_SUCCESS;
        }
    }
    return STATUS_RANGE_NOT_LOCKED;
}
