// SPDX-License-Identifier: GPL-2.0-or-later
/* What handlers can ask of the call that they are told of. */
#include "arch/x87.h"
#include "base/bits.h"
#include "base/utf.h"
#include "machine/aside.h"
#include "machine/overrides.h"
#include "mem/space.h"
#include "nt/call.h"

#include <stdio.h>
#include <string.h>

enum { UNKNOWN_ARGS = 16, TEXT_PIECE = 256, LAST_ERROR64 = 0x68, LAST_ERROR32 = 0x34 };

/* ---- What is called
 * ----------------------------------------------------------------------------------------- */

struct pgr_machine *pgr_call_machine(struct pgr_call *c)
{
    return c->m;
}

const char *pgr_call_function(const struct pgr_call *c)
{
    if (c->service)
        return c->service->service->name;
    return c->call->symbol->name ? c->call->symbol->name : c->set->ordinal_text;
}

const char *pgr_call_module(const struct pgr_call *c)
{
    return c->service ? "nt" : c->call->symbol->module->name;
}

uint32_t pgr_call_thread(const struct pgr_call *c)
{
    return c->t->tid;
}

uint64_t pgr_call_caller(const struct pgr_call *c)
{
    return c->service ? c->service->caller : c->call->caller;
}

uint64_t pgr_call_address(const struct pgr_call *c)
{
    return c->service ? 0 : c->call->symbol->address;
}

unsigned pgr_call_depth(const struct pgr_call *c)
{
    return c->service ? 0 : c->call->depth;
}

/* ---- Arguments
 * -------------------------------------------------------------------------------------------- */

unsigned pgr_call_arg_count(const struct pgr_call *c)
{
    if (c->service)
        return c->service->service->arg_count;
    return c->set->known ? c->set->f.count : 0;
}

const char *pgr_call_arg_name(const struct pgr_call *c, unsigned i)
{
    if (i >= pgr_call_arg_count(c))
        return NULL;
    if (c->service)
        return c->service->service->args[i].name;
    return api_arg(call_table(c), &c->set->f, i).name;
}

int pgr_call_arg_index(const struct pgr_call *c, const char *name)
{
    for (unsigned i = 0; i < pgr_call_arg_count(c); i++)
        if (!strcmp(pgr_call_arg_name(c, i), name))
            return (int)i;
    return -1;
}

static struct api_place place_of(const struct pgr_call *c, unsigned i)
{
    const unsigned size = c->m->p->ptr_size;
    if (c->set->known)
        return api_place(call_table(c), &c->set->f, i, size);
    bool in_register = size == 8 && i < 4;
    return (struct api_place){.where = in_register ? API_GENERAL : API_STACK,
                              .at = (uint16_t)(in_register ? i : (i + 1) * size),
                              .size = size};
}

static uint64_t *general(struct pgr_call *c, unsigned i)
{
    static const uint8_t names64[] = {X86_RCX, X86_RDX, X86_R8, X86_R9};
    return &c->t->cpu.gpr[names64[i & (c->m->p->ptr_size == 8 ? 3 : 1)]];
}

static uint64_t narrow(uint64_t v, uint32_t size)
{
    return size >= 8 ? v : v & ((1ull << (size * 8)) - 1);
}

/* As the call began; slots on the stack belong to the function, which may have written to them. */
static uint64_t read_arg(struct pgr_call *c, const struct api_place *p)
{
    uint64_t v = 0, at = c->call->slot + p->at;
    switch ((enum api_where)p->where) {
    case API_GENERAL:
        v = *general(c, p->at);
        break;
    case API_VECTOR:
        machine_sync(c->m->k, c->t);
        memcpy(&v, c->t->cpu.fx + X86_FX_XMM0 + (p->at & 3) * 16, sizeof v);
        break;
    default:
        if (p->size > 8 && !p->by_reference)
            return at;
        mem_peek(c->m->p->mem, at, &v, p->by_reference ? 8 : MIN(p->size, 8u));
        break;
    }
    return p->by_reference ? v : narrow(v, p->size);
}

static void write_arg(struct pgr_call *c, const struct api_place *p, uint64_t v)
{
    uint64_t at = c->call->slot + p->at;
    switch ((enum api_where)p->where) {
    case API_GENERAL:
        *general(c, p->at) = v;
        break;
    case API_VECTOR:
        machine_sync(c->m->k, c->t);
        memcpy(c->t->cpu.fx + X86_FX_XMM0 + (p->at & 3) * 16, &v, sizeof v);
        break;
    default:
        mem_write(c->m->p->mem, at, &v, c->m->p->ptr_size == 8 ? 8 : p->size > 4 ? 8 : 4);
        break;
    }
}

void call_keep_args(struct pgr_call *c)
{
    unsigned n = c->set->known ? MIN(c->set->f.count, (unsigned)HOOK_SAVED) : UNKNOWN_ARGS;
    for (unsigned i = 0; i < n; i++) {
        struct api_place p = place_of(c, i);
        c->call->kept[i] = read_arg(c, &p);
    }
}

uint64_t pgr_call_arg(struct pgr_call *c, unsigned i)
{
    if (c->service)
        return i < c->service->service->arg_count ? c->service->arg[i] : 0;
    if (i >= (c->set->known ? MIN(c->set->f.count, (unsigned)HOOK_SAVED) : UNKNOWN_ARGS))
        return 0;
    if (c->over)
        return c->call->kept[i];
    struct api_place p = place_of(c, i);
    return read_arg(c, &p);
}

void pgr_call_set_arg(struct pgr_call *c, unsigned i, uint64_t value)
{
    if (c->over || i >= (c->set->known || c->service ? pgr_call_arg_count(c) : UNKNOWN_ARGS))
        return;
    if (c->service) {
        c->service->arg[i] = value;
        return;
    }
    struct api_place p = place_of(c, i);
    write_arg(c, &p, value);
}

/* ---- Results
 * ---------------------------------------------------------------------------------------------- */

static struct api_type result_type(const struct pgr_call *c)
{
    if (!c->set->known)
        return (struct api_type){.kind = API_UINT, .size32 = 4, .size64 = 8};
    return api_type(call_table(c), c->set->f.result);
}

void call_fetch_result(struct pgr_call *c)
{
    struct api_type type = result_type(c);
    const unsigned bits = c->m->p->ptr_size;
    const uint64_t *r = c->t->cpu.gpr;
    c->result = r[X86_RAX];
    if (type.kind == API_FLOAT && bits == 8) {
        machine_sync(c->m->k, c->t);
        memcpy(&c->result, c->t->cpu.fx + X86_FX_XMM0, 8);
    } else if (type.kind == API_FLOAT) {
        machine_sync(c->m->k, c->t);
        c->result = x86_st0_get(&c->t->cpu, type.size32);
    } else if (bits == 4 && api_size(&type, 4) == 8) {
        c->result = (uint32_t)r[X86_RAX] | r[X86_RDX] << 32;
    }
    c->result = narrow(c->result, MAX(api_size(&type, bits), 1u));
}

void call_store_result(struct pgr_call *c)
{
    struct api_type type = result_type(c);
    const unsigned bits = c->m->p->ptr_size;
    uint64_t *r = c->t->cpu.gpr;
    if (type.kind == API_FLOAT) {
        machine_sync(c->m->k, c->t);
        if (bits == 8)
            memcpy(c->t->cpu.fx + X86_FX_XMM0, &c->result, 8);
        else
            x86_st0_set(&c->t->cpu, c->result, type.size32);
        return;
    }
    r[X86_RAX] = bits == 4 ? (uint32_t)c->result : c->result;
    if (bits == 4 && api_size(&type, 4) == 8)
        r[X86_RDX] = c->result >> 32;
}

uint64_t pgr_call_result(struct pgr_call *c)
{
    return c->result;
}

void pgr_call_set_result(struct pgr_call *c, uint64_t value)
{
    c->result = value;
    if (c->over && c->call)
        call_store_result(c);
}

static uint64_t last_error_at(const struct pgr_call *c)
{
    return c->t->teb + (c->m->p->ptr_size == 8 ? LAST_ERROR64 : LAST_ERROR32);
}

uint32_t pgr_call_last_error(struct pgr_call *c)
{
    uint32_t code = 0;
    mem_peek(c->m->p->mem, last_error_at(c), &code, sizeof code);
    return code;
}

void pgr_call_set_last_error(struct pgr_call *c, uint32_t code)
{
    mem_poke(c->m->p->mem, last_error_at(c), &code, sizeof code);
}

/* ---- Memory and code
 * --------------------------------------------------------------------------------------- */

/* Units up to the NUL, page by page; false: the first cannot be read. */
static bool read_units(struct pgr_call *c, uint64_t at, size_t unit, size_t max, uint8_t **out,
                       size_t *count)
{
    VEC(uint8_t) v = {0};
    for (size_t n = 0; n < max; n++) {
        uint16_t u = 0;
        if (!mem_peek(c->m->p->mem, at + n * unit, &u, unit)) {
            if (!n)
                return false;
            break;
        }
        if (!u)
            break;
        for (size_t i = 0; i < unit; i++)
            vec_push(&v, (uint8_t)(u >> (8 * i)));
    }
    *count = v.len / unit;
    vec_push(&v, 0);
    *out = v.data;
    return true;
}

char *pgr_call_text(struct pgr_call *c, uint64_t address, bool wide, size_t max)
{
    uint8_t *raw;
    size_t n;
    if (!address || !read_units(c, address, wide ? 2 : 1, max, &raw, &n))
        return NULL;
    if (!wide)
        return (char *)raw;
    uint16_t *units = xmalloc(n * 2 + 2);
    memcpy(units, raw, n * 2);
    char *text = utf16_to_utf8(units, n, NULL);
    free(units);
    free(raw);
    return text;
}

pgr_status pgr_call_guest(struct pgr_call *c, struct pgr_guest_call *call, struct pgr_error *err)
{
    if (c->waits)
        return err_set(err, PGR_E_STATE, "the thread waits in a service: it cannot call now");
    return machine_aside_call(c->m, c->t, call, err);
}

/* ---- Symbols
 * ---------------------------------------------------------------------------------------------- */

pgr_status pgr_symbol_address(struct pgr_machine *m, const char *name, uint64_t *address,
                              struct pgr_error *err)
{
    if (!m->hooks || !m->p)
        return err_set(err, PGR_E_STATE,
                       "symbols are known in loaded machines that were made with "
                       "pgr_config.intercept");
    hooks_begin(m->hooks, m->p);
    *address = hooks_address_of(m->hooks, m->p, name);
    return *address ? PGR_OK
                    : err_set(err, PGR_E_NOT_FOUND, "no module that is mapped exports %s", name);
}

bool pgr_symbol_name(struct pgr_machine *m, uint64_t address, char *out, size_t size)
{
    uint64_t offset;
    struct hook_module *mod = m->hooks && m->p ? hooks_module_at(m->hooks, m->p, address) : NULL;
    if (!mod)
        return false;
    const char *name = hooks_symbol_near(m->hooks, mod, address, &offset);
    int n = snprintf(out, size, "%s%s%s", mod->name, name[0] ? "!" : "", name);
    if (offset && n >= 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "+0x%llx", (unsigned long long)offset);
    return true;
}
