// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

#include <unistd.h>

struct nt_file *nt_file_new(struct nt_io *io, enum nt_file_kind kind, uint32_t access,
                            uint32_t share, uint32_t options)
{
    struct nt_file *f = nt_object_new(io->k, NT_TYPE_FILE);
    f->kind = (uint8_t)kind;
    f->access = access;
    f->share = share;
    f->options = options;
    f->signaled = true;
    return f;
}

struct nt_fcb *nt_file_fcb(struct nt_kernel *k, const struct nt_file *f)
{
    return f->kind == NT_FILE_DISK ? nt_fcb_by_id(k->io, f->fcb) : NULL;
}

ntstatus nt_file_opened(struct nt_call *c, struct nt_file *f, const struct nt_attrs *a,
                        uint64_t handle_out, uint64_t iosb, uint32_t how)
{
    uint32_t access = f->access;
    ntstatus s = nt_return_handle(c, &f->o, access, a, handle_out);
    if (!s)
        s = nt_put_iosb(c, iosb, STATUS_SUCCESS, how);
    return s;
}

/* ---- Closing
 * ------------------------------------------------------------------------------------- */

/* The last handle is gone: what handles stand for ends, though sections may keep the object. */
static void delete_now(struct nt_io *io, struct nt_fcb *fcb, bool tell)
{
    struct nt_node n;
    ntstatus s = nt_fcb_node(io, fcb, &n);
    if (!s)
        s = nt_remove(io, &n);
    fcb->deleted = !s;
    if (!s && tell)
        nt_notify(io, fcb->path, fcb->len,
                  fcb->directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME,
                  FILE_ACTION_REMOVED);
    fcb->delete_pending = false;
    nt_node_free(&n);
}

static void disk_cleanup(struct nt_kernel *k, struct nt_file *f, bool tell)
{
    struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (!fcb)
        return;
    bool locked = fcb->locks.len;
    nt_locks_drop(fcb, f->o.id);
    if (locked && tell)
        nt_locks_released(k, fcb);
    nt_share_add(fcb, f->access, f->share, -1);
    nt_fcb_stamp(k->io, fcb);
    if (f->delete_on_close && !fcb->deleted)
        fcb->delete_pending = true;
    fcb->handles--;
    if (fcb->delete_pending && !fcb->deleted && !fcb->handles)
        delete_now(k->io, fcb, tell);
}

static void file_closed(struct nt_kernel *k, struct nt_object *o, struct nt_process *p)
{
    struct nt_file *f = (struct nt_file *)o;
    (void)p;
    if (o->handles || f->cleaned)
        return;
    f->cleaned = true;
    nt_object_ref(o);
    nt_irp_cancel_file(k, o->id,
                       f->watching               ? STATUS_NOTIFY_CLEANUP
                       : f->kind == NT_FILE_PIPE ? STATUS_PIPE_BROKEN
                                                 : STATUS_CANCELLED);
    if (f->kind == NT_FILE_DISK)
        disk_cleanup(k, f, true);
    else if (f->kind == NT_FILE_PIPE || f->kind == NT_FILE_MAILSLOT)
        nt_pipe_file_closed(k, f);
    nt_object_unref(k, o);
}

static void file_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_file *f = (struct nt_file *)o;
    bool whole = k->io && !k->damaged; /* else io/ frees its part without us */
    struct nt_fcb *fcb = whole ? nt_file_fcb(k, f) : NULL;
    if (fcb) {
        if (!f->cleaned)
            disk_cleanup(k, f, false); /* the machine ends: other objects may be gone */
        nt_fcb_unref(k->io, fcb);
    } else if (whole && (f->kind == NT_FILE_PIPE || f->kind == NT_FILE_MAILSLOT)) {
        nt_pipe_file_destroyed(k, f);
    }
    nt_dirents_free(&f->entries);
    free(f->pattern);
    vec_free(&f->changes);
    nt_id_unref(k, f->port);
}

/* ---- Names
 * --------------------------------------------------------------------------------------- */

static uint16_t *prefixed(const char *prefix, const uint16_t *rest, size_t rest_len, size_t *len)
{
    size_t n = strlen(prefix);
    uint16_t *out = xmalloc((n + rest_len + 1) * 2);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)prefix[i];
    if (rest_len)
        memcpy(out + n, rest, rest_len * 2);
    *len = n + rest_len;
    out[*len] = 0;
    return out;
}

static uint16_t *disk_name(const uint16_t *path, size_t n, enum nt_file_name_form form, size_t *len)
{
    char prefix[40] = "";
    size_t cut = form == NT_FILE_NAME_DOS ? 0 : 2;
    static const uint16_t root[] = u"C:\\";
    uint16_t with_root[3];
    if (n == 2) { /* the root has a separator at its end, and nothing else has */
        memcpy(with_root, root, sizeof with_root);
        with_root[0] = path[0];
        path = with_root;
        n = 3;
    }
    if (form == NT_FILE_NAME_DOS)
        snprintf(prefix, sizeof prefix, "\\??\\");
    else if (form == NT_FILE_NAME_DEVICE)
        snprintf(prefix, sizeof prefix, "\\Device\\HarddiskVolume%u",
                 nt_io_volume_number((char)path[0]));
    return prefixed(prefix, path + cut, n - cut, len);
}

uint16_t *nt_file_name(struct nt_kernel *k, const struct nt_file *f, enum nt_file_name_form form,
                       size_t *len)
{
    static const char *const fixed[] = {
        [NT_FILE_NULL] = "\\Device\\Null",
        [NT_FILE_PIPE_ROOT] = "\\Device\\NamedPipe\\",
        [NT_FILE_PIPE_DEVICE] = "\\Device\\NamedPipe",
        [NT_FILE_MOUNT_MANAGER] = "\\Device\\MountPointManager",
        [NT_FILE_MAILSLOT_DEVICE] = "\\Device\\Mailslot",
        [NT_FILE_CONSOLE] = "\\Device\\ConDrv",
    };
    static const char *const std[][NT_STD_COUNT] = {
        [NT_STREAM_PIPE] = {"\\Device\\NamedPipe\\stdin", "\\Device\\NamedPipe\\stdout",
                            "\\Device\\NamedPipe\\stderr"},
        [NT_STREAM_DISK] = {"\\Device\\Host\\stdin", "\\Device\\Host\\stdout",
                            "\\Device\\Host\\stderr"},
        [NT_STREAM_NULL] = {"\\Device\\Null", "\\Device\\Null", "\\Device\\Null"},
        [NT_STREAM_CONSOLE] = {"\\Device\\ConDrv", "\\Device\\ConDrv", "\\Device\\ConDrv"},
    };
    const struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (fcb)
        return disk_name(fcb->path, fcb->len, form, len);
    if (f->kind == NT_FILE_VOLUME) {
        uint16_t drive[2] = {f->drive, ':'};
        char prefix[40] = "\\??\\";
        if (form == NT_FILE_NAME_DOS)
            return prefixed(prefix, drive, 2, len);
        snprintf(prefix, sizeof prefix, "\\Device\\HarddiskVolume%u",
                 nt_io_volume_number((char)f->drive));
        return prefixed(form == NT_FILE_NAME_LOCAL ? "" : prefix, drive, 0, len);
    }
    if (f->kind == NT_FILE_PIPE || f->kind == NT_FILE_MAILSLOT) {
        size_t n;
        uint16_t *name = nt_pipe_name(k, f, &n), *out;
        const char *dir =
            f->kind == NT_FILE_PIPE ? "\\Device\\NamedPipe\\" : "\\Device\\Mailslot\\";
        out = prefixed(form == NT_FILE_NAME_LOCAL ? "\\" : dir, name, n, len);
        free(name);
        return out;
    }
    const char *text =
        f->kind == NT_FILE_STREAM ? std[nt_stream_class(k, f)][f->stream] : fixed[f->kind];
    if (form == NT_FILE_NAME_LOCAL) /* past "\Device\Xxx" */
        text = strrchr(text, '\\');
    return prefixed(text, NULL, 0, len);
}

static size_t file_describe(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    size_t len;
    uint16_t *name = nt_file_name(k, (struct nt_file *)o, NT_FILE_NAME_DOS, &len);
    size_t skip = len > 4 && name[1] == '?' ? 4 : 0;
    char *text = utf16_to_utf8(name + skip, len - skip, NULL);
    int n = snprintf(out, size, "%s", text);
    free(text);
    free(name);
    return n < 0 ? 0 : MIN((size_t)n, size ? size - 1 : 0);
}

/* ---- Type row
 * ------------------------------------------------------------------------------------ */

static bool file_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    (void)k;
    (void)t;
    return ((struct nt_file *)o)->signaled;
}

static ntstatus file_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    (void)k;
    (void)o;
    (void)t;
    return STATUS_SUCCESS;
}

static void entries_transfer(struct ser *s, struct nt_file *f)
{
    size_t n = f->entries.len;
    ser_count(s, &n, 1 << 24);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&f->entries, (struct nt_dirent){0});
        ser_utf16(s, &f->entries.data[i].name, &f->entries.data[i].len, 256);
    }
    SER(s, f->next_entry);
    if (f->next_entry > f->entries.len)
        ser_fail(s, "snapshot: a directory scan beyond its end");
    SER(s, f->scanned);
    ser_utf16(s, &f->pattern, &f->pattern_len, 1 << 16);
}

/* What a path's files do together is counted anew. */
static void attach_loaded(struct nt_kernel *k, struct ser *s, const struct nt_file *f)
{
    struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (f->kind != NT_FILE_DISK || s->failed)
        return;
    if (!fcb) {
        ser_fail(s, "snapshot: file %u has no path", f->o.id);
        return;
    }
    fcb->refs++;
    if (f->cleaned)
        return;
    fcb->handles++;
    nt_share_add(fcb, f->access, f->share, 1);
}

static void file_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_file *f = (struct nt_file *)o;
    SER(s, f->kind);
    SER(s, f->access);
    SER(s, f->share);
    SER(s, f->options);
    SER(s, f->position);
    SER(s, f->signaled);
    SER(s, f->cleaned);
    SER(s, f->delete_on_close);
    SER(s, f->fcb);
    SER(s, f->stream);
    SER(s, f->drive);
    SER(s, f->pipe);
    SER(s, f->server);
    SER(s, f->pipe_mode);
    nt_id_transfer(k, s, &f->port, NT_TYPE_IO_COMPLETION);
    SER(s, f->port_key);
    SER(s, f->port_flags);
    SER(s, f->watching);
    SER(s, f->watch_tree);
    SER(s, f->watch_blind);
    SER(s, f->changes_lost);
    SER(s, f->watch_blind);
    SER(s, f->watch_filter);
    ser_bytes(s, &f->changes.data, &f->changes.len, 1 << 24);
    f->changes.cap = s->loading ? f->changes.len : f->changes.cap;
    entries_transfer(s, f);
    if (f->kind > NT_FILE_MAILSLOT_DEVICE || f->stream >= NT_STD_COUNT)
        ser_fail(s, "snapshot: a file of kind %u, stream %u", f->kind, f->stream);
    if (s->loading)
        attach_loaded(k, s, f);
}

const struct nt_type nt_type_file = {
    .name = "File",
    .size = sizeof(struct nt_file),
    .generic = {0x120089, 0x120116, 0x1200a0, FILE_ALL_ACCESS},
    .valid_access = FILE_ALL_ACCESS,
    .destroy = file_destroy,
    .transfer = file_transfer,
    .closed = file_closed,
    .signaled = file_signaled,
    .satisfy = file_satisfy,
    .describe = file_describe,
};

/* ---- For sections
 * -------------------------------------------------------------------------------- */

ntstatus nt_io_section_fd(struct nt_kernel *k, struct nt_file *f, bool writable, int *fd,
                          uint64_t *size)
{
    struct stat st;
    struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (!fcb || fcb->directory)
        return STATUS_INVALID_FILE_FOR_SECTION;
    if (writable && !(f->access & FILE_WRITE_DATA))
        return STATUS_ACCESS_DENIED;
    /* A copy made later, at the first write, would leave the views with the old bytes. */
    if (fcb->writers)
        writable = true;
    ntstatus s = nt_fcb_fd(k->io, fcb, writable, fd);
    if (s)
        return s;
    if (fstat(*fd, &st) < 0)
        return STATUS_INVALID_FILE_FOR_SECTION;
    *size = (uint64_t)st.st_size;
    return STATUS_SUCCESS;
}

void nt_io_section_ref(struct nt_kernel *k, struct nt_file *f, unsigned what, int by)
{
    struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (!fcb)
        return;
    uint32_t *n = what & NT_SECTION_IMAGE ? &fcb->mapped_image : &fcb->mapped_data;
    BUG_ON(by < 0 && !*n);
    *n += (uint32_t)by;
    if (what & NT_SECTION_WRITES)
        fcb->mapped_writes += (uint32_t)by;
}

ntstatus nt_io_extend(struct nt_kernel *k, struct nt_file *f, uint64_t size)
{
    int fd;
    struct stat st;
    struct nt_fcb *fcb = nt_file_fcb(k, f);
    if (!fcb || fcb->directory)
        return STATUS_INVALID_FILE_FOR_SECTION;
    ntstatus s = nt_fcb_fd(k->io, fcb, true, &fd);
    if (s)
        return s;
    if (size > INT64_MAX)
        return STATUS_INVALID_PARAMETER;
    if (!fstat(fd, &st) && (uint64_t)st.st_size < size && ftruncate(fd, (off_t)size) < 0)
        return STATUS_DISK_FULL;
    return STATUS_SUCCESS;
}
