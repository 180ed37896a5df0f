// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Basic-block coverage in DynamoRIO's drcov format, version 2, as Lighthouse and others read it: a
 * text table of modules, then an entry of 8 bytes for each block that was executed. The table's
 * sizes come first in the file, so it is written at the end.
 */
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "trace/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_SLOTS = 1 << 16,
    BLOCKS_MAX = 1 << 23, /* a guest that writes code can make as many as it likes */
    MODULES_MAX = 0xffff  /* ids have 16 bits */
};

struct module {
    uint64_t base, size, entry;
    uint32_t checksum, timestamp;
    char *path;
    bool gone;
};

struct entry { /* as in the file */
    uint32_t start;
    uint16_t size, module;
};
_Static_assert(sizeof(struct entry) == 8, "drcov's block entries");

struct slot {
    uint64_t address; /* 0: free */
    uint32_t size;
};

struct coverage {
    char *path;
    int fd;
    VEC(struct module) modules;
    VEC(struct entry) done; /* of modules that are gone */
    struct slot *slots;     /* blocks, by hash of the address */
    size_t slot_count, used;
    bool full;
    size_t tidy_at; /* length of `done` */
    uint64_t last;
};

/* ---- Blocks
 * --------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct coverage *c, uint64_t address)
{
    size_t i = (size_t)(address * 0x9e3779b97f4a7c15ull >> 20) & (c->slot_count - 1);
    while (c->slots[i].address && c->slots[i].address != address)
        i = (i + 1) & (c->slot_count - 1);
    return i;
}

static void rebuild(struct coverage *c, size_t count)
{
    struct slot *old = c->slots;
    size_t n = c->slot_count;
    c->slots = xcalloc(count, sizeof *c->slots);
    c->slot_count = count;
    c->used = 0;
    for (size_t i = 0; i < n; i++) {
        if (!old[i].address)
            continue;
        c->slots[slot_of(c, old[i].address)] = old[i];
        c->used++;
    }
    free(old);
}

/* -1: in none. */
static long module_at(const struct coverage *c, uint64_t address)
{
    for (size_t i = c->modules.len; i-- > 0;) {
        const struct module *m = &c->modules.data[i];
        if (!m->gone && address - m->base < m->size)
            return (long)i;
    }
    return -1;
}

/* A block may be cut short at first, where its next page was not there yet. */
void trace_drcov_block(void *ctx, uint64_t address, uint32_t size)
{
    struct coverage *c = ctx;
    if (address == c->last || !address)
        return;
    size_t i = slot_of(c, address);
    if (c->slots[i].address) {
        if (size > c->slots[i].size)
            c->slots[i].size = size;
    } else if (c->used == BLOCKS_MAX) {
        c->full = true;
    } else if (module_at(c, address) >= 0) {
        c->slots[i] = (struct slot){address, size};
        if (++c->used > c->slot_count / 2)
            rebuild(c, c->slot_count * 2);
    }
    c->last = address;
}

static void keep(struct coverage *c, const struct slot *s)
{
    long i = module_at(c, s->address);
    uint64_t at = i < 0 ? UINT64_MAX : s->address - c->modules.data[i].base;
    if (at <= UINT32_MAX)
        vec_push(&c->done, (struct entry){(uint32_t)at, (uint16_t)(s->size & 0xffff), (uint16_t)i});
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->module != y->module)
        return x->module < y->module ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* A module may have come and gone several times: each block once, in order. */
static void tidy(struct coverage *c)
{
    size_t n = 0;
    if (!c->done.len) /* qsort takes no NULL */
        return;
    qsort(c->done.data, c->done.len, sizeof *c->done.data, compare);
    vec_foreach (e, &c->done) {
        struct entry *last = n ? &c->done.data[n - 1] : NULL;
        if (last && !compare(last, e))
            last->size = MAX(last->size, e->size);
        else
            c->done.data[n++] = *e;
    }
    c->done.len = n;
    c->tidy_at = MAX(2 * n, (size_t)FIRST_SLOTS);
}

/* What lies in [base, base + size) belongs to what is mapped there until now. */
static void settle(struct coverage *c, uint64_t base, uint64_t size)
{
    bool any = false;
    for (size_t i = 0; i < c->slot_count; i++) {
        struct slot *s = &c->slots[i];
        if (!s->address || s->address - base >= size)
            continue;
        keep(c, s);
        any = true;
    }
    if (!any)
        return;
    if (c->done.len >= c->tidy_at)
        tidy(c);
    size_t n = c->slot_count;
    VEC(struct slot) rest = {0};
    for (size_t i = 0; i < n; i++)
        if (c->slots[i].address && c->slots[i].address - base >= size)
            vec_push(&rest, c->slots[i]);
    memset(c->slots, 0, n * sizeof *c->slots);
    vec_foreach (s, &rest)
        c->slots[slot_of(c, s->address)] = *s;
    c->used = rest.len;
    c->last = 0;
    vec_free(&rest);
}

/* ---- Modules
 * -------------------------------------------------------------------------------------------- */

static void add_module(struct coverage *c, const struct trace_event *ev)
{
    c->last = 0;                   /* maybe of code that stood there before */
    vec_foreach (m, &c->modules) { /* some come and go all the time */
        if (m->gone && m->base == ev->base && m->size == ev->size &&
            m->timestamp == ev->timestamp && m->checksum == ev->checksum &&
            !strcmp(m->path, ev->path ? ev->path : "")) {
            m->gone = false;
            return;
        }
    }
    if (c->modules.len == MODULES_MAX)
        return;
    vec_push(&c->modules, (struct module){ev->base, ev->size, ev->entry, ev->checksum,
                                          ev->timestamp, xstrdup(ev->path ? ev->path : "")});
}

static void remove_module(struct coverage *c, const struct trace_event *ev)
{
    vec_foreach (m, &c->modules) {
        if (m->gone || m->base != ev->base)
            continue;
        settle(c, m->base, m->size);
        m->gone = true;
    }
}

static void event(void *ctx, const struct trace_event *ev)
{
    struct coverage *c = ctx;
    if (ev->kind != TRACE_IMAGE)
        return;
    if (ev->begins)
        add_module(c, ev);
    else
        remove_module(c, ev);
}

/* ---- The file
 * ------------------------------------------------------------------------------------------- */

static void put_modules(struct coverage *c, struct trace_out *o)
{
    char line[160];
    snprintf(line, sizeof line,
             "DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\nModule Table: version 2, count %zu\n"
             "Columns: id, base, end, entry, checksum, timestamp, path\n",
             c->modules.len);
    trace_out_text(o, line);
    for (size_t i = 0; i < c->modules.len; i++) {
        const struct module *m = &c->modules.data[i];
        snprintf(line, sizeof line,
                 "%3zu, 0x%016" PRIx64 ", 0x%016" PRIx64 ", 0x%016" PRIx64 ", 0x%08" PRIx32
                 ", 0x%08" PRIx32 ", ",
                 i, m->base, m->base + m->size, m->entry, m->checksum, m->timestamp);
        trace_out_text(o, line);
        trace_out_escaped(o, m->path, strlen(m->path), TRACE_ESCAPE_BARE);
        trace_out_newline(o);
    }
    snprintf(line, sizeof line, "BB Table: %zu bbs\n", c->done.len);
    trace_out_text(o, line);
}

static pgr_status put_file(struct coverage *c, struct pgr_error *e)
{
    struct trace_out *o = xcalloc(1, sizeof *o);
    size_t len;
    o->in_memory = true;
    put_modules(c, o);
    trace_out_bytes(o, (const char *)c->done.data, c->done.len * sizeof *c->done.data);
    const char *text = trace_out_take(o, &len);
    bool good = host_write_all(c->fd, text, len);
    int error = errno;
    if (close(c->fd) && good) {
        error = errno;
        good = false;
    }
    vec_free(&o->spilled);
    free(o);
    errno = error;
    if (!good)
        return err_errno(e, PGR_E_IO, "the coverage in %s is incomplete", c->path);
    return c->full ? err_set(e, PGR_E_LIMIT,
                             "the coverage in %s is incomplete: it has %d blocks and no more",
                             c->path, BLOCKS_MAX)
                   : PGR_OK;
}

static pgr_status destroy(void *ctx, struct pgr_error *e)
{
    struct coverage *c = ctx;
    settle(c, 0, UINT64_MAX);
    tidy(c);
    pgr_status s = put_file(c, e);
    vec_foreach (m, &c->modules)
        free(m->path);
    vec_free(&c->modules);
    vec_free(&c->done);
    free(c->slots);
    free(c->path);
    free(c);
    return s;
}

pgr_status trace_drcov_open(const char *path, struct trace_sink *out, struct pgr_error *e)
{
    BUG_ON(!path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(e, PGR_E_IO, "cannot write the coverage to %s", path);
    struct coverage *c = xcalloc(1, sizeof *c);
    c->path = xstrdup(path);
    c->fd = fd;
    rebuild(c, FIRST_SLOTS);
    *out = (struct trace_sink){
        .ctx = c, .event = event, .destroy = destroy, .kinds = 1u << TRACE_IMAGE};
    return PGR_OK;
}
