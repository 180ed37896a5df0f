// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's pages under KVM.
 *
 * Entries are installed when the guest touches a page and cleared when mem says so. The processor
 * has to be told of what was cleared, and a host cannot invalidate a guest's TLB entry. Where KVM
 * walks the tables itself (shadow paging, always so in a nested VM without help from below), it
 * does not see host writes to them at all: it watches for the guest's. So a stub in ring 0 writes
 * the entries once more, as they are, and reloads CR3; any hypervisor has to notice that.
 * Entries that gain rights, and those where nothing was, need none of it.
 */
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum {
    AROUND = 64, /* pages looked at around a fault */
    MOST_AHEAD = 128,
    JOIN = 16, /* entries between two rewrites that are not worth a rewrite of its own */
    ENTRY = sizeof(uint64_t),
    PTE_FIXED = CPU_PTE_PRESENT | CPU_PTE_USER | CPU_PTE_ACCESSED
};

/* ---- Taking away ----------------------------------------------------------------------------- */

static bool joins(const struct rewrite *last, uint64_t at)
{
    uint64_t end = last->at + last->count * ENTRY;
    return at >= last->at && at < end + JOIN * ENTRY && at / MEM_PAGE == last->at / MEM_PAGE;
}

static void note_rewrite(struct kvm_engine *k, const uint64_t *entry)
{
    uint64_t at = SYSTEM_VA + (uint64_t)((const uint8_t *)entry - k->system);
    struct rewrite *last = k->rewrite_count ? &k->rewrites[k->rewrite_count - 1] : NULL;

    if (last && joins(last, at)) {
        uint64_t count = MAX(last->count, (at - last->at) / ENTRY + 1);
        k->rewritten += count - last->count;
        last->count = count;
    } else if (k->rewrite_count < MAX_REWRITES) {
        k->rewrites[k->rewrite_count++] = (struct rewrite){at, 1};
        k->rewritten++;
    } else {
        k->forget_shadow = true;
    }
    if (k->rewritten > MAX_REWRITTEN)
        k->forget_shadow = true;
}

void kvm_take_away(struct kvm_engine *k, uint64_t *entry)
{
    *entry = 0;
    note_rewrite(k, entry);
}

static void forget_entry(struct kvm_engine *k, uint64_t va, uint64_t *entry)
{
    if (*entry & CPU_PTE_DIRTY)
        mem_mark_dirty(k->base.cfg.mem, va);
    kvm_take_away(k, entry);
}

static void forget_each(void *ctx, uint64_t va, uint64_t *entry)
{
    if (!kvm_is_of_notes(ctx, va))
        forget_entry(ctx, va, entry);
}

static void forget_all(struct kvm_engine *k)
{
    cpu_pt_each(&k->pt, 0, UINT64_MAX, forget_each, k);
    cpu_pt_reset(&k->pt);
    kvm_map_system(k);
    kvm_show_notes(k);
    k->forget_shadow = true; /* the tables will be others */
}

static void prepare_rewrite(struct kvm_engine *k)
{
    struct kvm_sync_regs *s = &k->shared->s.regs;
    struct kvm_segment cs = k->user.cs, ss = k->user.ss;

    cs.selector = 0x08, cs.dpl = 0, cs.l = 1, cs.db = 0;
    ss.selector = 0x10, ss.dpl = 0;
    memcpy(k->system + SYSTEM_REWRITES, k->rewrites, k->rewrite_count * sizeof *k->rewrites);
    s->sregs = k->user;
    s->sregs.cs = cs;
    s->sregs.ss = ss;
    s->regs = (struct kvm_regs){.rip = SYSTEM_VA + SYSTEM_REWRITE,
                                .rflags = 2,
                                .rsp = SYSTEM_VA + SYSTEM_STACK,
                                .rax = k->pt.phys,
                                .rbx = SYSTEM_VA + SYSTEM_REWRITES,
                                .rdx = k->rewrite_count};
    k->shared->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

static bool run_rewrite(struct kvm_engine *k)
{
    int r;
    prepare_rewrite(k);
    do {
        /* Who set it has raised a flag, too. */
        __atomic_store_n(&k->shared->immediate_exit, 0, __ATOMIC_SEQ_CST);
        r = ioctl(k->vcpu, KVM_RUN, 0);
    } while (r < 0 && (errno == EINTR || errno == EAGAIN));
    uint64_t rip = k->shared->s.regs.regs.rip - SYSTEM_VA;
    return r == 0 && k->shared->exit_reason == KVM_EXIT_HLT && rip > SYSTEM_REWRITE &&
           rip < SYSTEM_STACK;
}

bool kvm_flush_pending(struct kvm_engine *k)
{
    bool ok = true;
    if (!k->rewrite_count && !k->forget_shadow)
        return true;
    if (k->forget_shadow) {
        ok = kvm_forget_shadow(k);
        k->rewrites[0] = (struct rewrite){SYSTEM_VA, 0};
        k->rewrite_count = 1;
    }
    ok = ok && run_rewrite(k);
    k->rewrite_count = 0;
    k->rewritten = 0;
    k->forget_shadow = false;
    return ok;
}

/* ---- Installing ------------------------------------------------------------------------------ */

static bool in_gates(const struct kvm_engine *k, uint64_t va)
{
    return va - align_down(k->base.cfg.gate_base, MEM_PAGE) < k->gate_span;
}

/* A page with gates never executes: that is how control reaching one is noticed. */
static uint64_t make_entry(const struct kvm_engine *k, uint64_t va, const struct mem_page *page,
                           bool dirty)
{
    uint64_t entry = (RAM_PHYS + page->frame * MEM_PAGE) | PTE_FIXED;
    if (page->rights & MEM_W)
        entry |= CPU_PTE_WRITE | (dirty ? CPU_PTE_DIRTY : 0);
    if (!(page->rights & MEM_X) || in_gates(k, va))
        entry |= CPU_PTE_NX;
    return entry;
}

static uint64_t *entry_slot(struct kvm_engine *k, uint64_t va)
{
    uint64_t *slot = cpu_pt_entry(&k->pt, va, true);
    if (!slot) { /* the block is full */
        forget_all(k);
        slot = cpu_pt_entry(&k->pt, va, true);
        BUG_ON(!slot);
    }
    return slot;
}

static bool takes_away(uint64_t old, uint64_t entry)
{
    return ((old ^ entry) & CPU_PTE_ADDR) || (old & ~entry & CPU_PTE_WRITE) ||
           (entry & ~old & CPU_PTE_NX);
}

static bool install(struct kvm_engine *k, uint64_t va, const struct mem_page *page, bool dirty)
{
    uint64_t entry = make_entry(k, va, page, dirty);
    if (!kvm_cover(k, page->frame))
        return false;
    uint64_t *slot = entry_slot(k, va);
    if ((*slot & CPU_PTE_PRESENT) && takes_away(*slot, entry))
        forget_entry(k, va, slot);
    *slot = entry | (*slot & CPU_PTE_DIRTY);
    return true;
}

/* Neighbours that are present anyhow, so that walking through memory faults once in many pages. */
static void install_around(struct kvm_engine *k, uint64_t va)
{
    uint64_t first = align_down(va, AROUND * MEM_PAGE);
    for (int i = 0; i < AROUND; i++) {
        uint64_t at = first + (uint64_t)i * MEM_PAGE;
        uint64_t *slot = cpu_pt_entry(&k->pt, at, false);
        struct mem_page page;
        if (slot && !*slot && mem_present(k->base.cfg.mem, at, &page))
            install(k, at, &page, false);
    }
}

/* Gives the frames host memory. KVM maps what has some together with its neighbours. */
static void populate(struct kvm_engine *k, uint64_t frame, uint64_t count)
{
#ifdef MADV_POPULATE_WRITE
    uint8_t *ram = mem_ram_base(mem_space_ram(k->base.cfg.mem));
    if (count > 1) /* an older kernel refuses: nothing is lost but time */
        madvise(ram + frame * MEM_PAGE, count * MEM_PAGE, MADV_POPULATE_WRITE);
#endif
}

/* Makes untouched pages from `at` up to `end` present; where that ends. */
static uint64_t install_untouched(struct kvm_engine *k, uint64_t at, uint64_t end)
{
    struct mem_page page;
    uint64_t first = 0, count = 0; /* frames that follow each other */
    for (; at < end; at += MEM_PAGE) {
        const uint64_t *slot = cpu_pt_entry(&k->pt, at, false);
        if ((slot && *slot) || mem_fault(k->base.cfg.mem, at, CPU_READ, &page) != STATUS_SUCCESS ||
            !install(k, at, &page, true))
            break;
        if (page.frame != first + count) {
            populate(k, first, count);
            first = page.frame;
            count = 0;
        }
        count++;
    }
    populate(k, first, count);
    return at;
}

/*
 * Private pages that nobody touched are not present. A fault costs tens of microseconds, and memory
 * is mostly used in order: there the pages that come next are made present in advance, twice as
 * many each time.
 */
static void install_ahead(struct kvm_engine *k, uint64_t va)
{
    struct mem_info info;
    uint64_t at = va + MEM_PAGE;

    k->ahead = va == k->next_touch ? MIN(k->ahead * 2, (unsigned)MOST_AHEAD) : 1;
    k->next_touch = at;
    if (k->ahead == 1 || mem_query(k->base.cfg.mem, va, &info) != STATUS_SUCCESS ||
        info.type != MEM_PRIVATE || info.protect & PAGE_GUARD)
        return;
    k->next_touch = install_untouched(k, at, MIN(info.base + info.size, at + k->ahead * MEM_PAGE));
}

uint32_t kvm_page_in(struct kvm_engine *k, uint64_t va, enum cpu_access access)
{
    struct mem_space *mem = k->base.cfg.mem;
    struct mem_page page;

    if (va > mem_highest(mem) || (access == CPU_EXECUTE && in_gates(k, va)))
        return STATUS_ACCESS_VIOLATION;
    ntstatus status = mem_fault(mem, va, access, &page);
    if (status != STATUS_SUCCESS)
        return status;
    BUG_ON(!(page.rights & access));
    va = align_down(va, MEM_PAGE);
    if (!install(k, va, &page, access == CPU_WRITE))
        return STATUS_IN_PAGE_ERROR;
    install_around(k, va);
    if (access == CPU_WRITE)
        install_ahead(k, va);
    return STATUS_SUCCESS;
}

bool kvm_code_byte(struct kvm_engine *k, uint64_t va, uint8_t *out)
{
    if (va > mem_highest(k->base.cfg.mem))
        return false;
    const uint64_t *entry = cpu_pt_entry(&k->pt, va, false);
    if (!entry || !(*entry & CPU_PTE_PRESENT))
        return false;
    const uint8_t *ram = mem_ram_base(mem_space_ram(k->base.cfg.mem));
    *out = ram[(*entry & CPU_PTE_ADDR) - RAM_PHYS + va % MEM_PAGE];
    return true;
}

/* ---- What mem tells us ----------------------------------------------------------------------- */

static void invalidate(void *ctx, uint64_t va, uint64_t len)
{
    struct kvm_engine *k = ctx;
    cpu_pt_each(&k->pt, va, len, forget_each, k);
}

static void code_written(void *ctx, uint64_t va, uint64_t len)
{
    /* The processor sees to that itself. */
}

void kvm_observe(struct kvm_engine *k)
{
    struct mem_observer o = {k, invalidate, code_written};
    mem_observe(k->base.cfg.mem, &o);
}

static void collect_entry(void *ctx, uint64_t va, uint64_t *entry)
{
    struct kvm_engine *k = ctx;
    if (!(*entry & CPU_PTE_DIRTY) || kvm_is_of_notes(k, va))
        return;
    mem_mark_dirty(k->base.cfg.mem, va);
    *entry &= ~(uint64_t)CPU_PTE_DIRTY;
    note_rewrite(k, entry);
}

void kvm_collect_dirty(struct cpu_engine *e)
{
    struct kvm_engine *k = kvm_of(e);
    cpu_pt_each(&k->pt, 0, UINT64_MAX, collect_entry, k);
}
