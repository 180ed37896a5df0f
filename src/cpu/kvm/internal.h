/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_KVM_INTERNAL_H
#define CPU_KVM_INTERNAL_H
/*
 * The KVM engine, shared among its files.
 *
 * A VM without devices and one virtual processor, which runs both bitnesses in ring 3 of long mode.
 * Physical memory is SYSTEM memory (descriptors, one-instruction handlers, page tables), then the
 * RAM window. Ring 0 is nearly empty: every handler is a HLT, at which KVM gives control to us, and
 * we put the processor back into ring 3 by setting its registers.
 */
#include "arch/xsave.h"
#include "cpu/engine.h"
#include "cpu/notes/notes.h"
#include "cpu/pagetable.h"
#include "cpu/timer.h"
#include "mem/space.h"
#include <linux/kvm.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    SYSTEM_GDT = 0x0000, /* offsets in SYSTEM memory */
    SYSTEM_IDT = 0x0400,
    SYSTEM_TSS = 0x0700,
    SYSTEM_STUBS = 0x0800,        /* STUB_SIZE bytes for each vector: HLT */
    SYSTEM_SYSCALL = 0x0840,      /* where `syscall` leads to */
    SYSTEM_SYSCALL32 = 0x0848,    /* and that of 32-bit code, where it exists */
    SYSTEM_REWRITE = 0x0860,      /* see paging.c */
    SYSTEM_STACK = 0x2000,        /* its end */
    SYSTEM_REWRITES = 0x2000,     /* struct rewrite[], a page */
    SYSTEM_FIXED_TABLES = 0x3000, /* page tables of SYSTEM memory itself: two pages */
    SYSTEM_TABLES = 0x5000,       /* those of the guest */
    SYSTEM_NOTES = MEM_RAM_MARGIN - NOTE_RING - NOTE_RING_SIZE - RECORDER_SIZE - ROWS_SIZE -
                   MEM_PAGE, /* see noting.c; to the end */
    VECTORS = 32,
    STUB_SIZE = 2,
    FIRST_SLOT = 0, /* memory slot: SYSTEM memory, and the first of RAM where both are one piece */
};

/* SYSTEM memory in the guest's address space, for supervisor accesses only. */
#define SYSTEM_VA 0xffffffffc0000000ull
#define RAM_PHYS  MEM_RAM_MARGIN

/* What the processor pushes for a handler, below SYSTEM_STACK. */
struct trap_frame {
    uint64_t error_code; /* stale where the vector has none */
    uint64_t rip, cs, rflags, rsp, ss;
};

/* `count` entries of page tables, to be written again as they are by the guest's own processor. */
struct rewrite {
    uint64_t at, count;
};
enum { MAX_REWRITES = 256, MAX_REWRITTEN = 8192 };

struct kvm_engine {
    struct cpu_engine base;
    int kvm, vm, vcpu;
    struct kvm_run *shared;
    size_t shared_size;
    int kick_signal; /* 0: none yet */
    struct sigaction kick_before;

    uint8_t *system;
    bool system_is_margin;
    unsigned slots;
    uint64_t covered; /* bytes of RAM in slots */
    struct cpu_pagetable pt;
    struct rewrite rewrites[MAX_REWRITES];
    unsigned rewrite_count;
    uint64_t rewritten;  /* entries in them */
    bool forget_shadow;  /* too many for that */
    uint64_t next_touch; /* where a fault would come next if memory is used in order */
    unsigned ahead;      /* pages that are made present then */
    uint64_t gate_span;  /* bytes of whole pages with gates */
    bool noting;         /* calls can be noted */
    struct cpu_notes notes;

    struct x86_xsave xsave;
    size_t area_size;
    uint8_t *area; /* as KVM has it */

    /* The current run. */
    struct x86_state *st;
    struct cpu_exit *exit;
    struct kvm_sregs user; /* of the thread: segments; the rest is the same for all */
    bool done;
    unsigned behind_traps; /* how often it ran on from such a place (kvm_look_at_interruption) */
    unsigned idle_slices;  /* in a row that ended before the guest could run */

    /* The current call of the handler. */
    bool in_handler, synced;

    /* What the processor has, to spare loading it again. */
    bool fpu_loaded;
    struct x86_state loaded; /* fx and ext */
    uint64_t gdt_base;

    uint64_t slice;
    struct cpu_timer timer;
    atomic_bool stop, slice_over;
    atomic_bool in_guest; /* whether runner is, or is about to be */
    _Atomic pid_t runner;
    char message[160];
};

static inline struct kvm_engine *kvm_of(struct cpu_engine *e)
{
    return (struct kvm_engine *)e;
}

/* The nearest thing that an address register can hold. */
static inline uint64_t kvm_canonical(uint64_t va)
{
    const unsigned unused = 16;
    return (uint64_t)((int64_t)(va << unused) >> unused);
}

/* vcpu.c: opening KVM; what the processor is. */
pgr_status kvm_probe(struct pgr_error *e);
pgr_status kvm_open(struct kvm_engine *k, struct pgr_error *e);
pgr_status kvm_make_vcpu(struct kvm_engine *k, struct pgr_error *e);
void kvm_close(struct kvm_engine *k);

/* system.c: SYSTEM memory and memory slots. */
pgr_status kvm_map_memory(struct kvm_engine *k, struct pgr_error *e);
void kvm_unmap_memory(struct kvm_engine *k);
/* Makes physical memory reach to the end of the frame. */
bool kvm_cover(struct kvm_engine *k, uint64_t frame);
/* Makes KVM forget all that it derived from page tables. */
bool kvm_forget_shadow(struct kvm_engine *k);
/* Puts SYSTEM memory into empty page tables. */
void kvm_map_system(struct kvm_engine *k);
void kvm_set_teb32(struct kvm_engine *k, uint64_t base);

/* paging.c */
void kvm_observe(struct kvm_engine *k);
/* Makes va present. Else the NTSTATUS that the guest gets. */
uint32_t kvm_page_in(struct kvm_engine *k, uint64_t va, enum cpu_access access);
/* Entries went away: makes the processor notice. False: KVM failed. */
bool kvm_flush_pending(struct kvm_engine *k);
void kvm_collect_dirty(struct cpu_engine *e);
/* The byte of code at va, where it is present. */
bool kvm_code_byte(struct kvm_engine *k, uint64_t va, uint8_t *out);

/* Clears an entry, and has the processor notice before it enters the guest. */
void kvm_take_away(struct kvm_engine *k, uint64_t *entry);

/* noting.c: calls that are noted in the guest */
void kvm_notes_init(struct kvm_engine *k);
/* Puts the pages that belong to it into page tables that have nothing but SYSTEM memory. */
void kvm_show_notes(struct kvm_engine *k);
bool kvm_is_of_notes(const struct kvm_engine *k, uint64_t va);
/* Whether a HLT at rip means that the guest came to *gate. */
bool kvm_noted_gate(const struct kvm_engine *k, uint64_t rip, uint64_t *gate);
void kvm_note_begin(struct kvm_engine *k); /* by another run */
void kvm_note_call(struct cpu_engine *e, const struct cpu_noted *f);
void kvm_note_calls(struct cpu_engine *e, const struct x86_state *st, bool on, bool same);
struct x86_state *kvm_next_record(struct cpu_engine *e, struct cpu_record *r);
void kvm_tell_records(struct kvm_engine *k);
/* Before the handler hears of *exit. True: there is nothing to hear, the guest is to go on. */
bool kvm_note_exit(struct kvm_engine *k, struct cpu_exit *exit);

/* compat.c: PGR_E_UNSUPPORTED where 32-bit guests cannot run. */
pgr_status kvm_check_compat(struct kvm_engine *k, struct pgr_error *e);

/* registers.c */
void kvm_init_segments(struct kvm_engine *k);
/* The general registers, rip and rflags for the next entry in ring 3; segments from k->user. */
void kvm_put_gprs(struct kvm_engine *k);
/* The general registers as they are now, but rip, rsp and rflags from a frame. */
void kvm_get_gprs(struct kvm_engine *k, const struct trap_frame *f);
/* Everything else. */
bool kvm_put_rest(struct kvm_engine *k);
bool kvm_get_rest(struct kvm_engine *k);
uint64_t kvm_user_flags(uint64_t rflags);

/* exits.c: the processor left the guest for the reason that k->shared has. */
void kvm_look_at_exit(struct kvm_engine *k);
/* The same after a signal. */
enum interruption {
    INTERRUPTED,            /* between two instructions; *st has the general registers */
    INTERRUPTED_IN_HANDLER, /* at an exit, which has been looked at */
    INTERRUPTED_IN_FLIGHT,  /* an exception has to get to its handler first: nothing was done */
    INTERRUPTED_BEHIND_TRAP /* maybe that, maybe not: nothing was done */
};
enum interruption kvm_look_at_interruption(struct kvm_engine *k);
/* What the processor would do if it could get that far. */
void kvm_raise(struct kvm_engine *k, uint8_t vector);
/* The run is over, with all of *st up to date. */
void kvm_leave(struct kvm_engine *k, const struct cpu_exit *exit);
void kvm_fail(struct kvm_engine *k, const char *why);

/* kick.c: taking the processor out of the guest from elsewhere. */
pgr_status kvm_claim_signal(struct kvm_engine *k, struct pgr_error *e);
void kvm_return_signal(struct kvm_engine *k);
void kvm_kick(struct kvm_engine *k); /* async-signal-safe */
#endif
