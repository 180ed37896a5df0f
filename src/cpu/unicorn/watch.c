// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is watched: the list, and the hooks that it takes. Translated code has the calls of hooks in
 * it, so translations go whenever hooks of instructions or of data come or go, and that only
 * happens while the processor is at rest.
 *
 * Blocks take no hook of their own: on_block looks closer at each of them then. Nor does cpuid,
 * whose hook is always there.
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    CODE_HOOKS_MAX = 256, /* more ranges of code are one hook of all, which looks them up */
    FEW = 32              /* ranges, and pages of each, whose translations go one by one */
};

static const int memory_hooks[CPU_WATCH_KINDS] = {
    [CPU_WATCH_READ] = UC_HOOK_MEM_READ,
    [CPU_WATCH_WRITE] = UC_HOOK_MEM_WRITE,
    [CPU_WATCH_READ_AFTER] = UC_HOOK_MEM_READ_AFTER,
};

/* ---- The list -------------------------------------------------------------------------------- */

static int compare_watches(const void *x, const void *y)
{
    const struct cpu_watch *a = x, *b = y;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Sorts, and makes one of those that overlap or touch. */
static size_t normalise(struct cpu_watch *list, size_t n)
{
    size_t kept = 0;
    qsort(list, n, sizeof *list, compare_watches);
    for (size_t i = 0; i < n; i++) {
        struct cpu_watch *last = kept ? &list[kept - 1] : NULL;
        if ((int)list[i].kind >= CPU_WATCH_KINDS || list[i].first > list[i].last)
            continue;
        if (!last || last->kind != list[i].kind ||
            (last->last != UINT64_MAX && list[i].first > last->last + 1))
            list[kept++] = list[i];
        else if (last->last < list[i].last)
            last->last = list[i].last;
    }
    return kept;
}

bool unicorn_watches(const struct unicorn_engine *u, enum cpu_watch_kind kind, uint64_t first,
                     uint64_t last)
{
    const struct watch_ranges *r = &u->watch.of[kind];
    size_t low = 0, high = r->n;
    while (low < high) { /* the first that does not end before */
        size_t middle = low + (high - low) / 2;
        if (r->at[middle].last < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->n && r->at[low].first <= last;
}

static bool same_ranges(const struct watching *a, const struct watching *b,
                        enum cpu_watch_kind kind)
{
    const struct watch_ranges *x = &a->of[kind], *y = &b->of[kind];
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (x->at[i].first != y->at[i].first || x->at[i].last != y->at[i].last)
            return false;
    return true;
}

static struct watching make_watching(struct cpu_watch *list, size_t n)
{
    struct watching w = {.list = list};
    n = normalise(list, n);
    for (size_t i = 0; i < n; i++) {
        struct watch_ranges *r = &w.of[list[i].kind];
        if (!r->n++)
            r->at = &list[i];
        if (memory_hooks[list[i].kind])
            w.memory = true;
    }
    return w;
}

/* ---- Hooks ----------------------------------------------------------------------------------- */

static uc_err add_hook(struct unicorn_engine *u, int type, void *fn, uint64_t first, uint64_t last)
{
    uc_err err =
        u->lib.uc_hook_add(u->uc, &u->watch_hooks[u->watch_hook_count], type, fn, u, first, last);
    if (err == UC_ERR_OK)
        u->watch_hook_count++;
    return err;
}

static size_t hooks_needed(const struct watching *w)
{
    return w->of[CPU_WATCH_CODE].n + 1 + 2 * ARRAY_LEN(memory_hooks);
}

static uc_err add_code_hooks(struct unicorn_engine *u)
{
    const struct watch_ranges *r = &u->watch.of[CPU_WATCH_CODE];
    if (u->watch.memory || r->n > CODE_HOOKS_MAX)
        return add_hook(u, UC_HOOK_CODE, (void *)unicorn_on_code, 1, 0);
    for (size_t i = 0; i < r->n; i++) {
        uc_err err =
            add_hook(u, UC_HOOK_CODE, (void *)unicorn_on_code, r->at[i].first, r->at[i].last);
        if (err != UC_ERR_OK)
            return err;
    }
    return UC_ERR_OK;
}

static uc_err add_memory_hooks(struct unicorn_engine *u, uint64_t first, uint64_t last)
{
    for (int kind = 0; kind < CPU_WATCH_KINDS; kind++) {
        if (!memory_hooks[kind] || !u->watch.of[kind].n)
            continue;
        uc_err err = add_hook(u, memory_hooks[kind], (void *)unicorn_on_memory, first, last);
        if (err != UC_ERR_OK)
            return err;
    }
    return UC_ERR_OK;
}

/* With hooks of memory there already translated code need not change for more of them. */
void unicorn_watch_widely(struct unicorn_engine *u)
{
    const uint64_t size = u->frame_count * MEM_PAGE;
    if (!u->wide && add_memory_hooks(u, u->ram_phys, u->ram_phys + size - 1) == UC_ERR_OK)
        u->wide = true;
}

static uc_err add_hooks(struct unicorn_engine *u)
{
    const uint64_t size = u->aliases * u->frame_count * MEM_PAGE;
    uc_err err = add_code_hooks(u);
    if (err != UC_ERR_OK || !u->watch.memory)
        return err;
    return add_memory_hooks(u, u->alias_phys, u->alias_phys + size - 1);
}

/*
 * Deleted hooks stay until a run is over, and as long as they are there code is translated for
 * them. So a run is made that ends before it begins. And the library goes to all code that had the
 * hook, which faults where that is gone.
 */
static void remove_hooks(struct unicorn_engine *u)
{
    if (!u->watch_hook_count)
        return;
    while (u->watch_hook_count)
        u->lib.uc_hook_del(u->uc, u->watch_hooks[--u->watch_hook_count]);
    unicorn_forget_exception(u);
    u->purging = true;
    u->lib.uc_emu_start(u->uc, ENTRY_VA, 0, 0, 0);
    u->purging = false;
}

/* An instruction that reads has to be cut short when what it reads is no longer there: for that
 * translated code has to look for stops. */
static bool rearrange_memory(struct unicorn_engine *u)
{
    if (u->spared)
        *u->spared = !u->watch.memory;
    unicorn_forget_pages(u);
    unicorn_flush_pending(u);
    return !u->watch.memory || u->aliases || unicorn_map_aliases(u);
}

/* False: there may be translations that cannot be found. */
static bool forget_range(struct unicorn_engine *u, const struct cpu_watch *w)
{
    const uint64_t first = align_down(w->first, MEM_PAGE);
    if (w->last - first >= FEW * MEM_PAGE)
        return false;
    for (uint64_t va = first; va <= w->last; va += MEM_PAGE) {
        if (!unicorn_executes(u, va))
            return false;
        uc_ctl_remove_cache(u->uc, MAX(va, w->first), MIN(va + MEM_PAGE, w->last + 1));
    }
    return true;
}

static bool has_range(const struct watch_ranges *r, const struct cpu_watch *w)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].first == w->first && r->at[i].last == w->last)
            return true;
    return false;
}

/* Of the ranges of one list that another has not. */
static bool forget_others(struct unicorn_engine *u, const struct watch_ranges *r,
                          const struct watch_ranges *other)
{
    for (size_t i = 0; i < r->n; i++)
        if (!has_range(other, &r->at[i]) && !forget_range(u, &r->at[i]))
            return false;
    return true;
}

/* Where code is watched here and there only those translations go: the others took long to make. */
static void forget_translations(struct unicorn_engine *u, const struct watching *old)
{
    const struct watch_ranges *a = &old->of[CPU_WATCH_CODE], *b = &u->watch.of[CPU_WATCH_CODE];
    unicorn_flush_pending(u);
    if (old->memory || u->watch.memory || a->n > FEW || b->n > FEW || !forget_others(u, a, b) ||
        !forget_others(u, b, a))
        uc_ctl_flush_tb(u->uc);
}

static pgr_status rebuild(struct unicorn_engine *u, const struct watching *old, bool memory)
{
    bool wide = u->wide && !memory;
    uc_hook *room = calloc(hooks_needed(&u->watch), sizeof *room);
    if (!room)
        return PGR_E_NOMEM;
    remove_hooks(u);
    free(u->watch_hooks);
    u->watch_hooks = room;
    u->wide = false;
    forget_translations(u, old);
    if ((memory && !rearrange_memory(u)) || add_hooks(u) != UC_ERR_OK)
        return PGR_E_NOMEM;
    if (wide)
        unicorn_watch_widely(u);
    return PGR_OK;
}

pgr_status unicorn_apply_watch(struct unicorn_engine *u)
{
    struct watching old = u->watch;
    pgr_status status = PGR_OK;
    bool memory = false;

    u->watch = make_watching(u->next_watch, u->next_count);
    u->next_watch = NULL;
    u->rewatch = false;
    for (int kind = 0; kind < CPU_WATCH_KINDS; kind++)
        memory |= memory_hooks[kind] && !same_ranges(&old, &u->watch, (enum cpu_watch_kind)kind);
    if (memory || !same_ranges(&old, &u->watch, CPU_WATCH_CODE))
        status = rebuild(u, &old, memory);
    free(old.list);
    u->now.told = UINT_MAX; /* what is under way is not told of */
    unicorn_attend(u);
    return status;
}

static bool has_data(const struct cpu_watch *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((int)list[i].kind < CPU_WATCH_KINDS && memory_hooks[list[i].kind])
            return true;
    return false;
}

pgr_status unicorn_watch(struct cpu_engine *e, const struct cpu_watch *list, size_t n)
{
    struct unicorn_engine *u = unicorn_of(e);
    if (n && !e->cfg.on_sight)
        return PGR_E_UNSUPPORTED;
    if (has_data(list, n) && !unicorn_can_alias(u))
        return PGR_E_NOMEM;
    struct cpu_watch *copy = calloc(n + 1, sizeof *copy);
    if (!copy)
        return PGR_E_NOMEM;
    if (n)
        memcpy(copy, list, n * sizeof *copy);
    free(u->next_watch);
    u->next_watch = copy;
    u->next_count = n;
    u->rewatch = true;
    return u->running ? PGR_OK : unicorn_apply_watch(u);
}

size_t unicorn_watch_hooks(const struct unicorn_engine *u)
{
    return u->watch_hook_count + (u->watch.of[CPU_WATCH_BLOCK].n != 0);
}

void unicorn_free_watch(struct unicorn_engine *u)
{
    free(u->next_watch);
    free(u->watch.list);
    free(u->watch_hooks);
}
