// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Security descriptors of disk files. The host keeps none, so they are kept here by guest path, for
 * as long as the machine runs; a file without one allows everything. Whoever may write to a
 * directory may also delete what is in it, and who may list it may see the attributes.
 */
#include "nt/io/internal.h"
#include "nt/se/security.h"

enum { SECURED_MAX = 1 << 16, PATH_UNITS = 1 << 15, SD_BYTES = 0x40000 };
enum { MAXIMUM_ALLOWED = 0x02000000 };

static struct nt_secured *find(const struct nt_io *io, const uint16_t *path, size_t len)
{
    vec_foreach (it, &io->secured)
        if (utf16_equal_nocase(it->path, it->len, path, len))
            return it;
    return NULL;
}

static void forget(struct nt_io *io, struct nt_secured *it)
{
    free(it->path);
    free(it->sd);
    vec_remove(&io->secured, (size_t)(it - io->secured.data));
}

void nt_secured_gone(struct nt_io *io, const uint16_t *path, size_t len)
{
    struct nt_secured *it = find(io, path, len);
    if (it)
        forget(io, it);
}

void nt_secured_moved(struct nt_io *io, const uint16_t *from, size_t from_len, const uint16_t *to,
                      size_t to_len)
{
    vec_foreach (it, &io->secured) {
        if (!nt_path_begins(it->path, it->len, from, from_len))
            continue;
        size_t rest = it->len - from_len;
        uint16_t *path = xcalloc(to_len + rest + 1, 2);
        memcpy(path, to, to_len * 2);
        memcpy(path + to_len, it->path + from_len, rest * 2);
        free(it->path);
        it->path = path;
        it->len = to_len + rest;
    }
}

void nt_secured_free(struct nt_io *io)
{
    while (io->secured.len)
        forget(io, io->secured.data);
    vec_free(&io->secured);
}

void nt_secured_transfer(struct nt_io *io, struct ser *s)
{
    size_t n = io->secured.len;
    ser_count(s, &n, SECURED_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&io->secured, (struct nt_secured){0});
        struct nt_secured *it = &io->secured.data[i];
        ser_utf16(s, &it->path, &it->len, PATH_UNITS);
        ser_bytes(s, &it->sd, &it->sd_len, SD_BYTES);
    }
}

/* ---- For se/ ------------------------------------------------------------------------------------
 */

static const struct nt_fcb *disk_file(struct nt_kernel *k, const struct nt_object *file)
{
    const struct nt_fcb *fcb = nt_file_fcb(k, (const struct nt_file *)file);
    return fcb && !fcb->deleted ? fcb : NULL;
}

const uint8_t *nt_io_file_sd(struct nt_kernel *k, const struct nt_object *file, size_t *len)
{
    const struct nt_fcb *fcb = disk_file(k, file);
    const struct nt_secured *it = fcb ? find(k->io, fcb->path, fcb->len) : NULL;
    *len = it ? it->sd_len : 0;
    return it ? it->sd : NULL;
}

bool nt_io_set_file_sd(struct nt_kernel *k, const struct nt_object *file, uint8_t *sd, size_t len)
{
    const struct nt_fcb *fcb = disk_file(k, file);
    struct nt_secured *it = fcb ? find(k->io, fcb->path, fcb->len) : NULL;
    if (!fcb || (!it && k->io->secured.len >= SECURED_MAX))
        return false;
    if (!it) {
        struct nt_secured fresh = {.path = xcalloc(fcb->len + 1, 2), .len = fcb->len};
        memcpy(fresh.path, fcb->path, fcb->len * 2);
        vec_push(&k->io->secured, fresh);
        it = &k->io->secured.data[k->io->secured.len - 1];
    }
    free(it->sd);
    it->sd = sd;
    it->sd_len = len;
    return true;
}

/* ---- Deciding -----------------------------------------------------------------------------------
 */

static bool allows(struct nt_call *c, const struct nt_secured *it, uint32_t access)
{
    uint32_t granted;
    return !it || !nt_token_check(nt_token_effective(c), it->sd, it->sd_len, access,
                                  FILE_ALL_ACCESS, &granted);
}

ntstatus nt_secured_check(struct nt_call *c, const uint16_t *path, size_t len, uint32_t needs,
                          uint32_t *access, bool maximum)
{
    const struct nt_io *io = c->k->io;
    const struct nt_secured *it = io->secured.len ? find(io, path, len) : NULL;
    uint32_t granted, by_parent = 0;
    if (!it)
        return STATUS_SUCCESS;
    const struct nt_secured *parent = find(io, path, nt_path_parent(path, len));
    if (allows(c, parent, FILE_DELETE_CHILD))
        by_parent |= IO_DELETE;
    if (allows(c, parent, FILE_LIST_DIRECTORY))
        by_parent |= FILE_READ_ATTRIBUTES;
    uint32_t wanted = maximum ? MAXIMUM_ALLOWED : needs & ~by_parent;
    ntstatus s = nt_token_check(nt_token_effective(c), it->sd, it->sd_len, wanted, FILE_ALL_ACCESS,
                                &granted);
    if (!s && maximum)
        *access &= granted | by_parent;
    return s;
}

ntstatus nt_secured_check_new(struct nt_call *c, const uint16_t *path, size_t len, bool directory)
{
    enum { FILE_ADD_SUBDIRECTORY = 4 };
    const struct nt_io *io = c->k->io;
    if (!io->secured.len)
        return STATUS_SUCCESS;
    return allows(c, find(io, path, nt_path_parent(path, len)),
                  directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE)
               ? STATUS_SUCCESS
               : STATUS_ACCESS_DENIED;
}
