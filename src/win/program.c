// SPDX-License-Identifier: GPL-2.0-or-later
#include "win/program.h"
#include "base/bits.h"
#include "base/vec.h"

#include <errno.h>
#include <sys/stat.h>

static bool exists(const char *path)
{
    struct stat st;
    return !stat(path, &st);
}

/* "cmd" and "cmd.exe" in one of the root's own directories. From malloc, NULL when there is none.
 */
static char *find_in(const char *dir, const char *name)
{
    static const char *const endings[] = {"", ".exe"};
    for (size_t i = 0; dir && i < ARRAY_LEN(endings); i++) {
        char *path = xasprintf("%s/%s%s", dir, name, endings[i]);
        if (exists(path))
            return path;
        free(path);
    }
    return NULL;
}

pgr_status win_find_program(const struct win_root *root, const char *name, bool prefer_32bit,
                            char **out, struct pgr_error *e)
{
    if (strchr(name, '/') || exists(name)) {
        *out = realpath(name, NULL);
        if (*out)
            return PGR_OK;
        return err_errno(e, errno == ENOENT || errno == ENOTDIR ? PGR_E_NOT_FOUND : PGR_E_IO,
                         "cannot open %s", name);
    }
    *out = find_in(prefer_32bit ? root->syswow64 : root->system32, name);
    if (!*out)
        *out = find_in(prefer_32bit ? root->system32 : root->syswow64, name);
    if (!*out)
        return err_set(e, PGR_E_NOT_FOUND,
                       "there is no %s in the current directory or among the programs of the root "
                       "%s; give a path",
                       name, root->name);
    return PGR_OK;
}

pgr_status win_open_program(const char *path, struct host_map *map, struct pe_image *img,
                            struct pgr_error *e)
{
    pgr_status s = host_map_open(map, path, e);
    if (s)
        return s;
    s = pe_open(img, map->data, map->size, PE_FILE, path, e);
    if (!s)
        s = pe_check_program(img, e);
    if (s)
        host_map_close(map);
    return s;
}
