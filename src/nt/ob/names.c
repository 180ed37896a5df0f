// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The object namespace: directories that hold ids by name, and symbolic links.
 * A directory does not keep its members alive: a name lives as long as a handle, or for ever when
 * the object is permanent (nt_name_insert).
 */
#include "base/bits.h"
#include "base/utf.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/structs.h"

struct nt_directory {
    struct nt_object o;
    VEC(nt_id) members; /* in order of upper-cased name, then of the name itself */
};

struct nt_symlink {
    struct nt_object o;
    uint16_t *target;
    size_t target_len;
    uint64_t created;
};

enum { LINKS_MAX = 32, PATH_MAX_UNITS = 0x7fff, MEMBERS_MAX = 1 << 20 };

struct text {
    const uint16_t *s;
    size_t len;
};

static void directory_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_directory *d = (struct nt_directory *)o;
    vec_free(&d->members);
}

static void directory_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_directory *d = (struct nt_directory *)o;
    size_t n = d->members.len;
    ser_count(s, &n, MEMBERS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&d->members, 0);
        SER(s, d->members.data[i]);
    }
}

const struct nt_type nt_type_directory = {
    .name = "Directory",
    .size = sizeof(struct nt_directory),
    .generic = {0x20003, 0x2000c, 0x20003, 0xf000f},
    .valid_access = 0xf000f,
    .destroy = directory_destroy,
    .transfer = directory_transfer,
};

static void symlink_destroy(struct nt_kernel *k, struct nt_object *o)
{
    free(((struct nt_symlink *)o)->target);
}

static void symlink_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_symlink *l = (struct nt_symlink *)o;
    ser_utf16(s, &l->target, &l->target_len, PATH_MAX_UNITS);
    SER(s, l->created);
}

const struct nt_type nt_type_symlink = {
    .name = "SymbolicLink",
    .size = sizeof(struct nt_symlink),
    .generic = {0x20001, 0x20000, 0x20001, 0xf0001},
    .valid_access = 0xf0001,
    .destroy = symlink_destroy,
    .transfer = symlink_transfer,
};

static int compare_exact(struct text a, struct text b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (a.s[i] != b.s[i])
            return a.s[i] < b.s[i] ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare(struct nt_kernel *k, nt_id id, struct text name, bool nocase)
{
    struct nt_object *o = nt_object_get(k, id, NT_TYPE_NONE);
    BUG_ON(!o);
    int cmp = utf16_compare_nocase(o->name, o->name_len, name.s, name.len);
    return cmp || nocase ? cmp : compare_exact((struct text){o->name, o->name_len}, name);
}

/* The first member that is not before the name. Names that differ in case only are neighbours. */
static size_t position(struct nt_kernel *k, const struct nt_directory *d, struct text name,
                       bool nocase)
{
    size_t lo = 0, hi = d->members.len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(k, d->members.data[mid], name, nocase) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct nt_object *member(struct nt_kernel *k, struct nt_directory *d, struct text name,
                                bool nocase)
{
    size_t i = position(k, d, name, nocase);
    if (i == d->members.len || compare(k, d->members.data[i], name, nocase))
        return NULL;
    return nt_object_get(k, d->members.data[i], NT_TYPE_NONE);
}

static void add_member(struct nt_kernel *k, struct nt_directory *d, struct text name,
                       struct nt_object *o)
{
    size_t at = position(k, d, name, false);
    uint16_t *copy = xmalloc((name.len + 1) * sizeof *copy);
    memcpy(copy, name.s, name.len * sizeof *copy);
    copy[name.len] = 0;
    o->name = copy;
    o->name_len = name.len;
    o->directory = d->o.id;
    vec_insert(&d->members, at, o->id);
}

void nt_name_remove(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_directory *d = nt_object_get(k, o->directory, NT_TYPE_DIRECTORY);
    o->directory = 0;
    if (!d)
        return;
    for (size_t i = 0; i < d->members.len; i++) {
        if (d->members.data[i] == o->id) {
            vec_remove(&d->members, i);
            return;
        }
    }
}

/*
 * Walks `path` from *at. On success *at is the object that the whole path names. When only the last
 * component is missing: STATUS_OBJECT_NAME_NOT_FOUND, *at is its directory and *leaf its name.
 * Links in the middle are always followed, the last one unless open_link.
 */
struct walk {
    struct nt_kernel *k;
    struct nt_object *at;
    struct text leaf;
    struct text rest; /* what follows *at when the walk stopped there */
    uint16_t *buffer; /* owned: the path after a link was put in its place */
    int links;
    bool nocase;
};

static ntstatus walk_path(struct walk *w, struct text path, bool open_link);

static ntstatus follow(struct walk *w, const struct nt_symlink *l, struct text rest, bool open_link)
{
    if (++w->links > LINKS_MAX || l->target_len + rest.len + 1 > PATH_MAX_UNITS)
        return STATUS_NAME_TOO_LONG;
    uint16_t *joined = xmalloc((l->target_len + rest.len + 2) * sizeof *joined);
    size_t n = 0;
    if (l->target_len)
        memcpy(joined, l->target, l->target_len * sizeof *joined);
    n = l->target_len;
    if (rest.len) {
        joined[n++] = '\\';
        memcpy(joined + n, rest.s, rest.len * sizeof *joined);
        n += rest.len;
    }
    free(w->buffer);
    w->buffer = joined;
    w->at = nt_object_get(w->k, w->k->root_directory, NT_TYPE_DIRECTORY);
    if (!n) /* an empty target is the root itself */
        return STATUS_SUCCESS;
    if (joined[0] != '\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    return walk_path(w, (struct text){joined + 1, n - 1}, open_link);
}

static ntstatus walk_path(struct walk *w, struct text path, bool open_link)
{
    while (path.len) {
        struct text name = {path.s, 0};
        while (name.len < path.len && path.s[name.len] != '\\')
            name.len++;
        bool last = name.len == path.len;
        struct text rest =
            last ? (struct text){0} : (struct text){path.s + name.len + 1, path.len - name.len - 1};
        if (!name.len)
            return STATUS_OBJECT_NAME_INVALID;
        w->rest = path;
        if (w->at->type != NT_TYPE_DIRECTORY)
            return STATUS_OBJECT_TYPE_MISMATCH;
        struct nt_object *o = member(w->k, (struct nt_directory *)w->at, name, w->nocase);
        if (!o) {
            w->leaf = name;
            return last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
        }
        if (o->type == NT_TYPE_SYMLINK && !(last && open_link))
            return follow(w, (struct nt_symlink *)o, rest, open_link);
        w->at = o;
        if (!last && !rest.len) /* a trailing backslash names nothing */
            return STATUS_OBJECT_NAME_INVALID;
        path = rest;
    }
    return STATUS_SUCCESS;
}

static ntstatus walk_attrs(struct nt_call *c, const struct nt_attrs *a, bool open_link,
                           struct walk *w)
{
    *w = (struct walk){.k = c->k, .nocase = a->attributes & OBJ_CASE_INSENSITIVE};
    struct text path = {a->name, a->name_len};
    if (a->root) {
        ntstatus s = nt_handle_get(c, a->root, NT_TYPE_NONE, 0, &w->at);
        if (s)
            return s;
        /* A link can be opened again through a handle to itself; below it there is nothing. */
        if (w->at->type == NT_TYPE_SYMLINK && open_link && !path.len)
            return STATUS_SUCCESS;
        if (w->at->type != NT_TYPE_DIRECTORY)
            return STATUS_OBJECT_TYPE_MISMATCH;
        if (path.len && path.s[0] == '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
    } else {
        if (!path.len || path.s[0] != '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        w->at = nt_object_get(c->k, c->k->root_directory, NT_TYPE_DIRECTORY);
        path.s++;
        path.len--;
    }
    return walk_path(w, path, open_link);
}

ntstatus nt_create_named(struct nt_call *c, enum nt_type_id type, const struct nt_attrs *a,
                         void *out, bool *existed)
{
    struct walk w;
    if (existed)
        *existed = false;
    if (!a->name_len) {
        *(void **)out = nt_object_new(c->k, type);
        return STATUS_SUCCESS;
    }
    ntstatus s = walk_attrs(c, a, type == NT_TYPE_SYMLINK, &w);
    if (s == STATUS_SUCCESS) {
        if (!(a->attributes & OBJ_OPENIF))
            s = STATUS_OBJECT_NAME_COLLISION;
        if (w.at->type != type)
            s = a->attributes & OBJ_OPENIF ? STATUS_OBJECT_TYPE_MISMATCH
                                           : STATUS_OBJECT_NAME_COLLISION;
        if (s == STATUS_SUCCESS) {
            nt_object_ref(w.at);
            *(void **)out = w.at;
            if (existed)
                *existed = true;
            s = STATUS_OBJECT_NAME_EXISTS;
        }
    } else if (s == STATUS_OBJECT_NAME_NOT_FOUND) {
        struct nt_object *o = nt_object_new(c->k, type);
        add_member(c->k, (struct nt_directory *)w.at, w.leaf, o);
        if (a->attributes & OBJ_PERMANENT) {
            o->permanent = true;
            nt_object_ref(o);
        }
        *(void **)out = o;
        s = STATUS_SUCCESS;
    }
    free(w.buffer);
    return s;
}

ntstatus nt_open_named(struct nt_call *c, enum nt_type_id type, const struct nt_attrs *a, void *out)
{
    struct walk w;
    if (!a->present)
        return STATUS_INVALID_PARAMETER;
    if (!a->name_len && !a->root)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    ntstatus s = walk_attrs(c, a, type == NT_TYPE_SYMLINK || a->attributes & OBJ_OPENLINK, &w);
    free(w.buffer);
    if (s)
        return s;
    if (type != NT_TYPE_NONE && w.at->type != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    nt_object_ref(w.at);
    *(void **)out = w.at;
    return STATUS_SUCCESS;
}

static uint16_t *join(const uint16_t *head, size_t head_len, struct text rest, size_t *len)
{
    uint16_t *out = xcalloc(head_len + rest.len + 2, sizeof *out);
    if (head_len)
        memcpy(out, head, head_len * sizeof *out);
    *len = head_len;
    if (rest.len) {
        out[(*len)++] = '\\';
        memcpy(out + *len, rest.s, rest.len * sizeof *out);
        *len += rest.len;
    }
    return out;
}

ntstatus nt_name_resolve(struct nt_call *c, const struct nt_attrs *a, uint16_t **path, size_t *len)
{
    struct walk w;
    ntstatus s = walk_attrs(c, a, false, &w);
    bool device = w.at && w.at->type == NT_TYPE_DEVICE;
    if (!s && !device)
        s = STATUS_OBJECT_TYPE_MISMATCH;
    bool stopped = s == STATUS_OBJECT_NAME_NOT_FOUND || s == STATUS_OBJECT_PATH_NOT_FOUND ||
                   (s == STATUS_OBJECT_TYPE_MISMATCH && device);
    if (!s || stopped) {
        size_t n = 0;
        uint16_t *head = nt_name_full(c->k, w.at, &n);
        *path = join(head, n, s ? w.rest : (struct text){0}, len);
        free(head);
        s = STATUS_SUCCESS;
    }
    free(w.buffer);
    return s;
}

struct nt_object *nt_name_lookup(struct nt_kernel *k, const uint16_t *path, size_t len,
                                 size_t *used)
{
    struct walk w = {
        .k = k, .nocase = true, .at = nt_object_get(k, k->root_directory, NT_TYPE_DIRECTORY)};
    if (used)
        *used = len;
    if (!len || path[0] != '\\')
        return NULL;
    ntstatus s = walk_path(&w, (struct text){path + 1, len - 1}, false);
    free(w.buffer);
    return s ? NULL : w.at;
}

void nt_name_insert(struct nt_kernel *k, const char *path_utf8, struct nt_object *o)
{
    size_t len;
    uint16_t *path = utf8_to_utf16(path_utf8, strlen(path_utf8), &len);
    struct walk w = {
        .k = k, .nocase = true, .at = nt_object_get(k, k->root_directory, NT_TYPE_DIRECTORY)};
    ntstatus s = walk_path(&w, (struct text){path + 1, len - 1}, true);
    BUG_ON(s != STATUS_OBJECT_NAME_NOT_FOUND);
    add_member(k, (struct nt_directory *)w.at, w.leaf, o);
    o->permanent = true;
    free(w.buffer);
    free(path);
}

uint16_t *nt_name_full(struct nt_kernel *k, struct nt_object *o, size_t *len)
{
    size_t n = 0;
    if (!o->name || !o->directory)
        return NULL;
    for (struct nt_object *at = o; at && at->name && at->directory;
         at = nt_object_get(k, at->directory, NT_TYPE_DIRECTORY))
        n += at->name_len + 1;
    uint16_t *out = xmalloc((n + 1) * sizeof *out);
    out[n] = 0;
    *len = n;
    for (struct nt_object *at = o; at && at->name && at->directory;
         at = nt_object_get(k, at->directory, NT_TYPE_DIRECTORY)) {
        n -= at->name_len;
        memcpy(out + n, at->name, at->name_len * sizeof *out);
        out[--n] = '\\';
    }
    return out;
}

static void make_directory(struct nt_kernel *k, const char *path)
{
    nt_name_insert(k, path, nt_object_new(k, NT_TYPE_DIRECTORY));
}

static void make_object(struct nt_kernel *k, enum nt_type_id type, const char *path)
{
    nt_name_insert(k, path, nt_object_new(k, type));
}

static void make_link(struct nt_kernel *k, const char *path, const char *target)
{
    struct nt_symlink *l = nt_object_new(k, NT_TYPE_SYMLINK);
    l->target = utf8_to_utf16(target, strlen(target), &l->target_len);
    nt_name_insert(k, path, &l->o);
}

void nt_name_link(struct nt_kernel *k, const char *path, const char *target)
{
    size_t len;
    uint16_t *wide = utf8_to_utf16(path, strlen(path), &len);
    struct nt_object *have = nt_name_lookup(k, wide, len, NULL);
    free(wide);
    if (!have)
        make_link(k, path, target);
}

void nt_namespace_init(struct nt_kernel *k)
{
    static const char *const directories[] = {
        "\\??",
        "\\Device",
        "\\BaseNamedObjects",
        "\\Sessions",
        "\\Sessions\\0",
        "\\Sessions\\1",
        "\\Sessions\\BNOLINKS",
        "\\KnownDlls",
        "\\KnownDlls32",
        "\\RPC Control",
        "\\Windows",
        "\\Driver",
        "\\KernelObjects",
        "\\NLS",
        "\\ObjectTypes",
        "\\Security",
        "\\Sessions\\1\\BaseNamedObjects",
        "\\Sessions\\1\\DosDevices",
        "\\Sessions\\1\\Windows",
        "\\BaseNamedObjects\\Restricted",
        "\\Sessions\\1\\Windows\\WindowStations",
    };
    /* io/ finds devices by their names; here they can be listed, and are in the way of others. */
    static const char *const devices[] = {
        "\\Device\\Null",   "\\Device\\NamedPipe",         "\\Device\\Mailslot",
        "\\Device\\ConDrv", "\\Device\\MountPointManager",
    };
    static const char *const links[][2] = {
        {"\\DosDevices", "\\??"},
        {"\\GLOBAL??", "\\??"},
        {"\\??\\GLOBALROOT", ""},
        {"\\??\\Global", "\\??"},
        {"\\BaseNamedObjects\\Global", "\\BaseNamedObjects"},
        {"\\BaseNamedObjects\\Local", "\\BaseNamedObjects"},
        {"\\BaseNamedObjects\\Session", "\\Sessions\\BNOLINKS"},
        {"\\Sessions\\1\\BaseNamedObjects\\Global", "\\BaseNamedObjects"},
        {"\\Sessions\\1\\BaseNamedObjects\\Local", "\\Sessions\\1\\BaseNamedObjects"},
        {"\\Sessions\\1\\BaseNamedObjects\\Session", "\\Sessions\\BNOLINKS"},
        {"\\Sessions\\BNOLINKS\\0", "\\BaseNamedObjects"},
        {"\\Sessions\\BNOLINKS\\1", "\\Sessions\\1\\BaseNamedObjects"},
        {"\\SystemRoot", "\\Device\\HarddiskVolume1\\windows"},
        {"\\KnownDlls\\KnownDllPath", "C:\\windows\\system32"},
    };
    struct nt_object *root = nt_object_new(k, NT_TYPE_DIRECTORY);
    k->root_directory = root->id;
    for (size_t i = 0; i < ARRAY_LEN(directories); i++)
        make_directory(k, directories[i]);
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        make_link(k, links[i][0], links[i][1]);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        make_object(k, NT_TYPE_DEVICE, devices[i]);
    make_object(k, NT_TYPE_WINDOW_STATION, "\\Sessions\\1\\Windows\\WindowStations\\WinSta0");
    make_object(k, NT_TYPE_DESKTOP, "\\Default");
}

/* ---- After a load -------------------------------------------------------------------------------
 */

enum { DEPTH_MAX = 1024 };

static void check_name(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct ser *s = ctx;
    int depth = 0;
    for (struct nt_object *at = o; at && depth <= DEPTH_MAX; depth++)
        at = at->directory ? nt_object_get(k, at->directory, NT_TYPE_DIRECTORY) : NULL;
    if (depth > DEPTH_MAX)
        ser_fail(s, "snapshot: object %u is in a directory that is in itself", o->id);
    if (o->directory && !o->name)
        ser_fail(s, "snapshot: object %u is in a directory and has no name", o->id);
}

static void check_members(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    const struct nt_directory *d = (const struct nt_directory *)o;
    for (size_t i = 0; i < d->members.len; i++) {
        const struct nt_object *m = nt_object_get(k, d->members.data[i], NT_TYPE_NONE);
        if (!m || m->directory != o->id)
            ser_fail(ctx, "snapshot: object %u is not in directory %u", d->members.data[i], o->id);
    }
}

void nt_namespace_settle(struct nt_kernel *k, struct ser *s)
{
    if (!nt_object_get(k, k->root_directory, NT_TYPE_DIRECTORY))
        ser_fail(s, "snapshot: it has no root directory of objects");
    nt_object_each(k, NT_TYPE_NONE, check_name, s);
    nt_object_each(k, NT_TYPE_DIRECTORY, check_members, s);
}

/* ---- Services ----------------------------------------------------------------------------------
 */

ntstatus nt_zero_handle(struct nt_call *c, uint64_t handle_out, ntstatus status)
{
    ntstatus s = nt_put_ptr(c, handle_out, 0);
    return s ? s : status;
}

ntstatus nt_create_handle(struct nt_call *c, enum nt_type_id type, uint64_t attributes,
                          uint32_t access, uint64_t handle_out, void *out)
{
    struct nt_attrs a;
    struct nt_object *o = NULL;
    ntstatus s = nt_put_ptr(c, handle_out, 0); /* what callers see when it fails */
    if (s)
        return s;
    s = nt_attrs_read(c, attributes, &a);
    if (!s)
        s = nt_create_named(c, type, &a, &o, NULL);
    if (nt_success(s)) {
        *(struct nt_object **)out = o;
        ntstatus written = nt_return_handle(c, o, access, &a, handle_out);
        if (written)
            s = written;
    }
    nt_attrs_free(&a);
    return s;
}

ntstatus nt_create_directory_object(struct nt_call *c)
{
    const struct NtCreateDirectoryObject_args *a = nt_args(c);
    struct nt_directory *d;
    return nt_create_handle(c, NT_TYPE_DIRECTORY, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                            a->DirectoryHandle, &d);
}

ntstatus nt_open_handle(struct nt_call *c, enum nt_type_id type, uint64_t attributes,
                        uint32_t access, uint64_t handle_out)
{
    struct nt_attrs a;
    struct nt_object *o;
    ntstatus s = nt_put_ptr(c, handle_out, 0);
    if (s)
        return s;
    s = nt_attrs_read(c, attributes, &a);
    if (!s)
        s = nt_open_named(c, type, &a, &o);
    if (!s)
        s = nt_return_handle(c, o, access, &a, handle_out);
    nt_attrs_free(&a);
    return s;
}

ntstatus nt_open_directory_object(struct nt_call *c)
{
    const struct NtOpenDirectoryObject_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_DIRECTORY, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->DirectoryHandle);
}

ntstatus nt_open_symbolic_link_object(struct nt_call *c)
{
    const struct NtOpenSymbolicLinkObject_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_SYMLINK, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->LinkHandle);
}

ntstatus nt_create_symbolic_link_object(struct nt_call *c)
{
    const struct NtCreateSymbolicLinkObject_args *a = nt_args(c);
    uint16_t *target;
    size_t len;
    struct UNICODE_STRING us;
    ntstatus s = nt_zero_handle(c, a->LinkHandle, STATUS_SUCCESS);
    if (!s)
        s = nt_get(c, &layout_UNICODE_STRING, a->LinkTarget, &us);
    if (!s && !us.MaximumLength)
        s = STATUS_INVALID_PARAMETER;
    if (!s && !a->ObjectAttributes)
        s = STATUS_ACCESS_VIOLATION;
    if (!s)
        s = nt_read_string(c, a->LinkTarget, &target, &len);
    if (s)
        return s;
    struct nt_symlink *l = NULL;
    s = len ? nt_create_handle(c, NT_TYPE_SYMLINK, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                               a->LinkHandle, &l)
            : STATUS_INVALID_PARAMETER;
    if (s == STATUS_SUCCESS) {
        l->target = target;
        l->target_len = len;
        l->created = nt_system_time(c->k);
        return s;
    }
    free(target);
    return s;
}

ntstatus nt_query_symbolic_link_object(struct nt_call *c)
{
    const struct NtQuerySymbolicLinkObject_args *a = nt_args(c);
    struct nt_symlink *l;
    struct UNICODE_STRING us;
    ntstatus s = nt_handle_get(c, a->LinkHandle, NT_TYPE_SYMLINK, 1, &l);
    if (!s)
        s = nt_get(c, &layout_UNICODE_STRING, a->LinkTarget, &us);
    if (s)
        return s;
    size_t need = l->target_len * 2;
    if (a->ReturnedLength && (s = nt_put_u32(c, a->ReturnedLength, (uint32_t)need + 2)))
        return s;
    if (us.MaximumLength < need + 2)
        return STATUS_BUFFER_TOO_SMALL;
    uint16_t zero = 0;
    s = need ? nt_write(c, us.Buffer, l->target, need) : STATUS_SUCCESS;
    if (!s)
        s = nt_write(c, us.Buffer + need, &zero, sizeof zero);
    us.Length = (uint16_t)need;
    return s ? s : nt_put(c, &layout_UNICODE_STRING, a->LinkTarget, &us);
}

/* Packs OBJECT_DIRECTORY_INFORMATION {Name, TypeName} entries, a zero entry, then the texts. */
struct listing {
    struct nt_call *c;
    const struct nt_directory *d;
    size_t first, count;
};

static struct nt_object *listed(const struct listing *l, size_t i)
{
    return nt_object_get(l->c->k, l->d->members.data[l->first + i], NT_TYPE_NONE);
}

static size_t listing_size(const struct listing *l, size_t n)
{
    size_t bytes = (n + 1) * 2 * layout_size(&layout_UNICODE_STRING, nt_ptr_size(l->c));
    for (size_t i = 0; i < n; i++)
        bytes += (listed(l, i)->name_len + 1 + strlen(nt_types[listed(l, i)->type]->name) + 1) * 2;
    return bytes;
}

static void put_name(const struct listing *l, uint8_t *out, uint64_t va, size_t *entry,
                     size_t *text, const uint16_t *name, size_t len)
{
    struct UNICODE_STRING us = {.Length = (uint16_t)(len * 2),
                                .MaximumLength = (uint16_t)(len * 2 + 2),
                                .Buffer = va + *text};
    layout_put(&layout_UNICODE_STRING, nt_ptr_size(l->c), &us, out + *entry);
    *entry += layout_size(&layout_UNICODE_STRING, nt_ptr_size(l->c));
    memcpy(out + *text, name, len * 2);
    *text += len * 2 + 2;
}

static ntstatus put_listing(const struct listing *l, uint64_t va)
{
    struct nt_call *c = l->c;
    size_t size = listing_size(l, l->count), entry = 0;
    size_t text = (l->count + 1) * 2 * layout_size(&layout_UNICODE_STRING, nt_ptr_size(c));
    uint8_t *out = xcalloc(1, size);
    for (size_t i = 0; i < l->count; i++) {
        struct nt_object *o = listed(l, i);
        size_t type_len;
        const char *type_name = nt_types[o->type]->name;
        uint16_t *type = utf8_to_utf16(type_name, strlen(type_name), &type_len);
        put_name(l, out, va, &entry, &text, o->name, o->name_len);
        put_name(l, out, va, &entry, &text, type, type_len);
        free(type);
    }
    ntstatus s = nt_write(c, va, out, size);
    free(out);
    return s;
}

ntstatus nt_query_directory_object(struct nt_call *c)
{
    const struct NtQueryDirectoryObject_args *a = nt_args(c);
    struct listing l = {.c = c};
    uint32_t at = 0;
    ntstatus s = nt_handle_get(c, a->DirectoryHandle, NT_TYPE_DIRECTORY, 1, &l.d);
    if (!s)
        s = a->RestartScan ? nt_probe_write(c, a->Context, sizeof at)
                           : nt_get_u32(c, a->Context, &at);
    if (s)
        return s;
    if (at >= l.d->members.len) {
        if (a->ReturnLength)
            s = nt_put_u32(c, a->ReturnLength, (uint32_t)listing_size(&l, 0));
        if (!s && listing_size(&l, 0) <= a->Length)
            s = put_listing(&l, a->Buffer);
        return s ? s : STATUS_NO_MORE_ENTRIES;
    }
    l.first = at;
    size_t want = a->ReturnSingleEntry ? 1 : l.d->members.len - at;
    while (l.count < want && listing_size(&l, l.count + 1) <= a->Length)
        l.count++;
    /* A caller who asks for one entry learns what it takes; one who asks for many, what was used.
     */
    size_t need = listing_size(&l, a->ReturnSingleEntry ? 1 : l.count);
    if (a->ReturnLength && (s = nt_put_u32(c, a->ReturnLength, (uint32_t)need)))
        return s;
    if (!l.count && a->ReturnSingleEntry)
        return STATUS_BUFFER_TOO_SMALL;
    if (need <= a->Length)
        s = put_listing(&l, a->Buffer);
    if (!s)
        s = nt_put_u32(c, a->Context, (uint32_t)(at + l.count));
    if (s)
        return s;
    return l.count < want ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}
