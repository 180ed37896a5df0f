// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/utf.h"
#include "mem/space.h"
#include "nt/mm/internal.h"

#include <ctype.h>
#include <string.h>

static struct mm_image *image_of(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v))
        return NULL;
    const struct nt_section *s = mm_section(k, v.section);
    return s ? s->image : NULL;
}

struct mem_object *nt_image_object(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    const struct mm_image *img = image_of(k, p, va);
    return img ? img->object : NULL;
}

const uint8_t *nt_image_bytes(struct nt_kernel *k, struct nt_process *p, uint64_t va, size_t *size)
{
    struct mem_object *o = nt_image_object(k, p, va);
    if (!o)
        return NULL;
    *size = mem_object_size(o);
    return mem_object_bytes(o);
}

uint64_t nt_image_room(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    const struct mm_image *img = image_of(k, p, va);
    return img ? img->info.room : 0;
}

/* All views at one base share it. */
static bool fill(struct nt_process *p, struct mm_image *img, uint64_t base, const void *data,
                 size_t len)
{
    uint64_t at = img->info.size - img->info.room;
    if (img->filled == base)
        return true;
    if (img->filled)
        return !mem_poke(p->mem, base + at, data, len);
    img->filled = base;
    return !mem_object_put_bytes(img->object, at, data, len);
}

bool nt_image_fill_room(struct nt_kernel *k, struct nt_process *p, uint64_t va, const void *data,
                        size_t len)
{
    struct nt_view v;
    struct mm_image *img = image_of(k, p, va);
    if (!img || !img->object || !nt_image_at(k, p, va, &v) || len > img->info.room ||
        v.size != img->info.size || !fill(p, img, v.base, data, len))
        return false;
    return !mem_set_view_protect(p->mem, v.base + v.size - img->info.room, img->info.room,
                                 PAGE_EXECUTE_READ);
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
