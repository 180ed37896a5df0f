// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/xstate.h"

#include <string.h>

struct component {
    uint32_t offset, size; /* in the XSAVE area, as Intel's processors have it */
    size_t at;             /* in struct x86_ext; 0: legacy */
};
#define COMPONENTS 8
static const struct component components[COMPONENTS] = {
    [0] = {0, 160, 0},
    [1] = {160, 256, 0},
    [2] = {576, 256, offsetof(struct x86_ext, ymm_high)},
    [5] = {1088, 64, offsetof(struct x86_ext, opmask)},
    [6] = {1152, 512, offsetof(struct x86_ext, zmm_high)},
    [7] = {1664, 1024, offsetof(struct x86_ext, zmm16_31)},
};

void x86_xstate_component(unsigned n, uint32_t *offset, uint32_t *size)
{
    *offset = n < COMPONENTS ? components[n].offset : 0;
    *size = n < COMPONENTS ? components[n].size : 0;
}

size_t x86_xstate_size(uint64_t features)
{
    size_t end = 0;
    for (unsigned n = 0; n < COMPONENTS; n++)
        if (features >> n & 1 && components[n].at)
            end = components[n].offset + components[n].size - X86_XSTATE_LEGACY;
    return end;
}

void x86_xstate_get(const struct x86_state *st, uint64_t features, uint8_t *area)
{
    uint64_t present = st->ext.in_use & features;
    memset(area, 0, x86_xstate_size(features));
    memcpy(area, &present, sizeof present);
    for (unsigned n = 0; n < COMPONENTS; n++)
        if (present >> n & 1)
            memcpy(area + components[n].offset - X86_XSTATE_LEGACY,
                   (const uint8_t *)&st->ext + components[n].at, components[n].size);
}

void x86_xstate_set(struct x86_state *st, uint64_t features, const uint8_t *area, size_t len)
{
    uint64_t present = 0;
    if (len >= X86_XSTATE_HEADER)
        memcpy(&present, area, sizeof present);
    for (unsigned n = 0; n < COMPONENTS; n++) {
        const struct component *c = &components[n];
        uint8_t *to = (uint8_t *)&st->ext + c->at;
        if (!(features >> n & 1) || !c->at || c->offset + c->size > len + X86_XSTATE_LEGACY)
            continue;
        if (present >> n & 1) {
            memcpy(to, area + c->offset - X86_XSTATE_LEGACY, c->size);
            st->ext.in_use |= 1ull << n;
        } else {
            memset(to, 0, c->size);
            st->ext.in_use &= ~(1ull << n);
        }
    }
}
