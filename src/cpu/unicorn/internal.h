/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_UNICORN_INTERNAL_H
#define CPU_UNICORN_INTERNAL_H
/*
 * The Unicorn engine, shared among its files.
 *
 * One Unicorn in 64-bit mode runs both bitnesses in ring 3 of long mode under page tables of ours.
 * Physical memory is the RAM window, then SYSTEM memory: descriptor table, the stub that
 * enters ring 3, page tables. Page faults fill the tables (paging.c); everything else that user
 * mode cannot do itself becomes an exit (exits.c).
 */
#include "cpu/engine.h"
#include "cpu/pagetable.h"
#include "cpu/timer.h"
#include <stdatomic.h>
#include <unicorn/unicorn.h>

enum {
    SYSTEM_SIZE = 64 << 20,
    SYSTEM_GDT = 0x0000, /* offsets in SYSTEM memory */
    SYSTEM_STUB = 0x0800,
    SYSTEM_STACK = 0x1000,   /* its end; the frame for iretq lies below */
    SYSTEM_NOTHING = 0x1000, /* a top-level table with nothing in it */
    SYSTEM_TABLES = 0x2000,
    ALIASES = 4, /* see paging.c */
};

/* SYSTEM memory's first page in the guest's address space, for supervisor accesses only. */
#define SYSTEM_VA 0xffffffffc0000000ull
/* A run begins by fetching from here, which faults: see engine.c. */
#define ENTRY_VA 0xffffffffffff0000ull

/*
 * Where the RAM window lies in physical memory when it fits. Unicorn has 40 bits of it, and
 * compares the bounds of some hooks once with virtual and once with physical addresses: what lies
 * below or above these two is only ever virtual. See add_no_scan_hooks.
 */
#define RAM_PHYS     0x8000000000ull
#define RAM_PHYS_END 0x10000000000ull

/* Where a saved Unicorn context has what the API does not show. */
struct context_layout {
    size_t gpr, rip, cr2, error_code, is_int, old_exception;
};

/* What the processor may hold of a frame's contents: see paging.c. */
struct frame_use {
    uint16_t writable; /* entries that may write but not execute */
    uint16_t executable;
    uint8_t translated; /* there may be translations of it */
};

enum { CPU_WATCH_KINDS = CPU_WATCH_CPUID + 1 };

struct watch_ranges {
    const struct cpu_watch *at; /* ascending, apart from each other */
    size_t n;
};

struct watching {
    struct cpu_watch *list; /* what the ranges are parts of */
    struct watch_ranges of[CPU_WATCH_KINDS];
    bool memory; /* data is watched */
};

/* An instruction that runs, however often it has to begin: see sights.c. */
struct instance {
    uint64_t blocks, ip;
    unsigned seen, told; /* accesses to memory since it began; those not to be told of again */
};

/* library.c: what is used of it */
#define UNICORN_FUNCTIONS                                                                          \
    UNICORN_FUNCTION(uc_open)                                                                      \
    UNICORN_FUNCTION(uc_close)                                                                     \
    UNICORN_FUNCTION(uc_strerror)                                                                  \
    UNICORN_FUNCTION(uc_version)                                                                   \
    UNICORN_FUNCTION(uc_reg_read)                                                                  \
    UNICORN_FUNCTION(uc_reg_write)                                                                 \
    UNICORN_FUNCTION(uc_reg_read_batch)                                                            \
    UNICORN_FUNCTION(uc_reg_write_batch)                                                           \
    UNICORN_FUNCTION(uc_context_alloc)                                                             \
    UNICORN_FUNCTION(uc_context_free)                                                              \
    UNICORN_FUNCTION(uc_context_save)                                                              \
    UNICORN_FUNCTION(uc_context_restore)                                                           \
    UNICORN_FUNCTION(uc_context_size)                                                              \
    UNICORN_FUNCTION(uc_hook_add)                                                                  \
    UNICORN_FUNCTION(uc_hook_del)                                                                  \
    UNICORN_FUNCTION(uc_emu_start)                                                                 \
    UNICORN_FUNCTION(uc_emu_stop)                                                                  \
    UNICORN_FUNCTION(uc_mem_map_ptr)                                                               \
    UNICORN_FUNCTION(uc_vmem_translate)                                                            \
    UNICORN_FUNCTION(uc_ctl)

struct unicorn_library {
#define UNICORN_FUNCTION(name) __typeof__(&name) name;
    UNICORN_FUNCTIONS
#undef UNICORN_FUNCTION
};
/* PGR_E_UNSUPPORTED where it cannot be loaded. */
pgr_status unicorn_load_library(struct unicorn_library *lib, struct pgr_error *e);
#define uc_ctl u->lib.uc_ctl /* which the library's uc_ctl_… macros call; `u` is the engine */

struct unicorn_engine {
    struct cpu_engine base;
    struct unicorn_library lib;
    uc_engine *uc;
    size_t hooks;
    bool by_blocks; /* slices are counted in blocks */

    uint8_t *system;
    uint64_t ram_phys, system_phys;
    struct cpu_pagetable pt;
    struct frame_use *frames;
    size_t frame_count;
    bool flush;         /* entries went away: the TLB must follow before the guest goes on */
    uint32_t installed; /* entries, in all */
    unsigned growth;    /* steps by which the TLB has grown */
    uint64_t grow_from; /* host_monotonic_ns: not before */
    uint64_t gate_span; /* bytes of whole pages with gates */
    bool gates_shut;    /* they never execute: see paging.c */

    /* While data is watched: where its pages are in physical memory, and which pages those are, by
     * frame; [0] for those that execute, which stay where they are. See paging.c. */
    uint64_t alias_phys;
    unsigned aliases;
    uint64_t *alias_va[ALIASES + 1];
    bool wide; /* there are such, and RAM has hooks for them */

    struct context_layout at;
    uc_context *context; /* scratch */
    size_t context_size;
    uc_context *general; /* scratch, as far as rip: to save and restore it copies little else */
    uc_context *mode64, *mode32; /* in ring 3, with flat segments */

    /* The current run. */
    struct x86_state *st;
    struct cpu_exit *exit;
    uint64_t start_rip;
    bool running;
    bool exited;                /* *exit and *st are final */
    bool reload;                /* stop, take all of *st, and go on */
    enum cpu_exit_kind pending; /* SLICE or BUDGET when has_pending */
    bool has_pending;
    unsigned idle_starts; /* in a row that ended for no reason known */

    /* An instruction that Unicorn lets user mode execute is being undone: see exits.c. */
    bool undoing;
    bool cutting; /* or one that was only to begin: see sights.c */
    uc_context *undo;

    /* The current call of the handler. */
    bool in_handler, synced;
    struct x86_state before; /* gpr, rip, rflags when called; the rest when synced */

    /* What is watched: see watch.c. */
    struct watching watch;
    uc_hook *watch_hooks;
    size_t watch_hook_count;
    struct cpu_watch *next_watch; /* takes effect when the processor is at rest */
    size_t next_count;
    bool rewatch;
    bool purging;    /* a run that only lets the library forget hooks */
    uint8_t *spared; /* the flag of spare.c, NULL when unknown */

    /* The current call of on_sight, with `synced` and `before`; what it is about. */
    bool in_sight;
    struct instance now;
    bool pause;   /* the processor has to come to rest before the next instruction */
    bool refresh; /* it was stopped to start anew, at a block, or in it: `in_block` */
    bool in_block;
    bool committed;                 /* what runs next was told of: no exit before that */
    const struct x86_state *cut_st; /* a run was ended in front of its cut_rip, in a block */
    uint64_t cut_rip;

    /* Single steps of ours, to find the instruction that a fetch fault belongs to. */
    bool stepping, guest_tf;
    unsigned steps;

    /* What the processor has, to spare loading it again. */
    uint8_t fx[X86_FX_SIZE];
    bool fx_valid;
    uint16_t mode_cs;
    uint64_t gdt_base;

    uint64_t slice, blocks, block_end, slice_from;
    bool retrying; /* the block at retry_rip begins again, see on_block */
    uint64_t retry_rip;
    uint64_t instructions, budget_end;
    atomic_bool stop, slice_over; /* set from anywhere, then block_limit is set to 0 */
    /* Blocks run without a second look while u->blocks is below: see on_block. */
    _Atomic uint64_t block_limit;
    struct cpu_timer timer;
    char message[128];
};

static inline struct unicorn_engine *unicorn_of(struct cpu_engine *e)
{
    return (struct unicorn_engine *)e;
}

/* The rest of the block that the processor is in, if it gets that far, does not count. */
static inline bool unicorn_stopping(const struct unicorn_engine *u)
{
    return u->undoing || u->has_pending || u->exited || u->reload || u->refresh;
}

/* Addresses that exit instead of running. */
static inline bool unicorn_is_gate(const struct unicorn_engine *u, uint64_t va)
{
    return va - u->base.cfg.gate_base < u->base.cfg.gate_size;
}

/* context.c: the layout of a saved context, and the ring-3 contexts */
pgr_status unicorn_prepare_contexts(struct unicorn_engine *u, struct pgr_error *e);
static inline void *unicorn_context_at(uc_context *c, size_t offset)
{
    return (char *)c + offset;
}

/* registers.c */
/* gpr, rip and rflags. */
void unicorn_read_gprs(struct unicorn_engine *u);
void unicorn_go_to(struct unicorn_engine *u, uint64_t rip);
/* gpr, and this rip, after unicorn_read_gprs: a context of which more than these two is copied has
 * the rest from there. */
void unicorn_write_gprs(struct unicorn_engine *u, uint64_t rip);
void unicorn_write_gpr(struct unicorn_engine *u, int gpr, uint64_t value);
/* Everything but gpr, rip and rflags. */
void unicorn_read_rest(struct unicorn_engine *u, struct x86_state *st);
void unicorn_load(struct unicorn_engine *u); /* *u->st, all of it */
uint64_t unicorn_user_flags(uint64_t rflags);

/* paging.c */
pgr_status unicorn_map_memory(struct unicorn_engine *u, struct pgr_error *e);
void unicorn_unmap_memory(struct unicorn_engine *u);
void unicorn_observe(struct unicorn_engine *u);
/* Makes va present. Else the NTSTATUS that the guest gets. */
uint32_t unicorn_page_in(struct unicorn_engine *u, uint64_t va, enum cpu_access access);
void unicorn_flush_pending(struct unicorn_engine *u);
/* Control has reached the gate at va by a fault. Where its page has nothing but int3, to everybody,
 * it executes from now on: that exit is the cheaper one. */
void unicorn_open_gate(struct unicorn_engine *u, uint64_t va);
/* Makes the TLB larger when that is due. */
void unicorn_note_growth(struct unicorn_engine *u);
void unicorn_hide_memory(struct unicorn_engine *u);
void unicorn_collect_dirty(struct cpu_engine *e);
/* Whether va's page is present and executes. */
bool unicorn_executes(struct unicorn_engine *u, uint64_t va);
/* Bytes at va as the guest last fetched them; false where nothing is present. */
bool unicorn_code_byte(struct unicorn_engine *u, uint64_t va, uint8_t *out);

/* Physical memory in which data is watched; whether there is room for it. */
bool unicorn_can_alias(const struct unicorn_engine *u);
bool unicorn_map_aliases(struct unicorn_engine *u);
/* All pages are looked at anew: what is watched has changed. */
void unicorn_forget_pages(struct unicorn_engine *u);
/* Of what is watched; false: that is not. */
bool unicorn_virtual(struct unicorn_engine *u, uint64_t phys, uint64_t *va);

/* watch.c */
/* A page that executes has data that is watched. */
void unicorn_watch_widely(struct unicorn_engine *u);
pgr_status unicorn_watch(struct cpu_engine *e, const struct cpu_watch *list, size_t n);
/* The processor is at rest, *u->st is current or there is no run. */
pgr_status unicorn_apply_watch(struct unicorn_engine *u);
bool unicorn_watches(const struct unicorn_engine *u, enum cpu_watch_kind kind, uint64_t first,
                     uint64_t last);
size_t unicorn_watch_hooks(const struct unicorn_engine *u);
void unicorn_free_watch(struct unicorn_engine *u);

/* sights.c */
void unicorn_on_code(uc_engine *uc, uint64_t address, uint32_t size, void *ctx);
void unicorn_on_memory(uc_engine *uc, uc_mem_type type, uint64_t phys, int size, int64_t value,
                       void *ctx);
void unicorn_tell_block(struct unicorn_engine *u, uint64_t address, uint32_t size);
/* In the hook of cpuid. True: it is done, or will not run. */
bool unicorn_tell_cpuid(struct unicorn_engine *u);
/* cpu_sync() inside on_sight. */
void unicorn_sync_sight(struct unicorn_engine *u);
/* After a stop with u->cutting. */
void unicorn_finish_cut(struct unicorn_engine *u);

/* exits.c */
/* Sets block_limit: to be called when a reason to look closer at the next block came or went. */
void unicorn_attend(struct unicorn_engine *u);
/* Whatever fault the library has run into: the next one is the first. Fills u->context. */
void unicorn_forget_exception(struct unicorn_engine *u);
/* After a stop with u->undoing: raises the #GP. */
void unicorn_finish_undo(struct unicorn_engine *u);
pgr_status unicorn_add_hooks(struct unicorn_engine *u, struct pgr_error *e);

/* spare.c: before the ring-3 contexts are made */
void unicorn_spare_checks(struct unicorn_engine *u);
/* Whether translated code looks for stops after hooks of instructions, and accesses to memory. */
static inline bool unicorn_checks(const struct unicorn_engine *u)
{
    return !u->spared || !*u->spared;
}

/* cpuid.c */
void unicorn_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
#endif
