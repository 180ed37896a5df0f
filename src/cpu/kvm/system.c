// SPDX-License-Identifier: GPL-2.0-or-later
/* SYSTEM memory, and physical memory in general. */
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/*
 * Slots cost KVM memory and time in proportion to their size, and each change of them a wait of up
 * to a tick of the host's clock. So there is one to begin with, and more when frames far up in the
 * window are used.
 */
#define SLOT_FIRST (1ull << 30)
#define SLOT_MOST  (64ull << 30)

enum {
    SEL_KERNEL_CODE = 0x08,
    SEL_KERNEL_DATA = 0x10,
    SEL_TSS = 0x40,
    TSS_LIMIT = 0x67,
    LARGE_PAGE = 0x200000,
    PTE_LARGE = 1 << 7,
    PTE_KERNEL = CPU_PTE_PRESENT | CPU_PTE_WRITE | CPU_PTE_ACCESSED | CPU_PTE_DIRTY,
    TABLE_ENTRIES = 512
};

/* ---- Slots ----------------------------------------------------------------------------------- */

static bool set_slot(struct kvm_engine *k, unsigned slot, uint64_t phys, uint64_t size, void *host)
{
    struct kvm_userspace_memory_region r = {.slot = slot,
                                            .guest_phys_addr = phys,
                                            .memory_size = size,
                                            .userspace_addr = (uintptr_t)host};
    return ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &r) == 0;
}

static uint64_t first_slot_size(const struct kvm_engine *k)
{
    uint64_t limit = mem_ram_limit(mem_space_ram(k->base.cfg.mem));
    return MEM_RAM_MARGIN + (k->system_is_margin ? MIN(limit, SLOT_FIRST) : 0);
}

bool kvm_cover(struct kvm_engine *k, uint64_t frame)
{
    struct mem_ram *ram = mem_space_ram(k->base.cfg.mem);

    while (k->covered <= frame * MEM_PAGE) {
        uint64_t left = mem_ram_limit(ram) - k->covered;
        uint64_t size = MIN(MIN(MAX(k->covered, SLOT_FIRST), SLOT_MOST), left);
        if (!size ||
            !set_slot(k, k->slots, RAM_PHYS + k->covered, size, mem_ram_base(ram) + k->covered))
            return false;
        k->slots++;
        k->covered += size;
    }
    return true;
}

/* What KVM has derived from page tables goes with the slot that they are in. */
bool kvm_forget_shadow(struct kvm_engine *k)
{
    return set_slot(k, FIRST_SLOT, 0, 0, k->system) &&
           set_slot(k, FIRST_SLOT, 0, first_slot_size(k), k->system);
}

/* ---- Contents -------------------------------------------------------------------------------- */

static void put64(struct kvm_engine *k, uint64_t at, uint64_t value)
{
    memcpy(k->system + at, &value, sizeof value);
}

/* Accessed already, so that the processor never writes there. */
static void fill_gdt(struct kvm_engine *k)
{
    const uint64_t user_data = 0x00cff3000000ffff, tss = SYSTEM_VA + SYSTEM_TSS;

    put64(k, SYSTEM_GDT + SEL_KERNEL_CODE, 0x00af9b000000ffff);
    put64(k, SYSTEM_GDT + SEL_KERNEL_DATA, 0x00cf93000000ffff);
    put64(k, SYSTEM_GDT + (X86_SEL_CODE32 & ~7), 0x00cffb000000ffff);
    put64(k, SYSTEM_GDT + (X86_SEL_DATA & ~7), user_data);
    put64(k, SYSTEM_GDT + (X86_SEL_CODE64 & ~7), 0x00affb000000ffff);
    put64(k, SYSTEM_GDT + (X86_SEL_TEB32 & ~7), user_data);
    put64(k, SYSTEM_GDT + SEL_TSS,
          TSS_LIMIT | (tss & 0xffffff) << 16 | 0x8bull << 40 | (tss >> 24 & 0xff) << 56);
    put64(k, SYSTEM_GDT + SEL_TSS + 8, tss >> 32);
}

void kvm_set_teb32(struct kvm_engine *k, uint64_t base)
{
    uint8_t *d = k->system + SYSTEM_GDT + (X86_SEL_TEB32 & ~7);
    memcpy(d + 2, &base, 3);
    d[7] = (uint8_t)(base >> 24);
    k->gdt_base = base;
}

/* No ports: the I/O map lies beyond the segment's limit. */
static void fill_tss(struct kvm_engine *k)
{
    const uint16_t io_map = TSS_LIMIT + 1;
    enum { RSP0 = 4, IST1 = 36, IO_MAP = 102 };
    put64(k, SYSTEM_TSS + RSP0, SYSTEM_VA + SYSTEM_STACK);
    put64(k, SYSTEM_TSS + IST1, SYSTEM_VA + SYSTEM_STACK);
    memcpy(k->system + SYSTEM_TSS + IO_MAP, &io_map, sizeof io_map);
}

/* Only int3 and into may be called by ring 3; the others give #GP, and exits.c sees why. */
static void fill_idt(struct kvm_engine *k)
{
    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t at = SYSTEM_VA + SYSTEM_STUBS + v * STUB_SIZE;
        uint64_t dpl = v == X86_VEC_BP || v == X86_VEC_OF ? 3 : 0;
        put64(k, SYSTEM_IDT + v * 16,
              (at & 0xffff) | SEL_KERNEL_CODE << 16 | 1ull << 32 | (0x8e | dpl << 5) << 40 |
                  (at >> 16 & 0xffff) << 48);
        put64(k, SYSTEM_IDT + v * 16 + 8, at >> 32);
    }
}

static void fill_code(struct kvm_engine *k)
{
    enum { HLT = 0xf4 };
    static const uint8_t rewrite[] = {
        /* 1: */ 0x48, 0x8b, 0x33,       /* mov rsi, [rbx] */
        0x48,          0x89, 0xf7,       /* mov rdi, rsi */
        0x48,          0x8b, 0x4b, 0x08, /* mov rcx, [rbx + 8] */
        0xf3,          0x48, 0xa5,       /* rep movsq */
        0x48,          0x83, 0xc3, 0x10, /* add rbx, 16 */
        0xff,          0xca,             /* dec edx */
        0x75,          0xeb,             /* jnz 1b */
        0x0f,          0x22, 0xd8,       /* mov cr3, rax */
        HLT,
    };
    memset(k->system + SYSTEM_STUBS, HLT, SYSTEM_REWRITE - SYSTEM_STUBS);
    memcpy(k->system + SYSTEM_REWRITE, rewrite, sizeof rewrite);
}

/* Large pages show all of SYSTEM memory: entries of page tables are written again through them. */
static void fill_fixed_tables(struct kvm_engine *k)
{
    const uint64_t upper = SYSTEM_FIXED_TABLES, middle = upper + MEM_PAGE;
    for (uint64_t i = 0; i < MEM_RAM_MARGIN / LARGE_PAGE; i++)
        put64(k, middle + i * 8, i * LARGE_PAGE | PTE_KERNEL | PTE_LARGE);
    put64(k, upper + (SYSTEM_VA >> 30) % TABLE_ENTRIES * 8, middle | PTE_KERNEL);
}

void kvm_map_system(struct kvm_engine *k)
{
    put64(k, SYSTEM_TABLES + (SYSTEM_VA >> 39) % TABLE_ENTRIES * 8,
          SYSTEM_FIXED_TABLES | PTE_KERNEL);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static uint8_t *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

pgr_status kvm_map_memory(struct kvm_engine *k, struct pgr_error *e)
{
    struct mem_ram *ram = mem_space_ram(k->base.cfg.mem);

    k->system = mem_ram_take_margin(ram);
    k->system_is_margin = k->system != NULL;
    if (!k->system)
        k->system = reserve(MEM_RAM_MARGIN);
    if (!k->system)
        return err_errno(e, PGR_E_NOMEM, "kvm: no address space for page tables");
    fill_gdt(k);
    fill_tss(k);
    fill_idt(k);
    fill_code(k);
    fill_fixed_tables(k);
    cpu_pt_init(&k->pt, k->system + SYSTEM_TABLES, SYSTEM_TABLES,
                (SYSTEM_NOTES - SYSTEM_TABLES) / MEM_PAGE);
    kvm_map_system(k);
    if (!set_slot(k, FIRST_SLOT, 0, first_slot_size(k), k->system))
        return err_errno(e, PGR_E_NOMEM, "kvm: cannot give the guest its memory");
    k->slots = FIRST_SLOT + 1;
    k->covered = first_slot_size(k) - MEM_RAM_MARGIN;
    return PGR_OK;
}

void kvm_unmap_memory(struct kvm_engine *k)
{
    if (k->system_is_margin)
        mem_ram_give_margin(mem_space_ram(k->base.cfg.mem));
    else if (k->system)
        munmap(k->system, MEM_RAM_MARGIN);
}
