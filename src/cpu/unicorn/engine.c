// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_BUFFER = 32 << 20, IDLE_LIMIT = 16 };

static pgr_status open_processor(struct unicorn_engine *u, struct pgr_error *e)
{
    uc_err err = u->lib.uc_open(UC_ARCH_X86, UC_MODE_64, &u->uc);
    if (err != UC_ERR_OK)
        return err_set(e, PGR_E_NOMEM, "unicorn: cannot start: %s", u->lib.uc_strerror(err));
    /* Before anything else: these only count until the processor is built. */
    uc_ctl_set_cpu_model(u->uc, UC_CPU_X86_HASWELL);
    uc_ctl_set_tcg_buffer_size(u->uc, CODE_BUFFER);
    /* Without this an `until` of 0 makes a jump to NULL end the run as if all were well. */
    err = uc_ctl_exits_enable(u->uc);
    if (err != UC_ERR_OK)
        return err_set(e, PGR_E_UNSUPPORTED, "unicorn: %s", u->lib.uc_strerror(err));
    return PGR_OK;
}

static void free_contexts(struct unicorn_engine *u)
{
    uc_context *all[] = {u->context, u->general, u->undo, u->mode32, u->mode64};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i]) /* the library would follow NULL */
            u->lib.uc_context_free(all[i]);
}

static void destroy(struct cpu_engine *e)
{
    struct unicorn_engine *u = unicorn_of(e);
    cpu_timer_destroy(&u->timer);
    mem_unobserve(u->base.cfg.mem, u);
    free_contexts(u);
    if (u->uc)
        u->lib.uc_close(u->uc);
    unicorn_unmap_memory(u);
    unicorn_free_watch(u);
    free(u);
}

static void slice_is_over(void *ctx)
{
    struct unicorn_engine *u = ctx;
    atomic_store(&u->slice_over, true);
    atomic_store(&u->block_limit, 0);
}

static pgr_status create(const struct cpu_config *cfg, struct cpu_engine **out, struct pgr_error *e)
{
    struct unicorn_engine *u = calloc(1, sizeof *u);
    pgr_status status;

    if (!u)
        return err_set(e, PGR_E_NOMEM, "unicorn: no memory for the engine");
    u->base = (struct cpu_engine){&cpu_unicorn, *cfg};
    u->timer.fn = slice_is_over;
    u->timer.ctx = u;
    u->by_blocks = cfg->count_blocks;
    u->block_end = u->budget_end = UINT64_MAX;
    if (cfg->gate_size)
        u->gate_span = align_up(cfg->gate_base + cfg->gate_size, MEM_PAGE) -
                       align_down(cfg->gate_base, MEM_PAGE);
    if ((status = unicorn_load_library(&u->lib, e)) != PGR_OK ||
        (status = open_processor(u, e)) != PGR_OK ||
        (status = unicorn_map_memory(u, e)) != PGR_OK) {
        destroy(&u->base);
        return status;
    }
    unicorn_spare_checks(u);
    if ((status = unicorn_prepare_contexts(u, e)) != PGR_OK ||
        (status = unicorn_add_hooks(u, e)) != PGR_OK) {
        destroy(&u->base);
        return status;
    }
    unicorn_observe(u);
    *out = &u->base;
    return PGR_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static void export_all(struct unicorn_engine *u)
{
    unicorn_read_gprs(u);
    unicorn_read_rest(u, u->st);
    if (u->stepping && !u->guest_tf)
        u->st->rflags &= ~(uint64_t)X86_FLAG_TF;
    u->stepping = false;
}

static bool fail(struct unicorn_engine *u, const char *why)
{
    export_all(u);
    snprintf(u->message, sizeof u->message, "unicorn: %s at %#llx", why,
             (unsigned long long)u->st->rip);
    *u->exit = (struct cpu_exit){.kind = CPU_EXIT_FAILURE, .message = u->message};
    return true;
}

static bool leave(struct unicorn_engine *u, enum cpu_exit_kind kind)
{
    export_all(u);
    *u->exit = (struct cpu_exit){.kind = kind};
    return true;
}

/*
 * Every start fetches from an address where nothing is. The hook of that fault looks at the flags,
 * lets the TLB follow the page tables, and goes to the thread's rip: see on_entry.
 */
static uc_err start(struct unicorn_engine *u)
{
    u->reload = u->exited = u->has_pending = u->refresh = false;
    u->start_rip = u->st->rip;
    unicorn_attend(u);
    return u->lib.uc_emu_start(u->uc, ENTRY_VA, 0, 0, 0);
}

/* True: the run is over, *exit says why. */
static bool settle(struct unicorn_engine *u, uc_err err)
{
    if (u->cutting)
        unicorn_finish_cut(u);
    else if (u->undoing)
        unicorn_finish_undo(u);
    if (u->exited)
        return true;
    if (u->reload)
        return false;
    if (u->has_pending)
        return leave(u, u->pending);
    if (u->refresh && err == UC_ERR_OK && u->in_block) {
        export_all(u);
        u->retrying = u->committed = true;
        u->retry_rip = u->st->rip;
        return false;
    }
    if (atomic_exchange(&u->stop, false))
        return leave(u, CPU_EXIT_STOP);
    if (atomic_load(&u->slice_over))
        return leave(u, CPU_EXIT_SLICE);
    if (err != UC_ERR_OK)
        return fail(u, u->lib.uc_strerror(err));
    if (!u->refresh && ++u->idle_starts == IDLE_LIMIT)
        return fail(u, "stops for no reason");
    export_all(u);
    return false;
}

static void begin_slice(struct unicorn_engine *u)
{
    cpu_timer_disarm(&u->timer);
    atomic_store(&u->slice_over, false);
    u->slice_from = u->blocks;
    u->block_end = u->by_blocks && u->slice ? u->blocks + u->slice : UINT64_MAX;
    if (u->slice && !u->by_blocks)
        cpu_timer_arm(&u->timer, u->slice);
    unicorn_attend(u);
}

/* Where on_sight ended the last run in a block the rest of it is no new one. */
static void resume_block(struct unicorn_engine *u)
{
    u->retrying = u->st == u->cut_st && u->st->rip == u->cut_rip;
    u->retry_rip = u->cut_rip;
    u->committed = u->pause = false;
    u->now.blocks = UINT64_MAX;
    if (u->retrying)
        u->cut_st = NULL;
}

/* Not in front of an instruction that was told of, and has accesses that the old list tells of. */
static bool rewatch(struct unicorn_engine *u)
{
    if (u->committed && u->watch.memory) {
        u->pause = true;
        return true;
    }
    if (unicorn_apply_watch(u) == PGR_OK)
        return true;
    u->exited = fail(u, "no memory for hooks");
    return false;
}

static void run(struct cpu_engine *e, struct x86_state *st, uint64_t budget, struct cpu_exit *exit)
{
    struct unicorn_engine *u = unicorn_of(e);
    uc_err err;

    u->st = st;
    u->exit = exit;
    u->idle_starts = 0;
    resume_block(u);
    u->budget_end = budget ? u->instructions + budget : UINT64_MAX;
    u->running = true;
    begin_slice(u);
    do {
        if (u->rewatch && !rewatch(u))
            break;
        unicorn_load(u);
        err = start(u);
    } while (!settle(u, err));
    cpu_timer_disarm(&u->timer);
    u->running = false;
}

static void sync_state(struct cpu_engine *e, struct x86_state *st)
{
    struct unicorn_engine *u = unicorn_of(e);
    if (u->in_sight)
        unicorn_sync_sight(u);
    if (!u->in_handler || u->synced)
        return;
    unicorn_read_rest(u, st);
    size_t from = offsetof(struct x86_state, cs);
    memcpy((char *)&u->before + from, (const char *)st + from, X86_STATE_BASE_SIZE - from);
    u->synced = true;
}

static void stop(struct cpu_engine *e)
{
    struct unicorn_engine *u = unicorn_of(e);
    atomic_store(&u->stop, true);
    atomic_store(&u->block_limit, 0);
}

static void set_slice(struct cpu_engine *e, uint64_t slice)
{
    struct unicorn_engine *u = unicorn_of(e);
    u->slice = slice;
    if (u->running)
        begin_slice(u);
}

static void count_blocks(struct cpu_engine *e, bool on)
{
    struct unicorn_engine *u = unicorn_of(e);
    if (u->by_blocks == on)
        return;
    u->by_blocks = on;
    if (u->running)
        begin_slice(u); /* in the new unit */
}

static uint64_t instructions(const struct cpu_engine *e)
{
    return ((const struct unicorn_engine *)e)->instructions;
}

static uint64_t blocks(const struct cpu_engine *e)
{
    return ((const struct unicorn_engine *)e)->blocks;
}

static size_t hooks(const struct cpu_engine *e)
{
    const struct unicorn_engine *u = (const struct unicorn_engine *)e;
    return u->hooks + unicorn_watch_hooks(u);
}

const struct cpu_engine_ops cpu_unicorn = {
    .name = "unicorn",
    .caps =
        CPU_CAP_DETERMINISTIC | CPU_CAP_COUNT | CPU_CAP_BLOCKS | CPU_CAP_OBSERVE | CPU_CAP_RDTSC,
    .create = create,
    .destroy = destroy,
    .run = run,
    .sync = sync_state,
    .stop = stop,
    .set_slice = set_slice,
    .count_blocks = count_blocks,
    .watch = unicorn_watch,
    .collect_dirty = unicorn_collect_dirty,
    .instructions = instructions,
    .blocks = blocks,
    .hooks = hooks,
};
