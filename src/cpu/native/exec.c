// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Executors: handing a guest thread's registers over and waiting for them to come back.
 *
 * Both sides look at the turn for a while before they sleep, if there are processors enough: to
 * wake a sleeper takes ten times as long as most services do. How long pays is learned from how
 * long the last turns took.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "base/hostio.h"
#include <errno.h>
#include <immintrin.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SPIN_MIN = 100, /* looks, of some 30 ns each */
    SPIN_MAX = 3000,
    SPIN_IDLE = 50, /* of an executor that nobody has */
    LOOKS_PER_YIELD = 64,
    SLEEP_MS = 100,      /* the longest sleep without a look at the child's health */
    KICK_AGAIN_US = 200, /* signals that meet the stub are repeated */
    UNRESPONSIVE_S = 10, /* from the first kick until the child is given up */
};
#define NS_PER_S 1000000000ull

#define CHECK(field, offset)                                                                       \
    _Static_assert(offsetof(struct native_ctl, field) == (offset), "stub.S has it elsewhere")
CHECK(turn, CTL_TURN);
CHECK(child_sleeps, CTL_CHILD_SLEEPS);
CHECK(parent_sleeps, CTL_PARENT_SLEEPS);
CHECK(kick, CTL_KICK);
CHECK(exit, CTL_EXIT);
CHECK(spin, CTL_SPIN);
CHECK(op_count, CTL_OP_COUNT);
CHECK(cmd, CTL_CMD);
CHECK(stepped, CTL_STEPPED);
CHECK(xmask, CTL_XMASK);
CHECK(signal, CTL_SIGNAL);
CHECK(xrstor, CTL_XRSTOR);
CHECK(siginfo, CTL_SIGINFO);
CHECK(ucontext, CTL_UCONTEXT);
CHECK(fs_base, CTL_FS_BASE);
CHECK(gs_base, CTL_GS_BASE);
CHECK(segs, CTL_SEGS);
CHECK(slot, CTL_SLOT);
CHECK(gpr, CTL_GPR);
CHECK(frame, CTL_FRAME);
_Static_assert(sizeof(struct native_op) == OP_SIZE, "stub.S has another size");

/* ---- Turns ----------------------------------------------------------------------------------- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns)
{
    struct timespec ts = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0);
}

static bool is_ours(const struct native_exec *x)
{
    return atomic_load_explicit(&x->ctl->turn, memory_order_acquire) != TURN_CHILD;
}

static bool spin(struct native_exec *x)
{
    for (uint32_t i = 0; i < x->spin; i++) {
        if (is_ours(x))
            return true;
        _mm_pause();
    }
    return is_ours(x);
}

static void sleep_for(struct native_exec *x, uint64_t ns)
{
    atomic_store(&x->ctl->parent_sleeps, 1);
    if (!is_ours(x))
        futex_wait(&x->ctl->turn, TURN_CHILD, ns);
    atomic_store(&x->ctl->parent_sleeps, 0);
}

/* Not sticky: what was to end is looked at anew when the guest thread comes out. */
static void signal_executor(struct native_exec *x)
{
    if (x->tid > 0 && !atomic_load(&x->n->dead))
        syscall(SYS_tgkill, x->n->pid, x->tid, NATIVE_KICK);
}

void native_kick(struct native_exec *x)
{
    atomic_store(&x->ctl->kick, 1);
    if (!is_ours(x))
        signal_executor(x);
}

/* The child's thread is somewhere where no signal brings it out: only a guest that means harm gets
 * there. */
static void give_up(struct native_exec *x)
{
    native_child_kill(x->n);
}

struct patience {
    uint64_t until;  /* when the guest thread is to come out, 0: never */
    uint64_t kicked; /* since when it is asked to */
    uint64_t again;
};

static uint64_t next_sleep(const struct native_exec *x, struct patience *p)
{
    uint64_t now = host_monotonic_ns();
    uint64_t longest = x->tied_to < 0 ? SLEEP_MS * 1000000ull : NATIVE_SHORT_NS;
    if (!p->kicked && ((p->until && now >= p->until) || atomic_load(&x->ctl->kick)))
        p->kicked = now;
    if (!p->kicked)
        return p->until ? MIN(p->until - now, longest) : longest;
    p->again = p->again ? MIN(2 * p->again, longest) : KICK_AGAIN_US * 1000ull;
    return p->again;
}

/* One sleep, after which the guest thread may be out. */
static void wait_once(struct native_exec *x, struct patience *p)
{
    uint64_t ns = next_sleep(x, p);
    if (p->kicked)
        signal_executor(x);
    if (p->kicked && host_monotonic_ns() - p->kicked > UNRESPONSIVE_S * NS_PER_S)
        give_up(x);
    sleep_for(x, ns);
}

static bool sleep_until_ours(struct native_exec *x, uint64_t until)
{
    struct patience p = {.until = until};
    while (!is_ours(x)) {
        if (atomic_load(&x->n->dead))
            return false;
        wait_once(x, &p);
        if (!is_ours(x))
            native_untie(x); /* a long turn: the host may balance */
    }
    return true;
}

static bool await(struct native_exec *x, uint64_t until)
{
    if (spin(x)) {
        x->spin = MIN(x->spin + x->spin / 4, SPIN_MAX);
        native_turn_met(x);
        return true;
    }
    x->spin = MAX(x->spin / 2, SPIN_MIN);
    uint64_t since = host_monotonic_ns();
    bool alive = sleep_until_ours(x, until);
    native_turn_missed(x, host_monotonic_ns() - since);
    return alive;
}

bool native_await(struct native_exec *x)
{
    return await(x, 0);
}

static void hand_over(struct native_exec *x)
{
    struct native_ctl *c = x->ctl;
    bool alone = native_place(x) || x->n->host_cpus < 2 * x->n->active;
    x->spin = alone ? 0 : MAX(x->spin, SPIN_MIN);
    c->spin = alone ? 0 : SPIN_MAX;
    atomic_exchange(&c->turn, TURN_CHILD);
    if (atomic_load(&c->child_sleeps))
        syscall(SYS_futex, &c->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* ---- Operations ------------------------------------------------------------------------------ */

bool native_queue(struct native_exec *x, uint64_t nr, const uint64_t args[6])
{
    if (x->op_count == OP_MAX)
        return false;
    struct native_op op = {.nr = nr};
    memcpy(op.args, args, sizeof op.args);
    uint8_t *list = native_block_bytes(x) + EXEC_OPS;
    memcpy(list + (size_t)x->op_count++ * sizeof op, &op, sizeof op);
    return true;
}

static void send_operations(struct native_exec *x)
{
    atomic_store(&x->ctl->op_count, x->op_count);
    x->op_count = 0;
}

/* Lists are done in the order in which they were made: another executor's, sent with a resume, may
 * still be under way. */
static bool await_others(struct native_exec *x)
{
    struct native_engine *n = x->n;
    for (unsigned i = 0; i < n->exec_count; i++) {
        struct native_exec *o = &n->exec[i];
        uint64_t since = 0;
        unsigned looks = 0;
        while (o != x && o->in_flight && atomic_load(&o->ctl->op_count) && !is_ours(o)) {
            uint64_t now = host_monotonic_ns();
            since = since ? since : now;
            if (atomic_load(&n->dead) || now - since > UNRESPONSIVE_S * NS_PER_S) {
                native_child_kill(n);
                return false;
            }
            if (++looks % LOOKS_PER_YIELD)
                _mm_pause();
            else
                sched_yield(); /* it may want this processor */
        }
        if (o != x)
            o->in_flight = false;
    }
    return true;
}

bool native_command(struct native_exec *x, uint32_t cmd)
{
    if (!await_others(x))
        return false;
    send_operations(x);
    x->ctl->cmd = cmd;
    hand_over(x);
    return await(x, 0) && x->ctl->exit == EXIT_DONE;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static uint64_t user_flags(uint64_t flags)
{
    const uint64_t id = 0x200000;
    return (flags & (X86_FLAGS_USER | id)) | X86_FLAG_IF | 2;
}

/* What may be loaded into a data segment register here, without a fault. */
static uint32_t data_selector(uint16_t want)
{
    return want == X86_SEL_CODE32 || want == X86_SEL_CODE64 || want <= 3 ? want : X86_SEL_DATA;
}

static void put_segments(struct native_exec *x, const struct x86_state *st)
{
    struct native_ctl *c = x->ctl;
    c->segs[0] = data_selector(st->ds);
    c->segs[1] = data_selector(st->es);
    c->segs[2] = st->fs == X86_SEL_TEB32 || st->fs == SEL_TEB ? SEL_TEB : data_selector(st->fs);
    c->segs[3] = data_selector(st->gs);
    c->fs_base = st->fs_base;
    c->gs_base = st->gs_base;
}

static void get_segments(struct native_exec *x, struct x86_state *st)
{
    const struct native_ctl *c = x->ctl;
    st->ds = (uint16_t)c->segs[0];
    st->es = (uint16_t)c->segs[1];
    if ((uint16_t)c->segs[2] != SEL_TEB)
        st->fs = (uint16_t)c->segs[2];
    else if (st->fs != X86_SEL_TEB32 && st->fs != SEL_TEB)
        st->fs = X86_SEL_TEB32;
    st->gs = (uint16_t)c->segs[3];
    st->fs_base = c->fs_base;
    st->gs_base = c->gs_base;
}

static void put_general(struct native_exec *x, const struct x86_state *st)
{
    struct native_ctl *c = x->ctl;
    memcpy(c->gpr, st->gpr, sizeof c->gpr);
    c->frame = (struct native_frame){.rip = st->rip,
                                     .cs = x86_is_32bit(st) ? X86_SEL_CODE32 : X86_SEL_CODE64,
                                     .rflags = user_flags(st->rflags),
                                     .rsp = st->gpr[X86_RSP],
                                     .ss = X86_SEL_DATA};
}

/* 32-bit code may load FS again: the descriptor must have its base, too. */
static void queue_teb(struct native_exec *x)
{
    enum { SET_THREAD_AREA_32 = 243, DESCRIPTOR = 16 };
    struct native_engine *n = x->n;
    uint32_t base = (uint32_t)x->st->fs_base;
    if (!x86_is_32bit(x->st) || x->teb == base || !n->low32)
        return;
    const uint32_t seg_32bit = 1, limit_in_pages = 16, usable = 64;
    const uint32_t desc[4] = {TLS_TEB, base, 0xfffff, seg_32bit | limit_in_pages | usable};
    memcpy(n->area + NATIVE_LOW_OFFSET + x->index * DESCRIPTOR, desc, sizeof desc);
    native_queue(x, SET_THREAD_AREA_32 | OP_INT80,
                 (const uint64_t[6]){NATIVE_LOW32 + x->index * DESCRIPTOR});
    x->teb = base;
}

static uint32_t put_state(struct native_exec *x)
{
    struct native_ctl *c = x->ctl;
    uint32_t cmd = CMD_RESUME;
    if (x->where == IN_STATE) {
        x86_xsave_put(&x->n->xs, native_block_bytes(x) + EXEC_XSAVE, x->st);
        c->xrstor = native_block(x) + EXEC_XSAVE;
        put_segments(x, x->st);
        queue_teb(x);
        cmd |= CMD_LOAD | CMD_SEGS;
    } else if (x->where == IN_FRAME) {
        c->xrstor = native_block(x) + (uint64_t)(x->frame_fx - native_block_bytes(x));
        cmd |= CMD_LOAD;
    }
    put_general(x, x->st);
    return cmd;
}

bool native_save(struct native_exec *x)
{
    if (x->where == IN_STATE)
        return true;
    const uint8_t *fx = x->frame_fx;
    if (x->where == IN_CPU) {
        if (!native_command(x, CMD_SAVE))
            return false;
        fx = native_block_bytes(x) + EXEC_XSAVE;
    }
    uint8_t copy[X86_XSAVE_MAX] __attribute__((aligned(64)));
    memcpy(copy, fx, x->n->xs.size);
    x86_xsave_get(&x->n->xs, copy, x->st);
    get_segments(x, x->st);
    x->where = IN_STATE;
    return true;
}

/* ---- Going on -------------------------------------------------------------------------------- */

static void unlock(struct native_engine *n)
{
    if (n->base.cfg.unlock)
        n->base.cfg.unlock(n->base.cfg.ctx);
}

static void lock(struct native_engine *n)
{
    if (n->base.cfg.lock)
        n->base.cfg.lock(n->base.cfg.ctx);
}

bool native_resume(struct native_exec *x, uint64_t until)
{
    struct native_engine *n = x->n;
    uint32_t cmd = put_state(x);
    if (!await_others(x))
        return false;
    x->in_flight = x->op_count != 0;
    send_operations(x);
    x->ctl->cmd = cmd;
    x->ctl->stepped = 0;
    n->active++;
    hand_over(x);
    cpu_notes_tell_taken(&n->notes);
    unlock(n);
    bool alive = await(x, until);
    lock(n);
    n->active--;
    x->in_flight = false;
    if (alive && !(x->ctl->cmd & CMD_LOAD))
        x->where = IN_CPU;
    return alive;
}

/* ---- Lending --------------------------------------------------------------------------------- */

static struct native_exec *find_free(struct native_engine *n)
{
    for (unsigned i = 0; i < n->exec_count; i++)
        if (!n->exec[i].taken)
            return &n->exec[i];
    return NULL;
}

static struct native_exec *try_take(struct native_engine *n)
{
    pthread_mutex_lock(&n->lock);
    struct native_exec *x = find_free(n);
    if (x)
        x->taken = true;
    pthread_mutex_unlock(&n->lock);
    return x;
}

static void stop_waiting(struct native_engine *n, const struct native_waiting *w)
{
    struct native_waiting **p = &n->waiting;
    while (*p != w)
        p = &(*p)->next;
    *p = w->next;
}

static struct native_exec *wait_free(struct native_engine *n, const struct x86_state *st,
                                     bool *interrupted)
{
    struct native_exec *x;
    pthread_mutex_lock(&n->lock); /* before anybody can find the run neither here nor there */
    struct native_waiting w = {.st = st, .next = n->waiting};
    n->waiting = &w;
    unlock(n);
    while (!(x = find_free(n)) && !w.interrupted && !atomic_load(&n->dead))
        pthread_cond_wait(&n->changed, &n->lock);
    stop_waiting(n, &w);
    *interrupted = w.interrupted;
    if (w.interrupted)
        x = NULL;
    if (x)
        x->taken = true;
    pthread_mutex_unlock(&n->lock);
    lock(n);
    return x;
}

struct native_exec *native_take(struct native_engine *n, struct x86_state *st, bool *interrupted)
{
    struct native_exec *x = try_take(n);
    *interrupted = false;
    if (!x)
        x = wait_free(n, st, interrupted);
    if (!x)
        return NULL;
    x->st = st;
    native_note_begin(x);
    x->where = IN_STATE;
    x->op_count = 0;
    x->in_handler = false;
    atomic_store(&x->interrupted, false);
    return x;
}

void native_interrupt(struct native_engine *n, const struct x86_state *st)
{
    for (unsigned i = 0; i < n->exec_count; i++) {
        struct native_exec *x = &n->exec[i];
        if (x->st != st)
            continue;
        atomic_store(&x->interrupted, true);
        native_kick(x);
        return;
    }
    pthread_mutex_lock(&n->lock);
    for (struct native_waiting *w = n->waiting; w; w = w->next)
        w->interrupted |= w->st == st;
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

void native_give(struct native_exec *x)
{
    struct native_engine *n = x->n;
    native_untie(x);
    pthread_mutex_lock(&n->lock);
    x->ctl->spin = SPIN_IDLE;
    x->st = NULL;
    x->taken = false;
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
}
