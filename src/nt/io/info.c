// SPDX-License-Identifier: GPL-2.0-or-later
/* NtQueryInformationFile. Structures are written as bytes: they have no pointers, so that both
 * bitnesses share them. */
#include "nt/io/internal.h"
#include "nt/io/classes.h"

static const uint64_t VOLUME_SERIAL = 0x50675250; /* the same for all drives and every run */

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

static void put_times(const struct nt_stat *st, uint8_t *out)
{
    put64(out, st->created);
    put64(out + 8, st->accessed);
    put64(out + 16, st->written);
    put64(out + 24, st->changed);
}

void nt_basic_information(const struct nt_stat *st, uint8_t out[40])
{
    memset(out, 0, 40);
    put_times(st, out);
    put32(out + 32, st->attributes);
}

void nt_network_information(const struct nt_stat *st, uint8_t out[56])
{
    memset(out, 0, 56);
    put_times(st, out);
    put64(out + 32, st->allocation);
    put64(out + 40, st->size);
    put32(out + 48, st->attributes);
}

struct query {
    struct nt_call *c;
    struct nt_file *f;
    struct nt_stat st;
    uint8_t *out; /* `size` bytes, zeroed */
    size_t size, used;
};
typedef ntstatus query_fn(struct query *q);

static bool delete_pending(struct query *q)
{
    const struct nt_fcb *fcb = nt_file_fcb(q->c->k, q->f);
    return fcb && (fcb->delete_pending || fcb->deleted);
}

static ntstatus q_basic(struct query *q)
{
    nt_basic_information(&q->st, q->out);
    q->used = 40;
    return STATUS_SUCCESS;
}

static void put_standard(struct query *q, uint8_t *out)
{
    bool pending = delete_pending(q);
    put64(out, q->st.allocation);
    put64(out + 8, q->st.size);
    put32(out + 16, pending && q->st.links ? q->st.links - 1 : q->st.links);
    out[20] = pending;
    out[21] = q->st.directory;
}

static ntstatus q_standard(struct query *q)
{
    put_standard(q, q->out);
    q->used = 24;
    return STATUS_SUCCESS;
}

static ntstatus q_internal(struct query *q)
{
    const struct nt_fcb *fcb = nt_file_fcb(q->c->k, q->f);
    put64(q->out, q->st.id);
    if (fcb)
        nt_file_id_seen(q->c->k->io, q->st.id, fcb->path, fcb->len);
    q->used = 8;
    return STATUS_SUCCESS;
}

static ntstatus q_zero32(struct query *q)
{
    q->used = 4;
    return STATUS_SUCCESS;
}

static ntstatus q_access(struct query *q)
{
    put32(q->out, q->f->access);
    q->used = 4;
    return STATUS_SUCCESS;
}

static uint32_t mode_of(const struct nt_file *f)
{
    return f->options & (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY |
                         FILE_NO_INTERMEDIATE_BUFFERING | FILE_SYNCHRONOUS);
}

static ntstatus q_mode(struct query *q)
{
    put32(q->out, mode_of(q->f));
    q->used = 4;
    return STATUS_SUCCESS;
}

static uint64_t position_of(const struct query *q)
{
    struct nt_kernel *k = q->c->k;
    return nt_stream_on_disk(k, q->f) ? nt_stream_position(k, q->f) : q->f->position;
}

static ntstatus q_position(struct query *q)
{
    put64(q->out, position_of(q));
    q->used = 8;
    return STATUS_SUCCESS;
}

/* A length and as much of a name as there is room for. */
static ntstatus put_name(struct query *q, size_t at, uint16_t *name, size_t len)
{
    size_t bytes = len * 2, room = q->size > at + 4 ? q->size - at - 4 : 0, n = MIN(bytes, room);
    put32(q->out + at, (uint32_t)bytes);
    memcpy(q->out + at + 4, name, n);
    q->used = at + 4 + n;
    free(name);
    return n < bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus q_name(struct query *q)
{
    size_t len;
    if (q->f->kind == NT_FILE_PIPE && !q->f->pipe)
        return STATUS_PIPE_DISCONNECTED;
    uint16_t *name = nt_file_name(q->c->k, q->f, NT_FILE_NAME_LOCAL, &len);
    return put_name(q, 0, name, len);
}

static ntstatus q_volume_name(struct query *q)
{
    size_t len;
    const struct nt_fcb *fcb = nt_file_fcb(q->c->k, q->f);
    uint16_t *name = nt_file_name(q->c->k, q->f, NT_FILE_NAME_DEVICE, &len);
    if (fcb)
        len -= fcb->len > 2 ? fcb->len - 2 : 1;
    return put_name(q, 0, name, len);
}

static ntstatus q_all(struct query *q)
{
    size_t len;
    nt_basic_information(&q->st, q->out);
    put_standard(q, q->out + 40);
    put64(q->out + 64, q->st.id);
    put32(q->out + 76, q->f->access);
    put64(q->out + 80, position_of(q));
    put32(q->out + 88, mode_of(q->f));
    uint16_t *name = nt_file_name(q->c->k, q->f, NT_FILE_NAME_LOCAL, &len);
    return put_name(q, 96, name, len);
}

static ntstatus q_network(struct query *q)
{
    nt_network_information(&q->st, q->out);
    q->used = 56;
    return STATUS_SUCCESS;
}

static ntstatus q_tag(struct query *q)
{
    put32(q->out, q->st.attributes);
    q->used = 8;
    return STATUS_SUCCESS;
}

static ntstatus q_stream(struct query *q)
{
    static const uint16_t name[] = u"::$DATA";
    size_t bytes = sizeof name - 2;
    if (q->st.directory)
        return STATUS_SUCCESS; /* no streams: nothing is written */
    put32(q->out + 4, (uint32_t)bytes);
    put64(q->out + 8, q->st.size);
    put64(q->out + 16, q->st.allocation);
    if (q->size < 24 + bytes) {
        q->used = 24;
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(q->out + 24, name, bytes);
    q->used = 24 + bytes;
    return STATUS_SUCCESS;
}

static ntstatus q_links(struct query *q)
{
    put32(q->out, q->st.links);
    put32(q->out + 4, q->st.links);
    q->out[8] = delete_pending(q);
    q->out[9] = q->st.directory;
    q->used = 12;
    return STATUS_SUCCESS;
}

static ntstatus q_id(struct query *q)
{
    put64(q->out, VOLUME_SERIAL);
    put64(q->out + 8, q->st.id);
    q->used = 24;
    return STATUS_SUCCESS;
}

static ntstatus q_stat(struct query *q)
{
    put64(q->out, q->st.id);
    put_times(&q->st, q->out + 8);
    put64(q->out + 40, q->st.allocation);
    put64(q->out + 48, q->st.size);
    put32(q->out + 56, q->st.attributes);
    put32(q->out + 64, q->st.links);
    put32(q->out + 68, q->f->access);
    q->used = 72;
    return STATUS_SUCCESS;
}

static ntstatus q_compression(struct query *q)
{
    put64(q->out, q->st.size);
    q->used = 16;
    return STATUS_SUCCESS;
}

/* Windows has it for setting only; Wine's activation contexts ask for the size of a manifest so. */
static ntstatus q_end_of_file(struct query *q)
{
    put64(q->out, q->st.size);
    q->used = 8;
    return STATUS_SUCCESS;
}

static ntstatus q_not_remote(struct query *q)
{
    q->used = 1;
    return STATUS_SUCCESS;
}

static ntstatus q_alias(struct query *q)
{
    uint16_t alias[12];
    const struct nt_fcb *fcb = nt_file_fcb(q->c->k, q->f);
    if (!fcb || fcb->len <= 3)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    size_t cut = nt_path_parent(fcb->path, fcb->len) + 1;
    size_t n = nt_short_name(fcb->path + cut, fcb->len - cut, alias);
    if (!n) { /* it is its own */
        n = fcb->len - cut;
        memcpy(alias, fcb->path + cut, n * 2);
    }
    return put_name(q, 0, xmemdup(alias, n * 2), n);
}

static ntstatus q_port_flags(struct query *q)
{
    put32(q->out, q->f->port_flags);
    q->used = 4;
    return STATUS_SUCCESS;
}

static ntstatus q_refused(struct query *q)
{
    return STATUS_INVALID_PARAMETER;
}

static ntstatus q_pipe(struct query *q);
static ntstatus q_pipe_local(struct query *q);
static ntstatus q_mailslot(struct query *q);

/* NTFS grants reading attributes to whoever may list the directory, so no right is asked for. */
enum { ANY_KIND = 1, NEEDS_STAT = 2 };

static const struct {
    query_fn *fn;
    uint16_t least;
    uint16_t access;
    uint8_t flags;
} classes[FileMaximumInformation] = {
    [FileBasicInformation] = {q_basic, 40, 0, NEEDS_STAT},
    [FileStandardInformation] = {q_standard, 24, 0, NEEDS_STAT},
    [FileInternalInformation] = {q_internal, 8, 0, NEEDS_STAT},
    [FileEaInformation] = {q_zero32, 4, 0, ANY_KIND},
    [FileAccessInformation] = {q_access, 4, 0, ANY_KIND},
    [FileNameInformation] = {q_name, 8, 0, ANY_KIND},
    [FileNormalizedNameInformation] = {q_name, 8, 0, ANY_KIND},
    [FileVolumeNameInformation] = {q_volume_name, 8, 0, ANY_KIND},
    [FilePositionInformation] = {q_position, 8, 0, ANY_KIND},
    [FileModeInformation] = {q_mode, 4, 0, ANY_KIND},
    [FileAlignmentInformation] = {q_zero32, 4, 0, ANY_KIND},
    [FileAllInformation] = {q_all, 104, 0, NEEDS_STAT},
    [FileAlternateNameInformation] = {q_alias, 8, 0, 0},
    [FileStreamInformation] = {q_stream, 24, 0, NEEDS_STAT},
    [FileEndOfFileInformation] = {q_end_of_file, 8, 0, NEEDS_STAT},
    [FilePipeInformation] = {q_pipe, 8, FILE_READ_ATTRIBUTES, ANY_KIND},
    [FilePipeLocalInformation] = {q_pipe_local, 40, FILE_READ_ATTRIBUTES, ANY_KIND},
    [FileMailslotQueryInformation] = {q_mailslot, 24, 0, ANY_KIND},
    [FileCompressionInformation] = {q_compression, 16, 0, NEEDS_STAT},
    [FileNetworkOpenInformation] = {q_network, 56, 0, NEEDS_STAT},
    [FileAttributeTagInformation] = {q_tag, 8, 0, NEEDS_STAT},
    [FileIoCompletionNotificationInformation] = {q_port_flags, 4, 0, ANY_KIND},
    [FileIoPriorityHintInformation] = {q_zero32, 4, 0, ANY_KIND},
    [FileIsRemoteDeviceInformation] = {q_not_remote, 1, 0, ANY_KIND},
    [FileStandardLinkInformation] = {q_links, 12, 0, NEEDS_STAT},
    [FileRemoteProtocolInformation] = {q_refused, 4, 0, ANY_KIND},
    [FileIdInformation] = {q_id, 24, 0, NEEDS_STAT},
    [FileStatInformation] = {q_stat, 72, 0, NEEDS_STAT},
    [FileCaseSensitiveInformation] = {q_zero32, 4, 0, 0},
};

static ntstatus q_pipe_class(struct query *q, uint32_t cls)
{
    return nt_pipe_query(q->c, q->f, cls, q->out, &q->used);
}

static ntstatus q_pipe(struct query *q)
{
    return q_pipe_class(q, FilePipeInformation);
}

static ntstatus q_pipe_local(struct query *q)
{
    return q_pipe_class(q, FilePipeLocalInformation);
}

static ntstatus q_mailslot(struct query *q)
{
    return q_pipe_class(q, FileMailslotQueryInformation);
}

/* What is no disk file looks like an empty one. */
static ntstatus fill_stat(struct query *q)
{
    struct nt_fcb *fcb = nt_file_fcb(q->c->k, q->f);
    if (fcb)
        return nt_fcb_stat(q->c->k->io, fcb, &q->st);
    switch (q->f->kind) {
    case NT_FILE_STREAM:
        switch (nt_stream_class(q->c->k, q->f)) {
        case NT_STREAM_DISK:
            return nt_stream_stat(q->c->k, q->f, &q->st);
        case NT_STREAM_PIPE:
            break;
        default:
            return STATUS_INVALID_DEVICE_REQUEST;
        }
        /* fall through */
    case NT_FILE_PIPE:
    case NT_FILE_MAILSLOT:
    case NT_FILE_PIPE_ROOT:
        q->st = (struct nt_stat){.attributes = FILE_ATTRIBUTE_NORMAL, .links = 1};
        q->st.directory = q->f->kind == NT_FILE_PIPE_ROOT;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

enum { INFO_MAX = 1 << 17 };

ntstatus nt_query_information_file(struct nt_call *c)
{
    const struct NtQueryInformationFile_args *a = nt_args(c);
    uint32_t cls = (uint32_t)a->FileInformationClass, length = (uint32_t)a->Length;
    struct query q = {.c = c};
    if (cls >= FileMaximumInformation || !cls)
        return STATUS_INVALID_INFO_CLASS;
    if (!classes[cls].fn)
        return nt_unknown_class(c, cls);
    ntstatus s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (s)
        return s;
    if (length < classes[cls].least)
        return STATUS_INFO_LENGTH_MISMATCH;
    s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, classes[cls].access, &q.f);
    if (!s && !(classes[cls].flags & ANY_KIND))
        s = fill_stat(&q);
    if (s)
        return s;
    q.size = MIN(length, INFO_MAX);
    q.out = xcalloc(1, q.size);
    s = classes[cls].fn(&q);
    if (!nt_error(s)) {
        ntstatus w = nt_write(c, a->FileInformation, q.out, q.used);
        if (w)
            s = w;
        else
            nt_put_iosb(c, a->IoStatusBlock, s, q.used);
    }
    free(q.out);
    return s;
}
