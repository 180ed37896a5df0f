// SPDX-License-Identifier: GPL-2.0-or-later
/* NtSetInformationFile, but for names (rename.c). */
#include "nt/io/internal.h"
#include "nt/io/classes.h"

#include <unistd.h>

struct set {
    struct nt_call *c;
    struct nt_file *f;
    struct nt_fcb *fcb; /* NULL: no disk file */
    const uint8_t *in;
    uint32_t len;
};

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Times: 0 leaves one as it is; -1 and -2 switch automatic updates, which nothing here does. */
static uint64_t time_of(const uint8_t *p)
{
    uint64_t v = get64(p);
    return v >= UINT64_MAX - 1 ? 0 : v;
}

static ntstatus set_basic(struct set *s)
{
    struct nt_io *io = s->c->k->io;
    struct nt_node n;
    uint32_t attributes = get32(s->in + 32);
    if (!s->fcb)
        return STATUS_SUCCESS;
    for (int i = 0; i < 4; i++)
        if ((int64_t)get64(s->in + 8 * i) < -2)
            return STATUS_INVALID_PARAMETER;
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) && !s->fcb->directory)
        return STATUS_INVALID_PARAMETER;
    if ((attributes & FILE_ATTRIBUTE_TEMPORARY) && s->fcb->directory)
        return STATUS_INVALID_PARAMETER;
    ntstatus st = nt_fcb_node(io, s->fcb, &n);
    if (!st)
        st = nt_check_writable(io, &n);
    nt_fcb_stamp(io, s->fcb);
    if (!st)
        st = nt_set_times(io, &n, time_of(s->in), time_of(s->in + 8), time_of(s->in + 16));
    if (!st && attributes)
        st = nt_set_attributes(io, &n, attributes & FILE_ATTRIBUTES_SETTABLE);
    nt_node_free(&n);
    if (!st)
        nt_notify(io, s->fcb->path, s->fcb->len,
                  FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_LAST_WRITE,
                  FILE_ACTION_MODIFIED);
    return st;
}

static ntstatus may_delete(struct set *s, bool ignore_readonly)
{
    struct nt_io *io = s->c->k->io;
    struct nt_node n;
    struct nt_stat st;
    ntstatus r = nt_fcb_node(io, s->fcb, &n);
    if (!r)
        r = nt_check_writable(io, &n);
    if (!r)
        nt_stat_node(io, &n, &st);
    if (!r && (n.synthetic || n.guest_len == 2))
        r = STATUS_CANNOT_DELETE;
    else if (!r && !n.directory && (st.attributes & FILE_ATTRIBUTE_READONLY) && !ignore_readonly)
        r = STATUS_CANNOT_DELETE;
    else if (!r && (s->fcb->mapped_image || s->fcb->mapped_data))
        r = STATUS_CANNOT_DELETE;
    else if (!r && n.directory)
        r = nt_dir_empty(io, &n);
    nt_node_free(&n);
    return r;
}

static ntstatus set_disposition(struct set *s)
{
    if (!s->fcb)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!s->in[0]) {
        s->fcb->delete_pending = false;
        return STATUS_SUCCESS;
    }
    ntstatus r = may_delete(s, false);
    if (!r)
        s->fcb->delete_pending = true;
    return r;
}

enum {
    DISPOSITION_DELETE = 1,
    DISPOSITION_POSIX = 2,
    DISPOSITION_ON_CLOSE = 8,
    DISPOSITION_IGNORE_READONLY = 16
};

static ntstatus set_disposition_ex(struct set *s)
{
    uint32_t flags = get32(s->in);
    struct nt_node n;
    if (!s->fcb)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (flags & DISPOSITION_ON_CLOSE) {
        s->f->delete_on_close = flags & DISPOSITION_DELETE;
        return STATUS_SUCCESS;
    }
    if (!(flags & DISPOSITION_DELETE)) {
        s->fcb->delete_pending = false;
        return STATUS_SUCCESS;
    }
    ntstatus r = may_delete(s, flags & DISPOSITION_IGNORE_READONLY);
    if (r)
        return r;
    if (!(flags & DISPOSITION_POSIX)) {
        s->fcb->delete_pending = true;
        return STATUS_SUCCESS;
    }
    r = nt_fcb_node(s->c->k->io, s->fcb, &n); /* the name goes now, whoever has it open */
    if (!r)
        r = nt_remove(s->c->k->io, &n);
    if (!r)
        s->fcb->deleted = true;
    nt_node_free(&n);
    return r;
}

static ntstatus set_position(struct set *s)
{
    uint64_t at = get64(s->in);
    if (nt_stream_on_disk(s->c->k, s->f))
        return nt_stream_seek(s->c->k, s->f, at);
    if (at > INT64_MAX)
        return STATUS_INVALID_PARAMETER;
    s->f->position = at;
    return STATUS_SUCCESS;
}

static ntstatus resize(struct set *s, uint64_t size, bool only_shrink)
{
    int fd;
    struct stat st;
    if (nt_stream_on_disk(s->c->k, s->f))
        return nt_stream_resize(s->c->k, s->f, size, only_shrink);
    if (!s->fcb)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (s->fcb->directory || size > INT64_MAX)
        return STATUS_INVALID_PARAMETER;
    ntstatus r = nt_fcb_fd(s->c->k->io, s->fcb, true, &fd);
    if (r)
        return r;
    if (fstat(fd, &st) < 0)
        return STATUS_IO_DEVICE_ERROR;
    uint64_t now = (uint64_t)st.st_size;
    if (size == now || (only_shrink && size > now))
        return STATUS_SUCCESS;
    if (size < now && (s->fcb->mapped_data || s->fcb->mapped_image))
        return STATUS_USER_MAPPED_FILE;
    if (ftruncate(fd, (off_t)size) < 0)
        return STATUS_DISK_FULL;
    s->fcb->written = true;
    nt_notify(s->c->k->io, s->fcb->path, s->fcb->len,
              FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

static ntstatus set_end(struct set *s)
{
    return resize(s, get64(s->in), false);
}

static ntstatus set_allocation(struct set *s)
{
    return resize(s, get64(s->in), true);
}

static ntstatus set_mode(struct set *s)
{
    uint32_t mode = get32(s->in), kept = FILE_SYNCHRONOUS;
    uint32_t may = FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS;
    if (mode & ~may || !(mode & FILE_SYNCHRONOUS) != !nt_file_synchronous(s->f))
        return STATUS_INVALID_PARAMETER;
    uint32_t sync = mode & FILE_SYNCHRONOUS ? mode & FILE_SYNCHRONOUS : s->f->options & kept;
    s->f->options = (s->f->options & ~may) | (mode & (may & ~kept)) | sync;
    return STATUS_SUCCESS;
}

static ntstatus set_completion(struct set *s)
{
    struct nt_object *port;
    bool wide = nt_ptr_size(s->c) == 8;
    if (s->len < (wide ? 16u : 8u))
        return STATUS_INFO_LENGTH_MISMATCH;
    uint64_t handle = wide ? get64(s->in) : get32(s->in);
    if (nt_file_synchronous(s->f) || s->f->port)
        return STATUS_INVALID_PARAMETER;
    ntstatus r = nt_handle_get(s->c, handle, NT_TYPE_IO_COMPLETION, 0, &port);
    if (r)
        return r;
    nt_object_ref(port);
    s->f->port = port->id;
    s->f->port_key = wide ? get64(s->in + 8) : get32(s->in + 4);
    return STATUS_SUCCESS;
}

static ntstatus replace_completion(struct set *s)
{
    bool wide = nt_ptr_size(s->c) == 8;
    if (s->len < (wide ? 16u : 8u))
        return STATUS_INFO_LENGTH_MISMATCH;
    nt_id_unref(s->c->k, s->f->port);
    s->f->port = 0;
    return (wide ? get64(s->in) : get32(s->in)) ? set_completion(s) : STATUS_SUCCESS;
}

static ntstatus set_port_flags(struct set *s)
{
    uint32_t flags = get32(s->in);
    if (nt_file_synchronous(s->f))
        return STATUS_INVALID_PARAMETER;
    s->f->port_flags |= flags & 3; /* they cannot be taken back */
    if (flags & 2)                 /* FILE_SKIP_SET_EVENT_ON_HANDLE */
        s->f->signaled = false;
    return STATUS_SUCCESS;
}

static ntstatus set_pipe(struct set *s)
{
    if (s->f->kind == NT_FILE_STREAM && nt_stream_class(s->c->k, s->f) == NT_STREAM_PIPE)
        return STATUS_SUCCESS;
    return nt_pipe_set_info(s->f, get32(s->in), get32(s->in + 4), s->c->k);
}

static ntstatus set_mailslot(struct set *s)
{
    if (s->f->kind != NT_FILE_MAILSLOT)
        return STATUS_INVALID_DEVICE_REQUEST;
    return nt_mailslot_set_timeout(s->c->k, s->f, get64(s->in));
}

/* All bytes of a file are valid: nothing changes, but what is asked must make sense. */
static ntstatus set_valid(struct set *s)
{
    struct nt_stat st;
    uint64_t size = get64(s->in);
    if (!s->fcb || s->fcb->directory)
        return STATUS_INVALID_PARAMETER;
    ntstatus r = nt_fcb_stat(s->c->k->io, s->fcb, &st);
    return r ? r : size && size <= st.size ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static ntstatus set_priority_hint(struct set *s)
{
    enum { MAXIMUM_PRIORITY_HINT = 3 }; /* a kernel's two higher ones are not for programs */
    return get32(s->in) < MAXIMUM_PRIORITY_HINT ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static ntstatus set_nothing(struct set *s)
{
    return STATUS_SUCCESS;
}

static ntstatus set_name(struct set *s)
{
    return nt_rename_file(s->c, s->f, s->in, s->len, false, false);
}

static ntstatus set_name_ex(struct set *s)
{
    return nt_rename_file(s->c, s->f, s->in, s->len, true, false);
}

static ntstatus set_link(struct set *s)
{
    return nt_rename_file(s->c, s->f, s->in, s->len, false, true);
}

static ntstatus set_link_ex(struct set *s)
{
    return nt_rename_file(s->c, s->f, s->in, s->len, true, true);
}

static const struct {
    ntstatus (*fn)(struct set *s);
    uint32_t least, access;
} setters[FileMaximumInformation] = {
    /* Wine's SetFileAttributes asks for no more than SYNCHRONIZE. */
    [FileBasicInformation] = {set_basic, 40, 0},
    [FileRenameInformation] = {set_name, 14, IO_DELETE},
    [FileRenameInformationEx] = {set_name_ex, 14, IO_DELETE},
    [FileLinkInformation] = {set_link, 14, 0},
    [FileLinkInformationEx] = {set_link_ex, 14, 0},
    [FileDispositionInformation] = {set_disposition, 1, IO_DELETE},
    [FileDispositionInformationEx] = {set_disposition_ex, 4, IO_DELETE},
    [FilePositionInformation] = {set_position, 8, 0},
    [FileModeInformation] = {set_mode, 4, 0},
    [FileAllocationInformation] = {set_allocation, 8, FILE_WRITE_DATA},
    [FileEndOfFileInformation] = {set_end, 8, FILE_WRITE_DATA},
    [FileValidDataLengthInformation] = {set_valid, 8, FILE_WRITE_DATA},
    [FilePipeInformation] = {set_pipe, 8, FILE_WRITE_ATTRIBUTES},
    [FilePipeRemoteInformation] = {set_nothing, 16, FILE_WRITE_ATTRIBUTES},
    [FileMailslotSetInformation] = {set_mailslot, 8, 0},
    [FileCompletionInformation] = {set_completion, 8, 0},
    [FileReplaceCompletionInformation] = {replace_completion, 8, 0},
    [FileIoCompletionNotificationInformation] = {set_port_flags, 4, 0},
    [FileIoPriorityHintInformation] = {set_priority_hint, 4, 0},
};

enum { SET_MAX = 1 << 17 };

ntstatus nt_set_information_file(struct nt_call *c)
{
    const struct NtSetInformationFile_args *a = nt_args(c);
    uint32_t cls = (uint32_t)a->FileInformationClass;
    struct set set = {.c = c, .len = (uint32_t)a->Length};
    if (cls >= FileMaximumInformation || !cls)
        return STATUS_INVALID_INFO_CLASS;
    if (!setters[cls].fn)
        return nt_unknown_class(c, cls);
    ntstatus s = nt_probe_write(c, a->IoStatusBlock, 2 * (size_t)nt_ptr_size(c));
    if (!s && (set.len < setters[cls].least || set.len > SET_MAX))
        s = STATUS_INFO_LENGTH_MISMATCH;
    if (!s)
        s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, setters[cls].access, &set.f);
    if (s)
        return s;
    uint8_t *in = xmalloc(set.len);
    s = nt_read(c, a->FileInformation, in, set.len);
    set.in = in;
    set.fcb = nt_file_fcb(c->k, set.f);
    if (!s)
        s = setters[cls].fn(&set);
    free(in);
    if (!s)
        nt_put_iosb(c, a->IoStatusBlock, STATUS_SUCCESS, 0);
    return s;
}
