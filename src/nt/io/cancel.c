// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

/* Completes with STATUS_CANCELLED the requests of a file; thread 0: of any thread, iosb 0: any. */
static unsigned cancel(struct nt_kernel *k, nt_id file, nt_id thread, uint64_t iosb, bool blocking)
{
    struct nt_io *io = k->io;
    unsigned n = 0;
    for (size_t i = 0; i < io->irps.len;) {
        struct nt_irp *r = io->irps.data[i];
        if ((!file || r->file == file) && (!thread || r->thread == thread) &&
            (!iosb || r->iosb == iosb) && (!blocking || r->blocking)) {
            if (blocking) /* a service that is broken off reports by its result alone */
                r->iosb = 0;
            nt_id from = r->kind == NT_IRP_WRITE ? r->file : 0;
            nt_irp_complete(k, r, STATUS_CANCELLED, 0);
            nt_pipe_write_cancelled(k, from);
            n++;
            i = 0;
        } else {
            i++;
        }
    }
    return n;
}

ntstatus nt_cancel_io_file(struct nt_call *c)
{
    const struct NtCancelIoFile_args *a = nt_args(c);
    struct nt_file *f;
    ntstatus s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (!s)
        s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, 0, &f);
    if (s)
        return s;
    cancel(c->k, f->o.id, c->t->o.id, 0, false);
    return nt_put_iosb(c, a->IoStatusBlock, STATUS_SUCCESS, 0);
}

ntstatus nt_cancel_io_file_ex(struct nt_call *c)
{
    const struct NtCancelIoFileEx_args *a = nt_args(c);
    struct nt_file *f;
    ntstatus s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (!s)
        s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, 0, &f);
    if (s)
        return s;
    unsigned n = cancel(c->k, f->o.id, 0, a->IoRequestToCancel, false);
    s = n ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    nt_put_iosb(c, a->IoStatusBlock, s, 0);
    return s;
}

ntstatus nt_cancel_synchronous_io_file(struct nt_call *c)
{
    const struct NtCancelSynchronousIoFile_args *a = nt_args(c);
    struct nt_thread *t;
    ntstatus s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 1, &t);
    if (!s)
        s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (s)
        return s;
    unsigned n = cancel(c->k, 0, t->o.id, a->IoRequestToCancel, true);
    if (!n && t->state == NT_THREAD_WAITING && t->wait.kind == NT_WAIT_HOST) {
        nt_wait_end(c->k, t, STATUS_CANCELLED);
        n = 1;
    }
    s = n ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    nt_put_iosb(c, a->IoStatusBlock, s, 0);
    return s;
}
