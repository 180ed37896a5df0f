// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/ser.h"
#include "hook/internal.h"
#include "nt/mm/mm.h"
#include "win/win.h"

enum { MODULES_MAX = 1 << 16, THREADS_MAX = 1 << 16 };

uint64_t hook_gate_address(unsigned number)
{
    return win_gate_base(8) + WIN_GATE_ABOVE + number * GATE_STEP;
}

bool hooks_is_gate(uint64_t address)
{
    return address - hook_gate_address(0) < GATE_COUNT * GATE_STEP;
}

uint64_t hooks_note_gate(bool of_returns)
{
    return hook_gate_address(of_returns ? GATE_RETURN : GATE_CALL);
}

uint64_t hooks_spare_gate(void)
{
    return hook_gate_address(GATE_COUNT);
}

struct hooks *hooks_create(struct nt_kernel *k)
{
    struct hooks *h = xcalloc(1, sizeof *h);
    h->k = k;
    hook_marks_init(&h->marks);
    return h;
}

void hooks_destroy(struct hooks *h)
{
    if (!h)
        return;
    vec_foreach (m, &h->modules)
        hook_module_free(h, *m);
    vec_foreach (t, &h->threads)
        hook_thread_free(*t);
    vec_free(&h->modules);
    vec_free(&h->mapped);
    vec_free(&h->threads);
    free(h);
}

void hooks_listen(struct hooks *h, unsigned i, const struct hook_listener *l)
{
    BUG_ON(i >= HOOK_LISTENERS);
    h->listeners[i] = *l;
}

void hooks_see_all(struct hooks *h)
{
    h->see_all = true;
}

void hooks_note_calls(struct hooks *h, hook_note_fn *note, void *ctx)
{
    h->note = note;
    h->note_ctx = ctx;
}

void hook_forget_noted(struct hooks *h)
{
    if (h->note && h->noted)
        h->note(h->note_ctx, NULL);
    h->noted = false;
}

static void connect_kernel(struct hooks *h)
{
    h->k->on_dispatch = hook_dispatch;
    h->k->on_continue = hook_continue;
    h->k->on_dispatch_ctx = h;
}

void hooks_ask_again(struct hooks *h)
{
    if (h->k->on_dispatch_ctx != h) /* everybody is asked when it begins */
        return;
    hook_forget_noted(h);
    vec_foreach (m, &h->mapped)
        hook_module_refresh(h, *m);
    vec_foreach (m, &h->mapped)
        if (h->see_all || !(*m)->system)
            hook_hook_imports(h, nt_process_get(h->k, (*m)->process), *m);
}

struct beginning {
    struct hooks *h;
    struct nt_process *p;
};

static void on_view(void *ctx, const struct nt_view *v)
{
    const struct beginning *b = ctx;
    if (v->image)
        hooks_image(b->h, b->p, v->base, v->size, v->path, v->path_len, true);
}

void hooks_begin(struct hooks *h, struct nt_process *p)
{
    if (h->k->on_dispatch_ctx == h) /* begun, or loaded */
        return;
    connect_kernel(h);
    nt_views_each(h->k, p, on_view, &(struct beginning){h, p});
}

/* ---- Snapshots
 * ------------------------------------------------------------------------------------------ */

static void transfer_modules(struct hooks *h, struct ser *s)
{
    size_t n = h->modules.len;
    ser_count(s, &n, MODULES_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&h->modules, xcalloc(1, sizeof(struct hook_module)));
        struct hook_module *m = h->modules.data[i];
        hook_module_transfer(h, s, m);
        if (s->loading && !s->failed && !m->gone)
            hook_module_insert(h, m);
    }
}

void hooks_transfer(struct hooks *h, struct ser *s)
{
    ser_tag(s, "HOOK");
    transfer_modules(h, s);
    size_t n = h->threads.len;
    ser_count(s, &n, THREADS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&h->threads, xcalloc(1, sizeof(struct hook_thread)));
        hook_thread_transfer(h, s, h->threads.data[i]);
    }
    if (s->loading)
        connect_kernel(h);
}
