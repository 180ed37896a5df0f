// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

#include <errno.h>
#include <unistd.h>

struct nt_fcb *nt_fcb_find(struct nt_io *io, const uint16_t *path, size_t len)
{
    vec_foreach (it, &io->fcbs) {
        struct nt_fcb *f = *it;
        if (!f->deleted && utf16_equal_nocase(f->path, f->len, path, len))
            return f;
    }
    return NULL;
}

struct nt_fcb *nt_fcb_by_id(struct nt_io *io, uint32_t id)
{
    vec_foreach (it, &io->fcbs)
        if ((*it)->id == id)
            return *it;
    return NULL;
}

struct nt_fcb *nt_fcb_new(struct nt_io *io, const uint16_t *path, size_t len, bool directory)
{
    struct nt_fcb *f = xcalloc(1, sizeof *f);
    f->id = ++io->next_fcb;
    f->path = xcalloc(len + 1, 2);
    memcpy(f->path, path, len * 2);
    f->len = len;
    f->directory = directory;
    f->fd = -1;
    vec_push(&io->fcbs, f);
    return f;
}

void nt_fcb_unref(struct nt_io *io, struct nt_fcb *f)
{
    BUG_ON(!f->refs);
    if (--f->refs)
        return;
    for (size_t i = 0; i < io->fcbs.len; i++) {
        if (io->fcbs.data[i] == f) {
            vec_remove(&io->fcbs, i);
            break;
        }
    }
    if (f->fd >= 0)
        close(f->fd);
    vec_free(&f->locks);
    free(f->path);
    free(f);
}

bool nt_fcb_open_below(const struct nt_io *io, const struct nt_fcb *dir)
{
    vec_foreach (it, &io->fcbs)
        if (*it != dir && !(*it)->deleted && (*it)->opens &&
            nt_path_begins((*it)->path, (*it)->len, dir->path, dir->len))
            return true;
    return false;
}

/* ---- Sharing
 * ------------------------------------------------------------------------------------- */

enum {
    READS = FILE_READ_DATA | FILE_EXECUTE,
    WRITES = FILE_WRITE_DATA | FILE_APPEND_DATA,
};

/* An open that only looks at attributes takes no part in sharing. */
static bool shares(uint32_t access)
{
    return access & (READS | WRITES | IO_DELETE);
}

ntstatus nt_share_check(const struct nt_fcb *f, uint32_t access, uint32_t share)
{
    if (f->mapped_writes && !(share & FILE_SHARE_WRITE))
        return STATUS_SHARING_VIOLATION;
    if (!shares(access))
        return STATUS_SUCCESS;
    uint32_t n = f->opens;
    if (((access & READS) && f->share_read < n) || ((access & WRITES) && f->share_write < n) ||
        ((access & IO_DELETE) && f->share_delete < n))
        return STATUS_SHARING_VIOLATION;
    if ((f->readers && !(share & FILE_SHARE_READ)) || (f->writers && !(share & FILE_SHARE_WRITE)) ||
        (f->deleters && !(share & FILE_SHARE_DELETE)))
        return STATUS_SHARING_VIOLATION;
    if (f->mapped_image && (access & FILE_WRITE_DATA))
        return STATUS_SHARING_VIOLATION;
    return STATUS_SUCCESS;
}

static void count(uint32_t *n, bool yes, int by)
{
    if (yes)
        *n += (uint32_t)by;
}

void nt_share_add(struct nt_fcb *f, uint32_t access, uint32_t share, int by)
{
    if (!shares(access))
        return;
    f->opens += (uint32_t)by;
    count(&f->readers, access & READS, by);
    count(&f->writers, access & WRITES, by);
    count(&f->deleters, access & IO_DELETE, by);
    count(&f->share_read, share & FILE_SHARE_READ, by);
    count(&f->share_write, share & FILE_SHARE_WRITE, by);
    count(&f->share_delete, share & FILE_SHARE_DELETE, by);
}

/* ---- The descriptor
 * ------------------------------------------------------------------------------ */

ntstatus nt_fcb_node(struct nt_io *io, const struct nt_fcb *f, struct nt_node *n)
{
    if (f->deleted) {
        *n = (struct nt_node){0};
        return STATUS_FILE_DELETED;
    }
    return nt_lookup(io, f->path, f->len, n);
}

ntstatus nt_fcb_fd(struct nt_io *io, struct nt_fcb *f, bool writable, int *fd)
{
    struct nt_node n;
    int dirfd;
    const char *rel;
    if (f->fd >= 0 && (f->fd_writable || !writable)) {
        *fd = f->fd;
        return STATUS_SUCCESS;
    }
    if (f->directory)
        return STATUS_INVALID_DEVICE_REQUEST;
    ntstatus s = nt_fcb_node(io, f, &n);
    if (!s && writable)
        s = nt_make_own(io, &n);
    if (!s && !nt_node_layer(io, &n, &dirfd, &rel))
        s = STATUS_ACCESS_DENIED;
    int got = s ? -1 : host_open_file(dirfd, rel, writable);
    if (!s && got < 0)
        s = nt_status_from_errno(errno);
    nt_node_free(&n);
    if (s)
        return s;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = *fd = got;
    f->fd_writable = writable;
    return STATUS_SUCCESS;
}

/* What is left to know of a file whose name is gone. */
static void stat_deleted(struct nt_io *io, const struct nt_fcb *f, struct nt_stat *st)
{
    struct stat host;
    *st = (struct nt_stat){.directory = f->directory};
    st->id = nt_file_id(io, f->path, f->len);
    st->attributes = f->directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
    if (f->fd < 0 || fstat(f->fd, &host) < 0)
        return;
    st->size = f->directory ? 0 : (uint64_t)host.st_size;
    st->allocation = align_up(st->size, 4096);
    st->written = st->changed = st->created = host_time(host.st_mtim);
    st->accessed = host_time(host.st_atim);
}

ntstatus nt_fcb_stat(struct nt_io *io, struct nt_fcb *f, struct nt_stat *st)
{
    struct nt_node n;
    nt_fcb_stamp(io, f);
    if (f->deleted) {
        stat_deleted(io, f, st);
        return STATUS_SUCCESS;
    }
    ntstatus s = nt_fcb_node(io, f, &n);
    if (!s)
        nt_stat_node(io, &n, st);
    nt_node_free(&n);
    return s;
}

void nt_fcb_stamp(struct nt_io *io, struct nt_fcb *f)
{
    if (!f->written || f->fd < 0)
        return;
    f->written = false;
    if (io->k->clock.host)
        return;
    struct timespec now = host_timespec(nt_system_time(io->k));
    futimens(f->fd, (struct timespec[2]){now, now});
}

void nt_fcb_rename(struct nt_io *io, struct nt_fcb *f, const uint16_t *path, size_t len)
{
    uint16_t *copy = xcalloc(len + 1, 2);
    memcpy(copy, path, len * 2);
    free(f->path);
    f->path = copy;
    f->len = len;
}

/* ---- Byte range locks
 * ---------------------------------------------------------------------------- */

static bool overlap(const struct nt_lock *l, uint64_t start, uint64_t length)
{
    if (!length || !l->length)
        return false;
    uint64_t end = start + (length - 1), lock_end = l->start + (l->length - 1);
    return start <= lock_end && l->start <= end;
}

bool nt_lock_allows(const struct nt_fcb *f, nt_id file, uint64_t start, uint64_t length, bool write)
{
    vec_foreach (l, &f->locks) {
        if (!overlap(l, start, length))
            continue;
        if (l->exclusive ? l->file != file : write)
            return false;
    }
    return true;
}

void nt_locks_drop(struct nt_fcb *f, nt_id file)
{
    for (size_t i = f->locks.len; i-- > 0;)
        if (f->locks.data[i].file == file)
            vec_remove(&f->locks, i);
}
