// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DLLs that a program may load by itself: it has to carry their names. Only text that stands alone
 * between NULs counts, in ASCII or UTF-16; names that are put together at run time are not seen.
 */
#include "base/bits.h"
#include "win/resolve.h"

enum { NAME_MAX_UNITS = 64, NAMES_MAX = 256 };

static bool is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* One unit of `width` bytes; what is no ASCII is 0xff. */
static uint8_t unit(const uint8_t *p, unsigned width)
{
    return width == 1 || !p[1] ? p[0] : 0xff;
}

/* The name whose dot is at `at`, when it ends in ".dll" there. */
static bool read_name(const uint8_t *data, size_t size, size_t at, unsigned width,
                      char out[NAME_MAX_UNITS + 1])
{
    static const char ending[] = ".dll"; /* and its NUL */
    size_t n = 0, begin = at;
    for (size_t i = 0; i < sizeof ending; i++)
        if (!range_inside(at + i * width, width, size) ||
            lower(unit(data + at + i * width, width)) != (uint8_t)ending[i])
            return false;
    while (begin >= width && is_name(unit(data + begin - width, width)) && n < NAME_MAX_UNITS - 4) {
        begin -= width;
        n++;
    }
    if (!n || begin < width || unit(data + begin - width, width))
        return false;
    for (size_t i = 0; i < n + 4; i++)
        out[i] = (char)lower(unit(data + begin + i * width, width));
    out[n + 4] = 0;
    return out[0] != '.';
}

static bool is_known(const struct win_dll_names *names, const char *name)
{
    vec_foreach (k, names)
        if (!strcmp(*k, name))
            return true;
    return false;
}

static bool exists(const struct win_resolution *r, const char *name)
{
    char host[PE_APISET_HOST_MAX];
    bool found = r->apiset && pe_apiset_resolve(r->apiset, name, NULL, host) == PE_APISET_HOST;
    for (unsigned dir = 0; dir < r->src->ndirs && !found; dir++) {
        struct win_dll_file f = {.fd = -1};
        if (!r->src->open(r->src->ctx, dir, name, &f))
            continue;
        r->src->close(r->src->ctx, &f);
        free(f.path);
        found = true;
    }
    return found;
}

/* What is imported as well is reported as an import. */
static bool is_module(const struct win_resolution *r, const char *name)
{
    vec_foreach (m, &r->modules)
        if (!strcmp((*m)->name, name))
            return true;
    return false;
}

void win_missing_names(const struct win_resolution *r, struct win_dll_names *out)
{
    const struct pe_image *img = &r->modules.data[WIN_MODULE_PROGRAM]->img;
    struct win_dll_names all = {0};
    char name[NAME_MAX_UNITS + 1];
    const uint8_t *p = img->data, *end = img->data + img->size;
    *out = (struct win_dll_names){0};
    for (; all.len < NAMES_MAX && (p = memchr(p, '.', (size_t)(end - p))); p++) {
        size_t at = (size_t)(p - img->data);
        if ((!read_name(img->data, img->size, at, 1, name) &&
             !read_name(img->data, img->size, at, 2, name)) ||
            is_known(&all, name))
            continue;
        vec_push(&all, xstrdup(name));
        if (!is_module(r, name) && !exists(r, name))
            vec_push(out, xstrdup(name));
    }
    win_dll_names_free(&all);
}

void win_dll_names_free(struct win_dll_names *n)
{
    vec_foreach (name, n)
        free(*name);
    vec_free(n);
}
