// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { IDLE_SLICES = 3, RUN_ON_US = 50 };

/* ---- Life ------------------------------------------------------------------------------------ */

static void destroy(struct cpu_engine *e)
{
    struct kvm_engine *k = kvm_of(e);
    cpu_timer_destroy(&k->timer);
    mem_unobserve(k->base.cfg.mem, k);
    kvm_close(k);
    cpu_notes_destroy(&k->notes);
    kvm_unmap_memory(k);
    kvm_return_signal(k);
    free(k);
}

static void slice_is_over(void *ctx)
{
    struct kvm_engine *k = ctx;
    atomic_store(&k->slice_over, true);
    kvm_kick(k);
}

static pgr_status create(const struct cpu_config *cfg, struct cpu_engine **out, struct pgr_error *e)
{
    struct kvm_engine *k = calloc(1, sizeof *k);
    pgr_status status;

    if (!k)
        return err_set(e, PGR_E_NOMEM, "kvm: no memory for the engine");
    k->base = (struct cpu_engine){&cpu_kvm, *cfg};
    k->kvm = k->vm = k->vcpu = -1;
    k->timer.fn = slice_is_over;
    k->timer.ctx = k;
    if (cfg->gate_size)
        k->gate_span = align_up(cfg->gate_base + cfg->gate_size, MEM_PAGE) -
                       align_down(cfg->gate_base, MEM_PAGE);
    if ((status = kvm_open(k, e)) != PGR_OK || (status = kvm_map_memory(k, e)) != PGR_OK ||
        (status = kvm_make_vcpu(k, e)) != PGR_OK || (status = kvm_claim_signal(k, e)) != PGR_OK ||
        (mem_ptr_size(cfg->mem) == 4 && (status = kvm_check_compat(k, e)) != PGR_OK)) {
        destroy(&k->base);
        return status;
    }
    kvm_notes_init(k);
    kvm_observe(k);
    *out = &k->base;
    return PGR_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static bool non_canonical(uint64_t va)
{
    return kvm_canonical(va) != va;
}

static void begin_slice(struct kvm_engine *k)
{
    cpu_timer_disarm(&k->timer);
    atomic_store(&k->slice_over, false);
    if (k->slice)
        cpu_timer_arm(&k->timer, k->slice);
}

static void leave(struct kvm_engine *k, enum cpu_exit_kind kind)
{
    const struct cpu_exit exit = {.kind = kind};
    struct cpu_exit noted = exit; /* the guest is where it was noted that it is */
    kvm_note_exit(k, &noted);
    kvm_tell_records(k);
    kvm_leave(k, &exit);
}

/* Whoever wants the guest to stop raises a flag before immediate_exit, so: first clear that, then
 * look. */
static int enter(struct kvm_engine *k)
{
    int r = 0;
    atomic_store(&k->in_guest, true);
    __atomic_store_n(&k->shared->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (atomic_load(&k->stop) || atomic_load(&k->slice_over)) {
        errno = EINTR;
        r = -1;
    } else {
        r = ioctl(k->vcpu, KVM_RUN, 0);
    }
    atomic_store(&k->in_guest, false);
    return r;
}

/* An exception on its way must reach its handler, whatever else is wanted. */
static int finish_exception(struct kvm_engine *k)
{
    int r;
    do {
        __atomic_store_n(&k->shared->immediate_exit, 0, __ATOMIC_SEQ_CST);
        r = ioctl(k->vcpu, KVM_RUN, 0);
    } while (r < 0 && (errno == EINTR || errno == EAGAIN) && k->shared->s.regs.sregs.cs.dpl != 0);
    return r;
}

/* A little further: where the program is it cannot be told whether an exception is on its way. */
static enum interruption run_on(struct kvm_engine *k)
{
    cpu_timer_arm(&k->timer, RUN_ON_US);
    __atomic_store_n(&k->shared->immediate_exit, 0, __ATOMIC_SEQ_CST);
    atomic_store(&k->in_guest, true);
    int r = ioctl(k->vcpu, KVM_RUN, 0);
    int error = errno;
    atomic_store(&k->in_guest, false);
    if (r == 0)
        kvm_look_at_exit(k);
    else if (error == EINTR || error == EAGAIN)
        return kvm_look_at_interruption(k);
    else
        kvm_fail(k, strerror(error));
    return INTERRUPTED_IN_HANDLER;
}

/* A slice has at least one instruction: on a busy host the time may be over before the guest runs.
 * True: it gets another. An instruction that jumps to itself looks the same, hence the limit. */
static bool deserves_another(struct kvm_engine *k, const struct kvm_regs *before)
{
    if (!atomic_load(&k->slice_over) || k->idle_slices == IDLE_SLICES ||
        memcmp(before, &k->shared->s.regs.regs, sizeof *before) != 0)
        return false;
    k->idle_slices++;
    return true;
}

static void interrupted(struct kvm_engine *k, const struct kvm_regs *before)
{
    enum interruption what = kvm_look_at_interruption(k);
    for (k->behind_traps = 0; what == INTERRUPTED_BEHIND_TRAP; k->behind_traps++)
        what = run_on(k);
    k->behind_traps = 0;
    if (what == INTERRUPTED_IN_FLIGHT) {
        if (finish_exception(k) == 0 || k->shared->s.regs.sregs.cs.dpl == 0)
            kvm_look_at_interruption(k);
        else
            kvm_fail(k, "an exception does not arrive");
    }
    if (k->done)
        return;
    if (atomic_exchange(&k->stop, false))
        leave(k, CPU_EXIT_STOP);
    else if (deserves_another(k, before))
        begin_slice(k);
    else if (atomic_load(&k->slice_over))
        leave(k, CPU_EXIT_SLICE);
}

static void step(struct kvm_engine *k)
{
    struct kvm_regs before;

    if (non_canonical(k->st->rip)) { /* no processor can be there */
        kvm_raise(k, X86_VEC_GP);
        if (!k->done && atomic_exchange(&k->stop, false))
            leave(k, CPU_EXIT_STOP);
        return;
    }
    if (!kvm_flush_pending(k)) {
        kvm_fail(k, "cannot take pages away");
        return;
    }
    kvm_put_gprs(k);
    before = k->shared->s.regs.regs;
    if (enter(k) == 0)
        kvm_look_at_exit(k);
    else if (errno == EINTR || errno == EAGAIN)
        interrupted(k, &before);
    else
        kvm_fail(k, strerror(errno));
}

static void run(struct cpu_engine *e, struct x86_state *st, uint64_t budget, struct cpu_exit *exit)
{
    struct kvm_engine *k = kvm_of(e);
    sigset_t kick, before;

    sigemptyset(&kick);
    sigaddset(&kick, k->kick_signal);
    pthread_sigmask(SIG_UNBLOCK, &kick, &before);
    k->st = st;
    k->exit = exit;
    k->done = false;
    kvm_note_begin(k);
    k->idle_slices = 0;
    atomic_store(&k->runner, gettid());
    begin_slice(k);
    if (!kvm_put_rest(k))
        kvm_fail(k, "cannot write the vector registers");
    while (!k->done)
        step(k);
    cpu_timer_disarm(&k->timer);
    k->st = NULL;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void sync_state(struct cpu_engine *e, struct x86_state *st)
{
    struct kvm_engine *k = kvm_of(e);
    if (!k->in_handler || k->synced || st != k->st)
        return;
    k->synced = kvm_get_rest(k);
}

static void stop(struct cpu_engine *e)
{
    struct kvm_engine *k = kvm_of(e);
    atomic_store(&k->stop, true);
    kvm_kick(k);
}

static void set_slice(struct cpu_engine *e, uint64_t slice)
{
    struct kvm_engine *k = kvm_of(e);
    k->slice = slice;
    if (k->st)
        begin_slice(k);
}

const struct cpu_engine_ops cpu_kvm = {
    .name = "kvm",
    .caps = CPU_CAP_AVX,
    .probe = kvm_probe,
    .create = create,
    .destroy = destroy,
    .run = run,
    .sync = sync_state,
    .stop = stop,
    .set_slice = set_slice,
    .note_call = kvm_note_call,
    .note_calls = kvm_note_calls,
    .next_record = kvm_next_record,
    .collect_dirty = kvm_collect_dirty,
};
