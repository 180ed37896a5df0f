/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_KERNEL_H
#define NT_KERNEL_H
/*
 * The NT kernel in user mode: everything below the system-call boundary, as one object.
 *
 * The kernel is entered with its lock held (nt_lock), by whichever worker of the machine runs the
 * guest thread that calls; a guest thread that waits does not hold it, since waiting is data
 * (ke/thread.h). Parts of it that live
 * in subfolders hang here by pointer and have create, destroy and transfer of their own.
 */
#include "nt/ke/thread.h"
#include "nt/ob/object.h"
#include "nt/ps/process.h"
#include <pthread.h>

struct nt_service;
struct nt_io;       /* io/: mounts, open files, console */
struct nt_registry; /* cm/ */
struct nt_claims;   /* ob/claims.c */
struct nt_mm;       /* mm/: images laid out already */
struct nt_sched;    /* ke/: who is ready, who waits, which timers run */
struct nt_ex;       /* ex/: atoms and other executive odds and ends */

struct nt_exception;

/* What the layers above the kernel do for it; set by win/ at boot. */
struct nt_upcalls {
    /* Makes t go on in the guest's exception dispatcher. `record` is EXCEPTION_RECORD in its 64-bit
     * layout (struct nt_exception). False when the guest cannot be told (no stack). */
    bool (*raise)(struct nt_kernel *k, struct nt_thread *t, const struct nt_exception *record);
    /* Makes t go on in KiUserApcDispatcher with the APC; t's present registers continue after. */
    bool (*apc)(struct nt_kernel *k, struct nt_thread *t, const struct nt_apc *apc);
    /* Allocates TEB and stack of a new thread and points it at the loader. */
    ntstatus (*thread_start)(struct nt_kernel *k, struct nt_thread *t, uint64_t stack_reserve,
                             uint64_t stack_commit);
    /* [va, va + len) was touched by a service on t's behalf and hit a guard page: true when that
     * was the guard of t's stack, which has grown now. */
    bool (*grow_stack)(struct nt_kernel *k, struct nt_thread *t, uint64_t va, size_t len);
    /* A number from 0x1000 up that the table lacks was called: reads win32u's numbers as well. True
     * when the table changed. */
    bool (*more_services)(struct nt_kernel *k, const struct nt_process *p);
    /* Frees what thread_start made. */
    void (*thread_stop)(struct nt_kernel *k, struct nt_thread *t);
    /* Brings all of t->cpu up to date, and has all of it taken back, while t runs in an engine.
     * Call it before touching more than gpr, rip and rflags of the running thread. */
    void (*sync)(struct nt_kernel *k, struct nt_thread *t);
    void *sync_ctx; /* of this and the next ones */
    /* The next four are NULL where the machine runs one thread at a time. */
    /* A thread became ready. */
    void (*ready)(struct nt_kernel *k);
    /* t was suspended or has ended, and should leave guest mode soon if it is there. */
    void (*interrupt)(struct nt_kernel *k, struct nt_thread *t);
    /* True: t executes no guest code, and will not until the service that is going on is done (all
     * its registers are known after sync). False: it was told to; return NT_AWAIT. */
    bool (*stand_still)(struct nt_kernel *k, struct nt_thread *t);
    /* Gives the lock up until every thread that was told to stands still. */
    void (*await)(struct nt_kernel *k);
    /* The service that asked is done: they may go on. */
    void (*let_go)(struct nt_kernel *k);
};

struct nt_exception {
    uint32_t code, flags;
    uint64_t record, address;
    uint32_t count;
    uint64_t info[15];
    bool first_chance;
};

struct nt_config {
    bool clock_host;
    bool strict;         /* an unimplemented service stops the machine */
    bool intercept;      /* images get room for thunks behind their pages (hook/) */
    uint64_t seed;       /* of everything random */
    uint64_t xfeatures;  /* state components beyond SSE that the processor has, as in XCR0 */
    uint64_t start_time; /* virtual clock: system time at start, 0: the default */
};

/* Something that the user should hear of: what was missing, what was refused. */
enum nt_note_kind { NT_NOTE_SERVICE, NT_NOTE_CLASS, NT_NOTE_DENIED, NT_NOTE_DEVICE };
struct nt_note {
    uint8_t kind;
    char *what;   /* "NtFoo", "NtQuerySystemInformation class 77", "C:\secret" */
    char *detail; /* who called, or which option would allow it */
    uint64_t count;
};

/*
 * Who wants to hear of what is no service: traces, scripts. Each function may be NULL. They are
 * called with the lock held, from inside what happens: they look, and change nothing.
 */
struct nt_watcher {
    struct nt_watcher *next; /* the kernel's */
    void *ctx;
    /* As nt_kernel.on_image, and after it. */
    void (*image)(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                  const uint16_t *path, size_t path_len, bool mapped);
    void (*thread)(void *ctx, struct nt_thread *t, bool starts); /* else it has ended */
    /* Before the guest's dispatcher or, at the second chance, the end of the process. */
    void (*exception)(void *ctx, struct nt_thread *t, const struct nt_exception *e);
    void (*process_end)(void *ctx, struct nt_process *p);
    void (*tick)(void *ctx); /* between slices, and before the machine waits */
};

struct nt_kernel {
    pthread_mutex_t lock;
    struct nt_config cfg;
    struct mem_ram *ram;
    struct nt_object_table *objects;
    struct nt_clock clock;
    uint64_t random[4]; /* xoshiro256** */
    struct nt_sched *sched;
    uint32_t next_client_id; /* pids and tids: multiples of 4 */
    nt_id turn;              /* a limit came in the middle of this thread's slice: it is next */
    nt_id root_directory;
    nt_id first_process; /* the program that the machine runs */
    struct nt_upcalls up;
    struct nt_io *io;
    struct nt_registry *registry;
    struct nt_ex *ex;
    struct nt_mm *mm; /* made at first use */
    struct nt_note *notes;
    size_t note_len, note_cap;
    /* Service numbers as scanned from the guest's own DLLs; index = number. */
    const struct nt_service **service_table;
    uint32_t service_count;
    /* Wine's DLLs take what their own kernel side gives where Windows' differs; set by win/wine.c.
     */
    bool wine_userland;
    bool wine_unixlib_handle; /* ntdll has a handle of its own: since Wine 9 */
    struct nt_claims *claims; /* of a load that is going on */
    bool damaged;             /* a load failed: all that is left to do is to free memory */
    bool stop_requested;      /* strict mode found something; the reason is the last note */
    bool need_resched;        /* the current thread should give way after this service */
    uint32_t slice_services;  /* services called since the current thread was scheduled */
    /* An observer of services, for tracing; NULL: nobody. */
    /* A service that blocked is reported again (entry == false) when its wait ends. */
    void (*on_service)(void *ctx, struct nt_call *c, bool entry, ntstatus result);
    void *on_service_ctx;
    /* Who changes what services do; NULL: nobody. Arguments may be changed before; true: *answer is
     * the result, and the service is not run. And the result of one that returns, maybe of a thread
     * that waited for it and does not run. */
    bool (*on_service_enter)(void *ctx, struct nt_call *c, ntstatus *answer);
    void (*on_service_leave)(void *ctx, struct nt_call *c, ntstatus *status);
    void *override_ctx;
    /* Who may swallow exceptions; NULL: nobody. True: t goes on with its registers as they are now,
     * instead of in the guest's dispatcher or, at the second chance, of the process's end. */
    bool (*on_exception)(void *ctx, struct nt_thread *t, const struct nt_exception *e);
    void *on_exception_ctx;
    /* Said once with -v, or when something is missing. */
    void (*on_note)(void *ctx, const struct nt_note *n);
    void *on_note_ctx;
    /* Text that the guest meant for a debugger or a log. May be NULL. */
    void (*on_debug_text)(void *ctx, const char *text, size_t len);
    void *on_debug_text_ctx;
    /* Images come and go (trace, debuggers). May be NULL. */
    void (*on_image)(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                     const uint16_t *path, size_t path_len, bool mapped);
    void *on_image_ctx;
    struct nt_watcher *watchers;
    uint32_t calling_tid; /* who called the last service; kept while there are watchers */
    /* Whoever keeps something else than return addresses on stacks puts them back before the guest
     * looks for exception handlers there, and may take them again when it goes on from one. */
    void (*on_dispatch)(void *ctx, struct nt_thread *t);
    void (*on_continue)(void *ctx, struct nt_thread *t);
    void *on_dispatch_ctx;
};

pgr_status nt_kernel_create(const struct nt_config *cfg, struct mem_ram *ram,
                            struct nt_kernel **out, struct pgr_error *e);
void nt_kernel_destroy(struct nt_kernel *k);
/*
 * Saving and loading, in this order: the host's side (mounts, overlay, registry, clock); then the
 * caller's RAM, which may name files of the former; then objects, which name both; then the
 * caller's address spaces. After a load nt_kernel_settle works out what follows from the rest, and
 * fails where parts do not fit together.
 */
void nt_kernel_transfer_host(struct nt_kernel *k, struct ser *s);
void nt_kernel_transfer_objects(struct nt_kernel *k, struct ser *s);
void nt_kernel_settle(struct nt_kernel *k, struct ser *s);
/* A load failed: the kernel can only be destroyed, and does nothing to the host's files by it. */
void nt_kernel_abandon(struct nt_kernel *k);

static inline void nt_lock(struct nt_kernel *k)
{
    pthread_mutex_lock(&k->lock);
}
static inline void nt_unlock(struct nt_kernel *k)
{
    pthread_mutex_unlock(&k->lock);
}

/* *w is the caller's, and stays until nt_unwatch. */
void nt_watch(struct nt_kernel *k, struct nt_watcher *w);
void nt_unwatch(struct nt_kernel *k, struct nt_watcher *w);
/* NT_TELL(k, thread, t, true): calls that function of every watcher. */
#define NT_TELL(k, event, ...)                                                                     \
    do {                                                                                           \
        for (const struct nt_watcher *nt_w = (k)->watchers; nt_w; nt_w = nt_w->next)               \
            if (nt_w->event)                                                                       \
                nt_w->event(nt_w->ctx, ##__VA_ARGS__);                                             \
    } while (0)

uint64_t nt_random(struct nt_kernel *k);
void nt_random_bytes(struct nt_kernel *k, void *out, size_t len);

/* Counts a note; new ones are passed to on_note. Texts are copied. */
void nt_note(struct nt_kernel *k, enum nt_note_kind kind, const char *what, const char *detail);
#endif
