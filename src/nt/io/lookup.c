// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void nt_node_free(struct nt_node *n)
{
    free(n->guest);
    free(n->lower);
    free(n->upper);
    free(n->parent_lower);
    free(n->parent_upper);
    *n = (struct nt_node){0};
}

static bool uses_overlay(const struct nt_io *io, const struct nt_mount *m)
{
    return io->overlay_fd >= 0 && (!m || m->mode == NT_MOUNT_COPY_ON_WRITE);
}

/* Where a guest directory lies in the overlay; NULL: not there. */
static char *find_upper(struct nt_io *io, const uint16_t *path, size_t len)
{
    char *at = xstrdup("");
    size_t from = 0;
    while (at && from < len) {
        size_t end = from;
        while (end < len && path[end] != '\\')
            end++;
        size_t n = from == 0 ? 1 : end - from; /* "C:" is the directory "C" */
        char *name = nt_host_find(io->overlay_fd, at, path + from, n);
        char *next = name ? host_join(at, name) : NULL;
        free(name);
        free(at);
        at = next;
        from = end + 1;
    }
    return at;
}

static bool is_dir(int dirfd, const char *rel)
{
    struct stat st;
    return host_stat(dirfd, rel, &st) && S_ISDIR(st.st_mode);
}

/* Replaces the node by its child `name`; false when neither layer has it. The path of the child as
 * the guest wrote it decides whether mounts below make it a directory. */
static bool step(struct nt_io *io, struct nt_node *n, const uint16_t *name, size_t len,
                 const uint16_t *asked, size_t asked_len)
{
    char *host = NULL;
    free(n->parent_lower);
    free(n->parent_upper);
    n->parent_lower = n->lower;
    n->parent_upper = n->upper;
    bool both = n->merged || !n->upper;
    n->lower = n->upper = NULL;
    n->whiteout = false;
    n->synthetic = nt_mount_below(io, asked, asked_len);
    if (n->parent_upper) {
        char *up = nt_host_find(io->overlay_fd, n->parent_upper, name, len);
        if (up && nt_overlay_hides(up)) {
            free(up);
            up = NULL;
        }
        if (up) {
            n->upper = host_join(n->parent_upper, up);
            host = up;
        }
        n->whiteout = both && nt_overlay_whiteout(io, n->parent_upper, name, len);
    }
    if (n->parent_lower && both && !n->whiteout) {
        char *low = nt_cache_find(n->mount->cache, n->mount->fd, n->parent_lower, name, len);
        if (!low && n->mount->supply && !*n->parent_lower) {
            struct nt_mount *supply = n->mount->supply;
            low = nt_cache_find(supply->cache, supply->fd, n->parent_lower, name, len);
            if (low)
                n->mount = supply;
        }
        if (low) {
            n->lower = host_join(n->parent_lower, low);
            if (host)
                free(low);
            else
                host = low;
        }
    }
    n->merged = n->upper && n->lower && is_dir(io->overlay_fd, n->upper) &&
                is_dir(n->mount->fd, n->lower) && !nt_overlay_opaque(io, n->upper);
    size_t wide_len = len;
    uint16_t *wide = host ? utf8_to_utf16(host, strlen(host), &wide_len) : NULL;
    uint16_t *guest =
        nt_path_join(n->guest, n->guest_len, wide ? wide : name, wide_len, &n->guest_len);
    free(wide);
    free(n->guest);
    n->guest = guest;
    free(host);
    return n->lower || n->upper || n->synthetic;
}

static void start(struct nt_io *io, const uint16_t *path, size_t len, struct nt_node *n)
{
    *n = (struct nt_node){.mount = nt_mount_of(io, path, len), .synthetic = true};
    n->guest_len = n->mount ? n->mount->guest_len : 2;
    n->guest = xcalloc(n->guest_len + 1, 2);
    memcpy(n->guest, n->mount ? n->mount->guest : path, n->guest_len * 2);
    if (n->mount)
        n->lower = xstrdup("");
    if (uses_overlay(io, n->mount))
        n->upper = find_upper(io, n->guest, n->guest_len);
    n->merged = n->lower && n->upper;
}

bool nt_node_layer(struct nt_io *io, const struct nt_node *n, int *dirfd, const char **rel)
{
    if (n->upper) {
        *dirfd = io->overlay_fd;
        *rel = n->upper;
        return true;
    }
    if (n->lower) {
        *dirfd = n->mount->fd;
        *rel = n->lower;
        return true;
    }
    return false;
}

/* Fills st; a name that leads nowhere (a link out of the mount, a device) is as if not there. */
static bool finish(struct nt_io *io, struct nt_node *n)
{
    int dirfd;
    const char *rel;
    if (nt_node_layer(io, n, &dirfd, &rel) && !host_stat(dirfd, rel, &n->st))
        return false;
    n->directory = n->synthetic || S_ISDIR(n->st.st_mode);
    return true;
}

static bool parent_is_dir(struct nt_io *io, const struct nt_node *n)
{
    if (n->parent_upper)
        return is_dir(io->overlay_fd, n->parent_upper);
    return n->parent_lower ? is_dir(n->mount->fd, n->parent_lower) : true;
}

static bool may_be_short(const uint16_t *name, size_t len)
{
    bool tilde = false;
    for (size_t i = 0; i < len; i++)
        tilde |= name[i] == '~';
    return tilde && len <= 12;
}

/* n was stepped to a name that is not there: if it is the short name of another one, to that. */
static bool step_by_short_name(struct nt_io *io, struct nt_node *n, const uint16_t *name,
                               size_t len)
{
    struct nt_node dir;
    struct nt_dirents names;
    size_t parent = nt_path_parent(n->guest, n->guest_len);
    bool found = false;
    if (!may_be_short(name, len) || nt_lookup(io, n->guest, parent, &dir))
        return false;
    if (nt_list(io, &dir, &names) == STATUS_SUCCESS) {
        for (size_t i = 0; i < names.len && !found; i++) {
            const struct nt_dirent *e = &names.data[i];
            uint16_t alias[12];
            size_t alias_len = nt_short_name(e->name, e->len, alias);
            if (!alias_len || !utf16_equal_nocase(alias, alias_len, name, len))
                continue;
            size_t full;
            uint16_t *path = nt_path_join(dir.guest, dir.guest_len, e->name, e->len, &full);
            nt_node_free(n);
            found = nt_lookup(io, path, full, n) == STATUS_SUCCESS;
            free(path);
            break;
        }
        nt_dirents_free(&names);
    }
    nt_node_free(&dir);
    return found;
}

/* The looks at names needed descriptors: without any nothing seems to be there. */
static ntstatus missing(const struct nt_mount *m, ntstatus s)
{
    int fd = m ? fcntl(m->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd >= 0)
        close(fd);
    return m && fd < 0 && (errno == EMFILE || errno == ENFILE) ? nt_status_from_errno(errno) : s;
}

ntstatus nt_lookup(struct nt_io *io, const uint16_t *path, size_t len, struct nt_node *n)
{
    start(io, path, len, n);
    bool found = true;
    size_t at = n->guest_len;
    while (at < len) {
        size_t from = at + 1, end = from;
        while (end < len && path[end] != '\\')
            end++;
        if (!found)
            goto no_path;
        found = step(io, n, path + from, end - from, path, end) ||
                step_by_short_name(io, n, path + from, end - from);
        at = end;
    }
    if (found && finish(io, n))
        return STATUS_SUCCESS;
    if (!parent_is_dir(io, n))
        goto no_path;
    free(n->lower);
    free(n->upper);
    n->lower = n->upper = NULL;
    if (!n->mount)
        nt_note_denied(io, path, len, NULL);
    return missing(n->mount, STATUS_OBJECT_NAME_NOT_FOUND);
no_path:
    if (!n->mount)
        nt_note_denied(io, path, len, NULL);
    ntstatus s = missing(n->mount, STATUS_OBJECT_PATH_NOT_FOUND);
    nt_node_free(n);
    return s;
}

/* ---- Directories
 * --------------------------------------------------------------------------------- */

void nt_dirents_free(struct nt_dirents *d)
{
    vec_foreach (it, d)
        free(it->name);
    vec_free(d);
}

static void add_names(struct nt_io *io, const struct nt_node *dir, int fd, const char *rel,
                      bool upper, struct nt_dirents *out)
{
    struct host_names names;
    bool filter = !upper && dir->upper;
    if (!host_list(fd, rel, &names))
        return;
    vec_foreach (it, &names) {
        size_t len;
        if (upper && nt_overlay_hides(it->name))
            continue;
        uint16_t *wide = utf8_to_utf16(it->name, strlen(it->name), &len);
        if (!nt_name_valid(wide, len) || (filter && nt_overlay_whiteout(io, dir->upper, wide, len)))
            free(wide);
        else
            vec_push(out, (struct nt_dirent){.name = wide, .len = len});
    }
    host_names_free(&names);
}

/* The directory's entry on the way to what lies below it. */
static void add_way(const struct nt_node *dir, const uint16_t *below, size_t len,
                    struct nt_dirents *out)
{
    if (len <= dir->guest_len || !nt_path_begins(below, len, dir->guest, dir->guest_len))
        return;
    const uint16_t *name = below + dir->guest_len + 1;
    size_t left = len - dir->guest_len - 1, n = 0;
    while (n < left && name[n] != '\\')
        n++;
    vec_push(out, (struct nt_dirent){.name = xmemdup(name, n * 2), .len = n});
}

static void add_synthetic(struct nt_io *io, const struct nt_node *dir, struct nt_dirents *out)
{
    for (size_t i = 0; i < io->mount_len; i++)
        add_way(dir, io->mounts[i]->guest, io->mounts[i]->guest_len, out);
    vec_foreach (d, &io->bare)
        add_way(dir, d->guest, d->len, out);
}

static int by_name(const void *a, const void *b)
{
    const struct nt_dirent *x = a, *y = b;
    return utf16_compare_nocase(x->name, x->len, y->name, y->len);
}

ntstatus nt_list(struct nt_io *io, const struct nt_node *dir, struct nt_dirents *out)
{
    memset(out, 0, sizeof *out);
    if (!dir->directory)
        return STATUS_NOT_A_DIRECTORY;
    if (dir->upper)
        add_names(io, dir, io->overlay_fd, dir->upper, true, out);
    if (dir->lower && (!dir->upper || dir->merged))
        add_names(io, dir, dir->mount->fd, dir->lower, false, out);
    if (dir->synthetic)
        add_synthetic(io, dir, out);
    if (out->len)
        qsort(out->data, out->len, sizeof *out->data, by_name);
    size_t keep = 0;
    for (size_t i = 0; i < out->len; i++) {
        if (keep && !by_name(&out->data[keep - 1], &out->data[i]))
            free(out->data[i].name);
        else
            out->data[keep++] = out->data[i];
    }
    out->len = keep;
    return STATUS_SUCCESS;
}

/* ---- What a file looks like
 * ---------------------------------------------------------------------- */

static const uint64_t SYNTHETIC_TIME = 132223104000000000u; /* 2020-01-01 */

void nt_stat_node(struct nt_io *io, const struct nt_node *n, struct nt_stat *out)
{
    struct host_extra extra = {0};
    int dirfd;
    const char *rel;
    bool real = nt_node_layer(io, n, &dirfd, &rel);
    bool own = n->upper || (n->mount && n->mount->mode == NT_MOUNT_READ_WRITE);
    if (real && own)
        host_extra_get(io, dirfd, rel, &n->st, &extra);
    *out = (struct nt_stat){.directory = n->directory, .links = 1};
    out->written = out->changed = real ? host_time(n->st.st_mtim) : SYNTHETIC_TIME;
    /* The host's access times change with every look at a file; they are only kept where they are
     * the guest's own. */
    out->accessed = real && own ? host_time(n->st.st_atim) : out->written;
    out->created = extra.has_created ? extra.created : out->written;
    out->attributes = extra.has_attributes ? extra.attributes
                      : n->directory       ? 0
                                           : FILE_ATTRIBUTE_ARCHIVE;
    if (n->directory) {
        out->attributes |= FILE_ATTRIBUTE_DIRECTORY;
    } else {
        out->size = (uint64_t)n->st.st_size;
        out->allocation = align_up(out->size, 4096);
        out->links = (uint32_t)n->st.st_nlink;
        if (!(n->st.st_mode & S_IWUSR))
            out->attributes |= FILE_ATTRIBUTE_READONLY;
    }
    if (!out->attributes)
        out->attributes = FILE_ATTRIBUTE_NORMAL;
    out->id = nt_file_id(io, n->guest, n->guest_len);
}

/* Ids must be the same in every run, so they come from the path and not from the host's inode. */
uint64_t nt_file_id(struct nt_io *io, const uint16_t *path, size_t len)
{
    vec_foreach (row, &io->ids)
        if (row->alias && utf16_equal_nocase(row->path, row->len, path, len))
            return row->id;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ utf16_upcase(path[i])) * 0x100000001b3u;
    return (h & 0x0000ffffffffffffu) | 0x0001000000000000u;
}

enum { IDS_MAX = 1 << 16 };

static void add_id(struct nt_io *io, uint64_t id, const uint16_t *path, size_t len, bool alias)
{
    if (io->ids.len < IDS_MAX)
        vec_push(&io->ids,
                 (struct nt_id_row){
                     .id = id, .path = xmemdup(path, len * 2), .len = len, .alias = alias});
}

void nt_file_id_keep(struct nt_io *io, uint64_t id, const uint16_t *path, size_t len)
{
    for (size_t i = io->ids.len; i-- > 0;) {
        struct nt_id_row *row = &io->ids.data[i];
        if (utf16_equal_nocase(row->path, row->len, path, len)) {
            free(row->path);
            vec_remove(&io->ids, i);
        }
    }
    add_id(io, id, path, len, true);
}

void nt_file_id_seen(struct nt_io *io, uint64_t id, const uint16_t *path, size_t len)
{
    if (!nt_file_id_find(io, id))
        add_id(io, id, path, len, false);
}

const struct nt_id_row *nt_file_id_find(const struct nt_io *io, uint64_t id)
{
    for (size_t i = io->ids.len; i-- > 0;)
        if (io->ids.data[i].id == id)
            return &io->ids.data[i];
    return NULL;
}
