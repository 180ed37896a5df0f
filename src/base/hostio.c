// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hostio.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

pgr_status host_map_open(struct host_map *m, const char *path, struct pgr_error *e)
{
    *m = (struct host_map){.fd = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_errno(e, errno == ENOENT || errno == ENOTDIR ? PGR_E_NOT_FOUND : PGR_E_IO,
                         "cannot open %s", path);
    return host_map_fd(m, fd, path, e);
}

pgr_status host_map_fd(struct host_map *m, int fd, const char *name, struct pgr_error *e)
{
    struct stat st;
    pgr_status s = PGR_OK;
    *m = (struct host_map){.fd = -1};
    if (fstat(fd, &st) < 0) {
        s = err_errno(e, PGR_E_IO, "cannot examine %s", name);
    } else if (!S_ISREG(st.st_mode)) {
        s = err_set(e, PGR_E_UNSUPPORTED, "%s is a %s, not a file", name,
                    S_ISDIR(st.st_mode) ? "directory" : "device or pipe");
    } else if (st.st_size) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            *m = (struct host_map){.data = p, .size = (size_t)st.st_size, .fd = fd};
            return PGR_OK;
        }
        s = err_errno(e, PGR_E_IO, "cannot map %s", name);
    }
    close(fd);
    return s;
}

void host_map_close(struct host_map *m)
{
    if (m->data)
        munmap((void *)m->data, m->size);
    if (m->size)
        close(m->fd);
    *m = (struct host_map){.fd = -1};
}

bool host_write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

pgr_status host_write_file(const char *path, const void *data, size_t size, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    char *aside = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0) {
        s = err_errno(e, PGR_E_IO, "cannot create a file beside %s", path);
        goto free_name;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool ok = host_write_all(fd, data, size) && !fchmod(fd, 0666 & ~mask) && !fsync(fd);
    if (close(fd) < 0)
        ok = false;
    if (!ok || rename(aside, path) < 0) {
        s = err_errno(e, PGR_E_IO, "cannot write %s", path);
        unlink(aside);
    }
free_name:
    free(aside);
    return s;
}

static char *user_dir(const char *variable, const char *fallback, const char *sub)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    const char *slash = sub ? "/" : "";
    if (base && base[0] == '/')
        return xasprintf("%s/peregrine%s%s", base, slash, sub ? sub : "");
    if (!home || home[0] != '/')
        return NULL;
    return xasprintf("%s/%s/peregrine%s%s", home, fallback, slash, sub ? sub : "");
}

char *host_data_dir(const char *sub)
{
    return user_dir("XDG_DATA_HOME", ".local/share", sub);
}

char *host_cache_dir(const char *sub)
{
    return user_dir("XDG_CACHE_HOME", ".cache", sub);
}

bool host_make_dirs(const char *path)
{
    char *part = xstrdup(path);
    bool ok = true;
    for (char *p = part + 1; ok; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        ok = !mkdir(part, 0777) || errno == EEXIST;
        *p = c;
        if (!c)
            break;
    }
    free(part);
    return ok;
}

uint64_t host_monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t host_realtime_100ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ((uint64_t)ts.tv_sec + 11644473600u) * 10000000u + (uint64_t)ts.tv_nsec / 100;
}

unsigned host_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}

uint64_t host_private_bytes(void)
{
    char text[128];
    unsigned long long resident, shared;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2 || shared > resident)
        return 0;
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
