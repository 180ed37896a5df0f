// SPDX-License-Identifier: GPL-2.0-or-later
/* FileRenameInformation and FileLinkInformation. */
#include "nt/io/internal.h"

#include <unistd.h>

enum { RENAME_REPLACE = 1, RENAME_POSIX = 2, RENAME_IGNORE_READONLY = 0x40 };

struct target {
    uint64_t root;
    const uint8_t *name; /* may be unaligned */
    size_t len;
    uint32_t flags;
};

static ntstatus decode(struct nt_call *c, const uint8_t *in, uint32_t len, bool ex,
                       struct target *out)
{
    bool wide = nt_ptr_size(c) == 8;
    uint32_t root32, bytes;
    size_t name_at = wide ? 20 : 12;
    if (len < name_at)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(&out->flags, in, 4);
    if (!ex)
        out->flags = in[0] ? RENAME_REPLACE : 0;
    memcpy(&root32, in + 4, 4);
    out->root = root32;
    if (wide)
        memcpy(&out->root, in + 8, 8);
    memcpy(&bytes, in + name_at - 4, 4);
    if (bytes > len - name_at || bytes % 2 || !bytes)
        return STATUS_INVALID_PARAMETER;
    out->name = in + name_at;
    out->len = bytes / 2;
    return STATUS_SUCCESS;
}

/* A bare name stays in the directory; else it is a full NT path, or relative to the handle. */
static ntstatus target_path(struct nt_call *c, const struct nt_fcb *fcb, const struct target *t,
                            struct nt_path *out)
{
    const uint16_t *base = fcb->path;
    size_t base_len = nt_path_parent(fcb->path, fcb->len);
    uint16_t *name = xmalloc(t->len * 2 + 2);
    memcpy(name, t->name, t->len * 2);
    ntstatus s = STATUS_SUCCESS;
    if (t->root) {
        struct nt_file *dir;
        s = nt_handle_get(c, t->root, NT_TYPE_FILE, 0, &dir);
        const struct nt_fcb *d = s ? NULL : nt_file_fcb(c->k, dir);
        if (!s && !d)
            s = STATUS_INVALID_PARAMETER;
        base = d ? d->path : NULL;
        base_len = d ? d->len : 0;
    } else if (name[0] == '\\') {
        base = NULL;
    }
    if (!s)
        s = nt_path_parse(c->k->io, base, base_len, name, t->len, out);
    free(name);
    if (!s && (out->kind != NT_PATH_DISK || out->text[0] != fcb->path[0])) {
        nt_path_free(out);
        s = STATUS_NOT_SAME_DEVICE;
    }
    return s;
}

/* What is in the way goes, if it may. */
static ntstatus clear_target(struct nt_io *io, struct nt_node *to, const struct nt_node *from,
                             uint32_t flags)
{
    struct nt_stat st;
    if (!(flags & RENAME_REPLACE))
        return STATUS_OBJECT_NAME_COLLISION;
    if (to->directory)
        return STATUS_ACCESS_DENIED;
    nt_stat_node(io, to, &st);
    if ((st.attributes & FILE_ATTRIBUTE_READONLY) && !(flags & RENAME_IGNORE_READONLY))
        return STATUS_ACCESS_DENIED;
    struct nt_fcb *fcb = nt_fcb_find(io, to->guest, to->guest_len);
    if (fcb && fcb->handles && (!(flags & RENAME_POSIX) || fcb->share_delete < fcb->opens))
        return STATUS_ACCESS_DENIED;
    if (fcb && (fcb->mapped_data || fcb->mapped_image))
        return STATUS_ACCESS_DENIED;
    ntstatus s = nt_check_writable(io, from);
    if (!s)
        s = nt_remove(io, to);
    if (!s && fcb)
        fcb->deleted = true;
    return s;
}

/* The node for the new name; a file that only changes its letter case is its own target. */
static ntstatus target_node(struct nt_io *io, const struct nt_path *p, const struct nt_node *from,
                            uint32_t flags, bool link, struct nt_node *to)
{
    ntstatus s = nt_lookup(io, p->text, p->len, to);
    bool same = !s && utf16_equal_nocase(to->guest, to->guest_len, from->guest, from->guest_len);
    if (!s && !same) {
        s = clear_target(io, to, from, flags);
        nt_node_free(to);
        if (s)
            return s;
        s = nt_lookup(io, p->text, p->len, to);
        if (!s)
            return STATUS_OBJECT_NAME_COLLISION;
    }
    if (same && link)
        return flags & RENAME_REPLACE ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
    if (same) {
        free(to->lower);
        free(to->upper);
        to->lower = to->upper = NULL;
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (s == STATUS_OBJECT_NAME_NOT_FOUND) { /* spelled as asked for, also where case differs */
        size_t cut = nt_path_parent(to->guest, to->guest_len), n = to->guest_len - cut;
        memcpy(to->guest + cut, p->text + p->len - n, n * 2);
        s = STATUS_SUCCESS;
    }
    return s;
}

/* Open files below a directory follow it. */
static void follow(struct nt_io *io, const struct nt_fcb *fcb, const uint16_t *to, size_t to_len)
{
    size_t old = fcb->len;
    vec_foreach (it, &io->fcbs) {
        struct nt_fcb *f = *it;
        if (f == fcb || f->deleted || !nt_path_begins(f->path, f->len, fcb->path, old))
            continue;
        size_t n;
        uint16_t *path = nt_path_join(to, to_len, f->path + old + 1, f->len - old - 1, &n);
        nt_fcb_rename(io, f, path, n);
        free(path);
    }
}

/* A copy in another layer is another file: the descriptor must not go on showing the old one. */
static void refresh_descriptor(struct nt_io *io, struct nt_fcb *fcb)
{
    struct nt_node n;
    struct stat st;
    if (fcb->fd < 0)
        return;
    if (!nt_fcb_node(io, fcb, &n) && !fstat(fcb->fd, &st) &&
        (st.st_ino != n.st.st_ino || st.st_dev != n.st.st_dev)) {
        close(fcb->fd);
        fcb->fd = -1;
        fcb->fd_writable = false;
    }
    nt_node_free(&n);
}

static void tell(struct nt_io *io, const struct nt_node *from, const struct nt_node *to, bool dir)
{
    uint32_t filter = dir ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
    size_t a = nt_path_parent(from->guest, from->guest_len);
    size_t b = nt_path_parent(to->guest, to->guest_len);
    bool same = utf16_equal_nocase(from->guest, a, to->guest, b);
    nt_notify(io, from->guest, from->guest_len, filter,
              same ? FILE_ACTION_RENAMED_OLD_NAME : FILE_ACTION_REMOVED);
    nt_notify(io, to->guest, to->guest_len, filter,
              same ? FILE_ACTION_RENAMED_NEW_NAME : FILE_ACTION_ADDED);
}

static ntstatus move(struct nt_io *io, struct nt_fcb *fcb, struct nt_node *from, struct nt_node *to)
{
    uint64_t id = nt_file_id(io, fcb->path, fcb->len);
    nt_fcb_stamp(io, fcb);
    ntstatus s = nt_move(io, from, to);
    if (s)
        return s;
    nt_file_id_keep(io, id, to->guest, to->guest_len);
    nt_secured_moved(io, fcb->path, fcb->len, to->guest, to->guest_len);
    if (fcb->directory)
        follow(io, fcb, to->guest, to->guest_len);
    nt_fcb_rename(io, fcb, to->guest, to->guest_len);
    refresh_descriptor(io, fcb);
    tell(io, from, to, fcb->directory);
    return s;
}

static ntstatus link_name(struct nt_io *io, struct nt_fcb *fcb, struct nt_node *from,
                          struct nt_node *to)
{
    if (fcb->directory)
        return STATUS_FILE_IS_A_DIRECTORY;
    uint64_t id = nt_file_id(io, fcb->path, fcb->len);
    ntstatus s = nt_link(io, from, to);
    if (s)
        return s;
    nt_file_id_keep(io, id, to->guest, to->guest_len);
    refresh_descriptor(io, fcb);
    nt_notify(io, to->guest, to->guest_len, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED);
    return s;
}

ntstatus nt_rename_file(struct nt_call *c, struct nt_file *f, const uint8_t *in, uint32_t len,
                        bool ex, bool link)
{
    struct nt_io *io = c->k->io;
    struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    struct target t;
    struct nt_path path;
    struct nt_node from, to;
    if (!fcb)
        return STATUS_INVALID_DEVICE_REQUEST;
    ntstatus s = decode(c, in, len, ex, &t);
    if (!s)
        s = target_path(c, fcb, &t, &path);
    if (s)
        return s;
    s = nt_fcb_node(io, fcb, &from);
    if (s)
        goto free_path;
    if (!link && fcb->directory && nt_fcb_open_below(io, fcb)) {
        s = STATUS_ACCESS_DENIED;
        goto free_from;
    }
    if (link && fcb->directory) {
        s = STATUS_FILE_IS_A_DIRECTORY;
        goto free_from;
    }
    s = target_node(io, &path, &from, t.flags, link, &to);
    if (!s && link && (to.lower || to.upper)) { /* to itself */
        nt_node_free(&to);
        goto free_from;
    }
    if (!s && nt_path_begins(to.guest, to.guest_len, from.guest, from.guest_len) &&
        to.guest_len > from.guest_len)
        s = STATUS_SHARING_VIOLATION; /* a directory cannot move into itself */
    if (!s)
        s = nt_secured_check_new(c, to.guest, to.guest_len, fcb->directory);
    if (!s)
        s = link ? link_name(io, fcb, &from, &to) : move(io, fcb, &from, &to);
    nt_node_free(&to);
free_from:
    nt_node_free(&from);
free_path:
    nt_path_free(&path);
    return s;
}
