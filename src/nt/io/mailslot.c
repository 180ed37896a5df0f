// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/pipe.h"

static const uint64_t FOR_EVER = UINT64_MAX;

ntstatus nt_create_mailslot_file(struct nt_call *c)
{
    const struct NtCreateMailslotFile_args *a = nt_args(c);
    struct nt_attrs at;
    struct nt_path path;
    struct nt_io *io = c->k->io;
    uint64_t timeout = FOR_EVER;
    ntstatus s = a->ReadTimeout ? nt_get_u64(c, a->ReadTimeout, &timeout) : STATUS_SUCCESS;
    if (!s)
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    s = at.present ? nt_parse_attrs(c, &at, &path) : STATUS_INVALID_PARAMETER;
    if (s)
        goto free_attrs;
    if (path.kind != NT_PATH_MAILSLOT || !path.len)
        s = STATUS_OBJECT_NAME_INVALID;
    else if (nt_pipe_find(io, path.text, path.len, true))
        s = STATUS_OBJECT_NAME_COLLISION;
    if (!s) {
        struct nt_pipe *p = nt_pipe_new(io, path.text, path.len, true);
        p->max_message = (uint32_t)a->MaximumMessageSize;
        p->in_quota = (uint32_t)a->MailslotQuota;
        p->timeout = timeout;
        struct nt_file *f = nt_file_new(io, NT_FILE_MAILSLOT,
                                        nt_map_access(NT_TYPE_FILE, (uint32_t)a->DesiredAccess), 3,
                                        (uint32_t)a->CreateOptions);
        f->pipe = p->id;
        f->server = true;
        p->end[NT_END_SERVER].file = f->o.id;
        s = nt_file_opened(c, f, &at, a->FileHandle, a->IoStatusBlock, FILE_CREATED);
    }
    nt_path_free(&path);
free_attrs:
    nt_attrs_free(&at);
    return s;
}

ntstatus nt_mailslot_open(struct nt_call *c, const struct nt_path *path, uint32_t access,
                          uint32_t share, uint32_t options, struct nt_file **out)
{
    struct nt_pipe *p = nt_pipe_find(c->k->io, path->text, path->len, true);
    if (!p)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    struct nt_file *f = nt_file_new(c->k->io, NT_FILE_MAILSLOT, access, share, options);
    f->pipe = p->id;
    *out = f;
    return STATUS_SUCCESS;
}

ntstatus nt_mailslot_set_timeout(struct nt_kernel *k, struct nt_file *f, uint64_t timeout)
{
    struct nt_pipe *p = nt_pipe_of(k, f);
    if (!p || !f->server)
        return STATUS_INVALID_PARAMETER;
    p->timeout = timeout;
    return STATUS_SUCCESS;
}

static ntstatus take_message(struct nt_kernel *k, struct nt_pipe *p, const struct nt_irp *r,
                             uint64_t *len)
{
    struct nt_pipe_queue *q = &p->end[NT_END_SERVER].in;
    *len = 0;
    if (q->data[0].len > r->length)
        return STATUS_BUFFER_TOO_SMALL;
    if (!nt_irp_write(k, r, r->buffer, q->data[0].data, q->data[0].len))
        return STATUS_ACCESS_VIOLATION;
    *len = q->data[0].len;
    free(q->data[0].data);
    vec_remove(q, 0);
    return STATUS_SUCCESS;
}

ntstatus nt_mailslot_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_pipe *p = nt_pipe_of(c->k, f);
    uint64_t len = 0;
    if (!f->server)
        return nt_irp_finish(c, f, r, STATUS_INVALID_PARAMETER, 0);
    if (p->end[NT_END_SERVER].in.len) {
        ntstatus s = take_message(c->k, p, r, &len);
        return nt_irp_finish(c, f, r, s, len);
    }
    if (!p->timeout)
        return nt_irp_finish(c, f, r, STATUS_IO_TIMEOUT, 0);
    if (p->timeout != FOR_EVER && (int64_t)p->timeout < 0 && (int64_t)p->timeout != INT64_MIN)
        r->deadline = MAX(nt_now(c->k) + (uint64_t) - (int64_t)p->timeout, 1);
    return nt_irp_pend(c, f, r);
}

void nt_mailslot_pump(struct nt_kernel *k, struct nt_pipe *p)
{
    struct nt_irp *r;
    nt_id server = p->end[NT_END_SERVER].file;
    while (server && p->end[NT_END_SERVER].in.len &&
           (r = nt_irp_first(k->io, server, NT_IRP_READ))) {
        uint64_t len;
        ntstatus s = take_message(k, p, r, &len);
        nt_irp_complete(k, r, s, len);
    }
}

ntstatus nt_mailslot_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_pipe *p = nt_pipe_of(c->k, f);
    uint8_t *data;
    if (f->server || !p->end[NT_END_SERVER].file || (p->max_message && r->length > p->max_message))
        return nt_irp_finish(c, f, r, STATUS_INVALID_PARAMETER, 0);
    ntstatus s = nt_pipe_fetch(c, r->buffer, r->length, &data);
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    nt_pipe_push(&p->end[NT_END_SERVER].in, data, r->length, 0);
    free(data);
    s = nt_irp_finish(c, f, r, STATUS_SUCCESS, r->length);
    nt_mailslot_pump(c->k, p);
    return s;
}
