// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening and deleting by name. */
#include "nt/io/internal.h"
#include "nt/se/security.h"
#include "nt/structs.h"

#include <unistd.h>

struct request {
    struct nt_attrs attrs;
    uint32_t desired; /* as the guest wrote it */
    uint32_t access;  /* mapped */
    uint32_t attributes, share, disposition, options;
    struct nt_path path;
};

enum { MAXIMUM_ALLOWED = 0x2000000, DATA_WRITES = FILE_WRITE_DATA | FILE_APPEND_DATA };

static ntstatus check_options(const struct request *r)
{
    uint32_t o = r->options, d = r->disposition;
    if (d > FILE_OVERWRITE_IF || (o & ~(uint32_t)FILE_OPTIONS_VALID) || (r->share & ~7u))
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_SYNCHRONOUS) == FILE_SYNCHRONOUS)
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_SYNCHRONOUS) && !(r->access & IO_SYNCHRONIZE))
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_DIRECTORY_FILE) && (o & FILE_NON_DIRECTORY_FILE))
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_DIRECTORY_FILE) && d != FILE_OPEN && d != FILE_CREATE && d != FILE_OPEN_IF)
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_DELETE_ON_CLOSE) && !(r->access & IO_DELETE))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The path of the directory handle, NULL without one. */
static ntstatus root_path(struct nt_call *c, const struct nt_attrs *a, const uint16_t **path,
                          size_t *len, struct nt_file **root)
{
    struct nt_file *f;
    *path = NULL;
    *len = 0;
    *root = NULL;
    if (!a->root)
        return STATUS_SUCCESS;
    ntstatus s = nt_handle_get(c, a->root, NT_TYPE_FILE, 0, &f);
    if (s)
        return s;
    *root = f;
    const struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    if (fcb) {
        *path = fcb->path;
        *len = fcb->len;
    }
    return STATUS_SUCCESS;
}

/* Ids are those that we gave out; names in the directory are tried too, since an id may come from a
 * listing that the guest kept. */
static ntstatus path_by_id(struct nt_call *c, const struct nt_attrs *a, const uint16_t *root,
                           size_t root_len, struct nt_path *out)
{
    struct nt_io *io = c->k->io;
    uint64_t id;
    if ((a->name_len != 4 && a->name_len != 8) || !root)
        return STATUS_INVALID_PARAMETER;
    memcpy(&id, a->name, 8);
    const struct nt_id_row *row = nt_file_id_find(io, id);
    if (!row || row->path[0] != root[0])
        return STATUS_INVALID_PARAMETER;
    (void)root_len;
    *out = (struct nt_path){.kind = NT_PATH_DISK, .len = row->len};
    out->text = xcalloc(row->len + 1, 2);
    memcpy(out->text, row->path, row->len * 2);
    return STATUS_SUCCESS;
}

/* Through directories and links of the object namespace that the guest made itself. */
static ntstatus parse_by_objects(struct nt_call *c, const struct nt_attrs *a, struct nt_path *out)
{
    uint16_t *text;
    size_t len;
    ntstatus s = nt_name_resolve(c, a, &text, &len);
    if (s)
        return s;
    s = nt_path_parse(c->k->io, NULL, 0, text, len, out);
    free(text);
    return s;
}

static bool not_found(ntstatus s)
{
    return s == STATUS_OBJECT_PATH_NOT_FOUND || s == STATUS_OBJECT_NAME_NOT_FOUND;
}

static bool root_is_object(struct nt_call *c, const struct nt_attrs *a)
{
    struct nt_object *o;
    return a->root && !nt_handle_get(c, a->root, NT_TYPE_DIRECTORY, 0, &o);
}

static ntstatus parse(struct nt_call *c, const struct nt_attrs *a, uint32_t options,
                      struct nt_path *out)
{
    const uint16_t *root;
    size_t len;
    struct nt_file *rf;
    *out = (struct nt_path){0};
    if (root_is_object(c, a))
        return parse_by_objects(c, a, out);
    ntstatus s = root_path(c, a, &root, &len, &rf);
    if (s)
        return s;
    if (options & FILE_OPEN_BY_FILE_ID)
        return path_by_id(c, a, root, len, out);
    if (rf && rf->kind == NT_FILE_PIPE && !a->name_len) { /* the other end of a nameless pipe */
        out->kind = NT_PATH_PIPE;
        out->text = nt_pipe_name(c->k, rf, &out->len);
        return STATUS_SUCCESS;
    }
    if (rf && rf->kind == NT_FILE_PIPE)
        return STATUS_OBJECT_NAME_INVALID;
    if (rf && !root) { /* relative to something that is no directory */
        if (rf->kind != NT_FILE_PIPE_ROOT && rf->kind != NT_FILE_PIPE_DEVICE)
            return a->name_len ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_INVALID;
        for (size_t i = 0; i < a->name_len && rf->kind == NT_FILE_PIPE_DEVICE; i++)
            if (a->name[i] == '\\')
                return STATUS_OBJECT_NAME_INVALID;
        *out = (struct nt_path){.kind = NT_PATH_PIPE, .len = a->name_len};
        out->text = xcalloc(a->name_len + 1, 2);
        if (a->name_len)
            memcpy(out->text, a->name, a->name_len * 2);
        return STATUS_SUCCESS;
    }
    static const uint16_t none[1];
    s = nt_path_parse(c->k->io, root, len, a->name ? a->name : none, a->name_len, out);
    if (!not_found(s) || root)
        return s;
    ntstatus other = parse_by_objects(c, a, out);
    return not_found(other) ? s : other;
}

ntstatus nt_parse_attrs(struct nt_call *c, const struct nt_attrs *a, struct nt_path *out)
{
    return parse(c, a, 0, out);
}

/* A path that names nothing of ours may be worth an option of the user's. */
static void note_refused(struct nt_call *c, const struct nt_attrs *a)
{
    char *name = utf16_to_utf8(a->name, a->name_len, NULL);
    const char *shown = !strncmp(name, "\\??\\", 4) ? name + 4 : name;
    bool drive = shown[0] && shown[1] == ':';
    char hint[32];
    snprintf(hint, sizeof hint, "--mount '%c:\\=DIR'", drive ? shown[0] : 'X');
    nt_note(c->k, NT_NOTE_DENIED, shown, hint);
    free(name);
}

static ntstatus parse_noted(struct nt_call *c, const struct nt_attrs *a, uint32_t options,
                            struct nt_path *out)
{
    ntstatus s = parse(c, a, options, out);
    if (not_found(s) && a->name && !a->root)
        note_refused(c, a);
    return s;
}

/* ---- Disk files
 * ---------------------------------------------------------------------------------- */

static bool overwrites(uint32_t disposition)
{
    return disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE ||
           disposition == FILE_OVERWRITE_IF;
}

/* Rules that depend on what is there. */
static ntstatus check_existing(struct nt_call *c, struct request *r, const struct nt_node *n,
                               const struct nt_stat *st)
{
    bool over = overwrites(r->disposition);
    if (r->disposition == FILE_CREATE)
        return STATUS_OBJECT_NAME_COLLISION;
    if (n->directory && (r->options & FILE_NON_DIRECTORY_FILE))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!n->directory && (r->options & FILE_DIRECTORY_FILE))
        return STATUS_NOT_A_DIRECTORY;
    if (!n->directory && r->path.trailing)
        return STATUS_OBJECT_NAME_INVALID;
    if (n->directory && r->path.data_stream)
        return STATUS_INVALID_PARAMETER;
    if (n->directory)
        return over ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
    bool read_only = st->attributes & FILE_ATTRIBUTE_READONLY;
    bool closed = n->mount && n->mount->mode == NT_MOUNT_READ_ONLY;
    if ((r->desired & MAXIMUM_ALLOWED) && (read_only || closed) && !over) {
        r->access &= ~(uint32_t)DATA_WRITES;
        if (closed)
            r->access &= ~(uint32_t)IO_DELETE;
    }
    if (read_only && ((r->access & DATA_WRITES) || (over && r->disposition != FILE_SUPERSEDE)))
        return closed ? nt_check_writable(c->k->io, n) : STATUS_ACCESS_DENIED;
    if ((r->options & FILE_DELETE_ON_CLOSE) && read_only)
        return STATUS_CANNOT_DELETE;
    if (closed && ((r->access & (DATA_WRITES | IO_DELETE)) || over))
        return nt_check_writable(c->k->io, n);
    uint32_t kept = st->attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
    if (over && (kept & ~r->attributes))
        return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

static ntstatus truncate_to_nothing(struct nt_io *io, struct nt_fcb *fcb, struct nt_node *n,
                                    uint32_t attributes)
{
    int fd;
    if (fcb->mapped_data || fcb->mapped_image)
        return STATUS_USER_MAPPED_FILE;
    uint32_t kept = (attributes & FILE_ATTRIBUTES_SETTABLE) | FILE_ATTRIBUTE_ARCHIVE;
    ntstatus s = STATUS_SUCCESS;
    if (!(n->st.st_mode & S_IWUSR)) /* superseded: the host opens it for writing after this */
        s = nt_set_attributes(io, n, kept & ~(uint32_t)FILE_ATTRIBUTE_READONLY);
    if (!s)
        s = nt_fcb_fd(io, fcb, true, &fd);
    if (!s && ftruncate(fd, 0) < 0)
        s = STATUS_ACCESS_DENIED;
    if (s)
        return s;
    fcb->written = true;
    nt_node_free(n);
    s = nt_fcb_node(io, fcb, n);
    if (!s)
        s = nt_set_attributes(io, n, kept);
    return s;
}

/* The descriptor is opened now, so that what the host refuses is refused here. */
static ntstatus open_bytes(struct nt_io *io, struct nt_fcb *fcb, const struct nt_node *n,
                           uint32_t access)
{
    int fd;
    if (fcb->directory || !(access & (FILE_READ_DATA | FILE_EXECUTE | DATA_WRITES)))
        return STATUS_SUCCESS;
    bool own = n->upper || (n->mount && n->mount->mode == NT_MOUNT_READ_WRITE);
    return nt_fcb_fd(io, fcb, own && (access & DATA_WRITES), &fd);
}

static struct nt_file *attach(struct nt_io *io, struct nt_fcb *fcb, const struct request *r)
{
    struct nt_file *f = nt_file_new(io, NT_FILE_DISK, r->access, r->share, r->options);
    f->fcb = fcb->id;
    f->delete_on_close = r->options & FILE_DELETE_ON_CLOSE;
    fcb->refs++;
    fcb->handles++;
    nt_share_add(fcb, r->access, r->share, 1);
    return f;
}

static void drop_unused(struct nt_io *io, struct nt_fcb *fcb)
{
    fcb->refs++;
    nt_fcb_unref(io, fcb);
}

static ntstatus open_existing(struct nt_call *c, struct request *r, struct nt_node *n,
                              struct nt_file **out, uint32_t *how)
{
    struct nt_io *io = c->k->io;
    struct nt_stat st;
    nt_stat_node(io, n, &st);
    struct nt_fcb *fcb = nt_fcb_find(io, n->guest, n->guest_len);
    if (fcb && fcb->delete_pending)
        return STATUS_DELETE_PENDING;
    ntstatus s = check_existing(c, r, n, &st);
    if (!s && fcb && fcb->mapped_image && (r->options & FILE_DELETE_ON_CLOSE))
        s = STATUS_CANNOT_DELETE;
    bool over = overwrites(r->disposition);
    uint32_t needs = r->access | (over ? FILE_WRITE_DATA : 0) |
                     (r->disposition == FILE_SUPERSEDE ? IO_DELETE : 0);
    if (!s)
        s = nt_secured_check(c, n->guest, n->guest_len, needs, &r->access,
                             r->desired & MAXIMUM_ALLOWED);
    if (!s && fcb)
        s = nt_share_check(fcb, needs, r->share);
    if (s)
        return s;
    if (!fcb)
        fcb = nt_fcb_new(io, n->guest, n->guest_len, n->directory);
    s = open_bytes(io, fcb, n, r->access);
    if (!s && over)
        s = truncate_to_nothing(io, fcb, n, r->attributes);
    if (s) {
        drop_unused(io, fcb);
        return s;
    }
    *how = r->disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
           : over                           ? FILE_OVERWRITTEN
                                            : FILE_OPENED;
    if (over)
        nt_notify(io, fcb->path, fcb->len, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE,
                  FILE_ACTION_MODIFIED);
    *out = attach(io, fcb, r);
    return STATUS_SUCCESS;
}

static ntstatus create_new(struct nt_call *c, struct request *r, struct nt_node *n,
                           struct nt_file **out, uint32_t *how)
{
    struct nt_io *io = c->k->io;
    bool dir = r->options & FILE_DIRECTORY_FILE;
    int fd = -1;
    if (r->disposition == FILE_OPEN || r->disposition == FILE_OVERWRITE)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (r->path.trailing && !dir)
        return STATUS_OBJECT_NAME_INVALID;
    if ((r->options & FILE_DELETE_ON_CLOSE) && (r->attributes & FILE_ATTRIBUTE_READONLY))
        return STATUS_CANNOT_DELETE;
    const struct nt_fcb *parent = nt_fcb_find(io, n->guest, nt_path_parent(n->guest, n->guest_len));
    if (parent && parent->delete_pending)
        return STATUS_DELETE_PENDING;
    ntstatus s = nt_secured_check_new(c, n->guest, n->guest_len, dir);
    if (!s)
        s = nt_create_at(io, n, dir, &fd);
    if (s)
        return s;
    uint32_t attributes =
        r->attributes & FILE_ATTRIBUTES_SETTABLE & ~(uint32_t)FILE_ATTRIBUTE_NORMAL;
    nt_stamp(io, n, true);
    nt_set_attributes(io, n, attributes | (dir ? 0 : FILE_ATTRIBUTE_ARCHIVE));
    struct nt_fcb *fcb = nt_fcb_new(io, n->guest, n->guest_len, dir);
    fcb->fd = fd;
    fcb->fd_writable = !dir;
    *how = FILE_CREATED;
    *out = attach(io, fcb, r);
    nt_notify(io, fcb->path, fcb->len,
              dir ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED);
    return STATUS_SUCCESS;
}

static ntstatus open_disk(struct nt_call *c, struct request *r, struct nt_file **out, uint32_t *how)
{
    struct nt_node n;
    ntstatus s = nt_lookup(c->k->io, r->path.text, r->path.len, &n);
    if (s == STATUS_SUCCESS)
        s = open_existing(c, r, &n, out, how);
    else if (s == STATUS_OBJECT_NAME_NOT_FOUND)
        s = create_new(c, r, &n, out, how);
    nt_node_free(&n);
    return s;
}

/* ---- Everything else
 * ----------------------------------------------------------------------------- */

static ntstatus open_console(struct nt_call *c, const struct request *r, struct nt_file **out)
{
    bool input = r->path.kind == NT_PATH_CON_IN ||
                 (r->path.kind == NT_PATH_CON && !(r->access & DATA_WRITES));
    int which = input ? NT_STD_IN : NT_STD_OUT;
    int fd = c->k->io->std[which];
    if (fd < 0 || !isatty(fd)) /* there is no console */
        return STATUS_INVALID_HANDLE;
    *out = nt_file_new(c->k->io, NT_FILE_CONSOLE, r->access, r->share,
                       r->options | FILE_SYNCHRONOUS_IO_NONALERT);
    (*out)->stream = (uint8_t)which;
    return STATUS_SUCCESS;
}

static ntstatus open_simple(struct nt_call *c, const struct request *r, enum nt_file_kind kind,
                            struct nt_file **out)
{
    *out = nt_file_new(c->k->io, kind, r->access, r->share, r->options);
    if (kind == NT_FILE_VOLUME)
        (*out)->drive = r->path.text[0];
    return STATUS_SUCCESS;
}

static ntstatus open_path(struct nt_call *c, struct request *r, struct nt_file **out, uint32_t *how)
{
    *how = FILE_OPENED;
    switch (r->path.kind) {
    case NT_PATH_DISK:
        return open_disk(c, r, out, how);
    case NT_PATH_VOLUME:
        if (r->options & FILE_DIRECTORY_FILE)
            return STATUS_NOT_A_DIRECTORY;
        return open_simple(c, r, NT_FILE_VOLUME, out);
    case NT_PATH_NULL:
        if (r->options & FILE_DELETE_ON_CLOSE)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        return open_simple(c, r, NT_FILE_NULL, out);
    case NT_PATH_MOUNT_MANAGER:
        return open_simple(c, r, NT_FILE_MOUNT_MANAGER, out);
    case NT_PATH_PIPE_ROOT:
        return open_simple(c, r, NT_FILE_PIPE_DEVICE, out);
    case NT_PATH_PIPE:
        if (!r->path.len)
            return open_simple(c, r, NT_FILE_PIPE_ROOT, out);
        if (r->disposition == FILE_CREATE)
            return STATUS_OBJECT_NAME_COLLISION;
        return nt_pipe_open(c, &r->path, r->access, r->share, r->options, out);
    case NT_PATH_MAILSLOT:
        if (!r->path.len)
            return open_simple(c, r, NT_FILE_MAILSLOT_DEVICE, out);
        return nt_mailslot_open(c, &r->path, r->access, r->share, r->options, out);
    default:
        return open_console(c, r, out);
    }
}

/* The descriptor that a new file's creator chose. When there is something wrong with it, the file
 * stays all the same. */
static ntstatus given_security(struct nt_call *c, uint64_t attributes, struct nt_file *f)
{
    struct OBJECT_ATTRIBUTES oa;
    ntstatus s = nt_get(c, &layout_OBJECT_ATTRIBUTES, attributes, &oa);
    if (!s && oa.SecurityDescriptor)
        s = nt_object_sd_give(c, &f->o, oa.SecurityDescriptor);
    if (s)
        nt_object_unref(c->k, &f->o);
    return s;
}

static ntstatus open_file(struct nt_call *c, struct request *r, uint64_t handle_out,
                          uint64_t attributes, uint64_t iosb)
{
    struct nt_file *f;
    uint32_t how;
    ntstatus s = nt_zero_handle(c, handle_out, STATUS_SUCCESS);
    if (!s)
        s = nt_probe_write(c, iosb, 2 * (size_t)nt_ptr_size(c));
    if (!s)
        s = nt_attrs_read(c, attributes, &r->attrs);
    if (s)
        return s;
    if (!r->attrs.present) {
        s = STATUS_INVALID_PARAMETER;
        goto out;
    }
    r->access = nt_map_access(NT_TYPE_FILE, r->desired);
    s = check_options(r);
    if (!s)
        s = parse_noted(c, &r->attrs, r->options, &r->path);
    if (!s)
        s = open_path(c, r, &f, &how);
    if (!s && how == FILE_CREATED && f->kind == NT_FILE_DISK)
        s = given_security(c, attributes, f);
    if (!s)
        s = nt_file_opened(c, f, &r->attrs, handle_out, iosb, how);
out:
    nt_path_free(&r->path);
    nt_attrs_free(&r->attrs);
    return s;
}

ntstatus nt_create_file(struct nt_call *c)
{
    const struct NtCreateFile_args *a = nt_args(c);
    struct request r = {.desired = (uint32_t)a->DesiredAccess,
                        .attributes = (uint32_t)a->FileAttributes,
                        .share = (uint32_t)a->ShareAccess,
                        .disposition = (uint32_t)a->CreateDisposition,
                        .options = (uint32_t)a->CreateOptions};
    return open_file(c, &r, a->FileHandle, a->ObjectAttributes, a->IoStatusBlock);
}

ntstatus nt_open_file(struct nt_call *c)
{
    const struct NtOpenFile_args *a = nt_args(c);
    struct request r = {.desired = (uint32_t)a->DesiredAccess,
                        .share = (uint32_t)a->ShareAccess,
                        .disposition = FILE_OPEN,
                        .options = (uint32_t)a->OpenOptions};
    return open_file(c, &r, a->FileHandle, a->ObjectAttributes, a->IoStatusBlock);
}

/* ---- Without a handle
 * ---------------------------------------------------------------------------- */

static ntstatus delete_path(struct nt_call *c, const struct nt_path *p)
{
    struct nt_io *io = c->k->io;
    struct nt_node n;
    struct nt_stat st;
    if (p->kind != NT_PATH_DISK)
        return STATUS_ACCESS_DENIED;
    ntstatus s = nt_lookup(io, p->text, p->len, &n);
    if (s) {
        nt_node_free(&n);
        return s;
    }
    struct nt_fcb *fcb = nt_fcb_find(io, n.guest, n.guest_len);
    nt_stat_node(io, &n, &st);
    if (!n.directory && (st.attributes & FILE_ATTRIBUTE_READONLY))
        s = STATUS_CANNOT_DELETE;
    else if (fcb && fcb->delete_pending)
        s = STATUS_DELETE_PENDING;
    else if (fcb)
        s = nt_share_check(fcb, IO_DELETE, 7);
    if (!s)
        s = nt_secured_check(c, n.guest, n.guest_len, IO_DELETE, NULL, false);
    if (!s && fcb && fcb->handles) {
        fcb->delete_pending = true;
    } else if (!s) {
        s = nt_remove(io, &n);
        if (!s)
            nt_notify(io, n.guest, n.guest_len,
                      n.directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME,
                      FILE_ACTION_REMOVED);
        if (s == STATUS_DIRECTORY_NOT_EMPTY) /* as a delete on close, whose failure nobody sees */
            s = STATUS_SUCCESS;
    }
    nt_node_free(&n);
    return s;
}

ntstatus nt_delete_file(struct nt_call *c)
{
    const struct NtDeleteFile_args *a = nt_args(c);
    struct nt_attrs at;
    struct nt_path path;
    ntstatus s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    s = parse_noted(c, &at, 0, &path);
    if (!s)
        s = delete_path(c, &path);
    nt_path_free(&path);
    nt_attrs_free(&at);
    return s;
}

static ntstatus stat_path(struct nt_call *c, const struct nt_path *p, struct nt_stat *st)
{
    struct nt_io *io = c->k->io;
    struct nt_node n;
    *st = (struct nt_stat){0};
    if (p->kind == NT_PATH_NULL || p->kind == NT_PATH_CON || p->kind == NT_PATH_CON_IN ||
        p->kind == NT_PATH_CON_OUT) {
        st->attributes = FILE_ATTRIBUTE_ARCHIVE;
        return STATUS_SUCCESS;
    }
    if (p->kind != NT_PATH_DISK)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_lookup(io, p->text, p->len, &n);
    if (!s) {
        struct nt_fcb *fcb = nt_fcb_find(io, n.guest, n.guest_len);
        if (fcb)
            nt_fcb_stamp(io, fcb);
        if (fcb && fcb->delete_pending)
            s = STATUS_DELETE_PENDING;
        else if (p->trailing && !n.directory)
            s = STATUS_OBJECT_NAME_INVALID;
        else
            nt_stat_node(io, &n, st);
    }
    nt_node_free(&n);
    return s;
}

static ntstatus query_attributes(struct nt_call *c, uint64_t attributes, struct nt_stat *st)
{
    struct nt_attrs at;
    struct nt_path path;
    ntstatus s = nt_attrs_read(c, attributes, &at);
    if (s)
        return s;
    s = at.present ? parse_noted(c, &at, 0, &path) : STATUS_INVALID_PARAMETER;
    if (!s) {
        s = stat_path(c, &path, st);
        nt_path_free(&path);
    }
    nt_attrs_free(&at);
    return s;
}

ntstatus nt_query_attributes_file(struct nt_call *c)
{
    const struct NtQueryAttributesFile_args *a = nt_args(c);
    struct nt_stat st;
    uint8_t raw[40];
    ntstatus s = query_attributes(c, a->ObjectAttributes, &st);
    if (s)
        return s;
    nt_basic_information(&st, raw);
    return nt_write(c, a->FileInformation, raw, sizeof raw);
}

ntstatus nt_query_full_attributes_file(struct nt_call *c)
{
    const struct NtQueryFullAttributesFile_args *a = nt_args(c);
    struct nt_stat st;
    uint8_t raw[56];
    ntstatus s = query_attributes(c, a->ObjectAttributes, &st);
    if (s)
        return s;
    nt_network_information(&st, raw);
    return nt_write(c, a->FileInformation, raw, sizeof raw);
}
