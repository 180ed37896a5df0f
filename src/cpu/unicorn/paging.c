// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's pages under Unicorn.
 *
 * Entries are installed when the guest touches a page and cleared when mem says so. Two facts of
 * Unicorn shape the rest:
 *
 * - Stores to a page that may not execute run inline; stores to a page that may execute take a slow
 *   path that looks for translations of what is overwritten. So data pages must carry NX, and a
 *   frame must never be writable through an NX entry while translations of it can be reached
 *   through an executable one (two views of one section do that). struct frame_use counts both
 *   kinds of entries of a frame; before the second kind appears everything is forgotten.
 * - Hooks of memory are called with physical addresses, and have bounds there. So while data is
 *   watched its pages are put elsewhere in physical memory: RAM is there several times more, so
 * that pages that share a frame can be told apart. Pages that execute stay: the library finds out
 * by host address which frame code is in, and RAM itself comes first.
 * - Translations belong to the frame. When a frame gets its first executable entry again, anything
 *   may have been written to it since: its old translations are removed then.
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "mem/space.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    AROUND = 16, /* pages looked at around a fault */
    TLB_FIRST = 256,
    GROW_AFTER_MS = 50,
    ALIASES_MIN = 2,
    PTE_FIXED = CPU_PTE_PRESENT | CPU_PTE_USER | CPU_PTE_ACCESSED
};

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool entry_executes(uint64_t entry)
{
    return !(entry & CPU_PTE_NX);
}
static bool entry_writes_inline(uint64_t entry)
{
    return (entry & CPU_PTE_NX) && (entry & CPU_PTE_WRITE);
}

static uint64_t frame_of(const struct unicorn_engine *u, uint64_t phys)
{
    uint64_t page = ((phys & CPU_PTE_ADDR) - u->ram_phys) / MEM_PAGE;
    if (page >= u->frame_count)
        page = ((phys & CPU_PTE_ADDR) - u->alias_phys) / MEM_PAGE % u->frame_count;
    return page;
}

static struct frame_use *use_of(struct unicorn_engine *u, uint64_t entry)
{
    return &u->frames[frame_of(u, entry)];
}

static void forget_entry(struct unicorn_engine *u, uint64_t va, uint64_t *entry)
{
    struct frame_use *use = use_of(u, *entry);
    if (entry_executes(*entry))
        use->executable--;
    else if (entry_writes_inline(*entry))
        use->writable--;
    if (*entry & CPU_PTE_DIRTY)
        mem_mark_dirty(u->base.cfg.mem, va);
    *entry = 0;
    u->flush = true;
}

static void forget_each(void *ctx, uint64_t va, uint64_t *entry)
{
    forget_entry(ctx, va, entry);
}

static void map_system(struct unicorn_engine *u)
{
    uint64_t *entry = cpu_pt_entry(&u->pt, SYSTEM_VA, true);
    *entry = u->system_phys | CPU_PTE_PRESENT | CPU_PTE_WRITE | CPU_PTE_ACCESSED | CPU_PTE_DIRTY;
}

static void forget_all(struct unicorn_engine *u)
{
    cpu_pt_each(&u->pt, 0, UINT64_MAX, forget_each, u);
    cpu_pt_reset(&u->pt);
    map_system(u);
    u->flush = true;
}

void unicorn_forget_pages(struct unicorn_engine *u)
{
    forget_all(u);
}

/* ---- Pages with data that is watched --------------------------------------------------------- */

bool unicorn_can_alias(const struct unicorn_engine *u)
{
    return u->ram_phys &&
           u->system_phys + SYSTEM_SIZE + ALIASES_MIN * u->frame_count * MEM_PAGE <= RAM_PHYS_END;
}

bool unicorn_map_aliases(struct unicorn_engine *u)
{
    struct mem_ram *ram = mem_space_ram(u->base.cfg.mem);
    uint64_t size = mem_ram_limit(ram), at = u->system_phys + SYSTEM_SIZE;

    u->alias_phys = at;
    for (; u->aliases < ALIASES && at + size <= RAM_PHYS_END; u->aliases++, at += size)
        if (u->lib.uc_mem_map_ptr(u->uc, at, size, UC_PROT_ALL, mem_ram_base(ram)) != UC_ERR_OK)
            break;
    for (unsigned i = 0; i <= u->aliases && u->aliases; i++)
        if (!(u->alias_va[i] = reserve(u->frame_count * sizeof *u->alias_va[i])))
            return false;
    return u->aliases >= ALIASES_MIN;
}

static uint64_t alias_phys(const struct unicorn_engine *u, unsigned alias, uint64_t frame)
{
    uint64_t page = alias ? (alias - 1) * u->frame_count + frame : frame;
    return (alias ? u->alias_phys : u->ram_phys) + page * MEM_PAGE;
}

static bool maps(struct unicorn_engine *u, uint64_t va, uint64_t phys)
{
    const uint64_t *slot = cpu_pt_entry(&u->pt, va, false);
    return slot && (*slot & CPU_PTE_PRESENT) && !((*slot ^ phys) & CPU_PTE_ADDR);
}

bool unicorn_virtual(struct unicorn_engine *u, uint64_t phys, uint64_t *va)
{
    uint64_t page = (phys - u->ram_phys) / MEM_PAGE;
    unsigned alias = 0;
    if (page >= u->frame_count) {
        page = (phys - u->alias_phys) / MEM_PAGE;
        alias = (unsigned)(page / u->frame_count) + 1;
    }
    uint64_t owner = u->alias_va[alias][page % u->frame_count];
    *va = owner + phys % MEM_PAGE;
    return owner && (alias || maps(u, owner, phys)); /* RAM has all kinds of pages */
}

/* An access has at most 8 bytes, and is told of by the page it begins in. */
static bool has_watched_data(const struct unicorn_engine *u, uint64_t va)
{
    const uint64_t last = va + MEM_PAGE - 1 + 7;
    return unicorn_watches(u, CPU_WATCH_READ, va, last) ||
           unicorn_watches(u, CPU_WATCH_WRITE, va, last) ||
           unicorn_watches(u, CPU_WATCH_READ_AFTER, va, last);
}

/* One that no other page has. There are more than pages that one instruction touches, so that it
 * can run even where one has to be taken away. */
static unsigned pick_alias(struct unicorn_engine *u, uint64_t va, uint64_t frame)
{
    unsigned alias = 1;
    for (unsigned i = 0; i < u->aliases; i++) {
        alias = 1 + (unsigned)(va / MEM_PAGE + i) % u->aliases;
        uint64_t owner = u->alias_va[alias][frame];
        if (!owner || owner == va || !maps(u, owner, alias_phys(u, alias, frame)))
            return alias;
    }
    uint64_t owner = u->alias_va[alias][frame];
    forget_entry(u, owner, cpu_pt_entry(&u->pt, owner, false));
    return alias;
}

static uint64_t place_page(struct unicorn_engine *u, uint64_t va, uint64_t frame, bool executes)
{
    if (!u->watch.memory || !has_watched_data(u, va))
        return alias_phys(u, 0, frame);
    unsigned alias = executes ? 0 : pick_alias(u, va, frame);
    u->alias_va[alias][frame] = va;
    if (executes)
        unicorn_watch_widely(u);
    return alias_phys(u, alias, frame);
}

/* ---- Installing ------------------------------------------------------------------------------ */

static bool in_gates(const struct unicorn_engine *u, uint64_t va)
{
    return va - align_down(u->base.cfg.gate_base, MEM_PAGE) < u->gate_span;
}

/* A page with gates does not execute: that is how control reaching one is noticed at first. See
 * unicorn_open_gate. */
static uint64_t make_entry(struct unicorn_engine *u, uint64_t va, const struct mem_page *page,
                           bool dirty)
{
    bool executes = (page->rights & MEM_X) && !in_gates(u, va);
    uint64_t entry = place_page(u, va, page->frame, executes) | PTE_FIXED;
    if (page->rights & MEM_W)
        entry |= CPU_PTE_WRITE | (dirty ? CPU_PTE_DIRTY : 0);
    if (!executes)
        entry |= CPU_PTE_NX;
    return entry;
}

static bool conflicts(struct unicorn_engine *u, uint64_t entry)
{
    const struct frame_use *use = use_of(u, entry);
    return (entry_executes(entry) && use->writable) ||
           (entry_writes_inline(entry) && use->executable) || use->writable == UINT16_MAX ||
           use->executable == UINT16_MAX;
}

static uint64_t *entry_slot(struct unicorn_engine *u, uint64_t va)
{
    uint64_t *slot = cpu_pt_entry(&u->pt, va, true);
    if (!slot) { /* the block is full */
        forget_all(u);
        slot = cpu_pt_entry(&u->pt, va, true);
        BUG_ON(!slot);
    }
    return slot;
}

static void drop_translations(struct unicorn_engine *u, uint64_t va)
{
    unicorn_flush_pending(u);
    uc_ctl_remove_cache(u->uc, va, va + MEM_PAGE);
}

/*
 * QEMU's TLB is direct mapped, starts with 256 entries, and only grows when it is flushed more than
 * 70 % full. Regions begin at multiples of 64 KiB, so in a small one their pages evict each other
 * at 20 ns an access. Fill it with pages of no use and flush, until it is as large as wanted.
 */
static void grow_tlb(struct unicorn_engine *u, uint32_t entries)
{
    const uint64_t at = 0xffff900000000000ull, nothing = u->system_phys + SYSTEM_NOTHING;

    for (uint32_t size = TLB_FIRST; size < entries; size *= 2) {
        for (uint32_t i = 0; i < size / 4 * 3; i++) {
            uint64_t va = at + (uint64_t)i * MEM_PAGE, pa;
            uint64_t *slot = cpu_pt_entry(&u->pt, va, true);
            if (!slot)
                break;
            *slot = nothing | PTE_FIXED | CPU_PTE_NX;
            u->lib.uc_vmem_translate(u->uc, va, UC_PROT_READ, &pa);
            *slot = 0;
        }
        uc_ctl_flush_tlb(u->uc);
    }
}

/* A large TLB takes long to flush, and pages of the host to fill; QEMU makes it smaller again where
 * it is flushed often. So a program that has only just begun gets none. */
void unicorn_note_growth(struct unicorn_engine *u)
{
    static const struct {
        uint32_t pages, entries;
    } steps[] = {{0, 1024}, {512, 4096}, {4096, 16384}, {16384, 65536}};

    if (u->growth == ARRAY_LEN(steps) || u->installed < steps[u->growth].pages ||
        host_monotonic_ns() < u->grow_from)
        return;
    while (u->growth < ARRAY_LEN(steps) && u->installed >= steps[u->growth].pages)
        grow_tlb(u, steps[u->growth++].entries);
}

static void shut_gates(struct unicorn_engine *u)
{
    u->gates_shut = true;
    cpu_pt_each(&u->pt, align_down(u->base.cfg.gate_base, MEM_PAGE), u->gate_span, forget_each, u);
}

static void install(struct unicorn_engine *u, uint64_t va, uint64_t entry)
{
    uint64_t *slot = entry_slot(u, va);
    if (*slot & CPU_PTE_PRESENT) {
        if (!((*slot ^ entry) & ~(uint64_t)CPU_PTE_DIRTY))
            return;
        forget_entry(u, va, slot);
    }
    if (conflicts(u, entry)) {
        forget_all(u);
        slot = entry_slot(u, va);
    }
    if (entry_executes(entry) && in_gates(u, va + MEM_PAGE) && !in_gates(u, va))
        shut_gates(u);
    struct frame_use *use = use_of(u, entry);
    bool stale = entry_executes(entry) && use->executable == 0 && use->translated;
    if (entry_executes(entry)) {
        use->executable++;
        use->translated = 1;
    } else if (entry_writes_inline(entry)) {
        use->writable++;
    }
    *slot = entry;
    u->installed++;
    if (stale)
        drop_translations(u, va);
}

/* ---- Gates that execute ---------------------------------------------------------------------- */

static bool is_all_int3(const uint8_t *page)
{
    enum { INT3 = 0xcc };
    return page[0] == INT3 && !memcmp(page, page + 1, MEM_PAGE - 1);
}

/*
 * Control reaches an open gate by beginning a block there, which on_block counts and pass_gate
 * takes back. A block or an instruction that began before the gates must not lead into them: where
 * there is code right below, they are shut for good. They are shut, too, where the guest might see
 * a difference: the page is not full of int3, or its data is watched. Its entry cannot be written
 * through; the one that replaces it when the guest stores there does not execute.
 */
void unicorn_open_gate(struct unicorn_engine *u, uint64_t va)
{
    const uint8_t *ram = mem_ram_base(mem_space_ram(u->base.cfg.mem));
    struct mem_page page;

    va = align_down(va, MEM_PAGE);
    if (u->gates_shut || u->watch.memory || !unicorn_is_gate(u, va) ||
        !unicorn_is_gate(u, va + MEM_PAGE - 1) || !mem_present(u->base.cfg.mem, va, &page) ||
        page.frame >= u->frame_count || !is_all_int3(ram + (uint64_t)page.frame * MEM_PAGE))
        return;
    uint64_t entry = alias_phys(u, 0, page.frame) | PTE_FIXED;
    if (!conflicts(u, entry))
        install(u, va, entry);
}

/* Neighbours that are present anyhow, so that walking through memory faults once in 16 pages. */
static void install_around(struct unicorn_engine *u, uint64_t va)
{
    uint64_t first = align_down(va, AROUND * MEM_PAGE);
    for (int i = 0; i < AROUND; i++) {
        uint64_t at = first + (uint64_t)i * MEM_PAGE;
        uint64_t *slot = cpu_pt_entry(&u->pt, at, false);
        struct mem_page page;
        if (!slot || *slot || !mem_present(u->base.cfg.mem, at, &page) ||
            page.frame >= u->frame_count)
            continue;
        uint64_t entry = make_entry(u, at, &page, false);
        if (!conflicts(u, entry) && !(entry_executes(entry) && use_of(u, entry)->translated))
            install(u, at, entry);
    }
}

uint32_t unicorn_page_in(struct unicorn_engine *u, uint64_t va, enum cpu_access access)
{
    struct mem_space *mem = u->base.cfg.mem;
    struct mem_page page;

    if (va > mem_highest(mem) || (access == CPU_EXECUTE && in_gates(u, va)))
        return STATUS_ACCESS_VIOLATION;
    ntstatus status = mem_fault(mem, va, access, &page);
    if (status != STATUS_SUCCESS)
        return status;
    BUG_ON(page.frame >= u->frame_count || !(page.rights & access));
    va = align_down(va, MEM_PAGE);
    install(u, va, make_entry(u, va, &page, access == CPU_WRITE));
    install_around(u, va);
    unicorn_flush_pending(u);
    unicorn_note_growth(u);
    return STATUS_SUCCESS;
}

void unicorn_flush_pending(struct unicorn_engine *u)
{
    if (!u->flush)
        return;
    u->flush = false;
    uc_ctl_flush_tlb(u->uc);
}

bool unicorn_executes(struct unicorn_engine *u, uint64_t va)
{
    const uint64_t *entry =
        va > mem_highest(u->base.cfg.mem) ? NULL : cpu_pt_entry(&u->pt, va, false);
    return entry && (*entry & CPU_PTE_PRESENT) && entry_executes(*entry);
}

bool unicorn_code_byte(struct unicorn_engine *u, uint64_t va, uint8_t *out)
{
    if (va > mem_highest(u->base.cfg.mem))
        return false;
    const uint64_t *entry = cpu_pt_entry(&u->pt, va, false);
    if (!entry || !(*entry & CPU_PTE_PRESENT))
        return false;
    const uint8_t *ram = mem_ram_base(mem_space_ram(u->base.cfg.mem));
    *out = ram[frame_of(u, *entry) * MEM_PAGE + va % MEM_PAGE];
    return true;
}

/* ---- What mem tells us ----------------------------------------------------------------------- */

static void invalidate(void *ctx, uint64_t va, uint64_t len)
{
    struct unicorn_engine *u = ctx;
    cpu_pt_each(&u->pt, va, len, forget_each, u);
}

struct written {
    struct unicorn_engine *u;
    bool aliased;
};

static void forget_written(void *ctx, uint64_t va, uint64_t *entry)
{
    struct written *w = ctx;
    struct frame_use *use = use_of(w->u, *entry);
    if (!use->translated)
        return;
    forget_entry(w->u, va, entry);
    if (use->executable)
        w->aliased = true; /* another entry would go on using the old translations */
}

static void code_written(void *ctx, uint64_t va, uint64_t len)
{
    struct written w = {ctx};
    cpu_pt_each(&w.u->pt, va, len, forget_written, &w);
    if (w.aliased)
        forget_all(w.u);
}

void unicorn_observe(struct unicorn_engine *u)
{
    struct mem_observer o = {u, invalidate, code_written};
    mem_observe(u->base.cfg.mem, &o);
}

static void collect_entry(void *ctx, uint64_t va, uint64_t *entry)
{
    struct unicorn_engine *u = ctx;
    if (!(*entry & CPU_PTE_DIRTY))
        return;
    mem_mark_dirty(u->base.cfg.mem, va);
    *entry &= ~(uint64_t)CPU_PTE_DIRTY;
    u->flush = true;
}

/* Nothing is present until the context is restored that was saved before. */
void unicorn_hide_memory(struct unicorn_engine *u)
{
    uint64_t cr3 = u->system_phys + SYSTEM_NOTHING;
    u->lib.uc_reg_write(u->uc, UC_X86_REG_CR3, &cr3);
}

void unicorn_collect_dirty(struct cpu_engine *e)
{
    struct unicorn_engine *u = unicorn_of(e);
    cpu_pt_each(&u->pt, 0, UINT64_MAX, collect_entry, u);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* Accessed already, so that the processor never writes there. */
static void fill_gdt(uint8_t *gdt)
{
    const uint64_t code32 = 0x00cffb000000ffff, data = 0x00cff3000000ffff,
                   code64 = 0x00affb000000ffff;
    memcpy(gdt + (X86_SEL_CODE32 & ~7), &code32, 8);
    memcpy(gdt + (X86_SEL_DATA & ~7), &data, 8);
    memcpy(gdt + (X86_SEL_CODE64 & ~7), &code64, 8);
    memcpy(gdt + (X86_SEL_TEB32 & ~7), &data, 8);
}

static void write_control_registers(struct unicorn_engine *u)
{
    enum { TSD = 1 << 2, PAE = 1 << 5, OSFXSR = 1 << 9, OSXMMEXCPT = 1 << 10, FSGSBASE = 1 << 16 };
    uint64_t cr3 = u->pt.phys, cr4 = TSD | PAE | OSFXSR | OSXMMEXCPT | FSGSBASE;
    uint64_t cr0 = 0x80010033;             /* PG WP NE ET MP PE */
    uc_x86_msr efer = {0xc0000080, 0xd01}; /* NXE LMA LME SCE */
    uc_x86_mmr gdt = {0, SYSTEM_VA + SYSTEM_GDT, 0x5f, 0};

    u->lib.uc_reg_write(u->uc, UC_X86_REG_GDTR, &gdt);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_CR3, &cr3);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_CR4, &cr4);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_MSR, &efer);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_CR0, &cr0);
}

pgr_status unicorn_map_memory(struct unicorn_engine *u, struct pgr_error *e)
{
    struct mem_ram *ram = mem_space_ram(u->base.cfg.mem);
    uint64_t limit = mem_ram_limit(ram);

    u->grow_from = host_monotonic_ns() + GROW_AFTER_MS * 1000000ull;
    u->frame_count = limit / MEM_PAGE;
    u->frames = reserve(u->frame_count * sizeof *u->frames);
    u->system = reserve(SYSTEM_SIZE);
    if (!u->frames || !u->system)
        return err_errno(e, PGR_E_NOMEM, "unicorn: no address space for page tables");
    u->ram_phys = limit + SYSTEM_SIZE <= RAM_PHYS_END - RAM_PHYS ? RAM_PHYS : 0;
    u->system_phys = u->ram_phys + limit;
    uc_err err = u->lib.uc_mem_map_ptr(u->uc, u->ram_phys, limit, UC_PROT_ALL, mem_ram_base(ram));
    if (err == UC_ERR_OK)
        err = u->lib.uc_mem_map_ptr(u->uc, u->system_phys, SYSTEM_SIZE, UC_PROT_ALL, u->system);
    if (err != UC_ERR_OK)
        return err_set(e, PGR_E_NOMEM, "unicorn: cannot map %llu MiB of memory: %s",
                       (unsigned long long)(limit >> 20), u->lib.uc_strerror(err));
    fill_gdt(u->system + SYSTEM_GDT);
    cpu_pt_init(&u->pt, u->system + SYSTEM_TABLES, u->system_phys + SYSTEM_TABLES,
                (SYSTEM_SIZE - SYSTEM_TABLES) / MEM_PAGE);
    map_system(u);
    write_control_registers(u);
    return PGR_OK;
}

void unicorn_unmap_memory(struct unicorn_engine *u)
{
    if (u->system)
        munmap(u->system, SYSTEM_SIZE);
    if (u->frames)
        munmap(u->frames, u->frame_count * sizeof *u->frames);
    for (size_t i = 0; i < ARRAY_LEN(u->alias_va); i++)
        if (u->alias_va[i])
            munmap(u->alias_va[i], u->frame_count * sizeof *u->alias_va[i]);
}
