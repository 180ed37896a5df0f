// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "mem/space.h"
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NS_PER_US = 1000 };

/* ---- Whether this host can ------------------------------------------------------------------- */

static bool has_trap_action(void)
{
    uint32_t action = SECCOMP_RET_TRAP;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool has_fsgsbase(void)
{
    enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };
    return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
}

static bool low_memory_maps(void)
{
    char text[24] = "";
    int fd = open("/proc/sys/vm/mmap_min_addr", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n <= 0 || strtoul(text, NULL, 10) <= 0x10000;
}

/* That there are 32-bit system calls shows when the child begins: to try would take another one. */
static pgr_status probe(struct pgr_error *e)
{
    if (!has_trap_action())
        return err_set(e, PGR_E_UNSUPPORTED,
                       "the native engine needs seccomp filters, which this kernel or container "
                       "does not allow");
    if (!has_fsgsbase())
        return err_set(e, PGR_E_UNSUPPORTED,
                       "the native engine needs the FSGSBASE instructions: a processor from 2012 "
                       "or later and Linux 5.9");
    if (!low_memory_maps())
        return err_set(e, PGR_E_UNSUPPORTED,
                       "the native engine maps memory from 0x10000 on, but vm.mmap_min_addr is "
                       "higher; sysctl vm.mmap_min_addr=65536 allows it");
    return PGR_OK;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void retire(struct cpu_engine *e)
{
    struct native_engine *n = native_of(e);
    if (n->base.cfg.mem)
        native_memory_destroy(n);
    n->base.cfg.mem = NULL;
    native_child_end(n);
}

static void destroy(struct cpu_engine *e)
{
    retire(e);
    native_child_destroy(native_of(e));
}

static pgr_status begin(struct mem_ram *ram, bool parallel, struct native_engine **out,
                        struct pgr_error *e)
{
    struct native_engine *n = xcalloc(1, sizeof *n);
    n->base.ops = &cpu_native;
    n->ram = ram;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->changed, NULL);
    x86_xsave_probe(&n->xs);
    n->host_cpus = host_processors();
    sched_getaffinity(0, sizeof n->cpus, &n->cpus);
    n->exec_count = MIN(n->host_cpus, NATIVE_EXEC_MAX);
    if (!parallel)
        n->exec_count = 1;
    pgr_status s = native_child_start(n, e);
    if (s)
        destroy(&n->base);
    else
        *out = n;
    return s;
}

static struct cpu_engine *prepare(struct mem_ram *ram)
{
    struct native_engine *n;
    return begin(ram, true, &n, NULL) ? NULL : &n->base;
}

static pgr_status create(const struct cpu_config *cfg, struct cpu_engine **out, struct pgr_error *e)
{
    struct native_engine *n = cfg->prepared ? native_of(cfg->prepared) : NULL;
    pgr_status s = n ? PGR_OK : begin(mem_space_ram(cfg->mem), cfg->lock != NULL, &n, e);
    if (s)
        return s;
    n->base.cfg = *cfg;
    s = native_memory_init(n, e);
    if (s)
        destroy(&n->base);
    else
        *out = &n->base;
    return s;
}

/* ---- Running --------------------------------------------------------------------------------- */

struct run {
    struct native_engine *n;
    struct native_exec *x;
    struct cpu_exit *exit;
    uint64_t until; /* end of the slice, 0: none */
};

static bool fail(struct run *r, const char *message)
{
    *r->exit = (struct cpu_exit){.kind = CPU_EXIT_FAILURE, .message = message};
    native_tell_records(r->x); /* what there is of them */
    return true;
}

/* What is queued must not be lost, and what the address space has taken away is to be gone. */
static void finish_operations(struct run *r)
{
    struct native_exec *x = r->x;
    if (!native_flush(x) || (x->op_count && !native_command(x, 0) && !native_forget_all(x)))
        fail(r, native_describe_death(r->n));
}

/* True: the run is over. */
static bool leave(struct run *r, const struct cpu_exit *exit)
{
    *r->exit = *exit;
    native_tell_records(r->x);
    if (!native_save(r->x))
        return fail(r, native_describe_death(r->n));
    return true;
}

static bool asked_to_leave(struct run *r)
{
    atomic_store(&r->x->ctl->kick, 0);
    if (atomic_load(&r->n->stop) && atomic_exchange(&r->n->stop, false))
        return leave(r, &(struct cpu_exit){.kind = CPU_EXIT_STOP});
    if (atomic_exchange(&r->x->interrupted, false))
        return leave(r, &(struct cpu_exit){.kind = CPU_EXIT_SLICE});
    return false;
}

static bool handle(struct run *r, struct cpu_exit *exit)
{
    struct native_engine *n = r->n;
    native_tell_records(r->x);
    r->x->in_handler = true;
    bool go_on = n->base.cfg.on_exit(n->base.cfg.ctx, r->x->st, exit);
    r->x->in_handler = false;
    return !go_on && leave(r, exit);
}

/* An address that no code can be at: iretq would fault inside the stub. */
static bool wild(const struct x86_state *st)
{
    return st->rip >> 47 != 0 && st->rip >> 47 != 0x1ffff;
}

/* One stay in the guest. True: the run is over. */
static bool turn(struct run *r)
{
    struct cpu_exit exit = {.kind = CPU_EXIT_SLICE};
    struct native_exec *x = r->x;

    if (wild(x->st)) {
        exit = (struct cpu_exit){.kind = CPU_EXIT_EXCEPTION, .vector = X86_VEC_GP};
        return handle(r, &exit);
    }
    if (!native_flush(x) || !native_resume(x, r->until))
        return fail(r, native_describe_death(r->n));
    if (native_exit(x, &exit)) {
        if (handle(r, &exit))
            return true;
    } else if (exit.kind == CPU_EXIT_FAILURE) {
        native_child_kill(r->n);
        return fail(r, exit.message);
    }
    if (r->until && host_monotonic_ns() >= r->until)
        return leave(r, &(struct cpu_exit){.kind = CPU_EXIT_SLICE});
    return false;
}

static void run(struct cpu_engine *e, struct x86_state *st, uint64_t budget, struct cpu_exit *exit)
{
    struct native_engine *n = native_of(e);
    struct run r = {.n = n, .exit = exit};
    uint64_t slice = atomic_load(&n->slice);
    bool interrupted = false;

    if (!native_child_ready(n) || !(r.x = native_take(n, st, &interrupted))) {
        *exit = (struct cpu_exit){.kind = interrupted ? CPU_EXIT_SLICE : CPU_EXIT_FAILURE,
                                  .message = interrupted ? NULL : native_describe_death(n)};
        return;
    }
    if (slice)
        r.until = host_monotonic_ns() + slice * NS_PER_US;
    while (!asked_to_leave(&r) && !turn(&r))
        ;
    if (exit->kind != CPU_EXIT_FAILURE)
        finish_operations(&r);
    native_give(r.x);
}

static void sync_state(struct cpu_engine *e, struct x86_state *st)
{
    struct native_engine *n = native_of(e);
    for (unsigned i = 0; i < n->exec_count; i++)
        if (n->exec[i].st == st && n->exec[i].in_handler)
            native_save(&n->exec[i]);
}

static void stop(struct cpu_engine *e)
{
    struct native_engine *n = native_of(e);
    atomic_store(&n->stop, true);
    for (unsigned i = 0; i < n->exec_count; i++)
        if (n->exec[i].taken)
            native_kick(&n->exec[i]);
}

static void interrupt(struct cpu_engine *e, struct x86_state *st)
{
    native_interrupt(native_of(e), st);
}

static void set_slice(struct cpu_engine *e, uint64_t slice)
{
    atomic_store(&native_of(e)->slice, slice);
}

const struct cpu_engine_ops cpu_native = {
    .name = "native",
    .caps = CPU_CAP_PARALLEL | CPU_CAP_AVX,
    .probe = probe,
    .prepare = prepare,
    .create = create,
    .destroy = destroy,
    .retire = retire,
    .run = run,
    .sync = sync_state,
    .stop = stop,
    .interrupt = interrupt,
    .set_slice = set_slice,
    .note_call = native_note_call,
    .note_calls = native_note_calls,
    .next_record = native_next_record,
    .collect_dirty = native_collect_dirty,
};
