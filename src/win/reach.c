// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The call graph behind a program's imports, breadth first, so that the path by which a function is
 * first reached is a shortest one, and a limit cuts off what is farthest.
 */
#include "win/reach.h"
#include "base/bits.h"
#include "pe/scan.h"
#include "win/reach_internal.h"

#define NONE UINT32_MAX

struct node {
    uint32_t module, rva;
    uint32_t parent; /* NONE: an import of the program */
    uint32_t depth;
    uint32_t service; /* index into services, NONE: an ordinary function */
};

struct edge {
    uint32_t from, to;
};

struct slot {
    uint32_t rva, import;
};

/* What is looked up again and again in one module. */
struct view {
    bool ready;
    VEC(struct slot) slots;       /* by rva */
    VEC(struct pe_service) stubs; /* by rva */
    struct pe_services scanned;
};

struct graph {
    struct win_resolution *r;
    struct win_reach *out;
    struct view *views; /* one per module */
    VEC(struct node) nodes;
    VEC(struct edge) edges;
    uint32_t *table, table_mask; /* nodes by place; index + 1 */
    uint32_t now;                /* the node whose function is being decoded */
    uint64_t budget;
};

/* ---- Views -------------------------------------------------------------------------------------
 */

static int slots_by_rva(const void *a, const void *b)
{
    uint32_t x = ((const struct slot *)a)->rva, y = ((const struct slot *)b)->rva;
    return (x > y) - (x < y);
}

static int stubs_by_rva(const void *a, const void *b)
{
    const struct pe_service *x = a, *y = b;
    if (x->rva != y->rva)
        return x->rva < y->rva ? -1 : 1;
    return (y->primary > x->primary) - (y->primary < x->primary);
}

static bool has_stubs(const struct win_module *m)
{
    return !strcmp(m->name, "ntdll.dll") || !strcmp(m->name, "win32u.dll");
}

static struct view *view_of(struct graph *g, uint32_t module)
{
    struct view *v = &g->views[module];
    const struct win_module *m = g->r->modules.data[module];
    if (v->ready)
        return v;
    v->ready = true;
    for (size_t i = 0; i < m->imports.len; i++)
        vec_push(&v->slots, (struct slot){m->imports.data[i].slot, (uint32_t)i});
    if (v->slots.len)
        qsort(v->slots.data, v->slots.len, sizeof *v->slots.data, slots_by_rva);
    if (!has_stubs(m))
        return v;
    pe_scan_services(&v->scanned, &m->img);
    vec_foreach (s, &v->scanned.rows)
        vec_push(&v->stubs, *s);
    if (v->stubs.len)
        qsort(v->stubs.data, v->stubs.len, sizeof *v->stubs.data, stubs_by_rva);
    return v;
}

/* The name by which a stub's number is known; NULL when there is no stub at rva. */
static const char *stub_name(struct view *v, uint32_t rva)
{
    size_t lo = 0, hi = v->stubs.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (v->stubs.data[mid].rva < rva)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == v->stubs.len || v->stubs.data[lo].rva != rva)
        return NULL;
    return pe_service_by_number(&v->scanned, v->stubs.data[lo].number)->name;
}

static const struct win_import *import_at(struct graph *g, uint32_t module, uint32_t rva)
{
    struct view *v = view_of(g, module);
    size_t lo = 0, hi = v->slots.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (v->slots.data[mid].rva < rva)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == v->slots.len || v->slots.data[lo].rva != rva)
        return NULL;
    return &g->r->modules.data[module]->imports.data[v->slots.data[lo].import];
}

/* ---- Nodes --------------------------------------------------------------------------------------
 */

static bool is_code(const struct pe_image *img, uint32_t rva)
{
    int i = pe_section_at(img, rva);
    return i >= 0 && (pe_section(img, (unsigned)i).characteristics & IMAGE_SCN_MEM_EXECUTE);
}

static uint32_t *place_of(struct graph *g, uint32_t module, uint32_t rva)
{
    uint32_t at = (rva ^ module * 0x9e3779b9u) * 2654435761u >> 5 & g->table_mask;
    for (;; at = (at + 1) & g->table_mask) {
        uint32_t i = g->table[at];
        if (!i || (g->nodes.data[i - 1].module == module && g->nodes.data[i - 1].rva == rva))
            return &g->table[at];
    }
}

static void grow_table(struct graph *g)
{
    free(g->table);
    g->table_mask = g->table_mask * 2 + 1;
    g->table = xcalloc((size_t)g->table_mask + 1, sizeof *g->table);
    for (uint32_t i = 0; i < g->nodes.len; i++)
        *place_of(g, g->nodes.data[i].module, g->nodes.data[i].rva) = i + 1;
}

static uint32_t service_of(struct graph *g, const char *name)
{
    vec_foreach (s, &g->out->services)
        if (!strcmp(s->name, name))
            return (uint32_t)(s - g->out->services.data);
    vec_push(&g->out->services,
             (struct win_reach_service){.name = name, .service = nt_service_find(name)});
    return (uint32_t)(g->out->services.len - 1);
}

/* The node of a function, new when it is reached for the first time; NONE for data. */
static uint32_t reach(struct graph *g, uint32_t module, uint32_t rva, uint32_t from)
{
    uint32_t *place = place_of(g, module, rva);
    const struct win_module *m = g->r->modules.data[module];
    if (*place)
        return *place - 1;
    if (m->state != WIN_MODULE_FOUND || !is_code(&m->img, rva))
        return NONE;
    if (g->nodes.len >= WIN_REACH_FUNCTIONS) {
        g->out->truncated = true;
        return NONE;
    }
    const char *stub = stub_name(view_of(g, module), rva);
    struct node n = {module, rva, from, from == NONE ? 0 : g->nodes.data[from].depth + 1,
                     stub ? service_of(g, stub) : NONE};
    vec_push(&g->nodes, n);
    uint32_t index = (uint32_t)(g->nodes.len - 1);
    *place = index + 1;
    if (g->nodes.len * 2 > g->table_mask)
        grow_table(g);
    return index;
}

/* ---- Decoding -----------------------------------------------------------------------------------
 */

static void refer(struct graph *g, uint32_t module, uint32_t rva)
{
    uint32_t to = reach(g, module, rva, g->now);
    if (to == NONE || to == g->now)
        return;
    /* A function often calls the same one several times in a row. */
    if (g->edges.len && g->edges.data[g->edges.len - 1].from == g->now &&
        g->edges.data[g->edges.len - 1].to == to)
        return;
    vec_push(&g->edges, (struct edge){g->now, to});
}

static void on_call(void *ctx, uint32_t rva)
{
    struct graph *g = ctx;
    refer(g, g->nodes.data[g->now].module, rva);
}

static void on_memory(void *ctx, uint32_t rva)
{
    struct graph *g = ctx;
    const struct win_import *i = import_at(g, g->nodes.data[g->now].module, rva);
    if (i && i->state == WIN_IMPORT_FOUND)
        refer(g, i->module, i->rva);
}

static bool is_function(void *ctx, uint32_t rva)
{
    struct graph *g = ctx;
    return *place_of(g, g->nodes.data[g->now].module, rva) != 0;
}

static void explore(struct graph *g)
{
    struct reach_sink sink = {g, on_call, on_memory, is_function};
    for (g->now = 0; g->now < g->nodes.len && g->budget; g->now++) {
        const struct node *n = &g->nodes.data[g->now];
        if (n->service == NONE)
            reach_scan_function(&g->r->modules.data[n->module]->img, n->rva, &sink, &g->budget);
    }
    g->out->truncated |= !g->budget;
}

/* ---- From a service back to the imports
 * ---------------------------------------------------------- */

/* Edges by `to`: those of node i are from[start[i]] to from[start[i + 1]]. */
struct reverse {
    uint32_t *start, *from;
};

static struct reverse turn_round(const struct graph *g)
{
    struct reverse b = {xcalloc(g->nodes.len + 2, sizeof *b.start),
                        xmalloc((g->edges.len + 1) * sizeof *b.from)};
    vec_foreach (e, &g->edges)
        b.start[e->to + 2]++;
    for (size_t i = 2; i < g->nodes.len + 2; i++)
        b.start[i] += b.start[i - 1];
    vec_foreach (e, &g->edges)
        b.from[b.start[e->to + 1]++] = e->from;
    return b;
}

static void find_imports(const struct graph *g, const struct reverse *b, uint32_t node,
                         const uint32_t *import_of, struct win_reach_service *s)
{
    VEC(uint32_t) queue = {0};
    uint8_t *seen = xcalloc(g->nodes.len, 1);
    vec_push(&queue, node);
    seen[node] = 1;
    for (size_t i = 0; i < queue.len; i++) {
        uint32_t at = queue.data[i];
        if (import_of[at] != NONE)
            vec_push(&s->imports, import_of[at]);
        for (uint32_t k = b->start[at]; k < b->start[at + 1]; k++) {
            if (!seen[b->from[k]]) {
                seen[b->from[k]] = 1;
                vec_push(&queue, b->from[k]);
            }
        }
    }
    vec_free(&queue);
    free(seen);
}

static void find_path(const struct graph *g, uint32_t node, struct win_reach_service *s)
{
    for (uint32_t at = node; at != NONE; at = g->nodes.data[at].parent) {
        const struct node *n = &g->nodes.data[at];
        const char *name =
            at == node ? s->name : win_export_name_of(g->r->modules.data[n->module], n->rva);
        vec_insert(&s->path, 0, (struct win_reach_step){n->module, n->rva, name});
    }
}

/* Importing what is also called by others: the shortest path is then the import itself. */
static uint32_t *start_at_imports(struct graph *g)
{
    const struct win_module *program = g->r->modules.data[WIN_MODULE_PROGRAM];
    VEC(uint32_t) of = {0};
    for (uint32_t i = 0; i < program->imports.len; i++) {
        const struct win_import *im = &program->imports.data[i];
        if (im->state != WIN_IMPORT_FOUND)
            continue;
        uint32_t n = reach(g, im->module, im->rva, NONE);
        if (n != NONE && n == of.len)
            vec_push(&of, i);
    }
    return of.data;
}

/* One stub may have several nodes (Nt and Zw at different addresses): the nearest stands first. */
static void tell_services(struct graph *g, const uint32_t *import_of,
                          bool (*wanted)(const struct nt_service *s))
{
    struct reverse b = turn_round(g);
    for (uint32_t i = 0; i < g->nodes.len; i++) {
        const struct node *n = &g->nodes.data[i];
        if (n->service == NONE)
            continue;
        struct win_reach_service *s = &g->out->services.data[n->service];
        if (s->path.len || !wanted(s->service))
            continue;
        find_path(g, i, s);
        find_imports(g, &b, i, import_of, s);
    }
    free(b.start);
    free(b.from);
}

void win_reach(struct win_reach *out, struct win_resolution *r, uint64_t budget,
               bool (*wanted)(const struct nt_service *s))
{
    struct graph g = {.r = r,
                      .out = out,
                      .views = xcalloc(r->modules.len, sizeof *g.views),
                      .table_mask = 1023,
                      .table = xcalloc(1024, sizeof *g.table),
                      .budget = budget};
    *out = (struct win_reach){0};
    uint32_t *roots = start_at_imports(&g);
    size_t nroots = g.nodes.len;
    explore(&g);
    uint32_t *import_of = xmalloc((g.nodes.len + 1) * sizeof *import_of);
    for (size_t i = 0; i < g.nodes.len; i++)
        import_of[i] = i < nroots ? roots[i] : NONE;
    tell_services(&g, import_of, wanted);
    out->functions = (uint32_t)g.nodes.len;
    out->instructions = budget - g.budget;
    for (size_t i = 0; i < r->modules.len; i++) {
        vec_free(&g.views[i].slots);
        vec_free(&g.views[i].stubs);
        pe_services_free(&g.views[i].scanned);
    }
    free(roots);
    free(import_of);
    free(g.views);
    free(g.table);
    vec_free(&g.nodes);
    vec_free(&g.edges);
}

void win_reach_free(struct win_reach *a)
{
    vec_foreach (s, &a->services) {
        vec_free(&s->path);
        vec_free(&s->imports);
    }
    vec_free(&a->services);
}
