// SPDX-License-Identifier: GPL-2.0-or-later
/* The state inside a snapshot file, without the machine around it: kernel, memory, address space.
 */
#include "base/err.h"
#include "mem/space.h"
#include "nt/kernel.h"
#include "win/win.h"

#define MEMORY (1ull << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(struct nt_kernel *k, struct mem_ram *ram, struct ser *s)
{
    nt_kernel_transfer_host(k, s);
    mem_ram_transfer(s, ram);
    nt_kernel_transfer_objects(k, s);
    struct nt_process *p = s->failed ? NULL : nt_process_get(k, k->first_process);
    if (!p || win_create_space(k, p, NULL))
        ser_fail(s, "no process");
    else
        mem_transfer(s, p->mem);
    nt_kernel_settle(k, s);
    nt_kernel_abandon(k); /* what was loaded must not reach the host's files */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nt_config cfg = {.seed = 1};
    struct mem_ram *ram;
    struct nt_kernel *k;
    struct ser s;
    if (mem_ram_create(&ram, MEMORY, NULL))
        return 0;
    if (!nt_kernel_create(&cfg, ram, &k, NULL)) {
        ser_begin_load(&s, data, size);
        load(k, ram, &s);
        ser_end(&s);
        nt_kernel_destroy(k);
    }
    mem_ram_destroy(ram);
    return 0;
}
