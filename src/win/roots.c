// SPDX-License-Identifier: GPL-2.0-or-later
#include "win/roots.h"
#include "base/hostio.h"
#include "base/match.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFEST_LARGEST = 64 << 10, MACHINE_I386 = 0x14c, MACHINE_AMD64 = 0x8664 };

void win_root_free(struct win_root *r)
{
    free(r->name);
    free(r->path);
    free(r->windows);
    free(r->system32);
    free(r->syswow64);
    free(r->kind);
    free(r->version);
    free(r->why);
    *r = (struct win_root){0};
}

void win_root_list_free(struct win_root_list *l)
{
    vec_foreach (r, l)
        win_root_free(r);
    vec_free(l);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool exists(const char *path)
{
    struct stat st;
    return !stat(path, &st);
}

/* The path of `dir`'s entry of that name in any case, or NULL. Of several spellings the exact one
 * wins, then the first in byte order, so that the answer never depends on the directory's order. */
static char *find_entry(const char *dir, const char *name)
{
    char *best = NULL, *path = xasprintf("%s/%s", dir, name);
    if (exists(path)) /* the usual case, without reading a directory of hundreds of files */
        return path;
    free(path);
    DIR *d = opendir(dir);
    if (!d)
        return NULL;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (strcasecmp(entry->d_name, name))
            continue;
        if (best && strcmp(best, entry->d_name) <= 0)
            continue;
        free(best);
        best = xstrdup(entry->d_name);
    }
    closedir(d);
    path = best ? xasprintf("%s/%s", dir, best) : NULL;
    free(best);
    return path;
}

static bool read_at(int fd, void *to, size_t len, off_t at)
{
    return pread(fd, to, len, at) == (ssize_t)len;
}

/* The Machine field of a directory's ntdll.dll; 0 when there is none that can be read. */
static uint16_t ntdll_machine(const char *dir)
{
    uint8_t mz[64], pe[6];
    uint32_t at;
    uint16_t machine = 0;
    char *path = find_entry(dir, "ntdll.dll");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    if (fd >= 0 && read_at(fd, mz, sizeof mz, 0) && !memcmp(mz, "MZ", 2)) {
        memcpy(&at, mz + 60, sizeof at);
        if (read_at(fd, pe, sizeof pe, at) && !memcmp(pe, "PE\0", 4))
            memcpy(&machine, pe + 4, sizeof machine);
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return machine;
}

/* Sets the DLL directories of r->windows; false when it has none. */
static bool find_dlls(struct win_root *r)
{
    char *system32 = find_entry(r->windows, "system32");
    char *syswow64 = find_entry(r->windows, "syswow64");
    uint16_t machine = system32 ? ntdll_machine(system32) : 0;
    if (syswow64 && ntdll_machine(syswow64) == MACHINE_I386) {
        r->syswow64 = syswow64;
        syswow64 = NULL;
    }
    if (machine == MACHINE_AMD64) {
        r->system32 = system32;
        system32 = NULL;
    } else if (machine == MACHINE_I386 && !r->syswow64) {
        r->syswow64 = system32;
        system32 = NULL;
    }
    free(system32);
    free(syswow64);
    return r->system32 || r->syswow64;
}

static char *manifest_text(const json_t *manifest, const char *key)
{
    const char *text = json_string_value(json_object_get(manifest, key));
    return text && *text ? xstrdup(text) : NULL;
}

/* The manifest is optional, and only describes: a damaged one makes a root of unknown version. */
static void read_manifest(struct win_root *r)
{
    struct host_map m;
    json_t *manifest = NULL;
    char *path = xasprintf("%s/root.json", r->path);
    if (host_map_open(&m, path, NULL) == PGR_OK) {
        if (m.size && m.size <= MANIFEST_LARGEST)
            manifest = json_loadb((const char *)m.data, m.size, JSON_REJECT_DUPLICATES, NULL);
        host_map_close(&m);
    }
    free(path);
    r->kind = manifest_text(manifest, "kind");
    r->version = manifest_text(manifest, "version");
    if (!r->kind)
        r->kind = xstrdup("windows");
    json_decref(manifest);
}

/* A directory that we may not look into, with errno set: otherwise it would seem to be empty. */
static bool is_shut(const char *path)
{
    DIR *d = opendir(path);
    if (d)
        closedir(d);
    return !d && errno == EACCES;
}

static pgr_status open_root(const char *given, struct win_root *r, struct pgr_error *e)
{
    *r = (struct win_root){.path = realpath(given, NULL)};
    if (!r->path)
        return err_errno(e, PGR_E_NOT_FOUND, "cannot use %s as a root", given);
    if (is_shut(r->path)) {
        pgr_status s = err_errno(e, PGR_E_NOT_FOUND, "cannot use %s as a root", given);
        win_root_free(r);
        return s;
    }
    r->windows = find_entry(r->path, "windows");
    if (!r->windows || !find_dlls(r)) {
        free(r->windows);
        r->windows = xstrdup(r->path);
        if (!find_dlls(r)) {
            err_set(e, PGR_E_FORMAT,
                    "%s is not a guest root: neither windows/system32 nor System32 in it holds an "
                    "ntdll.dll for x86-64 or i386",
                    given);
            win_root_free(r);
            return PGR_E_FORMAT;
        }
    }
    const char *slash = strrchr(r->path, '/');
    r->name = xstrdup(slash[1] ? slash + 1 : slash);
    read_manifest(r);
    return PGR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(((const struct win_root *)a)->name, ((const struct win_root *)b)->name);
}

void win_root_list(struct win_root_list *out)
{
    *out = (struct win_root_list){0};
    char *roots = host_data_dir("roots");
    DIR *d = roots ? opendir(roots) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct win_root r;
        char *path = xasprintf("%s/%s", roots, entry->d_name);
        if (entry->d_name[0] != '.' && is_directory(path) && open_root(path, &r, NULL) == PGR_OK) {
            free(r.name); /* the name it is installed under, should it be a link */
            r.name = xstrdup(entry->d_name);
            vec_push(out, r);
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(roots);
    if (out->len)
        qsort(out->data, out->len, sizeof *out->data, by_name);
}

/* Takes entry i out of the list. */
static struct win_root take(struct win_root_list *l, size_t i)
{
    struct win_root r = l->data[i];
    vec_remove(l, i);
    return r;
}

static bool better(const struct win_root *a, const struct win_root *b)
{
    bool a_wine = !strcmp(a->kind, "wine"), b_wine = !strcmp(b->kind, "wine");
    if (a_wine != b_wine)
        return a_wine;
    return strverscmp(a->version ? a->version : "", b->version ? b->version : "") > 0;
}

static pgr_status choose(struct win_root_list *l, struct win_root *out, struct pgr_error *e)
{
    if (!l->len)
        return err_set(e, PGR_E_NOT_FOUND,
                       "no guest root is installed; run scripts/guest-dlls to install one, or name "
                       "a Windows directory with --root");
    size_t best = 0, count = l->len;
    for (size_t i = 1; i < l->len; i++) {
        if (better(&l->data[i], &l->data[best]))
            best = i;
    }
    *out = take(l, best);
    if (count == 1)
        out->why = xstrdup("the only one installed");
    else if (out->version)
        out->why = xasprintf("the highest version of %zu installed", count);
    else
        out->why = xasprintf("the first of %zu installed", count);
    return PGR_OK;
}

static pgr_status unknown_root(const struct win_root_list *l, const char *wanted,
                               struct pgr_error *e)
{
    const char **names = xcalloc(l->len, sizeof *names);
    for (size_t i = 0; i < l->len; i++)
        names[i] = l->data[i].name;
    const char *near = match_nearest(wanted, names, l->len);
    if (near)
        err_set(e, PGR_E_NOT_FOUND, "there is no root '%s'; did you mean '%s'?", wanted, near);
    else
        err_set(e, PGR_E_NOT_FOUND,
                "there is no root '%s', neither installed nor as a directory; 'peregrine roots' "
                "lists what there is",
                wanted);
    free(names);
    return PGR_E_NOT_FOUND;
}

static pgr_status find_named(struct win_root_list *l, const char *wanted, const char *source,
                             struct win_root *out, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    size_t i = 0;
    while (i < l->len && strcasecmp(l->data[i].name, wanted))
        i++;
    if (i < l->len)
        *out = take(l, i);
    else if (strchr(wanted, '/') || is_directory(wanted))
        s = open_root(wanted, out, e);
    else
        s = unknown_root(l, wanted, e);
    if (s == PGR_OK)
        out->why = xasprintf("named by %s", source);
    return s;
}

pgr_status win_root_find(const char *wanted, struct win_root *out, struct pgr_error *e)
{
    struct win_root_list installed;
    const char *source = "--root", *variable = getenv("PEREGRINE_ROOT");
    *out = (struct win_root){0};
    if (!wanted && variable && *variable) {
        wanted = variable;
        source = "$PEREGRINE_ROOT";
    }
    win_root_list(&installed);
    pgr_status s =
        wanted ? find_named(&installed, wanted, source, out, e) : choose(&installed, out, e);
    win_root_list_free(&installed);
    return s;
}
