// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/machine.h"
#include "machine/breaks.h"
#include "machine/events.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "machine/aside.h"
#include "mem/space.h"
#include "nt/io/io.h"
#include "win/win.h"

#define DEFAULT_MEMORY (16ull << 30)
#define KERNEL_MOST    (4ull << 30)

bool machine_follows_host(const struct pgr_machine *m)
{
    return m->cfg.clock == PGR_CLOCK_HOST || !m->plan.exact;
}

pgr_status pgr_machine_create(const struct pgr_config *config, struct pgr_machine **out,
                              struct pgr_error *err)
{
    struct pgr_machine *m = xcalloc(1, sizeof *m);
    struct plan_wish wish = {config->engine, config->count, config->clock == PGR_CLOCK_VIRTUAL,
                             config->instrument};
    struct nt_config nt = {
        .strict = config->strict, .seed = config->seed, .intercept = config->intercept};
    m->cfg = *config;
    m->kernel_most = KERNEL_MOST;
    m->cfg.root = m->cfg.engine = m->cfg.overlay = NULL;
    pgr_status s = machine_plan_make(&wish, &m->plan, err);
    if (!s) {
        m->ops = m->plan.steps.data[0].ops;
        nt.xfeatures = m->plan.xfeatures;
        nt.clock_host = machine_follows_host(m);
        s = win_root_find(config->root, &m->root, err);
    }
    if (!s)
        s = mem_ram_create(&m->ram, config->memory ? config->memory : DEFAULT_MEMORY, err);
    if (!s) {
        m->prepared = cpu_prepare(m->ops, m->ram);
        s = nt_kernel_create(&nt, m->ram, &m->k, err);
    }
    if (!s && config->overlay)
        s = nt_io_set_overlay(m->k, config->overlay, err);
    if (s) {
        pgr_machine_destroy(m);
        return s;
    }
    if (config->intercept)
        m->hooks = hooks_create(m->k);
    m->k->up.sync = machine_sync;
    m->k->up.sync_ctx = m;
    machine_connect_workers(m);
    *out = m;
    return PGR_OK;
}

void pgr_machine_destroy(struct pgr_machine *m)
{
    if (!m)
        return;
    machine_asides_end(m);
    bool retired = cpu_retire(m->engine);
    if (!retired)
        cpu_destroy(m->engine);
    cpu_destroy(m->prepared);
    if (m->p)
        nt_object_unref(m->k, &m->p->o);
    if (m->ram)
        mem_ram_retire(m->ram);
    hooks_destroy(m->hooks);
    events_destroy(m);
    breaks_destroy(m->breaks);
    overrides_destroy(m->overrides);
    nt_kernel_destroy(m->k);
    mem_ram_destroy(m->ram);
    if (retired)
        cpu_destroy(m->engine);
    win_root_free(&m->root);
    machine_plan_free(&m->plan);
    for (unsigned i = 0; i < MACHINE_WORKERS_MAX; i++)
        vec_free(&m->workers[i].asked);
    free(m);
}

static enum nt_mount_mode mount_mode(enum pgr_mount_mode mode)
{
    switch (mode) {
    case PGR_MOUNT_READ_WRITE:
        return NT_MOUNT_READ_WRITE;
    case PGR_MOUNT_COPY_ON_WRITE:
        return NT_MOUNT_COPY_ON_WRITE;
    default:
        return NT_MOUNT_READ_ONLY;
    }
}

pgr_status pgr_machine_mount(struct pgr_machine *m, const char *guest_path, const char *host_dir,
                             enum pgr_mount_mode mode, struct pgr_error *err)
{
    return nt_io_mount(m->k, guest_path, host_dir, mount_mode(mode), err);
}

static bool counts(const struct pgr_machine *m)
{
    const struct machine_plan *p = &m->plan;
    return m->cfg.count ||
           (m->step + 1 < p->steps.len && p->steps.data[m->step + 1].point == PLAN_COUNT);
}

pgr_status machine_make_engine(struct pgr_machine *m, struct pgr_error *e)
{
    struct cpu_engine *engine = NULL;
    struct cpu_config cfg = {
        .mem = m->p->mem,
        .on_exit = machine_on_exit,
        .lock = machine_lock,
        .unlock = machine_unlock,
        .ctx = m,
        .gate_base = win_gate_base(m->p->ptr_size),
        .gate_size = WIN_GATE_SIZE,
        .xfeatures = m->k->cfg.xfeatures,
        .count_instructions = counts(m),
        .count_blocks = !m->k->clock.host,
        .on_sight = events_sight,
    };
    if (m->hooks && m->k->clock.host) {
        cfg.note_call = hooks_note_gate(false);
        cfg.note_return = hooks_note_gate(true);
        cfg.on_records = machine_on_records;
        machine_note_calls(m);
    }
    if (m->prepared && m->prepared->ops == m->ops) {
        cfg.prepared = m->prepared;
        m->prepared = NULL;
    }
    pgr_status s = cpu_create(m->ops, &cfg, &engine, e);
    m->engine = engine;
    if (!s && m->events)
        s = events_watch(m, e);
    m->worker_limit =
        m->ops->caps & CPU_CAP_PARALLEL ? MIN(host_processors(), MACHINE_WORKERS_MAX) : 1;
    return s;
}

unsigned pgr_machine_pointer_size(const struct pgr_machine *m)
{
    return m->p ? m->p->ptr_size : 0;
}

uint64_t pgr_machine_services(const struct pgr_machine *m)
{
    return m->services;
}

uint64_t pgr_machine_instructions(const struct pgr_machine *m)
{
    return m->instructions + (m->engine ? cpu_instructions(m->engine) : 0);
}

const char *pgr_machine_engine(const struct pgr_machine *m, const char **why)
{
    if (why)
        *why = m->plan.why;
    return m->ops->name;
}
