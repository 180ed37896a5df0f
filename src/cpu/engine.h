/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_ENGINE_H
#define CPU_ENGINE_H
/*
 * CPU engines: interchangeable executors that own no state.
 *
 * The machine owns the address space (mem/space.h) and each thread's registers (struct x86_state).
 * An engine mirrors the mappings, runs a thread until something happens that user mode cannot do
 * itself, and reports exactly where. Guest code always runs in ring 3 in 64-bit mode or in its
 * 32-bit compatibility segment, whichever st->cs says: one engine object serves both bitnesses.
 *
 * Exits go to one handler. Where that is cheap it is called from inside the engine's loop (a hook
 * of Unicorn), elsewhere after the executor has stopped; the handler cannot tell.
 *
 * One lock, the machine's, guards everything that an engine borrows. Every function here is called
 * with it held, except cpu_stop, and cpu_run returns with it held. An engine with CPU_CAP_PARALLEL
 * gives it back (cpu_config.unlock) while guest code runs, and takes it (lock) before it touches
 * the address space or calls the handler; then several host threads may be in cpu_run, each with
 * another guest thread's registers. Other engines run one thread at a time and keep the lock.
 *
 * What the address space takes away (mem_observer) is gone for the thread that is in the handler
 * when the handler returns. Threads that run at the same time may see the old mapping until then,
 * as on a processor whose TLB is yet to be told; what they see is only ever the guest's own memory.
 */
#include "arch/x86.h"
#include "cpu/note.h"
#include "base/err.h"
#include <stddef.h>

struct mem_ram;
struct mem_space;
struct cpu_engine;

enum cpu_exit_kind {
    CPU_EXIT_SERVICE,   /* `syscall` (or what this engine makes of it); rip is after it */
    CPU_EXIT_GATE,      /* control reached an address in a gate range; rip is that address */
    CPU_EXIT_FAULT,     /* memory access refused by mem_fault(); rip is the instruction */
    CPU_EXIT_EXCEPTION, /* another CPU exception, `vector` and `error_code`; rip is the instruction,
                         * but after it for the traps #BP, #OF (int3, into) and #DB */
    CPU_EXIT_INTERRUPT, /* `int n` with n other than 3 and 4; rip is after it */
    CPU_EXIT_SLICE,     /* the thread's time slice is over */
    CPU_EXIT_BUDGET,    /* cpu_run's instruction budget is used up */
    CPU_EXIT_STOP,      /* cpu_stop() was called; one stop ends one run, even if it comes before */
    CPU_EXIT_FAILURE    /* the engine itself failed; `message` says how */
};

enum cpu_access { CPU_READ = 1, CPU_WRITE = 2, CPU_EXECUTE = 4 };

struct cpu_exit {
    enum cpu_exit_kind kind;
    uint64_t address;       /* FAULT: the address that was touched, exactly; GATE: rip */
    enum cpu_access access; /* FAULT */
    uint32_t status;        /* FAULT: the NTSTATUS that mem_fault() gave */
    uint8_t vector;         /* EXCEPTION, INTERRUPT */
    uint32_t error_code;    /* EXCEPTION, where the CPU pushes one */
    const char *message;    /* FAILURE; static or owned by the engine until the next call */
};

/*
 * Called at SERVICE, GATE, FAULT, EXCEPTION, INTERRUPT. gpr, rip and rflags of `st` are current and
 * may be changed; before reading or changing any other field call cpu_sync(). Returns true to go
 * on running with *st, false to make cpu_run return this exit.
 */
typedef bool cpu_exit_fn(void *ctx, struct x86_state *st, const struct cpu_exit *exit);

enum {
    CPU_CAP_DETERMINISTIC = 1 << 0, /* same input, same instruction count at every exit */
    CPU_CAP_PARALLEL = 1 << 1,      /* several threads at once */
    CPU_CAP_AVX = 1 << 2,     /* x86_state.ext is loaded and saved, as far as the host has it */
    CPU_CAP_COUNT = 1 << 3,   /* counts instructions on request */
    CPU_CAP_BLOCKS = 1 << 4,  /* counts blocks: slices that repeat exactly */
    CPU_CAP_OBSERVE = 1 << 5, /* tells of what runs: cpu_watch() */
    CPU_CAP_RDTSC = 1 << 6,   /* rdtsc is an exception, #GP */
};

/* What may be told of while guest code runs. */
enum cpu_watch_kind {
    CPU_WATCH_CODE,       /* an instruction is about to run; with rep, each round of it */
    CPU_WATCH_BLOCK,      /* a block is: instructions that nothing jumps out of but at their end;
                           * one may be told of again in parts */
    CPU_WATCH_READ,       /* data is about to be read */
    CPU_WATCH_WRITE,      /* or written; `value` is what */
    CPU_WATCH_READ_AFTER, /* it was read; `value` is what */
    CPU_WATCH_CPUID       /* this instruction is about to run */
};

/* A range of addresses, both ends in it: of instructions, or of data. */
struct cpu_watch {
    enum cpu_watch_kind kind;
    uint64_t first, last;
};

struct cpu_sight {
    enum cpu_watch_kind kind;
    uint32_t size;    /* of the instruction, the block, the data; wider data comes in parts of 8 */
    uint64_t ip;      /* the instruction */
    uint64_t address; /* what is in the range that is watched: the same, or the data's */
    uint64_t value;   /* the lowest byte of memory in the lowest bits; 0 where none is known */
};

enum cpu_sight_answer {
    CPU_SIGHT_GO_ON,
    CPU_SIGHT_DONE, /* CPUID: the instruction is not run, *st has its results */
    CPU_SIGHT_STOP  /* cpu_run returns CPU_EXIT_STOP: for CODE, BLOCK and CPUID before what was told
                     * of (which is told of again), otherwise after the instruction */
};

/*
 * Tells of what is watched, with the lock held. *st is stale until cpu_sync(st), which brings every
 * field up to date, to the state before the instruction; what is changed there then is taken over:
 * for CODE, BLOCK and CPUID at once (with another rip the instruction does not run), else not at
 * all: an instruction that reads or writes is half done. Memory may be changed in any case; what is
 * about to be read is read as changed.
 */
typedef enum cpu_sight_answer cpu_sight_fn(void *ctx, struct x86_state *st,
                                           const struct cpu_sight *sight);

/*
 * A part of 64-bit guests' address space that belongs to engines whose guest shares it with code of
 * theirs. Reserved by whoever makes the space, without access, so that the same is free under every
 * engine and running machines can be handed over; such an engine claims it if nobody did.
 */
#define CPU_AREA      0x7ffffff00000
#define CPU_AREA_SIZE 0xf0000
struct mem_space;
/* PGR_E_STATE: the program has memory there. */
pgr_status cpu_claim_area(struct mem_space *mem, const char *engine, struct pgr_error *e);

struct cpu_config {
    struct mem_space *mem; /* outlives the engine, or lasts until cpu_retire() */
    /* What cpu_prepare() gave for the same kind of engine and mem's RAM; create takes it over, even
     * when it fails. */
    struct cpu_engine *prepared;
    cpu_exit_fn *on_exit;
    void (*lock)(void *ctx), (*unlock)(void *ctx); /* see above; NULL: one host thread, no lock */
    void *ctx;
    /* Code addresses in [gate_base, gate_base + gate_size) exit instead of running; the range is
     * mapped read-execute in the guest's space by the machine. 0 bytes: none. */
    uint64_t gate_base, gate_size;
    /* The gates of noted calls and of their return, and who is told; 0: no call is noted. */
    uint64_t note_call, note_return;
    void (*on_records)(void *ctx); /* cpu_next_record() has them */
    /* Components of x86_ext that the guest has been told of; where the engine can, CPUID and XCR0
     * say the same. */
    uint64_t xfeatures;
    cpu_sight_fn *on_sight;  /* NULL: nothing can be watched. CPU_CAP_OBSERVE */
    bool count_instructions; /* exact counting and budgets; costs speed; CPU_CAP_COUNT */
    bool count_blocks;       /* slices by blocks executed: deterministic; CPU_CAP_BLOCKS */
};

struct cpu_engine_ops {
    const char *name;
    unsigned caps;
    /* Whether this host can: PGR_E_UNSUPPORTED with a sentence that says what is missing and what
     * would help. Cheap (no guest is made); NULL: always. */
    pgr_status (*probe)(struct pgr_error *e);
    struct cpu_engine *(*prepare)(struct mem_ram *ram);
    pgr_status (*create)(const struct cpu_config *cfg, struct cpu_engine **out,
                         struct pgr_error *e);
    void (*destroy)(struct cpu_engine *e);
    void (*retire)(struct cpu_engine *e); /* NULL: nothing to begin with */
    void (*run)(struct cpu_engine *e, struct x86_state *st, uint64_t budget, struct cpu_exit *exit);
    void (*sync)(struct cpu_engine *e, struct x86_state *st);
    void (*stop)(struct cpu_engine *e);
    void (*interrupt)(struct cpu_engine *e, struct x86_state *st);
    void (*set_slice)(struct cpu_engine *e, uint64_t slice);
    void (*count_blocks)(struct cpu_engine *e, bool on);
    pgr_status (*watch)(struct cpu_engine *e, const struct cpu_watch *list, size_t n);
    void (*note_call)(struct cpu_engine *e, const struct cpu_noted *f);
    void (*note_calls)(struct cpu_engine *e, const struct x86_state *st, bool on, bool same);
    struct x86_state *(*next_record)(struct cpu_engine *e, struct cpu_record *r);
    void (*collect_dirty)(struct cpu_engine *e);
    uint64_t (*instructions)(const struct cpu_engine *e);
    uint64_t (*blocks)(const struct cpu_engine *e);
    size_t (*hooks)(const struct cpu_engine *e);
};

struct cpu_engine { /* each engine's own struct begins with this */
    const struct cpu_engine_ops *ops;
    struct cpu_config cfg;
};

extern const struct cpu_engine_ops cpu_unicorn;
extern const struct cpu_engine_ops cpu_kvm;    /* x86-64 hosts */
extern const struct cpu_engine_ops cpu_native; /* x86-64 hosts */

/* NULL-terminated, in order of preference of --engine auto. */
extern const struct cpu_engine_ops *const cpu_engines[];
/* Components of x86_ext that engines with CPU_CAP_AVX can carry here, as bits of XCR0. */
uint64_t cpu_host_xfeatures(void);

/* Begins what takes a while and needs no guest yet; the engine is to have a lock. Only good for
 * cpu_config.prepared and for cpu_destroy(). NULL: there is nothing, or it could not be. */
static inline struct cpu_engine *cpu_prepare(const struct cpu_engine_ops *ops, struct mem_ram *ram)
{
    return ops->prepare ? ops->prepare(ram) : NULL;
}
static inline pgr_status cpu_create(const struct cpu_engine_ops *ops, const struct cpu_config *cfg,
                                    struct cpu_engine **out, struct pgr_error *e)
{
    return ops->create(cfg, out, e);
}
/* The engine runs no more and lets go of the guest's memory, so that what takes time about its end
 * happens while that is freed. Then only cpu_destroy() is left. False: destroy it at once. */
static inline bool cpu_retire(struct cpu_engine *e)
{
    if (!e || !e->ops->retire)
        return false;
    e->ops->retire(e);
    return true;
}
static inline void cpu_destroy(struct cpu_engine *e)
{
    if (e)
        e->ops->destroy(e);
}
/*
 * Runs from *st until the handler returns false or a SLICE, BUDGET, STOP or FAILURE. All of *st is
 * current on return. `budget` is a number of instructions, 0 for none; needs count_instructions.
 */
static inline void cpu_run(struct cpu_engine *e, struct x86_state *st, uint64_t budget,
                           struct cpu_exit *exit)
{
    e->ops->run(e, st, budget, exit);
}
/* Inside the handler: brings every field of *st up to date, and has every field (not only the
 * general registers) taken back when the run goes on. Cheap when done already; a no-op outside. */
static inline void cpu_sync(struct cpu_engine *e, struct x86_state *st)
{
    e->ops->sync(e, st);
}
/* Makes the running (or the next) cpu_run return CPU_EXIT_STOP soon. Safe from any thread and from
 * a signal handler. */
static inline void cpu_stop(struct cpu_engine *e)
{
    e->ops->stop(e);
}
/*
 * Another host thread is in cpu_run with st: ends its slice (CPU_EXIT_SLICE) before it executes any
 * more of the guest, or, when it does so now, soon. A no-op for engines without CPU_CAP_PARALLEL
 * and when nobody runs st.
 */
static inline void cpu_interrupt(struct cpu_engine *e, struct x86_state *st)
{
    if (e->ops->interrupt)
        e->ops->interrupt(e, st);
}
/*
 * Length of a slice, 0 for none: blocks with count_blocks (exact, deterministic), else microseconds
 * of host time (a timer, not deterministic). Counted from each cpu_run; may be changed at any exit.
 * Parallel engines use it for every cpu_run that begins later.
 */
static inline void cpu_set_slice(struct cpu_engine *e, uint64_t slice)
{
    e->ops->set_slice(e, slice);
}
/* Whether slices are counted in blocks; at any exit or between runs. The length keeps its number
 * and changes its unit: set one anew. */
static inline void cpu_count_blocks(struct cpu_engine *e, bool on)
{
    if (e->ops->count_blocks)
        e->ops->count_blocks(e, on);
}
/*
 * What on_sight is told of from now on, instead of what it was told of before; copied. In a handler
 * or in on_sight it counts from the next instruction on, between runs at once. What is not watched
 * costs nothing, and with an empty list everything is as if there had been none. PGR_E_UNSUPPORTED:
 * no CPU_CAP_OBSERVE; PGR_E_NOMEM.
 */
static inline pgr_status cpu_watch(struct cpu_engine *e, const struct cpu_watch *list, size_t n)
{
    if (!e->ops->watch)
        return n ? PGR_E_UNSUPPORTED : PGR_OK;
    return e->ops->watch(e, list, n);
}
/* In a handler, or between runs: calls of the function are noted as long as there is room for it;
 * may be said again at any time. NULL: none is noted any more. */
static inline void cpu_note_call(struct cpu_engine *e, const struct cpu_noted *f)
{
    if (e->ops->note_call)
        e->ops->note_call(e, f);
}
/* In the handler of the run with st, at its end: whether calls by it are noted, at first not; and
 * whether returns of those that go on may be, which are the same as before the handler. */
static inline void cpu_note_calls(struct cpu_engine *e, const struct x86_state *st, bool on,
                                  bool same)
{
    if (e->ops->note_calls)
        e->ops->note_calls(e, st, on, same);
}
/* In on_records: the next record, and the run that it is of, whose guest thread may be running on.
 * NULL: there is no more. */
static inline struct x86_state *cpu_next_record(struct cpu_engine *e, struct cpu_record *r)
{
    return e->ops->next_record(e, r);
}
/* Tells mem_mark_dirty() of every page that the guest has written since the last call; pages that
 * left the engine in between were told then. */
static inline void cpu_collect_dirty(struct cpu_engine *e)
{
    e->ops->collect_dirty(e);
}
/* Instructions executed in all, when counted. */
static inline uint64_t cpu_instructions(const struct cpu_engine *e)
{
    return e->ops->instructions ? e->ops->instructions(e) : 0;
}
/* Blocks executed in all; counted always where CPU_CAP_BLOCKS is set. */
static inline uint64_t cpu_blocks(const struct cpu_engine *e)
{
    return e->ops->blocks ? e->ops->blocks(e) : 0;
}
/* How many hooks the executor carries: its own, one more that counts instructions or tells of
 * blocks, and those for what else is watched. */
static inline size_t cpu_hooks(const struct cpu_engine *e)
{
    return e->ops->hooks ? e->ops->hooks(e) : 0;
}
#endif
