// SPDX-License-Identifier: GPL-2.0-or-later
/* NtQueryDirectoryFile. The names are read when a scan begins; what each looks like is read when it
 * is returned, and names that are gone by then are passed over. */
#include "nt/io/internal.h"
#include "nt/io/classes.h"

struct entry_layout {
    uint16_t cls;
    uint8_t name_len; /* offset of FileNameLength */
    uint8_t name;     /* offset of FileName */
    uint8_t id;       /* offset of FileId, 0: none */
    uint8_t alias;    /* offset of ShortNameLength, 0: none */
    bool names_only;
};

static const struct entry_layout layouts[] = {
    {FileDirectoryInformation, 60, 64, 0, 0, false},
    {FileFullDirectoryInformation, 60, 68, 0, 0, false},
    {FileBothDirectoryInformation, 60, 94, 0, 68, false},
    {FileNamesInformation, 8, 12, 0, 0, true},
    {FileIdBothDirectoryInformation, 60, 104, 96, 68, false},
    {FileIdFullDirectoryInformation, 60, 80, 72, 0, false},
    {FileIdExtdDirectoryInformation, 60, 88, 72, 0, false},
    {FileIdExtdBothDirectoryInformation, 60, 114, 72, 88, false},
};

enum { SCAN_RESTART = 1, SCAN_SINGLE = 2, BUFFER_MAX = 1 << 20 };

struct scan {
    struct nt_call *c;
    struct nt_file *f;
    const struct entry_layout *l;
    uint8_t *out;
    size_t size, used, last; /* last: offset of the entry before, for its NextEntryOffset */
    bool any;
};

static const struct entry_layout *layout_of(uint32_t cls)
{
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
        if (layouts[i].cls == cls)
            return &layouts[i];
    return NULL;
}

/*
 * Patterns in the old DOS sense, which Windows' kernelbase rewrites before it calls and Wine's
 * leaves to the kernel: "*.*" finds names without a dot, so a dot before a wildcard may be missing.
 */
static size_t rewrite_pattern(uint16_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '<' || p[i] == '>' || p[i] == '"')
            return n; /* was rewritten before */
    for (size_t i = 0; i + 1 < n; i++) {
        if (p[i] == '.' && (p[i + 1] == '*' || p[i + 1] == '?'))
            p[i] = '"';
        if (i + 2 < n && p[i] == '*' && p[i + 1] == '.')
            p[i] = '<';
    }
    if (n > 1 && p[n - 1] == '.' && (p[n - 2] == '*' || p[n - 2] == '?')) {
        p[n - 2] = p[n - 2] == '*' ? '<' : '>';
        n--;
    }
    return n;
}

static bool matches(const struct nt_file *f, const uint16_t *name, size_t len)
{
    static const uint16_t all[] = u"*.*"; /* DOS: also names without a dot */
    if (!f->pattern || (f->pattern_len == 3 && !memcmp(f->pattern, all, 6)))
        return true;
    if (nt_wildcard_match(f->pattern, f->pattern_len, name, len))
        return true;
    uint16_t alias[12];
    size_t n = nt_short_name(name, len, alias);
    return n && nt_wildcard_match(f->pattern, f->pattern_len, alias, n);
}

static void add_entry(struct nt_file *f, const uint16_t *name, size_t len)
{
    if (matches(f, name, len))
        vec_push(&f->entries, (struct nt_dirent){.name = xmemdup(name, len * 2), .len = len});
}

static ntstatus read_names(struct nt_io *io, struct nt_file *f, const struct nt_fcb *fcb)
{
    static const uint16_t dots[] = u"..";
    struct nt_node n;
    struct nt_dirents names = {0};
    nt_dirents_free(&f->entries);
    f->next_entry = 0;
    ntstatus s = nt_fcb_node(io, fcb, &n);
    if (!s)
        s = nt_list(io, &n, &names);
    if (!s && fcb->len > 2) { /* the root of a drive has no parent */
        add_entry(f, dots, 1);
        add_entry(f, dots, 2);
    }
    vec_foreach (it, &names)
        add_entry(f, it->name, it->len);
    nt_dirents_free(&names);
    nt_node_free(&n);
    return s;
}

static ntstatus begin_scan(struct nt_call *c, struct nt_file *f, const struct nt_fcb *fcb,
                           uint64_t pattern, bool restart)
{
    if (f->scanned && !restart)
        return STATUS_SUCCESS;
    uint16_t *text = NULL;
    size_t len = 0;
    if (pattern) {
        ntstatus s = nt_read_string(c, pattern, &text, &len);
        if (s)
            return s;
    }
    if (len) {
        free(f->pattern);
        f->pattern = text;
        f->pattern_len = len == 3 && !memcmp(text, u"*.*", 6) ? len : rewrite_pattern(text, len);
    } else {
        free(text);
    }
    return read_names(c->k->io, f, fcb);
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

/* Also remembers the id, by which the guest may open the file. */
static bool stat_entry(struct nt_io *io, const struct nt_fcb *dir, const struct nt_dirent *e,
                       const struct entry_layout *l, struct nt_stat *st)
{
    struct nt_node n;
    size_t len;
    uint16_t *path;
    if (e->name[0] == '.' && (e->len == 1 || (e->len == 2 && e->name[1] == '.'))) {
        len = e->len == 1 ? dir->len : nt_path_parent(dir->path, dir->len);
        path = xmemdup(dir->path, len * 2);
    } else {
        path = nt_path_join(dir->path, dir->len, e->name, e->len, &len);
    }
    ntstatus s = nt_lookup(io, path, len, &n);
    if (!s)
        nt_stat_node(io, &n, st);
    if (!s && l->id)
        nt_file_id_seen(io, st->id, path, len);
    nt_node_free(&n);
    free(path);
    return !s;
}

static void put_entry(const struct entry_layout *l, uint8_t *p, const struct nt_stat *st,
                      const struct nt_dirent *e)
{
    put32(p + l->name_len, (uint32_t)e->len * 2);
    if (l->names_only)
        return;
    put64(p + 8, st->created);
    put64(p + 16, st->accessed);
    put64(p + 24, st->written);
    put64(p + 32, st->changed);
    put64(p + 40, st->size);
    put64(p + 48, st->allocation);
    put32(p + 56, st->attributes);
    if (l->id)
        put64(p + l->id, st->id);
    if (l->alias) { /* a length of one byte, and the name in the next even place */
        uint16_t alias[12];
        size_t n = nt_short_name(e->name, e->len, alias);
        p[l->alias] = (uint8_t)(n * 2);
        memcpy(p + l->alias + 2, alias, n * 2);
    }
}

/* One entry at the next aligned place. A name that does not fit ends the buffer; the very first one
 * is cut short instead. */
static ntstatus emit(struct scan *s, const struct nt_stat *st, const struct nt_dirent *e)
{
    size_t at = align_up(s->used, 8), bytes = e->len * 2;
    if (!range_inside(at, s->l->name + bytes, s->size)) {
        if (s->any)
            return STATUS_MORE_ENTRIES;
        bytes = s->size - s->l->name;
    }
    put_entry(s->l, s->out + at, st, e);
    memcpy(s->out + at + s->l->name, e->name, bytes);
    if (s->any)
        put32(s->out + s->last, (uint32_t)(at - s->last));
    s->last = at;
    s->used = at + s->l->name + bytes;
    s->any = true;
    return bytes < e->len * 2 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus run(struct scan *s, const struct nt_fcb *dir, bool single)
{
    struct nt_io *io = s->c->k->io;
    struct nt_file *f = s->f;
    ntstatus r = STATUS_SUCCESS;
    while (!r && f->next_entry < f->entries.len) {
        const struct nt_dirent *e = &f->entries.data[f->next_entry];
        struct nt_stat st = {0};
        if (!s->l->names_only && !stat_entry(io, dir, e, s->l, &st)) {
            f->next_entry++;
            continue;
        }
        r = emit(s, &st, e);
        if (r == STATUS_MORE_ENTRIES) {
            r = STATUS_SUCCESS;
            break;
        }
        f->next_entry++;
        if (single)
            break;
    }
    if (!s->any)
        r = f->scanned ? STATUS_NO_MORE_FILES : STATUS_NO_SUCH_FILE;
    f->scanned = true;
    return r;
}

struct dir_args {
    uint64_t handle, event, apc, apc_context, iosb, buffer, pattern;
    uint32_t length, cls, flags;
};

static ntstatus scan_directory(struct nt_call *c, struct nt_file *f, const struct dir_args *a,
                               size_t *used)
{
    const struct nt_fcb *fcb = nt_file_fcb(c->k, f);
    struct scan s = {.c = c, .f = f, .l = layout_of(a->cls)};
    *used = 0;
    if (!fcb || !fcb->directory)
        return STATUS_INVALID_PARAMETER;
    if (a->length < align_up(s.l->name + 2u, 8))
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus r = nt_probe_write(c, a->buffer, a->length);
    if (!r)
        r = begin_scan(c, f, fcb, a->pattern, a->flags & SCAN_RESTART);
    if (r)
        return r;
    s.size = MIN(a->length, BUFFER_MAX);
    s.out = xcalloc(1, s.size);
    r = run(&s, fcb, a->flags & SCAN_SINGLE);
    if (!nt_error(r) && s.used) {
        ntstatus w = nt_write(c, a->buffer, s.out, s.used);
        r = w ? w : r;
    }
    *used = s.used;
    free(s.out);
    return r;
}

/* Entries of NTFS's system indexes, which no ordinary directory has. */
static uint32_t index_size(uint32_t cls)
{
    return cls == FileObjectIdInformation ? 72 : cls == FileQuotaInformation ? 56 : 16;
}

static ntstatus query_directory(struct nt_call *c, const struct dir_args *a)
{
    struct nt_file *f;
    struct nt_irp r;
    size_t used;
    if (a->cls == FileObjectIdInformation || a->cls == FileQuotaInformation ||
        a->cls == FileReparsePointInformation)
        return a->length < index_size(a->cls) ? STATUS_INFO_LENGTH_MISMATCH
                                              : STATUS_INVALID_INFO_CLASS;
    if (!layout_of(a->cls))
        return a->cls && a->cls < FileMaximumInformation ? nt_unknown_class(c, a->cls)
                                                         : STATUS_INVALID_INFO_CLASS;
    ntstatus s = nt_handle_get(c, a->handle, NT_TYPE_FILE, FILE_LIST_DIRECTORY, &f);
    if (!s)
        s = nt_irp_begin(c, f, NT_IRP_CONTROL, a->event, a->apc, a->apc_context, a->iosb, &r);
    if (s)
        return s;
    s = scan_directory(c, f, a, &used);
    return nt_irp_finish(c, f, &r, s, used);
}

ntstatus nt_query_directory_file(struct nt_call *c)
{
    const struct NtQueryDirectoryFile_args *a = nt_args(c);
    struct dir_args d = {a->FileHandle,
                         a->Event,
                         a->ApcRoutine,
                         a->ApcContext,
                         a->IoStatusBlock,
                         a->FileInformation,
                         a->FileName,
                         (uint32_t)a->Length,
                         (uint32_t)a->FileInformationClass,
                         (a->ReturnSingleEntry & 0xff ? SCAN_SINGLE : 0) |
                             (a->RestartScan & 0xff ? SCAN_RESTART : 0)};
    return query_directory(c, &d);
}

ntstatus nt_query_directory_file_ex(struct nt_call *c)
{
    const struct NtQueryDirectoryFileEx_args *a = nt_args(c);
    struct dir_args d = {a->FileHandle,
                         a->Event,
                         a->ApcRoutine,
                         a->ApcContext,
                         a->IoStatusBlock,
                         a->FileInformation,
                         a->FileName,
                         (uint32_t)a->Length,
                         (uint32_t)a->FileInformationClass,
                         (uint32_t)a->QueryFlags & (SCAN_RESTART | SCAN_SINGLE)};
    return query_directory(c, &d);
}
