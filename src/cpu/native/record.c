// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that are noted in the child (record.S) instead of coming out at both gates. What the guest
 * writes into the records is what it could have passed to the functions as well.
 */
#include "cpu/native/internal.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "mem/space.h"
#include <stddef.h>
#include <string.h>
#include <x86intrin.h>

struct record {
    uint64_t key, slot, back, sp, began, ended, result[2], arg[REC_ARGS], stack;
    uint32_t last_error, unused;
};

struct row {
    uint64_t key, function;
};

struct data {
    _Atomic uint64_t state;
    uint32_t limit, unused;
    uint64_t gate, base;
    uint32_t far_ip;
    uint16_t far_cs, unused2;
    uint64_t rows;
};

#define CHECK(type, field, offset)                                                                 \
    _Static_assert(offsetof(struct type, field) == (offset), "record.S has it elsewhere")
CHECK(record, slot, RECORD_SLOT);
CHECK(record, back, RECORD_BACK);
CHECK(record, sp, RECORD_SP);
CHECK(record, began, RECORD_BEGAN);
CHECK(record, ended, RECORD_ENDED);
CHECK(record, result, RECORD_RESULT);
CHECK(record, arg, RECORD_ARG);
CHECK(record, stack, RECORD_STACK);
CHECK(record, last_error, RECORD_ERROR);
CHECK(data, limit, REC_LIMIT);
CHECK(data, gate, REC_RETURN);
CHECK(data, base, REC_BASE);
CHECK(data, far_ip, REC_FAR);
CHECK(data, rows, REC_ROWS_AT);
_Static_assert(sizeof(struct record) == 0x80 && sizeof(struct row) == 16, "record.S knows better");
_Static_assert(CPU_RECORD_ARGS == REC_ARGS, "there must be room");
_Static_assert(REC_LIST + REC_MAX * sizeof(struct record) == RECORD_DATA_SIZE, "it must fit");

/* The labels of record.S, for guests of either bitness. */
struct labels {
    const uint8_t *code, *end, *call_timed, *call_untimed, *commit, *open, *move, *go;
    const uint8_t *return_, *timed, *untimed, *close, *back;
};
#define EXTERN(b)                                                                                  \
    extern const uint8_t native_record##b[], native_record##b##_end[],                             \
        native_record##b##_call_timed[], native_record##b##_call_untimed[],                        \
        native_record##b##_commit[], native_record##b##_open[], native_record##b##_move[],         \
        native_record##b##_go[], native_record##b##_return[], native_record##b##_timed[],          \
        native_record##b##_untimed[], native_record##b##_close[], native_record##b##_back[]
#define LABELS(b)                                                                                  \
    {                                                                                              \
        native_record##b, native_record##b##_end, native_record##b##_call_timed,                   \
            native_record##b##_call_untimed, native_record##b##_commit, native_record##b##_open,   \
            native_record##b##_move, native_record##b##_go, native_record##b##_return,             \
            native_record##b##_timed, native_record##b##_untimed, native_record##b##_close,        \
            native_record##b##_back                                                                \
    }
EXTERN(64);
EXTERN(32);

static const struct labels *labels_of(const struct native_engine *n)
{
    static const struct labels labels64 = LABELS(64), labels32 = LABELS(32);
    return mem_ptr_size(n->base.cfg.mem) == 8 ? &labels64 : &labels32;
}

static uint64_t code_va(const struct native_engine *n)
{
    return n->base.cfg.gate_base + NATIVE_RECORD_AT;
}

static uint8_t *data_bytes(const struct native_engine *n)
{
    return n->area + NATIVE_RECORD_OFFSET + RECORD_DATA;
}

static struct data *data_of(const struct native_engine *n)
{
    return (struct data *)(void *)data_bytes(n);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

bool native_records_init(struct native_engine *n)
{
    const struct cpu_config *c = &n->base.cfg;
    const struct labels *l = labels_of(n);
    if (!n->gates || !c->on_records || c->gate_size != NATIVE_RECORD_GATES ||
        c->note_call != c->gate_base + NATIVE_RECORD_CALL ||
        c->note_return != c->gate_base + NATIVE_RECORD_RETURN)
        return false;
    memcpy(n->area + NATIVE_RECORD_OFFSET, l->code, (size_t)(l->end - l->code));
    *data_of(n) = (struct data){.gate = c->note_return,
                                .base = code_va(n) + RECORD_DATA + REC_LIST,
                                .far_cs = X86_SEL_CODE32,
                                .rows = code_va(n) + RECORD_DATA + REC_TABLE};
    n->noted = xmalloc(REC_MAX * sizeof *n->noted);
    n->tsc = __rdtsc();
    n->tsc_ns = host_monotonic_ns();
    return true;
}

uint64_t native_record_gate(const struct native_engine *n, uint64_t gate)
{
    const struct labels *l = labels_of(n);
    if (!n->records)
        return 0;
    if (gate == n->base.cfg.note_call)
        return code_va(n);
    return gate == n->base.cfg.note_return ? code_va(n) + (uint64_t)(l->return_ - l->code) : 0;
}

void native_note_call(struct cpu_engine *e, const struct cpu_noted *f)
{
    struct native_engine *n = native_of(e);
    struct row *rows = (struct row *)(void *)(data_bytes(n) + REC_TABLE);
    if (!n->records)
        return;
    if (!f) {
        memset(rows, 0, REC_ROWS * sizeof *rows);
        return;
    }
    struct row *r = &rows[f->key >> 3 & (REC_ROWS - 1)];
    uint64_t taken = mem_ptr_size(e->cfg.mem) == 4 ? (uint64_t)(uint16_t)(4 + f->pops) << 32 : 0;
    *r = (struct row){f->key, f->target | taken | (uint64_t)f->args << 56};
}

void native_note_calls(struct cpu_engine *e, bool on)
{
    struct native_engine *n = native_of(e);
    if (n->records)
        data_of(n)->limit = on ? REC_MAX : 0;
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* The guest's code must run on as if it had come to the gate just now. */
static void undo_call(const struct native_engine *n, const struct record *r, uint64_t at,
                      struct x86_state *st)
{
    const struct labels *l = labels_of(n);
    const unsigned size = mem_ptr_size(n->base.cfg.mem);
    const uint64_t commit = (uint64_t)(l->commit - l->code), go = (uint64_t)(l->go - l->code),
                   timed = (uint64_t)(l->call_timed - l->code),
                   untimed = (uint64_t)(l->call_untimed - l->code);
    if (at >= timed && at < untimed) {
        st->gpr[X86_RAX] = r->result[0];
        st->gpr[X86_RDX] = r->result[1];
    }
    if (at <= commit || at > go)
        return;
    if (at == go)
        st->gpr[X86_RSP] -= size;
    mem_write(n->base.cfg.mem, st->gpr[X86_RSP] + size, &r->back, size);
    atomic_store(&data_of(n)->state, atomic_load(&data_of(n)->state) >> 32 << 32);
}

uint64_t native_record_interrupted(const struct native_engine *n, struct x86_state *st)
{
    const struct labels *l = labels_of(n);
    const uint64_t at = st->rip - code_va(n);
    if (!n->records || at >= (uint64_t)(l->end - l->code))
        return 0;
    const uint64_t state = atomic_load(&data_of(n)->state);
    const bool closed = at == (uint64_t)(l->back - l->code);
    const uint64_t i = (state >> 32) - closed;
    struct record r = {0};
    if (i < REC_MAX)
        memcpy(&r, data_bytes(n) + REC_LIST + i * sizeof r, sizeof r);
    if (at < (uint64_t)(l->return_ - l->code)) {
        undo_call(n, &r, at, st);
        return n->base.cfg.note_call;
    }
    if (closed)
        return r.back;
    if (at >= (uint64_t)(l->timed - l->code) && at < (uint64_t)(l->untimed - l->code)) {
        st->gpr[X86_RAX] = r.result[0];
        st->gpr[X86_RDX] = r.result[1];
    }
    return n->base.cfg.note_return;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static uint64_t ago(uint64_t now, uint64_t then, double ns_per_tick)
{
    return now > then ? (uint64_t)((double)(now - then) * ns_per_tick) : 0;
}

/* Takes what was noted out of the child's hands; true: there is something. */
static bool take(struct native_engine *n)
{
    const uint64_t state = atomic_exchange(&data_of(n)->state, 0), count = state >> 32;
    const bool open = (uint32_t)state != 0;
    if (!state || count + open > REC_MAX)
        return false;
    const uint64_t tsc = __rdtsc(), ns = host_monotonic_ns();
    const double rate = tsc > n->tsc ? (double)(ns - n->tsc_ns) / (double)(tsc - n->tsc) : 1;
    n->noted_count = count + open;
    n->noted_open = open;
    n->noted_at = ns;
    for (size_t i = 0; i < n->noted_count; i++) {
        struct record r;
        memcpy(&r, data_bytes(n) + REC_LIST + i * sizeof r, sizeof r);
        n->noted[i] = (struct cpu_record){.key = r.key,
                                          .slot = r.slot,
                                          .back = r.back,
                                          .began = ago(tsc, r.began, rate),
                                          .ended = ago(tsc, r.ended, rate),
                                          .result = {r.result[0], r.result[1]},
                                          .stack = r.stack,
                                          .last_error = r.last_error};
        memcpy(n->noted[i].arg, r.arg, sizeof n->noted[i].arg);
    }
    return true;
}

void native_tell_taken(struct native_exec *x)
{
    struct native_engine *n = x->n;
    const size_t count = n->noted_count;
    if (!count)
        return;
    const uint64_t since = host_monotonic_ns() - n->noted_at;
    for (size_t i = 0; i < count; i++) {
        n->noted[i].began += since;
        n->noted[i].ended += since;
    }
    n->noted_count = 0;
    n->base.cfg.on_records(n->base.cfg.ctx, x->st, n->noted, count, n->noted_open);
}

void native_tell_records(struct native_exec *x)
{
    if (!x->n->records)
        return;
    native_tell_taken(x);
    if (take(x->n))
        native_tell_taken(x);
}

bool native_take_full(struct native_exec *x, uint64_t gate)
{
    struct native_engine *n = x->n;
    if (!n->records || gate != n->base.cfg.note_call || data_of(n)->limit != REC_MAX ||
        atomic_load(&data_of(n)->state) != (uint64_t)REC_MAX << 32)
        return false;
    native_tell_taken(x);
    return take(n);
}
