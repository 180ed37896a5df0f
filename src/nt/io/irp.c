// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests. One that can be answered at once is; one that cannot is kept in nt_io.irps: for an
 * overlapped file the caller gets STATUS_PENDING, for a synchronous one its thread waits.
 */
#include "nt/io/internal.h"
#include "nt/ke/completion.h"
#include "nt/ke/sync.h"

enum {
    EVENT_MODIFY_STATE = 2,
    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1,
    FILE_SKIP_SET_EVENT_ON_HANDLE = 2,
    IRPS_MAX = 1 << 20,
};

static void set_signaled(struct nt_kernel *k, struct nt_file *f)
{
    f->signaled = true;
    nt_signal(k, &f->o);
}

ntstatus nt_irp_begin(struct nt_call *c, struct nt_file *f, enum nt_irp_kind kind, uint64_t event,
                      uint64_t apc, uint64_t apc_context, uint64_t iosb, struct nt_irp *out)
{
    struct nt_object *ev = NULL;
    *out = (struct nt_irp){.kind = (uint8_t)kind,
                           .file = f->o.id,
                           .thread = c->t->o.id,
                           .process = c->p->o.id,
                           .iosb = iosb,
                           .apc = apc,
                           .apc_context = apc_context};
    /* kernelbase's LockFile gives no status block at all. */
    ntstatus s = iosb || kind != NT_IRP_LOCK ? nt_probe_write(c, iosb, 2 * (size_t)nt_ptr_size(c))
                                             : STATUS_SUCCESS;
    if (s)
        return s;
    if (apc && f->port)
        return STATUS_INVALID_PARAMETER;
    if (event) {
        s = nt_handle_get(c, event, NT_TYPE_EVENT, EVENT_MODIFY_STATE, &ev);
        if (s)
            return s;
        out->event = ev->id;
        nt_event_reset(c->k, ev->id);
    }
    f->signaled = false;
    return STATUS_SUCCESS;
}

static void write_iosb(struct nt_kernel *k, const struct nt_irp *r, ntstatus status,
                       uint64_t information)
{
    const struct nt_process *p = nt_process_get(k, r->process);
    uint8_t raw[16] = {0};
    if (!p || !r->iosb)
        return;
    memcpy(raw, &status, 4);
    memcpy(raw + p->ptr_size, &information, p->ptr_size);
    nt_irp_write(k, r, r->iosb, raw, 2 * (size_t)p->ptr_size);
}

bool nt_irp_write(struct nt_kernel *k, const struct nt_irp *r, uint64_t va, const void *data,
                  size_t len)
{
    struct nt_process *p = nt_process_get(k, r->process);
    return p && !p->ended && !mem_write(p->mem, va, data, len);
}

/* Everything that tells the requester, but not the waking of its thread. */
static void announce(struct nt_kernel *k, struct nt_file *f, const struct nt_irp *r,
                     ntstatus status, uint64_t information, bool at_once)
{
    write_iosb(k, r, status, information);
    if (r->event)
        nt_event_set(k, r->event);
    if (!r->event && !(f->port_flags & FILE_SKIP_SET_EVENT_ON_HANDLE))
        set_signaled(k, f);
    struct nt_thread *t = nt_thread_get(k, r->thread);
    if (r->apc && !(at_once && nt_error(status)) && t && t->state != NT_THREAD_ENDED)
        nt_apc_queue(k, t,
                     &(struct nt_apc){.routine = r->apc, .arg = {r->apc_context, r->iosb, 0}});
    bool skip = at_once && (f->port_flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    if (f->port && r->apc_context && !r->apc && !skip)
        nt_completion_post(k, f->port, f->port_key, r->apc_context, status, information);
}

/* Only synchronous files report an end of file through the status block. Any other error that is
 * known at once is the service's result and nothing else; not even the file is signaled. */
ntstatus nt_irp_finish(struct nt_call *c, struct nt_file *f, struct nt_irp *r, ntstatus status,
                       uint64_t information)
{
    free(r->data);
    r->data = NULL;
    if (nt_error(status) && !(status == STATUS_END_OF_FILE && nt_file_synchronous(f))) {
        return status;
    }
    announce(c->k, f, r, status, information, true);
    return status;
}

/* As nt_irp_finish, but for I/O on an overlapped disk file: it is always said to be pending. */
ntstatus nt_irp_finish_disk(struct nt_call *c, struct nt_file *f, struct nt_irp *r, ntstatus status,
                            uint64_t information)
{
    if (nt_file_synchronous(f) || (nt_error(status) && status != STATUS_END_OF_FILE))
        return nt_irp_finish(c, f, r, status, information);
    announce(c->k, f, r, status, information, false);
    return STATUS_PENDING;
}

struct nt_irp *nt_irp_by_id(struct nt_io *io, uint32_t id)
{
    vec_foreach (it, &io->irps)
        if ((*it)->id == id)
            return *it;
    return NULL;
}

struct nt_irp *nt_irp_first(struct nt_io *io, nt_id file, enum nt_irp_kind kind)
{
    vec_foreach (it, &io->irps)
        if ((*it)->file == file && (*it)->kind == kind)
            return *it;
    return NULL;
}

static void forget(struct nt_kernel *k, struct nt_irp *r)
{
    struct nt_io *io = k->io;
    for (size_t i = 0; i < io->irps.len; i++) {
        if (io->irps.data[i] == r) {
            vec_remove(&io->irps, i);
            break;
        }
    }
    nt_id file = r->file, event = r->event;
    free(r->data);
    free(r);
    nt_id_unref(k, event);
    nt_id_unref(k, file);
}

ntstatus nt_irp_pend(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_io *io = c->k->io;
    if (io->irps.len >= IRPS_MAX)
        return nt_irp_finish(c, f, r, STATUS_INSUFFICIENT_RESOURCES, 0);
    struct nt_irp *kept = xmemdup(r, sizeof *r);
    kept->id = ++io->next_irp;
    /* FindFirstChangeNotification counts on STATUS_PENDING whatever the file. */
    kept->blocking =
        r->kind == NT_IRP_FLUSH || (nt_file_synchronous(f) && r->kind != NT_IRP_NOTIFY);
    nt_object_ref(&f->o);
    struct nt_object *ev = r->event ? nt_object_get(c->k, r->event, NT_TYPE_EVENT) : NULL;
    if (ev)
        nt_object_ref(ev);
    vec_push(&io->irps, kept);
    r->data = NULL;
    if (!kept->blocking)
        return STATUS_PENDING;
    struct nt_wait w = {.kind = NT_WAIT_WORK,
                        .alertable = f->options & FILE_SYNCHRONOUS_IO_ALERT,
                        .host_fd = -1,
                        .retry = NT_RETRY_PIPE};
    w.arg[0] = kept->id;
    w.has_deadline = kept->deadline != 0;
    w.deadline = kept->deadline;
    ntstatus s = nt_wait_begin(c, &w);
    if (s != NT_BLOCKED && (kept = nt_irp_by_id(io, (uint32_t)w.arg[0])))
        forget(c->k, kept);
    return s;
}

static bool waits_for(const struct nt_thread *t, const struct nt_irp *r)
{
    return t && t->state == NT_THREAD_WAITING && t->wait.kind == NT_WAIT_WORK &&
           t->wait.retry == NT_RETRY_PIPE && t->wait.arg[0] == r->id;
}

void nt_irp_complete(struct nt_kernel *k, struct nt_irp *r, ntstatus status, uint64_t information)
{
    struct nt_file *f = nt_object_get(k, r->file, NT_TYPE_FILE);
    struct nt_thread *t = nt_thread_get(k, r->thread);
    bool wake = r->blocking && waits_for(t, r);
    if (wake) /* before its APC is queued, which would end the wait in another way */
        nt_wait_end(k, t, status);
    if (f && (!r->blocking || wake))
        announce(k, f, r, status, information, false);
    forget(k, r);
}

void nt_irp_cancel_file(struct nt_kernel *k, nt_id file, ntstatus status)
{
    struct nt_io *io = k->io;
    for (size_t i = 0; i < io->irps.len;) {
        struct nt_irp *r = io->irps.data[i];
        if (r->file == file) {
            nt_irp_complete(k, r, status, 0);
            i = 0;
        } else {
            i++;
        }
    }
}

/* A blocking request is ended by whoever answers it; asked here is only whether its time is up. */
ntstatus nt_io_retry_pipe(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_irp *r = nt_irp_by_id(k->io, (uint32_t)t->wait.arg[0]);
    if (!r)
        return STATUS_CANCELLED;
    if (!r->deadline || nt_now(k) < r->deadline)
        return NT_BLOCKED;
    write_iosb(k, r, STATUS_IO_TIMEOUT, 0);
    forget(k, r);
    return STATUS_IO_TIMEOUT;
}

bool nt_io_deadline(struct nt_kernel *k, uint64_t *when)
{
    bool any = false;
    vec_foreach (it, &k->io->irps) {
        if ((*it)->blocking || !(*it)->deadline || (any && (*it)->deadline >= *when))
            continue;
        *when = (*it)->deadline;
        any = true;
    }
    return any;
}

void nt_io_expire(struct nt_kernel *k)
{
    struct nt_io *io = k->io;
    for (size_t i = 0; i < io->irps.len;) {
        struct nt_irp *r = io->irps.data[i];
        if (r->blocking || !r->deadline || r->deadline > nt_now(k)) {
            i++;
            continue;
        }
        nt_irp_complete(k, r, STATUS_IO_TIMEOUT, 0);
        i = 0;
    }
}

/* Its overlapped requests end with it, but for those that report to a completion port. */
void nt_io_thread_gone(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_io *io = k->io;
    for (size_t i = 0; i < io->irps.len;) {
        struct nt_irp *r = io->irps.data[i];
        const struct nt_file *f = nt_object_get(k, r->file, NT_TYPE_FILE);
        if (r->thread != t->o.id || (!r->blocking && f && f->port)) {
            i++;
            continue;
        }
        if (r->blocking)
            forget(k, r);
        else
            nt_irp_complete(k, r, STATUS_CANCELLED, 0);
        i = 0;
    }
}

static void irp_transfer(struct nt_kernel *k, struct ser *s, struct nt_irp *r)
{
    SER(s, r->id);
    SER(s, r->kind);
    nt_id_transfer(k, s, &r->file, NT_TYPE_FILE);
    SER(s, r->thread);
    SER(s, r->process);
    nt_id_transfer(k, s, &r->event, NT_TYPE_EVENT);
    SER(s, r->blocking);
    SER(s, r->iosb);
    SER(s, r->buffer);
    SER(s, r->apc);
    SER(s, r->apc_context);
    SER(s, r->key);
    SER(s, r->length);
    SER(s, r->deadline);
    for (size_t i = 0; i < ARRAY_LEN(r->arg); i++)
        SER(s, r->arg[i]);
    ser_bytes(s, &r->data, &r->data_len, 1u << 31);
    SER(s, r->data_at);
    if (r->data_at > r->data_len)
        ser_fail(s, "snapshot: a request that is further than its end");
}

void nt_irps_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->irps.len;
    SER(s, io->next_irp);
    ser_count(s, &n, IRPS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&io->irps, xcalloc(1, sizeof(struct nt_irp)));
        irp_transfer(io->k, s, io->irps.data[i]);
    }
}
