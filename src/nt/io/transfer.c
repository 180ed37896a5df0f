// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshots: what is open is written down by name and opened again by name. */
#include "nt/io/internal.h"

#include <fcntl.h>
#include <unistd.h>

enum { LIST_MAX = 1 << 20, PATH_UNITS_MAX = 1 << 16 };

static void mounts_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_io *io = k->io;
    size_t n = io->mount_len;
    ser_count(s, &n, 256);
    for (size_t i = 0; i < n && !s->failed; i++) {
        char *guest = NULL, *host = NULL;
        uint8_t mode = 0;
        if (!s->loading) {
            guest = utf16_to_utf8(io->mounts[i]->guest, io->mounts[i]->guest_len, NULL);
            host = xstrdup(io->mounts[i]->host);
            mode = io->mounts[i]->mode;
        }
        ser_text(s, &guest);
        ser_text(s, &host);
        SER(s, mode);
        if (s->loading && !s->failed) {
            struct pgr_error e;
            if (!guest || !host || mode > NT_MOUNT_READ_WRITE)
                ser_fail(s, "snapshot: a mount without a directory");
            else if (nt_io_mount(k, guest, host, mode, &e))
                ser_fail(s, "snapshot: %s", e.text);
        }
        free(guest);
        free(host);
    }
}

/* A private overlay belongs to the machine that made it; a loaded machine only borrows it, so that
 * the two do not remove it from under each other. */
static void overlay_transfer(struct nt_kernel *k, struct ser *s)
{
    char *dir = s->loading ? NULL : k->io->overlay;
    ser_text(s, &dir);
    if (!s->loading)
        return;
    struct pgr_error e;
    if (dir && !s->failed && nt_io_set_overlay(k, dir, &e))
        ser_fail(s, "snapshot: %s", e.text);
    free(dir);
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

static void fcb_transfer(struct ser *s, struct nt_fcb *f)
{
    SER(s, f->id);
    SER(s, f->refs);
    ser_utf16(s, &f->path, &f->len, PATH_UNITS_MAX);
    SER(s, f->directory);
    SER(s, f->delete_pending);
    SER(s, f->deleted);
    SER(s, f->written);
    uint32_t *counts[] = {&f->handles,     &f->opens,       &f->readers,     &f->writers,
                          &f->deleters,    &f->share_read,  &f->share_write, &f->share_delete,
                          &f->mapped_data, &f->mapped_image};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        SER(s, *counts[i]);
    size_t n = f->locks.len;
    ser_count(s, &n, LIST_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&f->locks, (struct nt_lock){0});
        lock_transfer(s, &f->locks.data[i]);
    }
    if (s->loading && !s->failed && (f->len < 2 || !f->refs))
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
        if (s->loading && !s->failed && io->ids.data[i].len < 2)
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
    overlay_transfer(k, s);
    fcbs_transfer(k->io, s);
    tables_transfer(k->io, s);
    SER(s, k->io->pipe_serial);
    SER(s, k->io->watchers);
    nt_pipes_transfer(k->io, s);
    nt_irps_transfer(k->io, s);
}
