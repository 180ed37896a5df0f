/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_KE_THREAD_H
#define NT_KE_THREAD_H
/*
 * Threads, waits and the scheduler.
 *
 * A blocked thread is data: its nt_wait says for what, and whoever changes an object calls
 * nt_signal(), which completes the waits that can pass now. So a service never blocks inside: it
 * starts a wait with nt_wait_begin() and returns what that returns. When that is NT_BLOCKED the
 * dispatcher leaves the thread's registers alone; the status arrives in RAX when the wait ends.
 */
#include "arch/x86.h"
#include "nt/ob/object.h"

/* Not a status of NT: the calling thread waits now, or its registers were replaced. */
#define NT_BLOCKED 0xe0b10c8du
/* Not a status either: nothing was done, since another thread would not stand still yet (see
 * nt_upcalls.stand_still); the dispatcher waits until it does and calls the service again. */
#define NT_AWAIT 0xe0b10c8eu

enum { NT_WAIT_MAX = 64 };

enum nt_thread_state { NT_THREAD_READY, NT_THREAD_RUNNING, NT_THREAD_WAITING, NT_THREAD_ENDED };

enum nt_wait_kind {
    NT_WAIT_OBJECTS, /* objects[0..count), any or all */
    NT_WAIT_DELAY,   /* only the deadline or an APC */
    NT_WAIT_ALERT,   /* NtWaitForAlertByThreadId: the thread's own alert */
    NT_WAIT_KEYED,   /* keyed event: waits for NtReleaseKeyedEvent with `key` */
    NT_WAIT_KEYED_RELEASE,
    NT_WAIT_COMPLETION, /* NtRemoveIoCompletion on objects[0] */
    NT_WAIT_WORK,       /* a worker factory or another queue: ended by its owner */
    NT_WAIT_HOST        /* a host descriptor must become readable (console, pipe) */
};

struct nt_wait {
    uint8_t kind; /* enum nt_wait_kind */
    bool all, alertable, has_deadline;
    uint32_t count;
    nt_id objects[NT_WAIT_MAX]; /* each holds a reference while waiting */
    uint64_t deadline;          /* nt_now() at which it times out */
    uint64_t key;
    uint64_t arg[6]; /* the owner's: where to write results when it ends */
    int host_fd;
    /* Called when a wait of kind COMPLETION, WORK or HOST may have become possible; writes results,
     * returns the status, or NT_BLOCKED to go on waiting. Index into nt_wait_retries (snapshots
     * store it). 0: none. */
    uint8_t retry;
};

struct nt_apc {
    uint64_t routine, arg[3];
    uint8_t kind; /* 0: plain user APC (KiUserApcDispatcher) ; 1: special (runs without alert) */
};

struct nt_thread {
    struct nt_object o;
    uint32_t tid;
    nt_id process;
    struct x86_state cpu;
    uint8_t state; /* enum nt_thread_state */
    uint32_t suspend_count;
    uint32_t holds; /* services of other threads that want this one to stand still; not saved */
    bool alerted, alerted_by_id, hide_from_debugger, impersonating;
    int32_t base_priority, priority;
    uint64_t affinity;
    uint64_t teb, stack_base, stack_limit,
        stack_region;   /* user stack: top, lowest committed, base */
    bool foreign_stack; /* it was switched to one that the guest made itself: a fiber's */
    uint64_t start_address, start_parameter;
    ntstatus exit_status;
    struct nt_wait wait;
    struct nt_apc *apcs;
    size_t apc_len, apc_cap;
    uint64_t created, ended;  /* nt_system_time() */
    uint64_t services;        /* services called so far */
    uint32_t blocked_service; /* number and arguments of the service that the thread waits in */
    uint64_t blocked_args[18];
    uint64_t blocked_caller;
    nt_id token; /* impersonation */
    uint16_t *description;
    size_t description_len;
};

extern const struct nt_type nt_type_thread;

static inline struct nt_thread *nt_thread_get(struct nt_kernel *k, nt_id id)
{
    return nt_object_get(k, id, NT_TYPE_THREAD);
}

/* ---- Waits ------------------------------------------------------------------------------------
 */

/* A guest timeout: NULL pointer → none. Negative: relative, positive: absolute system time.
 * Fills has_deadline and deadline. STATUS_ACCESS_VIOLATION on a bad pointer. */
ntstatus nt_wait_timeout(struct nt_call *c, uint64_t timeout_ptr, struct nt_wait *w);
/* Starts the wait described by *w (copied) for the calling thread: passes at once when it can (the
 * status), delivers a pending APC (STATUS_USER_APC) if alertable, times out at once for a deadline
 * in the past, else NT_BLOCKED. */
ntstatus nt_wait_begin(struct nt_call *c, const struct nt_wait *w);
/* The state of o changed: completes waits that can pass now, in the order in which they began. */
void nt_signal(struct nt_kernel *k, struct nt_object *o);
/* Ends t's wait with a status; t becomes ready. */
void nt_wait_end(struct nt_kernel *k, struct nt_thread *t, ntstatus status);
/* The thread is about to end: it waits for nothing any more. */
void nt_wait_cancel(struct nt_kernel *k, struct nt_thread *t);
/* Retry functions by number; see struct nt_wait. Defined in ke/retry.c. */
typedef ntstatus nt_wait_retry_fn(struct nt_kernel *k, struct nt_thread *t);
enum { NT_RETRY_NONE, NT_RETRY_COMPLETION, NT_RETRY_READ, NT_RETRY_PIPE, NT_RETRY_COUNT };
extern nt_wait_retry_fn *const nt_wait_retries[NT_RETRY_COUNT];

/* Hands t's first queued APC over now: `status` is what the interrupted service returns afterwards.
 * False when there is none, or no way to tell the guest. */
bool nt_apc_deliver(struct nt_kernel *k, struct nt_thread *t, ntstatus status);
/* Queues a user APC and ends an alertable wait. */
void nt_apc_queue(struct nt_kernel *k, struct nt_thread *t, const struct nt_apc *apc);

/* One resume; t runs when the count reaches 0. And the thread that has the tid, NULL: none alive.
 */
void nt_thread_resume(struct nt_kernel *k, struct nt_thread *t);
void nt_thread_suspend(struct nt_kernel *k, struct nt_thread *t);
struct nt_thread *nt_thread_by_tid(struct nt_kernel *k, uint32_t tid);

/* ---- Scheduling -------------------------------------------------------------------------------
 */

struct nt_sched *nt_sched_create(void);
void nt_sched_destroy(struct nt_kernel *k);
void nt_sched_transfer(struct nt_kernel *k, struct ser *s);
/* After a load: fails unless threads, their states and the queues agree. */
void nt_sched_settle(struct nt_kernel *k, struct ser *s);
/* The next thread to run, made RUNNING; NULL when none is ready. Deterministic: in the order in
 * which they became ready; priorities are kept for the guest to ask, and do not starve anybody.
 * Several threads may be RUNNING, on as many workers of the machine. */
struct nt_thread *nt_sched_next(struct nt_kernel *k);
/* Puts a RUNNING thread back at the end of its queue; others are left alone. */
void nt_sched_yield(struct nt_kernel *k, struct nt_thread *t);
/* Whether t must leave guest mode: it was suspended, or another thread waits for it. */
static inline bool nt_thread_must_stop(const struct nt_thread *t)
{
    return t->state != NT_THREAD_RUNNING || t->suspend_count || t->holds;
}
bool nt_sched_others_ready(struct nt_kernel *k, const struct nt_thread *t);
void nt_thread_make_ready(struct nt_kernel *k, struct nt_thread *t);
/* Takes a READY thread out of its queue: it was suspended or has ended. Whoever resumes it makes it
 * ready anew; were it still there, it would have two turns from then on. */
void nt_sched_withdraw(struct nt_kernel *k, const struct nt_thread *t);
/* The earliest deadline of a wait or timer; false when nothing is timed. */
bool nt_sched_deadline(struct nt_kernel *k, uint64_t *when);
/* Expires waits and timers that are due at nt_now(). */
void nt_sched_expire(struct nt_kernel *k);
/* Waits of kind HOST: polls their descriptors for up to timeout_ms (-1: for ever) and retries those
 * that are ready. False when there are none. */
bool nt_sched_poll_host(struct nt_kernel *k, int timeout_ms);

/* ---- Time: all in units of 100 ns -------------------------------------------------------------
 */

struct nt_clock {
    bool host;            /* follows the host; else virtual */
    uint64_t now;         /* interrupt time: since start */
    uint64_t boot_system; /* system time (since 1601) at now == 0 */
    uint64_t host_origin; /* host monotonic ns at now == 0 */
    uint64_t shown;       /* `now` as last written to the shared user data */
    uint64_t tsc;         /* the last value that rdtsc gave: it never goes back */
};
/* Before anything has run. */
void nt_clock_begin(struct nt_kernel *k, bool host);
uint64_t nt_now(struct nt_kernel *k); /* since machine start */
/* What the guest is told of the time since boot: no Windows runs programs in its first moments, and
 * some (Go) take a zero for a broken clock. */
uint64_t nt_uptime(struct nt_kernel *k);
uint64_t nt_system_time(struct nt_kernel *k); /* since 1601-01-01 UTC */
void nt_clock_transfer(struct nt_kernel *k, struct ser *s);
/* Virtual clock: lets time pass. A no-op for the host's. */
void nt_clock_advance(struct nt_kernel *k, uint64_t by);
#endif
