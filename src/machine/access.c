// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/breaks.h"
#include "base/match.h"
#include "base/bits.h"
#include "mem/space.h"

#include <stddef.h>
#include <string.h>

static pgr_status not_loaded(struct pgr_error *e)
{
    return err_set(e, PGR_E_STATE, "the machine has no program yet");
}

pgr_status pgr_machine_read(struct pgr_machine *m, uint64_t address, void *out, size_t size,
                            struct pgr_error *err)
{
    if (!m->p)
        return not_loaded(err);
    if (mem_peek(m->p->mem, address, out, size)) {
        breaks_read(m, address, out, size);
        return PGR_OK;
    }
    return err_set(err, PGR_E_ARGUMENT, "the guest has no memory at 0x%llx (%zu bytes)",
                   (unsigned long long)address, size);
}

pgr_status pgr_machine_write(struct pgr_machine *m, uint64_t address, const void *data, size_t size,
                             struct pgr_error *err)
{
    if (!m->p)
        return not_loaded(err);
    if (!mem_poke(m->p->mem, address, data, size)) {
        breaks_written(m, address, size);
        return PGR_OK;
    }
    return err_set(err, PGR_E_ARGUMENT, "the guest has no memory at 0x%llx (%zu bytes)",
                   (unsigned long long)address, size);
}

#define REG(text, field, width)                                                                    \
    {                                                                                              \
        text, offsetof(struct x86_state, field), width                                             \
    }
static const struct {
    const char *name;
    size_t offset;
    unsigned width;
} registers[] = {
    REG("rax", gpr[X86_RAX], 8), REG("rcx", gpr[X86_RCX], 8), REG("rdx", gpr[X86_RDX], 8),
    REG("rbx", gpr[X86_RBX], 8), REG("rsp", gpr[X86_RSP], 8), REG("rbp", gpr[X86_RBP], 8),
    REG("rsi", gpr[X86_RSI], 8), REG("rdi", gpr[X86_RDI], 8), REG("r8", gpr[X86_R8], 8),
    REG("r9", gpr[X86_R9], 8),   REG("r10", gpr[X86_R10], 8), REG("r11", gpr[X86_R11], 8),
    REG("r12", gpr[X86_R12], 8), REG("r13", gpr[X86_R13], 8), REG("r14", gpr[X86_R14], 8),
    REG("r15", gpr[X86_R15], 8), REG("rip", rip, 8),          REG("rflags", rflags, 8),
    REG("eax", gpr[X86_RAX], 4), REG("ecx", gpr[X86_RCX], 4), REG("edx", gpr[X86_RDX], 4),
    REG("ebx", gpr[X86_RBX], 4), REG("esp", gpr[X86_RSP], 4), REG("ebp", gpr[X86_RBP], 4),
    REG("esi", gpr[X86_RSI], 4), REG("edi", gpr[X86_RDI], 4), REG("eip", rip, 4),
    REG("eflags", rflags, 4),    REG("fs_base", fs_base, 8),  REG("gs_base", gs_base, 8),
};

struct search {
    uint32_t tid;
    struct nt_thread *t;
};

static void match(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct search *s = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (!s->t && t->state != NT_THREAD_ENDED && (!s->tid || t->tid == s->tid))
        s->t = t;
}

/* While its thread is in the engine not every register is here: the general ones are in the handler
 * of an exit, none is in the middle of the engine's loop. */
static void fetch(struct pgr_machine *m, struct nt_thread *t, const uint8_t *at)
{
    const struct machine_worker *w = machine_worker_of(m, t);
    bool rest = at >= (const uint8_t *)&t->cpu + offsetof(struct x86_state, cs);
    if (w && w->in_handler && (w->in_sight || rest))
        machine_sync(m->k, t);
}

/* Finds thread and register, and where the register's value is. */
static pgr_status locate(struct pgr_machine *m, uint32_t thread, const char *name, uint8_t **at,
                         unsigned *width, struct pgr_error *e)
{
    struct search s = {.tid = thread};
    const char *names[ARRAY_LEN(registers)];
    if (!m->p)
        return not_loaded(e);
    nt_object_each(m->k, NT_TYPE_THREAD, match, &s);
    if (!s.t)
        return err_set(e, PGR_E_NOT_FOUND, "no thread %u is alive", thread);
    for (size_t i = 0; i < ARRAY_LEN(registers); i++) {
        names[i] = registers[i].name;
        if (!strcmp(name, names[i])) {
            *at = (uint8_t *)&s.t->cpu + registers[i].offset;
            *width = registers[i].width;
            fetch(m, s.t, *at);
            return PGR_OK;
        }
    }
    const char *near = match_nearest(name, names, ARRAY_LEN(names));
    return err_set(e, PGR_E_ARGUMENT, "no register is called '%s'%s%s%s", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

pgr_status pgr_machine_get_register(struct pgr_machine *m, uint32_t thread, const char *name,
                                    uint64_t *value, struct pgr_error *err)
{
    uint8_t *at;
    unsigned width;
    pgr_status s = locate(m, thread, name, &at, &width, err);
    if (!s) {
        *value = 0;
        memcpy(value, at, width);
    }
    return s;
}

pgr_status pgr_machine_set_register(struct pgr_machine *m, uint32_t thread, const char *name,
                                    uint64_t value, struct pgr_error *err)
{
    uint8_t *at;
    unsigned width;
    pgr_status s = locate(m, thread, name, &at, &width, err);
    if (!s) {
        value = width == 4 ? (uint32_t)value : value;
        memcpy(at, &value, sizeof value); /* writing a half clears the other, as in 64-bit code */
    }
    return s;
}
