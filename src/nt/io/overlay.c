// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes to the tree. A place is written where it lies: in a READ_WRITE mount, or in the overlay,
 * whose directory for it is made when first needed. What the overlay hides of the layer below is
 * marked by an empty file ".wh.NAME"; a directory that replaces a deleted one is marked opaque.
 */
#include "nt/io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

enum { DEPTH_MAX = 256 };

ntstatus nt_status_from_errno(int err)
{
    switch (err) {
    case ENOENT:
    case EXDEV:
    case ELOOP:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case ENOTDIR:
        return STATUS_OBJECT_PATH_NOT_FOUND;
    case EEXIST:
        return STATUS_OBJECT_NAME_COLLISION;
    case ENOTEMPTY:
        return STATUS_DIRECTORY_NOT_EMPTY;
    case ENOSPC:
    case EDQUOT:
        return STATUS_DISK_FULL;
    case EFBIG:
        return STATUS_DISK_FULL;
    case EROFS:
        return STATUS_MEDIA_WRITE_PROTECTED;
    case ENAMETOOLONG:
        return STATUS_OBJECT_NAME_INVALID;
    case EMFILE:
    case ENFILE:
        return STATUS_TOO_MANY_OPENED_FILES;
    case EPIPE:
        return STATUS_PIPE_BROKEN;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case EIO:
        return STATUS_IO_DEVICE_ERROR;
    case EISDIR:
        return STATUS_FILE_IS_A_DIRECTORY;
    case EMLINK:
        return STATUS_TOO_MANY_LINKS;
    default:
        return STATUS_ACCESS_DENIED;
    }
}

bool nt_overlay_hides(const char *name)
{
    return !strncmp(name, WHITEOUT, sizeof WHITEOUT - 1);
}

static uint16_t *whiteout_name(const uint16_t *name, size_t len, size_t *out_len)
{
    static const uint16_t mark[] = u"" WHITEOUT;
    size_t n = sizeof WHITEOUT - 1;
    uint16_t *out = xmalloc((n + len) * 2);
    memcpy(out, mark, n * 2);
    memcpy(out + n, name, len * 2);
    *out_len = n + len;
    return out;
}

/* The whiteout's own host name; NULL: none. */
static char *find_whiteout(struct nt_io *io, const char *dir, const uint16_t *name, size_t len)
{
    size_t n;
    uint16_t *mark = whiteout_name(name, len, &n);
    char *have = nt_host_find(io->overlay_fd, dir, mark, n);
    free(mark);
    return have;
}

bool nt_overlay_whiteout(struct nt_io *io, const char *dir, const uint16_t *name, size_t len)
{
    char *have = find_whiteout(io, dir, name, len);
    free(have);
    return have != NULL;
}

bool nt_overlay_opaque(struct nt_io *io, const char *dir)
{
    struct stat st;
    char *mark = host_join(dir, OPAQUE);
    bool yes = host_stat(io->overlay_fd, mark, &st);
    free(mark);
    return yes;
}

static bool touch(int dirfd, const char *rel)
{
    int fd = host_openat(dirfd, rel, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static ntstatus add_whiteout(struct nt_io *io, const char *dir, const uint16_t *name, size_t len)
{
    size_t n;
    uint16_t *mark = whiteout_name(name, len, &n);
    char *text = utf16_to_utf8(mark, n, NULL), *path = host_join(dir, text);
    bool ok = touch(io->overlay_fd, path);
    int err = errno;
    free(path);
    free(text);
    free(mark);
    return ok ? STATUS_SUCCESS : nt_status_from_errno(err);
}

static int unlink_at(int dirfd, const char *rel, int flags)
{
    const char *last;
    int parent = host_parent(dirfd, rel, &last);
    if (parent < 0)
        return -1;
    int r = unlinkat(parent, last, flags), err = errno;
    close(parent);
    errno = err;
    return r;
}

static int mkdir_at(int dirfd, const char *rel)
{
    const char *last;
    int parent = host_parent(dirfd, rel, &last);
    if (parent < 0)
        return -1;
    int r = mkdirat(parent, last, 0777), err = errno;
    close(parent);
    errno = err;
    return r;
}

/* Directories change their time with every name in them; the machine's clock must show there. */
static void stamp_directory(struct nt_io *io, int dirfd, const char *rel)
{
    if (io->k->clock.host)
        return;
    struct timespec now = host_timespec(nt_system_time(io->k));
    int fd = host_openat(dirfd, rel, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    futimens(fd, (struct timespec[2]){now, now});
    close(fd);
}

static void stamp_parent(struct nt_io *io, int dirfd, const char *rel)
{
    char *dir = xstrdup(rel), *slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    stamp_directory(io, dirfd, slash ? dir : "");
    free(dir);
}

static void drop_whiteout(struct nt_io *io, const char *dir, const uint16_t *name, size_t len)
{
    char *have = find_whiteout(io, dir, name, len);
    if (!have)
        return;
    char *path = host_join(dir, have);
    unlink_at(io->overlay_fd, path, 0);
    free(path);
    free(have);
}

static const uint16_t *last_name(const struct nt_node *n, size_t *len)
{
    size_t parent = nt_path_parent(n->guest, n->guest_len);
    *len = n->guest_len > parent ? n->guest_len - parent - 1 : 0;
    return n->guest + parent + 1;
}

/* The overlay's directory for a guest directory, made with those above it. NULL with errno. */
static char *make_upper_dir(struct nt_io *io, const uint16_t *path, size_t len)
{
    if (nt_overlay_open(io) < 0)
        return NULL;
    char *at = xstrdup("");
    size_t from = 0;
    while (from < len) {
        size_t end = from;
        while (end < len && path[end] != '\\')
            end++;
        size_t n = from == 0 ? 1 : end - from;
        char *name = nt_host_find(io->overlay_fd, at, path + from, n);
        bool missing = !name;
        if (missing)
            name = utf16_to_utf8(path + from, n, NULL);
        char *next = host_join(at, name);
        free(name);
        free(at);
        at = next;
        if (missing && mkdir_at(io->overlay_fd, at) < 0) {
            free(at);
            return NULL;
        }
        if (missing) {
            stamp_directory(io, io->overlay_fd, at);
            stamp_parent(io, io->overlay_fd, at);
        }
        from = end + 1;
    }
    return at;
}

static bool is_rw(const struct nt_node *n)
{
    return n->mount && n->mount->mode == NT_MOUNT_READ_WRITE;
}

ntstatus nt_check_writable(struct nt_io *io, const struct nt_node *n)
{
    if (!n->mount || n->mount->mode != NT_MOUNT_READ_ONLY)
        return STATUS_SUCCESS;
    nt_note_denied(io, n->guest, n->guest_len, n->mount);
    return STATUS_ACCESS_DENIED;
}

/* The name as it will be on the host must not look like a mark of ours. */
static bool reserved(const struct nt_node *n)
{
    size_t len;
    const uint16_t *name = last_name(n, &len);
    char *text = utf16_to_utf8(name, MIN(len, 8), NULL);
    bool yes = !is_rw(n) && nt_overlay_hides(text);
    free(text);
    return yes;
}

/* Names the place in the layer that will hold it, without creating it. */
static ntstatus place(struct nt_io *io, struct nt_node *n, int *dirfd, const char **rel)
{
    size_t len;
    const uint16_t *name = last_name(n, &len);
    char *host = utf16_to_utf8(name, len, NULL);
    if (is_rw(n)) {
        if (!n->parent_lower) {
            free(host);
            return STATUS_ACCESS_DENIED;
        }
        n->lower = host_join(n->parent_lower, host);
        *dirfd = n->mount->fd;
        *rel = n->lower;
    } else {
        char *dir = make_upper_dir(io, n->guest, nt_path_parent(n->guest, n->guest_len));
        if (!dir) {
            free(host);
            return nt_status_from_errno(errno);
        }
        n->upper = host_join(dir, host);
        free(n->parent_upper);
        n->parent_upper = dir;
        *dirfd = io->overlay_fd;
        *rel = n->upper;
    }
    free(host);
    return STATUS_SUCCESS;
}

static void unplace(struct nt_node *n)
{
    free(n->lower);
    free(n->upper);
    n->lower = n->upper = NULL;
}

static void clear_mark(struct nt_io *io, struct nt_node *n, bool directory)
{
    size_t len;
    const uint16_t *name = last_name(n, &len);
    if (is_rw(n) || !n->whiteout)
        return;
    if (directory) {
        char *mark = host_join(n->upper, OPAQUE);
        touch(io->overlay_fd, mark);
        free(mark);
    }
    drop_whiteout(io, n->parent_upper, name, len);
    n->whiteout = false;
}

ntstatus nt_create_at(struct nt_io *io, struct nt_node *n, bool directory, int *fd)
{
    int dirfd;
    const char *rel;
    ntstatus s = nt_check_writable(io, n);
    if (s)
        return s;
    if (reserved(n))
        return STATUS_OBJECT_NAME_INVALID;
    s = place(io, n, &dirfd, &rel);
    if (s)
        return s;
    int made = directory ? mkdir_at(dirfd, rel)
                         : host_openat(dirfd, rel, O_RDWR | O_CREAT | O_EXCL | O_NOATIME, 0666);
    if (made < 0) {
        s = nt_status_from_errno(errno);
        unplace(n);
        return s;
    }
    clear_mark(io, n, directory);
    stamp_parent(io, dirfd, rel);
    if (!directory && fd)
        *fd = made;
    else if (!directory)
        close(made);
    n->directory = directory;
    host_stat(dirfd, rel, &n->st);
    return STATUS_SUCCESS;
}

/* ---- Copy up
 * ------------------------------------------------------------------------------------- */

static bool copy_file(const struct nt_node *n, int to)
{
    struct stat st;
    int from = host_open_file(n->mount->fd, n->lower, false);
    if (from < 0)
        return false;
    bool ok = !fstat(from, &st) && host_copy(from, to);
    if (ok) {
        struct timespec times[2] = {st.st_mtim, st.st_mtim};
        fchmod(to, st.st_mode & 0777);
        futimens(to, times);
    }
    int err = errno;
    close(from);
    errno = err;
    return ok;
}

ntstatus nt_make_own(struct nt_io *io, struct nt_node *n)
{
    if (n->upper || is_rw(n))
        return STATUS_SUCCESS;
    ntstatus s = nt_check_writable(io, n);
    if (s)
        return s;
    if (n->directory) {
        char *dir = make_upper_dir(io, n->guest, n->guest_len);
        if (!dir)
            return nt_status_from_errno(errno);
        n->upper = dir;
        n->merged = n->lower != NULL;
        return STATUS_SUCCESS;
    }
    char *lower = n->lower;
    int dirfd;
    const char *rel;
    s = place(io, n, &dirfd, &rel);
    n->lower = lower;
    if (s)
        return s;
    int fd = host_openat(dirfd, rel, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd >= 0 && copy_file(n, fd)) {
        fstat(fd, &n->st);
        close(fd);
        stamp_parent(io, dirfd, rel);
        return STATUS_SUCCESS;
    }
    s = nt_status_from_errno(errno);
    if (fd >= 0) {
        unlink_at(dirfd, rel, 0);
        close(fd);
    }
    free(n->upper);
    n->upper = NULL;
    return s;
}

/* ---- Removal
 * ------------------------------------------------------------------------------------- */

ntstatus nt_dir_empty(struct nt_io *io, const struct nt_node *n)
{
    struct nt_dirents names;
    ntstatus s = nt_list(io, n, &names);
    if (s)
        return s;
    s = names.len ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS;
    nt_dirents_free(&names);
    return s;
}

/* An empty directory may still hold our marks. */
static int remove_upper_dir(struct nt_io *io, const char *rel)
{
    struct host_names names;
    if (host_list(io->overlay_fd, rel, &names)) {
        vec_foreach (it, &names) {
            char *path = host_join(rel, it->name);
            if (nt_overlay_hides(it->name))
                unlink_at(io->overlay_fd, path, 0);
            free(path);
        }
        host_names_free(&names);
    }
    return unlink_at(io->overlay_fd, rel, AT_REMOVEDIR);
}

static ntstatus hide_lower(struct nt_io *io, const struct nt_node *n)
{
    size_t len;
    const uint16_t *name = last_name(n, &len);
    char *dir = make_upper_dir(io, n->guest, nt_path_parent(n->guest, n->guest_len));
    if (!dir)
        return nt_status_from_errno(errno);
    ntstatus s = add_whiteout(io, dir, name, len);
    stamp_directory(io, io->overlay_fd, dir);
    free(dir);
    return s;
}

static ntstatus remove_node(struct nt_io *io, struct nt_node *n)
{
    if (n->synthetic || n->guest_len == 2)
        return STATUS_ACCESS_DENIED;
    ntstatus s = nt_check_writable(io, n);
    if (!s && n->directory)
        s = nt_dir_empty(io, n);
    if (s)
        return s;
    int flags = n->directory ? AT_REMOVEDIR : 0, r = 0;
    if (is_rw(n)) {
        r = unlink_at(n->mount->fd, n->lower, flags);
        if (r < 0)
            return nt_status_from_errno(errno);
        stamp_parent(io, n->mount->fd, n->lower);
        return STATUS_SUCCESS;
    }
    if (n->lower) /* hidden first: a failure in between must not bring it back */
        s = hide_lower(io, n);
    if (!s && n->upper)
        r = n->directory ? remove_upper_dir(io, n->upper) : unlink_at(io->overlay_fd, n->upper, 0);
    if (!s && r < 0)
        s = nt_status_from_errno(errno);
    if (!s && n->upper)
        stamp_parent(io, io->overlay_fd, n->upper);
    return s;
}

ntstatus nt_remove(struct nt_io *io, struct nt_node *n)
{
    ntstatus s = remove_node(io, n);
    if (!s)
        nt_secured_gone(io, n->guest, n->guest_len);
    return s;
}

/* ---- Rename and link
 * ----------------------------------------------------------------------------- */

static int rename_at(int from_fd, const char *from, int to_fd, const char *to)
{
    const char *a, *b;
    int fa = host_parent(from_fd, from, &a), fb = host_parent(to_fd, to, &b);
    int r = fa < 0 || fb < 0 ? -1 : renameat(fa, a, fb, b), err = errno;
    if (fa >= 0)
        close(fa);
    if (fb >= 0)
        close(fb);
    errno = err;
    return r;
}

/* Without copying: both in one READ_WRITE mount, or a thing that is only in the overlay. */
static bool move_in_place(const struct nt_node *from, const struct nt_node *to)
{
    if (is_rw(from) || is_rw(to))
        return from->mount == to->mount;
    return from->upper && !(from->directory && from->lower);
}

static ntstatus move_copy(struct nt_io *io, struct nt_node *from, struct nt_node *to, int depth);

static ntstatus move_children(struct nt_io *io, struct nt_node *from, struct nt_node *to, int depth)
{
    struct nt_dirents names;
    ntstatus s = nt_list(io, from, &names);
    for (size_t i = 0; !s && i < names.len; i++) {
        struct nt_node a, b;
        size_t alen, blen;
        uint16_t *apath = nt_path_join(from->guest, from->guest_len, names.data[i].name,
                                       names.data[i].len, &alen);
        uint16_t *bpath =
            nt_path_join(to->guest, to->guest_len, names.data[i].name, names.data[i].len, &blen);
        s = nt_lookup(io, apath, alen, &a);
        if (!s) {
            s = nt_lookup(io, bpath, blen, &b);
            if (s == STATUS_OBJECT_NAME_NOT_FOUND)
                s = move_copy(io, &a, &b, depth + 1);
            else if (!s)
                s = STATUS_OBJECT_NAME_COLLISION;
            nt_node_free(&b);
        }
        nt_node_free(&a);
        free(apath);
        free(bpath);
    }
    nt_dirents_free(&names);
    return s;
}

static ntstatus copy_bytes(struct nt_io *io, const struct nt_node *from, int to)
{
    int dirfd;
    const char *rel;
    if (!nt_node_layer(io, from, &dirfd, &rel))
        return STATUS_ACCESS_DENIED;
    int fd = host_open_file(dirfd, rel, false);
    if (fd < 0)
        return nt_status_from_errno(errno);
    bool ok = host_copy(fd, to);
    int err = errno;
    struct timespec times[2] = {from->st.st_atim, from->st.st_mtim};
    fchmod(to, from->st.st_mode & 0777);
    futimens(to, times);
    close(fd);
    return ok ? STATUS_SUCCESS : nt_status_from_errno(err);
}

static ntstatus move_copy(struct nt_io *io, struct nt_node *from, struct nt_node *to, int depth)
{
    int fd = -1;
    struct nt_stat st;
    if (depth > DEPTH_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    ntstatus s = nt_check_writable(io, from);
    if (!s)
        s = nt_create_at(io, to, from->directory, &fd);
    if (s)
        return s;
    nt_stat_node(io, from, &st);
    if (from->directory) {
        s = move_children(io, from, to, depth);
    } else {
        s = copy_bytes(io, from, fd);
        close(fd);
    }
    if (!s)
        nt_set_attributes(io, to, st.attributes);
    return s ? s : nt_remove(io, from);
}

ntstatus nt_move(struct nt_io *io, struct nt_node *from, struct nt_node *to)
{
    int dirfd;
    const char *rel;
    if (from->synthetic)
        return STATUS_ACCESS_DENIED;
    ntstatus s = nt_check_writable(io, from);
    if (!s)
        s = nt_check_writable(io, to);
    if (s)
        return s;
    if (reserved(to))
        return STATUS_OBJECT_NAME_INVALID;
    if (!move_in_place(from, to))
        return move_copy(io, from, to, 0);
    int from_fd = from->upper ? io->overlay_fd : from->mount->fd;
    s = place(io, to, &dirfd, &rel);
    if (s)
        return s;
    if (rename_at(from_fd, from->upper ? from->upper : from->lower, dirfd, rel) < 0) {
        s = nt_status_from_errno(errno);
        unplace(to);
        return s;
    }
    to->directory = from->directory;
    clear_mark(io, to, from->directory);
    stamp_parent(io, from_fd, from->upper ? from->upper : from->lower);
    stamp_parent(io, dirfd, rel);
    if (from->upper && from->lower)
        s = hide_lower(io, from);
    return s;
}

ntstatus nt_link(struct nt_io *io, struct nt_node *from, struct nt_node *to)
{
    int dirfd;
    const char *rel, *a, *b;
    if (is_rw(from) != is_rw(to) || (is_rw(from) && from->mount != to->mount))
        return STATUS_NOT_SAME_DEVICE;
    ntstatus s = nt_check_writable(io, to);
    if (!s)
        s = nt_make_own(io, from);
    if (!s && reserved(to))
        s = STATUS_OBJECT_NAME_INVALID;
    if (!s)
        s = place(io, to, &dirfd, &rel);
    if (s)
        return s;
    int fa = host_parent(dirfd, from->upper ? from->upper : from->lower, &a);
    int fb = host_parent(dirfd, rel, &b);
    if (fa < 0 || fb < 0 || linkat(fa, a, fb, b, 0) < 0) {
        s = nt_status_from_errno(errno);
        unplace(to);
    } else {
        clear_mark(io, to, false);
    }
    if (fa >= 0)
        close(fa);
    if (fb >= 0)
        close(fb);
    return s;
}

/* ---- Attributes and times
 * ------------------------------------------------------------------------ */

/* For fchmod and futimens, which need no right to the bytes; a link is followed only inside. */
static int open_meta(struct nt_io *io, const struct nt_node *n)
{
    int dirfd;
    const char *rel;
    if (!nt_node_layer(io, n, &dirfd, &rel)) {
        errno = EACCES;
        return -1;
    }
    return host_open_file(dirfd, rel, false);
}

ntstatus nt_set_attributes(struct nt_io *io, struct nt_node *n, uint32_t attributes)
{
    int dirfd;
    const char *rel;
    ntstatus s = nt_make_own(io, n);
    if (s)
        return s;
    if (!n->directory) {
        mode_t mode = attributes & FILE_ATTRIBUTE_READONLY ? n->st.st_mode & ~(mode_t)0222
                                                           : n->st.st_mode | S_IWUSR;
        if (mode != n->st.st_mode) {
            int fd = open_meta(io, n);
            bool ok = fd >= 0 && !fchmod(fd, mode & 07777);
            if (fd >= 0)
                close(fd);
            if (!ok)
                return STATUS_ACCESS_DENIED;
            n->st.st_mode = mode;
        }
    }
    uint32_t stored = attributes & FILE_ATTRIBUTES_STORED;
    uint32_t usual = n->directory ? 0 : FILE_ATTRIBUTE_ARCHIVE;
    struct host_extra have, x = {.has_attributes = true, .attributes = stored};
    if (!nt_node_layer(io, n, &dirfd, &rel))
        return STATUS_ACCESS_DENIED;
    host_extra_get(io, dirfd, rel, &n->st, &have);
    if (have.has_attributes ? have.attributes != stored : stored != usual)
        host_extra_set(io, dirfd, rel, &x);
    return STATUS_SUCCESS;
}

ntstatus nt_set_times(struct nt_io *io, struct nt_node *n, uint64_t created, uint64_t accessed,
                      uint64_t written)
{
    int dirfd;
    const char *rel;
    ntstatus s = nt_make_own(io, n);
    if (s || (!created && !accessed && !written))
        return s;
    if (created && nt_node_layer(io, n, &dirfd, &rel)) {
        struct host_extra x = {.has_created = true, .created = created};
        host_extra_set(io, dirfd, rel, &x);
    }
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
    if (accessed)
        times[0] = host_timespec(accessed);
    if (written)
        times[1] = host_timespec(written);
    int fd = open_meta(io, n);
    bool ok = fd >= 0 && !futimens(fd, times);
    if (fd >= 0)
        close(fd);
    return ok ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

void nt_stamp(struct nt_io *io, struct nt_node *n, bool created)
{
    uint64_t now = nt_system_time(io->k);
    if (created || !io->k->clock.host)
        nt_set_times(io, n, created ? now : 0, now, now);
}
