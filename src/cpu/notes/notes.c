// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/notes/notes.h"
#include "cpu/notes/recorder.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "mem/space.h"
#include <stddef.h>
#include <string.h>
#include <x86intrin.h>

#define CHECK(field, offset)                                                                       \
    _Static_assert(offsetof(struct note, field) == (offset), "record.S has it elsewhere")
CHECK(gpr, NOTE_GPR);
CHECK(target, NOTE_TARGET);
CHECK(rsp, NOTE_RSP);
CHECK(far_ip, NOTE_FAR);
CHECK(before, NOTE_BEFORE);
CHECK(of_return, NOTE_OF_RETURN);
CHECK(head, NOTE_HEAD);
CHECK(out, NOTE_OUT);
_Static_assert(ROWS * sizeof(struct note_row) == ROWS_SIZE, "there must be room");
_Static_assert(sizeof(struct note) <= NOTE_STACK - 0x800, "the stack needs some");
_Static_assert(NOTE_RING + 2 * NOTE_RING_SIZE == CPU_NOTE_SIZE, "all of it is used");
_Static_assert(CPU_NOTES + CPU_NOTE_MAX * CPU_NOTE_SIZE <= CPU_RECORDER &&
                   CPU_RECORDER + RECORDER_SIZE <= CPU_ROWS &&
                   CPU_NOTES + CPU_NOTES_SIZE <= CPU_AREA_SIZE,
               "they must not overlap");

#define CODE_VA (CPU_AREA + CPU_RECORDER)

/* The code, between symbols that the linker makes, and its entries. */
extern const uint8_t __start_cpu_recorder[] __attribute__((visibility("hidden")));
extern const uint8_t __stop_cpu_recorder[] __attribute__((visibility("hidden")));
#define ENTRY(name) extern const uint8_t cpu_recorder_at_##name[], cpu_recorder_at_##name##_saved[]
#define AT(name)                                                                                   \
    {                                                                                              \
        cpu_recorder_at_##name, cpu_recorder_at_##name##_saved                                     \
    }
ENTRY(call64);
ENTRY(return64);
ENTRY(call32);
ENTRY(return32);
ENTRY(call1);
ENTRY(return1);

struct entry {
    const uint8_t *code, *saved; /* up to which the registers are in place */
};

/* Of calls and of returns. */
static const struct entry *entries(const struct cpu_notes *n)
{
    static const struct entry wide[] = {AT(call64), AT(return64)},
                              narrow[] = {AT(call32), AT(return32)},
                              one[] = {AT(call1), AT(return1)};
    return n->one ? one : mem_ptr_size(n->cfg->mem) == 8 ? wide : narrow;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

bool cpu_notes_wanted(const struct cpu_config *c)
{
    return c->on_records && c->note_call - c->gate_base < MEM_PAGE &&
           c->note_return - c->gate_base < MEM_PAGE;
}

void cpu_notes_init(struct cpu_notes *n, uint8_t *recorder, const uint64_t out[2])
{
    const size_t size = (size_t)(__stop_cpu_recorder - __start_cpu_recorder);
    BUG_ON(size > RECORDER_SIZE);
    memcpy(recorder, __start_cpu_recorder, size);
    for (unsigned i = 0; i < n->count; i++) {
        struct note *note = n->thread[i].note;
        note->far_cs = X86_SEL_CODE32;
        note->gate = n->cfg->note_return;
        note->rows = CPU_AREA + CPU_ROWS;
        note->ring = CPU_AREA + CPU_NOTES + i * CPU_NOTE_SIZE + NOTE_RING;
        memcpy(note->out, out, sizeof note->out);
        n->thread[i].taken = xmalloc(NOTE_RING_SIZE);
    }
    n->behind = n->other_tsc ? UINT64_MAX : 0;
    n->tsc = __rdtsc();
    n->tsc_ns = host_monotonic_ns();
}

void cpu_notes_destroy(struct cpu_notes *n)
{
    for (unsigned i = 0; i < n->count; i++)
        free(n->thread[i].taken);
    n->count = 0;
}

uint64_t cpu_notes_entry(const struct cpu_notes *n, bool of_returns)
{
    return CODE_VA + (uint64_t)(entries(n)[of_returns].code - __start_cpu_recorder);
}

void cpu_notes_call(struct cpu_notes *n, const struct cpu_noted *f)
{
    if (!f) {
        for (size_t i = 0; i < ROWS; i++)
            atomic_store(&n->rows[i].key, 0);
        return;
    }
    struct note_row *r = &n->rows[f->key >> 3 & (ROWS - 1)];
    atomic_store(&r->key, 0); /* others may be looking */
    r->target = f->target;
    r->taken = (uint16_t)(mem_ptr_size(n->cfg->mem) + f->pops);
    r->args = f->args;
    r->captures = f->captures;
    memcpy(r->capture, f->capture, sizeof r->capture);
    atomic_store(&r->key, f->key);
}

void cpu_notes_switch(struct cpu_note_thread *t, bool on, bool same)
{
    t->note->on = on;
    if (!same)
        t->note->depth = 0; /* what goes on of it is a call like any other */
}

/* ---- Interruptions --------------------------------------------------------------------------- */

/* The return address is where it was. */
static void undo_call(const struct cpu_notes *n, const struct note *note)
{
    struct mem_space *mem = n->cfg->mem;
    const unsigned size = mem_ptr_size(mem);
    const uint64_t slot = note->gpr[X86_RSP] + size;
    uint64_t now = 0;
    if (mem_peek(mem, slot, &now, size) && now == n->cfg->note_return)
        mem_write(mem, slot, &note->back, size);
}

/* Everything from the note: before it happened, or after. */
static uint64_t settle(const struct cpu_notes *n, struct note *note, struct x86_state *st)
{
    const bool done = atomic_load(&note->head) != note->before;
    const uint64_t r10 = st->gpr[X86_R10], r11 = st->gpr[X86_R11];
    memcpy(st->gpr, note->gpr, sizeof st->gpr);
    st->gpr[X86_R10] = r10;
    st->gpr[X86_R11] = r11;
    note->depth = 0;
    if (done) {
        st->gpr[X86_RSP] = note->rsp;
        st->rip = note->target;
        return 0;
    }
    if (!note->of_return)
        undo_call(n, note);
    return note->of_return ? n->cfg->note_return : n->cfg->note_call;
}

bool cpu_notes_interrupted(struct cpu_notes *n, struct cpu_note_thread *t, struct x86_state *st,
                           uint64_t *gate)
{
    const uint64_t at = st->rip - CODE_VA;
    if (at >= RECORDER_SIZE)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        const struct entry *e = &entries(n)[i];
        if (at >= (uint64_t)(e->code - __start_cpu_recorder) &&
            at < (uint64_t)(e->saved - __start_cpu_recorder)) {
            *gate = st->rip = i ? n->cfg->note_return : n->cfg->note_call;
            return true;
        }
    }
    *gate = settle(n, t->note, st);
    if (*gate)
        st->rip = *gate;
    return true;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* What the thread has written so far; it may be going on. */
static void take_from(struct cpu_note_thread *t)
{
    struct note *note = t->note;
    const uint8_t *ring = (const uint8_t *)note + NOTE_RING;
    const uint32_t head = atomic_load_explicit(&note->head, memory_order_acquire), tail = t->tail;
    t->taken_at = t->taken_end = 0;
    if (head == tail || head >= NOTE_RING_SIZE)
        return;
    const uint32_t first = head > tail ? head - tail : NOTE_RING_SIZE - tail;
    memcpy(t->taken, ring + tail, first);
    if (head < tail)
        memcpy(t->taken + first, ring, head);
    t->taken_end = first + (head < tail ? head : 0);
    t->taken_of = t->st;
    t->tail = head;
    atomic_store_explicit(&note->tail, head, memory_order_release);
}

/* The smallest difference that was ever seen is the nearest to the truth. */
static void compare_clocks(struct cpu_notes *n, uint64_t tsc)
{
    for (unsigned i = 0; n->other_tsc && i < n->count; i++)
        n->behind = MIN(n->behind, tsc - n->thread[i].note->now);
}

static bool take(struct cpu_notes *n)
{
    const uint64_t tsc = __rdtsc();
    bool any = false;
    compare_clocks(n, tsc);
    for (unsigned i = 0; i < n->count; i++) {
        take_from(&n->thread[i]);
        any |= n->thread[i].taken_end != 0;
    }
    if (!any)
        return false;
    const uint64_t ns = host_monotonic_ns();
    n->ns_per_tick = tsc > n->tsc ? (double)(ns - n->tsc_ns) / (double)(tsc - n->tsc) : 1;
    n->have_taken = true;
    return true;
}

bool cpu_notes_take_full(struct cpu_notes *n, struct cpu_note_thread *t, uint64_t gate)
{
    if (gate != n->cfg->note_call && gate != n->cfg->note_return)
        return false;
    const uint32_t head = atomic_load(&t->note->head), tail = t->tail;
    const uint32_t used = head >= tail ? head - tail : head + NOTE_RING_SIZE - tail;
    if (head >= NOTE_RING_SIZE || used + RECORD_MOST < NOTE_RING_SIZE)
        return false;
    cpu_notes_tell_taken(n);
    return take(n);
}

/* ---- Telling --------------------------------------------------------------------------------- */

/* The words of the record that is next. */
static const uint64_t *next_of(const struct cpu_note_thread *t)
{
    return (const uint64_t *)(const void *)(t->taken + t->taken_at);
}

static struct record_head head_of(const uint64_t *words)
{
    struct record_head head;
    memcpy(&head, words, sizeof head);
    return head;
}

static unsigned words_of(const struct record_head *head)
{
    return head->returned ? RECORD_RETURN_WORDS : RECORD_CALL_WORDS + head->args;
}

/* Whether there is another one, which could be one. */
static bool has_next(struct cpu_note_thread *t)
{
    const uint32_t left = t->taken_end - t->taken_at;
    if (left < sizeof(uint64_t) * RECORD_CALL_WORDS)
        return false;
    const struct record_head head = head_of(next_of(t));
    if (head.size % 8 || head.size > left || head.args > CPU_NOTE_ARGS ||
        head.pieces > CPU_NOTE_CAPTURES || head.size < words_of(&head) * sizeof(uint64_t))
        t->taken_end = t->taken_at; /* nor is what comes behind it */
    return t->taken_end != t->taken_at;
}

/* The thread whose record was written first. */
static struct cpu_note_thread *earliest(struct cpu_notes *n)
{
    struct cpu_note_thread *first = NULL;
    for (unsigned i = 0; i < n->count; i++) {
        struct cpu_note_thread *t = &n->thread[i];
        if (has_next(t) && (!first || next_of(t)[RECORD_WHEN] < next_of(first)[RECORD_WHEN]))
            first = t;
    }
    return first;
}

static void get_pieces(const uint8_t *record, const struct record_head *head, struct cpu_record *r)
{
    uint32_t at = words_of(head) * (uint32_t)sizeof(uint64_t);
    for (unsigned i = 0; i < head->pieces && head->size - at >= 16; i++) {
        uint64_t va, len;
        memcpy(&va, record + at, sizeof va);
        memcpy(&len, record + at + 8, sizeof len);
        if (len > head->size - at - 16)
            return;
        r->piece[r->piece_count++] = (struct cpu_piece){va, (uint32_t)len, record + at + 16};
        at += 16 + (uint32_t)align_up(len, 8);
        if (at > head->size)
            return;
    }
}

/* What it does not have is left as it is. */
static void get_record(const uint64_t *words, const struct record_head *head, struct cpu_record *r)
{
    r->returned = head->returned;
    r->piece_count = 0;
    r->key = words[RECORD_KEY];
    r->slot = words[RECORD_SLOT];
    r->stack = words[RECORD_STACK];
    if (head->returned) {
        r->result[0] = words[RECORD_RESULT];
        r->result[1] = words[RECORD_RESULT2];
        r->last_error = (uint32_t)words[RECORD_ERROR];
    } else {
        r->back = words[RECORD_BACK];
        for (unsigned i = 0; i < head->args; i++)
            r->arg[i] = words[RECORD_CALL_WORDS + i];
    }
    if (head->pieces)
        get_pieces((const uint8_t *)words, head, r);
}

struct x86_state *cpu_notes_next(struct cpu_notes *n, struct cpu_record *r)
{
    struct cpu_note_thread *t = n->have_taken ? earliest(n) : NULL;
    if (!t)
        return NULL;
    const uint64_t *words = next_of(t), when = words[RECORD_WHEN] + n->behind;
    const struct record_head head = head_of(words);
    r->ago = n->told_tsc > when ? (uint64_t)((double)(n->told_tsc - when) * n->ns_per_tick) : 0;
    get_record(words, &head, r);
    t->taken_at += head.size;
    return t->taken_of;
}

void cpu_notes_tell_taken(struct cpu_notes *n)
{
    if (!n->have_taken)
        return;
    n->told_tsc = __rdtsc();
    n->cfg->on_records(n->cfg->ctx);
    n->have_taken = false;
    for (unsigned i = 0; i < n->count; i++)
        n->thread[i].taken_at = n->thread[i].taken_end = 0;
}

void cpu_notes_tell(struct cpu_notes *n)
{
    cpu_notes_tell_taken(n);
    if (take(n))
        cpu_notes_tell_taken(n);
}
