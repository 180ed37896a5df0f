// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a transfer begins. Overlapped files have no position of their own. */
static ntstatus transfer_offset(struct nt_call *c, const struct nt_file *f, uint64_t offset_ptr,
                                bool write, uint64_t *at)
{
    *at = NT_AT_POSITION;
    if (offset_ptr) {
        ntstatus s = nt_get_u64(c, offset_ptr, at);
        if (s)
            return s;
    }
    if (*at == NT_AT_POSITION) {
        if (!nt_file_synchronous(f))
            return STATUS_INVALID_PARAMETER;
        *at = f->position;
        return STATUS_SUCCESS;
    }
    if (write && *at == NT_AT_END)
        return STATUS_SUCCESS;
    return *at > INT64_MAX ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

struct io_span {
    struct nt_call *c;
    int fd;
    uint64_t at, va;
    uint32_t length, done;
};

/* Reads or writes until all is done, the file ends, or guest memory or the host refuses. */
static ntstatus transfer(struct io_span *io, bool write)
{
    while (io->done < io->length) {
        ntstatus fault = STATUS_SUCCESS;
        size_t n = io->length - io->done;
        uint8_t *p = mem_window(io->c->mem, io->va + io->done, &n, write ? MEM_R : MEM_W, &fault);
        if (!p)
            return fault;
        off_t at = (off_t)(io->at + io->done);
        ssize_t got = write ? pwrite(io->fd, p, n, at) : pread(io->fd, p, n, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return io->done ? STATUS_SUCCESS : nt_status_from_errno(errno);
        if (!got)
            break;
        io->done += (uint32_t)got;
    }
    return STATUS_SUCCESS;
}

static ntstatus disk_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                          uint64_t offset_ptr, uint32_t *done)
{
    uint64_t at;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (fcb->directory)
        return STATUS_INVALID_DEVICE_REQUEST;
    ntstatus s = transfer_offset(c, f, offset_ptr, false, &at);
    if (s)
        return s;
    if (!nt_lock_allows(fcb, f->o.id, at, r->length, false))
        return STATUS_FILE_LOCK_CONFLICT;
    struct io_span io = {.c = c, .at = at, .va = r->buffer, .length = r->length};
    s = nt_fcb_fd(c->k->io, fcb, false, &io.fd);
    if (!s)
        s = transfer(&io, false);
    if (!s && !io.done && r->length)
        s = STATUS_END_OF_FILE;
    if (nt_file_synchronous(f) && (!s || s == STATUS_END_OF_FILE))
        f->position = at + io.done;
    *done = io.done;
    return s;
}

static ntstatus disk_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                           uint64_t offset_ptr, uint32_t *done)
{
    uint64_t at;
    struct stat st;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (fcb->directory)
        return STATUS_INVALID_DEVICE_REQUEST;
    ntstatus s = transfer_offset(c, f, offset_ptr, true, &at);
    struct io_span io = {.c = c, .va = r->buffer, .length = r->length};
    if (!s)
        s = nt_fcb_fd(c->k->io, fcb, true, &io.fd);
    if (s)
        return s;
    if (at == NT_AT_END || !(f->access & FILE_WRITE_DATA)) {
        if (fstat(io.fd, &st) < 0)
            return STATUS_IO_DEVICE_ERROR;
        at = (uint64_t)st.st_size;
    }
    if (at > (uint64_t)INT64_MAX - r->length)
        return STATUS_INVALID_PARAMETER;
    if (!nt_lock_allows(fcb, f->o.id, at, r->length, true))
        return STATUS_FILE_LOCK_CONFLICT;
    io.at = at;
    s = transfer(&io, true);
    if (io.done) {
        fcb->written = true;
        nt_notify(c->k->io, fcb->path, fcb->len,
                  FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
    }
    if (s == STATUS_ACCESS_VIOLATION)
        s = STATUS_INVALID_USER_BUFFER;
    if (nt_file_synchronous(f) && !s)
        f->position = at + io.done;
    *done = io.done;
    return s;
}

/* Without a position of its own a file has to be told where, even one without any content. */
static ntstatus null_status(const struct nt_file *f, uint64_t offset_ptr, ntstatus usual)
{
    return offset_ptr || nt_file_synchronous(f) ? usual : STATUS_INVALID_PARAMETER;
}

static ntstatus read_any(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                         uint64_t offset_ptr)
{
    uint32_t done = 0;
    ntstatus s;
    switch (f->kind) {
    case NT_FILE_DISK:
        s = disk_read(c, f, r, offset_ptr, &done);
        return nt_irp_finish_disk(c, f, r, s, done);
    case NT_FILE_STREAM:
    case NT_FILE_CONSOLE:
        return nt_stream_read(c, f, r, offset_ptr);
    case NT_FILE_PIPE:
    case NT_FILE_MAILSLOT:
        return nt_pipe_read(c, f, r);
    case NT_FILE_NULL:
        return nt_irp_finish(c, f, r, null_status(f, offset_ptr, STATUS_END_OF_FILE), 0);
    default:
        return nt_irp_finish(c, f, r, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static ntstatus write_any(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                          uint64_t offset_ptr)
{
    uint32_t done = 0;
    ntstatus s;
    switch (f->kind) {
    case NT_FILE_DISK:
        s = disk_write(c, f, r, offset_ptr, &done);
        return nt_irp_finish_disk(c, f, r, s, done);
    case NT_FILE_STREAM:
    case NT_FILE_CONSOLE:
        return nt_stream_write(c, f, r, offset_ptr);
    case NT_FILE_PIPE:
    case NT_FILE_MAILSLOT:
        return nt_pipe_write(c, f, r);
    case NT_FILE_NULL:
        s = null_status(f, offset_ptr, STATUS_SUCCESS);
        return nt_irp_finish(c, f, r, s, s ? 0 : r->length);
    default:
        return nt_irp_finish(c, f, r, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

ntstatus nt_read_file(struct nt_call *c)
{
    const struct NtReadFile_args *a = nt_args(c);
    struct nt_file *f;
    struct nt_irp r;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, FILE_READ_DATA, &f);
    if (!s && a->Length) /* a bad buffer leaves the event alone */
        s = nt_probe_write(c, a->Buffer, a->Length);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_READ, a->Event, a->ApcRoutine, a->ApcContext,
                         a->IoStatusBlock, &r);
    if (s)
        return s;
    r.buffer = a->Buffer;
    r.length = (uint32_t)a->Length;
    return read_any(c, f, &r, a->ByteOffset);
}

/* Appending is enough to write. */
static ntstatus file_to_write(struct nt_call *c, uint64_t handle, struct nt_file **f)
{
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_FILE, FILE_WRITE_DATA, f);
    if (s == STATUS_ACCESS_DENIED)
        s = nt_handle_get(c, handle, NT_TYPE_FILE, FILE_APPEND_DATA, f);
    return s;
}

ntstatus nt_write_file(struct nt_call *c)
{
    const struct NtWriteFile_args *a = nt_args(c);
    struct nt_file *f;
    struct nt_irp r;
    ntstatus s = file_to_write(c, a->FileHandle, &f);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_WRITE, a->Event, a->ApcRoutine, a->ApcContext,
                         a->IoStatusBlock, &r);
    if (s)
        return s;
    r.buffer = a->Buffer;
    r.length = (uint32_t)a->Length;
    return write_any(c, f, &r, a->ByteOffset);
}

/* ---- Scatter and gather: one page each
 * ----------------------------------------------------------- */

static ntstatus pages(struct nt_call *c, struct nt_file *f, uint64_t segments, uint32_t length,
                      uint64_t offset_ptr, bool write, uint32_t *done)
{
    uint64_t at, va;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (!fcb || fcb->directory || nt_file_synchronous(f) ||
        !(f->options & FILE_NO_INTERMEDIATE_BUFFERING))
        return STATUS_INVALID_PARAMETER;
    ntstatus s = transfer_offset(c, f, offset_ptr, write, &at);
    if (s)
        return s;
    struct io_span io = {.c = c, .at = at};
    s = nt_fcb_fd(c->k->io, fcb, write, &io.fd);
    for (uint32_t i = 0; !s && *done < length; i++) {
        s = nt_get_u64(c, segments + 8 * (uint64_t)i, &va);
        if (s)
            break;
        io.at = at + *done;
        io.va = va;
        io.length = MIN(length - *done, MEM_PAGE);
        io.done = 0;
        s = transfer(&io, write);
        *done += io.done;
        if (io.done < io.length)
            break;
    }
    if (write && *done)
        fcb->written = true;
    return !s && !*done && length && !write ? STATUS_END_OF_FILE : s;
}

ntstatus nt_read_file_scatter(struct nt_call *c)
{
    const struct NtReadFileScatter_args *a = nt_args(c);
    struct nt_file *f;
    struct nt_irp r;
    uint32_t done = 0;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, FILE_READ_DATA, &f);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_READ, a->Event, a->ApcRoutine, a->ApcContext,
                         a->IoStatusBlock, &r);
    if (s)
        return s;
    s = pages(c, f, a->SegmentArray, (uint32_t)a->Length, a->ByteOffset, false, &done);
    return nt_irp_finish_disk(c, f, &r, s, done);
}

ntstatus nt_write_file_gather(struct nt_call *c)
{
    const struct NtWriteFileGather_args *a = nt_args(c);
    struct nt_file *f;
    struct nt_irp r;
    uint32_t done = 0;
    ntstatus s = nt_handle_get(c, a->FileHandle, NT_TYPE_FILE, FILE_WRITE_DATA, &f);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_WRITE, a->Event, a->ApcRoutine, a->ApcContext,
                         a->IoStatusBlock, &r);
    if (s)
        return s;
    s = pages(c, f, a->SegmentArray, (uint32_t)a->Length, a->ByteOffset, true, &done);
    return nt_irp_finish_disk(c, f, &r, s, done);
}

/* ---- Flush
 * --------------------------------------------------------------------------------------- */

static ntstatus flush(struct nt_call *c, uint64_t handle, uint64_t iosb)
{
    struct nt_file *f;
    ntstatus s = nt_probe_write(c, iosb, 2 * (size_t)nt_ptr_size(c));
    if (!s)
        s = file_to_write(c, handle, &f);
    if (s)
        return s;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (fcb && fcb->fd >= 0 && fcb->fd_writable)
        fdatasync(fcb->fd);
    struct nt_irp r = {.file = f->o.id, .thread = c->t->o.id, .process = c->p->o.id, .iosb = iosb};
    if (f->kind == NT_FILE_PIPE)
        s = nt_pipe_flush(c, f, &r);
    if (!s)
        nt_put_iosb(c, iosb, STATUS_SUCCESS, 0);
    return s;
}

ntstatus nt_flush_buffers_file(struct nt_call *c)
{
    const struct NtFlushBuffersFile_args *a = nt_args(c);
    return flush(c, a->FileHandle, a->IoStatusBlock);
}

ntstatus nt_flush_buffers_file_ex(struct nt_call *c)
{
    const struct NtFlushBuffersFileEx_args *a = nt_args(c);
    return flush(c, a->FileHandle, a->IoStatusBlock);
}
