/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PEREGRINE_EVENT_H
#define PEREGRINE_EVENT_H
/*
 * Hooks on everything that is not a call of a function by name (for those: peregrine/hook.h): code
 * and memory as they are used, faults, exceptions, instructions that need the kernel, modules,
 * threads, processes.
 *
 *     static bool give_page(struct pgr_machine *m, struct pgr_event *e, void *ctx)
 *     {
 *         return pgr_machine_map(m, e->address & ~0xfffull, 0x1000, PGR_RW, NULL) == PGR_OK;
 *     }
 *     ...
 *     pgr_hook(m, &(struct pgr_hook){.kind = PGR_HOOK_WRITE_UNMAPPED, .handler = give_page,
 *                                    .first = 0x10000000, .last = 0x1fffffff}, NULL, &err);
 *
 * Handlers run in the host thread of the guest thread that it is about, which stands still; on
 * engines that run several guest threads at once the others may go on, but no two handlers run at
 * the same time. In handlers all of machine.h that looks in and changes things may be used,
 * pgr_machine_map and its like, hooks may come and go, and pgr_machine_stop; not run, load, save,
 * hand over or destroy.
 */
#include <peregrine/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

enum pgr_hook_kind {
    /*
     * While code runs, on engines that can tell: unicorn, or pgr_config.instrument, which chooses
     * one. What is not watched costs nothing; memory that is makes all accesses to memory slower.
     * CODE of one address is for every engine. Those that cannot tell put a breakpoint there, which
     * the guest sees when it reads its code, and which goes when it writes there; it has to be in
     * an image, or in memory that is there already.
     */
    PGR_HOOK_CODE = 1,   /* an instruction of the range is about to run */
    PGR_HOOK_BLOCK,      /* instructions that run one after the other are: `size` bytes of them */
    PGR_HOOK_FETCH,      /* as CODE, in the order of READ and WRITE */
    PGR_HOOK_READ,       /* data of the range is about to be read by an instruction */
    PGR_HOOK_WRITE,      /* or written: `value` */
    PGR_HOOK_READ_AFTER, /* it was read: `value` */
    PGR_HOOK_CPUID,      /* is about to run. True: done, the handler has set the registers */
    /*
     * Instructions that end in the kernel, on every engine. True: the handler did it, registers are
     * set, and the program goes on behind the instruction or where the handler has put rip. False:
     * as without a hook. The range is that of the instruction's address.
     */
    PGR_HOOK_RDTSC,     /* rdtsc and rdtscp. Engines that leave them to the processor cannot tell */
    PGR_HOOK_IN,        /* in and ins: `code` is the port where one is named */
    PGR_HOOK_OUT,       /* out and outs: the same, and `value` */
    PGR_HOOK_SYSCALL,   /* syscall, the gate of 32-bit programs, int 2eh: `code` is the number */
    PGR_HOOK_INTERRUPT, /* int n: `code` is n; 3 and 4 too */
    PGR_HOOK_INVALID_INSTRUCTION, /* `size` is 0: for true the handler moves rip itself */
    /*
     * Accesses that the guest's memory refuses, on every engine, by instructions of the guest.
     * True: try again, since the handler has done something about it; the same fault at once again
     * is the guest's. False: as without a hook. The range is that of `address`.
     */
    PGR_HOOK_READ_UNMAPPED, /* nothing is there, or it is reserved only */
    PGR_HOOK_WRITE_UNMAPPED,
    PGR_HOOK_FETCH_UNMAPPED,
    PGR_HOOK_READ_PROTECTED, /* something is, with another protection; guard pages too */
    PGR_HOOK_WRITE_PROTECTED,
    PGR_HOOK_FETCH_PROTECTED,
    /*
     * What the kernel does, on every engine.
     */
    PGR_HOOK_EXCEPTION, /* `code` (an NTSTATUS) is about to be dispatched to the guest; the range is
                         * that of where. True: swallowed, the program goes on with its registers
                         * as they are now. What programs raise themselves the guest's ntdll
                         * dispatches without the kernel: hook ntdll!RtlRaiseException for that */
    PGR_HOOK_SERVICE,   /* `name` with the number `code` is about to be done. True: it is not, rax
                         * is the answer. pgr_hook_call("nt!Nt…") knows the arguments as well */
    PGR_HOOK_MODULE_LOAD, /* `name` is mapped at `address`, with `size` bytes */
    PGR_HOOK_MODULE_UNLOAD,
    PGR_HOOK_THREAD_START,  /* `thread` is made and has not run; `address` is where it will begin */
    PGR_HOOK_THREAD_END,    /* `code` is its exit status */
    PGR_HOOK_PROCESS_START, /* the program is about to execute its first instruction */
    PGR_HOOK_PROCESS_END,   /* `code` is its exit status */
    PGR_HOOK_KINDS
};

/* Bits of pgr_event.access, and protections. */
enum { PGR_R = 1, PGR_W = 2, PGR_X = 4, PGR_RW = PGR_R | PGR_W, PGR_RX = PGR_R | PGR_X };

/* Lives while the handler runs. Fields that the kind does not name are 0. */
struct pgr_event {
    enum pgr_hook_kind kind;
    uint32_t thread;  /* guest thread id; 0: none has to do with it */
    uint64_t ip;      /* the instruction, or the one at which the thread stands */
    uint64_t address; /* of code, data, module */
    uint64_t size;    /* of the instruction, block, access (at most 8, wider ones come in parts),
                         module */
    uint64_t value;   /* of what is written or was read, in its lowest `size` bytes */
    uint32_t access;  /* of memory: PGR_R, PGR_W or PGR_X */
    uint32_t code;
    uint32_t width;     /* IN, OUT: bytes, 1, 2 or 4 */
    bool second_chance; /* EXCEPTION: no handler of the guest's took it */
    const char *name;   /* MODULE: file name in lower case; SERVICE: "NtClose"; NULL: none */
    const char *path;   /* MODULE: "C:\…" when known */
};

/* The result is of use where the kind says so. */
typedef bool pgr_event_fn(struct pgr_machine *m, struct pgr_event *e, void *ctx);

struct pgr_hook {
    enum pgr_hook_kind kind;
    uint64_t first, last; /* addresses, both in the range; both 0: all */
    pgr_event_fn *handler;
    void *ctx;
    int order; /* of several, ascending; equals as they were hooked. After one that has returned
                  true no further one is asked */
};

/*
 * Before or during a run. *id (may be NULL) is for pgr_unhook; never 0. Kept over hand-overs
 * between engines, not in snapshots. PGR_E_ARGUMENT: no handler, no such kind, an empty range.
 * PGR_E_ENGINE: the engine that is chosen cannot; the sentence names those that can. Before
 * pgr_machine_load "auto" takes one of them instead.
 */
pgr_status pgr_hook(struct pgr_machine *m, const struct pgr_hook *hook, uint32_t *id,
                    struct pgr_error *err);
/* PGR_E_NOT_FOUND: no such hook. */
pgr_status pgr_unhook(struct pgr_machine *m, uint32_t id, struct pgr_error *err);
/* "write-unmapped" for PGR_HOOK_WRITE_UNMAPPED, and so on; NULL: no such kind. */
const char *pgr_hook_kind_name(enum pgr_hook_kind kind);

/* ---- Memory of the guest
 * ----------------------------------------------------------------------------------------- */

/*
 * Whole pages around [address, address + size), zeroed, of access PGR_R, …; the guest sees memory
 * that was allocated with VirtualAlloc. What is reserved there is committed. PGR_E_ARGUMENT: size
 * 0, beyond user mode, or something is mapped there already. PGR_E_NOMEM.
 */
pgr_status pgr_machine_map(struct pgr_machine *m, uint64_t address, uint64_t size, unsigned access,
                           struct pgr_error *err);
/* PGR_E_ARGUMENT: not all of it is committed. */
pgr_status pgr_machine_protect(struct pgr_machine *m, uint64_t address, uint64_t size,
                               unsigned access, struct pgr_error *err);
/* What pgr_machine_map (or the guest, with VirtualAlloc) has made there. PGR_E_ARGUMENT: something
 * else, or nothing. */
pgr_status pgr_machine_unmap(struct pgr_machine *m, uint64_t address, uint64_t size,
                             struct pgr_error *err);

#ifdef __cplusplus
}
#endif
#endif
