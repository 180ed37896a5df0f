// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unicorn makes translated code call a function after every access to memory, to see whether it is
 * to stop. Nothing here needs that: stops come from hooks, and the beginning of a block looks too.
 * Without these calls programs run up to twice as fast. The library can leave them out, but has it
 * decided by a flag in its own structure (no_exit_request) that no function sets. So the flag is
 * looked for in the one version whose structure is known, and whether it does what it is to do is
 * tried. Where anything is not as expected all stays as it is.
 */
#include "cpu/unicorn/internal.h"
#include <malloc.h>
#include <string.h>

/* cpuid; inc dword [rsi]; jmp to the next instruction; hlt */
static const uint8_t trial_code[] = {0x0f, 0xa2, 0xff, 0x06, 0xeb, 0x00, 0xf4};

enum {
    KNOWN_VERSION = 2 << 16 | 1 << 8 | 4,
    TRIAL_CODE = SYSTEM_STUB + 0x40,
    TRIAL_COUNT = SYSTEM_STUB + 0x80,
};

static int stop_at_cpuid(uc_engine *uc, void *ctx)
{
    struct unicorn_engine *u = ctx;
    u->lib.uc_emu_stop(uc);
    return 1;
}

/* Whether a block that has been told to stop runs on after an access to memory, and then stops. */
static bool blocks_are_whole(struct unicorn_engine *u)
{
    const uint64_t code = SYSTEM_VA + TRIAL_CODE;
    uint64_t count_at = SYSTEM_VA + TRIAL_COUNT, rip = 0;
    uint32_t count = 0;
    uc_hook hook;

    memcpy(u->system + TRIAL_CODE, trial_code, sizeof trial_code);
    memcpy(u->system + TRIAL_COUNT, &count, sizeof count);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RSI, &count_at);
    if (u->lib.uc_hook_add(u->uc, &hook, UC_HOOK_INSN, (void *)stop_at_cpuid, u, 1, 0,
                           UC_X86_INS_CPUID) != UC_ERR_OK)
        return false;
    uc_err err = u->lib.uc_emu_start(u->uc, code, 0, 0, 0);
    u->lib.uc_hook_del(u->uc, hook);
    uc_ctl_flush_tb(u->uc);
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RIP, &rip);
    memcpy(&count, u->system + TRIAL_COUNT, sizeof count);
    return err == UC_ERR_OK && count == 1 && rip == code + sizeof trial_code - 1;
}

/*
 * The flag follows the size of the processor's structure, which the size of a saved context tells,
 * an address that is only used elsewhere, and two others; the next says that all is set up.
 */
static uint8_t *find_flag(struct unicorn_engine *u)
{
    enum { BEFORE = 16, HEADER_MAX = 128 };
    static const uint8_t masked[8] = {0, 0, 0, 1, 0, 0, 0, 0};
    size_t context = u->lib.uc_context_size(u->uc), size = malloc_usable_size(u->uc);
    uint8_t *base = (uint8_t *)u->uc, *found = NULL;

    for (size_t at = BEFORE; at + sizeof masked <= size; at += sizeof masked) {
        uint8_t have[sizeof masked];
        uint32_t cpu_size;
        memcpy(&cpu_size, base + at - BEFORE, sizeof cpu_size);
        memcpy(have, base + at, sizeof have);
        have[1] &= 0xfe;
        if (cpu_size >= context || context - cpu_size > HEADER_MAX ||
            memcmp(have, masked, sizeof have) != 0)
            continue;
        if (found)
            return NULL;
        found = base + at + 2;
    }
    return found;
}

void unicorn_spare_checks(struct unicorn_engine *u)
{
    /* Hooks on instructions rely on these very calls. */
    if (u->base.cfg.count_instructions || u->lib.uc_version(NULL, NULL) >> 8 != KNOWN_VERSION)
        return;
    uint8_t *flag = find_flag(u);
    if (!flag)
        return;
    *flag = 1;
    if (blocks_are_whole(u))
        u->spared = flag;
    else
        *flag = 0;
}
