// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/ntstatus.h"
#include "base/bits.h"

#include <stddef.h>

static const struct {
    uint32_t value;
    const char *name;
} table[] = {
#define NTSTATUS(name, value) {(value), #name},
#include "base/ntstatus.def"
#undef NTSTATUS
};

const char *ntstatus_name(ntstatus s)
{
    size_t lo = 0, hi = ARRAY_LEN(table);
    while (lo < hi) { /* the first row of the value: rows are in order of value */
        size_t mid = lo + (hi - lo) / 2;
        if (table[mid].value < s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ARRAY_LEN(table) && table[lo].value == s ? table[lo].name : NULL;
}
