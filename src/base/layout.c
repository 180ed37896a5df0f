// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/layout.h"

#include <string.h>

static size_t width(uint8_t kind, unsigned ptr_size)
{
    switch (kind) {
    case LAYOUT_U8:
        return 1;
    case LAYOUT_U16:
        return 2;
    case LAYOUT_U32:
        return 4;
    case LAYOUT_PTR:
        return ptr_size;
    default:
        return 8;
    }
}

void layout_get(const struct layout *l, unsigned ptr_size, const void *guest, void *host)
{
    if (ptr_size == 8) {
        memcpy(host, guest, l->size64);
        return;
    }
    memset(host, 0, l->host_size);
    for (const struct layout_field *f = l->fields; f < l->fields + l->nfields; f++) {
        size_t gw = width(f->kind, 4), hw = width(f->kind, 8);
        for (size_t i = 0; i < f->count; i++)
            memcpy((char *)host + f->host + i * hw, (const char *)guest + f->guest32 + i * gw, gw);
    }
}

void layout_put(const struct layout *l, unsigned ptr_size, const void *host, void *guest)
{
    memset(guest, 0,
           layout_size(l, ptr_size)); /* what lies between fields here is not for guests */
    for (const struct layout_field *f = l->fields; f < l->fields + l->nfields; f++) {
        size_t gw = width(f->kind, ptr_size), hw = width(f->kind, 8);
        size_t at = ptr_size == 8 ? f->host : f->guest32;
        for (size_t i = 0; i < f->count; i++)
            memcpy((char *)guest + at + i * gw, (const char *)host + f->host + i * hw, gw);
    }
}
