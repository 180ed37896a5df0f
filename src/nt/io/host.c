// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/err.h"
#include "nt/io/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTR_DOS     "user.DOSATTRIB" /* "0x22", as Samba and Wine write it */
#define XATTR_CREATED "user.peregrine.created"

static const uint64_t EPOCH_1970 = 116444736000000000u;

int host_openat(int dirfd, const char *rel, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd;
    do /* EAGAIN: a rename elsewhere in the tree raced with the walk */
        fd = (int)syscall(SYS_openat2, dirfd, *rel ? rel : ".", &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd;
}

static bool plain(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

bool host_stat(int dirfd, const char *rel, struct stat *st)
{
    int fd = host_openat(dirfd, rel, O_PATH, 0);
    if (fd < 0)
        return false;
    bool ok = !fstat(fd, st);
    close(fd);
    if (ok && !plain(st)) {
        errno = ENOENT;
        ok = false;
    }
    return ok;
}

/* Opening a FIFO or a device has effects of its own, so look before and check after. */
int host_open_file(int dirfd, const char *rel, bool writable)
{
    struct stat before, after;
    if (!host_stat(dirfd, rel, &before))
        return -1;
    int access = S_ISDIR(before.st_mode) ? O_RDONLY : writable ? O_RDWR : O_RDONLY;
    int fd = host_openat(dirfd, rel, access | O_NONBLOCK | O_NOATIME, 0);
    if (fd < 0 && errno == EPERM) /* O_NOATIME is for owners */
        fd = host_openat(dirfd, rel, access | O_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (fstat(fd, &after) < 0 || before.st_ino != after.st_ino || before.st_dev != after.st_dev) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

bool host_list(int dirfd, const char *rel, struct host_names *out)
{
    memset(out, 0, sizeof *out);
    int fd = host_openat(dirfd, rel, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return false;
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return false;
    }
    struct dirent *e;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.' && (!e->d_name[1] || (e->d_name[1] == '.' && !e->d_name[2])))
            continue;
        vec_push(out, (struct host_name){.name = xstrdup(e->d_name), .type = e->d_type});
    }
    closedir(d);
    return true;
}

void host_names_free(struct host_names *n)
{
    vec_foreach (it, n)
        free(it->name);
    vec_free(n);
}

char *host_join(const char *dir, const char *name)
{
    return *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
}

int host_parent(int dirfd, const char *rel, const char **last)
{
    const char *slash = strrchr(rel, '/');
    *last = slash ? slash + 1 : rel;
    char *dir = slash ? xmemdup(rel, (size_t)(slash - rel) + 1) : xstrdup("");
    if (slash)
        dir[slash - rel] = 0;
    int fd = host_openat(dirfd, dir, O_PATH | O_DIRECTORY, 0);
    free(dir);
    return fd;
}

bool host_copy(int from, int to)
{
    char buf[65536];
    off_t at = 0;
    for (;;) { /* shares blocks where the file system can */
        ssize_t n = copy_file_range(from, &at, to, NULL, 1u << 30, 0);
        if (n == 0 && at > 0)
            return true;
        if (n <= 0)
            break;
    }
    for (;;) {
        ssize_t n = pread(from, buf, sizeof buf, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t w = pwrite(to, buf + done, (size_t)(n - done), at + done);
            if (w < 0 && errno == EINTR)
                continue;
            if (w <= 0)
                return false;
            done += w;
        }
        at += n;
    }
}

/* ---- Attributes beside the file
 * ------------------------------------------------------------------ */

uint64_t host_time(struct timespec ts)
{
    return EPOCH_1970 + (uint64_t)ts.tv_sec * 10000000u + (uint64_t)ts.tv_nsec / 100;
}

struct timespec host_timespec(uint64_t t)
{
    int64_t since = (int64_t)(t - EPOCH_1970);
    int64_t sec = since / 10000000, rest = since % 10000000;
    if (rest < 0) {
        rest += 10000000;
        sec--;
    }
    return (struct timespec){.tv_sec = sec, .tv_nsec = rest * 100};
}

static struct nt_side_row *side_row(struct nt_io *io, const struct stat *st)
{
    vec_foreach (row, &io->side)
        if (row->dev == st->st_dev && row->ino == st->st_ino)
            return row;
    return NULL;
}

/* Extended attributes cannot be read through an O_PATH descriptor, but through its magic link,
 * which names the very inode. */
static bool magic_path(int dirfd, const char *rel, int *fd, char out[40])
{
    *fd = host_openat(dirfd, rel, O_PATH, 0);
    if (*fd < 0)
        return false;
    snprintf(out, 40, "/proc/self/fd/%d", *fd);
    return true;
}

void host_extra_get(struct nt_io *io, int dirfd, const char *rel, const struct stat *st,
                    struct host_extra *out)
{
    char path[40], text[32];
    int fd;
    *out = (struct host_extra){0};
    const struct nt_side_row *row = side_row(io, st);
    if (row)
        *out = row->extra;
    if (!magic_path(dirfd, rel, &fd, path))
        return;
    ssize_t n = getxattr(path, XATTR_DOS, text, sizeof text - 1);
    if (n > 2 && text[0] == '0' && text[1] == 'x') {
        text[n] = 0;
        out->has_attributes = true;
        out->attributes = (uint32_t)strtoul(text, NULL, 16) & FILE_ATTRIBUTES_STORED;
    }
    if (getxattr(path, XATTR_CREATED, &out->created, 8) == 8)
        out->has_created = true;
    close(fd);
}

void host_extra_set(struct nt_io *io, int dirfd, const char *rel, const struct host_extra *x)
{
    char path[40], text[32];
    struct stat st;
    int fd;
    if (!magic_path(dirfd, rel, &fd, path))
        return;
    bool ok = true;
    if (x->has_attributes) {
        int n = snprintf(text, sizeof text, "0x%x", x->attributes & FILE_ATTRIBUTES_STORED);
        ok = !setxattr(path, XATTR_DOS, text, (size_t)n, 0);
    }
    if (ok && x->has_created)
        ok = !setxattr(path, XATTR_CREATED, &x->created, 8, 0);
    if (!ok && !fstat(fd, &st)) {
        struct nt_side_row *row = side_row(io, &st);
        if (!row) {
            vec_push(&io->side, (struct nt_side_row){.dev = st.st_dev, .ino = st.st_ino});
            row = &io->side.data[io->side.len - 1];
        }
        if (x->has_attributes) {
            row->extra.has_attributes = true;
            row->extra.attributes = x->attributes & FILE_ATTRIBUTES_STORED;
        }
        if (x->has_created) {
            row->extra.has_created = true;
            row->extra.created = x->created;
        }
    }
    close(fd);
}
