// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that are known by their address alone. */
#include "hook/internal.h"

static struct hook_symbol *find(const struct hooks *h, const struct nt_process *p, uint64_t address)
{
    vec_foreach (m, &h->modules)
        if ((*m)->point && (*m)->process == p->o.id && hook_symbol_made(*m, 0)->address == address)
            return hook_symbol_made(*m, 0);
    return NULL;
}

/* It looks like a module that is gone, with one export: so snapshots and calls need not know. */
struct hook_symbol *hooks_point(struct hooks *h, const struct nt_process *p, uint64_t address)
{
    struct hook_symbol *s = find(h, p, address);
    const struct hook_module *in = hooks_module_at(h, p, address);
    if (s)
        return s;
    struct hook_module *m = xcalloc(1, sizeof *m);
    m->name = xstrdup(in ? in->name : "");
    m->process = p->o.id;
    m->base = in ? in->base : address;
    m->system = in && in->system;
    m->gone = m->point = true;
    m->count = 1;
    vec_push(&h->modules, m);
    s = hook_symbol_new(m, 0);
    s->name = xasprintf("+0x%llx", (unsigned long long)(address - m->base));
    s->address = address;
    s->rva = (uint32_t)(address - m->base);
    return s;
}
