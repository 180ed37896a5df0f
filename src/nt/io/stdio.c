// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard handles: bytes to and from the descriptors that the machine was given, unchanged. What
 * the guest sees there is what the host has there: a file with size and position, a pipe, nothing,
 * or a terminal. The position is the descriptor's own, so that whoever shares it (the shell that
 * redirected several programs to one file) goes on where the guest stopped.
 */
#include "nt/io/internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

struct nt_file *nt_io_open_std(struct nt_kernel *k, int which)
{
    BUG_ON(which < 0 || which >= NT_STD_COUNT);
    uint32_t access = which == NT_STD_IN ? 0x120089 : 0x120196;
    struct nt_file *f =
        nt_file_new(k->io, NT_FILE_STREAM, access, FILE_SHARE_READ | FILE_SHARE_WRITE,
                    FILE_SYNCHRONOUS_IO_NONALERT);
    f->stream = (uint8_t)which;
    return f;
}

int nt_stream_fd(struct nt_kernel *k, const struct nt_file *f)
{
    return k->io->std[f->stream];
}

/* ---- What is behind them ------------------------------------------------------------------------
 */

enum nt_stream_class nt_stream_class_of(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return NT_STREAM_NULL;
    if (S_ISREG(st.st_mode))
        return NT_STREAM_DISK;
    if (S_ISCHR(st.st_mode))
        return isatty(fd) ? NT_STREAM_CONSOLE : NT_STREAM_NULL;
    return NT_STREAM_PIPE;
}

enum nt_stream_class nt_stream_class(struct nt_kernel *k, const struct nt_file *f)
{
    return f->kind == NT_FILE_CONSOLE ? NT_STREAM_CONSOLE : k->io->std_class[f->stream];
}

bool nt_stream_on_disk(struct nt_kernel *k, const struct nt_file *f)
{
    return f->kind == NT_FILE_STREAM && nt_stream_class(k, f) == NT_STREAM_DISK;
}

/* The same for streams of one host file, and otherwise nothing that differs between runs. */
static uint64_t stream_file_id(struct nt_kernel *k, uint8_t stream, const struct stat *st)
{
    struct stat other;
    for (uint8_t i = 0; i < stream; i++)
        if (k->io->std[i] >= 0 && !fstat(k->io->std[i], &other) && other.st_dev == st->st_dev &&
            other.st_ino == st->st_ino)
            return 1u + i;
    return 1u + stream;
}

ntstatus nt_stream_stat(struct nt_kernel *k, const struct nt_file *f, struct nt_stat *out)
{
    struct stat st;
    if (fstat(nt_stream_fd(k, f), &st) < 0)
        return STATUS_IO_DEVICE_ERROR;
    *out = (struct nt_stat){.attributes = FILE_ATTRIBUTE_ARCHIVE, .links = 1};
    out->size = (uint64_t)st.st_size;
    out->allocation = align_up(out->size, 4096);
    out->written = out->changed = out->created = host_time(st.st_mtim);
    out->accessed = host_time(st.st_atim);
    out->id = stream_file_id(k, f->stream, &st);
    return STATUS_SUCCESS;
}

uint64_t nt_stream_position(struct nt_kernel *k, const struct nt_file *f)
{
    off_t at = lseek(nt_stream_fd(k, f), 0, SEEK_CUR);
    return at < 0 ? 0 : (uint64_t)at;
}

ntstatus nt_stream_seek(struct nt_kernel *k, const struct nt_file *f, uint64_t at)
{
    if (at > INT64_MAX)
        return STATUS_INVALID_PARAMETER;
    return lseek(nt_stream_fd(k, f), (off_t)at, SEEK_SET) < 0 ? nt_status_from_errno(errno)
                                                              : STATUS_SUCCESS;
}

ntstatus nt_stream_resize(struct nt_kernel *k, const struct nt_file *f, uint64_t size,
                          bool only_shrink)
{
    struct stat st;
    int fd = nt_stream_fd(k, f);
    if (size > INT64_MAX)
        return STATUS_INVALID_PARAMETER;
    if (fstat(fd, &st) < 0)
        return STATUS_IO_DEVICE_ERROR;
    if (only_shrink && size >= (uint64_t)st.st_size)
        return STATUS_SUCCESS;
    return ftruncate(fd, (off_t)size) < 0 ? nt_status_from_errno(errno) : STATUS_SUCCESS;
}

/* Moves to where a transfer is to begin; only files have such a place. */
static ntstatus stream_begin(struct nt_call *c, const struct nt_file *f, uint64_t offset_ptr,
                             bool write)
{
    uint64_t at;
    struct nt_stat st;
    if (!offset_ptr || !nt_stream_on_disk(c->k, f))
        return STATUS_SUCCESS;
    ntstatus s = nt_get_u64(c, offset_ptr, &at);
    if (s || at == NT_AT_POSITION)
        return s;
    if (write && at == NT_AT_END) {
        s = nt_stream_stat(c->k, f, &st);
        at = s ? 0 : st.size;
    }
    return s ? s : nt_stream_seek(c->k, f, at);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

/* What a read at the end says: a pipe without writers is broken, and a terminal's line is empty. */
static ntstatus at_end(enum nt_stream_class class)
{
    return class == NT_STREAM_PIPE      ? STATUS_PIPE_BROKEN
           : class == NT_STREAM_CONSOLE ? STATUS_SUCCESS
                                        : STATUS_END_OF_FILE;
}

/* One read of what is there. */
static ntstatus read_now(int fd, enum nt_stream_class class, void *buf, size_t len, size_t *got)
{
    ssize_t n;
    do
        n = read(fd, buf, len);
    while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return errno == EAGAIN ? NT_BLOCKED : at_end(NT_STREAM_PIPE);
    return n ? STATUS_SUCCESS : at_end(class);
}

/* The bytes that one read may take: never more than the guest has room for, or they were lost. */
static ntstatus stream_fill(struct nt_kernel *k, const struct nt_file *f, const struct nt_irp *r,
                            uint64_t *done)
{
    uint8_t buf[CHUNK];
    size_t got;
    int fd = nt_stream_fd(k, f);
    enum nt_stream_class class = nt_stream_class(k, f);
    *done = 0;
    if (fd < 0)
        return at_end(class);
    do { /* a file gives all that it has, anything else what is there now */
        if (!readable(fd))
            return NT_BLOCKED;
        ntstatus s = read_now(fd, class, buf, MIN(r->length - *done, sizeof buf), &got);
        if (s)
            return s == STATUS_END_OF_FILE && *done ? STATUS_SUCCESS : s;
        if (!nt_irp_write(k, r, r->buffer + *done, buf, got))
            return STATUS_ACCESS_VIOLATION;
        *done += got;
    } while (class == NT_STREAM_DISK && *done < r->length);
    return STATUS_SUCCESS;
}

ntstatus nt_stream_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r, uint64_t offset_ptr)
{
    uint64_t done = 0;
    if (!r->length)
        return nt_irp_finish(c, f, r, STATUS_SUCCESS, 0);
    ntstatus s = nt_probe_write(c, r->buffer, r->length);
    if (!s)
        s = stream_begin(c, f, offset_ptr, false);
    if (!s)
        s = stream_fill(c->k, f, r, &done);
    if (s != NT_BLOCKED)
        return nt_irp_finish(c, f, r, s, done);
    struct nt_wait w = {.kind = NT_WAIT_HOST,
                        .alertable = f->options & FILE_SYNCHRONOUS_IO_ALERT,
                        .host_fd = nt_stream_fd(c->k, f),
                        .retry = NT_RETRY_READ,
                        .count = 1,
                        .objects = {f->o.id}};
    w.arg[0] = r->buffer;
    w.arg[1] = r->length;
    w.arg[2] = r->iosb;
    return nt_wait_begin(c, &w);
}

ntstatus nt_io_retry_read(struct nt_kernel *k, struct nt_thread *t)
{
    uint64_t done;
    struct nt_file *f = nt_object_get(k, t->wait.objects[0], NT_TYPE_FILE);
    struct nt_irp r = {.process = t->process,
                       .buffer = t->wait.arg[0],
                       .length = (uint32_t)t->wait.arg[1],
                       .iosb = t->wait.arg[2]};
    if (!f)
        return STATUS_CANCELLED;
    /* A load from a snapshot put other descriptors in place. */
    t->wait.host_fd = nt_stream_fd(k, f);
    ntstatus s = stream_fill(k, f, &r, &done);
    if (s == NT_BLOCKED)
        return s;
    const struct nt_process *p = nt_process_get(k, t->process);
    uint8_t raw[16] = {0};
    if (!nt_error(s) && p) {
        memcpy(raw, &s, 4);
        memcpy(raw + p->ptr_size, &done, p->ptr_size);
        nt_irp_write(k, &r, r.iosb, raw, 2 * (size_t)p->ptr_size);
    }
    f->signaled = true;
    return s;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

/* write() that reports a closed reader as an error and never by a signal, which is process-wide
 * business of whoever embeds us. */
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
    sigset_t pipe_set, old, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t n;
    do
        n = write(fd, data, len);
    while (n < 0 && errno == EINTR);
    int err = errno;
    if (n < 0 && err == EPIPE && !was_pending)
        sigtimedwait(&pipe_set, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = err;
    return n;
}

static ntstatus write_status(int err)
{
    return err == EPIPE || err == ECONNRESET ? STATUS_PIPE_BROKEN : nt_status_from_errno(err);
}

ntstatus nt_stream_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r,
                         uint64_t offset_ptr)
{
    int fd = nt_stream_fd(c->k, f);
    uint32_t done = 0;
    ntstatus s = stream_begin(c, f, offset_ptr, true);
    while (!s && done < r->length) {
        size_t n = r->length - done;
        const uint8_t *p = mem_window(c->mem, r->buffer + done, &n, MEM_R, &s);
        if (!p)
            break;
        if (fd < 0) {
            done += (uint32_t)n;
            continue;
        }
        ssize_t put = write_quietly(fd, p, n);
        if (put > 0) {
            done += (uint32_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else {
            s = write_status(put < 0 ? errno : EIO);
        }
    }
    if (s == STATUS_ACCESS_VIOLATION)
        s = STATUS_INVALID_USER_BUFFER;
    return nt_irp_finish(c, f, r, done && s == STATUS_PIPE_BROKEN ? STATUS_SUCCESS : s, done);
}
