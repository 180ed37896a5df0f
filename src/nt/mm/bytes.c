// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/utf.h"
#include "mem/space.h"
#include "nt/mm/internal.h"

#include <ctype.h>
#include <string.h>

static struct mem_object *object_of(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v))
        return NULL;
    struct nt_section *s = mm_section(k, v.section);
    return s && s->image ? s->image->object : NULL;
}

const uint8_t *nt_image_bytes(struct nt_kernel *k, struct nt_process *p, uint64_t va, size_t *size)
{
    struct mem_object *o = object_of(k, p, va);
    if (!o)
        return NULL;
    *size = mem_object_size(o);
    return mem_object_bytes(o);
}

const uint8_t *nt_image_part(struct nt_kernel *k, struct nt_process *p, uint64_t va, uint64_t at,
                             uint64_t len, size_t *size)
{
    struct mem_object *o = object_of(k, p, va);
    if (!o || !len || !range_inside(at, len, mem_object_size(o)))
        return NULL;
    *size = mem_object_size(o);
    return mem_object_range(o, at, len) - at;
}

uint64_t nt_image_room(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v))
        return 0;
    const struct nt_section *s = mm_section(k, v.section);
    return s && s->image ? s->image->info.room : 0;
}

char *nt_image_path(const uint16_t *path, size_t len)
{
    static const char prefix[] = "\\??\\";
    char *text = utf16_to_utf8(path, len, NULL);
    size_t n = strlen(prefix), have = strlen(text);
    if (have >= n && !strncmp(text, prefix, n))
        memmove(text, text + n, have - n + 1);
    return text;
}

char *nt_image_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    char *name = xstrdup(slash ? slash + 1 : path);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}
