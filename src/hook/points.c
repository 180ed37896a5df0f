// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that are known by their address alone. */
#include "hook/internal.h"

#include <stdio.h>

enum { NAME_MAX_LEN = 24 };

static struct hook_symbol *find(const struct hooks *h, const struct nt_process *p, uint64_t address)
{
    vec_foreach (m, &h->modules)
        if ((*m)->point && (*m)->process == p->o.id && (*m)->symbols.data[0].address == address)
            return &(*m)->symbols.data[0];
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
    m->texts = xcalloc(1, NAME_MAX_LEN);
    m->text_len = NAME_MAX_LEN;
    snprintf((char *)m->texts, NAME_MAX_LEN, "+0x%llx", (unsigned long long)(address - m->base));
    vec_push(&m->symbols, (struct hook_symbol){.module = m,
                                               .name = (char *)m->texts,
                                               .address = address,
                                               .rva = (uint32_t)(address - m->base)});
    vec_push(&h->modules, m);
    return &m->symbols.data[0];
}
