// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/space.h"
#include "nt/mm/internal.h"

const uint8_t *nt_image_bytes(struct nt_kernel *k, struct nt_process *p, uint64_t va, size_t *size)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v))
        return NULL;
    struct nt_section *s = mm_section(k, v.section);
    if (!s || !s->image || !s->image->object)
        return NULL;
    *size = mem_object_size(s->image->object);
    return mem_object_bytes(s->image->object);
}

uint64_t nt_image_room(struct nt_kernel *k, struct nt_process *p, uint64_t va)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v))
        return 0;
    const struct nt_section *s = mm_section(k, v.section);
    return s && s->image ? s->image->info.room : 0;
}
