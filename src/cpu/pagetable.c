// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/pagetable.h"
#include <string.h>

enum { PAGE_BITS = 12, INDEX_BITS = 9, LEVELS = 4, ENTRIES = 1 << INDEX_BITS };

#define PAGE_SIZE   (1u << PAGE_BITS)
#define TABLE_FLAGS (CPU_PTE_PRESENT | CPU_PTE_WRITE | CPU_PTE_USER | CPU_PTE_ACCESSED)

static unsigned level_shift(unsigned level) /* 0: the leaves */
{
    return PAGE_BITS + INDEX_BITS * level;
}

static uint64_t *table_at(const struct cpu_pagetable *pt, uint64_t entry)
{
    return (uint64_t *)(pt->host + ((entry & CPU_PTE_ADDR) - pt->phys));
}

void cpu_pt_init(struct cpu_pagetable *pt, uint8_t *host, uint64_t phys, uint32_t pages)
{
    *pt = (struct cpu_pagetable){.host = host, .phys = phys, .pages = pages};
    cpu_pt_reset(pt);
}

void cpu_pt_reset(struct cpu_pagetable *pt)
{
    memset(pt->host, 0, PAGE_SIZE); /* the others are cleared when they are taken again */
    pt->used = 1;
}

static bool add_table(struct cpu_pagetable *pt, uint64_t *entry)
{
    if (pt->used == pt->pages)
        return false;
    uint64_t offset = (uint64_t)pt->used++ << PAGE_BITS;
    memset(pt->host + offset, 0, PAGE_SIZE);
    *entry = (pt->phys + offset) | TABLE_FLAGS;
    return true;
}

uint64_t *cpu_pt_entry(struct cpu_pagetable *pt, uint64_t va, bool make)
{
    uint64_t *table = (uint64_t *)pt->host;
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        uint64_t *entry = &table[(va >> level_shift(level)) % ENTRIES];
        if (!(*entry & CPU_PTE_PRESENT) && (!make || !add_table(pt, entry)))
            return NULL;
        table = table_at(pt, *entry);
    }
    return &table[(va >> PAGE_BITS) % ENTRIES];
}

struct walk {
    const struct cpu_pagetable *pt;
    uint64_t first, last; /* both inclusive: the end of the space has no successor */
    cpu_pt_fn *fn;
    void *ctx;
};

static void walk_table(const struct walk *w, uint64_t *table, unsigned level, uint64_t base)
{
    uint64_t span = 1ull << level_shift(level);
    uint64_t from = w->first > base ? (w->first - base) / span : 0;
    for (uint64_t i = from; i < ENTRIES; i++) {
        uint64_t va = base + i * span;
        if (va > w->last)
            return;
        if (!(table[i] & CPU_PTE_PRESENT))
            continue;
        if (level == 0)
            w->fn(w->ctx, va, &table[i]);
        else
            walk_table(w, table_at(w->pt, table[i]), level - 1, va);
    }
}

void cpu_pt_each(struct cpu_pagetable *pt, uint64_t va, uint64_t len, cpu_pt_fn *fn, void *ctx)
{
    const uint64_t top = (1ull << 47) - 1; /* the user half is all that comes and goes */
    if (len == 0 || va > top)
        return;
    struct walk w = {pt, va & ~(uint64_t)(PAGE_SIZE - 1), top, fn, ctx};
    if (len - 1 < top - va)
        w.last = va + len - 1;
    walk_table(&w, (uint64_t *)pt->host, LEVELS - 1, 0);
}
