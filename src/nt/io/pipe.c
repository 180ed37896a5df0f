// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/pipe.h"

enum { WRITE_MAX = 1 << 28, PIPES_MAX = 1 << 16, MESSAGES_MAX = 1 << 22 };

struct nt_pipe *nt_pipe_of(struct nt_kernel *k, const struct nt_file *f)
{
    vec_foreach (it, &k->io->pipes)
        if ((*it)->id == f->pipe)
            return *it;
    return NULL;
}

struct nt_pipe *nt_pipe_find(struct nt_io *io, const uint16_t *name, size_t len, bool mailslot)
{
    vec_foreach (it, &io->pipes)
        if ((*it)->mailslot == mailslot && (*it)->end[NT_END_SERVER].file &&
            utf16_equal_nocase((*it)->name, (*it)->len, name, len))
            return *it;
    return NULL;
}

struct nt_pipe *nt_pipe_new(struct nt_io *io, const uint16_t *name, size_t len, bool mailslot)
{
    struct nt_pipe *p = xcalloc(1, sizeof *p);
    p->id = ++io->next_pipe;
    p->name = xcalloc(len + 1, 2);
    memcpy(p->name, name, len * 2);
    p->len = len;
    p->mailslot = mailslot;
    vec_push(&io->pipes, p);
    return p;
}

/* ---- Queues
 * -------------------------------------------------------------------------------------- */

size_t nt_pipe_available(const struct nt_pipe_queue *q)
{
    size_t n = 0;
    for (size_t i = 0; i < q->len; i++)
        n += q->data[i].len - q->data[i].at;
    return n;
}

void nt_pipe_push(struct nt_pipe_queue *q, const uint8_t *data, size_t len, uint32_t irp)
{
    vec_push(q, (struct nt_pipe_message){.data = xmemdup(data, len), .len = len, .irp = irp});
}

static void drop_first(struct nt_pipe_queue *q)
{
    free(q->data[0].data);
    vec_remove(q, 0);
}

void nt_pipe_queue_clear(struct nt_pipe_queue *q)
{
    for (size_t i = 0; i < q->len; i++)
        free(q->data[i].data);
    vec_free(q);
}

static void pipe_free(struct nt_io *io, struct nt_pipe *p)
{
    for (size_t i = 0; i < io->pipes.len; i++) {
        if (io->pipes.data[i] == p) {
            vec_remove(&io->pipes, i);
            break;
        }
    }
    nt_pipe_queue_clear(&p->end[0].in);
    nt_pipe_queue_clear(&p->end[1].in);
    free(p->name);
    free(p);
}

void nt_pipes_free(struct nt_io *io)
{
    while (io->pipes.len)
        pipe_free(io, io->pipes.data[0]);
    vec_free(&io->pipes);
}

/* ---- Moving data
 * --------------------------------------------------------------------------------- */

/* Writers that were cancelled take along what was not read. */
static void drop_cancelled(struct nt_io *io, struct nt_pipe_queue *q)
{
    for (size_t i = 0; i < q->len;) {
        struct nt_pipe_message *m = &q->data[i];
        if (m->irp && !nt_irp_by_id(io, m->irp)) {
            free(m->data);
            vec_remove(q, i);
        } else {
            i++;
        }
    }
}

struct taken {
    uint8_t *data;
    size_t len;
    ntstatus status;
};

/* What a read of `room` bytes gets: one message, or all bytes there are. */
static struct taken take(struct nt_pipe_queue *q, size_t room, bool messages)
{
    struct taken t = {.status = STATUS_SUCCESS};
    t.data = xmalloc(MIN(room, nt_pipe_available(q)));
    while (q->len) {
        struct nt_pipe_message *m = &q->data[0];
        size_t n = MIN(room - t.len, m->len - m->at);
        if (n)
            memcpy(t.data + t.len, m->data + m->at, n);
        t.len += n;
        m->at += n;
        bool whole = m->at == m->len;
        if (whole && !m->irp)
            drop_first(q);
        if (messages) {
            t.status = whole ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
            break;
        }
        if (!whole || t.len == room)
            break;
        if (q->len && q->data[0].at == q->data[0].len && q->data[0].irp)
            break; /* its writer is told before it goes */
    }
    return t;
}

static uint32_t quota_of(const struct nt_pipe *p, const struct nt_pipe_end *reader)
{
    return reader == &p->end[NT_END_SERVER] ? p->in_quota : p->out_quota;
}

/* Writers are done when their message was read, or fits with all before it. */
static bool finish_writers(struct nt_kernel *k, const struct nt_pipe *p, struct nt_pipe_end *reader)
{
    size_t sum = 0;
    for (size_t i = 0; i < reader->in.len; i++) {
        struct nt_pipe_message *m = &reader->in.data[i];
        sum += m->len - m->at;
        if (!m->irp || (m->at < m->len && sum > quota_of(p, reader)))
            continue;
        struct nt_irp *w = nt_irp_by_id(k->io, m->irp);
        size_t len = m->len;
        m->irp = 0;
        if (m->at == m->len && len) {
            free(m->data);
            vec_remove(&reader->in, i);
        }
        if (w)
            nt_irp_complete(k, w, STATUS_SUCCESS, len);
        return true;
    }
    return false;
}

static struct nt_irp *pending_read(struct nt_io *io, nt_id file)
{
    vec_foreach (it, &io->irps)
        if ((*it)->file == file && ((*it)->kind == NT_IRP_READ || (*it)->kind == NT_IRP_TRANSCEIVE))
            return *it;
    return NULL;
}

static bool finish_reader(struct nt_kernel *k, struct nt_pipe_end *reader)
{
    struct nt_irp *r = reader->file ? pending_read(k->io, reader->file) : NULL;
    const struct nt_file *f = r ? nt_object_get(k, reader->file, NT_TYPE_FILE) : NULL;
    if (!f || !reader->in.len)
        return false;
    struct taken t = take(&reader->in, r->length, f->pipe_mode & PIPE_READ_MESSAGES);
    if (!nt_irp_write(k, r, r->buffer, t.data, t.len))
        t.status = STATUS_ACCESS_VIOLATION;
    nt_irp_complete(k, r, t.status, t.len);
    free(t.data);
    return true;
}

void nt_pipe_fail(struct nt_kernel *k, nt_id file, enum nt_irp_kind kind, ntstatus status)
{
    struct nt_irp *r;
    while (file && (r = nt_irp_first(k->io, file, kind)))
        nt_irp_complete(k, r, status, 0);
}

void nt_pipe_pump(struct nt_kernel *k, struct nt_pipe *p, struct nt_pipe_end *reader)
{
    bool more = true;
    while (more) {
        drop_cancelled(k->io, &reader->in);
        more = finish_reader(k, reader);
        more |= finish_writers(k, p, reader);
    }
    if (!nt_pipe_available(&reader->in)) {
        const struct nt_pipe_end *writer = reader == &p->end[0] ? &p->end[1] : &p->end[0];
        nt_pipe_fail(k, writer->file, NT_IRP_FLUSH, STATUS_SUCCESS);
    }
}

static ntstatus read_state(const struct nt_pipe_end *e)
{
    switch (e->state) {
    case NT_PIPE_CONNECTED:
        return STATUS_SUCCESS;
    case NT_PIPE_CLOSING:
        return e->in.len ? STATUS_SUCCESS : STATUS_PIPE_BROKEN;
    case NT_PIPE_LISTENING:
        return STATUS_PIPE_LISTENING;
    default:
        return STATUS_PIPE_DISCONNECTED;
    }
}

ntstatus nt_pipe_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_pipe *p = nt_pipe_of(c->k, f);
    ntstatus s = r->length ? nt_probe_write(c, r->buffer, r->length) : STATUS_SUCCESS;
    if (!p)
        s = STATUS_PIPE_DISCONNECTED;
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    if (p->mailslot)
        return nt_mailslot_read(c, f, r);
    struct nt_pipe_end *mine = nt_pipe_mine(p, f);
    drop_cancelled(c->k->io, &mine->in);
    s = read_state(mine);
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    if (!mine->in.len && (f->pipe_mode & PIPE_NOWAIT))
        return nt_irp_finish(c, f, r, STATUS_PIPE_EMPTY, 0);
    if (!mine->in.len || pending_read(c->k->io, f->o.id))
        return nt_irp_pend(c, f, r);
    struct taken t = take(&mine->in, r->length, f->pipe_mode & PIPE_READ_MESSAGES);
    s = nt_write(c, r->buffer, t.data, t.len);
    s = nt_irp_finish(c, f, r, s ? s : t.status, t.len);
    free(t.data);
    nt_pipe_pump(c->k, p, mine);
    return s;
}

ntstatus nt_pipe_fetch(struct nt_call *c, uint64_t va, uint32_t len, uint8_t **out)
{
    if (len > WRITE_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    *out = xmalloc(len);
    ntstatus s = nt_read(c, va, *out, len);
    if (s) {
        free(*out);
        *out = NULL;
        return STATUS_INVALID_USER_BUFFER;
    }
    return s;
}

static ntstatus write_state(const struct nt_pipe_end *e)
{
    switch (e->state) {
    case NT_PIPE_CONNECTED:
        return STATUS_SUCCESS;
    case NT_PIPE_CLOSING:
        return STATUS_PIPE_CLOSING;
    case NT_PIPE_LISTENING:
        return STATUS_PIPE_LISTENING;
    default:
        return STATUS_PIPE_DISCONNECTED;
    }
}

/* A writer that does not wait puts in what fits: all of a message or nothing. */
static ntstatus write_nowait(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                             struct nt_pipe *p, const uint8_t *data)
{
    struct nt_pipe_end *to = nt_pipe_other(p, f);
    size_t used = nt_pipe_available(&to->in), quota = quota_of(p, to);
    size_t room = quota > used ? quota - used : 0, n = MIN(room, r->length);
    if (p->messages && n < r->length)
        n = 0;
    if (n || !r->length)
        nt_pipe_push(&to->in, data, n, 0);
    ntstatus s = nt_irp_finish(c, f, r, STATUS_SUCCESS, n);
    nt_pipe_pump(c->k, p, to);
    return s;
}

ntstatus nt_pipe_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_pipe *p = nt_pipe_of(c->k, f);
    uint8_t *data = NULL;
    ntstatus s = p ? nt_pipe_fetch(c, r->buffer, r->length, &data) : STATUS_PIPE_DISCONNECTED;
    if (!s && p->mailslot) {
        free(data);
        return nt_mailslot_write(c, f, r);
    }
    if (!s)
        s = write_state(nt_pipe_mine(p, f));
    if (s || (!r->length && !p->messages)) {
        free(data);
        return nt_irp_finish(c, f, r, s, 0);
    }
    struct nt_pipe_end *to = nt_pipe_other(p, f);
    drop_cancelled(c->k->io, &to->in);
    if (f->pipe_mode & PIPE_NOWAIT) {
        s = write_nowait(c, f, r, p, data);
        free(data);
        return s;
    }
    bool waiting = to->in.len && to->in.data[to->in.len - 1].irp;
    size_t after = nt_pipe_available(&to->in) + r->length;
    bool direct = !to->in.len && to->file && pending_read(c->k->io, to->file);
    nt_pipe_push(&to->in, data, r->length, 0);
    free(data);
    size_t at = to->in.len - 1;
    if (direct)
        nt_pipe_pump(c->k, p, to);
    /* What a waiting reader has taken needs no room. */
    bool fits = direct ? nt_pipe_available(&to->in) <= quota_of(p, to)
                       : !r->length || (!waiting && after <= quota_of(p, to));
    if (fits)
        return nt_irp_finish(c, f, r, STATUS_SUCCESS, r->length);
    to->in.data[direct ? to->in.len - 1 : at].irp = c->k->io->next_irp + 1;
    return nt_irp_pend(c, f, r);
}

ntstatus nt_pipe_flush(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    struct nt_pipe *p = nt_pipe_of(c->k, f);
    if (!p)
        return STATUS_PIPE_DISCONNECTED;
    if (p->mailslot || nt_pipe_mine(p, f)->state != NT_PIPE_CONNECTED ||
        !nt_pipe_available(&nt_pipe_other(p, f)->in))
        return STATUS_SUCCESS;
    r->kind = NT_IRP_FLUSH;
    f->signaled = false;
    return nt_irp_pend(c, f, r);
}

void nt_pipe_write_cancelled(struct nt_kernel *k, nt_id file)
{
    const struct nt_file *f = nt_object_get(k, file, NT_TYPE_FILE);
    struct nt_pipe *p = f && f->kind == NT_FILE_PIPE ? nt_pipe_of(k, f) : NULL;
    if (p)
        nt_pipe_pump(k, p, nt_pipe_other(p, f));
}

/* ---- Closing
 * ------------------------------------------------------------------------------------- */

void nt_pipe_announce(struct nt_kernel *k, struct nt_pipe *p)
{
    for (size_t i = 0; i < k->io->irps.len; i++) {
        struct nt_irp *r = k->io->irps.data[i];
        if (r->kind == NT_IRP_PIPE_WAIT &&
            utf16_equal_nocase((const uint16_t *)(const void *)r->data, r->data_len / 2, p->name,
                               p->len)) {
            nt_irp_complete(k, r, STATUS_SUCCESS, 0);
            return;
        }
    }
}

void nt_pipe_file_closed(struct nt_kernel *k, struct nt_file *f)
{
    struct nt_pipe *p = nt_pipe_of(k, f);
    if (!p || p->mailslot)
        return;
    struct nt_pipe_end *mine = nt_pipe_mine(p, f), *other = nt_pipe_other(p, f);
    bool connected = mine->state == NT_PIPE_CONNECTED;
    mine->state = NT_PIPE_DISCONNECTED;
    nt_pipe_queue_clear(&mine->in);
    if (!connected)
        return;
    other->state = NT_PIPE_CLOSING;
    drop_cancelled(k->io, &other->in);
    nt_pipe_fail(k, other->file, NT_IRP_WRITE, STATUS_PIPE_BROKEN);
    nt_pipe_fail(k, other->file, NT_IRP_FLUSH, STATUS_PIPE_BROKEN);
    if (!other->in.len) {
        nt_pipe_fail(k, other->file, NT_IRP_READ, STATUS_PIPE_BROKEN);
        nt_pipe_fail(k, other->file, NT_IRP_TRANSCEIVE, STATUS_PIPE_BROKEN);
    }
}

void nt_pipe_file_destroyed(struct nt_kernel *k, struct nt_file *f)
{
    struct nt_pipe *p = nt_pipe_of(k, f);
    if (!p)
        return;
    if (!p->mailslot || f->server) {
        struct nt_pipe_end *mine = nt_pipe_mine(p, f), *other = nt_pipe_other(p, f);
        if (mine->file == f->o.id) {
            mine->file = 0;
            if (other->state == NT_PIPE_CONNECTED)
                other->state = NT_PIPE_CLOSING;
        }
    }
    if (!p->end[0].file && !p->end[1].file)
        pipe_free(k->io, p);
}

uint16_t *nt_pipe_name(struct nt_kernel *k, const struct nt_file *f, size_t *len)
{
    static const uint16_t none[1];
    const struct nt_pipe *p = nt_pipe_of(k, f);
    *len = p ? p->len : 0;
    return xmemdup(p ? p->name : none, (*len + 1) * 2);
}

/* ---- Snapshots
 * ----------------------------------------------------------------------------------- */

static void end_transfer(struct ser *s, struct nt_pipe_end *e)
{
    size_t n = e->in.len;
    SER(s, e->file);
    SER(s, e->state);
    ser_count(s, &n, MESSAGES_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&e->in, (struct nt_pipe_message){0});
        struct nt_pipe_message *m = &e->in.data[i];
        ser_bytes(s, &m->data, &m->len, WRITE_MAX);
        SER(s, m->at);
        SER(s, m->irp);
        if (m->at > m->len)
            ser_fail(s, "snapshot: a pipe message read beyond its end");
    }
}

static void pipe_transfer(struct ser *s, struct nt_pipe *p)
{
    SER(s, p->id);
    ser_utf16(s, &p->name, &p->len, 1 << 15);
    SER(s, p->mailslot);
    SER(s, p->messages);
    SER(s, p->configuration);
    SER(s, p->max_instances);
    SER(s, p->in_quota);
    SER(s, p->out_quota);
    SER(s, p->timeout);
    SER(s, p->max_message);
    end_transfer(s, &p->end[0]);
    end_transfer(s, &p->end[1]);
    if (s->loading && !p->name)
        p->name = xcalloc(1, 2);
}

void nt_pipes_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->pipes.len;
    SER(s, io->next_pipe);
    ser_count(s, &n, PIPES_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&io->pipes, xcalloc(1, sizeof(struct nt_pipe)));
        pipe_transfer(s, io->pipes.data[i]);
    }
}
