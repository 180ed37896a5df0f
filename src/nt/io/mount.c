// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/err.h"
#include "nt/io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOUNTS_MAX = 256 };

pgr_status nt_io_create(struct nt_kernel *k, struct pgr_error *e)
{
    (void)e;
    struct nt_io *io = xcalloc(1, sizeof *io);
    io->k = k;
    io->overlay_fd = -1;
    for (int i = 0; i < NT_STD_COUNT; i++)
        io->std[i] = -1;
    memset(io->std_class, NT_STREAM_NULL, sizeof io->std_class);
    k->io = io;
    return PGR_OK;
}

static void mount_free(struct nt_mount *m)
{
    if (m->supply)
        mount_free(m->supply);
    nt_cache_free(m->cache);
    if (m->fd >= 0)
        close(m->fd);
    free(m->host);
    free(m->guest);
    free(m);
}

/* Everything below a directory of our own making. */
static void remove_tree(int dirfd, const char *rel)
{
    struct host_names names;
    if (!host_list(dirfd, rel, &names))
        return;
    int fd = host_openat(dirfd, rel, O_RDONLY | O_DIRECTORY, 0);
    vec_foreach (it, &names) {
        if (fd < 0 || !unlinkat(fd, it->name, 0))
            continue;
        char *sub = host_join(rel, it->name);
        remove_tree(dirfd, sub);
        unlinkat(fd, it->name, AT_REMOVEDIR);
        free(sub);
    }
    if (fd >= 0)
        close(fd);
    host_names_free(&names);
}

static void overlay_close(struct nt_io *io)
{
    if (io->overlay_fd >= 0) {
        if (io->overlay_private) {
            remove_tree(io->overlay_fd, "");
            rmdir(io->overlay);
        }
        close(io->overlay_fd);
    }
    free(io->overlay);
    io->overlay = NULL;
    io->overlay_fd = -1;
    io->overlay_private = false;
}

void nt_io_destroy(struct nt_kernel *k)
{
    struct nt_io *io = k->io;
    if (!io)
        return;
    while (io->fcbs.len) {
        struct nt_fcb *f = io->fcbs.data[0];
        f->refs = 1;
        nt_fcb_unref(io, f);
    }
    vec_free(&io->fcbs);
    vec_foreach (r, &io->irps) {
        free((*r)->data);
        free(*r);
    }
    vec_free(&io->irps);
    nt_pipes_free(io);
    for (size_t i = 0; i < io->mount_len; i++)
        mount_free(io->mounts[i]);
    free(io->mounts);
    vec_foreach (row, &io->ids)
        free(row->path);
    vec_free(&io->ids);
    vec_free(&io->side);
    nt_secured_free(io);
    vec_foreach (d, &io->bare)
        free(d->guest);
    vec_free(&io->bare);
    overlay_close(io);
    free(io->saved_overlay);
    free(io);
    k->io = NULL;
}

/* ---- Mounts
 * -------------------------------------------------------------------------------------- */

static pgr_status open_host_dir(const char *dir, char **real, int *fd, struct pgr_error *e)
{
    *real = realpath(dir, NULL);
    if (!*real)
        return err_errno(e, PGR_E_IO, "cannot mount %s", dir);
    *fd = open(*real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        pgr_status s = err_errno(e, PGR_E_IO, "cannot mount %s", dir);
        free(*real);
        return s;
    }
    int probe = host_openat(*fd, "", O_PATH, 0);
    if (probe < 0) {
        pgr_status s = err_errno(e, PGR_E_IO, "cannot look beneath %s (openat2, Linux 5.6)", dir);
        close(*fd);
        free(*real);
        return s;
    }
    close(probe);
    return PGR_OK;
}

static void mount_insert(struct nt_io *io, struct nt_mount *m)
{
    for (size_t i = 0; i < io->mount_len; i++) {
        const struct nt_mount *have = io->mounts[i];
        if (utf16_equal_nocase(have->guest, have->guest_len, m->guest, m->guest_len)) {
            mount_free(io->mounts[i]);
            io->mounts[i] = m;
            return;
        }
    }
    if (io->mount_len == io->mount_cap)
        io->mounts = vec_grow(io->mounts, &io->mount_cap, io->mount_len + 1, sizeof *io->mounts);
    io->mounts[io->mount_len++] = m;
}

pgr_status nt_mount_add(struct nt_kernel *k, const char *guest, const char *host_dir,
                        enum nt_mount_mode mode, struct pgr_error *e)
{
    struct nt_io *io = k->io;
    size_t len;
    uint16_t *path = nt_path_from_utf8(guest, &len);
    if (!path)
        return err_set(e, PGR_E_ARGUMENT, "%s is not a full Windows path such as C:\\data", guest);
    if (io->mount_len >= MOUNTS_MAX) {
        free(path);
        return err_set(e, PGR_E_LIMIT, "more than %d mounts", MOUNTS_MAX);
    }
    char *real;
    int fd;
    pgr_status s = open_host_dir(host_dir, &real, &fd, e);
    if (s) {
        free(path);
        return s;
    }
    struct nt_mount *m = xcalloc(1, sizeof *m);
    *m = (struct nt_mount){
        .guest = path, .guest_len = len, .host = real, .fd = fd, .mode = (uint8_t)mode};
    if (mode != NT_MOUNT_READ_WRITE)
        m->cache = nt_cache_create();
    mount_insert(io, m);
    return PGR_OK;
}

pgr_status nt_io_supply(struct nt_kernel *k, const char *guest, const char *host_dir,
                        struct pgr_error *e)
{
    size_t len;
    uint16_t *path = nt_path_from_utf8(guest, &len);
    struct nt_mount *at = path ? nt_mount_at(k->io, path, len) : NULL;
    struct nt_mount *m = at ? xcalloc(1, sizeof *m) : NULL;
    if (!m) {
        free(path);
        return err_set(e, PGR_E_ARGUMENT, "nothing is mounted at %s", guest);
    }
    *m = (struct nt_mount){.guest = path, .guest_len = len, .fd = -1};
    m->mode = at->mode == NT_MOUNT_READ_ONLY ? NT_MOUNT_READ_ONLY : NT_MOUNT_COPY_ON_WRITE;
    pgr_status s = open_host_dir(host_dir, &m->host, &m->fd, e);
    if (s) {
        m->host = NULL;
        mount_free(m);
        return s;
    }
    m->cache = nt_cache_create();
    if (at->supply)
        mount_free(at->supply);
    at->supply = m;
    return PGR_OK;
}

struct nt_mount *nt_mount_of(const struct nt_io *io, const uint16_t *path, size_t len)
{
    struct nt_mount *best = NULL;
    for (size_t i = 0; i < io->mount_len; i++) {
        struct nt_mount *m = io->mounts[i];
        if (nt_path_begins(path, len, m->guest, m->guest_len) &&
            (!best || m->guest_len > best->guest_len))
            best = m;
    }
    return best;
}

struct nt_mount *nt_mount_at(const struct nt_io *io, const uint16_t *path, size_t len)
{
    struct nt_mount *m = nt_mount_of(io, path, len);
    return m && m->guest_len == len ? m : NULL;
}

bool nt_mount_below(const struct nt_io *io, const uint16_t *path, size_t len)
{
    for (size_t i = 0; i < io->mount_len; i++) {
        const struct nt_mount *m = io->mounts[i];
        if (m->guest_len > len && nt_path_begins(m->guest, m->guest_len, path, len))
            return true;
    }
    vec_foreach (d, &io->bare)
        if (nt_path_begins(d->guest, d->len, path, len))
            return true;
    return false;
}

void nt_bare_add(struct nt_io *io, const uint16_t *path, size_t len)
{
    vec_push(&io->bare, (struct nt_bare_dir){xmemdup(path, len * 2), len});
}

bool nt_drive_exists(const struct nt_io *io, uint16_t letter)
{
    for (size_t i = 0; i < io->mount_len; i++)
        if (io->mounts[i]->guest[0] == letter)
            return true;
    return false;
}

void nt_io_drive_device(char letter, char out[NT_DRIVE_NAME_MAX])
{
    snprintf(out, NT_DRIVE_NAME_MAX, "\\Device\\HarddiskVolume%u", nt_io_volume_number(letter));
}

void nt_io_drive_link(char letter, bool volume, char out[NT_DRIVE_NAME_MAX])
{
    if (volume)
        snprintf(out, NT_DRIVE_NAME_MAX, "\\??\\Volume{00000000-0000-0000-0000-0000000000%02x}",
                 (unsigned)(uint8_t)letter);
    else
        snprintf(out, NT_DRIVE_NAME_MAX, "\\DosDevices\\%c:", letter);
}

/* The object namespace has a new drive: QueryDosDevice and GetLogicalDrives look there. */
static void publish_drive(struct nt_kernel *k, char letter)
{
    char device[NT_DRIVE_NAME_MAX], link[NT_DRIVE_NAME_MAX];
    nt_io_drive_device(letter, device);
    if (!nt_name_lookup(k, u"\\Device", 7, NULL))
        return; /* a kernel without a namespace */
    size_t len;
    uint16_t *wide = utf8_to_utf16(device, strlen(device), &len);
    if (!nt_name_lookup(k, wide, len, NULL))
        nt_name_insert(k, device, nt_object_new(k, NT_TYPE_DEVICE));
    free(wide);
    for (int volume = 0; volume < 2; volume++) {
        nt_io_drive_link(letter, volume, link);
        nt_name_link(k, link, device);
    }
}

pgr_status nt_io_mount(struct nt_kernel *k, const char *guest, const char *host_dir,
                       enum nt_mount_mode mode, struct pgr_error *e)
{
    uint32_t before = nt_io_drives(k);
    pgr_status s = nt_mount_add(k, guest, host_dir, mode, e);
    uint32_t fresh = s ? 0 : nt_io_drives(k) & ~before;
    if (fresh)
        publish_drive(k, (char)('A' + __builtin_ctz(fresh)));
    return s;
}

uint32_t nt_io_drives(const struct nt_kernel *k)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < k->io->mount_len; i++)
        mask |= 1u << (k->io->mounts[i]->guest[0] - 'A');
    return mask;
}

unsigned nt_io_volume_number(char letter)
{
    return letter >= 'C' ? (unsigned)(letter - 'C') + 1 : (unsigned)(letter - 'A') + 25;
}

void nt_note_denied(struct nt_io *io, const uint16_t *path, size_t len,
                    const struct nt_mount *mount)
{
    char *what = utf16_to_utf8(path, len, NULL), *detail;
    if (mount) {
        detail = xasprintf("--rw %s", mount->host);
    } else {
        char *dir = utf16_to_utf8(path, nt_path_parent(path, len), NULL);
        detail = xasprintf("--mount '%s%s=DIR'", dir, strlen(dir) == 2 ? "\\" : "");
        free(dir);
    }
    nt_note(io->k, NT_NOTE_DENIED, what, detail);
    free(detail);
    free(what);
}

/* ---- The overlay
 * --------------------------------------------------------------------------------- */

pgr_status nt_io_set_overlay(struct nt_kernel *k, const char *dir, struct pgr_error *e)
{
    struct nt_io *io = k->io;
    overlay_close(io);
    if (!dir)
        return PGR_OK;
    if (mkdir(dir, 0777) < 0 && errno != EEXIST)
        return err_errno(e, PGR_E_IO, "cannot create the overlay %s", dir);
    pgr_status s = open_host_dir(dir, &io->overlay, &io->overlay_fd, e);
    if (s) {
        io->overlay = NULL;
        io->overlay_fd = -1;
    }
    return s;
}

int nt_overlay_open(struct nt_io *io)
{
    if (io->overlay_fd >= 0)
        return io->overlay_fd;
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/peregrine-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        free(dir);
        return -1;
    }
    if (open_host_dir(dir, &io->overlay, &io->overlay_fd, NULL)) {
        rmdir(dir);
        io->overlay = NULL;
        io->overlay_fd = -1;
    } else {
        io->overlay_private = true;
    }
    free(dir);
    return io->overlay_fd;
}

const char *nt_io_overlay(const struct nt_kernel *k)
{
    return k->io->overlay;
}

void nt_io_set_std(struct nt_kernel *k, int which, int fd)
{
    BUG_ON(which < 0 || which >= NT_STD_COUNT);
    k->io->std[which] = fd;
    k->io->std_class[which] = (uint8_t)nt_stream_class_of(fd);
}
