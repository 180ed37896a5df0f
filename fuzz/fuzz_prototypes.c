// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/api.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

/* What a checked table says must be safe to follow, everywhere. */
static void visit_type(const struct api_table *t, api_type_id id)
{
    char text[48];
    struct api_type y = api_type(t, id);
    api_kind_name(y.kind);
    api_type(t, y.target);
    for (unsigned i = 0; i < MIN(y.count, 64u); i++) {
        struct api_field f = api_field(t, &y, i);
        api_value_text(t, f.group, f.at64, text, sizeof text);
    }
}

static void visit_function(const struct api_table *t, size_t i)
{
    struct api_function f = api_function_at(t, i), found;
    enum api_found how;
    for (unsigned bitness = 4; bitness <= 8; bitness += 4) {
        api_find(t, f.name, bitness, &found, &how);
        api_pops(t, &f, bitness);
        api_failed(t, &f, i, bitness);
        for (unsigned k = 0; k < MIN(f.count + 2u, 64u); k++)
            api_place(t, &f, k, bitness);
    }
    visit_type(t, f.result);
    for (unsigned k = 0; k < f.count; k++)
        visit_type(t, api_arg(t, &f, k).type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_table t;
    struct pgr_error e;
    uint8_t *copy = aligned_alloc(8, align_up(size, 8) + 8); /* the caller's promise */
    if (size)
        memcpy(copy, data, size);
    if (!api_open(&t, copy, size, &e) && !api_check(&t, &e)) {
        for (size_t i = 0; i < MIN(api_function_count(&t), 256u); i++)
            visit_function(&t, i);
    }
    free(copy);
    return 0;
}
