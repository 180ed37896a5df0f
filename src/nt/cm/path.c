// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/utf.h"
#include "nt/cm/key.h"

enum { PATH_MAX_UNITS = 0x7fff };

static const uint16_t link_value[] = u"SymbolicLinkValue";
static const uint16_t root_prefix[] = u"\\Registry\\";
enum { LINK_VALUE_LEN = 17, ROOT_PREFIX_LEN = 10 };

/* Takes the next component off *path; false at the end. */
static bool component(const uint16_t **path, size_t *left, const uint16_t **name, size_t *len)
{
    while (*left && **path == '\\') {
        (*path)++;
        (*left)--;
    }
    *name = *path;
    while (*left && **path != '\\') {
        (*path)++;
        (*left)--;
    }
    *len = (size_t)(*path - *name);
    return *len != 0;
}

static bool only_separators(const uint16_t *path, size_t left)
{
    for (size_t i = 0; i < left; i++)
        if (path[i] != '\\')
            return false;
    return true;
}

/* The path that goes on from the root: the link's target and what is left behind it. */
static ntstatus through_link(const struct reg_key *link, const uint16_t *rest, size_t rest_len,
                             uint16_t **out, size_t *out_len)
{
    struct reg_value *v = reg_value(link, link_value, LINK_VALUE_LEN);
    if (!v || v->type != REG_LINK)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    const uint16_t *target = (const uint16_t *)(const void *)v->data;
    size_t n = v->len / sizeof *target;
    if (n <= ROOT_PREFIX_LEN ||
        !utf16_equal_nocase(target, ROOT_PREFIX_LEN, root_prefix, ROOT_PREFIX_LEN))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    target += ROOT_PREFIX_LEN;
    n -= ROOT_PREFIX_LEN;
    if (n + rest_len + 1 > PATH_MAX_UNITS)
        return STATUS_NAME_TOO_LONG;
    uint16_t *path = xmalloc((n + rest_len + 1) * sizeof *path);
    memcpy(path, target, n * sizeof *path);
    path[n] = '\\';
    if (rest_len)
        memcpy(path + n + 1, rest, rest_len * sizeof *path);
    *out = path;
    *out_len = n + 1 + rest_len;
    return STATUS_SUCCESS;
}

ntstatus reg_walk(struct nt_registry *r, struct reg_key *key, const uint16_t *path, size_t len,
                  bool open_link, struct reg_place *out)
{
    uint16_t *owned = NULL;
    ntstatus s = STATUS_SUCCESS;
    const uint16_t *name;
    size_t name_len, at;
    int links = 0;
    out->missing_len = 0;
    while (component(&path, &len, &name, &name_len)) {
        struct reg_key *child = reg_child(key, name, name_len, &at);
        if (!child) {
            s = name_len > REG_KEY_NAME_MAX ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
            out->missing_len = MIN(name_len, (size_t)REG_KEY_NAME_MAX);
            memcpy(out->missing, name, out->missing_len * sizeof *name);
            out->last = only_separators(path, len);
            break;
        }
        key = child;
        if (!key->is_link || (open_link && only_separators(path, len)))
            continue;
        uint16_t *next = NULL;
        size_t next_len = 0;
        s = ++links > REG_LINK_DEPTH ? STATUS_NAME_TOO_LONG
                                     : through_link(key, path, len, &next, &next_len);
        if (s)
            break;
        free(owned);
        path = owned = next;
        len = next_len;
        key = r->root;
    }
    free(owned);
    out->key = key;
    return s;
}

struct reg_key *reg_make(struct nt_registry *r, struct reg_key *key, const uint16_t *path,
                         size_t len)
{
    const uint16_t *name;
    size_t n;
    while (key && component(&path, &len, &name, &n)) {
        struct reg_place step;
        if (reg_walk(r, key, name, n, only_separators(path, len), &step))
            return NULL;
        if (!step.missing_len)
            key = step.key;
        else
            key = step.last ? reg_child_add(r, step.key, step.missing, step.missing_len) : NULL;
    }
    return key;
}

uint16_t *reg_host_path(const char *path, size_t *len)
{
    static const struct {
        const char *name, *full;
    } roots[] = {
        {"HKLM", "Machine"},
        {"HKEY_LOCAL_MACHINE", "Machine"},
        {"HKCU", "User\\" NT_USER_SID},
        {"HKEY_CURRENT_USER", "User\\" NT_USER_SID},
        {"HKU", "User"},
        {"HKEY_USERS", "User"},
        {"HKCR", "Machine\\Software\\Classes"},
        {"HKEY_CLASSES_ROOT", "Machine\\Software\\Classes"},
        {"HKCC", "Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
        {"HKEY_CURRENT_CONFIG", "Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
        {"\\Registry", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        size_t n = strlen(roots[i].name);
        if (strncasecmp(path, roots[i].name, n) || (path[n] && path[n] != '\\'))
            continue;
        char *full = xasprintf("%s%s", roots[i].full, path + n);
        uint16_t *wide = utf8_to_utf16(full, strlen(full), len);
        free(full);
        return wide;
    }
    return NULL;
}
