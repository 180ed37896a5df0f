// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Synthetic DLLs: genuine PE images made by pe/build.h, whose exports jump to gates. The guest's
 * loader cannot tell them from files.
 */
#include "base/bits.h"
#include "base/vec.h"
#include "mem/space.h"
#include "nt/io/io.h"
#include "pe/build.h"
#include "win/internal.h"

#include <stdio.h>

struct synthetic_export {
    const char *dll, *name;
    uint8_t args; /* stdcall words on i386 */
    uint64_t (*fn)(struct nt_kernel *k, struct nt_thread *t, const uint64_t *args);
};

/* BOOL ProcessPrng(PBYTE pbData, SIZE_T cbData): documented never to fail. */
static uint64_t process_prng(struct nt_kernel *k, struct nt_thread *t, const uint64_t *args)
{
    struct mem_space *m = nt_process_get(k, t->process)->mem;
    uint64_t at = args[0], left = args[1];
    while (left) {
        size_t n = MIN(left, (uint64_t)MEM_PAGE);
        ntstatus s;
        uint8_t *p = mem_window(m, at, &n, MEM_W, &s);
        if (!p)
            return 0;
        nt_random_bytes(k, p, n);
        at += n;
        left -= n;
    }
    return 1;
}

/* The order numbers the gates: append only. */
static const struct synthetic_export exports[] = {
    {"bcryptprimitives.dll", "ProcessPrng", 2, process_prng},
};

bool win_synthetic_call(struct nt_kernel *k, struct nt_thread *t, uint64_t index)
{
    struct nt_process *p = nt_process_get(k, t->process);
    const uint64_t *r = t->cpu.gpr;
    uint64_t args[4] = {r[X86_RCX], r[X86_RDX], r[X86_R8], r[X86_R9]};
    if (index >= ARRAY_LEN(exports))
        return false;
    if (p->ptr_size == 4) {
        uint32_t stack[4] = {0};
        mem_read(p->mem, (uint32_t)r[X86_RSP] + 4, stack, sizeof stack);
        for (int i = 0; i < 4; i++)
            args[i] = stack[i];
    }
    t->cpu.gpr[X86_RAX] = exports[index].fn(k, t, args);
    return true;
}

unsigned win_synthetic_pops(const struct nt_process *p, uint64_t index)
{
    return p->ptr_size == 4 && index < ARRAY_LEN(exports) ? exports[index].args * 4u : 0;
}
