// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshots: what is open is written down by name and opened again by name. */
#include "base/hostio.h"
#include "nt/io/internal.h"

#include <fcntl.h>
#include <unistd.h>

enum { LIST_MAX = 1 << 20, PATH_UNITS_MAX = 1 << 16, FILE_MAX = 1 << 30 };

/* A file from a stranger must not open the host to writing: who loads it has to mount such a
 * directory before, and it is that one which counts. */
static void load_mount(struct nt_kernel *k, struct ser *s, const char *guest, const char *host,
                       uint8_t mode, const char *supply)
{
    struct pgr_error e;
    size_t len;
    uint16_t *path = guest ? nt_path_from_utf8(guest, &len) : NULL;
    const struct nt_mount *have = path ? nt_mount_at(k->io, path, len) : NULL;
    bool writes = mode == NT_MOUNT_READ_WRITE;
    free(path);
    if (!guest || !host || mode > NT_MOUNT_READ_WRITE)
        ser_fail(s, "snapshot: a mount without a directory");
    else if (writes && (!have || have->mode != mode))
        ser_fail(
            s,
            "snapshot: the guest writes to %s at %s; mount that read-write before the snapshot "
            "is restored",
            host, guest);
    else if ((!writes && nt_mount_add(k, guest, host, mode, &e)) ||
             (supply && nt_io_supply(k, guest, supply, &e)))
        ser_fail(s, "snapshot: %s", e.text);
}

static void mounts_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_io *io = k->io;
    size_t n = io->mount_len;
    ser_count(s, &n, 256);
    for (size_t i = 0; i < n && !s->failed; i++) {
        char *guest = NULL, *host = NULL, *supply = NULL;
        uint8_t mode = 0;
        if (!s->loading) {
            guest = utf16_to_utf8(io->mounts[i]->guest, io->mounts[i]->guest_len, NULL);
            host = xstrdup(io->mounts[i]->host);
            mode = io->mounts[i]->mode;
            supply = io->mounts[i]->supply ? xstrdup(io->mounts[i]->supply->host) : NULL;
        }
        ser_text(s, &guest);
        ser_text(s, &host);
        SER(s, mode);
        ser_text(s, &supply);
        if (s->loading && !s->failed)
            load_mount(k, s, guest, host, mode, supply);
        free(supply);
        free(guest);
        free(host);
    }
}

static void bare_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->bare.len;
    ser_count(s, &n, 256);
    for (size_t i = 0; i < n && !s->failed; i++) {
        char *guest = NULL;
        if (!s->loading)
            guest = utf16_to_utf8(io->bare.data[i].guest, io->bare.data[i].len, NULL);
        ser_text(s, &guest);
        size_t len;
        uint16_t *path = s->loading && guest ? nt_path_from_utf8(guest, &len) : NULL;
        if (path)
            nt_bare_add(io, path, len);
        else if (s->loading)
            ser_fail(s, "snapshot: a directory without a path");
        free(path);
        free(guest);
    }
}

/* ---- The overlay: a private one goes into the snapshot, the user's own is only named
 * -------------- */

struct saved_file {
    char *rel; /* NULL ends the list */
    bool directory;
    uint32_t mode;
    int64_t times[4]; /* access and change: seconds and nanoseconds */
    struct host_extra extra;
    uint8_t *data;
    size_t len;
};

static void saved_transfer(struct ser *s, struct saved_file *f)
{
    ser_text(s, &f->rel);
    if (!f->rel)
        return;
    SER(s, f->directory);
    SER(s, f->mode);
    for (size_t i = 0; i < ARRAY_LEN(f->times); i++)
        SER(s, f->times[i]);
    SER(s, f->extra.has_attributes);
    SER(s, f->extra.has_created);
    SER(s, f->extra.attributes);
    SER(s, f->extra.created);
    ser_bytes(s, &f->data, &f->len, FILE_MAX);
}

static void read_file(struct ser *s, int dirfd, struct saved_file *f, size_t size)
{
    int fd = host_open_file(dirfd, f->rel, false);
    if (size > FILE_MAX || fd < 0) {
        ser_fail(s, "snapshot: the overlay's file %s is too large or cannot be read", f->rel);
    } else {
        f->data = xmalloc(size + 1);
        while (f->len < size) {
            ssize_t n = pread(fd, f->data + f->len, size - f->len, (off_t)f->len);
            if (n <= 0)
                break;
            f->len += (size_t)n;
        }
    }
    if (fd >= 0)
        close(fd);
}

static void save_tree(struct nt_io *io, struct ser *s, const char *dir)
{
    struct host_names names;
    if (!host_list(io->overlay_fd, dir, &names))
        return;
    vec_foreach (it, &names) {
        struct stat st;
        struct saved_file f = {.rel = host_join(dir, it->name)};
        if (host_stat(io->overlay_fd, f.rel, &st)) {
            f.directory = S_ISDIR(st.st_mode);
            f.mode = st.st_mode & 0777;
            f.times[0] = st.st_atim.tv_sec;
            f.times[1] = st.st_atim.tv_nsec;
            f.times[2] = st.st_mtim.tv_sec;
            f.times[3] = st.st_mtim.tv_nsec;
            host_extra_get(io, io->overlay_fd, f.rel, &st, &f.extra);
            if (!f.directory)
                read_file(s, io->overlay_fd, &f, (size_t)st.st_size);
            saved_transfer(s, &f);
            if (f.directory)
                save_tree(io, s, f.rel);
        }
        free(f.data);
        free(f.rel);
    }
    host_names_free(&names);
}

/* host_openat resolves beneath the overlay, whatever a hostile snapshot calls its files. */
static bool restore_file(struct nt_io *io, const struct saved_file *f)
{
    const char *last;
    int parent = host_parent(io->overlay_fd, f->rel, &last);
    if (parent < 0 || !*last)
        return false;
    int fd = -1;
    bool ok = !f->directory || !mkdirat(parent, last, 0777);
    close(parent);
    if (ok && !f->directory) {
        fd = host_openat(io->overlay_fd, f->rel, O_RDWR | O_CREAT | O_EXCL, 0600);
        ok = fd >= 0 && host_write_all(fd, f->data, f->len) && !fchmod(fd, f->mode & 0777);
    } else if (ok) {
        fd = host_openat(io->overlay_fd, f->rel, O_RDONLY | O_DIRECTORY, 0);
    }
    if (ok && fd >= 0) {
        struct timespec times[2] = {{f->times[0], f->times[1]}, {f->times[2], f->times[3]}};
        host_extra_set(io, io->overlay_fd, f->rel, &f->extra);
        futimens(fd, times);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static void private_transfer(struct nt_io *io, struct ser *s)
{
    if (!s->loading) {
        save_tree(io, s, "");
        saved_transfer(s, &(struct saved_file){0});
        return;
    }
    if (nt_overlay_open(io) < 0)
        ser_fail(s, "snapshot: cannot create a directory for the overlay");
    for (bool more = true; more && !s->failed;) {
        struct saved_file f = {0};
        saved_transfer(s, &f);
        more = f.rel != NULL;
        if (more && !s->failed && !restore_file(io, &f))
            ser_fail(s, "snapshot: cannot restore the overlay's file %s", f.rel);
        free(f.rel);
        free(f.data);
    }
}

/* The overlay's own host path, by which sections name files in it. */
static void old_overlay_transfer(struct nt_io *io, struct ser *s)
{
    char *path = s->loading ? NULL : io->overlay;
    ser_text(s, &path);
    if (s->loading)
        io->saved_overlay = path;
}

enum { OVERLAY_NONE, OVERLAY_PRIVATE, OVERLAY_NAMED };

/* The user's own overlay is, like a directory to write to, the one that the new kernel was given.
 */
static void overlay_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_io *io = k->io;
    uint8_t kind = !io->overlay          ? OVERLAY_NONE
                   : io->overlay_private ? OVERLAY_PRIVATE
                                         : OVERLAY_NAMED;
    bool given = kind == OVERLAY_NAMED;
    SER(s, kind);
    if (kind != OVERLAY_NONE)
        old_overlay_transfer(io, s);
    if (kind == OVERLAY_NAMED && !given)
        ser_fail(s, "snapshot: the guest's files are in the overlay %s; give it to the machine",
                 io->saved_overlay ? io->saved_overlay : "?");
    if (s->loading && kind != OVERLAY_NAMED)
        nt_io_set_overlay(k, NULL, NULL);
    if (kind == OVERLAY_PRIVATE)
        private_transfer(io, s);
}

static void lock_transfer(struct ser *s, struct nt_lock *l)
{
    SER(s, l->file);
    SER(s, l->key);
    SER(s, l->pid);
    SER(s, l->start);
    SER(s, l->length);
    SER(s, l->exclusive);
}

/* In the form that nt_path_parse gives, on which lookups rely. */
static bool path_valid(const uint16_t *path, size_t len)
{
    if (len < 2 || path[0] < 'A' || path[0] > 'Z' || path[1] != ':')
        return false;
    for (size_t at = 2, end; at < len; at = end) {
        for (end = at + 1; end < len && path[end] != '\\';)
            end++;
        if (path[at] != '\\' || !nt_name_valid(path + at + 1, end - at - 1))
            return false;
    }
    return true;
}

/* Counters are not kept: the files that are loaded later count themselves. */
static void fcb_transfer(struct ser *s, struct nt_fcb *f)
{
    SER(s, f->id);
    ser_utf16(s, &f->path, &f->len, PATH_UNITS_MAX);
    SER(s, f->directory);
    SER(s, f->delete_pending);
    SER(s, f->deleted);
    SER(s, f->written);
    size_t n = f->locks.len;
    ser_count(s, &n, LIST_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&f->locks, (struct nt_lock){0});
        lock_transfer(s, &f->locks.data[i]);
    }
    if (s->loading && !s->failed && !path_valid(f->path, f->len))
        ser_fail(s, "snapshot: an open file without a name");
}

static void fcbs_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->fcbs.len;
    SER(s, io->next_fcb);
    ser_count(s, &n, LIST_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading) {
            struct nt_fcb *f = xcalloc(1, sizeof *f);
            f->fd = -1;
            vec_push(&io->fcbs, f);
        }
        fcb_transfer(s, io->fcbs.data[i]);
    }
}

static void tables_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->ids.len;
    ser_count(s, &n, LIST_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&io->ids, (struct nt_id_row){0});
        SER(s, io->ids.data[i].id);
        SER(s, io->ids.data[i].alias);
        ser_utf16(s, &io->ids.data[i].path, &io->ids.data[i].len, PATH_UNITS_MAX);
        if (s->loading && !s->failed && !path_valid(io->ids.data[i].path, io->ids.data[i].len))
            ser_fail(s, "snapshot: a file id without a path");
    }
    n = io->side.len;
    ser_count(s, &n, LIST_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&io->side, (struct nt_side_row){0});
        struct nt_side_row *row = &io->side.data[i];
        SER(s, row->dev);
        SER(s, row->ino);
        SER(s, row->extra.has_attributes);
        SER(s, row->extra.has_created);
        SER(s, row->extra.attributes);
        SER(s, row->extra.created);
    }
}

void nt_io_transfer(struct nt_kernel *k, struct ser *s)
{
    ser_tag(s, "NTIO");
    mounts_transfer(k, s);
    bare_transfer(k->io, s);
    fcbs_transfer(k->io, s);
    tables_transfer(k->io, s);
    overlay_transfer(k, s);
    SER(s, k->io->pipe_serial);
    SER(s, k->io->watchers);
    nt_pipes_transfer(k->io, s);
    nt_irps_transfer(k->io, s);
    nt_secured_transfer(k->io, s);
}

/* ---- Files that sections show -------------------------------------------------------------------
 */

/* What follows dir in the path, NULL when it is elsewhere. */
static const char *beneath(const char *dir, const char *path)
{
    size_t n = dir ? strlen(dir) : 0;
    return n && !strncmp(path, dir, n) && path[n] == '/' ? path + n + 1 : NULL;
}

int nt_io_reopen(struct nt_kernel *k, const char *host_path, bool writable)
{
    struct nt_io *io = k->io;
    const char *rel = beneath(io->saved_overlay ? io->saved_overlay : io->overlay, host_path);
    if (rel)
        return io->overlay_fd < 0 ? -1 : host_open_file(io->overlay_fd, rel, writable);
    for (size_t i = 0; i < io->mount_len; i++) {
        const struct nt_mount *m = io->mounts[i];
        rel = beneath(m->host, host_path);
        int fd = rel && (!writable || m->mode == NT_MOUNT_READ_WRITE)
                     ? host_open_file(m->fd, rel, writable)
                     : -1;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

/* ---- After a load -------------------------------------------------------------------------------
 */

static void renew_wait(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->state != NT_THREAD_WAITING || t->wait.kind != NT_WAIT_HOST)
        return;
    const struct nt_file *f = nt_object_get(k, t->wait.objects[0], NT_TYPE_FILE);
    if (!t->wait.count || !f || (f->kind != NT_FILE_STREAM && f->kind != NT_FILE_CONSOLE))
        ser_fail(ctx, "snapshot: thread %u waits for input of nothing", t->tid);
    else
        t->wait.host_fd = nt_stream_fd(k, f);
}

void nt_io_settle(struct nt_kernel *k, struct ser *s)
{
    struct nt_io *io = k->io;
    nt_object_each(k, NT_TYPE_THREAD, renew_wait, s);
    for (size_t i = 0; i < io->fcbs.len; i++)
        if (!io->fcbs.data[i]->refs || nt_fcb_by_id(io, io->fcbs.data[i]->id) != io->fcbs.data[i])
            ser_fail(s, "snapshot: open path %u is not any file's", io->fcbs.data[i]->id);
}
