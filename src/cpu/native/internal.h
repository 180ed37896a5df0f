/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_NATIVE_INTERNAL_H
#define CPU_NATIVE_INTERNAL_H
/*
 * The native engine, shared among its files.
 *
 * The guest runs in a child process that owns nothing but a stub (stub.S) and mappings of the
 * guest's memory. Its threads, the EXECUTORS, are lent to guest threads for the time of a cpu_run.
 * A run and its executor take turns by a word in shared memory; whatever the parent reads from
 * there may have been written by the guest.
 */
#include "arch/xsave.h"
#include "base/vec.h"
#include "cpu/engine.h"
#include "cpu/native/layout.h"
#include "cpu/notes/notes.h"
#include "cpu/pagetable.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

/* The child's descriptors. What is passed for a view of a file gets the lowest free number. */
enum { CHILD_FD_PASSED = 0, CHILD_FD_RAM = 3, CHILD_FD_AREA = 4, CHILD_FD_SOCKET = 5 };

enum { NATIVE_KICK = SIGUSR1 };

struct native_op {
    uint64_t nr;
    uint64_t args[6];
    int64_t result;
};

struct native_frame { /* as iretq takes it */
    uint64_t rip, cs, rflags, rsp, ss;
};

/* The first page of an executor's block; the other side's writes come at any time. */
struct native_ctl {
    _Atomic uint32_t turn, child_sleeps, parent_sleeps, kick;
    uint32_t exit, spin;
    _Atomic uint32_t op_count;
    uint32_t cmd, stepped, xmask, signal, unused;
    uint64_t xrstor, siginfo, ucontext, fs_base, gs_base;
    uint32_t segs[4];
    uint64_t slot, unused2[2];
    uint64_t gpr[X86_GPR_COUNT];
    struct native_frame frame;
};

/* Where a guest thread's vector registers, selectors and bases are while it has an executor. */
enum native_where {
    IN_CPU,   /* in the executor's processor registers */
    IN_FRAME, /* in a signal frame, but selectors and bases in native_ctl */
    IN_STATE  /* in *st, current */
};

struct native_exec {
    struct native_engine *n;
    unsigned index;
    struct native_ctl *ctl; /* parent's view of the block */
    pid_t tid;
    atomic_bool taken;    /* a run has it */
    struct x86_state *st; /* of the run */
    enum native_where where;
    const uint8_t *frame_fx; /* IN_FRAME: parent's address of the XSAVE image */
    bool in_handler;
    bool in_flight;    /* operations were handed over with a resume and may not be done yet */
    bool map_failed;   /* a host file could not be passed */
    int passed;        /* the host file that the child has now, -1 */
    uint32_t op_count; /* queued in the block's list */
    atomic_bool interrupted;
    uint32_t spin;
    int tied_to; /* the processor that it shares with its run, -1: any (place.c) */
    uint32_t missed, tied_turns, tied_left;
    uint32_t teb; /* base in the descriptor for FS of 32-bit code */
};

struct native_gone { /* addresses that the child must unmap */
    uint64_t va, end;
    bool again; /* they changed, and may be mapped as they are now */
};

struct native_patch { /* a page of code that the child has a copy of, with services patched */
    uint64_t va;
    uint32_t index; /* in the area's file */
};

struct native_waiting { /* a run without an executor */
    const struct x86_state *st;
    bool interrupted;
    struct native_waiting *next;
};

struct native_engine {
    struct cpu_engine base; /* without a space while it is only prepared */
    struct mem_ram *ram;
    struct x86_xsave xs;
    unsigned exec_count, active;
    unsigned host_cpus;
    cpu_set_t cpus; /* those */
    struct native_exec exec[NATIVE_EXEC_MAX];
    _Atomic uint64_t slice;

    /* The child (child.c). */
    int area_fd, image_fd, sock, child_sock; /* sock: to pass files */
    uint8_t *area;                           /* its file, mapped; parent's view */
    size_t area_size;
    pthread_t keeper; /* waits for the child's end */
    bool keeping;
    pthread_mutex_t lock; /* guards what follows; and executors being free, with `changed` */
    pthread_cond_t changed;
    struct native_waiting *waiting;
    pid_t pid;               /* 0: not started yet, -1: never */
    atomic_int wait_status;  /* of the dead child */
    atomic_bool dead, ready; /* ready: executors wait for commands */
    atomic_bool stop;
    bool no_descriptors; /* why it could not begin */

    /* Memory (memory.c). */
    uint8_t *tables;
    struct cpu_pagetable pt;
    VEC(struct native_gone) gone;
    VEC(struct native_patch) patches; /* sorted by va */
    VEC(uint32_t) free_patches;
    uint32_t patch_count; /* copies ever made */
    bool gates;           /* their pages are ours: gates and patched services need no signal */
    bool noting;          /* calls can be noted */
    struct cpu_notes notes;
    bool low32;          /* NATIVE_LOW32 is mapped */
    uint64_t next_fault; /* where the next fault will be when the guest walks upwards */
    uint32_t around;     /* pages to map at once then */
    char message[160];
};

static inline struct native_engine *native_of(struct cpu_engine *e)
{
    return (struct native_engine *)e;
}
/* The child's address of an executor's block. */
static inline uint64_t native_block(const struct native_exec *x)
{
    return NATIVE_AREA + NATIVE_EXECS + (uint64_t)x->index * NATIVE_EXEC_SIZE;
}
static inline uint8_t *native_block_bytes(const struct native_exec *x)
{
    return (uint8_t *)x->ctl;
}

/* stub.S */
extern const uint8_t native_stub[], native_stub_end[], native_stub_boot[], native_stub_boot_end[];
extern const uint8_t native_stub_service[], native_stub_gate[], native_stub_signal[],
    native_stub_thread[], native_stub_after_op[], native_stub_after_int80[],
    native_stub_after_wait[], native_stub_after_wake[];
/* The child's address of a label in the stub. */
static inline uint64_t native_stub_at(const uint8_t *label)
{
    return NATIVE_AREA + (uint64_t)(label - native_stub);
}

/* child.c */
pgr_status native_child_start(struct native_engine *n, struct pgr_error *e);
/* False: the child is dead; native_describe_death says how. */
bool native_child_ready(struct native_engine *n);
void native_child_end(struct native_engine *n);     /* begins it */
void native_child_destroy(struct native_engine *n); /* after that, and n with it */
void native_child_kill(struct native_engine *n);
const char *native_describe_death(struct native_engine *n);

/* filter.c: the child's system call filter, a struct sock_filter program */
size_t native_filter(void *program, size_t max);
/* The ruleset attributes that deny everything Landlock knows of here; 0: there is no Landlock. */
size_t native_landlock(uint64_t attr[3]);

/* exec.c: turns. All but native_kick with the machine's lock held. */
/* Waits for the executor's turn to end; false: the child is dead. */
bool native_await(struct native_exec *x);
/* A free executor for st; gives the lock up while it waits. NULL: the child is dead, or the run was
 * interrupted. */
struct native_exec *native_take(struct native_engine *n, struct x86_state *st, bool *interrupted);
/* The run with st ends its slice, whether it has an executor or waits for one. */
void native_interrupt(struct native_engine *n, const struct x86_state *st);
void native_give(struct native_exec *x);
/* Queues a system call for the executor; false: the list is full. */
bool native_queue(struct native_exec *x, uint64_t nr, const uint64_t args[6]);
/* Has the executor do what is queued, and CMD_* bits other than CMD_RESUME, now. False: something
 * failed, or the child is dead. */
bool native_command(struct native_exec *x, uint32_t cmd);
/* Lets the guest thread go on until the next exit; gives the lock up meanwhile. until: of
 * host_monotonic_ns, when it is to come out; 0: not. False: the child is dead. */
bool native_resume(struct native_exec *x, uint64_t until);
/* Makes the guest thread come out. Safe in a signal handler. */
void native_kick(struct native_exec *x);
/* Brings all of st up to date. */
bool native_save(struct native_exec *x);

/* place.c: whether both sides of an executor's turns share a processor */
enum {
    NATIVE_SHORT_NS = 1000000, /* turns below this are over sooner than the host would balance */
    NATIVE_SPIN_START = 1000,  /* looks, before there is anything to learn from */
};
void native_turn_met(struct native_exec *x);                 /* it came while it was looked for */
void native_turn_missed(struct native_exec *x, uint64_t ns); /* it came after ns, by waking up */
bool native_place(struct native_exec *x); /* before a turn; true: they share one */
void native_untie(struct native_exec *x);

/* exits.c: what a finished turn means. True: there is something for the handler in *exit; x->st
 * has the general registers, rip and flags. False: go on, or exit->kind is CPU_EXIT_FAILURE. */
bool native_exit(struct native_exec *x, struct cpu_exit *exit);

/* memory.c */
pgr_status native_memory_init(struct native_engine *n, struct pgr_error *e);
void native_memory_destroy(struct native_engine *n);
/* Queues the mapping of the page, and of others around it. Else the NTSTATUS for the guest. */
uint32_t native_page_in(struct native_exec *x, uint64_t va, enum cpu_access access);
/* A service came by a signal, from the instruction at va: queues what makes the next one cheaper.
 */
void native_learn_service(struct native_exec *x, uint64_t va);
/* Queues for x what must be unmapped. False: the child is dead. */
bool native_flush(struct native_exec *x);
/* Everything is unmapped, now. False: the child is dead. */
bool native_forget_all(struct native_exec *x);
void native_collect_dirty(struct cpu_engine *e);
/* Queues the mappings of the area's own pages among the guest's: gates, descriptors. */
void native_map_fixed(struct native_exec *x);

/* noting.c: calls that are noted (cpu/notes/) */
bool native_notes_init(struct native_engine *n);
void native_note_call(struct cpu_engine *e, const struct cpu_noted *f);
void native_note_calls(struct cpu_engine *e, const struct x86_state *st, bool on, bool same);
void native_note_begin(struct native_exec *x); /* by another run */
struct x86_state *native_next_record(struct cpu_engine *e, struct cpu_record *r);
/* Before anybody hears of an exit, and at the end of a run. */
void native_tell_records(struct native_exec *x);

/* patch.c */
/* Whether the code with the service instruction at va can be patched: then *offset in the area's
 * file has a copy of its page, with all services in it patched. */
bool native_patch_page(struct native_engine *n, uint64_t va, uint64_t *offset);
void native_unpatch(struct native_engine *n, uint64_t va, uint64_t len);
bool native_is_patched(const struct native_engine *n, uint64_t va);
/* The child's address of a gate's thunk. */
uint64_t native_thunk_of(const struct native_engine *n, uint64_t gate);
/* The gate whose thunk has an instruction at rip, 0: none has. */
uint64_t native_gate_of(const struct native_engine *n, uint64_t rip);
/* Writes the pages that lie over the gates. */
void native_make_gates(struct native_engine *n);
#endif
