// SPDX-License-Identifier: GPL-2.0-or-later
#include "mem/internal.h"

#define PROTECT_BASE 0xffu
/* PAGE_TARGETS_INVALID and PAGE_TARGETS_NO_UPDATE, for control flow guard. */
#define PAGE_TARGETS 0x40000000u

bool protect_valid(uint32_t protect, bool view)
{
    protect &= ~PAGE_TARGETS;
    uint32_t base = protect & PROTECT_BASE, mods = protect & ~PROTECT_BASE;
    if (!base || (base & (base - 1)))
        return false;
    if (mods & ~(uint32_t)(PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE))
        return false;
    if (mods & (mods - 1)) /* no two of them go together */
        return false;
    if (mods && base == PAGE_NOACCESS)
        return false;
    return view || !protect_copies(base);
}

unsigned protect_access(uint32_t protect)
{
    static const uint8_t access[8] = {
        0,                     /* PAGE_NOACCESS */
        MEM_R,                 /* PAGE_READONLY */
        MEM_R | MEM_W,         /* PAGE_READWRITE */
        MEM_R | MEM_W,         /* PAGE_WRITECOPY */
        MEM_R | MEM_X,         /* PAGE_EXECUTE: x86 cannot forbid the read */
        MEM_R | MEM_X,         /* PAGE_EXECUTE_READ */
        MEM_R | MEM_W | MEM_X, /* PAGE_EXECUTE_READWRITE */
        MEM_R | MEM_W | MEM_X, /* PAGE_EXECUTE_WRITECOPY */
    };
    uint32_t base = protect & PROTECT_BASE;
    return base ? access[__builtin_ctz(base)] : 0;
}

unsigned protect_rights(uint32_t protect)
{
    if (protect & PAGE_GUARD)
        return 0;
    unsigned access = protect_access(protect);
    return protect_copies(protect) ? access & ~(unsigned)MEM_W : access;
}

uint32_t protect_after_copy(uint32_t protect)
{
    if (protect & PAGE_WRITECOPY)
        return (protect & ~(uint32_t)PAGE_WRITECOPY) | PAGE_READWRITE;
    if (protect & PAGE_EXECUTE_WRITECOPY)
        return (protect & ~(uint32_t)PAGE_EXECUTE_WRITECOPY) | PAGE_EXECUTE_READWRITE;
    return protect;
}

uint16_t protect_kept(uint32_t protect)
{
    return (uint16_t)(protect & ~PAGE_TARGETS);
}

/* What a view of the protection can be changed to: every right of the new one must be in the old.
 * To write a copy of one's own takes no more than to read. */
static unsigned view_rights(uint32_t protect)
{
    enum { R = 1, W = 2, X = 4 };
    switch (protect & PROTECT_BASE) {
    case PAGE_READONLY:
    case PAGE_WRITECOPY:
        return R;
    case PAGE_READWRITE:
        return R | W;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_WRITECOPY:
        return R | X;
    case PAGE_EXECUTE_READWRITE:
        return R | W | X;
    default:
        return 0;
    }
}

ntstatus protect_allowed(const struct region *r, uint32_t protect)
{
    if (!protect_valid(protect, r->object != NULL))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (r->type != MEM_MAPPED)
        return STATUS_SUCCESS;
    unsigned had = view_rights(r->alloc_protect), want = view_rights(protect);
    return (had & want) == want ? STATUS_SUCCESS : STATUS_SECTION_PROTECTION;
}

static uint32_t write_to_copy(uint32_t protect)
{
    if (protect & PAGE_READWRITE)
        return (protect & ~(uint32_t)PAGE_READWRITE) | PAGE_WRITECOPY;
    if (protect & PAGE_EXECUTE_READWRITE)
        return (protect & ~(uint32_t)PAGE_EXECUTE_READWRITE) | PAGE_EXECUTE_WRITECOPY;
    return protect;
}

uint16_t protect_for_page(const struct region *r, uint16_t flags, uint32_t protect)
{
    protect = protect_kept(protect);
    if (!r->object)
        return (uint16_t)protect;
    if (flags & PG_COPIED)
        return (uint16_t)protect_after_copy(protect);
    if (r->type == MEM_IMAGE)
        return (uint16_t)(flags & PG_SHARED ? protect : write_to_copy(protect));
    return (uint16_t)protect;
}
