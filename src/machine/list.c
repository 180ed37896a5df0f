// SPDX-License-Identifier: GPL-2.0-or-later
/* What there is in a machine: modules, what they export, threads. */
#include "base/bits.h"
#include "machine/machine.h"
#include "nt/mm/mm.h"
#include "pe/pe.h"

#include <stdlib.h>
#include <string.h>

static pgr_status not_loaded(struct pgr_error *e)
{
    return err_set(e, PGR_E_STATE, "the machine has no program yet");
}

/* ---- Blocks: rows, and behind them their texts
 * ------------------------------------------------------------------------------------------ */

static size_t room_for(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* A copy at *end, which moves behind it. */
static const char *move_text(const char *text, char **end)
{
    size_t size = room_for(text);
    if (!text)
        return NULL;
    char *copy = memcpy(*end, text, size);
    *end += size;
    return copy;
}

/* *end is where texts begin. */
static void *make_block(const void *rows, size_t size, size_t texts, char **end)
{
    char *block = xmalloc(size + texts + 1);
    if (size)
        memcpy(block, rows, size);
    *end = block + size;
    return block;
}

/* ---- Exports
 * ------------------------------------------------------------------------------------------ */

struct exports {
    uint64_t base;
    size_t texts;
    VEC(struct pgr_export) rows; /* their texts are the image's */
};

static bool add_export(void *ctx, const struct pe_export *x)
{
    struct exports *all = ctx;
    vec_push(&all->rows, (struct pgr_export){.name = x->name,
                                             .forward = x->forwarder,
                                             .address = x->forwarder ? 0 : all->base + x->rva,
                                             .ordinal = x->ordinal});
    all->texts += room_for(x->name) + room_for(x->forwarder);
    return true;
}

static bool count_export(void *ctx, const struct pe_export *x)
{
    uint32_t *n = ctx;
    ++*n;
    return true;
}

/* As the file has it: the guest may have written what it likes to its own copy. */
static bool open_image(const struct pgr_machine *m, uint64_t base, struct pe_image *img)
{
    size_t size;
    const uint8_t *bytes = nt_image_bytes(m->k, m->p, base, &size);
    return bytes && !pe_open(img, bytes, size, PE_MAPPED, "image", NULL);
}

pgr_status pgr_export_list(struct pgr_machine *m, uint64_t address, struct pgr_export **list,
                           size_t *count, struct pgr_error *err)
{
    struct exports all = {0};
    struct nt_view v;
    struct pe_image img;
    struct pe_exports ex;
    char *end;
    if (!m->p)
        return not_loaded(err);
    if (!nt_image_at(m->k, m->p, address, &v) || !open_image(m, v.base, &img))
        return err_set(err, PGR_E_NOT_FOUND, "no module is mapped at 0x%llx",
                       (unsigned long long)address);
    all.base = v.base;
    if (pe_exports_open(&ex, &img))
        pe_exports_visit(&ex, add_export, &all);
    *count = all.rows.len;
    *list = make_block(all.rows.data, all.rows.len * sizeof **list, all.texts, &end);
    for (size_t i = 0; i < *count; i++) {
        (*list)[i].name = move_text((*list)[i].name, &end);
        (*list)[i].forward = move_text((*list)[i].forward, &end);
    }
    vec_free(&all.rows);
    return PGR_OK;
}

/* ---- Modules
 * ------------------------------------------------------------------------------------------ */

struct modules {
    struct pgr_machine *m;
    size_t texts;
    VEC(struct pgr_module) rows;
    VEC(char *) owned; /* their texts */
};

static char *keep(struct modules *all, char *text)
{
    vec_push(&all->owned, text);
    all->texts += room_for(text);
    return text;
}

static void read_headers(const struct pgr_machine *m, struct pgr_module *row)
{
    struct pe_image img;
    struct pe_exports ex;
    if (!open_image(m, row->base, &img))
        return;
    row->entry = img.h.entry ? row->base + img.h.entry : 0;
    if (pe_exports_open(&ex, &img))
        pe_exports_visit(&ex, count_export, &row->exports);
}

static void add_module(void *ctx, const struct nt_view *v)
{
    static const char windows[] = "C:\\windows\\";
    struct modules *all = ctx;
    const struct nt_process *p = all->m->p;
    if (!v->image)
        return;
    struct pgr_module row = {.base = v->base,
                             .size = v->size - nt_image_room(all->m->k, all->m->p, v->base)};
    row.path = v->path ? keep(all, nt_image_path(v->path, v->path_len)) : NULL;
    row.name = keep(all, nt_image_name(row.path ? row.path : ""));
    row.system =
        row.path && v->base != p->image_base && !strncasecmp(row.path, windows, sizeof windows - 1);
    read_headers(all->m, &row);
    vec_push(&all->rows, row);
}

pgr_status pgr_module_list(struct pgr_machine *m, struct pgr_module **list, size_t *count,
                           struct pgr_error *err)
{
    struct modules all = {.m = m};
    char *end;
    if (!m->p)
        return not_loaded(err);
    nt_views_each(m->k, m->p, add_module, &all);
    *count = all.rows.len;
    *list = make_block(all.rows.data, all.rows.len * sizeof **list, all.texts, &end);
    for (size_t i = 0; i < *count; i++) {
        (*list)[i].name = move_text((*list)[i].name, &end);
        (*list)[i].path = move_text((*list)[i].path, &end);
    }
    vec_foreach (text, &all.owned)
        free(*text);
    vec_free(&all.owned);
    vec_free(&all.rows);
    return PGR_OK;
}

/* ---- Threads
 * ------------------------------------------------------------------------------------------ */

struct threads {
    nt_id process;
    VEC(struct pgr_thread) rows;
};

static enum pgr_thread_state state_of(const struct nt_thread *t)
{
    return t->state == NT_THREAD_WAITING   ? PGR_THREAD_WAITING
           : t->state == NT_THREAD_RUNNING ? PGR_THREAD_RUNNING
                                           : PGR_THREAD_READY;
}

static const char *waits_for(const struct nt_thread *t)
{
    static const char *const kinds[] = {[NT_WAIT_OBJECTS] = "objects",
                                        [NT_WAIT_DELAY] = "delay",
                                        [NT_WAIT_ALERT] = "alert",
                                        [NT_WAIT_KEYED] = "keyed event",
                                        [NT_WAIT_WORK] = "work",
                                        [NT_WAIT_KEYED_RELEASE] = "keyed event",
                                        [NT_WAIT_COMPLETION] = "completion",
                                        [NT_WAIT_HOST] = "host"};
    bool waits = t->state == NT_THREAD_WAITING && t->wait.kind < ARRAY_LEN(kinds);
    return waits ? kinds[t->wait.kind] : NULL;
}

static void add_thread(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct threads *all = ctx;
    const struct nt_thread *t = (const struct nt_thread *)o;
    if (t->process != all->process || t->state == NT_THREAD_ENDED)
        return;
    vec_push(&all->rows, (struct pgr_thread){.id = t->tid,
                                             .state = state_of(t),
                                             .suspended = t->suspend_count,
                                             .start = t->start_address,
                                             .parameter = t->start_parameter,
                                             .teb = t->teb,
                                             .stack_low = t->stack_limit,
                                             .stack_high = t->stack_base,
                                             .waits_for = waits_for(t)});
}

/* Ids are given in ascending order. */
static int by_id(const void *a, const void *b)
{
    const struct pgr_thread *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

pgr_status pgr_thread_list(struct pgr_machine *m, struct pgr_thread **list, size_t *count,
                           struct pgr_error *err)
{
    struct threads all = {0};
    char *end;
    if (!m->p)
        return not_loaded(err);
    all.process = m->p->o.id;
    nt_object_each(m->k, NT_TYPE_THREAD, add_thread, &all);
    *count = all.rows.len;
    if (*count)
        qsort(all.rows.data, *count, sizeof **list, by_id);
    *list = make_block(all.rows.data, *count * sizeof **list, 0, &end);
    vec_free(&all.rows);
    return PGR_OK;
}
