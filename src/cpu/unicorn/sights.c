// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Telling of what is watched, and taking over what the one who was told wants.
 *
 * An instruction may begin more than once: its page was not mirrored yet, or somebody changed the
 * state when told of it. Each time that it is run by the program counts as one, and has a name: the
 * number of blocks before it and its address, since within a block nothing runs twice, and a block
 * that begins again is not counted again (look_at_block).
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include <string.h>

enum { LONGEST = 15 }; /* bytes of an instruction */

static enum cpu_sight_answer tell(struct unicorn_engine *u, const struct cpu_sight *sight)
{
    u->synced = false;
    u->in_sight = true;
    enum cpu_sight_answer answer = u->base.cfg.on_sight(u->base.cfg.ctx, u->st, sight);
    u->in_sight = false;
    return answer;
}

void unicorn_sync_sight(struct unicorn_engine *u)
{
    struct x86_state *st = u->st;
    if (u->synced)
        return;
    unicorn_read_gprs(u);
    unicorn_read_rest(u, st);
    if (u->stepping && !u->guest_tf)
        st->rflags &= ~(uint64_t)X86_FLAG_TF;
    memcpy(&u->before, st, X86_STATE_BASE_SIZE);
    u->synced = true;
}

static bool more_than_gprs_changed(const struct unicorn_engine *u)
{
    size_t from = offsetof(struct x86_state, rip);
    return u->synced && memcmp((const char *)u->st + from, (const char *)&u->before + from,
                               X86_STATE_BASE_SIZE - from) != 0;
}

/* Whether the processor has to come to rest for what was done when it told of something. */
static bool must_rest(const struct unicorn_engine *u)
{
    return more_than_gprs_changed(u) || u->flush || u->rewatch;
}

/* ---- Coming to rest -------------------------------------------------------------------------- */

/*
 * Ends the run in front of the instruction of a hook. Where translated code does not look for stops
 * in the middle of a block the rest of it still runs: without memory, and then it is undone.
 */
static void cut(struct unicorn_engine *u)
{
    if (unicorn_checks(u)) {
        u->lib.uc_emu_stop(u->uc);
        return;
    }
    u->lib.uc_context_save(u->uc, u->undo);
    u->undoing = u->cutting = true;
    unicorn_attend(u);
    unicorn_hide_memory(u);
    u->lib.uc_emu_stop(u->uc);
}

void unicorn_finish_cut(struct unicorn_engine *u)
{
    u->undoing = u->cutting = false;
    u->lib.uc_context_restore(u->uc, u->undo);
    uc_ctl_flush_tlb(u->uc);
}

/* *st as it is now is where the run goes on, or what it returns. */
static void take_over(struct unicorn_engine *u, bool stop)
{
    unicorn_sync_sight(u);
    u->stepping = false;
    if (stop) {
        *u->exit = (struct cpu_exit){.kind = CPU_EXIT_STOP};
        u->exited = true;
    } else {
        u->reload = true;
    }
}

static void begin_again_at(struct unicorn_engine *u, uint64_t rip)
{
    u->retrying = u->committed = true;
    u->retry_rip = rip;
}

/* In front of the instruction at ip, which has not begun: it will be counted then. */
static void rest_before(struct unicorn_engine *u, uint64_t ip, bool stop)
{
    take_over(u, stop);
    if (u->base.cfg.count_instructions)
        u->instructions--;
    if (stop) {
        u->now.blocks = UINT64_MAX;
        u->cut_st = u->st;
        u->cut_rip = ip;
    } else if (u->st->rip == ip) {
        begin_again_at(u, ip);
    }
    cut(u);
}

/* What was told of an access to memory has consequences, which wait for the next instruction. */
static void rest_after_access(struct unicorn_engine *u, uint64_t ip)
{
    u->pause = false;
    u->synced = false;
    rest_before(u, ip, atomic_exchange(&u->stop, false));
    u->committed = false; /* nobody has been told of it */
}

/* ---- Decoding -------------------------------------------------------------------------------- */

static bool is_prefix(uint8_t b, bool long_mode)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
    return memchr(prefixes, b, sizeof prefixes) || (long_mode && (b & 0xf0) == 0x40);
}

/* The instruction at rip without its prefixes, as far as it can be read; how many they are. */
static unsigned opcode_at(struct unicorn_engine *u, uint64_t rip, uint8_t *op, size_t len)
{
    unsigned n = 0;
    uint8_t b;
    while (n < LONGEST && unicorn_code_byte(u, rip + n, &b) &&
           is_prefix(b, u->mode_cs == X86_SEL_CODE64))
        n++;
    for (size_t i = 0; i < len; i++)
        if (!unicorn_code_byte(u, rip + n + i, &op[i]))
            op[i] = 0;
    return n;
}

static bool movbe(struct unicorn_engine *u, uint64_t ip)
{
    uint8_t op[3];
    opcode_at(u, ip, op, sizeof op);
    return op[0] == 0x0f && op[1] == 0x38 && (op[2] & 0xfe) == 0xf0;
}

/* Whether an instruction can be followed by itself: it branches, or is repeated. */
static bool can_follow_itself(struct unicorn_engine *u, uint64_t ip)
{
    uint8_t op[2];
    opcode_at(u, ip, op, sizeof op);
    switch (op[0]) {
    case 0x0f:
        return (op[1] & 0xf0) == 0x80;
    case 0x6c ... 0x6f: /* with a prefix */
    case 0x70 ... 0x7f:
    case 0xa4 ... 0xa7:
    case 0xaa ... 0xaf:
    case 0xc2 ... 0xc3:
    case 0xca ... 0xcf:
    case 0xe0 ... 0xe3:
    case 0xe8 ... 0xeb:
    case 0xff:
        return true;
    default:
        return false;
    }
}

/* ---- Blocks and instructions ----------------------------------------------------------------- */

static void write_changed_gprs(struct unicorn_engine *u)
{
    for (int i = 0; u->synced && i < X86_GPR_COUNT; i++)
        if (u->st->gpr[i] != u->before.gpr[i])
            unicorn_write_gpr(u, i, u->st->gpr[i]);
}

/* The block has been counted. Stops from the hook of a block come before it. */
void unicorn_tell_block(struct unicorn_engine *u, uint64_t address, uint32_t size)
{
    const struct cpu_sight sight = {CPU_WATCH_BLOCK, size, address, address, 0};

    if (!unicorn_watches(u, CPU_WATCH_BLOCK, address, address))
        return;
    bool stop = tell(u, &sight) == CPU_SIGHT_STOP;
    if (!stop && !must_rest(u)) {
        write_changed_gprs(u);
        return;
    }
    take_over(u, stop);
    if (stop)
        u->blocks--;
    else if (u->st->rip == address)
        begin_again_at(u, address);
    u->lib.uc_emu_stop(u->uc);
}

/*
 * An instruction that overwrites its own block runs again, alone, when it has written. That is a
 * block for the library, and for our counts, watched or not; but no second run of it. With data
 * watched no instruction is missed here, and so it is known which came before.
 */
static bool overwrote_its_block(struct unicorn_engine *u, uint64_t address)
{
    if (u->now.blocks + 1 != u->blocks || !u->watch.memory || can_follow_itself(u, address))
        return false;
    u->now.blocks++;
    return true;
}

static bool begins_again(struct unicorn_engine *u, uint64_t address)
{
    u->now.seen = 0;
    return u->now.ip == address && (u->now.blocks == u->blocks || overwrote_its_block(u, address));
}

void unicorn_on_code(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    struct unicorn_engine *u = ctx;
    const struct cpu_sight sight = {CPU_WATCH_CODE, size <= LONGEST ? size : 0, address, address,
                                    0};
    if (unicorn_stopping(u) || unicorn_is_gate(u, address))
        return;
    if (begins_again(u, address))
        return;
    if (u->pause) {
        rest_after_access(u, address);
        return;
    }
    u->now = (struct instance){.blocks = u->blocks, .ip = address};
    if (!unicorn_watches(u, CPU_WATCH_CODE, address, address))
        return;
    bool stop = tell(u, &sight) == CPU_SIGHT_STOP;
    if (stop || more_than_gprs_changed(u) || u->flush || (u->rewatch && !u->watch.memory)) {
        rest_before(u, address, stop);
        return;
    }
    write_changed_gprs(u);
    if (u->rewatch) /* what this instruction accesses is told of by the old list */
        u->pause = true;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static uint64_t value_of(struct unicorn_engine *u, const struct cpu_sight *s, uint64_t value)
{
    unsigned unused = 64 - 8 * s->size;
    if (s->kind == CPU_WATCH_READ)
        return 0;
    if (movbe(u, s->ip)) /* the hook has what is in the register */
        value = __builtin_bswap64(value) >> unused;
    return value << unused >> unused;
}

/* What was done in the call counts from the next instruction on; but what this one is about to read
 * must be there. Nothing is written before, and so it can begin again. */
static void heed(struct unicorn_engine *u, const struct cpu_sight *sight)
{
    if (u->flush && sight->kind == CPU_WATCH_READ) {
        u->refresh = u->in_block = true;
        if (u->base.cfg.count_instructions)
            u->instructions--;
        unicorn_attend(u);
        u->lib.uc_emu_stop(u->uc);
    } else if (u->flush || u->rewatch || atomic_load_explicit(&u->stop, memory_order_relaxed)) {
        u->pause = true;
        unicorn_attend(u);
    }
}

void unicorn_on_memory(uc_engine *uc, uc_mem_type type, uint64_t phys, int size, int64_t value,
                       void *ctx)
{
    struct unicorn_engine *u = ctx;
    struct cpu_sight sight = {.size = (uint32_t)size, .ip = u->now.ip};

    sight.kind = type == UC_MEM_READ    ? CPU_WATCH_READ
                 : type == UC_MEM_WRITE ? CPU_WATCH_WRITE
                                        : CPU_WATCH_READ_AFTER;
    if (u->undoing || u->refresh || !unicorn_virtual(u, phys, &sight.address) ||
        !unicorn_watches(u, sight.kind, sight.address, sight.address + sight.size - 1))
        return;
    if (u->now.seen++ < u->now.told)
        return;
    u->now.told = u->now.seen;
    sight.value = value_of(u, &sight, (uint64_t)value);
    if (tell(u, &sight) == CPU_SIGHT_STOP)
        atomic_store(&u->stop, true);
    heed(u, &sight);
}

/* ---- cpuid ----------------------------------------------------------------------------------- */

static void do_cpuid(struct unicorn_engine *u)
{
    static const int order[] = {X86_RAX, X86_RBX, X86_RCX, X86_RDX};
    uint64_t *gpr = u->st->gpr;
    uint32_t out[4];
    unicorn_cpuid((uint32_t)gpr[X86_RAX], (uint32_t)gpr[X86_RCX], out);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        gpr[order[i]] = out[i];
}

/* The instruction is done, as far as the one who was told has not gone elsewhere: *st says with
 * what result. The run goes on behind it. */
static void go_on_behind(struct unicorn_engine *u, const struct cpu_sight *sight)
{
    if (u->st->rip == sight->ip) {
        u->st->rip += sight->size;
        begin_again_at(u, u->st->rip);
    }
    take_over(u, false);
    cut(u);
}

static bool cpuid_sight(struct unicorn_engine *u, struct cpu_sight *sight)
{
    uint8_t op[2];
    *sight = (struct cpu_sight){.kind = CPU_WATCH_CPUID};
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RIP, &sight->ip);
    sight->address = sight->ip;
    sight->size = opcode_at(u, sight->ip, op, sizeof op) + (unsigned)sizeof op;
    return unicorn_watches(u, CPU_WATCH_CPUID, sight->ip, sight->ip);
}

bool unicorn_tell_cpuid(struct unicorn_engine *u)
{
    struct cpu_sight sight;

    if (!u->watch.of[CPU_WATCH_CPUID].n || !cpuid_sight(u, &sight))
        return false;
    enum cpu_sight_answer answer = tell(u, &sight);
    bool rest = must_rest(u);
    if (answer == CPU_SIGHT_STOP) {
        rest_before(u, sight.ip, true);
        return true;
    }
    if (!rest && !u->synced)
        return answer == CPU_SIGHT_DONE;
    unicorn_sync_sight(u);
    if (answer == CPU_SIGHT_GO_ON && u->st->rip == sight.ip)
        do_cpuid(u);
    if (rest)
        go_on_behind(u, &sight);
    else
        write_changed_gprs(u);
    return true;
}
