// SPDX-License-Identifier: GPL-2.0-or-later
/* What the loader and the command line ask for: guest paths from the host's side. */
#include "base/err.h"
#include "nt/io/internal.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

ntstatus nt_io_open_host(struct nt_kernel *k, const uint16_t *path, size_t len, int *fd,
                         uint16_t **nt_path, size_t *nt_path_len)
{
    struct nt_path p;
    struct nt_node n;
    int dirfd;
    const char *rel;
    static const uint16_t prefix[] = u"\\??\\";
    uint16_t *full = xmalloc((len + 5) * 2);
    bool bare = len && path[0] != '\\';
    if (bare)
        memcpy(full, prefix, 8);
    memcpy(full + (bare ? 4 : 0), path, len * 2);
    ntstatus s = nt_path_parse(k->io, NULL, 0, full, len + (bare ? 4 : 0), &p);
    free(full);
    if (s)
        return s;
    s = p.kind == NT_PATH_DISK ? nt_lookup(k->io, p.text, p.len, &n) : STATUS_OBJECT_TYPE_MISMATCH;
    if (s == STATUS_OBJECT_TYPE_MISMATCH)
        n = (struct nt_node){0};
    if (!s && n.directory)
        s = STATUS_FILE_IS_A_DIRECTORY;
    if (!s && !nt_node_layer(k->io, &n, &dirfd, &rel))
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!s && (*fd = host_open_file(dirfd, rel, false)) < 0)
        s = nt_status_from_errno(errno);
    if (!s && nt_path) {
        *nt_path = xcalloc(n.guest_len + 5, 2);
        memcpy(*nt_path, prefix, 8);
        memcpy(*nt_path + 4, n.guest, n.guest_len * 2);
        *nt_path_len = n.guest_len + 4;
    }
    nt_node_free(&n);
    nt_path_free(&p);
    return s;
}

char *nt_io_guest_path(struct nt_kernel *k, const char *host)
{
    char *real = realpath(host, NULL), *out = NULL;
    const struct nt_mount *best = NULL;
    size_t best_len = 0;
    if (!real)
        return NULL;
    for (size_t i = 0; i < k->io->mount_len; i++) {
        const struct nt_mount *m = k->io->mounts[i];
        size_t n = strcmp(m->host, "/") ? strlen(m->host) : 0;
        if (!strncmp(real, m->host, n) && (real[n] == '/' || !real[n]) && (!best || n > best_len)) {
            best = m;
            best_len = n;
        }
    }
    if (best) {
        char *dir = utf16_to_utf8(best->guest, best->guest_len, NULL);
        const char *rest = real + best_len;
        while (*rest == '/')
            rest++;
        out = xasprintf("%s\\%s", dir, rest);
        for (char *p = out; *p; p++)
            if (*p == '/')
                *p = '\\';
        size_t n = strlen(out);
        if (!*rest && n > 3) /* "C:\work", but "C:\" */
            out[n - 1] = 0;
        free(dir);
    }
    free(real);
    return out;
}

char *nt_io_host_path(struct nt_kernel *k, const char *guest)
{
    size_t len;
    struct nt_node n;
    char *out = NULL;
    uint16_t *path = nt_path_from_utf8(guest, &len);
    if (!path)
        return NULL;
    if (!nt_lookup(k->io, path, len, &n)) {
        if (n.upper)
            out = xasprintf("%s/%s", k->io->overlay, n.upper);
        else if (n.lower)
            out = xasprintf("%s%s%s", n.mount->host, *n.lower ? "/" : "", n.lower);
    }
    nt_node_free(&n);
    free(path);
    return out;
}

ntstatus nt_io_exists(struct nt_kernel *k, const char *guest, bool *is_directory)
{
    size_t len;
    struct nt_node n;
    uint16_t *path = nt_path_from_utf8(guest, &len);
    if (!path)
        return STATUS_OBJECT_NAME_INVALID;
    ntstatus s = nt_drive_exists(k->io, path[0]) ? nt_lookup(k->io, path, len, &n)
                                                 : STATUS_OBJECT_PATH_NOT_FOUND;
    if (!s && is_directory)
        *is_directory = n.directory;
    if (s != STATUS_OBJECT_PATH_NOT_FOUND)
        nt_node_free(&n);
    free(path);
    return s;
}

pgr_status nt_io_make_dir(struct nt_kernel *k, const char *guest, struct pgr_error *e)
{
    size_t len;
    uint16_t *path = nt_path_from_utf8(guest, &len);
    if (!path || !nt_drive_exists(k->io, path[0])) {
        free(path);
        return err_set(e, PGR_E_ARGUMENT, "%s is not a path on a mounted drive", guest);
    }
    ntstatus s = STATUS_SUCCESS;
    if (!nt_mount_of(k->io, path, len)) {
        nt_bare_add(k->io, path, len);
        free(path);
        return PGR_OK;
    }
    for (size_t end = 3; end <= len && !s; end++) {
        struct nt_node n;
        if (end < len && path[end] != '\\')
            continue;
        s = nt_lookup(k->io, path, end, &n);
        if (s == STATUS_OBJECT_NAME_NOT_FOUND)
            s = nt_create_at(k->io, &n, true, NULL);
        nt_node_free(&n);
    }
    free(path);
    if (s)
        return err_set(e, PGR_E_IO, "cannot create the guest directory %s (%s)", guest,
                       ntstatus_name(s) ? ntstatus_name(s) : "no reason known");
    return PGR_OK;
}
