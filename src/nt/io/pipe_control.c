// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/pipe.h"
#include "nt/io/classes.h"
#include "nt/se/security.h"
#include "nt/structs.h"

enum {
    FSCTL_PIPE_DISCONNECT = 0x110004,
    FSCTL_PIPE_LISTEN = 0x110008,
    FSCTL_PIPE_PEEK = 0x11400c,
    FSCTL_PIPE_WAIT = 0x110018,
    FSCTL_PIPE_IMPERSONATE = 0x11001c,
    FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE = 0x110030,
    FSCTL_PIPE_TRANSCEIVE = 0x11c017,
    UNLIMITED = 0xffffffff,
};

/* ---- Opening
 * ------------------------------------------------------------------------------------- */

static bool may_open(const struct nt_pipe *p, uint32_t access)
{
    if ((access & FILE_READ_DATA) && p->configuration == NT_PIPE_INBOUND)
        return false;
    return !(access & FILE_WRITE_DATA) || p->configuration != NT_PIPE_OUTBOUND;
}

static struct nt_file *attach(struct nt_io *io, struct nt_pipe *p, uint32_t access, uint32_t share,
                              uint32_t options, bool server)
{
    struct nt_file *f =
        nt_file_new(io, p->mailslot ? NT_FILE_MAILSLOT : NT_FILE_PIPE, access, share, options);
    f->pipe = p->id;
    f->server = server;
    if (!p->mailslot || server)
        nt_pipe_mine(p, f)->file = f->o.id;
    return f;
}

void nt_io_pipe_ends(struct nt_kernel *k, struct nt_object *file, struct nt_io_ends *out)
{
    const struct nt_file *f = (const struct nt_file *)file;
    const struct nt_pipe *p = f->kind == NT_FILE_PIPE ? nt_pipe_of(k, f) : NULL;
    vec_foreach (it, &k->io->pipes)
        for (int end = 0; p && end < 2; end++)
            if (!(*it)->mailslot && (*it)->end[end].file &&
                utf16_equal_nocase((*it)->name, (*it)->len, p->name, p->len))
                vec_push(out, (*it)->end[end].file);
}

ntstatus nt_io_security_status(struct nt_kernel *k, struct nt_object *file)
{
    const struct nt_file *f = (const struct nt_file *)file;
    if (f->kind != NT_FILE_PIPE || f->server)
        return STATUS_SUCCESS;
    struct nt_pipe *p = nt_pipe_of(k, f);
    return p && nt_pipe_mine(p, f)->state != NT_PIPE_DISCONNECTED ? STATUS_SUCCESS
                                                                  : STATUS_PIPE_DISCONNECTED;
}

bool nt_io_nameless(struct nt_kernel *k, struct nt_object *file)
{
    const struct nt_file *f = (const struct nt_file *)file;
    const struct nt_pipe *p = f->kind == NT_FILE_PIPE ? nt_pipe_of(k, f) : NULL;
    return p && p->len && p->name[0] == '\\';
}

/* A new end shows the descriptor that the pipe has. */
static void share_security(struct nt_kernel *k, struct nt_file *f)
{
    struct nt_io_ends ends = {0};
    nt_io_pipe_ends(k, &f->o, &ends);
    vec_foreach (it, &ends)
        if (*it != f->o.id)
            nt_object_sd_copy(k, *it, f->o.id);
    vec_free(&ends);
}

ntstatus nt_pipe_open(struct nt_call *c, const struct nt_path *path, uint32_t access,
                      uint32_t share, uint32_t options, struct nt_file **out)
{
    struct nt_io *io = c->k->io;
    struct nt_pipe *any = nt_pipe_find(io, path->text, path->len, false), *p = NULL;
    if (!any)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    vec_foreach (it, &io->pipes)
        if (!p && !(*it)->mailslot && (*it)->end[NT_END_SERVER].state == NT_PIPE_LISTENING &&
            utf16_equal_nocase((*it)->name, (*it)->len, path->text, path->len))
            p = *it;
    if (!may_open(any, access))
        return STATUS_ACCESS_DENIED;
    if (!p)
        return STATUS_PIPE_NOT_AVAILABLE;
    struct nt_file *f = attach(io, p, access, share, options, false);
    nt_pipe_queue_clear(&p->end[NT_END_CLIENT].in);
    p->end[NT_END_CLIENT].state = p->end[NT_END_SERVER].state = NT_PIPE_CONNECTED;
    nt_pipe_fail(c->k, p->end[NT_END_SERVER].file, NT_IRP_LISTEN, STATUS_SUCCESS);
    share_security(c->k, f);
    *out = f;
    return STATUS_SUCCESS;
}

static uint32_t count_instances(struct nt_io *io, const struct nt_pipe *like)
{
    uint32_t n = 0;
    vec_foreach (it, &io->pipes)
        if (!(*it)->mailslot && (*it)->end[NT_END_SERVER].file &&
            utf16_equal_nocase((*it)->name, (*it)->len, like->name, like->len))
            n++;
    return n;
}

struct pipe_request {
    uint32_t access, share, disposition, options, type, read_mode, completion, max, in, out;
    uint64_t timeout;
};

static ntstatus check_create(const struct pipe_request *r)
{
    if (!(r->share & 3) || (r->share & ~3u) || r->type > 1 || r->read_mode > 1 ||
        r->completion > 1 || (r->read_mode && !r->type) || !r->max)
        return STATUS_INVALID_PARAMETER;
    /* Wine's CreateNamedPipe says FILE_OVERWRITE_IF for what Windows calls FILE_OPEN_IF. */
    if (r->disposition > FILE_OVERWRITE_IF || r->disposition == FILE_SUPERSEDE ||
        r->disposition == FILE_OVERWRITE)
        return STATUS_INVALID_PARAMETER;
    if ((r->options & FILE_SYNCHRONOUS) && !(r->access & IO_SYNCHRONIZE))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static ntstatus make_instance(struct nt_io *io, const struct nt_path *path,
                              const struct pipe_request *r, struct nt_file **out, uint32_t *how)
{
    static const uint8_t configurations[] = {0, NT_PIPE_OUTBOUND, NT_PIPE_INBOUND, NT_PIPE_DUPLEX};
    uint8_t configuration = configurations[r->share & 3];
    struct nt_pipe *have = nt_pipe_find(io, path->text, path->len, false);
    if (!have && r->disposition == FILE_OPEN)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (have && count_instances(io, have) >= have->max_instances)
        return STATUS_INSTANCE_NOT_AVAILABLE;
    if (have && (r->disposition == FILE_CREATE || have->configuration != configuration))
        return STATUS_ACCESS_DENIED;
    struct nt_pipe *p = nt_pipe_new(io, path->text, path->len, false);
    p->messages = have ? have->messages : r->type == 1;
    p->configuration = configuration;
    p->max_instances = have ? have->max_instances : r->max;
    p->in_quota = r->in;
    p->out_quota = r->out;
    p->timeout = have ? have->timeout : r->timeout;
    *out = attach(io, p, r->access, r->share, r->options, true);
    (*out)->pipe_mode = (r->read_mode ? PIPE_READ_MESSAGES : 0) | (r->completion ? PIPE_NOWAIT : 0);
    p->end[NT_END_CLIENT].state = NT_PIPE_DISCONNECTED;
    p->end[NT_END_SERVER].state = NT_PIPE_LISTENING;
    nt_pipe_announce(io->k, p);
    share_security(io->k, *out);
    *how = have ? FILE_OPENED : FILE_CREATED;
    return STATUS_SUCCESS;
}

/* The first instance has the descriptor of its creator's choice. */
static ntstatus given_security(struct nt_call *c, uint64_t attributes, struct nt_file *f)
{
    struct OBJECT_ATTRIBUTES oa;
    ntstatus s = nt_get(c, &layout_OBJECT_ATTRIBUTES, attributes, &oa);
    if (!s && oa.SecurityDescriptor)
        s = nt_object_sd_give(c, &f->o, oa.SecurityDescriptor);
    if (s)
        nt_object_unref(c->k, &f->o);
    return s;
}

ntstatus nt_create_named_pipe_file(struct nt_call *c)
{
    const struct NtCreateNamedPipeFile_args *a = nt_args(c);
    struct nt_attrs at;
    struct nt_path path;
    struct nt_file *f;
    uint32_t how;
    struct pipe_request r = {.access = nt_map_access(NT_TYPE_FILE, (uint32_t)a->DesiredAccess),
                             .share = (uint32_t)a->ShareAccess,
                             .disposition = (uint32_t)a->CreateDisposition,
                             .options = (uint32_t)a->CreateOptions,
                             .type = (uint32_t)a->NamedPipeType,
                             .read_mode = (uint32_t)a->ReadMode,
                             .completion = (uint32_t)a->CompletionMode,
                             .max = (uint32_t)a->MaximumInstances,
                             .in = (uint32_t)a->InboundQuota,
                             .out = (uint32_t)a->OutboundQuota};
    ntstatus s = nt_zero_handle(c, a->FileHandle, STATUS_SUCCESS);
    if (!s && a->DefaultTimeout)
        s = nt_get_u64(c, a->DefaultTimeout, &r.timeout);
    if (!s && !a->ObjectAttributes)
        s = STATUS_INVALID_PARAMETER;
    if (!s)
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    s = nt_parse_attrs(c, &at, &path);
    if (!s) {
        s = check_create(&r);
        if (!s && path.kind == NT_PATH_PIPE && !path.len) /* nameless: opened through the handle */
            nt_pipe_anonymous(c->k->io, &path);
        if (!s && path.kind != NT_PATH_PIPE)
            s = STATUS_OBJECT_NAME_INVALID;
        if (!s)
            s = make_instance(c->k->io, &path, &r, &f, &how);
        if (!s && how == FILE_CREATED)
            s = given_security(c, a->ObjectAttributes, f);
        if (!s)
            s = nt_file_opened(c, f, &at, a->FileHandle, a->IoStatusBlock, how);
        nt_path_free(&path);
    }
    nt_attrs_free(&at);
    return s;
}

/* A name that no guest can write. */
void nt_pipe_anonymous(struct nt_io *io, struct nt_path *path)
{
    char text[40];
    snprintf(text, sizeof text, "\\anonymous\\%llu", (unsigned long long)++io->pipe_serial);
    free(path->text);
    path->text = utf8_to_utf16(text, strlen(text), &path->len);
}

/* ---- Information
 * --------------------------------------------------------------------------------- */

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void local_information(struct nt_io *io, const struct nt_file *f, struct nt_pipe *p,
                              uint8_t *out)
{
    const struct nt_pipe_end *mine = nt_pipe_mine(p, f), *other = nt_pipe_other(p, f);
    uint32_t quota = f->server ? p->out_quota : p->in_quota;
    size_t used = nt_pipe_available(&other->in);
    put32(out, p->messages);
    put32(out + 4, p->configuration);
    put32(out + 8, p->max_instances);
    put32(out + 12, count_instances(io, p));
    put32(out + 16, p->in_quota);
    put32(out + 20, (uint32_t)nt_pipe_available(&mine->in));
    put32(out + 24, p->out_quota);
    put32(out + 28, quota > used ? quota - (uint32_t)used : 0);
    put32(out + 32, mine->state);
    put32(out + 36, f->server);
}

ntstatus nt_pipe_query(struct nt_call *c, struct nt_file *f, uint32_t cls, void *out, size_t *len)
{
    struct nt_pipe *p =
        f->kind == NT_FILE_PIPE || f->kind == NT_FILE_MAILSLOT ? nt_pipe_of(c->k, f) : NULL;
    uint8_t *o = out;
    if (f->kind == NT_FILE_STREAM && nt_stream_class(c->k, f) == NT_STREAM_PIPE &&
        cls == FilePipeInformation) {
        *len = 8; /* bytes, blocking */
        return STATUS_SUCCESS;
    }
    if (!p)
        return f->kind == NT_FILE_PIPE ? STATUS_PIPE_DISCONNECTED : STATUS_INVALID_PARAMETER;
    if (p->mailslot) {
        if (cls != FileMailslotQueryInformation || !f->server)
            return STATUS_INVALID_PARAMETER;
        const struct nt_pipe_queue *q = &p->end[NT_END_SERVER].in;
        put32(o, p->max_message);
        put32(o + 4, p->in_quota);
        put32(o + 8, q->len ? (uint32_t)q->data[0].len : 0xffffffff);
        put32(o + 12, (uint32_t)q->len);
        memcpy(o + 16, &p->timeout, 8);
        *len = 24;
        return STATUS_SUCCESS;
    }
    if (cls == FilePipeInformation) {
        put32(o, f->pipe_mode & PIPE_READ_MESSAGES ? 1 : 0);
        put32(o + 4, f->pipe_mode & PIPE_NOWAIT ? 1 : 0);
        *len = 8;
        return STATUS_SUCCESS;
    }
    if (cls != FilePipeLocalInformation)
        return STATUS_INVALID_PARAMETER;
    local_information(c->k->io, f, p, o);
    *len = 40;
    return STATUS_SUCCESS;
}

ntstatus nt_pipe_set_info(struct nt_file *f, uint32_t read_mode, uint32_t completion_mode,
                          struct nt_kernel *k)
{
    const struct nt_pipe *p = f->kind == NT_FILE_PIPE ? nt_pipe_of(k, f) : NULL;
    if (!p)
        return f->kind == NT_FILE_PIPE ? STATUS_PIPE_DISCONNECTED : STATUS_INVALID_PARAMETER;
    if (read_mode > 1 || completion_mode > 1 || (read_mode && !p->messages))
        return STATUS_INVALID_PARAMETER;
    f->pipe_mode = (read_mode ? PIPE_READ_MESSAGES : 0) | (completion_mode ? PIPE_NOWAIT : 0);
    return STATUS_SUCCESS;
}

/* ---- Control codes
 * ------------------------------------------------------------------------------- */

static ntstatus listen(struct nt_call *c, struct nt_file *f, struct nt_irp *r, struct nt_pipe *p)
{
    struct nt_pipe_end *mine = nt_pipe_mine(p, f);
    ntstatus s = STATUS_SUCCESS;
    if (!f->server)
        s = STATUS_ILLEGAL_FUNCTION;
    else if (mine->state == NT_PIPE_CONNECTED)
        s = STATUS_PIPE_CONNECTED;
    else if (mine->state == NT_PIPE_CLOSING)
        s = STATUS_PIPE_CLOSING;
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    if (mine->state == NT_PIPE_DISCONNECTED) {
        mine->state = NT_PIPE_LISTENING;
        nt_pipe_announce(c->k, p);
    }
    if (f->pipe_mode & PIPE_NOWAIT)
        return nt_irp_finish(c, f, r, STATUS_PIPE_LISTENING, 0);
    r->kind = NT_IRP_LISTEN;
    return nt_irp_pend(c, f, r);
}

static ntstatus disconnect(struct nt_kernel *k, struct nt_file *f, struct nt_pipe *p)
{
    struct nt_pipe_end *mine = nt_pipe_mine(p, f), *other = nt_pipe_other(p, f);
    static const uint8_t kinds[] = {NT_IRP_READ, NT_IRP_WRITE, NT_IRP_TRANSCEIVE, NT_IRP_FLUSH,
                                    NT_IRP_LISTEN};
    if (!f->server)
        return STATUS_ILLEGAL_FUNCTION;
    if (mine->state == NT_PIPE_DISCONNECTED)
        return STATUS_PIPE_DISCONNECTED;
    if (mine->state == NT_PIPE_LISTENING) {
        nt_pipe_fail(k, mine->file, NT_IRP_LISTEN, STATUS_PIPE_DISCONNECTED);
        mine->state = NT_PIPE_DISCONNECTED;
        return STATUS_SUCCESS;
    }
    nt_id client = other->file;
    mine->state = other->state = NT_PIPE_DISCONNECTED;
    nt_pipe_queue_clear(&mine->in);
    nt_pipe_queue_clear(&other->in);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        nt_pipe_fail(k, mine->file, kinds[i], STATUS_PIPE_DISCONNECTED);
        nt_pipe_fail(k, client, kinds[i], STATUS_PIPE_DISCONNECTED);
    }
    /* The client keeps a handle to nothing; its place is free for the next one. */
    struct nt_file *cf = client ? nt_object_get(k, client, NT_TYPE_FILE) : NULL;
    if (cf)
        cf->pipe = 0;
    other->file = 0;
    return STATUS_SUCCESS;
}

static ntstatus peek(struct nt_call *c, struct nt_file *f, struct nt_pipe *p, uint64_t out,
                     uint32_t out_len, uint64_t *used)
{
    const struct nt_pipe_end *mine = nt_pipe_mine(p, f);
    uint32_t head[4] = {mine->state, (uint32_t)nt_pipe_available(&mine->in), 0, 0};
    if (out_len < sizeof head)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (mine->state == NT_PIPE_CLOSING && !mine->in.len)
        return STATUS_PIPE_BROKEN;
    if (mine->state != NT_PIPE_CONNECTED && mine->state != NT_PIPE_CLOSING)
        return STATUS_INVALID_PIPE_STATE;
    bool messages = p->messages; /* whatever the read mode */
    size_t room = out_len - sizeof head, done = 0;
    ntstatus s = STATUS_SUCCESS;
    for (size_t i = 0; i < mine->in.len && !s; i++) {
        const struct nt_pipe_message *m = &mine->in.data[i];
        size_t left = m->len - m->at, n = MIN(left, room - done);
        if (i == 0 && messages)
            head[3] = (uint32_t)left;
        s = nt_write(c, out + sizeof head + done, m->data + m->at, n);
        done += n;
        if (messages && !s) {
            s = n < left ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
            break;
        }
    }
    if (p->messages)
        head[2] = (uint32_t)mine->in.len;
    ntstatus w = nt_write(c, out, head, sizeof head);
    *used = sizeof head + done;
    return w ? w : s;
}

static ntstatus transceive(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                           struct nt_pipe *p, uint64_t in, uint32_t in_len, uint64_t out,
                           uint32_t out_len)
{
    struct nt_pipe_end *mine = nt_pipe_mine(p, f), *to = nt_pipe_other(p, f);
    uint8_t *data;
    ntstatus s = STATUS_SUCCESS;
    if (mine->state != NT_PIPE_CONNECTED)
        s = STATUS_INVALID_PIPE_STATE;
    else if (!(f->pipe_mode & PIPE_READ_MESSAGES))
        s = STATUS_INVALID_READ_MODE;
    else if (mine->in.len)
        s = STATUS_PIPE_BUSY;
    if (!s)
        s = nt_pipe_fetch(c, in, in_len, &data);
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    nt_pipe_push(&to->in, data, in_len, 0);
    free(data);
    nt_pipe_pump(c->k, p, to);
    r->kind = NT_IRP_TRANSCEIVE;
    r->buffer = out;
    r->length = out_len;
    return nt_pipe_read(c, f, r);
}

/* FILE_PIPE_WAIT_FOR_BUFFER: {timeout, name bytes, timeout specified, name at 14}. */
static ntstatus wait_for(struct nt_call *c, struct nt_file *f, struct nt_irp *r, uint64_t in,
                         uint32_t in_len)
{
    uint8_t head[14];
    uint32_t bytes;
    int64_t timeout;
    struct nt_io *io = c->k->io;
    if (in_len < sizeof head)
        return nt_irp_finish(c, f, r, STATUS_INVALID_PARAMETER, 0);
    ntstatus s = nt_read(c, in, head, sizeof head);
    memcpy(&timeout, head, 8);
    memcpy(&bytes, head + 8, 4);
    if (!s && (bytes > in_len - sizeof head || bytes % 2 || bytes > 1024))
        s = STATUS_INVALID_PARAMETER;
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    uint16_t name[512];
    s = nt_read(c, in + sizeof head, name, bytes);
    const struct nt_pipe *any = s ? NULL : nt_pipe_find(io, name, bytes / 2, false);
    if (!s && !any)
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    if (s)
        return nt_irp_finish(c, f, r, s, 0);
    vec_foreach (it, &io->pipes)
        if (!(*it)->mailslot && (*it)->end[NT_END_SERVER].state == NT_PIPE_LISTENING &&
            utf16_equal_nocase((*it)->name, (*it)->len, name, bytes / 2))
            return nt_irp_finish(c, f, r, STATUS_SUCCESS, 0);
    if (!head[12])
        timeout = (int64_t)any->timeout;
    uint64_t by = timeout < 0 ? (uint64_t)-timeout : 0;
    if (timeout != INT64_MIN)
        r->deadline = MAX(nt_now(c->k) + by, 1);
    r->kind = NT_IRP_PIPE_WAIT;
    r->data = xmemdup(name, bytes);
    r->data_len = bytes;
    return nt_irp_pend(c, f, r);
}

/* "ClientProcessId" and "ServerProcessId", by name. */
static ntstatus attribute(struct nt_call *c, struct nt_pipe *p, uint64_t in, uint32_t in_len,
                          uint64_t out, uint32_t out_len, uint64_t *used)
{
    char name[32] = "";
    if (in_len >= sizeof name)
        return STATUS_NOT_FOUND;
    ntstatus s = nt_read(c, in, name, in_len);
    if (s)
        return s;
    (void)p;
    if (strcmp(name, "ClientProcessId") && strcmp(name, "ServerProcessId"))
        return STATUS_NOT_FOUND;
    if (out_len < 4)
        return STATUS_BUFFER_OVERFLOW;
    *used = 4;
    return nt_put_u32(c, out, c->p->pid);
}

ntstatus nt_pipe_control(struct nt_call *c, struct nt_file *f, struct nt_irp *r, uint32_t code,
                         uint64_t in, uint32_t in_len, uint64_t out, uint32_t out_len)
{
    struct nt_pipe *p = f->kind == NT_FILE_PIPE ? nt_pipe_of(c->k, f) : NULL;
    uint64_t used = 0;
    ntstatus s;
    if (code == FSCTL_PIPE_WAIT)
        return f->kind == NT_FILE_PIPE ? nt_irp_finish(c, f, r, STATUS_ILLEGAL_FUNCTION, 0)
                                       : wait_for(c, f, r, in, in_len);
    if (!p)
        return nt_irp_finish(
            c, f, r, f->kind == NT_FILE_PIPE ? STATUS_PIPE_DISCONNECTED : STATUS_NOT_SUPPORTED, 0);
    switch (code) {
    case FSCTL_PIPE_LISTEN:
        return listen(c, f, r, p);
    case FSCTL_PIPE_TRANSCEIVE:
        return transceive(c, f, r, p, in, in_len, out, out_len);
    case FSCTL_PIPE_DISCONNECT:
        s = disconnect(c->k, f, p);
        break;
    case FSCTL_PIPE_PEEK:
        s = peek(c, f, p, out, out_len, &used);
        break;
    case FSCTL_PIPE_IMPERSONATE:
        s = f->server ? nt_impersonate_process(c, c->p) : STATUS_ILLEGAL_FUNCTION;
        break;
    case FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE:
        s = attribute(c, p, in, in_len, out, out_len, &used);
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    return nt_irp_finish(c, f, r, s, used);
}
