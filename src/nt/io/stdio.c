// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard handles: bytes to and from the descriptors that the machine was given, unchanged. They
 * say that they are pipes, so that the guest's kernelbase does not go looking for a console driver.
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

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

/* One read of what is there. STATUS_PIPE_BROKEN at the end, as a pipe without writers says. */
static ntstatus read_now(int fd, void *buf, size_t len, size_t *got)
{
    ssize_t n;
    do
        n = read(fd, buf, len);
    while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return errno == EAGAIN ? NT_BLOCKED : STATUS_PIPE_BROKEN;
    return n ? STATUS_SUCCESS : STATUS_PIPE_BROKEN;
}

/* The bytes that one read may take: never more than the guest has room for, or they were lost. */
static ntstatus stream_fill(struct nt_kernel *k, const struct nt_file *f, const struct nt_irp *r,
                            uint64_t *done)
{
    uint8_t buf[CHUNK];
    size_t got;
    int fd = nt_stream_fd(k, f);
    *done = 0;
    if (fd < 0)
        return STATUS_PIPE_BROKEN;
    if (!readable(fd))
        return NT_BLOCKED;
    ntstatus s = read_now(fd, buf, MIN(r->length, sizeof buf), &got);
    if (s)
        return s;
    if (!nt_irp_write(k, r, r->buffer, buf, got))
        return STATUS_ACCESS_VIOLATION;
    *done = got;
    return STATUS_SUCCESS;
}

ntstatus nt_stream_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    uint64_t done;
    if (!r->length)
        return nt_irp_finish(c, f, r, STATUS_SUCCESS, 0);
    ntstatus s = nt_probe_write(c, r->buffer, r->length);
    if (!s)
        s = stream_fill(c->k, f, r, &done);
    else
        done = 0;
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

ntstatus nt_stream_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r)
{
    int fd = nt_stream_fd(c->k, f);
    uint32_t done = 0;
    ntstatus s = STATUS_SUCCESS;
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
