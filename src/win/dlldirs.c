// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's search order for DLLs, on the host's directories. */
#include "base/bits.h"
#include "base/hostio.h"
#include "win/resolve.h"
#include "win/win.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PLACES = 4, SYSTEM = 1 };

struct place {
    char *path;
    int fd; /* -1: there is no such directory */
    VEC(char *) names;
};

struct win_dll_dirs {
    struct place places[PLACES];
    unsigned supply; /* pointer size of the DLLs that we supply; 0: none */
};

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int c = strcasecmp(x, y);
    return c ? c : strcmp(x, y);
}

static void read_names(struct place *p)
{
    DIR *d = opendir(p->path);
    for (struct dirent *entry; d && (entry = readdir(d));)
        vec_push(&p->names, xstrdup(entry->d_name));
    if (d)
        closedir(d);
    if (p->names.len)
        qsort(p->names.data, p->names.len, sizeof *p->names.data, by_name);
}

static void open_place(struct place *p, const char *path)
{
    p->path = path ? realpath(path, NULL) : NULL;
    p->fd = p->path ? open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (p->fd >= 0)
        read_names(p);
}

/* A program of the root lies in one of the directories that follow: reports name that one. */
static bool is_repeated(const struct win_dll_dirs *d, const char *program_dir)
{
    char *path = program_dir ? realpath(program_dir, NULL) : NULL;
    bool same = false;
    for (unsigned i = SYSTEM; path && i < PLACES - 1; i++)
        same |= d->places[i].path && !strcmp(d->places[i].path, path);
    free(path);
    return same;
}

struct win_dll_dirs *win_dll_dirs_new(const char *program_dir, const char *system,
                                      const char *windows, const char *cwd)
{
    const char *const paths[PLACES] = {program_dir, system, windows, cwd};
    struct win_dll_dirs *d = xcalloc(1, sizeof *d);
    for (unsigned i = SYSTEM; i < PLACES; i++)
        open_place(&d->places[i], paths[i]);
    open_place(&d->places[0], is_repeated(d, program_dir) ? NULL : program_dir);
    return d;
}

void win_dll_dirs_free(struct win_dll_dirs *d)
{
    for (unsigned i = 0; d && i < PLACES; i++) {
        struct place *p = &d->places[i];
        vec_foreach (name, &p->names)
            free(*name);
        vec_free(&p->names);
        free(p->path);
        if (p->fd >= 0)
            close(p->fd);
    }
    free(d);
}

/* The first spelling in byte order; NULL when there is none. */
static const char *spelling(const struct place *p, const char *name)
{
    size_t lo = 0, hi = p->names.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcasecmp(p->names.data[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->names.len && !strcasecmp(p->names.data[lo], name) ? p->names.data[lo] : NULL;
}

/* Not through links that lead out: the guest could not follow them either. */
static int open_beneath(int dirfd, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof how);
}

void win_dll_dirs_supply(struct win_dll_dirs *d, unsigned ptr_size)
{
    d->supply = ptr_size;
}

static bool open_supplied(const struct win_dll_dirs *d, const char *name, struct win_dll_file *out)
{
    size_t size;
    uint8_t *image = d->supply ? win_synthetic_image(name, d->supply, &size) : NULL;
    if (!image)
        return false;
    *out = (struct win_dll_file){.data = image,
                                 .size = size,
                                 .path = xasprintf("(supplied by Peregrine)/%s", name),
                                 .place = "Peregrine itself",
                                 .fd = -1};
    return true;
}

static bool open_dll(void *ctx, unsigned dir, const char *name, struct win_dll_file *out)
{
    static const char *const kinds[PLACES] = {"the program's directory", "the root",
                                              "the root's windows directory",
                                              "the current directory"};
    const struct win_dll_dirs *d = ctx;
    const struct place *p = &d->places[dir];
    const char *found = p->fd < 0 ? NULL : spelling(p, name);
    int fd = found ? open_beneath(p->fd, found) : -1;
    struct host_map map;
    if (fd < 0 || host_map_fd(&map, fd, found, NULL))
        return dir == SYSTEM && open_supplied(d, name, out);
    *out = (struct win_dll_file){.data = map.data,
                                 .size = map.size,
                                 .path = xasprintf("%s/%s", p->path, found),
                                 .place = kinds[dir],
                                 .fd = map.fd};
    return true;
}

static void close_dll(void *ctx, struct win_dll_file *f)
{
    if (f->fd < 0) {
        free((void *)f->data);
        return;
    }
    struct host_map map = {.data = f->data, .size = f->size, .fd = f->fd};
    host_map_close(&map);
}

struct win_dll_source win_dll_dirs_source(struct win_dll_dirs *d)
{
    return (struct win_dll_source){
        .ndirs = PLACES, .system_dir = SYSTEM, .open = open_dll, .close = close_dll, .ctx = d};
}
