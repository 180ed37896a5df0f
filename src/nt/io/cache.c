// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of read-only directories by their upper-case form, so that looking up one of system32's 800
 * files in whatever letter case costs a hash probe instead of reading the directory. The host may
 * still change such a tree behind us; the directory's own time tells.
 */
#include "nt/io/internal.h"

#include <fcntl.h>
#include <unistd.h>

struct entry {
    uint64_t hash;
    char *name; /* NULL: free slot */
};

struct cached_dir {
    char *rel;
    int fd; /* O_PATH */
    struct timespec mtime;
    struct entry *table;
    size_t mask;
};

struct nt_name_cache {
    struct {
        struct cached_dir *data;
        size_t len, cap;
    } dirs;
};

enum { CACHED_DIRS_MAX = 512 };

static uint64_t hash_upcased(const uint16_t *name, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ utf16_upcase(name[i])) * 0x100000001b3u;
    return h ^ h >> 29;
}

static bool same_name(const char *host, const uint16_t *name, size_t len)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(host, strlen(host), &n);
    bool same = utf16_equal_nocase(wide, n, name, len);
    free(wide);
    return same;
}

struct nt_name_cache *nt_cache_create(void)
{
    return xcalloc(1, sizeof(struct nt_name_cache));
}

static void drop_table(struct cached_dir *d)
{
    for (size_t i = 0; d->table && i <= d->mask; i++)
        free(d->table[i].name);
    free(d->table);
    d->table = NULL;
}

void nt_cache_free(struct nt_name_cache *c)
{
    if (!c)
        return;
    vec_foreach (d, &c->dirs) {
        drop_table(d);
        free(d->rel);
        close(d->fd);
    }
    vec_free(&c->dirs);
    free(c);
}

static bool fill(struct cached_dir *d, int dirfd)
{
    struct host_names names;
    if (!host_list(dirfd, d->rel, &names))
        return false;
    size_t size = 16;
    while (size < names.len * 2)
        size *= 2;
    drop_table(d);
    d->table = xcalloc(size, sizeof *d->table);
    d->mask = size - 1;
    vec_foreach (it, &names) {
        size_t n;
        uint16_t *wide = utf8_to_utf16(it->name, strlen(it->name), &n);
        uint64_t h = hash_upcased(wide, n);
        free(wide);
        size_t i = h & d->mask;
        while (d->table[i].name)
            i = (i + 1) & d->mask;
        d->table[i] = (struct entry){.hash = h, .name = it->name};
    }
    vec_free(&names); /* the names themselves moved into the table */
    return true;
}

static struct cached_dir *begun(struct nt_name_cache *c, const char *rel)
{
    vec_foreach (it, &c->dirs)
        if (!strcmp(it->rel, rel))
            return it;
    return NULL;
}

static struct cached_dir *cached(struct nt_name_cache *c, int dirfd, const char *rel)
{
    struct stat st;
    struct cached_dir *d = begun(c, rel);
    if (!d) {
        int fd = host_openat(dirfd, rel, O_PATH | O_DIRECTORY, 0);
        if (fd < 0 || c->dirs.len >= CACHED_DIRS_MAX) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        vec_push(&c->dirs, (struct cached_dir){.rel = xstrdup(rel), .fd = fd});
        d = &c->dirs.data[c->dirs.len - 1];
    }
    if (fstat(d->fd, &st) < 0)
        return NULL;
    if (d->table && d->mtime.tv_sec == st.st_mtim.tv_sec && d->mtime.tv_nsec == st.st_mtim.tv_nsec)
        return d;
    d->mtime = st.st_mtim;
    return fill(d, dirfd) ? d : NULL;
}

static bool is_there(int dirfd, const char *rel, const char *name)
{
    char *path = host_join(rel, name);
    int fd = host_openat(dirfd, path, O_PATH, 0);
    free(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

char *nt_cache_find(struct nt_name_cache *c, int dirfd, const char *rel, const uint16_t *name,
                    size_t len)
{
    /* Most programs name the files of a directory as they are spelt: it need not be read. */
    char *exact = utf16_to_utf8(name, len, NULL);
    if (c && !begun(c, rel) && is_there(dirfd, rel, exact))
        return exact;
    struct cached_dir *d = c ? cached(c, dirfd, rel) : NULL;
    if (!d) {
        free(exact);
        return nt_host_find(dirfd, rel, name, len);
    }
    uint64_t h = hash_upcased(name, len);
    const char *best = NULL;
    for (size_t i = h & d->mask; d->table[i].name; i = (i + 1) & d->mask) {
        const char *have = d->table[i].name;
        if (d->table[i].hash != h || !same_name(have, name, len))
            continue;
        if (!strcmp(have, exact)) {
            best = have;
            break;
        }
        if (!best || strcmp(have, best) < 0)
            best = have;
    }
    free(exact);
    return best ? xstrdup(best) : NULL;
}

/* Names without letters have one spelling only, which the first look would have found. */
static bool has_case(const uint16_t *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] >= 0x80 || (name[i] >= 'A' && name[i] <= 'Z') ||
            (name[i] >= 'a' && name[i] <= 'z'))
            return true;
    return false;
}

char *nt_host_find(int dirfd, const char *rel, const uint16_t *name, size_t len)
{
    char *exact = utf16_to_utf8(name, len, NULL), *best = NULL;
    if (is_there(dirfd, rel, exact))
        return exact;
    free(exact);
    struct host_names names;
    if (!has_case(name, len) || !host_list(dirfd, rel, &names))
        return NULL;
    vec_foreach (it, &names)
        if (same_name(it->name, name, len) && (!best || strcmp(it->name, best) < 0))
            best = it->name;
    best = best ? xstrdup(best) : NULL;
    host_names_free(&names);
    return best;
}
