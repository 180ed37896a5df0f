/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_PAGETABLE_H
#define CPU_PAGETABLE_H
/*
 * Four-level x86-64 page tables in a block of memory that an engine shows to its processor.
 *
 * The tables are a cache of what mem_fault() said: entries come one by one, go away in ranges, and
 * when the block is full everything is forgotten at once, since the next touch asks again. Tables
 * are never freed singly. The processor may set the accessed and dirty bits in between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CPU_PTE_PRESENT = 1 << 0,
    CPU_PTE_WRITE = 1 << 1,
    CPU_PTE_USER = 1 << 2,
    CPU_PTE_ACCESSED = 1 << 5,
    CPU_PTE_DIRTY = 1 << 6,
};
#define CPU_PTE_NX   (1ull << 63)
#define CPU_PTE_ADDR 0x000ffffffffff000ull

struct cpu_pagetable {
    uint8_t *host;  /* the block, page aligned; borrowed; zeroed by cpu_pt_init */
    uint64_t phys;  /* its physical address; the top-level table is its first page */
    uint32_t pages; /* size of the block */
    uint32_t used;
};

void cpu_pt_init(struct cpu_pagetable *pt, uint8_t *host, uint64_t phys, uint32_t pages);
/* Forgets every mapping. */
void cpu_pt_reset(struct cpu_pagetable *pt);
/* The entry of va, made room for with `make`. NULL: none (or the block is full). */
uint64_t *cpu_pt_entry(struct cpu_pagetable *pt, uint64_t va, bool make);
/* Calls fn for each present entry in [va, va + len), in order; fn may clear or change it. `len` may
 * reach to the end of the address space: empty parts cost nothing. */
typedef void cpu_pt_fn(void *ctx, uint64_t va, uint64_t *entry);
void cpu_pt_each(struct cpu_pagetable *pt, uint64_t va, uint64_t len, cpu_pt_fn *fn, void *ctx);
#endif
