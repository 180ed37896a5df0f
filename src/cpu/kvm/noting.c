// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that are noted in the guest (cpu/notes/), in pages of SYSTEM memory.
 *
 * The page with the gates lies over the program's then: HLT at each, which ring 3 may not execute,
 * and jumps to the recorder at the two gates of noted calls. What comes back from there because it
 * must be an exit comes to a HLT behind the jump.
 */
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <string.h>

enum {
    HLT = 0xf4,
    SLOT = 16,
    OUT = 14, /* in a slot, behind the jump */
    NOTE_PAGES = NOTE_RING + NOTE_RING_SIZE,
    RECORDER_AT = SYSTEM_NOTES + NOTE_PAGES,
    ROWS_AT = RECORDER_AT + RECORDER_SIZE,
    GATES_AT = ROWS_AT + ROWS_SIZE,
    ENTRY_READ = CPU_PTE_PRESENT | CPU_PTE_USER | CPU_PTE_ACCESSED,
    ENTRY_WRITE = ENTRY_READ | CPU_PTE_WRITE | CPU_PTE_DIRTY
};
_Static_assert(GATES_AT + MEM_PAGE == MEM_RAM_MARGIN, "the end of SYSTEM memory");

/* ---- Pages ----------------------------------------------------------------------------------- */

static void show(struct kvm_engine *k, uint64_t va, uint64_t at, uint64_t size, uint64_t entry)
{
    for (uint64_t i = 0; i < size; i += MEM_PAGE) {
        uint64_t *slot = cpu_pt_entry(&k->pt, va + i, true);
        BUG_ON(!slot); /* there is nothing else in the tables yet */
        *slot = (at + i) | entry;
    }
}

void kvm_show_notes(struct kvm_engine *k)
{
    const uint64_t note = CPU_AREA + CPU_NOTES;
    if (!k->noting)
        return;
    show(k, note, SYSTEM_NOTES, NOTE_PAGES, ENTRY_WRITE | CPU_PTE_NX);
    show(k, note + NOTE_PAGES, SYSTEM_NOTES + NOTE_RING, NOTE_RING_SIZE, ENTRY_WRITE | CPU_PTE_NX);
    show(k, CPU_AREA + CPU_RECORDER, RECORDER_AT, RECORDER_SIZE, ENTRY_READ);
    show(k, CPU_AREA + CPU_ROWS, ROWS_AT, ROWS_SIZE, ENTRY_READ | CPU_PTE_NX);
    show(k, k->base.cfg.gate_base, GATES_AT, MEM_PAGE, ENTRY_READ);
}

bool kvm_is_of_notes(const struct kvm_engine *k, uint64_t va)
{
    return k->noting && (va - CPU_AREA < CPU_AREA_SIZE || va - k->base.cfg.gate_base < MEM_PAGE);
}

/* ---- Gates ----------------------------------------------------------------------------------- */

static void put_jump(struct kvm_engine *k, uint64_t gate, uint64_t to)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp [behind it] */
    uint8_t *slot = k->system + GATES_AT + (gate - k->base.cfg.gate_base);
    memcpy(slot, jump, sizeof jump);
    memcpy(slot + sizeof jump, &to, sizeof to);
}

bool kvm_noted_gate(const struct kvm_engine *k, uint64_t rip, uint64_t *gate)
{
    const struct cpu_config *c = &k->base.cfg;
    if (!k->noting || rip - c->gate_base >= MEM_PAGE)
        return false;
    *gate = rip;
    if (rip == c->note_call + OUT || rip == c->note_return + OUT)
        *gate = rip - OUT;
    return true;
}

/* ---- The rest -------------------------------------------------------------------------------- */

void kvm_notes_init(struct kvm_engine *k)
{
    const struct cpu_config *c = &k->base.cfg;
    if (mem_ptr_size(c->mem) != 8 || !cpu_notes_wanted(c) || c->gate_base % MEM_PAGE ||
        c->note_call % SLOT || c->note_return % SLOT || cpu_claim_area(c->mem, "kvm", NULL))
        return;
    k->notes = (struct cpu_notes){.cfg = c,
                                  .count = 1,
                                  .rows = (struct note_row *)(void *)(k->system + ROWS_AT),
                                  .one = true,
                                  .other_tsc = true};
    k->notes.thread[0].note = (struct note *)(void *)(k->system + SYSTEM_NOTES);
    cpu_notes_init(&k->notes, k->system + RECORDER_AT,
                   (const uint64_t[2]){c->note_call + OUT, c->note_return + OUT});
    memset(k->system + GATES_AT, HLT, MEM_PAGE);
    put_jump(k, c->note_call, cpu_notes_entry(&k->notes, false));
    put_jump(k, c->note_return, cpu_notes_entry(&k->notes, true));
    k->noting = true;
    kvm_show_notes(k);
}

void kvm_note_begin(struct kvm_engine *k)
{
    if (!k->noting)
        return;
    k->notes.thread[0].st = k->st;
    cpu_notes_switch(&k->notes.thread[0], false, false);
}

void kvm_note_call(struct cpu_engine *e, const struct cpu_noted *f)
{
    struct kvm_engine *k = kvm_of(e);
    if (k->noting)
        cpu_notes_call(&k->notes, f);
}

void kvm_note_calls(struct cpu_engine *e, const struct x86_state *st, bool on, bool same)
{
    struct kvm_engine *k = kvm_of(e);
    if (k->noting && k->notes.thread[0].st == st)
        cpu_notes_switch(&k->notes.thread[0], on, same);
}

struct x86_state *kvm_next_record(struct cpu_engine *e, struct cpu_record *r)
{
    return cpu_notes_next(&kvm_of(e)->notes, r);
}

void kvm_tell_records(struct kvm_engine *k)
{
    if (k->noting)
        cpu_notes_tell(&k->notes);
}

bool kvm_note_exit(struct kvm_engine *k, struct cpu_exit *exit)
{
    uint64_t gate = 0;
    struct cpu_note_thread *t = &k->notes.thread[0];
    if (!k->noting)
        return false;
    if (cpu_notes_interrupted(&k->notes, t, k->st, &gate)) {
        if (!gate)
            return true;
        *exit = (struct cpu_exit){.kind = CPU_EXIT_GATE, .address = gate};
    }
    if (exit->kind == CPU_EXIT_GATE && cpu_notes_take_full(&k->notes, t, exit->address)) {
        cpu_notes_tell_taken(&k->notes);
        return true;
    }
    cpu_notes_tell(&k->notes);
    return false;
}
